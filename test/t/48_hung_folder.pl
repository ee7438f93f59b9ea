# ffu.wal, and a folder that hangs: its file system is frozen, so that everybody who
# writes to it waits, as when a server of NFS does not answer. Checkpoints wait; the log
# and ffu.status name the folder within a minute, also while a sweeper hangs as well.
#
# Mounting and freezing take root, in a namespace of its own, so that nothing stays
# mounted. Where that cannot be had, or there are no loop devices, this is skipped and
# says why.

use strict;
use warnings;

use FfuRoot qw(as_root);
use Test::More;

# Before anything else is loaded, begin again where the file system is mounted. A process
# of root freezes the file system ("f") and thaws it ("u"), which it also does when we die.
BEGIN
{
	unless ($ENV{FFU_TEST_MOUNTS} || $^C)
	{
		my @become_root = as_root('mounting needs root');

		my $dir = "$ENV{TESTDATADIR}/frozen";
		mkdir $dir or die "could not make \"$dir\": $!";
		my $groups = join ',', split ' ', $);
		my $script = <<'END';
set -e
dir=$1 uid=$2 gid=$3 groups=$4; shift 4
truncate -s 100M $dir/image
mkfs.ext4 -q $dir/image
mkdir $dir/ext4
mount -o loop $dir/image $dir/ext4 || exit 77
chown $uid:$gid $dir/ext4
mkfifo $dir/orders
chown $uid:$gid $dir/orders
{
	while read -r order; do
		fsfreeze -$order $dir/ext4
		touch $dir/done-$order
	done <$dir/orders
	fsfreeze -u $dir/ext4 2>/dev/null || true
} &
exec setpriv --reuid=$uid --regid=$gid --groups=$groups -- "$@"
END
		my $mounted = system(@become_root, 'unshare', '--mount', '--', 'bash', '-c', $script, 'bash',
			$dir, $>, $) + 0, $groups, 'env', "FFU_TEST_MOUNTS=$dir", $^X, (map { "-I$_" } @INC), $0) >> 8;
		plan skip_all => 'file systems cannot be mounted here' if $mounted == 77;
		exit $mounted;
	}
}

use FfuTest qw(slurp wait_until);
use PostgreSQL::Test::Utils;

my $dir = $ENV{FFU_TEST_MOUNTS};
open(my $orders, '>', "$dir/orders") or die;
$orders->autoflush;

sub order
{
	my ($order) = @_;
	print $orders "$order\n";
	wait_until(sub { -e "$dir/done-$order" }) or die "fsfreeze -$order";
	return;
}

my $t = FfuTest->new('hung', folder => 0, preload => 1, conf => "ffu.wal = small\nffu.naptime = 1s\ncheckpoint_timeout = 1h\n");
$t->{root} = "$dir/ext4/root";
$t->setup;
$t->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f')");

# The syncer starts when the first file wants it.
my $syncer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu syncer'";
$t->sql("INSERT INTO t VALUES (0, ffu.file('a.txt', 'first'))");
wait_until(sub { $t->sql($syncer) }) or die 'no syncer';
my $pid = $t->sql($syncer);
kill 'STOP', $pid;

# A file that only the WAL has for certain, and a staging name for the sweeper
$t->sql("SET synchronous_commit = off; INSERT INTO t VALUES (1, ffu.file('a.txt', 'second'))");
order('f');
kill 'CONT', $pid;
my $checkpoint = $t->session;
$checkpoint->send_only('CHECKPOINT');
ok(wait_until(sub { $t->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'") eq '1' }),
	'a sweeper runs');
ok(wait_until(sub { slurp($t->node->logfile) =~ /LOG:  folder "\Q$t->{root}\E" does not answer\n.*DETAIL:  The syncer waits for the disk; checkpoints wait for the syncer/ }),
	'the log names the folder');
is($t->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'"), '1', 'while the sweeper hangs, too');
is($t->sql('SELECT problem FROM ffu.status'), 'The syncer cannot make new files durable, and checkpoints wait: the folder does not answer.',
	'and so does ffu.status');
is($t->sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CHECKPOINT%' AND state = 'active'"), '1', 'the checkpoint waits');
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 1"), 'second', 'files can be read');

order('u');
$checkpoint->wait_done;
is($checkpoint->errors, '', 'afterwards the checkpoint ends');
$checkpoint->quit;
is($t->sql('SELECT problem FROM ffu.status'), '', 'and ffu.status has no problem');
ok(wait_until(sub { !$t->staging }), 'the sweeper has done its work');
$t->folder_is_rows(['t.f'], 'the folder equals the rows');

$t->stop;
close($orders);
done_testing();
