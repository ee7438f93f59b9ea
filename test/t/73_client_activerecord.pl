# activerecord-ffu with Active Record itself, and db:test:prepare of Rails.

use strict;
use warnings;

use FindBin;

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../../clients/activerecord/tests/run.py";
die "could not run python3: $!\n";
