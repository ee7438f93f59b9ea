# shellcheck shell=bash
# What the scripts beside this file share. It is sourced, never run.
#
# The private installation. The tests and the demo must not touch the
# PostgreSQL of the system: neither its clusters nor its extension directories.
# PostgreSQL is relocatable: a server finds its libraries and its share
# directory relative to its own program file. So we copy the installation (30 MB)
# below a temporary directory, under its own full path, and `make install` into
# the copy through the copy's own pg_config. That needs no root and works for
# any build of PostgreSQL. (Debian's setting extension_destdir would save the
# copy, but it is a patch of Debian's up to 17, and 18 has two other settings.)

PG_MAJOR=${PG_MAJOR:-15}
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}
export PG_MAJOR PG_CONFIG

export LC_ALL=C.UTF-8
umask 022

# What make and psql would take from the caller's environment by accident.
unset MAKEFLAGS MFLAGS PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGDATA

# initdb and postgres refuse root, so root becomes this user.
FFU_SERVER_USER=${FFU_SERVER_USER:-postgres}

ffu_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }

die()
{
	printf 'ffu: %s\n' "$*" >&2
	exit 1
}

# Lists the files of a checkout, NUL after each: those git knows or would take.
# Our own copy gives what was copied, and not what was built there. Another tree
# without git, such as a release, gives all it has.
list_files()
{
	local tree=$1
	if [ -e "$tree/.git" ]; then
		# The checkout may belong to somebody else.
		git -c safe.directory='*' -C "$tree" ls-files -z \
			--cached --others --exclude-standard
	elif [ -e "$tree/.files" ]; then
		cat "$tree/.files"
	else
		(cd "$tree" && find . -type f -print0)
	fi
}

# Copies a checkout to $2. What an earlier copy left there and the checkout no
# longer has goes; what was built there stays, for the next make.
copy_tree()
{
	local from=$1 to=$2
	mkdir -p "$to"
	list_files "$from" | sort -zu | while IFS= read -r -d '' file; do
		if [ -e "$from/$file" ]; then printf '%s\0' "$file"; fi
	done >"$to/.files.new"
	if [ -e "$to/.files" ]; then
		comm -z -23 "$to/.files" "$to/.files.new" | (cd "$to" && xargs -0r rm -f --)
	fi
	mv "$to/.files.new" "$to/.files"
	tar -C "$from" --null -T "$to/.files" -cf - | tar -C "$to" --no-same-owner -xf -
}

# Copies the PostgreSQL of PG_CONFIG below $1; see the head of this file.
# Bitcode and manuals stay behind, they are most of it.
copy_postgres()
{
	local prefix=$1 option dir
	for option in --bindir --pkglibdir --sharedir --pkgincludedir --includedir-server; do
		dir=$("$PG_CONFIG" "$option")
		if [ -d "$prefix$dir" ]; then continue; fi
		mkdir -p "$prefix"
		tar -C / --exclude='*/lib/bitcode' --exclude='*/man' -chf - "./${dir#/}" |
			tar -C "$prefix" -xf -
	done
}

# Where the copy below $1 has its programs.
private_bindir() { printf '%s%s\n' "$1" "$("$PG_CONFIG" --bindir)"; }

# Builds the tree $1 and installs it into the private installation $2; $3 is
# 1 for a build with fault points. Silent unless it fails or warns.
build_into()
{
	local tree=$1 prefix=$2 faults=${3:-0} config log
	config=$(private_bindir "$prefix")/pg_config
	log=$tree/build.log
	if ! make -C "$tree" -s -j2 with_llvm=no PG_CONFIG="$config" \
		FAULTS="$faults" all >"$log" 2>&1 ||
		! make -C "$tree" -s with_llvm=no PG_CONFIG="$config" \
			FAULTS="$faults" install >>"$log" 2>&1; then
		cat "$log" >&2
		die "the build failed (fault points: $faults)"
	fi
	cat "$log"
}

# The setting that makes every plan parallel that can be; 16 renamed it.
parallel_setting()
{
	if [ "$PG_MAJOR" -ge 16 ]; then say debug_parallel_query; else say force_parallel_mode; fi
}

# Makes a cluster in $2 with the programs of the private installation $1. It is
# reached by a unix socket in $3 only, and trusts who can reach that directory.
# Further lines of postgresql.conf come on stdin.
make_cluster()
{
	local bin data=$2 socket=$3
	bin=$(private_bindir "$1")
	mkdir -p "$socket"
	chmod 0700 "$socket"
	"$bin/initdb" -D "$data" -U postgres -A trust -N --no-locale -E UTF8 >"$data.initdb.log" 2>&1 ||
		{ cat "$data.initdb.log" >&2; die "initdb failed"; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$socket'"
		echo "log_line_prefix = '%m [%p] %q%a '"
		cat
	} >>"$data/postgresql.conf"
}

