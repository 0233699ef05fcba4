#!/usr/bin/env bats
# sched-trace: the logs of GPU clusters. None of their data is here; rows are
# made up as those logs have them.

load helper

data=${BERTH_DATA:-$root/../shared/data}

# odd TEXT ARGS...: what is in "in" ends sched-trace with that.
odd() {
	local text=$1
	shift
	run -2 --separate-stderr sched-trace "$@" in
	[ "$stderr" = "sched-trace: $text" ] || { echo "$stderr"; return 1; }
}

# into FORMAT ARGS...: "in" becomes what is on stdin.
into() {
	sched-trace "$@" in >got
	diff -u - got
	python3 "$root/t/unit/records.py" "$root/man/svc-records.5" check got
}

# ---- helios ----

helios=job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue

@test "helios: jobs of Slurm, in the clock of the log" {
	cat >in <<-END
	$helios
	17,uA,vcX,8,64,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:01:05,2020-04-02 00:01:05,86400,65
	18,uB,vcY,0,4,1,CANCELLED,2020-04-01 00:00:09,,2020-04-01 00:00:19,,
	END
	into helios <<-'END'
	{"kind":"job","job_id":17,"submit_at":1585699200,"start_at":1585699265,"end_at":1585785665,"wait_s":65,"run_s":86400,"cpus":64,"gpus":8,"node_count":1,"user":"uA","partition":"vcX","state":"COMPLETED"}
	{"kind":"job","job_id":18,"submit_at":1585699209,"end_at":1585699219,"cpus":4,"gpus":0,"node_count":1,"user":"uB","partition":"vcY","state":"CANCELLED"}
	END
	# whatever the zone of this machine
	TZ=America/New_York sched-trace helios in | cmp - got
}

@test "csv: quotes, a byte order mark, CRLF, and columns in any order" {
	printf '\xef\xbb\xbf%s\r\n%s\r\n' \
		'state,x,submit_time,cpu_num,"gpu_num",job_id,user' \
		'FAILED,"a ""b"", c",2020-02-29T23:59:59,1,"2",7,"O\Neil, ""x"""' >in
	into helios <<-'END'
	{"kind":"job","job_id":7,"submit_at":1583020799,"cpus":1,"gpus":2,"user":"O\\Neil, \"x\"","state":"FAILED"}
	END
}

@test "csv: what is odd" {
	local start='17,uA,vcX,8,64,1,FAILED' day='2020-04-01 00:00'
	: >in
	run -0 --separate-stderr sched-trace helios in
	[ -z "$output$stderr" ]
	echo 'job_id,user,vc' >in
	odd "in:1: the first line does not name the columns of such a log: there is no 'gpu_num'" helios
	echo "$helios,user" >in
	odd "in:1: the first line names 'user' twice" helios
	{ echo "$helios"; echo "$start"; } >in
	odd 'in:2: 7 fields where the first line has 12' helios
	{ echo "$helios"; echo "$start,$day:00,$day:05,$day:09,5,5"; } >in
	odd 'in:2: duration is not end_time - start_time' helios
	{ echo "$helios"; echo "$start,$day:00,$day:05,$day:09,4,4"; } >in
	odd 'in:2: queue is not start_time - submit_time' helios
	{ echo "$helios"; echo "$start,$day:06,$day:05,$day:09,4,0"; } >in
	odd 'in:2: it starts before it is submitted' helios
	{ echo "$helios"; echo "$start,$day:00,$day:05,$day:04,0,5"; } >in
	odd 'in:2: it ends before it starts' helios
	{ echo "$helios"; echo "$start,$day:00,,2020-03-31 23:59:59,,"; } >in
	odd 'in:2: it ends before it is submitted' helios
	{ echo "$helios"; echo "${start/8/-1},$day:00,,,,"; } >in
	odd "in:2: gpu_num: '-1' is not a whole number of 0 to 2^53" helios
	{ echo "$helios"; echo "${start/8/1e3},$day:00,,,,"; } >in
	odd "in:2: gpu_num: '1e3' is not a whole number of 0 to 2^53" helios
	{ echo "$helios"; echo "${start/8/},$day:00,,,,"; } >in
	odd 'in:2: gpu_num is not known' helios
	{ echo "$helios"; echo "\"$start,$day:00,,,,"; } >in
	odd 'in:2: a quote is not closed in its line' helios
	{ echo "$helios"; echo "\"1\"$start,$day:00,,,,"; } >in
	odd 'in:2: text behind a field in quotes' helios
	{ echo "$helios"; echo "$start\",$day:00,,,,"; } >in
	odd 'in:2: a quote within a field that does not begin with one' helios
	{ echo "$helios"; printf '17,u\377,v,8,64,1,FAILED,%s:00,,,,\n' "$day"; } >in
	odd 'in:2: this row is not UTF-8' helios
	{ echo "$helios"; printf '17,u\0,v,8,64,1,FAILED,%s:00,,,,\n' "$day"; } >in
	odd 'in:2: NUL byte' helios
	{ printf 'c%s,' {1..65}; echo; } >in
	odd 'in:1: more than 64 columns' helios
	{ echo "$helios"; head -c 1100000 /dev/zero | tr '\0' x; echo
	  echo "$start,$day:00,,,,"; } >in
	run -1 --separate-stderr sched-trace -k helios in
	[ "$(jq -c '[.job_id, .state]' <<<"$output")" = '[17,"FAILED"]' ]
	diff -u - <(echo "$stderr") <<-'END'
	sched-trace: in:2: line longer than 1048576 bytes: skipped
	sched-trace: in: 1 odd rows skipped
	END
}

