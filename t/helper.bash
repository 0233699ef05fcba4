# helper.bash: what every test file loads (`load helper`).
#
# Each test runs in an empty directory of its own, with the commands of this
# tree first in PATH and nothing of the caller's Slurm in its environment. What
# it starts, directly or not, carries BERTH_TEST in its environment, and ends
# with the test. A file that needs more defines setup or teardown itself and
# calls test_setup or test_teardown there.
#
#	spawn CMD...		start in the background; sets pid
#	end_pid PID		SIGTERM, wait; fails if it took SIGKILL
#	await SECONDS CMD...	poll until CMD succeeds; fails at the deadline
#	within SECONDS CMD...	run it, and end it at the deadline with status 124
#	same_ndjson WANT GOT	compare two files of records
#	free_port		print a TCP port that no other test is given
#	scenario <FILE		has t/scenario.py run it
#	page_example N PAGE	print the Nth of its EXAMPLES, as it is typed
#	use_cluster		the shared Slurm of this run; sets SLURM_CONF
#
# BERTH_PATIENCE says how many times slower than usual all may be; t/valgrind sets
# it. Deadlines, here, in t/*.py and in bats's own hands, are multiplied by it.

bats_require_minimum_version 1.5.0

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
# shellcheck source=../share/lib.sh
. "$root/share/lib.sh"

# The drivers of t/unit, of the variant that bin/ points to.
if [ -z "${UNIT:-}" ]; then
	UNIT=$(readlink -f -- "$root/bin/svc-submit" || :)
	case $UNIT in
	*/build/*/bin/*) UNIT=${UNIT%/bin/*}/t ;;
	*) UNIT=$root/build/plain/t ;;
	esac
fi
export root UNIT

# How much longer than anybody expects an await and a within may take: the machine
# may have more to do.
export patience=${BERTH_PATIENCE:-1} slack=3

test_setup() {
	PATH=$root/bin:$PATH
	for name_ in "${!SLURM_@}" "${!SBATCH_@}" "${!BERTH_@}"; do
		case $name_ in
		BERTH_T_CLUSTER | BERTH_PATIENCE) ;;
		*) unset "$name_" ;;
		esac
	done
	export PATH TZ=UTC LC_ALL=C.UTF-8 NO_COLOR=1
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	export BERTH_TEST=$BATS_TEST_TMPDIR
	mkdir "$BATS_TEST_TMPDIR/cwd"
	cd "$BATS_TEST_TMPDIR/cwd" || return
}

test_teardown() {
	local pids
	mapfile -t pids < <(test_pids)
	end_pids $((5 * slack * patience)) "${pids[@]}"
}

setup() { test_setup; }
teardown() { test_teardown; }

# test_pids: all processes that this test started, or that these started. bats's
# own were started before BERTH_TEST was set, and its subshells only forked.
test_pids() {
	grep -lszxF -e "BERTH_TEST=$BATS_TEST_TMPDIR" /proc/[0-9]*/environ |
		sed 's,^/proc/,,; s,/environ$,,'
}

# spawn CMD...: redirections of the call are CMD's. bats waits for descriptor 3
# to be closed, so it must not be inherited. pid is CMD's own, not that of a
# shell around it, and a shell that runs a function has none of bats's traps.
# They are done in the test's own shell, so that a FIFO with nobody at its other
# end would hang it: exec 9<>fifo; spawn CMD <fifo 9>&-; closing 9 is CMD's end
# of file. It returns when the traps are gone: a signal before that would have
# the child report the test as failed, and clear up after it.
spawn() {
	local is
	is=$(type -t "$1")
	(
		trap - EXIT ERR DEBUG
		set +eET
		exec 3>&-
		: >"$BATS_TEST_TMPDIR/spawned.$BASHPID"
		[ "$is" = function ] || exec "$@"
		set -e
		"$@"
	) <&0 &		# said, or else bash makes it /dev/null
	pid=$!
	lib_await $((10 * slack * patience)) test -e "$BATS_TEST_TMPDIR/spawned.$pid"
	rm -f "$BATS_TEST_TMPDIR/spawned.$pid"
}

# end_pid PID: returns 1 when it had to be killed, or never was.
end_pid() {
	# not after it: what ends under LeakSanitizer is stopped by itself just then
	kill -CONT "$1" 2>/dev/null || :
	kill -TERM "$1" || return 1
	if ! await 10 pids_dead "$1"; then
		kill -KILL "$1"
		return 1
	fi
}

# await SECONDS CMD...: as in lib.sh, and says what did not happen.
eval "lib_$(declare -f await)"
await() {
	lib_await $(($1 * slack * patience)) "${@:2}" || {
		echo "not within $1 s, times $((slack * patience)): ${*:2}" >&2
		return 1
	}
}

within() {
	timeout $(($1 * slack * patience)) "${@:2}"
}

# sorted_ndjson FILE: one record a line, keys in order; fails on a line that is
# not exactly one JSON value.
sorted_ndjson() {
	jq -RcS fromjson "$1"
}

# same_ndjson WANT GOT: files, or <(...); order of lines counts, of keys not.
same_ndjson() {
	sorted_ndjson "$1" >"$BATS_TEST_TMPDIR/want.sorted" &&
		sorted_ndjson "$2" >"$BATS_TEST_TMPDIR/got.sorted" &&
		diff -u --label want --label got \
			"$BATS_TEST_TMPDIR/want.sorted" \
			"$BATS_TEST_TMPDIR/got.sorted"
}

# free_port: below the range of the kernel's own choices. A directory of the
# run keeps tests that run side by side apart.
free_port() {
	local port
	for _ in {1..200}; do
		port=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
		mkdir "$BATS_RUN_TMPDIR/port-$port" 2>/dev/null || continue
		grep -qsi "$(printf '^ *[0-9]*: [0-9A-F]*:%04X ' "$port")" \
			/proc/net/tcp /proc/net/tcp6 || {
			echo "$port"
			return
		}
	done
	echo "no free port" >&2
	return 1
}

page_example() {
	mandoc -T markdown "$root/man/$2" | sed '1,/^# EXAMPLES/d' |
		awk -v n="$1" '/^\t/ { if (!in_) k++; in_ = 1
			if (k == n) print substr($0, 2); next } { in_ = 0 }'
}

# use_cluster: up is idempotent and takes a lock, so every test may ask; and it
# repairs what an earlier test has killed.
use_cluster() {
	svc-devcluster up -q --dir="$BERTH_T_CLUSTER" || return
	export SLURM_CONF=$BERTH_T_CLUSTER/slurm.conf
}

# scenario: of a client, svc-proxy and servers, on stdin. scenario_words is a
# file with more words for all of them, if a test file has any. It is played
# twice: the second time, svc-proxy's reads and writes are cut short
# (t/unit/fake-socket.c). hold_clock before it: time passes only where the
# scenario says so, by `clock` (t/unit/fake-clock.c).
hold_clock() {
	PATH=$UNIT/fakes:$PATH
	export BERTH_CLOCK=clock
}

scenario() {
	cat ${scenario_words:+"$scenario_words"} - >"$BATS_TEST_TMPDIR/scenario"
	scenario_play whole && PATH=$UNIT/fakes:$PATH BERTH_SHORT=1 \
		scenario_play short
}

# scenario_play NAME: in a directory of that name.
scenario_play() {
	mkdir "$1" && (
		cd "$1" || exit
		PYTHONPATH=$root/t within 180 python3 "$root/t/scenario.py" \
			"$BATS_TEST_TMPDIR/scenario" || {
			echo "--- so it was with reads and writes that are $1" >&2
			exit 1
		}
	)
}
