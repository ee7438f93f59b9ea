# Failover slots and pg_createsubscriber (17): a subscriber goes on with the standby that
# was promoted, and a standby becomes a subscriber with a copy of the folder.

use strict;
use warnings;

use FfuTest qw(major);
use Test::More;

plan skip_all => 'failover slots and pg_createsubscriber come with PostgreSQL 17' if major() < 17;

# A standby of $t with a slot of its own and further settings.
sub standby
{
	my ($t, $name, $conf) = @_;
	my $primary = $t->node;
	$t->sql("SELECT FROM pg_create_physical_replication_slot('$name')");
	$primary->backup($name);
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, $name, has_streaming => 1);
	my $conninfo = $primary->connstr('postgres') =~ s/'/''/gr . " application_name=$name";
	$node->append_conf('postgresql.conf', qq{
		primary_conninfo = '$conninfo'
		primary_slot_name = '$name'
		hot_standby_feedback = on
		$conf
	});
	$node->start;
	$primary->wait_for_catchup($node);
	return bless { %$t, node => $node }, 'FfuTest';
}

my $declare = q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f');
};
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs ORDER BY id";
my $rows = 'SELECT * FROM docs ORDER BY id';

# 1. Failover slots
my $t = FfuTest->new('primary', conf => "wal_level = logical\n");
$t->sql($declare);
$t->sql("INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i; CREATE PUBLICATION p FOR TABLE docs");
my $subscriber = FfuTest->new('subscriber', folder => 0);
$subscriber->sql('CREATE EXTENSION ffu');
$subscriber->sql($declare);
$subscriber->sql('CREATE SUBSCRIPTION s CONNECTION $$' . $t->node->connstr('postgres') . '$$ PUBLICATION p WITH (failover)');
$subscriber->node->wait_for_subscription_sync($t->node, 's');
my $s = standby($t, 'standby', 'sync_replication_slots = on');
$t->sql("ALTER SYSTEM SET synchronized_standby_slots = 'standby'; SELECT pg_reload_conf()");
$t->sql("INSERT INTO docs VALUES (6, ffu.file('b.txt', 'v6')); DELETE FROM docs WHERE id = 1");
$t->node->wait_for_catchup('s');
$s->node->poll_query_until('postgres',
	"SELECT synced AND NOT temporary AND failover FROM pg_replication_slots WHERE slot_name = 's'")
  or die 'the slot is not synchronized';
is($subscriber->sql($rows), $t->sql($rows), 'the subscriber has the rows');
my $was = $t->sql($content);
$t->node->wait_for_catchup($s->node);
$t->stop('immediate');
$s->node->promote;
$s->fails_with('55000', $content, 'promoted: the folder is refused');
$s->sql("SELECT ffu.claim_folder('$s->{root}'); ALTER SYSTEM RESET primary_slot_name");
is($s->sql($content), $was, 'claimed: every file is there');
$subscriber->sql('ALTER SUBSCRIPTION s CONNECTION $$' . $s->node->connstr('postgres') . '$$');
$s->sql("INSERT INTO docs VALUES (7, ffu.file('c.txt', 'v7')); UPDATE docs SET f = ffu.file('c.txt', 'new') WHERE id = 2; DELETE FROM docs WHERE id = 3");
$s->node->wait_for_catchup('s');
is($subscriber->sql($rows), $s->sql($rows), 'the subscriber goes on with the promoted standby');
# A logical slot holds the catalog's rows, and no file.
$s->sql('SELECT FROM ffu.sweep()');
$s->folder_is_rows(['docs.f'], 'the synchronized slot holds no file');
is($s->sql('SELECT problem FROM ffu.status'), '', 'and ffu.status sees no problem');
$subscriber->stop('immediate');
$s->stop('immediate');

# 2. pg_createsubscriber
$t = FfuTest->new('publisher', conf => "wal_level = logical\n");
$t->sql($declare);
$t->sql("INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i");
$t->sql('DELETE FROM docs WHERE id = 5; SELECT FROM ffu.sweep()');
is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', 'nothing is doomed on the publisher');
$s = standby($t, 'becomes', '');
my $node = $s->node;
$node->stop;
$node->command_ok(
	[
		'pg_createsubscriber', '--recovery-timeout', 60, '--pgdata', $node->data_dir,
		'--publisher-server', $t->node->connstr('postgres'), '--socketdir', $node->host,
		'--subscriber-port', $node->port, '--database', 'postgres',
		'--publication', 'all_tables', '--subscription', 'became'
	],
	'pg_createsubscriber');
$node->start;
$s->fails_with('55000', $content, 'the new subscriber is refused the folder');
$t->sql("INSERT INTO docs VALUES (6, ffu.file('b.txt', 'v6')); UPDATE docs SET f = ffu.file('b.txt', 'new') WHERE id = 1; DELETE FROM docs WHERE id = 2");
$t->node->wait_for_catchup('became');
is($s->sql($rows), $t->sql($rows), 'rows arrive with their paths');
is($s->sql('SELECT * FROM ffu.deletion'), '', 'nothing is doomed there');
is($s->sql('SELECT enabled AND complete FROM ffu.columns'), 't', 'its columns are declared');
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['docs.f'], 'the publisher goes on');
$was = $t->sql($content);
my @files = $t->files;
$s->sql('DROP SUBSCRIPTION became');
$s->{root} = $node->basedir . '/root';
system('cp', '-a', $t->root, $s->root) == 0 or die 'cp';
$s->sql("SELECT ffu.claim_folder('$s->{root}')");
is($s->sql($content), $was, 'with a copy of the folder, claimed, every file is there');
$s->sql("INSERT INTO docs VALUES (8, ffu.file('n.txt', 'own')); DELETE FROM docs WHERE id = 3; SELECT FROM ffu.sweep()");
$s->folder_is_rows(['docs.f'], 'and it is a database like any other');
is_deeply([ $t->files ], \@files, "the publisher's folder is not touched");
is($t->sql($content), $was, 'and still its own');
$t->stop('immediate');
$node->stop('immediate');
done_testing();
