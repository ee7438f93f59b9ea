# A bucket under faults: every fault point of its code with kill -9 of the session and
# of the server, and a store that is late, loses requests or answers, or lies. Afterwards,
# and after two sweeps, the bucket has exactly the files of the rows.
#
# A point that no operation reaches fails the test.
#
# With FFU_TEST_BUCKET=long (script/soak bucket) every operation meets every point, and
# every kind of request every harm by itself; else each point, request and harm has a
# turn.
#
# Takes minutes.

use strict;
use warnings;

use FfuBucket;
use FfuTest qw(points slurp);
use Test::More;

my $long = ($ENV{FFU_TEST_BUCKET} // '') eq 'long';
my $store = FfuBucket->new;
my $t = FfuTest->new('faults', conf => $store->conf
	  . "ffu.store_timeout = 10s\nffu.upload_expiry = 60s\nwal_writer_delay = 10s\n");
my $direct = $store->make('media');
my $url = $store->begin_proxy . '/media';
# A claim that is cut off between the owner object and the row is taken up again.
foreach my $action ('error', 'kill')
{
	$store->ask($direct, 'remove', '.ffu/owner');
	$t->fault("claim-after-owner-object:$action", "SELECT ffu.use_bucket('$url')");
	is($t->sql('SELECT count(*) FROM ffu.bucket'), '0', "a claim that was cut off, $action");
}
$t->sql("SELECT ffu.use_bucket('$url')");
$store->make_table($t);

sub is_settled
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $store->is_settled($t, $direct, @_);
}

# Every point. What a statement leaves if it commits: rows.
my $setup = q{TRUNCATE t; INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(1, 2) i};
my %operation = (
	insert => q{INSERT INTO t VALUES (10, ffu.file('b.txt', 'new'))},
	delete => q{DELETE FROM t WHERE id = 1; SELECT FROM ffu.sweep()},
	direct => q{SELECT upload FROM ffu.upload_begin('d.txt', direct => true, size => 1, sha256 => repeat('a', 64))},
	undo => q{BEGIN; INSERT INTO t VALUES (11, ffu.file('b.txt', 'lost')); PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'; SELECT FROM ffu.sweep()});
foreach my $point (grep { /^bucket-(?!move-)/ } points())
{
	my $reached = 0;
	foreach my $name (qw(insert delete undo direct))
	{
		$t->sql('DELETE FROM ffu.upload');
		last if $reached && !$long;
		foreach my $action ($long ? ('error', 'kill', 'crash') : ('error', 'crash'))
		{
			$t->sql($setup);
			my ($rc, undef, $err) = $t->fault("$point:$action", $operation{$name});
			$t->start if $action eq 'crash' && $rc == 2;
			last if $rc == 0;
			$reached = 1;
			is_settled("$point, $action, $name");
		}
	}
	ok($reached, "$point is reached");
}

# Every harm at every kind of request, once and for good
sub harm { return $store->harm(@_); }

# Requests that meet a harm once
sub survives
{
	my ($label, @harm) = @_;
	$t->sql($setup);
	harm(@harm);
	my ($rc, undef, $err) = $t->try(q{
		INSERT INTO t VALUES (20, ffu.file('c.txt', 'twenty'));
		DELETE FROM t WHERE id = 1;
		SELECT ffu.content(f) FROM t;
		SELECT FROM ffu.sweep()});
	is($rc, 0, "$label: one fault is survived") or diag($err);
	is($t->sql('SELECT count(*) FROM t WHERE id = 20'), '1', "$label: the row");
	is_deeply([ $store->harms_left ], [], "$label: it was met");
	return is_settled($label);
}

# A store that does nothing right any more
sub fails
{
	my ($harm) = @_;
	$t->sql($setup);
	harm("PUT $harm 99");
	my ($rc, undef, $err) = $t->try(q{INSERT INTO t VALUES (21, ffu.file('c.txt', 'lost'))});
	like($err, qr/ERROR:  58030: could not store object.*HINT/s, "$harm PUT for good: an error");
	unlike($err, qr/ffutest(?:key|secret)|X-Amz/, "$harm PUT for good: nothing secret");
	is($t->sql('SELECT count(*) FROM t WHERE id = 21'), '0', "$harm PUT for good: no row");
	harm("POST $harm 99", "DELETE $harm 99");
	is(($t->try('DELETE FROM t WHERE id = 1'))[0], 0, "$harm POST for good: a row can go");
	(undef, undef, $err) = $t->try('SELECT FROM ffu.sweep()');
	like($err, qr/WARNING:.*could not delete file/, "$harm POST for good: a sweep says so");
	harm();
	return is_settled("$harm for good");
}

# An answer to HEAD has no body, and so no error in it.
my %methods = (map({ ($_ => [qw(PUT GET HEAD POST)]) } qw(late answer request busy half slow)), error => [qw(PUT GET POST)],
	body => [qw(PUT POST)], none => [qw(POST)]);
foreach my $harm (sort keys %methods)
{
	survives($harm, map { "$_ $harm 1" } @{ $methods{$harm} });
	survives("$harm $_", "$_ $harm 1") foreach $long ? @{ $methods{$harm} } : ();
	next unless $long || $harm eq 'request' || $harm eq 'error';
	fails($harm);
}
survives('a whole object in place of a part', 'GET whole 1');
harm('GET whole 99');
like($t->fails_with('58030', 'SELECT ffu.content(f, 1, 1) FROM t WHERE id = 20', 'whole objects in place of parts'),
	qr/not the part of the object that was asked for.*HINT/s, 'the reason');
harm();
$t->sql($setup);
harm('PUT redirect 1');
like($t->fails_with('55000', q{INSERT INTO t VALUES (22, ffu.file('c.txt', 'lost'))}, 'a redirect'),
	qr/region "elsewhere-1".*HINT/s, 'names the region');
is_settled('a redirect');

# A store that takes too long for many keys in one request: the next have fewer.
$t->sql(q{INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(100, 249) i});
harm('POST many 99');
$t->sql('DELETE FROM t WHERE id >= 100');
is($t->sql('SELECT deleted, failed FROM ffu.sweep()'), '150|0', 'a store that removes only few objects in one request');
is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', 'removes them all in one sweep');
harm();
is_settled('few objects in one request');

# An answer that is lost is noted, and the object of a committed row stays.
harm('PUT answer 1');
$t->sql(q{INSERT INTO t VALUES (30, ffu.file('c.txt', 'thirty'))});
is($t->sql('SELECT uncertain FROM ffu.intent'), 't', 'a request without an answer is noted');
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql('SELECT count(*) FROM ffu.intent'), '1', 'for the time in which it can take effect');
$t->sql('DELETE FROM t WHERE id = 30; SELECT FROM ffu.sweep()');
is($t->sql('SELECT removed_at IS NOT NULL FROM ffu.intent'), 't', 'an object removed meanwhile will be removed again');
is_settled('a lost answer');

# The worst: a request that arrives after the deletion of its object
harm('PUT late 1');
$t->sql(q{INSERT INTO t VALUES (31, ffu.file('c.txt', 'late')); DELETE FROM t WHERE id = 31; SELECT FROM ffu.sweep()});
$store->release;
is(scalar(keys %{ $store->list($direct) }), $t->sql('SELECT count(*) + 1 FROM t'), 'a late request brings an object back');
is_settled('a late request');

$store->stop;
$t->stop;
done_testing();