# Starts the cluster in $2 with the programs of $1; its log is $2.log.
start_cluster()
{
	local bin data=$2
	bin=$(private_bindir "$1")
	# What it says of the lock file of a killed server is of no interest.
	"$bin/pg_ctl" -D "$data" -l "$data.log" -w -s start </dev/null 2>"$data.start.log" ||
		{ cat "$data.start.log" >&2; tail -n 30 "$data.log" >&2; die "the server in $data did not start"; }
}

# Lists the processes that work in directory $1 or below: our own servers (a
# server's directory is its data directory), whoever started them, and also
# backends that outlived their postmaster. Never this script itself.
processes_below()
{
	local below=$1 proc cwd
	for proc in /proc/[0-9]*; do
		cwd=$(readlink "$proc/cwd" 2>/dev/null) || continue
		case ${proc#/proc/} in "$$" | "$BASHPID") continue ;; esac
		case $cwd in "$below" | "$below"/*) printf '%s\n' "${proc#/proc/}" ;; esac
	done
}

# Sends signal $1 to every process in or below $2; false when there was none.
signal_below()
{
	local pid any=1
	for pid in $(processes_below "$2"); do
		kill -s "$1" "$pid" 2>/dev/null && any=0
	done
	return $any
}

# Kills the server in $1 with all its processes at once and waits until the
# system has forgotten them: only then may the server be started again.
kill_server()
{
	local data=$1 postmaster
	read -r postmaster <"$data/postmaster.pid"
	while signal_below KILL "$data"; do sleep 0.05; done
	while kill -0 "$postmaster" 2>/dev/null; do sleep 0.05; done
}

# Ends what still runs below $1: asked first, then not asked.
end_processes_below()
{
	local i
	for i in QUIT 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 KILL KILL KILL KILL; do
		signal_below "$i" "$1" || return 0
		sleep 0.1
	done
}

# Runs `$1 --inside WORK args` from a copy of the checkout, as a user the server
# accepts, in a directory WORK of its own, and returns its result. Whatever
# happens, the servers below WORK are ended and WORK is removed; only if FFU_TEST_DIR
# names the directory, it stays, and with it what was built.
run_private()
{
	local script=$1 status=0
	shift
	if [ -n "${FFU_TEST_DIR:-}" ]; then
		mkdir -p "$FFU_TEST_DIR"
		ffu_work=$(cd "$FFU_TEST_DIR" && pwd)
	else
		ffu_work=$(mktemp -d "${TMPDIR:-/tmp}/ffu.XXXXXX")
	fi
	ffu_child=
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	copy_tree "$ffu_root" "$ffu_work/faults"
	copy_tree "$ffu_root" "$ffu_work/release"
	mkdir -p "$ffu_work/tmp"
	# The web server's user, whom the tests also are, must get through here.
	chmod 0711 "$ffu_work"
	as_server_user

	# A group of its own, so that one signal reaches all of it.
	set -m
	(cd "$ffu_work" && exec "${as_user[@]}" env HOME="$ffu_work/tmp" TMPDIR="$ffu_work/tmp" \
		LC_ALL=C.UTF-8 bash "$ffu_work/faults/script/$script" --inside "$ffu_work" "$@") </dev/null &
	ffu_child=$!
	set +m
	wait "$ffu_child" || status=$?
	ffu_child=
	return "$status"
}

# Sets as_user: the words before a command that make root the server's user. The
# tests also have to look at files as the web server's user, so that user's
# group and the right to change user (which gives no right to any file) stay.
as_server_user()
{
	local groups caps=+setuid,+setgid
	as_user=()
	if [ "$(id -u)" -ne 0 ]; then return; fi
	chown -R "$FFU_SERVER_USER:" "$ffu_work"
	as_user=(setpriv --reuid="$FFU_SERVER_USER" --regid="$FFU_SERVER_USER")
	groups=$(id -G "$FFU_SERVER_USER" | tr ' ' ,)
	if id www-data >/dev/null 2>&1; then
		groups=$groups,$(id -g www-data)
	fi
	if setpriv --inh-caps="$caps" --ambient-caps="$caps" true 2>/dev/null; then
		as_user+=(--inh-caps="$caps" --ambient-caps="$caps")
		export FFU_TEST_WEB_USER=www-data
	fi
	as_user+=(--groups="$groups" --)
}

# At the end of run_private, however it comes.
clean_up()
{
	trap '' INT TERM HUP
	if [ -n "$ffu_child" ]; then
		kill -TERM -- "-$ffu_child" 2>/dev/null || true
		wait "$ffu_child" 2>/dev/null || true
	fi
	end_processes_below "$ffu_work"
	if [ -z "${FFU_TEST_DIR:-}" ]; then
		rm -rf -- "$ffu_work"
	fi
}
