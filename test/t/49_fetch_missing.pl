# ffu.fetch_missing: a server that has the rows but not the files fetches them from
# another server. On a standby that was begun without a copy of the folder, on a promoted
# one and on a restored primary; while redo removes files; with servers that are killed on
# either side; and from servers that are wrong, or lie.
#
# All servers are on one host, so ffu.folder_map gives each standby a folder of its own.

use strict;
use warnings;

use FfuTest qw(points slurp wait_until);
use IO::Socket::INET ();
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

# It takes connections, as the system does for it, and never answers.
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die;
my $silent_port = $silent->sockport;
PostgreSQL::Test::Utils::append_to_file($ENV{PGSERVICEFILE} = PostgreSQL::Test::Utils::tempdir() . '/services',
	"[silent]\nhost=127.0.0.1\nport=$silent_port\nconnect_timeout=1\n");

my $t = FfuTest->new('primary', preload => 1, conf => <<'CONF');
ffu.wal = all
checkpoint_timeout = 1h
CONF
my $primary = $t->node;
my $root = $t->root;
my $large = 5 * 1024 * 1024 + 12345;

$t->sql(qq{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	INSERT INTO t SELECT i, 'a' || i, ffu.file('a.txt', convert_to('a' || i, 'UTF8')) FROM generate_series(1, 250) i;
	INSERT INTO t VALUES (301, '', ffu.file('empty.txt', ''));
	INSERT INTO t SELECT 302, x, ffu.file('large.txt', convert_to(x, 'UTF8')) FROM repeat('0123456789abcdef', $large / 16) x;
	INSERT INTO t VALUES (303, 'odd', ffu.file(U&'\\00FCn\\00EF c\\00F6de & \\2603 %2F''".txt', 'odd')),
		(304, 'no extension', ffu.file('noext', 'no extension'));
	CREATE TABLE secret (id int PRIMARY KEY);
	SELECT ffu.add_column('secret', 'f', private => true);
	INSERT INTO secret SELECT i, ffu.file('s.txt', convert_to('s' || i, 'UTF8')) FROM generate_series(1, 5) i;
	CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
	SELECT ffu.add_column('parts', 'f');
	INSERT INTO parts SELECT i, ffu.file('p.txt', convert_to('p' || i, 'UTF8')) FROM generate_series(5, 14) i;
	-- no companions: neither size nor SHA-256 are known here
	CREATE TABLE plain (id int PRIMARY KEY, f text);
	SELECT ffu.manage_column('plain', 'f');
	INSERT INTO plain SELECT i, ffu.file('q.txt', convert_to('q' || i, 'UTF8')) FROM generate_series(1, 3) i;
	CREATE DATABASE without;
	CREATE DATABASE other;
	CREATE ROLE replica LOGIN;
});
my $all = $t->sql('SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM secret) + (SELECT count(*) FROM parts) + (SELECT count(*) FROM plain)');
my @columns = ('t.f', 'secret.f', 'parts.f', 'plain.f');
my $other = bless { %$t, database => 'other', root => "$root-other" }, 'FfuTest';
$other->setup;

my $from = 'host=' . $primary->host . ' port=' . $primary->port . ' user=replica';

# A connection string to the source with a fault set in the session there.
sub faulty
{
	my ($fault) = @_;
	return 'host=' . $primary->host . ' port=' . $primary->port . " options=''-c ffu.fault=$fault''";
}