@test "csv: what stands in a text of several lines is no row" {
	local times='2020-04-01 00:00:00,2020-04-01 00:00:01,2020-04-01 00:00:02,1,1'
	printf '%s\n' "$helios" "1,\"a" "2,b,v,1,1,1,COMPLETED,$times" \
		"z \"\"y\"\"" "c\",v,1,1,1,COMPLETED,$times" \
		"3,\"d,\"\"e\",v,1,1,1,COMPLETED,$times" >in
	run -1 --separate-stderr sched-trace -k helios in
	[ "$(jq -c '[.job_id, .user]' <<<"$output")" = '[3,"d,\"e"]' ]
	diff -u - <(echo "$stderr") <<-'END'
	sched-trace: in:2: a quote is not closed in its line: skipped
	sched-trace: in: 1 odd rows skipped
	END
	printf '%s\n' "$helios" "1,\"a" "2,b,v,1,1,1,COMPLETED,$times" >in
	run -2 --separate-stderr sched-trace -k helios in
	[ "${stderr_lines[-1]}" = 'sched-trace: in:2: a quote is never closed' ]
}

@test "philly: a NUL byte is odd wherever it is" {
	local job='{"jobid":"a","status":"Pass","submitted_time":"2017-10-07 01:11:39","attempts":[],"x":1'
	printf '[%s\0}]' "$job" >in
	odd 'in:1: job 1: NUL byte' philly
}

@test "csv: a time is one that a clock has shown" {
	local t
	for t in '2020-02-30 00:00:00' '2019-02-29 00:00:00' \
		'2100-02-29 00:00:00' '2020-13-01 00:00:00' \
		'2020-00-01 00:00:00' '2020-01-00 00:00:00' \
		'2020-01-01 24:00:00' '2020-01-01 00:60:00' \
		'2020-01-01 00:00:60' '1969-12-31 23:59:59' '2020-1-1 00:00:00' \
		'2020-01-01' '2020-01-01 00:00:00Z' '2020-01-01  0:00:00' \
		'2020-01-01 -1:00:00' '+020-01-01 00:00:00'; do
		printf '%s\n' "$helios" "1,u,v,1,1,1,FAILED,$t,,,," >in
		odd "in:2: submit_time: '$t' is not a time like 2024-05-06 07:08:09" helios
	done
	# and those that it has, against another's arithmetic
	python3 - >want <<-'END'
	import datetime, random
	random.seed(7)
	days = [0, 59, 60, 789, 11016, 11017, 47540, 2932896]
	days += [random.randrange(2932897) for _ in range(300)]
	with open("in", "w") as f:
	    f.write("job_id,gpu_num,cpu_num,state,submit_time\n")
	    for i, day in enumerate(days):
	        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(
	            days=day, seconds=random.randrange(86400))
	        f.write("%d,1,1,X,%s\n" % (i, at))
	        print(int((at - datetime.datetime(1970, 1, 1)).total_seconds()))
	END
	sched-trace helios in >got
	jq .submit_at got | diff -u want -
}

# ---- openb ----

