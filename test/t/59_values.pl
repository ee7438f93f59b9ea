# Every kind of value of file columns, by the prefixes that the source defines:
# each prefix with every kind of rest, in INSERT and UPDATE.

use strict;
use warnings;

use FfuTest qw(slurp);
use File::Basename qw(dirname);
use Test::More;

my $top = dirname(__FILE__) . '/../..';
my $src = $ENV{FFU_SRC} // "$top/src";
my $reference = slurp("$top/docs/reference.md");

my @prefixes = ('');
foreach my $file (glob("$src/*/*.h"), "$src/text/data_uri.c")
{
	push @prefixes, slurp($file) =~ /^#define\s+(?:FFU_\w+_PREFIX|SCHEME)\s+"(?|([a-z]+:)|\\(\\x))"/mg;
}

# What follows the prefix.
my %rests = (
	empty => "''",
	nonsense => "'nonsense'",
	own => '(SELECT f::text FROM t WHERE id = 1)',
	other => '(SELECT f::text FROM t WHERE id = 2)',
	gone => '(SELECT f FROM gone)',
	upload => q{split_part(ffu.file('a.txt', 'a'), ':', 2)},
	resumable => q{split_part(ffu.upload_begin('a.txt', true), ':', 2)},
	bytes => "'text/plain,bytes'",
	hex => "'6162'",
);

# The answers: an SQLSTATE; "none" for no file, "kept" for the path that the row
# had, "new" for another path.  A line: prefix, statement, rest=answer ...
my %answers;
while (my $line = <DATA>)
{
	my ($prefix, $statement, @cells) = split ' ', $line;
	$answers{ $prefix eq '-' ? '' : $prefix }{$statement} = { map { split /=/ } @cells };
}

my $t = FfuTest->new('values', conf => "fsync = off\nffu.fsync = off\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t VALUES (1, ffu.file('a.txt', 'own')), (2, ffu.file('b.txt', 'other')), (3, ffu.file('c.txt', 'gone'));
	CREATE TABLE gone AS SELECT f::text FROM t WHERE id = 3;
	DELETE FROM t WHERE id = 3;
	CREATE FUNCTION try(value text, statement text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		before text := f FROM t WHERE id = 1;
		after text;
	BEGIN
		IF statement = 'INSERT' THEN
			INSERT INTO t VALUES (4, value) RETURNING f INTO after;
		ELSE
			UPDATE t SET f = value WHERE id = 1 RETURNING f INTO after;
		END IF;
		RETURN CASE WHEN after IS NULL THEN 'none' WHEN after = before THEN 'kept' ELSE 'new' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END
	$$;
});
my $session = $t->session;
foreach my $prefix (@prefixes)
{
	my %seen;
	foreach my $statement (qw(INSERT UPDATE))
	{
		my %found;
		foreach my $rest (sort keys %rests)
		{
			$session->query('BEGIN');
			my $answer = $session->query("SELECT try('$prefix' || $rests{$rest}, '$statement')");
			$session->query('ROLLBACK');
			$found{$rest} = $answer;
			$seen{$answer} = 1;
		}
		is_deeply(\%found, $answers{$prefix}{$statement}, "'$prefix' and every rest in $statement")
			or diag(join(' ', $prefix || '-', $statement, map { "$_=$found{$_}" } sort keys %found));
	}
	# The id of a resumable upload is a value only for ffu.upload_finish().
	next if $prefix eq '' || $prefix eq 'resume:';
	ok($seen{new} || $seen{none} || $seen{kept}, "'$prefix' is accepted with some rest");
	like($reference, $prefix eq 'upload:' ? qr/^\| what `ffu\.file/m : qr/^\|[^|]*`\Q$prefix\E/m, "the reference has '$prefix'");
}
is_deeply([ sort keys %answers ], [ sort @prefixes ], 'every prefix of the source has answers here');
is($session->errors, '', 'no other errors');
$session->quit;
$t->stop;
done_testing();

__DATA__
- INSERT bytes=22023 empty=none gone=23503 hex=22023 nonsense=22023 other=new own=new resumable=23503 upload=22023
- UPDATE bytes=22023 empty=none gone=23503 hex=22023 nonsense=22023 other=new own=kept resumable=23503 upload=22023
copy: INSERT bytes=22023 empty=22023 gone=23503 hex=22023 nonsense=22023 other=new own=new resumable=23503 upload=22023
copy: UPDATE bytes=22023 empty=22023 gone=23503 hex=22023 nonsense=22023 other=new own=new resumable=23503 upload=22023
detach: INSERT bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=22023
detach: UPDATE bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=none resumable=22023 upload=22023
dangle: INSERT bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=22023
dangle: UPDATE bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=kept resumable=22023 upload=22023
resume: INSERT bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=22023
resume: UPDATE bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=22023
upload: INSERT bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=new
upload: UPDATE bytes=22023 empty=22023 gone=22023 hex=22023 nonsense=22023 other=22023 own=22023 resumable=22023 upload=new
data: INSERT bytes=new empty=22P02 gone=22P02 hex=22P02 nonsense=22P02 other=22P02 own=22P02 resumable=22P02 upload=22P02
data: UPDATE bytes=new empty=22P02 gone=22P02 hex=22P02 nonsense=22P02 other=22P02 own=22P02 resumable=22P02 upload=22P02
\x INSERT bytes=22P02 empty=23514 gone=22P02 hex=new nonsense=22P02 other=22P02 own=22P02 resumable=22P02 upload=22P02
\x UPDATE bytes=22P02 empty=23514 gone=22P02 hex=new nonsense=22P02 other=22P02 own=22P02 resumable=22P02 upload=22P02
