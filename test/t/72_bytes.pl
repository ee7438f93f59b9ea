# Bytes assigned to a file column by the clients that Debian has: each stores the bytes as they
# are, under the name in the statement.

use strict;
use warnings;

use File::Basename qw(dirname);
use FfuTest;
use Test::More;

plan skip_all => 'needs libdbd-pg-perl (script/bootstrap clients)' unless eval { require DBD::Pg; 1 };
plan skip_all => 'needs python3-psycopg, python3-psycopg2, python3-sqlalchemy (script/bootstrap clients)'
	if system("/usr/bin/python3 -c 'import psycopg, psycopg2, sqlalchemy' 2>/dev/null") != 0;

my $t = FfuTest->new('bytes', conf => "fsync = off\nffu.fsync = off\n");
$t->sql(q{
	CREATE TABLE blogs (id serial PRIMARY KEY, title text);
	SELECT ffu.add_column('blogs', 'photo', allowed_extensions => '{*}', content_check => 'off');
});

my $connection = $t->node->connstr('postgres') . ' user=postgres';
my $script = dirname(__FILE__) . '/../clients/bytes.py';
my @said = split /\n/, `/usr/bin/python3 -B '$script' "$connection"`;
is($?, 0, 'the clients in Python end well');
is_deeply(\@said, [
	(map { "$_ lake.bin 2568 True" } qw(psycopg2 psycopg2.Binary)), 'nameless photo 0',
	(map { "$_ lake.bin 2568 True" } qw(psycopg psycopg sqlalchemy)) ],
	'psycopg2, psycopg and SQLAlchemy') or diag(join "\n", @said);

my $dbh = DBI->connect('dbi:Pg:' . join(';', split / /, $connection), '', '', { RaiseError => 1 });
my $content = "PK\x03\x04\x0a\0\0\0" . join('', map { chr } 0 .. 255) x 10;
my $insert = $dbh->prepare('INSERT INTO blogs (title, photo, photo__file_name) VALUES (?, ?, ?) RETURNING id');
$insert->bind_param(1, 'DBD::Pg');
$insert->bind_param(2, $content, { pg_type => DBD::Pg::PG_BYTEA() });
$insert->bind_param(3, 'lake.bin');
$insert->execute;
my ($blog) = $insert->fetchrow_array;
my ($name, $size, $stored) = $dbh->selectrow_array('SELECT photo__file_name, photo__size, ffu.content(photo) FROM blogs WHERE id = ?', undef, $blog);
is_deeply([ $name, $size, $stored eq $content ], [ 'lake.bin', length $content, 1 ], 'DBD::Pg with PG_BYTEA');

# Without PG_BYTEA the driver sends a text, which ends at the first zero byte.
my $checked = $dbh->prepare('INSERT INTO blogs (photo) VALUES (ffu.file(?, ?, size => ?))');
$checked->{PrintError} = 0;
ok(!eval { $checked->execute('lake.bin', $content, length $content) }, 'DBD::Pg without PG_BYTEA, with a size, is refused');
is($dbh->state, '23514', 'as other wrong content');
$dbh->disconnect;
$t->stop;
done_testing();
