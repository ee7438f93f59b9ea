# ffu.wal = all and standbys with ffu.standby_files: every row that a standby shows has
# its file, deletions wait for the standby's snapshots, a standby can be promoted, and
# nobody writes into another server's folder.
#
# All servers are on one host, so ffu.folder_map gives each standby a folder of its own.

use strict;
use warnings;

use FfuTest qw(slurp wait_until);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('primary', preload => 1, conf => <<'EOF');
ffu.wal = all
ffu.pretend_in_order = on
checkpoint_timeout = 1h
max_prepared_transactions = 10
EOF
my $primary = $t->node;
my $root = $t->root;
my $large = 3 * 256 * 1024 + 12345;

$t->sql(q{
	CREATE EXTENSION pg_walinspect;
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
	CREATE FUNCTION put_large(text) RETURNS text LANGUAGE sql
		RETURN ffu.file('large.txt', convert_to($1, 'UTF8'));
	INSERT INTO t SELECT i, 'before' || i, put('before' || i) FROM generate_series(1, 3) i;
});

# A standby of a server, with the copy of a folder made after the start of the backup.
sub standby
{
	my ($of, $name, %o) = @_;
	$of->node->backup($name);
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($of->node, $name, has_streaming => 1);
	my $folder = $node->basedir . '/folder';
	unless ($o{empty})
	{
		system('cp', '-a', $of->{root}, $folder) == 0 or die 'cp';
	}
	$node->append_conf('postgresql.conf', "ffu.standby_files = on\nffu.folder_map = '$root=$folder'\n");
	$node->start;
	my $s = bless { %$t, node => $node, root => $folder }, 'FfuTest';
	$s->sql('SELECT ffu.adopt_folder()') unless $o{foreign};
	return $s;
}

# Waits until a standby has replayed everything.
sub caught_up
{
	my ($s) = @_;
	return $primary->wait_for_catchup($s->node, 'replay', $primary->lsn('flush'));
}

# Rows of a server whose files do not have what the rows say.
my $wrong = q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM t
	WHERE octet_length(label) <> ffu.size(f) OR convert_to(label, 'UTF8') <> ffu.content(f)
		OR (SELECT coalesce(string_agg(s, '' ORDER BY n), '') FROM ffu.stream(f, 100000) WITH ORDINALITY AS x(s, n))
			<> convert_to(label, 'UTF8')};

