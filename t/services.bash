# services.bash: for tests that run services on a real Slurm (`load services`
# after `load helper`).
#
#	make_service NAME [JQ]	services/NAME like services/hello, changed by JQ
#	start_up [ARG...]	svc-up for them; sets $url_base
#	start_client NAME [ARG...]	a client of it; sets $client, writes NAME.json
#	stop_client NAME	ends it; NAME.json is then its result
#	made_more NAME N	has the client made N more requests than at the mark?

make_service() {
	mkdir -p "services/$1"
	cp "$root"/services/hello/hello.py "$root"/services/hello/job.sh "services/$1/"
	sed -i -e '/job-name/d' -e 's/--drain=10s/--drain=3s/' "services/$1/job.sh"
	jq --arg name "$1" '.name = $name | .job.time_limit_s = 3600 |
	    .route = { prefix: ("/" + ($name | @uri)), drain_s: 3 } |
	    .health.interval_s = 1 | .instances = { min: 1, max: 1 } |
	    '"${2:-.}" "$root/services/hello/service.json" >"services/$1/service.json"
}

# The state directory must be short enough for a socket in it.
start_up() {
	BERTH_STATE=$(mktemp -d /tmp/berth-t.XXXXXX)
	export BERTH_STATE
	port=$(free_port)
	url_base=http://127.0.0.1:$port
	# spawn marks what it starts, so that the test's end ends it
	svc-up -i 1s -s services -l "127.0.0.1:$port" "$@" 3>&-
	up=$(up_dir)
}

# What is left of it, and of its jobs.
end_up() {
	[ -z "${BERTH_STATE:-}" ] || {
		svc-down -q --cancel -s services || svc-down -q || :
		rm -rf "$BERTH_STATE"
	}
}

# status JQ...: a question to the proxy's status. (jq 1.6 -e says yes to nothing)
status() {
	local answer
	answer=$(admin_get /status) && jq -e "$@" <<<"$answer"
}

# ready NAME N
ready() {
	status --arg s "$1" --argjson n "$2" \
		'.services[] | select(.service == $s).ready >= $n' >/dev/null
}

# live NAME: how many of its jobs Slurm runs or will run.
live() {
	svc-discover "$1" | jq -s '[.[] | select(.kind == "instance" and
	    (.state == "RUNNING" or .state == "PENDING"))] | length'
}

live_is() {
	[ "$(live "$1")" -eq "$2" ]
}

# submitted NAME: how many orders were carried out.
submitted() {
	jq -s --arg s "$1" '[.[] | select(.kind == "submitted" and
	    .service == $s and .again == null)] | length' "$up/orders.ndjson"
}

submitted_is() {
	[ "$(submitted "$1")" -eq "$2" ]
}

start_client() {
	local name=$1
	shift
	spawn python3 "$root/t/client.py" "$url_base/$name/" \
		--progress="$name.json" "$@"
	client=$pid
	await 10 test -s "$name.json"
}

# said NAME JQ: what the client's file says now.
said() {
	jq -r "$2" "$1.json"
}

mark() {
	marked=$(said "$1" .made)
}

made_more() {
	[ "$(said "$1" .made)" -ge $((marked + $2)) ]
}

client_done() {
	[ "$(said "$1" .done)" = true ]
}

stop_client() {
	kill -TERM "$client"
	await 70 client_done "$1"
}

# none_failed NAME: the whole of what the client has to complain about.
none_failed() {
	[ "$(said "$1" '[.failed, .errors]|tojson')" = '[0,[]]' ] || {
		cat "$1.json" >&2
		return 1
	}
}
