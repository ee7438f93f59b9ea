# A row that came round the triggers has the path of another row's file. It is deleted,
# updated or dropped like any other, and the other row's file stays. What such a row
# cannot prove is verified; where no other row has the path, the file goes.

use strict;
use warnings;

use FfuTest qw(slurp);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils qw(run_command);
use Test::More;

my $t = FfuTest->new('round', conf => "wal_level = logical\nffu.naptime = 1s\n");
my $sweep = 'SELECT FROM ffu.sweep()';
$t->sql(q{
	CREATE TABLE victim (id int PRIMARY KEY);
	SELECT ffu.add_column('victim', 'f');
	CREATE TABLE thief (id int PRIMARY KEY);
	SELECT ffu.add_column('thief', 'f');
	INSERT INTO victim VALUES (1, ffu.file('a.txt', 'mine'));
});
my $path = $t->sql('SELECT f FROM victim');
my $spare = $t->node->basedir . '/spare';
system('cp', '-a', $t->root . "/$path", $spare) == 0 or die 'cp';
my $content = "SELECT convert_from(ffu.content(f), 'UTF8') FROM victim WHERE id = 1";
my $put = "INSERT INTO thief VALUES (1, '$path')";
my $replica = "SET session_replication_role = replica; $put; RESET session_replication_role";

# The victim's row still has its file, and no deletion is left that could take it.
sub stays
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql("$sweep; $sweep");
	is(($t->try($content))[1], 'mine', "$label: the other row's file stays");
	# Lost, it comes back, so that each way is tested by itself.
	if (!-e $t->root . "/$path")
	{
		make_path(dirname($t->root . "/$path"));
		system('cp', '-a', $spare, $t->root . "/$path") == 0 or die 'cp';
	}
	return is($t->sql("SELECT count(*) FROM ffu.deletion WHERE path = '$path'"), '0',
		"$label: and no deletion of it is left");
}

# Every way in, then an ordinary DELETE.
my %way = (
	'ffu.restore, INSERT' => "SET ffu.restore = on; $put",
	'ffu.restore, COPY' => "SET ffu.restore = on; COPY thief (id, f) FROM stdin;\n1\t$path\n\\.\n",
	'replica role' => $replica,
	'disabled triggers' => "ALTER TABLE thief DISABLE TRIGGER USER; $put; ALTER TABLE thief ENABLE TRIGGER USER",
	'UPDATE in replica role' => "INSERT INTO thief VALUES (1); SET session_replication_role = replica; UPDATE thief SET f = '$path'",
);
foreach my $label (sort keys %way)
{
	$t->sql($way{$label});
	is($t->sql('SELECT f FROM thief'), $path, "$label: the row has the path");
	$t->sql('DELETE FROM thief');
	stays($label);
}

# Every way out.
my %out = (
	'UPDATE to a file' => "UPDATE thief SET f = ffu.file('b.txt', 'b'); DELETE FROM thief",
	'UPDATE to NULL' => 'UPDATE thief SET f = NULL; DELETE FROM thief',
	'relocated' => "UPDATE thief SET f = 'copy:' || f; DELETE FROM thief",
	'detached' => "UPDATE thief SET f = 'detach:' || f; DELETE FROM thief; SELECT ffu.delete_detached('$path')",
	'TRUNCATE' => 'TRUNCATE thief',
	'rolled back to a savepoint' => 'BEGIN; SAVEPOINT s; DELETE FROM thief; ROLLBACK TO s; DELETE FROM thief; COMMIT',
	'two-phase commit' => "BEGIN; DELETE FROM thief; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'",
	'drop_column' => "SELECT ffu.drop_column('thief', 'f'); SELECT ffu.add_column('thief', 'f'); DELETE FROM thief",
	'DROP TABLE' => "DROP TABLE thief; CREATE TABLE thief (id int PRIMARY KEY); SELECT ffu.add_column('thief', 'f')",
);
foreach my $label (sort keys %out)
{
	$t->sql($replica);
	$t->sql($out{$label});
	stays($label);
}

$t->sql($replica);
like($t->fails_with('55000', "UPDATE thief SET f = 'dangle:' || f", 'its path cannot dangle'), qr/HINT:.*'copy:'/, 'with a hint');
$t->sql("UPDATE thief SET f = 'copy:' || f; UPDATE thief SET f = 'dangle:' || f; DELETE FROM thief");
stays('a copy that dangled');

