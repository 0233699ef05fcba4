#!/usr/bin/env bats
# sched-trace: logs in, job records out, and back; workloads made up, against
# CPython's own `random`.

load helper

data=${BERTH_DATA:-$root/../shared/data}

# need FILE...: there is data to compare with.
need() {
	local file
	for file; do
		[ -r "$file" ] || {
			echo "$file is missing: set BERTH_DATA"
			return 1
		}
	done
}

# odd TEXT ARGS...: what is in "in" ends sched-trace with that.
odd() {
	local text=$1
	shift
	run -2 --separate-stderr sched-trace "$@" in
	[ "$stderr" = "sched-trace: $text" ] || { echo "$stderr"; return 1; }
}

# ---- swf ----

@test "swf: all 18 fields, and the header" {
	cat >in <<-'END'
	; Version: 2.2
	; Computer: IBM SP2
	;UnixStartTime: 843004801
	; MaxNodes:	100 (some of them thin)
	; MaxProcs: 128
	; Note: nothing: here

	7 10 5 60 4 58.25 2048 8 120 4096 1 12 3 4 5 6 2 30
	 8	11  -1 -1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1
	9 12 0 9 1 -1 -1 -1 -1 -1 5 0 0 0 0 0 -1 -1
	END
	sched-trace swf in >got
	diff -u - got <<-'END'
	{"kind":"cluster","name":"IBM SP2","procs":128,"node_count":100,"start_at":843004801}
	{"kind":"job","job_id":7,"submit_at":10,"wait_s":5,"run_s":60,"cpus":4,"cpu_per_proc_s":58.25,"used_mem_per_proc_kb":2048,"cpus_requested":8,"limit_s":120,"mem_per_proc_kb":4096,"state":"COMPLETED","user":"12","account":"3","name":"4","qos":"5","partition":"6","after_job_id":2,"think_s":30,"start_at":15,"end_at":75}
	{"kind":"job","job_id":8,"submit_at":11,"cpus_requested":2}
	{"kind":"job","job_id":9,"submit_at":12,"wait_s":0,"run_s":9,"cpus":1,"state":"CANCELLED","user":"0","account":"0","name":"0","qos":"0","partition":"0","start_at":12,"end_at":21}
	END
	sched-trace --to=swf got >back
	diff -u - back <<-'END'
	; Version: 2.2
	; Computer: IBM SP2
	; MaxProcs: 128
	; MaxNodes: 100
	; UnixStartTime: 843004801
	7 10 5 60 4 58.25 2048 8 120 4096 1 12 3 4 5 6 2 30
	8 11 -1 -1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1
	9 12 0 9 1 -1 -1 -1 -1 -1 5 0 0 0 0 0 -1 -1
	END
	sched-trace swf <in | cmp - got
}

@test "swf --clean: dropped, cut, sorted, numbered; and each is named" {
	cat >in <<-'END'
	; MaxProcs: 100
	5 20 1 30 -1 -1 -1 4 -1 -1 1 9 -1 -1 -1 -1 3 7
	6 12 -1 90 2 -1 -1 8 60 -1 1 9 -1 -1 -1 -1 -1 -1
	7 12 -1 10 0 -1 -1 1 0 -1 1 9 -1 -1 -1 -1 -1 -1
	8 11 -1 0 2 -1 -1 2 60 -1 1 9 -1 -1 -1 -1 -1 -1
	9 11 -1 -1 -1 -1 -1 2 60 -1 5 9 -1 -1 -1 -1 -1 -1
	10 11 -1 5 -1 -1 -1 -1 60 -1 1 9 -1 -1 -1 -1 -1 -1
	11 10 -1 5 1 -1 -1 -1 60 -1 1 8 -1 -1 -1 -1 -1 -1
	END
	sched-trace -v swf --clean in >got 2>talk
	diff -u - got <<-'END'
	{"kind":"cluster","procs":100}
	{"kind":"job","job_id":1,"submit_at":1,"run_s":5,"cpus":1,"limit_s":60,"state":"COMPLETED","user":"8"}
	{"kind":"job","job_id":2,"submit_at":3,"run_s":60,"cpus":2,"cpus_requested":8,"limit_s":60,"state":"COMPLETED","user":"9"}
	{"kind":"job","job_id":3,"submit_at":3,"run_s":10,"cpus":1,"cpus_requested":1,"limit_s":10,"state":"COMPLETED","user":"9"}
	{"kind":"job","job_id":4,"submit_at":11,"wait_s":1,"run_s":30,"cpus":4,"cpus_requested":4,"limit_s":30,"state":"COMPLETED","user":"9","start_at":12,"end_at":42}
	END
	diff -u - talk <<-'END'
	sched-trace: in:3: longer than its estimate: cut
	sched-trace: in:5: no run time: dropped
	sched-trace: in:6: no run time: dropped
	sched-trace: in:7: no processors: dropped
	sched-trace: dropped 2 without a run time and 1 without processors; cut 1 to their estimates (-v names them)
	END
	sched-trace -q swf --clean in 2>talk | cmp - got
	[ ! -s talk ]
}

