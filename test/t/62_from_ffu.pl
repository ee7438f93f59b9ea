# Moving over: the commands of docs/from-flask-file-upload.md are run on a database and
# upload folder as flask-file-upload leaves them, and its application goes on.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/moving.py";
die "could not run python3: $!\n";
