# The ways a packager builds and tests: outside the source (VPATH), with DESTDIR, and
# make installcheck on a server of which the tests know nothing: its superuser and its
# data directory have other names, and its settings are the defaults.
# Takes minutes.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(slurp);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $built = abs_path("$ENV{FFU_SRC}/..");
my $dir = PostgreSQL::Test::Utils::tempdir();
my $source = "$dir/source";
mkdir $source or die;
system("cd '$built' && tar --null -T .files -cf - | tar -C '$source' -xf -") == 0 or die;

my $node = PostgreSQL::Test::Cluster->new('default');
my @make = ('make', 'with_llvm=no', 'COPT=-O0', 'PG_CONFIG=' . $node->config_data('--bindir') . '/pg_config');

# Runs make in a directory; gives its exit status and what it said.
sub make
{
	my ($where, @arguments) = @_;
	delete local @ENV{qw(MAKEFLAGS MAKELEVEL)};
	my $said = '';
	my $pid = open(my $pipe, '-|') // die "fork: $!";
	unless ($pid)
	{
		chdir $where or die;
		open STDERR, '>&', \*STDOUT or die;
		open STDIN, '<', '/dev/null' or die;
		exec(@make, @arguments) or die;
	}
	while (my $line = <$pipe>) { $said .= $line; }
	close $pipe;
	return ($? >> 8, $said);
}

# Names of the functions a library has for SQL.
sub functions
{
	return [ sort grep { /^ffu_/ } map { (split)[-1] } split /\n/, `nm -D --defined-only '$_[0]'` ];
}

# outside the source
mkdir "$dir/build" or die;
my ($status, $said) = make("$dir/build", '-s', '-j2', '-f', "$source/Makefile");
is($status, 0, 'a VPATH build ends well') or diag $said;
is_deeply(functions("$dir/build/ffu.so"), functions($node->config_data('--pkglibdir') . '/ffu.so'),
	'its library has every function');
my @sql = glob "$dir/build/ffu--*.sql";
is(scalar @sql, 1, 'it has made one SQL file');
is(slurp($sql[0]), join('', map { slurp($_) } sort glob "$source/src/sql/*.sql"), 'of all parts');
my @flask = glob "$dir/build/ffu_flask--*.sql";
is(scalar @flask, 1, 'and one for ffu_flask');
is(slurp($flask[0]), join('', map { slurp($_) } sort glob "$source/flask/sql/*.sql"), 'of all parts');
($status, $said) = make("$dir/build", '-s', '-f', "$source/Makefile", "DESTDIR=$dir/dest", 'install');
is($status, 0, 'it can be installed') or diag $said;
my @installed = map { s{.*/}{}r } split /\n/, `find '$dir/dest' -type f`;
is_deeply([ sort @installed ], [ sort 'ffu.so', 'ffu_s3.so', 'ffu_peer.so', 'ffu.control', 'ffu_flask.control', map { s{.*/}{}r } @sql, @flask ], 'with all its files');
($status, $said) = make("$dir/build", '-s', '-f', "$source/Makefile", "DESTDIR=$dir/dest", 'uninstall');
is($status, 0, 'it can be uninstalled') or diag $said;
is(`find '$dir/dest' -type f`, '', 'with all its files');

# A tree that was built in would lend its files to the build outside.
($status, $said) = make("$dir/build", '-f', "$built/Makefile");
isnt($status, 0, 'a source that was built in is refused');
like($said, qr/was built in; call make clean there/, 'with what to do');

# A tree that is not whole is refused, and nothing is made.
mkdir "$dir/broken" or die;
mkdir "$dir/empty" or die;
my $makefile = slurp("$source/Makefile");
PostgreSQL::Test::Utils::append_to_file("$dir/broken/Makefile", $makefile);
($status, $said) = make("$dir/empty", '-f', "$dir/broken/Makefile");
isnt($status, 0, 'without ffu.control there is an error');
like($said, qr/ffu\.control gives no version/, 'which says so');
PostgreSQL::Test::Utils::append_to_file("$dir/broken/ffu.control", slurp("$source/ffu.control"));
($status, $said) = make("$dir/empty", '-f', "$dir/broken/Makefile");
isnt($status, 0, 'without ffu_flask.control there is an error');
like($said, qr/ffu_flask\.control gives no version/, 'which says so');
mkdir "$dir/broken/flask" or die;
PostgreSQL::Test::Utils::append_to_file("$dir/broken/flask/ffu_flask.control", slurp("$source/flask/ffu_flask.control"));
($status, $said) = make("$dir/empty", '-f', "$dir/broken/Makefile");
isnt($status, 0, 'without C files there is an error');
like($said, qr/there is no source in/, 'which says so');
is_deeply([ glob "$dir/empty/*" ], [], 'and nothing is made');

# on a default server
local $ENV{PGUSER} = 'site admin';
$node->init(extra => [ '-U', 'site admin', '--no-locale', '--encoding=UTF8' ]);
# What PostgreSQL's test module sets is taken back; only the speed stays.
PostgreSQL::Test::Utils::append_to_file($node->data_dir . '/postgresql.conf', "max_prepared_transactions = 0\nlog_statement = none\n");
$node->start;
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
($status, $said) = make("$dir/build", '-f', "$source/Makefile", 'installcheck');
is($status, 0, 'make installcheck passes there') or diag $said, -e "$dir/build/regression.diffs" ? slurp("$dir/build/regression.diffs") : '';
my @tests = glob "$source/sql/*.sql";
my @ok = $said =~ /^(?:test |     ).* \.\.\. ok|^ok [0-9]/gm;
is(scalar @ok, scalar @tests, 'every test');
like($said, qr/max_prepared_transactions is 0/, 'and says what had nothing to do');

# built for another server than the one that runs
($status, $said) = make("$dir/build", '-f', "$source/Makefile", 'MAJORVERSION=14', 'installcheck');
isnt($status, 0, 'a build for another major version is refused');
like($said, qr/built for PostgreSQL 14, and the server is PostgreSQL \d+\.\n.*PG_CONFIG=/, 'with both versions and what to do');
$node->stop;

# root is refused before anything is asked of a server
mkdir "$dir/bin" or die;
PostgreSQL::Test::Utils::append_to_file("$dir/bin/id", "#!/bin/sh\necho 0\n");
chmod 0755, "$dir/bin/id" or die;
local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
($status, $said) = make("$dir/build", '-f', "$source/Makefile", 'installcheck');
isnt($status, 0, 'root is refused');
like($said, qr/no server runs as root.*set FFU_TEST_ROOT/s, 'with the reason and what to do');
done_testing();
