# An import shares the blocks with the original where the file system can: btrfs and
# xfs; on ext4 they are copied. The two files are each other's business no more: one can
# be changed, and the other stays.
#
# Mounting takes root, in a namespace of its own, so that nothing stays mounted. Where
# that cannot be had, or there are no loop devices, this is skipped and says why.

use strict;
use warnings;

use FfuRoot qw(as_root);
use Test::More;

my @types = qw(ext4 xfs btrfs);

# Before anything else is loaded, begin again where the file systems are mounted.
BEGIN
{
	unless ($ENV{FFU_TEST_MOUNTS} || $^C)
	{
		my @become_root = as_root('mounting needs root');

		# Images are sparse. xfs wants 300 MB.
		my $dir = "$ENV{TESTDATADIR}/mounts";
		mkdir $dir or die "could not make \"$dir\": $!";
		my $groups = join ',', split ' ', $);
		my $script = <<'END';
set -e
dir=$1 uid=$2 gid=$3 groups=$4; shift 4
for type in ext4 xfs btrfs; do
	truncate -s 400M $dir/$type.img
	mkfs.$type -q $dir/$type.img
	mkdir $dir/$type
	mount -o loop $dir/$type.img $dir/$type || exit 77
	chown $uid:$gid $dir/$type
done
exec setpriv --reuid=$uid --regid=$gid --groups=$groups -- "$@"
END
		my $mounted = system(@become_root, 'unshare', '--mount', '--', 'bash', '-c', $script, 'bash',
			$dir, $>, $) + 0, $groups, 'env', "FFU_TEST_MOUNTS=$dir", $^X, (map { "-I$_" } @INC), $0) >> 8;
		plan skip_all => 'file systems cannot be mounted here' if $mounted == 77;
		exit $mounted;
	}
}

use FfuTest qw(slurp);

# How many bytes of a file lie in blocks that another file has too.
sub shared
{
	my ($path) = @_;
	my $bytes = 0;
	foreach (split /\n/, `filefrag -v -b1 "$path"`)
	{
		$bytes += $1 if /^\s*\d+:.*:\s*(\d+):.*\bshared\b/;
	}
	return $bytes;
}

my $size = 8 * 1024 * 1024;
foreach my $type (@types)
{
	my $dir = "$ENV{FFU_TEST_MOUNTS}/$type";
	my $t = FfuTest->new($type, folder => 0);
	$t->{root} = "$dir/root";
	$t->setup;
	$t->sql("CREATE TABLE d (id int PRIMARY KEY); SELECT ffu.add_column('d', 'f', allowed_extensions => '{*}')");
	is($t->sql('SELECT file_system FROM ffu.status'), $type, "the folder is on $type");
	mkdir "$dir/in" or die;
	my $source = "$dir/in/source.bin";
	my $content = join '', map { pack('N', $_ * 2654435761 % 4294967296) } 1 .. $size / 4;
	open(my $fh, '>', $source) or die;
	print $fh $content;
	close($fh) or die;
	# Only what has been written has blocks to share.
	system('sync', '-f', $source) == 0 or die;

	$t->sql("INSERT INTO d VALUES (1, ffu.import_file('$source'))");
	my $stored = "$t->{root}/" . $t->sql('SELECT f FROM d');
	ok(slurp($stored) eq $content, "$type: the bytes");
	is($t->sql("SELECT f__size, f__sha256 = encode(sha256(pg_read_binary_file('$source')), 'hex') FROM d"), "$size|t", "$type: size and checksum");
	system('sync', '-f', $stored) == 0 or die;
	is(shared($stored), $type eq 'ext4' ? 0 : $size, $type eq 'ext4' ? "$type: copied" : "$type: every block is shared");
	isnt((stat $stored)[1], (stat $source)[1], "$type: and it is a file of its own");

	# What happens to one does not happen to the other.
	open($fh, '+<', $source) or die;
	print $fh 'changed';
	close($fh) or die;
	ok(slurp($stored) eq $content, "$type: the original is changed, and the stored file is not");

	# From another file system it is copied.
	my $elsewhere = $t->node->basedir . '/elsewhere.bin';
	open($fh, '>', $elsewhere) or die;
	print $fh $content;
	close($fh) or die;
	$t->sql("INSERT INTO d VALUES (2, ffu.import_file('$elsewhere', move => true))");
	ok(slurp("$t->{root}/" . $t->sql('SELECT f FROM d WHERE id = 2')) eq $content, "$type: moved from another file system");
	ok(!-e $elsewhere, "$type: and the original is gone");

	# Rolled back, nothing is left, and the original stays.
	$t->try("BEGIN; INSERT INTO d VALUES (3, ffu.import_file('$source')); ROLLBACK");
	$t->folder_is_rows(['d.f'], "$type: rolled back");
	ok(-e $source, "$type: and the original is there");
	is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$type: ffu.check finds nothing");
	$t->stop;
}
done_testing();
