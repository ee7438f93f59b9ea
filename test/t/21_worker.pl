# The background worker: what it does by itself, without anyone asking for it.

use strict;
use warnings;

use FfuTest qw(slurp);
use Test::More;

# Nobody but the worker sweeps here: the sessions below only look, or leave work.
my $t = FfuTest->new('worker', preload => 1, conf => "ffu.naptime = 1\n");
my $node = $t->node;
my $done = 'SELECT count(*) = 0 FROM ffu.deletion';
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 300) i;
});
is($t->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu launcher'"), '1', 'the launcher runs');
is($t->sql('SELECT preloaded FROM ffu.status'), 't', 'ffu.status says so');
my ($postmaster) = slurp($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
like(slurp("/proc/$postmaster/maps"), qr/magic\.mgc/, "the postmaster has libmagic's database, for all backends");

# A commit leaves work: more files than a session removes itself.
$t->sql('DELETE FROM t WHERE id > 100');
ok($node->poll_query_until('postgres', $done), 'what a commit leaves is deleted');
$t->folder_is_rows(['t.f'], 'and the empty directories are gone');
my @directories = map { -d $_ ? $_ : () } glob($t->root . '/t/*');
is(scalar @directories, 100, 'one directory for each file');

# What a snapshot holds goes when the snapshot has gone, at a naptime.
my $session = $t->session;
$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$t->sql('DELETE FROM t WHERE id = 1');
is($session->query("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 1"), 'a1', 'a snapshot holds its file');
$session->query('COMMIT');
ok($node->poll_query_until('postgres', $done), 'then it goes');

# A prepared transaction calls nobody when it is committed.
$t->sql("BEGIN; INSERT INTO t VALUES (400, ffu.file('a.txt', 'p')); DELETE FROM t WHERE id = 2; PREPARE TRANSACTION 'x'");
is(scalar $t->staging, 1, 'prepared: the staging name stays');
$t->sql("COMMIT PREPARED 'x'");
ok($node->poll_query_until('postgres', 'SELECT staged_files = 0 AND pending_deletions = 0 FROM ffu.status'),
	'committed: the worker finishes it');
$t->folder_is_rows(['t.f'], 'and the folder equals the rows');

# A crash: leftovers go as soon as the server is back, in a session of nobody's.
$t->fault('publish-after-link:crash', "INSERT INTO t VALUES (401, ffu.file('a.txt', 'c'))");
is(scalar $t->staging, 1, 'a crash leaves a staging name');
$t->start;
ok($node->poll_query_until('postgres', 'SELECT staged_files = 0 FROM ffu.status'), 'the worker clears it up');
$t->folder_is_rows(['t.f'], 'and its file');

# Every database that has ffu.
$t->sql('CREATE DATABASE other');
{
	local $t->{database} = 'other';
	local $t->{root} = $t->root . '-other';
	$t->setup;
	$t->sql(q{
		CREATE TABLE o (id int);
		SELECT ffu.add_column('o', 'f');
		INSERT INTO o SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 200) i;
		TRUNCATE o;
	});
	ok($node->poll_query_until('other', $done), 'another database is swept as well');
	$t->folder_is_rows(['o.f'], 'its folder is empty');
}
my $folders = $node->data_dir . '/ffu.folders';
ok($node->poll_query_until('postgres', "SELECT pg_read_file('ffu.folders') ~ '-other'"), 'its folder is on the list');
is($t->sql('SELECT count(*) FROM ffu.abandoned_folders'), '0', 'no folder is abandoned');
$t->sql('DROP DATABASE other');
is($t->sql('SELECT folder FROM ffu.abandoned_folders'), $t->root . '-other', 'that of a dropped database is');

# A failed removal is noted, and tried again by itself.
my $path = $t->sql('SELECT f FROM t WHERE id = 3');
my $dir = $t->root . '/' . ($path =~ s|/[^/]*$||r);
SKIP:
{
	skip 'the superuser of the system may write everywhere', 3 if $> == 0;
	chmod 0550, $dir;
	$t->sql('DELETE FROM t WHERE id = 3');
	ok($node->poll_query_until('postgres', "SELECT attempts > 0 FROM ffu.deletion WHERE path = '$path'"), 'a failure is noted');
	# Between two attempts it is that which holds it up, the longer the more have failed.
	ok($node->poll_query_until('postgres', "SELECT held_by ~ '^error: Permission denied' FROM ffu.pending_deletions WHERE path = '$path'"), 'and told');
	chmod 02750, $dir;
	ok($node->poll_query_until('postgres', $done), 'and tried again');
}

# What a database sets for its sessions is not for the worker.
$t->sql("ALTER DATABASE postgres SET $_") foreach "default_transaction_isolation = 'serializable'",
  "lock_timeout = '1ms'", 'default_transaction_read_only = on';
is($t->sql('SHOW default_transaction_isolation'), 'serializable', 'all transactions of the database are SERIALIZABLE');
$t->sql(q{BEGIN READ WRITE; DELETE FROM t WHERE id BETWEEN 4 AND 60; SELECT FROM ffu.upload_begin('a.txt', resumable => true);
	UPDATE ffu.upload SET expires_at = '-infinity'; COMMIT});
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM (SELECT id FROM ffu.deletion UNION ALL SELECT id FROM ffu.upload) left_over'),
	'the worker deletes files and ends uploads in a database that is SERIALIZABLE and read-only');
$t->sql('BEGIN READ WRITE; ALTER DATABASE postgres RESET ALL; COMMIT');

# Many deletions, in batches of their own transactions; the worker can be
# ended between two of them, and goes on.
$t->sql('ALTER SYSTEM SET ffu.sweep_batch = 100');
$t->sql('SELECT pg_reload_conf()');
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1000, 5999) i");
$t->sql('DELETE FROM t WHERE id >= 1000');
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'");
$t->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'");
ok($node->poll_query_until('postgres', $done), 'five thousand deletions, and a worker that was ended');
$t->folder_is_rows(['t.f'], 'the folder equals the rows');
my $counted = $t->sql('SELECT deleted_files >= 5000, failed >= 1, stored_files >= 5000 FROM ffu.stat');
is($counted, 't|t|t', 'and is counted') if $> != 0;

# It ends with the server, at once. Only the postmaster may be seen once more: the
# server counts as stopped when the lock file is gone, and that goes before it does.
($postmaster) = slurp($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
$t->stop;
is(join(' ', grep { $_ != $postmaster } $t->pids), '', 'nothing is left running');
$t->wait_gone;
done_testing();
