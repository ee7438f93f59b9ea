# What outlives a statement that failed, or was not for nothing: an upload whose savepoint
# was rolled back, a resumable one whose row was not written, the locks and descriptors that
# many of them take.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('survivors', conf => "max_connections = 20\nmax_locks_per_transaction = 10\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE TABLE known (name text PRIMARY KEY, u text);
	CREATE FUNCTION begin_known(name text) RETURNS text LANGUAGE sql AS $$
		INSERT INTO known VALUES (name, ffu.upload_begin(name || '.txt', true)) RETURNING u $$;
	CREATE FUNCTION slice(c text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT convert_to(repeat(c, 4194304), 'UTF8') $$;
});

sub known { return $t->sql("SELECT u FROM known WHERE name = '$_[0]'"); }

# Ways in which an assignment fails that has to read the bytes again, since some were taken
# back. What the upload has is then what it had.
foreach my $fault ('learn-after-chunk:error', 'read:EIO')
{
	foreach my $others (0, 6)
	{
		$t->sql(qq{
			DELETE FROM t;
			DO \$\$
			DECLARE
				u text := ffu.upload_begin('a.txt');
			BEGIN
				FOR i IN 1..$others LOOP
					INSERT INTO t VALUES (100 + i, 0, ffu.file('o.txt', 'other'));
				END LOOP;
				PERFORM ffu.upload_append(u, convert_to(repeat('a', 600000), 'UTF8'));
				BEGIN
					PERFORM ffu.upload_append(u, 'taken back');
					RAISE division_by_zero;
				EXCEPTION WHEN division_by_zero THEN
				END;
				BEGIN
					SET LOCAL ffu.fault = '$fault';
					INSERT INTO t VALUES (1, 0, u);
					ASSERT false, 'the fault was not met';
				EXCEPTION WHEN internal_error OR io_error THEN
				END;
				ASSERT ffu.upload_offset(u) = 600000, 'the size is ' || ffu.upload_offset(u);
				PERFORM ffu.upload_append(u, 'end');
				INSERT INTO t VALUES (1, 0, u);
			END \$\$});
		is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') = repeat('a', 600000) || 'end', f__size FROM t WHERE id = 1}),
			't|600003', "$fault at the assignment, $others other files: the upload has its bytes and gets more");
		$t->folder_is_rows(['t.f']);
	}
}

# The disk reports in a savepoint what it has lost of bytes that came before it: they are
# not to be committed.
my $lossy = q{
	DO $$ BEGIN
		SET LOCAL ffu.fault = 'write-behind:EIO';
		PERFORM ffu.upload_append(current_setting('my.u')%s, slice('b'));
		ASSERT false, 'the fault was not met';
	EXCEPTION WHEN io_error THEN
	END $$;
};
my $pieces = q{BEGIN; SELECT set_config('my.u', ffu.upload_begin('a.txt'), false);
	SELECT ffu.upload_append(current_setting('my.u'), slice('a'));} . sprintf($lossy, '');
$t->fails_with('58030', "$pieces SELECT ffu.upload_append(current_setting('my.u'), 'more')", 'bytes lost before a savepoint: no more are taken');
$t->fails_with('58030', "$pieces INSERT INTO t VALUES (2, 0, current_setting('my.u')); COMMIT", 'and the upload is nobody\'s');
my $resumed = q{SELECT set_config('my.u', begin_known('lossy'), false); BEGIN;
	SELECT ffu.upload_append(current_setting('my.u'), 0, slice('a'));} . sprintf($lossy, ', 4194304');
$t->fails_with('58030', "$resumed SELECT ffu.upload_append(current_setting('my.u'), 4194304, 'more')", 'the same for a resumable upload');
$t->sql("DELETE FROM known");
$t->fails_with('58030', "$resumed COMMIT", 'which cannot be committed either');
is($t->sql("SELECT ffu.upload_offset(u) FROM known"), 0, 'but has what it had before, and goes on');
$t->sql("SELECT ffu.upload_append(u, 0, 'all') FROM known");

