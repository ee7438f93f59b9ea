# Files in a bucket: stored, read, copied, replaced, deleted, by every way a row can
# go, against a real object store. The tests' own client says what is in the bucket.
#
# Takes minutes.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest qw(slurp);
use Test::More;

my $store = FfuBucket->new;
our $t = FfuTest->new('files', conf => $store->conf . "ffu.store_timeout = 5s\nwal_level = logical\n");
my $url = $store->make('media') . '/blog';
$t->sql('CREATE TABLE t (id int PRIMARY KEY)');
$t->sql(q{SELECT ffu.add_column('t', 'f', allowed_extensions => '{*}', store => 'bucket')});
$t->sql(q{SELECT ffu.add_column('t', 'g', allowed_extensions => '{*}')});
is($t->sql('SELECT column_name, store FROM ffu.columns ORDER BY 1'), "f|bucket\ng|folder", 'the columns say where files go');

# Without a bucket
my $err = $t->fails_with('55000', q{INSERT INTO t VALUES (1, ffu.file('a.txt', 'a'))}, 'a column without a bucket');
like($err, qr/this database has no bucket.*HINT:.*ffu\.use_bucket/s, 'what to do');
$t->fails_with('55000', "SELECT ffu.bucket_url('t/1/f-aaaaaaaaaaaaaaaaaaaaaaaaaa.txt')", 'no URL without a bucket');
$t->sql('SELECT ffu.leave_bucket()');
my (undef, undef, $said) = $t->try("SELECT ffu.use_bucket('$url')");
like($said, qr/WARNING:  55000: nothing removes the files.*HINT:.*shared_preload_libraries/s, 'a server without the worker is told');
$t->fails_with('55000', "BEGIN; SELECT ffu.use_folder('" . $t->root . "-new', abandon_files => true)", 'a bucket belongs to its folder');
$t->fails_with('22023', "SELECT ffu.alter_column('t', 'f', store => 'cloud')", 'an unknown store');

# What is in the bucket, and in the folder, is what the rows say; the sums are of the
# tests' own client. unsettled is the number of rows of ffu.intent.
sub is_settled
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my %want = map { split /\|/ } split /\n/,
	  $t->sql('SELECT f, f__sha256 FROM t WHERE f IS NOT NULL');
	my %found = %{ $store->list($url) };
	is_deeply(\%found, \%want, "$label: the bucket equals the rows");
	$t->folder_is_rows(['t.g'], "$label: the folder equals the rows");
	is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$label: ffu.check finds nothing");
	return;
}
sub sweep { return $t->sql('SELECT undone, deleted, kept, open, failed FROM ffu.sweep()'); }

# Sweeps, and sweeps again after the time in which a late request arrives.
sub settle
{
	$t->sql('SELECT FROM ffu.sweep()');
	pass_settle_time($t);
	$t->sql('SELECT FROM ffu.sweep()');
	is($t->sql('SELECT (SELECT count(*) FROM ffu.intent), (SELECT count(*) FROM ffu.deletion)'), '0|0', 'nothing is left to do')
	  or diag($t->sql('TABLE ffu.intent; TABLE ffu.pending_deletions'));
	return;
}

# What a subscriber would get of all this: nothing of ffu.intent
$t->sql(q{CREATE PUBLICATION everything FOR ALL TABLES;
	SELECT FROM pg_create_logical_replication_slot('decoded', 'pgoutput')});

# Storing and reading
$t->sql(q{INSERT INTO t (id, f, g) VALUES (1, ffu.file('a.txt', 'hello'), ffu.file('b.txt', 'folder'))});
is_settled('a row');
is($t->sql('SELECT count(*) FROM ffu.intent'), '0', 'a commit strikes its intents off');
is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8'), ffu.size(f), convert_from(ffu.content(f, 1, 3), 'UTF8'), convert_from(ffu.content(g), 'UTF8') FROM t}),
	'hello|5|ell|folder', 'the bytes');
is($t->sql(q{SELECT ffu.content(f, 5, 9) = '', ffu.content(f, 99, 1) = '' FROM t}), 't|t', 'no bytes behind the end');
$t->sql(q{INSERT INTO t VALUES (2, ffu.file('big.bin', convert_to(repeat('0123456789abcdef', 1300000), 'UTF8')))});
is($t->sql(q{SELECT sum(length(p)), count(*), ffu.size((SELECT f FROM t WHERE id = 2)) FROM t, ffu.stream(f, 7000000) p WHERE id = 2}),
	'20800000|3|20800000', 'a stream of a large file');
