# The matrix of operations, endings and fault points, judged by the oracle: a part
# of it, another part with every seed. script/soak runs it all; test/README.md
# says how it is made.
#
# Takes minutes.

use strict;
use warnings;

use FindBin;

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/matrix.py", '--quick', '--seconds', '45',
  '--seed', $seed;
die "could not run python3: $!\n";
