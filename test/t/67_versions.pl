# Library and SQL of different versions: an update, a library that is newer or older
# than the SQL, mixed installations, and a folder whose form is newer or older. The next
# version is made here, from a copy of the source with another version number.
# Takes minutes.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use FfuTest qw(slurp);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(append_to_file run_log);
use Test::More;

my $built = abs_path("$ENV{FFU_SRC}/..");
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($version) = slurp("$built/ffu.control") =~ /^default_version = '([\d.]+)'/m;
my $next = $version =~ s/(\d+)$/$1 + 1/er;

sub shell
{
	my ($command) = @_;
	delete local @ENV{qw(MAKEFLAGS MAKELEVEL)};
	my $said = `($command) 2>&1 </dev/null`;
	die "$command: $said" if $? != 0;
	return $said;
}

sub write_file
{
	my ($path, $content) = @_;
	unlink $path;
	append_to_file($path, $content);
	return;
}

# What has been released stays as it was released. script/release notes the checksums.
sub changed_since_release
{
	my ($sums, %file) = @_;
	my @changed;
	foreach my $line (split /\n/, $sums)
	{
		my ($sum, $name) = $line =~ /^([0-9a-f]{64})  (\S+)$/ or die "no checksum: $line";
		push @changed, $name if defined $file{$name} && sha256_hex($file{$name}) ne $sum;
		push @changed, "$name is missing" if !defined $file{$name};
	}
	return @changed;
}
my $released = "$built/test/released";
my %now = map { m{([^/]+)$} => slurp($_) } glob("$released/*.sql"), glob("$built/src/sql/update/*.sql"), glob("$built/flask/*--*--*.sql");
my ($flask_version) = slurp("$built/flask/ffu_flask.control") =~ /^default_version = '([\d.]+)'/m;
if (-e "$released/SHA256SUMS")
{
	my $sums = slurp("$released/SHA256SUMS");
	is_deeply([ changed_since_release($sums, %now) ], [], 'no released script has changed');
	foreach my $script ("ffu--$version.sql", "ffu_flask--$flask_version.sql")
	{
		my @line = grep { /  \Q$script\E$/ } split /\n/, $sums;
		is_deeply([ changed_since_release(join("\n", @line), $script => slurp("$built/$script")) ], [],
			"the parts of $script give what was released, or nothing was");
	}
}
else
{
	is_deeply([ keys %now ], [], 'nothing is released, and so nothing is frozen');
}
my $sum = sha256_hex('a') . "  ffu--1.0.0.sql\n";
is_deeply([ changed_since_release($sum, 'ffu--1.0.0.sql' => 'a') ], [], 'a script as it was is accepted');
is_deeply([ changed_since_release($sum, 'ffu--1.0.0.sql' => 'b') ], ['ffu--1.0.0.sql'], 'a change is seen');
is_deeply([ changed_since_release($sum) ], ['ffu--1.0.0.sql is missing'], 'and a loss');

