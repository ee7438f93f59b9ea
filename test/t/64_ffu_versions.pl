# Databases as each version of flask-file-upload made them, moved over: what Alembic
# says of them, who can read meanwhile, and applications that were forgotten.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/versions.py";
die "could not run python3: $!\n";
