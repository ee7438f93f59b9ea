# Many objects: stored in one transaction, checked, moved to the folder and back, removed
# by TRUNCATE; nothing is left, and no step skips an object.
#
# FFU_TEST_OBJECTS says how many (script/soak objects: 100,000), more than the store tells
# in one answer. FFU_TEST_TIMES names a file for the seconds of each step.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest;
use Test::More;
use Time::HiRes qw(time);

my $count = $ENV{FFU_TEST_OBJECTS} // 1010;
$ENV{FFU_STORE_SIZE} = 10_000 * $count > 2**31 ? 10_000 * $count : 2**31;
my $store = FfuBucket->new;
my $t = FfuTest->new('many', conf => $store->conf . "fsync = off\n");
my $url = $store->make('media') . '/blog';
my @times;

# Runs a statement, and notes how long it takes.
sub timed
{
	my ($step, $sql) = @_;
	my $start = time;
	my $answer = $t->sql($sql);
	push @times, sprintf('%s %.1f s', $step, time - $start);
	note($times[-1]);
	return $answer;
}

# The number of objects, as the tests' own client lists them
sub objects { return scalar split(/\n/, $store->ask($url, 'keys')); }

sub is_whole
{
	my ($where, $objects, $files) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(timed("check ($where)", 'SELECT count(*) FROM ffu.check()'), '0', "$where: ffu.check finds nothing");
	is(objects(), $objects, "$where: objects");
	is(scalar(my @found = $t->files), $files, "$where: files of the folder");
	return;
}

$t->sql(qq{CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.use_bucket('$url');
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket')});
timed('store', "INSERT INTO t SELECT i, ffu.file('a.bin', int8send(i)) FROM generate_series(1, $count) i");
is_whole('stored', $count, 0);

timed('move to the folder', q{CALL ffu.move_files('bucket', 'folder')});
pass_settle_time($t);
timed('sweep', 'SELECT FROM ffu.sweep()');
is_whole('in the folder', 0, $count);
timed('move to the bucket', q{CALL ffu.move_files('folder', 'bucket')});
is_whole('in the bucket', $count, 0);
is($t->sql('SELECT ffu.content(f) = int8send(id) FROM t WHERE id = 1'), 't', 'the bytes');

timed('TRUNCATE', 'TRUNCATE t');
is($t->sql('SELECT count(*) FROM ffu.pending_deletions'), $count, 'each object waits for its removal');
my $rounds = 0;
while ($t->sql('SELECT EXISTS (SELECT FROM ffu.pending_deletions)') eq 't' && $rounds++ < 10)
{
	timed('remove', 'SELECT FROM ffu.sweep()');
}
is($t->sql('SELECT count(*) FROM ffu.pending_deletions'), '0', 'none waits');
is_whole('removed', 0, 0);
pass_settle_time($t);
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql('SELECT count(*) FROM ffu.intent'), '0', 'nothing is left to do');
is(objects(), 0, 'and nothing comes back');

if ($ENV{FFU_TEST_TIMES})
{
	open(my $fh, '>', $ENV{FFU_TEST_TIMES}) or die "no file of times: $!";
	print $fh join(', ', @times), "\n";
	close($fh);
}
$t->stop;
done_testing();
