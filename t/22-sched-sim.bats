#!/usr/bin/env bats
# sched-sim's space sharing: every golden case of other simulators to the job
# and the second, and workloads by chance against t/model-sched.py, which shares
# nothing with it; then records, options and what is refused.

load helper
load sched-sim

# shellcheck source=t/golden.sh
. "$root/t/golden.sh"

# golden POLICY HOW: all cases of that policy and variant, of which there must
# be some.
golden() {
	local file n=0
	for file in "$golden_data/golden/"*".$1.$2.starts.tsv.gz"; do
		golden_there "golden/${file##*/}" && golden_starts "$file"
		echo "$golden_name: $golden_same of $golden_jobs"
		[ "$golden_same" -eq "$golden_jobs" ]
		n=$((n + golden_jobs))
	done
	[ "$n" -gt 0 ]
}

# tsv FIELD...: these of the records in "out".
tsv() {
	local IFS=,
	jq -r "[$*] | @tsv" out
}

# ---- golden ----

@test "golden: fcfs, one pass an instant" { golden fcfs batch; }
@test "golden: fcfs, as pyss" { golden fcfs pyss; }
@test "golden: easy, one pass an instant" { golden easy batch; }
@test "golden: easy, as pyss" { golden easy pyss; }
@test "golden: easy-sjbf, one pass an instant" { golden easy-sjbf batch; }
@test "golden: easy-sjbf, as pyss" { golden easy-sjbf pyss; }
@test "golden: conservative, one pass an instant" { golden conservative batch; }
@test "golden: conservative, as pyss" { golden conservative pyss; }
@test "golden: easy on named machines, as Batsim" { golden easy batsim; }
@test "golden: conservative on named machines, as Batsim" {
	golden conservative batsim
}

# ---- the model ----

# by_chance SEED...: all policies, in all ways, against the model.
by_chance() {
	local seed procs want name how option
	for seed; do
		procs=$((1 + seed % 12))
		python3 "$root/t/model-sched.py" . "$procs" 60 "$seed"
		for want in *.want; do
			name=${want%.want}
			how=${name##*.}
			case $how in
			ids) option=--allocate=ids ;;
			*) option=--same-instant=$how ;;
			esac
			sched-sim -c "procs=$procs" -p "${name%.*}" \
				"$option" <jobs.ndjson >out
			tsv .job_id .start_at .end_at '(.alloc // empty)' |
				diff -u "$want" - || {
				echo "seed $seed, $procs processors, $name"
				return 1
			}
		done
		[ "$(ls ./*.want | wc -l)" = 27 ]
	done
}

@test "model: 1, 2 and 3 processors" { by_chance 12 1 2; }
@test "model: 4 to 6 processors" { by_chance 3 4 5; }
@test "model: 7 to 9 processors" { by_chance 6 7 8; }
@test "model: 10 to 12 processors" { by_chance 9 10 11; }

@test "model: more than 64 machines" {
	python3 "$root/t/model-sched.py" . 130 80 1
	for policy in easy easy-sjbf conservative fcfs; do
		sched-sim -c procs=130 -p "$policy" --allocate=ids \
			<jobs.ndjson >out
		tsv .job_id .start_at .end_at .alloc |
			diff -u "$policy.ids.want" -
	done
}

@test "many ends and a deep queue: still what the model says" {
	# more ends than a block holds, split and emptied again
	python3 - >in <<-'END'
	import random
	rng = random.Random(5)
	for i in range(3000):
	    limit = rng.randint(1, 90000)
	    print('{"kind":"job","job_id":%d,"submit_at":%d,"cpus":%d,'
	          '"limit_s":%d,"run_s":%d}' % (i, i, rng.choice([1, 1, 1, 400]),
	          limit, rng.randint(0, limit)))
	END
	sched-sim -c procs=900 -p easy <in >out
	tsv .submit_at .start_at .end_at .cpus .job_id .limit_s >rows
	python3 - rows 900 <<-'END'
	import sys
	rows = [tuple(map(int, l.split())) for l in open(sys.argv[1])]
	procs, ends = int(sys.argv[2]), [r[2] for r in rows]
	assert ends == sorted(ends) and len(rows) == 3000
	# the head, whoever it is, starts no later than it could have by limits
	by_id = sorted(rows, key=lambda r: r[4])
	for t in sorted({r[0] for r in rows} | set(ends)):
	    running = [r for r in rows if r[1] <= t < r[2]]
	    used = sum(r[3] for r in running)
	    assert used <= procs, (t, used)
	    waiting = [r for r in by_id if r[0] <= t < r[1]]
	    if waiting:
	        assert used + waiting[0][3] > procs, (t, waiting[0])
	END
}

