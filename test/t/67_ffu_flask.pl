# ffu_flask is an extension of its own: ffu does not need it, and is the same before it
# comes and after it has gone. A dump has both.

use strict;
use warnings;

use File::Path qw(make_path);
use FfuTest qw(slurp);
use PostgreSQL::Test::Utils qw(run_command system_or_bail);
use Test::More;

my $t = FfuTest->new('flask', folder => 0);
my $old = $t->node->basedir . '/old';
make_path("$old/blogs/1");
PostgreSQL::Test::Utils::append_to_file("$old/blogs/1/clip.txt", 'a video');
$t->sql('CREATE ROLE app LOGIN CREATEDB; CREATE ROLE ops; GRANT ALL ON SCHEMA public TO app');

# The objects of an extension, with their rights: all but those of ffu's own tables.
my $members = q{SELECT pg_describe_object(d.classid, d.objid, 0), (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(p.proacl, c.relacl)) a)
	  FROM pg_depend d
	  JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	 WHERE d.deptype = 'e' AND e.extname = '%s' ORDER BY 1};
my $ffu = sprintf $members, 'ffu';
my $flask = sprintf $members, 'ffu_flask';

# Passes when two lists of objects are the same, and shows the first line that is not.
sub same
{
	my ($got, $expected, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply([ split /\n/, $got ], [ split /\n/, $expected ], $label);
}

# --- How it comes
my $err = $t->fails_with('42704', 'CREATE EXTENSION ffu_flask', 'without ffu');
like($err, qr/required extension "ffu" is not installed/, 'the server says what is missing');
$t->sql('CREATE EXTENSION ffu_flask CASCADE');
is($t->sql(q{SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extname ~ 'ffu'}), 'ffu ffu_flask', 'CASCADE brings ffu');
$t->fails_with('2BP01', 'DROP EXTENSION ffu', 'ffu cannot go before ffu_flask');
$t->sql('DROP EXTENSION ffu_flask; DROP EXTENSION ffu');
is($t->sql(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'ffu'}), '0', 'both are gone, and the schema');
$t->setup;
$t->fails_with('0A000', 'CREATE EXTENSION ffu_flask SCHEMA public', 'another schema');
$t->fails_with('42501', 'SET ROLE app; CREATE EXTENSION ffu_flask', 'only a superuser installs it');

# --- ffu alone
$t->sql(q{
	SELECT ffu.grant_operations('ops'), ffu.revoke_operations('ops'), ffu.grant_columns('app');
	SET ROLE app;
	CREATE TABLE plain (id int PRIMARY KEY);
	SELECT ffu.add_column('plain', 'f', allowed_extensions => '{txt}');
	INSERT INTO plain VALUES (1, ffu.file('a.txt', 'one')), (2, ffu.file('b.txt', 'two')), (3, ffu.file('c.txt', 'three'));
	UPDATE plain SET f = 'detach:' || f WHERE id = 2;
	UPDATE plain SET f = 'dangle:' || f WHERE id = 3;
});
is($t->sql(q{SELECT FROM ffu.sweep(); SELECT string_agg(state, ' ' ORDER BY state) FROM ffu.pending_deletions}), 'dangling detached', 'detach: and dangle: are words of ffu');
is($t->sql('SELECT * FROM ffu.check()'), '', 'all is well with ffu alone');
$t->fails_with('42883', q{SELECT ffu.get_file_url('plain', 1, 'f')}, 'there are no verbs');

my $before = $t->sql($ffu);

# --- Both. The path of whoever installs it, or calls it, does not matter.
my $evil = q{CREATE SCHEMA evil;
	CREATE FUNCTION evil.fail() RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''evil was called''; END';
	CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT evil.fail()';
	CREATE FUNCTION evil.replace(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT evil.fail()';
	CREATE FUNCTION evil.coalesce_text(text, text) RETURNS text LANGUAGE sql AS 'SELECT evil.fail()';
	CREATE FUNCTION evil.equal(text, text) RETURNS bool LANGUAGE sql AS 'SELECT evil.fail() IS NULL';
	CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, PROCEDURE = evil.equal);
	CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, PROCEDURE = evil.coalesce_text);
};
$t->sql($evil);
foreach my $call (q{replace('a'::text, 'b'::text, 'c'::text)}, q{format('%s'::text, 'b'::text)}, q{'a'::text = 'b'::text}, q{'a'::text || 'b'::text})
{
	$t->fails_with('P0001', "SET search_path = evil, pg_catalog; SELECT $call", "what this test would see: $call");
}
foreach my $path (q{''}, 'evil, pg_catalog', 'pg_temp, public')
{
	my ($rc, $out, $err) = $t->try(qq{
		SET search_path = $path;
		CREATE EXTENSION ffu_flask;
		SELECT ffu.get_file_url('public.plain', 1, 'f') IS NOT NULL;
		SELECT ffu.add_files('public.plain', 1, pg_catalog.jsonb_build_object('f', ffu.file('a.txt', 'one'))) IS NOT NULL;
		SELECT pg_catalog.count(*) FROM ffu.stream_file('public.plain', 1, 'f');
		SELECT ffu.delete_files('public.plain', 1, '{f}') IS NOT NULL;
		UPDATE public.plain SET f = ffu.file('a.txt', 'one') WHERE id OPERATOR(pg_catalog.=) 1});
	is_deeply([ $rc, $out, $err ], [ 0, "t\nt\n1\nt", '' ], "search_path = $path: nothing is taken from it");
	$t->sql('DROP EXTENSION ffu_flask');
}
$t->sql('SET client_min_messages = warning; DROP SCHEMA evil CASCADE; SELECT FROM ffu.sweep()');
$t->sql('CREATE EXTENSION ffu_flask');
same($t->sql($ffu), $before, 'nothing of ffu has changed, nor its rights');
is($t->sql(qq{SELECT count(*) FROM pg_depend d JOIN pg_depend own ON own.classid = d.classid AND own.objid = d.objid AND own.deptype = 'e'
	JOIN pg_extension e ON e.oid = own.refobjid AND e.extname = 'ffu_flask' WHERE d.deptype = 'e' AND d.refobjid <> e.oid}), '0', 'no object belongs to both');
