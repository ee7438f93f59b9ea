# Direct uploads: bytes that a client sends to the bucket, and that never pass through the
# database; by curl, and by a page in a real browser. A store that cannot do that is used
# without.
#
# Takes minutes.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use FfuBucket qw(pass_settle_time);
use FfuTest qw(example slurp);
use File::Basename qw(dirname);
use IPC::Run ();
use Test::More;

my $store = FfuBucket->new;
my $t = FfuTest->new('direct', conf => $store->conf . "ffu.store_timeout = 10s\n");
my $direct = $store->make('media') . '/blog';
my $url = $store->begin_proxy . '/media/blog';
$t->sql('CREATE TABLE t (id int PRIMARY KEY)');
$t->sql(q{SELECT ffu.add_column('t', 'f', store => 'bucket'), ffu.add_column('t', 'g')});

my $png = slurp(example('lake.jpg'));
sub begin_sql
{
	my ($bytes, %change) = @_;
	my $size = $change{size} // length $bytes;
	my $sha256 = $change{sha256} // sha256_hex($bytes);
	return "SELECT upload, url FROM ffu.upload_begin('@{[ $change{name} // 'lake.jpg' ]}', direct => true, size => $size, sha256 => '$sha256')";
}
$t->fails_with('55000', begin_sql($png), 'no bucket');

# A store without direct uploads is used all the same, and both calls say what it lacks.
sub is_without_direct
{
	my ($label) = @_;
	my (undef, undef, $said) = $t->try("SELECT ffu.use_bucket('$url')");
	like($said, qr/NOTICE:  00000: the store at "\Q$url\E" does not take direct uploads\nDETAIL:.*others, or none/, "$label: ffu.use_bucket says so");
	is($t->sql('SELECT direct FROM ffu.bucket'), 'f', "$label: and remembers it");
	like($t->fails_with('55000', begin_sql($png), "$label: ffu.upload_begin"),
		qr/DETAIL:  .*"\Q$url\E" does not take exactly the bytes that a URL is signed for: others, or none.*\nHINT:.*resumable/, "$label: the reason");
	is($t->sql('SELECT (SELECT count(*) FROM ffu.upload) + (SELECT count(*) FROM ffu.intent)'), '0', "$label: nothing is noted");
	return;
}
if (!$store->has('direct uploads'))
{
	is_without_direct('this store');
	$t->sql("INSERT INTO t VALUES (1, ffu.file('lake.jpg', decode('@{[ unpack('H*', $png) ]}', 'hex')))");
	is_settled('uploads that come to the database');
	$store->stop;
	$t->stop;
	done_testing();
	exit;
}
foreach my $harm (qw(blind busy))
{
	$store->harm("URL $harm 99");
	is_without_direct($harm eq 'blind' ? 'a store that takes other bytes by a signed URL' : 'a store that takes no bytes by a signed URL');
}
$store->harm();
$t->sql("SELECT ffu.use_bucket('$url')");
is($t->sql('SELECT direct FROM ffu.bucket'), 't', 'the store takes direct uploads');

# What curl answers: the status
sub send_bytes
{
	my ($to, $bytes, @more) = @_;
	my $file = $t->node->basedir . '/sent';
	open(my $fh, '>', $file) or die;
	print $fh $bytes;
	close($fh);
	my $code = '';
	IPC::Run::run([ 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'PUT', '-T', $file, @more ? @more : ('-H', 'x-amz-content-sha256: ' . sha256_hex($bytes)), $to ],
		'<', \undef, '>', \$code);
	return $code;
}

sub begin_upload { return split(/\|/, $t->sql(begin_sql(@_))); }

sub is_settled
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql('UPDATE ffu.deletion SET next_try = NULL; SELECT FROM ffu.sweep()');
	$t->sql(q{UPDATE ffu.intent SET noted_at = noted_at - interval '3 days', removed_at = removed_at - interval '3 days'});
	$t->sql('SELECT FROM ffu.sweep()');
	pass_settle_time($t);
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql('SELECT (SELECT count(*) FROM ffu.intent), (SELECT count(*) FROM ffu.deletion)'), '0|0', "$label: nothing is left to do")
	  or diag($t->sql('TABLE ffu.intent'));
	my %want = map { split /\|/ } split /\n/, $t->sql('SELECT f, f__sha256 FROM t WHERE f IS NOT NULL');
	is_deeply($store->list($direct), \%want, "$label: the bucket equals the rows");
	is($store->ask($direct, 'list', '.ffu/incoming/'), '', "$label: nothing is incoming");
	is_deeply([ $t->staging ], [], "$label: staging is empty");
	return is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$label: ffu.check finds nothing");
}

