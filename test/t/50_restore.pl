# Dump and restore in every form that pg_dump has: whole, in sections, one table, in
# parallel, and the data alone into tables that have their triggers, with and without
# ffu.restore. The declarations, rows and computed fields come back, and with a copy of
# the folder beside it and claimed the files.

use strict;
use warnings;

use FfuTest;
use File::Path qw(make_path);
use IPC::Run ();
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $t = FfuTest->new('restore');
my $dir = $t->node->basedir;
$t->sql(q{
	CREATE TABLE blogs (id int PRIMARY KEY, title text);
	SELECT ffu.add_column('blogs', 'video', allowed_extensions => '{txt,md}', max_size => '1 MB');
	CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
	CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
	CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
	SELECT ffu.add_column('parts', 'f', path_template => '{table}/{token}{ext}');
	INSERT INTO blogs SELECT i, 't' || i, ffu.file('my name ' || i || '.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 20) i;
	SELECT ffu.add_attachments('blogs', 'photos', '{txt}');
	SELECT ffu.attach('blogs_photos', 7, ffu.file(i || '.txt', 'photo')) FROM generate_series(1, 3) i;
	INSERT INTO blogs VALUES (21, 'none', NULL), (22, 'copy', (SELECT video FROM blogs WHERE id = 1));
	INSERT INTO parts (id, day, f) VALUES (1, '2026-05-05', ffu.file('b.txt', 'b')), (2, '2027-05-05', ffu.file('c.txt', 'c'));
});
my @columns = ('blogs.video', 'blogs_photos.file', 'parts.f');
my $declared = 'SELECT * FROM ffu.columns ORDER BY relation::text, column_name';
my $blogs = 'SELECT * FROM blogs ORDER BY id';
my $rows = "$blogs; SELECT * FROM parts ORDER BY id";
my $links = 'SELECT b.video_url, b.blogs_video_url FROM blogs b ORDER BY id';
my $attached = 'SELECT b.photos_urls, b.blogs_photos_urls FROM blogs b WHERE id = 7';
my $manifest = 'SELECT * FROM ffu.paths() ORDER BY path';
my $content = "SELECT id, convert_from(ffu.content(video), 'UTF8') FROM blogs ORDER BY id";
my $names = 'SELECT id, video__file_name, video__mime_type, video__ext, video__size, video__sha256 FROM blogs ORDER BY id';

# The manifest is what is in the folder, in all tables, in one, and in one partition.
is_deeply([ split /\n/, $t->sql('SELECT path FROM ffu.paths() ORDER BY path COLLATE "C"') ], [ $t->files ], 'ffu.paths: every file');
is($t->sql('SELECT count(*), sum(size) FROM ffu.paths(\'blogs\')'), '21|53', 'ffu.paths of a table');
is($t->sql('SELECT relation, column_name, path = (SELECT f FROM p1), size, sha256 = encode(sha256(\'b\'), \'hex\') FROM ffu.paths(\'p1\')'),
	'p1|f|t|1|t', 'ffu.paths of a partition');
$t->fails_with('55000', "CREATE TABLE plain (id int); SELECT * FROM ffu.paths('plain')", 'ffu.paths of a table without file columns');

my $n = 0;

# An empty database of its own.
sub database
{
	my $name = 'r' . ++$n;
	$t->sql("CREATE DATABASE $name");
	return bless { %$t, database => $name, root => "$t->{root}-$name" }, 'FfuTest';
}

# A program of PostgreSQL's, that must say nothing.
sub quiet
{
	my ($label, @command) = @_;
	my ($out, $err) = run_command(\@command);
	return is($err, '', $label);
}

sub dump_to
{
	my ($name, @options) = @_;
	my $file = "$dir/$name";
	quiet("$name: dumped", 'pg_dump', '-f', $file, @options, $t->node->connstr('postgres'));
	return $file;
}

# pg_restore, or psql for a plain file; $setting is given to its sessions.
sub load
{
	my ($db, $file, $setting, @options) = @_;
	local $ENV{PGOPTIONS} = $setting ? "-c $setting" : '';
	my $to = $t->node->connstr($db->{database});
	return quiet("loaded @options",
		$file =~ /plain/
		? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $to)
		: ('pg_restore', '--exit-on-error', @options, '-d', $to, $file));
}

