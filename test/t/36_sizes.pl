# Any size in bounded memory: the backend's peak does not depend on the size of the
# file, whichever way it comes in or goes out; and any offset of a very large file
# can be read.

use strict;
use warnings;

use Digest::SHA;
use FfuTest qw(slurp);
use Test::More;

my $mb = $ENV{FFU_TEST_MB} // 200;

# Buffers count as memory of whoever has touched them.
my $t = FfuTest->new('sizes', conf => "fsync = off\nffu.fsync = off\nshared_buffers = 8MB\nmax_wal_size = 64MB\nffu.max_content_length = 6GB\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
});
my $bytes = $mb * 1024 * 1024;
my $outside = $t->node->basedir . '/outside.txt';

# The peak of a backend since it was last asked, in kB
sub peak
{
	my ($session) = @_;
	my $pid = $session->pid;
	my ($peak) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;
	open(my $fh, '>', "/proc/$pid/clear_refs") or die "could not reset the peak: $!";
	print $fh "5\n";
	close($fh);
	return $peak;
}

# A statement in a new session, after a small one of the same kind
sub peak_of
{
	my ($small, $large) = @_;
	my $session = $t->session;
	$session->query($small);
	is($session->errors, '', 'the small one');
	my $before = peak($session);
	$session->query($large);
	is($session->errors, '', "$mb MB: " . substr($large, 0, 60));
	my $after = peak($session);
	$session->quit;
	note("$before kB, then $after kB");
	return $after - $before;
}

sub pieces
{
	my ($id, $n) = @_;
	return "DO \$\$ DECLARE u text := ffu.upload_begin('a.bin'); b bytea := decode(repeat('00ff17', 349525) || '00', 'hex'); BEGIN
		FOR i IN 1..$n LOOP PERFORM ffu.upload_append(u, b); END LOOP; INSERT INTO t VALUES ($id, u); END \$\$";
}

sub resumable
{
	my ($id, $n) = @_;
	return "DO \$\$ DECLARE u text := ffu.upload_begin('a.bin', true); b bytea := decode(repeat('00ff17', 349525) || '00', 'hex'); BEGIN
		FOR i IN 1..$n LOOP PERFORM ffu.upload_append(u, (i - 1) * 1048576, b); END LOOP; INSERT INTO t VALUES ($id, ffu.upload_finish(u)); END \$\$";
}

# In pieces
cmp_ok(peak_of(pieces(1, 1), pieces(2, $mb)), '<', 16_000, 'in pieces: 16 MB more at most');
cmp_ok(peak_of(resumable(3, 1), resumable(4, $mb)), '<', 16_000, 'resumable: 16 MB more at most');
is($t->sql('SELECT id, f__size, f__sha256 = (SELECT f__sha256 FROM t WHERE id = 2) FROM t WHERE id IN (2, 4)'),
	"2|$bytes|t\n4|$bytes|t", 'both are there, and the same');

# Out and in again: large objects, streams, import, checks
cmp_ok(peak_of('SELECT ffu.to_large_object(f, 4661) FROM t WHERE id = 1', 'SELECT ffu.to_large_object(f, 4660) FROM t WHERE id = 2'),
	'<', 16_000, 'to a large object: 16 MB more at most');
cmp_ok(peak_of("INSERT INTO t VALUES (5, ffu.from_large_object('a.bin', 4661))", "INSERT INTO t VALUES (6, ffu.from_large_object('a.bin', 4660))"),
	'<', 16_000, 'from a large object: 16 MB more at most');
is($t->sql('SELECT f__sha256 = (SELECT f__sha256 FROM t WHERE id = 2) FROM t WHERE id = 6'), 't', 'the same bytes');
cmp_ok(peak_of("\\copy (SELECT ffu.stream(f) FROM t WHERE id = 1) TO '$outside' (FORMAT binary)",
		"\\copy (SELECT ffu.stream(f) FROM t WHERE id = 2) TO '$outside' (FORMAT binary)"),
	'<', 16_000, 'binary COPY of a stream: 16 MB more at most');