@test "swf: real logs go there and back, and are clean already" {
	local log
	need "$data/swf/"{hpc2n,kth-sp2,nasa-ipsc,philly-gpus2490}.swf.gz
	for log in hpc2n kth-sp2 nasa-ipsc philly-gpus2490 sdsc-sp2-5k; do
		zcat "$data/swf/$log.swf.gz" >in
		sched-trace swf in >got
		sched-trace swf --clean in | cmp - got
		sched-trace --to=swf got | grep -v '^;' >back
		grep -v '^;' in | cmp - back
	done
}

@test "swf: odd rows are named, and end it or are skipped" {
	local good='1 10 5 60 4 -1 -1 8 120 -1 1 12 3 4 5 6 2 30'
	{ echo "$good"; echo "$good 1"; } >in
	odd 'in:2: 19 fields where SWF has 18' swf
	echo "${good% *}" >in
	odd 'in:1: 17 fields where SWF has 18' swf
	echo "x ${good#* }" >in
	odd "in:1: field 1: 'x' is neither -1 nor a whole number of 0 to 2^53" swf
	echo "-2 ${good#* }" >in
	odd "in:1: field 1: '-2' is neither -1 nor a whole number of 0 to 2^53" swf
	echo "1.5 ${good#* }" >in
	odd "in:1: field 1: '1.5' is neither -1 nor a whole number of 0 to 2^53" swf
	echo "9007199254740993000 ${good#* }" >in
	odd "in:1: field 1: '9007199254740993000' is neither -1 nor a whole number of 0 to 2^53" swf
	echo "-1 ${good#* }" >in
	odd 'in:1: field 1 is -1: a job has a number and a submit time' swf
	echo "${good/ 10 / -1 }" >in
	odd 'in:1: field 2 is -1: a job has a number and a submit time' swf
	echo "${good/ 1 12/ 6 12}" >in
	odd "in:1: field 11: status '6' is not -1 to 5" swf
	echo "${good/ -1 -1 8 / 1e3 -1 8 }" >in
	odd "in:1: field 6: '1e3' is neither -1 nor a number of 0 to 2^53" swf
	echo "${good/ 10 5 / 9007199254740992 5 }" >in
	odd 'in:1: it ends after 2^53' swf
	printf '%s\0 1\n' "$good" >in
	odd 'in:1: NUL byte' swf
	{ echo x; echo "$good"; echo; echo y; } >in
	run -1 --separate-stderr sched-trace -k swf in
	[ "$(jq .job_id <<<"$output")" = 1 ]
	diff -u - <(echo "$stderr") <<-'END'
	sched-trace: in:1: 1 fields where SWF has 18: skipped
	sched-trace: in:4: 1 fields where SWF has 18: skipped
	sched-trace: in: 2 odd rows skipped
	END
}

