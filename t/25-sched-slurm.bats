#!/usr/bin/env bats
# sched-sim's policy slurm: by chance against t/model-backfill.py, which shares
# nothing with it; priorities by hand; slurm.conf; and what is refused.

load helper

# by_chance SEED...: against the model.
by_chance() {
	local seed
	for seed; do
		python3 "$root/t/model-backfill.py" . $((2 + seed % 7)) 30 "$seed"
		sched-sim -c cluster -p slurm <jobs.ndjson >out
		jq -r '[.job_id, .start_at, .end_at, .nodes, .alloc] | @tsv' \
			out | diff -u slurm.want - || {
			echo "seed $seed"
			return 1
		}
		[ "$(wc -l <out)" = 30 ]
	done
}

# refused TEXT: of the jobs in "in" on "cluster"; nothing comes out.
refused() {
	run -2 --separate-stderr sched-sim -c cluster -p slurm <in
	[ "$stderr" = "sched-sim: $1" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}

# cluster LINE...: one node of one CPU, under priority/multifactor and these.
cluster() {
	printf '%s\n' 'PriorityType=priority/multifactor' \
		'SchedulerParameters=bf_interval=1,bf_resolution=1' \
		'NodeName=n1 CPUs=1' \
		'PartitionName=main Nodes=ALL Default=YES' "$@" >cluster
}

# order: in which order those of "in" start.
order() {
	sched-sim -c cluster -p slurm <in >out
	jq -r .job_id out | tr '\n' ' '
}

# job ID MEMBERS: to "in"; job 1 keeps the CPU until 100.
job() {
	[ "$1" != 1 ] || : >in
	echo '{"kind":"job","job_id":'"$1"',"cpus":1,"limit_s":100,"run_s":100'"${2:+,$2}}" >>in
}

@test "model: some seeds" { by_chance 1 2 3 315; }
@test "model: others" { by_chance 4 5 21; }

@test "partition, qos, nice and a given priority" {
	cluster 'PriorityWeightPartition=100' 'PriorityWeightQOS=1000' \
		'PartitionName=fast Nodes=n1 PriorityJobFactor=10' \
		'PartitionName=first Nodes=n1 PriorityTier=2' \
		'{"kind":"qos","name":"high","priority":50}' \
		'{"kind":"qos","name":"low","priority":5}'
	job 1 '"submit_at":0'
	job 2 '"submit_at":1'				# 10
	job 3 '"submit_at":2,"partition":"fast"'	# 100
	job 4 '"submit_at":3,"qos":"high"'		# 1010
	job 5 '"submit_at":4,"qos":"low"'		# 110
	job 6 '"submit_at":5,"qos":"low","nice":50'	# 60
	job 7 '"submit_at":6,"priority":500'
	job 8 '"submit_at":7,"partition":"first"'	# a higher tier
	[ "$(order)" = "1 8 4 7 5 3 6 2 " ]
}

@test "priority/basic: in order, an array as one, and nice is one's own" {
	cluster
	sed -i 1d cluster
	job 1 '"submit_at":0'
	job 2 '"submit_at":1,"nice":10'
	job 3 '"submit_at":2,"array_job_id":3,"array_task_id":0,"nice":1'
	job 4 '"submit_at":2,"array_job_id":3,"array_task_id":1,"nice":1'
	job 5 '"submit_at":3,"array_job_id":5,"array_task_id":0'
	job 6 '"submit_at":4,"priority":4294967295'
	# 2: -12, 3 and 4: -4, 5: -4
	[ "$(order)" = "1 6 3 4 5 2 " ]
}

@test "age: as much as may be, and only when priorities are found again" {
	cluster 'PriorityWeightAge=1000' 'PriorityMaxAge=5' \
		'PriorityCalcPeriod=1'
	job 1 '"submit_at":0'
	job 2 '"submit_at":10,"nice":200'
	job 3 '"submit_at":59'
	# at 60 job 2 has 50 s / 300 s of the weight, less 200; at 100 the same
	[ "$(order)" = "1 3 2 " ]
	sed -i 's/200/100/' in
	[ "$(order)" = "1 2 3 " ]
}

@test "size: large first, or small ones" {
	cluster 'PriorityWeightJobSize=1000' 'NodeName=n2 CPUs=3' \
		'NodeName=n3 CPUs=4'
	sed -i 's/^NodeName=n1.*//' cluster
	job 1 '"submit_at":0'
	sed -i 's/"cpus":1/"cpus":7/' in
	job 2 '"submit_at":1'
	job 3 '"submit_at":2'
	sed -i '$s/"cpus":1/"cpus":5/' in
	[ "$(order)" = "1 3 2 " ]
	jq -r '"\(.start_at) \(.nodes) \(.alloc)"' out | diff -u - <(cat <<-'END'
	0 n[2-3] 3,4
	100 n[2-3] 3,2
	100 n3 1
	END
	)
	echo PriorityFavorSmall=YES >>cluster
	[ "$(order)" = "1 2 3 " ]
}

@test "fair share: Fair Tree, and the classic formula" {
	# a has used all; b's account is as much over its share as a's, so that
	# Fair Tree puts both behind c's account
	cluster 'PriorityWeightFairshare=1000' 'PriorityCalcPeriod=1' \
		'{"kind":"share","account":"x","shares":3}' \
		'{"kind":"share","account":"y"}'
	job 1 '"submit_at":0,"user":"a","account":"x"'
	job 2 '"submit_at":1,"user":"a","account":"x"'
	job 3 '"submit_at":2,"user":"b","account":"x"'
	job 4 '"submit_at":3,"user":"c","account":"y"'
	[ "$(order)" = "1 4 3 2 " ]
	echo 'PriorityFlags=NO_FAIR_TREE' >>cluster
	# b: 2^-((0 + (1 - 0) / 2) / (3 / 8)) = 0.40, c: 2^-0 = 1
	[ "$(order)" = "1 4 3 2 " ]
}

@test "fair share: a record of root, wherever it stands, is no account more" {
	job 1 '"submit_at":0,"user":"x","account":"a"'
	job 2 '"submit_at":1,"user":"x","account":"a"'
	job 3 '"submit_at":1,"user":"y","account":"b"'
	local flag root='{"kind":"share","account":"root","shares":7}'
	local a='{"kind":"share","account":"a","shares":3}'
	for flag in PriorityFlags= PriorityFlags=NO_FAIR_TREE; do
		set -- PriorityWeightFairshare=1000 PriorityWeightAge=130 \
			PriorityMaxAge=1 $flag
		cluster "$@" "$a"
		sched-sim -c cluster -p slurm <in >want
		cluster "$@" "$root" "$a"
		sched-sim -c cluster -p slurm <in >out
		cmp want out
		cluster "$@" "$a" "$root"
		sched-sim -c cluster -p slurm <in >out
		cmp want out
	done
}

@test "half-life: what was used long ago counts for less" {
	cluster 'PriorityWeightFairshare=1000' 'PriorityCalcPeriod=1' \
		'PriorityDecayHalfLife=1'
	job 1 '"submit_at":0,"user":"a"'
	job 2 '"submit_at":700,"user":"b"'
	sed -i '$s/"run_s":100/"run_s":20/' in
	job 3 '"submit_at":1000,"user":"c"'
	job 4 '"submit_at":1001,"user":"a"'
	job 5 '"submit_at":1002,"user":"b"'
	[ "$(order)" = "1 2 3 4 5 " ]
	sed -i 's/HalfLife=1/HalfLife=0/' cluster
	[ "$(order)" = "1 2 3 5 4 " ]
}

@test "dependencies and arrays" {
	cluster 'NodeName=n2 CPUs=3'
	job 1 '"submit_at":0,"name":"s","user":"u"'
	job 2 '"submit_at":0,"array_job_id":2,"array_task_id":0'
	job 3 '"submit_at":0,"array_job_id":2,"array_task_id":1,"state":"FAILED"'
	job 4 '"submit_at":0,"dependency":"afterany:2"'
	job 5 '"submit_at":0,"dependency":"afterok:2_0,afternotok:3"'
	job 6 '"submit_at":0,"dependency":"after:1+1"'
	job 7 '"submit_at":0,"name":"s","user":"u","dependency":"singleton"'
	job 8 '"submit_at":0,"dependency":"afterany:4?afterany:1"'
	job 9 '"submit_at":0,"dependency":"afterany:777"'
	sed -i '2s/"run_s":100/"run_s":30/; 3s/"run_s":100/"run_s":40/' in
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at)"' out | sort -n | diff -u - <(cat <<-'END'
	1 0
	2 0
	3 0
	4 40
	5 40
	6 100
	7 100
	8 140
	9 0
	END
	)
}

