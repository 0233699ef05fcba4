#!/usr/bin/env bats
# sched-sim where decisions come from outside: a program (exec:).

load helper
load sched-sim

setup() {
	test_setup
	three_jobs
}

# program: makes ./policy, of Python from stdin; p is the pass that was read,
# say(X) answers, start(ID...) too.
program() {
	{
		cat <<-'END'
		#!/usr/bin/env python3
		import json, os, signal, sys, time
		def say(x):
		    print(json.dumps(x), flush=True)
		def start(*ids, **more):
		    say(dict({"kind": "start", "job_ids": ids}, **more))
		n = 0
		for line in sys.stdin:
		    n += 1
		    p = json.loads(line)
		END
		sed 's/^/    /'
	} >policy
	chmod +x policy
}

# blamed TEXT: the program "policy" is refused for that reason.
blamed() {
	refused "exec:./policy: $1" -c procs=4 -p exec:./policy "${@:2}"
}

# ---- what it reads ----

@test "exec: one line a pass, what has changed since the last; never how long" {
	cat >policy <<-'END'
	#!/bin/sh
	while read -r line; do
		printf '%s\n' "$line" >>lines
		case $line in
		*'"at":0,'*) ids=1 ;;
		*'"at":90,'*) ids=2 ;;
		*'"at":150,'*) ids=3 ;;
		*) ids= ;;
		esac
		printf '{"kind":"start","job_ids":[%s]}\n' "$ids"
	done
	END
	chmod +x policy
	sched-sim -c procs=4 -p exec:./policy <in >out
	jq -r '[.job_id,.start_at,.end_at] | @tsv' out | diff -u - <(
		printf '%s\t%s\t%s\n' 1 0 90 2 90 150 3 150 200)
	same_ndjson lines - <<-'END'
	{"kind":"pass","at":0,"procs":4,"free":4,"ended":[],"submitted":[{"job_id":1,"submit_at":0,"cpus":3,"limit_s":100,"user":"zoë"}]}
	{"kind":"pass","at":5,"procs":4,"free":1,"ended":[],"submitted":[{"job_id":2,"submit_at":5,"cpus":4,"limit_s":60},{"job_id":3,"submit_at":5,"cpus":1,"limit_s":90}]}
	{"kind":"pass","at":90,"procs":4,"free":4,"ended":[1],"submitted":[]}
	{"kind":"pass","at":150,"procs":4,"free":4,"ended":[2],"submitted":[]}
	{"kind":"pass","at":200,"procs":4,"free":4,"ended":[3],"submitted":[]}
	END
}

@test "exec: its standard error is people's, its end is awaited" {
	cat >policy <<-'END'
	#!/bin/sh
	echo "begins" >&2
	while read -r line; do
		echo '{"kind":"start","job_ids":[]}'
	done
	echo "ends" >&2
	: >ended
	END
	chmod +x policy
	: >none
	run -0 --separate-stderr sched-sim -c procs=4 -p exec:./policy <none
	[ "$stderr" = $'begins\nends' ]
	[ -e ended ]
}

@test "exec: arguments are split at blanks, a backslash keeps one; no shell" {
	mkdir 'a dir'
	cat >'a dir/policy' <<-'END'
	#!/bin/sh
	printf '<%s>\n' "$@" >args
	while read -r line; do
		echo '{"kind":"start","job_ids":[]}'
	done
	END
	chmod +x 'a dir/policy'
	: >none
	sched-sim -c procs=4 -p 'exec:  a\ dir/policy  $(id) ; a\\b "x y"  ' <none
	diff -u - args <<-'END'
	<$(id)>
	<;>
	<a\b>
	<"x>
	<y">
	END
	refused "exec:  : there is no command" -c procs=4 -p 'exec:  '
	refused "exec:./gone: ./gone: No such file or directory" \
		-c procs=4 -p exec:./gone
	: >text
	refused "exec:./text: ./text: Permission denied" \
		-c procs=4 -p exec:./text
}

@test "exec: it wakes when it wants to" {
	program <<-'END'
	if p["at"] == 0: start(wake_at=3)
	elif p["at"] == 3: start(1, wake_at=95)
	elif p["at"] == 95: start(2)
	elif p["at"] == 155: start(3)
	else: start(wake_at=95 if p["at"] < 95 else 1000)
	END
	sched-sim -c procs=4 -p exec:./policy <in >out
	jq -r '[.job_id,.start_at] | @tsv' out |
		diff -u - <(printf '%s\t%s\n' 1 3 2 95 3 155)
}

@test "exec: a pass that is too much for one line comes in several" {
	python3 - >in <<-'END'
	for i in range(20000):
	    print('{"kind":"job","job_id":%d,"submit_at":0,"cpus":1,"run_s":9,'
	          '"comment":"%s"}' % (10**12 + i, "x" * 60))
	END
	program <<-'END'
	if n == 1: new, gone, lengths = [], [], []
	lengths.append(len(line))
	new += [j["job_id"] for j in p["submitted"]]
	gone += p["ended"]
	if "more" in p: continue
	start(*[i for i in new[:p["free"]]])
	del new[:p["free"]]
	if len(gone) == 20000:
	    assert len(set(gone)) == 20000 and n > 6 and max(lengths) < 2**20
	    open("good", "w")
	END
	sched-sim -c procs=20000 -p exec:./policy <in >out
	[ -e good ]
	sched-sim -c procs=20000 -p fcfs <in | cmp - out
}

