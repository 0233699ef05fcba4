# svc-up, svc-down, svc-ps, svc-logs, and the pipeline typed by hand, on a real
# Slurm.

load helper
load services

setup() {
	test_setup
}

teardown() {
	end_up
	test_teardown
}

# Is no stage of a pipeline of this test left? (Its jobs are.)
none_left() {
	! test_pids | xargs -r ps -o comm= -p |
		grep -E '^svc-(up|discover|proxy|keepalive|submit)'
}

answers() {
	curl -sf --max-time 5 "$url_base/$1/" >answer
}

# typed: the first line of README, in a network of its own, where the default
# port and the default of everything else is free.
typed() {
	unshare -n bash -euo pipefail <<-'END'
	ip link set lo up
	ip addr add 192.0.2.1/32 dev lo	# or libc looks no address up
	svc-devcluster up -q --nodes=2 --gpus=0 --dir="$PWD/slurm"
	export SLURM_CONF=$PWD/slurm/slurm.conf
	trap 'svc-devcluster down -q --dir="$PWD/slurm"' EXIT
	export -f $(compgen -A function)
	url_base=http://127.0.0.1:13013

	svc-discover -f | svc-proxy -s services | svc-keepalive -s services | svc-submit >orders &

	await 60 answers hello
	await 60 live_is hello 2
	start_client hello --clients=4 --pause-ms=50
	kill -KILL "$(jq .pid answer)"
	await 60 eval '[ "$(grep -c "\"kind\":\"submitted\"" orders)" -eq 3 ]'
	await 60 live_is hello 2
	mark hello
	await 20 made_more hello 100
	stop_client hello
	none_failed hello
	END
}

@test "the pipeline, typed in a shell as README has it, keeps services up" {
	make_service hello '.instances = { min: 2, max: 2 }'
	grep -qxF "    svc-discover -f | svc-proxy -s services | svc-keepalive -s services | svc-submit" \
		"$root/README.md"
	export -f $(compgen -A function | grep -v '^bats\|^test_')
	typed
}

@test "up, ps, logs, down" {
	use_cluster
	make_service one
	make_service "two words"
	run -0 svc-up -V
	start_up
	await 40 ready one 1
	await 40 ready "two words" 1
	run -0 svc-up -s services
	[ "$output" = "svc-up: it runs already ('svc-ps' shows it, 'svc-down' stops it)" ]

	svc-ps >table
	sed -E 's/ +/ /g; s/[0-9]+/N/g; s/ $//' table >shape
	diff - shape <<-END
	SERVICE JOB STATE REASON NODE URL INFLIGHT LEFT
	one N ready - nN http://N.N.N.N:N N NmNs
	two words N ready - nN http://N.N.N.N:N N NmNs
	END
	run -0 svc-ps "two words"
	[ "${#lines[@]}" -eq 2 ]
	run -1 svc-ps nosuch
	curl -sf "$url_base/two%20words/x" | jq -e '.path == "/x"'

	run -0 svc-logs one
	[[ $output == *"svc-run: ready at http://"* ]]
	run -0 svc-logs
	[[ $output == *"svc-proxy: listening on"* ]]
	run -1 svc-logs nosuch
	[ "$output" = "svc-logs: no output of service 'nosuch' is to be found; has it started?" ]

	# instances outlive the pipeline, and are taken up again
	svc-down -q
	run -1 svc-down
	[ "$output" = "svc-down: nothing runs on this host" ]
	none_left
	live_is one 1
	run -0 svc-ps one
	[[ ${lines[0]} == "svc-ps: no pipeline runs on this host; this is what Slurm knows" ]]
	[ "${#lines[@]}" -eq 3 ]
	svc-up -q -i 1s -s services -l "127.0.0.1:$port" 3>&-
	await 20 ready one 1
	submitted_is one 1
	svc-down -q --cancel -s services
	await 20 live_is one 0
	await 20 live_is "two words" 0
}

@test "what svc-up cannot do it says, and leaves nothing running" {
	use_cluster
	run -2 svc-up -s nowhere
	[ "$output" = "svc-up: no directory of services at 'nowhere'; name it with -s" ]
	mkdir empty
	run -2 svc-up -s empty
	[ "$output" = "svc-up: $PWD/empty: no service in it (NAME/service.json)" ]
	run -2 svc-up --nonsense
	run -2 svc-up extra

	make_service taken '.instances.min = 0'
	port=$(free_port)
	spawn python3 "$root/services/hello/hello.py" --port="$port"
	await 10 curl -s -o /dev/null "http://127.0.0.1:$port/"
	BERTH_STATE=$(mktemp -d /tmp/berth-t.XXXXXX)
	export BERTH_STATE
	run -75 svc-up -s services -l "127.0.0.1:$port" 3>&-
	[ "$output" = "svc-up: the pipeline did not start: svc-proxy: 127.0.0.1:$port: Address already in use" ]
	[ "$(pgrep -c -f "$BERTH_STATE" || :)" -eq 0 ]
	rm -rf "$BERTH_STATE"
	unset BERTH_STATE
}

