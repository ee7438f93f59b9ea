# sqlalchemy-ffu with SQLAlchemy and Alembic themselves.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../../clients/sqlalchemy/tests/run.py";
die "could not run python3: $!\n";
