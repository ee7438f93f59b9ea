# Every data: URI of a small grammar, and random ones, are read as a second reading of
# the rules reads them (test/oracle/datauris.py): the same name, the same bytes, or
# both refuse. FFU_TEST_URIS makes it more random ones.

use strict;
use warnings;

use Cwd qw(abs_path);
use FfuTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $oracle = abs_path(dirname(__FILE__) . '/../oracle') . '/datauris.py';
my $count = $ENV{FFU_TEST_URIS} // 5000;
my $seed = $ENV{FFU_TEST_SEED} // 1;
my $t = FfuTest->new('datauri', conf => "fsync = off\nffu.fsync = off\nmax_stack_depth = 2MB\n");
my $file = $t->node->basedir . '/uris';
system_or_bail("/usr/bin/python3 -B '$oracle' --random $count --seed $seed >'$file'");

$t->sql(q{
	CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	SELECT ffu.alter_column('t', 'f', content_check => 'off');
	CREATE TABLE uri (n bigint GENERATED ALWAYS AS IDENTITY, line jsonb);
	CREATE TABLE answer (n bigint, name text, bytes text, code text);
	CREATE PROCEDURE read_all() LANGUAGE plpgsql AS $$
	DECLARE
		u record;
		r record;
	BEGIN
		FOR u IN SELECT n, line ->> 0 AS uri FROM uri ORDER BY n LOOP
			BEGIN
				INSERT INTO t (f) VALUES (u.uri) RETURNING f__file_name AS name, encode(ffu.content(f), 'hex') AS bytes INTO r;
				INSERT INTO answer VALUES (u.n, r.name, r.bytes, NULL);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO answer VALUES (u.n, NULL, NULL, SQLSTATE);
			END;
			IF u.n % 1000 = 0 THEN
				DELETE FROM t;
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
});
$t->sql("COPY uri (line) FROM '$file' (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')");
$t->sql('CALL read_all()');
$t->sql('ANALYZE uri, answer');

cmp_ok($t->sql('SELECT count(*) FROM answer'), '>', $count + 10000, 'all were read');
is($t->sql("SELECT count(*) FROM uri JOIN answer USING (n) WHERE (line ->> 2 IS NULL) <> (code IS NOT NULL) OR line ->> 2 <> bytes"), 0, 'the same bytes, or both refuse');
is($t->sql("SELECT string_agg(DISTINCT code, ' ') FROM answer"), '22P02', 'a refusal is 22P02');
is($t->sql(q{SELECT count(*) FROM uri JOIN answer USING (n)
	WHERE code IS NULL AND line ->> 1 IS NOT NULL AND name <> line ->> 1 AND name NOT LIKE replace(line ->> 1, '_', '\_') || '.%'}),
	0, 'the same name, with an extension if it had none');
is($t->sql(q{SELECT count(*) FROM uri JOIN answer USING (n) WHERE code IS NULL AND line ->> 1 IS NULL AND name !~ '^f\.?'}), 0, 'a nameless one is named after the column');
my $examples = $t->sql("SELECT line, name, bytes, code FROM uri JOIN answer USING (n) WHERE (line ->> 2 IS NULL) <> (code IS NOT NULL) OR line ->> 2 <> bytes OR (code IS NULL AND line ->> 1 IS NULL AND name !~ '^f') LIMIT 10");
diag($examples) if $examples ne '';
note($t->sql("SELECT count(*) || ' URIs, ' || count(code) || ' refused' FROM answer"));
cmp_ok($t->sql("SELECT count(*) FROM answer WHERE code IS NULL"), '>', 1000, 'and not all were refused');
done_testing();