is($t->sql(q{SELECT encode(sha256(ffu.content(f)), 'hex') = f__sha256, ffu.content(f, 8388600, 20) = 'd89abcdef0123456789a' OR
	ffu.content(f, 8388600, 20) = convert_to(substr(repeat('0123456789abcdef', 1300000), 8388601, 20), 'UTF8') FROM t WHERE id = 2}),
	't|t', 'all of its bytes, and those where two requests meet');
$t->sql(q{INSERT INTO t VALUES (3, ffu.file('empty.txt', ''))});
is($t->sql(q{SELECT ffu.size(f), ffu.content(f) = '' FROM t WHERE id = 3}), '0|t', 'an empty file');
is_settled('three rows');
is($t->sql(q{SELECT bucket, unsettled_objects FROM ffu.status}), "$url|0", 'ffu.status names the bucket');
# Each comparison below reads all files.
$t->sql('DELETE FROM t WHERE id = 2; SELECT FROM ffu.sweep()');

# Taking back
$t->sql(q{BEGIN; INSERT INTO t VALUES (10, ffu.file('a.txt', 'lost')); ROLLBACK});
$t->fails_with('23505', q{INSERT INTO t VALUES (1, ffu.file('a.txt', 'lost'))}, 'a failed statement');
is($t->sql('SELECT count(*) FROM ffu.intent'), '0', 'a rollback before the commit asks the store nothing');
$t->sql(q{BEGIN; INSERT INTO t VALUES (11, ffu.file('a.txt', 'eleven')); SAVEPOINT s;
	INSERT INTO t VALUES (12, ffu.file('a.txt', 'lost')); ROLLBACK TO s; INSERT INTO t VALUES (13, ffu.file('a.txt', '13')); COMMIT});
is_settled('savepoints');

my $decoded = q{SELECT count(*) FROM pg_logical_slot_get_binary_changes('decoded', NULL, NULL, 'proto_version', '1',
	'publication_names', 'everything') WHERE position('intent' IN encode(data, 'escape')) > 0};
is($t->sql($decoded), '0', 'no intent is decoded');
$t->sql(q{SELECT pg_drop_replication_slot('decoded'); DROP PUBLICATION everything});

# Two-phase commit
$t->sql(q{BEGIN; INSERT INTO t VALUES (20, ffu.file('a.txt', 'twenty')); PREPARE TRANSACTION 'p'});
is($t->sql('SELECT count(*) FROM ffu.intent'), '1', 'a prepared transaction leaves its intent');
is(sweep(), '0|0|0|2|0', 'a sweep leaves it');
is($t->sql('SELECT count(*) FROM ffu.check()'), '0', 'and so does ffu.check');
$t->sql(q{COMMIT PREPARED 'p'; SELECT FROM ffu.sweep()});
is_settled('COMMIT PREPARED');
$t->sql(q{BEGIN; INSERT INTO t VALUES (21, ffu.file('a.txt', 'lost')); PREPARE TRANSACTION 'p'});
$t->sql(q{ROLLBACK PREPARED 'p'});
is(scalar(keys %{ $store->list($url) }), $t->sql('SELECT count(f) + 1 FROM t'), 'the object is there until a sweep');
settle();
is_settled('ROLLBACK PREPARED');

# Copying, replacing, deleting, moving between the places
$t->sql(q{INSERT INTO t (id, f, g) SELECT 30, f, f FROM t WHERE id = 1; INSERT INTO t (id, f, g) SELECT 31, g, g FROM t WHERE id = 1});
$t->sql(q{UPDATE t SET f = ffu.file('new.txt', 'new') WHERE id = 11; UPDATE t SET f = g, g = f WHERE id = 1; UPDATE t SET f = NULL WHERE id = 13});
is($t->sql(q{SELECT count(*), min(held_by) FROM ffu.pending_deletions}), '4|nothing: the next sweep does it', 'old files wait for the sweep');
is(sweep(), '0|4|0|0|0', 'which removes them');
is_settled('copies, replacements');
is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8'), convert_from(ffu.content(g), 'UTF8') FROM t WHERE id IN (1, 30, 31) ORDER BY id}),
	"folder|hello\nhello|hello\nfolder|folder", 'the right bytes');