sub same_rows
{
	my ($s, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	caught_up($s);
	is($s->sql('SELECT count(*) FROM t'), $t->sql('SELECT count(*) FROM t'), "$label: the rows");
	return is($s->sql($wrong), '', "$label: every row has its file");
}

# The folder of a standby has the files of the rows, once its worker has had the time.
sub folder_follows
{
	my ($s, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	caught_up($s);
	my @want = sort split / /, $t->sql(q{SELECT string_agg(f, ' ') FROM t});
	wait_until(sub { join(' ', $s->files) eq join(' ', @want) && !$s->staging });
	is_deeply([ $s->files ], \@want, "$label: the folder follows the rows");
	return is_deeply([ $s->staging ], [], 'and its staging directory is empty');
}

$t->sql("BEGIN; INSERT INTO t VALUES (5, 'copied', put('copied')); PREPARE TRANSACTION 'copied'");
my $s = standby($t, 'standby');
my $owner = slurp("$root/.ffu/owner");
same_rows($s, 'at the start');
$t->sql("ROLLBACK PREPARED 'copied'");
folder_follows($s, 'a transaction that was open during the copy was rolled back');

### Every way to make a file

my %ways = (
	'a small file' => "INSERT INTO t VALUES (10, 'a', put('a'))",
	'an empty file' => "INSERT INTO t VALUES (11, '', ffu.file('e.txt', ''))",
	'a large file' => "INSERT INTO t SELECT 12, x, put_large(x) FROM repeat('l', $large) x",
	'a file of whole pieces' => "INSERT INTO t SELECT 13, x, put_large(x) FROM repeat('w', 2 * 256 * 1024) x",
	'many files' => "INSERT INTO t SELECT i, 'm' || i, put('m' || i) FROM generate_series(100, 150) i",
	'copies' => "INSERT INTO t SELECT 10000 + id, label, f FROM t WHERE id IN (1, 2)",
	'pieces' => "BEGIN;
		SELECT ffu.upload_begin('a.txt') AS u \\gset
		SELECT ffu.upload_append(:'u', convert_to(repeat('p', 300000), 'UTF8'));
		INSERT INTO t VALUES (15, repeat('p', 300000), :'u');
		COMMIT",
	'a resumable upload' => "SELECT ffu.upload_begin('a.txt', resumable => true) AS u \\gset
		SELECT ffu.upload_append(:'u', 0, convert_to(repeat('r', 300000), 'UTF8'));
		SELECT ffu.upload_append(:'u', 300000, 'x');
		INSERT INTO t VALUES (16, repeat('r', 300000) || 'x', ffu.upload_finish(:'u'))",
	'savepoints' => "BEGIN;
		INSERT INTO t VALUES (17, 's', put('s'));
		SAVEPOINT s;
		INSERT INTO t VALUES (18, 'lost', put('lost'));
		ROLLBACK TO s;
		INSERT INTO t SELECT 19, x, put_large(x) FROM repeat('t', 300000) x;
		COMMIT",
	'a rollback' => "BEGIN; INSERT INTO t VALUES (20, 'x', put('x')); ROLLBACK",
	'two phases' => "BEGIN; INSERT INTO t SELECT 21, x, put_large(x) FROM repeat('2', 300000) x;
		PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'",
	'two phases, rolled back' => "BEGIN; INSERT INTO t SELECT 22, x, put_large(x) FROM repeat('3', 300000) x;
		PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'",
	'an update' => "UPDATE t SET f = put('new'), label = 'new' WHERE id = 1",
	'with ffu.fsync = off' => "SET ffu.fsync = off; INSERT INTO t VALUES (23, 'f', put('f'))",
	'with ffu.fsync = strict' => "SET ffu.fsync = strict; INSERT INTO t VALUES (24, 'g', put('g'))");
foreach my $way (sort keys %ways)
{
	$t->sql($ways{$way});
	same_rows($s, $way);
}
folder_follows($s, 'after all ways');

my $from = $t->sql('SELECT pg_current_wal_insert_lsn()');
$t->sql("INSERT INTO t SELECT 30, x, put_large(x) FROM repeat('d', 300000) x; DELETE FROM t WHERE id = 30; SELECT FROM ffu.sweep()");
like($t->sql("SELECT string_agg(record_type || ' ' || regexp_replace(description, '^.*(size|count)', '\\1'), ' | ' ORDER BY start_lsn)
	FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn()) WHERE resource_manager = 'ffu' AND record_type <> 'SYNC'"),
	qr/^FILE size 300000; bytes 0 to 262144; durable \| FILE size 300000; bytes 262144 to 300000; durable \| REMOVE count 1; first path t\//,
	'pg_walinspect shows the records');

### The moment: a row is never visible before its file

my $pid = fork();
if ($pid == 0)
{
	foreach my $i (1000 .. 1120)
	{
		my $size = $i % 10 == 0 ? 280000 : 900;
		$t->try("INSERT INTO t SELECT $i, x, put_large(x) FROM repeat('k', $size) x;"
			. ($i % 3 == 0 ? 'DELETE FROM t WHERE id = ' . ($i - 7) : ''));
	}
	POSIX::_exit(0);
}
my $rounds = 0;
while (waitpid($pid, POSIX::WNOHANG()) == 0)
{
	my $look = "$wrong AND id >= 1000";
	my ($rc, $out, $err) = $s->try("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) * 0 FROM t; $look; $look; COMMIT");
	is("$rc $out $err", "0 0 ", 'under load every row of a snapshot has its file') if $rc || $err || $out =~ /[1-9]/;
	$rounds++;
}
cmp_ok($rounds, '>', 5, "a standby was read under load");
note("$rounds times");
same_rows($s, 'after the load');
folder_follows($s, 'after the load');

is($s->sql('SELECT * FROM ffu.check(content => true)'), '', 'ffu.check on the standby finds nothing');

### Deletions wait for the snapshots of the standby

$t->sql("INSERT INTO t VALUES (40, 'old', put('old'))");
caught_up($s);
my $path = $t->sql('SELECT f FROM t WHERE id = 40');
my $old = $s->session;
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$t->sql('DELETE FROM t WHERE id = 40; SELECT FROM ffu.sweep()');
ok(!-e "$root/$path", 'the primary has removed a file');
$t->sql("INSERT INTO t VALUES (41, 'next', put('next'))");
caught_up($s);
is($s->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 41"), 'next', 'the standby goes on');
ok($s->node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_ls_dir('ffu.inbox') f WHERE f LIKE '%.removals'"), 'the removal waits');
is($old->query('SELECT ffu.content(f) FROM t WHERE id = 40'), '\x6f6c64', 'a snapshot that sees the row has the file');
is($s->sql('SELECT * FROM ffu.check()'), '', 'ffu.check knows that the file is to go');
$old->query('COMMIT');
$old->quit;
folder_follows($s, 'after the snapshot');
ok(!-e "$s->{root}/$path", 'then the file is gone');

### A query that waits for a delivery is not taken for a deadlock with redo

$s->sql("ALTER SYSTEM SET deadlock_timeout = '10ms'; ALTER SYSTEM SET log_recovery_conflict_waits = on;
	ALTER SYSTEM SET max_standby_streaming_delay = -1; ALTER SYSTEM SET ffu.fault = 'deliver-after-entry:wait'");
my ($gate, $reader) = ($s->session, $s->session);
$gate->query('SELECT pg_advisory_lock(4660)');
# Redo waits for the page, and for no snapshot: there is no sweep meanwhile, and the row has gone
# before the deliverer takes its snapshot.
my $launcher = $t->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu launcher'");
kill 'STOP', $launcher;
$t->node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'") or die;
$t->sql("INSERT INTO t VALUES (42, 'goes', put('goes')); DELETE FROM t WHERE id = 42");
caught_up($s);
$s->sql("SET ffu.fault = ''; SELECT sum(ffu.size(f)) FROM t");
$s->sql('SELECT pg_reload_conf()');
$t->sql("INSERT INTO t VALUES (43, 'stays', put('stays'))");
caught_up($s);
ok($s->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ffu deliverer' AND wait_event_type = 'Lock'"),
	'a delivery lasts');
my $pid_of_reader = $reader->pid;
$reader->send_only("SET ffu.fault = ''; SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id + 0 = 43");
ok($s->node->poll_query_until('postgres', "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid_of_reader"),
	'a query waits for the delivery, but for no lock');
my $log_size = -s $s->node->logfile;
$t->sql('VACUUM t');
wait_until(sub { substr(slurp($s->node->logfile), $log_size) =~ /recovery still waiting .* buffer pin/ });
like(substr(slurp($s->node->logfile), $log_size), qr/recovery still waiting .* buffer pin/, 'redo waits for the page that the query has pinned');
$gate->query('SELECT pg_advisory_unlock(4660)');
is($reader->wait_done, 'stays', 'the query gets its answer');
is($reader->errors, '', 'and is not cancelled');
kill 'CONT', $launcher;
$_->quit foreach $gate, $reader;
$s->sql("ALTER SYSTEM RESET deadlock_timeout; ALTER SYSTEM RESET log_recovery_conflict_waits;
	ALTER SYSTEM RESET max_standby_streaming_delay; ALTER SYSTEM RESET ffu.fault; SELECT pg_reload_conf()");
$t->sql('DELETE FROM t WHERE id = 43');

# Kept files
$t->sql('ALTER SYSTEM SET ffu.deletion_delay = 3600');
$t->sql('SELECT pg_reload_conf()');
$t->sql("INSERT INTO t VALUES (42, 'kept', put('kept'))");
same_rows($s, 'a file that will be kept');
$path = $t->sql('SELECT f FROM t WHERE id = 42');
$t->sql('DELETE FROM t WHERE id = 42; SELECT FROM ffu.sweep()');
folder_follows($s, 'a kept file is out of reach of URLs on the standby, too');
$t->sql("INSERT INTO t VALUES (43, 'kept', ffu.undelete('$path'))");
same_rows($s, 'undelete');
$t->sql('ALTER SYSTEM RESET ffu.deletion_delay');
$t->sql('SELECT pg_reload_conf()');
$t->sql('SELECT FROM ffu.sweep()');
folder_follows($s, 'kept no longer');
ok(!(grep { -f } glob("$s->{root}/.ffu/kept/*")), 'and not kept on the standby');

### Restarts in the middle

foreach my $how ('fast', 'immediate', 'kill')
{
	$t->sql("INSERT INTO t SELECT i, '$how', put('$how') FROM generate_series(200, 220) i;
		INSERT INTO t SELECT 221, x, put_large(x) FROM repeat('r', $large) x");
	if ($how eq 'kill') { $s->crash } else { $s->stop($how) }
	$t->sql("DELETE FROM t WHERE id BETWEEN 200 AND 221; SELECT FROM ffu.sweep(); INSERT INTO t VALUES (222, 'z', put('z')); CHECKPOINT");
	$s->start;
	same_rows($s, "restarted: $how");
	$s->sql('CHECKPOINT');
	$t->sql('DELETE FROM t WHERE id = 222; SELECT FROM ffu.sweep()');
	folder_follows($s, "restarted: $how");
}

# A removed file is not missed by a standby that comes back to a moment before.
$s->sql('CHECKPOINT');
$t->sql("INSERT INTO t SELECT i, 'moment', put('moment') FROM generate_series(230, 240) i; CHECKPOINT");
same_rows($s, 'before a moment');
$s->sql('CHECKPOINT');
$t->sql('DELETE FROM t WHERE id BETWEEN 230 AND 240; SELECT FROM ffu.sweep()');
folder_follows($s, 'after the moment');
$s->crash;
$s->node->append_conf('postgresql.conf', "recovery_min_apply_delay = '1h'\n");
$s->start;
is($s->sql($wrong), '', 'a standby that comes back never shows a row whose file is gone');
$s->node->adjust_conf('postgresql.conf', 'recovery_min_apply_delay', undef);
$s->restart;

# A segment of the inbox goes when redo has begun another.
$t->sql("INSERT INTO t SELECT 50 + i, x, put_large(x) FROM generate_series(1, 6) i, repeat('s', 4000000) x");
same_rows($s, 'more than a segment');
folder_follows($s, 'more than a segment');
cmp_ok($s->sql("SELECT sum((pg_stat_file('ffu.inbox/' || f)).size) FROM pg_ls_dir('ffu.inbox') f"), '<', 17e6, 'the inbox is short');
$t->sql('DELETE FROM t WHERE id BETWEEN 51 AND 56; SELECT FROM ffu.sweep()');

### A folder that cannot be used: replay goes on, and what is there can be read

$t->sql("INSERT INTO t VALUES (60, 'there', put('there'))");
folder_follows($s, 'before');
rename $s->{root}, "$s->{root}-away" or die;
$t->sql("INSERT INTO t VALUES (61, 'away', put('away'))");
caught_up($s);
is($s->sql('SELECT label FROM t WHERE id = 61'), 'away', 'without its folder the standby replays');
$s->fails_with('55000', 'SELECT ffu.content(f) FROM t WHERE id = 60');
like($s->sql('SELECT problem FROM ffu.status'), qr/cannot be opened/, 'ffu.status says what is missing');
$s->stop('immediate');
$s->start;
is($s->sql('SELECT label FROM t WHERE id = 61'), 'away', 'and recovers');
rename "$s->{root}-away", $s->{root} or die;
same_rows($s, 'the folder is back');

# The last step of a delivery fails.
$s->node->append_conf('postgresql.conf', "ffu.fault = 'move:ENOSPC'\n");
$s->restart;
$t->sql("INSERT INTO t VALUES (62, 'full', put('full'))");
caught_up($s);
is($s->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 60"), 'there', 'a full folder: what is there can be read');
like($s->fails_with('53100', 'SELECT ffu.content(f) FROM t WHERE id = 62'), qr/put back/, 'and the rest raises the reason');
like($s->sql('SELECT problem FROM ffu.status'), qr/wait/, 'which ffu.status mentions');
$s->node->adjust_conf('postgresql.conf', 'ffu.fault', undef);
$s->restart;
same_rows($s, 'the folder has room again');
folder_follows($s, 'the folder has room again');
is($s->sql('SELECT problem FROM ffu.status'), '', 'and ffu.status has no problem');

### Whose folder it is

is(slurp("$root/.ffu/owner"), $owner, "the primary's folder is the primary's");
$t->fails_with('55000', 'SELECT ffu.adopt_folder()', 'adopt_folder on the primary');
my $other = standby($t, 'other', foreign => 1);
my $before = join ' ', $other->files;
$t->sql("INSERT INTO t VALUES (70, 'foreign', put('foreign'))");
caught_up($other);
like($other->fails_with('55000', 'SELECT ffu.content(f) FROM t WHERE id = 70'), qr/another copy/, 'a copy that is not adopted is not used');
is(join(' ', $other->files), $before, 'and not written to');
like(($other->fault('syncfs:EIO', 'SELECT ffu.adopt_folder()'))[2], qr/55000|58030/, 'a copy that cannot be made durable is not adopted');
$other->fails_with('55000', 'SELECT ffu.content(f) FROM t WHERE id = 70');
$other->sql('SELECT ffu.adopt_folder()');
same_rows($other, 'adopted later');
# The path leads to the original.
$other->node->adjust_conf('postgresql.conf', 'ffu.folder_map', undef);
$other->restart;
like($other->fails_with('55000', 'SELECT ffu.adopt_folder()'), qr/not a copy/, 'the original cannot be adopted');
$t->sql("INSERT INTO t VALUES (71, 'again', put('again'))");
caught_up($other);
$other->fails_with('55000', 'SELECT ffu.content(f) FROM t WHERE id = 70');
is(slurp("$root/.ffu/owner"), $owner, "and is as it was");
$other->stop;

# A copy of the standby's data directory does not use the standby's folder.
my $copy = PostgreSQL::Test::Cluster->new('copy');
$s->stop;
system('cp', '-a', $s->node->data_dir, $copy->data_dir) == 0 or die;
$s->start;
$copy->append_conf('postgresql.conf', 'port = ' . $copy->port . "\nunix_socket_directories = '" . $copy->host . "'\n");
$copy->start;
my $c = bless { %$t, node => $copy }, 'FfuTest';
like($c->fails_with('55000', 'SELECT ffu.content(f) FROM t WHERE id = 60'), qr/another copy/, 'a copy of the standby may not use its folder');
like($c->fails_with('55000', 'SELECT ffu.adopt_folder()'), qr/not a copy/, 'and may not adopt it');
$before = join ' ', $s->files;
$copy->promote;
like(($copy->psql('postgres', 'SELECT FROM ffu.sweep()'))[2], qr/another copy/, 'nor after a promotion');
$copy->stop;
is(join(' ', $s->files), $before, 'which is as it was');
same_rows($s, 'the standby goes on');

# A standby without a copy of the folder has what is stored from now on.
my $empty = standby($t, 'empty', empty => 1);
$t->sql("INSERT INTO t VALUES (80, 'later', put('later'))");
caught_up($empty);
is($empty->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 80"), 'later', 'begun without a copy: new files are there');
$empty->fails_with('23503', 'SELECT ffu.content(f) FROM t WHERE id = 60', 'and old ones are missing');
is($empty->sql("SELECT DISTINCT problem FROM ffu.check()"), 'missing', 'as ffu.check says');
is($empty->sql("SELECT count(*) FROM ffu.check() WHERE relation = 't'::regclass"), $empty->sql('SELECT count(*) FROM t WHERE id <> 80'), 'of each');
mkdir "$empty->{root}/x";
system('cp', '-p', "$empty->{root}/" . $empty->sql('SELECT f FROM t WHERE id = 80'), "$empty->{root}/x/y.txt");
is($empty->sql("SELECT problem, path FROM ffu.check() WHERE relation IS NULL"), 'orphan|x/y.txt', 'and a file without a row is an orphan');
$empty->stop;

### Promotion

$t->sql("BEGIN; INSERT INTO t VALUES (90, 'prepared', put('prepared')); PREPARE TRANSACTION 'prepared'");
$t->sql("BEGIN; INSERT INTO t VALUES (91, 'not', put('not')); PREPARE TRANSACTION 'not'");
$t->sql("INSERT INTO t VALUES (92, 'old', put('old'))");
caught_up($s);
$path = $t->sql('SELECT f FROM t WHERE id = 92');
$old = $s->session;
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$t->sql('DELETE FROM t WHERE id = 92; SELECT FROM ffu.sweep()');
$t->sql("INSERT INTO t SELECT 93, x, put_large(x) FROM repeat('l', $large) x");
caught_up($s);
# The bytes of a resumable upload are in the WAL once the upload is a file.
my $upload = $t->sql("SELECT ffu.upload_begin('u.txt', resumable => true)");
$t->sql("SELECT ffu.upload_append('$upload', 0, 'half')");
caught_up($s);
# The standby never hears the end of this transaction.
$t->fault('publish-end:crash', "INSERT INTO t SELECT 94, x, put_large(x) FROM repeat('n', 300000) x");
$s->node->promote;
is($s->sql($wrong), '', 'promoted: every row has its file, and nothing had to be claimed');
is($s->sql("SELECT ffu.content(f) = convert_to(repeat('l', $large), 'UTF8') FROM t WHERE id = 93"), 't', 'the last large one as well');
is($old->query('SELECT ffu.content(f) FROM t WHERE id = 92'), '\x6f6c64', 'an old snapshot still has its file');
$old->query('COMMIT');
$old->quit;
$s->sql("COMMIT PREPARED 'prepared'");
$s->sql("ROLLBACK PREPARED 'not'");
$s->sql("INSERT INTO t VALUES (95, 'new', put('new'))");
is($s->sql("SELECT ffu.upload_offset('$upload')"), '4', 'promoted: a resumable upload has its row');
$s->fails_with('XX001', "SELECT ffu.upload_append('$upload', 4, 'more')", 'but not its bytes');
$s->fails_with('XX001', "SELECT ffu.upload_finish('$upload')");
$s->sql("SELECT ffu.upload_cancel('$upload')");
wait_until(sub { $s->sql('SELECT FROM ffu.sweep()'); !-e "$s->{root}/$path" });
$s->folder_is_rows(['t.f'], 'promoted: the folder equals the rows');
is($s->sql('SELECT * FROM ffu.check()'), '', 'ffu.check finds nothing');
is($s->sql("SELECT count(*) FROM pg_ls_dir('ffu.inbox')"), '0', 'and the inbox is empty');
is(slurp("$root/.ffu/owner"), $owner, "the old primary's folder is as it was");

$s->stop;
done_testing();
