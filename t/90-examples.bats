# The examples, run as they stand.

load helper

setup() {
	test_setup
	BERTH_STATE=$(mktemp -d /tmp/berth-t.XXXXXX)
	export BERTH_STATE
	BERTH_LISTEN=127.0.0.1:$(free_port)
	export BERTH_LISTEN
}

teardown() {
	[ ! -d "$BERTH_STATE" ] || "$root/examples/demo.sh" stop || :
	test_teardown
}

@test "the demo: two instances, one killed, no request failed; and nothing left" {
	"$root/examples/demo.sh" >said 3>&-
	sed -E 's/[0-9]+/N/g; s/ +/ /g; s/ $//' said >shape
	diff - <(sed '/^PARTITION/,/^main/d; /^ /d' shape) <<-END

	== a Slurm cluster

	== hello x N behind http://N.N.N.N:N/hello/
	SERVICE JOB STATE REASON NODE URL INFLIGHT LEFT
	hello N ready - nN http://N.N.N.N:N N NhNm
	hello N ready - nN http://N.N.N.N:N N NhNm

	== four requests: curl http://N.N.N.N:N/hello/
	answer N: node nN, port N, job N
	answer N: node nN, port N, job N
	answer N: node nN, port N, job N
	answer N: node nN, port N, job N

	== one instance is killed while a client asks on
	killed process N of job N with SIGKILL
	requests made: N, failed: N
	two instances ready again after N.N s

	== svc-ps
	SERVICE JOB STATE REASON NODE URL INFLIGHT LEFT
	hello N ready - nN http://N.N.N.N:N N NhNm
	hello N ready - nN http://N.N.N.N:N N NhNm

	== it runs on
	look around:
	stop it:
	END
	grep -qx 'requests made: [1-9][0-9]*, failed: 0' said

	# it runs on
	run -0 curl -sf --max-time 10 "http://$BERTH_LISTEN/hello/"

	run -0 "$root/examples/demo.sh" stop
	[ "$output" = "stopped; nothing is left" ]
	[ ! -e "$BERTH_STATE" ]
	[ -z "$(test_pids | grep -vx "$$" | xargs -r ps -o comm= -p |
		grep -E '^(svc-|slurm|munged|python3)')" ]
}

@test "easy.py: the built-in policy, to the byte" {
	for procs in 3 8; do
		python3 "$root/t/model-sched.py" . $procs 300 $procs
		sched-sim -c procs=$procs -p easy <jobs.ndjson >want
		sched-sim -c procs=$procs -p "exec:$root/examples/easy.py" \
			<jobs.ndjson >got
		cmp want got
		[ "$(wc -l <got)" = 300 ]
	done
}

@test "Synergy's figure, on a small scale" {
	export XDG_CACHE_HOME=$PWD/cache
	"$root/examples/synergy.sh" out >said 2>talk
	cmp said out/table.txt
	[ "$(ls out)" = $'cdf.svg\ncluster.ini\nload.svg\nstats.ndjson\ntable.txt' ]
	# who looks at what models need is never slower, and at most loads faster
	jq -es 'map({key: "\(.policy) \(.rate)", value: .jct_s.mean}) |
		from_entries as $m | [("fifo", "srtf", "las") as $p |
		(1.5, 1.75, 2, 2.25) as $rate |
		$m["\($p)+tune \($rate)"] / $m["\($p)+fair \($rate)"]] |
		length == 12 and all(. < 0.95)' out/stats.ndjson
	grep -q '>las+tune<' out/load.svg
}
