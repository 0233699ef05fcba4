#!/usr/bin/env bats
# lib/rec and svc-records(5): the code and the page say the same, the page's
# examples are records, and what the programs really write is in the page.

load helper

setup() {
	test_setup
	export FAKE_SLURM=$PWD/slurm SLURM_CONF=/dev/null
	mkdir slurm
}

page() { python3 "$root/t/unit/records.py" "$root/man/svc-records.5" "$@"; }

# ---- lib/rec ----

@test "instance: every field is read and written, in the page's order" {
	cat >in <<-'END'
	{"kind":"instance","request":"r","end_at":9007199254740992,"start_at":7,"draining":true,"ready":false,"url":"http://n1:80","node":"n1","reason":"Resources","state":"PENDING","restart":0,"submit_at":5,"job_id":12,"service":"héllo, w"}
	END
	"$UNIT/rec" <in >got
	same_ndjson in got
	[ "$(jq -r 'keys_unsorted[1:][]' got)" = \
		"$(page fields instance | cut -d' ' -f1)" ]
}

@test "instance: what is not known is left out, what is foreign too" {
	cat >in <<-'END'
	{"kind":"instance","service":"a","job_id":0,"own":{"x":null}}
	END
	"$UNIT/rec" <in >got
	diff -u - got <<<'{"kind":"instance","service":"a","job_id":0}'
}

@test "instance: wrong types and ranges are named" {
	cat >in <<-'END'
	{"kind":"instance","job_id":1}
	{"kind":"instance","service":"a"}
	{"kind":"instance","service":1,"job_id":1}
	{"kind":"instance","service":null,"job_id":1}
	{"kind":"instance","service":"a","job_id":"1"}
	{"kind":"instance","service":"a","job_id":1.0}
	{"kind":"instance","service":"a","job_id":-1}
	{"kind":"instance","service":"a","job_id":9007199254740993}
	{"kind":"instance","service":"a","job_id":1,"ready":1}
	{"kind":"instance","service":"a","job_id":1,"url":["x"]}
	END
	"$UNIT/rec" <in >got
	diff -u - got <<-'END'
	! 2 instance: 'service' is missing
	! 2 instance: 'job_id' is missing
	! 2 instance: 'service' must be text
	! 2 instance: 'service' must be text
	! 2 instance: 'job_id' must be an integer
	! 2 instance: 'job_id' must be an integer
	! 2 instance: 'job_id' must be 0 to 9007199254740992
	! 2 instance: 'job_id' must be 0 to 9007199254740992
	! 2 instance: 'ready' must be true or false
	! 2 instance: 'url' must be text
	END
}

@test "demand: read, with its rate in thousandths" {
	cat >in <<-'END'
	{"kind":"demand","service":"a","queued":1,"inflight":2,"ready":3,"rate_s":4.5,"instances":[{},{}]}
	{"kind":"demand","service":"a","rate_s":7}
	{"kind":"demand","queued":1}
	{"kind":"demand","service":"a","queued":-1}
	{"kind":"demand","service":"a","rate_s":"1"}
	{"kind":"demand","service":"a","rate_s":-1}
	{"kind":"demand","service":"a","rate_s":1e300}
	{"kind":"demand","service":"a","instances":{}}
	END
	"$UNIT/rec" <in >got
	local none=-9223372036854775808
	diff -u - got <<-END
	a queued=1 inflight=2 ready=3 rate=4500 of=2
	a queued=$none inflight=$none ready=$none rate=7000 of=0
	! 2 demand: 'service' is missing
	! 2 demand: 'queued' must be 0 to 9007199254740992
	! 2 demand: 'rate_s' must be a number, 0 to 1e12
	! 2 demand: 'rate_s' must be a number, 0 to 1e12
	! 2 demand: 'rate_s' must be a number, 0 to 1e12
	! 2 demand: 'instances' must be an array
	END
}

