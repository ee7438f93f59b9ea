# ffu.check and many writers at the same time: nothing in flight is reported, not
# once. FFU_TEST_CHECK_SECONDS (15) and FFU_TEST_CHECK_WRITERS (12) say how long
# and how many; the issue's measure is 60 and 50.

use strict;
use warnings;

use FfuTest;
use IPC::Run;
use Test::More;

my $seconds = $ENV{FFU_TEST_CHECK_SECONDS} // 15;
my $writers = $ENV{FFU_TEST_CHECK_WRITERS} // 12;
my $t = FfuTest->new('checkwriters', preload => 1,
	conf => "max_connections = " . ($writers + 30) . "\nmax_prepared_transactions = " . ($writers + 5) . "\nffu.naptime = 1s\nfsync = off\n");
my $node = $t->node;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, k int, note text);
	SELECT ffu.add_column('t', 'f');
	CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
	CREATE TABLE p_0 PARTITION OF p FOR VALUES IN (0);
	CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
	SELECT ffu.add_column('p', 'f', path_template => 'flat/{token}{ext}');
	CREATE TABLE scratch (id int);
	SELECT ffu.add_column('scratch', 'f');
	CREATE FUNCTION put() RETURNS text LANGUAGE sql
		RETURN ffu.file('a.txt', convert_to(random()::text, 'UTF8'));
	INSERT INTO t SELECT i, 0, NULL, put() FROM generate_series(1, 200) i;
	INSERT INTO p SELECT i, 0, put() FROM generate_series(1, 100) i;
});

# What the writers do, as pgbench scripts with weights.
my %script = (
	store => [ 4, q{
INSERT INTO t VALUES (:id, 1, NULL, put()) ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f;
} ],
	replace => [ 4, q{
UPDATE t SET f = put() WHERE id = :id;
} ],
	delete => [ 3, q{
DELETE FROM t WHERE id = :id;
} ],
	rollback => [ 3, q{
BEGIN;
UPDATE t SET f = put() WHERE id = :id;
INSERT INTO scratch SELECT :id, put();
SAVEPOINT s;
UPDATE scratch SET f = put() WHERE id = :id;
ROLLBACK TO s;
ROLLBACK;
} ],
	touch => [ 2, q{
UPDATE t SET note = random()::text WHERE id = :id;
} ],
	copy => [ 2, q{
INSERT INTO scratch SELECT :id, f FROM t WHERE f IS NOT NULL AND id > :id LIMIT 1 FOR SHARE;
} ],
	move => [ 2, q{
UPDATE p SET k = 1 - k WHERE id = :id % 100;
} ],
	batch => [ 1, q{
BEGIN;
INSERT INTO scratch SELECT i, put() FROM generate_series(1, 30) i;
SELECT pg_sleep(0.002);
COMMIT;
} ],
	prepare => [ 2, q{
BEGIN;
INSERT INTO scratch VALUES (:id, put());
DELETE FROM scratch WHERE id = :id + 1;
PREPARE TRANSACTION 'p:client_id';
SELECT pg_sleep(0.01);
COMMIT PREPARED 'p:client_id';
SELECT FROM ffu.sweep();
} ],
	unprepare => [ 1, q{
BEGIN;
INSERT INTO scratch VALUES (:id, put());
PREPARE TRANSACTION 'p:client_id';
ROLLBACK PREPARED 'p:client_id';
SELECT FROM ffu.sweep();
} ],
);

my @files;
foreach my $name (sort keys %script)
{
	my ($weight, $text) = @{ $script{$name} };
	my $file = $node->basedir . "/$name.sql";
	open(my $fh, '>', $file) or die;
	print $fh "\\set id random(1, 400)\n$text";
	close($fh);
	push @files, '-f', "$file\@$weight";
}

my ($in, $out) = ('', '');
my $err = '';
my $bench = IPC::Run::start(
	[
		$node->installed_command('pgbench'), '-n', '-c', $writers, '-j', 2, '-T', $seconds + 600,
		'--max-tries=100', @files, $node->connstr('postgres')
	],
	'<', \$in, '>', \$out, '2>', \$err);

# Beside them sessions that come and go, that are killed, that truncate. On a slow machine
# the writers go on until there were enough checks; the signal is that of their own clock.
my $end = time + $seconds;
my ($checks, $rows, $killed) = (0, 0, 0);
my @seen;
while (time < $end || $checks < 4)
{
	my ($rc, $found, $complaint) = $t->try('SELECT problem, relation, path, detail FROM ffu.check(content => ' . ($checks % 2 ? 'true' : 'false') . ')');
	is($rc, 0, 'a check that fails') or diag($complaint) if $rc;
	push @seen, split /\n/, $found;
	$checks++;
	$t->try("BEGIN; INSERT INTO scratch SELECT i, put() FROM generate_series(1, 5) i; SELECT pg_terminate_backend(pg_backend_pid())");
	$t->try("SET lock_timeout = '200ms'; TRUNCATE scratch");
	$killed++;
	$bench->pump_nb;
}
$bench->signal('ALRM');
$bench->finish;
is_deeply(\@seen, [], 'nothing in flight was reported');
cmp_ok($checks, '>', 3, 'it was checked again and again');
my ($done) = $out =~ /number of transactions actually processed: (\d+)/;
cmp_ok($done // 0, '>', 100, 'and much was written meanwhile') or diag("$out\n$err");
unlike($err, qr/aborted/, 'no writer gave up') or diag($err);
diag("$writers writers, $seconds s: " . ($done // '?') . " transactions, $checks checks, $killed sessions killed");

# Damage is still seen for what it is.
my $path = $t->sql('SELECT f FROM t WHERE f IS NOT NULL LIMIT 1');
unlink $t->root . "/$path" or die;
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql('SELECT problem, path FROM ffu.check(content => true)'), "missing|$path", 'and then one file is missing');

$t->stop;
done_testing();
