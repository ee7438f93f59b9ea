# What a role without rights tried, to get those of others: each case once worked.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('attack', flask => 1, preload => 1);
my $import = $t->root . '-import';

sub write_file
{
	my ($path) = @_;
	open(my $fh, '>', $path) or die "could not write $path: $!";
	print $fh 'content';
	close($fh);
	return;
}

$t->sql(q{
	CREATE ROLE mallory LOGIN CREATEDB;
	CREATE ROLE victim LOGIN;
	CREATE ROLE stranger LOGIN;
	CREATE ROLE operator LOGIN;
	SELECT ffu.grant_columns('mallory'), ffu.grant_columns('victim'), ffu.grant_operations('operator');
	CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE SCHEMA v AUTHORIZATION victim;
	CREATE SCHEMA s AUTHORIZATION stranger;
	GRANT CREATE ON SCHEMA public TO mallory;
	GRANT USAGE ON SCHEMA v TO stranger, mallory;
	SET ROLE mallory;
	CREATE TABLE m.t (id int PRIMARY KEY);
	SELECT ffu.add_column('m.t', 'f');
	INSERT INTO m.t (id, f) VALUES (1, ffu.file('a.txt', 'text'));
	SET ROLE victim;
	CREATE TABLE v.t (id int PRIMARY KEY);
	SELECT ffu.add_column('v.t', 'f');
	INSERT INTO v.t (id, f) VALUES (1, ffu.file('a.txt', 'text'));
});

# What planted code ran as somebody else.
sub stolen
{
	my ($sql, %option) = @_;
	my (undef, undef, $err) = $t->try($sql, %option);
	my %stolen;
	$stolen{"$1 as $2"} = 1 while $err =~ /trap: (.*?) runs as (?!mallory)(\w+)/g;
	return [ sort keys %stolen ];
}

