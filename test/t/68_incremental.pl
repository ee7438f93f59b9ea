# Incremental backups (17), as a drill: a full backup, an incremental one of what came
# after, a copy of the folder, and pg_combinebackup give a database with all its files.

use strict;
use warnings;

use FfuTest qw(major);
use Test::More;

plan skip_all => 'incremental backups come with PostgreSQL 17' if major() < 17;

my $t = FfuTest->new('primary', conf => "summarize_wal = on\n");
$t->sql(q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f');
	CREATE TABLE gone (id int PRIMARY KEY);
	SELECT ffu.add_column('gone', 'f');
	INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 20) i;
	INSERT INTO gone SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 3) i;
});
my $primary = $t->node;
$primary->backup('full');

# What comes between: new files, other files, files that go, a table that goes.
my $manifest = $primary->backup_dir . '/full/backup_manifest';
foreach my $round (1, 2)
{
	$t->sql(qq{
		INSERT INTO docs SELECT $round * 100 + i, ffu.file('b.txt', convert_to('w' || i, 'UTF8')) FROM generate_series(1, 5) i;
		UPDATE docs SET f = ffu.file('c.txt', convert_to('round $round', 'UTF8')) WHERE id = $round;
		DELETE FROM docs WHERE id = 10 + $round;
		SELECT FROM ffu.sweep();
	});
	$t->sql('DROP TABLE gone') if $round == 2;
	my $prepared = "BEGIN; INSERT INTO docs VALUES (50 + $round, ffu.file('p.txt', 'prepared')); PREPARE TRANSACTION 'p$round'";
	$t->sql($prepared);
	$primary->backup("part$round", backup_options => [ '--incremental', $manifest ]);
	$manifest = $primary->backup_dir . "/part$round/backup_manifest";
	$t->sql("COMMIT PREPARED 'p1'") if $round == 1;
}

# The database was backed up first, and the folder after it.
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs ORDER BY id";
my $was = $t->sql($content);
my $copy = $primary->backup_dir . '/folder';
system('cp', '-a', $t->root, $copy) == 0 or die 'cp';
$t->sql("ROLLBACK PREPARED 'p2'; SELECT FROM ffu.sweep()");
my @files = $t->files;

my $node = PostgreSQL::Test::Cluster->new('restored');
$node->init_from_backup($primary, 'part2', combine_with_prior => [ 'full', 'part1' ]);
my $s = bless { %$t, node => $node, root => $node->basedir . '/root' }, 'FfuTest';
system('cp', '-a', $copy, $s->root) == 0 or die 'cp';
$node->start;
is($s->sql('SELECT count(*) FROM docs'), $t->sql('SELECT count(*) FROM docs'), 'the combined backup has the rows');
my $err = $s->fails_with('55000', $content, 'the folder is refused');
like($err, qr/claim_folder/, 'with what to do');
is_deeply([ $t->files ], \@files, "the primary's folder is not touched");
# A claim waits for transactions that were prepared.
$s->sql("COMMIT PREPARED 'p2'");
$s->sql("SELECT ffu.claim_folder('$s->{root}')");
is($s->sql("SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs WHERE id <> 52 ORDER BY id"), $was,
	'claimed: every file is there');
is($s->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM docs WHERE id = 52"), 'prepared', 'that of a prepared transaction too');
$s->sql("INSERT INTO docs VALUES (90, ffu.file('n.txt', 'new')); DELETE FROM docs WHERE id < 5; SELECT FROM ffu.sweep()");
$s->folder_is_rows(['docs.f'], 'files come and go');
is($s->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', 'ffu.check finds nothing');
is_deeply([ $t->files ], \@files, "the primary's folder is its own");
$t->folder_is_rows(['docs.f'], 'and equals its rows');
$node->stop;
$t->stop;
done_testing();
