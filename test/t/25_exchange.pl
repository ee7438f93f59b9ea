# Which folder a database takes, and what is said of one that cannot be used: after a
# restore, in a copy made by TEMPLATE, after a mistake, and for every error that opening
# the folder can give.

use strict;
use warnings;

use FfuTest qw(points slurp);
use PostgreSQL::Test::Utils qw(system_or_bail run_command);
use Test::More;

my $t = FfuTest->new('exchange');
my $insert = "INSERT INTO t VALUES (100, ffu.file('a.txt', 'new'))";
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('v' || i, 'UTF8')) FROM generate_series(1, 3) i;
});

sub database
{
	my ($name, $options) = @_;
	$t->sql("CREATE DATABASE $name $options");
	return bless { %$t, database => $name, root => "$t->{root}-$name" }, 'FfuTest';
}

sub copy_folder
{
	my ($db) = @_;
	system_or_bail('cp', '-a', "$t->{root}/.", $db->{root});
	return;
}

# Restored: the hint is claim_folder, in the status and of an error.
my $dump = $t->node->basedir . '/dump';
system_or_bail('pg_dump', '-f', $dump, $t->node->connstr('postgres'));
my $restored = database('restored', '');
$restored->sql("\\i $dump");
like($restored->sql('SELECT hint FROM ffu.status'), qr/ffu\.claim_folder/, 'restored: ffu.status names claim_folder');
like($restored->fails_with('55000', $insert, 'restored: no folder'), qr/HINT:.*ffu\.claim_folder/, 'restored: so does the error');
my $err = $restored->fails_with('55000', "SELECT ffu.use_folder('$restored->{root}-new')", 'restored: use_folder is refused');
like($err, qr/DETAIL:.*column "f" of table "t" has paths/, 'with the reason');
like($err, qr/HINT:.*ffu\.claim_folder/, 'and the way');
is($restored->sql('SELECT count(*) FROM ffu.root'), '0', 'and nothing is claimed');

# The files are lost, and somebody says so; then they are found again. Nothing was stored
# in the wrong folder, so the right one takes its place, and does what there is to do.
$restored->sql("SELECT ffu.use_folder('$restored->{root}-new', abandon_files => true)");
$restored->sql('DELETE FROM t WHERE id = 1');
copy_folder($restored);
(undef, undef, $err) = $restored->try("SELECT ffu.claim_folder('$restored->{root}')");
like($err, qr/NOTICE:.*takes the place of.*DETAIL:.*Nothing was stored/s, 'restored: an empty folder is exchanged');
$restored->sql('SELECT FROM ffu.sweep()');
$restored->folder_is_rows(['t.f'], 'restored: the folder equals the rows');
is($restored->sql('SELECT count(*) FROM ffu.check()'), '0', 'and all is well');
# One with files is not, but by wish.
foreach my $function ('use_folder', 'claim_folder')
{
	$restored->fails_with('55000', "SELECT ffu.$function('$restored->{root}-new')", "restored: $function of another folder");
}
$restored->sql("SELECT ffu.claim_folder('$restored->{root}-new', abandon_files => true)");
is($restored->sql('SELECT count(*) FROM ffu.check()'), '2', 'abandoned: its files are missing');
$restored->sql("SELECT ffu.claim_folder('$restored->{root}')");
is($restored->sql('SELECT count(*) FROM ffu.check()'), '0', 'and there again');

