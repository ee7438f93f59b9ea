# The server or a backend killed with -9 at every fault point that the source has,
# in every scenario that reaches it. Afterwards others take transaction ids before
# ffu is used, so that an id that was not flushed would be a stranger's (I9); then
# a sweep; then the folder has to be what the rows say.
#
# A point that no scenario reaches fails the test: a new point needs a scenario.
#
# Takes minutes.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use FfuTest qw(points slurp);
use Test::More;

# The WAL writer would flush ids by itself, most of the time.
# Not every file system that tests run on keeps things in order.
my $t = FfuTest->new('crash', conf => "wal_writer_delay = 10s\nffu.pretend_in_order = on\n");
my $root = $t->root;
my $command =
  $t->node->installed_command('psql') . " -X -q -d '" . $t->node->connstr('postgres') . "'";

# A file's bytes are its row's label, which makes the oracle independent of what
# the extension says about the file.
$t->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, label text);
	SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}');
	CREATE TABLE skew (id int PRIMARY KEY, n int);
	INSERT INTO skew VALUES (1, 0), (2, 0);
	CREATE FUNCTION put(text) RETURNS text LANGUAGE sql
		RETURN ffu.file($1 || '.txt', convert_to($1, 'UTF8'));
});

# Before every case: three rows with files, and nothing left to do.
my $setup = q{
	SET ffu.fault = '';
	DELETE FROM t;
	INSERT INTO t SELECT i, 'old' || i, put('old' || i) FROM generate_series(1, 3) i;
	SELECT FROM ffu.sweep();
};
my %old = (1 => 'old1', 2 => 'old2', 3 => 'old3');

# name => [SQL that runs with the fault set, the labels it leaves when it commits,
# SQL that runs before that]
my %scenario = (
	insert => [
		"INSERT INTO t VALUES (10, 'new', put('new'));",
		{ %old, 10 => 'new' }
	],
	replace => [
		"UPDATE t SET label = 'new', f = put('new') WHERE id = 1;",
		{ %old, 1 => 'new' }
	],
	delete => [ 'DELETE FROM t WHERE id < 3;', { 3 => 'old3' } ],
	copy => [
		'INSERT INTO t SELECT id + 10, label, f FROM t;',
		{ %old, map { $_ + 10 => "old$_" } 1 .. 3 }
	],
	truncate => [ 'TRUNCATE t;', {} ],
	read => [
		q{
			BEGIN;
			SELECT ffu.content(f), ffu.to_large_object(f) FROM t;
			SELECT * FROM ffu.check(content => true);
			COMMIT;
		},
		\%old
	],
	# Everything at once; files of this transaction that go again, too.
	mixed => [
		q{
			BEGIN;
			INSERT INTO t VALUES (10, 'a', put('a')), (11, 'b', put('b')), (12, 'c', put('c'));
			UPDATE t SET label = 'new', f = put('new') WHERE id IN (1, 11);
			DELETE FROM t WHERE id IN (2, 12);
			COMMIT;
		},
		{ 1 => 'new', 3 => 'old3', 10 => 'a', 11 => 'new' }
	],
	savepoint => [
		q{
			BEGIN;
			INSERT INTO t VALUES (10, 'a', put('a'));
			SAVEPOINT s;
			INSERT INTO t VALUES (11, 'b', put('b'));
			UPDATE t SET label = 'lost', f = put('lost') WHERE id IN (1, 10);
			DELETE FROM t WHERE id = 2;
			ROLLBACK TO s;
			SAVEPOINT r;
			DELETE FROM t WHERE id = 3;
			RELEASE r;
			COMMIT;
		},
		{ 1 => 'old1', 2 => 'old2', 10 => 'a' }
	],
	pieces => [
		q{
			BEGIN;
			SELECT ffu.upload_begin('new.txt') AS u \gset
			SELECT ffu.upload_append(:'u', 'ne');
			SAVEPOINT s;
			SELECT ffu.upload_append(:'u', 'lost');
			ROLLBACK TO s;
			SELECT ffu.upload_append(:'u', 'w');
			INSERT INTO t VALUES (10, 'new', :'u');
			COMMIT;
		},
		{ %old, 10 => 'new' }
	],
	rollback => [
		q{
			BEGIN;
			INSERT INTO t VALUES (10, 'a', put('a'));
			DELETE FROM t WHERE id = 1;
			ROLLBACK;
		},
		\%old
	],
	# An abort after the files were published: a serialization failure is only
	# found then.
	unpublish => [
		qq{
			BEGIN ISOLATION LEVEL SERIALIZABLE;
			SELECT sum(n) FROM skew;
			UPDATE skew SET n = 1 WHERE id = 1;
			INSERT INTO t VALUES (10, 'a', put('a')), (11, 'b', put('b'));
			UPDATE t SET label = 'new', f = put('new') WHERE id = 1;
			\\! $command -c "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(n) FROM skew; UPDATE skew SET n = 1 WHERE id = 2; COMMIT" >/dev/null
			COMMIT;
		},
		\%old
	],
	# Something for each kind of work of the sweep: a staging name of a committed
	# file, an upload, and deletions.
	sweep => [
		"SELECT FROM ffu.sweep();",
		{ 2 => 'old2', 3 => 'old3', 10 => 'a' },
		q{
			SET client_min_messages = error;
			SET ffu.fault = 'unlink:EIO';
			BEGIN;
			INSERT INTO t VALUES (10, 'a', put('a'));
			DELETE FROM t WHERE id = 1;
			COMMIT;
			BEGIN;
			INSERT INTO t VALUES (11, 'b', put('b'));
			ROLLBACK;
		}
	],
	prepare => [
		q{
			BEGIN;
			INSERT INTO t VALUES (10, 'a', put('a'));
			UPDATE t SET label = 'new', f = put('new') WHERE id = 1;
			DELETE FROM t WHERE id = 2;
			PREPARE TRANSACTION 'p';
			COMMIT PREPARED 'p';
		},
		{ 1 => 'new', 3 => 'old3', 10 => 'a' }
	],
);

