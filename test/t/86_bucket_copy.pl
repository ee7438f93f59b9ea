# Copies of files within the bucket: the store copies, and no bytes pass through the
# database, beside a move of the files, and with harm.
#
# Takes a minute.

use strict;
use warnings;

use FfuBucket qw(pass_settle_time);
use FfuTest qw(example slurp);
use Test::More;

my $store = FfuBucket->new;
my $t = FfuTest->new('copy', conf => $store->conf . "ffu.store_timeout = 10s\n");
my $direct = $store->make('media') . '/blog';
my $url = $store->begin_proxy . '/media/blog';
$t->sql('CREATE TABLE t (id int PRIMARY KEY)');
$t->sql(q{SELECT ffu.add_column('t', 'f', store => 'bucket'), ffu.add_column('t', 'g')});
$t->sql("SELECT ffu.use_bucket('$url')");

sub is_settled
{
	my ($label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$store->is_settled($t, $direct, $label);
	$t->folder_is_rows(['t.g'], "$label: the folder equals the rows");
	return is($t->sql('SELECT count(*) FROM ffu.check(content => true)'), '0', "$label: ffu.check finds nothing");
}

$t->sql("INSERT INTO t VALUES (10, ffu.file('lake.jpg', decode('@{[ unpack('H*', slurp(example('lake.jpg'))) ]}', 'hex')))");
$store->requests;
$t->sql('INSERT INTO t (id, f) SELECT 11, f FROM t WHERE id = 10');
my @asked = $store->requests;
is_deeply([ grep { !/^GET|^HEAD/ } @asked ], ['COPY 0'], 'the store copies') or diag("@asked");
is($t->sql('SELECT count(DISTINCT f), count(DISTINCT f__sha256), bool_and(ffu.size(f) = length(ffu.content(f))) FROM t WHERE id IN (10, 11)'), '2|1|t', 'two files of the same bytes');
is($t->sql(q{BEGIN; UPDATE t SET f = 'copy:' || f WHERE id = 10; SELECT encode(sha256(ffu.content(f)), 'hex') = f__sha256 FROM t WHERE id = 10; COMMIT}), 't', 'a copy can be read before the commit');
$t->sql('INSERT INTO t (id, f, g) SELECT 12, f, f FROM t WHERE id = 11; BEGIN; INSERT INTO t (id, f) SELECT 13, f FROM t WHERE id = 11; INSERT INTO t (id, f, g) SELECT 14, f, f FROM t WHERE id = 13; COMMIT');
is($t->sql('SELECT count(*) FROM t WHERE id > 9 AND encode(sha256(ffu.content(f)), $$hex$$) <> f__sha256 OR encode(sha256(ffu.content(g)), $$hex$$) <> g__sha256'), '0', 'copies of copies, in both places');
$t->sql(q{CALL ffu.relocate('t', 'f')});
is_settled('copies');
{
	my $session = $t->session;
	$session->query('BEGIN; INSERT INTO t (id, f) SELECT 15, f FROM t WHERE id = 10');
	$t->sql(q{CALL ffu.move_files('bucket', 'folder', 't')});
	$session->query('COMMIT');
	unlike($session->errors, qr/ERROR/, 'a copy of a file that has moved meanwhile');
	$session->quit;
	$t->sql(q{CALL ffu.move_files('folder', 'bucket', 't')});
	$t->sql(q{UPDATE t SET g = NULL});
	is_settled('a move');
}
foreach my $harm (qw(late answer request busy half error))
{
	$store->harm("COPY $harm 1");
	is(($t->try("INSERT INTO t (id, f) SELECT 20, f FROM t WHERE id = 10; DELETE FROM t WHERE id = 20"))[0], 0, "$harm COPY: one fault is survived");
	$store->release;
	is_settled("$harm COPY");
}

$store->stop;
$t->stop;
done_testing();
