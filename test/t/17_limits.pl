# Many files at once: memory of the backend, and deletions by the ten thousand.

use strict;
use warnings;

use FfuTest qw(major);
use Test::More;

my $t = FfuTest->new('limits', conf => "fsync = off\nffu.fsync = off\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', path_template => '{table}/{token:2}/{token}{ext}');
});

# What is pending, in bytes of the backend's memory. 18 has numbers for parents.
my $below = major() < 18 ? q{name = 'ffu pending' OR parent = 'ffu pending'}
  : q{path && ARRAY(SELECT path[level] FROM c WHERE name = 'ffu pending')};
my $memory = qq{
	WITH c AS MATERIALIZED (SELECT * FROM pg_backend_memory_contexts)
	SELECT coalesce(sum(total_bytes), 0) FROM c WHERE $below;
};
my $insert = q{INSERT INTO t SELECT i, ffu.file('some name of a file ' || i || '.txt', 'x')
	FROM generate_series(%d, %d) i;};

my $session = $t->session;
$session->query('BEGIN');
$session->query(sprintf $insert, 1, 10000);
is($session->errors, '', '10,000 uploads in a transaction');
my $bytes = $session->query($memory);
cmp_ok($bytes, '>', 0, "they take $bytes bytes");
cmp_ok($bytes, '<', 8 * 1024 * 1024, 'less than 8 MB');
is($session->query('SAVEPOINT s; DELETE FROM t WHERE id % 2 = 0; SELECT count(*) FROM t'), '5000', 'half of them deleted');
$session->query('ROLLBACK TO s; COMMIT');
is($session->errors, '', 'committed');
cmp_ok($session->query($memory), '<=', 8192, 'nothing but an empty context is kept after commit');
$t->sql('SELECT FROM ffu.sweep()');
is(scalar($t->files), 10000, '10,000 files');

# So many savepoints, each with an upload, half of them rolled back.
$session->query(q{
	BEGIN;
	DO $$
	BEGIN
		FOR i IN 10001 .. 12000 LOOP
			BEGIN
				INSERT INTO t VALUES (i, ffu.file('a.txt', 'x'));
				IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
			EXCEPTION WHEN division_by_zero THEN NULL;
			END;
		END LOOP;
	END $$;
	COMMIT});
is($session->errors, '', '2,000 exception blocks');
is(scalar($t->files), 11000, '1,000 more files');
is(scalar($t->staging), 0, 'and nothing in staging');

# A doom by the ten thousand keeps only a few in memory.
$session->query(sprintf $insert, 12001, 20000);
$session->query('BEGIN; TRUNCATE t');
cmp_ok($session->query($memory), '<', 256 * 1024, 'TRUNCATE of 19,000 files: under 256 kB');
$session->query('COMMIT');
is($session->errors, '', 'TRUNCATE of 19,000 files: committed');
is($t->sql('SELECT deleted, waiting, failed FROM ffu.sweep()'), '19000|0|0', 'one sweep deletes them');
$t->folder_is_rows(['t.f']);

# The memory of a session does not grow with the number of its transactions.
my $total = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts';
my $round = q{
	DO $$
	BEGIN
		FOR i IN 1 .. 500 LOOP
			INSERT INTO t VALUES (i, ffu.file('a.txt', 'x'));
			COMMIT;
			UPDATE t SET f = ffu.file('a.txt', 'y') WHERE id = i;
			COMMIT;
			DELETE FROM t WHERE id = i;
			COMMIT;
		END LOOP;
	END $$};
$session->query($round);
is($session->errors, '', '1,500 transactions');
my $before = $session->query($total);
$session->query($round);
my $after = $session->query($total);
is($after, $before, 'another 1,500 take no more memory');
my $descriptors = $session->query("SELECT count(*) FROM pg_ls_dir('/proc/self/fd')");
$session->query($round);
is($session->query("SELECT count(*) FROM pg_ls_dir('/proc/self/fd')"), $descriptors, 'nor descriptors');
# Without a worker a session strikes off what it has deleted, some at a time.
$t->sql("SELECT FROM ffu.sweep()");
$session->query("INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 500) i");
$session->query('DO $$ BEGIN FOR i IN 1 .. 500 LOOP DELETE FROM t WHERE id = i; COMMIT; END LOOP; END $$');
is($session->errors, '', '500 transactions that delete');
cmp_ok($t->sql('SELECT count(*) FROM ffu.deletion'), '<=', 64, 'and no more than a few deletions on the list');
is(scalar($t->files), 0, 'and no file');
$session->quit;
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f']);

# An upload that another session has under way, whoever knows its name
my $maker = $t->session;
my $upload = $maker->query("BEGIN;\nSELECT ffu.upload_begin('a.txt') AS upload \\gset\nSELECT :'upload'; SELECT ffu.upload_append(:'upload', 'mine')");
($upload) = $upload =~ /^(upload:\d+\.\d+\.[0-9a-f]{16})$/m or die;
$t->fails_with('55000', $_, "another session's upload: $_")
	foreach "SELECT ffu.upload_append('$upload', 'x')", "SELECT ffu.upload_offset('$upload')", "INSERT INTO t VALUES (9000, '$upload')";
$maker->query("INSERT INTO t VALUES (9001, '$upload'); COMMIT");
is($maker->errors, '', "another session's upload: its maker goes on");
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 9001"), 'mine', "another session's upload: nothing was added");
$maker->quit;

$t->stop;
done_testing();
