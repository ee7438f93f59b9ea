# Files in the WAL: every fault point, a folder that is not there, a copy of the server,
# a syncer that is stopped, and a disk that fails.

use strict;
use warnings;

use FfuTest qw(points slurp);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('wal', preload => 1, conf => <<'EOF');
ffu.pretend_in_order = on
ffu.wal = small
wal_writer_delay = 10s
checkpoint_timeout = 1h
EOF
my $node = $t->node;
my $root = $t->root;
my $salvage = $node->data_dir . '/ffu.salvage';
my $syncers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu syncer'};

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
});

sub arm
{
	$t->sql("INSERT INTO t VALUES (0, 'first', put('first')); DELETE FROM t WHERE id = 0; SELECT FROM ffu.sweep()");
	return $node->poll_query_until('postgres', "SELECT ($syncers) = 1") || die 'no syncer';
}

sub signal_syncer
{
	my ($signal) = @_;
	return kill $signal, split /\n/, $t->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu syncer'");
}

sub folder_is_right
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql("SELECT id, f FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', "$label: the bytes");
	return $t->folder_is_rows(['t.f'], $label);
}

# Waits until the postmaster has died by itself.
sub wait_dead
{
	my $lock_file = $node->data_dir . '/postmaster.pid';
	my $end = time + 60;
	my $pid = 0;
	until ($pid && !kill(0, $pid))
	{
		($pid) = -e $lock_file ? slurp($lock_file) =~ /^(\d+)/ : 0 unless $pid;
		waitpid($pid, POSIX::WNOHANG()) if $pid;
		die 'the server does not die' if time > $end;
		select undef, undef, undef, 0.05;
	}
	$t->wait_gone;
	return;
}

# Three committed rows whose files have lost their bytes.
sub lose_three
{
	arm();
	signal_syncer('STOP');
	$t->sql("INSERT INTO t SELECT i, 'lost' || i, put('lost' || i) FROM generate_series(1, 3) i");
	my @files = $t->files;
	$t->crash;
	truncate("$root/$_", 0) foreach @files;
	return;
}

### Fault points

