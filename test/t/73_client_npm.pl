# The package for Node, with node-postgres: bytes of every kind, streams, refusals, and the
# storage engine for multer.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../../clients/npm/tests/run.py";
die "could not run python3: $!\n";
