# Only the room store/dir makes system calls on files and touches descriptors: a store
# that is no directory is another room beside it, and nobody else notices. A comment
# cannot hold such a rule, the linker can: no other object refers to a function of the C
# library, of PostgreSQL's fd.c or of syscall.c that opens, reads, changes or lists
# files. The compiler sees to the members of the structs; the names of those that hold
# descriptors are looked for in the source.

use strict;
use warnings;

use FfuTest qw(slurp source_dir source_files);
use Test::More;

my $objects = $ENV{FFU_RELEASE_OBJ};
plan skip_all => 'no release build: run by script/test' unless $objects;

my $call = qr/^(?:
	(?:open|openat|creat|fopen|freopen|fdopen|opendir|fdopendir)(?:64)?(?:_2)?
	| readdir(?:64)? | closedir | dirfd | scandir(?:64)? | nftw(?:64)? | fts_\w+ | glob(?:64)?
	| read | p?readv?(?:64)? | write | p?writev?(?:64)? | __(?:read|pread|pread64)_chk
	| lseek(?:64)? | sendfile(?:64)? | copy_file_range | splice | mmap(?:64)?
	| close | dup[23]? | fcntl(?:64)? | ioctl | flock | syscall | umask
	| (?:f|l)?stat(?:64)? | fstatat(?:64)? | statx | __[fl]?xstat(?:64)? | __fxstatat(?:64)?
	| f?statfs(?:64)? | f?statvfs(?:64)? | access | faccessat | readlink(?:at)? | __readlink_chk
	| realpath | __realpath_chk
	| link(?:at)? | symlink(?:at)? | unlink(?:at)? | remove | rename(?:at2?)?
	| mkdir(?:at)? | rmdir | mkstemp(?:64)? | mkdtemp | mknod(?:at)?
	| f?chmod | fchmodat | [fl]?chown | fchownat | utimensat | futimens | utimes?
	| f?truncate(?:64)? | fallocate(?:64)? | posix_fallocate(?:64)? | posix_fadvise(?:64)?
	| fsync | fdatasync | syncfs | sync | sync_file_range
	| AllocateFile | AllocateDir | ReadDir\w* | FreeDir | FreeFile | OpenTransientFile\w* | CloseTransientFile
	| BasicOpenFile\w* | PathName\w+ | OpenTemporaryFile | File(?:Close|Read|Write|Sync|Size|Truncate|Prefetch)\w*
	| BufFile\w+ | fsync_fname\w* | durable_\w+ | pg_fsync\w* | pg_flush_data | pg_truncate | get_dirent_type
	| pg_mkdir_p | rmtree | copydir | copy_file | ffu_sys_\w+
)$/x;

# What the objects of source files refer to: pairs of an object's name below src and a
# symbol. (There may be objects of an earlier build, without a source.)
my $src = source_dir();
sub undefined
{
	my @objects = map { s{^\Q$src\E/(.*)\.c$}{$objects/$1.o}r } @_;
	my @lines = split /\n/, `nm -uA @objects`;
	is($?, 0, 'every source file has an object');
	return map { [ m{^\Q$objects\E/(.*)\.o:\s+\w\s+([^@\s]+)} ] } @lines;
}

# The file with the keys of object stores is the administrator's, and no store.
my $keys = qr{^store/s3/credentials calls (?:OpenTransientFile|CloseTransientFile|f?stat|read)(?:64)?$};
my @found = grep { !/$keys/ } map { "$_->[0] calls $_->[1]" }
  grep { $_->[1] =~ $call } undefined(grep { !m{^\Q$src\E/store/dir/} } source_files('c'));
is_deeply([ sort @found ], [], 'none of them makes a system call on a file');

# The check sees what it is for: the room itself does call all this.
my %inside = map { ($_->[1] =~ s/64$//r) => 1 } grep { $_->[1] =~ $call } undefined("$src/store/dir/syscall.c");
ok($inside{$_}, "$_ is seen") foreach qw(openat unlinkat renameat linkat fsync pwrite pread close);

# Members that hold descriptors.
my @touched = grep { slurp($_) =~ /\b(?:root|staging|dir)_fd\b|(?:\.|->)fd\b/ }
  grep { !m{^\Q$src\E/store/dir/} } source_files();
is_deeply(\@touched, [], 'and none touches a descriptor');

# What store.h promises a store that is no directory: few methods.
my $methods = () = slurp("$src/store/store.h") =~ /\(\*\w+\)\s*\(FfuStore \*store/g;
cmp_ok($methods, '<=', 14, "a store has at most 14 methods");

done_testing();
