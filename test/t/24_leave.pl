# The background worker is in the way of nobody: DROP DATABASE and the other commands
# that need a database for themselves succeed while it sweeps there. Each file takes
# it 50 ms here, so that its sweep takes much longer than those commands wait (5 s).

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('leave', preload => 1, conf => "ffu.naptime = 1\n");
my $node = $t->node;
my $n = 0;

# A database in which the worker has 400 files to delete, and is at it.
sub busy_database
{
	my ($owner) = @_;
	my $name = 'busy' . ++$n;
	$t->sql("CREATE DATABASE $name" . ($owner ? " OWNER $owner" : ''));
	my $db = bless { %$t, database => $name, root => "$t->{root}-$name" }, 'FfuTest';
	$db->setup;
	$db->sql(q{
		CREATE TABLE t (id int PRIMARY KEY);
		SELECT ffu.add_column('t', 'f', path_template => '{table}/{token}{ext}');
		INSERT INTO t SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 400) i;
	});
	$t->sql("ALTER DATABASE $name SET ffu.fault = 'sweep-after-remove:slow'");
	$db->sql("SET session_replication_role = replica; DELETE FROM t");
	# Nobody but the worker deletes: the rows went without triggers.
	$db->sql(q{
		INSERT INTO ffu.deletion (root, path)
			SELECT r.id, 't/' || f FROM ffu.root r, pg_ls_dir(r.path || '/t') f});
	is_busy($db);
	return $db;
}

# Waits until a sweeper has removed a file of the database.
sub is_busy
{
	my ($db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok(
		$node->poll_query_until('postgres',
			"SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'ffu sweeper'"
			  . " AND datname = '$db->{database}' AND state = 'active' AND wait_event IS NULL"),
		"the worker sweeps $db->{database}");
}

sub succeeds
{
	my ($sql, $label, %option) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($rc, undef, $err) = $t->try($sql, %option);
	return is("$rc $err", '0 ', $label);
}

my $db = busy_database();
succeeds("CREATE DATABASE copy TEMPLATE $db->{database}", 'CREATE DATABASE ... TEMPLATE');
is_busy($db);
succeeds("ALTER DATABASE $db->{database} RENAME TO other", 'RENAME');
$db->{database} = 'other';
is_busy($db);
$t->sql('SET allow_in_place_tablespaces = on; CREATE TABLESPACE space LOCATION $$$$');
succeeds('ALTER DATABASE other SET TABLESPACE space', 'SET TABLESPACE');
is_busy($db);
succeeds('DROP DATABASE other', 'DROP DATABASE');

# With FORCE, by an owner who may end no process of a superuser
$t->sql('CREATE ROLE owner LOGIN CREATEDB');
$db = busy_database('owner');
succeeds("DROP DATABASE $db->{database} WITH (FORCE)", 'DROP DATABASE ... WITH (FORCE), by its owner', user => 'owner');

# What was left is done, and the database that was made meanwhile left alone.
$db = busy_database();
succeeds("CREATE DATABASE another TEMPLATE $db->{database}", 'a copy once more');
$t->sql("ALTER DATABASE $db->{database} RESET ffu.fault");
ok($node->poll_query_until($db->{database}, 'SELECT count(*) = 0 FROM ffu.deletion'), 'the sweep goes on afterwards');
is_deeply([ $db->files ], [], 'and is complete');
is($t->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu launcher'"), '1', 'the launcher is there');

$t->stop;
done_testing();
