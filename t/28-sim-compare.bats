#!/usr/bin/env bats
# sim-compare: what it gives is what the pipe gives, once; what fails or is
# interrupted leaves the rest. t/75 has the job array.

load helper

setup() {
	test_setup
	export XDG_CACHE_HOME=$PWD/cache
	kept=cache/berth/sim-compare
	cat >cluster.ini <<-'END'
	[CLUSTER]
	racks = 1
	servers_per_rack = 16
	gpus_per_server = 8
	cpus_per_server = 24
	dram_per_server = 500
	sspeed_per_server = 500
	END
	rounds=(-c cluster.ini --sim=--compat=synergy)
}

jobs() {
	sched-trace generate --stream=log-uniform --procs=8 --rate=60 \
		--jobs="$1" --seed="$2"
}

# compare ARGS...: got and said; its status is its own.
compare() { sim-compare "$@" >got 2>said; }

# refused STATUS TEXT ARGS...
refused() {
	local status_=$1 text=$2
	shift 2
	run "-$status_" --separate-stderr sim-compare "$@"
	[ "$stderr" = "sim-compare: $text" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}

# settled: nothing half done is left in the cache.
settled() {
	[ -z "$(find "$kept" -name 'tmp.*' -o -name 'runs.*')" ]
}

@test "streams: the published figure, and what the pipe gives" {
	compare "${rounds[@]}" -p fifo+tune --rates=9 --window=4000:5000
	diff -u - <(jq -c '[.policy, .rate, .seed, .count, .jct_s.mean / 3600]' \
		got) <<<'["fifo+tune",9,42,1000,21.876600555555555]'
	python3 "$root/t/unit/records.py" "$root/man/svc-records.5" check got
	compare "${rounds[@]}" -q -p srtf+fair,las --rates=3,7.5 --seeds=1..2 \
		--jobs=40 --trace=--split=30,40,30
	[ ! -s said ]
	for policy in srtf+fair las; do
		for rate in 3 7.5; do
			for seed in 1 2; do
				sched-trace generate --stream=synergy-single \
					--rate=$rate --seed=$seed --jobs=40 \
					--split=30,40,30 >in
				sched-sim -q --compat=synergy -c cluster.ini \
					-p $policy <in | job-stats |
					jq -c --arg p $policy "{kind,
					policy: \$p, rate: $rate, seed: $seed} +
					del(.kind)"
			done
		done
	done | same_ndjson - got
	compare -c procs=64 -p easy --stream=lublin --loads=0.5,0.7 --jobs=50
	for load in 0.5 0.7; do
		sched-trace generate --stream=lublin --procs=64 --load=$load \
			--jobs=50 --seed=42 | sched-sim -c procs=64 -p easy |
			job-stats | jq -c "{kind, policy: \"easy\",
			load: $load, seed: 42} + del(.kind)"
	done | same_ndjson - got
	compare -c procs=64 -p fcfs --stream=log-uniform --rates=9 --jobs=50 \
		--trace=--procs=8
	sched-trace generate --stream=log-uniform --procs=8 --rate=9 \
		--jobs=50 --seed=42 | sched-sim -c procs=64 -p fcfs |
		job-stats | jq -c '{kind, policy: "fcfs", rate: 9, seed: 42} +
		del(.kind)' | same_ndjson - got
	settled
}

@test "files: by name, as a table, and the figures" {
	jobs 50 1 >"it's \$(touch owned) a.ndjson"
	jobs 50 2 >b
	compare -c procs=8 -p fcfs,easy it*a.ndjson b
	for policy in fcfs easy; do
		for file in it*a.ndjson b; do
			sched-sim -c procs=8 -p $policy <"$file" | job-stats |
				jq -c --arg p $policy --arg w "${file%.ndjson}" \
				'{kind, policy: $p, workload: $w} + del(.kind)'
		done
	done | same_ndjson - got
	compare -qt -c procs=8 -p fcfs,easy --figures=out/synergy it*a.ndjson b
	cmp got out/synergy/table.txt
	sed -n 's/  *$//; 1,6p' got | tr -s ' -' | sed 's/[0-9.]*[0-9]/N/g' |
		diff -u - <(cat <<-'END'
	mean completion time, hours

	 it's $(touch owned) a b
	fcfs N N
	easy N N

	END
	)
	grep -qE '^easy +[0-9]+\.[0-9]{2}x +[0-9]+\.[0-9]{2}x$' got
	[ "$(ls out/synergy)" = $'cdf.svg\nstats.ndjson\ntable.txt' ]
	grep -q '>easy<' out/synergy/cdf.svg
	[ "$(wc -l <out/synergy/stats.ndjson)" = 4 ]
	[ ! -e owned ]
}

