# What takes long answers to pg_cancel_backend wherever it is, and leaves nothing:
# every operation is stopped at every fault point that it reaches, and cancelled
# there. No point, no test: those in the loops over a file's bytes are where a cancel
# is looked for.

use strict;
use warnings;

use FfuTest qw(points);
use Test::More;

my $t = FfuTest->new('cancel', conf => "ffu.pretend_in_order = on\n");
my $outside = $t->node->basedir . '/outside.txt';
open(my $fh, '>', $outside) or die;
print $fh 'x' x 600_000;
close $fh;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE FUNCTION bytes() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT convert_to(repeat('0123456789', 60000), 'UTF8') $$;
	INSERT INTO t VALUES (1, ffu.file('a.txt', bytes()));
	SELECT lo_from_bytea(4660, bytes());
	CREATE TABLE known (u text);
	INSERT INTO known SELECT ffu.upload_begin('a.txt', true);
	SELECT ffu.upload_append(u, 0, bytes()) FROM known;
});

my %operation = (
	store => "INSERT INTO t VALUES (10, ffu.file('a.txt', bytes()))",
	'data: URI' => "INSERT INTO t VALUES (10, 'data:;base64,' || encode(bytes(), 'base64'))",
	pieces => q{DO $$ DECLARE u text := ffu.upload_begin('a.txt'); BEGIN
		FOR i IN 1..2 LOOP PERFORM ffu.upload_append(u, bytes()); END LOOP;
		INSERT INTO t VALUES (10, u); END $$},
	'pieces in blocks' => q{DO $$ DECLARE u text := ffu.upload_begin('a.txt'); BEGIN
		FOR i IN 1..4 LOOP
			BEGIN
				PERFORM ffu.upload_append(u, bytes());
				IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
			EXCEPTION WHEN division_by_zero THEN NULL;
			END;
		END LOOP;
		INSERT INTO t VALUES (10, u); END $$},
	'resumable begin' => "SELECT ffu.upload_begin('b.txt', true)",
	'resumable append' => 'SELECT ffu.upload_append(u, 600000, bytes()) FROM known',
	'resumable finish' => 'INSERT INTO t SELECT 10, ffu.upload_finish(u) FROM known',
	'resumable cancel' => 'SELECT ffu.upload_cancel(u) FROM known',
	'from a large object' => "INSERT INTO t VALUES (10, ffu.from_large_object('a.txt', 4660))",
	'to a large object' => 'SELECT ffu.to_large_object(f) FROM t',
	import => "INSERT INTO t VALUES (10, ffu.import_file('$outside'))",
	copy => 'INSERT INTO t SELECT 10, f FROM t',
	content => 'SELECT md5(ffu.content(f)) FROM t',
	stream => 'SELECT length(ffu.stream(f)) FROM t',
	check => 'SELECT * FROM ffu.check(content => true)',
	delete => 'DELETE FROM t',
);

my $gate = $t->session;
my $n = 0;

# Runs statements in a session until they wait at a point, and cancels them there;
# false if they come to their end without.
sub cancelled
{
	my ($session, $statements) = @_;
	my $pid = $session->pid;
	my $waiting = "SELECT FROM pg_locks WHERE pid = $pid AND locktype = 'advisory' AND objid = 4660 AND NOT granted";
	$session->send_only("$statements;\nSELECT 'past " . ++$n . "'");
	my $said = $gate->query(qq{
		DO \$\$ BEGIN
			LOOP
				PERFORM pg_stat_clear_snapshot();
				EXIT WHEN EXISTS ($waiting)
					OR EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid AND state = 'idle' AND query LIKE '%past $n''%');
				PERFORM pg_sleep(0.01);
			END LOOP;
		END \$\$;
		SELECT pg_cancel_backend($pid) WHERE EXISTS ($waiting)});
	$session->wait_done;
	return $said eq 't';
}