# Made from a template: it can follow its own hint, and the original's folder stays.
sub is_of_another
{
	my ($db, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $hint = $db->sql('SELECT hint FROM ffu.status');
	like($hint, qr/^Database "postgres" uses it\. .*ffu\.claim_folder.* copy; .*ffu\.use_folder/, "$label: the hint");
	$db->fails_with('55000', 'SELECT ffu.claim_folder()', "$label: the original's folder is not claimed");
	return;
}
$t->sql('DELETE FROM t WHERE id = 3');
my $before = slurp($t->root . '/.ffu/owner');
my $copy = database('copied', 'TEMPLATE postgres');
is_of_another($copy, 'copy with files');
$copy->fails_with('55000', "SELECT ffu.use_folder('$copy->{root}-new')", 'copy with files: a new folder is refused');
copy_folder($copy);
$copy->sql("SELECT ffu.claim_folder('$copy->{root}')");
$copy->sql("$insert; SELECT FROM ffu.sweep()");
$copy->folder_is_rows(['t.f'], 'copy with files: after claim_folder of a copy');

$t->sql("BEGIN; INSERT INTO t VALUES (50, ffu.file('a.txt', 'x')); COMMIT");
my $reader = $t->session;
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$t->sql('DELETE FROM t');
$reader->query('COMMIT');
$reader->quit;
is($t->sql('SELECT count(*) > 0 FROM ffu.deletion'), 't', 'the original has something to delete');
my $empty = database('emptied', 'TEMPLATE postgres');
is_of_another($empty, 'copy without files');
(undef, undef, $err) = $empty->try("SELECT ffu.use_folder('$empty->{root}')");
like($err, qr/NOTICE:.*takes the place of.*DETAIL:.*another database's/s, 'copy without files: gets a folder of its own');
is($empty->sql('SELECT count(*) FROM ffu.deletion'), '0', "the original's deletions are not its own");
$empty->sql($insert);
$empty->folder_is_rows(['t.f'], 'and stores in it');
ok($before eq slurp($t->root . '/.ffu/owner'), 'the original still has its folder');
$t->sql($insert);
$t->sql('SELECT FROM ffu.sweep()');
$t->folder_is_rows(['t.f'], 'and finishes its own deletions');

# Every error that opening the folder or its .ffu can give.
my %told = (
	ENOENT => [ '55000', qr/Mount the folder/ ],
	ENOTDIR => [ '55000', qr/Mount the folder/ ],
	ELOOP => [ '55000', qr/Mount the folder/ ],
	EACCES => [ '58030', qr/Give the folder.*operating system user/ ],
	EPERM => [ '58030', qr/Give the folder.*operating system user/ ],
	EMFILE => [ '53000', qr/limit of open files/ ],
	ENFILE => [ '53000', qr/limit of open files/ ],
	ENOMEM => [ '53200', qr/memory/ ],
	EIO => [ '58030', qr/log of the operating system/ ],
	ESTALE => [ '58030', qr/log of the operating system/ ]);
foreach my $point ('open-folder', 'open-own')
{
	foreach my $errno (sort keys %told)
	{
		my ($sqlstate, $hint) = @{ $told{$errno} };
		$err = $t->fails_with($sqlstate, "SET ffu.fault = '$point:$errno'; SELECT FROM ffu.sweep()", "$point: $errno");
		like($err, qr/HINT:.*$hint/, "$point: $errno: what to do");
		like($t->sql("SET ffu.fault = '$point:$errno'; SELECT hint FROM ffu.status"), $hint, "$point: $errno: ffu.status");
	}
}

# A directory of the structure that is something else now is named.
my ($path) = $t->files;
foreach my $other ([ 'a file', sub { open(my $fh, '>', $_[0]) or die; } ], [ 'a link', sub { symlink('/tmp', $_[0]) or die } ])
{
	my ($what, $make) = @$other;
	rename("$t->{root}/t", "$t->{root}-t") or die;
	$make->("$t->{root}/t");
	foreach my $sql ("INSERT INTO t VALUES (200, ffu.file('a.txt', 'x'))", "SELECT ffu.content('$path')")
	{
		like($t->fails_with('58030', $sql, "$what: $sql"), qr/DETAIL:\s+"t" in the folder is not a directory/, 'is named');
	}
	unlink("$t->{root}/t") or die;
	rename("$t->{root}-t", "$t->{root}/t") or die;
}
$t->folder_is_rows(['t.f'], 'and all is well again');

$t->stop;
done_testing();
