# pg_upgrade, as a drill: the folder stays where it is, is not touched, and is refused
# until ffu.claim_folder() in the new cluster; from then on the old cluster cannot use it.
# The upgrade is from this version to itself, or by way of the older servers that
# script/test upgrade names in FFU_TEST_OLD_SERVERS.

use strict;
use warnings;

use FfuTest qw(slurp);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

# Where the programs of each server are; no name is the server under test.
my @servers = split ' ', $ENV{FFU_TEST_OLD_SERVERS} // '';
@servers = (undef) unless @servers;

my $t = FfuTest->new('first', install_path => $servers[0]);
$t->sql(q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f', max_size => '1 MB');
	CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
	SELECT ffu.add_column('parts', 'f');
	INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 9) i;
	INSERT INTO parts VALUES (1, ffu.file('a.txt', 'part'));
	DELETE FROM docs WHERE id = 5;
});
my %query = (
	rows => 'SELECT * FROM docs ORDER BY id',
	declared => 'SELECT * FROM ffu.columns ORDER BY relation::text',
	paths => 'SELECT * FROM ffu.paths() ORDER BY path',
	urls => 'SELECT d.f_url, d.docs_f_url FROM docs d ORDER BY id');
my $content = "SELECT id, convert_from(ffu.content(f), 'UTF8') FROM docs ORDER BY id";

# The program of a server.
sub program
{
	my ($node, $name) = @_;
	return $node->config_data('--bindir') . "/$name";
}

# The minor versions of November 2026 put an option on every column of every table, which
# other versions do not know. pg_upgrade to those fails with any table.
sub forget_unknown_option
{
	my ($old, $new) = @_;
	return if slurp(program($new, 'postgres')) =~ /pg_attver/;
	my $count = $old->sql(q{
		SET allow_system_table_mods = on;
		WITH u AS (UPDATE pg_attribute SET attoptions = NULL WHERE attoptions::text ~ 'pg_attver' RETURNING 1)
		SELECT count(*) FROM u});
	note "the option pg_attver was taken from $count columns";
	return;
}

my @before;
my $number = 0;
foreach my $server (@servers[ 1 .. $#servers ], undef)
{
	my $old = $t;
	$number++;
	my ($from) = $old->sql('SHOW server_version') =~ /^(\d+)/;
	my $node = PostgreSQL::Test::Cluster->new("new$number", $server ? (install_path => $server) : ());
	my ($to) = $node->pg_version =~ /^(\d+)/;
	my $label = "$from to $to";
	$old->sql('SELECT FROM ffu.sweep()');
	my %was = map { $_ => $old->sql($query{$_}) } keys %query;
	my $contents = $old->sql($content);
	my @files = $old->files;
	forget_unknown_option($old, $node);

	# 18 turns checksums on, which the older ones have not.
	my @checksums = $from < 18 && $to >= 18 ? ('--no-data-checksums') : ();
	$node->init(extra => [ '--no-locale', '--encoding=UTF8', @checksums ]);
	$old->stop;
	chdir $node->basedir or die;
	$node->command_ok(
		[
			program($node, 'pg_upgrade'), '--no-sync',
			'-d', $old->node->data_dir, '-D', $node->data_dir,
			'-b', $old->node->config_data('--bindir'), '-B', $node->config_data('--bindir'),
			'-s', $node->host, '-p', $old->node->port, '-P', $node->port
		],
		"$label: pg_upgrade");
	$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off\n");
	$node->start;
	my $new = bless { %$old, node => $node }, 'FfuTest';
	is($new->sql($query{$_}), $was{$_}, "$label: $_") foreach sort keys %query;
	is_deeply([ $new->files ], \@files, "$label: the folder is not touched");
	is($new->sql('SELECT count(*) FROM ffu.columns WHERE NOT (enabled AND complete)'), '0', "$label: every column is complete");

	# Its claim is dumped with the extension's tables by pg_upgrade, or not: in both
	# cases it is for a human to say that the old cluster is over.
	$new->fails_with('55000', $content, "$label: the folder is refused");
	$new->fails_with('55000', "INSERT INTO docs VALUES (19, ffu.file('a.txt', 'x'))", "$label: and storing in it");
	$new->sql("SELECT ffu.claim_folder('$new->{root}')");
	is($new->sql($content), $contents, "$label: claimed: every file is there");
	$new->sql(qq{
		INSERT INTO docs VALUES (10 + $number, ffu.file('a.txt', 'after $label'));
		UPDATE docs SET f = ffu.file('b.txt', 'new $label') WHERE id = 5 + $number;
		DELETE FROM docs WHERE id = $number;
		SELECT FROM ffu.sweep()});
	$new->folder_is_rows([ 'docs.f', 'parts.f' ], "$label: and files come and go");
	is($new->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$label: ffu.check finds nothing");
	push @before, $old;
	$t = $new;
}

# The event trigger that ties computed fields is restored after them: claiming did it.
$t->sql('DROP TABLE docs; SELECT FROM ffu.sweep()');
$t->folder_is_rows(['parts.f'], 'a plain DROP TABLE works');
my @files = $t->files;
$t->stop;

foreach my $old (@before)
{
	$old->start;
	like($old->fails_with('55000', $content, 'an old cluster cannot use it any more'), qr/last used by another database cluster/, 'and is told why');
	$old->stop;
}
is_deeply([ $t->files ], \@files, 'and touches nothing');
done_testing();
