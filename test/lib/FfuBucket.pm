# An object store for the tests: a real one on a port of this machine, Ceph's, or with
# FFU_TEST_STORE=swift OpenStack's (script/soak swift).
#
#   my $store = FfuBucket->new;         starts it, takes 20 seconds
#   my $url = $store->make('media');    makes a bucket; its URL
#   $store->list($url)                  what is in it: key => digest, without .ffu/
#   $store->conf                        lines for postgresql.conf, with the keys
#   $store->make_table($t)              table t, whose files are in the bucket
#   $store->is_settled($t, $url, $label)   sweeps; then the bucket equals the rows of t
#   $store->has('policies')             whether the server has that
#   $store->says('no such key')         what it answers, as a pattern
#   pass_settle_time($t)                lets the time pass in which late requests arrive

package FfuBucket;

use strict;
use warnings;

use Carp;
use Exporter qw(import);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use FfuTest qw(slurp);
use HTTP::Tiny ();
use IO::Socket::INET ();
use IO::Handle ();
use IPC::Open2 qw(open2);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT_OK = qw(pass_settle_time);

my $here = abs_path(dirname(__FILE__) . '/..');
my @running;

# The servers, and all that they do differently: only here is asked which one it is. A
# test whose assertion cannot hold on a server says why, and asserts what does hold.
my %servers = (
	rgw => {
		gateway => 'rgw',
		has => { map { ($_ => 1) } 'direct uploads', 'policies' },
		says => {
			'no such key' => qr/InvalidAccessKeyId/,
			'quota is full' => qr/QuotaExceeded/,
			'dates differ' => qr{^HTTP/1\.1 403},
			'no signature' => qr{^HTTP/1\.1 403} } },

	# Swift's layer for S3 computes the signature of a URL without the digest of the bytes,
	# whatever headers are signed, and so takes no URL of ffu for an upload. Rights are
	# those of Swift's containers. A wrong id is a wrong signature. Whatever is not signed
	# goes to Swift itself, where it is no path.
	swift => {
		gateway => 'proxy',
		has => {},
		says => {
			'no such key' => qr/SignatureDoesNotMatch/,
			'quota is full' => qr/EntityTooLarge/,
			'dates differ' => qr{^HTTP/1\.1 400},
			'no signature' => qr{^HTTP/1\.1 400} } });
my $server = $ENV{FFU_TEST_STORE} // 'rgw';
croak "FFU_TEST_STORE is none of " . join(', ', sort keys %servers) . ": $server" unless $servers{$server};

