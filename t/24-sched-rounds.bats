#!/usr/bin/env bats
# sched-sim's rounds: every golden case of SYNERGY's simulator to the job, its
# round logs GPU by GPU, its published run to the last digit; and clusters and
# jobs by chance against t/model-rounds.py, which shares nothing with it.

load helper

# shellcheck source=t/golden.sh
. "$root/t/golden.sh"
data=$golden_data/synergy

rounds() { python3 "$root/t/rounds.py" "$@"; }
model() { python3 "$root/t/model-rounds.py" "$@"; }

# sim ARGS...: the program, which must succeed and say nothing.
sim() { own --compat=synergy "$@"; }

# own ARGS...: the same in the corrected form.
own() {
	sched-sim "$@" 2>said || { cat said; return 1; }
	[ ! -s said ] || { cat said; return 1; }
}

# small SERVERS GPUS CPUS: cluster.ini
small() {
	cat >cluster.ini <<-END
	[CLUSTER]
	racks = 1
	servers_per_rack = $1
	gpus_per_server = $2
	cpus_per_server = $3
	dram_per_server = 500
	sspeed_per_server = 500
	END
}

# refused STATUS TEXT ARGS...: of the jobs in "in"; nothing comes out.
refused() {
	local want=$1 text=$2
	shift 2
	run "-$want" --separate-stderr \
		sched-sim "$@" -c cluster.ini "${compat---compat=synergy}" <in
	[ "$stderr" = "sched-sim: $text" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}

# ---- golden ----

@test "every golden case, and each round of those with a log" {
	golden_there synergy/index.json
	golden_rounds 2>said
	[ ! -s said ]
	[ "$(rounds golden)" = "141 42" ]
}

@test "the published run, to the last digit" {
	small 16 8 24
	rounds stream 8000 9 42 >jobs
	sched-trace generate --stream=synergy-single --rate=9 --seed=42 \
		--split=20,70,10 --jobs=8000 >generated
	same_ndjson jobs generated
	sim -c cluster.ini -p fifo+tune --window=4000:5000 <jobs >got
	diff -u - <(rounds figures 4000 5000 <got) <<-END
	1000 21.876600555555555 156.93307777777775 170.61199750000023
	END
	# those that come later are there, and have no end
	[ "$(wc -l <got)" -eq 8000 ]
	jq -es 'map(select(.end_at)) | length >= 5000' got
	jq -es 'last | has("start_at", "end_at") | not' got
}

@test "the example of sched-sim(1), as it stands" {
	small 16 8 24
	mandoc -T ascii "$root/man/sched-sim.1" | col -bx |
		sed -n '/^ *sched-trace generate/,/^ *job-stats/p' >example
	[ "$(wc -l <example)" -eq 4 ]
	bash -eo pipefail example >got
	diff -u - <(jq -c '[.count, .jct_s.mean]' got) <<<'[1000,78755.762]'
}

# ---- against the model ----

policies=$(echo {fifo,srtf,las,ftf,drf,tetris}{,+fair,+tune}{,+place})

# compare [OPTION...] -- POLICY...: the program and the model on "jobs".
compare() {
	compare_own --compat=synergy "$@"
}

compare_own() {
	local options=() policy
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for policy; do
		own -q -c cluster.ini -p "$policy" "${options[@]}" \
			<jobs >"got.$policy"
	done
	model cluster.ini "${options[@]}" "$@" <jobs
	rounds same "$@"
}

# by_chance SEED...: all policies on one workload of each seed.
by_chance() {
	local seed
	for seed; do
		echo "seed $seed"
		rounds workload "$seed" >jobs
		# shellcheck disable=SC2086
		compare --rounds -- $policies
	done
}

@test "clusters and jobs by chance, as the model has them (1)" { by_chance 1 2; }
@test "clusters and jobs by chance, as the model has them (2)" { by_chance 3 4; }
@test "clusters and jobs by chance, as the model has them (3)" { by_chance 7 11; }

@test "jobs submitted at once, by chance, as the model has them" {
	local seed
	for seed in 1 8; do
		echo "seed $seed"
		rounds ties "$seed" >jobs
		compare --rounds -- fifo+tune las drf+fair+place tetris
		compare --rounds --static -- fifo ftf+tune+place
	done
}

@test "the first round at 1, and a window, as the model has them" {
	rounds workload 5 >jobs
	compare --rounds --static -- las+tune ftf
	compare --rounds --window=3:10 -- las+tune srtf+fair+place
	compare --rounds --static --window=0:5 -- tetris+tune
}

@test "a job that has not run for 1000 hours comes before all others" {
	small 1 1 3
	{
		echo '{"kind":"job","job_id":0,"submit_at":0,"gpus":1,"model":"gnmt","iters":2000000}'
		for i in {1..99}; do
			echo '{"kind":"job","job_id":'"$i"',"submit_at":'$((i * 43200 - 43200))',"gpus":1,"model":"gnmt","iters":358000}'
		done
	} >jobs
	compare -- srtf drf
	jq -es 'map(select(.job_id == 0))[0] |
		.start_at > 3600000 and .start_at < 3650000' got.srtf
}

# SYNERGY's events lie in a heap that does not keep the order of equals; this is
# what the original says of this replay.
@test "jobs submitted at once come as in the original, not as they are read" {
	small 1 2 6
	for i in {0..9}; do
		echo '{"kind":"job","job_id":'"$i"',"submit_at":'$((i < 7 ? 100 : 700))',"gpus":1,"model":"gnmt","iters":10000}'
	done >jobs
	sim -c cluster.ini -p fifo --rounds <jobs >got
	jq -c 'select(.order)|.order' got | head -2 >order
	diff -u - order <<-'END'
	[0,2,6,5,1,4,3]
	[6,5,1,4,3,8,7,9]
	END
	[ "$(jq -r 'select(.end_at) | "\(.job_id):\(.start_at)"' got |
		tr '\n' ' ')" = "0:300 2:300 6:1500 5:1500 1:2700 4:2700 3:3900 8:3900 7:5100 9:5100 " ]
	# without it, as they are read
	own -c cluster.ini -p fifo <jobs >got
	[ "$(jq -r .job_id got | tr '\n' ' ')" = "0 1 2 3 4 5 6 7 8 9 " ]
}

# cluster GPUS CPUS MEM STORAGE: two servers, in cluster.ini.
cluster() {
	small 2 "$1" "$2"
	sed -i "s/^dram.*/dram_per_server = $3/
		s/^sspeed.*/sspeed_per_server = $4/" cluster.ini
}

# What the original says where a third of a server, three times, is more than the
# server: of its storage, and of its network of 40 Gbit/s.
@test "shares that are no round numbers add up as in the original" {
	cluster 3 12 750 1000
	sched-trace synergy >jobs <<-'END'
	0,m5,0,11285,1
	1,alexnet,178.1,1272,4
	2,alexnet,557.2,4654,1
	3,gnmt,691.7,12501,1
	4,m5,2510.701,2043,1
	END
	sim -c cluster.ini -p tetris+fair+place --rounds <jobs >got
	jq -c 'select(.end_at) | [.job_id, .start_at, .end_at, .rounds,
		.preemptions, .servers]' got | sort >short
	diff -u - short <<-'END'
	[0,0,6300,19,1,1]
	[1,300,1200,3,0,2]
	[2,600,3300,8,1,1]
	[3,1200,3000,6,0,1]
	[4,2700,3900,4,0,1]
	END
	[ "$(jq -c 'select(.at == 300) | [.running[] |
		select(.job_id == 1) | .shares[].gpus]' got)" = "[[1,2],[4,5]]" ]
}