# A script of an update can be run by ALTER EXTENSION alone, and asks the library first.
sub faults_of_update
{
	my ($script) = @_;
	my @lines = grep { !/^\s*(?:--|$)/ } split /\n/, $script;
	my @faults;
	push @faults, 'guard' unless ($lines[0] // '') eq '\echo Use "ALTER EXTENSION ffu UPDATE" to load this file. \quit';
	push @faults, 'version' unless ($lines[1] // '') eq 'SELECT ffu._check_version();';
	return @faults;
}
is_deeply([ faults_of_update(slurp($_)) ], [], "$_ has its first lines") foreach glob "$built/src/sql/update/*.sql";
is_deeply([ faults_of_update("-- x\nSELECT 1;\n") ], [ 'guard', 'version' ], 'and what has not is seen');

# A second installation, with the next version. All but the library itself and
# the two SQL files is shared with the first; make install replaces files.
my $bindir = abs_path($ENV{FFU_RELEASE_BINDIR});
my ($prefix, $below) = $bindir =~ m{^(.*?/b)(/.*)/bin$} or die "FFU_RELEASE_BINDIR is $bindir";
my $release = abs_path("$ENV{FFU_RELEASE_OBJ}/..");
shell("cp -al '$prefix' '$dir/next' && cp -a '$release' '$dir/source' && rm -f '$dir/source'/ffu--*.sql");
my $new = "$dir/next$below";
my $source = "$dir/source";
write_file("$source/ffu.control", slurp("$source/ffu.control") =~ s/\Q$version\E/$next/r);
my $change = <<'END';
CREATE FUNCTION ffu._novelty(a int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT a';
REVOKE ALL ON FUNCTION ffu._novelty(int) FROM PUBLIC;
COMMENT ON FUNCTION ffu._novelty(int) IS 'Internal: new.';
ALTER TABLE ffu.root ADD COLUMN novelty text;
COMMENT ON SEQUENCE ffu.deletion_id_seq IS 'Other words.';
END
write_file("$source/src/sql/99_next.sql", $change);

# Builds and installs the next version; $change is what its update does, $since the
# oldest SQL it works with.
sub install
{
	my ($update, $since) = @_;
	mkdir "$source/src/sql/update";
	write_file("$source/src/sql/update/ffu--$version--$next.sql",
		"\\echo Use \"ALTER EXTENSION ffu UPDATE\" to load this file. \\quit\nSELECT ffu._check_version();\n$update");
	# Every object is an intermediate file to PGXS: one that is missing is not made.
	utime undef, undef, "$source/src/base/version.c" or die;
	my $copt = $since ? "COPT='-DFFU_SQL_SINCE=\"\\\"$since\\\"\"'" : '';
	return shell("make -C '$source' -s with_llvm=no PG_CONFIG='$new/bin/pg_config' $copt all && "
		. "make -C '$source' -s with_llvm=no PG_CONFIG='$new/bin/pg_config' install");
}
install($change);
my $extensions = shell("'$new/bin/pg_config' --sharedir") =~ s/\s+$//r . '/extension';
my $library = shell("'$new/bin/pg_config' --pkglibdir") =~ s/\s+$//r . '/ffu.so';
ok(-f "$extensions/ffu--$next.sql", 'the next version is installed');
my $shared = shell("'$bindir/pg_config' --sharedir") =~ s/\s+$//r . '/extension';
ok(-f "$shared/ffu--$version.sql" && !-e "$shared/ffu--$next.sql", 'and only in its own installation');

# The same data directory with the one or the other installation.
my $t = FfuTest->new('versions', conf => "log_min_messages = warning\n");
sub runs_with
{
	my ($where) = @_;
	$t->stop;
	$t->node->{_install_path} = $where;
	$t->start;
	return;
}
sub server_of { return $_[0] eq $version ? $bindir =~ s{/bin$}{}r : $new; }
runs_with(server_of($version));
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i;
});
is($t->sql("SELECT library_version || ' ' || extension_version FROM ffu.status"), "$version $version", 'one version at first');
my $insert = "INSERT INTO t VALUES (100, ffu.file('a.txt', 'x'))";
my $read = "SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 1";
sub store_of { return "INSERT INTO t SELECT max(id) + 1, ffu.file('a.txt', 'x') FROM t"; }

# A library that is newer and works with this SQL.
runs_with(server_of($next));
$t->sql(store_of());
is($t->sql($read), 'v1', 'a newer library works with the SQL it covers');

# A library that is newer, and does not.
install($change, $next);
sub is_refused
{
	my ($hint, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $sql ($insert, $read, 'DELETE FROM t WHERE id = 2', 'SELECT FROM ffu.sweep()',
		"SELECT ffu.use_folder('$t->{root}')", 'SELECT ffu.claim_folder()')
	{
		my $err = $t->fails_with('55000', $sql, "$label: " . substr($sql, 0, 40));
		like($err, qr/DETAIL:  The library of ffu has version [\d.]+, but the extension in this database has version [\d.]+\./, 'with both versions');
		like($err, $hint, 'and what to do');
	}
	like($t->sql('SELECT problem || hint FROM ffu.status'), $hint, "$label: ffu.status says so");
	$t->sql('CREATE TABLE other (a int); INSERT INTO other VALUES (1); DROP TABLE other');
	return;
}
runs_with(server_of($next));
is_refused(qr/Run ALTER EXTENSION ffu UPDATE in this database/, 'a library that is too new');
$t->sql('ALTER EXTENSION ffu UPDATE');
is($t->sql("SELECT library_version || ' ' || extension_version FROM ffu.status"), "$next $next", 'the update runs');
$t->sql(store_of());
is($t->sql($read), 'v1', 'and all is well after it');

# What an update makes is what CREATE EXTENSION makes.
sub catalog
{
	my ($database) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGHOST} = $t->node->host;
	local $ENV{PGPORT} = $t->node->port;
	IPC::Run::run([ "$new/bin/pg_dump", '--schema-only', '--binary-upgrade', '--schema=ffu', '--extension=ffu', $database ],
		'>', \$out, '2>', \$err) or die $err;
	return grep { !/^\s*$|^--|pg_catalog\.binary_upgrade_set_|^SET relfrozenxid|^WHERE oid = |^\\(?:un)?restrict/ } split /\n/, $out;
}
$t->sql('CREATE DATABASE fresh TEMPLATE template0');
$t->sql('CREATE DATABASE updated TEMPLATE template0');
my $sql = sub { return $t->node->safe_psql($_[0], $_[1]); };
# The script of the version before, as it would be in the next installation.
sub make_both
{
	shell("cp --remove-destination '$built/ffu--$version.sql' '$extensions/'");
	$sql->('fresh', 'DROP EXTENSION IF EXISTS ffu; CREATE EXTENSION ffu');
	$sql->('updated', "DROP EXTENSION IF EXISTS ffu; CREATE EXTENSION ffu VERSION '$version'; ALTER EXTENSION ffu UPDATE");
	return ([ catalog('updated') ], [ catalog('fresh') ]);
}
install($change);
runs_with(server_of($next));
my ($updated, $fresh) = make_both();
cmp_ok(scalar(@$fresh), '>', 1000, 'the catalog is compared');
is_deeply($updated, $fresh, 'an updated catalog is as a fresh one');
foreach my $lack ('COMMENT ON SEQUENCE.*', 'ALTER TABLE.*', 'REVOKE.*')
{
	install($change =~ s/^$lack\n//mr);
	($updated, $fresh) = make_both();
	ok("@$updated" ne "@$fresh", "an update without $lack is seen");
}
install($change);

# A released version is updated likewise, from the script that was released.
foreach my $script (grep { /^ffu--[\d.]+\.sql$/ && $_ ne "ffu--$version.sql" } sort keys %now)
{
	my ($from) = $script =~ /^ffu--(.*)\.sql$/;
	shell("cp --remove-destination '$released/$script' '$extensions/'");
	$sql->('updated', "DROP EXTENSION ffu; CREATE EXTENSION ffu VERSION '$from'; ALTER EXTENSION ffu UPDATE");
	is_deeply([ catalog('updated') ], $fresh, "$from is updated to what a fresh installation has");
}

# A session that has loaded the library of before sees the update of another session.
# The package is replaced while the server runs.
$sql->('postgres', 'DROP EXTENSION ffu CASCADE; DROP TABLE t');
shell("cp --remove-destination '$ENV{FFU_RELEASE_SO}' '$library' && cp --remove-destination '$built/ffu.control' '$extensions/'");
shell("rm -rf '$t->{root}'");
$t->setup;
$t->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}')");
$t->sql("INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 5) i");
my $session = $t->session;
$session->query(store_of());
is($session->errors, '', 'a session works with the version of before');
install($change);
$t->sql('ALTER EXTENSION ffu UPDATE');
$session->query(store_of());
like($session->errors, qr/55000: folder.*cannot be used.*HINT:  Connect again, after a restart/s,
	'after the update of another session it is refused');
$session->quit;
is($t->sql($read), 'v1', 'and a new session is not');

# The rollback of an update leaves the version of before.
$sql->('updated', "DROP EXTENSION ffu; CREATE EXTENSION ffu VERSION '$version'; SELECT ffu.use_folder('$t->{root}2')");
is($sql->('updated', 'BEGIN; ALTER EXTENSION ffu UPDATE; ROLLBACK; SELECT extension_version, problem FROM ffu.status'),
	"$version|", 'an update that is rolled back');

# A library that is older than the SQL: the package of before was installed again.
runs_with(server_of($version));
is_refused(qr/Connect again, after a restart if the server preloads ffu.*install version \Q$next\E of the library/, 'a library that is too old');
my ($rc, undef, $err) = $t->try('DROP EXTENSION ffu CASCADE');
is($rc, 0, 'the extension can be dropped') or diag $err;
$t->stop;

# An installation that is mixed: control file and SQL of the one, library of the other.
my $mixed = FfuTest->new('mixed', folder => 0);
$mixed->stop;
$mixed->node->{_install_path} = $new;
shell("cp --remove-destination '$ENV{FFU_RELEASE_SO}' '$library'");
$mixed->start;
$err = $mixed->fails_with('55000', 'CREATE EXTENSION ffu', 'CREATE EXTENSION with the library of before');
like($err, qr/version \Q$version\E, but the extension in this database has version \Q$next\E.*install version \Q$next\E of the library/s, 'says what to do');
unlink $library or die;
$err = $mixed->fails_with('58P01', 'CREATE EXTENSION ffu', 'CREATE EXTENSION without the library');
like($err, qr/HINT:  Install the library of ffu \Q$next\E, and libmagic, for PostgreSQL \d+: the package postgresql-\d+-ffu/, 'says what to do');
append_to_file($library, 'nothing');
($rc, undef, $err) = $mixed->try('CREATE EXTENSION ffu');
like($err, qr/could not load library.*HINT:  Install the library of ffu/s, 'and with something else in its place');
is($mixed->sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'ffu'"), '0', 'nothing is left');
$mixed->stop;

# The form of a folder: older ones are read, later ones are refused and left alone.
my $forms = FfuTest->new('forms');
my $owner = "$forms->{root}/.ffu/owner";
$forms->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}')");
$forms->sql("INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 3) i");
my $file = slurp($owner);
like($file, qr/\Affu 1\nroot /, 'the form is the first line of the owner file');
my $later = $file =~ s/\Affu 1$/ffu 2\nanother line/mr;
write_file($owner, $later);
foreach my $call ($insert, $read, 'SELECT FROM ffu.sweep()', "SELECT ffu.use_folder('$forms->{root}')",
	'SELECT ffu.claim_folder()', 'SELECT ffu.claim_folder(NULL, true)')
{
	$err = $forms->fails_with('55000', $call, 'a later form: ' . substr($call, 0, 40));
	like($err, qr/DETAIL:  A later version of ffu has used the folder: ".ffu\/owner" has form 2, and this version reads forms up to 1/, 'with the reason');
	like($err, qr/HINT:  Install the version of ffu that has used the folder/, 'and what to do');
}
like($forms->sql('SELECT problem FROM ffu.status'), qr/has form 2/, 'a later form: ffu.status says so');
$forms->sql('DELETE FROM t WHERE id = 2');
is(slurp($owner), $later, 'the owner file is as it was');
is(scalar($forms->files), 3, 'and no file went');
foreach my $broken ('ffu 0', 'ffu x', 'ffu', '')
{
	write_file($owner, $file =~ s/\Affu 1$/$broken/mr);
	$err = $forms->fails_with('55000', $insert, "no form: \"$broken\"");
	like($err, qr/Invalid argument/, 'is refused');
}
write_file($owner, $file =~ s/^key .*\n//mr);
is($forms->sql($read), 'v1', 'a file from before the proofs is read');
write_file($owner, "${file}further line\n");
is($forms->sql($read), 'v1', 'and one with a further line');
$forms->sql('SELECT FROM ffu.sweep()');
is(scalar($forms->files), 2, 'then the deletion is done');

done_testing();
