# The tus server of examples/tus, by real requests: creation, offset, pieces,
# termination, expiration, refusals; the server is killed between two PATCHes and in
# the middle of one.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(example slurp);
use File::Basename qw(dirname);
use IO::Socket::INET;
use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils qw(append_to_file);
use Test::More;
use Time::HiRes qw(sleep);

my $example = abs_path(dirname(example('pan.mp4')) . '/../tus');
my $python = '/usr/bin/python3';
plan skip_all => 'python3-psycopg2 is not installed' if system("$python -c 'import psycopg2' 2>/dev/null") != 0;

my $t = FfuTest->new('tus');
$t->sql(slurp("$example/schema.sql"));
my $dsn = $t->node->connstr('postgres') . ' user=tus';
my ($server, $url, $out, $err);

# Starts the example on a port that is free.
sub start_server
{
	($out, $err) = ('', '');
	$server = IPC::Run::start([ $python, '-B', "$example/server.py", 0, $dsn ], '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	$server->pump until $out =~ m{^(http://\S+)\n}m;
	$url = $1;
	return;
}

sub kill_server { $server->signal('KILL'); eval { $server->finish }; return; }
END { $server->signal('KILL') if $server; }

# One request; returns the status and the headers, in lower case.
sub request
{
	my ($method, $at, @options) = @_;
	my ($answer, $said) = ('', '');
	my @version = grep({ /^Tus-Resumable/ } @options) ? () : ('-H', 'Tus-Resumable: 1.0.0');
	$at = "http://127.0.0.1:" . ($url =~ /:(\d+)/)[0] . $at if $at =~ m{^/};
	IPC::Run::run(
		[ 'curl', '-s', '-S', '--max-time', 60, '-D', '-', '-o', '/dev/null', $method eq 'HEAD' ? '-I' : ('-X', $method), @version, @options, $at ],
		'<', \undef, '>', \$answer, '2>', \$said);
	my @lines = split /\r\n/, $answer;
	my ($status) = ($lines[0] // '') =~ / (\d+)/;
	return ($status // $said, map { /^([^:]+): (.*)/ ? (lc $1 => $2) : () } @lines);
}

sub create
{
	my ($length, $name) = @_;
	my ($status, %header) = request('POST', $url, '-H', "Upload-Length: $length", '-H', 'Upload-Metadata: filename ' . encode_base64($name, ''));
	is($status, 201, "$name is created");
	return $header{location};
}

sub patch
{
	my ($at, $offset, $file) = @_;
	return request('PATCH', $at, '-H', "Upload-Offset: $offset", '-H', 'Content-Type: application/offset+octet-stream',
		'-H', 'Expect:', '--data-binary', "\@$file");
}

sub offset_of
{
	my ($at) = @_;
	my ($status, %header) = request('HEAD', $at);
	return $status == 200 ? "$header{'upload-offset'} of $header{'upload-length'}" : $status;
}

# A video in three parts
my $video = slurp(example('pan.mp4'));
my $length = length $video;
my $third = int($length / 3);
my $dir = $t->node->basedir;
my @part = map { substr($video, $_ * $third, $_ == 2 ? $length : $third) } 0 .. 2;
foreach my $i (0 .. 2)
{
	open(my $fh, '>:raw', "$dir/part$i") or die;
	print $fh $part[$i];
	close($fh);
}

start_server();
my ($status, %header) = request('OPTIONS', $url);
is_deeply([ $status, @header{ 'tus-version', 'tus-extension' } ], [ 204, '1.0.0', 'creation,termination,expiration' ], 'OPTIONS');

my $upload = create($length, 'pan.mp4');
is(offset_of($upload), "0 of $length", 'HEAD');
($status, %header) = patch($upload, 0, "$dir/part0");
is_deeply([ $status, $header{'upload-offset'} ], [ 204, $third ], 'the first PATCH');
like($header{'upload-expires'}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'it says when the upload expires');

# Killed between two PATCHes
kill_server();
start_server();
is(offset_of($upload), "$third of $length", 'another server knows the offset');
is((patch($upload, 0, "$dir/part1"))[0], 409, 'at a wrong offset');
is((patch($upload, $third, "$dir/part1"))[0], 204, 'the second PATCH');

# Killed in the middle of one: what has come is there, and the rest is sent. The
# client says that there is more than it sends.
{
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => ($url =~ /:(\d+)/)[0]) or die;
	my $rest = $length - 2 * $third;
	print $socket join("\r\n", "PATCH $upload HTTP/1.1", 'Host: localhost', 'Tus-Resumable: 1.0.0', 'Content-Type: application/offset+octet-stream',
		'Upload-Offset: ' . 2 * $third, "Content-Length: $rest", '', '') . substr($part[2], 0, 10);
	$socket->flush;
	shutdown($socket, 1);
	1 while <$socket>;
}
is(offset_of($upload), 2 * $third + 10 . " of $length", 'a client that is cut off: what came is kept');
kill_server();
start_server();
{
	open(my $fh, '>:raw', "$dir/part2") or die;
	print $fh substr($part[2], 10);
	close($fh);
}
is((patch($upload, 2 * $third + 10, "$dir/part2"))[0], 204, 'the last PATCH');
is($t->sql("SELECT video__file_name, video__mime_type, video__size, video = ffu.url(video, '') FROM videos"),
	"pan.mp4|video/mp4|$length|t", 'it is a row now');
is(slurp($t->root . '/' . $t->sql('SELECT video FROM videos')), $video, 'with the same bytes');
is(offset_of($upload), "$length of $length", 'a client that did not hear of it can ask');
is((patch($upload, $length, "$dir/part2"))[0], 409, 'and cannot go on');

# Given up, expired, unknown
$upload = create(10, 'gone.mp4');
is((request('DELETE', $upload))[0], 204, 'DELETE');
is(offset_of($upload), 404, 'it is gone');
$upload = create(10, 'expired.mp4');
$t->sql("UPDATE ffu.upload SET expires_at = now()");
is(offset_of($upload), 404, 'expired');
$upload = create(10, 'lost.mp4');
append_to_file("$dir/half", 'lost');
is((patch($upload, 0, "$dir/half"))[0], 204, 'an upload whose bytes are lost');
cmp_ok(unlink(glob($t->root . '/.ffu/uploads/*')), '>', 0, 'and that is all there is');
is((patch($upload, 4, "$dir/half"))[0], 410, 'is to begin again');
is((request('DELETE', $upload))[0], 204, 'or to be given up');
is((request($_, "/uploads/resume:" . 'a' x 26))[0], 404, "$_ of what never was") foreach 'HEAD', 'DELETE';
is((request('HEAD', '/uploads/..%2f..%2fetc%2fpasswd'))[0], 400, 'no id at all');

# Refused: too large for the column, more than announced, not a video; nothing is left
is((request('POST', $url, '-H', 'Upload-Length: x'))[0], 400, 'Upload-Length is no number');
is((request('POST', $url, '-H', 'Upload-Length: 1', '-H', 'Transfer-Encoding: chunked', '-d', "GET / HTTP/1.1\r\n\r\n"))[0], 411, 'a body in chunks');
$t->sql('ALTER ROLE tus SET ffu.max_uploads = 0');
is((request('POST', $url, '-H', 'Upload-Length: 1'))[0], 507, 'more uploads than allowed');
$t->sql('ALTER ROLE tus RESET ffu.max_uploads');
is((request('POST', $url, '-H', 'Tus-Resumable: 0.2.2', '-H', 'Upload-Length: 1'))[0], 412, 'another version');
$upload = create(5, 'small.mp4');
is((patch($upload, 0, "$dir/part0"))[0], 413, 'more than announced');
is((request('PATCH', $upload, '-H', 'Upload-Offset: 0', '-H', 'Content-Type: text/plain', '-d', 'x'))[0], 415, 'another content type');
is(offset_of($upload), '0 of 5', 'nothing was appended');
$upload = create(length($part[0]), 'text.txt');
is((patch($upload, 0, "$dir/part0"))[0], 413, 'an extension that the column does not take');
is($t->sql('SELECT count(*) FROM videos'), 1, 'no row');
$t->sql("UPDATE ffu.upload SET expires_at = now()");
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['videos.video'], 'the folder equals the rows');
is_deeply([ glob($t->root . '/.ffu/uploads/*') ], [], 'nothing is left of the others');

$t->stop;
done_testing();
