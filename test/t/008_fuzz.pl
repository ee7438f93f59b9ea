# The corpora of test/fuzz through their harnesses, under the sanitizers.

use strict;
use warnings;

use FfuTest qw(source_dir);
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $fuzz = source_dir() . '/../test/fuzz';
my $out = PostgreSQL::Test::Utils::tempdir();
my @harnesses = map { m{/(\w+)\.c$} } grep { !m{/shim\.c$} } glob("$fuzz/*.c");

IPC::Run::run([ 'make', '-s', '-C', $fuzz, "OUT=$out" ], '>&', \my $made);
is($made, '', 'the harnesses are built');
cmp_ok(scalar(@harnesses), '>=', 7, 'there are harnesses');
foreach my $harness (@harnesses)
{
	my @files = glob("$fuzz/corpus/$harness/*");
	cmp_ok(scalar(@files), '>', 0, "$harness has a corpus");
	IPC::Run::run([ "$out/$harness", @files ], '>&', \my $output);
	is($output, @files . "\n", "$harness: no property is violated");
}

done_testing();