# --- a schema "ffu" where the extension is not
{
	local $t->{database} = 'evil';
	$t->node->safe_psql('postgres', 'CREATE DATABASE evil OWNER mallory');
	$t->sql(q{
		SET ROLE mallory;
		CREATE SCHEMA ffu;
		CREATE FUNCTION ffu.before_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TABLE ffu.root (id text, path text, claimed_at timestamptz);
		CREATE FUNCTION ffu.trap(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$
			BEGIN RAISE WARNING 'trap: index runs as %', current_user; RETURN 1; END $$;
		CREATE TABLE ffu.deletion (id bigint, root text, path text COLLATE "C", state text COLLATE "C",
			doomed_at timestamptz, attempts int, last_error text, next_try timestamptz);
		CREATE SEQUENCE ffu.deletion_id_seq;
		CREATE INDEX ON ffu.deletion (ffu.trap(id));
		CREATE INDEX deletion_path_idx ON ffu.deletion (path);
		CREATE TABLE public.bait (id int, f text);
		INSERT INTO public.bait VALUES (1, 't/1/f-jyt7jt23rbfimggxcmsta6ejuu.txt');
		CREATE TRIGGER x BEFORE INSERT OR UPDATE OF f ON public.bait FOR EACH ROW
			EXECUTE FUNCTION ffu.before_row('f', '{"companions":[]}');
	});
	is_deeply(stolen('DROP TABLE public.bait'), [], 'no code of a schema ffu that is not the extension\'s');
	is($t->sql('SELECT count(*) FROM ffu.deletion'), '0', 'and its tables stay empty');
}

# --- arguments that a function for everybody does not expect
foreach my $call (
	"* FROM ffu._query_as_caller(NULL, NULL, NULL, 1) AS q(a int)",
	"* FROM ffu._query_as_caller('v.t', false, NULL, 1) AS q(a int)")
{
	$t->fails_with('22004', "SET ROLE stranger; SELECT $call", "null arguments: $call");
}
$t->fails_with('22004', q{SET ROLE mallory; SELECT * FROM ffu._query_as_owner('m.t', false, NULL, 1) AS q(a int)},
	'null arguments as the owner');
$t->fails_with('42P10', "SET ROLE mallory; SELECT * FROM ffu._texts_of('m.t', 'f', '$_')", "system column $_")
  foreach 'ctid', 'tableoid';
$t->fails_with('42P01', "SET ROLE mallory; SELECT * FROM ffu._paths_of($_\::oid, '{NULL}')", "no relation: $_") foreach 0, 1;
$t->fails_with('22004', q{SELECT * FROM ffu._adopt_look(NULL, NULL, NULL, NULL, NULL, NULL, NULL)},
	'null arguments of _adopt_look');
$t->fails_with('42703', q{SELECT * FROM ffu._adopt_look('m.t', -3::int2, NULL, '/', 'x', 'x', false)},
	'a column number below zero');
$t->fails_with('22023', q{SELECT * FROM ffu._adopt_look('m.t', 1::int2, '[[1]]', '/', 'x', 'x', false)},
	'a policy that is not an object');

# Every function, as every kind of role, with nulls and with nonsense: no crash.
$t->sql(q{SET ROLE mallory; CREATE TABLE m.fuzz (id int PRIMARY KEY); SELECT ffu.add_column('m.fuzz', 'f')});
my $started = $t->sql('SELECT pg_postmaster_start_time()');
my $fuzz = $t->sql(q{
	SELECT string_agg(format('SELECT * FROM ffu.%I(%s)%s;', p.proname, a,
			CASE WHEN p.prorettype = 'record'::regtype AND p.proname LIKE '\_query%' THEN ' AS q(a int)' ELSE '' END), E'\n' ORDER BY p.proname)
	  FROM pg_proc p
	 CROSS JOIN LATERAL (
		SELECT coalesce(string_agg('NULL::' || y, ', ' ORDER BY o), '') AS nothing,
			   coalesce(string_agg(CASE y WHEN 'regclass' THEN $$'m.fuzz'$$ WHEN 'name' THEN $$'xmin'$$ WHEN 'smallint' THEN '(-3)::int2'
					WHEN 'boolean' THEN 'true' WHEN 'integer' THEN '-5' WHEN 'oid' THEN '1255' WHEN 'jsonb' THEN $$'[[1]]'$$
					WHEN 'bigint' THEN '-9223372036854775808' WHEN 'tid' THEN $$'(4294967294,65535)'$$
					WHEN 'text[]' THEN $$'{{a,b},{c,NULL}}'$$ WHEN 'name[]' THEN $$'{{xmin,tableoid},{ctid,NULL}}'$$
					WHEN 'smallint[]' THEN $$'{{-1,0},{1,2000}}'$$ WHEN 'regprocedure' THEN $$'pg_catalog.now()'$$
					ELSE $$'..%s/"'$$ END || '::' || y, ', ' ORDER BY o), '') AS nonsense
		  FROM unnest(p.proargtypes) WITH ORDINALITY AS u(t, o)
		 CROSS JOIN LATERAL (SELECT CASE t WHEN 'anycompatible'::regtype THEN 'text' WHEN 'anycompatiblearray'::regtype THEN 'text[]'
										   WHEN '"any"'::regtype THEN 'int' ELSE format_type(t, -1) END AS y) n) g
	 CROSS JOIN LATERAL (VALUES (g.nothing), (g.nonsense)) v(a)
	 WHERE p.pronamespace = 'ffu'::regnamespace AND p.prokind = 'f'
	   AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	   AND p.proname !~ '^(grant|revoke)_' AND p.proname !~ '_folder$'
});
foreach my $role ('mallory', 'operator', 'postgres')
{
	my $err = '';
	$t->node->psql('postgres', "SET ROLE $role;\n" . $fuzz, stderr => \$err, on_error_stop => 0, on_error_die => 0);
	unlike($err, qr/server closed|terminating connection|cache lookup failed|is not assigned yet/, "nulls and nonsense to every function, as $role");
}
is($t->sql('SELECT pg_postmaster_start_time()'), $started, 'the server has not crashed');

# --- a number taken for a text
$t->sql(q{
	SET ROLE mallory;
	CREATE FUNCTION m.leak(m.t) RETURNS text LANGUAGE sql STABLE RETURN ffu.url(($1).f__size::text, NULL);
	CREATE FUNCTION m.see(text) RETURNS boolean LANGUAGE sql RETURN true;
	CREATE TRIGGER z BEFORE UPDATE ON m.t FOR EACH ROW WHEN (m.see(format('%s', NEW.f__size))) EXECUTE FUNCTION ffu.before_row('f');
	ALTER TABLE m.t ALTER f__size TYPE bigint;
});
is($t->sql('SET ROLE mallory; SELECT m.leak(t) FROM m.t'), '/files/4', 'the size is a number after ALTER COLUMN TYPE');
is($t->sql(q{SELECT pg_get_triggerdef(oid) ~ 'new\.f__size\)\)\)' FROM pg_trigger WHERE tgname = 'z'}), 't', 'also in a condition');
$t->sql('SET ROLE mallory; DROP FUNCTION m.leak(m.t); SET check_function_bodies = off; DROP TRIGGER z ON m.t');

# A function that goes while the command runs leaves no dependency behind.
$t->sql(q{
	SET ROLE mallory;
	CREATE TABLE m.gone (id int);
	SELECT ffu.add_column('m.gone', 'f', urls => false);
	INSERT INTO m.gone VALUES (1);
	CREATE FUNCTION m.gone_url(m.gone) RETURNS text LANGUAGE sql STABLE RETURN ffu.url(($1).f, NULL);
	CREATE FUNCTION m.drop_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP FUNCTION m.gone_url(m.gone); RETURN 1; END $$;
	ALTER TABLE m.gone ALTER f TYPE varchar, ADD n int DEFAULT m.drop_it();
	DROP TABLE m.gone;
});
pass('a table whose computed field went while its column changed can be dropped');

# --- a lock on a stranger's table
$t->sql('SET ROLE stranger; CREATE TABLE s.copy (f ffu.file)');
my $locker = $t->session;
$locker->query('SET ROLE stranger; BEGIN; LOCK TABLE s.copy');
$t->sql(q{SET ROLE victim; SET lock_timeout = '5s'; BEGIN; TRUNCATE v.t; DROP TABLE v.t; ROLLBACK});
pass('DROP and TRUNCATE do not wait for a lock on a table of a stranger');
$locker->quit;

# --- a partition of another role in a superuser's table
$t->sql(q{
	CREATE SCHEMA su; GRANT USAGE ON SCHEMA su TO mallory;
	CREATE TABLE su.p (id int PRIMARY KEY, f ffu.file) PARTITION BY LIST (id);
	CREATE TABLE su.p1 PARTITION OF su.p FOR VALUES IN (1);
	SELECT ffu.manage_column('su.p', 'f');
	INSERT INTO su.p VALUES (1, ffu.file('a.txt', 'text'));
	ALTER TABLE su.p1 OWNER TO mallory;
	SET ROLE mallory;
	CREATE FUNCTION m.fire() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'trap: trigger runs as %', current_user; RETURN NEW; END $$;
	CREATE TRIGGER a BEFORE UPDATE ON su.p1 FOR EACH ROW EXECUTE FUNCTION m.fire();
});
foreach my $call (
	q{ffu.update_files('su.p', 1, '{"f":"data:text/plain;name=a.txt,x"}')}, q{ffu.delete_files('su.p', 1, '{f}')},
	q{ffu.get_file_url('su.p', 1, 'f')}, q{ffu.stream_file('su.p', 1, 'f')}, q{ffu.add_file_urls_to_models('su.p', NULL::int[], '{f}')})
{
	is_deeply(stolen("SELECT $call"), [], "no code of a partition: $call");
	$t->fails_with('42501', "SELECT $call", "refused: $call");
}

# --- a table that gets the name while a superuser waits for a lock
$t->sql(q{
	SET ROLE mallory;
	CREATE FUNCTION m.key() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'trap: partition key runs as %', current_user; RETURN 0; END $$;
	CREATE TABLE m.r (id int, f text);
	CREATE TABLE m.evil (id int, f text) PARTITION BY LIST ((id + m.key()));
});
my $owner = $t->session;
my $log = -s $t->node->logfile;
$owner->query(q{SET ROLE mallory; SET lock_timeout = '5s'; BEGIN; LOCK TABLE m.r});
my $superuser = $t->session;
$superuser->send_only(q{SELECT ffu.manage_column('m.r', 'f', keep_values => true)});
$t->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%manage_column%'});
# In one message, to come before the superuser's next command.
$owner->query(q{ALTER TABLE m.r RENAME TO x; CREATE TABLE m.r (id int, f text); COMMIT\; BEGIN\; LOCK TABLE m.x IN SHARE ROW EXCLUSIVE MODE;});
$owner->query(q{ALTER TABLE m.x RENAME TO y; ALTER TABLE m.evil RENAME TO x});
$owner->query('COMMIT');
$superuser->wait_done;
$_->quit foreach $owner, $superuser;
unlike(substr(FfuTest::slurp($t->node->logfile), $log), qr/trap: partition key runs as postgres/,
	'the lock is on the table that was checked');
$t->fails_with('25001', q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT ffu.add_column('m.t', 'g')},
	'no checks by an old snapshot');
