#!/usr/bin/env bats
# sched-sim under the eyes of a person: progress on a terminal, interrupts; and
# the head of its input.

load helper

# many N: jobs of which most wait, for long on one processor.
many() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++)
			printf "{\"kind\":\"job\",\"job_id\":%d," \
				"\"submit_at\":%d,\"cpus\":1,\"run_s\":%d}\n",
				i, i, 50 + i % 100
	}'
}

# begin ARGS...: sched-sim in the background, with signals as a shell's own.
begin() {
	spawn env --default-signal=INT,TERM sched-sim "$@" >out 2>said
}

# servers: one with 12 processors and 4 GPUs, in cluster.ini.
servers() {
	printf '%s\n' '[CLUSTER]' 'racks = 1' "servers_per_rack = ${1:-1}" \
		'gpus_per_server = 4' 'cpus_per_server = 12' \
		'dram_per_server = 500' 'sspeed_per_server = 500' >cluster.ini
}

# ended STATUS: so does what was spawned.
ended() {
	local rc=0
	wait "$pid" || rc=$?
	[ "$rc" = "$1" ] || { echo "status $rc"; cat said; return 1; }
}

# slow: makes ./slow, which starts what was submitted, and at 5 thinks for ever.
slow() {
	cat >slow <<-'END'
	#!/bin/sh
	while read -r line; do
		case $line in
		*'"at":5,'*) : >reached; exec sleep 99 ;;
		*'"at":0,'*) echo '{"kind":"start","job_ids":[1,2]}' ;;
		*) echo '{"kind":"start","job_ids":[]}' ;;
		esac
	done
	END
	chmod +x slow
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"cpus":3,"run_s":90}
	{"kind":"job","job_id":2,"submit_at":0,"cpus":1,"run_s":4}
	{"kind":"job","job_id":3,"submit_at":5,"cpus":1,"run_s":50}
	END
}

# ---- interrupts ----

@test "interrupt: what has ended is written, and it is said; the program too ends" {
	slow
	for signal in INT TERM; do
		rm -f reached
		begin -c procs=4 -p exec:./slow <in
		await 20 test -e reached
		kill -$signal "$pid"
		ended 75
		diff -u - said <<<"sched-sim: interrupted at simulated time 5: 1 of 3 jobs have ended"
		diff -u - out <<-'END'
		{"kind":"job","job_id":2,"submit_at":0,"cpus":1,"start_at":0,"end_at":4,"wait_s":0,"run_s":4}
		END
		[ -z "$(test_pids | xargs -r ps -o args= -p | grep -x 'sleep 99')" ]
	done
}

@test "interrupt: in the midst of a simulation" {
	many 100000 >in
	begin -v -c procs=1 -p wfp3 <in
	await 60 grep -q 'jobs read' said
	kill -INT "$pid"
	ended 75
	sed -n 's/.*interrupted at simulated time [0-9]*: \([0-9]*\) of 100000 jobs have ended$/\1/p' said >count
	[ "$(wc -l <out)" = "$(cat count)" ]
	[ "$(cat count)" -lt 100000 ]
	# of these, the truth
	head -n 2000 in >few
	sched-sim -c procs=1 -p wfp3 <few | head -n 50 >want
	head -n 50 out | diff -u <(head -n "$(wc -l <out)" want) -
}

@test "interrupt: in the midst of rounds" {
	servers
	awk 'BEGIN {
		for (i = 1; i <= 20000; i++)
			printf "{\"kind\":\"job\",\"job_id\":%d," \
				"\"submit_at\":%d,\"gpus\":1," \
				"\"model\":\"gnmt\",\"iters\":%d}\n", i, i,
				400000 + i % 7 * 9000
	}' >in
	begin -v --compat=synergy -c cluster.ini -p ftf <in
	await 60 grep -q 'jobs read' said
	kill -INT "$pid"
	ended 75
	sed -n 's/.*interrupted at simulated time [0-9]*: \([0-9]*\) of 20000 jobs have ended$/\1/p' said >count
	[ "$(wc -l <out)" = "$(cat count)" ]
	[ "$(cat count)" -lt 20000 ]
	[ "$(jq -s 'map(select(.end_at | not)) | length' out)" = 0 ]
}

@test "interrupt: while it reads, nothing is known" {
	servers
	for policy in easy 'fifo --compat=synergy'; do
		mkfifo feed
		exec 9<>feed
		begin -c cluster.ini -p $policy <feed 9>&-
		echo '{"kind":"event","event":"none"}' >&9
		taken() { [ "$(awk '/^State/ { print $2 }' /proc/$pid/status)" = S ]; }
		await 20 taken
		kill -TERM "$pid"
		exec 9>&-
		ended 75
		[ ! -s out ]
		grep -qxE 'sched-sim: interrupted after [01] lines of the input; nothing was simulated' said
		rm feed
	done
}

@test "interrupt: while it writes, at the end of a record" {
	many 5000 >in
	mkfifo sink
	exec 8<>sink
	spawn env --default-signal=INT,TERM sched-sim -v -c procs=9000 \
		-p fcfs <in >sink 2>said 8>&-
	await 60 grep -q 'simulated' said
	full() { [ "$(awk '/^State/ { print $2 }' /proc/$pid/status)" = S ]; }
	await 20 full
	kill -INT "$pid"
	exec 7<sink 8>&-
	cat <&7 >out
	exec 7<&-
	ended 75
	grep -qE '^sched-sim: interrupted: [0-9]+ of 5000 jobs are written$' said
	[ "$(jq -c .kind out | sort -u)" = '"job"' ]
	[ "$(wc -l <out)" = "$(sed -n 's/.*interrupted: \([0-9]*\) of .*/\1/p' said)" ]
}