@test "the second example of the page" {
	jobs 20 1 >a.ndjson
	jobs 30 2 >b.ndjson
	page_example 2 sim-compare.1 >script
	bash -eo pipefail script >got
	[ "$(awk '{ print $1 }' got | grep -c '^conservative$')" = 3 ]
}

@test "a run is done once, until something of it is another" {
	jobs 30 1 >a
	compare -c procs=8 -p fcfs,easy a
	diff -u - said <<<'sim-compare: 2 runs: 0 are known, 2 to be computed'
	mv got first
	compare -c procs=8 -p fcfs,easy,sjf a
	diff -u - said <<<'sim-compare: 3 runs: 2 are known, 1 to be computed'
	head -n 2 got | cmp - first
	# it is not even looked at
	mkdir bin
	ln -s "$(readlink -f "$root/bin/sched-sim")" bin/sched-sim
	rm a.stats 2>/dev/null || :
	PATH=$PWD/bin:$PATH compare -n -c procs=8 -p fcfs,easy,sjf a
	diff -u - said <<<'sim-compare: 3 runs: 3 are known, 0 to be computed'
	for other in '-c procs=9' '--sim=--allocate=ids' '--window=1:9'; do
		# shellcheck disable=SC2086
		compare -n -c procs=8 $other -p fcfs a
		diff -u - said <<<'sim-compare: 1 runs: 0 are known, 1 to be computed'
	done
	echo '{"kind":"job","job_id":99,"submit_at":9999999,"cpus":1,"run_s":1}' >>a
	compare -n -c procs=8 -p fcfs a
	diff -u - said <<<'sim-compare: 1 runs: 0 are known, 1 to be computed'
	# another program
	rm bin/sched-sim
	printf '#!/bin/sh\nexec %s "$@"\n' "$root/bin/sched-sim" >bin/sched-sim
	chmod +x bin/sched-sim
	head -n -1 a >b
	mv b a
	PATH=$PWD/bin:$PATH compare -n -c procs=8 -p fcfs a
	diff -u - said <<<'sim-compare: 1 runs: 0 are known, 1 to be computed'
	compare -n -c procs=8 -p fcfs a
	diff -u - said <<<'sim-compare: 1 runs: 1 are known, 0 to be computed'
	ls "$kept" >before
	compare --no-cache -c procs=8 -p fcfs a
	diff -u - said <<<'sim-compare: 1 runs: 0 are known, 1 to be computed'
	ls "$kept" | diff -u before -
	head -n 1 first | cmp - got
}

@test "a run that fails is named, and the others are kept" {
	jobs 30 1 >a
	echo '{"kind":"job","job_id":99,"submit_at":9999999,"cpus":9,"run_s":1}' >b
	run -2 --separate-stderr sim-compare -q -c procs=8 -p fcfs,easy a b
	[ -z "$output" ]
	diff -u - <(echo "$stderr") <<-'END'
	sim-compare: fcfs, workload b: sched-sim: stdin:1: job 99: 9 processors are more than the 8 of the cluster
	sim-compare: easy, workload b: sched-sim: stdin:1: job 99: 9 processors are more than the 8 of the cluster
	END
	compare -c procs=8 -p fcfs,easy a
	diff -u - said <<<'sim-compare: 2 runs: 2 are known, 0 to be computed'
	settled
}

@test "a run whose jobs cannot be put away is none, and says why" {
	jobs 30 1 >a
	mkdir bin
	cat >bin/jq <<-END
	#!/bin/sh
	case \$* in
	*sim-ended.jq*)
		$(command -v jq) "\$@" | head -n 3
		echo 'jq: error: no memory' >&2
		exit 5 ;;
	esac
	exec $(command -v jq) "\$@"
	END
	chmod +x bin/jq
	PATH=$PWD/bin:$PATH run -75 --separate-stderr sim-compare -q \
		-c procs=8 -p fcfs a
	[ "$stderr" = 'sim-compare: fcfs, workload a: jq: error: no memory' ]
	[ -z "$(ls -A "$kept")" ]
	compare -q -c procs=8 -p fcfs a
	[ "$(gzip -dc "$kept"/*.jobs.gz | wc -l)" = 30 ]
}

