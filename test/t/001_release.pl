# A release build has no fault points in it, not even their names, and nothing
# that it exports can clash with another library of the server.

use strict;
use warnings;

use FfuTest qw(points slurp);
use Test::More;

my $so = $ENV{FFU_RELEASE_SO};
plan skip_all => 'no release build: run by script/test' unless $so;

# The strings of a library: runs of printable characters between others.
my %strings = map { $_ => 1 } slurp($so) =~ /([\x20-\x7e]{4,})/g;

my @points = points();
cmp_ok(scalar(@points), '>', 0, 'there are fault points in the source');
is_deeply([ grep { $strings{$_} } @points ], [],
	'the release build has the name of no fault point');
is_deeply([ grep { /ffu\.fault|ffu_fault/ } sort keys %strings ],
	[], 'the release build has no setting for faults');

# PostgreSQL looks these two up by name in every library; the rest is ours.
my @exported = map { (split)[-1] } split /\n/, `nm -D --defined-only '$so'`;
cmp_ok(scalar(@exported), '>', 2, 'the release build exports something');
is_deeply(
	[
		grep {
			!/^(?:ffu_\w+|pg_finfo_ffu_\w+|_PG_init|Pg_magic_func)$/
		} @exported
	],
	[],
	'every exported symbol has our prefix');

done_testing();
