#!/usr/bin/env bats
# sched-sim on a cluster of nodes: which jobs fit where, by chance against
# t/model-nodes.py, which shares nothing with it; what records say; and what is
# refused.

load helper
load sched-sim

# by_chance SEED...: all policies against the model.
by_chance() {
	local seed want policy
	for seed; do
		python3 "$root/t/model-nodes.py" . $((2 + seed % 7)) 40 "$seed"
		for want in *.nodes.want; do
			policy=${want%.nodes.want}
			sched-sim -c nodes.ndjson -p "$policy" <jobs.ndjson >out
			jq -r '[.job_id, .start_at, .end_at, .nodes, .alloc] |
				@tsv' out | diff -u "$want" - || {
				echo "seed $seed, $policy"
				return 1
			}
		done
		[ "$(ls ./*.nodes.want | wc -l)" = 9 ]
	done
}

# one JOB: the nodes and the alloc of one job alone on the cluster.
one() {
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,'"$1}" >in
	sched-sim -c nodes -p fcfs <in >out
	jq -r '"\(.nodes) \(.alloc)"' out
}

@test "model: clusters of 2 and 3 nodes" { by_chance 7 8; }
@test "model: clusters of 4 and 5 nodes" { by_chance 9 10; }
@test "model: clusters of 6 to 8 nodes" { by_chance 11 6; }

@test "nodes of one CPU and jobs of one node are counted processors" {
	python3 "$root/t/model-sched.py" . 9 80 3
	echo '{"kind":"node","name":"m[1-9]","cpus":1}' >nodes
	for policy in fcfs easy easy-sjbf conservative sjf ljf largest wfp3 unicef
	do
		sched-sim -c nodes -p "$policy" <jobs.ndjson >out
		jq -r '[.job_id, .start_at, .end_at] | @tsv' out |
			diff -u "$policy.batch.want" -
	done
}

@test "gpus count beside a gres that is none" {
	echo '{"kind":"node","name":"n[1-4]","cpus":8,"gres":"gpu:a100:4,nvme:2"}' >nodes
	[ "$(one '"cpus":2,"gpus":6,"gres":"nvme:1"')" = "n[1-2] 1(x2)" ]
	[ "$(one '"cpus":2,"gpus":6,"gres":"nvme:1,gpu:1"')" = "n1 2" ]
	[ "$(one '"cpus":2,"gpus":6,"gres":"gpu:a100:4"')" = "n1 2" ]
	for id in 1 2 3; do
		echo '{"kind":"job","job_id":'$id',"submit_at":0,"run_s":5,"cpus":1,"gpus":3,"gres":"nvme:1"}'
	done >in
	sched-sim -c nodes -p slurm <in >out
	[ "$(jq -r .nodes out | tr '\n' ' ')" = "n1 n2 n3 " ]
}