@test "exec: machines are named, lowest first; as pyss, a pass an event" {
	python3 "$root/t/model-sched.py" . 7 100 4
	for option in --allocate=ids --same-instant=pyss; do
		sched-sim -c procs=7 -p easy --same-instant=pyss \
			<jobs.ndjson >want
		[ $option = --same-instant=pyss ] ||
			sched-sim -c procs=7 -p fcfs $option \
				<jobs.ndjson >want
		program <<-'END'
		if n == 1: queue = []
		queue += p["submitted"]
		ids = []
		while queue and queue[0]["cpus"] <= p["free"]:
		    p["free"] -= queue[0]["cpus"]
		    ids.append(queue.pop(0)["job_id"])
		start(*ids)
		END
		cmd=./policy
		[ $option = --allocate=ids ] || cmd=$root/examples/easy.py
		sched-sim -c procs=7 -p "exec:$cmd" $option \
			<jobs.ndjson >out
		cmp want out
	done
}

# ---- what it may not ----

# answers LINE...: makes ./policy, which answers each pass with the next LINE:
# as it is, or the ids of a start record.
answers() {
	local line
	for line; do
		case $line in
		*[a-z[]*) printf '%s\n' "$line" ;;
		*) printf '{"kind":"start","job_ids":[%s]}\n' "$line" ;;
		esac
	done >answers
	cat >policy <<-'END'
	#!/bin/sh
	exec 3<answers
	while read -r line && read -r answer <&3; do
		printf '%s\n' "$answer"
	done
	read -r line || :
	END
	chmod +x policy
}

@test "exec: decisions that cannot be" {
	while IFS='|' read -r one two text; do
		answers "$one" ${two:+"$two"}
		blamed "$text"
	done <<-'END'
	1,1||at 0: starts job 1, which was started at 0
	1|3,1|at 5: starts job 1, which was started at 0
	7||at 0: starts job 7, which is not in the input
	2||at 0: starts job 2, which is submitted at 5
	1|3,2|at 5: starts job 2, which needs 4 processors, and 0 are free
	"1"||at 0: start: 'job_ids' must be integers
	{"kind":"start"}||at 0: start: 'job_ids' must be an array
	{"kind":"start","job_ids":[],"wake_at":0}||at 0: wants to wake at 0, which has passed
	1|{"kind":"start","job_ids":[3],"wake_at":4}|at 5: wants to wake at 4, which has passed
	1|{"kind":"start","job_ids":[3],"wake_at":"x"}|at 5: start: 'wake_at' must be an integer
	{"kind":"begin","job_ids":[]}||at 0: its answer is not a start record
	[]||at 0: its answers:1: not a JSON object
	END
	answers ' ' ' '
	sed -i 's/: \[ \]/: []/' answers
	refused "exec:./policy: job 1 waits for ever: at 5 nothing runs, and nobody else is to be submitted" -c procs=4 -p exec:./policy
}

@test "exec: a line that is too long" {
	printf '#!/bin/sh\nread -r line\nhead -c 2000000 /dev/zero | tr "\\0" x\nread -r line\n' >policy
	chmod +x policy
	blamed "at 0: its answers:1: line longer than 1048576 bytes"
}

@test "exec: answers that are none" {
	program <<<'print("hello", flush=True)'
	run -2 --separate-stderr sched-sim -c procs=4 -p exec:./policy <in
	[[ $stderr == "sched-sim: exec:./policy: at 0: its answers:1: "* ]]
	[ -z "$output" ]
	program <<<'start(1); start(1); time.sleep(9)'
	run -2 --separate-stderr sched-sim -c procs=4 -p exec:./policy <in
	[[ $stderr == "sched-sim: exec:./policy: at 5: "* ]]
	[ -z "$output" ]
}

# What runs of them; who looks is not meant.
no_policy() {
	test_pids >pids
	xargs ps -o args= -p <pids >left || :
	! grep -qF 'python3 ./policy' left
}

@test "exec: it dies, closes its pipes, hangs" {
	program <<<'sys.exit(3)'
	blamed "at 0: it has ended, with status 3"
	program <<<'os.kill(os.getpid(), 9)'
	blamed "at 0: signal 9 has killed it"
	program <<<'start(1) if n < 2 else sys.exit()'
	blamed "at 5: it has ended, with status 0"
	program <<<'os.close(1); time.sleep(99)'
	blamed "at 0: it has closed its output"
	program <<<'os.close(0); start(1); time.sleep(99)'
	blamed "at 5: it has closed its input"
	program <<<'time.sleep(99)'
	blamed "at 0: no answer in time" --timeout=300ms
	# a line that never ends, a program that never reads
	program <<<'print("{", end="", flush=True); time.sleep(99)'
	blamed "at 0: no answer in time" -t 300ms
	# what it started is killed with it
	await 10 no_policy
}

@test "exec: one that does not end after the last line is killed, and it is said" {
	answers 1 ' '
	echo 'exec sleep 99' >>policy
	head -n 1 in >one
	run -0 --separate-stderr sched-sim -c procs=4 -p exec:./policy \
		-t 3s <one
	[ "$(jq -c '[.job_id,.end_at]' <<<"$output")" = '[1,90]' ]
	[ "$stderr" = "sched-sim: exec:./policy: it had to be killed" ]
}

@test "exec: --timeout is its alone" {
	refused "--timeout is only for exec:CMD" -c procs=4 -p easy -t 5s
	refused "--timeout: no program answers in no time" \
		-c procs=4 -p exec:x -t 0
	refused "--timeout: 'x' is not a duration (30s, 5m, 2h, 1-12:00:00)" -c procs=4 -p exec:x -t x
}