@test "dependencies of which one is enough" {
	cluster 'NodeName=n2 CPUs=7'
	job 1 '"submit_at":0,"state":"FAILED"'
	job 2 '"submit_at":0'
	sed -i '$s/"run_s":100/"run_s":50/' in
	# one that is not there has ended; one that cannot be does not count
	job 3 '"submit_at":1,"dependency":"afterany:99?afterany:1"'
	job 4 '"submit_at":1,"dependency":"afterok:1?afterok:2"'
	job 5 '"submit_at":1,"dependency":"afterany:1?afterany:2"'
	job 6 '"submit_at":1,"dependency":"afterok:1?afterok:99"'
	job 7 '"submit_at":1,"dependency":"afterok:1?singleton","user":"u","name":"s"'
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at)"' out | sort | diff -u - <(printf '%s\n' \
		'1 0' '2 0' '3 1' '4 50' '5 50' '6 1' '7 1')
	# of an array, and of singletons, all
	cluster 'NodeName=n2 CPUs=7'
	job 1 '"submit_at":0,"array_job_id":50,"array_task_id":1,"user":"u","name":"s"'
	sed -i '$s/"run_s":100/"run_s":50/' in
	job 2 '"submit_at":0,"array_job_id":50,"array_task_id":2,"user":"u","name":"s"'
	job 3 '"submit_at":0'
	sed -i '$s/"run_s":100/"run_s":80/' in
	job 4 '"submit_at":1,"dependency":"afterany:50?afterany:3"'
	job 5 '"submit_at":1,"dependency":"afterany:3?singleton","user":"u","name":"s"'
	job 6 '"submit_at":1,"dependency":"afterany:3?afterany:50_1"'
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at)"' out | sort | diff -u - <(printf '%s\n' \
		'1 0' '2 0' '3 0' '4 80' '5 80' '6 50')
	job 1 '"submit_at":0,"state":"FAILED"'
	job 2 '"submit_at":0'
	job 8 '"submit_at":2,"dependency":"afterok:1?afternotok:2"'
	refused "job 8: dependency 'afterok:1?afternotok:2': it would never run"
}

