# The schema ffu belongs to the extension: it is not in a dump, goes with DROP EXTENSION,
# and nobody else's is taken for it. So a role without rights restores into a database
# that a superuser has prepared, and meets no error.

use strict;
use warnings;

use FfuTest qw(slurp);
use PostgreSQL::Test::Utils qw(run_command system_or_bail);
use Test::More;

my $t = FfuTest->new('member', folder => 0);
my $members = q{SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND classid = 'pg_namespace'::regclass AND objid = 'ffu'::regnamespace};

# Whoever has a schema of the name, however it came about, keeps it.
$t->sql('CREATE ROLE app LOGIN CREATEDB; CREATE ROLE mallory LOGIN');
foreach my $owner ('mallory', 'postgres')
{
	foreach my $how ('CREATE EXTENSION ffu', 'CREATE EXTENSION ffu SCHEMA pg_catalog', 'CREATE EXTENSION ffu CASCADE')
	{
		$t->sql("CREATE SCHEMA ffu AUTHORIZATION $owner; CREATE FUNCTION ffu._name(regclass) RETURNS name LANGUAGE sql AS 'SELECT NULL::name'");
		my $err = $t->fails_with('42P06', $how, "$how: a schema of $owner is there");
		like($err, qr/DETAIL:\s+It is owned by role "$owner"/, 'whose it is');
		is($t->sql("SELECT count(*) FROM pg_extension WHERE extname = 'ffu'"), '0', 'nothing is installed');
		$t->sql("DROP SCHEMA ffu CASCADE");
	}
}
$t->fails_with('0A000', 'CREATE EXTENSION ffu SCHEMA public', 'another schema');

# The search path of whoever installs it does not matter.
foreach my $path (q{''}, 'evil, pg_catalog', 'pg_temp, public')
{
	$t->sql(qq{
		CREATE SCHEMA evil;
		CREATE FUNCTION evil.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
		SET search_path = $path;
		CREATE EXTENSION ffu;
	});
	is($t->sql($members), '1', "search_path = $path: the schema is a member");
	is($t->sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'ffu'::regnamespace AND prosrc ~ 'extschema'"), '0', 'nothing is left to fill in');
	$t->sql('SET client_min_messages = warning; DROP EXTENSION ffu; DROP SCHEMA evil CASCADE');
	is($t->sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'ffu'"), '0', 'and goes with it');
}

# A dump has the extension and nothing of its schema.
$t->setup;
$t->sql(q{
	GRANT ALL ON SCHEMA public TO app;
	SELECT ffu.grant_columns('app');
	SET ROLE app;
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{txt}');
});
my $structure = $t->node->basedir . '/structure.sql';
my %options = ('Rails' => [qw(--schema-only --no-privileges --no-owner)], 'whole' => []);
foreach my $kind (sort keys %options)
{
	system_or_bail('pg_dump', '-f', $structure, @{ $options{$kind} }, $t->node->connstr('postgres'));
	my $dump = slurp($structure);
	unlike($dump, qr/(?:CREATE|COMMENT ON|ALTER) SCHEMA (?:IF NOT EXISTS )?ffu/, "$kind: the schema is not in the dump");
	unlike($dump, qr/COMMENT ON EXTENSION/, "$kind: nor what only the owner of the extension may do");
	like($dump, qr/CREATE EXTENSION IF NOT EXISTS ffu/, "$kind: the extension is");
}

# The owner of a prepared database restores a structure without an error, with both programs.
system_or_bail('pg_dump', '-f', $structure, @{ $options{Rails} }, $t->node->connstr('postgres'));
system_or_bail('pg_dump', '-Fc', '-f', "$structure.dump", @{ $options{Rails} }, $t->node->connstr('postgres'));
my $n = 0;
foreach my $command ([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $structure, '-d' ],
	[ 'pg_restore', '--exit-on-error', "$structure.dump", '-d' ])
{
	my $db = bless { %$t, database => 'app' . ++$n }, 'FfuTest';
	$t->sql("CREATE DATABASE $db->{database} OWNER app");
	$db->sql("CREATE EXTENSION ffu; SELECT ffu.grant_columns('app')");
	local $ENV{PGUSER} = 'app';
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	my ($out, $err) = run_command([ @$command, $t->node->connstr($db->{database}) . ' user=app' ]);
	is($err, '', "$command->[0]: the owner of the database restores without a word");
	delete local $ENV{PGUSER};
	is($db->sql('SELECT relation, allowed_extensions, complete FROM ffu.columns'), 't|{txt}|t', "$command->[0]: the column is declared");
}

$t->stop;
done_testing();
