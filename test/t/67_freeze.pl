# A release: script/release --freeze writes date and checksums into a copy of the source,
# once, and from then on a change of what was released is seen. The form of CHANGELOG.md.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use FfuTest qw(slurp source_dir);
use PostgreSQL::Test::Utils qw(append_to_file);
use Test::More;

my $source = abs_path(source_dir() . '/..');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $tree = "$dir/tree";
mkdir $tree or die;
system("cd '$source' && tar --null -T .files -cf - | tar -C '$tree' -xf -") == 0 or die;
my ($version) = slurp("$tree/ffu.control") =~ /^default_version = '([\d.]+)'/m;
my ($flask_version) = slurp("$tree/flask/ffu_flask.control") =~ /^default_version = '([\d.]+)'/m;
my $day = '2031-02-03';

sub freeze
{
	my $said = `bash '$tree/script/release' --freeze $day 2>&1 </dev/null`;
	return ($? >> 8, $said);
}

# Keep a Changelog 1.1.0
my $changelog = slurp("$tree/CHANGELOG.md");
my @versions = $changelog =~ /^## (.*)$/mg;
my @strange = grep { !/^\[Unreleased\]$|^\[\d+\.\d+\.\d+\] - (?:Unreleased|\d{4}-\d\d-\d\d)$/ } @versions;
is_deeply(\@strange, [], 'CHANGELOG.md: each version has a date or is not released');
@strange = grep { !/^(?:Added|Changed|Deprecated|Removed|Fixed|Security)$/ } $changelog =~ /^### (.*)$/mg;
is_deeply(\@strange, [], 'CHANGELOG.md: each kind of change is one of six');
@strange = grep { $changelog !~ /^\Q$_\E: \S+$/m } map { /^(\[[^]]+\])/ } @versions;
is_deeply(\@strange, [], 'CHANGELOG.md: each version has a link');
like($versions[0], qr/^\[\Q$version\E\]/, 'CHANGELOG.md begins with this version');

end_of_released() if -e "$tree/test/released/ffu--$version.sql";

my ($status, $said) = freeze();
is($status, 0, 'a version is frozen') or diag $said;
like(slurp("$tree/CHANGELOG.md"), qr/^## \[\Q$version\E\] - $day$/m, 'CHANGELOG.md has the date');
like(slurp("$tree/debian/changelog"), qr/\Affu \(\Q$version\E-1\) unstable; .*?^ -- .*>  Mon, 03 Feb 2031 12:00:00 \+0000$/ms,
	'debian/changelog has it');
like(slurp("$tree/packaging/ffu.spec"), qr/^%changelog\n\* Mon Feb 03 2031 .* - \Q$version\E-1$/m, 'the RPM has it');
my %released = ("ffu--$version.sql" => 'src/sql', "ffu_flask--$flask_version.sql" => 'flask/sql');
my $sums = slurp("$tree/test/released/SHA256SUMS");
foreach my $script (sort keys %released)
{
	my $parts = join('', map { slurp($_) } sort glob("$tree/$released{$script}/*.sql"));
	is(slurp("$tree/test/released/$script"), $parts, "$script is kept as it is");
	like($sums, qr/^\Q${\ sha256_hex($parts)}\E  \Q$script\E$/m, 'with its checksum');
}

# What 67_versions compares
append_to_file("$tree/src/sql/90_rights.sql", "-- another line\n");
my $now = join('', map { slurp($_) } sort glob("$tree/src/sql/*.sql"));
unlike($sums, qr/${\ sha256_hex($now)}/, 'a change of the script has another checksum');
($status, $said) = freeze();
isnt($status, 0, 'the version cannot be frozen again');
like($said, qr/version \Q$version\E is released already/, 'and the reason is said');
is(slurp("$tree/test/released/SHA256SUMS"), $sums, 'and nothing is changed');
done_testing();

# A version that was frozen here needs a new number before anything else is frozen.
sub end_of_released
{
	my ($rc, $out) = freeze();
	isnt($rc, 0, 'a released version is not frozen again');
	like($out, qr/is released already/, 'and the reason is said');
	done_testing();
	exit;
}