# What is there, which nothing that is cancelled may change.
sub state
{
	return join("\n", $t->sql(q{
			SELECT count(*), sum(f__size) FROM t;
			SELECT size FROM ffu.upload;
			SELECT count(*) FROM pg_largeobject_metadata;
			SELECT count(*) FROM ffu.deletion;
			SELECT * FROM ffu.sweep();
			SELECT problem, path FROM ffu.check(content => true)}),
		$t->files, $t->staging,
		map { -s >= 600_000 ? 'all its bytes' : -s } glob($t->root . '/.ffu/uploads/*'));
}

my $before = state();
$gate->query('SELECT pg_advisory_lock(4660)');
my %reached;

foreach my $name (sort keys %operation)
{
	my $session = $t->session;
	$session->query('SELECT FROM ffu.sweep()');
	my $count = 0;
	foreach my $point (points('error'))
	{
		# Runs into the point and waits there, or is rolled back by the last statement.
		cancelled($session,
			"BEGIN;\nSET LOCAL ffu.fault = '$point:wait';\n$operation{$name};\nSET LOCAL ffu.fault = '';\nROLLBACK")
		  or next;
		$count++;
		$reached{$point} = 1;
		like($session->errors, qr/57014/, "$name is cancelled at $point");
		$session->query('ROLLBACK');
		is(state(), $before, "$name cancelled at $point leaves nothing") or $before = state();
	}
	cmp_ok($count, '>', 0, "$name reaches points");
	$session->quit;
}

# A cancel that comes while bytes are handled, and waits for nobody, is seen before the
# next ones are: where a point is reached again after it, the fault raises XX000.
my %loop = (
	'stage-after-write' => [ store => 'data: URI' => 'from a large object' => import => 'pieces' ],
	'resume-after-write' => ['resumable append'],
	'learn-after-chunk' => [ 'import by link', 'resumable finish' ],
	'read-after-chunk' => [ content => 'stream' ],
	'read-after-object' => ['to a large object'],
	'digest-after-chunk' => ['check'],
);
$operation{'import by link'} = "INSERT INTO t VALUES (10, ffu.import_file('$outside', move => true))";
foreach my $point (sort keys %loop)
{
	foreach my $name (@{ $loop{$point} })
	{
		$t->fails_with('57014', "SET ffu.fault = '$point:cancel'; $operation{$name}", "$name sees a cancel in the loop of $point");
		is(state(), $before, "$name cancelled in the loop of $point leaves nothing");
	}
}
foreach my $point (qw(publish-after-file publish-after-sync))
{
	$t->fails_with('57014', "SET ffu.pretend_in_order = off; BEGIN; " . join(' ', map { "INSERT INTO t VALUES ($_, ffu.file('b.txt', bytes()));" } 10 .. 12)
		. "SET LOCAL ffu.fault = '$point:cancel'; COMMIT", "COMMIT sees a cancel in the loop of $point");
	is(state(), $before, "COMMIT cancelled in the loop of $point leaves nothing");
}

# The commit itself, where large files are synced. Files in the WAL are small, and need a
# preloaded server (46_wal).
foreach my $point (grep { /^publish-|^resume-after-sync/ && !/^publish-after-(log|queue)$/ } points('error'))
{
	my $session = $t->session;
	$session->query('SELECT FROM ffu.sweep()');
	cancelled($session, "BEGIN;\n$operation{pieces};\n$operation{'resumable append'};\n"
		  . "INSERT INTO t VALUES (11, ffu.file('b.txt', bytes()));\nSET LOCAL ffu.fault = '$point:wait';\nCOMMIT");
	like($session->errors, qr/57014/, "COMMIT is cancelled at $point");
	is(state(), $before, "COMMIT cancelled at $point leaves nothing") or $before = state();
	$session->quit;
}

# A statement_timeout is a cancel as well.
$t->fails_with('57014', "SET statement_timeout = '100ms'; SET ffu.fault = 'stage-after-write:wait'; $operation{store}",
	'statement_timeout');
is(state(), $before, 'statement_timeout leaves nothing');

is_deeply([ grep { /chunk|-write$|append/ && !$reached{$_} } points('error') ], [], 'every loop over bytes was cancelled');

$gate->quit;
$t->stop;
done_testing();