@test "openb: pods, with parts of processors and GPUs" {
	cat >in <<-'END'
	name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
	p-1,12000,16384,1,1000,,LS,Running,0,125,0
	p-2,3152,5600,1,460,V100M16|V100M32,BE,Failed,7,20,9
	p-3,8000,30517,0,0,,Burstable,Succeeded,8,20,8.0
	p-4,88000,327680,8,1000,nan,LS,Pending,9,30,
	END
	into openb <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":125,"wait_s":0,"run_s":125,"cpus":12,"gpus":1,"mem_mb":16384,"name":"p-1","qos":"LS","state":"RUNNING"}
	{"kind":"job","job_id":2,"submit_at":7,"start_at":9,"end_at":20,"wait_s":2,"run_s":11,"cpus":4,"cpu_milli":3152,"gpus":1,"gpu_milli":460,"mem_mb":5600,"name":"p-2","qos":"BE","state":"FAILED","constraint":"V100M16|V100M32"}
	{"kind":"job","job_id":3,"submit_at":8,"start_at":8,"end_at":20,"wait_s":0,"run_s":12,"cpus":8,"gpus":0,"mem_mb":30517,"name":"p-3","qos":"Burstable","state":"COMPLETED"}
	{"kind":"job","job_id":4,"submit_at":9,"end_at":30,"cpus":88,"gpus":8,"mem_mb":327680,"name":"p-4","qos":"LS","state":"PENDING"}
	END
	cat >nodes.csv <<-'END'
	sn,cpu_milli,memory_mib,gpu,model
	m-1,32000,262144,0,
	m-2,104000,524288,2,V100M32
	m-3,2000,1024,1,V100M16
	END
	cp in pods
	cp nodes.csv in
	into openb <<-'END'
	{"kind":"node","name":"m-1","cpus":32,"mem_mb":262144}
	{"kind":"node","name":"m-2","cpus":104,"mem_mb":524288,"gpus":2,"features":"V100M32"}
	{"kind":"node","name":"m-3","cpus":2,"mem_mb":1024,"gpus":1,"features":"V100M16"}
	END
	mv got nodes
	sched-trace openb --clean pods >jobs
	sed -n 2p jobs | sched-sim -c nodes -p easy >out
	[ "$(jq -c '[.name, .nodes]' out)" = '["p-2","m-2"]' ]
	cp pods in
	sed -i 's/Pending/Lost/' in
	odd "in:5: pod_phase: 'Lost' is none of Succeeded, Failed, Running and Pending" openb
	sed -i 's/Lost/Pending/; s/,460,/,1001,/' in
	odd 'in:3: gpu_milli is more than 1000' openb
	sed -i 's/,1001,/,460,/; s/,9$/,21/' in
	odd 'in:3: it ends before it starts' openb
}

# ---- tiresias ----

@test "tiresias: jobs of its simulator" {
	cat >in <<-'END'
	job_id,num_gpu,submit_time,iterations,model_name,duration,interval
	0,1,0,606,vgg19,164,30
	1,8,30.5,133,res50,147,23
	END
	into tiresias <<-'END'
	{"kind":"job","job_id":0,"submit_at":0,"run_s":164,"cpus":1,"gpus":1,"iters":606,"model":"vgg19"}
	{"kind":"job","job_id":1,"submit_at":30.5,"run_s":147,"cpus":8,"gpus":8,"iters":133,"model":"res50"}
	END
	sched-trace --cpus-per-gpu=4 tiresias in >four
	[ "$(jq -c .cpus four)" = $'4\n32' ]
	sed -i 's/,147,/,,/' in
	odd 'in:3: duration is not known' tiresias
	cat >in <<-'END'
	num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node
	4,32,8,128,256
	END
	into tiresias <<-'END'
	{"kind":"node","name":"n[1-128]","cpus":128,"mem_mb":262144,"gpus":8}
	END
	sed -i 's/^4/0/' in
	odd 'in:2: a cluster has 1 to 1000000 nodes, and none more than 1000000000 GB' tiresias
}

# ---- gavel ----