@test "where the original asserts that a server has as much, and dies" {
	cluster 8 24 500 496
	sched-trace synergy >in <<-'END'
	0,lstm,0,133192,8
	1,lstm,94,106298,4
	2,lstm,115,9604,4
	3,shufflenet,215,499,4
	4,m5,223,13877,16
	5,lstm,248,9090,4
	END
	refused 2 "at 300 more was shared out than a server has, or given back than was shared out: SYNERGY's simulator dies there" -p las+tune+place
}

# As the original has it, where all jobs of a long static trace are not there
# at 1; without it they are.
@test "--static: rounds from 1 on, and in SYNERGY's form jobs as they come" {
	small 1 2 6
	sched-trace synergy >jobs <<-'END'
	0,gnmt,0,4000,1
	1,gnmt,1.001,2000,1
	2,gnmt,450,2000,1
	3,gnmt,300,2000,1
	END
	sim -c cluster.ini -p fifo --static <jobs >got
	jq -c '[.job_id, .start_at, .end_at, .rounds]' got | sort >short
	diff -u - short <<-'END'
	[0,1,601,2]
	[1,301,601,1]
	[2,601,901,1]
	[3,601,901,1]
	END
	own -c cluster.ini -p fifo --static <jobs >got
	jq -c '[.job_id, .start_at]' got | sort >short
	diff -u - short <<-'END'
	[0,1]
	[1,1]
	[2,601]
	[3,301]
	END
}

