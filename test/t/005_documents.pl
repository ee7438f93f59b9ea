# What the documents name is there: every test, and every document they link to. And
# each of the features of flask-file-upload has its row, with a test that proves it. What
# the code enumerates (placeholders, settings, kinds of values) the pages have as well.

use strict;
use warnings;

use File::Basename qw(dirname);
use FfuTest qw(slurp source_dir);
use Test::More;

my $root = dirname(source_dir());
my @documents = ("$root/README.md", "$root/CHANGELOG.md", map { glob("$root/$_/*.md") } qw(docs docs/guides docs/clients test clients/*));
cmp_ok(scalar(@documents), '>', 5, 'there are documents');

# The lines of Markdown over 80 characters that could be wrapped: not in code, not a
# row of a table, not a word that is too long by itself, and measured
# without code and the targets of links.
sub long_lines
{
	my ($text) = @_;
	utf8::decode($text);
	$text =~ s/^ *```.*?^ *```//gms;
	$text =~ s/\]\([^)]*\)/]/g;
	$text =~ s/`[^`\n]*`/X/g;
	return grep { length($_) > 80 && !/^\s*\|/ && /^\s*\S.{0,79}\s\S/ } split /\n/, $text;
}

# The anchors of a document's headings, as they are made of their words.
sub anchors
{
	my ($text) = @_;
	utf8::decode($text);
	$text =~ s/^ *```.*?^ *```//gms;
	my %anchors = map { $_ => 1 } $text =~ /<a id="([^"]+)">/g;
	foreach my $heading ($text =~ /^#+ (.*)$/mg)
	{
		$heading =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
		(my $anchor = lc $heading) =~ s/[^\w\- ]//g;
		$anchor =~ tr/ /-/;
		$anchors{$anchor} = 1;
	}
	return \%anchors;
}

foreach my $document (@documents)
{
	my $text = slurp($document);
	my ($name) = $document =~ m{^\Q$root\E/(.*)};
	my %tests = map { $_ => 1 } $text =~ m{(?<![\w/])((?:sql|test/t)/\w+\.(?:sql|pl))\b}g;
	is_deeply([ grep { !-f "$root/$_" } sort keys %tests ], [], "$name: the tests it names exist");
	is_deeply([ long_lines($text) ], [], "$name: prose is wrapped at 80 columns");
	my %links = map { s/#.*//r => 1 } grep { !m{^(?:\w+:|#)} } $text =~ m{\]\(([^)\s]+)\)}g;
	is_deeply([ grep { $_ ne '' && !-e dirname($document) . "/$_" } sort keys %links ], [], "$name: what it links to exists");
	my @lost = grep
	{
		my ($file, $anchor) = /^([^#]*)#(.+)/;
		my $target = $file eq '' ? $document : dirname($document) . "/$file";
		$target =~ /\.md$/ && -e $target && !anchors(slurp($target))->{$anchor};
	} grep { /#/ && !/^\w+:/ } $text =~ m{\]\(([^)\s]+)\)}g;
	is_deeply(\@lost, [], "$name: and the headings it links to");
}

# The part of a page below a heading.
sub section
{
	my ($page, $heading) = @_;
	my ($text) = slurp("$root/$page") =~ /^#+ \Q$heading\E\n(.*?)(?=^#|\z)/ms;
	return $text // '';
}

sub source
{
	my ($file) = @_;
	return slurp(source_dir() . "/$file");
}

# Passes where a text has all the words, and there are some.
sub has_all
{
	my ($text, $label, @words) = @_;
	is_deeply([ grep { index($text, $_) < 0 } @words ], [], $label);
	cmp_ok(scalar(@words), '>', 2, "$label: there are some");
}

has_all(section('docs/reference.md', 'Path templates'), 'every placeholder is in the reference',
	source('text/template.c') =~ /^\t\{"(\{\w+\})", ELEMENT_/mg);
my @settings = source('base/settings.c') =~ /DefineCustom\w+Variable\("(ffu\.(?!fault|pretend)\w+)"/g;
has_all(slurp("$root/docs/settings.md"), 'every setting has a row in docs/settings.md', map { "\n| `$_` |" } @settings);
has_all(section('README.md', 'Settings'), 'every setting is in README', map { "`$_`" } @settings);
my @kinds = (source('column/value.h') . source('upload/upload.h')) =~ /define FFU_\w+_PREFIX\s+"(\w+:)"/g;
has_all(section('docs/reference.md', 'What may be assigned to a file column'), 'every kind of value is in the reference',
	map { $_ eq 'upload:' ? 'ffu.file(' : "`$_`" } @kinds);
has_all(source('column/value.c'), 'every kind of value is in the header of value.c', map { "\n *\t$_" } @kinds);
has_all(join('', map { slurp($_) } glob("$root/sql/*.sql")), 'every kind of value is in a test', map { "'$_" } @kinds);

# The words of src/README that users meet have the same meaning in docs/concepts.md,
# which may say more.
my %meaning = map { my ($words, $text) = @$_; map { $_ => $text } split /, /, $words }
	map { [ /^\| ([^|]+) \| (.*) \|$/ ] } grep { /^\| [a-z]/ } split /\n/, slurp("$root/docs/concepts.md") =~ s/\n## .*//sr;
my ($words) = source('README') =~ /^One word for one thing.*?\n\n(.*?)\n\n/ms;
my @other;
foreach my $entry ($words =~ /^ {2}(\S.*(?:\n {4,}.*)*)/mg)
{
	my ($word, $text) = $entry =~ /^(\S+(?: \S+)*) +\s(.*)/s;
	$text =~ s/\s+/ /g;
	$text =~ s/\.$//;
	next unless exists $meaning{$word};
	(my $there = $meaning{$word}) =~ s/`//g;
	push @other, "$word: $text" unless index($there, $text) == 0;
}
is_deeply(\@other, [], 'docs/concepts.md and src/README mean the same by a word');
cmp_ok(scalar(keys %meaning), '>', 15, 'and there are words');

# A line of these tables names tests, each with words that its file has.
foreach ([ 'docs/security.md', 'attack', 20 ], [ 'test/README.md', 'fault', 12 ])
{
	my ($document, $word, $at_least) = @$_;
	my ($rows) = slurp("$root/$document") =~ /^\| $word \| test \|\n\|---\|---\|\n(.*?)\n\n/ms;
	my @rows = split /\n/, $rows // '';
	cmp_ok(scalar(@rows), '>', $at_least, "$document: there is a table");
	foreach my $line (@rows)
	{
		my ($what, $tests) = $line =~ /^\| (.*?) \| (.*) \|$/ or die $line;
		my @missing;
		while ($tests =~ /`([^`]+)`: (.*?)(?=; `|$)/g)
		{
			my ($file, $labels) = ($1, $2);
			my $text = -e "$root/$file" ? slurp("$root/$file") : '';
			push @missing, "$file: $_" foreach grep { index($text, $_) < 0 } split /; /, $labels;
		}
		like($tests, qr/^`[^`]+`: ./, "$word has a test: $what");
		is_deeply(\@missing, [], "and the test is there: $what");
	}
}

my $table = slurp("$root/docs/flask-file-upload.md");
foreach my $n (1 .. 47)
{
	my @rows = $table =~ /^\| F$n \|(.*)\|$/mg;
	is(scalar(@rows), 1, "F$n has a row");
	like($rows[0] // '', qr{^(?:[^|]+\|){3}[^|]*`(?:sql|test/t)/}, "F$n: with a test in it");
}

done_testing();