subtest 'a table that has rows when it is declared' => sub {
	$t->sql("CREATE TABLE copy AS SELECT id, f FROM victim; SELECT ffu.manage_column('copy', 'f', keep_values => true); DELETE FROM copy");
	stays('CREATE TABLE AS');
	$t->sql("ALTER TABLE copy ADD g text; INSERT INTO copy (id) VALUES (2)");
	$t->sql("ALTER TABLE copy DROP g, ADD g text DEFAULT '$path'; SELECT ffu.manage_column('copy', 'g', keep_values => true); DELETE FROM copy");
	stays('ADD COLUMN with a default');
	$t->sql('DROP TABLE copy');
};

subtest 'partitions' => sub {
	$t->sql(qq{
		CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
		SELECT ffu.add_column('parts', 'f');
		CREATE TABLE part AS SELECT * FROM victim;
		ALTER TABLE part ALTER id SET NOT NULL;
		ALTER TABLE parts ATTACH PARTITION part FOR VALUES FROM (0) TO (10);
		DELETE FROM parts});
	stays('ATTACH PARTITION of a table with rows');
	$t->sql("SET session_replication_role = replica; INSERT INTO parts SELECT * FROM victim; RESET session_replication_role;
		ALTER TABLE parts DETACH PARTITION part; DROP TABLE part");
	stays('a partition that was detached and dropped');
	$t->sql('DROP TABLE parts');
};

subtest 'a row of the same table' => sub {
	$t->sql("SET ffu.restore = on; INSERT INTO victim VALUES (2, '$path'); DELETE FROM victim WHERE id = 2");
	stays('the same column');
	$t->sql("SELECT ffu.add_column('victim', 'g'); SET session_replication_role = replica; UPDATE victim SET g = f; RESET session_replication_role;
		UPDATE victim SET g = NULL");
	stays('another column of the same row');
	$t->sql("SELECT ffu.drop_column('victim', 'g')");
};

subtest 'within a transaction' => sub {
	$t->sql("BEGIN; INSERT INTO victim VALUES (3, ffu.file('a.txt', 'new')); SET LOCAL session_replication_role = replica;
		INSERT INTO thief SELECT * FROM victim WHERE id = 3; SET LOCAL session_replication_role = origin; DELETE FROM thief; COMMIT");
	$t->sql("$sweep; $sweep");
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM victim WHERE id = 3"), 'new', 'a file made by the same transaction is published');
	$t->sql('DELETE FROM victim WHERE id = 3');
	$t->folder_is_rows(['victim.f']);
};

subtest 'rows that are not committed' => sub {
	my $file = $t->sql("INSERT INTO victim VALUES (4, ffu.file('a.txt', 'four')) RETURNING f");
	my $other = $t->session;
	$t->sql("ALTER TABLE victim RENAME TO renamed; DELETE FROM renamed WHERE id = 4; ALTER TABLE renamed RENAME TO victim");
	$other->query("BEGIN; SET LOCAL session_replication_role = replica; INSERT INTO thief VALUES (4, '$file')");
	is($t->sql('SELECT waiting, deleted FROM ffu.sweep()'), '1|0', 'a row in progress holds the verification up');
	$other->query('COMMIT');
	$t->sql($sweep);
	ok(-e $t->root . "/$file", 'and keeps the file once it is committed');
	$t->sql("DELETE FROM thief; $sweep");
	ok(!-e $t->root . "/$file", 'which goes with the last row that has it');
	$other->quit;
};

$t->sql($replica);
$t->sql('DELETE FROM thief');
unlike(($t->try("SET client_min_messages = log; $sweep"))[2], qr/is not deleted/, 'a client is not told of the path');
stays('the log');

subtest 'a table that is locked' => sub {
	my $other = $t->session;
	$t->sql("INSERT INTO thief VALUES (5, ffu.file('a.txt', 'five')); UPDATE thief SET id = 6; DELETE FROM thief");
	$other->query('BEGIN; LOCK TABLE victim');
	is($t->sql('SELECT waiting, deleted FROM ffu.sweep()'), '1|0', 'it is not waited for, and nothing is removed');
	is($t->sql('SELECT state, held_by FROM ffu.pending_deletions'), 'doubtful|lock: table public.victim, process ' . $other->pid, 'ffu.pending_deletions says why');
	$other->query('COMMIT');
	is($t->sql('SELECT waiting, deleted FROM ffu.sweep()'), '0|1', 'the next sweep does it, and removes the file');
	$other->quit;
	$t->folder_is_rows(['victim.f']);
};

subtest 'with ffu.deletion_delay' => sub {
	my $delay = sub {
		$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = $_[0]\n");
		$t->node->reload;
		$t->node->poll_query_until('postgres', "SELECT current_setting('ffu.deletion_delay') = '$_[0]' FROM ffu.file(NULL, NULL)") or die;
	};
	$delay->('1h');
	$t->sql($replica);
	$t->sql('DELETE FROM thief');
	stays('not moved out of reach');
	my $other = $t->sql("INSERT INTO thief VALUES (1, ffu.file('a.txt', 'x')); UPDATE thief SET id = 2; DELETE FROM thief RETURNING f");
	$t->sql($sweep);
	is($t->sql('SELECT state FROM ffu.deletion'), 'kept', 'what no row has is kept');
	$delay->('0');
	$t->sql($sweep);
	$t->folder_is_rows(['victim.f']);
};

subtest 'what a crash leaves' => sub {
	$t->sql($replica);
	$t->sql('DELETE FROM thief');
	$t->crash;
	$t->start;
	is($t->sql($content), 'mine', 'the file is there after a crash');
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '1', 'and so is the deletion');
	$t->sql("INSERT INTO thief VALUES (9); UPDATE thief SET f = ffu.file('a.txt', 'x'); DELETE FROM thief");
	is($t->sql($content), 'mine', 'the first use of a session leaves the file alone');
	stays('after a crash');
};

subtest 'logical replication' => sub {
	my $publisher = FfuTest->new('publisher', folder => 0, conf => "wal_level = logical\n");
	$publisher->sql("CREATE TABLE thief (id int PRIMARY KEY, f text); INSERT INTO thief VALUES (1, '$path'); CREATE PUBLICATION p FOR TABLE thief");
	$t->sql('CREATE SUBSCRIPTION s CONNECTION $$' . $publisher->node->connstr('postgres') . '$$ PUBLICATION p');
	$t->node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'") or die;
	$publisher->sql("INSERT INTO thief VALUES (2, '$path')");
	$publisher->node->wait_for_catchup('s');
	is($t->sql('SELECT count(*) FROM thief'), '2', 'the rows are copied and applied');
	$t->sql('DROP SUBSCRIPTION s; DELETE FROM thief');
	stays('logical replication');
	$publisher->stop;
};

subtest 'a whole dump, restored and claimed' => sub {
	$t->sql("INSERT INTO victim VALUES (7, ffu.file('a.txt', 'seven')), (8, ffu.file('a.txt', 'eight'))");
	$t->sql($replica);
	my $dump = $t->node->basedir . '/dump';
	is((run_command([ 'pg_dump', '-f', $dump, $t->node->connstr('postgres') ]))[1], '', 'dumped');
	$t->sql('CREATE DATABASE heir');
	my $heir = bless { %$t, database => 'heir', root => "$t->{root}-heir" }, 'FfuTest';
	is((run_command([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $t->node->connstr('heir') ]))[1], '', 'restored');
	system('cp', '-a', "$t->{root}/.", $heir->root) == 0 or die 'cp';
	$heir->sql('DELETE FROM victim WHERE id = 8');
	is($heir->sql('SELECT state FROM ffu.deletion'), 'doubtful', 'before the folder is claimed nothing can be proved');
	$heir->sql("SELECT ffu.claim_folder('$heir->{root}')");
	my ($seven) = $heir->sql('SELECT f FROM victim WHERE id = 7');
	$heir->sql('DELETE FROM victim WHERE id = 7');
	ok(!-e "$heir->{root}/$seven", 'then an honest row\'s file goes at once');
	$heir->sql("DELETE FROM thief; $sweep");
	is($heir->sql($content), 'mine', 'and the file that a row of the dump stole stays');
	$heir->folder_is_rows(['victim.f'], 'what was deleted before is gone');
	$t->sql('DROP DATABASE heir; DELETE FROM thief; DELETE FROM victim WHERE id > 1');
	stays('the original');
};

# What is honest, and goes.
subtest 'renamed, and other keys' => sub {
	$t->sql("INSERT INTO thief SELECT i, ffu.file('a.txt', 'x') FROM generate_series(1, 3) i");
	$t->sql('ALTER TABLE thief RENAME TO honest; DELETE FROM honest WHERE id = 1');
	is(scalar($t->files), 4, 'a file whose table was renamed waits');
	$t->sql("INSERT INTO honest VALUES (4, ffu.file('a.txt', 'x')); $sweep");
	$t->folder_is_rows([ 'victim.f', 'honest.f' ], 'and goes with a sweep');
	$t->sql('UPDATE honest SET id = 10 WHERE id = 2; DELETE FROM honest WHERE id = 10');
	$t->sql('INSERT INTO honest (id) VALUES (11); UPDATE honest SET f = NULL; DELETE FROM honest WHERE id = 11');
	$t->sql($sweep);
	$t->folder_is_rows([ 'victim.f', 'honest.f' ], 'so does one whose key was changed');
	$t->sql('DROP TABLE honest; CREATE TABLE thief (id serial PRIMARY KEY, name text UNIQUE)');
	$t->sql("SELECT ffu.add_column('thief', 'f'); INSERT INTO thief (name) VALUES ('n')");
	$t->sql("INSERT INTO thief (name, f) VALUES ('n', ffu.file('a.txt', 'x')) ON CONFLICT (name) DO UPDATE SET f = EXCLUDED.f");
	like($t->sql('SELECT f FROM thief'), qr{^thief/1/}, 'an upsert stores the file for the row that is there');
	$t->sql($sweep);
	$t->sql('DELETE FROM thief');
	$t->folder_is_rows(['victim.f'], 'and its file goes at once');
};

# The proof has names, and names can pass to another table: then the paths of the first
# owner prove themselves for the second.
my $named = "CREATE TABLE old.named (id int PRIMARY KEY); SELECT ffu.add_column('old.named', 'f')";
my $fill = "INSERT INTO old.named (id, f) SELECT i, ffu.file('a.txt', 'first') FROM generate_series(1, 2) i";
my $fill_parts = $fill =~ s/named/parts/r;
my $parts = "CREATE TABLE old.parts (id int PRIMARY KEY) PARTITION BY RANGE (id); SELECT ffu.add_column('old.parts', 'f')";

# What makes the first owner and gives its names up; the second owner; the first owner then.
my %passed = (
	'RENAME' => [ "$named; $fill; ALTER TABLE old.named RENAME TO first", $named, 'old.named', 'old.first.f' ],
	'RENAME in the replica role' => [ "$named; $fill; SET session_replication_role = replica; ALTER TABLE old.named RENAME TO first", $named, 'old.named', 'old.first.f' ],
	'RENAME of a table without its triggers' => [ "$named; $fill; SET check_function_bodies = off;
		DO \$\$ DECLARE n name; BEGIN FOR n IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'old.named'::regclass AND NOT tgisinternal LOOP
			EXECUTE format('DROP TRIGGER %I ON old.named', n); END LOOP; END \$\$; ALTER TABLE old.named RENAME TO first;
		RESET check_function_bodies; SELECT ffu.manage_column('old.first', 'f', keep_values => true)", $named, 'old.named', 'old.first.f' ],
	'ALTER SCHEMA' => [ "$named; $fill; DROP SCHEMA older; ALTER SCHEMA old RENAME TO older; CREATE SCHEMA old", $named, 'old.named', 'older.named.f' ],
	'SET SCHEMA' => [ "$named; $fill; ALTER TABLE old.named SET SCHEMA older", $named, 'old.named', 'older.named.f' ],
	'three renames' => [ "$named; $fill; ALTER TABLE old.named RENAME TO x; ALTER TABLE old.x SET SCHEMA older; ALTER TABLE older.x RENAME f TO g", $named, 'old.named', 'older.x.g' ],
	'names swapped' => [ "$named; $fill", "CREATE TABLE old.second (id int PRIMARY KEY); SELECT ffu.add_column('old.second', 'f');
		BEGIN; ALTER TABLE old.named RENAME TO tmp; ALTER TABLE old.second RENAME TO named; ALTER TABLE old.tmp RENAME TO second; COMMIT", 'old.named', 'old.second.f' ],
	'RENAME of a partitioned table' => [ "$parts; CREATE TABLE old.part PARTITION OF old.parts DEFAULT; $fill_parts;
		ALTER TABLE old.parts RENAME TO first", "$parts; CREATE TABLE old.part2 PARTITION OF old.parts DEFAULT", 'old.parts', 'old.first.f' ],
	'ATTACH' => [ "$named; $fill; $parts; ALTER TABLE old.parts ATTACH PARTITION old.named DEFAULT; ALTER TABLE old.named RENAME TO part", $named, 'old.named', 'old.parts.f' ],
	'ATTACH of a filled column of type text' => [ "$named; ALTER TABLE old.named ALTER f TYPE text; $fill; $parts; ALTER TABLE old.parts ALTER f TYPE text;
		ALTER TABLE old.parts ATTACH PARTITION old.named DEFAULT; ALTER TABLE old.named RENAME TO part", $named, 'old.named', 'old.parts.f' ],
	'DETACH' => [ "$parts; CREATE TABLE old.part PARTITION OF old.parts FOR VALUES FROM (0) TO (10); $fill_parts; ALTER TABLE old.parts DETACH PARTITION old.part",
		'CREATE TABLE old.part2 PARTITION OF old.parts FOR VALUES FROM (0) TO (10)', 'old.parts', 'old.part.f' ],
	'DETACH CONCURRENTLY' => [ "$parts; CREATE TABLE old.part PARTITION OF old.parts FOR VALUES FROM (0) TO (10); $fill_parts; ALTER TABLE old.parts DETACH PARTITION old.part CONCURRENTLY",
		'CREATE TABLE old.part2 PARTITION OF old.parts FOR VALUES FROM (0) TO (10)', 'old.parts', 'old.part.f' ],
	'DETACH after RENAME' => [ "$parts; CREATE TABLE old.part PARTITION OF old.parts DEFAULT; $fill_parts;
		ALTER TABLE old.parts RENAME TO first; ALTER TABLE old.first DETACH PARTITION old.part; DROP TABLE old.first", "$parts; CREATE TABLE old.part2 PARTITION OF old.parts DEFAULT", 'old.parts', 'old.part.f' ],
);
foreach my $label (sort keys %passed)
{
	subtest "names that passed to another table: $label" => sub {
		my ($give_up, $again, $second, $owner) = @{ $passed{$label} };
		my ($first, $column) = $owner =~ /^(.+)[.](\w+)$/;
		$t->sql("CREATE SCHEMA old; CREATE SCHEMA older; $give_up");
		$t->sql($again);
		$t->sql("SET session_replication_role = replica; INSERT INTO $second (id, f) SELECT id, $column FROM $first");
		$t->sql("DELETE FROM $second WHERE id = 1");
		$t->sql("$sweep; $sweep");
		is(($t->try("SELECT convert_from(ffu.content($column), 'UTF8') FROM $first WHERE id = 1"))[1], 'first', 'the file of the first owner stays');
		$t->sql("INSERT INTO $second VALUES (3, ffu.file('a.txt', 'three')); DELETE FROM $first WHERE id = 1; $sweep");
		$t->folder_is_rows([ 'victim.f', "$first.$column", "(SELECT f FROM $second WHERE id = 3) u.f" ], 'and goes with its row');
		# Once the first owner is gone, the names are the second owner's alone.
		$t->sql("SET client_min_messages = error; DELETE FROM $second WHERE id = 2; DROP TABLE $first; DELETE FROM $second");
		is($t->sql("SELECT count(*) FROM ffu.deletion WHERE path LIKE '%/3/%' AND state = 'doubtful'"), '0', 'then the file of a row goes at once');
		is($t->sql('SELECT count(*) FROM ffu.former_name f LEFT JOIN pg_class c ON c.oid = f.relid WHERE c.oid IS NULL'), '0', 'and no name of the first owner is kept');
		$t->sql('SET client_min_messages = error; DROP SCHEMA IF EXISTS old, older CASCADE');
		$t->sql("$sweep; $sweep");
		$t->folder_is_rows(['victim.f'], 'all files are gone');
	};
}

subtest 'a name that passed to another column of the table' => sub {
	$t->sql("CREATE SCHEMA old; $named; $fill; ALTER TABLE old.named RENAME f TO g");
	$t->sql("ALTER TABLE old.named RENAME f__$_ TO g__$_") foreach qw(file_name mime_type ext size sha256);
	$t->sql("SELECT ffu.add_column('old.named', 'f', urls => false)");
	$t->sql('SET session_replication_role = replica; UPDATE old.named SET f = g');
	$t->sql('UPDATE old.named SET f = NULL');
	$t->sql("$sweep; $sweep");
	is(($t->try("SELECT convert_from(ffu.content(g), 'UTF8') FROM old.named WHERE id = 1"))[1], 'first', 'the file of the first owner stays');
	$t->sql("SELECT ffu.drop_column('old.named', 'g'); UPDATE old.named SET f = ffu.file('a.txt', 'x'); $sweep");
	$t->folder_is_rows([ 'victim.f', 'old.named.f' ], 'and goes with its column');
	$t->sql('UPDATE old.named SET f = NULL');
	$t->folder_is_rows(['victim.f'], 'then the file of a row goes at once');
	$t->sql('DROP SCHEMA old CASCADE');
};

subtest 'names that came back' => sub {
	my $other = $t->session;
	my $gone = sub {
		my ($label, $table) = @_;
		$table //= 'old.named';
		$t->sql("INSERT INTO $table VALUES (1, ffu.file('a.txt', 'x')) ON CONFLICT DO NOTHING");
		$other->query("DELETE FROM $table");
		return $t->folder_is_rows(['victim.f'], "$label: the file goes at once");
	};
	my $first = "INSERT INTO old.named VALUES (1, ffu.file('a.txt', 'x'))";
	$t->sql("CREATE SCHEMA old; $named; $first");
	$gone->('before');
	$t->sql("$first; ALTER TABLE old.named RENAME TO x; ALTER TABLE old.x RENAME TO named");
	$gone->('the table');
	$t->sql("$first; ALTER TABLE old.named RENAME f TO g; ALTER TABLE old.named RENAME g TO f");
	$gone->('the column');
	$t->sql("$first; ALTER SCHEMA old RENAME TO x; ALTER SCHEMA x RENAME TO old");
	$gone->('the schema');
	$t->sql("$first; ALTER TABLE old.named SET SCHEMA public; ALTER TABLE public.named SET SCHEMA old");
	$gone->('SET SCHEMA');
	$t->sql("$first; $parts; ALTER TABLE old.parts ATTACH PARTITION old.named DEFAULT; ALTER TABLE old.parts DETACH PARTITION old.named");
	$gone->('ATTACH and DETACH');
	$t->sql("INSERT INTO old.named VALUES (2); ALTER TABLE old.parts ATTACH PARTITION old.named DEFAULT; INSERT INTO old.parts VALUES (1, ffu.file('a.txt', 'x'))");
	$t->sql('ALTER TABLE old.parts DETACH PARTITION old.named; ALTER TABLE old.parts ATTACH PARTITION old.named DEFAULT');
	$gone->('DETACH and ATTACH', 'old.parts');
	$t->sql("BEGIN; ALTER TABLE old.parts RENAME TO x; ROLLBACK; BEGIN; SAVEPOINT s; ALTER TABLE old.parts RENAME TO x; ROLLBACK TO s; ALTER TABLE old.parts ADD x int; COMMIT");
	$gone->('a rename that was rolled back', 'old.parts');
	is($t->sql("SELECT count(*) FROM ffu.former_name WHERE column_name = 'x'"), '0', 'which left no record');
	$t->sql('SET client_min_messages = error; DROP SCHEMA old CASCADE');
	is($t->sql("SELECT count(*) FROM ffu.former_name WHERE schema_name IN ('old', 'x', 'public') AND relid NOT IN (SELECT oid FROM pg_class)"), '0', 'nothing is recorded for what is gone');
	$other->quit;
};

# A session has the names of a partition, and of a table in a schema, from before a rename.
subtest 'a session that has used the table before' => sub {
	my $other = $t->session;
	$t->sql("CREATE SCHEMA old; CREATE SCHEMA older; $named; $parts; CREATE TABLE old.part PARTITION OF old.parts DEFAULT");
	$other->query("INSERT INTO $_ VALUES (1, ffu.file('a.txt', 'x'))") foreach 'old.named', 'old.part';
	$t->sql('ALTER SCHEMA old RENAME TO x; ALTER TABLE x.parts RENAME TO y');
	like($other->query("INSERT INTO x.part VALUES (2, ffu.file('a.txt', 'x')) RETURNING f"), qr{^y/2/}, 'it takes the new name of the topmost table');
	$other->query('DELETE FROM x.named; DELETE FROM x.part WHERE id = 1');
	is($t->sql("SELECT string_agg(state, ',') FROM ffu.deletion"), 'doubtful,doubtful', 'the old names prove nothing any more');
	$other->quit;
	$t->sql("SET client_min_messages = error; DROP SCHEMA x, older CASCADE; $sweep");
	$t->sql($sweep);
	$t->folder_is_rows(['victim.f']);
};

subtest 'a rename that is not committed yet' => sub {
	$t->sql("CREATE SCHEMA old; $named; $fill");
	$t->sql("BEGIN; ALTER TABLE old.named RENAME TO first; $named; SET LOCAL session_replication_role = replica; INSERT INTO old.named SELECT id, f FROM old.first;
		SET LOCAL session_replication_role = origin; DELETE FROM old.named WHERE id = 1; COMMIT");
	$t->sql("$sweep; $sweep");
	is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM old.first WHERE id = 1"), 'first', 'the file of the first owner stays');
	$t->sql('TRUNCATE old.named');
	$t->sql("$sweep; $sweep");
	$t->folder_is_rows([ 'victim.f', 'old.first.f' ], 'also after TRUNCATE');
	$t->sql("SET client_min_messages = error; DROP SCHEMA old CASCADE");
	$t->sql("$sweep; $sweep");
	$t->folder_is_rows(['victim.f']);
};

# Whatever the key is made of, a row proves its path, and its file goes at once.
subtest 'keys of every kind' => sub {
	$t->sql("CREATE TYPE color AS ENUM ('red', 'green')");
	my $n = 0;
	foreach my $key ("id text COLLATE \"C\" PRIMARY KEY|'ü'", "id uuid PRIMARY KEY|'4b6d7b3e-93f1-4f5a-9a57-0d9f3b8f9c11'", "id numeric PRIMARY KEY|1.50",
		"id timestamptz PRIMARY KEY|now()", "id color PRIMARY KEY|'green'", "id name PRIMARY KEY|'n'", "id bytea PRIMARY KEY|repeat('x', 2000)::bytea",
		"id boolean PRIMARY KEY|true", "id int2 PRIMARY KEY|-1", "id jsonb PRIMARY KEY|'{\"a\": 1}'", "id int, x text DEFAULT 'x', PRIMARY KEY (x, id)|1",
		"id int, g int GENERATED ALWAYS AS (id + 1) STORED PRIMARY KEY|1", "id int|1", "id int4range PRIMARY KEY|'[1,5)'", "id cidr PRIMARY KEY|'10.0.0.0/8'")
	{
		my ($columns, $value) = split /[|]/, $key;
		my $tab = 'keys' . ++$n;
		$t->sql("CREATE TABLE $tab ($columns); SELECT ffu.add_column('$tab', 'f')");
		$t->sql("INSERT INTO $tab (id, f) VALUES ($value, ffu.file('a.txt', 'x'))");
		$t->sql("SET DateStyle = 'SQL'; SET extra_float_digits = 0; SET bytea_output = 'escape'; SET TimeZone = 'Asia/Tokyo'; DELETE FROM $tab");
		$t->folder_is_rows(['victim.f'], $columns);
		$t->sql("INSERT INTO $tab (id, f) VALUES ($value, ffu.file('a.txt', 'x')); DROP TABLE $tab");
		$t->folder_is_rows(['victim.f'], 'dropped');
	}
};

# The background worker verifies by itself.
$t->node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\n");
my $log = -s $t->node->logfile;
$t->restart;
$t->sql("INSERT INTO thief VALUES (1, 'x', ffu.file('a.txt', 'x')), (2, 'y', NULL)");
$t->sql("SET session_replication_role = replica; UPDATE thief SET f = '$path' WHERE id = 2");
$t->sql('UPDATE thief SET id = 3 WHERE id = 1; DELETE FROM thief');
$t->node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM ffu.deletion') or die;
is($t->sql($content), 'mine', 'the worker leaves the file of another row');
$t->folder_is_rows(['victim.f'], 'and removes the others');
like(slurp($t->node->logfile), qr/LOG:  file "\Q$path\E" is not deleted: a row of table victim has it/, 'and the log says so');

$t->stop;
done_testing();