@test "the same input gives the same bytes" {
	rounds workload 6 >jobs
	sim -c cluster.ini -p tetris+tune+place --rounds <jobs >one
	sim -c cluster.ini -p tetris+tune+place --rounds <jobs >two
	cmp one two
}

# ---- the corrected form ----

# any_by_chance SEED ALLOCATION: policies of the corrected form on a cluster
# whose shares are no round numbers, with jobs of any number of GPUs.
any_by_chance() {
	echo "seed $1"
	rounds workload "$1" any >jobs
	# shellcheck disable=SC2046
	compare_own --rounds -- $(for policy in fifo srtf srsf las ftf drf \
		tetris dlas gittins; do echo "$policy$2" "$policy$2+place"; done)
	compare_own --rounds --exact --starve=7200 -- "srtf$2" "fifo$2" \
		"drf$2+place" "gittins$2"
	compare_own --rounds --queues=600,3000,20000 --promote=2 -- "dlas$2"
	compare_own --static --window=0:1 -- "ftf$2" "dlas$2" "srsf$2"
}

@test "the corrected form, as the model has it: greedy" {
	any_by_chance 4 +greedy
}
@test "the corrected form, as the model has it: fair" { any_by_chance 1 +fair; }
@test "the corrected form, as the model has it: tune" { any_by_chance 3 +tune; }

# Where many wait, only the jobs that are near their turn are put in order; with
# --rounds all are, for the record has the whole order.
@test "in a long queue, who is set aside does not matter" {
	local form policy
	small 2 8 24
	sched-trace generate --stream=synergy-single --rate=60 --seed=7 \
		--jobs=600 >jobs
	for form in --compat=synergy --exact --starve=20h; do
		for policy in ftf ftf+tune srtf+fair tetris+tune drf; do
			own -c cluster.ini "$form" -p "$policy" <jobs >got
			own -c cluster.ini "$form" -p "$policy" --rounds \
				<jobs >all
			grep '"kind":"job"' all >want
			cmp want got
		done
	done
	[ "$(jq -s '[.[] | select(.kind == "round") | .order | length] | max' \
		all)" -gt 400 ]
}

@test "in a long queue, who comes late and fits is not set aside" {
	local form order
	small 2 8 26
	for ((i = 0; i < 400; i++)); do
		if [ $i -lt 16 ]; then order='"gnmt","iters":20000'
		else order='"res50","iters":100000'; fi
		echo '{"kind":"job","job_id":'$i',"submit_at":'$((i / 2))',"gpus":1,"model":'"$order}"
	done >jobs
	echo '{"kind":"job","job_id":400,"submit_at":5000,"gpus":1,"model":"gnmt","iters":1000}' >>jobs
	for form in --compat=synergy --exact; do
		own -c cluster.ini "$form" -p srtf+fair <jobs >got
		own -c cluster.ini "$form" -p fifo <jobs >>got
		own -c cluster.ini "$form" -p fifo --rounds <jobs >all
		[ "$(jq -r 'select(.job_id == 400).start_at' got all |
			tr '\n' ' ')" = "5100 5100 5100 " ]
	done
}

@test "who is furthest behind is first in ftf, and last in SYNERGY's" {
	small 1 1 3
	cat >jobs <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","iters":2500}
	{"kind":"job","job_id":2,"submit_at":0,"gpus":1,"model":"gnmt","iters":25000}
	{"kind":"job","job_id":3,"submit_at":300,"gpus":1,"model":"gnmt","iters":50000}
	END
	own -c cluster.ini -p ftf <jobs >got
	[ "$(jq -r .job_id got | tr '\n' ' ')" = "1 2 3 " ]
	sim -c cluster.ini -p ftf <jobs >got
	[ "$(jq -r .job_id got | tr '\n' ' ')" = "1 3 2 " ]
}

@test "a job may end within a round, and loses no iteration at its end" {
	small 1 8 24
	cat >jobs <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"transformer","iters":900}
	{"kind":"job","job_id":2,"submit_at":0,"gpus":1,"model":"transformer","iters":10}
	END
	own -c cluster.ini -p fifo <jobs >got
	[ "$(jq -c '[.job_id, .end_at, .rounds]' got | tr '\n' ' ')" = \
		"[2,300,1] [1,900,3] " ]
	own --exact -c cluster.ini -p fifo <jobs >got
	# 900 times 0.67 s is 603 s
	[ "$(jq -c '[.job_id, .end_at, .rounds]' got | tr '\n' ' ')" = \
		"[2,7,1] [1,603,3] " ]
}

# ---- records ----

