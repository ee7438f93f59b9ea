# After a crash the server gives transaction ids out again that were not in flushed
# WAL. Where ffu is preloaded a file may have its path before its id is there, so what
# the commit log says of the id may be about a stranger: then rows decide (I9).

use strict;
use warnings;

use FfuTest;
use Test::More;

# Nobody else flushes the WAL. The launcher sweeps when the server starts, before
# strangers come or after.
my $t = FfuTest->new('lost_ids', preload => 1, conf => "wal_writer_delay = 10s\nffu.naptime = '1h'\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	CREATE TABLE other (id int PRIMARY KEY);
	SELECT ffu.add_column('other', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', 'a') FROM generate_series(1, 5) i;
});

my $next_id = 10;

# A statement that stores a file.
sub store
{
	my ($table) = @_;
	$next_id++;
	return sprintf "INSERT INTO %s VALUES ($next_id, ffu.file('b.txt', 'b'));", $table // 't';
}

# The ids of the names in staging that have a path, and with a run, those of them.
sub named
{
	my ($run) = @_;
	my $pattern = $run ? qr{^[0-9a-f]/(\d+)\.\d+\.\d+:} : qr{^[0-9a-f]/(\d+)\.\d+:};
	return map { /$pattern/ ? $1 : () } $t->staging;
}

# Loads ffu when the server starts, or not.
sub preload
{
	my ($on) = @_;
	$t->node->append_conf('postgresql.conf', sprintf "shared_preload_libraries = '%s'\n", $on ? 'ffu' : '');
	return;
}

# Commits other work until an id has been given out again. Returns what became of the id.
sub strangers_take
{
	my ($fxid) = @_;
	while ($t->sql('SELECT pg_current_xact_id()::text') < $fxid) { }
	return $t->sql("SELECT pg_xact_status('$fxid')");
}

# All is settled, and nothing is left to the sweep.
sub settled
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($t->sql('SELECT open + unclear + failed FROM ffu.sweep()'), 0, "$label: nothing is left");
	return $t->folder_is_rows([ 't.f', 'other.f' ], "$label: the folder equals the rows");
}

# Waits until this number of sessions waits in ffu.sweep().
sub waiting
{
	my ($sessions, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($t->node->poll_query_until('postgres', "SELECT count(*) = $sessions FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'ffu.sweep'"), $what);
}

# Stores a file and crashes with all of it on the disk but the id. Returns the id.
sub lose_an_id
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql('CHECKPOINT');
	$t->fault('publish-end:crash', store());
	my @lost = named(1);
	is(scalar(@lost), 1, "$label: the name says its run");
	return $lost[0];
}