# A header of 19 bytes, 6 for each row of 1 MB, and 2 at the end
is(-s $outside, $bytes + 19 + 6 * $mb + 2, 'all of it');
{
	open(my $in, '<:raw', $outside) or die;
	read($in, my $head, 19) == 19 or die;
	my $sha = Digest::SHA->new(256);
	for (1 .. $mb)
	{
		read($in, my $row, 6 + 1024 * 1024) == 6 + 1024 * 1024 or die;
		die 'not a row of one field of 1 MB' if substr($row, 0, 6) ne pack('nN', 1, 1024 * 1024);
		$sha->add(substr($row, 6));
	}
	is($sha->hexdigest, $t->sql("SELECT f__sha256 FROM t WHERE id = 2"), 'binary COPY of a stream: the bytes');
}
cmp_ok(
	peak_of(
		'SELECT length(ffu.content(f)) FROM t WHERE id = 1',
		"BEGIN;
		DECLARE c CURSOR FOR SELECT ffu.stream(f) FROM t WHERE id = 2;
		MOVE ALL FROM c;
		COMMIT"),
	'<', 16_000, 'a cursor over a stream: 16 MB more at most');
# Both sessions load libmagic's database.
my $small = "BEGIN; INSERT INTO t VALUES (90, ffu.file('a.txt', 'a')); ROLLBACK";
cmp_ok(peak_of($small, "INSERT INTO t VALUES (7, ffu.import_file('$outside'))"), '<', 16_000, 'import: 16 MB more at most');
cmp_ok(peak_of('SELECT * FROM ffu.check()', 'SELECT * FROM ffu.check(content => true)'), '<', 16_000, 'check of the content: 16 MB more at most');

# More than 1 GB, 2 GB and 4 GB: a sparse file that is taken by its name
my $long = 5 * 1024**3 + 3;
my $sparse = $t->node->basedir . '/sparse.bin';
open(my $out, '>', $sparse) or die;
truncate($out, $long) or die;
seek($out, $long - 4, 0);
print $out 'tail';
close($out) or die;
cmp_ok(peak_of($small, "INSERT INTO t VALUES (8, ffu.import_file('$sparse', move => true))"), '<', 16_000, 'import of 5 GB: 16 MB more at most');
# What sha256sum says of it
my $sum = '9559da2811515ffab2c764acb0951ce5d20c0f37bb25aacc12cf20a9288c0a38';
is($t->sql("SELECT f__size, f__sha256, ffu.content(f, $long - 5, 100) FROM t WHERE id = 8"),
	"$long|$sum|\\x00" . unpack('H*', 'tail'), 'import of 5 GB: size, checksum and end');
ok(!-e $sparse, 'import of 5 GB: the source is gone');
$t->sql('DELETE FROM t WHERE id = 8; SELECT FROM ffu.sweep()');

# Any offset of a file of 10 GB: a sparse one
my $path = $t->sql('SELECT f FROM t WHERE id = 1');
my $size = 10 * 1024**3;
open(my $fh, '+<', $t->root . "/$path") or die;
truncate($fh, $size) or die;
seek($fh, $size - 4, 0);
print $fh 'tail';
close($fh);
is($t->sql("SELECT ffu.size(f), ffu.content(f, 0, 3), ffu.content(f, $size - 6, 100), ffu.content(f, $size, 1), ffu.content(f, 5000000000, 2),
		ffu.content(f, 9223372036854775807, 9223372036854775807) FROM t WHERE id = 1"),
	"$size|\\x00ff17|\\x0000" . unpack('H*', 'tail') . '|\x|\x0000|\x', 'any offset of 10 GB');
$t->fails_with('54000', 'SELECT ffu.content(f) FROM t WHERE id = 1', 'all of it in one value');
$t->fails_with('54000', "SELECT ffu.content(f, 100, 2000000000) FROM t WHERE id = 1", 'more than one value can hold');
$t->fails_with('22023', "SELECT ffu.content(f, $_) FROM t WHERE id = 1", "start and count $_") foreach '-1, 1', '1, -1';
$t->fails_with('22023', "SELECT ffu.stream(f, $_) FROM t WHERE id = 1", "chunk_size $_") foreach 0, -1;

$t->stop;
done_testing();
