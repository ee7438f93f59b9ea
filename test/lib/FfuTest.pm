# A private server with ffu and an upload folder, and what the TAP tests do to it.
#
#   my $t = FfuTest->new('crash');
#   $t->sql("INSERT ...");              dies when the statement fails
#   my ($rc, $out, $err) = $t->try("INSERT ...");
#   is_deeply([ $t->files ], []);       what is published, paths below the folder
#   $t->crash; $t->start;               kill -9 of the whole server
#   $t->fault('publish-end:crash', "INSERT ...");
#
# Options of new: folder => 0 (no extension, no folder), flask => 1 (ffu_flask too),
# preload => 1, conf => "more lines of postgresql.conf", database => name,
# install_path => a server of copy_of_postgres.
#
# The environment is made by script/test; each variable has a default that
# is right in a checkout.

package FfuTest;

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Find qw(find);
use IPC::Run ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(copy_of_postgres example major points run_drill source_dir source_files slurp wait_until);

# How long anything may take, in seconds, before a test gives up on it.
use constant PATIENCE => 60;

# A server that loses its postmaster becomes the child of whoever collects
# orphans, and until that one has waited for it, the dead postmaster counts as
# running. Some machines' first process takes seconds for it, so we collect our own.
{
	my %number_of_prctl = (x86_64 => 157, aarch64 => 167);
	my $number = $number_of_prctl{ (POSIX::uname())[4] };
	my $set_child_subreaper = 36;
	syscall($number, $set_child_subreaper, 1, 0, 0, 0) if defined $number;
}

# Runs script/backup-drill, 'with' files in the WAL or 'without'; returns its exit code,
# and what it printed.
sub run_drill
{
	my ($wal) = @_;
	my $script = abs_path(source_dir() . '/../script/backup-drill');
	my ($installed) = run_command([ $ENV{PG_CONFIG}, '--bindir' ]);
	my ($prefix) = $ENV{FFU_RELEASE_BINDIR} =~ /^(.*)\Q$installed\E$/
	  or croak "\"$ENV{FFU_RELEASE_BINDIR}\" is no copy of \"$installed\"";
	# Sockets have short names.
	my $work = PostgreSQL::Test::Utils::tempdir_short();
	my ($out, $err) = run_command([ 'bash', $script, '--inside', $work, $wal, $ENV{FFU_EXAMPLES}, $prefix ]);
	return ($? >> 8, $out, $err);
}

# The directory of the C files the server was built from.
sub source_dir
{
	return $ENV{FFU_SRC} // abs_path(dirname(__FILE__) . '/../../src');
}

# The C files, or those with another ending, as full names.
sub source_files
{
	my ($ending) = @_;
	$ending //= '[ch]';
	my $src = source_dir();
	return sort map { glob("$_/*.$ending") } $src, "$src/*", "$src/*/*";
}

# The major version of the server.
sub major
{
	my ($version) = PostgreSQL::Test::Utils::run_command([ 'pg_config', '--version' ]);
	return $version =~ /^PostgreSQL (\d+)/ ? $1 : croak "what version is \"$version\"?";
}

# Makes a copy of the server with the release build of ffu in a directory, and returns
# where its bin and lib are. The files are links to the server's: replace, never write.
sub copy_of_postgres
{
	my ($dir) = @_;
	my ($installed) = PostgreSQL::Test::Utils::run_command([ $ENV{PG_CONFIG}, '--bindir' ]);
	my ($prefix) = $ENV{FFU_RELEASE_BINDIR} =~ /^(.*)\Q$installed\E$/
	  or croak "\"$ENV{FFU_RELEASE_BINDIR}\" is no copy of \"$installed\"";
	system('cp', '-al', $prefix, $dir) == 0 or croak "could not copy \"$prefix\"";
	return dirname("$dir$installed");
}

# Waits until a condition is true, and returns it; false if it does not come.
sub wait_until
{
	my ($condition) = @_;
	my $end = time + 90;
	sleep 0.1 while !$condition->() && time < $end;
	return $condition->();
}

# A whole file as bytes.
sub slurp
{
	my ($path) = @_;
	open(my $fh, '<:raw', $path) or croak "could not open \"$path\": $!";
	local $/ = undef;
	my $content = <$fh>;
	close($fh);
	return $content;
}

