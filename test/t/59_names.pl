# File names in databases of other encodings: characters are counted, and cut between,
# in the encoding of the database, whatever the client sends.

use strict;
use warnings;

use FfuTest;
use Test::More;

# A letter of each encoding, in UTF-8, and how many bytes the database has for it
my %letter = (UTF8 => ["\xe6\x97\xa5", 3], EUC_JP => ["\xe6\x97\xa5", 2], EUC_KR => ["\xed\x95\x9c", 2], LATIN1 => ["\xc3\xa9", 1], WIN1251 => ["\xd0\x96", 1],
	EUC_TW => ["\xe6\x97\xa5", 2]);
my $t = FfuTest->new('names', folder => 0, conf => "fsync = off\nffu.fsync = off\n");
my $root = $t->root;
foreach my $encoding (sort keys %letter)
{
	my ($char, $bytes) = @{ $letter{$encoding} };
	my $name = lc $encoding;
	$t->{database} = 'postgres';
	$t->sql("CREATE DATABASE $name TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$t->{database} = $name;
	$t->{root} = "$root-$name";
	$t->setup;
	$t->sql("CREATE TABLE n (id int GENERATED ALWAYS AS IDENTITY); SELECT ffu.add_column('n', 'f')");
	my $utf8 = "SET client_encoding = UTF8; INSERT INTO n (f) VALUES";
	my $of = "length(f__file_name), octet_length(f__file_name), right(f__file_name, 4)";
	is($t->sql("$utf8 (ffu.file('" . $char x 251 . ".txt', 'x')) RETURNING $of"), '255|' . (251 * $bytes + 4) . '|.txt', "$encoding: 255 characters");
	is($t->sql("$utf8 (ffu.file('" . $char x 255 . "', 'text')) RETURNING $of"), '255|' . (251 * $bytes + 4) . '|.txt', "$encoding: and no more with an extension");
	is($t->sql("$utf8 ('data:;name=" . join('', map { sprintf '%%%02X', ord } split //, $char) x 251 . ".txt,x') RETURNING $of"), '255|' . (251 * $bytes + 4) . '|.txt', "$encoding: of a data: URI");
	my ($code, undef, $error) = $t->try("$utf8 (ffu.file('" . $char x 252 . ".txt', 'x'))");
	like($error, qr/It has 256 characters; at most 255 are allowed/, "$encoding: 256 are refused");
	is($t->sql("SET client_encoding = UTF8; SELECT count(DISTINCT right(f__file_name, 5)) FROM n WHERE right(f__file_name, 5) = '$char.txt'"), '1', "$encoding: every character is whole");
}

# Any bytes are a name in SQL_ASCII; headers are in ASCII.
$t->{database} = 'postgres';
$t->sql("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
$t->{database} = 'bytes';
$t->{root} = "$root-bytes";
$t->setup;
$t->sql("CREATE TABLE n (id int GENERATED ALWAYS AS IDENTITY); SELECT ffu.add_column('n', 'f')");
is($t->sql("INSERT INTO n (f) VALUES (ffu.file(E'a\\xff.txt', 'x')), (ffu.file(E'\\xc3\\xa9.txt', 'x')) RETURNING ffu.headers(f, f__file_name) ->> 'Content-Disposition'"),
	qq{inline; filename="a_.txt"; filename*=UTF-8''a_.txt\ninline; filename="__.txt"; filename*=UTF-8''%C3%A9.txt}, 'SQL_ASCII: names in headers');
is($t->sql("SELECT count(*) FROM n, ffu.serve(f, 'n') s WHERE s.status = 200"), '2', 'SQL_ASCII: files are served');
is($t->sql("SELECT string_agg(substring(ffu.url(f, NULL, f__file_name) FROM 'download=.*'), ' ' ORDER BY id) FROM n"), 'download=a_.txt download=%C3%A9.txt', 'SQL_ASCII: names in URLs');
$t->stop;
done_testing();