# ---- records ----

@test "a record comes out with what it had, and what was found out" {
	cat >in <<-'END'
	{"kind":"event","event":"none"}
	{"kind":"job","job_id":7,"user":"zoë","submit_at":10,"run_s":5,"limit_s":9,"cpus":3,"own":{"a":[1,2.50]}}
	 { "kind" : "job", "wait_s":3, "job_id": 8, "submit_at":10, "start_at":20, "end_at":23, "nodes":"n1", "alloc":"5", "cpus":2, "note":"a\"b" }
	END
	sched-sim -c procs=4 -p fcfs <in >out
	diff -u - out <<-'END'
	{"kind":"job","job_id":7,"user":"zoë","submit_at":10,"limit_s":9,"cpus":3,"own":{"a":[1,2.50]},"start_at":10,"end_at":15,"wait_s":0,"run_s":5}
	{"kind":"job","job_id":8,"submit_at":10,"cpus":2,"note":"a\"b","start_at":15,"end_at":18,"wait_s":5,"run_s":3}
	END
}

@test "a job that would run longer than its limit ends there" {
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":50,"limit_s":30,"cpus":1}' >in
	sched-sim -c procs=1 -p easy <in >out
	diff -u - <(tsv .start_at .end_at .run_s) <<<$'0\t30\t30'
}

@test "machines are named, lowest first" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"run_s":9,"cpus":2}
	{"kind":"job","job_id":2,"submit_at":0,"run_s":1,"cpus":1}
	{"kind":"job","job_id":3,"submit_at":0,"run_s":8,"cpus":1}
	{"kind":"job","job_id":4,"submit_at":2,"run_s":1,"cpus":3}
	END
	sched-sim -c procs=70 -p fcfs --allocate=ids <in >out
	tsv .job_id .alloc | diff -u - <(cat <<-'END'
	2	2
	4	2,4-5
	3	3
	1	0-1
	END
	)
}

@test "the CPUs of an ini file are processors" {
	cat >cluster.ini <<-'END'
	[CLUSTER]
	racks = 1
	servers_per_rack = 2
	gpus_per_server = 8
	cpus_per_server = 3
	dram_per_server = 500
	sspeed_per_server = 500
	END
	for i in 1 2 3; do
		echo '{"kind":"job","job_id":'$i',"submit_at":0,"run_s":5,"cpus":3}'
	done >in
	sched-sim -c cluster.ini -p fcfs <in >out
	diff -u - <(tsv .start_at) <<<$'0\n0\n5'
}

