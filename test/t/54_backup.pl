# The drill of backup and restore, while others write: pg_dump and a copy of the folder,
# pg_basebackup and a copy of the folder, and that the wrong order is seen to lose files.

use strict;
use warnings;

use FfuTest qw(run_drill);
use Test::More;

plan skip_all => 'rsync is not installed' if system('rsync --version >/dev/null 2>&1') != 0;

my ($status, $out, $err) = run_drill('without');
is($status, 0, 'the drill') or diag("$out\n$err");
like($out, qr/All promises held\./, 'to its end');
is(() = $out =~ /^  \[checked\]/mg, 15, 'every promise was checked') or diag($out);

done_testing();
