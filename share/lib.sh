# lib.sh: what the shell commands of the suite share: how they speak and exit,
# where state lies, and how processes are watched, awaited and ended.
#
# A command finds this file from its own place, through symbolic links, in the
# source tree (bin/../share) and installed (PREFIX/bin, PREFIX/share/berth):
#
#	share=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")/share
#	[ ! -r "$share/berth/lib.sh" ] || share=$share/berth
#	. "$share/lib.sh"
#
# It sets prog, berth_version and verbose, defines functions, and does nothing
# else. Everything here works under `set -eu`. Names that end in _ are local to
# the function that uses them; POSIX sh has no other way to say so.

# shellcheck shell=sh
# shellcheck disable=SC2034 # the variables are for the command that reads us

prog=${0##*/}
berth_version=0.1
verbose=1	# 0 after -q, 2 and more after -v

# Exit statuses of the suite: "no", "never" and "not now" are kept apart.
EX_NO=1
EX_PERM=2
EX_TEMP=75

# warn TEXT...: one line on stderr, whatever -q says.
warn() {
	printf '%s: %s\n' "$prog" "$*" >&2
}

# die STATUS TEXT...: warn, then exit.
die() {
	die_status_=$1
	shift
	warn "$@"
	exit "$die_status_"
}

# say TEXT...: what a person likes to know; silent after -q.
say() {
	[ "$verbose" -lt 1 ] || printf '%s: %s\n' "$prog" "$*" >&2
}

# detail TEXT...: what a person asks for with -v.
detail() {
	[ "$verbose" -lt 2 ] || printf '%s: %s\n' "$prog" "$*" >&2
}

# version: what -V prints.
version() {
	printf '%s (berth) %s\n' "$prog" "$berth_version"
}

# berth_state: prints the directory under which the suite keeps its state.
berth_state() {
	if [ -n "${BERTH_STATE:-}" ]; then
		printf '%s\n' "$BERTH_STATE"
	elif [ -n "${XDG_STATE_HOME:-}" ]; then
		printf '%s/berth\n' "$XDG_STATE_HOME"
	elif [ -n "${HOME:-}" ]; then
		printf '%s/.local/state/berth\n' "$HOME"
	else
		die "$EX_PERM" "no place for state: set HOME or BERTH_STATE"
	fi
}

# quote TEXT: prints TEXT so that a shell reads it back as one word.
quote() {
	printf "'"
	printf '%s' "$1" | sed "s/'/'\\\\''/g"
	printf "'\n"
}

# is_count TEXT: is it a decimal integer of at most six digits, without sign?
is_count() {
	case $1 in
	'' | *[!0-9]* | ???????* | 0?*) return 1 ;;
	esac
}

# clock_cs: sets clock_cs to a monotonic time in 1/100 s, without a fork.
clock_cs() {
	read -r clock_cs _ </proc/uptime
	clock_cs=${clock_cs%.*}${clock_cs#*.}
}

# await SECONDS COMMAND...: polls COMMAND until it succeeds; 1 when it has not
# within SECONDS. The command runs in this shell and may set variables.
await() {
	clock_cs
	await_end_=$((clock_cs + $1 * 100))
	shift
	until "$@"; do
		clock_cs
		[ "$clock_cs" -lt "$await_end_" ] || return 1
		sleep 0.05
	done
}

# pid_alive PID: does it run? A zombie does not: where nobody reaps, it would
# otherwise be waited for until the deadline.
pid_alive() {
	{ read -r pid_stat_ <"/proc/$1/stat"; } 2>/dev/null || return 1
	pid_stat_=${pid_stat_##*) }
	case $pid_stat_ in
	[ZX]*) return 1 ;;
	esac
}

# pid_stopped PID: has SIGSTOP or a debugger stopped it?
pid_stopped() {
	pid_alive "$1" || return 1
	case $pid_stat_ in
	[Tt]*) return 0 ;;
	esac
	return 1
}

