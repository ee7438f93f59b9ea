# A dump restored over the database it was made of: pg_restore --clean, and pg_dump
# --clean into psql, in one transaction and not, with --if-exists and not. No error, the
# rows are those of the dump, no file that they name goes, and the folder can be taken
# over again as ffu.status says. (The partitioned table has no primary key: pg_dump --clean
# of 15 fails at that by itself.)

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $t = FfuTest->new('clean', conf => "ffu.fsync = off\n");
my $port = $t->node->connstr('postgres');
my $base = $t->node->basedir;

my $setup = q{
	SET client_min_messages = warning;
	CREATE SCHEMA "My Schema";
	CREATE TABLE blogs (id int PRIMARY KEY, title text);
	SELECT ffu.add_column('blogs', 'video', max_size => '1 MB');
	CREATE TABLE "My Schema".parts (id int) PARTITION BY RANGE (id);
	CREATE TABLE "My Schema".p1 PARTITION OF "My Schema".parts FOR VALUES FROM (0) TO (10);
	CREATE TABLE "My Schema".p2 PARTITION OF "My Schema".parts FOR VALUES FROM (10) TO (20);
	SELECT ffu.add_column('"My Schema".parts', 'f');
	CREATE TABLE textual (id int PRIMARY KEY, f text);
	SELECT ffu.manage_column('textual', 'f');
	INSERT INTO blogs (id, video) SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 3) i;
	INSERT INTO "My Schema".parts (id, f) VALUES (1, ffu.file('b.txt', 'b')), (11, ffu.file('c.txt', 'c'));
	INSERT INTO textual (id, f) VALUES (1, ffu.file('d.txt', 'd'));
};
my $rows = q{SELECT * FROM blogs ORDER BY id; SELECT * FROM "My Schema".parts ORDER BY id; SELECT * FROM textual ORDER BY id};
my $declared = 'SELECT * FROM ffu.columns ORDER BY relation::text, column_name';
my @columns = ('blogs.video', '"My Schema".parts.f', 'textual.f');

# What a dump said, as a list of commands to run.
my %restore = (
	pg_restore => sub {
		my ($dump, @options) = @_;
		return [ 'pg_restore', '--clean', @options, '-d', $port, $dump ];
	},
	psql => sub {
		my ($dump, @options) = @_;
		return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', (grep { $_ eq '-1' } @options), '-f', $dump, '-d', $port ];
	});

foreach my $program (sort keys %restore)
{
	foreach my $options ([], ['-1'], ['--if-exists'], [ '-1', '--if-exists' ])
	{
		my $label = join ' ', $program, '--clean', @$options;
		my $dump = "$base/dump";
		$t->sql($setup);
		my ($before, $columns) = ($t->sql($rows), $t->sql($declared));
		my @files = $t->files;
		my @dump_options = $program eq 'psql' ? ('--clean', grep { $_ ne '-1' } @$options) : ('-Fc');
		$t->node->command_ok([ 'pg_dump', @dump_options, '-f', $dump, $port ], "$label: dumped");

		# What happens after the dump is undone by the restore, but for files that are gone.
		my ($gone) = grep { m{^blogs/3/} } @files;
		$t->sql(q{DELETE FROM blogs WHERE id = 3; INSERT INTO blogs (id, video) VALUES (4, ffu.file('new.txt', 'new'));
			UPDATE blogs SET title = 'changed'});
		$t->sql('SELECT FROM ffu.sweep()');
		my @living = $t->files;
		my ($new) = grep { m{^blogs/4/} } @living;
		is(scalar(grep { $_ eq $gone } @living), 0, "$label: a file has gone since");

		my ($out, $err) = run_command($restore{$program}->($dump, @$options));
		is($err, '', "$label: no error");
		is($t->sql($rows), $before, "$label: the rows are those of the dump");
		is($t->sql($declared), $columns, "$label: and so are the declarations");
		is_deeply([ $t->files ], \@living, "$label: no file has gone");

		# The extension was dropped and made again, and with it the claim.
		is($t->sql('SELECT count(*) FROM ffu.root'), '0', "$label: no folder is claimed");
		like($t->sql('SELECT hint FROM ffu.status'), qr/ffu\.claim_folder/, "$label: ffu.status says what to do");
		$t->fails_with('55000', "INSERT INTO blogs (id, video) VALUES (5, ffu.file('x.txt', 'x'))", "$label: nothing is stored meanwhile");
		is(($t->try('DELETE FROM textual'))[2], '', "$label: rows can go meanwhile");
		is_deeply([ $t->files ], \@living, "$label: and their files stay for now");
		$t->sql("SELECT ffu.claim_folder('$t->{root}')");
		is($t->sql('SELECT problem, hint FROM ffu.status'), '|', "$label: then all is well");
		$t->sql('SELECT FROM ffu.sweep()');
		is($t->sql('SELECT problem, path FROM ffu.check() ORDER BY 1'), "missing|$gone\norphan|$new",
			"$label: the check lists what is not as it was");
		is($t->sql("SELECT convert_from(ffu.content(video), 'UTF8') FROM blogs WHERE id = 1"), 'v1', "$label: files can be read");
		$t->sql(q{DELETE FROM blogs WHERE id = 3; SELECT FROM ffu.repair('orphan', dry_run => false)});
		$t->sql(q{INSERT INTO blogs (id, video) VALUES (6, ffu.file('x.txt', 'x')); DELETE FROM blogs WHERE id = 2});
		$t->sql('SELECT FROM ffu.sweep()');
		$t->folder_is_rows(\@columns, "$label: files follow their rows again");
		$t->sql('SET client_min_messages = warning; DROP TABLE blogs, textual; DROP SCHEMA "My Schema" CASCADE; SELECT FROM ffu.sweep()');
		is_deeply([ $t->files ], [], "$label: and go with their tables");
	}
}

# One table alone: pg_restore -t drops it with its triggers still there.
$t->sql($setup);
my @files = $t->files;
$t->node->command_ok([ 'pg_dump', '-Fc', '-f', "$base/dump", $port ], 'one table: dumped');
my ($out, $err) = run_command([ 'pg_restore', '--clean', '-t', 'textual', '-d', $port, "$base/dump" ]);
unlike($err, qr/error/, 'one table: no error');
is_deeply([ $t->files ], \@files, 'one table: no file has gone');
$t->folder_is_rows(\@columns, 'one table: its rows have their files');

# Outside a restore a trigger is not dropped by itself; nor by a cascade inside one.
$t->fails_with('2BP01', 'DROP TRIGGER zz_ffu_video_5_delete ON blogs', 'DROP TRIGGER is refused');
$t->fails_with('2BP01', 'SET check_function_bodies = off; ALTER TABLE blogs DROP COLUMN video__size CASCADE',
	'the loss of a trigger by a cascade is refused in a restore as well');
$t->stop;
done_testing();
