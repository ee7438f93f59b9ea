# pg_dump and restore: the declarations come back, the files are not touched, and
# the new database cannot get at the files of the old one.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $t = FfuTest->new('dump');
$t->sql(q{
	CREATE SCHEMA "My Schema";
	CREATE TABLE blogs (id int PRIMARY KEY, title text);
	SELECT ffu.add_column('blogs', 'my_video', allowed_extensions => '{txt,mp4}', max_size => '1 MB',
		path_template => '{table}/{token}{ext}', required => true);
	SELECT ffu.add_column('blogs', 'thumb', allowed_mime_types => '{image/*}', content_check => 'warning');
	ALTER TABLE blogs RENAME my_video TO video;
	CREATE TABLE "My Schema"."Parts" (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
	CREATE TABLE "My Schema".p1 PARTITION OF "My Schema"."Parts" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
	SELECT ffu.add_column('"My Schema"."Parts"', 'A File');
	CREATE TABLE "My Schema".p2 PARTITION OF "My Schema"."Parts" FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
	INSERT INTO blogs (id, video) SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 3) i;
	INSERT INTO "My Schema"."Parts" (id, day, "A File")
		VALUES (1, '2026-05-05', ffu.file('b.txt', 'b')), (2, '2027-05-05', ffu.file('c.txt', 'c'));
	DELETE FROM blogs WHERE id = 3;
});
my @columns = ('blogs.video', '"My Schema"."Parts"."A File"');
my @files = $t->files;
my $declared = 'SELECT * FROM ffu.columns ORDER BY relation::text, column_name';
my $rows = 'SELECT * FROM blogs ORDER BY id; SELECT * FROM "My Schema"."Parts" ORDER BY id';
my $links = q{SELECT proname, pg_get_function_sqlbody(oid) FROM pg_proc WHERE prosqlbody IS NOT NULL
	AND pronamespace::regnamespace::text IN ('public', '"My Schema"') ORDER BY 1, 2};
my $triggers = q{SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger
	WHERE tgname ~ 'ffu' ORDER BY tgrelid::regclass::text, tgname};

# Restores into a new database what pg_dump says of the first.
sub restore
{
	my ($name, @options) = @_;
	my $dump = $t->node->basedir . "/$name.sql";
	$t->node->command_ok([ 'pg_dump', '-f', $dump, @options, $t->node->connstr('postgres') ], "$name: dumped");
	$t->sql("CREATE DATABASE $name");
	my ($out, $err) = run_command(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $t->node->connstr($name) ]);
	is($err, '', "$name: restored without a word");
	return bless { %$t, database => $name, root => "$t->{root}-$name" }, 'FfuTest';
}

my $r = restore('restored');
is($r->sql($declared), $t->sql($declared), 'ffu.columns is the same');
is($r->sql($rows), $t->sql($rows), 'so are the rows');
is($r->sql($links), $t->sql($links), 'and the computed fields');
is($r->sql($triggers), $t->sql($triggers), 'and the triggers');
is_deeply([ $t->files ], \@files, 'the restore does not touch the files');
is($r->sql('SELECT (SELECT count(*) FROM ffu.root), (SELECT count(*) FROM ffu.deletion)'),
	'0|0', 'neither the claim nor deletions are restored');

# No folder: files cannot be stored, rows can go, and that is all that goes.
my $insert = "INSERT INTO blogs (id, video) VALUES (10, ffu.file('a.txt', 'new'))";
my $err = $r->fails_with('55000', $insert, 'no folder yet');
like($err, qr/HINT:.*ffu\.claim_folder/, 'with the hint');
is(($r->try("DELETE FROM blogs WHERE id = 1"))[2], '', 'DELETE in the restored database');
is(($r->try('UPDATE "My Schema"."Parts" SET "A File" = NULL WHERE id = 1'))[2], '', 'UPDATE in it');
is(($r->try('TRUNCATE "My Schema"."Parts"'))[2], '', 'TRUNCATE in it');
is_deeply([ $t->files ], \@files, 'the files of the original stay');

# It cannot take the folder of the original, which is in use.
foreach my $function ('use_folder', 'claim_folder')
{
	$r->fails_with('55000', "SELECT ffu.$function('$t->{root}')", "$function of the original's folder");
}
$r->sql("SELECT ffu.use_folder('$r->{root}', abandon_files => true)");
is(($r->try($insert))[2], '', 'it can have one of its own');
is(scalar($r->files), 1, 'where its files are');
$r->sql('SELECT FROM ffu.sweep()');
$r->sql('DELETE FROM blogs WHERE id = 2; SELECT FROM ffu.sweep()');
is_deeply([ $t->files ], \@files, 'the files of the original stay');

# DDL works as in the original.
is(($r->try('ALTER TABLE blogs RENAME COLUMN video TO film; DROP TABLE blogs'))[2], '', 'a plain DROP TABLE works after a restore');
is(($r->try('DROP SCHEMA "My Schema" CASCADE; SELECT FROM ffu.sweep()'))[0], 0, 'so does DROP SCHEMA');
is_deeply([ $r->files ], [], 'its own files go');
is_deeply([ $t->files ], \@files, 'the files of the original stay');

# The schema alone, then the data, with triggers on: paths are those of no file here.
my $e = restore('empty', '--schema-only');
is($e->sql($declared), $t->sql($declared), 'schema only: ffu.columns is the same');
$e->setup;
is(($e->try($insert))[2], '', 'schema only: files can be stored');
$e->sql('SELECT FROM ffu.sweep()');
$e->folder_is_rows(['blogs.video']);

# The original is what it was.
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(\@columns, 'the original: the folder equals the rows');

# A restore in place of the original, which is gone: the folder is taken over.
my $s = restore('successor');
$t->stop;
$t->start;
$t->node->safe_psql('restored', 'DROP DATABASE postgres');
$s->{root} = $t->root;
$s->fails_with('55000', "SELECT ffu.use_folder('$s->{root}')", "use_folder of a dropped database's folder");
$s->sql("SELECT ffu.claim_folder('$s->{root}')");
$s->folder_is_rows(\@columns, 'claim_folder: the folder equals the rows');
is($s->sql("SELECT convert_from(ffu.content(video), 'UTF8') FROM blogs WHERE id = 2"), 'v2', 'and files can be read');
$s->sql('DELETE FROM blogs WHERE id = 2; SELECT FROM ffu.sweep()');
$s->folder_is_rows(\@columns, 'and deleted');

$s->stop;
done_testing();
