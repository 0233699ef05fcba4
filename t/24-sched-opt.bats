#!/usr/bin/env bats
# sched-sim's allocation opt: the solver against all that can be chosen, and each
# round of whole runs, on servers that are alike and on such that are not.

load helper

rounds() { python3 "$root/t/rounds.py" "$@"; }
model() { python3 "$root/t/model-opt.py" "$@"; }
problems() { python3 "$root/t/model-knapsack.py" "$@"; }

# sim ARGS...: the program, which must succeed and say nothing.
sim() {
	sched-sim "$@" 2>said || { cat said; return 1; }
	[ ! -s said ] || { cat said; return 1; }
}

# alike SEED [SERVERS]: cluster.ini and jobs, with 62.5 GB for each GPU
alike() {
	local gpus n
	rounds workload "$1" >some
	gpus=$(sed -n 's/gpus_per_server = //p' cluster.ini)
	n=${2-$(sed -n 's/servers_per_rack = //p' cluster.ini)}
	sed -i "s/^dram.*/dram_per_server = $((gpus * 125 / 2))/
		s/^servers.*/servers_per_rack = $n/" cluster.ini
	jq -c --argjson g $((gpus * n)) 'select(.gpus <= $g)' some >jobs
}

@test "the solver finds what is best of all, or that there is nothing" {
	problems write 4 150 >in
	"$UNIT/knapsack" <in >got
	[ "$(problems check 4 150 <got)" = "150 114" ]
}

@test "SYNERGY's form has the largest sum there is, in every round" {
	local seed policy
	for seed in 2 4; do
		alike "$seed"
		for policy in fifo+opt srtf+opt; do
			sim --compat=synergy -c cluster.ini -p "$policy" \
				--rounds <jobs >got
			rounds opt
		done
	done
}

@test "on one server it is as good as it can be" {
	local seed
	for seed in 2 4 5 8; do
		alike "$seed" 1
		sim -c cluster.ini -p srtf+opt --rounds <jobs >"got.$seed"
		mv cluster.ini "nodes.$seed"
		mv jobs "jobs.$seed"
	done
	[ "$(model check 2 4 5 8)" = "106 0" ]
}

@test "on several it is no better, and mostly as good" {
	alike 4
	cp cluster.ini nodes.1
	cp cluster.ini nodes.2
	cp jobs jobs.1
	cp jobs jobs.2
	sim -c cluster.ini -p srtf+opt --rounds <jobs >got.1
	sim -c cluster.ini -p ftf+opt+place --rounds <jobs >got.2
	[ "$(model check 1 2)" = "47 25" ]
}

@test "on servers that differ, with jobs for some, as good as it can be" {
	local seed policy
	seq 1 24 | xargs python3 "$root/t/model-opt.py" nodes
	for seed in {1..24}; do
		if [ $((seed % 2)) = 0 ]; then policy=srtf+opt
		else policy=las+opt+place; fi
		sim -c "nodes.$seed" -p $policy --rounds \
			<"jobs.$seed" >"got.$seed"
	done
	seq 1 24 | xargs python3 "$root/t/model-opt.py" check >all
	[ "$(cat all)" = "353 0" ]
}

@test "where the best takes too much work it goes on as tune, and says so" {
	cat >nodes <<-END
	{"kind":"node","name":"a[1-600]","cpus":192,"gres":"gpu:a:64"}
	{"kind":"node","name":"b[1-600]","cpus":256,"gres":"gpu:b:64"}
	END
	echo '{"kind":"job","job_id":1,"submit_at":0,"gpus":70000,"model":"res50","iters":500}' >jobs
	run -0 --separate-stderr sched-sim -c nodes -p fifo+opt <jobs
	[ "$stderr" = "sched-sim: opt: 1 of 1 choices of shares took more work than they may, and better ones may be there" ]
	sim -c nodes -p fifo+tune <jobs >want
	diff -u want - <<<"$output"
}