# A standby of the primary with an empty folder, or none.
sub standby
{
	my ($name, %o) = @_;
	$primary->backup($name) unless -d $primary->backup_dir . "/$name";
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, $name, has_streaming => 1);
	my $folder = $node->basedir . '/folder';
	mkdir $folder, 02750 or die;
	$node->append_conf('postgresql.conf', "ffu.standby_files = on\nffu.folder_map = '$root=$folder'\n" . ($o{conf} // ''));
	$node->start;
	my $s = bless { %$t, node => $node, root => $folder }, 'FfuTest';
	$s->sql('SELECT ffu.adopt_folder()') unless $o{foreign};
	return $s;
}

sub caught_up { my ($s) = @_; return $primary->wait_for_catchup($s->node, 'replay', $primary->lsn('flush')); }

# Fetches from the primary; the result is "files|bytes|failed".
sub fetch
{
	my ($s, $conninfo) = @_;
	my ($rc, $out, $err) = $s->try("CALL ffu.fetch_missing('" . ($conninfo // $from) . "')");
	is($rc, 0, 'the call succeeds') or diag($err);
	return ($out, $err);
}

# Everything is there, with its bytes, and nothing else.
sub is_whole
{
	my ($s, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($s->sql('SELECT * FROM ffu.check(content => true)'), '', "$label: ffu.check finds nothing");
	is($s->sql("SELECT count(*) FROM plain WHERE ffu.content(f) <> convert_to('q' || id, 'UTF8')"), '0', "$label: nor a wrong file without companions");
	ok(!-e "$s->{root}/.ffu/fetched", "$label: nothing is left over");
	return;
}

# Takes files away again.
sub lose
{
	my ($s, $where, $table) = @_;
	$table //= 't';
	foreach my $path (split /\n/, $s->sql("SELECT f FROM $table WHERE $where"))
	{
		unlink "$s->{root}/$path" or die "$path: $!";
	}
	return;
}

my $s = standby('s');
like($s->fails_with('25006', 'SELECT ffu.claim_folder()', 'a standby claims no folder'), qr/HINT:.*ffu\.adopt_folder/, 'and is told what it can do');
is($s->sql("SELECT count(*) FROM ffu.check() WHERE problem = 'missing'"), $all, 'a standby without a copy of the folder lacks all files');

# A server that lets one client in, gives this answer to the first query, and waits until
# the client has gone. Returns the connection string, and what ends the server.
sub false_server
{
	my ($answer, %o) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
	my $pid = fork // die;
	if ($pid == 0)
	{
		my $client = $listener->accept;
		sysread $client, my $startup, 10000;
		syswrite $client, $o{refuses} ? $answer : pack('a N N a N a', 'R', 8, 0, 'Z', 5, 'I');
		sysread $client, my $query, 10000;
		syswrite $client, $answer unless $o{refuses};
		1 while sysread $client, my $more, 10000;
		POSIX::_exit(0);
	}
	return ('host=127.0.0.1 sslmode=disable gssencmode=disable port=' . $listener->sockport,
		sub { kill 'KILL', $pid; waitpid $pid, 0; });
}

# An error as the protocol has it
sub error_message
{
	my ($severity, $text) = @_;
	my $fields = pack('(Z*)*', "S$severity", "V$severity", 'C57P01', "M$text") . "\0";
	return pack('a N', 'E', 4 + length $fields) . $fields;
}

### What is refused, and changes nothing

sub refused
{
	my ($sqlstate, $conninfo, $message, $label, $test) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $err = ($test // $s)->fails_with($sqlstate, "CALL ffu.fetch_missing('$conninfo')", $label);
	like($err, $message, 'and says why');
	unlike($err, qr/DETAIL:.*hidden/, 'without a password');
	return;
}
refused('08001', 'host=/nowhere password=hidden', qr/could not connect to the other server.*nowhere/s, 'no server');
refused('08001', 'host=/nowhere password=very hidden', qr/malformed/, 'a malformed string');
refused('08001', 'nonsense=hidden', qr/malformed/, 'an unknown parameter');

# A server that is silent. By the default in another database, meanwhile
my $patient = $other->session;
$patient->send_only("SET statement_timeout = '60s'; CALL ffu.fetch_missing('host=127.0.0.1 port=$silent_port')");
refused('08001', "host=127.0.0.1 port=$silent_port connect_timeout=1", qr/Host "127\.0\.0\.1", port $silent_port, has not answered within 1 s/, 'a server that is silent');
refused('08001', 'service=silent', qr/not answered within 1 s/, 'the same, by a service file');
refused('08001', "$from connect_timeout=soon", qr/connect_timeout is not a number/, 'a limit that is no number');
refused('08001', "host=127.0.0.1,localhost,127.0.0.1 port=$silent_port connect_timeout=1", qr/port $silent_port, has not answered/, 'three that are silent');
{
	my $session = $s->session;
	$session->send_only("CALL ffu.fetch_missing('host=127.0.0.1 port=$silent_port connect_timeout=0')");
	ok($s->node->poll_query_until('postgres', q{SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = } . $session->pid), 'without a limit the session waits');
	$s->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
	$session->wait_done;
	like($session->errors, qr/57014/, 'and can be cancelled');
	$session->quit;
}

# A server that is none
{
	my ($to, $end) = false_server(pack('a N C n', 'H', 7, 0, 0));
	refused('08006', $to, qr/answered a query with COPY/, 'an answer that never ends');
	$end->();
	($to, $end) = false_server(error_message('FATAL', 'x' x 1_000_000));
	cmp_ok(length($s->fails_with('08006', "CALL ffu.fetch_missing('$to')", 'a megabyte of an error')), '<', 3000, 'is told in part');
	$end->();
	($to, $end) = false_server(error_message('FATAL', "Benutzer \xfc \xc3"), refuses => 1);
	my $err = $s->fails_with('08001', "CALL ffu.fetch_missing('$to')", 'an error in another encoding');
	like($err, qr/Benutzer \? \?/, 'is told in this one');
	$end->();
}
refused('08001', "$from dbname=nothing", qr/"nothing" does not exist/, 'no such database');
refused('55000', "$from dbname=without", qr/"without" does not have the extension/, 'a database without ffu');
refused('55000', "$from dbname=other", qr/"other" has files of another root/, 'another database with files');
$t->sql("REVOKE EXECUTE ON FUNCTION ffu._is_root FROM PUBLIC");
caught_up($s);
refused('55000', $from, qr/permission denied/, 'a role without rights there');
$t->sql("GRANT EXECUTE ON FUNCTION ffu._is_root TO PUBLIC");
caught_up($s);
$s->fails_with('25001', "BEGIN; CALL ffu.fetch_missing('$from')", 'in a transaction block');
like(($s->node->psql('postgres', "CALL ffu.fetch_missing('$from')", extra_params => [ '-U', 'replica' ]))[2], qr/permission denied/, 'not a superuser');
$t->sql('GRANT EXECUTE ON PROCEDURE ffu.fetch_missing TO replica');
caught_up($s);
like(($s->try("CALL ffu.fetch_missing('$from')", user => 'replica'))[2], qr/42501:.*permission denied/, 'not with a grant, either');
$t->sql('REVOKE EXECUTE ON PROCEDURE ffu.fetch_missing FROM replica');
caught_up($s);
$t->fails_with('55000', 'CALL ffu.fetch_missing()', 'no connection string on a primary');
$other->{node}->safe_psql('without', 'CREATE EXTENSION ffu');
(bless { %$t, database => 'without' }, 'FfuTest')->fails_with('55000', "CALL ffu.fetch_missing('$from')", 'a database without a folder');
foreach my $case ([ 'mkdir:EROFS', '58030' ], [ 'create:EACCES', '58030' ], [ 'write:ENOSPC', '53100' ], [ 'link:ENOSPC', '53100' ], [ 'unlink:EIO', '58030' ])
{
	my ($fault, $sqlstate) = @$case;
	$s->fails_with($sqlstate, "SET ffu.fault = '$fault'; CALL ffu.fetch_missing('$from')", "a folder that fails: $fault");
	ok(!glob("$s->{root}/.ffu/fetched/*"), 'nothing is left') unless $fault =~ /unlink/;
}

$patient->wait_done;
like($patient->errors, qr/08001:.*not answered within 10 s/s, 'a silent server and no limit in the string: 10 seconds');
$patient->quit;

### Filling a standby

my ($out, $err) = fetch($s);
like($out, qr/^\d+\|\d+\|0$/, 'the call says what it did');
my ($files, $bytes) = split /\|/, $out;
cmp_ok($files, '<=', $all, 'number of files') and cmp_ok($files, '>', $all - 110, 'but for those that came before an error');
is($s->sql('SELECT sum(f__size) FROM t') > 0, 1, 'sizes');
like($err, qr/NOTICE:.*fetch finished: $files files, $bytes bytes, 0 failed/, 'and in a NOTICE');
is_whole($s, 'a standby');
is(slurp("$s->{root}/$_") eq slurp("$root/$_"), 1, "the same bytes: $_") foreach split /\n/, $t->sql('SELECT f FROM t WHERE id > 300');
is_deeply([ $s->files ], [ $t->files ], 'the folder of the standby is that of the primary');
is((stat("$s->{root}/$_"))[2], (stat("$root/$_"))[2], 'with the same mode') foreach ($t->files)[0];
is((stat("$s->{root}/$_"))[3], 1, 'and one name') foreach ($s->files)[0];
($out) = fetch($s);
is($out, '0|0|0', 'nothing is missing: nothing is fetched');
lose($s, 'id <= 10');
my ($rc, $own) = $s->try('CALL ffu.fetch_missing()');
is($own, '10|' . $s->sql('SELECT sum(f__size) FROM t WHERE id <= 10') . '|0', 'by the primary_conninfo of the standby, what is missing');
is_whole($s, 'again');
lose($s, 'id <= 10');
my ($beside) = fetch($s, 'user=replica connect_timeout=1 host=127.0.0.1,' . $primary->host . " port=$silent_port," . $primary->port);
like($beside, qr/^10\|\d+\|0$/, 'by the second of two hosts, when the first is silent');
is_whole($s, 'by the second host');

# a file of another size is replaced; nothing else is touched
my $path = $s->sql('SELECT f FROM t WHERE id = 20');
open(my $fh, '>', "$s->{root}/$path") or die;
print $fh 'a20 and more';
close $fh;
my $right = $s->sql('SELECT f FROM t WHERE id = 21');
my $inode = (stat("$s->{root}/$right"))[1];
is((fetch($s))[0], '1|3|0', 'a file of another size');
is(slurp("$s->{root}/$path"), 'a20', 'is replaced');
is((stat("$s->{root}/$right"))[1], $inode, 'a file that is right is left alone');

# never through a link, and never over what is not a file
my $outside = $s->node->basedir . '/outside';
mkdir $outside or die;
lose($s, 'id IN (30, 31)');
my ($linked, $blocked) = map { $s->sql("SELECT f FROM t WHERE id = $_") } 30, 31;
my $dir = "$s->{root}/" . ($linked =~ s{/[^/]*$}{}r);
rename $dir, "$dir-away" if -d $dir;
symlink $outside, $dir or die;
my ($blocked_dir) = "$s->{root}/$blocked" =~ m{^(.*)/};
mkdir $blocked_dir;
symlink "$outside/target", "$s->{root}/$blocked" or die;
($out, $err) = fetch($s);
is($out, '0|0|2', 'a symbolic link on the way, and one in the place of the file');
is(() = $err =~ /WARNING:\s+42809: file ".*" is not fetched/g, 2, 'a warning of each');
is_deeply([ glob("$outside/*") ], [], 'nothing is written through them');
unlink $dir, "$s->{root}/$blocked";
is((fetch($s))[0], '2|6|0', 'without the links both come');
is_whole($s, 'after the links');

### A source that is wrong

lose($s, 'id BETWEEN 40 AND 45');
lose($s, 'id = 2', 'plain');
my @source = map { "$root/" . $t->sql("SELECT f FROM t WHERE id = $_") } 40 .. 42;
my @right = map { slurp($_) } @source;
PostgreSQL::Test::Utils::append_to_file($source[0], 'longer');
open($fh, '+<', $source[1]) or die;
print $fh 'x';
close $fh;
unlink $source[2] or die;
($out, $err) = fetch($s);
is($out, '4|11|3', 'a file that is longer there, one with other bytes, and one that is not there');
like($err, qr/WARNING:\s+XX001:.*has sent 9 bytes; the row says 3/s, 'the length');
like($err, qr/WARNING:\s+XX001:.*SHA-256 of what has arrived is \w{64}; the row says \w{64}/s, 'the digest');
like($err, qr/WARNING:\s+58P01:.*The other server says: there is no file with this path/s, 'the reason');
is($s->sql("SELECT count(*) FROM ffu.check() WHERE problem = 'missing'"), '3', 'they are missing as before');
foreach my $i (0 .. 2)
{
	open($fh, '>', $source[$i]) or die;
	print $fh $right[$i];
	close $fh;
}
chmod 0640, $source[2];
is((fetch($s))[0], '3|9|0', 'and come once they are right');
lose($s, 'id <= 40');
($out, $err) = fetch($s, faulty('read-after-chunk:error'));
is($out, '0|0|40', 'a source whose reads fail');
is(() = $err =~ /is not fetched/g, 10, 'is told of ten times');
like($err, qr/30 more files are not fetched/, 'and of the rest');
is((fetch($s))[0], '40|' . $s->sql('SELECT sum(f__size) FROM t WHERE id <= 40') . '|0', 'and the next call fetches them');

# It has notices, which would be lines of the log here.
my $stream = $t->sql("SELECT pg_get_functiondef('ffu.stream(text, int)'::regprocedure)");
$t->sql("CREATE OR REPLACE FUNCTION ffu.stream(path text, chunk_size int DEFAULT 262144) RETURNS SETOF bytea LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE E'said\\nFATAL:  forged line'; RETURN NEXT 'much too long'::bytea; END \$\$");
lose($s, 'id = 47');
($out, $err) = fetch($s, $from);
is($out, '0|0|1', 'a source whose function is another');
unlike($err . slurp($s->node->logfile), qr/forged line/, 'writes nothing to the log');
$t->sql("CREATE OR REPLACE FUNCTION ffu.stream(path text, chunk_size int DEFAULT 262144) RETURNS SETOF bytea LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION '%', repeat('long ', 100000); END \$\$");
($out, $err) = fetch($s, $from);
is($out, '0|0|1', 'a source that gives a reason of half a megabyte');
cmp_ok(length($err), '<', 3000, 'of which the begin is told');

# It sends without end; the files of other rows come all the same.
lose($s, 'id IN (48, 49)');
lose($s, 'id = 1', 'plain');
my ($good, $sized, $unsized) = ((split /\n/, $s->sql('SELECT f FROM t WHERE id IN (48, 49) ORDER BY id')), $s->sql('SELECT f FROM plain WHERE id = 1'));
$t->sql(qq{CREATE OR REPLACE FUNCTION ffu.stream(path text, chunk_size int DEFAULT 262144) RETURNS SETOF bytea LANGUAGE sql AS \$\$
	SELECT CASE WHEN path = '$good' THEN 'a48' ELSE convert_to(repeat('x', 262144), 'UTF8') END
	FROM (SELECT generate_series(1, CASE WHEN path = '$good' THEN 1 ELSE 1000000000 END)) g \$\$});
my $limited = $s->session;
my $written = sub { return (slurp('/proc/' . $limited->pid . '/io') =~ /^wchar: (\d+)/m)[0]; };
my $before = $written->();
is($limited->query("SET statement_timeout = '100s'; SET ffu.max_content_length = '1MB'; CALL ffu.fetch_missing('$from')"), '1|3|3', 'a source that sends without end');
my ($came) = $limited->errors =~ /WARNING:\s+53400:.*\Q$unsized\E.*\n.*has sent at least (\d+) bytes; the row says no size, and ffu\.max_content_length allows 1048576\./;
cmp_ok($came // 1e9, '<=', 1048576 * 2 + 262144, 'is left after a megabyte too much, where the row says no size');
($came) = $limited->errors =~ /WARNING:\s+XX001:.*\Q$sized\E.*\n.*has sent at least (\d+) bytes; the row says 3\./;
cmp_ok($came // 1e9, '<=', 1048576 + 3 + 262144, 'and where it does');
cmp_ok($written->() - $before, '<=', 1048576 + 500_000, 'only what a file may have is written');
$limited->quit;
ok(!-e "$s->{root}/.ffu/fetched", 'and nothing is left');
$t->sql($stream);
is((fetch($s))[0], '3|8|0', 'with the right function the files come');
lose($s, 'id = 47');

# Its answer is much too long: 400 rows of a megabyte.
$t->sql(q{ALTER FUNCTION ffu._is_root(text) RENAME TO _was_root;
	CREATE FUNCTION ffu._is_root(text) RETURNS SETOF text LANGUAGE sql AS $$SELECT repeat('x', 1000000) FROM generate_series(1, 400)$$});
caught_up($s);
my $small = $s->session;
$small->query("CALL ffu.fetch_missing('$from')");
like($small->errors, qr/files of another root/, 'a source whose answer has no end is refused');
my ($peak) = slurp('/proc/' . $small->pid . '/status') =~ /^VmHWM:\s*(\d+) kB/m;
cmp_ok($peak, '<', 200_000, 'and the answer is not kept, in kB');
$small->quit;
$t->sql('DROP FUNCTION ffu._is_root(text); ALTER FUNCTION ffu._was_root(text) RENAME TO _is_root');
caught_up($s);
is((fetch($s))[0], '1|3|0', 'with the right function the file comes');

# It breaks off within a file.
lose($s, 'id IN (50, 302)');
my $log = -s $primary->logfile;
refused('08006', faulty('read-after-chunk:kill:5'), qr/lost the connection to the other server/, 'the source is killed within a file');
$t->wait_recovered($log);
ok(!glob("$s->{root}/.ffu/fetched/*"), 'nothing is half there');
like((fetch($s))[0], qr/^[12]\|\d+\|0$/, 'the next call goes on');
is_whole($s, 'after a source that was killed');

# The role there has limits, and the session there is idle while files get their paths.
$t->sql("ALTER ROLE replica SET idle_session_timeout = '50ms'; ALTER ROLE replica SET statement_timeout = '50ms'");
caught_up($s);
lose($s, 'id <= 110');
{
	my ($gate, $session) = ($s->session, $s->session);
	$gate->query('SELECT pg_advisory_lock(4660)');
	$session->send_only("SET ffu.fault = 'fetch-before-link:wait'; CALL ffu.fetch_missing('$from')");
	ok($s->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4660 AND NOT granted"), 'the fetch waits');
	ok($t->node->poll_query_until('postgres', "SELECT count(*) = 0 OR bool_and(state = 'idle' AND state_change < clock_timestamp() - '500ms'::interval)
		FROM pg_stat_activity WHERE application_name = 'ffu.fetch_missing'"), 'the source has nothing to do');
	$gate->query('SELECT pg_advisory_unlock(4660)');
	like($session->wait_done, qr/^110\|\d+\|0$/, 'limits of the role there end no fetch');
	$_->quit foreach $gate, $session;
}
$t->sql('ALTER ROLE replica RESET ALL');
caught_up($s);
is_whole($s, 'with limits');

# Cancelled, while the source does not answer
lose($s, 'id IN (51, 302)');
my ($gate, $session) = ($t->session, $s->session);
$gate->query('SELECT pg_advisory_lock(4660)');
my $pid = $session->pid;
$session->send_only("CALL ffu.fetch_missing('" . faulty('read-after-chunk:wait:3') . "')");
ok($t->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'ffu.fetch_missing' AND wait_event_type = 'Lock'"),
	'the source does not answer');
ok($s->node->poll_query_until('postgres', "SELECT wait_event_type = 'Extension' AND backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = $pid"),
	'the session waits, and holds no snapshot');
refused('55006', $from, qr/Another session/, 'only one session fetches');
$s->sql("SELECT pg_cancel_backend($pid)");
$session->wait_done;
like($session->errors, qr/57014/, 'it can be cancelled');
is($session->query('SELECT count(*) FROM t') > 0, 1, 'the session goes on');
ok(!-e "$s->{root}/.ffu/fetched", 'and leaves nothing');
$session->quit;
$gate->query('SELECT pg_advisory_unlock(4660)');
$gate->quit;
ok($t->node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'ffu.fetch_missing'"), 'the other server hears of it');
like((fetch($s))[0], qr/^[12]\|\d+\|0$/, 'the next call goes on');
is_whole($s, 'after a cancel');

### While redo removes files

# Lets a fetch wait at a point, removes a file on the primary, and lets the fetch go on.
sub meets_removal
{
	my ($point, $id, $wanted) = @_;
	lose($s, "id = $id");
	my $gone = $s->sql("SELECT f FROM t WHERE id = $id");
	my ($lock, $fetching) = ($s->session, $s->session);
	$lock->query('SELECT pg_advisory_lock(4660)');
	$fetching->send_only("SET ffu.fault = '$point:wait'; CALL ffu.fetch_missing('$from')");
	ok($s->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4660 AND NOT granted"), "$point: the fetch waits");
	$t->sql("DELETE FROM t WHERE id = $id; SELECT FROM ffu.sweep(); INSERT INTO t VALUES ($id + 1000, 'next', ffu.file('n.txt', 'next'))");
	ok(!-e "$root/$gone", "$point: the primary has removed the file");
	caught_up($s);
	if ($point ne 'fetch-before-link')
	{
		# Reading delivers, and then no removal waits.
		$s->sql("SELECT ffu.content(f) FROM t WHERE id = $id + 1000");
		ok(wait_until(sub { $s->sql("SELECT count(*) FROM pg_ls_dir('ffu.inbox') f WHERE f LIKE '%.removals'") eq '0' }), "$point: the removal is replayed and done");
	}
	$lock->query('SELECT pg_advisory_unlock(4660)');
	like($fetching->wait_done, $wanted, "$point: the fetch ends");
	is($fetching->errors =~ s/^NOTICE.*\n(?:LOCATION.*\n)?//mgr =~ s/^.*NOTICE:.*\n(?:LOCATION.*\n)?//mgr, '', "$point: without an error");
	$_->quit foreach $lock, $fetching;
	ok(wait_until(sub { !-e "$s->{root}/$gone" }), "$point: the file is not there");
	is($s->sql('SELECT * FROM ffu.check()'), '', "$point: ffu.check finds nothing");
	return;
}
meets_removal('fetch-after-bytes', 60, qr/^0\|0\|0$/);
meets_removal('fetch-before-link', 61, qr/^1\|3\|0$/);
# A row that is changed meanwhile is at another place: the next list has it.
lose($s, 'id = 62');
my ($lock, $fetching) = ($s->session, $s->session);
$lock->query('SELECT pg_advisory_lock(4660)');
$fetching->send_only("SET ffu.fault = 'fetch-after-bytes:wait'; CALL ffu.fetch_missing('$from')");
ok($s->node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4660 AND NOT granted"), 'the fetch waits');
$t->sql("UPDATE t SET label = label WHERE id = 62; VACUUM t");
caught_up($s);
$lock->query('SELECT pg_advisory_unlock(4660)');
is($fetching->wait_done, '1|3|0', 'a row that was changed meanwhile');
$_->quit foreach $lock, $fetching;
is_whole($s, 'a row that was changed');

### The standby is killed

my $number = 70;
foreach my $point (grep { /^fetch-/ } points())
{
	lose($s, "id IN ($number, 302)");
	($rc) = $s->fault("$point:crash", "CALL ffu.fetch_missing('$from')");
	is($rc, 2, "$point: killed");
	$s->start;
	if ($number == 70)
	{
		# without another call the worker cleans up
		$t->sql("INSERT INTO t VALUES (2000, 'wake', ffu.file('w.txt', 'wake'))");
		caught_up($s);
		ok(wait_until(sub { !-e "$s->{root}/.ffu/fetched" }), "$point: what was left is removed");
	}
	like((fetch($s))[0], qr/^[012]\|\d+\|0$/, "$point: the next call goes on");
	is_whole($s, $point);
	$number++;
}

# A worker that removes what was left is waited for.  It is no session that fetches.
lose($s, 'id = 302');
$s->sql("ALTER SYSTEM SET ffu.fault = 'clear-fetched:wait'");
($gate, my $late) = ($s->session, $s->session);
$gate->query('SELECT pg_advisory_lock(4660)');
mkdir "$s->{root}/.ffu/fetched", 0700 or die;
$s->sql('SELECT pg_reload_conf()');
$t->sql("INSERT INTO t VALUES (2001, 'wake', ffu.file('w.txt', 'wake'))");
my $waits = "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
ok($s->node->poll_query_until('postgres', "$waits AND objid = 4660"), 'a worker is about to remove what was left');
$late->send_only("SET ffu.fault = ''; CALL ffu.fetch_missing('$from')");
ok($s->node->poll_query_until('postgres', "$waits AND objid <> 4660"), 'a call waits for the worker');
$gate->query('SELECT pg_advisory_unlock(4660)');
like($late->wait_done, qr/^[12]\|\d+\|0$/, 'and goes on');
is($late->errors =~ s/^NOTICE.*\n(?:LOCATION.*\n)?//mgr =~ s/^.*NOTICE:.*\n(?:LOCATION.*\n)?//mgr, '', 'without an error');
$_->quit foreach $gate, $late;
$s->sql('ALTER SYSTEM RESET ffu.fault; SELECT pg_reload_conf()');
caught_up($s);
is_whole($s, 'a call beside the worker');

# A worker that is killed there leaves it to the next one.
$s->sql("ALTER SYSTEM SET ffu.fault = 'clear-fetched:crash'; SELECT pg_reload_conf()");
mkdir "$s->{root}/.ffu/fetched", 0700 or die;
$t->sql("INSERT INTO t VALUES (2002, 'wake', ffu.file('w.txt', 'wake'))");
$s->wait_gone;
ok(-e "$s->{root}/.ffu/fetched", 'clear-fetched: killed before the removal');
$s->node->append_conf('postgresql.auto.conf', "ffu.fault = ''\n");
$s->start;
$t->sql("INSERT INTO t VALUES (2003, 'wake', ffu.file('w.txt', 'wake'))");
caught_up($s);
ok(wait_until(sub { !-e "$s->{root}/.ffu/fetched" }), 'and then what was left is removed');
$s->sql('ALTER SYSTEM RESET ffu.fault; SELECT pg_reload_conf()');
is_whole($s, 'a worker that was killed');

### Other servers

# from another standby, and promoted
my $second = standby('second');
my $chain = 'host=' . $s->node->host . ' port=' . $s->node->port;
like((fetch($second, $chain))[0], qr/^\d+\|\d+\|0$/, 'a standby fetches from another standby');
is_whole($second, 'from a standby');
lose($second, 'id BETWEEN 80 AND 89');
$second->node->promote;
is((fetch($second))[0], '10|30|0', 'promoted, it fetches as well');
is_whole($second, 'promoted');
lose($second, 'id = 90');
$second->sql("DO \$\$ DECLARE a bigint; b bigint; c bigint; BEGIN
	INSERT INTO t VALUES (3000, 'own', ffu.file('o.txt', 'own')); CALL ffu.fetch_missing('$from', a, b, c);
	IF (a, b, c) IS DISTINCT FROM (1, 3, 0) THEN RAISE 'fetched %, %, %', a, b, c; END IF; END \$\$");
is($second->sql("SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 3000"), 'own', 'in DO it commits what was before');
$second->sql('DELETE FROM t WHERE id = 3000; SELECT FROM ffu.sweep()');
is_whole($second, 'after DO');
$second->stop;

# A standby that keeps no files, or has not adopted its folder
my $third = standby('third', foreign => 1);
refused('55000', $from, qr/HINT:.*call ffu\.adopt_folder\(\)/, 'a folder that is not adopted', $third);
$third->node->append_conf('postgresql.conf', "ffu.standby_files = off\n");
$third->restart;
refused('25006', $from, qr/recovery/, 'a standby that keeps no files', $third);
$third->stop;

# A restored primary without the folder takes the name of the folder alone.
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($primary, 's');
my $r = bless { %$t, node => $restored, root => $restored->basedir . '/folder' }, 'FfuTest';
$restored->append_conf('postgresql.conf', "ffu.folder_map = ''\n");
mkdir $r->{root}, 02750 or die;
mkdir "$r->{root}/.ffu", 0750 or die;
system('cp', '-p', "$root/.ffu/owner", "$r->{root}/.ffu/owner") == 0 or die;
$restored->start;
$r->sql("SELECT ffu.claim_folder('$r->{root}')");
($out, $err) = fetch($r);
like($out, qr/^\d+\|\d+\|\d+$/, 'a restored primary fetches');
my $here = $r->sql("SELECT count(*) FROM ffu.check(content => true) WHERE problem = 'missing'");
is((split /\|/, $out)[2], $here, 'all that the source still has');
is($r->sql("SELECT count(*) FROM ffu.check(content => true) WHERE problem <> 'missing'"), '0', 'and nothing else is wrong');
$restored->stop;

$s->stop;
$t->stop;
done_testing();
