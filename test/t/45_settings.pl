# Values of settings that a client gives before the library is loaded lift no limit.

use strict;
use warnings;

use FfuTest;
use Test::More;

my $t = FfuTest->new('settings', conf => "ffu.deletion_delay = '7d'\nffu.naptime = 30\n");
$t->sql(q{
	CREATE ROLE web LOGIN;
	CREATE TABLE t (id int PRIMARY KEY, n int);
	SELECT ffu.add_column('t', 'f');
	GRANT ALL ON t TO web;
	ALTER ROLE web SET ffu.max_staged = 1;
	ALTER DATABASE postgres SET ffu.max_uploads = 0;
});

my $large = q{INSERT INTO t (id, f) VALUES (1, ffu.file('a.txt', convert_to(repeat('x', 2000), 'UTF8')))};

sub with_options
{
	my ($options, $sql, $user) = @_;
	local $ENV{PGOPTIONS} = $options;
	return ($t->try($sql, user => $user))[2];
}

# Every setting that a role may not set, as the catalog has them
my @settings = map { [ split /\|/ ] } split /\n/,
  $t->sql(q{SELECT ffu.file(NULL, NULL); SELECT name, context, reset_val FROM pg_settings
	WHERE name LIKE 'ffu.%' AND context <> 'user' AND name NOT LIKE '%fault%' ORDER BY name});
shift @settings;
cmp_ok(scalar(@settings), '>=', 15, 'settings above those that anybody may set');
foreach (@settings)
{
	my ($name, $context, $value) = @$_;
	$value =~ s/([ \\])/\\$1/g;
	foreach my $user ('web', 'postgres')
	{
		my $err = with_options("-c $name=$value", q{SELECT ffu.file(NULL, NULL)}, $user);
		if ($user eq 'web' || $context eq 'sighup')
		{
			like($err, qr/ERROR:  55P02: setting "\Q$name\E" of the client is refused/, "$name: refused of $user");
		}
		else
		{
			is($err, '', "$name: accepted of $user");
		}
	}
}
like(with_options('-c FFU.Max_Staged=-1', $large, 'web'), qr/55P02/, 'a name in upper case');
like(with_options('-c ffu.nonsense=1', $large, 'web'), qr/55P02/, 'a setting that is none');
like(with_options('-c ffu.max_staged=much', $large, 'postgres'), qr/55P02/, 'an invalid value of a superuser');
$t->sql('CREATE DATABASE bare');
{
	local $t->{database} = 'bare';
	my $err = with_options('-c ffu.max_staged=much', 'CREATE EXTENSION ffu', 'postgres');
	like($err, qr/55P02.*HINT:  Connect without this setting/s, 'nor does such a session make the extension');
	# The context of 18 has the text of the script.
	unlike($err, qr/HINT:.*Install/, 'which asks nobody to install the library');
}
is(with_options('-c ffu.base_url=/f/', 'SELECT ffu.url($$a$$)', 'web'), '', 'what anybody may set is accepted');

# The library is not loaded at the second call either, nor in an exception block.
{
	local $ENV{PGOPTIONS} = '-c ffu.max_staged=-1';
	my $session = $t->session(user => 'web');
	foreach ('first', 'second')
	{
		$session->query("DO \$\$ BEGIN PERFORM ffu.url('a'); EXCEPTION WHEN others THEN NULL; END \$\$; $large");
		like($session->errors, qr/55P02/, "refused at the $_ use");
	}
	$session->query("RESET ffu.max_staged; RESET ALL; DISCARD ALL; $large");
	like($session->errors, qr/55P02/, 'refused after RESET');
	$session->quit;
}

# A role that has the right to set a value may give it.
$t->sql('GRANT SET ON PARAMETER ffu.max_staged TO web');
is(with_options('-c ffu.max_staged=-1', $large, 'web'), '', 'with the right to set it the value counts');
$t->sql('REVOKE SET ON PARAMETER ffu.max_staged FROM web; DELETE FROM t');

# SET before the library is loaded leaves the values of the role and the database.
like(($t->try("SET ffu.max_staged = -1; $large", user => 'web'))[2], qr/53400/, 'SET before the first use lifts no limit');
like(($t->try(q{SET ffu.max_uploads = -1; SELECT ffu.upload_begin('a.txt', resumable => true)}, user => 'web'))[2],
	qr/53400/, 'nor the limit of a database');

$t->stop;
done_testing();
