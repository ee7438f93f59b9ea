# Every form of DDL that takes rows away, or could: in a session that has used ffu and
# in one that has not, at READ COMMITTED and at REPEATABLE READ with a snapshot that is
# older than a row, committed, rolled back, and rolled back to a savepoint. What rows
# lose goes at commit, and nothing else does.
#
# Of the eight ways to run a form, four have each pair of session, isolation and end.
# FFU_TEST_DDL=all runs the eight (script/soak).
#
# Takes minutes.

use strict;
use warnings;

use FfuTest;
use Test::More;

# Nobody cuts the power here.
my $t = FfuTest->new('ddl', conf => "ffu.fsync = off\n");

# What is not the case itself is done in one session, which is faster.
my $helper = $t->session;

sub help
{
	my ($sql) = @_;
	my $said = $helper->query($sql);
	die $helper->errors if $helper->errors =~ /ERROR/;
	return $said;
}

my $setup = q{
	SET client_min_messages = warning;
	CREATE SCHEMA s;
	CREATE TABLE s.t (id int PRIMARY KEY);
	SELECT ffu.add_column('s.t', 'f');
	SELECT ffu.add_column('s.t', 'g');
	CREATE TABLE s.p (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (10);
	CREATE TABLE s.p2 PARTITION OF s.p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
	CREATE TABLE s.p21 PARTITION OF s.p2 FOR VALUES FROM (10) TO (20);
	SELECT ffu.add_column('s.p', 'f');
	CREATE TYPE s.ty AS (id int, f text);
	CREATE TABLE s.y OF s.ty;
	SELECT ffu.manage_column('s.y', 'f', urls => false);
	CREATE TABLE s.o (id int);
	SELECT ffu.add_column('s.o', 'f');
	ALTER TABLE s.o OWNER TO boss;
	INSERT INTO s.t (id, f, g) SELECT i, ffu.file('a.txt', 'f'), ffu.file('a.txt', 'g') FROM generate_series(1, 2) i;
	INSERT INTO s.p (id, f) VALUES (1, ffu.file('a.txt', 'p1')), (11, ffu.file('a.txt', 'p2'));
	INSERT INTO s.y VALUES (1, ffu.file('a.txt', 'y'));
	INSERT INTO s.o (id, f) VALUES (1, ffu.file('a.txt', 'o'));
	CREATE TABLE s.copied AS SELECT id, f::text AS f FROM s.t;
	CREATE MATERIALIZED VIEW s.seen AS SELECT * FROM s.p;
	CREATE TABLE elsewhere (id int);
};
# Rows that a snapshot taken before does not see.
my $later = q{
	INSERT INTO s.t (id, f, g) VALUES (3, ffu.file('b.txt', 'f'), ffu.file('b.txt', 'g'));
	INSERT INTO s.p (id, f) VALUES (2, ffu.file('b.txt', 'p1')), (12, ffu.file('b.txt', 'p2'));
	INSERT INTO s.y VALUES (2, ffu.file('b.txt', 'y'));
	INSERT INTO s.o (id, f) VALUES (2, ffu.file('b.txt', 'o'));
};
my $clean = q{
	SET client_min_messages = warning;
	DROP SCHEMA IF EXISTS s, s2 CASCADE;
	DROP TABLE IF EXISTS elsewhere;
	DROP MATERIALIZED VIEW IF EXISTS seen;
	SELECT FROM ffu.sweep();
};
$t->sql('CREATE ROLE boss; GRANT CREATE ON SCHEMA public TO boss');
$t->sql("SELECT ffu.grant_columns('boss')");

# Where paths are.
my @t = ('s.t.f', 's.t.g');
my ($p, $y, $o) = ('s.p.f', 's.y.f', 's.o.f');
my @all = (@t, $p, $y, $o);

# What is run, and where paths are left when it is committed; or the SQLSTATE it gives.
my @forms = (
	# They go
	[ 'DROP TABLE s.t', [ $p, $y, $o ] ],
	[ 'DROP TABLE s.t CASCADE', [ $p, $y, $o ] ],
	[ 'DROP TABLE s.t, s.o', [ $p, $y ] ],
	[ 'DROP TABLE s.p CASCADE', [ @t, $y, $o ] ],
	[ 'DROP MATERIALIZED VIEW s.seen; DROP TABLE s.p1', [ @t, 's.p2.f', $y, $o ] ],
	[ 'DROP TABLE s.p21', [ @t, 's.p1.f', $y, $o ] ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p1; DROP TABLE s.p1', [ @t, $p, $y, $o ] ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p2; DROP TABLE s.p2', [ @t, $p, $y, $o ] ],
	[ 'ALTER TABLE s.t DROP COLUMN f CASCADE', [ 's.t.g', $p, $y, $o ] ],
	[ 'ALTER TABLE s.t DROP COLUMN f CASCADE, DROP COLUMN f__ext, DROP COLUMN g CASCADE', [ $p, $y, $o ] ],
	[ "SELECT ffu.drop_column('s.t', 'f')", [ 's.t.g', $p, $y, $o ] ],
	[ "DROP MATERIALIZED VIEW s.seen; SELECT ffu.drop_column('s.p', 'f')", [ @t, $y, $o ] ],
	[ 'DROP SCHEMA s CASCADE', [] ],
	[ 'DROP OWNED BY boss', [ @t, $p, $y ] ],
	[ 'DROP TYPE s.ty CASCADE', [ @t, $p, $o ] ],
	[ 'TRUNCATE s.t', \@all ],
	[ 'TRUNCATE s.p', \@all ],
	[ 'TRUNCATE s.p1', \@all ],
	[ 'TRUNCATE ONLY s.t, s.p2, s.o RESTART IDENTITY CASCADE', \@all ],
	[ 'DO $$ BEGIN DROP TABLE s.t; END $$', [ $p, $y, $o ] ],
	# They stay
	[ "SELECT ffu.drop_column('s.t', 'f', keep_files => true)", undef ],
	[ 'DROP TABLE s.copied; DROP MATERIALIZED VIEW s.seen', \@all ],
	[ 'REFRESH MATERIALIZED VIEW s.seen', \@all ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p1', [ @all, 's.p1.f' ] ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p2', [ @all, 's.p2.f' ] ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p1; ALTER TABLE s.p ATTACH PARTITION s.p1 FOR VALUES FROM (0) TO (10)', \@all ],
	[ 'ALTER TABLE s.p DETACH PARTITION s.p2; ALTER TABLE s.p ATTACH PARTITION s.p2 FOR VALUES FROM (10) TO (20)', \@all ],
	[ 'CREATE TABLE s.p3 PARTITION OF s.p FOR VALUES FROM (20) TO (30); DROP TABLE s.p3', \@all ],
	[ 'CREATE TABLE s.l (LIKE s.t INCLUDING ALL); INSERT INTO s.l SELECT * FROM s.t; TRUNCATE s.l; DROP TABLE s.l', \@all ],
	[ 'CREATE TEMP TABLE l AS SELECT * FROM s.t; DELETE FROM l; DROP TABLE l', \@all ],
	[ 'ALTER TABLE s.t RENAME TO u', [ 's.u.f', 's.u.g', $p, $y, $o ] ],
	[ 'ALTER TABLE s.t RENAME f TO h', [ 's.t.h', 's.t.g', $p, $y, $o ] ],
	[ 'ALTER TABLE s.t RENAME f__ext TO h', \@all ],
	[ 'CREATE SCHEMA s2; ALTER TABLE s.t SET SCHEMA s2', [ 's2.t.f', 's2.t.g', $p, $y, $o ] ],
	[ 'ALTER SCHEMA s RENAME TO s2', [ 's2.t.f', 's2.t.g', 's2.p.f', 's2.y.f', 's2.o.f' ] ],
	[ 'CLUSTER s.t USING t_pkey', \@all ],
	[ 'ALTER TABLE s.t ALTER id TYPE bigint', \@all ],
	[ 'ALTER TABLE s.t ALTER f TYPE varchar(250)', \@all ],
	[ 'ALTER TABLE s.p ALTER f TYPE text, ALTER f__file_name TYPE varchar(250)', '0A000' ],
	[ 'DROP MATERIALIZED VIEW s.seen; ALTER TABLE s.p ALTER f TYPE text, ALTER f__file_name TYPE varchar(250)', \@all ],
	[ 'ALTER TABLE s.t ADD COLUMN r float DEFAULT random()', \@all ],
	[ 'ALTER TABLE s.o OWNER TO CURRENT_USER', \@all ],
	[ 'DROP EXTENSION ffu CASCADE', undef ],
	# They are refused
	[ 'ALTER TABLE s.t DROP COLUMN f__ext', '2BP01' ],
	[ 'ALTER TABLE s.t DROP COLUMN f__ext CASCADE', '2BP01' ],
	[ 'DROP TRIGGER zz_ffu_f_5_delete ON s.t', '2BP01' ],
	[ 'DROP TRIGGER zz_ffu_f_6_truncate ON s.p1', '2BP01' ],
	[ 'DROP TRIGGER zz_ffu_f_1_set ON s.p', '2BP01' ],
	[ 'DROP FUNCTION ffu.after_row() CASCADE', '2BP01' ],
	[ 'DROP TYPE ffu.file CASCADE', '2BP01' ],
	[ 'DROP EXTENSION ffu', '2BP01' ],
	[ 'ALTER TABLE s.t SET UNLOGGED', '0A000' ],
	[ 'ALTER TABLE s.t ALTER f TYPE int USING 1', '42804' ],
	[ 'CREATE TABLE s.rebuilt (LIKE s.t); INSERT INTO s.rebuilt SELECT * FROM s.t; DROP TABLE s.t', '2BP01' ],
	[ 'CREATE TABLE s.rebuilt AS SELECT * FROM s.t; TRUNCATE s.t', '2BP01' ],
	[ 'CREATE TABLE s.child () INHERITS (s.t)', '0A000' ],
	[ 'ALTER TABLE s.t INHERIT elsewhere', '0A000' ],
	[ 'ALTER TABLE s.p ATTACH PARTITION elsewhere FOR VALUES FROM (90) TO (91)', '42804' ],
);

# Everything anew; where the extension was dropped, it takes its folder over.
sub set_up
{
	help('SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS ffu');
	if (help('SELECT count(*) FROM ffu.root') eq '0')
	{
		help("SELECT ffu.claim_folder('$t->{root}'); SELECT ffu.grant_columns('boss')");
	}
	help($clean);
	system('rm', '-rf', glob("$t->{root}/*"));
	help($setup);
	return;
}

# One case, in a session of its own. $end is COMMIT or ROLLBACK, with "TO" in it to
# a savepoint.
sub run_case
{
	my ($sql, $expected, $used, $isolation, $end) = @_;
	my $label = join ', ', $sql, $used ? 'used' : 'unused', $isolation, $end;
	my $fails = defined $expected && !ref $expected;
	set_up();
	my $session = $t->session;
	$session->query('SET client_min_messages = warning');
	$session->query("SELECT ffu.size(f) FROM s.o") if $used;
	$session->query("BEGIN ISOLATION LEVEL $isolation; SELECT FROM pg_class LIMIT 1");
	help($later);
	my @files = $t->files;
	$session->query('SAVEPOINT a') if $end =~ /TO/;
	$session->query($sql);
	my $err = $session->errors;
	$session->query($end);
	$session->quit;

	if ($fails)
	{
		like($err, qr/ERROR:\s+(?:$expected|42P16)/, "$label: refused");
	}
	else
	{
		is($err, '', "$label: no error");
	}
	if (!defined $expected)
	{
		is_deeply([ $t->files ], \@files, "$label: files stay");
		return;
	}
	help('SELECT FROM ffu.sweep()');
	$t->folder_is_rows($fails || $end =~ /ROLLBACK/ ? \@all : $expected,
		"$label: the folder equals the rows");
	is(help('SELECT count(*) FROM ffu.columns WHERE NOT (enabled AND complete)'), '0', "$label: every column is complete");
	return;
}

my @cases = (
	[ 0, 'READ COMMITTED', 'COMMIT' ],
	[ 1, 'REPEATABLE READ', 'COMMIT' ],
	[ 1, 'READ COMMITTED', 'ROLLBACK TO a; COMMIT' ],
	[ 0, 'REPEATABLE READ', 'ROLLBACK' ]);
push @cases,
	[ 1, 'READ COMMITTED', 'COMMIT' ],
	[ 0, 'REPEATABLE READ', 'COMMIT' ],
	[ 0, 'READ COMMITTED', 'ROLLBACK' ],
	[ 1, 'REPEATABLE READ', 'ROLLBACK TO a; COMMIT' ]
	if ($ENV{FFU_TEST_DDL} // '') eq 'all';

foreach my $form (@forms)
{
	my ($sql, $expected) = @$form;
	# What is refused does not come as far as the end.
	my $refused = defined $expected && !ref $expected;
	foreach my $case (@cases)
	{
		next if $refused && $case->[2] eq 'ROLLBACK';
		run_case($sql, $expected, @$case);
	}
}

# What cannot run in a transaction block.
set_up();
$helper->quit;
$t->sql('VACUUM FULL s.t');
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(\@all, 'VACUUM FULL dooms nothing');
$t->sql('ALTER TABLE s.p DETACH PARTITION s.p1 CONCURRENTLY');
is($t->sql('SELECT relation, enabled, complete FROM ffu.columns WHERE relation IN (\'s.p\'::regclass, \'s.p1\'::regclass) ORDER BY 1'),
	"s.p|t|t\ns.p1|t|t", 'DETACH CONCURRENTLY: both are complete');
$t->folder_is_rows([ @all, 's.p1.f' ], 'and no file goes');

# A DETACH CONCURRENTLY that is cancelled half way, and then finished.
my $holder = $t->session;
$holder->query('BEGIN; SELECT FROM s.p');
my ($rc, undef, $err) = $t->try("SET statement_timeout = '1s'; ALTER TABLE s.p DETACH PARTITION s.p2 CONCURRENTLY");
like($err, qr/57014/, 'DETACH CONCURRENTLY is cancelled');
$holder->query('COMMIT');
$holder->quit;
is($t->sql("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 's.p2'::regclass"), 't', 'and pending');
$t->sql('ALTER TABLE s.p DETACH PARTITION s.p2 FINALIZE');
is($t->sql('SELECT count(*) FROM ffu.columns WHERE NOT (enabled AND complete)'), '0', 'FINALIZE: every column is complete');
is($t->sql("SELECT relation FROM ffu.columns WHERE relation = 's.p2'::regclass"), 's.p2', 'and s.p2 is declared by itself');
$t->sql('DROP TABLE s.p2; SELECT FROM ffu.sweep()');
$t->folder_is_rows([ @all, 's.p1.f' ], 'its files go with it');

$t->stop;
done_testing();
