# Servers with files in the WAL: who else reads the WAL, a standby without the library,
# and wal_level = minimal.

use strict;
use warnings;

use FfuTest qw(slurp);
use PostgreSQL::Test::Utils;
use Test::More;

my $declare = q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file('name.txt', convert_to($1, 'UTF8'));
};
my $all = "ffu.wal = all\nffu.pretend_in_order = on\ncheckpoint_timeout = 1h\n";
my $syncer = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu syncer'};
my $wrong = q{SELECT id FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label};

# A small file is stored, and the next one will be left to the syncer.
sub arm
{
	my ($t) = @_;
	$t->sql("INSERT INTO t VALUES (0, 'first', put('first')); DELETE FROM t WHERE id = 0");
	return $t->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($syncer) s");
}

# 1. Logical decoding and pg_waldump
my $t = FfuTest->new('decoded', preload => 1, conf => $all . "wal_level = logical\n");
$t->sql($declare);
$t->sql("INSERT INTO t VALUES (1, 'one', put('one'))");
$t->sql("SELECT FROM pg_create_logical_replication_slot('s', 'test_decoding')");
my $from = $t->sql('SELECT pg_current_wal_flush_lsn()');
$t->sql("INSERT INTO t SELECT 3, x, put(x) FROM repeat('l', 300000) x; DELETE FROM t WHERE id = 1; SELECT FROM ffu.sweep()");
my $decoded = $t->sql(q{SELECT string_agg(substr(data, 1, 30), ' | ') FROM pg_logical_slot_get_changes('s', NULL, NULL) WHERE data LIKE 'table public.%'});
like($decoded, qr/^table public\.t: INSERT: id\[int \| table public\.t: DELETE: id\[int$/, 'logical decoding sees the rows alone');
my ($dump) = run_command([ 'pg_waldump', '-p', $t->node->data_dir . '/pg_wal', '-s', $from, '-e', $t->sql('SELECT pg_current_wal_flush_lsn()') ]);
like($dump, qr/rmgr: custom128 .*\n(?:.*\n)*rmgr: custom128 /, 'pg_waldump goes through the records');
$t->sql("SELECT pg_drop_replication_slot('s')");

# 2. A standby without the library stops at the first record, with the server's own
# message; with the library it goes on.
$t->node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('without');
$standby->init_from_backup($t->node, 'base', has_streaming => 1);
$standby->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$standby->adjust_conf('postgresql.conf', 'ffu.wal', undef);
$standby->adjust_conf('postgresql.conf', 'ffu.pretend_in_order', undef);
$standby->start(fail_ok => 1);
$t->sql("INSERT INTO t VALUES (4, 'four', put('four'))");
my $end = time + 60;
my $fatal = qr/FATAL:  resource manager with ID 128 not registered/;
select undef, undef, undef, 0.1 until slurp($standby->logfile) =~ $fatal || time > $end;
like(slurp($standby->logfile), qr/$fatal\n.*HINT:  Include the extension module .* in "?shared_preload_libraries/, 'without the library: the error says what to do');
$standby->stop('immediate', fail_ok => 1);
$standby->{_pid} = undef;
unlink $standby->data_dir . '/postmaster.pid';
$standby->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'ffu'");
$standby->start;
$t->node->wait_for_catchup($standby, 'replay', $t->node->lsn('flush'));
is($standby->safe_psql('postgres', 'SELECT label FROM t WHERE id = 4'), 'four', 'with the library it goes on');
$standby->stop;
$t->stop;

# 3. wal_level = minimal: no standby, but a crash takes no file
$t = FfuTest->new('minimal', preload => 1, conf => $all . "wal_level = minimal\nmax_wal_senders = 0\n");
$t->sql($declare);
ok(arm($t), 'wal_level = minimal: the syncer runs');
kill 'STOP', $t->sql($syncer);
$t->sql("INSERT INTO t VALUES (1, 'one', put('one')); INSERT INTO t SELECT 2, x, put(x) FROM repeat('l', 300000) x;
	INSERT INTO t VALUES (3, 'gone', put('gone')); DELETE FROM t WHERE id = 3; SELECT FROM ffu.sweep()");
my $path = $t->sql('SELECT f FROM t WHERE id = 1');
$t->crash;
unlink $t->root . "/$path" or die;
$t->start;
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql($wrong), '', 'every row has its file');
$t->folder_is_rows(['t.f'], 'and the folder equals the rows');
$t->stop;

done_testing();