@test "a job keeps its fields, and what is found out replaces what was there" {
	small 1 8 24
	cat >in <<-'END'
	{"kind":"cluster","name":"x"}
	{"kind":"job","own":{"a":[1,"\u00e9"]},"job_id":7,"start_at":1,"end_at":2,"submit_at":10,"gpus":1,"model":"alexnet","iters":1500,"nodes":"n1","user":"u"}
	END
	sim -c cluster.ini -p fifo <in >got
	diff -u - got <<-'END'
	{"kind":"cluster","name":"x","procs":24,"gpus":8}
	{"kind":"job","own":{"a":[1,"\u00e9"]},"job_id":7,"submit_at":10,"gpus":1,"model":"alexnet","iters":1500,"user":"u","start_at":300,"end_at":900,"wait_s":290,"rounds":2,"preemptions":0,"tuned_rounds":0,"servers":1}
	END
}

@test "--explain says at each round why a job does not run" {
	small 1 8 24
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"gpus":4,"model":"alexnet","iters":900}
	{"kind":"job","job_id":2,"submit_at":0,"gpus":2,"model":"alexnet","iters":900}
	{"kind":"job","job_id":3,"submit_at":0,"gpus":8,"model":"gnmt","iters":10}
	END
	own -c cluster.ini -p fifo --explain=2 <in >got
	jq -r 'select(.kind == "event") | "\(.event) \(.job_id) \(.at) \(.why)"' \
		got >said
	diff -u - said <<-'END'
	waits 2 0 place 2 of 3: 4 of the 8 GPUs are left, but not with the 12 CPUs, 125 GB and 62.5 MB/s that each of its 2 needs
	waits 2 300 place 2 of 3: 4 of the 8 GPUs are left, but not with the 12 CPUs, 125 GB and 62.5 MB/s that each of its 2 needs
	END
	# so that its ties come in this order
	sed -i '2h;2d;3G' in
	sim -c cluster.ini -p fifo+tune --explain=3 <in >got
	jq -r 'select(.kind == "event") | "\(.event) \(.job_id) \(.at) \(.why)"' \
		got >said
	diff -u - said <<-'END'
	waits 3 0 place 3 of 3: 2 jobs before it have 6 of the 8 GPUs, and it needs 8
	waits 3 300 place 3 of 3: 2 jobs before it have 6 of the 8 GPUs, and it needs 8
	END
	# the records of the jobs are the same
	sim -c cluster.ini -p fifo+tune <in >want
	grep -v '"kind":"event"' got | cmp want -
	run -2 --separate-stderr \
		sched-sim -c cluster.ini -p fifo --explain=9 <in
	[ "$stderr" = "sched-sim: job 9, to be explained, is not in the input" ]
	[ -z "$output" ]
}

@test "a round record is as svc-records(5) says" {
	rounds workload 9 >jobs
	sim -c cluster.ini -p ftf+tune --rounds <jobs >got
	grep '"kind":"round"' got >round
	python3 "$root/t/unit/records.py" "$root/man/svc-records.5" check round
	[ "$(jq -r 'keys_unsorted | join(" ")' round | sort -u)" = \
		"kind at order running" ]
}

@test "a round that is longer than a record may be ends the run" {
	printf '%s\n' '[CLUSTER]' 'racks = 1' 'servers_per_rack = 2000' \
		'gpus_per_server = 8' 'cpus_per_server = 24' \
		'dram_per_server = 500' 'sspeed_per_server = 500' >wide.ini
	python3 - >jobs <<-'END'
	for i in range(16000):
	    print('{"kind":"job","job_id":%d,"submit_at":0,"gpus":1,'
	          '"model":"gnmt","iters":9000}' % (i + 1))
	END
	run -2 --separate-stderr sched-sim -c wide.ini -p fifo --rounds <jobs
	[ "$stderr" = "sched-sim: --rounds: the round at 0 does not fit in a record of 1048576 bytes" ]
	[ -z "$output" ]
	head -8000 jobs >fewer
	sched-sim -c wide.ini -p fifo --rounds <fewer >out
	[ "$(jq -r 'select(.kind == "round") | "\(.at) \(.running | length)"' out |
		head -1)" = "0 8000" ]
	job-stats <out >stats
	[ "$(jq .count stats)" = 8000 ]
}

@test "--dry-run reads and checks, and writes nothing" {
	small 1 8 24
	echo '{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","iters":5}' >in
	sim -n -c cluster.ini -p fifo <in >got
	[ ! -s got ]
	sed s/gnmt/gpt/ in >bad
	run -2 sched-sim --compat=synergy -n -c cluster.ini -p fifo <bad
}

@test "run_s counts where iters is not there" {
	small 1 8 24
	echo '{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","run_s":900}' >in
	sim -c cluster.ini -p fifo <in >got
	[ "$(jq -r .end_at got)" = 900 ]
}

