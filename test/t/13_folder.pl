# The folder: gone, exchanged, another database's, that of a copied cluster, moved,
# not writable; and what a web server sees of it.

use strict;
use warnings;

use FfuTest qw(example slurp);
use IO::Socket::UNIX;
use POSIX ();
use PostgreSQL::Test::Utils qw(system_or_bail);
use Test::More;
use Time::HiRes ();

my $t = FfuTest->new('folder');
my $root = $t->root;
my $nginx_pid;
my $table = q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
};
$t->sql($table);
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 9) i");

sub insert_of
{
	my ($id) = @_;
	return "INSERT INTO t VALUES ($id, ffu.file('a.txt', 'new'))";
}

# Everything that needs the folder is refused, with the reason; rows can go.
# Returns the path of the row that went.
sub is_refused
{
	my ($test, $delete, $detail, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $path = $test->sql("SELECT f FROM t WHERE id = $delete");
	foreach my $sql (
		insert_of(100),
		"UPDATE t SET f = ffu.file('a.txt', 'new') WHERE id = $delete",
		"INSERT INTO t VALUES (100, 'data:text/plain,new')",
		"INSERT INTO t VALUES (100, '$path')",
		"SELECT ffu.content('$path')",
		'SELECT ffu.sweep()')
	{
		my $err = $test->fails_with('55000', $sql, "$label: " . substr($sql, 0, 40));
		like($err, $detail, 'with the reason');
		like($err, qr/HINT:/, 'and a hint');
	}
	is($test->sql('SELECT folder, problem IS NOT NULL, hint IS NOT NULL, writable FROM ffu.status'),
		"$test->{root}|t|t|f", "$label: ffu.status says so");
	is(($test->try("UPDATE t SET id = id WHERE id = $delete; DELETE FROM t WHERE id = $delete"))[2],
		'', "$label: a row can be deleted");
	return $path;
}

# It is well again, and the deletion is done now.
sub is_well
{
	my ($test, $path, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(-f "$test->{root}/$path", "$label: until then the file stays");
	is($test->sql('SELECT deleted FROM ffu.sweep()'), '1', "$label: then the sweep removes it");
	$test->sql(insert_of(100));
	$test->folder_is_rows(['t.f'], "$label: the folder equals the rows");
	$test->sql('DELETE FROM t WHERE id = 100; SELECT FROM ffu.sweep()');
}

# Renamed away, while a session that has used it is there
my $session = $t->session;
$session->query(insert_of(99));
rename($root, "$root.away") or die;
my $path = is_refused($t, 1, qr/No such file/, 'gone');
$session->query(insert_of(98));
like($session->errors, qr/55000/, 'gone: refused in an old session as well');
ok(!-e $root, 'gone: nothing made a new one');
rename("$root.away", $root) or die;
is_well($t, $path, 'gone');
$session->query(insert_of(98));
is($session->errors, '', 'gone: the old session works again');
$session->quit;

# The same when the server starts; here the empty mount point is there.
$t->stop;
rename($root, "$root.away") or die;
mkdir($root, 0750) or die;
$t->start;
$path = is_refused($t, 2, qr/not mounted/, 'not mounted at start');
is_deeply([ glob("$root/* $root/.ffu*") ], [], 'not mounted: nothing is written in the mount point');
rmdir($root) or die;
rename("$root.away", $root) or die;
is_well($t, $path, 'not mounted at start');

# A transaction that is at it when the folder goes: it has the folder open.
$session = $t->session;
$session->query('BEGIN; ' . insert_of(97));
rename($root, "$root.away") or die;
mkdir($root, 0750) or die;
$session->query('COMMIT');
is($session->errors, '', 'gone in the middle: the transaction commits');
is_deeply([ glob("$root/* $root/.ffu*") ], [], 'gone in the middle: nothing is written in the folder that took its place');
rmdir($root) or die;
rename("$root.away", $root) or die;
$t->folder_is_rows(['t.f'], 'gone in the middle: the folder equals the rows');
$session->quit;

# Two databases never use one folder.
$t->sql('CREATE DATABASE second');
my $second = bless { %$t, database => 'second', root => "$root-second" }, 'FfuTest';
$second->sql('CREATE EXTENSION ffu');
foreach my $function ('use_folder', 'claim_folder')
{
	my $err = $second->fails_with('55000', "SELECT ffu.$function('$root')", "$function of another database's folder");
	like($err, qr/DETAIL:.*belongs to/, 'with the reason');
}
$second->setup;
$second->sql($table);
$second->sql("INSERT INTO t SELECT i, ffu.file('a.txt', 'second') FROM generate_series(1, 9) i");
$t->fails_with('55000', "SELECT ffu.use_folder('$root-third')", 'a second folder');
ok(!-e "$root-third/.ffu", 'a second folder: not made a folder of ours');

# Another database's folder at our path
my @second_files = $second->files;
rename($root, "$root.away") or die;
rename("$root-second", $root) or die;
$path = is_refused($t, 3, qr/belongs to root/, "another database's");
is_deeply([ $t->files ], \@second_files, "another database's: its files are untouched");
rename($root, "$root-second") or die;
rename("$root.away", $root) or die;
is_well($t, $path, "another database's");
$second->folder_is_rows(['t.f'], 'the other database is well, too');

# The folder is moved, and this is said.
$t->stop;
rename($root, "$root-moved") or die;
$t->start;
is_refused($t, 4, qr/No such file/, 'moved');
$t->{root} = "$root-moved";
$t->sql("SELECT ffu.claim_folder('$root-moved')");
is($t->sql('SELECT folder, problem IS NULL, writable FROM ffu.status'), "$root-moved|t|t", 'moved: claimed');
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 5"), 'a5', 'moved: files can be read');
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f'], 'moved: the folder equals the rows');
rename("$root-moved", $root) or die;
$t->{root} = $root;
$t->sql("SELECT ffu.claim_folder('$root')");

# Not writable: the reason comes from the system, and nothing is left.
foreach my $dir ("$root/.ffu/staging", "$root/t")
{
	my @parts = glob("$root/.ffu/staging/*");
	@parts = () if $dir !~ /staging/;
	chmod(0500, $dir, @parts) == 1 + @parts or die;
	$t->fails_with('58030', insert_of(200), "not writable: $dir");
	is($t->sql('SELECT writable FROM ffu.status'), 'f', 'not writable: ffu.status says so')
	  if $dir =~ /staging/;
	chmod(0700, "$root/.ffu/staging", @parts) == 1 + @parts or die;
	chmod(02750, "$root/t") or die;
	is($t->sql('SELECT undone + failed FROM ffu.sweep()'), '0', 'not writable: nothing is left');
	$t->folder_is_rows(['t.f'], 'not writable: the folder equals the rows');
}

# A copy of the folder may be without its empty directories: they are made again.
my $resumable = $t->sql("SELECT ffu.upload_begin('a.txt', resumable => true)");
$t->sql("SELECT ffu.upload_append('$resumable', 0, 'new')");
my @parts = map { sprintf('%s/.ffu/staging/%x', $root, $_) } 0 .. 15;
foreach my $how (insert_of(300), 'INSERT INTO t SELECT 301, f FROM t WHERE id = 300',
	"INSERT INTO t VALUES (302, ffu.upload_finish('$resumable'))")
{
	is(rmdir(), 1, "$_ is empty") foreach @parts;
	is($t->sql('SELECT staged_files, writable FROM ffu.status'), '0|t', 'no parts of staging: ffu.status');
	is(($t->try($how))[0], 0, "no parts of staging: $how");
	is(scalar(grep { -d } @parts), 1, 'no parts of staging: one was made');
	mkdir($_, 0700) foreach @parts;
}
is($t->sql('SELECT undone + failed + unclear FROM ffu.sweep()'), '0', 'no parts of staging: nothing is left');
$t->folder_is_rows(['t.f'], 'no parts of staging: the folder equals the rows');

# One that cannot be made is what the error says, and not that something is missing.
rmdir foreach @parts;
$t->fails_with($_->[1], "SET ffu.fault = 'mkdir:$_->[0]'; " . insert_of(303), "no parts of staging, and $_->[0]")
	foreach [ ENOSPC => '53100' ], [ EIO => '58030' ];
is(scalar(grep { -d } @parts), 0, 'no parts of staging: none was made');

# The same without the staging directory, for a session that knows the folder and for a new one
my $knows = $t->session;
foreach my $how (sub { $knows->query(insert_of(304)); $knows->errors }, sub { ($t->try(insert_of(305)))[2] })
{
	rmdir foreach @parts;
	is(rmdir("$root/.ffu/staging"), 1, 'staging is empty');
	is($how->(), '', 'no staging: it is made');
}
$knows->quit;
$t->folder_is_rows(['t.f'], 'no staging: the folder equals the rows');

# In a folder that is not this database's, nothing is made; and the reason is the system's where it cannot be.
rmdir foreach @parts;
rmdir("$root/.ffu/staging") or die;
like($t->fails_with('58030', "SET ffu.fault = 'mkdir:EROFS'; " . insert_of(306), 'no staging, and it cannot be made'),
	qr/DETAIL:.*Read-only file system/, 'no staging, and it cannot be made: why');
system_or_bail('cp', '-p', "$root/.ffu/owner", "$root-owner");
system_or_bail('sed', '-i', 's/^control .*/control 1/', "$root/.ffu/owner");
like(($t->try(insert_of(306)))[2], qr/another copy of this database cluster/, 'no staging, another owner');
ok(!-e "$root/.ffu/staging", 'no staging, another owner: it is not made');
system_or_bail('mv', "$root-owner", "$root/.ffu/owner");
is(($t->try(insert_of(307)))[0], 0, 'no staging: made again for the owner');

# A read-only folder: what was committed meanwhile is done later.
$path = $t->sql('SELECT f FROM t WHERE id = 6');
chmod(0500, "$root/t/6") or die;
my ($rc, undef, $err) = $t->try('DELETE FROM t WHERE id = 6');
is($rc, 0, 'directory read-only: the row is deleted');
is(() = $err =~ /WARNING:\s+58030/g, 1, 'directory read-only: with one warning');
chmod(02750, "$root/t/6") or die;
is_well($t, $path, 'directory read-only');

# A copy of the cluster. Something is in flight when it is made: an upload, a file
# that is to be published, one that is, and one that was committed.
my @sessions = map { $t->session } 0 .. 3;
$sessions[0]->query('SELECT pg_advisory_lock(4660)');
my $id = 20;
foreach my $point ('stage-end', 'publish-after-flush', 'publish-after-file')
{
	my $s = $sessions[ ++$id - 20 ];
	$s->query("SET ffu.fault = '$point:wait'");
	$s->send_only(insert_of($id));
}
$t->node->poll_query_until('postgres',
	"SELECT count(*) = 3 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") or die;
$t->try("SET ffu.fault = 'unlink:EIO'; " . insert_of(20));
$t->crash;
$_->quit foreach @sessions;
$t->start;
$t->sql('SELECT pg_current_xact_id()');
is(scalar($t->staging), 4, 'the copy: four staging names');
$t->stop;
$t->node->backup_fs_cold('copy');
system_or_bail('cp', '-a', $root, "$root-copied");
my $node = PostgreSQL::Test::Cluster->new('copy');
$node->init_from_backup($t->node, 'copy');
my $copy = bless { %$t, node => $node }, 'FfuTest';

# Both run. The copy knows the same folder, and may not touch it.
$node->start;
is_refused($copy, 7, qr/another copy of this database cluster/, 'the copy');
is(scalar($t->staging), 4, 'the copy: it leaves the staging names alone');
like(($copy->try('SELECT FROM ffu.sweep()'))[2], qr/HINT:.*ffu\.claim_folder/, 'the copy: the hint is claim_folder');

# It takes over a copy of the folder. Transaction ids mean nothing there; it goes by
# the rows.
$copy->{root} = "$root-copied";
my $claim = "SET ffu.fault = 'publish-after-sync:error'; SELECT ffu.claim_folder('$root-copied')";
$copy->fails_with('XX000', $claim, 'the copy: claim_folder syncs the files that it publishes');
is(($copy->try("SET ffu.fsync = off; $claim"))[0], 0, 'the copy: but not if ffu.fsync is off');
$copy->sql('SELECT FROM ffu.sweep()');
$copy->folder_is_rows(['t.f'], 'the copy: after claim_folder the folder equals the rows');
is($copy->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 20"), 'new',
	'the copy: the file that was committed is there');

# The original was not disturbed.
$t->start;
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f'], 'the original: the folder equals the rows');

# A copy that takes the original's place, with the original stopped
$t->stop;
$node->stop;
my $after = PostgreSQL::Test::Cluster->new('after');
$after->init_from_backup($t->node, 'copy');
$after->start;
$copy = bless { %$t, node => $after, root => $root }, 'FfuTest';
$copy->fails_with('55000', insert_of(30), 'the successor: refused before claim_folder()');
$copy->sql('SELECT ffu.claim_folder()');
is($copy->sql("SELECT count(*) FROM ffu.status WHERE problem IS NULL"), '1', 'the successor: claim_folder() takes it');
$after->stop;
$t->start;
$t->fails_with('55000', insert_of(30), 'the original is refused from now on');
$t->sql('SELECT ffu.claim_folder(); SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f'], 'until it takes the folder back');

# What the web server's user sees
SKIP:
{
	skip 'not root: cannot become the user of the web server', 20 unless $ENV{FFU_TEST_WEB_USER};
	my ($uid, $gid) = (getpwnam($ENV{FFU_TEST_WEB_USER}))[ 2, 3 ];
	$t->sql('CREATE DATABASE web');
	my $web = bless { %$t, database => 'web', root => "$root-web" }, 'FfuTest';
	my $dir = $web->{root};
	mkdir($dir) or die;
	chown(-1, $gid, $dir) or die "could not give \"$dir\" to group $gid: $!";
	chmod(02750, $dir) or die;
	$web->setup;
	$web->sql($table);
	my %type = ('lake.jpg' => 'image/jpeg', 'book.pdf' => 'application/pdf', 'pan.mp4' => 'video/mp4');
	my $i = 0;
	$web->sql(join '', map {
		sprintf "INSERT INTO t VALUES (%d, ffu.file('%s', pg_read_binary_file('%s')));\n", ++$i, $_, example($_)
	} sort keys %type);
	my %path = map { split /\|/ } split /\n/, $web->sql('SELECT f__file_name, f FROM t');

	my @stat = stat("$dir/$path{'lake.jpg'}");
	is(sprintf('%04o', $stat[2] & 07777), '0640', 'mode of a file');
	is($stat[5], $gid, 'its group is that of the folder');
	foreach my $sub ('t', 't/1')
	{
		@stat = stat("$dir/$sub");
		is(sprintf('%04o %d', $stat[2] & 07777, $stat[5]), "2750 $gid", "mode and group of a directory");
	}
	foreach my $name (sort keys %type)
	{
		my ($status, $content) = $web->as_web_user('cat', "$dir/$path{$name}");
		ok($content eq slurp(example($name)), "the user of the web server can read $name");
	}
	my ($status) = $web->as_web_user('sh', '-c', "cat '$dir/.ffu/owner' || ls '$dir/.ffu'");
	isnt($status, 0, 'but not what is in .ffu');
	($status) = $web->as_web_user('sh', '-c', "echo x >>'$dir/$path{'lake.jpg'}' || touch '$dir/x'");
	isnt($status, 0, 'and not write');
	move_in($web, $gid);

  SKIP:
	{
		my ($nginx) = grep { -x } '/usr/sbin/nginx', '/usr/local/sbin/nginx';
		skip 'nginx (Debian package nginx-light) is not installed', 8 unless $nginx && -r '/etc/nginx/mime.types';
		serve($nginx, $web, $gid, \%type, \%path);
	}
}

# Another user's process can be ended by that user only.
sub stop_nginx
{
	return unless $nginx_pid;
	$t->as_web_user('kill', $nginx_pid);
	waitpid($nginx_pid, 0);
	undef $nginx_pid;
	return;
}

END
{
	my $status = $?;
	stop_nginx();
	$? = $status;
}

# Files that are moved in. One of the server's user becomes that of the row as it is; of
# another user's, who can write to it for ever, the bytes are taken (it may be written to by
# all, since the kernel lets nobody link others' files otherwise). Both are then files as
# any other.
sub move_in
{
	my ($web, $gid) = @_;
	my $incoming = $t->node->basedir . '/incoming';
	mkdir($incoming) or die;
	chmod(01777, $incoming) or die;
	PostgreSQL::Test::Utils::append_to_file("$incoming/ours.txt", 'ours');
	my ($status) = $web->as_web_user('sh', '-c', "umask 0; printf theirs >'$incoming/theirs.txt'");
	is($status, 0, 'the user of the web server has a file');
	isnt((stat "$incoming/ours.txt")[5], $gid, 'ours is not of the group of the folder');
	my $id = 10;
	foreach my $whose ('ours', 'theirs')
	{
		my $source = "$incoming/$whose.txt";
		my $inode = (stat $source)[1];
		$id++;
		$web->sql("INSERT INTO t VALUES ($id, ffu.import_file('$source', move => true))");
		my $file = $web->root . '/' . $web->sql("SELECT f FROM t WHERE id = $id");
		my @stat = stat($file);
		is($stat[1] == $inode ? 'taken' : 'copied', $whose eq 'ours' ? 'taken' : 'copied', "$whose: taken as it is, or copied");
		is(sprintf('%04o %d %d', $stat[2] & 07777, $stat[4], $stat[5]), "0640 $> $gid", 'mode, owner and group');
		is(slurp($file), $whose, 'its bytes');
		ok(!-e $source, 'the source is gone');
	}
	return;
}

# What nginx makes of it
sub serve
{
	my ($nginx, $web, $gid, $type, $path) = @_;
	my $work = $t->node->basedir . '/nginx';
	mkdir($work) or die;
	chown(-1, $gid, $work) or die;
	chmod(02770, $work) or die;
	# The name of a socket has at most 107 bytes.
	my $socket = PostgreSQL::Test::Utils::tempdir_short();
	chown(-1, $gid, $socket) or die;
	chmod(02770, $socket) or die;
	PostgreSQL::Test::Utils::append_to_file("$work/nginx.conf", <<"EOF");
daemon off;
pid $work/nginx.pid;
error_log $work/error.log;
events {}
http {
	include /etc/nginx/mime.types;
	access_log off;
	client_body_temp_path $work/body;
	proxy_temp_path $work/proxy;
	fastcgi_temp_path $work/fastcgi;
	uwsgi_temp_path $work/uwsgi;
	scgi_temp_path $work/scgi;
	server {
		listen unix:$socket/http;
		location /files/ { alias $web->{root}/; }
	}
}
EOF
	chmod(0640, "$work/nginx.conf") or die;
	$nginx_pid = fork() // die;
	if ($nginx_pid == 0)
	{
		open(STDOUT, '>', "$work/out");
		open(STDERR, '>&', \*STDOUT);
		my $user = $ENV{FFU_TEST_WEB_USER};
		exec('setpriv', "--reuid=$user", "--regid=$user", '--clear-groups', '--inh-caps=-all', '--ambient-caps=-all',
			'--', $nginx, '-e', "$work/error.log", '-c', "$work/nginx.conf") or POSIX::_exit(1);
	}
	my $up = sub { return IO::Socket::UNIX->new(Peer => "$socket/http") };
	for (1 .. 100)
	{
		last if $up->() || waitpid($nginx_pid, POSIX::WNOHANG());
		Time::HiRes::sleep(0.05);
	}
	my $get = sub {
		my ($url, @more) = @_;
		my $connection = $up->() or return 'no connection';
		print $connection join("\r\n", "GET $url HTTP/1.0", @more, '', '');
		local $/ = undef;
		my ($head, $body) = split /\r\n\r\n/, scalar(<$connection>), 2;
		my ($code) = $head =~ m{^HTTP/\S+ (\d+)};
		my ($type) = $head =~ /^Content-Type: (\S+?)\r?$/m;
		return ($code, $type // '', $body);
	};
	foreach my $name (sort keys %$type)
	{
		my $url = $web->sql("SELECT ffu.url(f) FROM t WHERE f__file_name = '$name'");
		my ($code, $got_type, $body) = $get->($url);
		is("$code $got_type", "200 $type->{$name}", "nginx serves $name at ffu.url with its type");
		ok($body eq slurp(example($name)), 'and its bytes');
	}
	my ($code, undef, $body) = $get->("/files/$path->{'pan.mp4'}", 'Range: bytes=10-19');
	is($code . ' ' . unpack('H*', $body), '206 ' . unpack('H*', substr(slurp(example('pan.mp4')), 10, 10)),
		'nginx serves a range');
	($code) = $get->('/files/.ffu/owner');
	is($code, 403, 'nginx cannot serve what is in .ffu');
	stop_nginx();
	return;
}

# Claimed while a transaction is prepared: it waits, since what is in staging is that
# one's. (So does a claim after a base backup.)
$t->sql("INSERT INTO t VALUES (900, ffu.file('a.txt', 'kept'))");
$t->sql("BEGIN; INSERT INTO t VALUES (901, ffu.file('a.txt', 'prepared')); DELETE FROM t WHERE id = 900; PREPARE TRANSACTION 'p'");
$t->fails_with('55P03', "SET lock_timeout = '200ms'; SELECT ffu.claim_folder()", 'a claim waits for a prepared transaction');
$t->sql("COMMIT PREPARED 'p'");
$t->sql('SELECT ffu.claim_folder()');
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id >= 900"), 'prepared', 'committed before the claim: its file is there');
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql('SELECT count(*) FROM ffu.check()'), '0', 'and all is well');

# A folder is in no directory of the server, wherever the link to the directory leads.
$t->stop;
my ($wal, $space) = map { $t->root . $_ } qw(-wal -space);
my $data = $t->node->data_dir;
rename("$data/pg_wal", $wal) && symlink($wal, "$data/pg_wal") or die "$wal: $!";
mkdir($space) or die "$space: $!";
$t->start;
$t->sql("CREATE TABLESPACE space LOCATION '$space'");
like($t->fails_with('55000', "SELECT ffu.use_folder('$wal/files')"), qr/It is in the data directory/, 'no folder in the directory of WAL');
like($t->fails_with('55000', "SELECT ffu.use_folder('$space/files')"), qr/It is in a tablespace/, 'no folder in a tablespace');
ok(! -e "$wal/files/.ffu" && ! -e "$space/files/.ffu", 'and nothing is left there');
$t->sql('DROP TABLESPACE space');

$t->stop;
done_testing();
