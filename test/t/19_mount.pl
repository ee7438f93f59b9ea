# A folder on a file system of its own: a full disk, no inodes, read-only, unmounted
# while the server runs. The file systems are mounted where only this test sees them,
# in a namespace of its own, so that it needs no root.

use strict;
use warnings;

use Config;
use Test::More;

# System calls, since mount(8) wants to be root
my $number;

# Before anything else is loaded, begin again in the namespace.
BEGIN
{
	my %call = (x86_64 => { mount => 165, umount => 166 }, aarch64 => { mount => 40, umount => 39 });
	my ($machine) = $Config{archname} =~ /^(\w+?)-/;
	$number = $call{$machine};
	my @unshare = ('unshare', '--user', '--map-current-user', '--mount', '--keep-caps', '--');

	unless ($ENV{FFU_TEST_NAMESPACE} || $^C)
	{
		plan skip_all => "no system call numbers for $machine" unless $number;
		plan skip_all => 'namespaces cannot be made here (unshare --user --mount)'
		  if system("@unshare true 2>/dev/null") != 0;
		$ENV{FFU_TEST_NAMESPACE} = 1;
		exec(@unshare, $^X, $0) or die "could not run unshare: $!";
	}
}

use FfuTest;

my ($RDONLY, $REMOUNT) = (1, 32);

# Mounts a tmpfs, or changes its options.
sub mount
{
	my ($dir, $options, $flags) = @_;
	my ($type, $source) = ('tmpfs', 'ffu');
	syscall($number->{mount}, $source, $dir, $type, ($flags // 0) + 0, $options) == 0
	  or die "could not mount \"$dir\": $!";
	return;
}

sub unmount
{
	my ($dir) = @_;
	return syscall($number->{umount}, $dir, 0) == 0;
}

my $t = FfuTest->new('mount', folder => 0);
my $root = $t->root;
my $insert = "INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(repeat('x', 20000), 'UTF8')) FROM generate_series(%d, %d) i";
mkdir($root) or die;
mount($root, 'size=1m,nr_inodes=200,mode=750');
$t->setup;
$t->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f')");
$t->sql(sprintf $insert, 1, 3);

sub is_clean
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($t->sql('SELECT finished + undone + deleted + failed FROM ffu.sweep()'), '0', "$label: nothing is left to do");
	$t->folder_is_rows(['t.f'], "$label: the folder equals the rows");
}

# Full: one file too large, many files, in one and in several transactions
$t->fails_with('53100', "INSERT INTO t VALUES (10, ffu.file('a.txt', convert_to(repeat('x', 2000000), 'UTF8')))", 'full: a large file');
is_clean('full: a large file');
my $err = $t->fails_with('53100', sprintf($insert, 10, 99), 'full: many files');
like($err, qr/No space left/, 'full: the system is quoted');
is_clean('full: many files');
my (undef, undef, $errors) = $t->try(join ';', map { sprintf $insert, $_, $_ } 10 .. 99);
like($errors, qr/53100/, 'full: in many transactions');
is_clean('full: in many transactions');
cmp_ok(scalar($t->files), '>', 20, 'full: those before it are there');
is(($t->try('DELETE FROM t WHERE id > 3'))[2], '', 'full: files can be deleted');
$t->sql('SELECT FROM ffu.sweep()');
is_clean('full: after the deletion');
is(($t->try(sprintf $insert, 10, 20))[2], '', 'full: and there is room again');
$t->sql('DELETE FROM t WHERE id > 3; SELECT FROM ffu.sweep()');

# No inodes
mount($root, 'size=100m,nr_inodes=60', $REMOUNT);
$t->fails_with('53100', sprintf($insert, 10, 99), 'no inodes');
is_clean('no inodes');

# Remounted read-only
my $path = $t->sql('SELECT f FROM t WHERE id = 3');
mount($root, 'size=100m', $REMOUNT | $RDONLY);
my ($rc) = $t->try(sprintf $insert, 10, 10);
is($rc, 3, 'read-only: nothing can be stored');
is($t->sql('SELECT length(ffu.content(f)) FROM t WHERE id = 1'), '20000', 'read-only: files can be read');
($rc, undef, $err) = $t->try('DELETE FROM t WHERE id = 3');
is($rc, 0, 'read-only: a row can be deleted');
is(() = $err =~ /WARNING:/g, 1, 'read-only: with one warning');
mount($root, 'size=100m,nr_inodes=1000', $REMOUNT);
ok(-f "$root/$path", 'read-only: the file is still there');
is($t->sql('SELECT deleted FROM ffu.sweep()'), '1', 'writable again: the sweep removes it');
is_clean('writable again');

# An idle session does not keep the file system busy.
my $session = $t->session;
$session->query(sprintf $insert, 10, 10);
$session->query("SELECT ffu.size(f) FROM t WHERE id = 10");
is($session->errors, '', 'a session that has used the folder');
ok(unmount($root), 'unmounted while it is idle');
$t->fails_with('55000', sprintf($insert, 11, 11), 'unmounted');
$session->query(sprintf $insert, 11, 11);
like($session->errors, qr/55000/, 'unmounted: in the old session as well');
is_deeply([ glob("$root/* $root/.ffu*") ], [], 'unmounted: nothing is written below the mount point');
is($t->sql('SELECT problem IS NOT NULL FROM ffu.status'), 't', 'unmounted: ffu.status says so');

# Nor is it there when the server starts: rows can be read, files not, and a row that goes
# leaves its file to be removed when it is back.
$session->quit;
$t->restart;
is($t->sql('SELECT count(*) > 0 FROM t'), 't', 'started without it: rows can be read');
$t->fails_with('55000', sprintf($insert, 11, 11), 'started without it: nothing can be stored');
$t->fails_with('55000', 'SELECT ffu.content(f) FROM t LIMIT 1', 'started without it: nor read');
is(($t->try('DELETE FROM t WHERE id = 1'))[0], 0, 'started without it: a row can be deleted');
$t->fails_with('55000', 'SELECT FROM ffu.sweep()', 'started without it: a sweep is refused');
is($t->sql('SELECT count(*) FROM ffu.deletion'), '1', 'and its file stays on the list');
is_deeply([ glob("$root/* $root/.ffu*") ], [], 'started without it: nothing is written below the mount point');
$session = $t->session;

# A transaction keeps it busy.
mount($root, 'size=1m,mode=750');
$t->sql("DELETE FROM t; DELETE FROM ffu.deletion; DELETE FROM ffu.root");
$t->setup;
$session->query('BEGIN; ' . sprintf $insert, 12, 12);
ok(!unmount($root), 'a transaction keeps it mounted');
$session->query('COMMIT');
is($session->errors, '', 'and commits');
ok(unmount($root), 'then it can be unmounted');
$session->quit;

$t->stop;
done_testing();