$t->sql(q{SET ROLE mallory; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT ffu.add_column('m.t', 'g', urls => false); ROLLBACK});
pass('the owner may use one');

# --- functions and declarations that break the calls of others
$t->sql(q{SET ROLE stranger; CREATE FUNCTION s.x(v.t) RETURNS text LANGUAGE sql STABLE RETURN ffu.url(($1).f, NULL)});
$t->sql(q{SET ROLE victim; SET client_min_messages = error; SELECT ffu.add_url_functions('v.t', 'f')});
my $err = $t->fails_with('2BP01', q{SET ROLE victim; SELECT ffu.drop_column('v.t', 'f')}, 'a function of a stranger depends on the column');
like($err, qr/function s\.x\(v\.t\)/, 'and is named');
$t->sql('DROP FUNCTION s.x(v.t)');
$t->sql(q{
	SET ROLE mallory;
	CREATE TABLE m.odd (a text, b text);
	CREATE TRIGGER a BEFORE INSERT OR UPDATE OF a ON m.odd FOR EACH ROW
		EXECUTE FUNCTION ffu.before_row('a', '{"companions":[],"max_size":1.5}');
	CREATE TRIGGER b BEFORE INSERT OR UPDATE OF b ON m.odd FOR EACH ROW
		EXECUTE FUNCTION ffu.before_row('b', '{"companions":[],"max_size":null,"allowed_extensions":null}');
});
is($t->sql(q{SELECT string_agg(column_name, ' ') FROM ffu.columns WHERE relation = 'm.odd'::regclass AND allowed_extensions IS NULL}),
	'b', 'odd policies do not break ffu.columns');
