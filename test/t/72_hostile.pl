# Hostile input and a hostile folder. docs/security.md has the table of attacks; each
# label here that stands in the table is looked for by 005_documents.pl. Nothing outside
# the folder is read, written or removed, and no call waits for ever.

use strict;
use warnings;

use FfuTest qw(slurp);
use POSIX qw(mkfifo);
use Test::More;

my $t = FfuTest->new('hostile');
my $root = $t->root;
my $outside = $t->node->basedir . '/outside';
mkdir $outside or die;
PostgreSQL::Test::Utils::append_to_file("$outside/secret.txt", 'secret');
$t->sql(q{
	CREATE ROLE stranger LOGIN;
	CREATE TABLE t (id text PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE TABLE u (id text PRIMARY KEY);
	SELECT ffu.add_column('u', 'f');
	ALTER TABLE u ADD g ffu.file;
	SELECT ffu.manage_column('u', 'g');
	GRANT INSERT, DELETE ON t TO stranger;
});

sub insert_of { return "INSERT INTO t VALUES ('$_[0]', ffu.file('a.txt', 'text'))"; }
sub path_of { return $t->sql("SELECT f FROM t WHERE id = '$_[0]'"); }

# Passes if what is outside the folder is as it was.
sub outside_is_well
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	opendir(my $dir, $outside) or die;
	return is_deeply([ slurp("$outside/secret.txt"), sort grep { !/^\./ } readdir($dir) ], [ 'secret', 'secret.txt' ],
		"$label: nothing outside has changed");
}

# --- traversal: whatever the text, the path is one of ffu's grammar
my $grammar = q{'^([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*$'};
foreach my $key ('../../../etc/passwd', '/etc/passwd', '..', '.ffu', ".ffu/owner", "a\nb", '%2e%2e/', '~', '\\..\\..', 'ü' x 200, 'x' x 2000)
{
	$t->sql("INSERT INTO t VALUES (\$key\$$key\$key\$, ffu.file('a.txt', 'text'))");
}
is($t->sql("SELECT count(*) FROM t WHERE f !~ $grammar"), '0', 'traversal by key');
foreach my $name ('../../../etc/x.txt', '..\\..\\x.txt', "a/\x01b.txt", '.htaccess.txt', 'x' x 250 . '.txt')
{
	$t->sql("INSERT INTO t VALUES (gen_random_uuid(), ffu.file(\$n\$$name\$n\$, 'text'))");
}
is($t->sql("SELECT count(*) FROM t WHERE f !~ $grammar OR f__file_name ~ '[/\\\\[:cntrl:]]'"), '0', 'traversal by file name');
$t->fails_with('22023', "SELECT ffu.alter_column('t', 'f', path_template => '$_')", "traversal by template: $_")
	foreach '../{token}', '/{token}', '{table}/../{token}', '.ffu/{token}', '{pk}/./{token}', 'a:{token}', 'a//{token}', '{token}/';
$t->sql(q{CREATE SCHEMA "../.."; CREATE TABLE "../.."."/etc" ("." text PRIMARY KEY); SELECT ffu.add_column('"../.."."/etc"', 'f', path_template => '{schema}/{table}/{column}/{token}', urls => false);
	INSERT INTO "../.."."/etc" VALUES ('..', 'data:;name=a.txt,x')});
is($t->sql(qq{SELECT count(*) FROM "../.."."/etc" WHERE f ~ $grammar}), '1', 'traversal by names of schema and table');
my $token = 'a' x 26;
# Of a transaction that aborted, whose names the sweep undoes
my $fxid = $t->sql(q{BEGIN; SELECT pg_current_xact_id(); ROLLBACK});
my $staging = sprintf "$root/.ffu/staging/%x", $fxid % 16;
foreach my $name ("$fxid.1:..:outside:secret.txt", "$fxid.2:t:..:..:outside:secret.txt", "$fxid.3:..:outside:$token", "$fxid.4")
{
	PostgreSQL::Test::Utils::append_to_file("$staging/$name", 'planted');
}
foreach my $name ("1.1:..:..:outside:$token", "1.1:..", '1.1:', "1.1:$token", '18446744073709551616.1', '-1.1', '1.1x')
{
	PostgreSQL::Test::Utils::append_to_file("$root/.ffu/staging/1/$name", 'planted');
}
$t->sql('SELECT FROM ffu.sweep()');
outside_is_well('traversal by staging name');
ok(!-e "$staging/$fxid.4", 'traversal by staging name: a name without a path is undone');
unlink(glob("$staging/*"), glob("$root/.ffu/staging/1/*"));

