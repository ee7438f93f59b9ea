# shellcheck shell=bash disable=SC2154
# The daemons of an object store below $dir, for test/rgw and test/swift, which source
# this file. Every daemon is ended by its own pid, which is in $dir/run/NAME.pid.

# How long a daemon may take to start, in tenths of a second. A busy machine took 48 s.
PATIENCE=600

# Starts a daemon in the background: its name, then its command. The shell that waits
# for the daemon works below $dir, as many daemons do not: script/test ends what works
# there, and this shell then ends the daemon.
run()
{
	local name=$1 i
	shift
	(
		cd "$dir" || exit
		# shellcheck disable=SC2016 # for the new shell
		exec setsid bash -c 'name=$1; shift; "$@" & echo $! >"run/$name.pid.new"; mv "run/$name.pid.new" "run/$name.pid"
			trap "kill -KILL $!" QUIT TERM; wait' keeper "$name" "$@"
	) >"$dir/log/$name.out" 2>&1 </dev/null &
	for ((i = 0; i < PATIENCE; i++)); do
		if [ -e "$dir/run/$name.pid" ]; then return; fi
		sleep 0.02
	done
}

# Waits until the command succeeds, for as long as the daemon $1 lives.
wait_for()
{
	local name=$1 i
	shift
	for ((i = 0; i < PATIENCE; i++)); do
		if "$@"; then return; fi
		if ! kill -0 "$(cat "$dir/run/$name.pid")" 2>/dev/null; then
			echo "$name ended; the end of its log:"
			tail -n 5 "$dir/log/"*"$name"*
			exit 1
		fi
		sleep 0.1
	done
	echo "$name did not start"
	exit 1
}

# Somebody listens on a port.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A process that ended counts until its parent has waited for it, which may be later.
runs()
{
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" && [[ ${stat##*) } != Z* ]]
}

# Ends the daemons named.
end_daemons()
{
	local name pid i
	for name in "$@"; do
		if [ ! -e "$dir/run/$name.pid" ]; then continue; fi
		pid=$(cat "$dir/run/$name.pid")
		# A stopped process does not end; nothing of the store is wanted later.
		kill -KILL "$pid" 2>/dev/null || true
		for ((i = 0; i < 100; i++)); do
			if ! runs "$pid"; then break; fi
			sleep 0.1
		done
		rm -f "$dir/run/$name.pid"
	done
}
