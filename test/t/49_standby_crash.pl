# Standbys with ffu.standby_files: a crash at every step of a delivery, and an inbox that
# is durable before a restartpoint.

use strict;
use warnings;

use FfuTest qw(points slurp wait_until);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('primary', preload => 1, conf => <<'EOF');
ffu.wal = all
ffu.pretend_in_order = on
checkpoint_timeout = 1h
wal_keep_size = 512MB
EOF
my $primary = $t->node;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file('name.txt', convert_to($1, 'UTF8'));
	INSERT INTO t VALUES (0, 'first', put('first'));
});
$primary->backup('base');
my $node = PostgreSQL::Test::Cluster->new('standby');
$node->init_from_backup($primary, 'base', has_streaming => 1);
my $folder = $node->basedir . '/folder';
system('cp', '-a', $t->root, $folder) == 0 or die 'cp';
$node->append_conf('postgresql.conf', "ffu.standby_files = on\nffu.folder_map = '" . $t->root . "=$folder'\n");
$node->start;
my $s = bless { %$t, node => $node, root => $folder }, 'FfuTest';
$s->sql('SELECT ffu.adopt_folder()');

sub caught_up { return $primary->wait_for_catchup($node, 'replay', $primary->lsn('flush')); }

sub follows
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	caught_up();
	is($s->sql('SELECT count(*) FROM t'), $t->sql('SELECT count(*) FROM t'), "$label: the rows");
	is($s->sql("SELECT id FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', "$label: every row has its file");
	my @want = sort split / /, $t->sql(q{SELECT string_agg(f, ' ') FROM t});
	my $end = time + 90;
	select undef, undef, undef, 0.1 while (join(' ', $s->files) ne join(' ', @want) || $s->staging) && time < $end;
	is_deeply([ $s->files ], \@want, "$label: the folder follows the rows");
	return is_deeply([ $s->staging ], [], 'and its staging directory is empty');
}

# The segments of the standby's inbox
sub segments { return grep { /\.\d+$/ } glob($node->data_dir . '/ffu.inbox/*'); }

# Waits until the standby's postmaster has died by itself.
sub wait_dead
{
	my $end = time + 90;
	my $pid = $node->{_pid};
	until (!$pid || !kill(0, $pid))
	{
		waitpid($pid, POSIX::WNOHANG());
		die 'the standby does not die' if time > $end;
		select undef, undef, undef, 0.05;
	}
	$s->wait_gone;
	$node->{_pid} = undef;
	return unlink $node->data_dir . '/postmaster.pid';
}

follows('at the start');

my %left = map { $_ => 1 } grep { /^deliver-/ } points();
my $id = 1;
foreach my $point (sort(keys %left), 'put-back-after-name', 'put-back-after-file')
{
	# A removal that waits
	$t->sql("INSERT INTO t VALUES ($id, 'waits', put('waits'))");
	follows("before $point");
	my $old = $s->session;
	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
	$t->sql("DELETE FROM t WHERE id = $id; SELECT FROM ffu.sweep()");
	caught_up();
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_ls_dir('ffu.inbox') f WHERE f LIKE '%.removals'") or die;
	# From here on the deliverers meet the fault; the next start begins another segment.
	$node->append_conf('postgresql.conf', "ffu.fault = '$point:crash'\n");
	$node->reload;
	$t->sql("INSERT INTO t SELECT $id + i, x, put(x) FROM generate_series(1, 3) i, repeat('x', 100000 * i) x;
		DELETE FROM t WHERE id = $id + 1");
	if ($point =~ /before-(?:sync|remove)/)
	{
		$old->quit;
		$s->stop('immediate');
		$t->sql("SELECT FROM ffu.sweep(); INSERT INTO t SELECT $id + 4, x, put(x) FROM repeat('y', 300000) x");
		command_ok([ 'pg_ctl', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=standby', '-W', 'start' ], "started, to crash at $point");
		my $lock_file = $node->data_dir . '/postmaster.pid';
		my $end = time + 60;
		select undef, undef, undef, 0.02 until (-e $lock_file && slurp($lock_file) =~ /^(\d+)/) || time > $end;
		$node->{_pid} = slurp($lock_file) =~ /^(\d+)/ ? $1 : die;
	}
	else
	{
		eval { $old->quit };
	}
	wait_dead();
	$node->adjust_conf('postgresql.conf', 'ffu.fault', undef);
	$node->start;
	$t->sql('SELECT FROM ffu.sweep()');
	follows("crash at $point");
	$t->sql('DELETE FROM t WHERE id > 0; SELECT FROM ffu.sweep()');
	$id += 10;
	delete $left{$point};
}
is_deeply([ sort keys %left ], [], 'every fault point is reached');

### A large file, whose first pieces are in the folder only: their segment is removed

# Begins to store a file of 20 MB, and stops after 18 MB. Ends when the standby has
# delivered these, removed their segment and made a restartpoint. The session waits for the advisory lock.
sub begin_large
{
	my ($lock, $writer) = @_;
	$lock->query('SELECT pg_advisory_lock(4660)');
	$writer->query("SET ffu.fault = 'publish-after-log:wait:72'");
	$writer->send_only("INSERT INTO t SELECT $id, x, put(x) FROM repeat('l', 20000000) x");
	$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") or die;
	$t->sql('CHECKPOINT');
	caught_up();
	# A restart is to begin here: the pieces do not come again.
	$s->sql('CHECKPOINT');
	return $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_ls_dir('ffu.inbox') f WHERE f ~ '\\.\\d+\$'") || die;
}

foreach my $point ('put-back-after-rename', 'put-back-after-name', 'put-back-after-file')
{
	my ($lock, $writer) = ($t->session, $t->session);
	begin_large($lock, $writer);
	$node->append_conf('postgresql.conf', "ffu.fault = '$point:crash'\n");
	$node->reload;
	$lock->query('SELECT pg_advisory_unlock(4660)');
	$writer->wait_done;
	$_->quit foreach $lock, $writer;
	wait_dead();
	$node->adjust_conf('postgresql.conf', 'ffu.fault', undef);
	$node->start;
	follows("a large file and a crash at $point");
	$t->sql("DELETE FROM t WHERE id = $id; SELECT FROM ffu.sweep()");
	$id++;
}

# The bytes of the pieces are durable before the file has its path. A setting of the
# database reaches the sessions and workers of the standby, but not its redo.
{
	my ($lock, $writer) = ($t->session, $t->session);
	begin_large($lock, $writer);
	$lock->query("ALTER DATABASE postgres SET ffu.fault = 'fsync:EIO'");
	caught_up();
	$s->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ffu deliverer'");
	$lock->query('SELECT pg_advisory_unlock(4660)');
	$writer->wait_done;
	caught_up();
	my $path = $lock->query("SELECT f FROM t WHERE id = $id");
	like($s->fails_with('58030', "SELECT ffu.content(f) FROM t WHERE id = $id"), qr/could not put back file "\Q$path\E"/, 'a large file that cannot be made durable is named');
	ok(!-e "$s->{root}/$path", 'and has no path');
	$lock->query('ALTER DATABASE postgres RESET ffu.fault');
	$_->quit foreach $lock, $writer;
	follows('after the failure');
	$id++;
}

# The folder is durable before a segment of the inbox goes: here that fails.
{
	my $session = $t->session;
	$session->query("ALTER DATABASE postgres SET ffu.fault = 'syncfs:EIO'");
	$session->query("INSERT INTO t VALUES ($id, 'segment', put('segment'))");
	caught_up();
	my @segments = segments();
	cmp_ok(scalar @segments, '>', 0, 'the inbox has a segment');
	my $size = -s $node->logfile;
	# The next start begins another segment.
	$s->restart;
	ok(wait_until(sub { substr(slurp($node->logfile), $size) =~ /could not sync folder .*Input\/output error/ }), 'the folder cannot be made durable');
	is_deeply([ grep { -e } @segments ], \@segments, 'and the segment stays');
	$session->query('ALTER DATABASE postgres RESET ffu.fault');
	$session->quit;
	follows('after the folder failed');
	ok(wait_until(sub { !grep { -e } @segments }), 'then the segment goes');
	$id++;
}

# Redo of a checkpoint record makes the inbox durable first: here that fails.
follows('before the last');
$node->append_conf('postgresql.conf', "ffu.fault = 'fsync:EIO'\n");
$node->reload;
$t->sql("INSERT INTO t VALUES ($id, 'durable', put('durable'))");
caught_up();
is($s->sql("SELECT label FROM t WHERE id = $id"), 'durable', 'a record is put into the inbox without a sync');
$t->sql('CHECKPOINT');
wait_dead();
like(slurp($node->logfile), qr/FATAL:  could not write directory "ffu\.inbox": Input\/output error/, 'a checkpoint record is not replayed before the inbox is durable');
$node->adjust_conf('postgresql.conf', 'ffu.fault', undef);
$node->start;
follows('at the end');

$s->stop;
$t->stop;
done_testing();
