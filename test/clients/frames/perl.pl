use strict;
use warnings;
use DBD::Pg;
my $dbh = DBI->connect("dbi:Pg:", '', '', { RaiseError => 1, PrintError => 0, pg_errorlevel => 2 });
my $bytes = "bytes\0of the file";
# USE
my ($id, $size, $url) = $insert->fetchrow_array;
# REFUSED
# TEST
my $cut = $dbh->prepare(q{INSERT INTO blogs (photo) VALUES (ffu.file('a.txt', ?)) RETURNING photo__size});
$cut->execute($bytes);
print "the trap: no cut\n" unless ($cut->fetchrow_array)[0] == 5;
eval { $dbh->do(q{UPDATE blogs SET photo = ffu.file('a.txt', ?, size => ?)}, undef, $bytes, length $bytes); print "size does not see it\n" };
$dbh->do('DELETE FROM blogs WHERE id <> ?', undef, $id);
print join ' ', $size, substr($url, -4), $refused, $dbh->selectrow_array('SELECT count(*) FROM blogs');
