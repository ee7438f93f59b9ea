# Standbys with ffu.standby_files under load: killed, cut, and promoted after the primary
# was killed. Whether the method sees loss is a question to mutants (script/soak mutants).
#
# Mounting takes root, as in 32_powercut.pl.

use strict;
use warnings;

use FfuRoot qw(as_root);
use FindBin;

my @become_root = as_root('power cuts need root');

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec @become_root, '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/standby.py", '--failovers', '3', '--between', '1',
  '--fs', 'ext4,xfs', '--seed', $seed;
die "could not run python3: $!\n";
