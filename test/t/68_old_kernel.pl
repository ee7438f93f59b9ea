# Kernels, containers and file systems that lack system calls: the same work gives the
# same answers and the same folder. The calls are refused by a filter (test/refuse.c),
# which tries them itself before the server starts.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(slurp);
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $refuse = "$dir/refuse";
system('cc', '-O1', '-o', $refuse, abs_path("$ENV{FFU_SRC}/../test/refuse.c")) == 0 or die 'refuse.c does not compile';

# Preloaded, so that the worker runs under the same kernel.
my $t = FfuTest->new('kernel', preload => 1, conf => "ffu.naptime = '1 h'\n");
my $node = $t->node;

# Starts the server behind the filter, or without one.
sub start_behind
{
	my (@filter) = @_;
	$t->stop;
	my @command = (
		$node->installed_command('pg_ctl'), '-w', '-s', '-D', $node->data_dir,
		'-l', $node->logfile, 'start');
	unshift @command, $refuse, @filter, '--' if @filter;
	is(system(@command) >> 8, 0, "the server starts: @filter");
	$node->_update_pid(1);
	return;
}

# All that reads, writes, compares and removes files; returns what it says. Random
# parts of paths are left out.
my $source = "$dir/source";
mkdir $source or die;
sub work
{
	my ($tables) = @_;
	my @said;
	my $say = sub {
		my ($rc, $out, $err) = $t->try($_[0]);
		$err =~ s/^(?:psql:\S*\s*|LOCATION:.*\n)//gm;
		push @said, "$rc $out$err" =~ s/-[a-z2-7]{26}/-TOKEN/gr =~ s/, [\d.]+ s$//gmr =~ s/$tables/T/gr;
	};
	foreach my $name (qw(one two))
	{
		unlink "$source/$name.txt";
		append_to_file("$source/$name.txt", "$name\n" x 20000);
	}
	$say->("CREATE TABLE $tables (id int PRIMARY KEY)");
	$say->("SELECT ffu.add_column('$tables', 'f', allowed_extensions => '{*}')");
	$say->("INSERT INTO $tables SELECT i, ffu.file('a.txt', convert_to(repeat('a' || i, i), 'UTF8')) FROM generate_series(1, 40) i");
	$say->("SELECT sum(length(ffu.content(f))), sum(ffu.size(f)), count(f) FROM $tables");
	$say->("SELECT string_agg(encode(s, 'escape'), '') FROM $tables, ffu.stream(f, 5) s WHERE id = 9");
	$say->("SELECT ffu.content('$tables/1/f-aaaaaaaaaaaaaaaaaaaaaaaaaa.txt')");
	$say->("UPDATE $tables SET f = ffu.file('b.txt', '\\x6262') WHERE id <= 12");
	$say->("BEGIN; DELETE FROM $tables WHERE id = 30; INSERT INTO $tables VALUES (50, ffu.file('c.txt', 'c')); ROLLBACK");
	$say->("INSERT INTO $tables VALUES (51, ffu.import_file('$source/one.txt'))");
	$say->("INSERT INTO $tables VALUES (52, ffu.import_file('$source/two.txt', move => true))");
	$say->("INSERT INTO $tables VALUES (54, ffu.file('e.bin', convert_to(repeat('0123456789', 1800000), 'UTF8')))");
	$say->("INSERT INTO $tables SELECT 60 + id, 'copy:' || f FROM $tables WHERE id < 5");
	# a symbolic link in the way
	symlink('/etc', "$t->{root}/$tables-way") or die "symlink: $!";
	$say->("SELECT ffu.content('$tables-way/bbbbbbbbbbbbbbbbbbbbbbbbbb/passwd')");
	$say->("SELECT ffu.alter_column('$tables', 'f', path_template => '$tables-way/f-{token}')");
	$say->("INSERT INTO $tables VALUES (41, ffu.file('way.txt', 'x'))");
	unlink "$t->{root}/$tables-way" or die "unlink: $!";
	$say->("SELECT ffu.alter_column('$tables', 'f', path_template => 'moved/{pk}/{token}')");
	$say->("CALL ffu.relocate('$tables', 'f')");
	$say->("DELETE FROM $tables WHERE id BETWEEN 20 AND 29");
	$say->('SELECT waiting, failed FROM ffu.sweep()');
	$say->("SELECT problem, count(*) FROM ffu.check('$tables', true) GROUP BY problem");
	$say->('SELECT problem, writable, staged_files FROM ffu.status');
	$say->("SELECT id, f__size, f__sha256, md5(ffu.content(f)) FROM $tables ORDER BY id");
	return @said;
}