# Descriptors: each upload has one only for a while.
my $fds = q{(SELECT count(*) FROM pg_ls_dir('/proc/self/fd'))};
foreach my $what ("ffu.upload_begin('m.txt', true)", 'ffu.upload_finish(u)')
{
	my $from = $what =~ /begin/ ? 'generate_series(1, 40)' : q{known WHERE name LIKE 'm%'};
	$t->sql(q{SELECT begin_known('m' || i) FROM generate_series(1, 40) i}) if $what =~ /finish/;
	my $more = $t->sql(qq{
		SET ffu.unused_upload = ignore;
		BEGIN;
		CREATE TEMP TABLE fds AS SELECT $fds AS n;
		DO \$\$ BEGIN PERFORM $what FROM $from; END \$\$;
		SELECT $fds - n FROM fds;
		ROLLBACK});
	cmp_ok($more, '<', 20, "$what, 40 times: $more descriptors");
}
$t->sql(q{DELETE FROM known; DELETE FROM ffu.upload});

# The same of bytes that a savepoint takes back, and of copies that are no links.
foreach my $case (
	[ 'uploads cut by ROLLBACK TO', 'CREATE TEMP TABLE u AS SELECT ffu.upload_begin(i::text) AS u FROM generate_series(1, 40) i',
		q{SAVEPOINT a; SELECT FROM u, ffu.upload_append(u, 'taken back'); ROLLBACK TO a} ],
	[ 'copies without hard links', q{INSERT INTO t SELECT 1000 + i, 0, ffu.file('c.txt', 'copied') FROM generate_series(1, 40) i},
		q{SET LOCAL ffu.fault = 'link:EMLINK'; UPDATE t SET f = 'copy:' || f; RESET ffu.fault} ])
{
	my ($what, $before, $then) = @$case;
	my $more = $t->sql(qq{
		SET ffu.unused_upload = ignore;
		BEGIN;
		$before;
		CREATE TEMP TABLE fds AS SELECT $fds AS n;
		$then;
		SELECT $fds - n FROM fds;
		ROLLBACK});
	cmp_ok($more, '<', 20, "$what, 40 of them: $more descriptors");
}

# The folder that a transaction has opened stays that of the database until its end, also
# when it was opened in a savepoint that is rolled back.
my $a = $t->session;
my $b = $t->session;
$a->query("BEGIN; SAVEPOINT s; INSERT INTO t VALUES (3, 0, ffu.file('a.txt', 'a')); ROLLBACK TO s");
$a->query("INSERT INTO known VALUES ('held', ffu.upload_begin('v.txt', true)); SELECT ffu.upload_append(u, 0, 'bytes') FROM known WHERE name = 'held'");
$b->send_only('SELECT ffu.claim_folder()');
ok($t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'claim_folder'}),
	'nobody claims the folder meanwhile');
$a->query('COMMIT');
$b->wait_done;
is($b->errors, '', 'and does afterwards');
is($t->sql("SELECT ffu.upload_append(u, 5, ' more') FROM known WHERE name = 'held'"), 10, 'the upload has its bytes');

# What a savepoint wrote that was rolled back need not be made durable: the upload may be
# over by then.
$t->sql(q{SELECT begin_known('n' || i) FROM generate_series(1, 8) i});
$a->query(q{BEGIN; INSERT INTO t VALUES (4, 0, ffu.file('a.txt', 'a')); SAVEPOINT s;
	SELECT ffu.upload_append(u, 0, 'x') FROM known WHERE name LIKE 'n%'; ROLLBACK TO s});
$t->sql("SELECT ffu.upload_cancel(u) FROM known WHERE name LIKE 'n%'");
$a->query('COMMIT');
is($a->errors, '', 'an append that was rolled back does not stop the commit');
is($t->sql('SELECT count(*) FROM t WHERE id = 4'), 1, 'which has come');

