# Choosing and claiming a bucket, and every error of a store, against a real one.

use strict;
use warnings;

use File::Basename qw(dirname);
use FfuBucket qw(pass_settle_time);
use FfuTest qw(slurp source_dir);
use JSON::PP qw(decode_json encode_json);
use Test::More;

my $store = FfuBucket->new;
our $t = FfuTest->new('bucket', conf => $store->conf);
my $url = $store->make('media');

# The whole message, without the secret, the id of the key, or a signature
sub is_refused
{
	my ($sqlstate, $sql, $pattern, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $err = $t->fails_with($sqlstate, $sql, $label);
	like($err, $pattern, "$label: the reason");
	like($err, qr/HINT:/, "$label: a hint");
	unlike($err, qr/ffutest(?:key|secret)|X-Amz/, "$label: nothing secret");
	return;
}

# What it takes
is_refused('22023', "SELECT ffu.use_bucket('$_->[0]', style => '$_->[1]')", $_->[2], "URL $_->[0]")
  foreach (
	[ '', 'path', qr/does not begin with/ ],
	[ 'ftp://127.0.0.1/media', 'path', qr/does not begin with/ ],
	[ 'http://example.com/media', 'path', qr/not this machine/ ],
	[ 'http://127.0.0.1.example.com/media', 'path', qr/not this machine/ ],
	[ 'https://user:secret@example.com/media', 'path', qr/The host is missing, or has other/ ],
	[ 'https:///media', 'path', qr/The host is missing/ ],
	[ 'https://example.com/', 'path', qr/the name of the bucket follows/ ],
	[ 'https://example.com/a', 'path', qr/the name of the bucket follows/ ],
	[ 'https://example.com/media?x=y', 'path', qr/the name of the bucket follows/ ],
	[ 'https://example.com/media/../x', 'path', qr/The prefix has/ ],
	[ 'https://example.com/media//x', 'path', qr/The prefix has/ ],
	[ 'https://example.com/media/.ffu', 'path', qr/The prefix has/ ],
	[ 'https://example.com/media/a b', 'path', qr/The prefix has/ ],
	[ 'https://example.com/media/' . 'a' x 200, 'path', qr/more than 199 bytes/ ],
	[ 'https://example/prefix', 'host', qr/the host begins with/ ],
	[ 'https://example.com/media', 'other', qr/The styles are/ ]);
is_refused('22023', "SELECT ffu.use_bucket('$url', region => '')", qr/signed for a region/, 'an empty region');

# The keys
my $keys = $store->keys_file;
my $good = slurp($keys);

sub write_keys
{
	my ($text, $mode) = @_;
	open(my $fh, '>', $keys) or die;
	print $fh $text;
	close($fh);
	chmod($mode, $keys) or die;
	return;
}

sub with_keys
{
	my ($text, $mode, $sqlstate, $pattern, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	write_keys($text, $mode);
	is_refused($sqlstate, "SELECT ffu.use_bucket('$url')", $pattern, $label);
	return;
}
with_keys($good, 0640, '55000', qr/open to others/, 'a file that others can read');
with_keys($good =~ s/default/other/r, 0600, '55000', qr/No line of the file is \[default\]/, 'no profile');
with_keys($good =~ s/aws_secret.*//r, 0600, '55000', qr/needs aws_access_key_id/, 'no secret');
with_keys("[default]\naws_access_key_id = x\naws_secret_access_key = " . 'y' x 300 . "\n",
	0600, '55000', qr/too long/, 'a long secret');
with_keys($good =~ s/of\+the/of+another/r, 0600, '58030', qr/SignatureDoesNotMatch/, 'a wrong secret');
with_keys($good =~ s/ffutestkey/ffutestkey2/r, 0600, '58030', $store->says('no such key'), 'a wrong id');
rename($keys, "$keys.away") or die;
is_refused('55000', "SELECT ffu.use_bucket('$url')", qr/No such file/, 'no file');
mkdir($keys) or die;
is_refused('55000', "SELECT ffu.use_bucket('$url')", qr/not a regular file/, 'a directory');
rmdir($keys) or die;
rename("$keys.away", $keys) or die;
write_keys($good, 0600);

# The store
is_refused('55000', "SELECT ffu.use_bucket('" . $store->endpoint . "/nothing')", qr/NoSuchBucket/, 'no bucket');
is_refused('58030', "SELECT ffu.use_bucket('http://127.0.0.1:1/media')",
	qr/does not answer.*\n.*(?:refused|(?:Couldn't|Could not) connect)/i, 'nobody listens');
is_refused('58030', "SELECT ffu.use_bucket('https://127.0.0.1:" . $store->{port} . "/media')",
	qr/does not answer/, 'no TLS');
is($t->sql('SELECT count(*) FROM ffu.bucket'), '0', 'no bucket is claimed');

{
	my $said = ($t->try("SELECT ffu.use_bucket('$url')"))[2];
	unlike($said, qr/ERROR/, 'a bucket is claimed');
	is(join("\n", $said =~ /NOTICE:  00000: (.*)/g), $store->has('direct uploads') ? '' : qq{the store at "$url" does not take direct uploads},
		'and what the store lacks is said');
}
is($t->sql('SELECT url, region, style, profile, insecure, batch FROM ffu.bucket'),
	"$url|us-east-1|path|default|f|t", 'the row');
is_deeply($store->list($url), {}, 'nothing is left of the trial');
like($store->ask($url, 'get', '.ffu/owner'), qr/^ffu 1\nroot [0-9a-f-]{36}\n.*^key $/ms, 'the owner object has no key');
$t->sql("SELECT ffu.use_bucket('$url')");
pass('the same again');
is_refused('55000', "SELECT ffu.use_bucket('$url/blog')", qr/The bucket of this database is/, 'another bucket');

# Another name for the same bucket: style "host"
my $owner = $store->ask($url, 'get', '.ffu/owner');
$t->sql('SELECT ffu.leave_bucket()');
$t->sql("SELECT ffu.use_bucket('http://media.localhost:$store->{port}', style => 'host', insecure => true)");
is($store->ask($url, 'get', '.ffu/owner'), $owner, 'the name of the bucket in the host');
$t->sql('SELECT ffu.leave_bucket()');

# TLS, with certificates of an authority of our own
my $root = $store->certificate('root', undef, 2, 'basicConstraints=critical,CA:TRUE');
my $between = $store->certificate('between', $root, 2, 'basicConstraints=critical,CA:TRUE');
my @server = map { $store->certificate($_->[0], $between, $_->[2], "subjectAltName=DNS:$_->[1]") }
  ([ 'good', 'localhost', 2 ], [ 'other', 'other.example.com', 2 ], [ 'old', 'localhost', 0 ]);
my $ca = "ca_file => '$root.pem'";
my $tls = $store->begin_proxy("$server[1].server") . '/media';
is_refused('58030', "SELECT ffu.use_bucket('$tls', $ca)", qr/cannot be verified.*name.*HINT:.*that the certificate names/s, 'a certificate of another host');
$tls = $store->begin_proxy("$server[2].server") . '/media';
is_refused('58030', "SELECT ffu.use_bucket('$tls', $ca)", qr/cannot be verified.*expired/s, 'an expired certificate');
$tls = $store->begin_proxy("$server[0].server") . '/media';
is_refused('58030', "SELECT ffu.use_bucket('$tls')", qr/cannot be verified.*issuer.*HINT:.*ca_file/s, 'an unknown authority');
is_refused('58030', "SELECT ffu.use_bucket('$tls', ca_file => '$root.no')", qr/cannot be verified/, 'no file of certificates');
is_refused('58030', "SELECT ffu.use_bucket('" . $tls =~ s/localhost/127.0.0.1/r . "', $ca)", qr/cannot be verified/, 'an address that the certificate does not name');
is($t->sql('SELECT count(*) FROM ffu.bucket'), '0', 'no bucket is claimed');
$t->sql("SELECT ffu.use_bucket('$tls', $ca)");
$t->sql(q{CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f', store => 'bucket'); INSERT INTO t VALUES (1, ffu.file('a.txt', 'secret'))});
is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') FROM t}), 'secret', 'a file by way of TLS');
is_deeply([ keys %{ $store->list($url) } ], [ $t->sql('SELECT f FROM t') ], 'is in the bucket');
$t->sql('DROP TABLE t; SELECT FROM ffu.sweep()');
$t->sql('SELECT ffu.leave_bucket()');
$t->sql("SELECT ffu.use_bucket('$url')");

# A store, or something in front of it, that does not keep to the protocol
{
	$t->sql('SELECT ffu.leave_bucket()');
	my $harmed = $store->begin_proxy . '/media';
	my @bad = (
		[ 'PUT blind 99', '55000', qr/cannot keep ffu's promises.*accepts bytes that do not have the signed digest/s, 'accepts a wrong digest' ],
		[ 'PUT clock 99', '58030', qr/RequestTimeTooSkewed.*HINT:.*clocks/s, 'finds the clock wrong' ],
		[ 'PUT redirect 99', '55000', qr/region "elsewhere-1".*HINT:.*region/s, 'is in another region' ],
		[ 'PUT error 99', '58030', qr/could not store object/, 'answers 200 with an error' ],
		[ 'HEAD page 99', '58030', qr/not of an object store/, 'answers HEAD with a page' ],
		[ 'GET page 99', '58030', qr/does not answer.*not of an object store/s, 'answers GET with a page' ],
		[ 'LIST page 99', '58030', qr/not a listing/, 'answers a listing with a page' ],
		[ 'UPLOADS page 99', '55000', qr/does not list a multipart upload/, 'lists no multipart uploads' ]);
	foreach my $case (@bad)
	{
		my ($harm, $sqlstate, $pattern, $label) = @$case;
		$store->harm($harm);
		is_refused($sqlstate, "SELECT ffu.use_bucket('$harmed')", $pattern, "a store that $label");
		is($store->ask($url, 'list', '.ffu/') . $store->ask($url, 'uploads'), '', "a store that $label: nothing is left of the trial");
	}
	$store->harm('PUT large 99');
	is_refused('53100', "SELECT ffu.use_bucket('$harmed')", qr/EntityTooLarge.*HINT:.*quota/s, 'a store that finds any object too large, as Swift with a full quota');
	$store->harm();
	is($t->sql('SELECT count(*) FROM ffu.bucket'), '0', 'none of them is claimed');
	is_refused('58030', "SELECT ffu.use_bucket('http://media.127.0.0.1:$store->{port}', style => 'host', insecure => true)",
		qr/does not answer/, 'style "host" of a server without such names');
	is_refused('55000', "SELECT ffu.use_bucket('http://nothing.localhost:$store->{port}', style => 'host', insecure => true)",
		qr/NoSuchBucket/, 'style "host", another bucket');
	$t->sql("SELECT ffu.use_bucket('$url')");
}

# A quota of the store
$t->sql(q{CREATE TABLE q (id int); SELECT ffu.add_column('q', 'f', store => 'bucket'); INSERT INTO q VALUES (1, ffu.file('a.txt', 'one'))});
$store->set_quota(1);
{
	my $end = time + 60;
	my $err = '';
	# The gateway counts objects after a while.
	($err) = ($t->try(q{INSERT INTO q VALUES (2, ffu.file('b.txt', 'two'))}))[2] until $err =~ /ERROR/ || time > $end;
	like($err, qr/53100:.*@{[ $store->says('quota is full') ]}.*HINT:.*quota/s, 'a quota that is full: disk full, and what to do');
	unlike($err, qr/ffutest(?:key|secret)|X-Amz/, 'nothing secret');
	$t->sql('DELETE FROM q WHERE id = 1');
	pass('deleting goes on');
}
$store->set_quota(-1);
$t->sql('DROP TABLE q; SELECT FROM ffu.sweep()');
pass_settle_time($t);
$t->sql('SELECT FROM ffu.sweep()');

# Rights on a bucket of somebody else: what docs/object-store.md gives as policies and rules
sub try_policies
{
	my $page = slurp(dirname(source_dir()) . '/docs/object-store.md');
	my ($allowed, $public, $rule) = map { my $heading = $_; $page =~ /^### \Q$heading\E\n.*?^```(?:json|xml)\n(.*?)^```/ms or die $heading; $1 }
	  'What ffu must be allowed to do', 'Public objects', 'Multipart uploads that are left';
	my $shared = $store->make('shared');
	s/:::media/:::shared/g foreach $allowed, $public;
	$store->add_user('app');
	$t->sql('SELECT ffu.leave_bucket()');
	my $use = "SELECT ffu.use_bucket('$shared/blog', profile => 'app')";
	is_refused('58030', $use, qr/AccessDenied/, 'no rights');

	# All statements, without one action
	my $allow = sub {
		my ($without) = @_;
		my @statements = map { @{ decode_json($_)->{Statement} } } $allowed, $public;
		foreach my $statement (@statements)
		{
			$statement->{Principal} //= { AWS => ['arn:aws:iam:::user/app'] };
			$statement->{Action} = [ grep { $_ ne $without } @{ $statement->{Action} } ] if ref $statement->{Action};
		}
		return $store->ask($shared, 'policy', '', encode_json({ Version => '2012-10-17', Statement => \@statements }));
	};
	my %says = (
		's3:ListBucket' => qr/AccessDenied|HTTP status 403/,
		's3:ListBucketMultipartUploads' => qr/does not list a multipart upload.*HINT:.*also list/s,
		's3:GetObject' => undef,    # who has stored an object in Ceph may read it
		's3:PutObject' => qr/could not store object.*AccessDenied/,
		's3:DeleteObject' => qr/does not remove objects.*HINT:.*also delete/s,
		's3:AbortMultipartUpload' => qr/does not end it.*HINT:.*also list/s);
	is_deeply([ sort map { @{ $_->{Action} } } @{ decode_json($allowed)->{Statement} } ], [ sort keys %says ], 'the actions that ffu needs');
	foreach my $action (grep { $says{$_} } sort keys %says)
	{
		$allow->($action);
		is_refused($action =~ /Multipart|Delete/ ? '55000' : '58030', $use, $says{$action}, "without $action");
	}
	$store->ask($shared, 'remove', $_) foreach split /\n/, $store->ask($shared, 'keys');
	$allow->('');
	$t->sql($use);
	$t->sql(q{CREATE TABLE posts (id int); SELECT ffu.add_column('posts', 'f', store => 'bucket'); SELECT ffu.add_column('posts', 'p', store => 'bucket', private => true);
		INSERT INTO posts (id, f, p) VALUES (1, ffu.file('a.txt', 'one'), ffu.file('b.txt', 'private'))});
	my ($open, $private) = split /\|/, $t->sql('SELECT f, p FROM posts WHERE id = 1');
	my $status = sub { return qx(curl -s -o /dev/null -w '%{http_code}' '$shared/$_[0]'); };
	is($status->("blog/$open"), '200', 'a public object can be read');
	is($status->($_), '403', "not $_") foreach "blog/$private", 'blog/.ffu/owner', '?list-type=2';
	$store->ask($shared, 'lifecycle', '', $rule);
	pass('the rule for multipart uploads is taken');
	return $shared;
}

# Swift has no policies: the rights of a user are those of two containers, of which the
# second has the parts of multipart uploads. They are for all objects, so there is nothing
# to assert about public ones.
sub try_containers
{
	my $shared = $store->make('shared');
	my $use = "SELECT ffu.use_bucket('$shared/blog', profile => 'app')";
	my @rights = map { ($_ => 'ffutestkey:app') } qw(read write);
	foreach my $rule (qw(policy lifecycle cors))
	{
		eval { $store->ask($shared, $rule, '', '<LifecycleConfiguration/>') };
		like($@, qr/\b(?:501|400)\b/, "the store has no $rule");
	}
	$t->sql('SELECT ffu.leave_bucket()');
	is_refused('58030', $use, qr/AccessDenied/, 'no rights');
	$store->set_container('shared', @rights);
	is_refused('58030', $use, qr/AccessDenied|HTTP status 403/, 'no rights to the container of parts');
	$store->set_container('shared+segments', @rights);
	$store->ask($shared, 'remove', $_) foreach split /\n/, $store->ask($shared, 'keys');
	$t->sql($use);
	$t->sql(q{CREATE TABLE posts (id int); SELECT ffu.add_column('posts', 'f', store => 'bucket')});
	return $shared;
}

{
	my $shared = $store->has('policies') ? try_policies() : try_containers();
	is($t->sql('SELECT batch FROM ffu.bucket'), 't', 'with all rights many objects go in one request');
	$t->sql(q{SET ffu.multipart_threshold = '5MB';
		INSERT INTO posts (id, f) VALUES (11, ffu.file('a.txt', 'one')), (12, ffu.file('c.txt', convert_to(repeat('x', 6000000), 'UTF8')));
		INSERT INTO posts (id, f) SELECT 13, f FROM posts WHERE id = 12});
	is($t->sql('SELECT id, length(ffu.content(f)) FROM posts WHERE id > 10 ORDER BY id'), "11|3\n12|6000000\n13|6000000", 'and all of it works');
	$t->sql('DROP TABLE posts; SELECT FROM ffu.sweep()');
	pass_settle_time($t);
	$t->sql('SELECT FROM ffu.sweep(); SELECT ffu.leave_bucket()');
	is($store->ask($shared, 'list'), '', 'nothing is left');
	$t->sql("SELECT ffu.use_bucket('$url')");
}

# The clock of the database's server is 20 minutes off
{
	my ($clock) = glob('/usr/lib/*/faketime/libfaketime.so.1') or die 'call script/bootstrap test';
	$t->sql(q{CREATE TABLE c (id int); SELECT ffu.add_column('c', 'f', store => 'bucket');
		INSERT INTO c SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(1, 4) i});
	my $id = 10;
	foreach my $wrong ('+20m', '-20m')
	{
		$t->node->stop;
		{
			# Intervals pass as ever, and files have their times.
			local @ENV{qw(LD_PRELOAD FAKETIME DONT_FAKE_MONOTONIC FAKETIME_DONT_FAKE_MONOTONIC NO_FAKE_STAT)} = ($clock, $wrong, 1, 1, 1);
			$t->node->start;
		}
		my $off = $t->sql('SELECT round(extract(epoch FROM clock_timestamp()) - ' . time . ')');
		cmp_ok(abs(abs($off) - 1200), '<', 60, "$wrong: the clock is off");
		is_refused('58030', "INSERT INTO c VALUES (9, ffu.file('b.txt', 'late'))", qr/RequestTimeTooSkewed.*HINT:.*clocks/s, "$wrong: storing");
		is_refused('58030', 'SELECT ffu.content(f) FROM c', qr/RequestTimeTooSkewed.*HINT:.*clocks/s, "$wrong: reading");
		is_refused('58030', "SELECT ffu.use_bucket('$url')", qr/RequestTimeTooSkewed.*HINT:.*clocks/s, "$wrong: claiming");
		$t->sql('DELETE FROM c WHERE id = (SELECT min(id) FROM c)');
		like(($t->try('SELECT FROM ffu.sweep()'))[2], qr/WARNING:.*could not delete file/, "$wrong: a row goes, its object waits");
		like($t->sql('SELECT last_error FROM ffu.pending_deletions'), qr/RequestTimeTooSkewed/, "$wrong: and it is said why");
		$t->node->stop;
		$t->node->start;
		$t->sql("INSERT INTO c VALUES ($id, ffu.file('d.txt', 'right')); UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()");
		$id++;
		pass_settle_time($t);
		$t->sql('SELECT FROM ffu.sweep()');
		is($t->sql('SELECT (SELECT count(*) FROM ffu.intent) + (SELECT count(*) FROM ffu.deletion)'), '0', "$wrong: nothing is left to do with the right clock");
		is_deeply($store->list($url), { map { split /\|/ } split /\n/, $t->sql('SELECT f, f__sha256 FROM c') }, "$wrong: and nothing is lost");
	}
	$t->sql('DROP TABLE c; SELECT FROM ffu.sweep()');
	pass_settle_time($t);
	$t->sql('SELECT FROM ffu.sweep()');
}

# Another database of the cluster, and another copy of it
$t->sql('CREATE DATABASE second');
my $second = bless { %$t, database => 'second', root => $t->root . '-second' }, 'FfuTest';
$second->setup;
{
	local $t = $second;
	is_refused('55000', "SELECT ffu.$_('$url')", qr/Its owner is root/, "$_ of another database's")
	  foreach 'use_bucket', 'claim_bucket';
}
$second->sql("SELECT ffu.use_bucket('$url/second')");
pass('a prefix of its own');
$owner = $store->ask($url, 'get', '.ffu/owner');
$store->ask($url, 'put', '.ffu/owner', $owner =~ s/^machine .*/machine another/mr);
is_refused('55000', "SELECT ffu.use_bucket('$url')", qr/Another copy of this cluster/, "a copy's");
$t->sql("SELECT ffu.claim_bucket('$url')");
is($store->ask($url, 'get', '.ffu/owner'), $owner, 'claim_bucket takes it over');
$store->ask($url, 'put', '.ffu/owner', $owner =~ s/^ffu 1/ffu 2/r);
is_refused('55000', "SELECT ffu.claim_bucket('$url')", qr/A later version of ffu/, 'a later form');
$store->ask($url, 'put', '.ffu/owner', 'x' x 5000);
is_refused('55000', "SELECT ffu.claim_bucket('$url')", qr/not the owner object/, 'something else');
$store->ask($url, 'put', '.ffu/owner', $owner);

# A cancel while the store is silent: the gateway is stopped in the middle
my $session = $t->session;
$store->signal('STOP');
$session->send_only("SELECT ffu.use_bucket('$url')");
$t->node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = ' . $session->pid)
  or die;
$t->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
$session->wait_done;
$store->signal('CONT');
like($session->errors, qr/57014/, 'a cancel is answered while the store is silent');
$session->query("SELECT ffu.use_bucket('$url')");
unlike($session->errors, qr/ERROR/, 'and the session goes on');
$session->quit;
is_deeply($store->list($url), {}, 'nothing is left');

$store->stop;
$t->stop;
done_testing();