# The labels of the rows, id by id, after checking that the folder has exactly
# their files with the right bytes; a text if it has not.
sub look
{
	my ($printed) = @_;
	my (%label, %path, @wrong);

	foreach my $line (split /\n/, $printed)
	{
		my ($id, $label, $path, $sha256) = $line =~ /^row\|(\d+)\|(.*)\|(.*)\|(.*)$/ or next;
		$label{$id} = $label;
		$path{$path} = 1;
		push @wrong, "$path has another sha256 in its row" unless $sha256 eq sha256_hex($label);
		push @wrong, "$path is lost or has other bytes"
		  unless -f "$root/$path" && slurp("$root/$path") eq $label;
	}
	push @wrong, map { "$_ has no row" } grep { !$path{$_} } $t->files;
	push @wrong, map { "$_ is left in staging" } $t->staging;

	# The next case is to be judged by itself.
	unlink map { "$root/$_" } grep { !$path{$_} } $t->files;
	unlink map { "$root/.ffu/staging/$_" } $t->staging;
	push @wrong, "deletions are left: $1" if $printed =~ /^deletions\|([1-9]\d*)/m;
	return @wrong ? join('; ', @wrong) : \%label;
}

# The first statements after a restart, all in one session: others take
# transaction ids first.
my $after = join('', map { "SELECT pg_current_xact_id();\n" } 1 .. 6) . q{
	SELECT count(*) > 0 AS prepared FROM pg_prepared_xacts \gset
	\if :prepared
		SELECT FROM ffu.sweep();
		COMMIT PREPARED 'p';
	\endif
	SELECT 'sweep', s.* FROM ffu.sweep() s;
	SELECT 'row', id, label, f, f__sha256 FROM t;
	SELECT 'deletions', count(*) FROM ffu.deletion;
};