@test "to swf: names are numbered, times are put together" {
	cat >in <<-'END'
	{"kind":"event","event":"word"}
	{"job_id":1,"submit_at":100,"start_at":110,"end_at":170,"user":"ada","account":"7","state":"TIMEOUT","kind":"job"}
	{"kind":"job","job_id":2,"submit_at":101,"user":"bob","state":"PENDING","gpus":4,"name":"a \u00e9"}
	{"kind":"job","job_id":3,"submit_at":102,"user":"ada","state":"COMPLETED"}
	END
	sched-trace --to=swf in >got
	diff -u - got <<-'END'
	; Version: 2.2
	1 100 10 60 -1 -1 -1 -1 -1 -1 0 1 7 -1 -1 -1 -1 -1
	2 101 -1 -1 -1 -1 -1 -1 -1 -1 -1 2 -1 1 -1 -1 -1 -1
	3 102 -1 -1 -1 -1 -1 -1 -1 -1 1 1 -1 -1 -1 -1 -1 -1
	END
	echo '{"kind":"job","job_id":4,"submit_at":1,"user":"3"}' >>in
	odd "in:5: 'user' has both names and numbers in this stream: '3'" --to=swf
	echo '{"kind":"job","job_id":4,"submit_at":0.5}' >in
	odd "in:1: job: 'submit_at' must be an integer" --to=swf
	echo '{"kind":"job","job_id":4}' >in
	odd "in:1: job: 'submit_at' is missing" --to=swf
	echo '{"kind":"job","job_id":4,"submit_at":1,"state":7}' >in
	odd "in:1: job: 'state' must be text" --to=swf
	echo '{"kind":"job","job_id":4,"submit_at":1,"x":}' >in
	odd "in:1: column 44: a value is due" --to=swf
	echo '{"kind":"job","job_id":4,"submit_at":10,"start_at":9}' >in
	odd 'in:1: it starts before it is submitted' --to=swf
	echo '{"kind":"job","job_id":4,"submit_at":10,"start_at":12,"end_at":11}' >in
	odd 'in:1: it ends before it starts' --to=swf
}

@test "to swf: a name among numbers is one odd row, the next number is none" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"user":"100"}
	{"kind":"job","job_id":2,"submit_at":0,"user":"ada"}
	{"kind":"job","job_id":3,"submit_at":0,"user":"101"}
	END
	run -1 --separate-stderr sched-trace -k --to=swf in
	diff -u - <(echo "$output") <<-'END'
	; Version: 2.2
	1 0 -1 -1 -1 -1 -1 -1 -1 -1 -1 100 -1 -1 -1 -1 -1 -1
	3 0 -1 -1 -1 -1 -1 -1 -1 -1 -1 101 -1 -1 -1 -1 -1 -1
	END
	diff -u - <(echo "$stderr") <<-'END'
	sched-trace: in:2: 'user' has both names and numbers in this stream: 'ada': skipped
	sched-trace: in: 1 odd rows skipped
	END
}

@test "an odd row has its line, also where the file is called as the message begins" {
	echo '{"kind":"job","job_id":1}' >job
	run -2 --separate-stderr sched-trace --to=swf job
	[ "$stderr" = "sched-trace: job:1: job: 'submit_at' is missing" ]
	echo '1 2' >2
	run -1 --separate-stderr sched-trace -k swf 2
	[ "${stderr_lines[0]}" = 'sched-trace: 2:1: 2 fields where SWF has 18: skipped' ]
	head -c 1100000 /dev/zero | tr '\0' x >2
	run -2 --separate-stderr sched-trace swf 2
	[ "$stderr" = 'sched-trace: 2:1: line longer than 1048576 bytes' ]
}

# ---- synergy ----

