#!/usr/bin/env bats
# job-stats: figures of job records, against those of other simulators and
# against Python.

load helper

# shellcheck source=t/golden.sh
. "$root/t/golden.sh"
data=$golden_data

# model IN: mean, p50, p99, p999 and max of each measure, by Python.
model() {
	python3 - "$1" <<-'END'
	import json, math, statistics, sys
	jobs = [json.loads(line) for line in open(sys.argv[1])]
	jobs = [j for j in jobs if j["kind"] == "job" and "end_at" in j]
	def quantile(v, q):
	    at = q * (len(v) - 1)
	    i, t = int(at), at - int(at)
	    a, b = v[i], v[min(i + 1, len(v) - 1)]
	    return a + (b - a) * t if t < .5 else b - (b - a) * (1 - t)
	def say(key, values):
	    v = sorted(values)
	    print("%s %.9g %.12g %.12g %.12g %.12g" % (
	        key, sum(v) / len(v), quantile(v, .5), quantile(v, .99),
	        quantile(v, 99.9 / 100), v[-1]))
	wait = lambda j: j["start_at"] - j["submit_at"]
	run = lambda j: j["end_at"] - j["start_at"]
	jct = lambda j: j["end_at"] - j["submit_at"]
	say("wait_s", map(wait, jobs))
	say("run_s", map(run, jobs))
	say("jct_s", map(jct, jobs))
	say("slowdown", [jct(j) / run(j) for j in jobs])
	say("bsld", [max(1, jct(j) / max(10, run(j))) for j in jobs])
	END
}

# figures RECORD-FILE: the same of a stats record.
figures() {
	python3 - "$1" <<-'END'
	import json, sys
	rec = json.load(open(sys.argv[1]))
	for key in ("wait_s", "run_s", "jct_s", "slowdown", "bsld"):
	    r = rec[key]
	    print("%s %.9g %.12g %.12g %.12g %.12g" % (
	        key, r["mean"], r["p50"], r["p99"], r["p999"], r["max"]))
	END
}

