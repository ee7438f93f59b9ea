# The test module itself: a server with ffu that is killed and started again,
# preloaded and not.

use strict;
use warnings;

use FfuTest qw(example slurp);
use Test::More;

foreach my $preload (0, 1)
{
	my $with = $preload ? 'preloaded' : 'not preloaded';
	my $t = FfuTest->new("server$preload", preload => $preload);
	is($t->sql('SELECT 1 FROM ffu.root'), '1', "$with: the folder is claimed");
	is_deeply([ $t->files ], [], "$with: and empty");

	cmp_ok(scalar($t->pids), '>', 3, "$with: the server has processes");
	$t->crash;
	is(scalar($t->pids), 0, "$with: kill -9 leaves none");
	$t->start;
	is($t->sql('SELECT 1 FROM ffu.root'), '1', "$with: it starts again");
	$t->stop;
}

done_testing();
