# What is accepted, and as what: files as programs write them, files that begin as
# others do, and files that pretend to be something else. test/files/make.py makes
# them; test/files/expected.txt has a line for each:
#
#   name, what becomes of it, the type found, and the policies that take it
#
# "ok" is stored, "content" is refused because the name contradicts the content. With
# FFU_TEST_WRITE=file the table is written there instead of compared.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest qw(slurp);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $here = abs_path(dirname(__FILE__) . '/../files');
my $t = FfuTest->new('filetypes', conf => "fsync = off\nffu.fsync = off\nffu.unused_upload = ignore\n");
my $corpus = $t->node->basedir . '/corpus';
system_or_bail('/usr/bin/python3', '-B', "$here/make.py", $corpus);

my %policy = (
	text => 'text/plain', csv => 'text/csv', json => 'application/json', md => 'text/markdown', pdf => 'application/pdf', zip => 'application/zip',
	docx => 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
	xlsx => 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
	pptx => 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
	ods => 'application/vnd.oasis.opendocument.spreadsheet', xls => 'application/vnd.ms-excel', doc => 'application/msword', epub => 'application/epub+zip',
	image => 'image/*', audio => 'audio/*', video => 'video/*', mp3 => 'audio/mpeg', wav => 'audio/wav', aac => 'audio/aac');
my @policies = sort keys %policy;

$t->sql('CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY); CREATE TABLE found (name text, verdict text, mime text, takes text[]);');
$t->sql("SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}')");
$t->sql("SELECT ffu.add_column('t', 'f_$_', allowed_extensions => '{*}', allowed_mime_types => '{$policy{$_}}')") foreach @policies;
$t->sql(q{
	CREATE FUNCTION put(col text, upload text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		type text;
		why text;
	BEGIN
		EXECUTE format('INSERT INTO t (%I) VALUES ($1) RETURNING %I', col, col || '__mime_type') USING upload INTO type;
		RETURN 'ok ' || type;
	EXCEPTION WHEN check_violation THEN
		GET STACKED DIAGNOSTICS why = CONSTRAINT_NAME;
		RETURN why;
	END
	$$;
	CREATE FUNCTION look(folder text, name text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		-- One upload, tried in each column: a second use is a link.
		upload text := ffu.file(regexp_replace(name, '.*/', ''), pg_read_binary_file(folder || '/' || name));
		answer text := put('f', upload);
		takes text[];
		col text;
	BEGIN
		FOR col IN SELECT column_name FROM ffu.columns WHERE column_name ~ '^f_' ORDER BY 1 LOOP
			IF put(col, upload) ~ '^ok' THEN
				takes := takes || substr(col, 3);
			END IF;
		END LOOP;
		INSERT INTO found SELECT name, CASE WHEN answer ~ '^ok' THEN 'ok' ELSE replace(answer, 'ffu_', '') END, substr(answer, 4), takes;
		IF answer !~ '^ok' THEN
			SET LOCAL ffu.content_check = off;
			UPDATE found f SET mime = substr(put('f', upload), 4) WHERE f.name = look.name;
			SET LOCAL ffu.content_check = error;
		END IF;
		DELETE FROM t;
	END
	$$;
});

sub names
{
	my ($dir) = @_;
	opendir(my $handle, "$corpus/$dir") or die "could not open $corpus/$dir: $!";
	return map { "$dir/$_" } sort grep { !/^\./ || /^\.[a-z]/ } readdir($handle);
}
my @names = map { names($_) } qw(active odd plain wrong);
my %extension = map { /\.([^.]+)$/ ? ($1 => 1) : () } @names;
cmp_ok(scalar(@names), '>=', 400, scalar(@names) . ' files');
cmp_ok(scalar(keys %extension), '>=', 100, scalar(keys %extension) . ' extensions');

$t->sql(join('', map { "SELECT look('$corpus', '$_');\n" } @names));
my $table = $t->sql(q{SELECT format('%s  %s  %s  %s', name, verdict, mime, coalesce(array_to_string(takes, ' '), '-')) FROM found ORDER BY name COLLATE "C"}) . "\n";

# What must be so with every version of libmagic
sub none { my ($condition, $name) = @_; is($t->sql("SELECT name, verdict, mime, takes FROM found WHERE $condition ORDER BY 1"), '', $name); }
none("name ~ '^(plain|odd)/' AND verdict <> 'ok'", 'every good file is stored');
none("name ~ '^wrong/' AND verdict = 'ok'", 'no name that contradicts its content is');
none("name ~ '^active/' AND name !~ '\\.(txt|csv|md|html)\$' AND verdict = 'ok'", 'what a browser or a system runs is stored under no name of a picture, sound, film, document or archive');
none("name ~ '^active/(exe|elf|program)' AND verdict = 'ok'", 'a program is stored under no other name');
none("name ~ '^active/' AND takes && '{text,csv,md,image,audio,video,pdf,zip,docx}' AND mime <> 'image/svg+xml' AND name !~ 'png-then-html'", 'no policy for other types takes it');
none("name ~ '^odd/begins-' AND takes && '{image,audio,video}'", 'a text is no picture, sound or film for a policy, whatever it begins with');
none("name ~ '-html\\.|-svg\\.' AND verdict = 'ok'", 'nor a page behind the first letters of another format');

# What costs libmagic most takes a few times as long as a text of the same size, no more.
# The best of seven says so, however busy the machine is.
$t->sql(q{
	CREATE FUNCTION best(content bytea) RETURNS interval LANGUAGE plpgsql AS $$
	DECLARE
		began timestamptz;
		least interval;
	BEGIN
		FOR i IN 1 .. 7 LOOP
			began := clock_timestamp();
			INSERT INTO t (f) VALUES (ffu.file('a.txt', content));
			least := least(least, clock_timestamp() - began);
		END LOOP;
		DELETE FROM t;
		RETURN least;
	END
	$$});
my %costly = ('line feeds' => '\n', 'markup' => '<', 'carriage returns' => '\r');
foreach my $what (sort keys %costly)
{
	is($t->sql("SELECT best(repeat(e'$costly{$what}', 1000000)::bytea) < 50 * best(repeat(e'a line of text\n', 66666)::bytea)"),
		't', "1 MB of $what is looked at in time");
}

# What this version of libmagic says
my $version = $t->sql('SELECT libmagic_version FROM ffu.status');
if (my $file = $ENV{FFU_TEST_WRITE})
{
	open(my $out, '>', $file) or die "could not write $file: $!";
	print $out $table;
	close($out);
}
my @expected = grep { !/^#/ } split(/\n/, slurp("$here/expected.txt"));
my @got = split(/\n/, $table);
if ($version =~ /5\.44/)
{
	is_deeply(\@got, \@expected, 'each file is what the table says, and each policy takes what the table says');
}
else
{
	# Names of types differ between versions; what becomes of a file does not.
	is_deeply([ map { join ' ', (split /  /)[ 0, 1 ] } @got ], [ map { join ' ', (split /  /)[ 0, 1 ] } @expected ], "with libmagic $version each file is stored or refused as the table says");
}
done_testing();