@test "singletons: each waits for all before it, and many of them are no burden" {
	cluster 'NodeName=n2 CPUs=9'
	sed -i 's/^PriorityType.*/PriorityType=priority\/basic/' cluster
	local u='"user":"u","name":"s"'
	job 1 "\"submit_at\":0,$u"
	job 2 '"submit_at":0,"user":"us","name":""'
	job 3 "\"submit_at\":1,$u"
	job 4 '"submit_at":1,"user":"v","name":"s","dependency":"singleton"'
	job 5 "\"submit_at\":2,$u,\"dependency\":\"singleton\""
	job 6 "\"submit_at\":3,$u,\"dependency\":\"singleton?afterany:2\""
	job 7 "\"submit_at\":4,$u,\"dependency\":\"singleton\""
	job 8 "\"submit_at\":5,$u"
	job 9 "\"submit_at\":6,$u,\"dependency\":\"afterany:7,singleton\""
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at)"' out | sort | diff -u - <(printf '%s\n' \
		'1 0' '2 0' '3 1' '4 1' '5 101' '6 100' '7 201' '8 5' '9 301')
	# a thousand MiB would not do, were each to list all before it
	python3 - >in <<-'END'
	for i in range(20000):
	    print('{"kind":"job","job_id":%d,"submit_at":%d,"cpus":1,"run_s":1,'
	          '"user":"u","name":"s","dependency":"singleton"}' % (i, i))
	END
	python3 - "$(command -v sched-sim)" <<-'END'
	import resource, subprocess, sys
	with open("in") as jobs, open("out", "w") as out:
	    subprocess.run([sys.argv[1], "-c", "cluster", "-p", "slurm"],
	                   stdin=jobs, stdout=out, check=True)
	mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
	sys.exit("%d MiB" % mib if mib > 1000 else 0)
	END
	[ "$(wc -l <out)" = 20000 ]
}

