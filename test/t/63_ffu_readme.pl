# Every block of flask-file-upload's README runs over examples/flask/flask_ffu.py, and
# so does what else its callers do with models and files.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/readme.py";
die "could not run python3: $!\n";
