# libmagic without its database, and a libmagic that is too old: at run time, preloaded or
# not, and when ffu is compiled.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(slurp);
use PostgreSQL::Test::Utils qw(append_to_file);
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $src = abs_path($ENV{FFU_SRC});
my $hint = qr/HINT:  Install libmagic 5\.39 or later with its database magic\.mgc \(package libmagic-mgc of Debian/;
my $insert = "INSERT INTO t VALUES (1, ffu.file('a.txt', 'text'))";

# A library before libmagic that says another version.
append_to_file("$dir/old.c", "int magic_version(void) { return 538; }\n");
system('cc', '-shared', '-fPIC', '-o', "$dir/old.so", "$dir/old.c") == 0 or die;

my $t = FfuTest->new('libmagic');
$t->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f')");

sub is_refused
{
	my ($reason, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $preload (0, 1)
	{
		$t->node->append_conf('postgresql.conf', "shared_preload_libraries = '" . ($preload ? 'ffu' : '') . "'\n");
		my $log = -s $t->node->logfile;
		$t->restart;
		my $err = $t->fails_with('38000', $insert, $label . ($preload ? ', preloaded' : ''));
		like($err, qr/could not load the database of libmagic.*libmagic reports: $reason/s, 'with the reason');
		like($err, $hint, 'and what to do');
		$t->sql('SELECT * FROM t; DELETE FROM t');
		next unless $preload;
		like(substr(slurp($t->node->logfile), $log), qr/WARNING:  could not load the database of libmagic.*$hint/s,
			'the server starts, with a warning');
	}
	is($t->sql('SELECT count(*) FROM t'), '0', "$label: nothing is stored");
	return;
}

{
	local $ENV{MAGIC} = "$dir/nothing";
	is_refused(qr/could not find any valid magic files!/, 'no database');
}
append_to_file("$dir/broken.mgc", 'this is no database');
{
	local $ENV{MAGIC} = "$dir/broken.mgc";
	is_refused(qr/\S/, 'a database that is none');
}
{
	local $ENV{LD_PRELOAD} = "$dir/old.so";
	is_refused(qr/version 5\.38/, 'an old libmagic');
	is($t->sql('SELECT libmagic_version FROM ffu.status'), '5.38', 'ffu.status says the version');
}
$t->restart;
$t->sql($insert);
is($t->sql('SELECT f__mime_type FROM t'), 'text/plain', 'with libmagic as it was all is well');
$t->folder_is_rows(['t.f']);

# The headers of an old libmagic, and none
my $include = $t->node->config_data('--includedir-server');
sub compile
{
	my ($headers) = @_;
	return `cc -fsyntax-only -D_GNU_SOURCE -I'$headers' -I'$src' -I'$include' '$src/text/mime.c' 2>&1`;
}
mkdir "$dir/$_" or die foreach qw(now old);
is(compile("$dir/now"), '', 'mime.c compiles');
my ($header) = grep { -e } '/usr/include/magic.h', '/usr/local/include/magic.h';
append_to_file("$dir/old/magic.h", slurp($header) =~ s/(define MAGIC_VERSION\s+)\d+/${1}538/r);
like(compile("$dir/old"), qr/#error "ffu needs libmagic 5\.39 or later: install a newer libmagic-dev/, 'but not for an old libmagic');

done_testing();