# A direct upload, from the beginning to the row
my ($upload, $put) = begin_upload($png);
like($put, qr{^\Q$url\E/\.ffu/incoming/[^?]+\?.*X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-content-sha256&}, 'a URL for these bytes alone');
is($t->sql('SELECT count(*) FROM ffu.intent'), '1', 'the key is noted');
$t->fails_with('55000', "INSERT INTO t VALUES (1, ffu.upload_finish('$upload'))", 'before the bytes are there');
$t->fails_with('55000', "SELECT ffu.upload_append('$upload', 0, 'x')", 'no bytes come here');
is(send_bytes($put, substr($png, 1) . 'x', '-H', 'x-amz-content-sha256: ' . sha256_hex($png)), '400', 'other bytes are refused');
is(send_bytes($put, substr($png, 1)), '403', 'fewer bytes are refused');
is(send_bytes($put, substr($png, 1) . 'x'), '403', 'another checksum is refused');
$t->fails_with('55000', "SELECT ffu.upload_finish('$upload')", 'and none of them is there');
is(send_bytes($put, $png), '200', 'the bytes are taken');
$store->requests;
$t->sql("INSERT INTO t VALUES (1, ffu.upload_finish('$upload'))");
my @asked = $store->requests;
is_deeply([ sort grep { !/^GET|^HEAD/ } @asked ], ['COPY 0'], 'no bytes are sent again') or diag("@asked");
is($t->sql('SELECT f__sha256, ffu.size(f), f__mime_type, f__file_name FROM t'),
	sha256_hex($png) . '|' . length($png) . '|image/jpeg|lake.jpg', 'the row knows its file');
is($t->sql('SELECT count(*) FROM ffu.upload'), '0', 'the upload is over');
$t->fails_with('42704', "SELECT ffu.upload_finish('$upload')", 'and cannot be finished twice');
$t->sql('SELECT FROM ffu.sweep()');
is($store->ask($direct, 'list', '.ffu/incoming/'), '', 'the incoming object goes at once');
is(send_bytes($put, $png), '200', 'the URL can be used again');
isnt($store->ask($direct, 'list', '.ffu/incoming/'), '', 'and brings the object back');
is_settled('a direct upload');