$t->sql(q{CALL ffu.relocate('t', 'f')});
$t->sql(q{UPDATE t SET f = 'copy:' || f WHERE id = 1});
settle();
is_settled('a new path for the file of a row');
$t->sql(q{DELETE FROM t WHERE id IN (20, 30)});
settle();
is_settled('DELETE');

# Bytes in pieces, resumable uploads, an import
$t->sql(q{
	BEGIN;
	SELECT ffu.upload_begin('p.txt') AS u \gset
	SELECT ffu.upload_append(:'u', 'one ');
	SELECT ffu.upload_append(:'u', 'two');
	INSERT INTO t VALUES (40, :'u');
	COMMIT;
});
$t->sql(q{
	SELECT ffu.upload_begin('r.txt', true) AS u \gset
	SELECT ffu.upload_append(:'u', 0, 'resumed ');
	SELECT ffu.upload_append(:'u', 8, 'later');
	INSERT INTO t VALUES (41, ffu.upload_finish(:'u'));
});
my $outside = $t->node->basedir . '/outside.txt';
{
	open(my $fh, '>', $outside) or die;
	print $fh 'imported';
	close($fh);
}
$t->sql("INSERT INTO t VALUES (42, ffu.import_file('$outside'))");
$t->sql("INSERT INTO t VALUES (43, ffu.import_file('$outside', move => true))");
ok(!-e $outside, 'a moved file is gone');
is($t->sql(q{SELECT string_agg(convert_from(ffu.content(f), 'UTF8'), ',' ORDER BY id) FROM t WHERE id BETWEEN 40 AND 43}),
	'one two,resumed later,imported,imported', 'uploads and imports');
is_settled('uploads and imports');

# Kept files
sub set_delay
{
	my ($delay) = @_;
	$t->node->append_conf('postgresql.conf', "ffu.deletion_delay = '$delay'\n");
	$t->node->reload;
	return $t->node->poll_query_until('postgres', "SELECT current_setting('ffu.deletion_delay', true) = '$delay'")
	  || die 'the setting does not change';
}
set_delay('1h');
my $gone = $t->sql('SELECT f FROM t WHERE id = 40');
$t->sql('DELETE FROM t WHERE id = 40');
is(sweep(), '0|0|1|0|0', 'a deleted file is kept');
is_settled('a kept file is out of URL reach');
like($store->ask($url, 'list', '.ffu/kept/'), qr{ \.ffu/kept/\Q$gone\E$}m, 'the kept object');
$t->sql("INSERT INTO t VALUES (40, ffu.undelete('$gone'))");
is($t->sql(q{SELECT convert_from(ffu.content(f), 'UTF8') FROM t WHERE id = 40}), 'one two', 'it comes back');
is_settled('ffu.undelete');
set_delay('0');
settle();
is($store->ask($url, 'list', '.ffu/kept/'), '', 'the kept object goes after the delay');

# ffu.check and ffu.repair
my $path = $t->sql('SELECT f FROM t WHERE id = 40');
my $orphan = 't/9/f-' . 'a' x 26 . '.txt';
my $bytes = $store->ask($url, 'get', $path);
$store->ask($url, 'put', $orphan, 'orphan');
$store->ask($url, 'remove', $path);
is($t->sql('SELECT problem, path FROM ffu.check() ORDER BY 1'), "missing|$path\norphan|$orphan", 'a lost object and an orphan');
$store->ask($url, 'put', $path, 'one tw0');
is($t->sql('SELECT problem FROM ffu.check(content => true) ORDER BY 1'), "checksum\norphan", 'other bytes');
$store->ask($url, 'put', $path, $bytes);
$t->sql(q{SELECT FROM ffu.repair('orphan', dry_run => false)});
is($store->ask($url, 'get', ".ffu/quarantine/$orphan"), 'orphan', 'an orphan is put in quarantine');
is_settled('a repair');

