# DROP in a session that has never used ffu, in a REPEATABLE READ transaction with an
# older snapshot, committed and rolled back; with the library preloaded and not.

use strict;
use warnings;

use FfuTest;
use Test::More;

# Files of three tables; t has two in every way that a table can have them.
my $setup = q{
	CREATE SCHEMA s;
	CREATE TABLE s.t (id int PRIMARY KEY);
	SELECT ffu.add_column('s.t', 'f');
	SELECT ffu.add_column('s.t', 'g');
	CREATE TABLE s.p (id int PRIMARY KEY) PARTITION BY LIST (id);
	CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES IN (1);
	CREATE TABLE s.p2 PARTITION OF s.p FOR VALUES IN (2);
	SELECT ffu.add_column('s.p', 'f');
	INSERT INTO s.t SELECT i, ffu.file('a.txt', 'f'), NULL, NULL, NULL, NULL, NULL, ffu.file('a.txt', 'g')
		FROM generate_series(1, 2) i;
	INSERT INTO s.p SELECT i, ffu.file('a.txt', 'p') FROM generate_series(1, 2) i;
	-- (of type text: with the type ffu.file it would keep s.t from being dropped)
	CREATE TABLE kept AS SELECT id, f::text AS f, g::text AS g FROM s.t;
};

# statement => which columns are left
my @all = ('s.t.f', 's.t.g', 's.p.f');
my @cases = (
	[ 'DROP TABLE s.t', ['s.p.f'] ],
	[ 'DROP TABLE s.t CASCADE', ['s.p.f'] ],
	[ 'DROP TABLE s.p', [ 's.t.f', 's.t.g' ] ],
	[ 'DROP TABLE s.p1', \@all ],
	[ 'ALTER TABLE s.t DROP COLUMN f CASCADE', [ 's.t.g', 's.p.f' ] ],
	[ "SELECT ffu.drop_column('s.t', 'g')", [ 's.t.f', 's.p.f' ] ],
	[ 'DROP SCHEMA s CASCADE', [] ],
	[ 'TRUNCATE s.t, s.p1', \@all ],
	[ 'TRUNCATE s.p', \@all ],
);

foreach my $preload (0, 1)
{
	my $with = $preload ? 'preloaded' : 'not preloaded';
	my $t = FfuTest->new("ddl$preload", preload => $preload);
	foreach my $case (@cases)
	{
		my ($sql, $left) = @$case;
		$t->sql('DROP SCHEMA IF EXISTS s CASCADE; DROP TABLE IF EXISTS kept; SELECT FROM ffu.sweep()');
		$t->sql($setup);

		# Rolled back, also to a savepoint: nothing goes.
		$t->sql("BEGIN; $sql; ROLLBACK");
		$t->sql("BEGIN; SAVEPOINT s; $sql; ROLLBACK TO s; COMMIT");
		$t->sql('SELECT FROM ffu.sweep()');
		$t->folder_is_rows(\@all, "$with: $sql, rolled back");

		# A row that the transaction's snapshot does not see goes as well.
		my $session = $t->session;
		$session->query('SET client_min_messages = warning; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM kept');
		$t->sql("INSERT INTO s.t VALUES (3, ffu.file('a.txt', 'f'));");
		$session->query("$sql; COMMIT");
		is($session->errors, '', "$with: $sql in REPEATABLE READ: no error");
		$session->quit;
		$t->sql('SELECT FROM ffu.sweep()');
		$t->folder_is_rows($left, "$with: $sql, committed");
	}

	# The copy of the table shares its paths, and is nobody's.
	$t->sql('DROP SCHEMA IF EXISTS s CASCADE; DROP TABLE kept; SELECT FROM ffu.sweep()');
	$t->sql($setup);
	$t->sql('DROP TABLE kept');
	$t->sql('VACUUM FULL s.t; CLUSTER s.t USING t_pkey; SELECT FROM ffu.sweep()');
	$t->folder_is_rows(\@all, "$with: DROP of a copy, VACUUM FULL and CLUSTER doom nothing");

	# The extension goes: files stay.
	my @files = $t->files;
	$t->sql('DROP EXTENSION ffu CASCADE');
	is_deeply([ $t->files ], \@files, "$with: DROP EXTENSION leaves the files");
	$t->stop;
}

done_testing();
