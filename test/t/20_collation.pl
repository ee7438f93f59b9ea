# A database whose collation is not byte order: a path that was let go is refused
# there as well. It was once looked up in an index sorted in another way.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('collation', folder => 0);
my (undef, undef, $refused) = $t->try(q{
	CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8'
});
plan skip_all => "no ICU here: $refused" if $refused =~ /ERROR/;

$t->{database} = 'icu';
$t->setup;
$t->sql(q{
	CREATE TABLE t (id text PRIMARY KEY, old text);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t (id, f)
		SELECT CASE WHEN i % 2 = 0 THEN upper(k) ELSE k END, ffu.file('a.txt', 'old')
		FROM (SELECT i, chr(97 + i % 26) || 'Bc_' || i AS k FROM generate_series(1, 300) i) s;
	UPDATE t SET old = f;
});

# Another snapshot keeps the deletions from being struck off.
my $holder = $t->session;
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t');
$t->sql("UPDATE t SET f = ffu.file('b.txt', 'new')");
my $accepted = $t->sql(q{
	CREATE FUNCTION stale_saves() RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		accepted int := 0;
	BEGIN
		FOR r IN SELECT * FROM t LOOP
			BEGIN
				UPDATE t SET f = r.old WHERE id = r.id;
				accepted := accepted + 1;
			EXCEPTION WHEN foreign_key_violation THEN
				NULL;
			END;
		END LOOP;
		RETURN accepted;
	END $$;
	SELECT stale_saves();
});
is($accepted, '0', 'no stale save brings a replaced file back');
is($t->sql("SELECT count(*) FROM t WHERE ffu.content(f) = 'new'"), '300', 'every row has its new file');
$holder->query('COMMIT');
is($t->sql('SELECT deleted, failed FROM ffu.sweep()'), '300|0', 'the old files go');
$t->folder_is_rows(['t.f'], 'the folder equals the rows');

$t->stop;
done_testing();
