# A library that is missing or was built for another major, and a build without the
# headers of a server that ffu runs on: each gives a message that README explains.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(copy_of_postgres major slurp source_dir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = slurp(source_dir() . '/../README.md');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $inst = copy_of_postgres("$dir/inst");
my ($pkglibdir, $sharedir) = map { (run_command([ "$inst/bin/pg_config", $_ ]))[0] } '--pkglibdir', '--sharedir';
my $library = "$pkglibdir/ffu.so";
my $built = slurp($library);

# Writes a new file in the place of one, which may be a link of the server's own.
sub replace
{
	my ($file, $content) = @_;
	unlink $file;
	open(my $fh, '>:raw', $file) or die "$file: $!";
	print $fh $content;
	close $fh or die;
	chmod 0755, $file;
	return;
}

# What is compared with the server: the major version, in the block PG_MODULE_MAGIC.
my $major = major();
my $magic = pack('l5', $major * 100, 100, 32, 64, 1);
is(() = $built =~ /\Q$magic\E/g, 1, 'the library names its major once');
my $other = pack('l', ($major - 1) * 100);
my $foreign = $built =~ s/\Q$magic\E/$other . substr($magic, 4)/er;

my $t = FfuTest->new('wrong', install_path => $inst, folder => 0);
my $create = 'CREATE EXTENSION ffu';

# 1. Built for another major
replace($library, $foreign);
my (undef, undef, $err) = $t->try($create);
like($err, qr/incompatible library ".*ffu\.so": version mismatch/, 'CREATE EXTENSION refuses a library of another major');
like($err, qr/DETAIL:\s+Server is version $major, library is version @{[ $major - 1 ]}/, 'and says which');

# 2. No library
unlink $library or die;
(undef, undef, $err) = $t->try($create);
like($err, qr/58P01: could not access file "(?:\$libdir\/)?ffu"/, 'CREATE EXTENSION without the library');

# 3. A library that goes from a database that has files
replace($library, $built);
$t->setup;
$t->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f'); INSERT INTO t VALUES (1, ffu.file('a.txt', 'a'))");
my @files = $t->files;
unlink $library or die;
$t->fails_with('58P01', 'SELECT ffu.content(f) FROM t', 'a function without the library');
$t->fails_with('58P01', 'DELETE FROM t', 'no row goes without its file');
is($t->sql('SELECT id FROM t'), '1', 'rows can be read');
is_deeply([ $t->files ], \@files, 'no file is touched');

# 4. Preloaded
my $node = $t->node;
foreach my $case (
	[ $foreign, qr/FATAL:\s+incompatible library ".*ffu\.so": version mismatch/, 'of another major' ],
	[ undef, qr/FATAL:\s+could not access file "ffu"/, 'that is missing' ])
{
	my ($content, $message, $label) = @$case;
	if (defined $content) { replace($library, $content); }
	else { unlink $library; }
	$t->stop;
	my $log = -s $node->logfile;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\n");
	is($node->start(fail_ok => 1), 0, "no server starts with a library $label");
	like(substr(slurp($node->logfile), $log), $message, 'and says why');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
	$node->start;
}
replace($library, $built);
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t"), 'a', 'with the right library all is there');

# 5. The library for buckets, which only sessions with a bucket load
my $s3 = "$pkglibdir/ffu_s3.so";
my $s3_built = slurp($s3);
$node->append_conf('postgresql.conf', "ffu.credentials_file = '$dir/credentials'\n");
$t->stop;
$t->start;
my $bucket = "SELECT ffu.use_bucket('http://127.0.0.1:1/bucket', insecure => true)";
foreach my $case (
	[ undef, qr/could not access file "(?:\$libdir\/)?ffu_s3"/, 'that is missing' ],
	[ 'nothing', qr/could not load library ".*ffu_s3\.so"/, 'that cannot be loaded' ],
	[ $s3_built =~ s/\Q$magic\E/$other . substr($magic, 4)/er, qr/incompatible library ".*ffu_s3\.so": version mismatch/, 'of another major' ],
	[ interface(99), qr/the libraries ffu and ffu_s3 are of different versions\n.*has version 99/, 'of another version of ffu' ])
{
	my ($content, $message, $label) = @$case;
	if (defined $content) { replace($s3, $content); }
	else { unlink $s3 or die; }
	$err = $t->fails_with('55000', $bucket, "a bucket with a library $label");
	like($err, $message, 'with the reason');
	like($err, qr/HINT:\s+Install .*(?:ffu_s3.*libcurl|both libraries of one version)/, 'and what to do');
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t"), 'a', 'files of the folder need no such library');
}
replace($s3, $s3_built);

