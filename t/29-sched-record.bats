#!/usr/bin/env bats
# sched-sim's recordings, and why a job waits.

load helper
load sched-sim

setup() {
	test_setup
	three_jobs
}

# ---- recordings ----

# again ARGS...: a run of "jobs.ndjson", recorded, and replayed to the same bytes.
again() {
	sched-sim "$@" --record=film <jobs.ndjson >want
	[ -s want ]
	sched-sim -p replay "${@:1:2}" <film >got
	cmp want got
	# -c is in the recording too
	sched-sim -p replay <film >got
	cmp want got
	[ "$(stat -c %a film)" = 600 ]
}

page() { python3 "$root/t/unit/records.py" "$root/man/svc-records.5" "$@"; }

@test "record: the same bytes again, under every policy and option" {
	python3 "$root/t/model-sched.py" . 6 150 8
	local policy option
	for policy in fcfs easy conservative wfp3; do
		for option in --same-instant={batch,pyss} --allocate=ids; do
			again -c procs=6 -p $policy $option
		done
	done
	again -c procs=6 -p "exec:$root/examples/easy.py"
	# a recording of a recording, and another policy on the same input
	sched-sim -p replay --record=second <film >got
	cmp want got
	cmp film second
	sched-sim -c procs=6 -p sjf <jobs.ndjson >want
	sched-sim -c procs=6 -p sjf <film >got
	cmp want got
}

@test "record: rounds, from the same input and options" {
	python3 - >jobs.ndjson <<-'END'
	for i in range(60):
	    print('{"kind":"job","job_id":%d,"submit_at":%d,"gpus":%d,'
	          '"model":"%s","iters":%d}' % (i, i * 200, 1 << i % 4,
	          ("alexnet", "gnmt", "m5")[i % 3], 3000 + i * 100))
	END
	printf '%s\n' '[CLUSTER]' 'racks = 1' 'servers_per_rack = 2' \
		'gpus_per_server = 8' 'cpus_per_server = 24' \
		'dram_per_server = 500' 'sspeed_per_server = 500' >cluster.ini
	again -c cluster.ini -p srtf+tune+place --compat=synergy --rounds \
		--window=3:40
	again -c cluster.ini -p las --static
}

@test "record: nodes" {
	for i in 1 2 3; do
		echo '{"kind":"node","name":"n'$i'","cpus":'$((i * 4))',"mem_mb":1000}'
	done >nodes.ndjson
	python3 "$root/t/model-sched.py" . 12 80 8
	for policy in fcfs easy conservative "exec:$root/examples/easy.py"; do
		again -c nodes.ndjson -p "$policy"
		# a recording of a recording
		sched-sim -p replay --record=second <film >got
		cmp film second
		sched-sim -p replay <second >got
		cmp want got
	done
}

@test "record: what is in it, and a cluster record goes through" {
	{ echo '{"kind":"cluster","procs":4}'; cat in; echo '{"kind":"x"}'; } >jobs.ndjson
	sched-sim -p easy --record=film <jobs.ndjson >want
	diff -u - film <<-'END'
	{"kind":"sim","version":"0.1","policy":"easy","options":[]}
	{"kind":"cluster","procs":4}
	{"kind":"job","job_id":1,"submit_at":0,"cpus":3,"run_s":90,"limit_s":100,"user":"zoë","own":1}
	{"kind":"job","job_id":2,"submit_at":5,"cpus":4,"run_s":60,"state":"FAILED","cpu_s":3}
	{"kind":"job","job_id":3,"submit_at":5,"cpus":1,"run_s":50,"limit_s":90}
	{"kind":"start","at":0,"job_ids":[1]}
	{"kind":"start","at":5,"job_ids":[3]}
	{"kind":"start","at":90,"job_ids":[2]}
	{"kind":"end","of":"sim"}
	END
	sched-sim -p replay <film >got
	cmp want got
	grep -v '"kind":"job"' film >ours
	page check ours
	again -c procs=4 -p conservative --allocate=ids
	grep -v '"kind":"job"' film >ours
	page check ours
}

@test "record: one that was changed is refused" {
	local edit text
	sched-sim -c procs=4 -p easy --allocate=ids --record=film <in >/dev/null
	while IFS='|' read -r edit text; do
		sed "$edit" film >in
		refused "$text" -p replay
	done <<-'END'
	s/^\(.*\[1\].*\)/\1\n\1/|stdin:6: at 0: starts job 1, which was started at 0
	s/"at":5,/"at":4,/|stdin:6: at 4: starts job 3, which is submitted at 5
	s/"at":90,/"at":6,/|stdin:7: at 6: starts job 2, which needs 4 processors, and 0 are free
	s/"at":90,"job_ids":\[2\],"alloc":"0-3"/"at":60,"job_ids":[2],"alloc":"0-3"/|stdin:7: at 60: starts job 2, which needs 4 processors, and 1 are free
	/"kind":"job","job_id":3/d|stdin:5: at 5: starts job 3, which is not in the input
	/"at":90,/d|replay: job 2 waits for ever: at 90 nothing runs, and nobody else is to be submitted
	s/"at":5,/"at":1,/;s/"at":0,/"at":2,/|stdin:6: start: 1 is before the one before it
	s/"alloc":"3"/"alloc":"2"/|stdin:6: at 5: starts job 3 on machines that are not free, or not 1
	s/"alloc":"3"/"alloc":"4"/|stdin:6: at 5: alloc: 4 is not between 0 and 3
	s/"alloc":"3"/"alloc":""/|stdin:6: at 5: alloc: '' is not a number
	s/"at":5,//|stdin:6: start: 'at' is missing
	s/\[3\]/3/|stdin:6: start: 'job_ids' must be an array
	/"kind":"end"/d|stdin: the recording has no end: a part of it is missing
	2,$d|stdin: the recording has no end: a part of it is missing
	s/--allocate=ids/--record=x/|sim: '--record=x' is no option of a recording
	s/--allocate=ids/--static=x/|sim: '--static=x' is no option of a recording
	s/--allocate=ids/--rounds/|--rounds is only for policies of rounds
	s/"policy":"easy"/"policy":"x"/|sim: policy 'x' is not known
	1d|replay: the input does not begin with a sim record, as --record writes it
	END
	# one after all have ended
	sed 's/^\(.*\[2\].*\)/\1\n{"kind":"start","at":900,"job_ids":[1]}/' film >in
	refused "stdin:8: at 900: starts job 1, which was started at 0" -p replay
}

