# The types under which stream_file of examples/flask/flask_ffu.py sends files: nothing in
# them runs in a browser, and sound and pictures play.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/served.py";
die "could not run python3: $!\n";
