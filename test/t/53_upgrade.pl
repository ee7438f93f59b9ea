# pg_upgrade, as a drill, from this version to itself: the folder stays where it is, is
# not touched, and refused until ffu.claim_folder() in the new cluster; from then on the
# old cluster cannot use it.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $old = FfuTest->new('old');
$old->sql(q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f', max_size => '1 MB');
	CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
	SELECT ffu.add_column('parts', 'f');
	INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i;
	INSERT INTO parts VALUES (1, ffu.file('a.txt', 'part'));
	DELETE FROM docs WHERE id = 5;
});
my %query = (
	rows => 'SELECT * FROM docs ORDER BY id',
	declared => 'SELECT * FROM ffu.columns ORDER BY relation::text',
	paths => 'SELECT * FROM ffu.paths() ORDER BY path',
	urls => 'SELECT d.f_url, d.docs_f_url FROM docs d ORDER BY id');
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs ORDER BY id";
$old->sql('SELECT FROM ffu.sweep()');
my %was = map { $_ => $old->sql($query{$_}) } keys %query;
my $contents = $old->sql($content);
my @files = $old->files;

my $node = PostgreSQL::Test::Cluster->new('new');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
$old->stop;
my $bindir = $old->node->config_data('--bindir');
chdir $node->basedir or die;
$node->command_ok(
	[
		'pg_upgrade', '--no-sync', '-d', $old->node->data_dir, '-D', $node->data_dir,
		'-b', $bindir, '-B', $bindir, '-s', $node->host, '-p', $old->node->port, '-P', $node->port
	],
	'pg_upgrade');
$node->start;
my $new = bless { %$old, node => $node }, 'FfuTest';
is($new->sql($query{$_}), $was{$_}, "after pg_upgrade: $_") foreach sort keys %query;
is_deeply([ $new->files ], \@files, 'the folder is not touched');
is($new->sql('SELECT count(*) FROM ffu.columns WHERE NOT (enabled AND complete)'), '0', 'every column is complete');

# Its claim is dumped with the extension's tables by pg_upgrade, or not: in both
# cases it is for a human to say that the old cluster is over.
$new->fails_with('55000', $content, 'the folder is refused');
$new->fails_with('55000', "INSERT INTO docs VALUES (9, ffu.file('a.txt', 'x'))", 'and storing in it');
$new->sql("SELECT ffu.claim_folder('$new->{root}')");
is($new->sql($content), $contents, 'claimed: every file is there');
$new->sql("INSERT INTO docs VALUES (9, ffu.file('a.txt', 'x')); DELETE FROM docs WHERE id = 1; SELECT FROM ffu.sweep()");
$new->folder_is_rows([ 'docs.f', 'parts.f' ], 'and files come and go');
# The event trigger that ties computed fields is restored after them: claiming did it.
$new->sql('DROP TABLE docs; SELECT FROM ffu.sweep()');
$new->folder_is_rows(['parts.f'], 'a plain DROP TABLE works');
$node->stop;

$old->start;
like($old->fails_with('55000', $content, 'the old cluster cannot use it any more'), qr/last used by another database cluster/, 'and is told why');
$old->stop;
done_testing();