# refused TEXT ARGS...
refused() {
	local text=$1
	shift
	run -2 --separate-stderr job-stats "$@"
	[ "$stderr" = "job-stats: $text" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}

three() {
	cat <<-'END'
	{"kind":"cluster","procs":10}
	{"kind":"job","job_id":1,"submit_at":100,"start_at":100,"end_at":105,"cpus":4,"user":"ada","gpus":1}
	{"kind":"event","event":"word"}
	{"cpus":2,"job_id":2,"kind":"job","submit_at":101,"wait_s":9,"run_s":40,"user":"bob","model":7}
	{"kind":"job","job_id":3,"submit_at":102,"start_at":150,"end_at":200,"cpus":10,"user":"ada","preemptions":2}
	{"kind":"job","job_id":4,"submit_at":103,"user":"ada"}
	END
}

@test "one answer: counts, figures, makespan, utilisation" {
	three >in
	job-stats in >got
	diff -u - got <<-'END'
	{"kind":"stats","count":3,"unfinished":1,"wait_s":{"mean":19,"p50":9,"p99":47.22,"p999":47.92200000000001,"max":48},"run_s":{"mean":31.666666666666668,"p50":40,"p99":49.8,"p999":49.980000000000004,"max":50},"jct_s":{"mean":50.666666666666664,"p50":49,"p99":97.02,"p999":97.90200000000002,"max":98},"slowdown":{"mean":1.3950000000000002,"p50":1.225,"p99":1.9453,"p999":1.95853,"max":1.96},"bsld":{"mean":1.3950000000000002,"p50":1.225,"p99":1.9453,"p999":1.95853,"max":1.96},"rho":{"mean":1.0589285714285714,"p50":1.0589285714285714,"p99":1.2216785714285716,"p999":1.2246678571428573,"max":1.225},"makespan_s":100,"preemptions":2}
	END
	job-stats <in | cmp - got
	# who paused when is not known; without pauses it is
	grep -v preemptions in >in2
	job-stats --procs=20 --gpus=1 in2 >got
	[ "$(jq -c .util got)" = '{"cpus":0.1,"gpus":0.1}' ]
}

@test "windows and groups" {
	three >in
	job-stats --window=2:4 in >got
	[ "$(jq -c '[.count, .unfinished, .wait_s.max, .makespan_s]' got)" = \
		'[2,0,48,99]' ]
	job-stats --group-by=user,model in >got
	diff -u - <(jq -c '[.group, .count, .unfinished, .run_s.max]' got) <<-'END'
	[{"user":"ada"},2,1,50]
	[{"user":"bob","model":7},1,0,40]
	END
	job-stats --window=50:60 in >got
	diff -u - got <<<'{"kind":"stats","count":0,"unfinished":0}'
	job-stats --window=50:60 --group-by=user in >got
	[ ! -s got ]
}

@test "a table for people" {
	three >in
	job-stats -t in >got
	diff -u - got <<-'END'
	3 jobs have ended, 1 has not
	0:01:40 from the first submission to the last end
	2 preemptions

	                  mean          p50          p99        p99.9          max
	wait               19s           9s       47.22s       47.92s          48s
	run             31.67s          40s       49.80s       49.98s          50s
	jct             50.67s          49s      0:01:37      0:01:38      0:01:38
	slowdown          1.40         1.23         1.95         1.96         1.96
	bsld              1.40         1.23         1.95         1.96         1.96
	rho               1.06         1.06         1.22         1.22         1.23
	END
	# another run, in which a job took days longer, by the calendar
	grep -v preemptions in >in2
	jq -c 'if .kind != "job" then . elif .start_at then
		.submit_at += 1714979000 | .start_at += 1714979000 |
		.end_at += 1714979000
	else
		.submit_at += 1714979000 | .run_s += 260000
	end' in2 >other
	job-stats -t -i 30h --vs in2 other >got
	diff -u - got <<-'END'
	2 jobs have ended, 1 has not
	3d 00:14:10 from the first submission to the last end
	20.0 % of the processors in use

	                  mean          p50          p99        p99.9          max
	wait             4.50s        4.50s        8.91s        8.99s           9s
	run        1d 12:07:03  1d 12:07:03  2d 23:30:40  3d 00:09:40  3d 00:14:00
	jct        1d 12:07:07  1d 12:07:07  2d 23:30:49  3d 00:09:49  3d 00:14:09
	slowdown          1.00         1.00         1.00         1.00         1.00
	bsld              1.00         1.00         1.00         1.00         1.00
	rho               1.00         1.00         1.00         1.00         1.00

	2 jobs are in both runs, 0 only here; the difference, and where 95 %
	of 1,000 resamples lie:

	                      difference            from              to
	wait      mean               +0s             +0s             +0s
	          p50                +0s             +0s             +0s
	          p99                +0s             +0s             +0s
	          p99.9              +0s             +0s             +0s
	run       mean      +1d 12:06:40             +0s    +3d 00:13:20
	          p50       +1d 12:06:40             +0s    +3d 00:13:20
	          p99       +2d 23:30:00             +0s    +3d 00:13:20
	          p99.9     +3d 00:09:00             +0s    +3d 00:13:20
	jct       mean      +1d 12:06:40             +0s    +3d 00:13:20
	          p50       +1d 12:06:40             +0s    +3d 00:13:20
	          p99       +2d 23:30:00             +0s    +3d 00:13:20
	          p99.9     +3d 00:09:00             +0s    +3d 00:13:20
	slowdown  mean             -0.11           -0.22           +0.00
	          p50              -0.11           -0.22           +0.00
	          p99              -0.22           -0.22           +0.00
	          p99.9            -0.22           -0.22           +0.00
	bsld      mean             -0.11           -0.22           +0.00
	          p50              -0.11           -0.22           +0.00
	          p99              -0.22           -0.22           +0.00
	          p99.9            -0.22           -0.22           +0.00
	rho       mean             -0.11           -0.22           +0.00
	          p50              -0.11           -0.22           +0.00
	          p99              -0.22           -0.22           +0.00
	          p99.9            -0.22           -0.22           +0.00

	from (UTC)                running       queued      CPUs      GPUs
	2024-05-06 07:05:00           1.0          1.0    20.0 %         -
	2024-05-07 13:05:00           1.0          1.0    20.0 %         -
	2024-05-08 19:05:00           1.0          1.0    20.0 %         -
	END
	[ "$(job-stats -t -i 1h in2 | tail -n 2)" = "$(printf '%s\n' \
		'from                      running       queued      CPUs      GPUs' \
		'0:01:40                       0.9          1.1    20.0 %         -')" ]
}

@test "groups are the same however their fields were written" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":10,"user":"a/b","model":"m"}
	{"kind":"job","job_id":2,"submit_at":0,"start_at":0,"end_at":10,"model":"m","user":"a\/\u0062"}
	{"model":"m","job_id":3,"submit_at":0,"start_at":0,"end_at":10,"kind":"job"}
	END
	job-stats --group-by=user,model in >got
	[ "$(jq -c '[.group,.count]' got)" = $'[{"user":"a/b","model":"m"},2]\n[{"model":"m"},1]' ]
	refused "--group-by: 'user' twice" --group-by=user,model,user in
	echo '{"us\u0065r":"a/b","model":"m","kind":"job","job_id":4,"submit_at":0}' >>in
	job-stats --group-by=user,model in >got
	[ "$(jq -c '[.group,.count]' got)" = $'[{"user":"a/b","model":"m"},2]\n[{"model":"m"},1]' ]
	refused "--group-by: 'a\"b' is no name of a field" --group-by='user,a"b' in
}

