# The memory of a backend does not grow with the number of its transactions: files
# stored, replaced, copied and deleted, in savepoints that are rolled back too.
# FFU_TEST_STORES says how many files are stored (script/soak: 100,000).

use strict;
use warnings;

use FfuTest qw(slurp);
use Test::More;

my $stores = $ENV{FFU_TEST_STORES} // 10_000;

# No disk is needed for this.
my $t = FfuTest->new('memory', conf => "fsync = off\nffu.fsync = off\n");
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	-- Twenty transactions, which store 100 files.
	CREATE PROCEDURE work(batches int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1..batches * 20 LOOP
			INSERT INTO t VALUES (1, ffu.file('a.txt', 'one')), (2, 'data:text/plain,two')
				ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f;
			BEGIN
				UPDATE t SET f = ffu.file('b.txt', 'three') WHERE id = 1;
				INSERT INTO t SELECT 3, f FROM t WHERE id = 2;
				RAISE division_by_zero;
			EXCEPTION WHEN division_by_zero THEN
				NULL;
			END;
			DELETE FROM t WHERE id = 1 + i % 3;
			INSERT INTO t VALUES (4, ffu.file('c.txt', 'four')) ON CONFLICT DO NOTHING;
			IF i % 5 = 0 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
});

my $session = $t->session;

# What the backend has allocated, in bytes, and what it occupies, in kB.
sub memory
{
	my $allocated = $session->query('SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	my ($anonymous) = slurp('/proc/' . $session->pid . '/status') =~ /^RssAnon:\s+(\d+)/m;
	return ($allocated, $anonymous);
}

# The caches of a new backend fill up first.
$session->query('CALL work(10)');
my ($allocated, $occupied) = memory();
for (my $done = 1_000; $done < $stores; $done += 1_000)
{
	$session->query('CALL work(10)');
	last if $session->errors;
}
my ($allocated_now, $occupied_now) = memory();

is($session->errors, '', "$stores files stored");
cmp_ok($allocated_now - $allocated, '<', 100_000, 'what is allocated has not grown by 100 kB');
cmp_ok($occupied_now - $occupied, '<', 1_000, 'what is occupied has not grown by 1 MB');
note("allocated $allocated then $allocated_now bytes, occupied $occupied then $occupied_now kB");

$session->quit;
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f']);
$t->stop;
done_testing();
