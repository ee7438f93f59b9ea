# Files that stay without a row, and rows that stay without a file, by wish: a crash
# at the points that matter for it, a prepared transaction that outlives a crash, another
# database's claim of the folder, ffu.deletion_delay, a dump.

use strict;
use warnings;

use FfuTest qw(points);
use Test::More;

my $t = FfuTest->new('marks');
my $root = $t->root;
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, f ffu.file);
	SELECT ffu.manage_column('t', 'f', allowed_extensions => '{txt}');
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql RETURN ffu.file('a.txt', convert_to($1, 'UTF8'));
	CREATE VIEW marks AS SELECT state, count(*) FROM ffu.deletion GROUP BY 1;
});
my $marks = "SELECT coalesce(string_agg(state || ' ' || count, ', ' ORDER BY state), 'none') FROM marks";
my $check = "SELECT coalesce(string_agg(problem || ' ' || coalesce(path, ''), ', '), 'all is well') FROM ffu.check()";

# Row 1 dangles, row 2 lets go, row 3 is made and lets go, row 4 is made and dangles.
my $work = q{
	UPDATE t SET f = 'dangle:' || f WHERE id = 1;
	UPDATE t SET f = 'detach:' || f WHERE id = 2;
	INSERT INTO t VALUES (3, put('three')), (4, put('four'));
	UPDATE t SET f = 'detach:' || f WHERE id = 3;
	UPDATE t SET f = 'dangle:' || f WHERE id = 4;
};

sub refill
{
	$t->sql("TRUNCATE t; SELECT ffu.delete_detached(); INSERT INTO t VALUES (1, put('one')), (2, put('two'));
		SELECT FROM ffu.sweep()");
	is($t->sql($marks), 'none', 'nothing is left of the marks before');
}

# All of it has happened, or nothing.
sub is_done
{
	my ($done, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql("SELECT string_agg(id || ':' || (f IS NOT NULL), ' ' ORDER BY id) FROM t"),
		$done ? '1:true 2:false 3:false 4:true' : '1:true 2:true', "$label: the rows");
	is(scalar($t->files), 2, "$label: the files");
	is($t->sql($marks), $done ? 'dangling 2, detached 2' : 'none', "$label: the marks");
	is($t->sql($check), 'all is well', "$label: ffu.check");
	is_deeply([ $t->staging ], [], "$label: nothing in staging");
}

# At points after "publish-end" the transaction has committed.
my %after = map { $_ => 1 } grep { /^commit-/ } points();
my %reached;
foreach my $point (grep { /^(?:doom|own|publish-end|commit)/ } points())
{
	refill();
	my ($rc) = $t->fault("$point:crash", "BEGIN; $work COMMIT");
	next if $rc != 2;
	$reached{$point} = 1;
	$t->start;
	is_done($after{$point}, "crash at $point");
}
ok($reached{$_}, "$_ is on the way") foreach ('doom-after-insert', 'publish-end', 'commit-after-remove', 'commit-after-staging');

# The sweep that strikes marks off, killed
foreach my $point (grep { /^sweep-/ } points())
{
	refill();
	$t->sql("BEGIN; $work COMMIT; SELECT FROM ffu.sweep()");
	my $session = $t->session;
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
	$t->sql('DELETE FROM t');
	$session->query('COMMIT');
	$session->quit;
	my ($rc) = $t->fault("$point:crash", 'SELECT FROM ffu.sweep()');
	$t->start if $rc == 2;
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql($marks), 'detached 2', "crash at $point: the marks of the rows went with them");
	is($t->sql($check), 'all is well', "crash at $point: ffu.check");
}

# Prepared, and a crash; the other end too
foreach my $end ('COMMIT', 'ROLLBACK')
{
	refill();
	$t->sql("BEGIN; $work PREPARE TRANSACTION 'p'");
	$t->crash;
	$t->start;
	is($t->sql($check), 'all is well', "$end PREPARED: before it, nothing is reported");
	$t->sql("$end PREPARED 'p'");
	is_done($end eq 'COMMIT', "$end PREPARED after a crash");
}

# The folder is claimed while names are in staging: what is detached is kept.
refill();
my ($rc) = $t->fault('commit-after-record:crash', "BEGIN; $work COMMIT");
is($rc, 2, 'claim: a crash right after the commit record');
cmp_ok(scalar($t->staging), '>', 0, 'claim: names are in staging');
$t->start;
$t->sql('SELECT ffu.claim_folder()');
is_done(1, 'claim');

# A dump has no marks: what dangled is missing, what was detached is nobody's.
my $dump = $t->node->basedir . '/dump.sql';
$t->node->command_ok([ 'pg_dump', '-f', $dump, $t->node->connstr('postgres') ], 'dump');
is($t->sql("SELECT count(*) FROM ffu.paths()"), '0', 'what dangles is in no manifest');
$t->sql('CREATE DATABASE copy');
$t->node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $t->node->connstr('copy') ], 'restore');
my $copy = bless { %$t, database => 'copy' }, 'FfuTest';
is($copy->sql('SELECT count(*) FROM ffu.deletion'), '0', 'restored: no marks');
is($copy->sql("SELECT string_agg(id || ':' || (f IS NOT NULL), ' ' ORDER BY id) FROM t"), '1:true 2:false 3:false 4:true', 'restored: the rows');

# Kept for a while: the file of a row that dangles can be brought back.
refill();
$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = '1 h'\n");
$t->restart;
my $path = $t->sql('SELECT f FROM t WHERE id = 1');
$t->sql("UPDATE t SET f = 'dangle:' || f WHERE id = 1; SELECT FROM ffu.sweep()");
is($t->sql($marks), 'dangling 1, kept 1', 'delay: the file is kept');
is($t->sql($check), 'all is well', 'delay: ffu.check');
$t->sql("UPDATE t SET f = ffu.undelete('$path') WHERE id = 1");
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 1"), 'one', 'delay: brought back');
is($t->sql($check), 'all is well', 'delay: ffu.check');
# Detached, then deleted: kept as well
$path = $t->sql('SELECT f FROM t WHERE id = 2');
$t->sql("UPDATE t SET f = 'detach:' || f WHERE id = 2");
ok(-f "$root/$path", 'delay: what is detached stays where it is');
$t->sql("SELECT ffu.delete_detached('$path'); SELECT FROM ffu.sweep()");
ok(!-e "$root/$path", 'delay: deleted, it is out of URL reach');
is($t->sql("INSERT INTO t VALUES (5, ffu.undelete('$path')) RETURNING convert_from(ffu.content(f), 'UTF8')"), 'two', 'delay: and can be brought back');

done_testing();
