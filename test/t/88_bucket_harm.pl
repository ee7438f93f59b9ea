# Random histories of concurrent sessions whose files are in a bucket, while a proxy does
# harm at random: requests are late, lost, cut off, slow, refused, or answered wrongly, and
# some objects cannot be stored at all. Backends and servers are killed in the middle. The
# oracle judges once the late requests have arrived. The seed is in every label.

use strict;
use warnings;

use FindBin;

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/histories.py", '--place', 'bucket', '--harm', '5', '--seconds', '15',
  '--workers', '4', '--seed', $seed;
die "could not run python3: $!\n";
