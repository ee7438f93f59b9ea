# ffu.check finds what is damaged and nothing else: here with what takes more
# than one session or a crash. Damage of every kind is in sql/check.sql, writers
# at work are in 41_check_writers.pl.

use strict;
use warnings;

use FfuTest;
use Test::More;

# No test here cuts the power, and there are many files.
my $t = FfuTest->new('check', conf => "ffu.fsync = off\n");
my $root = $t->root;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
	INSERT INTO t SELECT i, put('old' || i) FROM generate_series(1, 20) i;
});

# What a check reports: problems and paths.
sub problems
{
	my ($content) = @_;
	return $t->sql('SELECT problem, path FROM ffu.check(content => ' . ($content // 'true') . ') ORDER BY problem, path COLLATE "C"');
}

sub is_clean
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(problems(), '', "nothing is reported: $label");
}

is_clean('a fresh table');

# Another session at work, at each step.
my $other = $t->session;
$other->query("BEGIN; INSERT INTO t VALUES (21, put('new'))");
is_clean('an upload in progress');
$other->query("UPDATE t SET f = put('newer') WHERE id = 1; DELETE FROM t WHERE id = 2");
is_clean('a row replaced and one deleted, uncommitted');
$other->query('ROLLBACK');
is_clean('rolled back');

# A snapshot that still sees the rows keeps their files.
my $old = $t->session;
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$other->query("UPDATE t SET f = put('newer') WHERE id = 1; DELETE FROM t WHERE id = 2");
cmp_ok($t->sql('SELECT count(*) FROM ffu.deletion'), '>=', 2, 'deletions wait for a snapshot');
is_clean('deletions that wait for a snapshot');
is($old->query('SELECT count(*) FROM ffu.check()'), '0', 'nothing is reported: to that snapshot');
$old->query('COMMIT');
is_clean('deletions that can be done');
$t->sql('SELECT FROM ffu.sweep()');
is_clean('deletions that are done');

# Prepared transactions.
foreach my $end ('COMMIT', 'ROLLBACK')
{
	my $id = $end eq 'COMMIT' ? 30 : 31;
	$other->query("BEGIN; INSERT INTO t VALUES ($id, put('p')); DELETE FROM t WHERE id = $id - 27; PREPARE TRANSACTION 'p'");
	is($other->errors, '', 'prepared');
	is_clean('a prepared transaction');
	do { $t->crash; $t->start; $other->quit; $other = $t->session } if $end eq 'COMMIT';
	is_clean('a prepared transaction after a crash');
	$t->sql("$end PREPARED 'p'");
	like(problems(), qr{^staging\|\.ffu/staging/[0-9a-f]/\d+\.\d+:t:$id:\S+$}, "$end PREPARED leaves a name to sweep, and that is all");
	is($t->sql("SELECT action FROM ffu.repair('staging', dry_run => false)"), 'swept', 'a repair sweeps it');
	is_clean("after $end PREPARED and a sweep");
}

# Files kept for a while.
$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = 1h\n");
$t->node->reload;
$t->sql('DELETE FROM t WHERE id = 6');
is_clean('a deletion that is delayed');
$t->sql('SELECT FROM ffu.sweep()');
is_clean('a file that is kept');
$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = 0\n");
$t->node->reload;
$t->sql('SELECT FROM ffu.sweep()');

# TRUNCATE, DROP and a rewrite by others while a check waits for their lock.
$t->sql(q{
	CREATE TABLE u (id int PRIMARY KEY, n int);
	SELECT ffu.add_column('u', 'f');
	INSERT INTO u SELECT i, i, put('u' || i) FROM generate_series(1, 5) i;
});
my $checker = $t->session;
foreach my $ddl ('ALTER TABLE u ALTER n TYPE text', 'VACUUM FULL u', 'TRUNCATE u', 'DROP TABLE u')
{
	# The check has listed the files, and waits for the table.
	$other->query("BEGIN; LOCK TABLE u IN ACCESS EXCLUSIVE MODE");
	$checker->send_only('SELECT problem, path FROM ffu.check(content => true)');
	$t->node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'") or die;
	$other->query($ddl eq 'VACUUM FULL u' ? 'CLUSTER u USING u_pkey' : $ddl);
	$other->query('COMMIT');
	is($other->errors, '', $ddl);
	is($checker->wait_done, '', "nothing is reported: $ddl while it waits");
	is($checker->errors, '', "$ddl while it waits: no error");
}
$checker->quit;
$other->quit;
$old->quit;

# Crashes in the middle of a commit: the leftovers are told apart.
$t->fault('publish-after-link:crash', "INSERT INTO t VALUES (40, put('lost'))");
$t->start;
like(problems(), qr{^staging\|\.ffu/staging/[0-9a-f]/\d+\.\d+:t:40:\S+$}, 'a crash before the commit record leaves a name to sweep');
$t->sql('SELECT FROM ffu.sweep()');
is_clean('swept after the crash');
$t->fault('commit-after-staging:crash', "INSERT INTO t VALUES (41, put('a')), (42, put('b'))");
$t->start;
like(problems(), qr{^staging\|\S+$}, 'a crash after it leaves the staging names that were not removed');
$t->sql("SELECT FROM ffu.repair('staging', dry_run => false)");
is_clean('repaired');

# A repair that is interrupted leaves each file in one place.
mkdir "$root/stray";
foreach my $n (1 .. 3)
{
	open(my $fh, '>', "$root/stray/$n") or die;
	close($fh);
}
is($t->sql("SELECT count(*) FROM ffu.repair('orphan')"), '3', 'a dry run says what it would do');
ok(-e "$root/stray/1", 'and does nothing');
$t->fault('quarantine-after-link:crash', "SELECT * FROM ffu.repair('orphan', dry_run => false)");
$t->start;
ok(-e "$root/stray/1" || -e "$root/stray/2" || -e "$root/stray/3", 'a crash in a repair loses nothing');
is($t->sql("SELECT string_agg(DISTINCT action, ',') FROM ffu.repair('orphan', dry_run => false)"), 'quarantined', 'doing it again finishes it');
is_deeply([ sort map { s{.*/}{}r } glob("$root/.ffu/quarantine/*") ], [ map { "stray:$_" } 1 .. 3 ], 'all are in quarantine');
is_clean('repaired');
my ($rc) = $t->try("SET ffu.fault = 'link:EMLINK'; SELECT * FROM ffu.repair('orphan', dry_run => false)");
is($rc, 0, 'nothing to do is no error');

# Permissions that cannot be mended: told, not raised.
my ($some) = split /\n/, $t->sql('SELECT f FROM t WHERE f IS NOT NULL ORDER BY id');
chmod 0600, "$root/$some" or die;
my (undef, $mended) = $t->try("SET ffu.fault = 'chmod:EPERM'; SELECT action, path FROM ffu.repair('permissions', dry_run => false)");
is($mended, "failed|$some", 'permissions that cannot be set are reported');
is($t->sql("SELECT action, path FROM ffu.repair('permissions', dry_run => false)"), "mode set|$some", 'and can be');
is_clean('permissions mended');

# A file of somebody else's in the place of a row's: told, and not to be mended here.
SKIP:
{
	my $open = $t->node->basedir . '/open';
	mkdir $open or die;
	chmod(0777, $open) or die;
	my ($made) = $t->as_web_user('sh', '-c', "umask 0; cat '$root/$some' > '$open/f' && chmod 0640 '$open/f'");
	skip 'no other user to own a file', 3 if !defined $made || $made != 0;
	rename("$root/$some", "$open/own") or die;
	rename("$open/f", "$root/$some") or die;
	like($t->sql('SELECT problem, path, detail FROM ffu.check()'),
		qr/^permissions\|\Q$some\E\|It belongs to user id \d+; the server runs as \d+\.$/, 'a file of another user is reported');
	like($t->sql("SELECT action, path FROM ffu.repair('permissions', dry_run => false)"), qr/^failed\|\Q$some\E$/, 'only root can mend it');
	rename("$open/own", "$root/$some") or die;
	is_clean('the file of our own is back');
}

# Many files in little memory, and it can be cancelled.
$t->sql(q{
	CREATE TABLE many (id int PRIMARY KEY);
	SELECT ffu.add_column('many', 'f', '{*}', path_template => 'many/{token:2}/{token}{ext}');
	INSERT INTO many SELECT i, ffu.file('a.txt', 'a') FROM generate_series(1, 12000) i;
});
my (undef, undef, $said) = $t->try("SET client_min_messages = debug1; SET work_mem = '64kB'; SELECT * FROM ffu.check()");
like($said, qr/ffu\.check: 10000 files listed/, 'progress is told');
like($said, qr/ffu\.check: 10000 rows checked/, 'in each phase');
is($t->sql("SET work_mem = '64kB'; SELECT count(*) FROM ffu.check(content => true)"), '0', 'nothing is reported: sorted on disk');
$t->fails_with('57014', "SET statement_timeout = '10ms'; SELECT * FROM ffu.check(content => true)", 'a check can be cancelled');
my ($id, $path) = split /\|/, $t->sql('SELECT id, f FROM many ORDER BY f COLLATE "C" OFFSET 6000 LIMIT 1');
unlink "$root/$path" or die;
is($t->sql("SET work_mem = '64kB'; SELECT problem, relation, column_name, path FROM ffu.check()"), "missing|many|f|$path", 'one file of many is missing');
is($t->sql("SELECT action FROM ffu.repair('missing', dry_run => false)"), 'set to NULL', 'its row is mended');
is($t->sql("SELECT f IS NULL FROM many WHERE id = $id"), 't', 'it has no file now');
is_clean('in the end');

# A file's row is gone by a way around the triggers: only that is reported.
my $left = $t->sql('SELECT f FROM many WHERE id = 77');
$t->sql('SET session_replication_role = replica; DELETE FROM many WHERE id = 77') if $left;
is(problems(), "orphan|$left", 'a row deleted with triggers off');
is($t->sql("SELECT path FROM ffu.check('many')"), '', 'orphans are of no table');

$t->stop;
done_testing();