# Stores a file and crashes right after the commit record. Where ffu is preloaded, SET
# is the first commit that gets there. The launcher's first sweep may come after the
# commit and take the name away: then once more.
sub crash_committed
{
	my ($preloaded, $before) = @_;
	my @left;
	foreach my $try (1 .. 10)
	{
		$t->fault('commit-after-record:crash' . ($preloaded ? ':1' : ''), ($before // '') . store());
		@left = named($preloaded);
		last if @left || !$preloaded;
		$t->start;
	}
	@left == 1 or die "not one name is left: @left";
	return $left[0];
}

my $lost = lose_an_id('an id is lost');
$t->start;
is(strangers_take($lost), 'committed', 'an id is lost: a stranger has it, and commits');
settled('an id is lost');

# The same, and the server crashes again before the stranger has come, and after.
$lost = lose_an_id('two crashes');
$t->start;
$t->crash;
$t->start;
is(strangers_take($lost), 'committed', 'two crashes: a stranger has the id');
$t->sql('CHECKPOINT');
$t->crash;
$t->start;
settled('two crashes');

# The folder is away while the server starts, and starts again.
$lost = lose_an_id('the folder is away');
rename($t->root, $t->root . '.away') or die "could not rename: $!";
$t->start;
is(strangers_take($lost), 'committed', 'the folder is away: a stranger has the id');
$t->sql('CHECKPOINT');
$t->crash;
$t->start;
rename($t->root . '.away', $t->root) or die "could not rename: $!";
settled('the folder is away');

# The data directory was restored from a copy: ffu.claim_folder asks rows, too.
# COMMIT PREPARED leaves the name of a file that has committed.
$t->fault('publish-end:crash:1', 'BEGIN; ' . store() . "PREPARE TRANSACTION 'c'; COMMIT PREPARED 'c'; " . store());
is(scalar(named(1)), 2, 'a copy: two names are left, one of them committed');
my $control = $t->node->data_dir . '/global/pg_control';
system('cp', '-p', $control, "$control.copy") == 0 or die 'could not copy';
rename("$control.copy", $control) or die "could not rename: $!";
$t->start;
strangers_take((sort { $b <=> $a } named(1))[0]);
$t->fails_with('55000', 'SELECT FROM ffu.sweep()', 'a copy: nothing is swept');
$t->sql('SELECT ffu.claim_folder()');
settled('a copy');

# Without ffu in the run in which the stranger comes: its names do not say a run, and
# those of the run before are not believed.
foreach my $back (0, 1)
{
	my $label = 'no preload after the crash' . ($back ? ', and again afterwards' : '');
	$lost = lose_an_id($label);
	preload(0);
	$t->start;
	is(strangers_take($lost), 'committed', "$label: a stranger has the id");
	# The sweep at first use would settle the first name before the second is made.
	my $holder = $t->session;
	$holder->query('BEGIN; LOCK TABLE other');
	crash_committed(0);
	is(scalar(named(1)), 1, "$label: both kinds of names are there");
	preload($back);
	$t->start;
	settled($label);
	preload(1);
	$t->restart;
	$holder->quit;
}

# What has committed keeps its file, though its id is not believed either.
crash_committed(1);
preload(0);
$t->start;
like($t->sql("SELECT detail FROM ffu.check() WHERE problem = 'staging'"), qr/^It is older than the last start/, 'committed: ffu.check');
settled('committed');
preload(1);
$t->restart;

# The row is deleted before the name is settled, and a snapshot holds the file up.
crash_committed(1);
preload(0);
$t->start;
my $reader = $t->session;
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
# Above READ COMMITTED a session's first use does not look rows up.
$t->sql("BEGIN ISOLATION LEVEL REPEATABLE READ; DELETE FROM t WHERE id = $next_id; COMMIT");
is($t->sql('SELECT finished, undone, waiting FROM ffu.sweep()'), '1|0|1', 'deleted meanwhile: the file stays for the snapshot');
is(scalar($t->files), 1 + $t->sql('SELECT count(f) FROM t'), 'deleted meanwhile: it is there');
$reader->query('COMMIT');
$reader->quit;
settled('deleted meanwhile');

# A table that cannot be read now may have the row.
preload(1);
$t->restart;
crash_committed(1);
preload(0);
$t->start;
my $holder = $t->session;
$holder->query('BEGIN; LOCK TABLE other');
is($t->sql('SELECT finished, undone, unclear FROM ffu.sweep()'), '1|0|0', 'a row that is seen is enough');
preload(1);
$holder->quit;
$t->restart;
$lost = lose_an_id('a table is locked');
preload(0);
$t->start;
is(strangers_take($lost), 'committed', 'a table is locked: a stranger has the id');
$holder = $t->session;
$holder->query('BEGIN; LOCK TABLE other');
is($t->sql('SELECT finished, undone, unclear FROM ffu.sweep()'), '0|0|1', 'a table is locked: the name waits');
$holder->query('ROLLBACK');
settled('a table is locked');

# While another session verifies, ffu.sweep() waits.
preload(1);
$t->restart;
$t->sql('CHECKPOINT');
$t->fault('publish-end:crash', 'BEGIN;' . store() . store() . 'COMMIT;');
is(scalar(named(1)), 2, 'another session verifies: two names');
$lost = (named(1))[0];
preload(0);
$t->start;
is(strangers_take($lost), 'committed', 'another session verifies: a stranger has the id');
$holder->quit;
$holder = $t->session;
$holder->query('SELECT pg_advisory_lock(4660)');
my @sweepers = map { $t->session } 1, 2;
$sweepers[0]->send_only("SET ffu.fault = 'sweep-after-name:wait'; SELECT undone FROM ffu.sweep()");
waiting(1, 'another session verifies: it is about to');
$sweepers[1]->send_only('SELECT open + unclear + failed FROM ffu.sweep()');
waiting(2, 'another session verifies: ffu.sweep() waits');
$holder->query('SELECT pg_advisory_unlock(4660)');
is($sweepers[0]->wait_done, 2, 'another session verifies: it ends');
is($sweepers[1]->wait_done, 0, 'another session verifies: nothing is left to ffu.sweep()');
$_->quit foreach @sweepers;
settled('another session verifies');

# Autovacuum holds nothing up: these are its locks.
preload(1);
$t->restart;
$lost = lose_an_id('autovacuum');
preload(0);
$t->start;
is(strangers_take($lost), 'committed', 'autovacuum: a stranger has the id');
$holder->quit;
$holder = $t->session;
$holder->query('BEGIN; LOCK TABLE ffu.deletion, t, other IN SHARE UPDATE EXCLUSIVE MODE');
settled('autovacuum');

# A row that is about to change does not hide its path.
preload(1);
$t->restart;
crash_committed(1);
preload(0);
$t->start;
$holder->quit;
$holder = $t->session;
$holder->query("BEGIN ISOLATION LEVEL REPEATABLE READ; DELETE FROM t WHERE id = $next_id");
is($t->sql('SELECT finished, undone, unclear FROM ffu.sweep()'), '1|0|0', 'a deletion in progress: the row counts');
$holder->quit;
settled('a deletion in progress');

# Prepared transactions outlive starts of the server.
preload(1);
$t->restart;
foreach my $end ('COMMIT', 'ROLLBACK')
{
	$t->sql('BEGIN; ' . store() . "PREPARE TRANSACTION 'p'");
	$t->crash;
	$t->start;
	is($t->sql('SELECT open FROM ffu.sweep()'), 1, "$end PREPARED: prepared, it is left alone");
	$t->crash;
	$t->start;
	$t->sql("$end PREPARED 'p'");
	settled("$end PREPARED");
}

# pg_resetwal throws WAL away, and ids with it: a name that committed before the last
# checkpoint has its row, a name that committed after it has none.
$lost = crash_committed(1, store() . "CHECKPOINT;");
preload(0);
unlink($t->node->data_dir . '/postmaster.pid');
$t->node->command_ok([ 'pg_resetwal', '-f', '-D', $t->node->data_dir ], 'pg_resetwal');
$t->start;
strangers_take($lost);
is($t->sql('SELECT open + unclear + failed FROM ffu.sweep()'), 0, 'pg_resetwal: nothing is left');
is($t->sql("SELECT count(*) FROM ffu.check() WHERE problem IN ('missing', 'orphan')"), 0, 'pg_resetwal: the folder equals the rows');

$t->stop;
done_testing();