# READ COMMITTED: a row that changes while an UPDATE waits for it. If it is written, it has
# the file; if it is not, the upload is still there.
my $n = 0;
foreach my $still ('still fits', 'fits no more')
{
	$n++;
	$t->sql("DELETE FROM t; INSERT INTO t VALUES (1, 0); SELECT begin_known('row$n')");
	my $u = known("row$n");
	$t->sql("SELECT ffu.upload_append('$u', 0, 'waited')");
	$b->query('BEGIN; UPDATE t SET n = ' . ($still eq 'still fits' ? 1 : 100));
	$a->send_only("UPDATE t SET f = ffu.upload_finish('$u') WHERE n < 10");
	$t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'upload_finish'}) or die;
	$b->query('COMMIT');
	$a->wait_done;
	if ($still eq 'still fits')
	{
		is($a->errors, '', 'a row that was changed meanwhile gets the upload');
		is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') FROM t}), 'waited', 'and has its bytes');
		$t->fails_with('42704', "SELECT ffu.upload_finish('$u')", 'which is over then');
	}
	else
	{
		like($a->errors, qr/ERROR:\s+22023: 1 upload was not assigned/, 'no row is written: an error');
		is($t->sql("SELECT ffu.upload_offset('$u')"), 6, 'and the upload is still there');
	}
}
$t->fails_with('22023', q{INSERT INTO t VALUES (1, 0, ffu.upload_finish((SELECT u FROM known WHERE name = 'row2'))) ON CONFLICT DO NOTHING},
	'the same where a conflict leaves the row out');
is($t->sql(q{SELECT ffu.upload_offset(u) FROM known WHERE name = 'row2'}), 6, 'and the upload is still there');
$t->sql(q{INSERT INTO t VALUES (1, 0, ffu.upload_finish((SELECT u FROM known WHERE name = 'row2'))) ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f});
is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 1}), 'waited', 'and where it is put into the row that is there, that has it');
$t->sql(q{UPDATE known SET u = ffu.upload_begin('again.txt', true) WHERE name = 'row2'});
$t->fails_with('42704', q{BEGIN; INSERT INTO t SELECT 5, 0, ffu.upload_finish(u) FROM known WHERE name = 'row2';
	INSERT INTO t SELECT 6, 0, ffu.upload_finish(u) FROM known WHERE name = 'row2'}, 'it is finished once only');
$a->quit;
$b->quit;

# Thousands that expire at once: each takes a lock until the end of the transaction, and the
# server has room for some hundreds.
$t->sql(q{
	DELETE FROM t;
	SET synchronous_commit = off;
	DO $$ BEGIN
		FOR i IN 1..3000 LOOP PERFORM ffu.upload_begin('x.txt', true); COMMIT; END LOOP;
	END $$});
$t->sql(q{UPDATE ffu.upload SET expires_at = '-infinity'});
my ($rc, undef, $err) = $t->try("INSERT INTO t VALUES (7, 0, ffu.file('a.txt', 'a'))");
is($rc, 0, 'the first store of a session does a little of it') or diag($err);
cmp_ok($t->sql('SELECT count(*) FROM ffu.upload'), '>', 2900, 'and no more');
my $sweeps = 0;
do
{
	($rc, undef, $err) = $t->try('SELECT ffu.sweep()');
	is($rc, 0, 'a sweep ends some') or diag($err);
} while ($rc == 0 && $err =~ /NOTICE:.*more resumable uploads have expired/ && ++$sweeps < 20);
is($t->sql('SELECT count(*) FROM ffu.upload'), 0, 'in the end all are gone');
is(scalar(() = glob($t->root . '/.ffu/uploads/*')), 0, 'with their files');
$t->folder_is_rows(['t.f']);

# Where a file system keeps nothing in order, the directory of resumable uploads is synced,
# and so is its own name: the third fsync of a beginning.
my $needed = $t->sql('SELECT durability FROM ffu.status') =~ /directories/;
($rc) = $t->try("SET ffu.fault = 'fsync:EIO:2';\nSELECT ffu.upload_begin('x.txt', true)");
is($rc == 0 ? 'two' : 'more', $needed ? 'more' : 'two', 'names are synced where that is needed: all of them');

# So is that of files that are kept for a while, before its deletion is over.
$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = '1h'\n");
$t->restart;
(undef, undef, $err) = $t->try(q{SET ffu.fault = 'fsync:EIO'; DELETE FROM t});
is($err =~ /WARNING:\s+58030/ ? 'synced' : 'not synced', $needed ? 'synced' : 'not synced', 'a file that is kept is synced under its new name') or diag($err);

$t->stop;
done_testing();
