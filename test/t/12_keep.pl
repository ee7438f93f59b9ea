# Deleted files that are kept for a while: out of URL reach, to be brought back, and
# under faults and crashes like any other.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('keep', conf => "ffu.deletion_delay = '1 h'\n");
my $root = $t->root;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 12) i;
});
my $sweep = 'SELECT kept, deleted, waiting, failed FROM ffu.sweep()';
my $bytes = "SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id =";
sub path { return $t->sql("SELECT f FROM t WHERE id = $_[0]"); }

# A snapshot that sees the row keeps the file where it is.
my $path = path(1);
my $session = $t->session;
$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
$t->sql('DELETE FROM t WHERE id = 1');
is($t->sql($sweep), '0|0|1|0', 'a snapshot holds the file');
is($session->query("$bytes 1"), 'a1', 'and reads it');
$session->query('COMMIT');
is($t->sql($sweep), '1|0|0|0', 'then it is kept');
$t->folder_is_rows(['t.f'], 'kept: out of URL reach');
$t->fails_with('23503', "SELECT ffu.content('$path')", 'kept: not by ffu.content either');
$t->fails_with('23503', "INSERT INTO t VALUES (1, '$path')", 'kept: nor by a copy');
is($t->sql($sweep), '0|0|1|0', 'kept: for the time of the delay');
like($t->sql("SELECT state || ': ' || held_by FROM ffu.pending_deletions WHERE path = '$path'"),
	qr/^kept: ffu\.deletion_delay, until \d{4}-/, 'kept: ffu.pending_deletions says how long');

# Deletes a row whose file no commit can remove, since a snapshot sees it.
sub delete_held
{
	my ($id) = @_;
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
	$t->sql("DELETE FROM t WHERE id = $id");
	$session->query('COMMIT');
	return;
}

# It cannot be moved, by the commit or by the sweep: the next sweep does it.
$path = path(2);
my (undef, undef, $err) = $t->try("SET ffu.fault = 'move:EIO'; DELETE FROM t WHERE id = 2");
is(() = $err =~ /WARNING:\s+58030/g, 1, 'EIO from move after commit: one warning');
ok(-f "$root/$path", 'EIO from move after commit: the file stays');
(undef, my $out, $err) = $t->try("SET ffu.fault = 'move:EIO'; $sweep");
is($out, '0|0|1|1', 'EIO from move: the sweep goes on');
is(() = $err =~ /WARNING:\s+58030/g, 1, 'EIO from move: with one warning');
is($t->sql("SELECT attempts || ' ' || last_error FROM ffu.deletion WHERE path = '$path'"),
	'1 Input/output error', 'EIO from move: it is on record');
is($t->sql($sweep), '1|0|1|0', 'the next sweep keeps it');
$t->folder_is_rows(['t.f'], 'EIO from move: the folder equals the rows');

# Killed in the middle of keeping, by the commit and by the sweep
my $id = 3;
foreach my $action ('crash', 'kill')
{
	foreach my $case ("move:$action", "commit-after-record:$action")
	{
		foreach my $by ('commit', 'sweep')
		{
			delete_held($id) if $by eq 'sweep';
			$session->quit;
			my ($rc) = $t->fault($case, $by eq 'sweep' ? $sweep : "DELETE FROM t WHERE id = $id");
			is($rc, 2, "$case in $by");
			$t->start if $action eq 'crash';
			$t->sql('SELECT pg_current_xact_id()') for 1 .. 3;
			$t->sql($sweep);
			$t->folder_is_rows(['t.f'], "$case in $by: the folder equals the rows");
			$session = $t->session;
			$id++;
		}
	}
}
$session->quit;

# Brought back
$t->sql("INSERT INTO t VALUES (2, ffu.undelete('$path'))");
is($t->sql("$bytes 2"), 'a2', 'undelete: the bytes are back');
isnt(path(2), $path, 'undelete: under a path of its own');
$t->sql($sweep);
$t->folder_is_rows(['t.f'], 'undelete: the folder equals the rows');

# Faults of bringing back: it can be done again.
$path = path(12);
$t->sql("DELETE FROM t WHERE id = 12; $sweep");
foreach my $fault ('link:ENOSPC 53100', 'link:EIO 58030', 'rename:EIO 58030', 'fsync:EIO 58030', 'mkdir:EACCES 58030')
{
	my ($set, $sqlstate) = split / /, $fault;
	$t->fails_with($sqlstate, "SET ffu.fault = '$set'; INSERT INTO t VALUES (20, ffu.undelete('$path'))", "$set in undelete");
	$t->folder_is_rows(['t.f'], "$set in undelete: the folder equals the rows");
}
foreach my $point ('link-after-choose', 'publish-after-link', 'publish-end')
{
	my ($rc) = $t->fault("$point:crash", "INSERT INTO t VALUES (20, ffu.undelete('$path'))");
	is($rc, 2, "crash at $point in undelete");
	$t->start;
	$t->sql('SELECT pg_current_xact_id()') for 1 .. 3;
	$t->sql($sweep);
	$t->folder_is_rows(['t.f'], "crash at $point in undelete: the folder equals the rows");
	$t->sql('DELETE FROM t WHERE id = 20');
}
$t->sql("BEGIN; INSERT INTO t VALUES (20, ffu.undelete('$path')); ROLLBACK");
$t->sql("INSERT INTO t VALUES (21, ffu.undelete('$path'))");
is($t->sql("$bytes 21"), 'a12', 'undelete after all these failures');
like($t->fails_with('23503', "SELECT ffu.undelete('t/1/never.txt')", 'undelete of a path that never was'),
	qr{"t/1/never\.txt"}, 'which is named');
$t->fails_with('23503', "INSERT INTO t VALUES (22, ffu.undelete('" . path(21) . "'))", 'undelete of a file that is not deleted');

# Where links cannot be made the bytes are copied.
foreach my $errno ('EMLINK', 'EXDEV', 'EPERM')
{
	$t->sql("
		BEGIN;
		SET LOCAL ffu.fault = 'link:$errno';
		INSERT INTO t VALUES (20, ffu.undelete('$path'));
		SET LOCAL ffu.fault = '';
		COMMIT;");
	is($t->sql("$bytes 20"), 'a12', "$errno: brought back as a copy");
	$t->sql('DELETE FROM t WHERE id = 20');
}
$t->folder_is_rows(['t.f'], 'brought back as copies');

# The delay is over.
$t->sql($sweep);
$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = 0\n");
$t->restart;
is($t->sql('SELECT kept, waiting, failed FROM ffu.sweep()'), '0|0|0', 'the delay is over: the sweep removes them');
$t->folder_is_rows(['t.f'], 'the delay is over: the folder equals the rows');
is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', 'the delay is over: no deletion is left');
my @left = FfuTest::_files_below("$root/.ffu");
is_deeply(\@left, ['owner'], 'the delay is over: nothing is kept');

$t->stop;
done_testing();
