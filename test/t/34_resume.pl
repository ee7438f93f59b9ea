# Resumable uploads when the server or a backend is killed with -9, at every fault
# point that their code has, while one is begun, appended to, finished, given up or
# expired. Afterwards, and after a sweep, the upload is what the last commit said:
# the same bytes, and it can go on; or it is over, and nothing is left of it.
#
# A point that no operation reaches fails the test.
#
# Takes minutes.

use strict;
use warnings;

use FfuTest qw(points slurp);
use Test::More;

my $t = FfuTest->new('resume', conf => "wal_writer_delay = 10s\n");
my $root = $t->root;

$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE TABLE known (u text);
});

# Before every case: an upload of three bytes. The table knows its id, which
# nobody else does.
my $setup = q{
	SET ffu.fault = '';
	TRUNCATE t, known;
	DELETE FROM ffu.upload;
	SELECT FROM ffu.sweep();
	INSERT INTO known SELECT ffu.upload_begin('a.txt', true);
	SELECT ffu.upload_append(u, 0, 'old') FROM known;
};

# name => [SQL, what it leaves if it commits, SQL before that]. What there is:
# "upload <bytes>" or "file <bytes>", or several.
my %operation = (
	begin => [ "SELECT ffu.upload_begin('b.txt', true)", 'upload ; upload old' ],
	append => [ "SELECT ffu.upload_append(u, 3, ' and new') FROM known", 'upload old and new' ],
	rollback => [
		"BEGIN; SELECT ffu.upload_append(u, 3, ' and lost') FROM known; SELECT ffu.upload_begin('b.txt', true); ROLLBACK",
		'upload old'
	],
	finish => [ 'INSERT INTO t SELECT 1, ffu.upload_finish(u) FROM known', 'file old' ],
	all => [
		q{
			BEGIN;
			SELECT ffu.upload_begin('b.txt', true) AS v \gset
			SELECT ffu.upload_append(:'v', 0, 'quick');
			SELECT ffu.upload_append(u, 3, ' and new') FROM known;
			INSERT INTO t SELECT 1, ffu.upload_finish(u) FROM known;
			INSERT INTO t VALUES (2, ffu.upload_finish(:'v'));
			COMMIT
		},
		'file old and new; file quick'
	],
	cancel => [ 'SELECT ffu.upload_cancel(u) FROM known', '' ],
	expire => [
		'SELECT FROM ffu.sweep()', '',
		"UPDATE ffu.upload SET expires_at = '-infinity'"
	],
	leftover => [ 'SELECT FROM ffu.sweep()', '', 'DELETE FROM ffu.upload' ],
);

# What there is, in words. The files of uploads are exactly those of the rows, and
# have at least the bytes of the rows, of which those are read.
sub state
{
	my @found;
	my %rows = map { split /\|/ } split /\n/,
	  $t->sql("SELECT begun_by || '.' || lpad(to_hex(id), 16, '0'), size FROM ffu.upload");
	my @names = map { m{([^/]+)$} } glob("$root/.ffu/uploads/*");
	push @found, map { "nobody's $_" } grep { !exists $rows{$_} } @names;
	foreach my $name (keys %rows)
	{
		my $file = "$root/.ffu/uploads/$name";
		my $bytes = -f $file ? slurp($file) : undef;
		push @found, !defined $bytes ? "lost $name"
		  : length($bytes) < $rows{$name} ? "short $name"
		  : (stat($file))[3] != 1 ? "shared $name"
		  : 'upload ' . substr($bytes, 0, $rows{$name});
	}
	push @found, map { "file $_" } split /\n/,
	  $t->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE f__sha256 = encode(sha256(ffu.content(f)), 'hex')");
	return join('; ', sort @found);
}

