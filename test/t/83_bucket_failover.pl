# Failover with a bucket: the primary dies while it stores an object and while its
# standby lacks a deletion. The promoted standby takes the bucket over, keeps the files
# of its rows, and removes what the dead primary left; the old primary comes back, and
# neither stores nor removes.
#
# With FFU_TEST_BUCKET=long (script/soak bucket) 20 times, each time with the primary
# that the time before has made.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest;
use Test::More;

my $rounds = ($ENV{FFU_TEST_BUCKET} // '') eq 'long' ? 20 : 1;
my $store = FfuBucket->new;
my $url = $store->make('media');

# A standby of $t, with a slot and a name for its own copy of the folder
sub standby
{
	my ($t, $name) = @_;
	my $primary = $t->node;
	$t->sql("SELECT FROM pg_create_physical_replication_slot('$name')");
	$primary->backup($name);
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, $name, has_streaming => 1);
	$node->append_conf('postgresql.conf', "primary_slot_name = '$name'\n");
	$node->start;
	return bless { %$t, node => $node, root => $node->basedir . '/root' }, 'FfuTest';
}

# Lets a standby receive, or no longer receive.
sub set_receiving
{
	my ($t, $receives) = @_;
	$t->sql('ALTER SYSTEM ' . ($receives ? 'RESET primary_conninfo' : "SET primary_conninfo = ''") . '; SELECT pg_reload_conf()');
	return $t->node->poll_query_until('postgres', "SELECT count(*) = $receives FROM pg_stat_wal_receiver") || die 'the standby does not obey';
}

# The bucket has the files of the rows of $t, and nothing else.
sub is_settled
{
	my ($t, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql('UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()');
	pass_settle_time($t);
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql('SELECT (SELECT count(*) FROM ffu.intent), (SELECT count(*) FROM ffu.deletion)'), '0|0', "$label: nothing is left to do");
	my %want = map { split /\|/ } split /\n/, $t->sql('SELECT f, f__sha256 FROM t');
	return is_deeply($store->list($url), \%want, "$label: the bucket equals the rows");
}

# The primary dies in the middle of its work; returns what the standby has become.
sub fail_over
{
	my ($old, $round) = @_;
	my $name = "standby$round";
	my $new = standby($old, $name);
	my ($gone, $kept) = map { $round * 10 + $_ } 1, 2;
	$old->sql("INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series($gone, $round * 10 + 5) i");

	# The standby lacks a deletion; then it has it.
	set_receiving($new, 0);
	$old->sql("DELETE FROM t WHERE id = $round * 10 + 4");
	my (undef, undef, $err) = $old->try('SELECT FROM ffu.sweep()');
	like($err, qr/replication slot '$name' has not received the deletion/, "$name holds a deletion up");
	set_receiving($new, 1);
	$old->node->wait_for_catchup($new->node);
	is($old->sql('UPDATE ffu.deletion SET next_try = NULL; SELECT deleted FROM ffu.sweep()'), 1, 'until it has received it');

	# The store has a request, and has not answered. The session knows the bucket already.
	my $session = $old->session;
	$session->query("INSERT INTO t VALUES ($round * 10 + 6, ffu.file('b.txt', 'before'))");
	$store->signal('STOP');
	$session->send_only("INSERT INTO t VALUES ($round * 10, ffu.file('b.txt', 'lost'))");
	$old->node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = ' . $session->pid)
	  or die 'the session does not wait for the store';
	$old->node->wait_for_catchup($new->node);
	is($new->sql('SELECT count(*) FROM ffu.intent'), '1', "$name has the intent");

	# The standby will never have this deletion.
	set_receiving($new, 0);
	my $file = $old->sql("SELECT f FROM t WHERE id = $gone");
	$old->sql("DELETE FROM t WHERE id = $gone");

	$old->crash;
	$store->signal('CONT');
	$session->quit;
	system('cp', '-a', $old->root, $new->root) == 0 or die 'cp';
	$new->node->promote;
	$new->sql("ALTER SYSTEM RESET primary_conninfo; SELECT ffu.claim_folder('" . $new->root . "')");
	$err = $new->fails_with('55000', "INSERT INTO t VALUES ($round * 10, ffu.file('b.txt', 'early'))", 'the bucket is not its own yet');
	like($err, qr/Another copy of this cluster.*HINT:.*ffu\.claim_bucket/s, 'what to do');
	$new->sql("SELECT ffu.claim_bucket('$url')");
	is($new->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = $gone"), $gone, 'a row whose deletion was lost has its file');

	# The old primary comes back.
	$old->start;
	$old->sql("SELECT pg_drop_replication_slot('$name')");
	$old->fails_with('55000', "INSERT INTO t VALUES ($round * 10, ffu.file('b.txt', 'stale'))", 'the old primary stores nothing');
	$old->sql("DELETE FROM t WHERE id = $kept; UPDATE ffu.deletion SET next_try = NULL");
	(undef, undef, $err) = $old->try('SELECT FROM ffu.sweep()');
	like($err, qr/could not delete file.*Another copy of this cluster/s, 'and removes nothing');
	is($old->sql('SELECT count(*) FROM ffu.intent WHERE removed_at IS NULL'), '1', 'neither of deleted rows nor of its own transactions');
	$old->stop('immediate');
	is($new->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = $kept"), $kept, 'the file is there');
	$new->sql("INSERT INTO t VALUES ($round * 10, ffu.file('b.txt', 'new')); DELETE FROM t WHERE id = $round * 10 + 3");
	is_settled($new, $name);
	ok(exists $store->list($url)->{$file}, 'the file of the lost deletion stays');
	return $new;
}

my $t = FfuTest->new('primary', conf => $store->conf . "ffu.store_timeout = 10s\n");
$t->sql("SELECT ffu.use_bucket('$url'); CREATE TABLE t (id int PRIMARY KEY)");
$t->sql(q{SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket')});
$t = fail_over($t, $_) foreach 1 .. $rounds;

# Two primaries at once: the old one does not die, and a session of it has removed
# objects before.
{
	my $new = standby($t, 'second');
	my $session = $t->session;
	my $sweep = 'UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()';
	$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(901, 903) i");
	my $file = $t->sql('SELECT f FROM t WHERE id = 901');
	$session->query('DELETE FROM t WHERE id = 901');
	$t->node->wait_for_catchup($new->node);
	$session->query($sweep);
	ok(!exists $store->list($url)->{$file}, 'a session of the primary removes an object');
	set_receiving($new, 0);
	system('cp', '-a', $t->root, $new->root) == 0 or die 'cp';
	$new->node->promote;
	$new->sql("ALTER SYSTEM RESET primary_conninfo; SELECT ffu.claim_folder('" . $new->root . "'); SELECT ffu.claim_bucket('$url')");
	$t->sql("SELECT pg_drop_replication_slot('second')");
	$session->query('DELETE FROM t WHERE id = 902');
	$session->query($sweep);
	like($session->errors, qr/could not delete file.*Another copy of this cluster/s, 'and none once another has the bucket');
	$session->quit;
	is($new->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 902}), '902', 'which has the file');
	is_settled($new, 'two primaries');
	$t->stop('immediate');
	$t = $new;
}
$store->stop;
$t->stop('immediate');
done_testing();
