# What runs after the commit record, or while a transaction is being aborted,
# must not raise an error: it would be a PANIC, or an abort within the abort
# (I6). A comment cannot hold such a rule, the linker can: the objects of the
# files on the line "no-raise: name name ..." of src/README refer to nothing
# that could raise, allocate memory or use PostgreSQL's file descriptors.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

my $objects = $ENV{FFU_RELEASE_OBJ};
plan skip_all => 'no release build: run by script/test' unless $objects;

my $forbidden = qr/^(?:
	errstart(?:_cold)? | errfinish | elog_\w+ | pg_re_throw | ThrowErrorData
	| palloc\w* | repalloc\w* | MemoryContextAlloc\w* | MemoryContextStrdup
	| pstrdup | pnstrdup | psprintf | pvsprintf
	| \w*StringInfo\w*
	| OpenTransientFile\w* | AllocateDir | AllocateFile | ReadDir\w*
	| PathNameOpenFile\w* | BasicOpenFile\w* | fsync_fname\w* | durable_\w+
)$/x;

my $readme = ($ENV{FFU_SRC} // dirname(__FILE__) . '/../../src') . '/README';
my @names;
if (open(my $fh, '<', $readme))
{
	while (my $line = <$fh>)
	{
		push @names, split /[\s,]+/, $1 if $line =~ /^\s*no-raise:\s*(.*?)\s*$/;
	}
	close($fh);
}
cmp_ok(scalar(@names), '>', 0, 'src/README lists the files that cannot raise');

foreach my $name (@names)
{
	my $object = "$objects/$name.o";
	my @undefined = map { (split)[-1] } split /\n/, `nm -u '$object'`;
	is_deeply([ $? ? "no object $name.o" : grep { $_ =~ $forbidden } @undefined ],
		[], "$name.c cannot raise an error");
}

done_testing();