@test "completing: what a job had is free, and who depends on it starts, later" {
	cluster 'NodeName=n2 CPUs=1' '{"kind":"cluster","complete_s":7}'
	job 1 '"submit_at":0'
	job 2 '"submit_at":0,"dependency":"afterany:1"'
	job 3 '"submit_at":1'
	job 4 '"submit_at":2'
	job 5 '"submit_at":250,"dependency":"after:2"'
	sched-sim -v -c cluster -p slurm <in >out 2>said
	jq -r '"\(.job_id) \(.start_at) \(.end_at) \(.run_s)"' out |
		diff -u - <(cat <<-'END'
	1 0 100 100
	3 1 101 100
	2 107 207 100
	4 108 208 100
	5 250 350 100
	END
	)
	diff -u - said <<-'END'
	sched-sim: 5 jobs read
	sched-sim: 5 jobs simulated, the last ends at 350
	END
	# what is COMPLETING keeps its CPU over a calculation of priorities
	cluster 'PriorityWeightFairshare=1000' 'PriorityCalcPeriod=1' \
		'{"kind":"cluster","complete_s":60}'
	job 1 '"submit_at":0,"user":"a"'
	job 2 '"submit_at":1,"user":"a"'
	job 3 '"submit_at":2,"user":"b"'
	[ "$(order)" = "1 3 2 " ]
	[ "$(jq -r .start_at out | tr '\n' ' ')" = "0 160 320 " ]
}

@test "completing: nobody starts on that node, though it has CPUs" {
	cat >cluster <<-'END'
	SchedulerParameters=bf_interval=1
	NodeName=n1 CPUs=4
	PartitionName=main Nodes=ALL Default=YES
	{"kind":"cluster","complete_s":7}
	END
	job 1 '"submit_at":0'
	sed -i 's/"run_s":100/"run_s":10/' in
	job 2 '"submit_at":1'
	job 3 '"submit_at":11'
	job 4 '"submit_at":17'
	[ "$(order)" = "1 2 3 4 " ]
	[ "$(jq -r .start_at out | tr '\n' ' ')" = "0 1 17 17 " ]
}

# As Slurm 22.05.8 did it once. 18 starts on n3: 14 needs its nodes only after
# 12, since whoever ends last on those that are left is taken along.
@test "backfill: as it was seen" {
	cat >cluster <<-'END'
	SchedulerParameters=bf_interval=1
	NodeName=n[1-4] CPUs=8
	PartitionName=main Nodes=ALL Default=YES
	{"kind":"cluster","complete_s":1}
	END
	while read -r id at cpus limit run; do
		echo '{"kind":"job","job_id":'"$id"',"submit_at":'"$at"',"cpus":'"$cpus"',"limit_s":'"$limit"',"run_s":'"$run"'}'
	done >in <<-'END'
	1 12 8 60 34
	2 12 8 180 8
	3 13 8 60 8
	4 13 8 180 2
	5 13 8 60 34
	6 15 6 60 5
	7 16 2 60 2
	8 16 4 60 21
	9 18 6 60 8
	10 22 1 300 21
	11 22 3 300 8
	12 22 6 60 4
	13 24 1 180 5
	14 26 6 60 13
	15 26 8 120 22
	16 26 6 300 6
	17 29 4 60 9
	18 29 3 300 13
	END
	sched-sim -c cluster -p slurm <in >out
	jq -r 'select(.start_at <= 31) | "\(.job_id) \(.start_at) \(.nodes)"' \
		out | sort -n | diff -u - <(cat <<-'END'
	1 12 n1
	2 12 n2
	3 13 n3
	4 13 n4
	5 16 n4
	6 21 n2
	7 21 n2
	8 22 n3
	9 27 n2
	10 22 n3
	11 22 n3
	13 27 n2
	18 31 n3
	END
	)
}

