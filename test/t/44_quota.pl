# Quotas where several sessions, prepared transactions and crashes meet; and strangers
# who begin thousands of uploads. What ffu counts is the folder, always.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $t = FfuTest->new('quota', preload => 1);
$t->sql(q{
	CREATE ROLE tenant LOGIN;
	CREATE SCHEMA q AUTHORIZATION tenant;
	SELECT ffu.grant_columns('tenant');
	SET ROLE tenant;
	CREATE TABLE q.t (id int PRIMARY KEY);
	SELECT ffu.add_column('q.t', 'f');
	RESET ROLE;
	SELECT ffu.set_quota('tenant', 100);
});

sub folder_bytes
{
	my $sum = 0;
	$sum += -s $t->root . "/$_" foreach $t->files;
	return $sum;
}

sub insert_of
{
	my ($id, $bytes) = @_;
	return "INSERT INTO q.t VALUES ($id, ffu.file('a.txt', convert_to(repeat('x', $bytes), 'UTF8')))";
}

# The sums of ffu.usage, of the sizes of the rows, and of the files in the folder
sub is_exact
{
	my ($bytes, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sweep_all;
	is($t->sql('SELECT bytes FROM ffu.usage WHERE role IS NULL'), $bytes, "$label: $bytes bytes");
	is($t->sql('SELECT coalesce(sum(f__size), 0) FROM q.t'), $bytes, "$label: as the rows");
	is(folder_bytes(), $bytes, "$label: as the folder");
	return;
}

# Two transactions that together pass the quota: whoever commits first.
my @sessions = map { $t->session } 0 .. 1;
$sessions[$_]->query('BEGIN; ' . insert_of($_, 60)) foreach 0 .. 1;
is($_->errors, '', 'each of two fits alone') foreach @sessions;
$sessions[0]->query('COMMIT');
is($sessions[0]->errors, '', 'the first commits');
$sessions[1]->query('COMMIT');
like($sessions[1]->errors, qr/quota of role "tenant" exceeded/, 'the second is refused at commit');
is_exact(60, 'two transactions');

# A prepared transaction has its bytes reserved.
$t->sql('BEGIN; ' . insert_of(2, 30) . q{; PREPARE TRANSACTION 'p'});
$sessions[1]->query('BEGIN; ' . insert_of(3, 30));
is($sessions[1]->errors, '', 'fits beside a prepared one, so far');
$sessions[1]->send_only('COMMIT');
ok($t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}),
	'its commit waits for the prepared one');
$t->sql(q{COMMIT PREPARED 'p'});
$sessions[1]->wait_done;
like($sessions[1]->errors, qr/this transaction adds 30, and 100 are allowed/, 'and is refused');
is_exact(90, 'prepared and committed');
$t->sql(q{BEGIN; DELETE FROM q.t WHERE id = 2; PREPARE TRANSACTION 'p'});
is_exact_after(q{ROLLBACK PREPARED 'p'}, 90, 'a prepared deletion that was rolled back');
$t->sql(q{BEGIN; DELETE FROM q.t WHERE id = 2; PREPARE TRANSACTION 'p'});
$t->crash;
$t->start;
is_exact_after(q{COMMIT PREPARED 'p'}, 60, 'a prepared deletion, committed after a crash');
$_->quit foreach @sessions;