is($t->sql(q{SELECT detail FROM ffu.check('m.odd') WHERE problem = 'declaration'}),
	'"max_size" is not a whole number. Its triggers: a.', 'nor ffu.check');
$t->sql('SELECT count(*) FROM ffu.paths(); DROP TABLE m.odd');

# --- an upload for another table, in the same transaction
$t->sql(q{
	SET ROLE mallory;
	CREATE TABLE m.spy (id int PRIMARY KEY, seen text);
	SELECT ffu.add_column('m.spy', 'f');
	CREATE FUNCTION m.spy() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		NEW.seen := convert_from(ffu.content('upload:' || pg_current_xact_id() || '.1'), 'UTF8');
		RETURN NEW;
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
		NEW.seen := 'not available';
		RETURN NEW;
	END $$;
	CREATE TRIGGER a BEFORE INSERT ON m.spy FOR EACH ROW EXECUTE FUNCTION m.spy();
});
is($t->sql(q{BEGIN; INSERT INTO v.t (id, f) VALUES (2, ffu.file('a.txt', 'secret'));
	INSERT INTO m.spy (id, f) VALUES (1, 'data:text/plain;name=a.txt,x') RETURNING seen; COMMIT}),
	'not available', 'code of a table does not guess an upload for another one');

# --- taking the file of a row by the function that repairs one
my ($oid, $path) = split /\|/, $t->sql('SELECT tableoid::oid, f FROM v.t WHERE id = 1');
$t->fails_with('55000', "SET ROLE operator; SELECT ffu._clear_path($oid, '(0,1)', 'f', '$path')", 'the file is not missing');
is($t->sql('SELECT f FROM v.t WHERE id = 1'), $path, 'and the row keeps it');

# --- inserting as the owner
$t->sql(q{
	SET ROLE victim;
	CREATE TABLE v.secret (a text, b text);
	CREATE VIEW v.inv WITH (security_invoker) AS SELECT * FROM v.secret;
	GRANT INSERT, SELECT ON v.inv TO stranger;
});
$t->fails_with('42501', q{SET ROLE stranger; SELECT ffu._import_row('v.inv', 'a', 'b', 'x', 'y')}, 'not for everybody');
$t->fails_with('55000', q{GRANT pg_read_server_files TO stranger; SET ROLE stranger; SELECT ffu._import_row('v.inv', 'a', 'b', 'x', 'y')},
	'and only into a file column');
is($t->sql('SELECT count(*) FROM v.secret'), '0', 'nothing was inserted');