# As Slurm 22.05.8 planned it: what is kept for 2, 3 and 4, one behind the other,
# is one step, so that 5 sees its end, and 6 would be in its way.
@test "backfill: reservations that follow each other are one" {
	cat >cluster <<-'END'
	SchedulerParameters=bf_interval=1
	NodeName=n1 CPUs=1 Feature=a
	NodeName=n2 CPUs=1 Feature=b
	PartitionName=main Nodes=ALL Default=YES
	END
	while read -r id at cpus limit node; do
		echo '{"kind":"job","job_id":'"$id"',"submit_at":'"$at"',"cpus":'"$cpus"',"node_count":'"$cpus"',"limit_s":'"$limit"',"run_s":'"$limit"',"constraint":'"$node"'}'
	done >in <<-'END'
	1 0 1 60 "a"
	2 1 1 60 "a"
	3 1 1 60 "a"
	4 1 1 60 "a"
	5 1 2 60 "a|b"
	6 1 1 600 "b"
	END
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at) \(.nodes)"' out | sort -n |
		diff -u - <(cat <<-'END'
	1 0 n1
	2 60 n1
	3 120 n1
	4 180 n1
	5 240 n[1-2]
	6 300 n2
	END
	)
}

# as_seen N JOBS: what a real Slurm did with so many, t/slurm-seen-N.txt.
as_seen() {
	cat >cluster <<-'END'
	SelectTypeParameters=CR_CPU_Memory
	DefMemPerCPU=512
	SchedulerParameters=defer,sched_interval=1,bf_interval=1
	NodeName=n[1-4] CPUs=8 RealMemory=32768 Gres=gpu:4
	PartitionName=main Nodes=ALL Default=YES
	END
	jq -Rnc 'inputs | select(startswith("#") | not) | split(" ")
		| [.[] | select(. != "-") // null] as $f
		| def int: if . then tonumber else . end;
		{ kind: "job", job_id: $f[0] | int, array_job_id: $f[1] | int,
		  array_task_id: $f[2] | int, submit_at: ($f[3] | int + 11713),
		  cpus: $f[4] | int, node_count: $f[5] | int,
		  mem_mb: $f[6] | int, gres: $f[7], nice: $f[8] | int,
		  dependency: $f[9], limit_s: ($f[10] | int * 60),
		  run_s: $f[11] | int } | with_entries(select(.value != null))' \
		"$root/t/slurm-seen-$1.txt" >in
	[ "$(wc -l <in)" = "$2" ]
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at - 11713) \(.nodes)"' out | sort -n |
		diff -u <(grep -v '^#' "$root/t/slurm-seen-$1.txt" |
		cut -d' ' -f1,13,14 | sort -n) -
}

# Jobs with equal ends, of which the one that was submitted first comes first
# though others were before it; jobs on one node with GPUs, for which all nodes
# are alike; and those that may start as soon as others have.
@test "all that a job can ask for: as it was seen" { as_seen 1 141; }

# A job without GPUs is planned on three nodes though one would do: those weigh
# less since a job with GPUs was looked at.
@test "GPUs that were offered to others: as it was seen" { as_seen 2 144; }