# A copy of the original's folder, as a backup has it. A folder that another database
# of this very cluster claims cannot be claimed, so what says so is left out.
sub copy_folder
{
	my ($db) = @_;
	system('cp', '-a', "$t->{root}/.", $db->{root}) == 0 or die 'cp';
	return;
}

sub same
{
	my ($db, $label) = @_;
	is($db->sql($declared), $t->sql($declared), "$label: ffu.columns");
	is($db->sql($rows), $t->sql($rows), "$label: rows");
	is($db->sql($links), $t->sql($links), "$label: computed fields");
	is($db->sql($attached), $t->sql($attached), "$label: attachments");
	is($db->sql($manifest), $t->sql($manifest), "$label: ffu.paths");
	is($db->sql('SELECT count(*) FROM ffu.columns WHERE enabled AND complete'), 3, "$label: triggers");
	return;
}

# Whole: every format.
my %format = (plain => ['-Fp'], custom => ['-Fc'], directory => [ '-Fd', '-j2' ], tar => ['-Ft']);
foreach my $format (sort keys %format)
{
	my $file = dump_to("whole-$format", @{ $format{$format} });
	my $db = database();
	my $parallel = $format eq 'directory' || $format eq 'custom';
	load($db, $file, $parallel ? ('ffu.restore=on', '-j2') : (''));
	same($db, "whole, $format");
}

# In a parallel restore the triggers of a partitioned table wait for nothing: any of
# them can be there when the rows of a partition come. pg_restore -L makes each such
# order. With ffu.restore all is well in every order; without it the first row that
# meets a trigger is refused, and says what to do.
sub in_order
{
	my ($label, $pattern) = @_;
	my @items = split /\n/, (run_command([ 'pg_restore', '-l', "$dir/whole-custom" ]))[0];
	my @early = grep { / TRIGGER public parts $pattern/ } @items;
	cmp_ok(scalar @early, '>', 0, "$label: there are such triggers");
	my @rest = grep { !/ TRIGGER public parts $pattern/ } @items;
	my ($first_data) = grep { $rest[$_] =~ / TABLE DATA / } 0 .. $#rest;
	splice @rest, $first_data, 0, @early;
	my $list = "$dir/list-" . ($label =~ s/\W+/-/gr);
	PostgreSQL::Test::Utils::append_to_file($list, join("\n", @rest) . "\n");
	my $db = database();
	load($db, "$dir/whole-custom", 'ffu.restore=on', '-L', $list);
	same($db, "$label before the rows");
	$db = database();
	my ($out, $err) = run_command([ 'pg_restore', '--exit-on-error', '-L', $list, '-d', $t->node->connstr($db->{database}), "$dir/whole-custom" ]);
	return $err;
}
like(in_order('the AFTER trigger', 'zz_ffu_f_3_insert'),
	qr/has lost its BEFORE trigger.*PGOPTIONS='-c ffu.restore=on'/s, 'refused without ffu.restore, with what to do');
like(in_order('the BEFORE trigger', 'zz_ffu_f_1_set'), qr/no folder for files is set/, 'refused without ffu.restore');
like(in_order('all triggers', 'zz_ffu_f_'), qr/no folder for files is set/, 'refused without ffu.restore');

# In three sections; the triggers are in the last.
my $custom = "$dir/whole-custom";
my $sections = database();
load($sections, $custom, '', "--section=$_") foreach ('pre-data', 'data', 'post-data');
same($sections, 'sections');

# One table, into a database that has the extension. A dump of a table has no functions.
my $one = database();
$one->sql('CREATE EXTENSION ffu');
load($one, dump_to('one-plain', '-t', 'blogs'), '');
is($one->sql($blogs), $t->sql($blogs), 'one table: rows');
is($one->sql("SELECT relation, enabled, complete FROM ffu.columns"), 'blogs|t|t', 'one table: declared');
$one->sql("SELECT ffu.add_url_functions('blogs', 'video')");
is($one->sql($links), $t->sql($links), 'one table: ffu.add_url_functions brings the computed fields back');
is(($one->try('DROP TABLE blogs'))[2], '', 'and they go with the table');