@test "synergy: replays there and back" {
	printf '0,alexnet,.123,3349,4\r\n1,gnmt,1900,26435,1\n' >in
	sched-trace synergy in >got
	diff -u - got <<-'END'
	{"kind":"job","job_id":0,"submit_at":0.123,"model":"alexnet","iters":3349,"gpus":4}
	{"kind":"job","job_id":1,"submit_at":1900,"model":"gnmt","iters":26435,"gpus":1}
	END
	sched-trace --to=synergy got >back
	diff -u - back <<-'END'
	0,alexnet,0.123,3349,4
	1,gnmt,1900,26435,1
	END
	local log
	need "$data/synergy/traces/"{multi,single,synth}_100.csv
	for log in multi single synth; do
		sched-trace synergy "$data/synergy/traces/${log}_100.csv" >got
		sched-trace --to=synergy got |
			cmp - "$data/synergy/traces/${log}_100.csv"
	done
}

@test "synergy: odd rows" {
	echo '0,alexnet,1,2' >in
	odd 'in:1: 4 fields where a replay has 5' synergy
	echo '0,alexnet,1,2.5,1' >in
	odd "in:1: field 4, iters: '2.5' is not a number of 0 to 2^53" synergy
	echo '0,alexnet,-1,2,1' >in
	odd "in:1: field 3, submit_at: '-1' is not a number of 0 to 2^53" synergy
	echo '0,alexnet,9007199254740992,1,1' >in
	sched-trace synergy in >got
	echo '0,alexnet,9007199254740993,1,1' >in
	odd "in:1: field 3, submit_at: '9007199254740993' is not a number of 0 to 2^53" synergy
	echo '0,a"b,1,2,1' >in
	odd "in:1: field 2: 'a\"b' is not the name of a model" synergy
	echo '{"kind":"job","job_id":0,"submit_at":1,"model":"m","iters":2}' >in
	odd "in:1: job: 'gpus' is missing" --to=synergy
	echo '{"kind":"job","job_id":0,"model":"a b"}' >in
	odd "in:1: job: 'model' must be a name of less than 64 bytes" --to=synergy
}

# ---- sacct ----

@test "sacct: columns in any order, steps passed over" {
	cat >in <<-'END'
	State|JobName|JobID|JobIDRaw|Submit|Start|End|Elapsed|Timelimit|AllocCPUS|AllocTRES|NodeList|User|Foo
	COMPLETED|a b|12|12|2024-05-06T07:08:09|2024-05-06T07:09:09|2024-05-07T07:09:09|1-00:00:00|2-00:00:00|8|billing=8,cpu=8,gres/gpu=2,mem=4.50G,node=1|n1|ada|x
	COMPLETED|batch|12.batch|12.batch|2024-05-06T07:08:09|2024-05-06T07:09:09|2024-05-07T07:09:09|1-00:00:00||8|||
	CANCELLED by 1000|é|13_4|15|2024-05-06T07:08:10|Unknown|Unknown|00:00:00|UNLIMITED|0||None assigned|bob|
	END
	sed -i 's/^COMPLETED|batch.*/&|/' in
	sched-trace sacct in >got 2>talk
	[ "$(cat talk)" = 'sched-trace: in: passed over 1 rows of steps' ]
	diff -u - got <<-'END'
	{"kind":"job","job_id":12,"submit_at":1714979289,"start_at":1714979349,"end_at":1715065749,"wait_s":60,"run_s":86400,"limit_s":172800,"cpus":8,"gpus":2,"mem_mb":4608,"name":"a b","user":"ada","state":"COMPLETED","nodes":"n1"}
	{"kind":"job","job_id":15,"array_job_id":13,"array_task_id":4,"submit_at":1714979290,"name":"é","user":"bob","state":"CANCELLED"}
	END
}

@test "sacct: raw columns, local time, times in seconds" {
	cat >in <<-'END'
	JobIDRaw|Submit|Start|ElapsedRaw|TimelimitRaw|NCPUS|ReqCPUS|ReqTRES|NNodes|Restarts|Partition|QOS|Account|ExitCode
	7|2024-01-15T12:00:00|2024-01-15T12:00:30|10|90|0|4|cpu=4,mem=512M|2|1|gpu|normal|phys|0:0
	8|1714979289|1714979299|5||4||||||||1:0
	END
	TZ=America/New_York sched-trace sacct in >got
	diff -u - got <<-'END'
	{"kind":"job","job_id":7,"submit_at":1705338000,"start_at":1705338030,"wait_s":30,"run_s":10,"limit_s":5400,"cpus":4,"mem_mb":512,"node_count":2,"restarts":1,"account":"phys","partition":"gpu","qos":"normal","exit_code":"0:0"}
	{"kind":"job","job_id":8,"submit_at":1714979289,"start_at":1714979299,"wait_s":10,"run_s":5,"cpus":4,"exit_code":"1:0"}
	END
}

