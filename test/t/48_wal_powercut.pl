# Power cuts with files in the WAL, while one checkpoint follows another: three with
# ffu.wal = small and three with all, on each file system that keeps changes in order. The
# folder is on a file system of its own, where no flush of the WAL writes out the files by
# chance. Whether the method sees loss is a question to mutants (script/soak mutants).
#
# Mounting takes root, as in 32_powercut.pl.

use strict;
use warnings;

use FfuRoot qw(as_root);
use FindBin;
use Test::More;

my @become_root = as_root('power cuts need root');

my $seed = $ENV{FFU_TEST_SEED} // int(rand(1_000_000));

foreach my $wal ('small', 'all')
{
	my @run = (
		@become_root, '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/powercut.py", '--wal', $wal, '--cuts', '6',
		'--fs', 'ext4,xfs', '--layout', 'apart', '--seed', $seed);
	subtest "ffu.wal = $wal" => sub {
		open(my $out, '-|', @run) or die "could not run python3: $!\n";
		while (my $line = <$out>)
		{
			chomp $line;
			if ($line =~ /^(not )?ok \d+ - (.*)/) { ok(!$1, $2); }
			elsif ($line =~ /^1\.\.0 # SKIP (.*)/) { plan skip_all => $1; }
			elsif ($line !~ /^1\.\./) { note($line =~ s/^# *//r); }
		}
		close $out;
		is($?, 0, 'and the program has ended well');
		done_testing();
	};
}
done_testing();