# The full name of one of examples/files.
sub example
{
	my ($name) = @_;
	my $dir = $ENV{FFU_EXAMPLES}
	  // abs_path(dirname(__FILE__) . '/../../examples/files');
	return "$dir/$name";
}

# The names of the fault points in the source, so that a new one is tested by
# itself. With 'error' only those where an error may be raised, with 'safe' only the
# others, with 'errno' those that can make a system call fail; else both of the
# first two.
sub points
{
	my ($kind) = @_;
	my %macro = (
		all => 'FFU_FAULT(?:_SAFE)?',
		error => 'FFU_FAULT',
		safe => 'FFU_FAULT_SAFE',
		errno => 'FFU_FAULT_ERRNO');
	my $macro = $macro{ $kind // 'all' } or croak "no such kind of point: $kind";
	my %found;
	foreach my $file (source_files('c'))
	{
		my $code = slurp($file);
		$found{$1} = 1 while $code =~ /\b$macro\("([^"]+)"\)/g;
	}
	return sort keys %found;
}

# Makes and starts the server. It is reached by a unix socket only. What the
# test module sets for speed and for its own tests is set back to what a user
# has, but for fsync: no test here cuts the power.
sub new
{
	my ($class, $name, %option) = @_;
	my @where = $option{install_path} ? (install_path => $option{install_path}) : ();
	my $node = PostgreSQL::Test::Cluster->new($name, @where);
	my $self = bless {
		node => $node,
		database => $option{database} // 'postgres',
		flask => $option{flask} // 0,
		# Beside the data directory, where the web server's user can get to.
		root => abs_path($node->basedir) . '/root',
	}, $class;

	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf',
		"wal_level = replica\nmax_wal_senders = 10\nrestart_after_crash = on\n"
		  . "max_prepared_transactions = 5\n"
		  # An ANALYZE in the background has a snapshot, which holds deletions up.
		  . "autovacuum = off\n");
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ffu'\n")
	  if $option{preload};
	$node->append_conf('postgresql.conf', $option{conf}) if $option{conf};
	$node->start;
	$node->safe_psql('postgres', "CREATE DATABASE \"$self->{database}\"")
	  if $self->{database} ne 'postgres';
	$self->setup if $option{folder} // 1;
	return $self;
}

# The extension, or both, and the folder.
sub setup
{
	my ($self) = @_;
	$self->sql('CREATE EXTENSION IF NOT EXISTS ffu');
	$self->sql('CREATE EXTENSION IF NOT EXISTS ffu_flask') if $self->{flask};
	$self->sql("SELECT ffu.use_folder('$self->{root}')");
	return;
}

sub node { return $_[0]->{node}; }
sub root { return $_[0]->{root}; }

# Runs statements in one session and returns what they print; dies at the first
# that fails.
sub sql
{
	my ($self, $sql) = @_;
	return $self->{node}->safe_psql($self->{database}, $sql);
}

# Runs statements in one session, as the user named if any, and returns psql's
# exit code, what it printed and its errors, with the SQLSTATE in them.
sub try
{
	my ($self, $sql, %option) = @_;
	my ($out, $err) = ('', '');
	my @user = $option{user} ? ('-U', $option{user}) : ();
	my $rc = $self->{node}->psql(
		$self->{database}, $sql,
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		on_error_die => 0,
		extra_params => [ '-v', 'VERBOSITY=verbose', @user ],
		timeout => PATIENCE);
	return ($rc, $out, $err);
}

