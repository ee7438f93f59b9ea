# A file of src includes headers of its own room and of rooms below it, and no files
# include each other in a circle. The rooms, lowest first, are the lines
# "room NAME: sentence" of src/README.

use strict;
use warnings;

use FfuTest qw(slurp source_dir source_files);
use Test::More;

my $src = source_dir();
my @rooms = slurp("$src/README") =~ /^\s+room\s+(\S+):/mg;
my %floor = map { $rooms[$_] => $_ } 0 .. $#rooms;
cmp_ok(scalar(@rooms), '>', 0, 'src/README lists the rooms');
is(scalar(keys %floor), scalar(@rooms), 'each of them once');

# The room of a file, by its name below src; files beside the rooms are in "top".
sub room_of
{
	my ($file) = @_;
	return $file =~ m{^(.*)/} ? $1 : 'top';
}

# What each file includes of src, both as names below src.
my %includes;
foreach my $path (source_files())
{
	my ($file) = $path =~ m{^\Q$src\E/(.*)};
	my @headers = slurp($path) =~ /^\s*#\s*include\s+"([^"]+)"/mg;
	$includes{$file} = [ grep { -f "$src/$_" } @headers ];
}
my %inhabited = map { room_of($_) => 1 } keys %includes;
is_deeply([ sort keys %inhabited ], [ sort @rooms ], 'every folder of src is a room, and no room is empty');

my @upward;
foreach my $file (sort keys %includes)
{
	my $floor = $floor{ room_of($file) } // next;
	push @upward, map { "$file includes $_" }
	  grep { ($floor{ room_of($_) } // 1000) > $floor } @{ $includes{$file} };
}
is_deeply(\@upward, [], 'no file includes a header of a higher room');

# A module is a file and its headers. Modules that have only modules without
# includes below them are taken away until none is left, or those in a circle.
sub module_of { return $_[0] =~ s/(?:_private)?\.[ch]$//r; }
my %below;
foreach my $file (keys %includes)
{
	my $module = module_of($file);
	$below{$module}{$_} = 1
	  for grep { $_ ne $module } map { module_of($_) } @{ $includes{$file} };
	$below{$module} //= {};
}
while (my @ready = grep { !%{ $below{$_} } } keys %below)
{
	delete @below{@ready};
	delete @{$_}{@ready} for values %below;
}
is_deeply([ sort keys %below ], [], 'no modules include each other in a circle');

# The parts of the install script are in the same rooms, NN_room_topic.sql, in the
# same order. The rights come last.
my (@parts) = map { m{/(\d+_\w+)\.sql$} } sort glob "$src/sql/*.sql";
my ($rights) = grep { $parts[$_] eq '90_rights' } 0 .. $#parts;
my @of = map { /^\d+_([a-z]+)/ } @parts[ 0 .. $rights - 1 ];
is_deeply([ grep { !defined $floor{$_} } @of ], [], 'each part of the install script is in a room');
is_deeply(\@of, [ sort { $floor{$a} <=> $floor{$b} } @of ], 'and the parts are in the order of the rooms');
my @granting = grep { slurp("$src/sql/$_.sql") =~ /^\s*(?:GRANT|REVOKE)\b/m } @parts[ 0 .. $rights - 1 ];
is_deeply(\@granting, [], 'no other part gives or takes rights');

# What differs between the versions of PostgreSQL is in one file.
my @versions = grep { slurp("$src/$_") =~ /\bPG_VERSION_NUM\b/ } sort keys %includes;
is_deeply(\@versions, ['base/compat.h'], 'version tests are in base/compat.h alone');

# A file's life has one writer: nothing else knows the members of FfuFile. The compiler
# does the rest, since all other files see const members of it only; nobody may cast that away.
my @private = grep { slurp("$src/$_") =~ /^\s*#\s*include\s+"transaction\/file_private\.h"/m } sort keys %includes;
is_deeply(\@private, [ 'transaction/file.c', 'transaction/pending.c' ], 'the members of FfuFile are for file.c and pending.c');
my @cast = grep { slurp("$src/$_") =~ /\(\s*(?:struct\s+)?Ffu(?:File|Birth|Facts|Assignment|Pieces)\s*\*\s*\)|unconstify\(Ffu/ } sort keys %includes;
is_deeply(\@cast, [], 'and nobody casts const away from them');
my @variables = grep { slurp("$src/$_") =~ /^extern\s[^()]*;/m } grep { m{^transaction/.*\.h$} } sort keys %includes;
is_deeply(\@variables, [], 'and no room but transaction has its variables');

# From 19 on the server crashes on a tuple descriptor that nobody finalized.
my %made = map { my $text = slurp($_); $_ => [ scalar(() = $text =~ /CreateTemplateTupleDesc\(/g), scalar(() = $text =~ /TupleDescFinalize\(/g) ] }
	grep { !m{/compat\.h$} } source_files();
is_deeply([ grep { $made{$_}[0] != $made{$_}[1] } sort keys %made ], [], 'each tuple descriptor that is made is finalized');

done_testing();
