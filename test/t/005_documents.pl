# What the documents name is there: every test, and every document they link to. And
# each of the features of flask-file-upload has its row, with a test that proves it.

use strict;
use warnings;

use File::Basename qw(dirname);
use FfuTest qw(slurp source_dir);
use Test::More;

my $root = dirname(source_dir());
my @documents = ("$root/README.md", "$root/CHANGELOG.md", glob("$root/docs/*.md"));
cmp_ok(scalar(@documents), '>', 5, 'there are documents');

# The lines of Markdown over 80 characters that could be wrapped: not in code, not a
# row of a table, not a word that is too long by itself, and measured
# without code and the targets of links.
sub long_lines
{
	my ($text) = @_;
	utf8::decode($text);
	$text =~ s/^```.*?^```//gms;
	$text =~ s/\]\([^)]*\)/]/g;
	$text =~ s/`[^`\n]*`/X/g;
	return grep { length($_) > 80 && !/^\s*\|/ && /^\s*\S.{0,79}\s\S/ } split /\n/, $text;
}

foreach my $document (@documents)
{
	my $text = slurp($document);
	my ($name) = $document =~ m{^\Q$root\E/(.*)};
	my %tests = map { $_ => 1 } $text =~ m{\b((?:sql|test/t)/\w+\.(?:sql|pl))\b}g;
	is_deeply([ grep { !-f "$root/$_" } sort keys %tests ], [], "$name: the tests it names exist");
	is_deeply([ long_lines($text) ], [], "$name: prose is wrapped at 80 columns");
	my %links = map { s/#.*//r => 1 } grep { !m{^(?:\w+:|#)} } $text =~ m{\]\(([^)\s]+)\)}g;
	is_deeply([ grep { $_ ne '' && !-e dirname($document) . "/$_" } sort keys %links ], [], "$name: what it links to exists");
}

my $table = slurp("$root/docs/flask-file-upload.md");
foreach my $n (1 .. 47)
{
	my @rows = $table =~ /^\| F$n \|(.*)\|$/mg;
	is(scalar(@rows), 1, "F$n has a row");
	like($rows[0] // '', qr{^(?:[^|]+\|){3}[^|]*`(?:sql|test/t)/}, "F$n: with a test in it");
}

done_testing();