# Passes when the statements fail with this SQLSTATE; the error is returned.
sub fails_with
{
	my ($self, $sqlstate, $sql, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (undef, undef, $err) = $self->try($sql);
	like($err, qr/^(?:psql:[^\n]*?)?(?:ERROR|FATAL|PANIC):\s+\Q$sqlstate\E:/m,
		$label // "$sqlstate from $sql");
	return $err;
}

# The published files: paths below the folder, sorted, directories not counted.
sub files
{
	my ($self) = @_;
	return _files_below($self->{root}, qr{^\.ffu(?:/|$)});
}

# What lies in the staging directory.
sub staging
{
	my ($self) = @_;
	return _files_below("$self->{root}/.ffu/staging");
}

sub _files_below
{
	my ($dir, $skip) = @_;
	my @found;
	return @found unless -d $dir;
	find(
		{
			no_chdir => 1,
			wanted => sub {
				# A directory may have gone since it was listed.
				return if !lstat $_ || -d _;
				my $name = substr($_, length($dir) + 1);
				push @found, $name unless $skip && $name =~ $skip;
			}
		},
		$dir);
	@found = sort @found;
	return @found;
}

# Passes when the folder has exactly the files of the rows, and the staging
# directory is empty. The columns are given as "table.column".
sub folder_is_rows
{
	my ($self, $columns, $label) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $sql = join ' UNION ALL ', map {
		my ($table, $column) = /^(.*)\.([^.]+)$/;
		"SELECT $column AS path FROM $table WHERE $column IS NOT NULL"
	} @$columns;
	my @rows;
	@rows = split /\n/, $self->sql("SELECT path FROM ($sql) u ORDER BY path COLLATE \"C\"")
	  if @$columns;
	return is_deeply(
		{ files => [ $self->files ], staging => [ $self->staging ] },
		{ files => \@rows, staging => [] },
		$label // 'the folder equals the rows');
}

# Sweeps until no file waits. Where ffu is preloaded, the worker may be at work on the
# same deletions: then ffu.sweep() ends before they are done.
sub sweep_all
{
	my ($self) = @_;
	my $waiting = q{SELECT count(*) FROM ffu.pending_deletions WHERE state NOT IN ('detached', 'dangling')
		AND (state <> 'kept' OR current_setting('ffu.deletion_delay') = '0')};
	foreach my $round (1 .. 1000)
	{
		$self->sql('SELECT FROM ffu.sweep()');
		return if $self->sql($waiting) == 0;
	}
	die 'a file waits: ' . $self->sql('SELECT * FROM ffu.pending_deletions');
}

# The processes of this server, found by the directory they work in, so that
# those whose postmaster has died are among them.
sub pids
{
	my ($self) = @_;
	my $data = abs_path($self->{node}->data_dir);
	my @pids;
	foreach my $proc (glob('/proc/[0-9]*'))
	{
		my $cwd = readlink("$proc/cwd") // next;
		push @pids, substr($proc, 6) if $cwd eq $data;
	}
	return @pids;
}

# Waits until nothing of the server is left: only then may it be started again.
# Whoever was told that the postmaster died and does not go is killed.
sub wait_gone
{
	my ($self) = @_;
	my $end = time + PATIENCE;
	my %seen;

	# The first line of the lock file, which a killed postmaster leaves.
	my $lock_file = $self->{node}->data_dir . '/postmaster.pid';
	$seen{$1} = 1 if -e $lock_file && slurp($lock_file) =~ /^(\d+)/;
	for (;;)
	{
		my @pids = $self->pids;
		@seen{@pids} = ();
		waitpid($_, POSIX::WNOHANG()) foreach keys %seen;
		last unless @pids || grep { kill(0, $_) } keys %seen;
		croak "processes @pids of the server do not end" if time > $end;
		kill 'KILL', @pids if time > $end - PATIENCE / 2;
		sleep 0.02;
	}
	$self->{node}->{_pid} = undef;
	return;
}

# Kills the whole server at once, as a power cut would but for the page cache.
sub crash
{
	my ($self) = @_;
	my @pids = $self->pids;

	# One that sees the postmaster go would still roll back in order.
	kill 'STOP', @pids;
	kill 'KILL', @pids;
	return $self->wait_gone;
}

sub start { return $_[0]->{node}->start; }
sub stop { return $_[0]->{node}->stop($_[1] // 'fast'); }
sub restart { $_[0]->stop; return $_[0]->start; }

# Waits until the server takes connections again after it lost a backend. Not by
# psql and a statement on its standard input: one that is refused has gone before
# it is written to.
sub wait_up
{
	my ($self) = @_;
	my $node = $self->{node};
	my @ready = ($node->installed_command('pg_isready'), '-q', '-d', $node->connstr($self->{database}));
	my $end = time + PATIENCE;
	until (IPC::Run::run(\@ready))
	{
		croak 'the server does not come back' if time > $end;
		sleep 0.05;
	}
	return;
}

# The same after a backend has been killed, which the client sees before the postmaster
# does; $log is where the server's log ended before.
sub wait_recovered
{
	my ($self, $log) = @_;
	$self->node->wait_for_log(qr/all server processes terminated; reinitializing/, $log);
	$self->wait_up;
	return;
}

# Runs statements in a session where a fault is set: "point:action[:skip]".
# After "crash" the server is gone and has to be started, after "kill" it has come
# back by itself. Returns what try does.
sub fault
{
	my ($self, $fault, $sql) = @_;
	my $log = -s $self->node->logfile;
	my @result = $self->try("SET ffu.fault = '$fault';\n$sql");
	my $died = $result[0] == 2;
	$self->wait_gone if $died && $fault =~ /:crash(?::|$)/;
	$self->wait_recovered($log) if $died && $fault =~ /:kill(?::|$)/;
	return @result;
}

# A session that stays open, with query, send_only, wait_done, errors, pid and quit.
# (PostgreSQL's own BackgroundPsql is not in the first releases of 15.)
sub session
{
	my ($self, %option) = @_;
	return FfuTest::Session->new($self, %option);
}

# Runs a command as the web server's user and returns its exit code and output.
# Empty where we may not change user: then the test has to be skipped.
sub as_web_user
{
	my ($self, @command) = @_;
	my $user = $ENV{FFU_TEST_WEB_USER} or return;
	my ($out, $err) = ('', '');
	IPC::Run::run(
		[
			'setpriv', "--reuid=$user", "--regid=$user", '--clear-groups',
			'--inh-caps=-all', '--ambient-caps=-all', '--', @command
		],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# A psql that is kept running and talked to.
package FfuTest::Session;

use strict;
use warnings;

use Carp;

# The seconds in which a statement ends, unless it hangs
use constant SESSION_PATIENCE => 180;

my $count = 0;

sub new
{
	my ($class, $test, %option) = @_;
	my $self = bless { in => '', out => '', err => '' }, $class;
	my $node = $test->node;
	my @command = (
		$node->installed_command('psql'),
		'-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose',
		'-d', $node->connstr($test->{database}));
	push @command, '-U', $option{user} if $option{user};
	$self->{timeout} = IPC::Run::timeout(SESSION_PATIENCE);
	$self->{run} = IPC::Run::start(
		\@command,
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		$self->{timeout});
	$self->{pid} = $self->query('SELECT pg_backend_pid()');
	return $self;
}

# The process id of the session's backend.
sub pid { return $_[0]->{pid}; }

# Sends statements and does not wait for them.
sub send_only
{
	my ($self, $sql) = @_;
	$self->{in} .= "$sql;\n";
	$self->{timeout}->start(SESSION_PATIENCE);
	$self->{run}->pump_nb;
	return;
}

# Waits until all that was sent is done; returns what it printed. Errors are
# kept for errors.
sub wait_done
{
	my ($self) = @_;
	my $mark = 'ffu-done-' . ++$count;
	$self->{timeout}->start(SESSION_PATIENCE);
	$self->{in} .= "\\echo $mark\n\\warn $mark\n";
	my $ok = eval {
		$self->{run}->pump
		  until $self->{out} =~ /^$mark\n/m && $self->{err} =~ /^$mark\n/m;
		1;
	};
	croak "the session ended or hangs: $self->{err}" unless $ok;
	my $out = $self->{out};
	$out =~ s/^$mark\n//m;
	$self->{out} = '';
	$self->{err} =~ s/^$mark\n//m;
	$self->{last_err} = $self->{err};
	$self->{err} = '';
	chomp $out;
	return $out;
}

# Runs statements and returns what they print.
sub query
{
	my ($self, $sql) = @_;
	$self->send_only($sql);
	return $self->wait_done;
}

# What the last wait_done or query saw on standard error.
sub errors { return $_[0]->{last_err} // ''; }

# Ends the session, which aborts what is open in it. psql ends before its backend does: a
# snapshot would still hold deletions up. A backend that waits for something else stays.
sub quit
{
	my ($self) = @_;
	$self->{in} .= "\\q\n";
	$self->{timeout}->start(SESSION_PATIENCE);
	eval { $self->{run}->finish; 1 } or $self->{run}->kill_kill;
	my $end = time + 5;
	select undef, undef, undef, 0.01 while kill(0, $self->{pid}) && time < $end;
	return;
}

1;