# 6. The library for other servers, which only sessions that fetch files load
my $peer = "$pkglibdir/ffu_peer.so";
my $peer_built = slurp($peer);
foreach my $case (
	[ undef, qr/could not access file "(?:\$libdir\/)?ffu_peer"/, 'that is missing' ],
	[ 'nothing', qr/could not load library ".*ffu_peer\.so"/, 'that cannot be loaded' ],
	[ $peer_built =~ s/\Q$magic\E/$other . substr($magic, 4)/er, qr/incompatible library ".*ffu_peer\.so": version mismatch/, 'of another major' ],
	[ interface(98, 'ffu_peer_methods'), qr/the libraries ffu and ffu_peer are of different versions\n.*has version 98/, 'of another version of ffu' ])
{
	my ($content, $message, $label) = @$case;
	if (defined $content) { replace($peer, $content); }
	else { unlink $peer or die; }
	$err = $t->fails_with('55000', "CALL ffu.fetch_missing('host=/nowhere')", "another server with a library $label");
	like($err, $message, 'with the reason');
	like($err, qr/HINT:\s+Install .*(?:ffu_peer.*libpq|both libraries of one version)/, 'and what to do');
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t"), 'a', 'files of the folder need no such library');
}
replace($peer, $peer_built);
$t->sql('DROP TABLE t; DROP EXTENSION ffu');

# A library with a version of the interface, and nothing else.
sub interface
{
	my ($version, $function) = @_;
	$function //= 'ffu_bucket_methods';
	my $name = "$dir/other-$version";
	my $include = (run_command([ "$inst/bin/pg_config", '--includedir-server' ]))[0];
	PostgreSQL::Test::Utils::append_to_file("$name.c", <<~END);
		#include "postgres.h"
		#include "fmgr.h"
		PG_MODULE_MAGIC;
		static const int version = $version;
		extern PGDLLEXPORT const int *$function(void);
		const int *$function(void) { return &version; }
		END
	system('gcc', '-shared', '-fPIC', "-I$include", '-o', "$name.so", "$name.c") == 0 or die;
	return slurp("$name.so");
}

# 7. No files of the extension
unlink glob("$sharedir/extension/ffu*");
(undef, undef, $err) = $t->try($create);
like($err, qr/extension "ffu" is not available|could not open extension control file/, 'CREATE EXTENSION without its files');
$t->stop;

# 8. Builds
my $source = abs_path(source_dir() . '/..');
mkdir "$dir/build" or die;
sub make
{
	my (@arguments) = @_;
	delete local @ENV{qw(MAKEFLAGS MAKELEVEL)};
	my ($out, $err) = run_command([ 'make', '-C', "$dir/build", '-f', "$dir/Makefile", @arguments ]);
	return ($? >> 8, "$out\n$err");
}

# a source that was not built in
system("cd '$source' && tar --null -T .files -cf - | tar -C '$dir' -xf -") == 0 or die;
foreach my $config ('/nowhere/pg_config', "$dir/pg_config")
{
	PostgreSQL::Test::Utils::append_to_file($config, "#!/bin/sh\necho /nowhere/pgxs.mk\n") if $config !~ /nowhere/;
	chmod 0755, $config;
	my ($status, $said) = make("PG_CONFIG=$config");
	isnt($status, 0, "no build with $config");
	like($said, qr/ffu: there are no headers of the server.*make PG_CONFIG=/, 'and what to do is said');
}

# Headers of a major that ffu does not run on
mkdir "$dir/old" or die;
PostgreSQL::Test::Utils::append_to_file("$dir/old/postgres.h", "#define PG_VERSION_NUM 140010\n");
PostgreSQL::Test::Utils::append_to_file("$dir/old/fmgr.h", '');
(undef, $err) = run_command([ 'gcc', '-E', '-I', "$dir/old", "$source/src/base/compat.h" ]);
like($err, qr/ffu needs PostgreSQL 15 or later; name another server with make PG_CONFIG=/, 'the headers of 14 are refused');

# 9. README has the cure for each.
foreach my $message ('incompatible library "…/ffu.so": version mismatch', 'could not access file "$libdir/ffu"',
	'extension "ffu" is not available', 'there are no headers of the server')
{
	like($readme, qr/^\|.*\Q$message\E.*\|.*(?:PG_CONFIG|pg_config|as above).*\|$/m, "README knows: $message");
}
done_testing();