@test "greedy is the default, and has a name" {
	rounds workload 8 >jobs
	sim -c cluster.ini -p srtf <jobs >one
	sim -c cluster.ini -p srtf+greedy <jobs >two
	cmp one two
}

@test "jobs that come after a pause run too" {
	small 1 8 24
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","iters":10}
	{"kind":"job","job_id":2,"submit_at":100001,"gpus":1,"model":"gnmt","iters":10}
	END
	sim -c cluster.ini -p fifo --rounds <in >got
	jq -c '[.kind, .at, .start_at, .end_at]' got >short
	diff -u - short <<-'END'
	["round",0,null,null]
	["round",300,null,null]
	["round",100200,null,null]
	["round",100500,null,null]
	["job",null,0,300]
	["job",null,100200,100500]
	END
}

# ---- what is refused ----

@test "a bad record is named, and nothing comes out" {
	local ok='{"kind":"job","job_id":1,"submit_at":5,"gpus":1,"model":"gnmt","iters":5}'
	small 1 4 12
	while IFS='|' read -r edit text; do
		{ echo "$ok"; jq -c "$edit" <<<"$ok"; } >in
		refused 2 "stdin:2: job: $text" -p fifo
	done <<-'END'
	del(.job_id)|'job_id' is missing
	.job_id = "1"|'job_id' must be an integer
	.job_id = -1|'job_id' must be 0 to 9007199254740992
	del(.submit_at)|'submit_at' is missing
	.submit_at = null|'submit_at' must be a number
	.submit_at = -1|'submit_at' must be 0 to 9007199254740992
	.submit_at = 4|submitted before the one above it; sort by submit_at
	del(.gpus)|'gpus' is missing
	.gpus = 0|0 GPUs: profiles are there for 1, 2, 4, 8 and 16
	.gpus = 3|3 GPUs: profiles are there for 1, 2, 4, 8 and 16
	.gpus = 32|32 GPUs: profiles are there for 1, 2, 4, 8 and 16
	.iters = 6000000000000000|6000000000000000 iterations of 0.12 s are more than a hundred years
	.gpus = 8|8 GPUs are more than the 4 of the cluster
	.gpus = 1.5|'gpus' must be an integer
	del(.model)|'model' is missing
	.model = 5|'model' must be text
	.model = "bert"|model 'bert' is not known; known are alexnet, res18, res50, mobilenet, shufflenet, gnmt, transformer, lstm, m5, deepspeech
	del(.iters)|neither 'iters' nor 'run_s' is there
	.iters = 0|'iters' must be 1 to 9007199254740992
	END
	{ echo "$ok"; echo "$ok"; } >in
	refused 2 "stdin: job_id 1 is there twice" -p fifo
}

@test "what the corrected form refuses" {
	local ok='{"kind":"job","job_id":1,"submit_at":5,"gpus":1,"model":"gnmt","iters":5}'
	small 1 4 12
	compat=--
	while IFS='|' read -r edit text; do
		jq -c "$edit" <<<"$ok" >in
		refused 2 "stdin:1: job: $text" -p fifo
	done <<-'END'
	.gpus = 0|0 GPUs: rounds share out GPUs, and a job needs one at least
	.gpus = 5|5 GPUs are more than the 4 of the cluster
	.model = "bert"|model 'bert' is not known; known are alexnet, res18, res50, mobilenet, shufflenet, gnmt, transformer, lstm, m5, deepspeech
	END
	small 1 64 1
	sed -i 's/^dram.*/dram_per_server = 1/' cluster.ini
	jq -c '.model = "res50"' <<<"$ok" >in
	refused 2 "stdin:1: job: with the fair share an iteration of res50 takes 499.2 s, more than a round" -p fifo
	echo "$ok" >in
	refused 2 "--queues is only for policy dlas" -p las --queues=5
	refused 2 "--promote is only for policy dlas" -p las --promote=5
	refused 2 "--queues: 5 is not between 6 and 9007199254740992" \
		-p dlas --queues=5,5
	refused 2 "--queues: '' is not a number" -p dlas --queues=5,
	refused 2 "--promote: 0 is not between 1 and 1000000" \
		-p dlas --promote=0
	refused 2 "--starve: 'soon' is not a duration (30s, 5m, 2h, 1-12:00:00)" -p las --starve=soon
	run -2 --separate-stderr sched-sim -c procs=8 -p fcfs --exact <in
	[ "$stderr" = "sched-sim: --exact is only for policies of rounds" ]
}