@test "record: nothing is left of a run that fails; a full disk is 75" {
	rc=0
	( trap '' XFSZ; ulimit -f 0; sched-sim -c procs=4 -p easy \
		--record=film <in >/dev/null 2>said ) || rc=$?
	[ "$rc" = 75 ]
	[ ! -e film ]
	refused "x/film: No such file or directory" -c procs=4 -p easy \
		--record=x/film
	refused "/tmp: Is a directory" -c procs=4 -p easy --record=/tmp
	printf '#!/bin/sh\nread -r line\necho none\nread -r line\n' >policy
	chmod +x policy
	run -2 --separate-stderr sched-sim -c procs=4 -p exec:./policy \
		--record=film <in
	[[ $stderr == "sched-sim: exec:./policy: at 0: its answers:1: "* ]]
	sched-sim -n -c procs=4 -p easy --record=film <in
	[ "$(echo film*)" = 'film*' ]
}

@test "record: nothing is kept of a run that could not be written" {
	local rc=0
	sched-sim -c procs=4 -p easy --record=film <in >/dev/full 2>said || rc=$?
	[ "$rc" = 75 ]
	diff -u - said <<<"sched-sim: stdout: No space left on device"
	[ "$(echo film*)" = 'film*' ]
}

# ---- why a job waits ----

# why ID ARGS...: what is said of it, in "got"; the jobs are as without that.
why() {
	sched-sim -c procs=4 "${@:2}" <in >want
	sched-sim -c procs=4 "${@:2}" --explain="$1" <in >out
	jq -r 'select(.kind == "event") | "\(.at) \(.why)"' out >got
	grep -v '"event":"waits","job_id":'"$1," out | cmp want -
	page check out
}

@test "explain: each policy says why, with numbers" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"cpus":2,"run_s":90,"limit_s":100}
	{"kind":"job","job_id":2,"submit_at":5,"cpus":4,"run_s":60,"limit_s":70}
	{"kind":"job","job_id":3,"submit_at":6,"cpus":1,"run_s":90,"limit_s":99}
	{"kind":"job","job_id":4,"submit_at":7,"cpus":3,"run_s":9,"limit_s":9}
	{"kind":"job","job_id":5,"submit_at":8,"cpus":1,"run_s":10,"limit_s":10}
	END
	said() { diff -u - got || { echo "$*"; return 1; }; }
	why 2 -p fcfs
	said 2 fcfs <<-'END'
	5 it is the first in line, and needs 4 processors, 2 are free
	6 it is the first in line, and needs 4 processors, 2 are free
	7 it is the first in line, and needs 4 processors, 2 are free
	8 it is the first in line, and needs 4 processors, 2 are free
	END
	why 5 -p fcfs
	said 5 fcfs <<-'END'
	8 job 2 before it needs 4 processors, 2 are free
	90 job 3 before it needs 1 processor, 0 are free
	150 it is the first in line, and needs 1 processor, 0 are free
	END
	why 3 -p easy
	said 3 easy <<-'END'
	6 it would delay job 2, which can start at 100: its limit ends at 105, it needs 1 processor, and 0 are extra
	7 it would delay job 2, which can start at 100: its limit ends at 106, it needs 1 processor, and 0 are extra
	8 it would delay job 2, which can start at 100: its limit ends at 107, it needs 1 processor, and 0 are extra
	18 it would delay job 2, which can start at 100: its limit ends at 117, it needs 1 processor, and 0 are extra
	90 it is the first in line, and needs 1 processor, 0 are free
	END
	why 4 -p easy
	said 4 easy <<-'END'
	7 it needs 3 processors, 2 are free
	8 it needs 3 processors, 1 is free
	18 it needs 3 processors, 2 are free
	90 it needs 3 processors, 0 are free
	END
	why 3 -p easy --allocate=ids
	head -n 1 got >first
	diff -u - first <<<"6 it needs 1 machine until its limit at 105, and of the 2 that are free job 2 has reserved some before"
	why 4 -p conservative
	head -n 1 got >first
	diff -u - first <<<"7 it has a reservation at 170, and needs 3 processors, 2 are free"
	why 5 -p wfp3
	head -n 1 got >first
	diff -u - first <<<"8 job 4 before it needs 3 processors, 2 are free"
	why 3 -p "exec:$root/examples/easy.py"
	head -n 1 got >first
	diff -u - first <<<"6 exec did not start it; it needs 1 processor, 2 are free"
	refused "job 9, to be explained, is not in the input" -c procs=4 -p easy --explain=9
	refused "--explain: 'x' is not a number" -c procs=4 -p easy --explain=x
}