my @kernels = (
	[ 'before Linux 5.6: no openat2', 'openat2=ENOSYS' ],
	[ 'a container whose filter refuses what it does not know', 'openat2=EPERM' ],
	[ 'before Linux 5.8 and 6.6: no faccessat2, no fchmodat2', 'openat2=ENOSYS', 'faccessat2=ENOSYS', 'fchmodat2=ENOSYS' ],
	[ 'before Linux 5.8: the errors of syncfs are not told', '--uname-2.6', 'syncfs=EIO' ],
	[ 'no sync_file_range', 'sync_file_range=ENOSYS' ],
	[ 'no reflinks', 'FICLONE=EOPNOTSUPP' ],
	[ 'no ioctl of file systems', 'FICLONE=ENOTTY' ],
	[ 'reflinks within one file system', 'FICLONE=EXDEV' ]);

# Every filter has something to refuse: where a call ends the process, the statement
# that is to make the call does not return.
my %made_by = (
	'openat2' => q{INSERT INTO proof VALUES (1, ffu.file('a.txt', 'x'))},
	'faccessat2' => 'SELECT * FROM ffu.status',
	'sync_file_range' => q{INSERT INTO proof VALUES (2, ffu.file('e.bin', convert_to(repeat('0123456789', 1800000), 'UTF8')))},
	'FICLONE' => qq{INSERT INTO proof VALUES (3, ffu.import_file('$source/proof.txt'))});
# musl and older glibc make fchmodat2 of other calls.
my %not_made = ('fchmodat2' => 'the C library', 'syncfs' => 'a folder on the file system of the database; see below');
append_to_file("$source/proof.txt", 'proof');
$t->sql(q{CREATE TABLE proof (id int PRIMARY KEY); SELECT ffu.add_column('proof', 'f', allowed_extensions => '{*}')});
my %refused = map { $_ => 1 } map { /^(\w+)=/ ? $1 : () } map { @$_ } @kernels;
foreach my $call (sort keys %refused)
{
	if (!$made_by{$call})
	{
		ok($not_made{$call}, "$call need not be made");
		note("$call: not proved to be made, because of $not_made{$call}");
		next;
	}
	$t->stop;
	my $log = -s $node->logfile;
	is(system($refuse, "$call=KILL", '--', $node->installed_command('pg_ctl'), '-w', '-s', '-D', $node->data_dir,
		'-l', $node->logfile, '-o', '-c shared_preload_libraries=', 'start') >> 8, 0, "the server starts where $call ends a process");
	$node->_update_pid(1);
	is(($t->try('SELECT 1'))[1], '1', 'and works');
	is(($t->try($made_by{$call}))[0], 2, "$call is made");
	$t->wait_recovered($log);
	like(substr(slurp($node->logfile), $log), qr/terminated by signal 31/, "$call: and ended the process");
}
start_behind();
$t->sql('DROP TABLE proof; SELECT FROM ffu.sweep()');

# A folder on the file system of the database, which is taken for one that keeps
# changes in order, and a folder on another file system.
my @folders = ($t->root);
push @folders, "/dev/shm/ffu-$$" if -w '/dev/shm' && (stat '/dev/shm')[0] != (stat $t->root)[0];
note('the machine has one file system: NOT run with a folder on another one') if @folders < 2;
foreach my $folder (@folders)
{
	my $n = 0;
	start_behind();
	$t->sql('ALTER DATABASE postgres SET ffu.pretend_in_order = ' . ($folder eq $t->root ? 'on' : 'off'));
	$t->sql("SELECT ffu.use_folder('$folder')") if $folder ne $t->root;
	local $t->{root} = $folder;
	my @expected = work('plain');
	is_deeply([ map { /ERROR:\s+(\w+)/ ? $1 : () } @expected ], [ '23503', ('58030') x 2 ], 'without a filter three statements fail') or diag explain(\@expected);
	foreach my $kernel (@kernels)
	{
		my ($name, @filter) = @$kernel;
		start_behind(@filter);
		my $table = 'kernel' . ++$n;
		is_deeply([ work($table) ], \@expected, "$name ($folder)");
		is($t->sql('SELECT count(*) FROM ffu.check()'), '0', "$name: rows and files agree");
	}
	$t->folder_is_rows([ map { "$_.f" } 'plain', map { "kernel$_" } 1 .. $n ], 'and the folder has no other file');
	$t->sql("DROP TABLE $_") foreach 'plain', map { "kernel$_" } 1 .. $n;
}

# The filter of old kernels has something to prevent: a newer kernel would call syncfs.
SKIP:
{
	skip 'the machine has one file system', 2 if @folders < 2;
	local $t->{root} = $folders[1];
	start_behind('syncfs=EIO');
	$t->sql("CREATE TABLE big (id int); SELECT ffu.add_column('big', 'f', path_template => '{table}/{token}')");
	my $err = $t->fails_with('58030', "INSERT INTO big SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 40) i",
		'where syncfs is called, its error counts');
	like($err, qr/could not sync folder/, 'and is told');
	start_behind();
	$t->sql('DROP TABLE big');
}
$t->stop;
system('rm', '-rf', $folders[1]) if @folders > 1;

done_testing();