@test "gavel: all that its traces have ever had" {
	printf '%s\t' 'A3C' 'cd x && y' --max-steps 41391 38 >in
	echo 1 >>in
	into gavel <<-'END'
	{"kind":"job","job_id":0,"submit_at":38,"cpus":1,"gpus":1,"iters":41391,"model":"A3C"}
	END
	printf '%s\t' 'LM (batch size 5)' 'c %s' --steps 1 2799809 12.500000 >in
	echo 4 >>in
	into gavel <<-'END'
	{"kind":"job","job_id":0,"submit_at":12.5,"cpus":4,"gpus":4,"iters":2799809,"batch_size":5,"model":"LM"}
	END
	printf '%s\t' CycleGAN c --n_steps 1 100 2 5.000000 -1.000000 >in
	echo 7.25 >>in
	into gavel <<-'END'
	{"kind":"job","job_id":0,"submit_at":7.25,"cpus":2,"gpus":2,"iters":100,"weight":5,"model":"CycleGAN"}
	END
	printf '%s\t' CycleGAN c dir --n_steps 1 100 2 1 1.2 >in
	printf '7\r\n' >>in
	into gavel <<-'END'
	{"kind":"job","job_id":0,"submit_at":7,"cpus":2,"gpus":2,"iters":100,"weight":1,"slo":1.2,"model":"CycleGAN"}
	END
	printf '%s\t' CycleGAN c dir --n_steps 1 100 2 gns 1 -1 >in
	echo 7 >>in
	into gavel <<-'END'
	{"kind":"job","job_id":0,"submit_at":7,"cpus":2,"gpus":2,"iters":100,"weight":1,"model":"CycleGAN","mode":"gns"}
	END
}

@test "gavel: what is odd, and replays of the rest" {
	row() { (IFS=$'\t'; echo "$*"); }
	row 'ResNet-18 (batch size 32)' c -n 1 100 0.000000 1 >good
	{ cat good; row x y; } >in
	odd 'in:2: 2 fields where the lines before have 7' gavel
	row x y >in
	odd "in:1: 2 fields where Gavel's traces have 6, 7, 9, 10 or 11" gavel
	row '' c -n 1 100 0 1 >in
	odd 'in:1: field 1: no job type, or one of more than 127 bytes' gavel
	row 'LM (batch size 5' c -n 1 100 0 1 >in
	odd "in:1: field 1: the batch size does not end with ')'" gavel
	row 'LM (batch size x)' c -n 1 100 0 1 >in
	odd "in:1: field 1: 'x' is not a batch size" gavel
	row LM c -n 1 1.5 0 1 >in
	odd "in:1: field 5: '1.5' is not a whole number of 0 to 2^53" gavel
	row LM c -n 1 10 -2 1 >in
	odd "in:1: field 6: '-2' is neither -1 nor a number of 0 to 2^53" gavel
	row LM c -n 1 10 -1.0 1 >in
	odd 'in:1: field 6: the arrival is not known' gavel
	{ cat good; row x y; cat good; } >in
	run -1 --separate-stderr sched-trace -k gavel in
	echo "$output" >jobs
	sched-trace --to=synergy jobs >got
	diff -u - got <<-'END'
	0,ResNet-18,0,100,1
	2,ResNet-18,0,100,1
	END
}

# ---- philly ----

# philly: the jobs on stdin, one a line, as a log; without line ends.
philly() {
	jq -sj . >in
}

