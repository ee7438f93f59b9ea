# Many deletions that have to wait are not looked at again and again, and what is
# behind them is done all the same.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('waiting');
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 10) i;
});

# Rows whose files are not there: the deletions are what counts here.
sub bring_rows
{
	my ($first, $last) = @_;
	$t->sql(qq{
		SET ffu.restore = on;
		INSERT INTO t (id, f) SELECT i, 't/' || i || '/f-' || translate(lpad(i::text, 26, '0'), '0189', 'abcd')
		  FROM generate_series($first, $last) i});
	return;
}

# How many deletions a new session looks at when it first stores a file.
sub looked_at
{
	my ($id) = @_;
	return (split /\n/, $t->sql(qq{
		BEGIN;
		INSERT INTO t VALUES ($id, ffu.file('a.txt', 'x'));
		SELECT pg_stat_get_xact_tuples_returned('ffu.deletion_state_idx'::regclass);
		COMMIT;
	}))[-1];
}

bring_rows(1001, 6000);
my $session = $t->session;
$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$t->sql('DELETE FROM t WHERE id > 1000');
is($t->sql('SELECT waiting FROM ffu.sweep()'), '5000', 'a snapshot holds 5,000 deletions, and ffu.sweep() looks at all of them');
my $some = looked_at(11);
cmp_ok($some, '>', 0, 'a new session looks at some');
cmp_ok($some, '<', 2500, 'and not at all');
$session->query('COMMIT');
is($t->sql('SELECT deleted FROM ffu.sweep()'), '5000', 'they are done when it has gone');

# A failure does not hold up the others: 1,200 files in a directory that cannot be
# written to, and one beside them.
$t->sql("SELECT ffu.alter_column('t', 'f', path_template => 'stuck/{token}')");
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(101, 1300) i");
$t->sql("SELECT ffu.alter_column('t', 'f', path_template => 'good/{token}')");
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(2001, 2200) i");
SKIP:
{
	skip 'the mode of a directory means nothing to root', 6 if $> == 0;
	chmod 0500, $t->root . '/stuck' or die;
	$t->sql('DELETE FROM t WHERE id BETWEEN 101 AND 1300');
	$t->sql('DELETE FROM t WHERE id BETWEEN 2001 AND 2200');
	my ($rc, $out, $err) = $t->try('SELECT failed FROM ffu.sweep()');
	is($out, '1200', 'ffu.sweep() tries them all');
	is(scalar(() = $err =~ /could not delete file/g), 10, 'and does not warn of each');
	like($err, qr/1190 more failures are not shown/, 'but of their number');
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '1200', 'what can be removed is');
	is($t->sql('SELECT count(*) FROM ffu.deletion WHERE attempts > 0'), '1200', 'the others were tried');
	chmod 0750, $t->root . '/stuck' or die;
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', 'and are gone when they can');
}

# Kept files do not keep those that were deleted later from being moved out of
# URL reach, by whichever session comes next.
$t->sql(q{LOAD 'ffu'; ALTER SYSTEM SET ffu.deletion_delay = '1h'});
$t->restart;
bring_rows(10001, 13000);
$t->sql('DELETE FROM t WHERE id > 10000');
is($t->sql('SELECT kept FROM ffu.sweep()'), '3000', '3,000 are kept');
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(3001, 3200) i");
my @paths = split /\n/, $t->sql('SELECT f FROM t WHERE id BETWEEN 3001 AND 3200');
$t->sql('DELETE FROM t WHERE id BETWEEN 3001 AND 3200');
cmp_ok(looked_at(12), '<', 2500, 'a new session does not look at all of them');
is(scalar(grep { -e $t->root . "/$_" } @paths), 0, 'and moves those deleted since');

done_testing();