@test "backfill: who is in nobody's way; without it, nobody" {
	cluster 'NodeName=n2 CPUs=1'
	job 1 '"submit_at":0'
	job 2 '"submit_at":1'
	sed -i '$s/"cpus":1/"cpus":2/' in
	job 3 '"submit_at":2'
	sed -i '$s/:100/:97/g' in
	job 4 '"submit_at":3'
	[ "$(order)" = "3 1 2 4 " ]
	[ "$(jq -r .start_at out | tr '\n' ' ')" = "2 0 100 200 " ]
	echo SchedulerType=sched/builtin >>cluster
	[ "$(order)" = "1 2 3 4 " ]
}

# why JOB TIMES: why it waits then, of "in" on "cluster", into "why".
why() {
	sched-sim -c cluster -p slurm --explain="$1" <in >out
	jq -r --argjson times "[$2]" 'select(.kind == "event") |
		select(.at | IN($times[])) | "\(.at) \(.why)"' out >why
}

@test "--explain: dependencies, who is before it, nodes, reservations" {
	cat >cluster <<-'END'
	PriorityType=priority/multifactor
	SchedulerParameters=bf_interval=1,bf_resolution=1
	GresTypes=gpu
	SelectTypeParameters=CR_CPU_Memory
	NodeName=n1 CPUs=4 RealMemory=1000 Gres=gpu:a100:2
	NodeName=n2 CPUs=4 RealMemory=1000 Feature=ib
	PartitionName=main Nodes=ALL Default=YES
	PartitionName=first Nodes=n2 PriorityTier=2
	{"kind":"cluster","complete_s":5}
	END
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"cpus":3,"mem_mb":600,"limit_s":100,"run_s":50}
	{"kind":"job","job_id":2,"submit_at":0,"cpus":8,"limit_s":60,"run_s":10}
	{"kind":"job","job_id":3,"submit_at":1,"cpus":1,"limit_s":200,"run_s":30}
	{"kind":"job","job_id":4,"submit_at":2,"cpus":1,"limit_s":20,"run_s":20,"dependency":"afterany:1"}
	{"kind":"job","job_id":5,"submit_at":3,"cpus":1,"limit_s":20,"run_s":20,"gpus":2,"node_count":1,"mem_mb":500}
	{"kind":"job","job_id":6,"submit_at":20,"cpus":2,"limit_s":20,"run_s":20,"constraint":"ib","partition":"first"}
	{"kind":"job","job_id":7,"submit_at":20,"cpus":4,"node_count":1,"exclusive":true,"limit_s":20,"run_s":20,"constraint":"ib"}
	END
	why 2 0,1,40,50
	diff -u - why <<-'END'
	0 (Resources) it needs 8 CPUs: n1 has 1 CPU; n2 has 4 CPUs
	1 (Resources) it needs 8 CPUs: n1 has 1 CPU; n2 has 4 CPUs; its own reservation begins at 100 on n[1-2]
	40 (Resources) it needs 8 CPUs: n1 has 1 CPU; n2 is COMPLETING; its own reservation begins at 100 on n[1-2]
	50 (Resources) it needs 8 CPUs: n1 is COMPLETING; n2 has 0 CPUs; its own reservation begins at 65 on n[1-2]
	END
	why 3 1,50,70
	diff -u - why <<-'END'
	1 (Priority) job 2 is before it; it would fit on n1, but job 2 has a reservation there from 100 until 160, and its own limit ends at 201; its own reservation begins at 160 on n1
	50 (Priority) job 2 is before it, and it needs 1 CPU: n1 is COMPLETING; n2 has 0 CPUs; its own reservation begins at 125 on n1
	70 (Resources) it needs 1 CPU: n1 has 0 CPUs; n2 has 0 CPUs; its own reservation begins at 130 on n1
	END
	why 4 2,50,55
	diff -u - why <<-'END'
	2 (Dependency) job 1 has not ended
	50 (Dependency) job 1 is COMPLETING until 55
	55 (Priority) job 2 is before it; it would fit on n1, but job 2 has a reservation there from 65 until 125, and its own limit ends at 75; its own reservation begins at 125 on n2
	END
	why 5 3
	diff -u - why <<-'END'
	3 (Priority) job 2 is before it, and it needs 1 CPU on 1 node, 500 MiB on each, 2 gpu on each node: n1 has 1 CPU, 400 MiB, 2 gpu; n2 has 4 CPUs, 1000 MiB, 0 gpu; its own reservation begins at 360 on n1
	END
	why 7 20,40
	diff -u - why <<-'END'
	20 (Priority) job 2 is before it, and it needs 4 CPUs on 1 whole node: n1 lacks a feature; n2 has 2 CPUs; its own reservation begins at 40 on n2
	40 (Priority) job 2 is before it, and it needs 4 CPUs on 1 whole node: n1 lacks a feature; n2 is COMPLETING; its own reservation begins at 41 on n2
	END
}