# A copy of the bucket in the folder, as a mirror would make it
{
	my $copy = $t->root . "/$path";
	system('mkdir', '-p', $copy =~ s{/[^/]*$}{}r) == 0 or die;
	open(my $fh, '>', $copy) or die;
	print $fh $bytes;
	close($fh);
	chmod(0640, $copy);
}
is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', 'a file in both places is no problem');
$t->sql('DELETE FROM t WHERE id = 40');
settle();
is_settled('a file in both places goes from both');

# URLs
$path = $t->sql('SELECT f FROM t WHERE id = 1');
my $signed = $t->sql(qq{SELECT ffu.bucket_url('$path', '1 hour', 'ä b.txt')});
my $fetch = sub { my @a = @_; my ($out, $code) = ('', '');
	IPC::Run::run([ 'curl', '-s', '-S', '-D', '-', @a ], '>', \$out); return $out; };
like($fetch->($signed), qr{^HTTP/1\.1 200.*content-disposition: attachment; filename=.*folder$}si, 'a signed URL gives the file');
like($fetch->($t->sql("SELECT ffu.bucket_url('$path')")), qr{content-type: text/plain}i, 'with its type');
like($fetch->($signed =~ s/X-Amz-Expires=3600/X-Amz-Expires=3601/r), qr{^HTTP/1\.1 403}, 'a changed URL does not');
like($fetch->($signed =~ s/X-Amz-Date=\d+/X-Amz-Date=20991231/r), $store->says('dates differ'), 'neither does one with another date');
like($fetch->($_->[0]), qr{^HTTP/1\.1 403}, "and neither does one with another $_->[1]")
  foreach [ $signed =~ s{/t/1/}{/t/2/}r, 'path' ], [ $signed =~ s/(?<=X-Amz-Signature=)./x/r, 'signature' ],
  [ $signed =~ s/a%20b|b.txt/c.txt/r, 'name for downloads' ];
like($fetch->("$url/$path"), $store->says('no signature'), 'nor one without a signature');
my $short = $t->sql(qq{SELECT ffu.bucket_url('$path', '2 seconds')});
like($fetch->($short), qr{^HTTP/1\.1 200}, 'a URL for two seconds gives the file');
{
	my $end = time + 60;
	my $answer;
	do { $answer = $fetch->($short) } until $answer =~ m{^HTTP/1\.1 403} || time > $end;
	like($answer, qr{^HTTP/1\.1 403}, 'and after two seconds does not');
}
$t->sql(q{CREATE TABLE hidden (id int); SELECT ffu.add_column('hidden', 'f', private => true, store => 'bucket');
	INSERT INTO hidden SELECT i, ffu.file('n.txt', convert_to('hidden ' || i, 'UTF8')) FROM generate_series(1, 3) i});
like($fetch->((split /\n/, $t->sql('SELECT ffu.bucket_url(f) FROM hidden ORDER BY id'))[ $_ - 1 ]), qr/hidden $_$/, "a private file, row $_ of a statement")
  foreach 1, 3;
$t->sql('DROP TABLE hidden; SELECT FROM ffu.sweep()');
$t->sql('CREATE ROLE reader LOGIN; REVOKE EXECUTE ON FUNCTION ffu.bucket_url FROM PUBLIC');
like(($t->try(qq{SELECT ffu.bucket_url('$path')}, user => 'reader'))[2], qr/ERROR:  42501/, 'who may not sign');
$t->sql('GRANT EXECUTE ON FUNCTION ffu.bucket_url TO PUBLIC');
{
	my $signer = $t->session;
	my $one = $signer->query(qq{SELECT ffu.bucket_url('$path', '7 days')});
	my $keys = slurp($store->keys_file);
	my $write = sub { open(my $fh, '>', $store->keys_file) or die; print $fh $_[0]; close($fh); };
	$write->($keys =~ s/ffutestkey/ffuotherkey/r);
	my $end = time + 60;
	my $other;
	do { $other = $signer->query(qq{SELECT ffu.bucket_url('$path', '7 days')}) } until $other ne $one || time > $end;
	like($other, qr/ffuotherkey/, 'a session sees other keys within a second');
	$write->($keys);
	$signer->quit;
}
is($t->sql(qq{SELECT ffu.bucket_url(NULL) IS NULL, ffu.bucket_url('') IS NULL}), 't|t', 'no file, no URL');
$t->fails_with('22023', "SELECT ffu.bucket_url('$path', '$_')", "valid_for $_") foreach '0', '-1 h', '8 days', '7 days 1 second';
$t->fails_with('22023', q{SELECT ffu.bucket_url('../x')}, 'not a path');
{
	my @two = map { $t->sql("SELECT ffu.bucket_url('$path', '7 days')") } 1, 2;
	is($two[0], $two[1], 'the same URL again');
}