sub reaches
{
	my ($name, $point, $action) = @_;
	my ($sql, $new, $before) = @{ $operation{$name} };
	$t->sql($setup . ($before // ''));
	my $old = $name eq 'expire' || $name eq 'leftover' ? '' : 'upload old';

	my $log = -s $t->node->logfile;

	# The library was not yet loaded when the session could sweep by itself.
	my ($rc) = $t->try("SELECT FROM ffu.sweep();\nSET ffu.fault = '$point:$action';\n$sql") if $name !~ /^(?:expire|leftover)$/;
	($rc) = $t->try("SET ffu.fault = '$point:$action';\n$sql") unless defined $rc;
	return 0 unless $rc == 2;
	$action eq 'crash' ? do { $t->wait_gone; $t->start } : $t->wait_recovered($log);
	$t->sql(join('', map { "SELECT pg_current_xact_id();\n" } 1 .. 6) . 'SELECT FROM ffu.sweep()');

	is(state(), $point =~ /^commit-/ ? $new : $old, "$action at $point in $name");
	$t->folder_is_rows(['t.f'], "$action at $point in $name: the folder equals the rows");
	is($t->sql('SELECT problem, path, detail FROM ffu.check(content => true)'), '', 'and check finds nothing');
	if (state() =~ /^upload old/)
	{
		$t->sql(q{
			SELECT ffu.upload_append(u, ffu.upload_offset(u), ' at last') FROM known;
			INSERT INTO t SELECT 3, ffu.upload_finish(u) FROM known;
		});
		like(state(), qr/^file old.* at last$/, 'and the upload can go on');
	}
	return 1;
}

my %uncovered = map { $_ => '' } grep { /^(?:resume|expire)-|-resumed$/ } points();
cmp_ok(scalar(keys %uncovered), '>', 5, 'there are points');
foreach my $action ('crash', 'kill')
{
	foreach my $point (sort keys %uncovered)
	{
		foreach my $name (sort keys %operation)
		{
			$uncovered{$point} .= " $action" if reaches($name, $point, $action);
			last if $action eq 'kill' && $uncovered{$point} =~ /kill/;
		}
	}
}
is_deeply([ grep { $uncovered{$_} !~ /crash.*kill/ } sort keys %uncovered ],
	[], 'every fault point is reached by an operation');

# A system call that fails: a clear error, and the upload is as before.
foreach my $case (
	[ 'create:ENOSPC', 'begin', '53100' ],
	[ 'write:ENOSPC', 'append', '53100' ],
	[ 'fsync:EIO', 'append', '58030' ],
	[ 'fsync:EIO', 'finish', '58030' ],
	[ 'link:EIO', 'finish', '58030' ],
	[ 'read:EIO:1', 'finish', '58030' ])
{
	my ($fault, $name, $sqlstate) = @$case;
	$t->sql($setup);
	$t->fails_with($sqlstate, "SELECT FROM ffu.sweep(); SET ffu.fault = '$fault'; $operation{$name}[0]", "$fault in $name");
	is(state(), 'upload old', "$fault in $name: nothing has changed");
	$t->folder_is_rows(['t.f'], "$fault in $name: the folder equals the rows");
}

# After commit: the name cannot be removed, which the sweep does.
foreach my $name ('cancel', 'finish')
{
	$t->sql($setup);
	my ($rc, undef, $err) = $t->try("SELECT FROM ffu.sweep(); SET ffu.fault = 'unlink:EIO'; $operation{$name}[0]");
	is($rc, 0, "EIO from unlink after $name: the commit stands");
	is(() = $err =~ /WARNING/g, 1, 'one warning');
	like(state(), qr/nobody's/, 'a name is left');
	$t->sql('SELECT FROM ffu.sweep()');
	is(state(), $operation{$name}[1], 'and the sweep removes it');
}

# A standby knows the offset, and cannot append.
$t->sql($setup);
$t->node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($t->node, 'base', has_streaming => 1);
$standby->start;
$t->node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT ffu.upload_offset(u) FROM known'), 3, 'the offset on a standby');
my ($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT ffu.upload_append(u, 3, 'x') FROM known");
like($err, qr/25006/, 'no append on a standby');
$standby->stop;

$t->stop;
done_testing();
