# What each step asks the store: as many requests as docs/object-store.md says, over
# connections that stay open from one transaction to the next.

use strict;
use warnings;

use FfuBucket;
use FfuTest;
use Test::More;

my $store = FfuBucket->new;
my $t = FfuTest->new('requests', conf => $store->conf);
$store->make('media');
my $url = $store->begin_proxy . '/media/blog';
$t->sql("CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0);
	SELECT ffu.use_bucket('$url');
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket')");

my $session = $t->session;
$store->requests;
$store->connections;

# Runs a statement in the session, and compares the kinds of its requests.
sub asks
{
	my ($sql, $want, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$session->query($sql);
	is($session->errors, '', "$label: no error");
	my %count;
	$count{ (split / /)[0] }++ foreach $store->requests;
	return is(join(' ', map { "$_ $count{$_}" } sort keys %count), $want, $label);
}

sub insert { return "INSERT INTO t (id, f) SELECT i, ffu.file('a.bin', decode(repeat('00ff', i), 'hex')) FROM generate_series($_[0], $_[1]) i"; }

asks(insert(1, 1), 'GET 1 HEAD 1 PUT 1', 'the first COMMIT of a session looks whose the bucket is');
asks(insert($_, $_), 'PUT 1', 'each further COMMIT of a file is one request') foreach 2 .. 4;
is($store->connections, 1, 'and all of it goes over one connection');
asks(insert(5, 104), 'PUT 100', 'a COMMIT of 100 files');
is($store->connections, 7, 'sends over eight connections');
asks(insert(105, 204), 'PUT 100', 'the next');
is($store->connections, 0, 'over the same');
asks('BEGIN; ' . insert(300, 309) . '; ROLLBACK', '', 'a rollback');
asks('BEGIN; SAVEPOINT s; ' . insert(300, 309) . '; ROLLBACK TO s; COMMIT', '', 'a rollback to a savepoint');
asks('UPDATE t SET n = n + 1', '', 'an UPDATE of another column');
asks('SELECT count(ffu.url(f)), count(ffu.bucket_url(f)) FROM t', '', 'URLs');
asks('SELECT length(ffu.content(f)) FROM t WHERE id = 3', 'GET 1 HEAD 1', 'the bytes');
asks('SELECT ffu.size(f) FROM t WHERE id = 3', 'HEAD 1', 'the size');
asks('SELECT count(*) FROM ffu.check()', 'LIST 1', 'ffu.check');
asks('DELETE FROM t WHERE id < 10', '', 'DELETE');
asks('TRUNCATE t', '', 'TRUNCATE');
is($store->connections, 0, 'no connection more');

# What goes to the bucket does not wait for the disk. A session that has stored there asks
# the disk for nothing while a large file comes in; a new session cannot know.
my $large = "INSERT INTO t (id, f) VALUES (%d, ffu.file('a.bin', decode(repeat('00', 5000000), 'hex')))";
asks("SET ffu.fault = 'write-behind:EIO'; " . sprintf($large, 400), 'PUT 1', 'a large file after others');
$session->query('RESET ffu.fault');
$t->sql("SELECT ffu.add_column('t', 'g', allowed_extensions => '{*}')");
$session->query("INSERT INTO t (id, g) VALUES (401, ffu.file('a.bin', 'folder'))");
$session->query("SET ffu.fault = 'write-behind:EIO'; " . sprintf($large, 402));
like($session->errors, qr/58030.*could not sync staging file/s, 'after a file of the folder the disk is asked again');
$session->quit;

# What COMMIT needs for an object goes with the transaction. In a procedure that commits, what
# is current lives until the procedure ends.
$t->sql(q{CREATE PROCEDURE grown(INOUT bytes bigint DEFAULT NULL) LANGUAGE plpgsql AS $$
	DECLARE
		before bigint;
	BEGIN
		FOR i IN 1..150 LOOP
			INSERT INTO t (id, f) VALUES (1000 + i, ffu.file('a.bin', 'bytes'));
			COMMIT;
			IF i = 50 THEN
				before := (SELECT sum(used_bytes) FROM pg_backend_memory_contexts);
			END IF;
		END LOOP;
		bytes := (SELECT sum(used_bytes) FROM pg_backend_memory_contexts) - before;
	END
	$$});
cmp_ok($t->sql('CALL grown()'), '<', 60_000, 'a procedure uses no more memory after 100 commits more');
$t->stop;
done_testing();