# --- paths that are not a row's
$t->sql(q{INSERT INTO u VALUES ('1', ffu.file('a.txt', 'first'), NULL)});
my $path = $t->sql('SELECT f FROM u');
$t->fails_with($_->[0], "INSERT INTO t VALUES ('forged', '$_->[1]')", "forged path: $_->[1]")
	foreach [ 22023, '../../etc/passwd' ], [ 22023, '/etc/passwd' ], [ 22023, substr($path, 0, -12) ], [ 23503, "t/1/f-$token.txt" ], [ 22023, "../$path" ],
	[ 22023, ".ffu/owner" ];
(my $other = $path) =~ tr/a-y/b-z/;
isnt(($t->try("INSERT INTO t VALUES ('forged', '$other')"))[0], 0, 'forged path: another token');
foreach my $outside ('../outside/secret.txt', "$outside/secret.txt", '.ffu/owner')
{
	$t->fails_with('23503', "SELECT * FROM ffu.$_('$outside')", "ffu.$_ does not read $outside") foreach 'content', 'size', 'stream';
}
$t->sql("UPDATE u SET g = f; DELETE FROM u WHERE false; UPDATE u SET g = NULL");
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM u"), 'first', "another column's path is a copy");
$t->sql("INSERT INTO t VALUES ('copy', '$path'); DELETE FROM t WHERE id = 'copy'");
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM u"), 'first', "another table's path is a copy");
$t->sql("DELETE FROM u");
$t->fails_with('23503', "INSERT INTO t VALUES ('replayed', '$path')", 'replayed path of a deleted row');

# --- the functions of triggers, called directly
foreach my $function (split /\n/, $t->sql(q{SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'ffu'::regnamespace AND prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)}))
{
	my ($rc, undef, $err) = $t->try("SELECT $function");
	like($err, qr/ERROR:\s+(?:0A000|39P01|39P03):/, "trigger function called directly: $function");
}
$t->fails_with('42501', 'SET ROLE stranger; CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION ffu.ddl_end()', 'event trigger by a stranger');

# --- what somebody plants in the folder, who can write there
my $n = 0;
my %plant = (
	'symbolic link' => sub { symlink("$outside/secret.txt", $_[0]) or die },
	'fifo' => sub { mkfifo($_[0], 0600) or die },
	'directory' => sub { mkdir($_[0]) or die },
	'dangling link' => sub { symlink("$outside/new", $_[0]) or die });
foreach my $what (sort keys %plant)
{
	my $id = 'p' . ++$n;
	$t->sql(insert_of($id));
	my $file = path_of($id);
	unlink("$root/$file") or die;
	$plant{$what}->("$root/$file");
	foreach my $sql ("SELECT convert_from(ffu.content('$file'), 'UTF8')", "INSERT INTO t VALUES ('c$id', '$file')")
	{
		my ($rc, $out) = $t->try("SET statement_timeout = '20s'; $sql");
		isnt($rc, 0, "$what in place of a file: $sql");
		unlike($out, qr/secret/, "$what in place of a file: tells nothing");
	}
	$t->sql("SET statement_timeout = '20s'; SELECT count(*) FROM ffu.check(NULL, true)");
	$t->sql("SET client_min_messages = error; DELETE FROM t WHERE id = '$id'");
	$t->sql('SELECT FROM ffu.sweep()');
	outside_is_well("$what in place of a file");
	rmdir("$root/$file") || unlink("$root/$file");
}
$t->sql('SELECT FROM ffu.sweep()');

# A hard link to another file: the row shows what the owner of the folder put there, and
# only the name goes.
$t->sql(insert_of('hard'));
my $file = path_of('hard');
unlink("$root/$file") or die;
link("$outside/secret.txt", "$root/$file") or die;
cmp_ok($t->sql("SELECT count(*) FROM ffu.check(NULL, true) WHERE path = '$file'"), '>=', 1, 'hard link in place of a file: ffu.check tells');
$t->sql("DELETE FROM t WHERE id = 'hard'");
$t->sql('SELECT FROM ffu.sweep()');
outside_is_well('hard link in place of a file');