@test "kinds: text or nothing" {
	printf '%s\n' '{"kind":"end"}' '{"kind":1}' '{}' '{"kind":"Instance"}' >in
	"$UNIT/rec" <in >got
	diff -u - got <<-'END'
	kind 'end'
	kind ''
	kind ''
	kind 'Instance'
	END
}

@test "states: which jobs Slurm still runs, or will" {
	printf '%s\n' PENDING RUNNING SUSPENDED CONFIGURING REQUEUED REQUEUE_HOLD \
		RESIZING STOPPED SIGNALING SPECIAL_EXIT >live
	printf '%s\n' COMPLETING COMPLETED CANCELLED FAILED TIMEOUT NODE_FAIL \
		PREEMPTED BOOT_FAIL DEADLINE OUT_OF_MEMORY REVOKED running '' >ended
	cat live ended >in
	"$UNIT/rec" live <in >got
	{ sed 's/$/ live/' live; sed 's/$/ ended/' ended; } | diff -u - got
}

# ---- the page ----

@test "svc-records(5): each example is a record, as the page says and as we read" {
	page examples >examples
	page check examples
	[ "$(jq -r .kind examples | uniq)" = "$(page kinds)" ]
	"$UNIT/rec" <examples >got
	run -1 grep '^!' got
	same_ndjson <(grep '"kind":"instance"' examples) \
		<(grep '"kind":"instance"' got)
	local kind
	for kind in $(page kinds); do
		[ "$kind" = demand ] || [ "$kind" = instance ] ||
			grep -qx "kind '$kind'" got
	done
}

@test "svc-records(5): the kinds of the code, and no others" {
	# named as the value of "kind", or in the table of answers
	{
		cat "$root"/src/*.c "$root"/src/*/*.c |
			tr -s '\t\n' '  ' >code
		grep -oE 'rec_new\("[a-z]+"' code | cut -d'"' -f2
		grep -oE '\}", "kind", "[a-z]+"' code | cut -d'"' -f5
		grep -oE 'done_kinds\[\] = \{[^}]*' code | grep -oE '"[a-z]+"' |
			tr -d '"'
		grep -oE '"\{\\"kind\\":\\"[a-z]+' code | grep -oE '[a-z]+$'
		grep -oE 'order_(drain|cancel)\(' code | sed 's/order_//; s/(//'
		grep -oE 'line_begin\(&?b, "[a-z]+"' code | cut -d'"' -f2
		echo start	# what sched-sim's exec: answers
		echo sim	# its recordings, packed
		echo instance	# lib/rec.c
		echo service	# svc-service(5)
		printf '%s\n' node partition qos share	# read by sched-sim
	} | sort -u >named
	page kinds | sort | diff -u - named
}

@test "svc-records(5): submit has every key of the table of jobspec.h" {
	sed -n 's/^	X(\([a-z_]*\),.*/\1/p' "$root/lib/jobspec.h" >keys
	[ "$(wc -l <keys)" -gt 20 ]
	page fields submit | cut -d' ' -f1 |
		grep -vxE 'request|service|at|script|command|args|env' |
		diff -u keys -
}

# ---- what the programs really write ----

# wrote FILE KIND...: the file has these kinds and no others, as in the page.
wrote() {
	local file=$1
	shift
	page check "$file"
	[ "$(jq -r .kind "$file" | sort -u)" = "$(printf '%s\n' "$@" | sort)" ]
}

jobs_are() {
	cat >slurm/jobs
}

@test "svc-discover writes instance, end and stale as the page says" {
	jobs_are <<-'END'
	{"job_id":2,"name":"x","state":"RUNNING","submit_at":20,"start_at":21,"end_at":99,"time_limit_s":60,"nodes":"n1","batch_host":"n1","comment":"svc,hello,http://10.0.0.1:80,draining,0,r2"}
	{"job_id":3,"name":"hello","submit_at":30,"reason":"Resources","comment":"svc,hello,,wanted,0,r3"}
	END
	"$UNIT/fake-svc-discover" >got
	wrote got instance end
	[ "$(jq -r 'select(.job_id == 2) | keys_unsorted[1:][]' got)" = \
		"$(page fields instance | cut -d' ' -f1 | grep -vx reason)" ]
	echo 'jobs 1800' >slurm/answers
	local rc=0
	"$UNIT/fake-svc-discover" >got 2>talk || rc=$?
	[ "$rc" = 75 ]
	wrote got stale
}