sub has { return $servers{$server}{has}{ $_[1] }; }
sub says { return $servers{$server}{says}{ $_[1] } // croak "nothing is known of: $_[1]"; }

sub new
{
	my ($class) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	# The four ports after it are those of other daemons.
	my ($port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 5;
	my $self = bless { dir => "$dir/store", port => $port, pid => $$ }, $class;
	push @running, $self;
	my $said;
	IPC::Run::run([ "$here/$server", 'start', $self->{dir}, $port ], '>&', \$said)
	  or croak "the object store did not start: $said";
	return $self;
}

sub keys_file { return "$_[0]->{dir}/keys"; }
sub endpoint { return "http://127.0.0.1:$_[0]->{port}"; }
sub conf { return "ffu.credentials_file = '" . $_[0]->keys_file . "'\n"; }

# Runs the tests' own client on a bucket: a process that stays, since a start of python
# takes longer than what it is asked for.
sub ask
{
	my ($self, $url, $command, $key, $input) = @_;
	my $client = $self->{client} //= do {
		my %new;
		$new{pid} = open2($new{out}, $new{in}, '/usr/bin/python3', '-B', "$here/bucket", $self->keys_file);
		binmode($_) foreach @new{qw(in out)};
		$new{in}->autoflush(1);
		\%new;
	};
	$input //= '';
	utf8::encode($input) if utf8::is_utf8($input);
	print { $client->{in} } join("\t", $url, $command, $key // '', length $input), "\n", $input;
	my ($word, $size) = split(' ', readline($client->{out}) // croak "$command of $url: the client has gone");
	my $out = '';
	while (length $out < $size)
	{
		read($client->{out}, $out, $size - length $out, length $out) or croak "$command of $url: the client has gone";
	}
	croak "$command of $url: $out" if $word ne 'ok';
	return $out;
}

sub make
{
	my ($self, $name) = @_;
	my $url = $self->endpoint . "/$name";
	$self->ask($url, 'make');
	return $url;
}

sub list
{
	my ($self, $url) = @_;
	return { map { (split(/ /, $_, 3))[ 2, 1 ] } grep { !m{[ /]\.ffu/} } split(/\n/, $self->ask($url, 'list')) };
}

# Stops the gateway, or lets it go on: requests that hang.
sub signal
{
	my ($self, $signal) = @_;
	my $gateway = $servers{$server}{gateway};
	my $pid = slurp("$self->{dir}/run/$gateway.pid") + 0;
	kill($signal, $pid) or croak "no $gateway";
	return;
}

# Starts a proxy that does harm, in place of an earlier one; returns its endpoint. With
# a certificate clients speak TLS.
sub begin_proxy
{
	my ($self, @certificate) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	$self->{harms} = "$self->{dir}/harms";
	$self->harm();
	$self->{proxy}->kill_kill if $self->{proxy};
	$self->{proxy} = IPC::Run::start([ '/usr/bin/python3', '-B', "$here/proxy", $port, $self->{port}, $self->{harms}, @certificate ],
		'<', \undef, '>', "$self->{dir}/log/proxy.out", '2>&1');
	my $end = time + 60;
	until (IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port"))
	{
		croak 'the proxy does not start' if time > $end;
		select(undef, undef, undef, 0.05);
	}
	return @certificate ? "https://localhost:$port" : "http://127.0.0.1:$port";
}

# Makes a key and a certificate for a subject, signed by the issuer or by itself. Returns
# the name of files: .pem with the certificate, .server for a server, with the key and all
# certificates but the root's.
sub certificate
{
	my ($self, $subject, $issuer, $days, @extension) = @_;
	my $file = "$self->{dir}/$subject";
	my $new = "$file.new";
	my @sign = $issuer ? ('-CA', "$issuer.pem", '-CAkey', "$issuer.key", '-CAcreateserial') : ('-signkey', "$file.key");
	system_or_bail('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', "$file.key",
		'-out', $new, '-subj', "/CN=$subject", map { ('-addext', $_) } @extension);
	system_or_bail('openssl', 'x509', '-req', '-in', $new, @sign, '-copy_extensions', 'copyall', '-days', $days, '-out', "$file.pem");
	my $chain = $issuer && -e "$issuer.chain" ? slurp("$issuer.chain") : '';
	my $own = $issuer ? slurp("$file.pem") : '';
	_write("$file.chain", $own . $chain);
	_write("$file.server", slurp("$file.key") . $own . $chain);
	return $file;
}

sub _write
{
	my ($name, $text) = @_;
	open(my $fh, '>', $name) or croak "no file $name: $!";
	print $fh $text;
	close($fh);
	return;
}

# What the proxy is to do from now on: lines as in test/proxy.
sub harm
{
	my ($self, @lines) = @_;
	open(my $fh, '>', "$self->{harms}.mine") or croak "no file of harms: $!";
	print $fh "$_\n" foreach @lines;
	close($fh);
	rename("$self->{harms}.mine", $self->{harms}) or croak "no file of harms: $!";
	return;
}

# The lines of harms that no request has met.
sub harms_left
{
	my ($self) = @_;
	return grep { !/ 0$/ } split(/\n/, slurp($self->{harms}));
}

# The lines of a file of the proxy since the last call
sub _lines_since
{
	my ($file) = @_;
	my @lines = -e $file ? split(/\n/, slurp($file)) : ();
	unlink($file);
	return @lines;
}

# The requests since the last call: a kind and the bytes sent of each, as in test/proxy.
sub requests { return _lines_since("$_[0]->{harms}.log"); }

# The number of connections since the last call.
sub connections { return scalar(my @lines = _lines_since("$_[0]->{harms}.connections")); }

# Lets the proxy hand the late requests on, and waits until the store has had them.
sub release
{
	my ($self) = @_;
	$self->harm('release');
	my $end = time + 60;
	while (my @late = glob("$self->{harms}.late.*"))
	{
		croak "the proxy does not hand @late on" if time > $end;
		select(undef, undef, undef, 0.02);
	}
	$self->harm();
	return;
}

# Makes the rows of ffu.intent older than ffu.settle_time, but for those of transactions
# that are open.
sub pass_settle_time
{
	my ($t) = @_;
	return $t->sql(q{UPDATE ffu.intent i SET noted_at = noted_at - interval '2 hours', removed_at = removed_at - interval '2 hours'
		FROM (SELECT ctid FROM ffu.intent FOR UPDATE SKIP LOCKED) l WHERE i.ctid = l.ctid});
}

# Makes a table t with a file column f in the bucket.
sub make_table
{
	my ($self, $t) = @_;
	$t->sql('CREATE TABLE t (id int PRIMARY KEY)');
	return $t->sql(q{SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket')});
}

# Lets the late requests arrive, and sweeps until nothing is left to do.
sub finish
{
	my ($self, $t, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $left;
	$self->release;
	for my $try (1 .. 5)
	{
		$t->try('UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()');
		pass_settle_time($t);
		$left = $t->sql('SELECT (SELECT count(*) FROM ffu.intent) + (SELECT count(*) FROM ffu.deletion)');
		last if $left eq '0';
	}
	return is($left, '0', "$label: nothing is left to do") || diag($t->sql('TABLE ffu.intent; TABLE ffu.pending_deletions'));
}

# When all is done, the bucket has the files of t, and nothing else has any. The URL is not
# the proxy's.
sub is_settled
{
	my ($self, $t, $url, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->finish($t, $label);
	is($self->ask($url, 'uploads'), '', "$label: no multipart upload is unfinished");
	my %want = map { split /\|/ } split /\n/, $t->sql('SELECT f, f__sha256 FROM t WHERE f IS NOT NULL');
	return is_deeply({ %{ $self->list($url) }, map { ($_ => 'staged') } $t->staging }, \%want, "$label: the bucket equals the rows");
}

# Makes another user, who owns nothing; the keys are in the profile of that name. Swift has
# the user "app" from its start.
sub add_user
{
	my ($self, $name) = @_;
	return if $server eq 'swift' && $name eq 'app';
	my @keys = ("ffutestkey$name", "ffutestsecret/of+$name");
	system_or_bail('radosgw-admin', '-c', "$self->{dir}/ceph.conf", 'user', 'create', "--uid=$name", "--display-name=$name",
		"--access-key=$keys[0]", "--secret-key=$keys[1]");
	my $text = slurp($self->keys_file) . "[$name]\naws_access_key_id = $keys[0]\naws_secret_access_key = $keys[1]\n";
	_write($self->keys_file, $text);
	return;
}

# Limits the objects of the user, with Swift those of the bucket "media"; -1 is no limit.
sub set_quota
{
	my ($self, $objects) = @_;
	return _set_quota_of_swift(@_) if $server eq 'swift';
	my @admin = ('radosgw-admin', '-c', "$self->{dir}/ceph.conf", 'quota');
	my @user = ('--quota-scope=user', '--uid=ffu');
	system_or_bail(@admin, 'set', @user, "--max-objects=$objects");
	system_or_bail(@admin, $objects < 0 ? 'disable' : 'enable', @user);
	return;
}

sub _set_quota_of_swift
{
	my ($self, $objects) = @_;
	return $self->set_container('media', 'meta-quota-count' => $objects < 0 ? '' : $objects);
}

# Sets attributes of a container by the interface of Swift itself; makes the container.
sub set_container
{
	my ($self, $name, %attributes) = @_;
	my ($user, $key) = slurp($self->keys_file) =~ /^aws_access_key_id = (\S+)\naws_secret_access_key = (\S+)/m;
	my $http = HTTP::Tiny->new;
	my $given = $http->get($self->endpoint . '/auth/v1.0', { headers => { 'x-auth-user' => $user, 'x-auth-key' => $key } })->{headers};
	my $answer = $http->put("$given->{'x-storage-url'}/$name",
		{ headers => { 'x-auth-token' => $given->{'x-auth-token'}, map { ("x-container-$_" => $attributes{$_}) } keys %attributes } });
	croak "container $name: $answer->{status} $answer->{content}" unless $answer->{success};
	return;
}

# Starts the gateway again after it was killed.
sub begin_gateway
{
	my ($self) = @_;
	my $said;
	IPC::Run::run([ "$here/$server", 'gateway', $self->{dir}, $self->{port} ], '>&', \$said)
	  or croak "the gateway did not start: $said";
	return;
}

sub stop
{
	my ($self) = @_;
	$self->{proxy}->kill_kill if $self->{proxy};
	delete $self->{proxy};
	if (my $client = delete $self->{client})
	{
		close($client->{$_}) foreach qw(in out);
		waitpid($client->{pid}, 0);
	}
	IPC::Run::run([ "$here/$server", 'stop', $self->{dir} ]) if $self->{dir};
	delete $self->{dir};
	return;
}

END
{
	my $status = $?;
	$_->stop foreach grep { $_->{pid} == $$ } @running;
	$? = $status;
}

1;
