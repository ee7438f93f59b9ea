# examples/caddy and examples/apache serve public files to everybody and private ones by
# signed URLs, about which they ask examples/verify: the real servers.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../served/others.py";
die "could not run python3: $!\n";