my %left = map { $_ => 1 } grep { /^put-back-|^syncer-|^publish-after-(?:queue|log)$/ } points();
foreach my $point (grep { /^publish/ } sort keys %left)
{
	foreach my $action ('crash', 'kill', 'error')
	{
		arm();
		$t->fault("$point:$action", "INSERT INTO t VALUES (1, 'a', put('a'))");
		$t->start if $action eq 'crash';
		is($t->sql('SELECT count(*) FROM t'), '0', "$action at $point: not committed");
		folder_is_right("$action at $point");
		delete $left{$point};
	}
}
foreach my $point (grep { /^put-back/ } sort keys %left)
{
	lose_three();
	# The launcher's sweeper is the first to use the folder.
	$node->append_conf('postgresql.conf', "ffu.fault = '$point:crash'\n");
	unlink $node->data_dir . '/postmaster.pid';
	command_ok([ 'pg_ctl', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=wal', '-W', 'start' ],
		"started, to crash at $point");
	wait_dead();
	$node->adjust_conf('postgresql.conf', 'ffu.fault', undef);
	$t->start;
	is($t->sql('SELECT count(*) FROM t'), '3', "crash at $point: committed");
	folder_is_right("crash at $point");
	is_deeply([ glob("$salvage/*") ], [], 'and the salvage is empty');
	$t->sql('DELETE FROM t');
	delete $left{$point};
}

# The syncer dies before its sync.
arm();
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (1, 'a', put('a'))");
my $log = -s $node->logfile;
signal_syncer('KILL');
$t->wait_recovered($log);
folder_is_right('the syncer was killed');
arm();
$t->sql('ALTER SYSTEM SET ffu.fault = \'syncer-before-sync:kill\'');
$log = -s $node->logfile;
$t->sql("SELECT pg_reload_conf()");
$t->try("INSERT INTO t VALUES (2, 'b', put('b'))");
$t->wait_recovered($log);
delete $left{'syncer-before-sync'};
$t->sql('ALTER SYSTEM RESET ffu.fault');
$t->sql('SELECT pg_reload_conf()');
folder_is_right('the syncer died before its sync');
is_deeply([ sort keys %left ], [], 'every fault point is reached');

### A syncer that stands still: checkpoints wait, and a full queue is no obstacle

arm();
$t->sql('CHECKPOINT');
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (3, 'c', put('c'))");
my $checkpoint = $t->session;
$checkpoint->send_only('CHECKPOINT');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'CheckpointDone'"), 'a checkpoint is under way');
my $redo = q{SELECT redo_lsn FROM pg_control_checkpoint()};
my $before = $t->sql($redo);
# The queue has room for 2048 files.
$t->sql("DO \$\$ BEGIN FOR i IN 1..420 LOOP INSERT INTO t SELECT 1000 + 5 * i + k, 'q', put('q') FROM generate_series(0, 4) k; COMMIT; END LOOP; END \$\$");
is($t->sql('SELECT count(*) FROM t WHERE id >= 1000'), '2100', 'more files than the queue takes are stored');
is($t->sql($redo), $before, 'the checkpoint waits');
signal_syncer('CONT');
$checkpoint->wait_done;
isnt($t->sql($redo), $before, 'and goes on with the syncer');
$checkpoint->quit;
folder_is_right('after a full queue');
$t->sql('DELETE FROM t');
$t->sql('SELECT FROM ffu.sweep()');

# The syncer is asked to go: nothing waits for it, and the next file brings it back.
arm();
signal_syncer('TERM');
ok($node->poll_query_until('postgres', "SELECT ($syncers) = 0"), 'the syncer ends when it is told to');
$t->sql('CHECKPOINT');
ok(arm(), 'and is back with the next small file');

### The folder is away when the server starts

lose_three();
rename $root, "$root-away" or die;
$t->start;
is($t->sql('SELECT count(*) FROM t'), '3', 'without the folder the server recovers all the same');
like($t->fails_with('55000', 'SELECT ffu.content(f) FROM t'), qr/cannot be used/, 'nobody can read files');
$t->stop('immediate');
$t->start;
ok(-s (glob("$salvage/*"))[0], 'the files wait in the data directory, over another recovery');
rename "$root-away", $root or die;
folder_is_right('the folder is back');
is_deeply([ glob("$salvage/*") ], [], 'and the salvage is empty');
$t->sql('DELETE FROM t');

### A copy of the server does not touch the folder of the original

lose_three();
my $copy = PostgreSQL::Test::Cluster->new('copy');
system('cp', '-a', $node->data_dir, $copy->data_dir) == 0 or die;
unlink $copy->data_dir . '/postmaster.pid';
$copy->append_conf('postgresql.conf', 'port = ' . $copy->port . "\nunix_socket_directories = '" . $copy->host . "'\n");
$copy->start;
is($copy->safe_psql('postgres', 'SELECT count(*) FROM t'), '3', 'the copy recovers');
my ($rc, $out, $err) = $copy->psql('postgres', 'SELECT FROM ffu.sweep()');
like($err, qr/last used by another copy of this database cluster/, 'and may not use the folder');
is(join(' ', map { -s "$root/$_" } $t->files), '0 0 0', 'which it has left alone');
system('cp', '-a', $root, "$root-copy") == 0 or die;
$copy->safe_psql('postgres', "SELECT ffu.claim_folder('$root-copy')");
is($copy->safe_psql('postgres', "SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ' ' ORDER BY id) FROM t"),
	'lost1 lost2 lost3', 'with a folder of its own it has the files');
$copy->stop;
is(join(' ', map { -s "$root/$_" } $t->files), '0 0 0', 'and the original is as it was');
$t->start;
folder_is_right('the original has its files as well');
$t->sql('DELETE FROM t');

### A disk that fails under the syncer: the server restarts, and has the bytes

$t->sql('ALTER SYSTEM SET restart_after_crash = off');
$t->restart;
arm();
$t->sql("ALTER SYSTEM SET ffu.fault = 'write-out:EIO'");
$t->try("SELECT pg_reload_conf(); INSERT INTO t VALUES (1, 'a', put('a'))");
$t->wait_gone;
like(slurp($node->logfile), qr/PANIC:  could not write out file/, 'a file that cannot be written out: PANIC');
my $auto = $node->data_dir . '/postgresql.auto.conf';
my $conf = slurp($auto) =~ s/^ffu\.fault.*\n//mr;
open(my $fh, '>', $auto) or die;
print $fh $conf;
close($fh);
$t->start;
is($t->sql('SELECT count(*) FROM t'), '1', 'committed');
folder_is_right('after the restart');

### Refused where the WAL could not be replayed

$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->adjust_conf('postgresql.conf', 'ffu.wal', undef);
$t->restart;
my $error = $t->fails_with('55000', "LOAD 'ffu'; SET ffu.wal = small");
like($error, qr/Add ffu to shared_preload_libraries/, 'the error says what to do');
$t->sql("INSERT INTO t VALUES (2, 'b', put('b'))");
folder_is_right('without preload');

$t->stop;
done_testing();
