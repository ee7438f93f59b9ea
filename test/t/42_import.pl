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
$session->quit;

$t->stop;
done_testing();