sub is_exact_after
{
	my ($sql, $bytes, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql($sql);
	is_exact($bytes, $label);
	return;
}

# A row that was doubled by disabled triggers, and deleted in two sessions at once: the
# file is not taken back twice, whoever ends first.
foreach my $end (qw(COMMIT ROLLBACK))
{
	$t->sql(q{ALTER TABLE q.t DROP CONSTRAINT t_pkey; } . insert_of(5, 20) . q{;
		ALTER TABLE q.t DISABLE TRIGGER USER; INSERT INTO q.t SELECT * FROM q.t WHERE id = 5; ALTER TABLE q.t ENABLE TRIGGER USER});
	my @deleters = map { $t->session } 0 .. 1;
	$deleters[$_]->query(
		'BEGIN; DELETE FROM q.t WHERE ctid = (SELECT ' . (qw(min max))[$_] . '(ctid) FROM q.t WHERE id = 5)') foreach 0 .. 1;
	$deleters[0]->query('COMMIT');
	$deleters[1]->query($end);
	is($_->errors, '', "a doubled row is deleted, $end") foreach @deleters;
	$_->quit foreach @deleters;
	$t->sql('DELETE FROM q.t WHERE id = 5; ALTER TABLE q.t ADD PRIMARY KEY (id)');
	is_exact(60, "a doubled row, $end");
}

# Crashes before and after the record of the commit
foreach my $case ([ 'publish-end', 60 ], [ 'commit-after-record', 70, ':1' ])
{
	my ($point, $bytes, $skip) = @$case;
	$t->fault("$point:crash" . ($skip // ''), insert_of(4, 10));
	$t->start;
	is_exact($bytes, "a crash at $point");
}
$t->fault('commit-after-record:crash:1', 'DELETE FROM q.t WHERE id = 4');
$t->start;
is_exact(60, 'a crash after a deletion');

# Many small transactions leave few rows behind a sweep.
$t->sql(q{SELECT ffu.set_quota('tenant', '1 MB')});
$t->sql(q{DO $$ BEGIN FOR i IN 100 .. 350 LOOP INSERT INTO q.t VALUES (i, ffu.file('a.txt', 'x')); COMMIT; END LOOP; END $$});
cmp_ok($t->sql('SELECT count(*) FROM ffu.counted'), '<=', 210, 'folded by commits');
is_exact(311, '251 transactions');
cmp_ok($t->sql('SELECT count(*) FROM ffu.counted'), '<=', 101, 'folded by a sweep');

# Sessions that store and delete at once, while ffu.sweep folds and a savepoint is taken
# back now and then
my @writers = map { $t->session } 1 .. 4;
foreach my $n (1 .. 4)
{
	$writers[ $n - 1 ]->send_only(sprintf q{
		DO $$
		DECLARE
			k int;
		BEGIN
			FOR i IN 1 .. 60 LOOP
				k := %d * 1000 + i;
				INSERT INTO q.t VALUES (k, ffu.file('a.txt', convert_to(repeat('x', i), 'UTF8')));
				BEGIN
					DELETE FROM q.t WHERE id %% 3 = 1 AND id BETWEEN k - 10 AND k;
					IF i %% 4 = 0 THEN RAISE division_by_zero; END IF;
				EXCEPTION WHEN division_by_zero THEN NULL;
				END;
				COMMIT;
			END LOOP;
		END $$}, $n);
}
$t->sql('SELECT FROM ffu.sweep()') foreach 1 .. 5;
$_->wait_done foreach @writers;
is($_->errors, '', 'a session that stored and deleted') foreach @writers;
$_->quit foreach @writers;
is_exact($t->sql('SELECT sum(f__size) FROM q.t'), 'four sessions at once');

# A deleted file counts no more, although a snapshot or the delay keeps its bytes.
my $all = $t->sql('SELECT sum(f__size) FROM q.t');
my $usage = 'SELECT bytes FROM ffu.usage WHERE role IS NULL';
$t->sql(insert_of(9001, 1000) . '; ' . insert_of(9002, 1000));
is($t->sql($usage), $all + 2000, 'two files more');
my $path = $t->sql('SELECT f FROM q.t WHERE id = 9001');
my $reader = $t->session;
is($reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM q.t WHERE id = 9001'), '1', 'a snapshot sees one');
$t->sql('DELETE FROM q.t WHERE id = 9001; SELECT FROM ffu.sweep()');
ok(-f $t->root . "/$path", 'a snapshot keeps the file');
is($t->sql($usage), $all + 1000, 'and it counts no more');
$t->sql(q{SELECT ffu.recount()});
is($t->sql('SELECT bytes, deleted_bytes FROM ffu.usage WHERE role IS NULL'), ($all + 1000) . '|1000', 'as a new count finds');

# But who deletes under a snapshot cannot fill the disk: bytes that are deleted and still
# there may be as many as the quota, also when each file is replaced.
my $deleted = q{SELECT deleted_bytes FROM ffu.usage WHERE role = 'tenant'};
my $fill = q{INSERT INTO q.t VALUES (9100, ffu.file('a.txt', convert_to(repeat('x', 200000), 'UTF8'))); DELETE FROM q.t WHERE id = 9100};
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql($deleted), 1000, 'what the snapshot keeps');
$t->sql($fill) foreach 1 .. 6;
is($t->sql($deleted), 1_201_000, 'and more');
my $held = qr/quota of role "tenant" exceeded by deleted files.*have 1201000 bytes, and 1048576 are allowed/s;
like($t->fails_with('53400', insert_of(9100, 1), 'then nothing is stored'), $held, 'as the message says');
like($t->fails_with('53400', q{UPDATE q.t SET f = ffu.file('a.txt', 'y') WHERE id = 9002}, 'nor replaced'), $held, 'as the message says');
$t->sql('BEGIN; DELETE FROM q.t WHERE id = 9002; ROLLBACK');
pass('but deleted');
is(folder_bytes(), $all + 1_202_000, 'the folder has no more');
$t->sql('SELECT ffu.recount()');
is($t->sql($deleted), 1_201_000, 'nor does a new count find more');
$reader->quit;
unlink map { $t->root . "/$_" } split /\n/, $t->sql('SELECT path FROM ffu.pending_deletions');
$t->sql(insert_of(9100, 1) . '; DELETE FROM q.t WHERE id = 9100');
pass('files that are gone hold nobody up, although a sweep has not come yet');
$t->sql('SELECT FROM ffu.sweep()') foreach 1 .. 2;
is($t->sql($deleted), 0, 'and count no more after a sweep');
$t->sql(q{ALTER SYSTEM SET ffu.deletion_delay = '1d'; SELECT pg_reload_conf()});
$t->node->poll_query_until('postgres', q{SELECT current_setting('ffu.deletion_delay') = '1d' FROM ffu.file(NULL, NULL)});
$path = $t->sql('DELETE FROM q.t WHERE id = 9002 RETURNING f');
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql("SELECT state FROM ffu.pending_deletions WHERE path = '$path'"), 'kept', 'the delay keeps the file');
is($t->sql($usage), $all, 'and it counts no more either');
is($t->sql($deleted), 1000, 'but as deleted');
$t->sql("INSERT INTO q.t VALUES (9003, ffu.undelete('$path'))");
is($t->sql($usage), $all + 1000, 'a file that was brought back counts');
$t->sql(q{ALTER SYSTEM RESET ffu.deletion_delay; SELECT pg_reload_conf(); DELETE FROM q.t WHERE id = 9003});
$t->node->poll_query_until('postgres', q{SELECT current_setting('ffu.deletion_delay') = '0' FROM ffu.file(NULL, NULL)});
is_exact($all, 'kept files are gone');
is($t->sql($deleted), 0, 'and deleted ones as well');

# A dump has no quota: roles have other numbers elsewhere.
unlike(scalar(run_command([ 'pg_dump', '--inserts', $t->node->connstr('postgres') ])), qr/quota|counted/, 'a dump has no quota');

# The folder moves: ffu goes on counting.
foreach my $dir ($t->root . '-moved', $t->root)
{
	rename($t->root, $dir) || rename($t->root . '-moved', $dir) or die;
	$t->sql("SELECT ffu.claim_folder('$dir')");
	is($t->sql('SELECT counted FROM ffu.root'), 't', 'a folder that was moved is counted');
}
is_exact($t->sql('SELECT sum(f__size) FROM q.t'), 'a folder that was moved');
$t->sql('DROP TABLE q.t');
$t->sweep_all;
is($t->sql('SELECT bytes FROM ffu.usage WHERE role IS NULL'), '0', 'DROP TABLE');

# Files that a table leaves when it is dropped go on counting for its owner.
my $tenant = q{SELECT coalesce(sum(bytes), 0) FROM ffu.usage WHERE role = 'tenant'};
my $left = 0;

sub table_with
{
	my ($name, $bytes) = @_;
	return "SET ROLE tenant; SET client_min_messages = warning; CREATE TABLE q.$name (id int PRIMARY KEY); SELECT ffu.add_column('q.$name', 'f', urls => false);
		INSERT INTO q.$name VALUES (1, ffu.file('a.txt', convert_to(repeat('x', $bytes), 'UTF8')));";
}

foreach my $case (
	[ 'detached', q{UPDATE q.l SET f = 'detach:' || f; DROP TABLE q.l} ],
	[ 'in the transaction that drops', q{BEGIN; UPDATE q.l SET f = 'detach:' || f; SAVEPOINT a; DROP TABLE q.l; ROLLBACK TO a; SAVEPOINT b; DROP TABLE q.l; RELEASE b; COMMIT} ],
	[ 'kept', q{SELECT ffu.drop_column('q.l', 'f', keep_files => true); DROP TABLE q.l} ],
	[ 'let go by disabled triggers', 'ALTER TABLE q.l DISABLE TRIGGER USER; DELETE FROM q.l; DROP TABLE q.l' ])
{
	$t->sql(table_with('l', 250_000) . $case->[1]);
	$t->sql('SELECT FROM ffu.sweep()') foreach 1 .. 2;
	$left += 250_000;
	is($t->sql($tenant), $left, "a file of a dropped table counts: $case->[0]");
	is($t->sql($usage), folder_bytes(), "for the database as well: $case->[0]");
}
like($t->fails_with('53400', table_with('l', 100_000), 'they fill the quota'), qr/have 1000000 bytes/, 'as the message says');
$t->sql('DROP TABLE q.l; INSERT INTO ffu.counted SELECT 0, 0, 0, 0, 0 FROM generate_series(1, 150); SELECT FROM ffu.sweep()');
is($t->sql($tenant), $left, 'and are there after folding');
$t->sql('SELECT ffu.recount()');
is($t->sql($tenant), 500_000, 'after a new count the detached ones are');
is($t->sql($usage), folder_bytes(), 'and all for the database');
$t->sql('SELECT ffu.delete_detached()');
$t->sweep_all;
is($t->sql($tenant), 0, 'until they are deleted');
is($t->sql($usage), folder_bytes(), 'for the database as well');

# A file that never counted for a table is not taken back from the table.
$t->sql(table_with('l', 200_000) . 'CREATE TEMP TABLE path AS SELECT f::text FROM q.l;
	ALTER TABLE q.l DISABLE TRIGGER USER; DELETE FROM q.l; DROP TABLE q.l;
	CREATE TABLE q.sink (id int PRIMARY KEY); SELECT ffu.add_column(\'q.sink\', \'f\', urls => false);
	ALTER TABLE q.sink DISABLE TRIGGER USER; INSERT INTO q.sink SELECT 1, f FROM path; ALTER TABLE q.sink ENABLE TRIGGER USER; DELETE FROM q.sink');
$t->sweep_all;
is(folder_bytes(), 500_000, 'a file is deleted by the row of another table');
is($t->sql($tenant), 200_000, 'its owner gains nothing');
is($t->sql($usage), folder_bytes(), 'the database counts what there is');
$t->sql('DROP TABLE q.sink; SELECT ffu.recount()');
is($t->sql($tenant), 0, 'a new count finds nothing');
is($t->sql($usage), folder_bytes(), 'and in the database what there is');

# A lock on a table of the role's own keeps a superuser from counting, and nobody from
# storing for long.
$t->sql(table_with('l', 10) . table_with('m', 10));
my $locker = $t->session(user => 'tenant');
$locker->query('BEGIN; LOCK TABLE q.l');
my $counter = $t->session;
$counter->send_only(q{SELECT ffu.recount()});
ok($t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'q.l'::regclass AND NOT granted}),
	'counting waits for the table');
$t->sql(q{SET statement_timeout = '60s'; INSERT INTO q.m VALUES (2, ffu.file('a.txt', 'stored'))});
is($t->sql(q{SELECT count(*) FROM pg_locks WHERE relation = 'ffu.root'::regclass AND mode = 'AccessExclusiveLock'}), 0, 'meanwhile others store');

# To take the folder over, a superuser waits for that lock with ffu.root locked: not long.
PostgreSQL::Test::Utils::append_to_file($t->root . '/.ffu/staging/3/3.1:q:l:' . ('a' x 26), 'left');
my $claimer = $t->session;
$claimer->send_only(q{SELECT ffu.claim_folder()});
ok($t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'q.l'::regclass AND mode = 'ShareLock' AND NOT granted}),
	'a claim waits for the table');
