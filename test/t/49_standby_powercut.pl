# Standbys with ffu.standby_files under load: killed, cut, and promoted after the primary
# was killed. Whether the method sees loss is a question to mutants (script/soak mutants).
#
# Mounting takes root, as in 32_powercut.pl.

use strict;
use warnings;

use FindBin;
use Test::More;

my @become_root;
if ($> != 0)
{
	@become_root = (
		'setpriv', '--reuid=0', '--regid=0', '--clear-groups',
		'--inh-caps=-all', '--ambient-caps=-all', '--');
	plan skip_all => 'power cuts need root' if system("@become_root true 2>/dev/null") != 0;
}

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

exec @become_root, '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/standby.py", '--failovers', '3', '--between', '1',
  '--fs', 'ext4,xfs', '--seed', $seed;
die "could not run python3: $!\n";