@test "sacct --clean: what is cut to its limit ends sooner" {
	cat >in <<-'END'
	JobIDRaw|JobID|Submit|Start|End|ElapsedRaw|TimelimitRaw|AllocCPUS
	7|7|1000|1010|1080|70|1|2
	9|9|1000|1010|1080|50|1|2
	END
	sched-trace -q --clean sacct in >got
	diff -u - got <<-'END'
	{"kind":"job","job_id":1,"submit_at":1,"wait_s":10,"run_s":60,"limit_s":60,"cpus":2,"start_at":11,"end_at":71}
	{"kind":"job","job_id":2,"submit_at":1,"wait_s":10,"run_s":50,"limit_s":60,"cpus":2,"start_at":11,"end_at":81}
	END
}

@test "sacct: kinds of GPUs with long names, memory that is all of a node" {
	cat >in <<-'END'
	JobID|Submit|AllocTRES|ReqMem
	1|100|cpu=1,gres/gpu:nvidia_a100-sxm-80gb=12,mem=4G,node=1|2G
	2|100|gres/gpu:nvidia_a100_80gb_pcie_of_node_7=2,gres/gpu:v100=1|
	3|100|cpu=1,mem=0,node=1|0
	4|100|cpu=1,mem=0,node=1|2G
	END
	sched-trace sacct in >got
	diff -u - got <<-'END'
	{"kind":"job","job_id":1,"submit_at":100,"gpus":12,"mem_mb":4096}
	{"kind":"job","job_id":2,"submit_at":100,"gpus":3}
	{"kind":"job","job_id":3,"submit_at":100}
	{"kind":"job","job_id":4,"submit_at":100,"mem_mb":2048}
	END
	printf '%s\n' 'JobID|Submit|AllocTRES' '1|1|gres/gpu:a=,mem=1G' >in
	odd "in:2: 'gres/gpu:a=' is not a number of GPUs" sacct
	printf '%s\n' 'JobID|Submit|AllocTRES' '1|1|gres/gpu:a,b=3' >in
	odd "in:2: 'gres/gpu:a' is not a number of GPUs" sacct
}

@test "sacct: the hour that a clock passes over, also where it is half of one" {
	printf '%s\n' 'JobID|Submit' '1|2024-10-06T02:15:00' >in
	TZ=Australia/Lord_Howe odd "in:2: '2024-10-06T02:15:00' is not a time: the clock never said so" sacct
	sched-trace sacct in >got
	diff -u - got <<<'{"kind":"job","job_id":1,"submit_at":1728180900}'
	printf '%s\n' 'JobID|Submit' '1|2024-03-31T02:15:00' >in
	TZ=Europe/Berlin odd "in:2: '2024-03-31T02:15:00' is not a time: the clock never said so" sacct
}