@test "philly: jobs with their attempts" {
	philly <<-'END'
	{"status":"Pass","vc":"ee9","jobid":"application_1_2","attempts":[{"start_time":"2017-10-07 01:12:09","end_time":"2017-10-07 01:13:23","detail":[{"ip":"m47","gpus":["gpu0"]}]},{"start_time":"2017-10-07 01:13:30","end_time":"2017-10-09 06:53:12","detail":[{"ip":"m4","gpus":["gpu0","gpu1"]},{"ip":"m5","gpus":["gpu7"]}]}],"submitted_time":"2017-10-07 01:11:39","user":"ce2"}
	{"status":"Killed","vc":"ee9","jobid":"application_1_3","attempts":[],"submitted_time":"2017-10-06 01:11:39","user":"ce2"}
	{"status":"Failed","vc":"ee9","jobid":"application_1_4","attempts":[{"start_time":"2017-10-07 01:12:09","end_time":"None","detail":[{"ip":"m47","gpus":[]}]}],"submitted_time":"2017-10-07 01:11:39","user":null,"more":[1,{"a":"]}"}]}
	END
	sched-trace philly in >got 2>talk
	diff -u - got <<-'END'
	{"kind":"job","job_id":1,"submit_at":1507338699,"start_at":1507338729,"end_at":1507531992,"wait_s":30,"run_s":193256,"cpus":3,"gpus":3,"node_count":2,"restarts":1,"name":"application_1_2","user":"ce2","partition":"ee9","state":"COMPLETED","nodes":"m4,m5"}
	{"kind":"job","job_id":2,"submit_at":1507252299,"name":"application_1_3","user":"ce2","partition":"ee9","state":"CANCELLED"}
	{"kind":"job","job_id":3,"submit_at":1507338699,"start_at":1507338729,"wait_s":30,"cpus":0,"gpus":0,"node_count":1,"restarts":0,"name":"application_1_4","partition":"ee9","state":"FAILED","nodes":"m47"}
	END
	diff -u - talk <<-'END'
	sched-trace: in: 1 attempts without a start or an end: how long they ran is not known
	END
	sched-trace -q philly in 2>talk | cmp - got
	[ ! -s talk ]
	# written for people, and from a pipe that gives a byte at a time
	jq . in >pretty
	sched-trace -q philly pretty | cmp - got
	sched-trace -q philly <(python3 -c '
import sys
for byte in open("in", "rb").read():
    sys.stdout.buffer.write(bytes([byte]))
    sys.stdout.flush()') >slow
	cmp slow got
	python3 "$root/t/unit/records.py" "$root/man/svc-records.5" check got
	# what a simulator takes: those that ran, in order, from 1
	sched-trace -q philly --clean --cpus-per-gpu=8 in >clean
	diff -u - clean <<-'END'
	{"kind":"job","job_id":1,"submit_at":1,"wait_s":30,"run_s":193256,"limit_s":193256,"cpus":24,"gpus":3,"node_count":2,"restarts":1,"name":"application_1_2","user":"ce2","partition":"ee9","state":"COMPLETED","nodes":"m4,m5","start_at":31,"end_at":193294}
	END
	sched-sim -c procs=24 -p easy <clean | jq -c '[.start_at, .end_at]' >out
	[ "$(cat out)" = '[1,193257]' ]
}

@test "philly: what is no log ends it, -k or not" {
	local job='{"submitted_time":"2017-10-07 01:11:39","attempts":[]}'
	stops() {
		odd "in:$1" philly
		run -2 --separate-stderr sched-trace -k philly in
		[ "$stderr" = "sched-trace: in:$1" ]
	}
	echo "$job" >in
	stops "1: this is not a cluster_job_log: it begins with no '['"
	printf '[\n%s' "$job" >in
	stops '2: the log ends within its array'
	printf '[%s,' "$job" >in
	stops '1: the log ends within its array'
	printf '[%s,]' "$job" >in
	stops '1: a job is due, in braces'
	printf '[%s %s]' "$job" "$job" >in
	stops "1: ',' or ']' is due"
	printf '[%s]\n\n[]' "$job" >in
	stops '3: there is more behind the array'
	printf '[%s,\n5]' "$job" >in
	stops '2: a job is due, in braces'
	printf '[%s,\n%s' "$job" "${job%\}}" >in
	stops '2: the log ends within a job'
	printf '[{"a":"\\"' >in
	stops '1: the log ends within a job'
	printf '[\0]' >in
	stops '1: a job is due, in braces'
	{ printf '[{"a":'; head -c 20000000 /dev/zero | tr '\0' '['; } >in
	stops '1: the log ends within a job'
	for text in '' '[]' ' [ ] '; do
		printf '%s' "$text" >in
		run -0 --separate-stderr sched-trace philly in
		[ -z "$output$stderr" ]
	done
}

@test "philly: an odd job is named, and others go on" {
	local at='"submitted_time":"2017-10-07 01:11:39"' deep
	wrong() {
		printf '[{%s,"attempts":[],"jobid":"a"},\n%s,\n{%s,"attempts":[],"jobid":"b"}]' \
			"$at" "$2" "$at" >in
		odd "in:2: job 2: $1" philly
		run -1 --separate-stderr sched-trace -k philly in
		[ "$(jq -c '[.job_id, .name]' <<<"$output")" = $'[1,"a"]\n[3,"b"]' ]
		diff -u - <(echo "$stderr") <<-END
		sched-trace: in:2: job 2: $1: skipped
		sched-trace: in: 1 odd rows skipped
		END
	}
	wrong "'submitted_time' is missing" '{"attempts":[]}'
	wrong "it has no list 'attempts'" "{$at}"
	wrong "it has no list 'attempts'" "{$at,\"attempts\":{}}"
	wrong "'status' is none of Pass, Killed and Failed" \
		"{$at,\"attempts\":[],\"status\":\"pass\"}"
	wrong "'user' must be text" "{$at,\"attempts\":[],\"user\":5}"
	wrong "'submitted_time' is not a time like 2017-10-07 01:11:39" \
		'{"submitted_time":"2017-10-07","attempts":[]}'
	wrong "an attempt has no list 'detail'" "{$at,\"attempts\":[{}]}"
	wrong "an attempt has no list 'detail'" "{$at,\"attempts\":[7]}"
	wrong "a server of an attempt has no list 'gpus'" \
		"{$at,\"attempts\":[{\"detail\":[{\"ip\":\"m\"}]}]}"
	wrong "'end_time' is not a time like 2017-10-07 01:11:39" \
		"{$at,\"attempts\":[{\"end_time\":5,\"detail\":[]}]}"
	wrong 'attempt 1 ends before it starts' \
		"{$at,\"attempts\":[{\"start_time\":\"2017-10-07 01:12:00\",\"end_time\":\"2017-10-07 01:11:59\",\"detail\":[]}]}"
	wrong 'it starts before it is submitted' \
		"{$at,\"attempts\":[{\"start_time\":\"2017-10-07 01:11:38\",\"end_time\":\"2017-10-07 01:11:59\",\"detail\":[]}]}"
	wrong "duplicate object key near '\"a\"'" '{"a":1,"a":2}'
	wrong "unexpected token near '}'" '{"a":[}]'
	deep=$(printf '[%.0s' {1..100})
	wrong 'it is nested too deep' "{\"a\":$deep$(tr '[' ']' <<<"$deep")}"
	wrong 'it is longer than 1 MiB' "{\"a\":\"$(head -c 1100000 /dev/zero |
		tr '\0' x)\"}"
}

