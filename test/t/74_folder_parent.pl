# ffu.folder_parent: databases that get a folder by themselves, and whose folder goes
# with them.

use strict;
use warnings;

use FfuTest;
use PostgreSQL::Test::Utils qw(append_to_file system_or_bail);
use Test::More;

my $t = FfuTest->new('parent', folder => 0, preload => 1, conf => "ffu.naptime = 1\nffu.folder_grace = 0\n");
my $node = $t->node;
my $parent = "$t->{root}-parent";
my $insert = "INSERT INTO t VALUES (1, ffu.file('a.txt', 'new'))";
my $table = "CREATE EXTENSION ffu; CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f')";
my $system = $t->sql('SELECT system_identifier FROM pg_control_system()');

# Makes a database, whose folder would be the one of ffu.folder_parent.
sub database
{
	my ($name, $options) = @_;
	$t->sql("CREATE DATABASE $name " . ($options // ''));
	my $oid = $t->sql("SELECT oid FROM pg_database WHERE datname = '$name'");
	return bless { %$t, database => $name, root => "$parent/$system-$oid" }, 'FfuTest';
}

# Passes when the database has the folder of its own, with a file for each row.
sub has_own
{
	my ($db, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($db->sql('SELECT folder, problem IS NULL FROM ffu.status'), "$db->{root}|t", "$label: a folder of its own");
	$db->folder_is_rows(['t.f'], "$label: the folder equals the rows");
	return;
}

# Only the configuration file says where.
$t->sql($table);
like($t->fails_with('55000', $insert, 'without the setting: no folder'), qr/HINT:.*ffu\.use_folder/, 'with a hint');
$t->fails_with('55P02', "SET ffu.folder_parent = '/tmp'", 'no SET');
$t->fails_with('55P02', "ALTER DATABASE postgres SET ffu.folder_parent = '/tmp'", 'no ALTER DATABASE');
foreach my $bad ('relative/path', '/' . 'a' x 600)
{
	$t->fails_with('22023', "ALTER SYSTEM SET ffu.folder_parent = '$bad'", 'refused: ' . substr($bad, 0, 20));
}
$node->append_conf('postgresql.conf', "ffu.folder_parent = '$parent/'\n");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT current_setting('ffu.folder_parent') = '$parent'"), 'a slash at the end is removed');

# The parent is an administrator's work.
my $err = $t->fails_with('55000', $insert, 'no parent');
like($err, qr/DETAIL:.*No such file or directory.*HINT:.*ffu\.folder_parent/s, 'with reason and hint');
mkdir $parent or die "mkdir: $!";
chmod 0777, $parent or die "chmod: $!";
like($t->fails_with('55000', $insert, 'a parent that all may write to'), qr/written by others/, 'with the reason');
chmod 0750, $parent or die "chmod: $!";
is($t->sql('SELECT folder IS NULL, hint FROM ffu.status'), qq{t|The first file that is stored makes a folder in "$parent".}, 'ffu.status tells what will be');

# A transaction that is rolled back, a savepoint, a crash: the next use claims the same.
my $db = database('first');
$db->sql("$table; CREATE ROLE app LOGIN; GRANT ALL ON t TO app");
$db->sql("BEGIN; $insert; ROLLBACK");
is($db->sql('SELECT count(*) FROM ffu.root'), '0', 'rolled back: nothing is claimed');
$db->sql("BEGIN; SAVEPOINT s; $insert; ROLLBACK TO s; $insert; COMMIT");
has_own($db, 'a savepoint');
my $crashed = database('crashed');
$crashed->sql($table);
$crashed->fault('claim-after-owner:crash', $insert);
$crashed->start;
is(($crashed->try($insert))[2], '', 'after a crash it is claimed');
has_own($crashed, 'a crash');

# Any role that may insert; an upload in pieces; a read that has nothing to read.
my $app = database('app');
$app->sql("$table; GRANT ALL ON t TO app");
$app->fails_with('55000', "BEGIN READ ONLY; SELECT ffu.content('a')", 'reading makes no folder');
ok(!-e $app->root, 'and there is none');
is(($app->try($insert, user => 'app'))[2], '', 'a role without rights on ffu stores');
has_own($app, 'a role');
my $pieces = database('pieces');
$pieces->sql($table);
is($pieces->sql("SELECT ffu.upload_begin('a.txt', resumable => true) IS NOT NULL"), 't', 'an upload in pieces begins');
has_own($pieces, 'an upload in pieces');

# Two first uses at once.
my $both = database('two');
$both->sql($table);
my @sessions = map { $both->session } 1, 2;
$sessions[0]->query("BEGIN; $insert");
$sessions[1]->send_only($insert =~ s/1,/2,/r);
ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_locks WHERE NOT granted'), 'the second waits for the first');
$sessions[0]->query('COMMIT');
$sessions[1]->wait_done;
is($sessions[1]->errors, '', 'and goes on');
$_->quit foreach @sessions;
has_own($both, 'two at once');
is($both->sql('SELECT count(*) FROM t'), '2', 'both are stored');

# Copies by TEMPLATE, as test runners make them; and with rows, whose files are not there.
my $template = database('template_of_tests');
$template->sql($table);
$template->sql("$insert; DELETE FROM t");
my $copy = database('copy', 'TEMPLATE template_of_tests');
my ($rc, $out, $notice) = $copy->try($insert);
like($notice, qr/NOTICE:.*takes the place of/, 'a copy by TEMPLATE says so');
has_own($copy, 'a copy');
has_own($template, 'the original');
system_or_bail('rm', '-r', $template->root);
my $orphan = database('orphan', 'TEMPLATE template_of_tests');
is(($orphan->try($insert))[0], 0, 'a copy whose original has lost its folder stores');
has_own($orphan, 'and');
my $full = database('with_rows', 'TEMPLATE first');
like($full->fails_with('55000', $insert, 'a copy with rows is refused'), qr/HINT:.*ffu\.claim_folder/, 'with a hint');
ok(!-e $full->root, 'and gets no folder');
my $dump = $node->basedir . '/dump';
system_or_bail('pg_dump', '-f', $dump, $node->connstr('first'));
my $restored = database('restored');
$restored->sql("\\i $dump");
like($restored->fails_with('55000', $insert =~ s/1,/2,/r, 'a restored dump is refused'), qr/HINT:.*ffu\.claim_folder/, 'with a hint');

# A human's choice comes first.
my $chosen = database('chosen');
$chosen->sql("$table; SELECT ffu.use_folder('$t->{root}-chosen')");
$chosen->sql($insert);
ok(!-e $chosen->root, 'a chosen folder stays');

# Dropped: the folder goes, but those of others stay, and what links lead to.
my $other = database('other');
$other->sql($table);
$other->sql($insert);
my @stay = ("$parent/1234567890123456789-5", "$parent/notes", "$parent/$system-4000000000", "$parent/$system-4294967301", "$t->{root}-linked");
mkdir $_ or die "mkdir: $!" foreach @stay[ 0, 1, 4 ];
# Of a database that is not there, but of a copy of this cluster: another inode.
system_or_bail('cp', '-a', $other->root, $stay[$_]) foreach 2, 3;
append_to_file("$stay[4]/precious", 'x');
symlink $stay[4], $db->root . '/link' or die "symlink: $!";
symlink $stay[4], "$parent/$system-4000000001" or die "symlink: $!";
ok($node->poll_query_until('postgres', "SELECT pg_read_file('ffu.folders') LIKE '%$parent/$system-%'"), 'the worker has noted the folders');

# Of a server that others could lead astray, nothing is removed.
chmod 0770, $parent or die "chmod: $!";
$t->sql('DROP DATABASE first');
ok($node->wait_for_log(qr/could not read directory of ffu.folder_parent/), 'a parent that others may write to: the log tells');
ok(-d $db->root, 'and the folder stays');
my $oid = $db->root =~ s/.*-//r;
is($t->sql("SELECT folder FROM ffu.abandoned_folders WHERE database_oid = $oid"), $db->root, 'and is listed');
$node->append_conf('postgresql.conf', "ffu.sweep_batch = 7\n");
$node->reload;
chmod 0750, $parent or die "chmod: $!";
sub gone
{
	my ($folder, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_ls_dir('$parent') f WHERE '$folder' ~ ('/' || replace(f, '.dropped', '') || '\$')"), $label);
}
gone($db->root, 'the folder of a dropped database goes, in batches');
has_own($other, 'another database');
is_deeply([ grep { !-d } @stay ], [], 'what is not of a dropped database of this cluster stays');
ok(-e "$stay[4]/precious", 'and so does what links lead to');
is($t->sql("SELECT count(*) FROM ffu.abandoned_folders WHERE database_oid = $oid"), '0', 'and it is listed no more');

# A grace, which an oid that is given again does not end.
$node->append_conf('postgresql.conf', "ffu.sweep_batch = 100\nffu.folder_grace = '1d'\n");
$node->reload;
my $dropped = $both->root;
$oid = $dropped =~ s/.*-//r;
$t->sql('DROP DATABASE two');
ok($node->poll_query_until('postgres', "SELECT (pg_stat_file('$dropped/.ffu/dropped', true)).size = 0"), 'a grace begins');
ok(-d "$dropped/t", 'and the files are there');
my $again = database('again', "OID $oid");
$again->sql($table);
like($again->fails_with('55000', $insert, 'a database with the same oid gets no folder of others'), qr/DETAIL:.*same OID.*HINT:.*ffu\.use_folder/s, 'with a hint');
$t->sql('DROP DATABASE again');
append_to_file($other->root . '/.ffu/dropped', '');
ok($node->poll_query_until('postgres', "SELECT (pg_stat_file('$other->{root}/.ffu/dropped', true)).size IS NULL"), 'the mark goes from a folder in use');
$node->append_conf('postgresql.conf', "ffu.folder_grace = 0\n");
$node->reload;
gone($dropped, 'until it is over');
has_own($other, 'another database');

$t->stop;
done_testing();
