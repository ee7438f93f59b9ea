# Every block of docs/guides runs: the forms of Flask, Django and Express behind nginx,
# the sizes of a picture, tests that clean up, and the move to another disk.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../guides/run.py";
die "could not run python3: $!\n";
