# How a commit with files reaches the disk. The server flushes its record whatever
# synchronous_commit says, and the record is like any other: a standby that
# replays a record marked by ForceSyncCommit() flushes its control file for it.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('flush');
# Nobody else flushes the WAL meanwhile.
$t->node->append_conf('postgresql.conf', "wal_writer_delay = 10s\nautovacuum = off\n");
$t->restart;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', 'a') FROM generate_series(1, 5) i;
});

# What a commit does that may not be lost, and a row without a file for comparison.
my %work = (
	'a file stored' => "INSERT INTO t VALUES (10, ffu.file('a.txt', 'a'))",
	'a file replaced' => "UPDATE t SET f = ffu.file('b.txt', 'b') WHERE id = 1",
	'a file deleted' => 'DELETE FROM t WHERE id = 2',
	'a table truncated' => 'TRUNCATE t',
	'a resumable upload finished' => 'INSERT INTO t SELECT 11, ffu.upload_finish(u) FROM begun');
my $session = $t->session;
$session->query("SET synchronous_commit = off; SET application_name = 'flush'");
$session->query("CREATE TABLE begun AS SELECT ffu.upload_begin('c.txt', true) AS u");

# Is the record of the commit of $sql still missing in the flushed WAL?  (The position alone
# does not tell: whoever reads the catalogs after a TRUNCATE may prune a page of pg_class.)
sub is_lazy
{
	my ($sql) = @_;
	my $begin = $session->query('CHECKPOINT; SELECT pg_current_wal_insert_lsn()');
	my $flushed = $session->query("BEGIN; $sql; COMMIT; SELECT pg_current_wal_flush_lsn()");
	is($session->errors, '', "done: $sql");
	my ($flushed_records) = run_command([ 'pg_waldump', '--path', $t->node->data_dir . '/pg_wal',
		'--rmgr', 'Transaction', '--start', $begin, '--end', $flushed ]);
	return $flushed_records !~ /\bCOMMIT\b/;
}

my $start = $t->sql('SELECT pg_current_wal_insert_lsn()');
ok(is_lazy('INSERT INTO t VALUES (20)'), 'a commit without a file obeys synchronous_commit = off');
foreach my $what ('a file stored', 'a file replaced', 'a file deleted', 'a resumable upload finished', 'a table truncated')
{
	ok(!is_lazy($work{$what}), "$what: flushed");
	is($session->query('SHOW synchronous_commit'), 'off', "$what: and the setting is what it was");
}

# However a transaction ends, the setting is the session's own again.
my $store = "INSERT INTO t VALUES (30, ffu.file('a.txt', 'a'))";
foreach my $end ('ROLLBACK', "PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'")
{
	$session->query("BEGIN; $store; $end");
	is($session->query('SHOW synchronous_commit'), 'off', "$end: the setting is what it was");
}
$session->query("SET ffu.fault = 'publish-end:error'");
$session->query($store);
like($session->errors, qr/publish-end/, 'an error after the flush was asked for');
is($session->query("SET ffu.fault = ''; SHOW synchronous_commit"), 'off', 'an error: the setting is what it was');
ok(is_lazy('INSERT INTO t VALUES (21)'), 'and the next commit obeys it');
$session->query("SET synchronous_commit = on");
$session->query("BEGIN; SET LOCAL synchronous_commit = off; $store; COMMIT");
is($session->query('SHOW synchronous_commit'), 'on', 'SET LOCAL ends with the transaction');
$session->quit;

# What a marked record looks like
$t->sql('CREATE DATABASE marked');
my $end = $t->sql('SELECT pg_switch_wal()');
my ($records) = run_command(
	[ 'pg_waldump', '--path', $t->node->data_dir . '/pg_wal', '--rmgr', 'Transaction', '--start', $start, '--end', $end ]);
my @commits = grep { /\bCOMMIT\b/ } split /\n/, $records;
cmp_ok(scalar(@commits), '>', 6, 'the records of the commits');
is(scalar(grep { /; sync/ } @commits), 1, 'CREATE DATABASE alone marks its record');
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f']);

# A removed staging name is durable before its file is removed.  If not, a file system
# without a journal gives the inode to a directory while the name is on the disk.
my $path = $t->sql("INSERT INTO t VALUES (40, ffu.file('a.txt', 'a')) RETURNING f::text");
my $reader = $t->session;
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
$t->sql('DELETE FROM t WHERE id = 40');
$reader->query('COMMIT');
$reader->quit;
like(($t->fault('fsync:EIO', 'SET ffu.fsync = strict; SELECT FROM ffu.sweep()'))[2], qr/58030.*staging/s,
	'the sweep syncs the staging directory,');
ok(-e $t->root . "/$path", 'and before it removes the file');
$t->sql('SELECT FROM ffu.sweep()');
ok(!-e $t->root . "/$path", 'the next sweep removes the file');

# Is the transaction's WAL flushed when a file has got its path and is durable, just
# before the commit?
sub is_flushed_early
{
	my $gate = $t->session;
	$gate->query('SELECT pg_advisory_lock(4660); CHECKPOINT');
	my $writer = $t->session;
	$writer->query("SET ffu.fault = 'publish-end:wait'");
	$writer->send_only("INSERT INTO t SELECT max(id) + 1, ffu.file('a.txt', 'a') FROM t");
	$t->node->poll_query_until('postgres',
		"SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = " . $writer->pid . ')')
	  or die 'the writer does not get there';
	my $flushed = $gate->query('SELECT pg_current_wal_flush_lsn() = pg_current_wal_insert_lsn()');
	$gate->quit;
	$writer->wait_done;
	$writer->quit;
	return $flushed;
}

is(is_flushed_early(), 't', 'not preloaded: three flushes, of the id, the file, and the commit');
$t->node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\n");
$t->restart;
is(is_flushed_early(), 'f', 'preloaded: two flushes, of the file and the commit');
my $one = "INSERT INTO t SELECT max(id) + 1, ffu.file('a.txt', 'a') FROM t";
like(($t->fault('fsync:EIO', $one))[2], qr/58030/, 'the commit syncs the file');

$t->node->append_conf('postgresql.conf', "ffu.wal = small\nffu.pretend_in_order = on\n");
$t->restart;
$t->sql($one);
ok($t->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ffu syncer'"),
	'the first small file in the WAL brings the syncer');
is(is_flushed_early(), 'f', 'ffu.wal = small: one flush, of the commit,');
foreach my $call ('fsync', 'syncfs', 'write-out', 'write-behind')
{
	is(($t->fault("$call:EIO", $one))[0], 0, "and no $call by the commit or before");
}
$t->folder_is_rows(['t.f']);

$t->stop;
done_testing();
