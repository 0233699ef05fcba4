# On a real Slurm: parts of the pipeline, or Slurm itself, go away for a while.

load helper
load services

setup() {
	test_setup
}

teardown() {
	end_up
	[ -z "${own:-}" ] || svc-devcluster down -q --dir="$own"
	test_teardown
}

own_cluster() {
	own=$BATS_TEST_TMPDIR/cluster
	svc-devcluster up -q --nodes=2 --gpus=0 --dir="$own"
	export SLURM_CONF=$own/slurm.conf
}

# stage NAME: its pid under svc-up.
stage() {
	up_stage "$up" "$1"
}

# restarted NAME PID: does another process do its work now?
restarted() {
	local now
	now=$(stage "$1") && [ "$now" != "$2" ] && pid_is "$now" "$1"
}

@test "slurmctld is away for 30 s under load: nothing fails, nothing is ordered" {
	own_cluster
	make_service away '.instances = { min: 2, max: 2 }'
	start_up
	await 40 ready away 2
	start_client away --clients=4 --methods=GET,POST --pause-ms=50
	kill -STOP "$(pid_read "$own/slurmctld.pid")"
	await 60 eval 'status .stale_since_at >/dev/null'
	began=$(date +%s)
	await 40 eval '[ $(($(date +%s) - began)) -ge 30 ]'
	mark away
	await 20 made_more away 100
	ready away 2
	submitted_is away 2
	kill -CONT "$(pid_read "$own/slurmctld.pid")"
	await 90 eval '! status .stale_since_at >/dev/null 2>&1'
	mark away
	await 20 made_more away 100
	# a POST that an instance dies of may fail: there is none by then
	stop_client away
	none_failed away
	# and normal again: a lost instance is replaced
	kill -KILL "$(curl -sf "$url_base/away/" | jq .pid)"
	await 60 submitted_is away 3
	await 40 ready away 2
	live_is away 2
}

@test "each stage but the proxy is killed with SIGKILL: it comes back, no request fails" {
	use_cluster
	make_service stages '.instances = { min: 2, max: 2 }'
	start_up
	await 40 ready stages 2
	start_client stages --clients=4 --pause-ms=50
	for name in svc-discover svc-keepalive svc-submit; do
		old=$(stage "$name")
		kill -KILL "$old"
		await 20 restarted "$name" "$old"
		mark stages
		await 20 made_more stages 50
	done
	# they still do their work
	kill -KILL "$(curl -sf "$url_base/stages/" | jq .pid)"
	await 60 submitted_is stages 3
	await 40 ready stages 2
	stop_client stages
	none_failed stages
	live_is stages 2
}

@test "two pipelines for the same services settle at the wanted number" {
	use_cluster
	make_service twin '.instances = { min: 2, max: 2 }'
	start_up
	first=$BERTH_STATE first_up=$up
	start_up
	second=$BERTH_STATE
	await 60 eval 'ready twin 2 && live_is twin 2'
	start_client twin --clients=2 --pause-ms=50
	kill -KILL "$(curl -sf "$url_base/twin/" | jq .pid)"
	await 60 eval '[ "$(svc-discover twin | jq -s "[.[] | select(.state ==
	    \"FAILED\")] | length")" -eq 1 ]'
	await 60 eval 'ready twin 2 && live_is twin 2'
	# settled: for ten polls of both nobody orders or cancels anything
	cat "$first_up/orders.ndjson" "$up/orders.ndjson" >orders.then
	mark twin
	await 30 made_more twin 400
	cat "$first_up/orders.ndjson" "$up/orders.ndjson" >orders.now
	cmp orders.then orders.now
	live_is twin 2
	stop_client twin
	none_failed twin
	BERTH_STATE=$first svc-down -q
	rm -rf "$first"
	BERTH_STATE=$second
}

@test "the supervisor is killed with SIGKILL: svc-up clears up and starts again" {
	use_cluster
	make_service super
	start_up
	await 40 ready super 1
	old=$(up_pid "$up")
	proxy=$(stage svc-proxy)
	kill -KILL "$old"
	await 5 pids_dead "$old"
	svc-up -q -i 1s -s services -l "127.0.0.1:$port" 3>&-
	[ "$(up_pid "$up")" != "$old" ]
	await 5 pids_dead "$proxy"
	await 40 ready super 1
	live_is super 1
}

@test "svc-proxy is killed with SIGKILL: it comes back and finds the instances" {
	use_cluster
	make_service reborn
	start_up
	await 40 ready reborn 1
	old=$(stage svc-proxy)
	kill -KILL "$old"
	await 20 restarted svc-proxy "$old"
	await 40 ready reborn 1
	curl -sf --max-time 10 "$url_base/reborn/" >answer
	live_is reborn 1
	submitted_is reborn 1
}
