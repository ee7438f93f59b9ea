# The words before a command that make it root's, for tests that mount file systems.
# script/test runs the tests as the server's user, but one who may become another; where
# that is not so, the test is skipped and says why.
#
#   my @as_root = as_root('power cuts need root');
#
# It loads nothing of PostgreSQL: some tests begin again before they load more.

package FfuRoot;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(as_root);

sub as_root
{
	my ($why) = @_;
	return if $> == 0;
	my @words = ('setpriv', '--reuid=0', '--regid=0', '--clear-groups', '--inh-caps=-all', '--ambient-caps=-all', '--');
	plan skip_all => $why if system("@words true 2>/dev/null") != 0;
	return @words;
}

1;