@test "-k skips bad records, says each, and ends with 1" {
	small 1 4 12
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":5,"gpus":1,"model":"gnmt","iters":5}
	{"kind":"job","job_id":2,"submit_at":5,"gpus":8,"model":"gnmt","iters":5}
	{"kind":"job"
	{"kind":"job","job_id":4,"submit_at":5,"gpus":4,"model":"gnmt","iters":5}
	END
	run -1 --separate-stderr \
		sched-sim --compat=synergy -k -c cluster.ini -p fifo <in
	jq -r .job_id <<<"$output" | diff -u - <(printf '1\n4\n')
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "${stderr_lines[0]}" = "sched-sim: stdin:2: job: 8 GPUs are more than the 4 of the cluster: skipped" ]
	[[ ${stderr_lines[1]} == "sched-sim: stdin:3: "*": skipped" ]]
}

@test "a profile that does not say how fast is a refusal, as in the original" {
	small 1 8 48
	echo '{"kind":"job","job_id":1,"submit_at":5,"gpus":4,"model":"m5","iters":5}' >in
	refused 2 "stdin:1: job: m5 on 4 GPUs needs more than a server has, and its profile does not say how fast it is with less" -p fifo
}

@test "policies that are not there" {
	small 1 8 24
	: >in
	refused 2 "policy srsf+tune: srsf is defined in SYNERGY's simulator and cannot be constructed there" -p srsf+tune
	refused 2 "policy fifo+tone: 'tone' is not one of greedy, fair, tune, opt and place, or is one too many" -p fifo+tone
	refused 2 "policy fifo+fair+tune: 'tune' is not one of greedy, fair, tune, opt and place, or is one too many" -p fifo+fair+tune
	refused 2 "policy fifo+place+fair+place: 'place' is not one of greedy, fair, tune, opt and place, or is one too many" -p fifo+place+fair+place
	refused 2 "policy fifo+: '' is not one of greedy, fair, tune, opt and place, or is one too many" -p fifo+
	refused 2 "policy dlas: it is Tiresias's, and not in SYNERGY's simulator" -p dlas
	refused 2 "policy gittins+tune: it is Tiresias's, and not in SYNERGY's simulator" -p gittins+tune
	refused 2 "policy las+opt: SYNERGY's simulator dies of opt but for fifo and srtf" -p las+opt
	refused 2 "--exact: SYNERGY's simulator has it not; leave out --compat=synergy" -p fifo --exact
	refused 2 "--starve: SYNERGY's simulator has it not; leave out --compat=synergy" -p fifo --starve=2h
	small 1 8 56
	refused 2 "opt: the profiles have no point at 7 CPUs and 62.5 GB a GPU, the fair share, and SYNERGY's simulator dies of that" -p fifo+opt
}