@test "--explain: who it waits for starts in the pass that leaves it waiting" {
	cat >cluster <<-'END'
	{"kind":"node","name":"n1","cpus":1,"partition":"a"}
	{"kind":"node","name":"n2","cpus":1,"partition":"b"}
	END
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"cpus":1,"run_s":10,"partition":"a"}
	{"kind":"job","job_id":2,"submit_at":1,"cpus":1,"run_s":10,"partition":"a"}
	{"kind":"job","job_id":3,"submit_at":2,"cpus":1,"run_s":10,"partition":"b","dependency":"after:2"}
	END
	why 3 2,10
	diff -u - why <<-'END'
	2 (Dependency) job 2 has not started
	10 (Dependency) who it waited for has just started, and the next pass sees that
	END
}

@test "slurm.conf: defaults, continued lines, several CPUs, words of others" {
	cat >cluster <<-'END'
	# a comment
	ClusterName=x SlurmctldHost=h(1.2.3.4)
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core_Memory
	DefMemPerCPU=100
	SwitchName=s0 Nodes=n[1-2]
	NodeName=DEFAULT Sockets=2 CoresPerSocket=2 \
		ThreadsPerCore=2 RealMemory=1000 Feature=ib,big # and so on
	nodename=n[1-2] Gres=gpu:v100:2 State=UNKNOWN
	NodeName=n3 CPUs=4 RealMemory=300
	NodeName=n4 CPUs=64 State=FUTURE
	PartitionName=DEFAULT MaxTime=10
	PartitionName=main Nodes=n[1-4] Default=YES
	PartitionName=whole Nodes=n3 OverSubscribe=EXCLUSIVE MaxTime=UNLIMITED
	END
	job 1 '"submit_at":0'
	job 2 '"submit_at":0,"gres":"gpu:2","constraint":"ib&big"'
	job 3 '"submit_at":0,"partition":"whole"'
	job 4 '"submit_at":0,"mem_mb":1000'
	sed -i '1s/"cpus":1/"cpus":4/' in
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at) \(.nodes) \(.alloc)"' out | sort |
		diff -u - <(cat <<-'END'
	1 0 n1 4
	2 0 n1 1
	3 0 n3 4
	4 0 n2 1
	END
	)
	# the other policies take the file as well
	sched-sim -c cluster -p easy <in >easy
	[ "$(wc -l <easy)" = 4 ]
	sed -i 's/:100,"run_s"/:1000,"run_s"/' in
	refused "stdin:1: job 1: its limit of 1000 s is longer than the 600 s of partition 'main'"
}

@test "slurm.conf: memory by default is of a CPU, or else of a node" {
	cat >cluster <<-'END'
	SelectTypeParameters=CR_Core_Memory
	DefMemPerNode=900
	NodeName=n[1-2] CPUs=4 RealMemory=1000
	PartitionName=node Nodes=ALL Default=YES
	PartitionName=DEFAULT DefMemPerCPU=400
	PartitionName=cpu Nodes=ALL
	PartitionName=both Nodes=ALL DefMemPerNode=900
	END
	job 1 '"submit_at":0,"partition":"cpu"'
	job 2 '"submit_at":1,"partition":"cpu"'
	job 3 '"submit_at":2,"partition":"both"'
	job 4 '"submit_at":3,"partition":"node"'
	sched-sim -c cluster -p slurm <in >out
	jq -r '"\(.job_id) \(.start_at) \(.nodes)"' out | sort |
		diff -u - <(printf '%s\n' '1 0 n1' '2 1 n1' '3 2 n2' '4 101 n1')
}

