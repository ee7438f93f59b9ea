# The module examples/flask/flask_ffu.py: an application written for flask-file-upload
# runs over ffu, with its import and its configuration changed.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/module.py";
die "could not run python3: $!\n";
