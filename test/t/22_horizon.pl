# What keeps a deleted file, and what must not: every kind of snapshot of this
# database does, others do not; ffu.pending_deletions says which it is.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $t = FfuTest->new('horizon', conf => "wal_level = logical\nhot_standby_feedback = on\n");
my $node = $t->node;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 20) i;
	CREATE DATABASE other;
});
my $id = 0;

# Deletes the next row; returns its path.
sub delete_next
{
	my $path = $t->sql('SELECT f FROM t WHERE id = ' . ++$id);
	$t->sql("DELETE FROM t WHERE id = $id");
	return $path;
}

# Is held, by what matches; and the sweep leaves it alone.
sub is_held
{
	my ($path, $by, $what) = @_;
	is($t->sql('SELECT deleted, waiting FROM ffu.sweep()'), '0|1', "$what: it waits");
	like($t->sql("SELECT held_by FROM ffu.pending_deletions WHERE path = '$path'"), $by, "$what: and is said to");
	ok(-f $t->root . "/$path", "$what: the file is there");
	return;
}

# Nothing holds it: removed at once, or by the sweep.
sub is_gone
{
	my ($path, $what) = @_;
	$t->sql('SELECT FROM ffu.sweep()');
	ok(!-e $t->root . "/$path", "$what: the file is gone");
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', "$what: and struck off");
	return;
}

my $session = $t->session;
my $pid = $session->pid;
my $snapshot = qr/snapshot of process $pid \(client backend\), [\d:]+ old/;

foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	$session->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM t");
	my $path = delete_next();
	is_held($path, $snapshot, $level);
	is($session->query("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = $id"), "a$id", "$level: it is read");
	$session->query('COMMIT');
	is_gone($path, $level);
}

# An open cursor of a READ COMMITTED transaction.
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT id, f FROM t ORDER BY id; FETCH 1 FROM c');
my $path = delete_next();
is_held($path, $snapshot, 'cursor');
$session->query('COMMIT');
is_gone($path, 'cursor');

# A cursor WITH HOLD keeps rows, not a snapshot.
$session->query('BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT id, f FROM t ORDER BY id; COMMIT');
$path = delete_next();
is_gone($path, 'cursor with hold');
like($session->query('FETCH 1 FROM h'), qr/\Q$path\E/, 'cursor with hold: the path is still in the row');
$session->query('CLOSE h');

# An exported snapshot, taken over by another session after the delete.
my $exporter = $t->session;
$exporter->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $exported = $exporter->query('SELECT pg_export_snapshot()');
$path = delete_next();
$session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '$exported'");
is($session->query("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = $id"), "a$id", 'exported snapshot: read by its importer');
$exporter->query('COMMIT');
is_held($path, $snapshot, 'exported snapshot');
$session->query('COMMIT');
is_gone($path, 'exported snapshot');

# A prepared transaction that was there before.
$session->query("BEGIN; CREATE TABLE p (); PREPARE TRANSACTION 'it''s mine'");
$path = delete_next();
is_held($path, qr/prepared transaction 'it''s mine'/, 'prepared transaction');
$session->query("ROLLBACK PREPARED 'it''s mine'");
is_gone($path, 'prepared transaction');

# A standby that says what its queries need.
$node->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('feedback')");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf',
	"primary_slot_name = 'feedback'\nhot_standby_feedback = on\nwal_receiver_status_interval = 1\n");
$standby->start;
my $reader = $standby->background_psql('postgres') if $standby->can('background_psql');
SKIP:
{
	skip 'this release of the test modules has no background_psql', 5 unless $reader;
	$node->wait_for_catchup($standby);
	$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	$reader->query_safe('SELECT count(*) FROM t');
	$node->poll_query_until('postgres',
		"SELECT xmin IS NOT NULL FROM pg_replication_slots WHERE slot_name = 'feedback'");
	$path = delete_next();
	is_held($path, qr/replication slot 'feedback'/, 'standby');
	$reader->query_safe('COMMIT');
	$reader->quit;
	$node->poll_query_until('postgres',
		"SELECT coalesce(age(xmin) < 2, true) FROM pg_replication_slots WHERE slot_name = 'feedback'");
	$standby->stop;
	$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('feedback')");
	is_gone($path, 'standby');
}

# Another database's transaction, and a logical slot, hold nothing here.
my $elsewhere = do { local $t->{database} = 'other'; $t->session };
$elsewhere->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id()');
is_gone(delete_next(), "another database's transaction");
$elsewhere->query('COMMIT');
$t->sql("SELECT pg_create_logical_replication_slot('logical', 'pgoutput')");
is_gone(delete_next(), 'logical slot');
$t->sql("SELECT pg_drop_replication_slot('logical')");

$t->folder_is_rows(['t.f'], 'the folder equals the rows');
$t->stop;
done_testing();