# The data alone.
my $schema = dump_to('schema-plain', '--schema-only');
my $data = dump_to('data-custom', '-Fc', '--data-only');
my $data_dir = dump_to('data-directory', '-Fd', '--data-only', '-j2');
my $data_plain = dump_to('data-plain', '--data-only');
my $inserts = dump_to('inserts-plain', '--data-only', '--inserts');
my $columns = dump_to('columns-plain', '--data-only', '--column-inserts', '--rows-per-insert=7');
my $disabled = dump_to('disabled-plain', '--data-only', '--disable-triggers');

sub prepared
{
	my $db = database();
	load($db, $schema, '');
	return $db;
}

# Loads data with ffu.restore. A parallel restore of data alone knows no order of tables,
# so that foreign keys come afterwards.
sub load_data
{
	my ($db, $file, @options) = @_;
	my $parallel = grep { $_ eq '-j2' } @options;
	my $key = $db->sql(q{SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ffu_parent'});
	$db->sql('ALTER TABLE blogs_photos DROP CONSTRAINT ffu_parent') if $parallel;
	load($db, $file, 'ffu.restore=on', @options);
	$db->sql("ALTER TABLE blogs_photos ADD CONSTRAINT ffu_parent $key") if $parallel;
	return;
}

# With ffu.restore they come as they are, with a folder or without one.
foreach my $case ([ $data ], [ $data, '-j2' ], [ $data_dir, '-j2' ], [$data_plain], [$inserts], [$columns], [ $data, '--disable-triggers' ])
{
	my ($file, @options) = @$case;
	my $db = prepared();
	load_data($db, $file, @options);
	same($db, "data only, ffu.restore: @options");
}
{
	my $db = prepared();
	load($db, $disabled, '');
	same($db, 'data only, --disable-triggers');
}

# Without it a path has to be that of a file, and the row gets a copy of it.
{
	my $db = prepared();
	local $ENV{PGOPTIONS} = '';
	my ($out, $err) = run_command([ 'pg_restore', '--exit-on-error', '-d', $t->node->connstr($db->{database}), $data ]);
	like($err, qr/no folder for files is set/, 'data only: refused without a folder');
	$db->setup;
	($out, $err) = run_command([ 'pg_restore', '--exit-on-error', '-d', $t->node->connstr($db->{database}), $data ]);
	like($err, qr/there is no file with this path/, 'data only: refused without the files');
	$db->folder_is_rows([], 'and nothing is left');
	system('cp', '-a', glob("$t->{root}/*"), $db->{root}) == 0 or die 'cp';
	load($db, $data, '');
	is($db->sql($content), $t->sql($content), 'data only, files in place: every file is there');
	is($db->sql($names), $t->sql($names), 'with its companions');
	is($db->sql('SELECT count(*) FROM ffu.paths()'), 26, 'all of them');
	is_deeply([ grep { my $path = $_; grep { $_ eq $path } $t->files } split /\n/, $db->sql('SELECT path FROM ffu.paths()') ],
		[], 'under paths of their own');
	is($db->sql($declared), $t->sql($declared), 'and the declarations are the same');
}

# What ffu.restore does and does not do, in a database with a folder.
my $db = prepared();
$db->setup;
$db->sql("INSERT INTO blogs VALUES (1, 'mine', ffu.file('a.txt', 'mine'))");
my ($path) = $db->files;
my $fake = 'blogs/9/video-' . 'a' x 26 . '.txt';
$db->fails_with('42501', "LOAD 'ffu'; CREATE ROLE somebody; SET ROLE somebody; SET ffu.restore = on", 'ffu.restore: superusers only');
is($db->sql("SET ffu.restore = on; INSERT INTO blogs VALUES (2, '', '$fake', 'sent', 'a/b', 'txt', 7, 'x') RETURNING video, video__file_name, video__size"),
	"$fake|sent|7", 'as it is, with the companions as sent');
$db->sql("SET ffu.restore = on; INSERT INTO blogs VALUES (3, '', ffu.file('b.txt', 'new')), (4, '', 'data:,new'), (5, '', '')");
is($db->sql("SELECT convert_from(ffu.content(video), 'UTF8') FROM blogs WHERE id IN (3, 4)"), "new\nnew", 'uploads are stored as always');
$db->fails_with('22023', "SET ffu.restore = on; INSERT INTO blogs VALUES (6, '', 'no path')", 'not what is no path');
$db->fails_with('23503', "SET ffu.restore = on; UPDATE blogs SET video = '$fake' WHERE id = 1", 'UPDATE assigns as always');
$db->sql("SET ffu.restore = on; INSERT INTO blogs VALUES (7, '', '$path'); DELETE FROM blogs WHERE id = 7; SELECT FROM ffu.sweep()");
ok(-e "$db->{root}/$path", 'DELETE does not remove what another row has');
$db->sql("UPDATE blogs SET video = NULL WHERE id IN (1, 2); SELECT FROM ffu.sweep()");
$db->folder_is_rows(['blogs.video'], 'the folder equals the rows');
# A row that moves to another partition is no restored row.
$db->sql("INSERT INTO parts (id, day, f) VALUES (1, '2026-01-01', ffu.file('a.txt', 'moves'))");
$db->sql("SET ffu.restore = on; UPDATE parts SET day = '2027-01-01'; SELECT FROM ffu.sweep()");
$db->folder_is_rows([ 'blogs.video', 'parts.f' ], 'a moved row gets a new path');
is($db->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM p2"), 'moves', 'and its file is there');
# Not a path that is going to be removed.
my $held = $db->session;
$held->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM blogs');
my $going = $db->sql('SELECT video FROM blogs WHERE id = 3');
$db->sql('DELETE FROM blogs WHERE id = 3');
like($db->fails_with('23503', "SET ffu.restore = on; INSERT INTO blogs VALUES (3, '', '$going')", 'a path that is going to be removed'),
	qr/HINT:.*ffu\.sweep/, 'with a hint');
$held->quit;

# A restored database without a folder, of which the data are brought once more: nothing
# has removed the files of the first time.
foreach my $again ('TRUNCATE blogs, blogs_photos, parts', 'DELETE FROM blogs; DELETE FROM parts')
{
	my $twice = prepared();
	load($twice, $data, 'ffu.restore=on');
	$twice->sql($again);
	is($twice->sql('SELECT count(*) FROM ffu.deletion'), '26', "$again: deletions without a folder");
	$twice->sql("BEGIN; SET LOCAL ffu.restore = on; INSERT INTO blogs VALUES (1, '', (SELECT path FROM ffu.deletion LIMIT 1)); ROLLBACK");
	is($twice->sql('SELECT count(*) FROM ffu.deletion'), '26', "$again: rolled back, they are there again");
	load($twice, $data, 'ffu.restore=on');
	same($twice, "data twice, $again");
	is($twice->sql('SELECT count(*) FROM ffu.deletion'), '0', "$again: nothing is to be deleted");
	copy_folder($twice);
	$twice->sql("SELECT ffu.claim_folder('$twice->{root}'); SELECT FROM ffu.sweep()");
	is($twice->sql($content), $t->sql($content), "$again: every file is there");
	is($twice->sql('SELECT count(*) FROM ffu.check()'), '0', "$again: and all is well");
}

# The whole way: the original is gone, its folder's copy is put beside the restored
# rows and claimed.
my $heir = prepared();
load_data($heir, $data, '-j2');
copy_folder($heir);
my %was = (content => $t->sql($content), rows => $t->sql($rows));
$t->restart;
$heir->sql('DROP DATABASE postgres');
$heir->sql("SELECT ffu.claim_folder('$heir->{root}')");
is($heir->sql($content), $was{content}, 'after ffu.claim_folder every file is there');
is($heir->sql($rows), $was{rows}, 'and rows are as they were');
$heir->folder_is_rows(\@columns);
$heir->sql('DELETE FROM blogs; TRUNCATE parts; SELECT FROM ffu.sweep()');
$heir->folder_is_rows(\@columns, 'and files go with them');

$heir->stop;
done_testing();