# pid_is PID COMM [NAME=VALUE]: does PID run the program COMM, with that in the
# environment it was started with? Pids are reused, and a pid file outlives a
# crash: ask before you kill. Only root and the process's owner get a yes to
# the second question.
pid_is() {
	pid_alive "$1" || return 1
	{ read -r pid_comm_ <"/proc/$1/comm"; } 2>/dev/null || return 1
	[ "$pid_comm_" = "$2" ] || return 1
	[ $# -lt 3 ] ||
		grep -qzxF -e "$3" "/proc/$1/environ" 2>/dev/null
}

# pid_read FILE: prints the pid in FILE; 1 when there is none.
pid_read() {
	{ read -r pid_read_ <"$1"; } 2>/dev/null || [ -n "${pid_read_:-}" ] ||
		return 1
	case $pid_read_ in
	'' | *[!0-9]* | 0* | 1) return 1 ;;
	esac
	printf '%s\n' "$pid_read_"
}

# pids_dead PID...: is none of them alive?
pids_dead() {
	for pid_ in "$@"; do
		! pid_alive "$pid_" || return 1
	done
}

# end_pids SECONDS PID...: SIGTERM, and SIGKILL to what is still there after
# SECONDS. A stopped process must be continued to see its SIGTERM. Returns 1
# when one survives even SIGKILL for five seconds (it hangs in the kernel).
end_pids() {
	end_wait_=$1
	shift
	[ $# -gt 0 ] || return 0
	for pid_ in "$@"; do
		kill -TERM "$pid_" 2>/dev/null || continue
		kill -CONT "$pid_" 2>/dev/null || :
	done
	! await "$end_wait_" pids_dead "$@" || return 0
	for pid_ in "$@"; do
		kill -KILL "$pid_" 2>/dev/null || :
	done
	await 5 pids_dead "$@"
}

# up_dir: prints where the pipeline of this host keeps its state. Home
# directories are shared between login nodes, processes and sockets are not.
up_dir() {
	up_state_=$(berth_state)
	printf '%s/up-%s\n' "$up_state_" "$(uname -n)"
}

# up_pid: prints the pid of the pipeline's supervisor; 1 if none runs.
up_pid() {
	up_pid_=$(pid_read "$1/pid/svc-up") || return 1
	pid_is "$up_pid_" svc-up "BERTH_UP=$1" || return 1
	printf '%s\n' "$up_pid_"
}

# up_stage DIR NAME: prints the pids of that stage of the pipeline: one, or after
# a takeover the old process and the new one, or none. Each has its lock open.
up_stage() {
	find -L /proc/[0-9]*/fd/8 -samefile "$1/pid/$2.lock" 2>/dev/null |
		cut -d/ -f3
}

# admin_get PATH: what svc-proxy answers on its admin socket: that of svc-up, or
# else that of the systemd user units.
admin_get() {
	admin_socket_=$(up_dir)/admin.sock
	[ -S "$admin_socket_" ] || admin_socket_=${XDG_RUNTIME_DIR:-}/berth/admin.sock
	curl -sf --max-time 5 --unix-socket "$admin_socket_" "http://berth$1"
}

# usage_error: the first line of $usage, which the command has set, and exit.
usage_error() {
	# shellcheck disable=SC2154
	printf '%s\nTry '\''%s --help'\''.\n' "${usage%%
*}" "$prog" >&2
	exit "$EX_PERM"
}

# common_option OPTION: those that every command has.
common_option() {
	case $1 in
	-q | --quiet) verbose=0 ;;
	-v | --verbose) verbose=$((verbose + 1)) ;;
	-h | --help)
		printf '%s\n' "$usage" || exit "$EX_TEMP"
		exit 0
		;;
	-V | --version)
		version || exit "$EX_TEMP"
		exit 0
		;;
	*) usage_error ;;
	esac
}