# A copy of the database reads, and neither stores nor removes.
$t->sql('CREATE DATABASE copy TEMPLATE postgres');
{
	my $copy = bless { %$t, database => 'copy', root => $t->root . '-copy' }, 'FfuTest';
	$err = $copy->fails_with('55000', "SELECT ffu.use_folder('" . $copy->root . "', abandon_files => true)", 'a copy with a bucket');
	like($err, qr/ffu\.leave_bucket/, 'what to do');
	$copy->sql('SELECT ffu.leave_bucket()');
	$copy->sql("SELECT ffu.use_folder('" . $copy->root . "', abandon_files => true)");
	$copy->fails_with('55000', "SELECT ffu.use_bucket('$url')", 'the bucket is not its own');
	$copy->sql("SELECT ffu.use_bucket('$url-copy')");
	$copy->sql(q{INSERT INTO t (id, f) VALUES (100, ffu.file('a.txt', 'copied'))});
	is(scalar(keys %{ $store->list("$url-copy") }), 1, 'a copy has a prefix of its own');
}
is_settled('a copy of the database');

# Whoever may not may not.
$t->sql('CREATE ROLE somebody LOGIN');
foreach my $call ("ffu.use_bucket('$url')", "ffu.claim_bucket('$url')", 'ffu.leave_bucket()')
{
	my (undef, undef, $refused) = $t->try("SELECT $call", user => 'somebody');
	like($refused, qr/42501/, "$call is for superusers");
}

# A new primary has the bucket: this one stores, and removes nothing.
my $owner = $store->ask($url, 'get', '.ffu/owner');
$store->ask($url, 'put', '.ffu/owner', $owner =~ s/^machine .*/machine another/mr);
$err = $t->fails_with('55000', q{INSERT INTO t (id, f) VALUES (99, ffu.file('a.txt', 'stale'))}, 'a stale primary stores nothing');
like($err, qr/Another copy of this cluster.*HINT:.*ffu\.claim_bucket/s, 'what to do');
$gone = $t->sql('SELECT f FROM t WHERE id = 42');
$t->sql('DELETE FROM t WHERE id = 42');
# Soon after, the next attempt is due.
(undef, my $held, $err) = $t->try('SELECT FROM ffu.sweep(); SELECT held_by FROM ffu.pending_deletions');
like($err, qr/WARNING:.*could not delete file.*Another copy of this cluster/s, 'a stale primary removes nothing');
like($held, qr/^error: Another copy of this cluster has claimed it/m, 'ffu.pending_deletions says why');
ok(exists $store->list($url)->{$gone}, 'the object is there');
$t->sql("SELECT ffu.claim_bucket('$url'); UPDATE ffu.deletion SET next_try = NULL");
settle();
is_settled('after ffu.claim_bucket');

# A standby that has not received a deletion
$t->sql(q{SELECT pg_create_physical_replication_slot('standby', true)});
$t->sql('DELETE FROM t WHERE id = 43');
(undef, undef, $err) = $t->try('SELECT FROM ffu.sweep()');
like($err, qr/replication slot 'standby' has not received the deletion/, 'a standby that lags holds a deletion up');
is($t->sql('SELECT count(*) FROM ffu.deletion'), '1', 'it stays');
$t->sql(q{SELECT pg_drop_replication_slot('standby')});
settle();
is_settled('a standby');

# Statements that let all files go
$t->sql(q{CREATE TABLE t2 (id int); SELECT ffu.add_column('t2', 'f', store => 'bucket', allowed_extensions => '{*}');
	INSERT INTO t2 SELECT i, ffu.file('n.txt', convert_to(i::text, 'UTF8')) FROM generate_series(1, 30) i});
is(scalar(keys %{ $store->list($url) }), $t->sql('SELECT count(f) + 30 FROM t'), 'many files of one commit');
$t->sql('TRUNCATE t2');
settle();
$t->sql(q{INSERT INTO t2 SELECT i, ffu.file('n.txt', convert_to(i::text, 'UTF8')) FROM generate_series(1, 3) i; SELECT ffu.drop_column('t2', 'f')});
settle();
is_settled('TRUNCATE, drop_column');

