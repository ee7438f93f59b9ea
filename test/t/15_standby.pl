# A streaming standby: nothing can be stored there. It is another copy of the cluster,
# so that it may not use the folder of the primary; after its promotion
# ffu.claim_folder() gives it the folder.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('primary');
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY);
	SELECT ffu.add_column('t', 'f');
	INSERT INTO t SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 4) i;
});
my $primary = $t->node;
$primary->backup('base');
my $node = PostgreSQL::Test::Cluster->new('standby');
$node->init_from_backup($primary, 'base', has_streaming => 1);
$node->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1\n");
$node->start;
my $s = bless { %$t, node => $node }, 'FfuTest';

my $path = $t->sql('SELECT f FROM t WHERE id = 1');
$primary->wait_for_catchup($node);
my @files = $t->files;

# Writing: 25006, with where to do it.
foreach my $sql (
	"SELECT ffu.file('a.txt', 'x')",
	'SELECT ffu.sweep()',
	"SELECT ffu.undelete('$path')",
	"SELECT ffu.import_file('/etc/hostname')",
	'SELECT * FROM ffu.check()',
	"SELECT * FROM ffu.repair('orphan')",
	"SELECT ffu.use_folder('/tmp/x')",
	'SELECT ffu.claim_folder()')
{
	my $err = $s->fails_with('25006', $sql);
	like($err, qr/HINT:.*primary/, 'with a hint');
}
$s->fails_with('25006', "INSERT INTO t VALUES (9, 'data:text/plain,x')");

# Reading by path needs the folder, and this one is the primary's.
my $err = $s->fails_with('55000', "SELECT ffu.content('$path')", 'content on a standby of the same host');
like($err, qr/another copy of this database cluster/, 'with the reason');
is($s->sql("SELECT ffu.url('$path')"), "/files/$path", 'ffu.url works');
is($s->sql('SELECT f__size FROM t WHERE id = 1'), '2', 'so do the companions');
is($s->sql('SELECT problem IS NOT NULL FROM ffu.status'), 't', 'and ffu.status');
is_deeply([ $t->files ], \@files, 'no file was touched');

# The standby's feedback holds a deleted file up, as a snapshot of the primary would.
my $session = $s->session;
$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$primary->poll_query_until('postgres',
	'SELECT backend_xmin IS NOT NULL FROM pg_stat_replication') or die;
$t->sql('DELETE FROM t WHERE id = 1; SELECT FROM ffu.sweep()');
ok(-f "$t->{root}/$path", "a standby's snapshot holds a deleted file");
$session->query('COMMIT');
$session->quit;
$primary->poll_query_until('postgres',
	'SELECT deleted + (SELECT 0 FROM pg_current_xact_id() x) = 1 FROM ffu.sweep()') or die;
ok(!-e "$t->{root}/$path", 'until it ends');

# Failover, with something in flight that the standby knows nothing of
$t->try("SET ffu.fault = 'unlink:EIO'; INSERT INTO t VALUES (10, ffu.file('a.txt', 'new'))");
$primary->wait_for_catchup($node);
$t->fault('publish-after-link:crash', "INSERT INTO t VALUES (11, ffu.file('a.txt', 'new'))");
$node->promote;
$s->fails_with('55000', "INSERT INTO t VALUES (12, ffu.file('a.txt', 'new'))", 'promoted: refused');
$s->sql('SELECT ffu.claim_folder()');
$s->sql("INSERT INTO t VALUES (12, ffu.file('a.txt', 'new')); SELECT FROM ffu.sweep()");
$s->folder_is_rows(['t.f'], 'promoted: after claim_folder the folder equals the rows');
is($s->sql("SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ',' ORDER BY id) FROM t"),
	'a2,a3,a4,new,new', 'promoted: files can be read');

# The old primary comes back by mistake.
$t->start;
$t->fails_with('55000', "INSERT INTO t VALUES (13, ffu.file('a.txt', 'new'))", 'the old primary is refused');

$t->stop;
$s->stop;
done_testing();
