# On a real Slurm: instances are killed, requeued, replaced, wanted in vain, and
# no client notices. Each test has services of names of its own.

load helper
load services

setup() {
	test_setup
	use_cluster
}

teardown() {
	end_up
	test_teardown
}

# pid_of NAME: the process of an instance that answers.
pid_of() {
	curl -sf --max-time 10 "$url_base/$1/" >answer.json
	jq .pid answer.json
}

@test "one of two instances is killed with SIGKILL under 20 clients" {
	make_service kill9 '.instances = { min: 2, max: 2 }'
	start_up
	await 40 ready kill9 2
	start_client kill9 --clients=20 --pause-ms=50
	mark kill9
	await 20 made_more kill9 100
	kill -KILL "$(pid_of kill9)"
	killed=$(date +%s)
	await 20 submitted_is kill9 3
	await 40 ready kill9 2
	mark kill9
	await 20 made_more kill9 100
	stop_client kill9
	none_failed kill9
	live_is kill9 2
	submitted_is kill9 3

	# ordered within one poll (1 s) and 1 s, as Slurm's own seconds tell,
	# of the second in which Slurm saw the job end
	svc-discover kill9 >snapshot.ndjson
	jq -s '[.[] | select(.kind == "instance")] | max_by(.submit_at).submit_at
	    - ([.[] | select(.state == "FAILED")] | max_by(.end_at).end_at)' \
		snapshot.ndjson >delay
	echo "ordered $(cat delay) s after the end, killed at $killed"
	[ "$(cat delay)" -le 10 ]
}

@test "three generations of a one-minute limit, no request of any method fails" {
	make_service gen '.job.time_limit_s = 60'
	start_up
	await 40 ready gen 1
	start_client gen --clients=4 --methods=GET,POST,PUT,DELETE --pause-ms=50
	await 220 eval '[ "$(said gen ".jobs|length")" -ge 4 ]'
	mark gen
	await 20 made_more gen 50
	stop_client gen
	none_failed gen
}

@test "a requeued job is not asked at its old URL" {
	make_service requeue
	start_up
	await 40 ready requeue 1
	svc-discover requeue >before.ndjson
	job=$(jq 'select(.kind == "instance").job_id' before.ndjson)
	old=$(jq -r 'select(.kind == "instance").url' before.ndjson)
	# who takes the old port answers, but must not be asked
	start_client requeue --clients=2 --pause-ms=100 --max-s=230
	scontrol requeue "$job"
	await 20 eval 'svc-discover requeue | jq -es "any(.job_id == $job and
	    .restart == 1 and .url == null)" >/dev/null'
	# and svc-proxy has heard of it: until then the old URL is all it knows
	await 20 eval '! status .services | grep -qF "\"$old\""'
	spawn python3 -u "$root/services/hello/hello.py" --port="${old##*:}"
	imposter=$pid
	await 180 ready requeue 1
	await 60 eval '[ "$(said requeue .last_job)" != null ]'
	mark requeue
	await 60 made_more requeue 20
	stop_client requeue
	none_failed requeue
	# an answer of the imposter would name no job
	[ "$(said requeue '.made - ([.jobs[]] | add)')" -eq 0 ]
	end_pid "$imposter"
}

@test "a job script that exits at once is submitted twice, then ever more slowly" {
	make_service broken
	printf '#!/bin/sh\nexit 3\n' >services/broken/job.sh
	start_up
	await 30 submitted_is broken 2
	await 30 eval 'jq -e -s "[.[] | select(.event == \"backoff\" and
	    .service == \"broken\")] | length >= 2" "$up/orders.ndjson" >/dev/null'
	# from the end of the job on, which the next poll sees
	jq -c 'select(.event == "backoff") | [.failures, (.delay_s | . == 0,
	    (. >= 50 and . <= 60))]' "$up/orders.ndjson" >backoff
	diff - backoff <<-END
	[1,true,false]
	[2,false,true]
	END
	submitted_is broken 2
}

@test "no instance: a request waits and is answered at once on readiness" {
	make_service wait '.instances = { min: 0, max: 1, target_inflight: 4 }'
	start_up
	live_is wait 0
	curl -s -m 60 -o answer -w '%{http_code}' "$url_base/wait/x" >code
	[ "$(cat code)" = 200 ]
	ready wait 1
	jq -e '.path == "/x"' answer
}

@test "no instance in time: 503 says which job waits, and for what" {
	make_service vain '.job.nodes = "1" | .job.begin_at = (now + 3600 | floor) |
	    .queue.timeout_s = 4'
	start_up
	await 30 eval 'status ".services[].instances[] | select(.reason ==
	    \"BeginTime\")" >/dev/null'
	job=$(svc-discover vain | jq 'select(.kind == "instance").job_id')
	curl -s -m 60 -D head -o answer "$url_base/vain/"
	grep -q '^HTTP/1.1 503 Service Unavailable' head
	grep -q '^Retry-After: [0-9]' head
	same_ndjson - answer <<-END
	{"error":"no instance was ready in time","status":503,"service":"vain","why":"job $job PENDING: BeginTime"}
	END
}

@test "a partition that does not exist: refused once, said, and not asked for again at once" {
	make_service lost '.job.partition = "nosuch"'
	start_up
	await 30 eval 'grep -q "\"refused\"" "$up/orders.ndjson"'
	marked=$(date +%s)
	await 20 eval '[ $(($(date +%s) - marked)) -ge 10 ]'
	jq -c 'select(.kind == "refused") | [.order, .request, .temporary, .error]' \
		"$up/orders.ndjson" >refused
	diff - refused <<-END
	["submit","lost/0/0",false,"cannot submit the job: Invalid partition name specified"]
	END
	run -0 svc-logs
	[[ $output == *"svc-submit: "*"Invalid partition name specified"* ]]
	live_is lost 0
}
