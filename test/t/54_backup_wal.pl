# The drill of backup and point-in-time recovery with ffu.wal = all, while others write:
# pg_basebackup and pgBackRest, each with a copy of the folder made after the backup has
# begun, recovered to later moments; and that the wrong orders are seen to lose files.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(source_dir);
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

plan skip_all => 'rsync is not installed' if system('rsync --version >/dev/null 2>&1') != 0;

my $script = abs_path(source_dir() . '/../script/backup-drill');
my ($installed) = run_command([ $ENV{PG_CONFIG}, '--bindir' ]);
my ($prefix) = $ENV{FFU_RELEASE_BINDIR} =~ /^(.*)\Q$installed\E$/
  or die "\"$ENV{FFU_RELEASE_BINDIR}\" is no copy of \"$installed\"";

# Sockets have short names.
my $work = PostgreSQL::Test::Utils::tempdir_short();
my $files = $ENV{FFU_EXAMPLES};
my ($out, $err) = run_command([ 'bash', $script, '--inside', $work, 'with', $files, $prefix ]);
is($? >> 8, 0, 'the drill') or diag("$out\n$err");
like($out, qr/All promises held\./, 'to its end');
my $tried = $out !~ /not tried: (.*)/;
is(() = $out =~ /^  \[checked\]/mg, $tried ? 21 : 15, 'every promise was checked') or diag($out);
SKIP:
{
	skip $1, 1 unless $tried;
	like($out, qr/^== 2\. The same with pgBackRest$/m, 'with pgBackRest');
}

done_testing();
