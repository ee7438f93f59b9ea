# Random histories of concurrent sessions whose files are in a folder and in a bucket, and
# move between the two meanwhile, with backends and servers killed in the middle, judged
# by the oracle. The seed is in every label.

use strict;
use warnings;

use FindBin;

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/histories.py", '--place', 'both', '--seconds', '15', '--workers', '4',
  '--seed', $seed;
die "could not run python3: $!\n";