@test "-k forgets what a refused job asked for" {
	echo '{"kind":"node","name":"n1","cpus":8}' >nodes
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":9,"run_s":9,"cpus":3}
	{"kind":"job","job_id":2,"submit_at":1,"run_s":9,"cpus":7,"node_count":1}
	END
	run -1 --separate-stderr sched-sim -k -c nodes -p slurm <in
	[ "$stderr" = "sched-sim: stdin:2: job 2: submitted before the job before it; sort by submit_at: skipped" ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "which nodes: as Slurm chooses" {
	echo '{"kind":"node","name":"n[1-4]","cpus":8,"mem_mb":4096,"gres":"gpu:4"}' >nodes
	[ "$(one '"cpus":3')" = "n1 3" ]
	[ "$(one '"cpus":12')" = "n[1-2] 8,4" ]
	[ "$(one '"cpus":8,"node_count":2')" = "n[1-2] 7,1" ]
	[ "$(one '"cpus":9,"node_count":3')" = "n[1-3] 7,1(x2)" ]
	[ "$(one '"cpus":6,"node_count":2,"ntasks_per_node":3')" = \
		"n[1-2] 3(x2)" ]
	[ "$(one '"cpus":1,"exclusive":true')" = "n1 8" ]
	[ "$(one '"cpus":2,"gpus":6')" = "n[1-2] 1(x2)" ]
	[ "$(one '"cpus":8,"mem_mb":8192')" = "n[1-2] 4(x2)" ]
	[ "$(one '"cpus":3,"mem_mb":null,"partition":null')" = "n1 3" ]
	# a job beside it: the tightest node of those that hold it
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"run_s":9,"cpus":3}
	{"kind":"job","job_id":2,"submit_at":1,"run_s":9,"cpus":7}
	{"kind":"job","job_id":3,"submit_at":2,"run_s":9,"cpus":4}
	{"kind":"job","job_id":4,"submit_at":3,"run_s":9,"cpus":10}
	END
	sched-sim -c nodes -p fcfs <in >out
	jq -r '"\(.job_id) \(.nodes) \(.alloc)"' out | diff -u - <(cat <<-'END'
	1 n1 3
	2 n2 7
	3 n1 4
	4 n[1-3] 1(x2),8
	END
	)
}

@test "memory: what is null is as what is not there" {
	printf '%s\n' 'SelectTypeParameters=CR_CPU_Memory' 'DefMemPerCPU=600' \
		'NodeName=n1 CPUs=4 RealMemory=1000' \
		'PartitionName=m Nodes=ALL Default=YES' >nodes
	local mem
	for mem in '' ',"mem_mb":null'; do
		printf '%s\n' \
			'{"kind":"job","job_id":1,"submit_at":0,"cpus":1,"run_s":9}' \
			'{"kind":"job","job_id":2,"submit_at":1,"cpus":1,"run_s":9'"$mem}" >in
		sched-sim -c nodes -p fcfs <in >out
		[ "$(jq .start_at out | tr '\n' ' ')" = "0 9 " ]
	done
}

@test "memory in all goes with the CPUs, to the MiB" {
	echo '{"kind":"node","name":"n[1-2]","cpus":4,"mem_mb":1000}' >nodes
	[ "$(one '"cpus":3,"mem_mb":1000')" = "n1 3" ]
	[ "$(one '"cpus":7,"mem_mb":1750')" = "n[1-2] 4,3" ]
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":3,"mem_mb":1001}' >in
	sched-sim -c nodes -p fcfs <in >out
	[ "$(jq -r .alloc out)" = "2,1" ]
}

@test "gpus are counted on nodes that the job may use" {
	cat >nodes <<-'END'
	{"kind":"node","name":"big","cpus":8,"gpus":8,"features":"big"}
	{"kind":"node","name":"n[1-3]","cpus":8,"gpus":4,"features":"small"}
	{"kind":"node","name":"c1","cpus":8,"features":"none"}
	END
	[ "$(one '"cpus":2,"gpus":8')" = "big 2" ]
	[ "$(one '"cpus":2,"gpus":8,"constraint":"small"')" = "n[1-2] 1(x2)" ]
	echo '{"kind":"job","job_id":7,"submit_at":0,"run_s":5,"cpus":1,"gpus":1,"constraint":"none"}' >in
	refused "stdin:1: job 7: job: no node of partition 'all' that it may use has GPUs" -c nodes -p easy
}

@test "states of nodes: one of several words is enough" {
	cat >nodes <<-'END'
	{"kind":"node","name":"a[1-3]","cpus":1,"state":"IDLE+DRAIN"}
	{"kind":"node","name":"a[4-5]","cpus":1,"state":"idle+cloud+powered_down"}
	{"kind":"node","name":"a6","cpus":1,"state":"MIXED+CLOUD+MAINTENANCE"}
	END
	[ "$(one '"cpus":2')" = "a[4-5] 1(x2)" ]
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":3}' >in
	refused "stdin:1: job 1: 3 processors are more than the 2 of the cluster" -c nodes -p easy
}

@test "a pipe is a cluster too, unless it is read twice" {
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":3,"gpus":1,"model":"gnmt"}' >in
	echo '{"kind":"node","name":"n[1-2]","cpus":4,"gpus":4}' >nodes
	sched-sim -c <(cat nodes) -p easy <in >out
	[ "$(jq -r .nodes out)" = n1 ]
	printf '%s\n' '[CLUSTER]' 'racks = 1' 'servers_per_rack = 1' \
		'gpus_per_server = 4' 'cpus_per_server = 12' \
		'dram_per_server = 500' 'sspeed_per_server = 500' >cluster.ini
	local args
	for args in 'nodes fifo' 'cluster.ini fifo' 'cluster.ini easy'; do
		run -2 --separate-stderr sched-sim -c <(cat ${args% *}) \
			-p ${args#* } <in
		[[ $stderr == "sched-sim: /dev/fd/"*": must be a file: it is read more than once" ]]
		[ -z "$output" ]
	done
}

@test "names of nodes: brackets, zeros, several words" {
	cat >nodes <<-'END'
	{"kind":"node","name":"a[08-10],login,b3x","cpus":1}
	{"kind":"node","name":"a[12,14]","cpus":1}
	{"kind":"node","name":"r[1-2]n","cpus":1,"state":"DRAINED"}
	END
	[ "$(one '"cpus":7')" = "a[08-10],login,b3x,a[12,14] 1(x7)" ]
	[ "$(one '"cpus":2')" = "a[08-09] 1(x2)" ]
}

@test "partitions, features, kinds of GPUs, weights" {
	cat >nodes <<-'END'
	{"kind":"partition","name":"long","default":true,"max_s":100}
	{"kind":"node","name":"n1","cpus":4,"partition":"long","weight":5}
	{"kind":"node","name":"n2","cpus":4,"partition":"long,gpu","features":"ib,big","gpus":2}
	{"kind":"node","name":"n3","cpus":4,"partition":"gpu","features":"ib","gres":"gpu:a100:2(S:0-1),gpu:v100:1"}
	END
	[ "$(one '"cpus":1')" = "n2 1" ]
	[ "$(one '"cpus":1,"partition":"gpu","constraint":"ib&big"')" = "n2 1" ]
	[ "$(one '"cpus":1,"partition":"gpu","gres":"gpu:a100:2"')" = "n3 1" ]
	[ "$(one '"cpus":1,"partition":"gpu","gpus":3')" = "n3 1" ]
	[ "$(one '"cpus":1,"constraint":"big|ib"')" = "n2 1" ]
	while IFS='|' read -r job text; do
		echo '{"kind":"job","job_id":7,"submit_at":0,"run_s":5,'"$job}" >in
		refused "stdin:1: job 7: $text" -c nodes -p easy
	done <<-'END'
	"cpus":9|asks for more than partition 'long' can ever give: 9 CPUs on 1 nodes, with memory and generic resources
	"cpus":5,"node_count":1|asks for more than partition 'long' can ever give: 5 CPUs on 1 nodes, with memory and generic resources
	"cpus":1,"mem_mb":5|asks for more than partition 'long' can ever give: 1 CPUs on 1 nodes, with memory and generic resources
	"cpus":1,"gres":"gpu:v100"|asks for more than partition 'long' can ever give: 1 CPUs on 1 nodes, with memory and generic resources
	"cpus":99|99 processors are more than the 12 of the cluster
	"cpus":1,"limit_s":101|its limit of 101 s is longer than the 100 s of partition 'long'
	"cpus":1,"partition":"x"|job: the cluster has no partition 'x'
	"cpus":1,"constraint":"x"|job: no node has the feature 'x'
	"cpus":1,"constraint":"[a*2]"|job: constraint '[a*2]': only A&B and A|B are understood
	"cpus":1,"gres":"fpga:1"|job: no node has the gres 'fpga'
	"cpus":1,"mem_mb":-1|job: 'mem_mb' must be an integer, 0 to 1073741824
	"cpus":1,"gres":1|job: 'gres' must be text
	END
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":9}
	{"kind":"job","job_id":2,"submit_at":0,"run_s":5,"cpus":1}
	END
	run -1 --separate-stderr sched-sim -k -c nodes -p easy <in
	[ "$(jq -c '[.job_id, .start_at]' <<<"$output")" = '[2,0]' ]
}

@test "clusters that cannot be" {
	: >in
	while IFS='|' read -r line text; do
		printf '%s\n' '{"kind":"node","name":"n1","cpus":1}' "$line" >nodes
		refused "nodes:2: $text" -c nodes -p easy
	done <<-'END'
	{"kind":"node","name":"n1","cpus":1}|'n1': node n1 is there twice
	{"kind":"node","cpus":1}|node: 'name' is missing
	{"kind":"node","name":"n2"}|node: 'cpus' is missing
	{"kind":"node","name":"n2","cpus":0}|node: 'cpus' must be an integer, 1 to 1073741824
	{"kind":"node","name":"n2","cpus":"1"}|node: 'cpus' must be an integer, 1 to 1073741824
	{"kind":"node","name":"n[2-1]","cpus":1}|'n[2-1]': cannot be read at ']'
	{"kind":"node","name":"n[2","cpus":1}|'n[2': a name is missing, or a bracket
	{"kind":"node","name":"n[1-300000]","cpus":1}|'n[1-300000]': node n1 is there twice
	{"kind":"node","name":"m[1-300000]","cpus":1}|'m[1-300000]': more than 262144 nodes
	{"kind":"node","name":"n2","cpus":1073741824}|'n2': more than 1073741824 CPUs
	{"kind":"node","name":"n2","cpus":1,"gres":":3"}|gres ':3' cannot be read
	{"kind":"node","name":"n\"2","cpus":1}|'n"2': node names have no quotes, backslashes or control characters
	{"kind":"node","name":"n2","cpus":1,"gres":"g\\u:3"}|gres 'g\u:3' cannot be read
	{"kind":"node","name":"n2","cpus":1,"features":7}|node: 'features' must be text
	{"kind":"partition"}|partition: 'name' is missing
	{"kind":"partition","name":"p","max_s":0}|partition: 'max_s' must be an integer, 1 to 9007199254740992
	END
	: >nodes
	refused "nodes: no node that can be used: neither records of nodes nor a slurm.conf nor an ini file" -c nodes -p easy
	echo '{"kind":"node","name":"n1","cpus":1,"state":"DOWN*"}' >nodes
	refused "nodes: no node that can be used: neither records of nodes nor a slurm.conf nor an ini file" -c nodes -p easy
	echo '{"kind":"node","name":"n1","cpus":1}' >nodes
	refused "--allocate is not for a cluster of nodes" -c nodes -p easy --allocate=ids
	refused "--same-instant is not for a cluster of nodes" -c nodes -p easy --same-instant=pyss
	printf '%s\n' '{"kind":"node","name":"n1","cpus":1,"partition":"a"}' \
		'{"kind":"partition","name":"b"}' >nodes
	echo '{"kind":"job","job_id":1,"submit_at":0,"run_s":5,"cpus":1}' >in
	refused "stdin:1: job 1: job: 'partition' is missing, and none is the default" -c nodes -p easy
}