@test "sacct: what is odd" {
	local head='JobID|JobName|Submit'
	echo 'some text' >in
	odd 'in:1: this is not what sacct -P prints, or it has no column Submit' sacct
	echo 'Submit|x' >in
	odd 'in:1: this is not what sacct -P prints, or it has no column JobIDRaw or JobID' sacct
	printf '%s\n' "$head" '1|a|b|2024-05-06T07:08:09' >in
	odd "in:2: 4 fields where the first line has 3; a name with a '|' in it?" sacct
	printf '%s\n' "$head" '1_3|a|2024-05-06T07:08:09' >in
	odd "in:2: job '1_3' is part of an array or of a heterogeneous job: the column JobIDRaw is needed" sacct
	printf '%s\n' "$head" '1|a|yesterday' >in
	odd "in:2: 'yesterday' is not a time" sacct
	printf '%s\n' "$head" '1|a|Unknown' >in
	odd 'in:2: no submit time' sacct
	printf '%s\n' "$head" '1|a\377|Unknown' >in
	odd 'in:2: no submit time' sacct
	printf '1|a\377|2024-05-06T07:08:09\n' >row
	{ echo "$head"; cat row; echo '2|b|2024-05-06T07:08:09'; } >in
	odd 'in:2: this row is not UTF-8' sacct
	run -1 --separate-stderr sched-trace -k sacct in
	[ "$(jq .job_id <<<"$output")" = 2 ]
	echo 'JobID|Submit|JobName|submit' >in
	odd "in:1: the first line names 'Submit' twice" sacct
	printf '%s\n' 'JobID|Submit|Start|End' '1|100|90|120' >in
	odd 'in:2: it starts before it is submitted' sacct
	printf '%s\n' 'JobID|Submit|Start|End' '1|100|110|109' >in
	odd 'in:2: it ends before it starts' sacct
	: >in
	run -0 --separate-stderr sched-trace sacct in
	[ -z "$output$stderr" ]
}

# ---- generate ----

# model STREAM JOBS RATE SEED SPLIT: the same stream by Python's own random.
model() {
	python3 - "$@" <<-'END'
	import math, random, sys
	stream, jobs, rate, seed, split = sys.argv[1:]
	rate, split = float(rate), [int(p) for p in split.split(",")]
	zoo = [[("alexnet", .6), ("res18", .64), ("res50", .78),
	        ("mobilenet", .71), ("shufflenet", .615)],
	       [("gnmt", .12), ("transformer", .67), ("lstm", .011)],
	       [("m5", .6), ("deepspeech", .757)]]
	chance, lengths = random.Random(int(seed)), random.Random(42)
	def duration(r):
	    if r.random() >= 0.8:
	        return 60 * 10 ** r.uniform(3, 4)
	    return 60 * 10 ** r.uniform(1.5, 3)
	made, now = [0, 0, 0], 0
	for i in range(int(jobs)):
	    now += math.ceil(-math.log(1 - chance.random()) / rate * 60 * 60)
	    gpus = 1
	    if stream == "synergy-synth":
	        length = duration(chance)
	        u = chance.random()
	        gpus = 8 if u >= .95 else 4 if u >= .8 else 2 if u >= .7 else 1
	    else:
	        length = duration(lengths)
	    chance.randint(0, 9)
	    lacks = [split[k] / 100 - made[k] / i if i else 0 for k in range(3)]
	    k = lacks.index(max(lacks))
	    name, iter_s = zoo[k][made[k] % len(zoo[k])]
	    made[k] += 1
	    print("%d,%s,%d,%d,%d" % (i, name, now, int(length / iter_s), gpus))
	END
}

@test "generate: Synergy's streams, as published and as Python draws them" {
	need "$data/synergy/traces/"{single,synth}_100.csv
	sched-trace generate --stream=synergy-single --rate=9 --seed=42 \
		--split=20,70,10 --jobs=100 >jobs
	sched-trace --to=synergy jobs | cmp - "$data/synergy/traces/single_100.csv"
	sched-trace generate --stream=synergy-synth --rate=4.5 --jobs=100 >jobs
	sched-trace --to=synergy jobs | cmp - "$data/synergy/traces/synth_100.csv"
	while read -r stream jobs rate seed split; do
		model "$stream" "$jobs" "$rate" "$seed" "$split" >want
		sched-trace generate --stream="$stream" --jobs="$jobs" \
			--rate="$rate" --seed="$seed" --split="$split" >jobs
		sched-trace --to=synergy jobs | cmp - want
	done <<-'END'
	synergy-single 6000 9 42 20,70,10
	synergy-single 3000 0.7 0 33,33,34
	synergy-single 700 120 4294967295 100,0,0
	synergy-synth 3000 9 7 50,0,50
	synergy-synth 3000 8.25 42 20,70,10
	END
}