@test "a record of nothing is of no kind, and no job" {
	printf '%s\n' '{}' '{ }' '{"x":1}' >in
	job-stats in >got
	diff -u - got <<<'{"kind":"stats","count":0,"unfinished":0}'
}

@test "who never ran is there until it ends; who has not ended is of a group too" {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":100,"cpus":1,"user":"ada"}
	{"kind":"job","job_id":2,"submit_at":0,"end_at":50,"cpus":1,"user":"ada"}
	{"kind":"job","job_id":3,"submit_at":0,"start_at":50,"cpus":1,"user":"ada"}
	{"kind":"job","job_id":4,"submit_at":0,"cpus":1,"user":"bob"}
	END
	job-stats -v -i 50s in >got 2>said
	diff -u - <(jq -c 'if .kind == "stats" then [.count, .unfinished]
		else [.at, .jobs, .running, .queued] end' got) <<-'END'
	[1,3]
	[0,4,1,3]
	[50,3,2,1]
	END
	diff -u - said <<-'END'
	job-stats: job 2 has not run
	job-stats: job 3 has not ended
	job-stats: job 4 has not ended
	END
	job-stats -i 50s --group-by=user in >got
	diff -u - <(jq -c 'if .kind == "stats" then [.group.user, .count, .unfinished]
		else [.at, .jobs, .running, .queued] end' got) <<-'END'
	["ada",1,2]
	[0,3,1,2]
	[50,2,2,0]
	["bob",0,1]
	END
	echo '{"kind":"job","job_id":5,"submit_at":9,"end_at":8}' >in
	refused 'in:1: job 5: ends before it was submitted' in
	echo '{"kind":"job","job_id":5,"submit_at":9,"start_at":8}' >in
	refused 'in:1: job 5: starts before it was submitted' in
}

@test "what is held by nobody is 0, also after fractions" {
	for i in {0..299}; do
		echo '{"kind":"job","job_id":'$i',"submit_at":'$((i * 7 % 200)).$((i % 7))',"wait_s":0.'$((i % 9))',"run_s":'$((i % 40)).3',"cpus":0.'$((i % 7 + 1))'}'
	done >in
	echo '{"kind":"job","job_id":300,"submit_at":300,"wait_s":0,"run_s":9,"cpus":0.5}' >>in
	job-stats -i 1s in >got
	[ "$(jq -s 'map(select(.kind == "usage")) | [length,
		all(.[]; has("cpus") and .cpus >= 0 and .queued >= 0),
		(map(select(.at >= 260 and .at < 300)) | length > 30 and
		all(.[]; .cpus == 0 and .queued == 0))]' -c got)" = '[309,true,true]' ]
}

@test "in a window, only the jobs in it are missed" {
	for i in 1 2 3; do
		echo '{"kind":"job","job_id":'$i',"submit_at":0,"start_at":0,"end_at":9}'
	done >in
	{ cat in; sed -n 3p in; } >other
	run -0 --separate-stderr job-stats --window=1:3 --vs=other in
	[ -z "$stderr" ]
	[ "$(jq -c '.vs | [.matched, .unmatched]' <<<"$output")" = '[2,0]' ]
	head -n 1 in >here
	run -0 --separate-stderr job-stats --window=1:3 --vs=other here
	[ "$stderr" = 'job-stats: 1 jobs are only in other' ]
}

@test "intervals that are a part of the time, but not in binary" {
	local s
	for s in 9 11 43; do
		echo '{"kind":"job","job_id":1,"submit_at":1000,"start_at":1000,"end_at":'$((1000 + s))',"cpus":2}' >in
		job-stats -i ${s}ms in >got
		[ "$(jq -s 'map(select(.kind == "usage")) | [length,
			all(.[]; .span_s > 0 and (.jobs - 1 | fabs) < 1e-9 and
			(.cpus - 2 | fabs) < 1e-9)]' -c got)" = '[1000,true]' ]
	done
}

@test "a table of large numbers stays within its columns" {
	for i in {0..1233}; do
		echo '{"kind":"job","job_id":'$i',"submit_at":0,"start_at":'$((i * 90000))',"end_at":'$((i * 90000 + 60))'}'
	done >in
	job-stats -t in >got
	diff -u - got <<-'END'
	1,234 jobs have ended, 0 have not
	1,284d 09:01 from the first submission to the last end

	                  mean          p50          p99        p99.9          max
	wait      642d 04:30:00 642d 04:30:00 1,271d 12:45 1,283d 02:10 1,284d 09:00
	run            0:01:00      0:01:00      0:01:00      0:01:00      0:01:00
	jct       642d 04:31:00 642d 04:31:00 1,271d 12:46 1,283d 02:11 1,284d 09:01
	slowdown    924,751.00   924,751.00    1,831,006    1,847,652    1,849,501
	bsld        924,751.00   924,751.00    1,831,006    1,847,652    1,849,501
	END
}

@test "figures as Python has them, of records by chance" {
	local seed
	for seed in 1 2 3 4 5 6; do
		python3 - $seed >in <<-'END'
		import json, random, sys
		r = random.Random(int(sys.argv[1]))
		for i in range(r.choice([1, 2, 3, 100, 1000, 1001])):
		    at = r.randint(0, 10 ** 6) + r.choice([0, .25])
		    start = int(at) + 1 + r.randint(0, 10 ** r.randint(1, 6))
		    job = {"kind": "job", "job_id": i, "submit_at": at,
		           "start_at": start,
		           "end_at": start + r.randint(1, 10 ** r.randint(1, 6))}
		    if i and r.random() < 0.1:
		        del job["end_at"]
		    print(json.dumps(job))
		END
		job-stats in >got
		diff -u <(model in) <(figures got)
	done
}

# slowly ARGS...: t/model-stats.py, of "in".
slowly() { python3 "$root/t/model-stats.py" "$@" <in >want; }
as_slowly() { python3 "$root/t/model-stats.py" same want "$1"; }

# moved: the jobs of "in" as another run would have them, some of them left out.
moved() {
	jq -c 'select(.kind != "job" or .job_id % 5 > 0) |
		if .start_at then .start_at += .job_id * 7919 % 500 else . end |
		if .end_at then .end_at += .job_id * 7919 % 700 + 500
		else . end' in
}

@test "usage, fairness and differences, as a slow model has them" {
	local seed
	for seed in 3 6 11; do
		python3 "$root/t/model-stats.py" workload $seed >in
		moved >other
		job-stats -i 250s --vs other --resamples=40 --seed=$seed in \
			>got 2>said
		jq -c 'select(.kind == "usage")' got >usage
		slowly usage 250
		as_slowly usage
		jq -c 'select(.kind == "stats")' got >stats
		jq -c '.rho | if . then {mean, max} else null end' stats >rho
		slowly rho
		as_slowly rho
		jq -c .vs stats >vs
		slowly vs other 40 $seed
		as_slowly vs
	done
}

@test "rounds: those that pause are seen to" {
	cat >cluster.ini <<-'END'
	[CLUSTER]
	racks = 1
	servers_per_rack = 2
	gpus_per_server = 4
	cpus_per_server = 12
	dram_per_server = 250
	sspeed_per_server = 250
	END
	python3 "$root/t/rounds.py" workload 3 >jobs
	sched-sim -q --compat=synergy -c cluster.ini -p las+tune --rounds \
		<jobs >ended
	jq -es 'map(.preemptions // 0) | add > 0' ended
	{ echo '{"kind":"cluster","procs":24,"gpus":8}'; cat ended; } >in
	job-stats -i 1h in >got
	jq -c 'select(.kind == "usage")' got >usage
	slowly usage 3600
	as_slowly usage
	# and the whole is the sum of the parts
	jq -es '(map(select(.kind == "usage")) |
		map(.util.gpus * .span_s) | add) as $sum |
		.[0].util.gpus * .[0].makespan_s - $sum | fabs < 1e-6' got
	# without them, or for some of the jobs, it is not known
	grep -v '"kind":"round"' in >without
	job-stats -i 1h without >got
	jq -es 'all(has("util", "running", "cpus") | not)' got
	job-stats --window=0:9999 in >got
	jq -e 'has("util") | not' got
	jq -c 'select(.kind == "round") | .at = 0' ended | head -n 1 >>in
	refused "in:$(wc -l <in): round: comes after one that is later" in
}

@test "a job that is there twice cannot be compared" {
	three >in
	sed -n 2p in >twice
	sed -n 2p in >>twice
	run -2 --separate-stderr job-stats --vs=twice in
	[ "$stderr" = 'job-stats: --vs: twice: job 1 is there twice' ]
	run -2 --separate-stderr job-stats --vs=in twice
	[ "$stderr" = 'job-stats: job 1 is there twice' ]
	run -2 --separate-stderr job-stats --vs=none in
	[ "$stderr" = 'job-stats: none: No such file or directory' ]
	sed -n 5p in >other
	run -0 --separate-stderr job-stats --vs=other in
	[ -z "$stderr" ]
	[ "$(jq -c '.vs | [.matched, .unmatched]' <<<"$output")" = '[1,2]' ]
}

@test "the metrics of other simulators, from their own starts" {
	local log procs policy simulator jobs wait max slowdown bsld makespan util
	local how n=0 digits
	golden_there golden/METRICS.tsv
	digits='def six: . * 1e6 | round; '
	while IFS=$'\t' read -r log procs policy simulator jobs wait max \
		slowdown bsld makespan util; do
		[ "$log" != log ] || continue
		how=pyss
		[[ $simulator == pyss* ]] || how=batch
		zcat "$data/golden/${log%.swf}.$policy.$how.starts.tsv.gz" |
			awk '!/^#/ { printf "{\"kind\":\"job\",\"job_id\":%d," \
				"\"submit_at\":%d,\"start_at\":%d," \
				"\"end_at\":%d,\"cpus\":%d}\n",
				$1, $2, $3, $4, $5 }' >in
		job-stats --procs="$procs" in >got
		jq -c "$digits"'[.count, (.wait_s.mean | six), .wait_s.max,
			(.slowdown.mean | six), (.bsld.mean | six), .makespan_s,
			(.util.cpus | six)]' got >have
		jq -nc "$digits[$jobs, ($wait | six), $max, ($slowdown | six),
			($bsld | six), $makespan, ($util | six)]" | diff -u - have
		n=$((n + 1))
	done <"$data/golden/METRICS.tsv"
	[ "$n" -ge 24 ]
}