@test "interrupt: when all has ended and nothing is written" {
	cat >late <<-'END'
	#!/bin/sh
	while read -r line; do
		case $line in
		*'"at":0,'*) echo '{"kind":"start","job_ids":[1]}' ;;
		*) echo '{"kind":"start","job_ids":[]}' ;;
		esac
	done
	: >reached
	read -r line <go
	END
	chmod +x late
	many 1 | sed 's/"submit_at":1/"submit_at":0/' >in
	mkfifo go
	begin -c procs=1 -p exec:./late <in
	await 20 test -e reached
	kill -INT "$pid"
	echo >go
	ended 75
	[ ! -s out ]
	diff -u - said <<<"sched-sim: interrupted: 0 of 1 jobs are written"
}

@test "interrupt: the second one kills" {
	many 100000 >in
	slow
	sed -i 's/exec sleep 99/trap "" INT TERM; exec sleep 99/' slow
	begin -c procs=4 -p exec:./slow <in
	await 20 test -e reached
	kill -STOP "$pid"
	kill -INT "$pid"
	kill -TERM "$pid"
	kill -CONT "$pid"
	ended 75
}

@test "interrupt: one that is ignored from the beginning stays so" {
	slow
	sed -i 's/: >reached; exec sleep 99/: >reached; read -r x <go; echo no/' slow
	mkfifo go
	spawn env --ignore-signal=INT sched-sim -c procs=4 -p exec:./slow \
		<in >out 2>said
	await 20 test -e reached
	kill -INT "$pid"
	echo >go
	ended 2
	grep -qF 'exec:./slow: at 5: its answers:' said
}

# ---- progress ----

@test "progress: on a terminal, while it reads and while it simulates" {
	unset NO_COLOR
	export TERM=xterm
	many 40000 >in
	SECONDS=0
	BERTH_TERM_INT="20 of 40000 jobs" run -75 python3 "$root/t/term.py" 80 \
		sched-sim -c procs=1 -p wfp3 <in >out
	grep -qE '^(simulating )?\[[=> ]{10,}\] +[0-9]+% [0-9]+ of 40000 jobs, [0-9:]+ left, [0-9]+/s, at [0-9]+$' drawn
	# drawn ten times a second at most, and taken away before it is said
	[ "$(grep -c 40000 drawn)" -le $((10 * SECONDS + 15)) ]
	tail -n 1 drawn | grep -qxE 'sched-sim: interrupted at simulated time [0-9]+: [0-9]+ of 40000 jobs have ended\|'
}

@test "progress: not in a file, nor with -q, nor with NO_COLOR" {
	export TERM=xterm
	many 3000 >in
	sched-sim -c procs=1 -p wfp3 <in >want 2>said
	[ ! -s said ]
	for option in -q -k; do
		unset NO_COLOR
		[ $option = -q ] || export NO_COLOR=1
		python3 "$root/t/term.py" 80 sched-sim $option \
			-c procs=1 -p wfp3 <in >out
		[ ! -s drawn ]
		cmp want out
	done
}

# ---- the head of the input ----

@test "a cluster record says how large the cluster is, and is passed on" {
	many 3 >jobs
	{
		echo '{"kind": "cluster", "name":"c", "procs":2, "own":[1]}'
		cat jobs
	} >in
	sched-sim -c procs=2 -p easy <jobs >want
	sched-sim -p easy <in >out
	diff -u - out < <(
		echo '{"kind":"cluster","name":"c","procs":2,"own":[1]}'
		cat want)
	# -c is right, and what was simulated is said
	sched-sim -c procs=1 -p easy <jobs >want
	sched-sim -c procs=1 -p easy <in >out
	diff -u - out < <(
		echo '{"kind":"cluster","name":"c","procs":1,"own":[1]}'
		cat want)
	sched-sim -p easy -n <in >out
	[ ! -s out ]
}

@test "a cluster record before rounds: processors and GPUs of the file" {
	servers 2
	echo '{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","iters":9}' >jobs
	{ echo '{"kind":"cluster","gpus":1}'; cat jobs; } >in
	sched-sim --compat=synergy --rounds -c cluster.ini -p fifo <jobs >want
	sched-sim --compat=synergy --rounds -c cluster.ini -p fifo <in >out
	diff -u - out < <(
		echo '{"kind":"cluster","gpus":8,"procs":24}'
		cat want)
}

@test "no cluster anywhere, or one that cannot be" {
	refused() {
		run -2 --separate-stderr sched-sim "${@:2}" <in
		[ "$stderr" = "sched-sim: $1" ] || { echo "$stderr"; false; }
		[ -z "$output" ]
	}
	: >in
	refused "no -c, and the input does not begin with a cluster record that has procs" -p easy
	refused "rounds need servers: -c with an ini file, or node records" \
		-p fifo --compat=synergy
	many 2 >in
	echo '{"kind":"cluster","procs":2}' >>in
	refused "no -c, and the input does not begin with a cluster record that has procs" -p easy
	echo '{"kind":"cluster","gpus":2}' >in
	refused "no -c, and the input does not begin with a cluster record that has procs" -p easy
	echo '{"kind":"cluster","procs":0}' >in
	refused "stdin:1: cluster: 'procs' must be 1 to 9007199254740992" -p easy
	echo '{"kind":"cluster","procs":9000000000}' >in
	refused "stdin: more than 1073741824 processors" -p easy
}