@test "generate: a log-uniform load is the same each time, and as it should be" {
	sched-trace generate --stream=log-uniform --jobs=20000 --procs=300 \
		--rate=100 --seed=3 >got
	sched-trace generate --stream=log-uniform --jobs=20000 --procs=300 \
		--rate=100 --seed=3 | cmp - got
	[ "$(head -n 1 got)" = '{"kind":"cluster","procs":300}' ]
	# every size as likely, median of the run times at their geometric mean
	jq -s '.[1:] | (length == 20000
		and (map(.cpus) | unique) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
		and (map(select(.cpus == 256)) | length / 20000 - 1 / 9 | fabs < 0.01)
		and (map(.run_s) | sort | .[0] >= 10 and .[-1] < 86400 and
			(.[10000] / 929.5 - 1 | fabs < 0.1))
		and all(.[]; .limit_s >= .run_s and .limit_s <= 5 * .run_s)
		and (.[-1].submit_at / 20000 / 36 - 1 | fabs < 0.05))' got >yes
	[ "$(cat yes)" = true ]
}

# ---- the page ----

@test "the examples of the page" {
	cat >log.swf <<-'END'
	; MaxProcs: 100
	1 1 -1 60 60 -1 -1 60 60 -1 1 1 -1 -1 -1 -1 -1 -1
	2 1 -1 60 60 -1 -1 60 60 -1 1 2 -1 -1 -1 -1 -1 -1
	END
	gzip <log.swf >kth-sp2.swf.gz
	page_example 1 sched-trace.1 >script
	bash -eo pipefail script >got
	head -n 3 got | diff -u - <(printf '%s\n' '2 jobs have ended, 0 have not' \
		'0:02:00 from the first submission to the last end' \
		'60.0 % of the processors in use')
	page_example 2 sched-trace.1 >script
	bash -eo pipefail script >got
	[ "$(sed -n '1p;$p' got | cut -d, -f1)" = $'0\n5999' ]
	echo '[{"submitted_time":"2017-10-07 01:11:39","attempts":[{"start_time":"2017-10-07 01:12:09","end_time":"2017-10-07 01:13:09","detail":[{"ip":"m4","gpus":["gpu0"]}]}]}]' >cluster_job_log
	page_example 3 sched-trace.1 >script
	bash -eo pipefail script >got
	[ "$(head -n 1 got)" = '1 job has ended, 0 have not' ]
	page_example 4 sched-trace.1 >script
	bash -eo pipefail script >got
	[[ $(head -n 1 got) == '5,000 jobs have ended, 0 have not' ]]
	cat >cluster_gpu_number.csv <<-'END'
	date,vcEwI,vcWoR,vcKeu,total
	2020-04-06,16,8,0,24
	2020-04-07,8,16,0,24
	END
	cat >cluster_log.csv <<-'END'
	job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue
	11,u1,vcWoR,16,32,2,COMPLETED,2020-04-07 00:00:00,2020-04-07 00:00:01,2020-04-07 00:10:01,600,1
	12,u1,vcWoR,8,8,1,COMPLETED,2020-04-07 00:00:05,2020-04-07 00:10:05,2020-04-07 00:20:05,600,600
	13,u2,vcEwI,4,8,1,FAILED,2020-04-07 00:00:06,2020-04-07 00:00:06,2020-04-07 00:01:06,60,0
	14,u2,vcKeu,4,8,1,FAILED,2020-04-07 00:00:06,2020-04-07 00:00:06,2020-04-07 00:01:06,60,0
	END
	page_example 5 sched-trace.1 >script
	run -1 --separate-stderr bash -eo pipefail script
	[ "${stderr_lines[-1]}" = "sched-sim: stdin:4: job 4: job: the cluster has no partition 'vcKeu': skipped" ]
	jq -r '[.job_id, .start_at, .nodes] | @tsv' simulated.ndjson >got
	diff -u - got <<-END
	3	7	vcEwI-1
	1	1	vcWoR-[1-2]
	2	601	vcWoR-1
	END
	mkdir bin
	cat >bin/sacct <<-'END'
	#!/bin/sh
	[ "$*" = '-aP -S now-30days -o JobIDRaw,JobID,User,State,Submit,Start,End,ElapsedRaw,TimelimitRaw,AllocCPUS,AllocTRES' ] || exit 2
	echo 'JobIDRaw|JobID|User|State|Submit|Start|End|ElapsedRaw|TimelimitRaw|AllocCPUS|AllocTRES'
	echo '1|1|ada|COMPLETED|2024-05-06T07:08:09|2024-05-06T07:08:19|2024-05-06T07:08:29|10|1|2|cpu=2'
	END
	chmod +x bin/sacct
	page_example 6 sched-trace.1 >script
	PATH=$PWD/bin:$PATH bash -eo pipefail script >got
	[ "$(head -n 1 got)" = '1 job has ended, 0 have not' ]
}

