# examples/nginx serves public files to everybody and private ones by signed URLs, and
# what is uploaded runs nothing: the real nginx, and a real browser.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../served/nginx.py";
die "could not run python3: $!\n";
