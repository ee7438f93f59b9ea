# Files move between folder and bucket: all files of all tables, there and back, with no
# row and no path changed; cut off at every step, beside sessions that store, replace,
# delete and read, and with requests that are lost or late. Nothing is lost, and nothing
# is left.
#
# With FFU_TEST_BUCKET=long (script/soak bucket) every fault point of a commit is met in
# both directions; else each point that the two have of their own.
#
# Takes minutes.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest qw(points slurp);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use Test::More;

my $long = ($ENV{FFU_TEST_BUCKET} // '') eq 'long';
my $store = FfuBucket->new;
my $t = FfuTest->new('move', conf => $store->conf . "ffu.store_timeout = 10s\n");
my $direct = $store->make('media') . '/blog';
my $url = $store->begin_proxy . '/media/blog';
my $there = q{CALL ffu.move_files('folder', 'bucket')};
my $back = q{CALL ffu.move_files('bucket', 'folder')};

$t->sql(q{CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE TABLE parts (id int) PARTITION BY RANGE (id);
	CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
	CREATE TABLE part2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
	SELECT ffu.add_column('parts', 'f', allowed_extensions => '{*}', private => true)});
$t->fails_with('55000', $there, 'no bucket');
$t->sql("SELECT ffu.use_bucket('$url')");

# What is where: the paths in the folder, and those in the bucket
sub places { return ([ $t->files ], [ sort keys %{ $store->list($direct) } ]); }
my $paths = q{SELECT f FROM t WHERE f IS NOT NULL UNION ALL SELECT f FROM parts WHERE f IS NOT NULL ORDER BY 1};

# Every file of a row is in the one place that is named, or in either for "any", and
# there is nothing else.
sub is_settled
{
	my ($where, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$store->finish($t, $label);
	my %rows = map { $_ => 1 } split /\n/, $t->sql($paths);
	my ($folder, $bucket) = places();
	my %found = (folder => { map { $_ => 1 } @$folder }, bucket => { map { $_ => 1 } @$bucket });
	is_deeply($found{$where}, \%rows, "$label: all files are in the $where") if $where ne 'any';
	is_deeply({ %{ $found{folder} }, %{ $found{bucket} } }, \%rows, "$label: folder and bucket have the files of the rows");
	is(scalar(keys %{ $found{ $where eq 'folder' ? 'bucket' : 'folder' } }), 0, "$label: and no other place has") if $where ne 'any';
	is_deeply([ $t->staging ], [], "$label: staging is empty");
	return is($t->sql('SELECT string_agg(problem, $$,$$) FROM ffu.check(content => true)'), '', "$label: ffu.check finds nothing");
}
my $content = q{SELECT id, f, encode(sha256(ffu.content(f)), 'hex') FROM t UNION ALL SELECT id, f, encode(sha256(ffu.content(f)), 'hex') FROM parts ORDER BY 2};

# There and back
$t->sql(q{INSERT INTO t (id, f) SELECT i, ffu.file('a.txt', convert_to(repeat(i::text, i * 100), 'UTF8')) FROM generate_series(1, 70) i;
	INSERT INTO parts SELECT i, ffu.file('b.bin', decode('00ff', 'hex')) FROM generate_series(5, 14) i;
	INSERT INTO t (id) VALUES (900)});
$t->fails_with('22023', "CALL ffu.move_files($_)", "no such move: $_") foreach q{'folder', 'folder'}, q{'bucket', 'cloud'}, q{NULL, 'bucket'};
$t->fails_with('2D000', "BEGIN; $there", 'in a transaction block');
$t->sql('CREATE ROLE somebody LOGIN');
like(($t->try($there, user => 'somebody'))[2], qr/42501/, 'for superusers alone');
my $before = $t->sql($content);
my $rows = 'SELECT xmin, ctid, * FROM t ORDER BY id';
my $same = $t->sql($rows);
my (undef, undef, $said) = $t->try($there);
like($said, qr/NOTICE:  00000: moved: \d+ files.*NOTICE:  00000: move finished: 80 files/s, 'there: progress');
is($t->sql($rows), $same, 'no row has changed');
is($t->sql($content), $before, 'all bytes can be read');
is_settled('bucket', 'there');
like(($t->try($there))[2], qr/move finished: 0 files/, 'a second call moves nothing');
$t->sql(q{INSERT INTO t (id, f) VALUES (901, ffu.file('c.txt', 'new'))});
is_deeply((places())[0], [ $t->sql('SELECT f FROM t WHERE id = 901') ], 'new files go where the column says');
$t->sql('DELETE FROM t WHERE id = 901');
like(($t->try(q{CALL ffu.move_files('bucket', 'folder', 'parts', batch => 1)}))[2], qr/move finished: 10 files/, 'one table, with its partitions');
$t->sql($back);
is($t->sql($rows), $same, 'no row has changed');
is($t->sql($content), $before, 'all bytes can be read');
is_settled('folder', 'back');

# Cut off at every step
my @points = grep { $long ? /^(?:bucket|publish|stage|commit|undo|learn)-/ : /^(?:bucket-(?:move-|after-put)|publish-after-link)/ } points();
my %reached;
foreach my $direction ('folder', 'bucket')
{
	my $call = $direction eq 'folder' ? $there : $back;
	my $again = $direction eq 'folder' ? $back : $there;
	my $goal = $direction eq 'folder' ? 'bucket' : 'folder';
	$t->sql('DELETE FROM t WHERE id > 5; DELETE FROM parts WHERE id > 6');
	$t->sql($again);
	foreach my $point (@points)
	{
		foreach my $action ($long ? ('error', 'kill', 'crash') : ('crash'))
		{
			$before = $t->sql($content);
			my ($rc) = $t->fault("$point:$action", $call);
			last if $rc == 0 && $action ne 'error';
			$reached{$point} = 1;
			$t->start if $action eq 'crash' && $rc == 2;
			is($t->sql($content), $before, "$point, $action: all bytes can be read");
			is_settled('any', "$point, $action, from the $direction");
			$t->sql($call);
			is_settled($goal, "$point, $action: the move goes on");
			$t->sql($again);
		}
		$t->sql($again);
	}
}
ok($reached{$_}, "$_ is reached") foreach grep { /^bucket-move-/ } @points;

# A request that is lost or late
$t->sql($back);
is_settled('folder', 'before the harm');
foreach my $harm ($long ? qw(late answer request busy half error) : qw(late answer error))
{
	$store->harm(map { "$_ $harm 1" } $harm eq 'error' ? qw(PUT POST) : qw(PUT HEAD POST));
	my ($rc, undef, $err) = $t->try("$there; $back");
	is($rc, 0, "$harm: a fault is survived") or diag($err);
	is_settled('folder', "$harm");
}

# A late PUT of a file whose row has gone, and a late removal of an object that would be
# the only copy
$store->harm('PUT late 1');
$t->sql($there);
$t->sql('DELETE FROM t WHERE id <= 5; DELETE FROM parts; SELECT FROM ffu.sweep()');
is_settled('bucket', 'rows that go while a request is late');
$t->sql(q{INSERT INTO t (id, f) SELECT i, ffu.file('a.txt', convert_to(i::text, 'UTF8')) FROM generate_series(1, 5) i});
$t->sql($there);
$store->harm('POST late 1');
$t->sql($back);
is($t->sql('SELECT count(*) FROM ffu.intent'), '5', 'a removal without an answer is noted');
$t->sql($there);
$store->release;
is(scalar(@{ (places())[0] }), 5, 'and the files do not come back before it has arrived');
is_settled('folder', 'a late removal');
$t->sql($there);
is_settled('bucket', 'then they do');

# The store is gone, and silent
$t->sql($back);
$store->harm('PUT busy 99');
$t->fails_with('58030', $there, 'a store that refuses');
$store->harm();
is_settled('folder', 'a store that refuses');
$store->signal('STOP');
my $session = $t->session;
$session->send_only($there);
$t->node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = ' . $session->pid) or die;
$t->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
$session->wait_done;
$store->signal('CONT');
like($session->errors, qr/57014/, 'a move can be cancelled while the store is silent');
$session->query($there);
unlike($session->errors, qr/ERROR|WARNING/, 'and called again');
$session->quit;
is_settled('bucket', 'a cancel');

# Files that are not what their rows say
$t->sql($back);
my $wrong = $t->sql('SELECT f FROM t WHERE id = 1');
{
	open(my $fh, '>', $t->root . "/$wrong") or die;
	print $fh 'x';
	close($fh);
}
(my $rc, undef, $said) = $t->try($there);
is($rc, 0, 'a move of a file with other bytes');
like($said, qr/WARNING:  XX001: file "\Q$wrong\E" is not moved: its content does not have the checksum/, 'the file stays');
is_deeply((places())[0], [$wrong], 'alone');
$store->ask($direct, 'put', $wrong, 'longer');
(undef, undef, $said) = $t->try($back);
like($said, qr/WARNING:  XX001: file "\Q$wrong\E" is not moved: folder and bucket have different/, 'two different files stay both');
$t->sql('DELETE FROM t WHERE id = 1');
is_settled('folder', 'files that are wrong');

# Beside others: every session has rows of its own, and some that all read
my $rounds = $long ? 10 : 2;
my $psql = sub {
	my ($n, @sql) = @_;
	my $in = join(";\n", @sql) . ";\n";
	my $err = '';
	my $run = IPC::Run::start([ $t->node->installed_command('psql'), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $t->node->connstr('postgres') ],
		'<', \$in, '>', \my $out, '2>', \$err);
	return [ $run, \$out, \$err, $n ];
};
my @work = map {
	my $n = $_;
	$psql->("writer $n", (map {
		my $id = 1000 * $n + $_;
		("INSERT INTO t (id, f) VALUES ($id, ffu.file('w.txt', convert_to(repeat('$id', 1000), 'UTF8')))",
			$_ % 3 == 0 ? "DELETE FROM t WHERE id = $id - 1" : "UPDATE t SET f = ffu.file('v.txt', convert_to('new $id', 'UTF8')) WHERE id = $id",
			$_ % 5 == 0 ? "BEGIN; DELETE FROM t WHERE id = $id; ROLLBACK" : "UPDATE t SET n = n + 1 WHERE id = $id",
			$_ % 7 == 0 ? "UPDATE t SET f = 'copy:' || f WHERE id = $id" : 'SELECT FROM ffu.sweep()')
	} 1 .. 20 * $rounds))
} 1, 2;
push @work, $psql->('reader', ('SELECT count(*) FROM t WHERE encode(sha256(ffu.content(f)), $$hex$$) IS DISTINCT FROM f__sha256 AND f IS NOT NULL') x (20 * $rounds));
push @work, $psql->('streamer', ('SELECT count(p) FROM t, ffu.stream(f, 100) p') x (10 * $rounds));
foreach my $round (1 .. 2 * $rounds)
{
	my ($rc, undef, $err) = $t->try($round % 2 ? $there : $back);
	is($rc, 0, "move $round beside others") or diag($err);
}
foreach my $work (@work)
{
	my ($run, $out, $err, $name) = @$work;
	$run->finish;
	is($$err, '', "$name beside a move: no error");
	is($$out =~ s/^0\n//gmr, '', "$name: all bytes are right") if $name eq 'reader';
}
is_settled('any', 'beside others');
$t->sql($there);
is_settled('bucket', 'beside others, and then all');

$t->stop;

# With ffu.wal = all a recovery does not bring a moved file back into the folder, and the
# folder of a standby follows, whatever snapshots there are.
my $w = FfuTest->new('move_wal', preload => 1, conf => $store->conf . <<'EOF');
ffu.wal = all
ffu.pretend_in_order = on
checkpoint_timeout = 1h
EOF
$w->sql("CREATE TABLE t (id int PRIMARY KEY); SELECT ffu.add_column('t', 'f'); SELECT ffu.use_bucket('" . $store->make('wal') . "/blog')");
my $put = sub { return "INSERT INTO t SELECT i, ffu.file('a.txt', convert_to(repeat('x', i), 'UTF8')) FROM unnest('{$_[0]}'::int[]) i"; };
$w->sql($put->('5, 300000'));
$w->sql($back);
my @stored = split /\n/, $w->sql('SELECT f FROM t ORDER BY f');
is_deeply([ $w->files ], \@stored, 'ffu.wal = all: the files are in the folder');
$w->node->backup('base');
my $node = PostgreSQL::Test::Cluster->new('move_standby');
$node->init_from_backup($w->node, 'base', has_streaming => 1);
my $copy = $node->basedir . '/folder';
system('cp', '-a', $w->root, $copy) == 0 or die 'cp';
$node->append_conf('postgresql.conf', "ffu.standby_files = on\nffu.folder_map = '" . $w->root . "=$copy'\n");
$node->start;
my $s = bless { %$w, node => $node, root => $copy }, 'FfuTest';
$s->sql('SELECT ffu.adopt_folder()');
my $old = $s->session;
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
my $follows = sub {
	my ($label, @files) = @_;
	$w->node->wait_for_catchup($node, 'replay', $w->node->lsn('flush'));
	$s->sql('SELECT ffu.size(f) FROM t LIMIT 1');
	is_deeply([ $s->files ], \@files, "a standby with an old snapshot: $label");
};
$w->sql($there);
is_deeply([ $w->files ], [], 'moved to the bucket');
$follows->('moved to the bucket');
$w->sql($back);
$follows->('and back', @stored);
$old->query('COMMIT');
$old->quit;
$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_ls_dir('ffu.inbox') f WHERE f LIKE '%.removals')");
$follows->('and nothing goes later', @stored);

# Files of the bucket are not missing, and one that moves there while it is fetched does not
# come back into the folder.
unlink "$copy/$stored[0]" or die;
like($s->sql('CALL ffu.fetch_missing()'), qr/^1\|\d+\|0$/, 'a missing file of the folder is fetched');
$follows->('fetched', @stored);
unlink "$copy/$stored[0]" or die;
my ($gate, $fetching) = ($s->session, $s->session);
$gate->query('SELECT pg_advisory_lock(4660)');
$fetching->send_only("SET ffu.fault = 'fetch-after-bytes:wait'; CALL ffu.fetch_missing()");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4660 AND NOT granted"), 'a fetch waits');
$w->sql($there);
$follows->('the file has moved to the bucket meanwhile');
$gate->query('SELECT pg_advisory_unlock(4660)');
is($fetching->wait_done, '0|0|0', 'the file that was fetched is not wanted any more');
$_->quit foreach $gate, $fetching;
$follows->('and does not come back');
is($s->sql('CALL ffu.fetch_missing()'), '0|0|0', 'files of the bucket are not fetched');
$node->stop;
kill 'STOP', split /\n/, $w->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ffu syncer'");
$w->sql($put->('7'));
$w->sql($there);
$w->crash;
$w->start;
$w->sql('SELECT FROM ffu.sweep()');
is_deeply([ $w->files ], [], 'a recovery does not bring a moved file back');
is($w->sql('SELECT string_agg(octet_length(ffu.content(f))::text, $$ $$ ORDER BY id) FROM t'), '5 7 300000', 'and the files are in the bucket');
$w->stop;

$store->stop;
done_testing();