# Directories that become links, at every step down
foreach my $dir ('t', 't/d1', '.ffu/staging', map { sprintf '.ffu/staging/%x', $_ } 0 .. 15)
{
	next if $dir =~ m{staging/[1-9a-f]};
	$t->sql(insert_of('d1'));
	my $path = path_of('d1');
	my @dirs = $dir eq '.ffu/staging/0' ? map { sprintf '.ffu/staging/%x', $_ } 0 .. 15 : ($dir);
	foreach my $d (@dirs)
	{
		rename("$root/$d", "$root-away-" . $d =~ tr{/}{_}r) or die "$d: $!";
		symlink($outside, "$root/$d") or die;
	}
	isnt(($t->try(q{INSERT INTO t VALUES ('d2', ffu.file('a.txt', 'text'))}))[0], 0, "link in place of the directory $dir: INSERT is refused")
		if $dir ne 't/d1';
	isnt(($t->try("SELECT ffu.content('$path')"))[0], 0, "link in place of the directory $dir: nothing is read") if $dir =~ /^t/;
	$t->try("SET client_min_messages = error; DELETE FROM t WHERE id = 'd1'");
	$t->try('SELECT FROM ffu.sweep()');
	outside_is_well("link in place of the directory $dir");
	foreach my $d (@dirs)
	{
		unlink("$root/$d") or die;
		rename("$root-away-" . $d =~ tr{/}{_}r, "$root/$d") or die;
	}
	$t->sql('SELECT FROM ffu.sweep()');
	$t->sql(q{DELETE FROM t WHERE id IN ('d1', 'd2')});
	$t->sql('SELECT FROM ffu.sweep()');
}
rename("$root/.ffu/owner", "$outside/owner") or die;
symlink("$outside/owner", "$root/.ffu/owner") or die;
isnt(($t->try(insert_of('owner')))[0], 0, 'link in place of the owner file');
unlink("$root/.ffu/owner") && rename("$outside/owner", "$root/.ffu/owner") or die;
$t->sql(insert_of('owner'));

# --- bytes that grow, and folders that others can write to
chmod(0777, "$root-open") if mkdir("$root-open");
$t->sql('CREATE DATABASE other');
{
	local $t->{database} = 'other';
	$t->sql('CREATE EXTENSION ffu');
	$t->fails_with('55000', "SELECT ffu.use_folder('$root-open')", 'folder that others can write to');
}
my $bomb = $t->node->basedir . '/bomb.gz';
system("head -c 200000000 /dev/zero | gzip -9 | gzip -9 >'$bomb'") == 0 or die;
$t->sql("SET statement_timeout = '20s'; INSERT INTO t VALUES ('bomb', ffu.file('bomb.gz', pg_read_binary_file('$bomb')))");
is($t->sql(q{SELECT f__size || ' ' || f__mime_type FROM t WHERE id = 'bomb'}), (-s $bomb) . ' application/gzip', 'archive that explodes: stored as it is');
unlink($bomb);

# --- bytes one was never shown
$t->fails_with('42501', 'SET ROLE stranger; SELECT f FROM t', 'bytes never shown: no path without SELECT');
$t->fails_with('42501', q{SET ROLE stranger; DELETE FROM t WHERE id = 'owner' RETURNING f}, 'bytes never shown: RETURNING');
my $id = $t->sql(q{SELECT ffu.upload_begin('a.txt', resumable => true)});
$t->fails_with('42501', "SET ROLE stranger; SELECT ffu.upload_append('$id', 0, 'x')", 'bytes never shown: an upload of another role');
$t->sql("SELECT ffu.upload_cancel('$id')");

$t->sql('SELECT FROM ffu.sweep()');
is($t->sql(q{SELECT count(*) FROM ffu.check(NULL, true)}), '0', 'and the folder is in order') or diag($t->sql('SELECT * FROM ffu.check(NULL, true)'));
$t->stop;
done_testing();