# --- a directory that became a link
mkdir $import;
mkdir "$import-other";
write_file("$import-other/secret.txt");
symlink("$import-other", "$import/link") or die "could not make a link: $!";
$t->sql('ALTER TABLE m.t ADD n text, ALTER id SET DEFAULT 9');
$t->fails_with('42809', "SELECT ffu._import_one('m.t', 'f', 'n', '$import', 'link/secret.txt', false, false)", 'no link is followed below a directory');
$t->fails_with('22023', "SELECT ffu._import_one('m.t', 'f', 'n', '$import', '../' || '$import-other/secret.txt', false, false)", 'nothing leads up');

# --- operators that fit better than the server's, for every pair of types
$t->sql(q{
	SET ROLE mallory;
	SET search_path = pg_catalog;
	DO $do$
	DECLARE
		l text; r text; o text; n int := 0;
		types text[] := '{oid,regclass,regproc,regprocedure,regtype,regnamespace,name,text,varchar,int2,int4,int8,numeric,bool,jsonb,timestamptz,interval,xid,tid,name[],text[],oid[],int2[],ffu.file}';
	BEGIN
		FOREACH l IN ARRAY types LOOP FOREACH r IN ARRAY types LOOP
			n := n + 1;
			EXECUTE format('CREATE FUNCTION public.trap_%s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', n, l, r,
				format($$BEGIN RAISE WARNING 'trap: operator of %s and %s runs as %%', current_user; RETURN true; END$$, l, r));
			FOREACH o IN ARRAY '{=,<>,<,>,||,+,-,*,/,%,~,!~,~~,->,->>,?,&,@>}'::text[] LOOP
				EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.trap_%s)', o, l, r, n);
			END LOOP;
		END LOOP; END LOOP;
	END $do$;
});
is_deeply(stolen(q{SELECT FROM pg_class WHERE oid = 'pg_class'::regclass}), ['operator of oid and regclass as postgres'],
	'the operators are found');
# A name of the staging directory that has a path makes ffu.claim_folder look rows up.
$t->sql(q{SET ROLE mallory; BEGIN; INSERT INTO m.t (id, f) VALUES (77, ffu.file('a.txt', 'text')); PREPARE TRANSACTION 'staged'});
my ($staged) = grep { /:/ } $t->staging;
my $staging = $t->root . "/.ffu/staging/$staged";
link($staging, "$staging-kept") or die "could not link $staging: $!";
$t->sql(q{ROLLBACK PREPARED 'staged'});
rename("$staging-kept", $staging) or die "could not rename: $!";
is_deeply(stolen('SELECT ffu.claim_folder()'), [], 'ffu.claim_folder runs none');
foreach my $call (
	'SELECT * FROM ffu.check(); SELECT * FROM ffu.check(NULL, true)', 'TABLE ffu.status; TABLE ffu.stat; TABLE ffu.columns; TABLE ffu.pending_deletions; TABLE ffu.abandoned_folders',
	'SELECT * FROM ffu.paths()', q{SELECT ffu.repair('size', dry_run => false), ffu.repair('missing'), ffu.repair('disabled', dry_run => false), ffu.repair('orphan'), ffu.repair('staging', dry_run => false)},
	q{CALL ffu.relocate('m.t', 'f', 'x/{token}{ext}', 1)}, "CALL ffu.import_directory('m.t', 'f', 'n', '$import-other', 1)",
	q{SELECT ffu.add_column('m.t', 'g', max_size => 10); SELECT ffu.alter_column('m.t', 'g', reset => '{max_size}'); SELECT ffu.drop_column('m.t', 'g')},
	q{SELECT ffu.update_files('m.t', 1, '{"f":"data:text/plain;name=a.txt,x"}'); SELECT ffu.add_file_urls_to_models('m.t', NULL::int[], '{f}'); SELECT ffu.delete_files('m.t', 1, '{f}')},
	'ALTER TABLE m.t ALTER f TYPE pg_catalog.text', 'SELECT ffu.sweep(); SELECT ffu.delete_detached()', 'TRUNCATE m.t; DROP TABLE m.t')
{
	my ($rc, undef, $error) = $t->try($call);
	is($rc, 0, "no error: $call") or diag($error);
	unlike($error, qr/trap: .* runs as (?!mallory)/, "no operator: $call");
}

$t->stop;
done_testing();