@test "the published figures of Synergy, through the whole pipe" {
	golden_there synergy/configs/default_cluster.ini
	sched-trace generate --stream=synergy-single --rate=9 --seed=42 \
		--split=20,70,10 --jobs=8000 >jobs
	sched-sim -c "$data/synergy/configs/default_cluster.ini" \
		--compat=synergy -p fifo+tune --window=4000:5000 <jobs >ended
	job-stats --window=4000:5000 ended >got
	jq -c '[.count, .unfinished] + (.jct_s | [.mean, .p99, .p999] |
		map(. / 3600))' got >hours
	diff -u - hours <<-'END'
	[1000,0,21.876600555555555,156.93307777777775,170.61199750000023]
	END
}

@test "the examples of the page" {
	cat >log.swf <<-'END'
	1 1 0 60 60 -1 -1 60 60 -1 1 1 -1 -1 -1 -1 -1 -1
	2 1 5 60 60 -1 -1 60 60 -1 1 2 -1 -1 -1 -1 -1 -1
	END
	run_it() {
		page_example "$1" job-stats.1 >script
		[ -s script ]
		bash -eo pipefail script >got
	}
	run_it 1
	[ "$(jq -c '[.group.user, .jct_s.mean]' got)" = $'["1",60]\n["2",65]' ]
	sched-trace swf log.swf | jq -c '.job_id += 3998 | .cpus = 3' >done.ndjson
	run_it 2
	[ "$(jq '. * 1000 | floor' got)" = 18 ]
	cp done.ndjson jobs
	run_it 3
	grep -q '^2 jobs are in both runs, 0 only here' got
	run_it 4
	diff -u - got <<<$'1\t0.07692307692307687'
}