@test "slurm.conf: sets of nodes, by name and by feature" {
	cat >cluster <<-'END'
	NodeName=n[1-2] CPUs=1 Feature=slow
	NodeName=n[3-5] CPUs=1 Feature=fast,new
	NodeSet=some Nodes=n[2-3]
	NodeSet=fast Feature=fast
	NodeSet=most Nodes=n2 Feature=new
	PartitionName=a Nodes=some Default=YES
	PartitionName=b Nodes=n1,fast
	PartitionName=c Nodes=most
	END
	local partition want
	while read -r partition want; do
		echo '{"kind":"job","job_id":1,"submit_at":0,"cpus":'"${want#* }"',"run_s":9,"partition":"'"$partition"'"}' >in
		sched-sim -c cluster -p slurm <in >out
		[ "$(jq -r .nodes out)" = "${want% *}" ]
	done <<-'END'
	a n[2-3] 2
	b n[1,3-5] 4
	c n[2-5] 4
	END
	sed -i 's/,fast,new/,other/;s/Feature=new/Feature=none/' cluster
	sched-sim -c cluster -p slurm <<<'{"kind":"job","job_id":1,"submit_at":0,"cpus":1,"run_s":9,"partition":"c"}' >out
	[ "$(jq -r .nodes out)" = n2 ]
}

@test "what cannot be is refused" {
	job 1 '"submit_at":0'
	while IFS='|' read -r line text; do
		cluster "$line"
		refused "cluster:5: $text"
	done <<-'END'
	Include other.conf|Include is not followed: put all into one file
	just words|'just' is not KEY=VALUE
	NodeName=n1 CPUs=1|'n1': node n1 is there twice
	NodeName=n2 CPUs=x|CPUs: 'x' is not a number
	NodeName=n2 Sockets=0|node n2: 0 CPUs
	PartitionName=p MaxTime=later|MaxTime: 'later' is not a time limit (30, 8:00:00, 1-12, 90s)
	SchedulerParameters=bf_window=x|SchedulerParameters: bf_window=x: 'x' is not a number
	PriorityWeightTRES=cpu=1|PriorityWeightTRES is not simulated
	PriorityUsageResetPeriod=DAILY|PriorityUsageResetPeriod is not simulated
	{"kind":"share","account":"a","parent":"b"}|share: the parent 'b' of account a is not before it
	{"kind":"share","user":"a"}|share: 'account' is missing
	{"kind":"cluster","complete_s":86401}|cluster: 'complete_s' must be an integer, 0 to 86400
	{"kind":"qos","name":"a","priority":-1}|qos: 'priority' must be an integer, 0 to 4294967295
	END
	cluster '{"kind":"qos","name":"q","priority":1}'
	while IFS='|' read -r members text; do
		job 1 '"submit_at":0'
		job 2 "\"submit_at\":0,$members"
		refused "$text"
	done <<-'END'
	"qos":"x"|stdin:2: job 2: job: there is no record of the qos 'x'
	"user":7|stdin:2: job 2: job: 'user' must be text of at most 8191 bytes
	"nice":"x"|stdin:2: job 2: job: 'nice' must be an integer, -9007199254740992 to 9007199254740992
	"dependency":"before:1"|job 2: dependency 'before:1': 'before' is none of after, afterany, afterok, afternotok with jobs, or singleton
	"dependency":"afterok:x"|job 2: dependency 'afterok:x': 'x' is not a number
	"dependency":"afterok:2"|job 2: dependency 'afterok:2': job 2 is not submitted before it
	"dependency":"afternotok:1"|job 2: dependency 'afternotok:1': job 1 does not fail: it would never run
	END
	run -2 --separate-stderr sched-sim -c procs=4 -p slurm <in
	[ "$stderr" = "sched-sim: policy slurm needs a cluster of nodes: records, or a slurm.conf" ]
}
