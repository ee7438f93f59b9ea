# The application of examples/flask, as its own script starts it, in a real browser.
# Screenshots of its pages are left beside the logs of the tests.

use strict;
use warnings;

use FindBin;

my $shots = ($ENV{TESTDIR} // '.') . '/screenshots';

exec '/usr/bin/python3', '-B', "$FindBin::Bin/../flask/browse.py", $shots;
die "could not run python3: $!\n";
