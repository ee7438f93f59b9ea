# Every fault that script/soak mutants builds in still applies to the source.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../oracle/mutants.py", '--check', "$FindBin::Bin/../../src";
die "could not run python3: $!\n";