# stub NAME: a program of that name, from stdin, before all others in PATH.
stub() {
	mkdir -p stubs
	{ echo '#!/bin/sh'; cat; } >"stubs/$1"
	chmod +x "stubs/$1"
	PATH=$PWD/stubs:$PATH
}

# The functions of svc-up that keep a stage, and a TERM where it hurts most.
@test "svc-up: told to end while a stage is being started, it starts none" {
	mkdir -p state/pid state/log
	cat >told <<-END
	. "$root/share/lib.sh"
	dir=$PWD/state
	$(sed -n '/^signal_stage() {/,/^supervise() {/p' "$root/bin/svc-up" |
		sed '$d')
	run_stage() { exec sleep 600; }
	clock_cs() {
		clock_cs=1
		[ -n "\$ended" ] || sh -c 'kill -TERM \$PPID'
	}
	keep svc-x
	END
	run -0 timeout 20 sh -eu told
}

@test "svc-ps: what cannot be read is no table, and leaves nothing behind" {
	export BERTH_STATE=$PWD/state TMPDIR=$PWD/tmp
	mkdir tmp
	stub svc-discover <<<'echo "{\"kind\":\"instance\""'
	run -75 --separate-stderr svc-ps -q
	[ "${stderr_lines[-1]}" = 'svc-ps: what svc-discover says cannot be read' ]
	[ -z "$output" ]
	stub svc-discover <<<'echo "{\"kind\":\"instance\",\"service\":[]}"'
	run -75 --separate-stderr svc-ps -q
	[ "${stderr_lines[-1]}" = 'svc-ps: the answer cannot be read' ]
	[ -z "$output" ]
	stub svc-discover <<<'exit 2'
	run -2 --separate-stderr svc-ps -q
	[ "$stderr" = 'svc-ps: Slurm has not said which jobs there are' ]
	stub svc-discover <<<'[ "$1 $2" = "-- -x" ] && echo "{\"kind\":\"instance\",\"service\":\"-x\",\"job_id\":1}"'
	run -0 --separate-stderr svc-ps -q -- -x
	[ "${#lines[@]}" = 2 ]
	stub svc-discover <<<'kill -TERM "$PPID"'
	run -143 --separate-stderr svc-ps -q
	[ -z "$(ls tmp)" ]
}

@test "svc-logs: job ids have as many digits as Slurm gives them" {
	export BERTH_STATE=$PWD/state
	stub scontrol <<<'echo "   StdOut=$PWD/$3.out"'
	echo hello >67108863.out
	run -0 svc-logs one 67108863
	[ "$output" = "$(printf '==> %s <==\nhello' "$PWD/67108863.out")" ]
	for id in 0 12x 12345678901; do
		run -2 svc-logs one "$id"
		[ "$output" = "svc-logs: '$id' is not a job id" ]
	done
}

@test "svc-down --cancel: whatever is not over, and nothing if a service cannot be read" {
	export BERTH_STATE=$PWD/state
	stub svc-discover <<-'END'
	i=0
	for state in PENDING RUNNING SUSPENDED CONFIGURING REQUEUED REQUEUE_HOLD \
		RESIZING SIGNALING STOPPED STAGE_OUT REQUEUE_FED SPECIAL_EXIT \
		RESV_DEL_HOLD COMPLETED CANCELLED FAILED TIMEOUT NODE_FAIL \
		PREEMPTED BOOT_FAIL DEADLINE OUT_OF_MEMORY REVOKED COMPLETING; do
		i=$((i + 1))
		echo '{"kind":"instance","service":"one","job_id":'$i',"submit_at":5,"state":"'$state'"}'
	done
	END
	stub svc-submit <<<'cat >cancelled'
	mkdir -p services/one services/two
	echo '{"name":"one"}' >services/one/service.json
	echo '{"name":"two"}' >services/two/service.json
	run -0 svc-down --cancel
	[ "$output" = "svc-down: 13 jobs cancelled" ]
	jq .job_id cancelled | diff -u <(seq 13) -
	rm cancelled
	echo '{"name":' >services/one/service.json
	run -2 svc-down -q --cancel
	[[ ${lines[-1]} == "svc-down: a service in 'services' cannot be read; nothing was done" ]]
	[ ! -e cancelled ]
}

