# PREPARE TRANSACTION: whoever ends it, and whenever, the files end right. No
# extension is called by COMMIT PREPARED and ROLLBACK PREPARED; the sweep decides
# from the commit log. Crashes at each point on the way are in 10_crash.pl.

use strict;
use warnings;

use FfuTest qw(slurp);
use Test::More;

my $t = FfuTest->new('twophase');
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
});

# A bit of everything. Rows 1 to 4 are there; what it leaves if it commits:
my $work = q{
	INSERT INTO t VALUES (10, 'a', put('a')), (11, 'b', put('b'));
	UPDATE t SET label = 'new', f = put('new') WHERE id IN (1, 11);
	DELETE FROM t WHERE id = 2;
	SAVEPOINT s1;
	INSERT INTO t VALUES (12, 'lost', put('lost'));
	DELETE FROM t WHERE id = 3;
	ROLLBACK TO s1;
	SAVEPOINT s2;
	INSERT INTO t SELECT 13, label, f FROM t WHERE id = 3;
	DELETE FROM t WHERE id = 4;
	RELEASE s2;
};
my $committed = "1:new\n3:old3\n10:a\n11:new\n13:old3";
my $rolled_back = join "\n", map { "$_:old$_" } 1 .. 4;

# The rows, and that their files are all there is.
sub is_state
{
	my ($expected, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($t->sql("SELECT id || ':' || label FROM t ORDER BY id"), $expected, "$label: the rows");
	is($t->sql("SELECT count(*) FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '0', "$label: the bytes");
	$t->folder_is_rows(['t.f'], "$label: the folder equals the rows");
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', "$label: nothing is left to delete");
}

sub refill
{
	$t->sql("TRUNCATE t; INSERT INTO t SELECT i, 'old' || i, put('old' || i) FROM generate_series(1, 4) i;
		SELECT FROM ffu.sweep()");
}

foreach my $end ('COMMIT', 'ROLLBACK')
{
	my $expected = $end eq 'COMMIT' ? $committed : $rolled_back;
	foreach my $how ('same session', 'other session', 'restart', 'crash')
	{
		my $label = "$end PREPARED, $how";
		refill();
		my %before = map { $_ => 1 } $t->files;
		my $session = $t->session;
		$session->query("BEGIN; $work; PREPARE TRANSACTION 'p'");
		is($session->errors, '', "$label: prepared");
		my @files = $t->files;
		my @staging = $t->staging;

		# Published files are there, all the old ones too, and no sweep touches them.
		is(scalar(grep { $before{$_} } @files), 4, "$label: no file is gone");
		cmp_ok(scalar(@files), '>', 4, "$label: new files have their names");
		$session->quit unless $how eq 'same session';
		$t->restart if $how eq 'restart';
		do { $t->crash; $t->start } if $how eq 'crash';
		$t->sql('SELECT pg_current_xact_id()') for 1 .. 2;
		is($t->sql('SELECT finished, undone, deleted, open, unclear, failed FROM ffu.sweep()'),
			'0|0|0|' . @staging . '|0|0', "$label: the sweep leaves it");
		is_deeply([ [ $t->files ], [ $t->staging ] ], [ \@files, \@staging ], "$label: nothing has changed");

		if ($how eq 'same session')
		{
			$session->query("$end PREPARED 'p'");
			is($session->errors, '', $label);
			$session->quit;
		}
		else
		{
			is(($t->try("$end PREPARED 'p'"))[2], '', $label);
		}
		$t->sql('SELECT FROM ffu.sweep()');
		is_state($expected, $label);
	}
}

# The first use in any session sweeps as well.
refill();
$t->sql("BEGIN; $work; PREPARE TRANSACTION 'p'");
$t->sql("COMMIT PREPARED 'p'");
$t->sql("UPDATE t SET f = NULL, label = NULL WHERE id = 1");
is(scalar($t->staging), 0, 'another session finishes it at its first use');
$t->sql("UPDATE t SET f = put('new'), label = 'new' WHERE id = 1; SELECT FROM ffu.sweep()");
is_state($committed, 'after that');

# The session goes on: the prepared transaction is none of its business.
refill();
my $session = $t->session;
$session->query("BEGIN; INSERT INTO t VALUES (20, 'a', put('a')); PREPARE TRANSACTION 'p'");
$session->query("BEGIN; INSERT INTO t VALUES (21, 'b', put('b')); PREPARE TRANSACTION 'q'");
$session->query("BEGIN; INSERT INTO t VALUES (22, 'c', put('c')); ROLLBACK");
$session->query("INSERT INTO t VALUES (23, 'd', put('d'))");
$session->query("ROLLBACK PREPARED 'p'");
$session->query("COMMIT PREPARED 'q'");
is($session->errors, '', 'several in one session');
$session->quit;
$t->sql('SELECT FROM ffu.sweep()');
is_state("$rolled_back\n21:b\n23:d", 'several in one session');

# Two that exclude each other: the row of one is what the other waits for.
refill();
$t->sql("BEGIN; DELETE FROM t WHERE id = 1; PREPARE TRANSACTION 'p'");
my $path = $t->sql('SELECT f FROM t WHERE id = 1');
$session = $t->session;
$session->send_only("UPDATE t SET label = 'new', f = put('new') WHERE id = 1");
$t->node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'") or die;
$t->sql("ROLLBACK PREPARED 'p'");
$session->wait_done;
is($session->errors, '', 'an UPDATE that waited for a prepared DELETE');
$session->quit;
$t->sql('SELECT FROM ffu.sweep()');
is_state("1:new\n2:old2\n3:old3\n4:old4", 'an UPDATE that waited for a prepared DELETE');
ok(!-e $t->root . "/$path", 'its old file is gone');

# An upload nobody took is refused at PREPARE as at COMMIT.
refill();
$t->fails_with('22023', "BEGIN; SELECT put('x'); PREPARE TRANSACTION 'p'", 'upload never used');
is_state($rolled_back, 'upload never used');

# A PREPARE that fails leaves nothing.
foreach my $fault ('link:ENOSPC', 'fsync:EIO', 'rename:EACCES')
{
	my ($rc) = $t->try("SET ffu.fault = '$fault'; BEGIN; $work; PREPARE TRANSACTION 'p'");
	is($rc, 3, "$fault at PREPARE: an error");
	is($t->sql('SELECT count(*) FROM pg_prepared_xacts'), '0', "$fault at PREPARE: it is not prepared");
	$t->sql('SELECT FROM ffu.sweep()');
	is_state($rolled_back, "$fault at PREPARE");
}

# While it is open its row's old file can be read by everybody, and not be copied
# once it is decided.
$t->sql("BEGIN; DELETE FROM t WHERE id = 1; PREPARE TRANSACTION 'p'");
$path = $t->sql('SELECT f FROM t WHERE id = 1');
is($t->sql("SELECT convert_from(ffu.content('$path'), 'UTF8')"), 'old1', 'a file of a prepared DELETE can be read');
$t->sql("INSERT INTO t VALUES (30, 'old1', '$path')");
$t->sql("COMMIT PREPARED 'p'");
$t->fails_with('23503', "INSERT INTO t VALUES (31, 'old1', '$path')", 'but not be copied afterwards');
$t->sql('SELECT FROM ffu.sweep()');
is_state("2:old2\n3:old3\n4:old4\n30:old1", 'after that');

$t->stop;
done_testing();
