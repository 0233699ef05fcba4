#!/usr/bin/env bats
# sim-compare --slurm: a job array on a real Slurm gives what this machine does.

load helper

setup() {
	test_setup
	use_cluster
	export XDG_CACHE_HOME=$PWD/cache
}

@test "a job array gives the same records" {
	sched-trace generate --stream=log-uniform --procs=8 --rate=60 --jobs=40 \
		>"a b.ndjson"
	sim-compare -q -c procs=8 -p fcfs,easy,sjf "a b.ndjson" >want
	rm -r cache
	sim-compare --slurm -v -c procs=8 -p fcfs,easy,sjf \
		--submit=--time=5 "a b.ndjson" >got 2>said
	cmp want got
	sed 's/array [0-9]*/array N/' said | diff -u - <(cat <<-'END'
	sim-compare: 3 runs: 0 are known, 3 to be computed
	sim-compare: job array N
	END
	)
	# a run that fails there is told here
	echo '{"kind":"job","job_id":9,"submit_at":9,"cpus":9,"run_s":1}' >b
	run -2 --separate-stderr sim-compare --slurm -q -c procs=8 -p fcfs b
	[ "$stderr" = 'sim-compare: fcfs, workload b: sched-sim: stdin:1: job 9: 9 processors are more than the 8 of the cluster' ]
}
