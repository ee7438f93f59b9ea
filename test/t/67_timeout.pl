# transaction_timeout (17) ends a session inside its COMMIT, at every point where an
# error is allowed: nothing of the transaction stays.

use strict;
use warnings;

use FfuTest qw(major points);
use Test::More;

plan skip_all => 'transaction_timeout comes with PostgreSQL 17' if major() < 17;

my $t = FfuTest->new('timeout');
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 2) i;
});
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM t ORDER BY id";
my $was = $t->sql($content);
my $gate = $t->session;
$gate->query('SELECT pg_advisory_lock(4660)');

# The work of a COMMIT begins at the points publish-*.
my @points = grep { /^publish-/ } points('error');
cmp_ok(scalar @points, '>', 4, 'there are points in a COMMIT');
my $reached = 0;
foreach my $point (@points)
{
	my (undef, undef, $err) = $t->fault("$point:wait", q{
		BEGIN;
		SET LOCAL transaction_timeout = '300ms';
		INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('new' || i, 'UTF8')) FROM generate_series(10, 12) i;
		UPDATE t SET f = ffu.file('b.txt', 'other') WHERE id = 1;
		DELETE FROM t WHERE id = 2;
		COMMIT;
	});
	if ($err !~ /./)
	{
		# A point of another way to commit, such as a file system without order.
		$t->sql("DELETE FROM t WHERE id >= 10; DELETE FROM t WHERE id <= 2;
			INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 2) i");
		next;
	}
	$reached++;
	like($err, qr/FATAL:\s+25P04:/, "$point: the session ends");
	is($t->sql($content), $was, "$point: the rows are as before");
	$t->sql('SELECT FROM ffu.sweep()');
	$t->folder_is_rows(['t.f'], "$point: and so is the folder");
}
cmp_ok($reached, '>', 4, 'most points were reached');
$gate->quit;
is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', 'ffu.check finds nothing');
$t->stop;
done_testing();
