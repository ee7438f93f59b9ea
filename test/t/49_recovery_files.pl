# Point-in-time recovery with ffu.wal = all: a base backup, a copy of the folder made
# after the backup had begun, and the WAL give back rows and files of any later moment.
# Without ffu.standby_files, or with a copy older than the backup, files are missing.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('primary', preload => 1, conf => <<'EOF');
ffu.wal = all
ffu.pretend_in_order = on
checkpoint_timeout = 1h
EOF
my $primary = $t->node;
$primary->stop;
$primary->enable_archiving;
$primary->start;
my $large = 700_000;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file('name.txt', convert_to($1, 'UTF8'));
	INSERT INTO t SELECT i, 'old' || i, put('old' || i) FROM generate_series(1, 20) i;
});

sub copy { return system('cp', '-a', $t->root, $_[0]) == 0 || die 'cp'; }

my $early = $primary->basedir . '/early';
copy($early);
$t->sql("INSERT INTO t SELECT 25, x, put(x) FROM repeat('e', $large) x");
$primary->backup('base');
$t->sql("INSERT INTO t SELECT 30, x, put(x) FROM repeat('b', $large) x; DELETE FROM t WHERE id <= 5; SELECT FROM ffu.sweep()");
my $late = $primary->basedir . '/late';
copy($late);
$t->sql("INSERT INTO t SELECT 40, x, put(x) FROM repeat('c', $large) x; INSERT INTO t VALUES (41, 'small', put('small'));
	DELETE FROM t WHERE id IN (6, 7); SELECT FROM ffu.sweep(); UPDATE t SET label = 'new', f = put('new') WHERE id = 8");
$t->sql("SELECT pg_create_restore_point('here')");
my $rows = $t->sql('SELECT id, f FROM t ORDER BY id');
$t->sql("DELETE FROM t WHERE id < 15 OR id > 39; SELECT FROM ffu.sweep(); INSERT INTO t VALUES (50, 'later', put('later')); SELECT pg_switch_wal()");
$t->sql('CHECKPOINT');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= pg_walfile_name(redo_lsn) OR archived_count > 3 FROM pg_stat_archiver, pg_control_checkpoint()");
$t->stop;

# Recovers the backup to the restore point with a copy of a folder, and returns the server.
sub recover
{
	my ($name, $copy, $keep) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
	my $folder = $node->basedir . '/folder';
	system('cp', '-a', $copy, $folder) == 0 or die 'cp';
	$node->append_conf('postgresql.conf', "ffu.standby_files = $keep\nrecovery_target_name = 'here'\nrecovery_target_action = 'promote'\narchive_mode = off\n");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
	my $s = bless { %$t, node => $node, root => $folder }, 'FfuTest';
	$s->fails_with('55000', 'SELECT ffu.content(f) FROM t LIMIT 1', "$name: the folder is refused");
	isnt(($s->fault('syncfs:EIO', "SELECT ffu.claim_folder('$folder')"))[0], 0, "$name: a copy that cannot be made durable is not claimed");
	$s->sql("SELECT ffu.claim_folder('$folder')");
	is($s->sql('SELECT id, f FROM t ORDER BY id'), $rows, "$name: the rows of the restore point");
	return $s;
}

my $missing = q{SELECT count(*) FROM ffu.check(content => true) WHERE problem = 'missing'};
my $s = recover('right', $late, 'on');
is($s->sql("SELECT id FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', 'the right order: every row has its file');
is($s->sql("SELECT * FROM ffu.check(content => true)"), '', 'ffu.check finds nothing');
$s->sql('SELECT FROM ffu.sweep()');
$s->folder_is_rows(['t.f'], 'and the folder has nothing else');
$s->stop;

$s = recover('without', $late, 'off');
cmp_ok($s->sql($missing), '>', 0, 'without ffu.standby_files files are missing');
$s->stop;

$s = recover('early', $early, 'on');
is($s->sql($missing), '1', 'a copy older than the backup lacks the file in between');
$s->stop;
done_testing();
