# What a server of 18 may be set to: ffu in directories of its own by
# extension_control_path, and each io_method.

use strict;
use warnings;

use FfuTest qw(copy_of_postgres major slurp);
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'extension_control_path and io_method come with PostgreSQL 18' if major() < 18;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $make = q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i;
};
my $change = q{
	UPDATE t SET f = ffu.file('b.txt', 'new') WHERE id = 1;
	DELETE FROM t WHERE id = 2;
};

# 1. The server's own directories have no file of ffu.
my $inst = copy_of_postgres("$dir/inst");
mkdir "$dir/ffu" or die;
mkdir "$dir/ffu/$_" or die foreach qw(extension lib);
my ($pkglibdir, $sharedir) = map { (run_command([ "$inst/bin/pg_config", $_ ]))[0] } '--pkglibdir', '--sharedir';
foreach my $file (glob("$pkglibdir/ffu*.so"), glob("$sharedir/extension/ffu*"))
{
	my ($name) = $file =~ m{([^/]+)$};
	rename $file, "$dir/ffu/" . ($name =~ /\.so$/ ? 'lib' : 'extension') . "/$name" or die "$file: $!";
}
ok(-e "$dir/ffu/extension/ffu.control" && -e "$dir/ffu/lib/ffu.so" && -e "$dir/ffu/lib/ffu_s3.so", 'ffu has its own directories');
my $t = FfuTest->new('paths', install_path => $inst, preload => 1, folder => 0, conf => qq{
	extension_control_path = '\$system:$dir/ffu'
	dynamic_library_path = '\$libdir:$dir/ffu/lib'
	ffu.credentials_file = '$dir/credentials'
});
is($t->sql("SELECT default_version = (SELECT extversion FROM pg_extension WHERE extname = 'ffu') IS NULL FROM pg_available_extensions WHERE name = 'ffu'"),
	't', 'it is available');
$t->setup;
$t->sql($make);
$t->sql($change);
$t->sweep_all;
$t->folder_is_rows(['t.f'], 'files come and go');
$t->crash;
$t->start;
$t->sql("INSERT INTO t VALUES (9, ffu.file('c.txt', 'after'))");
$t->folder_is_rows(['t.f'], 'also after a crash');
is($t->sql("SELECT preloaded FROM ffu.status"), 't', 'the library is preloaded');
$t->node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'ffu%'")
  or die 'no background worker';
pass('the background worker runs');
# The library for buckets is found as well: what is missing is the store.
append_to_file("$dir/credentials", "[default]\naws_access_key_id = a\naws_secret_access_key = b\n");
chmod 0600, "$dir/credentials" or die;
my $err = $t->fails_with('58030', "SELECT ffu.use_bucket('http://127.0.0.1:1/bucket', insecure => true)", 'a bucket');
unlike($err, qr/could not (?:access file|load library)/, 'its library is there');
# And the SQL of flask-file-upload's words, whose control file is there as well
$t->sql('CREATE EXTENSION ffu_flask; DROP EXTENSION ffu_flask');
$t->sql('DROP TABLE t; DROP EXTENSION ffu');
$t->stop;

# 2. Whatever reads the server's blocks, files are the same.
foreach my $method (qw(sync worker io_uring))
{
	my $s = FfuTest->new("io_$method", preload => 1, conf => "io_method = $method\nshared_buffers = 1MB\n");
	is($s->sql('SHOW io_method'), $method, "$method: the server runs");
	$s->sql($make);
	$s->sql("CREATE TABLE much AS SELECT i, repeat('x', 500) FROM generate_series(1, 10000) i");
	$s->sql($change);
	$s->fault('publish-end:crash', "INSERT INTO t SELECT i, ffu.file('c.txt', 'lost') FROM generate_series(20, 25) i; SELECT count(*) FROM much");
	$s->start;
	$s->sql("INSERT INTO t VALUES (9, ffu.file('c.txt', 'after')); SELECT count(*) FROM much");
	$s->sweep_all;
	$s->folder_is_rows(['t.f'], "$method: the folder equals the rows after a crash");
	is($s->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$method: ffu.check finds nothing");
	$s->stop;
}
done_testing();