@test "svc-up -F stays, and ends its stages on SIGTERM" {
	use_cluster
	make_service front '.instances.min = 0'
	BERTH_STATE=$(mktemp -d /tmp/berth-t.XXXXXX)
	export BERTH_STATE
	port=$(free_port)
	spawn svc-up -F -s services -l "127.0.0.1:$port"
	supervisor=$pid
	await 20 eval 'status .version >/dev/null 2>&1'
	end_pid "$supervisor"
	wait "$supervisor"
	none_left
}

# is_new PID: is another process svc-proxy by now, and alone? Sets new.
is_new() {
	new=$(test_pids | xargs -r ps -o pid=,comm= -p |
		awk '$2 == "svc-proxy" { print $1 }')
	[[ $new =~ ^[0-9]+$ ]] && [ "$new" -ne "$1" ] &&
		[ "$(up_stage "$up" svc-proxy)" = "$new" ]
}

@test "svc-up: after a takeover the new svc-proxy is watched, and no other" {
	use_cluster
	make_service heir '.instances.min = 0'
	start_up
	for to in supervisor proxy; do
		await 20 is_new 0
		first=$new
		case $to in
		supervisor) kill -USR2 "$(up_pid "$up")" ;;
		proxy) kill -USR2 "$first" ;;
		esac
		await 20 is_new "$first"
		status '.draining == false' >/dev/null
	done
	! grep 'starting it again' "$up/log/svc-proxy.log" || return 1

	# one that has taken over, and dies, is started again: one, not two
	second=$new
	kill -KILL "$second"
	await 20 is_new "$second"
	await 20 eval 'status .version >/dev/null 2>&1'
	[ "$(grep -c 'starting it again' "$up/log/svc-proxy.log")" -eq 1 ]
	grep -qx "svc-up: svc-proxy ended, a process that had taken over; starting it again in 0 s" \
		"$up/log/svc-proxy.log"

	# the end of all, while one has just taken over
	kill -USR2 "$new"
	await 20 is_new "$new"
	svc-down -q
	none_left
	[ ! -e "$up/admin.sock" ]
}

@test "svc-up: what a killed one has left, an heir among it, is cleared away" {
	use_cluster
	make_service left '.instances.min = 0'
	start_up
	await 20 is_new 0
	kill -USR2 "$new"
	await 20 is_new "$new"
	left=$new
	mapfile -t supervisors < <(grep -lszxF -e "BERTH_UP=$up" \
		/proc/[0-9]*/environ | sed 's,^/proc/,,; s,/environ$,,')
	kill -KILL "${supervisors[@]}"
	await 20 pids_dead "${supervisors[@]}"	# until then svc-up runs already
	pid_is "$left" svc-proxy
	svc-up -q -i 1s -s services -l "127.0.0.1:$port" 3>&-
	! pid_alive "$left" || return 1
	await 20 is_new "$left"
}

@test "two svc-up at once are one pipeline" {
	use_cluster
	make_service race '.instances.min = 0'
	BERTH_STATE=$(mktemp -d /tmp/berth-t.XXXXXX)
	export BERTH_STATE
	port=$(free_port)
	svc-up -s services -l "127.0.0.1:$port" 3>&- 2>first &
	a=$!
	svc-up -s services -l "127.0.0.1:$port" 3>&- 2>second &
	b=$!
	wait "$a"
	wait "$b"
	grep -l 'it runs already' first second >later
	grep -l 'running: services from' first second >sooner
	[ "$(cat later sooner | sort | xargs)" = "first second" ]
}