@test "clusters that cannot be" {
	small 1 8 24
	: >in
	while IFS='|' read -r edit text; do
		small 1 8 24
		sed -i "$edit" cluster.ini
		refused 2 "cluster.ini:$text" -p fifo
	done <<-'END'
	s/racks = 1/racks = 2/| racks = 2: only one rack is simulated; put all servers into it
	/^gpus/d| [CLUSTER] has no gpus_per_server
	/^\[/d| [CLUSTER] has no racks
	s/^gpus.*/gpus_per_server = 65/| more than 100000 servers, or more than 64 GPUs on one
	s/^cpus.*/cpus_per_server = 0/|5: cpus_per_server: 0 is not between 1 and 1000000000
	s/^cpus.*/cpus_per_server = x/|5: cpus_per_server: 'x' is not a number
	s/^cpus.*/cpus_per_server/|5: 'cpus_per_server' is not KEY = VALUE
	s/^cpus.*/racks = 1/|5: racks is there twice
	END
	rm cluster.ini
	refused 2 "cluster.ini: No such file or directory" -p fifo
}

@test "rounds need servers" {
	: >in
	run -2 --separate-stderr \
		sched-sim --compat=synergy -c procs=8 -p fifo <in
	[ "$stderr" = "sched-sim: procs=8: rounds need servers: an ini file, or node records" ]
}

@test "servers from node records" {
	local node='{"kind":"node","name":"n[1-3]","cpus":24,"mem_mb":512000,"gres":"gpu:a100:8"}'
	rounds workload 6 >jobs
	small 3 8 24
	echo "$node" >nodes
	own -c cluster.ini -p srtf+tune --rounds <jobs >want
	own -c nodes -p srtf+tune --rounds <jobs >got
	cmp want got
	sim -c cluster.ini -p las+tune --rounds <jobs >want
	sim -c nodes -p las+tune --rounds <jobs >got
	cmp want got
	# without GPUs it has no part in it
	{ jq -c 'del(.gres) + {name: "cpu"}' <<<"$node"; echo "$node"; } >mixed
	own -c mixed -p srtf+tune --rounds <jobs >got
	own -c nodes -p srtf+tune --rounds <jobs | cmp - got
	jq -c 'del(.gres)' <<<"$node" >nodes
	run -2 --separate-stderr sched-sim -c nodes -p fifo <jobs
	[ "$stderr" = "sched-sim: nodes: no node has GPUs, and rounds share them out" ]
}

# unlike SEED...: all policies, on nodes and with jobs by chance.
unlike() {
	local seed policies
	policies=$(for policy in fifo srtf srsf las ftf drf tetris dlas \
		gittins; do
		for how in "" +fair +tune +place +fair+place +tune+place; do
			echo "$policy$how"
		done
	done)
	for seed; do
		echo "seed $seed"
		rounds unlike "$seed" >jobs
		# shellcheck disable=SC2086
		for policy in $policies; do
			own -c nodes -p "$policy" --rounds <jobs >"got.$policy"
		done
		# shellcheck disable=SC2086
		model nodes --rounds $policies <jobs
		# shellcheck disable=SC2086
		rounds same $policies
	done
}

@test "servers from a slurm.conf, and behind a comment" {
	echo '{"kind":"node","name":"n[1-2]","cpus":24,"mem_mb":512000,"gpus":8,"partition":"main"}' >nodes
	rounds workload 6 >jobs
	sched-sim -c nodes -p srtf+tune --rounds <jobs >want
	grep -q '"kind":"round"' want
	{ printf '# my cluster\n\n'; cat nodes; } >commented
	sched-sim -c commented -p srtf+tune --rounds <jobs >got
	cmp want got
	cat >slurm.conf <<-'END'
	# my cluster
	ClusterName=mine
	SelectTypeParameters=CR_CPU_Memory
	  nodename=n[1-2] CPUs=24 RealMemory=512000 Gres=gpu:8
	PartitionName=main Nodes=ALL Default=YES
	END
	sched-sim -c slurm.conf -p srtf+tune --rounds <jobs >got
	cmp want got
}

@test "nodes that differ, and jobs for some of them, as the model has them" {
	unlike 3 12 13 17
}

@test "in a long queue for unlike nodes, who is set aside does not matter" {
	local policy
	printf '%s\n' '{"kind":"node","name":"a[1-2]","cpus":24,"gres":"gpu:a100:8"}' \
		'{"kind":"node","name":"v1","cpus":12,"mem_mb":64000,"gres":"gpu:v100:2"}' >nodes
	sched-trace generate --stream=synergy-single --rate=60 --seed=7 \
		--jobs=600 | jq -c 'if .job_id % 9 == 0 then .gres = "gpu:v100"
		else . end' >jobs
	for policy in ftf srtf+fair srtf+tune; do
		own -c nodes -p "$policy" <jobs >got
		own -c nodes -p "$policy" --rounds <jobs >all
		grep '"kind":"job"' all | cmp - got
	done
	[ "$(jq -s '[.[] | select(.kind == "round") | .order | length] | max' \
		all)" -gt 300 ]
}

@test "a job is where it asks to be, and is as fast as the slowest there" {
	cat >nodes <<-'END'
	{"kind":"node","name":"a","cpus":24,"mem_mb":512000,"gres":"gpu:a100:2","partition":"main"}
	{"kind":"node","name":"v","cpus":2,"mem_mb":512000,"gres":"gpu:v100:2,nvme:1","partition":"main,old","features":"ib"}
	END
	local asks want
	while IFS='|' read -r asks want; do
		jq -nc "{kind: \"job\", job_id: 1, submit_at: 0, gpus: 2,
			model: \"res18\", iters: 1000} + $asks" >in
		own -c nodes -p fifo+fair --rounds <in >got
		[ "$(jq -c 'if .kind == "job" then .end_at else
			[.running[].shares[] | .server, .cpus] end' got |
			tr '\n' ' ')" = "$want " ] || { cat got; return 1; }
	done <<-'END'
	{}|[0,24] [] 300
	{gres: "gpu:v100:2"}|[1,2] [] 1800
	{gres: "gpu,nvme:1"}|[1,2] [] 1800
	{partition: "old"}|[1,2] [] 1800
	{constraint: "ib"}|[1,2] [] 1800
	{gpus: 3}|[0,24,1,1] [] 1800
	END
	while IFS='|' read -r asks want; do
		jq -nc "{kind: \"job\", job_id: 1, submit_at: 0, gpus: 2,
			model: \"res18\", iters: 1000} + $asks" >in
		run -2 --separate-stderr sched-sim -c nodes -p fifo+fair <in
		[ "$stderr" = "sched-sim: stdin:1: job: $want" ] ||
			{ echo "$stderr"; return 1; }
		[ -z "$output" ]
	done <<-'END'
	{gres: "gpu:h100"}|no node has the gres 'gpu:h100'
	{partition: "new"}|the cluster has no partition 'new'
	{constraint: "opa"}|no node has the feature 'opa'
	{gres: "gpu:a100", constraint: "ib"}|no node has GPUs, and all that it asks for of nodes
	{gpus: 3, partition: "old"}|3 GPUs are more than the 2 of the nodes that it asks for
	{gpus: 5}|5 GPUs are more than the 4 of the cluster
	END
	echo '{"kind":"job","job_id":1,"submit_at":0,"gpus":1,"model":"gnmt","iters":5}' >in
	run -2 --separate-stderr \
		sched-sim --compat=synergy -c nodes -p fifo <in
	[ "$stderr" = "sched-sim: nodes: v is not like a: in SYNERGY's form all servers are alike" ]
}

@test "--explain counts the GPUs that a job may use" {
	cat >nodes <<-'END'
	{"kind":"node","name":"a[1-2]","cpus":24,"mem_mb":512000,"gres":"gpu:a100:2"}
	{"kind":"node","name":"v","cpus":6,"mem_mb":512000,"gres":"gpu:v100:2"}
	END
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"gpus":5,"model":"gnmt","iters":10}
	{"kind":"job","job_id":2,"submit_at":0,"gpus":2,"model":"gnmt","iters":10,"gres":"gpu:v100"}
	{"kind":"job","job_id":3,"submit_at":300,"gpus":1,"model":"alexnet","iters":10,"gres":"gpu:v100"}
	{"kind":"job","job_id":4,"submit_at":300,"gpus":1,"model":"alexnet","iters":10,"gres":"gpu:v100"}
	END
	own -c nodes -p fifo --explain=2 <in >got
	own -c nodes -p fifo --explain=4 <in >>got
	jq -r 'select(.kind == "event") | "\(.job_id) \(.at) \(.why)"' got >said
	diff -u - said <<-'END'
	2 0 place 2 of 2: 1 jobs before it have 1 of the 2 GPUs it may use, and it needs 2
	4 300 place 3 of 3: 1 jobs before it have 2 of the 2 GPUs it may use, and it needs 1
	4 600 place 2 of 2: 1 of the 2 GPUs it may use are left, but not with the CPUs and the memory that each of its 1 would have there
	END
}