@test "the records are as svc-records(5) has them" {
	three >in
	job-stats -i 10s --vs in --group-by=user --gpus=4 in >got
	python3 "$root/t/unit/records.py" "$root/man/svc-records.5" check got
	[ "$(jq -r .kind got | sort -u)" = $'stats\nusage' ]
}

@test "bad lines are named, and end it or are skipped" {
	three >in
	echo '{"kind":"job","job_id":5}' >>in
	refused "in:7: job: 'submit_at' is missing" in
	run -1 --separate-stderr job-stats -k in
	[ "$stderr" = "job-stats: in:7: job: 'submit_at' is missing: skipped" ]
	[ "$(jq .count <<<"$output")" = 3 ]
	echo '{"kind":"job","job_id":5,"submit_at":9,"start_at":8,"end_at":10}' >in
	refused 'in:1: job 5: starts before it was submitted' in
	echo '{"kind":"job","job_id":5,"submit_at":9,"start_at":11,"end_at":10}' >in
	refused 'in:1: job 5: ends before it starts' in
	echo '{"kind":"job","job_id":"5"}' >in
	refused "in:1: job: 'job_id' must be a number, 0 to 2^53" in
	echo '{"kind":"job","job_id":5,}' >in
	refused 'in:1: column 26: a key is due' in
	refused 'none: No such file or directory' none
}

@test "wrong usage is told" {
	refused "--window: '5' is not A:B" --window=5
	refused '--window: no job is in 5:5' --window=5:5
	refused '--group-by: 1 to 8 names of fields are wanted' --group-by=a,,b
	refused '--procs: 0 is not between 1 and 9007199254740992' --procs=0
	refused '--interval: 0 is no length' -i 0
	refused '--resamples: 100001 is not between 1 and 100000' \
		--resamples=100001
	three >in
	sed -i 's/"end_at":105/"end_at":1234567890/' in
	refused '--interval: 1234568 intervals of 1000 s are more than 1000000' \
		-i 1000 in
	run -2 job-stats in in
}