@test "the systemd units are sound" {
	mkdir units
	for unit in "$root"/share/systemd/*; do
		sed "s|@BINDIR@|$root/bin|g" "$unit" >"units/${unit##*/}"
	done
	XDG_RUNTIME_DIR=$PWD run -0 systemd-analyze --user --man=no verify units/*
	[ "$output" = "" ]
}

# once: what berth-once.service runs.
once() {
	sed -n "s|@BINDIR@/||g; s/[\$][\$]/$/g; s/^ExecStart=.bin.sh -c '\(.*\)'$/\1/p" \
		"$root/share/systemd/berth-once.service" >script
	SERVICES="$PWD/my services" run "-$1" sh script
}

@test "systemd's timer: a stage that fails is seen" {
	stub svc-discover <<<'echo instances'
	stub svc-keepalive <<<'[ "$*" = "--once -s $PWD/my services --state=once.json" ] && sed s/instances/orders/'
	stub svc-submit <<<'sed "s/^/$* /"'
	once 0
	once 0
	diff -u - orders.ndjson <<<$'-k orders\n-k orders'
	stub svc-keepalive <<<'cat; exit 75'
	once 75
	stub svc-discover <<<'exit 2'
	once 2
	[ "$(wc -l <orders.ndjson)" = 2 ]
}

# main_is_new PID: has the unit another main process by now, and no other? Sets
# new.
main_is_new() {
	new=$(systemctl --user show -P MainPID berth-proxy)
	[ "$new" -ne 0 ] && [ "$new" -ne "$1" ] &&
		[ "$(systemctl --user show -P ActiveState berth-proxy)" = active ] &&
		[ "$(systemctl --user show -P ControlGroup berth-proxy |
			xargs -I{} cat "/sys/fs/cgroup{}/cgroup.procs")" = "$new" ]
}

# under_systemd: a user's systemd of this test's own, in cgroups of its own.
under_systemd() {
	unshare -m -C bash -euo pipefail <<-'END'
	umount -R /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	mount -t tmpfs none /run
	mkdir /run/systemd /run/systemd/system
	export HOME=$PWD/home XDG_RUNTIME_DIR=$PWD/home/run
	/lib/systemd/systemd --user --log-target=null &
	manager=$!
	await 20 test -S home/run/systemd/private
	# no stage is ever given up
	for stage in discover keepalive proxy submit; do
		systemctl --user show -P StartLimitIntervalUSec "berth-$stage"
	done >limits
	systemctl --user start berth-proxy
	await 20 main_is_new 0
	for n in 1 2 3; do
		before=$new
		curl -s "http://127.0.0.1:$port/" >>answers
		systemctl --user kill -s USR2 --kill-who=main berth-proxy
		await 20 main_is_new "$before"
	done
	systemctl --user show -P NRestarts berth-proxy >>restarts
	before=$new
	kill -KILL "$before"
	await 20 main_is_new "$before"
	systemctl --user show -P NRestarts berth-proxy >>restarts
	curl -s "http://127.0.0.1:$port/" >>answers
	systemctl --user kill -s USR2 --kill-who=main berth-proxy
	systemctl --user stop berth-proxy.socket berth-proxy
	systemctl --user show -P Result berth-proxy >>restarts
	[ -z "$(systemctl --user show -P ControlGroup berth-proxy)" ]
	kill "$manager"
	wait "$manager"
	END
}

@test "under systemd a new svc-proxy takes over, and is the one that is watched" {
	mkdir -p home/run home/.config/systemd/user home/services/hello
	chmod 700 home/run
	port=$(free_port)
	for unit in "$root"/share/systemd/*; do
		sed "s|@BINDIR@|$root/bin|g; s|:13013|:$port|" "$unit" \
			>"home/.config/systemd/user/${unit##*/}"
	done
	echo '{"name":"hello"}' >home/services/hello/service.json
	export port
	export -f $(compgen -A function | grep -v '^bats\|^test_')
	under_systemd
	printf '0\n0\n0\n0\n' | diff -u - limits
	printf '0\n1\nsuccess\n' | diff -u - restarts
	[ "$(grep -o 'no service has this path' answers | wc -l)" -eq 4 ]
}

@test "the stages joined as in the units: FIFOs, a socket passed, readiness told" {
	use_cluster
	make_service units
	mkdir fifo
	mkfifo fifo/instances fifo/demand fifo/orders
	port=$(free_port)
	url_base=http://127.0.0.1:$port
	socat -u unix-recvfrom:notify,fork - >told &
	await 5 test -S notify
	socket() {
		NOTIFY_SOCKET=$PWD/notify exec systemd-socket-activate \
			-l "127.0.0.1:$port" -E NOTIFY_SOCKET -E PATH -E BERTH_TEST svc-proxy \
			-s services <>fifo/instances 1<>fifo/demand
	}
	keeper() { exec svc-keepalive -s services <>fifo/demand 1<>fifo/orders; }
	submitter() { exec svc-submit <>fifo/orders >orders; }
	finder() { exec svc-discover -f -i 1s 1<>fifo/instances; }
	spawn socket
	spawn keeper
	spawn submitter
	spawn finder
	await 5 eval 'grep -qi ":$(printf %04X "$port") " /proc/net/tcp'
	await 40 answers units
	grep -q '^READY=1' told
	svc-discover units | jq -c 'select(.kind == "instance") |
	    {kind: "cancel", job_id, submit_at, why: "test"}' | svc-submit >cancelled
}
