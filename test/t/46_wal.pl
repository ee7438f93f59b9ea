# ffu.wal = small: small files are in the WAL, and a commit does not sync them. What the
# disk loses of them in a crash comes back from the WAL.
#
# A crash here leaves the page cache, so the test itself takes away what a power cut may
# take: any change since the last sync. For cuts of a disk see 32_powercut.pl.

use strict;
use warnings;

use File::Path qw(remove_tree);
use FfuTest;
use Test::More;

my $t = FfuTest->new('wal', preload => 1, conf => <<'EOF');
ffu.pretend_in_order = on
ffu.wal = small
wal_writer_delay = 10s
checkpoint_timeout = 1h
EOF
my $node = $t->node;
my $root = $t->root;
my $salvage = $node->data_dir . '/ffu.salvage';

$t->sql(q{
	CREATE EXTENSION pg_walinspect;
	CREATE TABLE flushed (n int);
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
});

# The path of a row.
sub path { return $t->sql("SELECT f FROM t WHERE id = $_[0]"); }

# A syncer runs, and the next small file is not synced by its commit.
sub armed
{
	$t->sql("INSERT INTO t VALUES (0, 'first', put('first')); DELETE FROM t WHERE id = 0");
	return $node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ffu syncer'");
}

# The kinds of ffu's records from a position on, in order, without SYNC.
sub kinds
{
	my ($from) = @_;
	$t->sql('INSERT INTO flushed VALUES (1)');
	return $t->sql("SELECT string_agg(record_type, ' ' ORDER BY start_lsn) FROM
		pg_get_wal_records_info('$from', pg_current_wal_flush_lsn()) WHERE resource_manager = 'ffu' AND record_type <> 'SYNC'");
}

sub here { return $t->sql('SELECT pg_current_wal_insert_lsn()'); }

# The folder has the files of the rows, and each file the bytes that the row says.
sub folder_is_right
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sweep_all;
	is($t->sql("SELECT id, f FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', "$label: the bytes");
	return $t->folder_is_rows(['t.f'], $label);
}

# Stops the syncer where it is, or lets it go on.
sub signal_syncer
{
	my ($signal) = @_;
	kill $signal, split /\n/, $t->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu syncer'");
	return;
}

sub overwrite
{
	my ($file, $bytes) = @_;
	open(my $fh, '>', $file) or die "could not open $file: $!";
	print $fh $bytes;
	return close($fh);
}

# A power cut: what the disk has lost is up to the caller, who gets the names.
sub lose
{
	my ($damage) = @_;
	$t->crash;
	$damage->();
	return $t->start;
}

### The records

ok(armed(), 'the syncer runs once a small file was stored');
$t->sweep_all;
my $from = here();
$t->sql("INSERT INTO t VALUES (1, 'one', put('one'))");
is(kinds($from), 'FILE', 'a small file is in the WAL');
my $described = $t->sql("SELECT description FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn())
	WHERE record_type = 'FILE'");
my $path = path(1);
like($described, qr/^database \d+; file \d+\.\d+; path \Q$path\E; size 3$/, 'and pg_walinspect shows what it is');
is_deeply([ $t->staging ], [], 'its staging name is gone after the commit');

# The commit of a small file syncs nothing.
my $store = "INSERT INTO t VALUES (2, 'a', put('a'))";
is(($t->fault('fsync:EIO', $store))[0], 0, 'a commit that may not sync');
$t->sql('DELETE FROM t WHERE id = 2');
$t->sweep_all;
like(($t->fault('fsync:EIO', "SET ffu.wal = off; $store"))[2], qr/58030/, 'which fails with ffu.wal = off');

my %not_logged = (
	'a file above ffu.wal_max_file' => "SET ffu.wal_max_file = 1; INSERT INTO t VALUES (2, repeat('x', 2000), ffu.file('a.txt', convert_to(repeat('x', 2000), 'UTF8')))",
	'ffu.wal = off' => "SET ffu.wal = off; INSERT INTO t VALUES (2, 'a', put('a'))",
	'ffu.fsync = strict' => "SET ffu.fsync = strict; INSERT INTO t VALUES (2, 'a', put('a'))",
	'ffu.fsync = off' => "SET ffu.fsync = off; INSERT INTO t VALUES (2, 'a', put('a'))",
	'a copy' => 'INSERT INTO t SELECT 2, label, f FROM t WHERE id = 1',
	'a finished resumable upload' => "SELECT ffu.upload_begin('a.txt', resumable => true) AS u \\gset
		SELECT ffu.upload_append(:'u', 0, 'a');
		INSERT INTO t VALUES (2, 'a', ffu.upload_finish(:'u'))",
	'many files together' => "INSERT INTO t SELECT i, 'm', put('m') FROM generate_series(2, 20) i",
	'a rollback' => "BEGIN; INSERT INTO t VALUES (2, 'a', put('a')); ROLLBACK");
foreach my $what (sort keys %not_logged)
{
	$from = here();
	$t->sql($not_logged{$what});
	is(kinds($from), '', "not in the WAL: $what");
	$t->sql('DELETE FROM t WHERE id >= 2');
	$t->sweep_all;
}
$from = here();
$t->sql("INSERT INTO t SELECT i, 'm', put('m') FROM generate_series(2, 5) i");
is(kinds($from), 'FILE FILE FILE FILE', 'a few files together are');
$t->sql('DELETE FROM t WHERE id = 5');
$t->sweep_all;
is(kinds($from), 'FILE FILE FILE FILE REMOVE', 'and a removal that a sweep has struck off');
folder_is_right('before any crash');

### What a crash takes away comes back

my %damage = (
	'the bytes' => sub { overwrite("$root/$_[0]", ''); },
	'some bytes' => sub { overwrite("$root/$_[0]", substr('lost', 0, 2)); },
	'other bytes of the same size' => sub { overwrite("$root/$_[0]", "\0\0\0\0"); },
	'the path' => sub { unlink "$root/$_[0]"; },
	'the path and its directory' => sub { remove_tree("$root/" . ($_[0] =~ s|/[^/]*$||r)); },
	'nothing' => sub { });
foreach my $what (sort keys %damage)
{
	ok(armed(), 'the syncer runs');
	signal_syncer('STOP');
	$t->sql("INSERT INTO t VALUES (100, 'lost', put('lost'))");
	$path = path(100);
	lose(sub { $damage{$what}->($path); });
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 100"), 'lost', "the crash takes $what: the file is back");
	$t->sql('DELETE FROM t WHERE id = 100');
	folder_is_right($what);
	is_deeply([ glob("$salvage/*") ], [], 'and the salvage is empty');
}

# All states of a transaction, each with the path taken away.
ok(armed(), 'the syncer runs');
signal_syncer('STOP');
$t->sql("BEGIN; INSERT INTO t VALUES (200, 'p', put('p')); PREPARE TRANSACTION 'committed'");
$t->sql("BEGIN; INSERT INTO t VALUES (201, 'q', put('q')); PREPARE TRANSACTION 'rolled back'");
$t->sql("BEGIN; INSERT INTO t VALUES (202, 's', put('s')); SAVEPOINT s; INSERT INTO t VALUES (203, 'l', put('l'));
	ROLLBACK TO s; INSERT INTO t VALUES (204, 'u', put('u')); COMMIT");
$t->sql("INSERT INTO t VALUES (205, 'd', put('d')); DELETE FROM t WHERE id = 205");
$t->sql("INSERT INTO t VALUES (206, 'r', put('r')); DELETE FROM t WHERE id = 206; SELECT FROM ffu.sweep()");
my $open = $t->session;
$open->query("BEGIN; INSERT INTO t VALUES (207, 'o', put('o'))");
$t->fault('publish-end:kill:0', "INSERT INTO t VALUES (208, 'k', put('k'))");
is($t->sql('SELECT count(*) FROM pg_prepared_xacts'), '2', 'the server has restarted, with two prepared transactions');
ok(armed(), 'the syncer runs again');
is($t->sql("SELECT id, f FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', 'every row has its file');
$t->sql('CHECKPOINT');
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (209, 'n', put('n'))");
lose(sub { remove_tree("$root/t"); });
$t->sql("COMMIT PREPARED 'committed'; ROLLBACK PREPARED 'rolled back'");
ok(-f "$root/" . path(209), 'a file that was not durable is back');
$t->sql('DELETE FROM t');
folder_is_right('all rows gone');

# A prepared transaction whose file and name are lost
ok(armed(), 'the syncer runs');
signal_syncer('STOP');
$t->sql("BEGIN; INSERT INTO t VALUES (1, 'p', put('p')); PREPARE TRANSACTION 'committed'");
$t->sql("BEGIN; INSERT INTO t VALUES (2, 'q', put('q')); PREPARE TRANSACTION 'rolled back'");
lose(sub { remove_tree("$root/t"); unlink map { "$root/.ffu/staging/$_" } $t->staging; });
$t->sql('SELECT FROM ffu.sweep()');
is(scalar $t->files, 2, 'the files of prepared transactions are back');
is(scalar $t->staging, 2, 'and their staging names');
$t->sql("COMMIT PREPARED 'committed'");
$t->sql("ROLLBACK PREPARED 'rolled back'");
folder_is_right('after COMMIT PREPARED and ROLLBACK PREPARED');

# What was deleted for good before the crash stays deleted, although its bytes are in
# the WAL that is replayed.
ok(armed(), 'the syncer runs');
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (3, 'gone', put('gone')); DELETE FROM t WHERE id = 3; SELECT FROM ffu.sweep()");
$t->sql("INSERT INTO t VALUES (4, 'stays', put('stays'))");
lose(sub { });
folder_is_right('a deleted file does not come back');

# A kept file
$t->sql('ALTER SYSTEM SET ffu.deletion_delay = 3600');
$t->sql('SELECT pg_reload_conf()');
ok(armed(), 'the syncer runs');
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (5, 'kept', put('kept'))");
$path = path(5);
$t->sql('DELETE FROM t WHERE id = 5');
ok(!-e "$root/$path", 'a deleted file is out of reach of URLs');
lose(sub { overwrite($_, '') foreach glob("$root/.ffu/kept/*"); });
$t->sql('SELECT FROM ffu.sweep()');
ok(!-e "$root/$path", 'after the crash too');
$t->sql("INSERT INTO t VALUES (6, 'kept', ffu.undelete('$path'))");
folder_is_right('and its bytes are there');
$t->sql('ALTER SYSTEM RESET ffu.deletion_delay');
$t->sql('SELECT pg_reload_conf()');

### A standby keeps the files of the last moments for the time after its promotion

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('wal_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $s = bless { %$t, node => $standby }, 'FfuTest';
my $kept = sub { return join ' ', map { -s $_ } glob($standby->data_dir . '/ffu.salvage/*'); };
ok(armed(), 'the syncer runs');
$t->sql("INSERT INTO t VALUES (7, 'durable', put('durable'))");
$t->sql('CHECKPOINT');
$node->wait_for_catchup($standby);
like($kept->(), qr/^0?$/, 'the standby drops a file that the primary has made durable');
signal_syncer('STOP');
$t->sql("INSERT INTO t VALUES (8, 'last', put('last'))");
$path = path(8);
$node->wait_for_catchup($standby);
like($kept->(), qr/^[1-9]\d*$/, 'and keeps another');
$standby->safe_psql('postgres', 'CHECKPOINT');
$standby->restart;
like($kept->(), qr/^[1-9]\d*$/, 'over a restart');
ok(-f "$root/$path", 'the folder of the primary is as it was');
$t->crash;
unlink "$root/$path";
$standby->promote;
$s->sql('SELECT ffu.claim_folder()');
is($s->sql('SELECT f FROM t WHERE id = 8'), $path, 'promoted: the row');
$s->sql('SELECT FROM ffu.sweep()');
is($s->sql("SELECT id, f FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', 'and every row has its file');
$s->folder_is_rows(['t.f'], 'after a promotion');

$s->stop;
done_testing();