# The store is away
$store->signal('STOP');
my $session = $t->session;
$session->send_only(q{INSERT INTO t VALUES (50, ffu.file('a.txt', 'cancelled'))});
$t->node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = ' . $session->pid) or die;
$t->sql('SELECT pg_cancel_backend(' . $session->pid . ')');
$session->wait_done;
like($session->errors, qr/57014/, 'a COMMIT that waits for the store can be cancelled');
$session->quit;
$t->sql('DELETE FROM t WHERE id = 41');
pass('deleting needs no store');
$store->signal('CONT');
settle();
is_settled('a store that was away');
my $known = $t->session;
$known->query(q{INSERT INTO t VALUES (52, ffu.file('a.txt', 'before'))});
$store->signal('KILL');
$err = $t->fails_with('58030', q{INSERT INTO t VALUES (51, ffu.file('a.txt', 'lost'))}, 'a store that is gone');
like($err, qr/does not answer.*HINT/s, 'what to do');
unlike($err, qr/ffutest(?:key|secret)|X-Amz/, 'nothing secret');
is($t->sql(q{SELECT count(*) FROM t WHERE id = 51}), '0', 'and no row');
$known->query(q{INSERT INTO t SELECT 500 + i, ffu.file('a.txt', 'lost') FROM generate_series(1, 12) i});
like($known->errors, qr/58030:.*does not answer/, 'a store that is gone in the middle of a session');
$known->quit;
$t->sql('DELETE FROM t WHERE id IN (31, 52)');
my (undef, $failed, $warned) = $t->try('SELECT failed FROM ffu.sweep()');
is($failed, '15', 'a sweep counts all that it could not remove');
my %warnings;
$warnings{ s/ "[^"]*":/:/r }++ foreach $warned =~ /WARNING:  58030: (.*)/g;
is(join(', ', map { "$warnings{$_} $_" } sort { lc $a cmp lc $b } keys %warnings),
	join(', ', '1 2 more failures are not shown', map { qq{$_: could not look at object ".ffu/owner": the object store does not answer} } '3 could not delete file', '10 could not remove object'),
	'and names failures of both kinds');
$t->fails_with('58030', 'SELECT ffu.content(f) FROM t WHERE id = 1', 'reading fails');
$store->begin_gateway;
settle();
is_settled('the store is back');

# Leaving
$t->fails_with('55000', 'SELECT ffu.leave_bucket()', 'a bucket with files');
$t->sql('DELETE FROM t');
settle();
$store->ask($url, 'remove', ".ffu/quarantine/$orphan");
$t->sql('SELECT ffu.leave_bucket()');
is($store->ask($url, 'list'), '', 'nothing is left in the bucket');
is($t->sql('SELECT count(*) FROM ffu.bucket'), '0', 'and no row');
$t->sql("SELECT ffu.use_bucket('$url')");
pass('the bucket can be used again');

# With the worker nobody calls ffu.sweep().
$t->node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\nffu.naptime = 1\n");
$t->restart;
(undef, undef, $said) = $t->try("SELECT ffu.use_bucket('$url')");
unlike($said, qr/WARNING|ERROR/, 'a server with the worker is not warned');
$t->sql(q{INSERT INTO t (id, f) VALUES (60, ffu.file('a.txt', 'sixty')), (61, ffu.file('b.txt', 'stays'))});
$t->sql('DELETE FROM t WHERE id = 60');
$t->sql(q{BEGIN; INSERT INTO t (id, f) VALUES (62, ffu.file('a.txt', 'lost')); PREPARE TRANSACTION 'p'});
$t->sql(q{ROLLBACK PREPARED 'p'});
ok($t->node->poll_query_until('postgres', 'SELECT count(*) = 1 AND bool_and(removed_at IS NOT NULL) FROM ffu.intent'),
	'the worker removes the object of a rollback');
pass_settle_time($t);
ok($t->node->poll_query_until('postgres', 'SELECT (SELECT count(*) FROM ffu.intent) + (SELECT count(*) FROM ffu.deletion) = 0'),
	'the worker removes what is left over');
is_settled('the worker');

$store->stop;
$t->stop;
done_testing();
