# Every system call that can fail, with every error that matters. Before commit: a
# clear error, the transaction aborts and nothing is left. After commit: one warning,
# the commit stands, and the sweep does the rest.
#
# The calls come from the source; one that no case here knows fails the test.

use strict;
use warnings;

use FfuTest qw(points);
use Test::More;

my %sqlstate = (ENOSPC => '53100', EIO => '58030', EACCES => '58030');
my $t = FfuTest->new('faults');
my $root = $t->root;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	INSERT INTO t SELECT i, ffu.file('a.txt', 'old') FROM generate_series(1, 3) i;
});

# Only where the folder is on another file system than the data directory are
# many files synced by one call. /dev/shm is one, on almost every machine.
my $shm = "/dev/shm/ffu-test-$$";
END { system('rm', '-rf', $shm) if defined $shm && -d $shm; }
my $many = -d '/dev/shm' && (stat('/dev/shm'))[0] != (stat($t->node->data_dir))[0];
my $o = bless { %$t, database => 'many', root => $shm }, 'FfuTest';
if ($many)
{
	$t->sql('CREATE DATABASE many');
	$o->setup;
	$o->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f')");
}

# All of a transaction: what it has to show for it and what it leaves.
sub is_clean
{
	my ($test, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($test->sql('SELECT finished, undone, deleted, waiting, open, unclear, failed FROM ffu.sweep();
			SELECT count(*) FROM ffu.deletion'),
		"0|0|0|0|0|0|0\n0", "$label: the sweep finds nothing to do");
	$test->folder_is_rows(['t.f'], "$label: the folder equals the rows");
}

# point => [statement that fails by it, skip, setting]
my $insert = "INSERT INTO t VALUES (10, ffu.file('a.txt', 'new'))";
my $twelve = "INSERT INTO t SELECT i, ffu.file('a.txt', 'new') FROM generate_series(11, 22) i";
my $large = "INSERT INTO t VALUES (10, ffu.file('a.txt', convert_to(repeat('0123456789', 900000), 'UTF8')))";
my %before = (
	create => [ [ $insert, 0 ], [ $twelve, 5 ] ],
	write => [ [ $insert, 0 ], [ $twelve, 5 ] ],
	link => [ [ $insert, 0 ], [ $twelve, 5 ] ],
	rename => [ [ $insert, 0 ], [ $twelve, 5 ] ],
	mkdir => [ [ $insert, 0 ], [ $twelve, 5 ] ],
	fsync => [ [ $insert, 0 ], [ $twelve, 5, 'ffu.fsync = strict' ] ],
	# While it is written, and before it is synced
	'write-behind' => [ [ $large, 0 ], [ $large, 2 ] ],
	syncfs => [ [ $twelve, 0 ] ],
	# Not every file system that tests run on keeps things in order.
	'write-out' => [ map { [ $twelve, $_, 'ffu.pretend_in_order = on' ] } 0, 5 ],
	'open-folder' => [ [ $insert, 0 ] ],
	'open-own' => [ [ $insert, 0 ] ],
	open => [ [ "$insert; SELECT ffu.content(f) FROM t WHERE id = 1", 0 ] ],
	# 0 is the owner file.
	read => [ [ "$insert; SELECT ffu.content(f) FROM t WHERE id = 1", 1 ] ],
	# These three are below, the next is in 12_keep.pl, the last in 40_check.pl.
	truncate => [],
	unlink => [],
	rmdir => [],
	move => [],
	chmod => [],
	# Another way is tried after it, so nothing fails.
	'open-directory' => [],
);

is_deeply([ sort keys %before ], [ points('errno') ], 'every system call is known here');

my $durability = $t->sql('SELECT durability FROM ffu.status');
foreach my $point (sort keys %before)
{
	my $test = $point eq 'syncfs' ? $o : $t;
	foreach my $case (@{ $before{$point} })
	{
		my ($sql, $skip, $setting) = @$case;
		$setting //= 'ffu.fault = DEFAULT';
	  SKIP:
		foreach my $errno ('EACCES', 'EIO', 'ENOSPC')
		{
			skip "no /dev/shm on another file system: $point", 3 if $point eq 'syncfs' && !$many;
			my $label = "$errno from $point" . ($skip ? ", after $skip" : '');
			my $err = $test->fails_with($sqlstate{$errno}, "
				SET $setting;
				SET ffu.fault = '$point:$errno:$skip';
				BEGIN;
				$sql;
				COMMIT;", $label);
			# Where directories are synced, so is the abort, which fails as well: it
			# says so once and leaves the rest to the sweep.
			if ($point eq 'fsync' && ($durability =~ /directories/ || $setting =~ /strict/))
			{
				cmp_ok(scalar(() = $err =~ /WARNING/g), '<=', 1, "$label: one warning at most");
				$test->sql('SELECT FROM ffu.sweep()');
			}
			else
			{
				unlike($err, qr/WARNING/, "$label: nothing else to say");
			}
			is_clean($test, $label);
		}
	}
}

# A failed call in a savepoint costs the savepoint only.
$t->sql(q{
	BEGIN;
	INSERT INTO t VALUES (10, ffu.file('a.txt', 'new'));
	DO $$
	BEGIN
		SET LOCAL ffu.fault = 'write:ENOSPC';
		INSERT INTO t VALUES (11, ffu.file('a.txt', 'new'));
	EXCEPTION WHEN disk_full THEN
		INSERT INTO t VALUES (12, NULL);
	END $$;
	COMMIT;
});
is_clean($t, 'ENOSPC in an exception block');
is($t->sql('SELECT id FROM t WHERE id >= 10 ORDER BY id'), "10\n12", 'the rest of the transaction is there');
$t->sql('DELETE FROM t WHERE id >= 10');

# What a savepoint appended cannot be cut off when it is rolled back, and is
# later; if not, nothing else can be appended.
foreach my $errno ('EACCES', 'EIO')
{
	my $begin = "
		BEGIN;
		SELECT ffu.upload_begin('a.txt') AS u \\gset
		SELECT ffu.upload_append(:'u', 'kept ');
		SAVEPOINT s;
		SELECT ffu.upload_append(:'u', 'lost, and longer than the others');
		SET LOCAL ffu.fault = 'truncate:$errno';
		ROLLBACK TO s;";
	my ($rc, $out, $err) = $t->try("$begin
		SELECT convert_from(ffu.content(:'u'), 'UTF8');
		SELECT ffu.upload_append(:'u', 'end');
		INSERT INTO t VALUES (10, :'u');
		COMMIT;
		SELECT convert_from(ffu.content(f), 'UTF8'), f__size, f__sha256 = encode(sha256('kept end'), 'hex')
		  FROM t WHERE id = 10");
	is(() = $err =~ /WARNING/g, 1, "$errno from truncate in ROLLBACK TO: one warning");
	is($out, "5\n37\nkept \n8\nkept end|8|t", 'and it is cut off later');
	$t->sql('DELETE FROM t WHERE id = 10; SELECT FROM ffu.sweep()');
	is_clean($t, "$errno from truncate in ROLLBACK TO");
	$t->fails_with('58030', "$begin SET LOCAL ffu.fault = 'truncate:$errno'; SELECT ffu.upload_append(:'u', 'end')",
		"$errno from truncate before the next bytes");
	is_clean($t, "$errno from truncate, twice");
}

# A second copy where links cannot be made is a copy of the bytes.
foreach my $errno ('EMLINK', 'EXDEV', 'EPERM')
{
	$t->sql("
		BEGIN;
		SET LOCAL ffu.fault = 'link:$errno';
		INSERT INTO t SELECT id + 10, f FROM t WHERE id = 1;
		INSERT INTO t SELECT i, f FROM t, generate_series(12, 13) i WHERE id = 11;
		WITH up AS MATERIALIZED (SELECT ffu.file('b.txt', 'again') AS f)
		INSERT INTO t SELECT i, f FROM up, generate_series(14, 15) i;
		SET LOCAL ffu.fault = '';
		COMMIT;");
	is_deeply(
		[ split /\n/, $t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id > 10 ORDER BY id") ],
		[ 'old', 'old', 'old', 'again', 'again' ],
		"$errno: copied");
	my $resumable = $t->sql("SELECT ffu.upload_begin('r.txt', resumable => true)");
	$t->sql("SELECT ffu.upload_append('$resumable', 0, 'resumed')");
	$t->sql("
		BEGIN;
		SET LOCAL ffu.fault = 'link:$errno';
		CREATE TEMP TABLE finished AS SELECT ffu.upload_finish('$resumable') AS f;
		SET LOCAL ffu.fault = '';
		INSERT INTO t SELECT 16, f FROM finished;
		COMMIT;");
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 16"), 'resumed', "$errno: a resumable upload is copied too");
	is_deeply([ glob("$root/.ffu/uploads/*") ], [], "$errno: and its file is gone");
	is_deeply([ grep { (stat("$root/$_"))[3] != 1 } $t->files ], [], "$errno: no file has a second link");
	$t->sql('DELETE FROM t WHERE id > 10');
	$t->sql('SELECT FROM ffu.sweep()');
	is_clean($t, $errno);
}

# After commit: nothing can be removed.
foreach my $errno ('EACCES', 'EIO')
{
	my ($rc, undef, $err) = $t->try("
		SET ffu.fault = 'unlink:$errno';
		BEGIN;
		INSERT INTO t VALUES (10, ffu.file('a.txt', 'a')), (11, ffu.file('a.txt', 'b'));
		UPDATE t SET f = ffu.file('a.txt', 'c') WHERE id = 1;
		DELETE FROM t WHERE id = 2;
		COMMIT");
	is($rc, 0, "$errno from unlink after commit: the commit stands");
	is(() = $err =~ /WARNING/g, 1, "$errno from unlink after commit: one warning");
	like($err, qr/WARNING:\s+$sqlstate{$errno}:/, "$errno from unlink after commit: with its SQLSTATE");
	is(scalar($t->staging), 3, 'three staging names are left');
	is(scalar($t->files), 6, 'and two files too many');

	# The sweep cannot either, and tries again.
	($rc, undef, $err) = $t->try("SET ffu.fault = 'unlink:$errno'; SELECT FROM ffu.sweep()");
	is($rc, 0, 'a sweep that fails is no error');
	is($t->sql('SELECT finished, undone, deleted, waiting, failed FROM ffu.sweep()'),
		'3|0|2|0|0', 'the next one finishes it all');
	is_clean($t, "$errno from unlink after commit");
	$t->sql("DELETE FROM t WHERE id >= 10; INSERT INTO t VALUES (2, ffu.file('a.txt', 'old'));
		SELECT FROM ffu.sweep()");
}

# A sweep that cannot make its removals durable strikes nothing off (I8): few directories
# are synced each, of many the whole file system is.
foreach my $case ([ 10, 'fsync' ], [ 100, 'syncfs' ])
{
	my ($count, $call) = @$case;
	$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'a') FROM generate_series(101, 100 + $count) i");
	$t->try("SET ffu.fault = 'unlink:EIO'; DELETE FROM t WHERE id > 100");
	$t->fails_with('58030', "SET ffu.fault = '$call:EIO'; SELECT FROM ffu.sweep()", "EIO from $call in a sweep of $count files");
	is($t->sql('SELECT count(*) FROM ffu.deletion'), $count, 'nothing is struck off');
	is($t->sql('SELECT DISTINCT held_by FROM ffu.pending_deletions'), 'nothing: the next sweep does it', 'and nothing holds it');
	is($t->sql('SELECT deleted, failed FROM ffu.sweep()'), "$count|0", 'the next sweep does it all again');
	is_clean($t, "EIO from $call in a sweep");
}

# While a transaction aborts: nothing can be removed, and later it is.
foreach my $errno ('EACCES', 'EIO')
{
	my (undef, undef, $err) = $t->try("
		SET ffu.fault = 'unlink:$errno';
		BEGIN;
		INSERT INTO t VALUES (10, ffu.file('a.txt', 'a')), (11, ffu.file('a.txt', 'b'));
		UPDATE t SET f = ffu.file('a.txt', 'c') WHERE id = 1;
		ROLLBACK");
	is(() = $err =~ /WARNING/g, 1, "$errno from unlink in ROLLBACK: one warning");
	is(scalar($t->staging), 3, 'three staging names are left');
	is($t->sql('SELECT finished, undone, deleted, waiting, failed FROM ffu.sweep()'),
		'0|3|0|0|0', 'the sweep removes them');
	is_clean($t, "$errno from unlink in ROLLBACK");

	# What a savepoint leaves belongs to a transaction that commits.
	(undef, undef, $err) = $t->try("
		BEGIN;
		INSERT INTO t VALUES (10, ffu.file('a.txt', 'a'));
		SAVEPOINT s;
		INSERT INTO t VALUES (11, ffu.file('a.txt', 'b')), (12, ffu.file('a.txt', 'c'));
		SET LOCAL ffu.fault = 'unlink:$errno';
		ROLLBACK TO s;
		SET LOCAL ffu.fault = '';
		COMMIT");
	is(() = $err =~ /WARNING/g, 1, "$errno from unlink in ROLLBACK TO: one warning");
	is(scalar($t->staging), 2, 'two staging names are left');
	is($t->sql('SELECT finished, undone, deleted, waiting, failed FROM ffu.sweep()'),
		'0|2|0|0|0', 'the sweep removes them');
	is_clean($t, "$errno from unlink in ROLLBACK TO");
	$t->sql('DELETE FROM t WHERE id = 10; SELECT FROM ffu.sweep()');
}

# A directory that cannot be removed is no trouble, and is used again.
my ($rc, undef, $err) = $t->try("SET ffu.fault = 'rmdir:EIO'; DELETE FROM t WHERE id = 3");
is("$rc $err", '0 ', 'EIO from rmdir: nothing to say');
ok(-d "$root/t/3", 'the empty directory stays');
$t->sql("INSERT INTO t VALUES (3, ffu.file('a.txt', 'old')); SELECT FROM ffu.sweep()");
is_clean($t, 'after rmdir');

# The owner file cannot be read: the folder is refused, and the system's reason told.
$t->fails_with('58030', "SET ffu.fault = 'read:EIO'; $insert", 'EIO from read of the owner file');
is_clean($t, 'after read');

# A kernel without the system call that opens a path at once
is($t->sql("SET ffu.fault = 'open:ENOSYS'; SELECT ffu.content(f) FROM t WHERE id = 1"), $t->sql('SELECT ffu.content(f) FROM t WHERE id = 1'),
	'read component by component');
$t->fails_with('23503', "SET ffu.fault = 'open:ENOSYS'; SELECT ffu.content('t/1/f-" . 'a' x 26 . "')", 'the same, no file');

foreach my $errno ('ENOSYS', 'EACCES')
{
	$t->sql("
		SET ffu.fault = 'open-directory:$errno';
		INSERT INTO t VALUES (40, ffu.file('a.txt', 'new'));
		INSERT INTO t SELECT 41, f FROM t WHERE id = 40;
		DELETE FROM t WHERE id = 40");
	is($t->sql('SELECT convert_from(ffu.content(f), \'UTF8\') FROM t WHERE id >= 40'), 'new',
		"$errno from open-directory: directories are opened, made and removed component by component");
	ok(!-e "$root/t/40", "$errno from open-directory: the empty directory is gone");
	$t->sql("SET ffu.fault = 'open-directory:$errno'; DELETE FROM t WHERE id = 41; SELECT FROM ffu.sweep()");
	is_clean($t, "$errno from open-directory");
}

# A file that somebody cuts off while it is read
$t->sql("INSERT INTO t VALUES (30, ffu.file('a.txt', convert_to(repeat('0123456789', 60000), 'UTF8')))");
my $gate = $t->session;
my $reader = $t->session;
$gate->query('SELECT pg_advisory_lock(4660)');
$reader->send_only("SET ffu.fault = 'read-after-chunk:wait'; SELECT md5(ffu.content(f)) FROM t WHERE id = 30");
$t->node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)") or die;
truncate("$root/" . $t->sql('SELECT f FROM t WHERE id = 30'), 300_000) or die;
$gate->query('SELECT pg_advisory_unlock(4660)');
$reader->wait_done;
like($reader->errors, qr/XX001.*file is shorter/s, 'a file that is cut off while it is read');
$_->quit foreach $gate, $reader;
$t->sql('DELETE FROM t WHERE id = 30; SELECT FROM ffu.sweep()');
is_clean($t, 'after all');

$t->stop;
done_testing();
