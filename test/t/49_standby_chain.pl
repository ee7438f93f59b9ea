# A standby of a standby, and an old primary that comes back by pg_rewind: each has the
# files of its rows in a folder of its own.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $t = FfuTest->new('primary', preload => 1, conf => <<'EOF');
ffu.wal = all
ffu.pretend_in_order = on
checkpoint_timeout = 1h
wal_log_hints = on
wal_keep_size = 256MB
EOF
my $root = $t->root;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file('name.txt', convert_to($1, 'UTF8'));
	INSERT INTO t SELECT i, 'old' || i, put('old' || i) FROM generate_series(1, 5) i;
});

# A standby of a server, with a copy of that server's folder.
sub standby
{
	my ($of, $name) = @_;
	$of->node->backup($name);
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($of->node, $name, has_streaming => 1);
	my $folder = $node->basedir . '/folder';
	system('cp', '-a', $of->{root}, $folder) == 0 or die 'cp';
	$node->append_conf('postgresql.conf', "ffu.standby_files = on\nffu.folder_map = '$root=$folder'\n");
	$node->start;
	my $s = bless { %$t, node => $node, root => $folder }, 'FfuTest';
	$s->sql('SELECT ffu.adopt_folder()');
	return $s;
}

# A standby has the rows of the primary, and the files of the rows.
sub follows
{
	my ($of, $s, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $lsn = $of->sql('SELECT pg_current_wal_flush_lsn()');
	$s->node->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'") or die;
	is($s->sql('SELECT id, label, f FROM t ORDER BY id'), $of->sql('SELECT id, label, f FROM t ORDER BY id'), "$label: the rows");
	is($s->sql("SELECT id FROM t WHERE convert_from(ffu.content(f), 'UTF8') <> label"), '', "$label: every row has its file");
	my @want = sort split / /, $of->sql(q{SELECT string_agg(f, ' ') FROM t});
	my $end = time + 90;
	select undef, undef, undef, 0.1 while join(' ', $s->files) ne "@want" && time < $end;
	return is_deeply([ $s->files ], \@want, "$label: the folder follows");
}

my $first = standby($t, 'first');
my $second = standby($first, 'second');
$t->sql("INSERT INTO t SELECT 10, x, put(x) FROM repeat('x', 700000) x; INSERT INTO t VALUES (11, 'small', put('small'));
	DELETE FROM t WHERE id = 1; SELECT FROM ffu.sweep(); UPDATE t SET label = 'new', f = put('new') WHERE id = 2");
follows($t, $_->[0], $_->[1]) foreach [ $first, 'a standby' ], [ $second, 'a standby of the standby' ];

# Promoted while the old primary goes on: the timelines part.
$t->sql("INSERT INTO t VALUES (12, 'before', put('before'))");
follows($t, $first, 'before the promotion');
$first->node->promote;
$t->sql("INSERT INTO t VALUES (13, 'lost', put('lost')); DELETE FROM t WHERE id = 3; SELECT FROM ffu.sweep()");
$first->sql("INSERT INTO t VALUES (14, 'new timeline', put('new timeline')); DELETE FROM t WHERE id = 4; SELECT FROM ffu.sweep()");
follows($first, $second, 'the cascaded standby of the promoted one');

# The old primary comes back: pg_rewind, then the folder, then the start.
$t->stop;
my $conf = $t->node->data_dir . '/postgresql.conf';
my $kept = $t->node->basedir . '/postgresql.conf';
system('cp', '-p', $conf, $kept) == 0 or die;
$first->sql('CHECKPOINT');
command_ok([ 'pg_rewind', '--source-server', $first->node->connstr('postgres'), '-D', $t->node->data_dir, '--no-sync' ], 'pg_rewind');
system('mv', $kept, $conf) == 0 or die;
system('rm', '-rf', $root) == 0 or die;
system('cp', '-a', $first->{root}, $root) == 0 or die;
my $source = $first->node->connstr('postgres') =~ s/'/''/gr;
$t->node->append_conf('postgresql.conf', "ffu.standby_files = on\nprimary_conninfo = '$source'\nrecovery_target_timeline = latest\n");
$t->node->set_standby_mode;
$t->start;
$t->sql('SELECT ffu.adopt_folder()');
$first->sql("INSERT INTO t VALUES (15, 'after', put('after')); DELETE FROM t WHERE id = 5; SELECT FROM ffu.sweep()");
follows($first, $t, 'rewound');
follows($first, $second, 'and the other standby');

$_->stop foreach $second, $t, $first;
done_testing();
