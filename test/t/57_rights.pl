# Whose rights apply. A table owner plants code of every kind in a table; then a
# superuser calls every function of ffu on that table. Each piece of planted code
# tells the server's log who runs it: nobody but the owner of the table may.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('rights', flask => 1);
my $root = $t->root;
my $upload = "$root-upload";
my $import = "$root-import";

sub put
{
	my ($path, $content) = @_;
	my $dir = '';
	foreach my $part (split m{/}, $path =~ s{/[^/]*$}{}r)
	{
		$dir .= "$part/";
		mkdir $dir unless -d $dir;
	}
	open(my $fh, '>', $path) or die "could not write $path: $!";
	print $fh $content;
	close($fh);
	return;
}

# What planted code ran in the statements, as "kind as role".
sub runs
{
	my ($sql, %option) = @_;
	my $start = -s $t->node->logfile;
	my ($rc, $out, $err) = $t->try($sql, %option);
	my $log = substr(FfuTest::slurp($t->node->logfile), $start);
	my %ran;
	$ran{"$1 as $2"} = 1
	  while $log =~ /WARNING:  (?:[0-9A-Z]{5}: )?planted (.*?) runs as (\w+)/g;
	return ([ sort keys %ran ], $rc, $out, $err);
}

# Passes when the statements succeed and only roles of the list ran planted code.
sub harmless
{
	my ($sql, $label, %option) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($ran, $rc, undef, $err) = runs($sql, %option);
	is($rc, 0, "$label: no error") or diag($err);
	my $roles = join '|', @{ $option{roles} // ['mallory'] };
	return is_deeply([ grep { !/ as (?:$roles)$/ } @$ran ], [], "$label: planted code runs as the owner, if at all");
}

$t->sql(q{
	CREATE ROLE mallory LOGIN;
	CREATE ROLE reader LOGIN;
	GRANT pg_read_server_files TO reader;
	SELECT ffu.grant_columns('mallory');
	CREATE SCHEMA m AUTHORIZATION mallory;
	GRANT CREATE ON SCHEMA public TO mallory;
});

# The code. Functions marked immutable are called by the planner as well.
$t->sql(q{
	SET ROLE mallory;
	CREATE FUNCTION m.trap(kind text) RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted % runs as %', kind, current_user; RETURN true; END $$;
	CREATE FUNCTION m.itrap(kind text, id bigint DEFAULT 0) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted % runs as %', kind, current_user; RETURN true; END $$;
	CREATE FUNCTION m.zero(kind text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted % runs as %', kind, current_user; RETURN 0; END $$;
	CREATE FUNCTION m.fire() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted % runs as %', TG_NAME, current_user;
		IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;

	CREATE TYPE m.evil AS ENUM ('1', '2');
	CREATE FUNCTION m.evil_text(m.evil) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN 'x'; END $$;
	CREATE FUNCTION m.text_evil(text) RETURNS m.evil IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN enum_first(NULL::m.evil); END $$;
	CREATE FUNCTION m.evil_json(m.evil) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN '1'; END $$;
	CREATE CAST (m.evil AS text) WITH FUNCTION m.evil_text(m.evil) AS ASSIGNMENT;
	CREATE CAST (text AS m.evil) WITH FUNCTION m.text_evil(text) AS ASSIGNMENT;
	CREATE TYPE m.implicit AS ENUM ('1', '2');
	CREATE FUNCTION m.implicit_text(m.implicit) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN 'x'; END $$;
	CREATE FUNCTION m.implicit_int8(m.implicit) RETURNS int8 IMMUTABLE LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN 1; END $$;
	CREATE CAST (m.implicit AS text) WITH FUNCTION m.implicit_text(m.implicit) AS IMPLICIT;
	CREATE CAST (m.implicit AS int8) WITH FUNCTION m.implicit_int8(m.implicit) AS IMPLICIT;
	CREATE CAST (m.evil AS json) WITH FUNCTION m.evil_json(m.evil);
	CREATE DOMAIN m.dom AS text CHECK (m.trap('domain'));
});

# Operators that fit better than the server's, where every search path finds them.
foreach my $op (
	[ '<>', 'm.evil', 'text', 'true' ], [ '<>', 'ffu.file', 'text', 'true' ], [ '=', 'ffu.file', 'text', 'true' ],
	[ '!~', 'ffu.file', 'text', 'true' ], [ '=', 'm.evil', 'text', 'true' ], [ '||', 'text', 'ffu.file', 'x' ],
	[ '+', 'bigint', 'integer', 1 ], [ '=', 'regclass', 'regclass', 'true' ])
{
	my ($name, $left, $right, $value) = @$op;
	my $type = $value eq 'x' ? 'text' : $value eq 'true' ? 'boolean' : 'bigint';
	my $func = 'public.planted_' . join '_', map { s/\W/_/gr } $left, $right, sprintf('%vd', $name);
	$t->sql(qq{
		SET ROLE mallory;
		CREATE FUNCTION $func($left, $right) RETURNS $type LANGUAGE plpgsql AS \$\$
			BEGIN RAISE WARNING 'planted operator runs as %', current_user; RETURN '$value'; END \$\$;
		CREATE OPERATOR public.$name (LEFTARG = $left, RIGHTARG = $right, FUNCTION = $func);
	});
}

# Plants everything in a table that has an int column id.
my $number = 0;

sub plant
{
	my ($table) = @_;
	my $n = ++$number;
	my $sql = 'SET ROLE mallory;';
	foreach my $when ('BEFORE', 'AFTER')
	{
		foreach my $enable ('', 'ALWAYS', 'REPLICA')
		{
			foreach my $for ('ROW', 'STATEMENT')
			{
				my $trigger = lc join '_', 'trigger', $when, $enable || 'origin', $for;
				$sql .= "CREATE TRIGGER $trigger $when INSERT OR UPDATE OR DELETE ON $table FOR EACH $for EXECUTE FUNCTION m.fire();";
				$sql .= "ALTER TABLE $table ENABLE $enable TRIGGER $trigger;" if $enable;
			}
		}
	}
	return $t->sql($sql . qq{
		ALTER TABLE $table ADD planted_default m.dom DEFAULT m.trap('default')::text,
			ADD planted_generated boolean GENERATED ALWAYS AS (m.itrap('generated', id)) STORED,
			ADD CHECK (m.itrap('check', id)), ADD CHECK (m.itrap('check of a constant'));
		CREATE INDEX ON $table (m.itrap('index expression', id)) WHERE m.itrap('index predicate', id);
		CREATE INDEX ON $table ((m.itrap('index on a constant'))) WHERE m.itrap('predicate of a constant');
		CREATE STATISTICS m.planted_$n ON (m.itrap('statistics', id)), (m.itrap('statistics of a constant') AND id > 0) FROM $table;
		CREATE RULE planted_update AS ON UPDATE TO $table DO ALSO INSERT INTO m.log SELECT m.trap('rule');
		CREATE RULE planted_insert AS ON INSERT TO $table DO ALSO INSERT INTO m.log SELECT m.trap('rule');
		ALTER TABLE $table ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
		CREATE POLICY planted ON $table USING (m.trap('policy')) WITH CHECK (m.trap('policy'));
	});
}

# The tables: one with everything, one with keys of an enum, a partitioned one, one of
# flask-file-upload's, and two that were declared by hand.
$t->sql(q{
	SET ROLE mallory;
	CREATE TABLE m.log (what boolean);
	CREATE TABLE m.t (id int PRIMARY KEY, imported_from text, plain text);
	SELECT ffu.add_column('m.t', 'f');
	CREATE TABLE m.keys (k m.evil PRIMARY KEY, id int);
	SELECT ffu.add_column('m.keys', 'f');
	CREATE TABLE m.child (id int PRIMARY KEY, k m.evil, t int REFERENCES m.t);
	SELECT ffu.add_column('m.child', 'f');
	CREATE TABLE m.p (id int, f ffu.file) PARTITION BY LIST ((id + m.zero('partition key of a constant')));
	CREATE TABLE m.p1 PARTITION OF m.p FOR VALUES IN (1);
	CREATE TABLE m.p2 (id int, f ffu.file);
	SELECT ffu.manage_column('m.p', 'f');
	CREATE TABLE m.old (id int PRIMARY KEY, photo__file_name text, photo__file_type text, photo__mime_type varchar(20));
	CREATE TABLE m.blogs (k m.evil PRIMARY KEY, id int, photo__file_name text, photo__mime_type text, photo__ext text);
	CREATE TABLE m.more (id int PRIMARY KEY, photo__file_name text, photo__mime_type text, photo__ext text);
	CREATE TABLE m.by_hand (id int PRIMARY KEY, p m.implicit);
	CREATE TRIGGER by_hand BEFORE INSERT OR UPDATE OF p ON m.by_hand FOR EACH ROW
		EXECUTE FUNCTION ffu.before_row('p', '{"companions":[]}');
	CREATE TABLE m.by_hand_2 (id int PRIMARY KEY, p text, s m.implicit, c m.implicit);
	CREATE TRIGGER by_hand BEFORE INSERT OR UPDATE OF p, s, c ON m.by_hand_2 FOR EACH ROW
		EXECUTE FUNCTION ffu.before_row('p', '{"companions":["size","sha256"]}');
	CREATE TABLE m.by_hand_3 (id int PRIMARY KEY, p m.dom);
	CREATE TRIGGER by_hand BEFORE INSERT OR UPDATE OF p ON m.by_hand_3 FOR EACH ROW
		EXECUTE FUNCTION ffu.before_row('p', '{"companions":[]}');
	CREATE TABLE m.albums (k m.evil PRIMARY KEY);
	INSERT INTO m.albums VALUES ('1');
	INSERT INTO m.t SELECT i, NULL, 'plain', ffu.file('a.txt', 'text') FROM generate_series(1, 9) i;
	INSERT INTO m.keys VALUES ('1', 1, ffu.file('a.txt', 'text'));
	INSERT INTO m.child VALUES (1, '1', 1, ffu.file('a.txt', 'text'));
	INSERT INTO m.p VALUES (1, ffu.file('a.txt', 'text'));
	INSERT INTO m.old VALUES (1, 'a.txt', 'text/plain', 'txt');
	INSERT INTO m.blogs VALUES ('1', 1, 'a.txt', 'text/plain', 'txt');
	INSERT INTO m.more SELECT i, 'a.txt', 'text/plain', 'txt' FROM generate_series(1, 3) i;
	ALTER TABLE m.by_hand DISABLE TRIGGER by_hand;
	INSERT INTO m.by_hand VALUES (1, '1');
	ALTER TABLE m.by_hand ENABLE TRIGGER by_hand;
	ALTER TABLE m.by_hand_2 DISABLE TRIGGER by_hand;
	INSERT INTO m.by_hand_2 VALUES (1, 'm/by_hand_2/none', '1', '1');
	ALTER TABLE m.by_hand_2 ENABLE TRIGGER by_hand;
	ALTER TABLE m.by_hand_3 DISABLE TRIGGER by_hand;
	INSERT INTO m.by_hand_3 VALUES (1, 'm/by_hand_3/none');
	ALTER TABLE m.by_hand_3 ENABLE TRIGGER by_hand;
});
put("$upload/old/1/a.txt", 'old');
put("$upload/blogs/x/a.txt", 'blogs');	# the key is what the cast says
put("$upload/more/$_/a.txt", 'more') foreach 1 .. 3;
put("$import/a.txt", 'import');
plant($_) foreach map { "m.$_" } qw(t keys child old blogs more by_hand by_hand_2 by_hand_3);

# The traps are live: a superuser's own statements run all of it.
my ($ran) = runs(q{
	INSERT INTO m.t (id) VALUES (100); UPDATE m.t SET id = 101 WHERE id = 100; DELETE FROM m.t WHERE id = 101;
	SET session_replication_role = replica; INSERT INTO m.t (id) VALUES (100); DELETE FROM m.t WHERE id = 100;
	RESET session_replication_role; SELECT k::text FROM m.keys; SELECT f <> ''::text FROM m.t;
	INSERT INTO m.p VALUES (1, NULL);
});
is_deeply([ grep { / as postgres$/ } @$ran ], [ map { "$_ as postgres" } sort
	'cast', 'check', 'check of a constant', 'default', 'domain', 'generated', 'index expression',
	'index on a constant', 'index predicate', 'operator', 'partition key of a constant', 'predicate of a constant', 'rule',
	'statistics of a constant',
	map { my $w = $_; map { my $e = $_; map { "trigger_${w}_${e}_$_" } 'row', 'statement' } 'origin', 'always', 'replica' } 'before', 'after' ],
	"a superuser's own statements run what is planted");
($ran) = runs('GRANT USAGE ON SCHEMA m TO reader; GRANT SELECT ON m.t TO reader; SET ROLE reader; SELECT FROM m.t');
ok((grep { $_ eq 'policy as reader' } @$ran), 'and policies run as whoever reads');

# Damage for ffu.repair(): in the session of the call, but with no table's code.
sub damage
{
	my ($column, $value, $id) = @_;
	$t->sql(qq{SET session_replication_role = replica; UPDATE m.t SET $column = $value WHERE id = $id});
	return;
}

# What a superuser calls, on which table with what. A function that reads or writes no
# table of users' has a reason instead. The order matters: the last rows drop.
my $touches_none = 'no table of a user';
my @attacks = (
	[ paths => 'SELECT * FROM ffu.paths()' ],
	[ paths => "SELECT * FROM ffu.paths('m.t'); SELECT * FROM ffu.paths('m.p'); SELECT * FROM ffu.paths('m.p1'); SELECT * FROM ffu.paths('m.keys')" ],
	[ check => 'SELECT * FROM ffu.check(); SELECT * FROM ffu.check(NULL, true)' ],
	[ check => "SELECT * FROM ffu.check('m.t'); SELECT * FROM ffu.check('m.by_hand'); SELECT * FROM ffu.check('m.by_hand_2'); SELECT * FROM ffu.check('m.by_hand_3')" ],
	[ status => 'SELECT * FROM ffu.status, ffu.stat; SELECT * FROM ffu.columns; SELECT * FROM ffu.pending_deletions; SELECT * FROM ffu.abandoned_folders' ],
	[ set_quota => "SELECT ffu.set_quota('mallory', '1 GB'); SELECT ffu.set_quota(NULL, '1 GB'); SELECT * FROM ffu.usage" ],
	[ recount => 'SELECT ffu.recount()', undef, q{SELECT files > 0 FROM ffu.usage WHERE role = 'mallory'} ],
	[ repair => "SELECT * FROM ffu.repair('size', dry_run => false)", sub { damage('f__size', 1, 2) }, 'SELECT f__size = 4 FROM m.t WHERE id = 2' ],
	[ repair => "SELECT * FROM ffu.repair('checksum', dry_run => false)", sub { damage('f__sha256', "'x'", 2) }, 'SELECT length(f__sha256) = 64 FROM m.t WHERE id = 2' ],
	[ repair => "SELECT * FROM ffu.repair('missing', dry_run => false)", sub { damage('f', q{regexp_replace(f, '.[.]txt$', CASE WHEN f ~ 'a[.]txt$' THEN 'b.txt' ELSE 'a.txt' END)}, 3) }, 'SELECT f IS NULL AND f__size IS NULL FROM m.t WHERE id = 3' ],
	[ repair => "SELECT * FROM ffu.repair('disabled', dry_run => false)",
		sub { $t->sql('ALTER TABLE m.t DISABLE TRIGGER zz_ffu_f_2_change; SET session_replication_role = replica; DROP TRIGGER zz_ffu_f_4_update ON m.t') },
		q{SELECT enabled AND complete FROM ffu.columns WHERE relation::oid = 'm.t'::regclass::oid} ],
	[ repair => "SELECT * FROM unnest('{orphan,permissions,staging}'::text[]) p, ffu.repair(p, dry_run => false)" ],
	[ repair => "SELECT * FROM unnest('{checksum,disabled,missing,orphan,permissions,size,staging}'::text[]) p, ffu.repair(p)" ],
	[ relocate => "CALL ffu.relocate('m.t', 'f', 'moved/{token}{ext}')", undef, q{SELECT bool_and(f LIKE 'moved/%') FROM m.t} ],
	[ relocate => "CALL ffu.relocate('m.keys', 'f', 'moved/{token}{ext}', 1)" ],
	[ import_directory => "CALL ffu.import_directory('m.t', 'f', 'imported_from', '$import')",
		sub { $t->sql('ALTER TABLE m.t ALTER id SET DEFAULT 50') }, q{SELECT count(*) = 1 FROM m.t WHERE imported_from = 'a.txt' AND f__size = 6} ],
	[ adopt => "SELECT * FROM ffu.adopt('m.blogs', 'photo', '$upload'); SELECT * FROM ffu.adopt('m.old', 'photo', '$upload')" ],
	[ adopt => "SELECT * FROM ffu.adopt('m.blogs', 'photo', '$upload', dry_run => false)", undef, 'SELECT photo__size = 5 FROM m.blogs' ],
	[ adopt => "SELECT * FROM ffu.adopt('m.old', 'photo', '$upload', dry_run => false)", undef, 'SELECT photo__size = 3 FROM m.old' ],
	[ adopt_in_batches => "CALL ffu.adopt_in_batches('m.more', 'photo', '$upload', 1)", undef, 'SELECT bool_and(photo__size = 4) FROM m.more' ],
	[ upgrade_column_names => "SELECT ffu.upgrade_column_names('m.t')" ],
	[ add_column => "SELECT ffu.add_column('m.t', 'g'); SELECT ffu.add_column('m.keys', 'g', max_size => 1)" ],
	[ add_column => "SELECT ffu.add_column('m.empty', 'g', required => true)",
		sub { $t->sql('SET ROLE mallory; CREATE TABLE m.empty (id int)'); plant('m.empty') } ],
	[ manage_column => "SELECT ffu.manage_column('m.t', 'plain', keep_values => true)" ],
	[ manage_column => "SELECT ffu.manage_column('m.empty', 'h', required => true)", sub { $t->sql('ALTER TABLE m.empty ADD h text') } ],
	[ manage_column => "SELECT ffu.manage_column('m.t', 'copied', copy_values => true)",
		sub { $t->sql(q{SET client_min_messages = error; ALTER TABLE m.t ADD copied text; SET session_replication_role = replica; UPDATE m.t SET copied = f WHERE id = 1}) },
		'SELECT copied <> f FROM m.t WHERE id = 1' ],
	[ alter_column => "SELECT ffu.alter_column('m.t', 'f', max_size => 100000); SELECT ffu.alter_column('m.child', 'f', required => true); SELECT ffu.alter_column('m.child', 'f', required => false)" ],
	[ add_url_functions => "SELECT ffu.add_url_functions('m.t', 'f')" ],
	[ add_attachments => "SELECT ffu.add_attachments('m.t', 'more'); SELECT ffu.add_attachments('m.albums', 'more')" ],
	[ grant_attachments => "SELECT ffu.grant_attachments('m.t_more'); SELECT ffu.grant_attachments('m.albums_more')",
		sub { plant('m.t_more'); plant('m.albums_more') } ],
	[ attach => "SELECT ffu.attach('m.t_more', 1, ffu.file('a.txt', 'text')); SELECT ffu.attach('m.albums_more', a, ffu.file('a.txt', 'text')) FROM m.albums a; "
		. "SELECT ffu.attach('m.albums_more', '1', ffu.file('a.txt', 'text')); SELECT jsonb_array_length(m.more_urls(a)) FROM m.albums a",
		undef, 'SELECT count(*) = 2 FROM m.albums_more' ],
	[ reorder => "SELECT ffu.reorder('m.albums_more', '1', '{2}'); SELECT ffu.reorder('m.albums_more', a, '{1}') FROM m.albums a" ],
	[ detach => "SELECT ffu.detach('m.t_more', 1, 1); SELECT ffu.detach('m.albums_more', a, 1) FROM m.albums a", undef, 'SELECT count(*) = 1 FROM m.albums_more' ],
	[ add_files => q{SELECT ffu.add_files('m.t', 1, jsonb_build_object('f', 'data:,new')); SELECT ffu.add_files('m.keys', '1', jsonb_build_object('f', 'data:,new'))} ],
	[ add_files => q{SELECT ffu.add_files('m.keys', '1'::m.evil, jsonb_build_object('f', 'data:,new'))} ],
	[ save_files => q{SELECT ffu.save_files('m.t', 1, jsonb_build_object('f', 'data:,new'))}, undef, 'SELECT f__size = 3 FROM m.t WHERE id = 1' ],
	[ update_files => q{SELECT ffu.update_files('m.t', 1, jsonb_build_object('f', 'data:,new'))} ],
	[ stream_file => "SELECT ffu.stream_file('m.t', 1, 'f'); SELECT ffu.stream_file('m.keys', '1', 'f'); SELECT ffu.stream_file('m.keys', '1'::m.evil, 'f')" ],
	[ get_file_url => "SELECT ffu.get_file_url('m.t', 1, 'f'); SELECT ffu.get_file_url('m.keys', '1', 'f'); SELECT ffu.get_file_url('m.keys', '1'::m.evil, 'f')" ],
	[ add_file_urls_to_models => q{SELECT ffu.add_file_urls_to_models('m.t', NULL::int[], '{f}', '{"name": "child", "filenames": ["f"]}'); SELECT ffu.add_file_urls_to_models('m.keys', ARRAY['1'], '{f}')} ],
	[ delete_files => "SELECT ffu.delete_files('m.t', 1, '{f}', 'files'); SELECT ffu.delete_files('m.t', 2, '{f}', 'model'); SELECT ffu.delete_files('m.t', 4, '{f}')" ],
	[ sweep => 'SELECT * FROM ffu.sweep()' ],
	# Twice, since a path that was not made for its row is looked for in every table first.
	[ sweep => 'SELECT * FROM ffu.sweep(); SELECT * FROM ffu.sweep()',
		sub { $t->sql(q{SET session_replication_role = replica; UPDATE m.t SET f = (SELECT f FROM m.child) WHERE id = 5;
			RESET session_replication_role; SET ROLE mallory; DELETE FROM m.t WHERE id = 5}) },
		q{SELECT count(*) = 1 FROM m.child WHERE ffu.size(f) = 4 AND NOT EXISTS (SELECT FROM ffu.deletion d WHERE d.path = child.f)} ],
	[ delete_detached => 'SELECT ffu.delete_detached(path) FROM ffu.pending_deletions WHERE state = $$detached$$' ],
	[ claim_folder => 'SELECT ffu.claim_folder()' ],
	[ serve => q{SELECT s.status FROM ffu.paths('m.t') p, ffu.serve(p.path, 'm.t', 'f') s} ],
	[ drop_column => "SELECT ffu.drop_column('m.t', 'g'); SELECT ffu.drop_column('m.t', 'f'); SELECT ffu.drop_column('m.keys', 'f', keep_files => true)" ],
	[ ddl_start => 'ALTER TABLE m.child ADD n int; ALTER TABLE m.child DROP COLUMN f CASCADE; DROP TABLE m.by_hand, m.by_hand_2, m.by_hand_3' ],
	[ ddl_complete => 'CREATE TABLE m.like_more (LIKE m.more)' ]
);

# Each needs a reason: functions of users' that ffu is not asked to read a table by.
my %no_table = (
	(map { $_ => 'bytes and paths alone' } qw(file from_large_object content stream size url to_large_object undelete
		headers signed_url bucket_url verify_url rotate_url_secret nginx_secrets import_file upload_begin upload_append upload_offset upload_status upload_finish upload_cancel)),
	(map { $_ => 'fires with the rights of the statement' } qw(before_row after_row before_truncate skip_replicated
		refuse_companions)),
	move_files => 'reads stored texts alone, and needs a bucket: 84_bucket_move.pl',
	fetch_missing => 'reads stored texts alone, and needs another server: 49_fetch_missing.pl',
	(map { $_ => 'an argument or the catalog' } qw(check_path_template trigger_arguments tie_function
		grant_columns revoke_columns grant_operations revoke_operations use_folder adopt_folder use_bucket claim_bucket leave_bucket)),
	ddl_end => 'beside ddl_start');

is_deeply([ sort keys %{ { map { $_->[0] => 1 } @attacks, map { [$_] } keys %no_table } } ],
	[ sort(split(/\n/, $t->sql(q{SELECT DISTINCT proname FROM pg_proc
		WHERE pronamespace = 'ffu'::regnamespace AND proname NOT LIKE '\_%'})), 'status') ],
	'every function of ffu is in the table of attacks, or says why not');

foreach my $attack (@attacks)
{
	my ($function, $sql, $before, $check) = @$attack;
	$before->() if $before;
	harmless($sql, "$function: " . ($sql =~ s/\Q$root\E/ROOT/gr));
	is($t->sql($check), 't', "$function: it has done it") if $check;
	unmended() if $sql =~ /'disabled'/;
}

# A hand-made declaration that ffu.before_row() would not accept gets no more triggers.
sub unmended
{
	return is($t->sql(q{SELECT string_agg(tgrelid::regclass || ' ' || n, ', ' ORDER BY tgrelid::regclass::text)
		FROM (SELECT tgrelid, count(*) AS n FROM pg_trigger WHERE tgfoid::regproc::text LIKE 'ffu.%' GROUP BY 1) s
		WHERE tgrelid::regclass::text LIKE 'm.by\_hand%'}),
		'm.by_hand 1, m.by_hand_2 1, m.by_hand_3 6', 'repair: completes no hand-made declaration with columns of other types');
}

# What cannot be done without running the owner's code with the rights of another is
# refused, with the way out.
$t->sql(q{
	CREATE TABLE own (id int, f ffu.file) PARTITION BY LIST (id);
	SELECT ffu.manage_column('own', 'f');
	SET ROLE mallory;
	CREATE TABLE m.part (id int, f ffu.file);
	CREATE TABLE m.later (id int PRIMARY KEY, imported_from text);
	SELECT ffu.add_column('m.later', 'f');
	INSERT INTO m.later VALUES (1, NULL, ffu.file('a.txt', 'text'));
	CREATE CONSTRAINT TRIGGER deferred AFTER UPDATE ON m.later DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION m.fire();
	CREATE TABLE m.two (id int PRIMARY KEY);
	RESET ROLE;
	CREATE ROLE other;
	GRANT CREATE, USAGE ON SCHEMA m TO other;
	GRANT REFERENCES ON m.two TO other;
	CREATE TABLE m.two_child (id int PRIMARY KEY, two int REFERENCES m.two);
	ALTER TABLE m.two_child OWNER TO other;
	SELECT ffu.add_column('m.two', 'f');
	SELECT ffu.add_column('m.two_child', 'f');
	SET client_min_messages = error;
	ALTER TABLE own ATTACH PARTITION m.part FOR VALUES IN (1);
});
foreach my $refused (
	[ 42501, "SELECT ffu.add_column('m.p', 'g')", 'a partition key with a function of the owner' ],
	[ 42501, "SELECT ffu.alter_column('own', 'f', required => true)", "a superuser's table with a partition of another" ],
	[ 42501, q{SELECT ffu.save_files('m.later', 1, jsonb_build_object('f', 'data:,new'))}, 'a deferred trigger, which would run at commit' ],
	[ 42501, "CALL ffu.relocate('m.later', 'f', 'other/{token}{ext}')", 'a deferred trigger, in ffu.relocate' ],
	[ 42501, q{SELECT ffu.add_file_urls_to_models('m.two', NULL::int[], '{f}', '{"name": "two_child", "filenames": ["f"]}')}, 'tables of two owners' ])
{
	my ($code, $sql, $label) = @$refused;
	my ($ran, undef, undef, $err) = runs($sql);
	like($err, qr/ERROR:  $code:/, "refused: $label");
	is_deeply([ grep { !/ as mallory$/ } @$ran ], [], "refused: $label: nothing ran");
}
harmless("SET ROLE mallory; CALL ffu.relocate('m.later', 'f', 'other/{token}{ext}')", 'the owner may', roles => ['mallory']);

# Nobody becomes another by the functions themselves.
$t->sql('GRANT USAGE ON SCHEMA m TO reader');
foreach my $call (
	q{SELECT * FROM ffu._query_as_owner('m.later', false, 'SELECT current_user::text', 1) AS r(a text)},
	q{SELECT ffu._command_as_owner('m.later', 'ALTER TABLE m.later DROP COLUMN f')},
	q{SELECT ffu._command_as_owner('pg_class', 'ALTER ROLE reader SUPERUSER')},
	q{SELECT ffu._import_row('m.later', 'imported_from', 'f', 'x', 'data:,x')},
	q{SELECT * FROM ffu._paths_of('m.later', '{f,f__size,f__sha256}')},
	q{SELECT * FROM ffu._texts_of('m.later', 'f', NULL)},
	q{SELECT ffu._clear_path('m.later', '(0,1)', 'f', 'x')},
	q{SELECT ffu._set_companions('m.later', '(0,1)', 'f', 'x', 1, 'x')},
	q{CALL ffu.import_directory('m.later', 'f', 'imported_from', '/etc')})
{
	my (undef, undef, $err) = $t->try("SET ROLE reader; $call");
	like($err, qr/ERROR:  42501:/, "42501 for a stranger: $call");
}
# Also with EXECUTE on them a role writes companions of file columns and no more.
$t->sql('GRANT EXECUTE ON FUNCTION ffu._set_companions, ffu._has_checksum, ffu._clear_path TO reader');
foreach my $call (map { my $r = $_; map { "SELECT ffu.$_" } "_set_companions('$r', '(0,1)', 'prosrc', 'x', 1, 'x')",
	"_has_checksum('$r', '(0,1)', 'prosrc', 'x')", "_clear_path('$r', '(0,1)', 'prosrc', 'x')" } 'pg_proc', 'pg_roles', 'ffu.root', 'm.log')
{
	my (undef, undef, $err) = $t->try("SET ROLE reader; $call");
	like($err, qr/ERROR:  (?:55000|0A000):/, "no file column: $call");
}
my (undef, $who) = $t->try(q{SELECT * FROM ffu._query_as_caller('m.later', false, 'SELECT current_user::text', 1) AS r(a text)}, user => 'reader');
is($who, 'reader', 'a caller who is no superuser stays who it is');

# Whoever may insert imports; the owner's code runs as the owner, not as a role that
# may read the server's files.
$t->sql(q{
	SET ROLE mallory;
	CREATE TABLE m.import (id int PRIMARY KEY DEFAULT 1, imported_from text);
	SELECT ffu.add_column('m.import', 'f');
});
plant('m.import');
$t->sql(q{ALTER TABLE m.import DISABLE ROW LEVEL SECURITY; GRANT INSERT, SELECT ON m.import TO reader});
harmless("CALL ffu.import_directory('m.import', 'f', 'imported_from', '$import')", 'import by a reader of files', user => 'reader');
is($t->sql('SELECT imported_from, f__size FROM m.import'), 'a.txt|6', 'and it has imported');
$t->sql('ALTER TABLE m.import ENABLE ROW LEVEL SECURITY; DELETE FROM m.import');
($ran, undef, undef, my $err) = runs("CALL ffu.import_directory('m.import', 'f', 'imported_from', '$import')", user => 'reader');
like($err, qr/ERROR:  42501:/, 'import with row-level security is refused');
is_deeply($ran, [], 'and no policy has run');

# ffu.paths(): what a reader has not named is not read by way of policies.
$t->sql(q{REVOKE ALL ON ALL TABLES IN SCHEMA m FROM reader; SET client_min_messages = error; DROP SCHEMA m CASCADE;
	CREATE SCHEMA m AUTHORIZATION mallory; GRANT USAGE ON SCHEMA m TO reader; SET ROLE mallory;
	CREATE FUNCTION m.trap(kind text) RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN RAISE WARNING 'planted % runs as %', kind, current_user; RETURN true; END $$;
	CREATE TABLE m.t (id int PRIMARY KEY); SELECT ffu.add_column('m.t', 'f');
	INSERT INTO m.t VALUES (1, ffu.file('a.txt', 'text'));
	GRANT SELECT ON m.t TO reader;
	ALTER TABLE m.t ENABLE ROW LEVEL SECURITY;
	CREATE POLICY planted ON m.t USING (m.trap('policy'));
	RESET ROLE; GRANT SELECT ON own TO reader});
($ran, undef, undef, $err) = runs('SELECT * FROM ffu.paths()', user => 'reader');
like($err, qr/ERROR:  42501:/, 'ffu.paths() of everything is refused where policies would choose');
is_deeply($ran, [], 'and no policy has run');
($ran, undef, my $paths, $err) = runs(q{SELECT count(*) FROM ffu.paths('m.t')}, user => 'reader');
is($paths, 1, 'a table that is named is read as by SELECT');
($ran, undef, $paths) = runs(q{SELECT count(*) FROM ffu.paths()});
is($paths, 1, 'a superuser reads everything');
is_deeply($ran, [], 'without running a policy');

# The other side: an owner that cannot log in, forced row-level security, triggers of its
# own, and a schema that no search path has. All of it is mended by a superuser.
$t->sql(q{
	CREATE ROLE quiet NOLOGIN;
	CREATE SCHEMA q AUTHORIZATION quiet;
	SET ROLE quiet;
	CREATE TABLE q.seen (what text);
	CREATE FUNCTION q.see() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO q.seen VALUES (current_user || ' ' || TG_OP); RETURN NULL; END $$;
	CREATE TABLE q.t (id int PRIMARY KEY, imported_from text, n int GENERATED ALWAYS AS (id * 2) STORED);
	RESET ROLE;
	SELECT ffu.add_column('q.t', 'f');
	SET ROLE quiet;
	ALTER TABLE q.t ADD bytes bigint GENERATED ALWAYS AS (f__size * 10) STORED;
	CREATE INDEX sizes ON q.t ((f__size + 1));
	INSERT INTO q.t (id, f) SELECT i, ffu.file('a.txt', 'text') FROM generate_series(1, 3) i;
	CREATE TRIGGER see AFTER INSERT OR UPDATE ON q.t FOR EACH ROW EXECUTE FUNCTION q.see();
	ALTER TABLE q.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	RESET ROLE;
	SET session_replication_role = replica;
	UPDATE q.t SET f__size = 7 WHERE id = 1;
});
is($t->sql('SELECT bytes FROM q.t WHERE id = 1'), '70', 'a wrong size');
is($t->sql("SELECT action FROM ffu.repair('size', 'q.t', false)"), 'recomputed', 'repair size');
is($t->sql('SET enable_seqscan = off; SELECT f__size, bytes, n FROM q.t WHERE f__size + 1 = 5 AND id = 1'), '4|40|2', 'generated columns and indexes follow');
is($t->sql('SELECT count(*) FROM q.seen'), '0', 'and no trigger has fired');
$t->sql(q{ALTER TABLE q.t ADD CONSTRAINT once UNIQUE (f__size, id) DEFERRABLE INITIALLY DEFERRED;
	SET session_replication_role = replica; UPDATE q.t SET f__size = 7 WHERE id = 1});
is($t->sql("SELECT action, detail FROM ffu.repair('size', 'q.t', false)"),
	'failed|cannot repair companions under deferrable constraint "once"', 'a deferrable constraint is not passed by');
$t->sql('ALTER TABLE q.t DROP CONSTRAINT once');
is($t->sql("SELECT action FROM ffu.repair('size', 'q.t', false)"), 'recomputed', 'without it the size is mended');
unlink($root . '/' . $t->sql('SELECT f FROM q.t WHERE id = 2'));
is($t->sql("SELECT action FROM ffu.repair('missing', 'q.t', false)"), 'set to NULL', 'repair missing');
$t->sql("ALTER TABLE q.t ALTER id SET DEFAULT 9; CALL ffu.relocate('q.t', 'f', 'q/{token}{ext}'); CALL ffu.import_directory('q.t', 'f', 'imported_from', '$import')");
is($t->sql('SELECT string_agg(what, $$, $$ ORDER BY what) FROM q.seen'), 'quiet INSERT, quiet UPDATE, quiet UPDATE, quiet UPDATE', "the owner's triggers have fired, as the owner");
is($t->sql("SELECT count(*) FROM q.t WHERE f LIKE 'q/%'"), '3', 'relocated and imported');
is($t->sql("SELECT count(*) FROM ffu.check('q.t')"), '0', 'all is well');
# What only a superuser may set does not hold for the owner's code.
$t->sql(q{
	SET ROLE quiet;
	CREATE FUNCTION q.settings() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO q.seen VALUES (format('settings %s %s', current_setting('ffu.restore'), current_setting('session_replication_role')));
		PERFORM set_config('ffu.base_url', 'http://mallory/', false); RETURN NEW; END $$;
	CREATE TRIGGER a_settings BEFORE UPDATE ON q.t FOR EACH ROW EXECUTE FUNCTION q.settings();
	ALTER TABLE q.t ENABLE ALWAYS TRIGGER a_settings;
});
is($t->sql(q{SET ffu.restore = on; SET session_replication_role = replica;
	SELECT count(*) FROM ffu.save_files('q.t', 1, jsonb_build_object('f', 'data:,new'));
	SELECT current_setting('ffu.restore'), current_setting('session_replication_role'), current_setting('ffu.base_url')}),
	"1\non|replica|/files/", 'the settings of the session are as before');
is($t->sql("SELECT what FROM q.seen WHERE what LIKE 'settings%'"), 'settings off origin', "the owner's code has others");

$t->sql('ALTER SCHEMA q OWNER TO postgres');
$err = $t->fails_with(42501, "CALL ffu.relocate('q.t', 'f', 'again/{token}{ext}')", 'an owner that may not use the schema');
like($err, qr/owner of table "t" may not use schema "q".*HINT:  Grant USAGE/s, 'says what to do');
is($t->sql("SELECT count(*) FROM ffu.check('q.t')"), '0', 'which may be checked all the same');

done_testing();
