#!/usr/bin/env bats
# sched-sim's policy slurm beside a real Slurm, of one node that each job needs
# whole, and that the first one keeps until all are there: who is next follows
# from priorities alone, however slow the machine.
# t/bench/slurm-real does it with all that jobs can ask for.

load helper

teardown() {
	svc-devcluster down -q --dir="$PWD/c" || :
	test_teardown
}

@test "slurm-real: the simulation starts jobs in Slurm's order" {
	svc-devcluster up -q --nodes=1 --dir="$PWD/c"
	export SLURM_CONF=$PWD/c/slurm.conf
	python3 "$root/t/slurm-real.py" submit 10 5 4 whole short nice queued \
		>real
	[ "$(wc -l <real)" = 10 ]
	[ "$(jq -s 'map(select(.nice)) | length > 2' real)" = true ]
	sched-sim -c "$SLURM_CONF" -p slurm <real >sim
	run -0 python3 "$root/t/slurm-real.py" compare real sim --most-s=30
	[[ $output == "10 jobs, "*" 0 of 45 pairs in another order "* ]] || {
		echo "$output"
		return 1
	}
}
