# Logical replication: the subscriber's apply process fires no triggers (replica role),
# so paths arrive as they are, no file is touched, and with a copy of the folder beside
# it and claimed the subscriber can take over.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('publisher', conf => "wal_level = logical\n");
my $s = FfuTest->new('subscriber', folder => 0);
my $declare = q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f');
};
$t->sql($declare);
$t->sql("INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i");
$s->sql('CREATE EXTENSION ffu');
$s->sql($declare);

$t->sql('CREATE PUBLICATION p FOR TABLE docs');
$s->sql('CREATE SUBSCRIPTION s CONNECTION $$' . $t->node->connstr('postgres') . '$$ PUBLICATION p');
my $rows = 'SELECT * FROM docs ORDER BY id';

sub same
{
	my ($label) = @_;
	$t->node->wait_for_catchup('s');
	$s->node->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'") or die;
	return is($s->sql($rows), $t->sql($rows), $label);
}
same('the rows that were there arrive with their paths');
$t->sql("INSERT INTO docs VALUES (6, ffu.file('b.txt', 'v6')); UPDATE docs SET f = ffu.file('c.txt', 'new') WHERE id = 1; DELETE FROM docs WHERE id = 2");
same('so do changes');
is($s->sql('SELECT count(*) FROM ffu.deletion'), '0', 'nothing is doomed on the subscriber');
is($s->sql('SELECT relation, enabled, complete FROM ffu.columns'), 'docs|t|t', 'its columns are declared');
is($s->sql('SELECT count(ffu.url(f)) FROM docs'), '5', 'ffu.url works there');
$s->fails_with('55000', 'SELECT ffu.content(f) FROM docs', 'reading is refused without a folder');
$t->sql('TRUNCATE docs');
same('and TRUNCATE');
is($s->sql('SELECT count(*) FROM ffu.deletion'), '0', 'which dooms nothing there either');

# It takes over.
$t->sql("INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('w' || i, 'UTF8')) FROM generate_series(1, 5) i");
same('before the subscriber takes over');
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs ORDER BY id";
my $was = $t->sql($content);
$s->sql('DROP SUBSCRIPTION s');
$t->sql('SELECT FROM ffu.sweep()');
system('cp', '-a', $t->root, $s->root) == 0 or die 'cp';
$s->sql("SELECT ffu.claim_folder('$s->{root}')");
is($s->sql($content), $was, 'with a copy of the folder, claimed, every file is there');
$s->sql("INSERT INTO docs VALUES (7, ffu.file('a.txt', 'own')); DELETE FROM docs WHERE id = 1; SELECT FROM ffu.sweep()");
$s->folder_is_rows(['docs.f'], 'and it is a database like any other');
$t->folder_is_rows(['docs.f'], 'the publisher keeps its own');

$t->stop;
$s->stop;
done_testing();
