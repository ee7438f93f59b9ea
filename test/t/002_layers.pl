# A file may include headers of strictly lower layers and its own. The layers
# are the lines "layer N: name name ..." of src/README, so there can be no cycle.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use Test::More;

my $src = $ENV{FFU_SRC} // dirname(__FILE__) . '/../../src';
my $readme = "$src/README";

my (%layer, @twice);
if (open(my $fh, '<', $readme))
{
	while (my $line = <$fh>)
	{
		my ($number, $names) = $line =~ /^\s*layer\s+(\d+):\s*(.*?)\s*$/ or next;
		foreach my $name (split /[\s,]+/, $names)
		{
			push @twice, $name if exists $layer{$name};
			$layer{$name} = $number;
		}
	}
	close($fh);
}
cmp_ok(scalar(keys %layer), '>', 0, 'src/README lists the layers');
is_deeply(\@twice, [], 'no file is in two layers');

# A listed name is a module, x for x.c and x.h, or a header with its ending.
my (%file, %listed_and_there, @unlisted, @upward);
foreach my $path (sort glob("$src/*.[ch]"))
{
	my $base = basename($path);
	my ($module) = $base =~ /^(.*)\.[ch]$/;
	my ($name) = grep { exists $layer{$_} } $base, $module;
	if (!defined $name)
	{
		push @unlisted, $base;
		next;
	}
	$listed_and_there{$name} = 1;
	$file{$base} = { module => $module, layer => $layer{$name}, path => $path };
}
is_deeply(\@unlisted, [], 'every file of src is in a layer');
is_deeply([ grep { !$listed_and_there{$_} } sort keys %layer ],
	[], 'every file in a layer is in src');

foreach my $base (sort keys %file)
{
	my $from = $file{$base};
	open(my $fh, '<', $from->{path}) or die "could not open \"$from->{path}\": $!\n";
	while (my $line = <$fh>)
	{
		my ($header) = $line =~ /^\s*#\s*include\s+"([^"]+)"/ or next;

		# What is not in src is PostgreSQL's.
		my $to = $file{$header} or next;
		next if $to->{module} eq $from->{module};
		push @upward, "$base:$. (layer $from->{layer}) includes $header (layer $to->{layer})"
		  if $to->{layer} >= $from->{layer};
	}
	close($fh);
}
is_deeply(\@upward, [], 'no file includes one of its own or a higher layer');

done_testing();
