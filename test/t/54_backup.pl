# The drill of backup and restore, while others write: pg_dump and a copy of the folder,
# pg_basebackup and a copy of the folder, and that the wrong order is seen to lose files.

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
my ($out, $err) = run_command([ 'bash', $script, '--inside', $work, 'without', $files, $prefix ]);
is($? >> 8, 0, 'the drill') or diag("$out\n$err");
like($out, qr/All promises held\./, 'to its end');
is(() = $out =~ /^  \[checked\]/mg, 15, 'every promise was checked') or diag($out);

done_testing();