@test "philly: Synergy's jobs of a log are the published ones" {
	local traces=$data/synergy/traces got
	[ -r "$traces/multi_100.csv" ] || {
		echo "$traces is missing: set BERTH_DATA"
		return 1
	}
	# a log whose jobs have those GPUs, among others that do not count
	cut -d, -f5 "$traces/multi_100.csv" |
		python3 "$root/t/model-philly.py" log >in
	sched-trace philly --synergy=exp --multigpu --rate=4.5 in |
		sched-trace --to=synergy >got
	cmp got "$traces/multi_100.csv"
	sched-trace philly --synergy=exp --rate=9 --jobs=100 in |
		sched-trace --to=synergy >got
	cmp got "$traces/single_100.csv"
}

@test "philly: Synergy's rules, against a model" {
	local seed flags
	for seed in 1 2; do
		python3 "$root/t/model-philly.py" random "$seed" >in
		for flags in '--synergy=exp' '--synergy=exp --multigpu' \
			'--synergy=exp --multigpu --arrivals=log' \
			'--synergy=no-exp' '--synergy=no-exp --multigpu' \
			'--synergy=no-exp --multigpu --arrivals=log'; do
			# shellcheck disable=SC2086 # options
			sched-trace philly $flags --seed=$seed in |
				sched-trace --to=synergy >got
			# shellcheck disable=SC2086
			python3 "$root/t/model-philly.py" jobs $flags \
				--seed=$seed <in >want
			[ "$(wc -l <want)" -gt 25 ]
			diff -u want got
		done
	done
}

# ---- and on ----