# One case; false if the scenario does not reach the point.
sub reaches
{
	my ($name, $point, $action, $skip) = @_;
	my ($sql, $new, $before) = @{ $scenario{$name} };
	my (undef, $printed, $err) = (0, '', '');
	my $log = -s $t->node->logfile;
	my ($rc) = $t->try($setup . ($before // '') . ";SET ffu.fault = '$point:$action:$skip';\n" . $sql);
	return 0 unless $rc == 2;
	$action eq 'crash' ? do { $t->wait_gone; $t->start } : $t->wait_recovered($log);

	my $label = "$action at $point" . ($skip ? ", after $skip" : '') . " in $name";
	($rc, $printed, $err) = $t->try($after);
	my $rows = $rc == 0 ? look($printed) : "exit code $rc, $err";
	my $committed = $name eq 'sweep' || $point =~ /^(?:commit|prepare)-/ ? $new : \%old;

	# Before a system call: all or nothing, whichever.
	$committed = $new if $point !~ /-/ && ref $rows && join(' ', %$rows{ sort keys %$rows }) eq join(' ', %$new{ sort keys %$new });
	is_deeply($rows, $committed, $label);
	return 1;
}

my %uncovered = map { $_ => 1 } points();
delete $uncovered{'claim-after-owner'};    # below
delete $uncovered{'quarantine-after-link'};    # in 40_check.pl
delete @uncovered{ grep { /^(?:resume|expire)-|-resumed$/ } keys %uncovered };    # in 34_resume.pl
delete @uncovered{ grep { /^deliver-|^put-back-|^syncer-|^publish-after-(?:queue|log)$/ } keys %uncovered };    # in 47_wal_crash.pl, 49_standby_crash.pl
delete @uncovered{ grep { /^bucket-|^claim-after-owner-object$/ } keys %uncovered };    # in 82_bucket_faults.pl
delete @uncovered{ 'clear-fetched', grep { /^fetch-/ } keys %uncovered };    # in 49_fetch_missing.pl
delete @uncovered{qw(import-after-read import-after-directory)};    # in 42_import.pl

foreach my $action ('crash', 'kill')
{
	foreach my $point (sort keys %uncovered)
	{
		foreach my $name (sort keys %scenario)
		{
			# Setting the fault is a transaction that commits, too.
			my $skip = $point eq 'commit-after-record' || $name eq 'mixed' ? 1 : 0;

			# Killing only the backend loses no transaction ids: one scenario is enough.
			$uncovered{$point} .= " $action" if reaches($name, $point, $action, $skip);
			last if $action eq 'kill' && $uncovered{$point} =~ /kill/;
		}
	}
}

# Before system calls as well: the first of a transaction, and one in the middle
foreach my $call (points('errno'))
{
	foreach my $name ('mixed', 'unpublish', 'sweep')
	{
		reaches($name, $call, 'crash', $_) foreach 0, 2;
	}
}

# Claiming a folder again finishes a claim that was cut off, and so does
# claim_folder; each in a database of its own.
foreach my $function ('use_folder', 'claim_folder')
{
	foreach my $action ('crash', 'kill')
	{
		my $name = "${function}_$action";
		$t->sql("CREATE DATABASE $name");
		my $o = bless { %$t, database => $name, root => "$root-$name" }, 'FfuTest';
		$o->sql("CREATE EXTENSION ffu;
			CREATE TABLE t (id int PRIMARY KEY);
			SELECT ffu.add_column('t', 'f')");
		my $call = "SELECT ffu.$function('$o->{root}')";
		$o->sql("SELECT ffu.use_folder('$o->{root}')") if $function eq 'claim_folder';

		my ($rc) = $o->fault("claim-after-owner:$action", $call);
		$o->start if $action eq 'crash';
		is($rc, 2, "$action at claim-after-owner in $function");
		is(($o->try($call))[2], '', 'it can be called again');
		$o->sql("INSERT INTO t VALUES (1, ffu.file('a.txt', 'x'))");
		$o->folder_is_rows(['t.f']);
	}
}

is_deeply([ grep { $uncovered{$_} !~ /crash.*kill/ } sort keys %uncovered ],
	[], 'every fault point is reached by a scenario');

$t->stop;
done_testing();
