# Large objects, which several requests store: faults at each of the requests, and none
# leaves an unfinished upload with the store.
#
# With FFU_TEST_BUCKET=long (script/soak bucket) every kind of request meets every harm by
# itself; else the requests of an upload meet the harm together.
#
# Takes minutes.

use strict;
use warnings;

use FfuBucket;
use FfuTest;
use Test::More;

my $long = ($ENV{FFU_TEST_BUCKET} // '') eq 'long';
my $store = FfuBucket->new;
my $t = FfuTest->new('multipart', conf => $store->conf . "ffu.store_timeout = 10s\nffu.multipart_threshold = 5MB\n");
my $direct = $store->make('media') . '/blog';
my $url = $store->begin_proxy . '/media/blog';
$t->sql("SELECT ffu.use_bucket('$url')");
$store->make_table($t);
my $setup = q{TRUNCATE t; INSERT INTO t VALUES (1, ffu.file('a.txt', 'one'))};

sub harm { return $store->harm(@_); }

sub set_delay
{
	my ($delay) = @_;
	$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = '$delay'\n");
	$t->node->reload;
	return $t->node->poll_query_until('postgres', "SELECT current_setting('ffu.deletion_delay', true) = '$delay'")
	  || die 'the setting does not change';
}

sub is_settled
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $store->is_settled($t, $direct, @_);
}

# Every request of a multipart upload
my $large = q{ffu.file('c.bin', convert_to(repeat('0123456789abcdef', 700000), 'UTF8'))};
my @steps = qw(BEGIN PART COMPLETE);
foreach my $harm (qw(late answer request busy half error))
{
	foreach my $kinds ($long ? map({ [$_] } @steps) : (), \@steps)
	{
		$t->sql($setup);
		harm(map { "$_ $harm 1" } @$kinds);
		my ($rc, undef, $err) = $t->try("INSERT INTO t VALUES (23, $large)");
		is($rc, 0, "$harm @$kinds: one fault is survived") or diag($err);
		is_deeply([ $store->harms_left ], [], "$harm @$kinds: it was met");
		is_settled("$harm @$kinds");
	}
}
is($t->sql('SELECT encode(sha256(ffu.content(f)), $$hex$$) = f__sha256, ffu.size(f), f__mime_type FROM t WHERE id = 23'),
	't|11200000|text/plain', 'its bytes and type');
is($store->ask($direct, 'list', 't/23/') =~ s/ .*//sr, '11200000', 'the object');
foreach my $step (@steps)
{
	$t->sql($setup);
	harm("$step busy 99");
	like($t->fails_with('58030', "INSERT INTO t VALUES (24, $large)", "$step that fails"), qr/could not store object.*SlowDown.*HINT/s, 'the reason');
	isnt($store->ask($direct, 'uploads'), '', 'leaves an upload') if $step ne 'BEGIN';
	harm(map { "$_ request 1" } qw(UPLOADS END));
	$t->sql('SELECT FROM ffu.sweep()');
	is_deeply([ $store->harms_left ], [], 'which a sweep ends, in spite of lost requests') if $step ne 'BEGIN';
	is_settled("$step that fails");
}
{
	$t->sql($setup);
	harm('END busy 99', 'COMPLETE busy 99');
	$t->fails_with('58030', "INSERT INTO t VALUES (24, $large)", 'an upload that does not end');
	like(($t->try('SELECT FROM ffu.sweep()'))[2], qr/WARNING:.*could not remove object.*SlowDown/, 'a sweep says so');
	is($t->sql('SELECT multipart, removed_at IS NULL FROM ffu.intent'), 't|t', 'and tries again');
	is_settled('an upload that does not end');
}
my $session = $t->session;
$t->sql($setup);
$session->query("BEGIN; INSERT INTO t VALUES (25, $large)");
{
	my ($name) = $t->staging;
	open(my $fh, '+<', $t->root . "/.ffu/staging/$name") or die "no staged file $name: $!";
	print $fh 'X';
	close($fh);
}
$session->query('COMMIT');
like($session->errors, qr/XX001:.*could not store object.*the bytes have changed.*HINT/s, 'bytes that change before COMMIT are not stored');
is_settled('bytes that have changed');
harm('PART late 1');
$session->send_only(q{INSERT INTO t VALUES (25, ffu.file('c.bin', convert_to(repeat('0123456789abcdef', 700000), 'UTF8')))});
$t->node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = ' . $session->pid) or die;
$t->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
$session->wait_done;
$session->quit;
is_settled('a multipart upload that is cancelled');
$t->sql("BEGIN; INSERT INTO t VALUES (26, $large); PREPARE TRANSACTION 'p'");
$t->sql("ROLLBACK PREPARED 'p'");
is_settled('a multipart upload of a rolled back transaction');

# A copy that the store finds too large for one request
$t->sql($setup);
$t->sql("INSERT INTO t VALUES (27, $large)");
set_delay('1h');
$t->sql('DELETE FROM t WHERE id = 27');
harm('COPY large 1', 'BEGIN request 1', 'PART answer 1', 'COMPLETE answer 1');
$t->sql('SELECT FROM ffu.sweep()');
is_deeply([ $store->harms_left ], [], 'a copy in parts');
like($store->ask($direct, 'list', '.ffu/kept/'), qr{^11200000 [0-9a-f]+ \.ffu/kept/t/27/}m, 'keeps a deleted file');
set_delay('0');
is_settled('a copy in parts');
is($store->ask($direct, 'list', '.ffu/kept/'), '', 'and goes');

$store->stop;
$t->stop;
done_testing();