is($t->sql(q{SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ffu_flask' WHERE p.pronamespace <> 'ffu'::regnamespace}), '0', 'its names are in schema ffu');
# What operates the folder has no right on it.
my $unrelated = $t->sql($flask);
$t->sql(q{SELECT ffu.grant_operations('ops')});
same($t->sql($flask), $unrelated, 'ffu.grant_operations gives nothing of ffu_flask');
$t->sql(q{SELECT ffu.revoke_operations('ops')});
# No function of ffu calls one of ffu_flask: its names are in no body.
is($t->sql(q{
	WITH f AS (SELECT e.extname, p.* FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
			   JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname ~ '^ffu')
	SELECT string_agg(a.proname || ' calls ' || b.proname, ', ') FROM f a, f b
	 WHERE a.extname = 'ffu' AND b.extname = 'ffu_flask' AND pg_get_functiondef(a.oid) ~ ('ffu\.' || b.proname || '\y')
	   AND NOT EXISTS (SELECT FROM f c WHERE c.extname = 'ffu' AND c.proname = b.proname)}), '', 'no function of ffu names one of ffu_flask');

# --- A dump of both, with an adopted table
$t->sql(q{SET ROLE app; CREATE TABLE blogs (id int PRIMARY KEY, v__file_name text, v__mime_type text, v__ext text);
	INSERT INTO blogs VALUES (1, 'clip.txt', 'text/plain', 'txt')});
$t->sql("SELECT * FROM ffu.adopt('blogs', 'v', '$old', dry_run => false, allowed_extensions => '{txt}')");
my $path = $t->sql(q{SELECT v FROM blogs});
my $dump = $t->node->basedir . '/dump';
system_or_bail('pg_dump', '-f', "$dump.sql", $t->node->connstr('postgres'));
unlike(slurp("$dump.sql"), qr/CREATE (?:FUNCTION|PROCEDURE|TYPE) ffu\.|COMMENT ON EXTENSION/, 'a dump has nothing of the schema ffu');
system_or_bail('pg_dump', '-Fc', '-f', "$dump.custom", '--schema-only', '--no-privileges', '--no-owner', $t->node->connstr('postgres'));
$t->sql('CREATE DATABASE restored; CREATE DATABASE prepared OWNER app');
my (undef, $said) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.sql", '-d', $t->node->connstr('restored') ]);
is($said, '', 'restored without a word');
my $r = bless { %$t, database => 'restored', root => "$t->{root}-restored" }, 'FfuTest';
same($r->sql($flask), $t->sql($flask), 'with the same functions and rights');
same($r->sql($ffu), $t->sql($ffu), 'of both extensions');
is($r->sql(q{SELECT ffu.get_file_url('blogs', 1, 'v')}), "/files/$path", 'a verb answers');
$r->fails_with('55000', q{UPDATE blogs SET v__file_name = 'other.txt'}, 'the guard of the adopted column is there');
# The owner of a prepared database restores the structure, the guard with it.
my $p = bless { %$t, database => 'prepared' }, 'FfuTest';
$p->sql("CREATE EXTENSION ffu_flask CASCADE; SELECT ffu.grant_columns('app'); GRANT ALL ON SCHEMA public TO app");
{
	local $ENV{PGUSER} = 'app';
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	(undef, $said) = run_command([ 'pg_restore', '--exit-on-error', '-d', $t->node->connstr('prepared') . ' user=app', "$dump.custom" ]);
}
is($said, '', 'the owner of a database restores without a word');
is($p->sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'ffu_adopted_v'}), '1', 'with the guard');

# --- How it goes
$err = $t->fails_with('2BP01', 'DROP EXTENSION ffu', 'ffu cannot go while ffu_flask is there');
like($err, qr/extension ffu_flask depends on/, 'the server says why');
$err = $t->fails_with('2BP01', 'DROP EXTENSION ffu_flask', 'ffu_flask cannot go while a guard is there');
like($err, qr/trigger ffu_adopted_v on table blogs/, 'the server names it');
$t->sql('DROP TRIGGER ffu_adopted_v ON blogs; DROP EXTENSION ffu_flask');
same($t->sql($ffu), $before, 'it has gone, and left all of ffu');
is($t->sql(q{SELECT string_agg(relation || '.' || column_name, ' ' ORDER BY relation::text) FROM ffu.columns WHERE enabled AND complete}),
	'blogs.v plain.f', 'file columns stay');
is($t->sql(q{SET ROLE app; UPDATE blogs SET v = ffu.file('new.txt', 'new') RETURNING convert_from(ffu.content(v), 'UTF8')}), 'new', 'an adopted column stores');
$t->sql(q{SET ROLE app; DELETE FROM blogs; RESET ROLE; SELECT FROM ffu.sweep()});
is($t->sql('SELECT * FROM ffu.check()'), '', 'all is well without ffu_flask');
ok(-f "$old/blogs/1/clip.txt", 'what flask-file-upload stored is where it was');
# With CASCADE the guards go and nothing else does.
$r->sql('SET client_min_messages = warning; DROP EXTENSION ffu_flask CASCADE');
is($r->sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'ffu_adopted_v'}), '0', 'CASCADE takes the guard');
is($r->sql(q{SELECT count(*) FROM ffu.columns WHERE enabled AND complete}), '2', 'and no file column');

$t->stop;
done_testing();
