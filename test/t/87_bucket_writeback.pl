# ffu.move_after: new files of a column for the bucket are in the folder first, so that no
# COMMIT needs the store; they move later, cut off at every step, and none is lost.
#
# Takes a minute.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest qw(points);
use Test::More;

my $store = FfuBucket->new;
my $t = FfuTest->new('writeback', conf => $store->conf . "ffu.store_timeout = 5s\nffu.move_after = 0\n");
my $url = $store->make('media') . '/blog';
$t->sql("SELECT ffu.use_bucket('$url')");
$t->sql('CREATE TABLE t (id int PRIMARY KEY)');
$t->sql(q{SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket'), ffu.add_column('t', 'g', allowed_extensions => '{*}')});

sub is_settled
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $round (1, 2)
	{
		$t->sql('UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()');
		pass_settle_time($t);
	}
	$t->sql('SELECT FROM ffu.sweep()');
	1 while $t->sql('SELECT ffu._move_due(100)') eq 't';
	is($t->sql('SELECT (SELECT count(*) FROM ffu.intent), (SELECT count(*) FROM ffu.deletion), moving_files FROM ffu.status'), '0|0|0', "$label: nothing is left to do");
	my %want = map { split /\|/ } split /\n/, $t->sql('SELECT f, f__sha256 FROM t WHERE f IS NOT NULL');
	is_deeply($store->list($url), \%want, "$label: the bucket equals the rows");
	$t->folder_is_rows(['t.g'], "$label: the folder equals the rows");
	return is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$label: ffu.check finds nothing");
}

# The store is away, and nobody notices.
$store->signal('KILL');
$t->sql(q{INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')), ffu.file('b.txt', 'folder') FROM generate_series(1, 5) i});
$t->sql(q{UPDATE t SET f = ffu.file('a.txt', 'new') WHERE id = 2; DELETE FROM t WHERE id = 3});
$t->sql(q{BEGIN; INSERT INTO t (id, f) VALUES (6, ffu.file('a.txt', 'lost')); ROLLBACK});
$t->sql(q{BEGIN; INSERT INTO t (id, f) VALUES (7, ffu.file('a.txt', 'prepared')); PREPARE TRANSACTION 'p'});
is($t->sql(q{SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ',' ORDER BY id) FROM t}), '1,new,4,5', 'files are stored and read while the store is away');
is($t->sql('SELECT moving_files FROM ffu.status'), '6', 'and wait');
$t->fails_with('58030', 'SELECT ffu._move_due(100)', 'the move fails');
is($t->sql('SELECT moving_files, unsettled_objects FROM ffu.status'), '6|0', 'and changes nothing');
$t->sql(q{COMMIT PREPARED 'p'});
$store->begin_gateway;
is_settled('the store is back');
is($t->sql(q{SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ',' ORDER BY id) FROM t}), '1,new,4,5,prepared', 'the bytes');

# Cut off at every step
foreach my $point (grep { /^bucket-(?:move|before-put|after-put|after-intent)/ } points())
{
	next if $point eq 'bucket-move-after-stage';
	foreach my $step (1, 2)
	{
		$t->sql(q{DELETE FROM t; INSERT INTO t (id, f) VALUES (1, ffu.file('a.txt', 'one')), (2, ffu.file('a.txt', 'two'))});
		$t->sql('SELECT ffu._move_due(100)') if $step == 2;
		my ($rc) = $t->fault("$point:crash", 'SELECT ffu._move_due(100)');
		$t->start if $rc == 2;
		is($t->sql(q{SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ',' ORDER BY id) FROM t}), 'one,two', "$point, step $step: the bytes");
		is_settled("$point, step $step");
	}
}

# Rows that go, and files that somebody moves, between the steps
$t->sql(q{INSERT INTO t (id, f) SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(10, 15) i});
$t->sql('DELETE FROM t WHERE id = 10; SELECT FROM ffu.sweep()');
$t->sql('SELECT ffu._move_due(100)');
$t->sql('DELETE FROM t WHERE id = 11');
$t->sql('DELETE FROM t WHERE id = 12; SELECT FROM ffu.sweep()');
$t->sql(q{CALL ffu.move_files('folder', 'bucket', 't')});
$t->sql(q{CALL ffu.move_files('bucket', 'folder', 't')});
$t->sql(q{CALL ffu.move_files('folder', 'bucket')});
$t->sql('UPDATE t SET g = NULL');
$t->sql(q{CALL ffu.move_files('folder', 'bucket', 't')});
is_settled('rows that go, and moves');

# Not before its time; and columns of the folder never
$t->sql(q{SET ffu.move_after = '1h'; INSERT INTO t (id, f) VALUES (20, ffu.file('a.txt', 'later'))});
is($t->sql(q{SET ffu.move_after = '1h'; SELECT ffu._move_due(100)}), 'f', 'not before ffu.move_after');
$t->sql(q{SET ffu.move_after = -1; INSERT INTO t (id, f) VALUES (21, ffu.file('a.txt', 'at once'))});
is($t->sql('SELECT moving_files FROM ffu.status'), '1', 'off, COMMIT stores in the bucket');
is_settled('times');

# Files that cannot move hold up no others: keys that a late request may remove, and a
# file that cannot be read.
$t->sql(q{SET ffu.move_after = 0; INSERT INTO t (id, f) SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(500, 504) i});
$t->sql(q{INSERT INTO ffu.intent SELECT f, true, now(), now(), false FROM t WHERE id IN (500, 501)});
my ($kept, $unread) = map { $t->root . '/' . $t->sql("SELECT f FROM t WHERE id = $_") } 500, 502;
chmod(0, $unread) or die;
my (undef, undef, $warning) = $t->try('SELECT ffu._move_due(2)');
like($warning, qr/WARNING:.*could not move file.*502/s, 'a file that cannot be read: a warning');
$t->try('SELECT ffu._move_due(2)') foreach 1 .. 4;
is($t->sql('SELECT count(*) FROM ffu.moving'), '3', 'the files behind them have moved');
ok(-e $kept, 'and not these');
chmod(0600, $unread) or die;
$t->sql('DELETE FROM ffu.intent');
is_settled('files that could not move');

# The worker
$t->node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\nffu.naptime = 1\n");
$t->restart;
$t->sql(q{INSERT INTO t (id, f) SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(30, 250) i});
ok($t->node->poll_query_until('postgres', 'SELECT moving_files = 0 FROM ffu.status'), 'the worker moves them');
is_settled('the worker');
$store->signal('KILL');
$t->sql(q{INSERT INTO t (id, f) VALUES (300, ffu.file('a.txt', 'later')); DELETE FROM t WHERE id = 30});
$t->node->wait_for_log(qr/could not (?:store|look at) object.*does not answer/);
$store->begin_gateway;
ok($t->node->poll_query_until('postgres', 'SELECT moving_files = 0 AND pending_deletions = 0 FROM ffu.status'), 'and goes on when the store is back');
is_settled('the worker, after an outage');

$store->stop;
$t->stop;
done_testing();
