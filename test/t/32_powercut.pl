# Five power cuts, one on each file system and two where data directory and folder
# are on different ones; and one with ffu.fsync = off (three at most), which has to
# lose files.
#
# Mounting takes root. script/test runs the tests as the server's user, but one who
# may become another; where that is not so, or there are no loop devices, this is
# skipped and says why.

use strict;
use warnings;

use FfuRoot qw(as_root);
use FindBin;

my @become_root = as_root('power cuts need root');

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec @become_root, '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/powercut.py", '--cuts', '5',
  '--also-broken', '3', '--until-loss', '--seed', $seed;
die "could not run python3: $!\n";