@test "where a node says nothing of memory, it suffices" {
	rounds workload 6 >jobs
	small 3 8 24
	sed -i 's/^dram.*/dram_per_server = 2000/' cluster.ini
	echo '{"kind":"node","name":"n[1-3]","cpus":24,"gpus":8}' >nodes
	own -c cluster.ini -p srtf+tune --rounds <jobs >want
	own -c nodes -p srtf+tune --rounds <jobs >got
	cmp want got
}

# 10 / 3 is rounded up, and three times that is more than 10
@test "a job whose shares do not fit by a rounding ends the run" {
	small 6 3 10
	echo '{"kind":"job","job_id":1,"submit_at":5,"gpus":16,"model":"gnmt","iters":5}' >in
	refused 2 "job 1: does not fit on empty servers" -p fifo+fair
	refused 2 "job 1: no room at 300, though 18 GPUs are free and all others were put back to their shares" -p fifo+tune
}

@test "a window whose jobs are not all there" {
	small 1 8 24
	echo '{"kind":"job","job_id":1,"submit_at":5,"gpus":1,"model":"gnmt","iters":5}' >in
	refused 2 "window 1:3: the input has only 1 of these jobs" \
		-p fifo --window=1:3
}

@test "jobs so large that gittins cannot add them up" {
	small 100000 64 192
	for i in {1..500}; do
		echo '{"kind":"job","job_id":'"$i"',"submit_at":5,"gpus":6400000,"model":"gnmt","iters":26000000000}'
	done >in
	compat=--
	refused 2 "gittins: all jobs together are too large" -n -p gittins
}

@test "a time that records cannot have" {
	small 1 8 24
	echo '{"kind":"job","job_id":1,"submit_at":9007199254740000,"gpus":1,"model":"gnmt","iters":9999}' >in
	refused 2 "the last job ends at 9007199254741200, and records have no time after 9007199254740992" -p fifo
}

@test "no jobs, no records" {
	small 1 8 24
	: >jobs
	sim -c cluster.ini -p fifo <jobs >got
	[ ! -s got ]
}
