# Publications that have ffu's own tables: FOR ALL TABLES, which is the commonest, the
# schema ffu, and one of its tables by name. A subscriber never gets the publisher's
# folder, nor its deletions, and its own are not changed; a subscriber without ffu has to
# have the extension, or a publication of other schemas.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('publisher', conf => "wal_level = logical\n");
my $s = FfuTest->new('subscriber', folder => 0);
my $declare = q{
	CREATE TABLE docs (id int PRIMARY KEY);
	SELECT ffu.add_column('docs', 'f');
};
$t->sql($declare);
$t->sql("INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i");
# Something to do that stays: a snapshot holds a deletion; and a resumable upload.
my $reader = $t->session;
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM docs');
$t->sql('DELETE FROM docs WHERE id = 5');
$t->sql("SELECT ffu.upload_begin('a.txt', resumable => true)");

my %form = (
	everything => 'FOR ALL TABLES',
	schema => 'FOR TABLES IN SCHEMA ffu, public',
	tables => 'FOR TABLE ffu.root, ffu.deletion, ffu.former_name, ffu.upload, docs');
$t->sql("CREATE PUBLICATION $_ $form{$_}") foreach sort keys %form;
$t->sql('CREATE PUBLICATION public FOR TABLES IN SCHEMA public');
my $plain = 'CREATE TABLE docs (id int PRIMARY KEY, f text, f__file_name text, f__mime_type text, f__ext text, f__size bigint, f__sha256 text)';
my $own_rows = 'SELECT (SELECT string_agg(id || path, $$,$$) FROM ffu.root), (SELECT string_agg(id || path || root, $$,$$) FROM ffu.deletion), (SELECT count(*) FROM ffu.upload)';
my $n = 0;

sub database
{
	my ($kind) = @_;
	my $name = 's' . ++$n;
	$s->sql("CREATE DATABASE $name");
	my $db = bless { %$s, database => $name, root => "$s->{root}-$name" }, 'FfuTest';
	if ($kind eq 'without') { $db->sql($plain); }
	else
	{
		$kind eq 'own' ? $db->setup : $db->sql('CREATE EXTENSION ffu');
		$db->sql($declare);
	}
	return $db;
}

sub subscribe
{
	my ($publication) = @_;
	return "CREATE SUBSCRIPTION s$n CONNECTION \$\$" . $t->node->connstr('postgres') . "\$\$ PUBLICATION $publication";
}

# Everything that was there and that changes has arrived.
sub catch_up
{
	my ($db, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($s->node->poll_query_until($db->{database}, "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'"),
		"$label: all tables are synchronized");
	$t->node->wait_for_catchup("s$n");
	is($db->sql('SELECT * FROM docs ORDER BY id'), $t->sql('SELECT * FROM docs ORDER BY id'), "$label: the rows are there");
	return;
}

my $id = 10;
foreach my $form (sort keys %form)
{
	# Without ffu its tables have nowhere to go, as any other table that is not there.
	my $db = database('without');
	my $err = $db->fails_with('3F000', subscribe($form), "$form, without ffu: refused");
	like($err, qr/schema "ffu" does not exist/, 'since the schema is not there');
	foreach my $kind ('own', 'none')
	{
		my $label = "$form, " . ($kind eq 'own' ? 'a folder of its own' : 'no folder');
		$db = database($kind);
		if ($kind eq 'own')
		{
			# With a deletion that has the number of one of the publisher's
			$db->sql("INSERT INTO ffu.deletion (id, root, path) SELECT d.id, r.id, 'docs/9/f-' || repeat('a', 26) || '.txt' FROM ffu.root r, generate_series(1, 3) d(id)");
		}
		my $before = $db->sql($own_rows);
		$db->sql(subscribe($form));
		catch_up($db, $label);
		is($db->sql($own_rows), $before, "$label: nothing of ffu's own has come");
		# Changes: deletions come, are done, and go; the folder is claimed again.
		$id++;
		$t->sql("INSERT INTO docs VALUES ($id, ffu.file('b.txt', 'new')); DELETE FROM docs WHERE id = $id");
		$t->sql('UPDATE ffu.root SET path = path; SELECT FROM ffu.sweep()');
		catch_up($db, "$label, changes");
		is($db->sql($own_rows), $before, "$label: nor is anything changed");
		my $problem = $db->sql('SELECT problem FROM ffu.status');
		is($problem, $kind eq 'own' ? '' : 'No folder for files is set in this database.', "$label: ffu.status");
		if ($kind eq 'none')
		{
			$db->fails_with('55000', 'SELECT ffu.claim_folder()', "$label: claim_folder does not know the publisher's folder");
			like($db->sql('SELECT hint FROM ffu.status'), qr/ffu\.claim_folder.*no other database uses/, "$label: the hint");
		}
		$db->sql("DROP SUBSCRIPTION s$n");
	}
}
is($t->sql('SELECT problem FROM ffu.status'), '', 'the publisher has its folder');

# The way for a subscriber without ffu: the other schemas.
my $db = database('without');
$db->sql(subscribe('public'));
catch_up($db, 'schema public, without ffu');
$db->sql("DROP SUBSCRIPTION s$n");

$reader->quit;
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['docs.f'], 'the publisher keeps its files');
$t->stop;
$s->stop;
done_testing();