@test "what is written is as svc-records(5) says" {
	local page=("$root/t/unit/records.py" "$root/man/svc-records.5")
	echo '7 10 5 60 4 58.25 2048 8 120 4096 1 12 3 4 5 6 2 30' >in
	{ echo '; MaxProcs: 5'; cat in; } | sched-trace swf >got
	printf '%s\n' 'JobIDRaw|JobID|Submit|Start|End|ElapsedRaw|TimelimitRaw|NCPUS|AllocTRES|NNodes|Restarts|ExitCode|WorkDir|Comment|Eligible' \
		'9|7_3|2024-05-06T07:08:09|1714979299|1714979300|1|90|4|mem=5G,gres/gpu=1|2|1|0:0|/tmp|c|1714979289' |
		sched-trace sacct >>got
	sched-trace generate --stream=synergy-synth --jobs=3 >>got
	sched-trace generate --stream=log-uniform --jobs=3 >>got
	job-stats got >stats
	job-stats --group-by=user,cpus --procs=9 --gpus=9 got >>stats
	python3 "${page[@]}" check got stats
}

# ---- the command line ----

@test "wrong usage is told" {
	: >in
	odd 'nonsense: known are swf, synergy, sacct, helios, openb, tiresias, gavel, philly, and generate' nonsense
	odd '--to=sacct: known are swf and synergy' --to=sacct
	run -2 sched-trace
	run -2 sched-trace swf in in
	odd '--clean is not for synergy' --clean synergy
	odd '--jobs is not for swf' -q --jobs=3 swf
	odd '--clean is not for --to' --to=swf --clean
	odd '--multigpu is not for generate' generate --multigpu
	for given in --jobs=3 --stream=lublin; do
		run -2 --separate-stderr sched-trace generate "$given"
		[ "$stderr" = 'sched-trace: generate: --stream and --jobs must say what' ]
	done
	run -2 sched-trace generate --stream=synergy-single --jobs=3 in
	for given in --procs=8 --load=0.5 --cv=2 --arrivals=gamma --estimates=exact; do
		run -2 --separate-stderr sched-trace generate \
			--stream=synergy-single --jobs=3 "$given"
		[ "$stderr" = "sched-trace: ${given%=*} is not for --stream=synergy-single" ]
	done
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=3 \
		--split=20,70,10
	[ "$stderr" = 'sched-trace: --split is not for --stream=lublin' ]
	run -2 --separate-stderr sched-trace generate --stream=x --jobs=3
	[ "$stderr" = 'sched-trace: --stream=x: known are synergy-single, synergy-synth, lublin and log-uniform' ]
	run -2 --separate-stderr sched-trace --split=50,50,1
	[ "$stderr" = 'sched-trace: --split: the percentages sum to 101, not 100' ]
	run -2 sched-trace --split=50,50
	run -2 sched-trace --rate=0
	run -2 sched-trace --rate=1x
	run -2 --separate-stderr sched-trace swf none
	[ "$stderr" = 'sched-trace: none: No such file or directory' ]
}
