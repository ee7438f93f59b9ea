# What the documents say of functions, views, tables and types is what the catalog says:
# script/reference writes it, from signatures, comments and rights.

use strict;
use warnings;

use File::Basename qw(dirname);
use FfuTest qw(source_dir);
use Test::More;

my $root = dirname(source_dir());
my $t = FfuTest->new('reference', folder => 0);
foreach my $control (glob("$root/*.control $root/*/*.control"))
{
	my ($name) = $control =~ m{(\w+)\.control$};
	$t->sql("CREATE EXTENSION IF NOT EXISTS $name CASCADE");
}

local %ENV = (%ENV, PGHOST => $t->node->host, PGPORT => $t->node->port, PGDATABASE => 'postgres');
my @pages = grep { `grep -cE '^<!-- (function|view|table|type) ' '$_'` > 0 } glob("$root/*/*.md");
cmp_ok(scalar(@pages), '>', 0, 'there are pages with entries from the catalog');
my $said = `/usr/bin/python3 -B $root/script/reference.py --check @pages 2>&1`;
is($?, 0, 'every entry is as script/reference would write it, and every object for users has one') or diag($said);

done_testing();
