# Every block of docs/clients runs, with the client itself.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../clients/pages.py";
die "could not run python3: $!\n";
