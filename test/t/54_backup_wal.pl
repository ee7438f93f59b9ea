# The drill of backup and point-in-time recovery with ffu.wal = all, while others write:
# pg_basebackup and pgBackRest, each with a copy of the folder made after the backup has
# begun, recovered to later moments; and that the wrong orders are seen to lose files.

use strict;
use warnings;

use FfuTest qw(run_drill);
use Test::More;

plan skip_all => 'rsync is not installed' if system('rsync --version >/dev/null 2>&1') != 0;

my ($status, $out, $err) = run_drill('with');
is($status, 0, 'the drill') or diag("$out\n$err");
like($out, qr/All promises held\./, 'to its end');
my $tried = $out !~ /not tried: (.*)/;
is(() = $out =~ /^  \[checked\]/mg, $tried ? 21 : 15, 'every promise was checked') or diag($out);
SKIP:
{
	skip $1, 1 unless $tried;
	like($out, qr/^== 2\. The same with pgBackRest$/m, 'with pgBackRest');
}

done_testing();