@test "svc-submit writes its answers, and its dry run, as the page says" {
	printf '#!/bin/sh\nexit 0\n' >job.sh
	jobs_are <<-'END'
	{"job_id":7,"name":"h","state":"RUNNING","submit_at":70,"start_at":71,"comment":"svc,h,http://h:1,ready,0,r7"}
	{"job_id":8,"name":"h","state":"RUNNING","submit_at":80,"start_at":81,"comment":"svc,h,http://h:2,ready,0,r8"}
	END
	cat >in <<-'END'
	{"kind":"submit","request":"r1","service":"h","script":"job.sh"}
	{"kind":"submit","request":"r7","service":"h","script":"job.sh"}
	{"kind":"submit","command":["true"],"name":"plain"}
	{"kind":"drain","job_id":7,"submit_at":70,"why":"w"}
	{"kind":"cancel","job_id":8,"submit_at":80}
	{"kind":"cancel","job_id":8,"submit_at":81}
	{"kind":"submit","script":"none.sh"}
	{"kind":"event","event":"word"}
	END
	local rc=0
	"$UNIT/fake-svc-submit" <in >got 2>talk || rc=$?
	[ "$rc" = 1 ]
	wrote got submitted drained cancelled refused event
	page examples >examples
	jq -c 'select(.kind == "submit" and .command)' examples >in
	"$UNIT/fake-svc-submit" -n <in >got
	wrote got submit
}

@test "svc-keepalive writes orders and events as the page says" {
	mkdir -p services/h
	echo '{"name":"h","job":{"time_limit_s":3600}}' >services/h/service.json
	printf '#!/bin/sh\n' >services/h/job.sh
	local now=2000000
	echo "{\"kind\":\"end\",\"of\":\"instance\",\"at\":$now}" >in
	svc-keepalive -s services --once --now=$now <in >got 2>talk
	wrote got submit event
	# two ready ones where one is wanted: surplus
	for id in 5 6; do
		jq -nc --argjson id $id --argjson now $now '{kind: "instance",
			service: "h", job_id: $id, submit_at: ($now - 999),
			restart: 0, state: "RUNNING", node: "n1",
			url: "http://n1:1", ready: true,
			start_at: ($now - 900), end_at: ($now + 90000)}'
	done >jobs
	{ cat jobs in jobs; sed s/$now/$((now + 5))/ in; } >in2
	svc-keepalive -s services --state=state --now=$((now + 5)) \
		<in2 >got 2>talk
	wrote got drain event
	# pending where it is not wanted: cancelled at once
	jq -c 'if .job_id == 6 then {kind, service, job_id, submit_at, restart,
		state: "PENDING", ready: false} else . end' in2 >in3
	svc-keepalive -s services --now=$((now + 5)) <in3 >got 2>talk
	wrote got cancel event
}

@test "svc-proxy writes demand and access as the page says, and passes on" {
	local port
	port=$(free_port)
	mkdir -p services/h
	echo '{"name":"h","queue":{"timeout_s":0}}' >services/h/service.json
	page examples >examples
	mkfifo pipe
	exec 9<>pipe
	spawn svc-proxy -s services -l "127.0.0.1:$port" --admin="unix:$PWD/admin" \
		--access-log=access <pipe 9>&- >got 2>talk
	jq -c 'select(.kind == "instance" or .kind == "end" or .kind == "stale")' \
		examples >&9
	await 10 curl -s -o body "http://127.0.0.1:$port/h/"
	await 10 curl -s -o body "http://127.0.0.1:$port/none"
	await 10 grep -q '"kind":"demand"' got
	await 10 grep -q '"kind":"stale"' got
	await 10 grep -q none access
	exec 9>&-
	end_pid "$pid"
	wrote got instance end stale demand
	wrote access access
}