# Taken back, twice, and given up
($upload, $put) = begin_upload($png);
send_bytes($put, $png);
$t->sql("BEGIN; INSERT INTO t VALUES (2, ffu.upload_finish('$upload')); ROLLBACK");
$t->sql("BEGIN; SAVEPOINT s; INSERT INTO t VALUES (2, ffu.upload_finish('$upload')); ROLLBACK TO s;
	INSERT INTO t (id, f, g) SELECT 2, u, u FROM ffu.upload_finish('$upload') u; COMMIT");
is($t->sql('SELECT f__sha256 = g__sha256, ffu.content(f) = ffu.content(g) FROM t WHERE id = 2'), 't|t', 'a rollback gives the upload back; a row in the folder gets the bytes');
$t->folder_is_rows(['t.g'], 'the folder equals the rows');
is_settled('a rollback and a column of the folder');
($upload, $put) = begin_upload($png);
send_bytes($put, $png);
$t->sql("SELECT ffu.upload_cancel('$upload')");
$t->sql('SELECT FROM ffu.sweep()');
is($store->ask($direct, 'list', '.ffu/incoming/'), '', 'an upload that is given up');
$t->sql('BEGIN; ' . begin_sql($png) . '; ROLLBACK');
is_settled('an upload that was never begun');
($upload, $put) = begin_upload($png);
send_bytes($put, $png);
$t->sql(q{UPDATE ffu.upload SET expires_at = now() - interval '1 second'; UPDATE ffu.intent SET noted_at = now(), removed_at = now()});
$t->fails_with('42704', "SELECT ffu.upload_finish('$upload')", 'an upload that has expired');
is_settled('an upload that has expired');
is($t->sql('SELECT count(*) FROM ffu.upload'), '0', 'goes');
{
	($upload, $put) = begin_upload($png);
	send_bytes($put, $png);
	my $name = $store->ask($direct, 'list', '.ffu/incoming/') =~ s/^\S+ \S+ |\n//gr;
	$t->fails_with('23503', "BEGIN; INSERT INTO t VALUES (3, ffu.upload_finish('$upload')); "
		  . "\\! /usr/bin/python3 -B @{[ abs_path(dirname(__FILE__) . '/../bucket') ]} @{[ $store->keys_file ]} $direct remove $name\nCOMMIT", 'an object that goes before the commit');
	is_settled('an object that goes before the commit');
}

# What the row refuses, and whom
($upload, $put) = begin_upload('no picture');
send_bytes($put, 'no picture');
$t->fails_with('23514', "INSERT INTO t VALUES (4, ffu.upload_finish('$upload'))", 'bytes that are not what the name says');
$t->sql("SELECT ffu.upload_cancel('$upload')");
$t->fails_with('22023', "SELECT ffu.upload_begin('a.png', direct => true, size => $_->[0], sha256 => $_->[1])", "size $_->[0], sha256 $_->[1]")
  foreach [ -1, "'" . 'a' x 64 . "'" ], [ 'NULL', "'" . 'a' x 64 . "'" ], [ 1, 'NULL' ], [ 1, q{'x'} ];
$t->fails_with('23514', begin_sql($png, size => 2_000_000_000_000), 'more than the database allows');
$t->sql('CREATE ROLE visitor LOGIN');
like(($t->try(begin_sql($png), user => 'visitor'))[2], qr/42501/, 'not for everybody');
$t->sql('GRANT EXECUTE ON FUNCTION ffu.upload_begin(text, boolean, bigint, text) TO visitor');
($upload) = begin_upload($png);
like(($t->try("SELECT ffu.upload_finish('$upload')", user => 'visitor'))[2], qr/42501/, "not another role's");
$t->sql("SELECT ffu.upload_cancel('$upload')");
$t->sql(q{ALTER ROLE visitor SET ffu.max_uploads = 1});
is(($t->try(begin_sql($png), user => 'visitor'))[0], 0, 'one upload of a role');
like(($t->try(begin_sql($png), user => 'visitor'))[2], qr/53400/, 'and no other, by ffu.max_uploads');
$t->sql('DELETE FROM ffu.upload');
is_settled('refusals');
{
	$t->sql(q{SELECT ffu.set_quota('visitor', '1 kB'); CREATE TABLE small (id int); ALTER TABLE small OWNER TO visitor; SELECT ffu.add_column('small', 'f', store => 'bucket')});
	($upload, $put) = split(/\|/, ($t->try(begin_sql($png), user => 'visitor'))[1]);
	send_bytes($put, $png);
	like(($t->try("INSERT INTO small VALUES (1, ffu.upload_finish('$upload'))", user => 'visitor'))[2], qr/53400/, 'a quota');
	$t->sql(q{SELECT ffu.set_quota('visitor', NULL); DROP TABLE small; DELETE FROM ffu.upload});
	is_settled('a quota');
}

# The page, in a browser
SKIP:
{
	skip 'Chromium is not installed', 7 if system("/usr/bin/python3 -c 'import selenium, psycopg2' 2>/dev/null") != 0 || !-x '/usr/bin/chromium';
	my $example = abs_path(dirname(example('pan.mp4')) . '/../direct');
	$t->sql(slurp("$example/schema.sql"));
	my ($out, $page) = ('');
	my $server = IPC::Run::start([ '/usr/bin/python3', '-B', "$example/server.py", 0, $t->node->connstr('postgres') . ' user=direct' ],
		'<', \undef, '>', \$out, IPC::Run::timeout(60));
	$server->pump until $out =~ m{^(http://\S+)\n}m;
	$page = $1;
	$store->ask($direct =~ s{/blog$}{}r, 'cors', undef, slurp("$example/cors.xml") =~ s{https://www\.example\.com}{$page}r);
	my $said = '';
	$store->requests;
	IPC::Run::run([ '/usr/bin/python3', '-B', abs_path(dirname(__FILE__) . '/../browser'), $t->node->basedir . '/chromium', $page, example('pan.mp4'), example('lake.jpg') ],
		'<', \undef, '>', \$said, '2>&1');
	my @lines = split(/\n/, $said);
	like($lines[0], qr/^Done\thttp/, 'the page stores a video') or diag($said);
	my $size = -s example('pan.mp4');
	is_deeply([ grep { /^(?:PUT|COPY)/ } $store->requests ], [ "PUT $size", 'COPY 0', 'PUT ' . -s example('lake.jpg') ], 'which the browser has sent to the store');
	is($t->sql('SELECT ffu.size(video), video__sha256, video__mime_type FROM videos'), $size . '|' . sha256_hex(slurp(example('pan.mp4'))) . '|video/mp4', 'the row');
	my $fetched = '';
	IPC::Run::run([ 'curl', '-s', '-S', (split(/\t/, $lines[0]))[1] ], '>', \$fetched);
	is(sha256_hex($fetched), sha256_hex(slurp(example('pan.mp4'))), 'the link of the page');
	like($lines[1], qr/^(?:mime|file|content|extension|value).*\t-$/i, 'and the page says why a picture is no video') or diag($said);
	$server->signal('KILL');
	eval { $server->finish };
	$t->sql('DROP TABLE videos; SELECT FROM ffu.sweep(); DELETE FROM ffu.upload');
	is_settled('the page');
}

$store->stop;
$t->stop;
done_testing();
