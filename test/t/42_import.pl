# Moving files into the folder, cut off at every point: a source is never lost. It goes
# only when the transaction that moved it has committed, and until then, and after an
# abort, it is what it was. And an import of a directory that is cut off in the middle is
# just called again.

use strict;
use warnings;

use FfuTest qw(points slurp);
use Test::More;

my $t = FfuTest->new('import');
my $from = $t->node->basedir . '/incoming';
mkdir $from or die;
$t->sql("CREATE TABLE d (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, origin text UNIQUE);
	SELECT ffu.add_column('d', 'f')");

sub write_file
{
	my ($path, $content) = @_;
	open(my $fh, '>', $path) or die "could not write \"$path\": $!";
	print $fh $content;
	close($fh) or die;
	return;
}

# Two files, one of which has a second name, so that it is copied and not linked.
sub put_sources
{
	unlink glob("$from/*");
	write_file("$from/linked.txt", 'linked');
	write_file("$from/copied.txt", 'copied');
	link("$from/copied.txt", "$from/other.txt") or die;
	return;
}

# What became of each source, after the restart and a sweep: "stored" if its row and file
# are there, "source" if it is where it was. A row without its bytes is what must not be.
sub fate
{
	my ($name) = @_;
	my $path = $t->sql("SELECT f FROM d WHERE origin = '$name'");
	my @is;
	push @is, 'stored' if $path ne '' && -f $t->root . "/$path" && slurp($t->root . "/$path") eq $name;
	push @is, 'lost' if $path ne '' && !@is;
	push @is, 'source' if -e "$from/$name.txt";
	push @is, 'changed' if -e "$from/$name.txt" && slurp("$from/$name.txt") ne $name;
	return "@is";
}

# What is too large is refused before anything of it is read, whether it would be copied or linked.
put_sources();
write_file("$from/$_.txt", 'x' x 1025) foreach qw(linked copied);
$t->fails_with('23514', "SET ffu.fault = '$_->[1]:error'; SET ffu.max_content_length = '1kB'; SELECT ffu.import_file('$from/$_->[0].txt', move => true)",
	"$_->[0], too large: nothing is read")
	foreach [ linked => 'learn-after-chunk' ], [ copied => 'stage-after-create' ];

my $move = join '', map { "INSERT INTO d (origin, f) VALUES ('$_', ffu.import_file('$from/$_.txt', move => true));" } qw(linked copied);
my $n = 0;
foreach my $action ('crash', 'kill')
{
	# A killed backend loses no transaction ids: what matters is what comes after commit.
	foreach my $point (grep { $action eq 'crash' || /^commit-/ } points())
	{
		put_sources();
		$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
		# Setting the fault is a transaction that commits, too.
		my $skip = $point eq 'commit-after-record' ? 1 : 0;
		my ($rc) = $t->fault("$point:$action:$skip", "BEGIN; $move COMMIT");
		next unless $rc == 2;
		$n++;
		$t->start if $action eq 'crash';
		$t->sql('SELECT FROM ffu.sweep()');
		my $committed = $point =~ /^commit-/;
		my %want = map { $_ => $committed ? 'stored source' : 'source' } qw(linked copied);
		# This one has come by the first of the two sources, in neither case by the second.
		is_deeply({ map { $_ => fate($_) } keys %want }, \%want, "$action at $point");
		is((stat "$from/linked.txt")[3], $committed ? 2 : 1, 'no other name of the source is left');
		$t->folder_is_rows(['d.f']);
	}
}
cmp_ok($n, '>=', 8, "$n points were reached");

# The second source's turn: the first is gone by then.
put_sources();
$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
$t->fault('commit-after-staging:crash:1', "BEGIN; $move COMMIT");
$t->start;
$t->sql('SELECT FROM ffu.sweep()');
is(fate('linked'), 'stored', 'crash between two sources: the first is gone, and stored');
is(fate('copied'), 'stored source', 'the second is still there, and stored');
$t->folder_is_rows(['d.f']);

# The removal of the source fails: one warning, and what is stored is stored.
put_sources();
$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
chmod(0555, $from) or die;
my (undef, undef, $err) = $t->try("INSERT INTO d (origin, f) VALUES ('linked', ffu.import_file('$from/linked.txt', move => true))");
like($err, qr/ERROR:.*42501/, 'a directory that may not be written to is refused at once');
chmod(0755, $from) or die;
$t->sql("INSERT INTO d (origin, f) VALUES ('linked', ffu.import_file('$from/linked.txt'))");
is(fate('linked'), 'stored source', 'and without "move" it is not needed');

# A linked source in two rows, of which only the second is left: the stored file is the
# source itself, and has the mode of stored files all the same.
put_sources();
$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
chmod(0600, "$from/linked.txt") or die;
my ($twice) = $t->try("BEGIN; CREATE TEMP TABLE u AS SELECT ffu.import_file('$from/linked.txt', move => true) AS u;
	INSERT INTO d (origin, f) SELECT o, u FROM u, unnest(ARRAY['first', 'linked']) o;
	DELETE FROM d WHERE origin = 'first'; COMMIT");
is($twice, 0, 'a linked source in two rows');
is(fate('linked'), 'stored', 'and in one of them after COMMIT');
is(sprintf('%04o', (stat $t->root . '/' . $t->sql("SELECT f FROM d WHERE origin = 'linked'"))[2] & 07777),
	'0640', 'with the mode of stored files');

# Somebody changes it while it is being read, in any way that can be seen: an error,
# nothing is stored, and the file is left to whoever changes it.
my $control = $t->session;
my $importer = $t->session;
my %change = (
	appended => sub { my ($path) = @_; open(my $fh, '>>', $path) or die; print $fh 'more'; close($fh) or die; },
	'rewritten in the same size' => sub { my ($path) = @_; open(my $fh, '+<', $path) or die; print $fh 'LINKED'; close($fh) or die; },
	truncated => sub { my ($path) = @_; truncate($path, 1) or die; },
	'given another mode' => sub { my ($path) = @_; chmod(0600, $path) or die; },
	'given another name' => sub { my ($path) = @_; link($path, "$path.2") or die; },
	removed => sub { my ($path) = @_; unlink($path) or die; });
foreach my $how (sort keys %change)
{
	foreach my $flag ('false', 'true')
	{
		put_sources();
		$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
		$control->query('SELECT pg_advisory_lock(4660)');
		$importer->query("SET ffu.fault = 'import-after-read:wait'");
		$importer->send_only("INSERT INTO d (origin, f) VALUES ('linked', ffu.import_file('$from/linked.txt', move => $flag))");
		$t->node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'advisory'") or die;
		$change{$how}->("$from/linked.txt");
		my $before = -e "$from/linked.txt" ? slurp("$from/linked.txt") : '';
		$control->query('SELECT pg_advisory_unlock(4660)');
		$importer->wait_done;
		like($importer->errors, qr/ERROR:\s+55000:.*changed while it was being read/, "$how while it is read, move => $flag: an error");
		is($t->sql('SELECT count(*) FROM d'), 0, 'no row');
		$t->folder_is_rows(['d.f'], 'nothing is stored');
		is(-e "$from/linked.txt" ? slurp("$from/linked.txt") : '', $before, 'the file is as it was left');
	}
}

# Directories that vanish, or become links to elsewhere, after their names were read: they
# are left out. What cannot be read is an error.
my $shifty = $t->node->basedir . '/shifty';
mkdir "$shifty$_" or die foreach '', '/stays', '/vanishes', '/becomes a link', '.elsewhere';
write_file("$shifty$_/a.txt", $_) foreach '/stays', '/vanishes', '/becomes a link', '.elsewhere';
$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
$control->query('SELECT pg_advisory_lock(4660)');
$importer->query("SET ffu.fault = 'import-after-directory:wait'");
$importer->send_only("CALL ffu.import_directory('d', 'f', 'origin', '$shifty')");
$t->node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'advisory'") or die;
unlink("$shifty/$_/a.txt") && rmdir("$shifty/$_") or die foreach 'vanishes', 'becomes a link';
symlink("$shifty.elsewhere", "$shifty/becomes a link") or die;
$control->query('SELECT pg_advisory_unlock(4660)');
$importer->wait_done;
unlike($importer->errors, qr/ERROR/, 'a directory vanishes, another becomes a link: no error');
is($t->sql('SELECT string_agg(origin, chr(10)) FROM d'), 'stays/a.txt', 'and the file of the one that stays is stored');
chmod(0, "$shifty/stays") or die;
like($t->fails_with('42501', "CALL ffu.import_directory('d', 'f', 'origin', '$shifty')", 'a directory that cannot be read is refused'),
	qr{could not read directory "\Q$shifty\E/stays": Permission denied}, 'by its name');
chmod(0755, "$shifty/stays") or die;
$importer->quit;
$control->quit;

# A directory: killed in the middle, called again.
my $tree = $t->node->basedir . '/tree';
mkdir $tree or die;
foreach my $i (1 .. 300)
{
	my $dir = "$tree/" . $i % 7;
	mkdir $dir;
	write_file("$dir/$i.txt", "content $i");
}
$t->sql('DELETE FROM d; SELECT FROM ffu.sweep()');
my $call = "CALL ffu.import_directory('d', 'f', 'origin', '$tree', batch => 50, move => true)";
my ($rc) = $t->fault('publish-after-link:crash:120', $call);
is($rc, 2, 'killed while a directory is imported');
$t->start;
is($t->sql('SELECT count(*) FROM d'), 100, 'what was committed is there');
($rc, undef, $err) = $t->try($call);
is($rc, 0, 'called again') or diag($err);
like($err, qr/import finished: 200 files, 0 skipped/, 'it goes on where it was');
is($t->sql(q{SELECT count(*), count(DISTINCT origin), bool_and(convert_from(ffu.content(f), 'UTF8') = 'content ' || substring(origin, '(\d+)\.txt')) FROM d}),
	'300|300|t', 'every file is there, once, with its bytes');
$t->folder_is_rows(['d.f']);
is_deeply([ glob("$tree/*/*") ], [], 'and no source is left');

# Cancelled in the middle.
foreach my $i (1 .. 300)
{
	write_file("$tree/0/again $i.txt", "content $i");
}
my $session = $t->session;
$session->send_only($call);
$t->node->poll_query_until('postgres', "SELECT count(*) >= 350 FROM d") or die;
$t->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
$session->wait_done;
my $cancelled = $session->errors =~ /57014/;
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql('SELECT count(*) % 50 FROM d'), 0, 'cancelled or done: whole batches (' . ($cancelled ? 'cancelled' : 'done') . ')');
$t->folder_is_rows(['d.f']);
is(($t->try($call))[0], 0, 'called again');
is($t->sql('SELECT count(*) FROM d'), 600, 'every file is there');
is_deeply([ glob("$tree/*/*") ], [], 'and no source is left');

# New paths for all of them: killed in the middle, called again; read by others all the
# time.
$t->sql("SELECT ffu.alter_column('d', 'f', path_template => 'moved/{token:2}/{token}{ext}')");
my $relocate = "CALL ffu.relocate('d', 'f', batch => 100)";
($rc) = $t->fault('publish-after-link:crash:250', $relocate);
is($rc, 2, 'killed while files get new paths');
$t->start;
$session->quit;
$t->sql('SELECT FROM ffu.sweep()');
my $moved = $t->sql("SELECT count(*) FROM d WHERE f LIKE 'moved/%'");
ok($moved > 0 && $moved < 600, "what was committed has them ($moved)");
$t->folder_is_rows(['d.f'], 'every row has its file, and there are no others');
my $all = q{SELECT count(*) FROM d WHERE convert_from(ffu.content(f), 'UTF8') = 'content ' || substring(origin, '(\d+)\.txt')};
my $reader = $t->session;
$session = $t->session;
$session->send_only($relocate);
my $reads = 0;
do
{
	is($reader->query($all) . $reader->errors, '600', 'every file can be read meanwhile') or last;
} until (++$reads > 1 && $t->sql("SELECT count(*) FROM d WHERE f NOT LIKE 'moved/%'") eq '0');
$session->wait_done;
like($session->errors, qr/relocation finished: @{[ 600 - $moved ]} files/, 'called again, it goes on where it was');
$reader->query('SELECT');
$t->sql('SELECT FROM ffu.sweep()');
is($t->sql($all), 600, 'every file has its bytes');
$t->folder_is_rows(['d.f'], 'and no file is left where it was');
$reader->quit;
$session->quit;

$t->stop;
done_testing();
