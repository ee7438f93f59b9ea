# pg_partman on a table with a file column: its partitions are made like the table and
# attached in the same transaction, and its template table has the columns and never a
# row. Nothing is said of them, files follow their rows, and ffu.check finds no problem.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('partman');
my $there = $t->sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_partman'");
plan skip_all => 'pg_partman (Debian package postgresql-' . FfuTest::major() . '-partman) is not installed' unless $there;

$t->sql(q{
	CREATE SCHEMA partman;
	CREATE EXTENSION pg_partman SCHEMA partman;
	CREATE TABLE docs (id int, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
	SELECT ffu.add_column('docs', 'f');
});
# 5 knows native partitions alone, and takes an interval.
my $monthly = $t->sql("SELECT extversion FROM pg_extension WHERE extname = 'pg_partman'") =~ /^4/ ? "'native', 'monthly'" : "'1 month'";
my ($rc, undef, $err) = $t->try("SELECT partman.create_parent('public.docs', 'day', $monthly, p_premake => 3)");
is($rc, 0, 'create_parent');
my @told = $err =~ /^psql:[^\n]*NOTICE:[^\n]*ffu[^\n]*/mg;
is_deeply([ map { /table (\S+)/ } @told ], ['template_public_docs'], 'only the template, which stays without triggers, is told of, once');
cmp_ok($t->sql("SELECT count(*) FROM partman.show_partitions('public.docs')"), '>', 5, 'there are partitions');
is($t->sql("SELECT enabled, complete FROM ffu.columns"), 't|t', 'all of them have the triggers');
$t->sql("INSERT INTO docs (id, day, f) SELECT i, current_date + 30 * i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(-2, 2) i");
$t->sql("UPDATE partman.part_config SET premake = 6, infinite_time_partitions = true");
($rc, undef, $err) = $t->try('SELECT partman.run_maintenance()');
is("$rc $err", '0 ', 'run_maintenance makes more, without a word');
is($t->sql("SELECT enabled, complete FROM ffu.columns"), 't|t', 'they have the triggers too');
is($t->sql('SELECT count(*) FROM ffu.check()'), '0', 'ffu.check finds no problem');
$t->sql('DELETE FROM docs WHERE id = 0; SELECT FROM ffu.sweep()');
$t->folder_is_rows(['docs.f'], 'the folder equals the rows');

# What is told once the transaction is over, and what is not.
my $like = 'CREATE TABLE copy (LIKE docs); ALTER TABLE copy ADD more int;';
my %case = (
	"BEGIN; $like COMMIT" => 1,
	"BEGIN; $like SELECT ffu.manage_column('copy', 'f'); COMMIT" => 0,
	"BEGIN; $like DROP TABLE copy; COMMIT; CREATE TABLE copy ()" => 0,
	"BEGIN; SAVEPOINT a; $like ROLLBACK TO a; CREATE TABLE copy (); COMMIT" => 0,
	"BEGIN; $like ALTER TABLE copy RENAME TO other; ALTER TABLE other RENAME TO copy; COMMIT" => 1);
foreach my $sql (sort keys %case)
{
	($rc, undef, $err) = $t->try($sql);
	is($rc . ' ' . (() = $err =~ /NOTICE:.*is not a file column/g), "0 $case{$sql}", $sql);
	$t->sql('DROP TABLE copy');
}
# With a value it is a problem.
$t->sql('CREATE TABLE copy (LIKE docs)');
is($t->sql('SELECT count(*) FROM ffu.check()'), '0', 'an empty copy is no problem');
$t->sql('INSERT INTO copy SELECT * FROM docs LIMIT 1');
is($t->sql('SELECT problem, relation FROM ffu.check()'), 'unmanaged|copy', 'one with a path is');

$t->stop;
done_testing();