$_->wait_done foreach $counter, $claimer;
like($counter->errors, qr/files cannot be counted now/, 'and gives up');
like($claimer->errors, qr/lock timeout/, 'as the claim does');
$t->sql(q{SET statement_timeout = '60s'; INSERT INTO q.m VALUES (3, ffu.file('a.txt', 'stored'))});
$locker->query('ROLLBACK');
$counter->query('SELECT ffu.recount()');
is($counter->errors, '', 'without the lock it counts');
$_->quit foreach $locker, $counter, $claimer;
$t->sql('DROP TABLE q.l, q.m');
$t->sql('SELECT FROM ffu.sweep()');

# Thousands of uploads, begun and left
$t->sql(q{ALTER ROLE tenant SET ffu.max_uploads = 1000});
my $stranger = $t->session(user => 'tenant');
$stranger->query(q{DO $$ BEGIN FOR i IN 1 .. 1000 LOOP PERFORM ffu.upload_begin('a.txt', resumable => true); END LOOP; END $$});
is($stranger->errors, '', 'a thousand uploads');
$stranger->query(q{SELECT ffu.upload_begin('a.txt', resumable => true)});
like($stranger->errors, qr/too many resumable uploads/, 'and no more');
is($t->sql(q{SELECT uploads FROM ffu.usage WHERE role = 'tenant'}), '1000', 'ffu.usage tells the number');
$stranger->quit;
$t->sql(q{SET client_min_messages = error; UPDATE ffu.upload SET expires_at = now() - interval '1 s'; SELECT FROM ffu.sweep() s, generate_series(1, 3)});
$t->sql('SELECT FROM ffu.sweep()') foreach 1 .. 3;
is($t->sql('SELECT count(*) FROM ffu.upload'), '0', 'the sweep ends what was left');
is(scalar(glob($t->root . '/.ffu/uploads/*')) // 'none', 'none', 'and no file is left');

$t->stop;
done_testing();
