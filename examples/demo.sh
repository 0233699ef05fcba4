#!/bin/sh
# demo.sh: two instances of a service as jobs of a real Slurm, one of them
# killed while a client looks on. "make demo" runs it; "make demo-stop" ends
# what it leaves running.
#
#	examples/demo.sh [stop]
#
# Where sinfo answers, that cluster is used; elsewhere one is started here.
set -eu

self=$(readlink -f -- "$0")
root=$(dirname -- "$(dirname -- "$self")")
PATH=$root/bin:$PATH
share=$root/share
stop_it="make demo-stop"
if [ -r "$root/lib.sh" ]; then	# installed
	share=$root stop_it="$self stop"
fi
# shellcheck source=share/lib.sh
. "$share/lib.sh"
prog=demo

listen=${BERTH_LISTEN:-127.0.0.1:13013}
url=http://$listen/hello/
state=$(berth_state)/demo
services=$state/services

title() {
	printf '\n== %s\n' "$*"
}

sinfo_answers() {
	timeout 10 sinfo -h >/dev/null 2>&1
}

use_cluster() {
	title "a Slurm cluster"
	if [ ! -e "$state/own-cluster" ] && sinfo_answers; then
		echo "sinfo answers: using this cluster"
		return
	fi
	mkdir -p "$state"
	: >"$state/own-cluster"
	svc-devcluster up -q
	eval "$(svc-devcluster env)"
	sinfo
}

# Slurm, where it is ours: for a second run, and for stop.
own_cluster_env() {
	[ ! -e "$state/own-cluster" ] || ! svc-devcluster status >/dev/null 2>&1 ||
		eval "$(svc-devcluster env)"
}

start_services() {
	title "hello x 2 behind $url"
	mkdir -p "$services"
	ln -sfn "$root/services/hello" "$services/hello"
	svc-up -q -i 2s -s "$services" -l "$listen"
}

# ready N: are at least N instances ready?
ready() {
	count=$(admin_get /status |
		jq '.services[] | select(.service == "hello").ready') || return 1
	[ "${count:-0}" -ge "$1" ]
}

await_two() {
	await "$1" ready 2 || {
		svc-ps >&2 || :
		die "$EX_TEMP" "two instances were not ready in $1 s; see 'svc-logs'"
	}
}

fetch_four() {
	title "four requests: curl $url"
	for n in 1 2 3 4; do
		curl -sf --max-time 10 "$url" |
			jq -r '"answer '"$n"': node \(.node), port \(.port), job \(.job_id)"'
	done
}

# One request after the other until told to stop, or gone on for too long: a
# status a line.
client() {
	clock_cs
	client_end=$((clock_cs + 15000))
	while [ ! -e "$state/stop" ] && [ "$clock_cs" -lt "$client_end" ]; do
		clock_cs
		curl -s -o /dev/null --max-time 30 -w '%{http_code}\n' \
			"$url?n=[1-20]" >>"$state/statuses" || :
	done
}

# Its process where it runs here, else through Slurm.
kill_one() {
	curl -sf --max-time 10 "$url" >"$state/victim"
	job=$(jq .job_id "$state/victim") pid=$(jq .pid "$state/victim")
	if [ -e "$state/own-cluster" ]; then
		kill -KILL "$pid"
		echo "killed process $pid of job $job with SIGKILL"
	else
		scancel --signal=KILL "$job"
		echo "killed the process of job $job with SIGKILL"
	fi
}

# Two ready, and the victim none of them: in one look, as it is up in a first
# one and down in a second.
replaced() {
	admin_get /status | jq -e --argjson job "$job" '.services[]
		| select(.service == "hello").instances | map(select(.usable))
		| length >= 2 and all(.job_id != $job)' >/dev/null
}

kill_and_count() {
	title "one instance is killed while a client asks on"
	rm -f "$state/stop" "$state/statuses"
	client &
	client=$!
	trap ': >"$state/stop"' EXIT
	await 10 test -s "$state/statuses" || die "$EX_TEMP" "the client is stuck"
	kill_one
	clock_cs
	began=$clock_cs
	# a minute more where jobs of this service have died young before
	await 110 replaced || die "$EX_TEMP" "no replacement in 110 s; see 'svc-logs'"
	clock_cs
	took=$((clock_cs - began))
	: >"$state/stop"
	trap - EXIT
	wait "$client"
	made=$(grep -c . "$state/statuses")
	failed=$(grep -vc '^200$' "$state/statuses" || :)
	echo "requests made: $made, failed: $failed"
	printf 'two instances ready again after %d.%02d s\n' \
		$((took / 100)) $((took % 100))
}

say_goodbye() {
	title "svc-ps"
	svc-ps
	title "it runs on"
	cat <<-END
	look around:
	  PATH=$root/bin:\$PATH
	  $([ ! -e "$state/own-cluster" ] || svc-devcluster env)
	  curl $url
	  svc-ps; svc-logs hello; squeue
	stop it:
	  $stop_it
	END
}

stop() {
	own_cluster_env
	if [ -d "$services" ]; then
		svc-down -q --cancel -s "$services" ||
			warn "some jobs may still run"
	fi
	if [ -e "$state/own-cluster" ]; then
		svc-devcluster down -q
	fi
	up=$(up_dir)
	rm -rf "$state" "$up"
	rmdir "$(berth_state)" 2>/dev/null || :
	echo "stopped; nothing is left"
}

case ${1:-} in
stop)
	stop
	exit 0
	;;
'') ;;
*) die "$EX_PERM" "usage: examples/demo.sh [stop]" ;;
esac

use_cluster
start_services
await_two 45
svc-ps
fetch_four
kill_and_count
say_goodbye
[ "$failed" -eq 0 ] || exit "$EX_NO"