@test "what a killed run has left is cleared away, what a long one has is not" {
	jobs 30 1 >a
	mkdir -p "$kept/tmp.dead00" "$kept/runs.dead00" "$kept/runs.live00"
	touch "$kept/runs.live00/missing" "$kept/tmp.dead00/lock"
	flock "$kept/runs.live00/lock" sleep 600 3>&- &
	pid=$!
	await 10 test -e "$kept/runs.live00/lock"
	await 10 bash -c "! flock -n '$kept/runs.live00/lock' true"
	touch -d '3 days ago' "$kept"/*.??????
	mkdir "$kept/tmp.new000"
	compare -q -c procs=8 -p fcfs a
	[ "$(cd "$kept" && ls -d ./*.??????)" = $'./runs.live00\n./tmp.new000' ]
	[ -e "$kept/runs.live00/missing" ]
	kill "$pid"
	wait "$pid" || :
}

@test "a run holds its directories" {
	jobs 30 1 >a
	mkdir bin
	cat >bin/sched-sim <<-END
	#!/bin/sh
	case \$* in
	*-n*) ;;
	*) for held in "$PWD/$kept"/*.??????/lock; do
		flock -n "\$held" true || echo "\${held%/lock}"
	done >"$PWD/held" ;;
	esac
	exec $root/bin/sched-sim "\$@"
	END
	chmod +x bin/sched-sim
	PATH=$PWD/bin:$PATH compare -q -c procs=8 -p fcfs a
	[ "$(sed 's,.*/\([a-z]*\)\..*,\1,' held)" = $'runs\ntmp' ]
	settled
}

@test "figures that cannot be written, and jobs that nobody counts" {
	jobs 30 1 >a
	cp a 'a name of many letters.ndjson'
	run -75 --separate-stderr sim-compare -q -c procs=8 -p fcfs \
		--figures=/proc/self a
	[ "$stderr" = 'sim-compare: /proc/self/stats.ndjson: cannot be written' ]
	# by Debian's own awk, too, and with a decimal point everywhere
	compare -q -t -c procs=8 -p fcfs,easy a
	mkdir bin
	printf '#!/bin/sh\n[ "$LC_ALL" = C.UTF-8 ] && exec mawk "$@"\n' >bin/awk
	chmod +x bin/awk
	mv got want
	LC_ALL=de_DE.UTF-8 PATH=$PWD/bin:$PATH compare -q -t -c procs=8 \
		-p fcfs,easy a
	diff -u want got
	compare -q -t -c procs=8 -p fcfs,easy --window=1000:1001 a \
		'a name of many letters.ndjson'
	diff -u - got <<-'END'
	mean completion time, hours

	              a a name of many letters
	fcfs          -                      -
	easy          -                      -

	99th percentile, hours

	              a a name of many letters
	fcfs          -                      -
	easy          -                      -

	mean, times shorter than fcfs

	              a a name of many letters
	fcfs          -                      -
	easy          -                      -
	END
}

# some_kept: has at least one run come out?
some_kept() { ls "$kept"/*.stats >/dev/null 2>&1; }

nobody_left() {
	[ -z "$(test_pids | grep -vx "$$" | xargs -r ps -o comm= -p |
		grep -E '^(sched-|job-stats|sim-compare|xargs)')" ]
}

@test "what is interrupted goes on where it was" {
	spawn sim-compare "${rounds[@]}" -j 2 -p fifo+fair,las+tune --rates=5..9 \
		--seeds=1..20 >got 2>said
	await 60 some_kept
	kill -TERM "$pid"
	local rc=0
	wait "$pid" || rc=$?
	[ "$rc" = 143 ]
	[ ! -s got ]
	diff -u - said <<-'END'
	sim-compare: 200 runs: 0 are known, 200 to be computed
	sim-compare: interrupted; what is done is kept
	END
	await 10 settled
	await 10 nobody_left
	compare -n "${rounds[@]}" -p fifo+fair,las+tune --rates=5..9 --seeds=1..20
	[ "$(sed 's/.*: \([0-9]*\) are known.*/\1/' said)" = \
		"$(ls "$kept"/*.stats | wc -l)" ]
}

@test "what cannot be is said before anything is run" {
	: >a
	refused 2 "policy 'x' is not known; known are $(sched-sim -c procs=1 \
		-p x 2>&1 | sed 's/.*known are //')" -c procs=8 -p fcfs,x a
	refused 2 '--policies: one has no name' -c procs=8 -p fcfs,,easy a
	refused 2 'none: cannot be read' -c procs=8 -p fcfs none
	refused 2 'none: cannot be read' -c none -p fcfs a
	refused 2 'no workload: give --rates, --loads or files' -c procs=8 -p fcfs
	refused 2 '--rates: of streams, and files are given' -c procs=8 -p fcfs \
		--rates=4 a
	refused 2 "--rates: '9..4' is not A..B" -c procs=8 -p fcfs --rates=9..4
	refused 2 "--seeds: 'x' is not a number" -c procs=8 -p fcfs --rates=4 \
		--seeds=1,x
	refused 2 "--jobs: '0' is not 1 to 999999" -c procs=8 -p fcfs --rates=4 \
		--jobs=0
	run -2 sim-compare --run=a
	[ "$output" = 'sim-compare: a: not a run' ]
	[ -z "$(ls -A "$kept")" ]
}