@test "no jobs, no records; -n reads and writes none" {
	: >in
	run -0 sched-sim -c procs=1 -p conservative <in
	[ -z "$output" ]
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":1}' >in
	run -0 --separate-stderr sched-sim -nv -c procs=1 -p easy <in
	[ -z "$output" ]
	[ "$stderr" = "sched-sim: 1 jobs read" ]
	run -0 --separate-stderr sched-sim -v -c procs=1 -p easy <in
	[ "$stderr" = "sched-sim: 1 jobs read
sched-sim: 1 jobs simulated, the last ends at 5" ]
}

@test "the examples of the page" {
	mandoc -T ascii "$root/man/sched-sim.1" | col -bx |
		sed -n '/^EXAMPLES/,/^     Last month/s/^       *//p' >example
	[ "$(grep -c '^sched-sim' example)" = 2 ]
	ln -s "$root/examples" .
	sh -e example >out
	tsv .job_id .start_at .end_at | diff -u - <(
		for _ in easy exec; do
			printf '%s\t%s\t%s\n' 4 7 57 1 0 90 2 90 150 3 150 200
		done)
}

@test "same input, same bytes" {
	python3 "$root/t/model-sched.py" . 7 200 77
	for policy in easy-sjbf unicef conservative; do
		sched-sim -c procs=7 -p "$policy" <jobs.ndjson >one
		sched-sim -c procs=7 -p "$policy" <jobs.ndjson >two
		cmp one two
		[ "$(wc -l <one)" = 200 ]
	done
}

@test "a closed stdin, a closed stdout" {
	local job='{"kind":"job","job_id":1,"submit_at":5,"cpus":1,"run_s":9}'
	run -2 bash -c 'sched-sim -c procs=1 -p easy <&-'
	[ "$output" = "sched-sim: stdin: Bad file descriptor" ]
	echo "$job" >in
	run -75 bash -c 'sched-sim -c procs=1 -p easy --record=kept <in >&-'
	[ "$output" = "sched-sim: stdout: Bad file descriptor" ]
	[ ! -e kept ]
}

@test "a full disk is said" {
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":1}' >in
	rc=0
	sched-sim -c procs=1 -p easy <in >/dev/full 2>said || rc=$?
	[ "$rc" = 75 ]
	[ -s said ]
}

# ---- what is refused ----

@test "a bad record is named, and nothing comes out" {
	good='{"kind":"job","job_id":1,"submit_at":5,"run_s":5,"cpus":1}'
	while IFS='|' read -r line text; do
		printf '%s\n' "$good" "$line" >in
		refused "stdin$text" -c procs=8 -p easy
	done <<-'END'
	{"kind":"job","job_id":2,"submit_at":5,"run_s":5,"cpus":9}|:2: job 2: 9 processors are more than the 8 of the cluster
	{"kind":"job","job_id":2,"submit_at":4,"run_s":5,"cpus":1}|:2: job 2: submitted before the job before it; sort by submit_at
	{"kind":"job","job_id":1,"submit_at":5,"run_s":5,"cpus":1}|: job_id 1 is there twice
	{"kind":"job","job_id":2,"submit_at":-1,"run_s":5,"cpus":1}|:2: job: 'submit_at' must be 0 to 9007199254740992
	{"kind":"job","job_id":2,"run_s":5,"cpus":1}|:2: job: 'submit_at' is missing
	{"kind":"job","job_id":2,"submit_at":5,"run_s":-5,"cpus":1}|:2: job: 'run_s' must be 0 to 9007199254740992
	{"kind":"job","job_id":2,"submit_at":5,"cpus":1}|:2: job: 'run_s' is missing
	{"kind":"job","job_id":2,"submit_at":5,"start_at":7,"end_at":6,"cpus":1}|:2: job: ends before it starts
	{"kind":"job","job_id":2,"submit_at":5,"run_s":5,"limit_s":-1,"cpus":1}|:2: job: 'limit_s' must be 0 to 9007199254740992
	{"kind":"job","job_id":2,"submit_at":5.5,"run_s":5,"cpus":1}|:2: job: 'submit_at' must be an integer
	{"kind":"job","job_id":2,"submit_at":5,"run_s":5,"cpus":0}|:2: job: 'cpus' must be 1 to 9007199254740992
	{"kind":"job","job_id":2,"submit_at":5,"run_s":5}|:2: job: 'cpus' is missing
	{"kind":"job","submit_at":5,"run_s":5,"cpus":1}|:2: job: 'job_id' is missing
	{"kind":"job","job_id":"2","submit_at":5,"run_s":5,"cpus":1}|:2: job: 'job_id' must be an integer
	{"kind":"job","job_id":2,"submit_at":9007199254740993,"run_s":5,"cpus":1}|:2: job: 'submit_at' must be 0 to 9007199254740992
	END
}

@test "times that would leave the integers" {
	big=9007199254740992
	for i in 1 2; do
		echo '{"kind":"job","job_id":'$i',"submit_at":0,"run_s":'$big',"cpus":1}'
	done >in
	for policy in easy conservative sjf; do
		refused "the last job ends at 18014398509481984, and records have no time after $big" -c procs=1 -p "$policy"
	done
	for i in {1..300}; do
		echo '{"kind":"job","job_id":'$i',"submit_at":0,"run_s":0,"limit_s":'$big',"cpus":1}'
	done >in
	refused "stdin:257: job 257: with it the limits of all jobs add up to more than 2305843009213693952" -c procs=1 -p conservative
	head -n 256 in >fewer
	for policy in easy easy-sjbf conservative ljf wfp3 unicef; do
		sched-sim -c procs=1 -p "$policy" <fewer >out
		[ "$(tsv .end_at | sort -u)" = 0 ]
	done
}

@test "a line that is no record is named" {
	for line in '{"kind":"job"' '[]' 'x' '{"kind":"job","kind":"job"}'; do
		echo "$line" >in
		run -2 --separate-stderr sched-sim -c procs=8 -p easy <in
		[[ $stderr == "sched-sim: stdin:1: "* ]]
		[ -z "$output" ]
	done
}

@test "-k skips bad records, says each, and ends with 1" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":5,"run_s":5,"cpus":1}
	{"kind":"job","job_id":2,"submit_at":5,"run_s":5,"cpus":9}
	{"kind":"job"
	{"kind":"job","job_id":4,"submit_at":4,"run_s":5,"cpus":1}
	{"kind":"job","job_id":5,"submit_at":6,"run_s":5,"cpus":8}
	END
	run -1 --separate-stderr sched-sim -k -c procs=8 -p easy <in
	jq -c '[.job_id,.start_at]' <<<"$output" |
		diff -u - <(printf '[1,5]\n[5,10]\n')
	[ "${#stderr_lines[@]}" -eq 3 ]
	[ "${stderr_lines[0]}" = "sched-sim: stdin:2: job 2: 9 processors are more than the 8 of the cluster: skipped" ]
	[[ ${stderr_lines[1]} == "sched-sim: stdin:3: "*": skipped" ]]
	[ "${stderr_lines[2]}" = "sched-sim: stdin:4: job 4: submitted before the job before it; sort by submit_at: skipped" ]
}

@test "policies, clusters and options that cannot be" {
	: >in
	refused "policy 'slum' is not known; known are fcfs, easy, easy-sjbf, conservative, sjf, ljf, largest, wfp3, unicef, slurm, exec:CMD, replay, fifo, srtf, srsf, las, ftf, drf, tetris, dlas, gittins" -c procs=1 -p slum
	refused "procs: 0 is not between 1 and 1073741824" -c procs=0 -p easy
	refused "procs: 'x' is not a number" -c procs=x -p easy
	refused "no.ini: No such file or directory" -c no.ini -p easy
	refused "--same-instant: 'both' is neither batch nor pyss" -c procs=1 -p easy --same-instant=both
	refused "--allocate: 'some' is neither count nor ids" -c procs=1 -p easy --allocate=some
	refused "--same-instant=pyss counts processors; it does not go with --allocate=ids" -c procs=1 -p easy --same-instant=pyss --allocate=ids
	refused "--rounds is only for policies of rounds" -c procs=1 -p easy --rounds
	refused "--allocate is not for policies of rounds" -c procs=1 -p fifo --compat=synergy --allocate=ids
	refused "--compat: 'themis' is not synergy" -c procs=1 -p fifo --compat=themis
	refused "--window: 'x' is not a number" -c procs=1 -p fifo --window=x:2
	refused "--window: no job is in 2:2" -c procs=1 -p fifo --window=2:2
	printf '[CLUSTER]\nracks = 2\nservers_per_rack = 1\ngpus_per_server = 1\ncpus_per_server = 1\ndram_per_server = 1\nsspeed_per_server = 1\n' >two.ini
	refused "two.ini: racks = 2: only one rack is simulated; put all servers into it" -c two.ini -p easy
	for args in '' '-c procs=1' '-c procs=1 -p easy x'; do
		run -2 sched-sim $args <in
		[[ $output == "usage: sched-sim "* ]]
	done
}
