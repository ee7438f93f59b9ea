# django-ffu with Django itself: migrations, models, forms, the admin.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../../clients/django/tests/run.py";
die "could not run python3: $!\n";