@test "each log goes on as SWF, and comes back the same" {
	local t='2020-04-01 00:0'
	mkdir logs
	printf '%s\n' "$helios" "1,u,v,8,64,1,FAILED,${t}0:00,${t}1:05,${t}1:10,5,65" \
		"2,w,v,0,4,2,COMPLETED,${t}0:01,,,," >logs/helios
	printf '%s\n' 'name,cpu_milli,memory_mib,num_gpu,pod_phase,creation_time,deletion_time,scheduled_time' \
		'p-1,3152,5600,1,Failed,7,20,9' 'p-2,4000,5600,0,Pending,7,20,' >logs/openb
	printf '%s\n' 'job_id,num_gpu,submit_time,iterations,model_name,duration' \
		'1,8,0,606,vgg19,164' '2,1,30,133,res50,147' >logs/tiresias
	printf 'LM\tc\t-n\t1\t100\t7.000000\t4\n' >logs/gavel
	echo '[{"submitted_time":"2017-10-07 01:11:39","status":"Killed","vc":"v","jobid":"a_1","attempts":[{"start_time":"2017-10-07 01:12:09","end_time":"2017-10-07 01:13:09","detail":[{"ip":"m4","gpus":["gpu0"]}]}]}]' >logs/philly
	local format
	for format in helios openb tiresias gavel philly; do
		sched-trace $format logs/$format >jobs
		sched-trace --to=swf jobs >swf
		sched-trace swf swf >again
		sched-trace --to=swf again | diff -u swf -
		tail -n 1 swf
	done >last
	diff -u - last <<-'END'
	2 1585699201 -1 -1 4 -1 -1 -1 -1 -1 1 2 -1 -1 -1 1 -1 -1
	2 7 -1 -1 4 -1 -1 -1 -1 -1 -1 -1 -1 2 -1 -1 -1 -1
	2 30 -1 147 1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1
	0 7 -1 -1 4 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1
	1 1507338699 30 60 1 -1 -1 -1 -1 -1 5 -1 -1 1 -1 1 -1 -1
	END
}

@test "models: a log is simulated in rounds" {
	printf '%s\n' 'job_id,num_gpu,submit_time,iterations,model_name,duration' \
		'1,8,0,606,vgg19,120' '2,0,7,,,3' '3,1,30,133,x,147' '4,1,31,1,x,0' \
		'5,2,40,1,x,600' >in
	into tiresias --models <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"run_s":120,"cpus":8,"gpus":8,"iters":200,"model":"alexnet"}
	{"kind":"job","job_id":2,"submit_at":7,"run_s":3,"cpus":0,"gpus":0}
	{"kind":"job","job_id":3,"submit_at":30,"run_s":147,"cpus":1,"gpus":1,"iters":1225,"model":"gnmt"}
	{"kind":"job","job_id":4,"submit_at":31,"run_s":0,"cpus":1,"gpus":1}
	{"kind":"job","job_id":5,"submit_at":40,"run_s":600,"cpus":2,"gpus":2,"iters":895,"model":"transformer"}
	END
	cat >cluster.ini <<-'END'
	[CLUSTER]
	racks = 1
	servers_per_rack = 1
	gpus_per_server = 8
	cpus_per_server = 24
	dram_per_server = 500
	sspeed_per_server = 500
	END
	sched-trace --models --clean tiresias in >jobs 2>talk
	sched-sim -c cluster.ini -p srtf+fair <jobs | jq -c '[.job_id, .model]' >out
	diff -u - <(sort out) <<-'END'
	[1,"alexnet"]
	[2,"gnmt"]
	[3,"transformer"]
	END
	[ "$(cat talk)" = 'sched-trace: dropped 1 without a run time and 1 without processors; cut 0 to their estimates (-v names them)' ]
	run -2 --separate-stderr sched-trace --models philly --synergy=exp in
	[ "$stderr" = 'sched-trace: --models is not for philly --synergy' ]
	odd '--models is not for swf' --models swf
	odd '--models is not for gavel' --models gavel
}

@test "wrong usage of these formats is told" {
	: >in
	for given in --multigpu --arrivals=log --rate=2 --jobs=3 --seed=1 \
		--split=20,70,10; do
		odd "${given%=*} is not for philly without --synergy" philly "$given"
	done
	for given in --clean --cpus-per-gpu=2 --models; do
		odd "${given%=*} is not for philly --synergy" philly \
			--synergy=exp "$given"
	done
	odd 'philly: --rate is not for --arrivals=log' philly --synergy=exp \
		--arrivals=log --rate=2
	odd '--clean is not for gavel' gavel --clean
	odd '--synergy=x: known are exp and no-exp' philly --synergy=x
	odd '--arrivals=gamma: known for philly are poisson and log' philly --synergy=exp --arrivals=gamma
	odd '--stream is not for philly' philly --stream=lublin
	odd '--cpus-per-gpu is not for helios' helios --cpus-per-gpu=2
	odd '--synergy is not for gavel' gavel --synergy=exp
}
