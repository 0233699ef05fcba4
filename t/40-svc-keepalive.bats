#!/usr/bin/env bats
# svc-keepalive: from snapshots, demand and time to orders. The time of a
# decision is the `at` of its snapshot, so each test is a file of records and
# the whole of what they lead to. Days of operation: model-slurm.py.

load helper

setup() {
	test_setup
	mkdir services
	dir=$PWD/services
}

# service NAME [JSON]: the members of NAME's service.json, with a script.
service() {
	mkdir -p "services/$1"
	printf '#!/bin/sh\n' >"services/$1/job.sh"
	printf '{"kind":"service","name":"%s"%s}\n' "$1" "${2:+,$2}" \
		>"services/$1/service.json"
}

# job ID MEMBERS: an instance of hello, submitted at 1000 + ID.
job() {
	printf '{"kind":"instance","service":"hello","job_id":%d,' "$1"
	printf '"submit_at":%d,"restart":0,%s}\n' $((1000 + $1)) "$2"
}

# running ID START END [MEMBERS]: it is ready; MEMBERS may say otherwise.
running() {
	job "$1" '"state":"RUNNING","node":"n'"$1"'","start_at":'"$2"',"end_at":'"$3$(
		)${4-,\"url\":\"http://h:8000\",\"ready\":true}"
}

pending() { job "$1" '"state":"PENDING","ready":false'"${2-}"; }
ended() { # ID STATE START END [MEMBERS]
	job "$1" '"state":"'"$2"'","start_at":'"$3"',"end_at":'"$4${5-}"
}
request() { printf ',"request":"%s"' "$1"; }
end() { printf '{"kind":"end","of":"instance","at":%d}\n' "$1"; }

# submit REQUEST [MEMBERS]: the order that has nothing in it but defaults.
submit() {
	printf '{"kind":"submit","request":"%s","service":"hello",' "$1"
	printf '"name":"hello","script":"%s/hello/job.sh",' "$dir"
	printf '"env":{"SVC_DIR":"%s/hello","SVC_NAME":"hello"}%s}\n' \
		"$dir" "${2:+,$2}"
}
event() { # AT EVENT MEMBERS WHY
	printf '{"kind":"event","event":"%s","service":"hello","at":%d' "$2" "$1"
	printf ',%s"why":"%s"}\n' "${3:+$3,}" "$4"
}
drain() { # ID WHY
	printf '{"kind":"drain","job_id":%d,"submit_at":%d,"why":"%s"}\n' \
		"$1" $((1000 + $1)) "$2"
}
cancel() { drain "$@" | sed s/drain/cancel/; }
demand() { # QUEUED INFLIGHT [INSTANCES]
	printf '{"kind":"demand","service":"hello","queued":%d,' "$1"
	printf '"inflight":%d,"ready":1,"rate_s":0,"instances":[%s]}\n' \
		"$2" "${3-}"
}

# decided [OPTIONS]: what ./in leads to is what is in ./want.
decided() {
	svc-keepalive -q -s services "$@" <in >got
	same_ndjson want got
}

# orders [OPTIONS]: the orders that ./in leads to, without the events.
orders() {
	svc-keepalive -q -s services "$@" <in | jq -c 'select(.kind != "event")'
}

@test "an empty snapshot: what is wanted is ordered, with staggered limits" {
	service hello '"job":{"time_limit_s":28800},"instances":{"min":3,"max":3}'
	end 5000 >in
	{
		event 5000 start '"slot":0' "3 wanted"
		submit hello/0/0 '"time_limit_s":28800'
		event 5000 start '"slot":1' "3 wanted"
		submit hello/1/0 '"time_limit_s":24000'
		event 5000 start '"slot":2' "3 wanted"
		submit hello/2/0 '"time_limit_s":19200'
	} >want
	decided
	decided --once
	decided --once --now=5000
}

@test "the events are told on stderr too, unless -q" {
	service hello
	end 5000 >in
	run -0 --separate-stderr svc-keepalive -s services <in
	# shellcheck disable=SC2154
	[ "$stderr" = "svc-keepalive: hello: start: 1 wanted" ]
	run -0 --separate-stderr svc-keepalive -q -s services <in
	[ "$stderr" = "" ]
}

@test "the job's keys go out as written; env is merged; a command has no script" {
	service hello '"job":{"name":"h i","script":"x y.sh","partition":"p",
	    "args":["a","b c"],"env":{"A":"1","SVC_DIR":"mine"},"request":"no"}'
	service other '"job":{"command":["sleep","9"],"chdir":"/tmp"}'
	service root '"job":{"script":"/no/such.sh"}'
	touch "services/hello/x y.sh"
	end 5000 >in
	jq -nc --arg d "$dir" '
	{kind: "submit", request: "hello/0/0", service: "hello", name: "h i",
	 script: "\($d)/hello/x y.sh", partition: "p", args: ["a", "b c"],
	 env: {A: "1", SVC_DIR: "\($d)/hello", SVC_NAME: "hello"}},
	{kind: "submit", request: "other/0/0", service: "other", name: "other",
	 command: ["sleep", "9"], chdir: "/tmp",
	 env: {SVC_DIR: "\($d)/other", SVC_NAME: "other"}},
	{kind: "submit", request: "root/0/0", service: "root", name: "root",
	 script: "/no/such.sh",
	 env: {SVC_DIR: "\($d)/root", SVC_NAME: "root"}}' >want
	orders 2>err >got
	same_ndjson want got
	echo "svc-keepalive: $dir/root/service.json: script '/no/such.sh'" \
		"cannot be read" | diff - err
}

@test "names with blanks, commas, bars and UTF-8 are exact names" {
	service 'a b,c|d%é'
	service hello-2
	{
		printf '%s' '{"kind":"instance","service":"a b,c|d%é",'
		printf '%s\n' '"job_id":7,"submit_at":1,"state":"PENDING"}'
		job 9 '"state":"PENDING"'
		end 5000
	} >in
	orders >got
	jq -r .request got >ids
	echo hello-2/0/0 | diff - ids
}

@test "an order is not repeated while no snapshot can show it, then seen" {
	service hello
	{
		end 5000
		end 5005
		end 5029
		pending 1 "$(request hello/0/0)"
		end 5034
		end 5035
	} >in
	svc-keepalive -q -s services <in >got
	{
		event 5000 start '"slot":0' "1 wanted"
		submit hello/0/0
		event 5035 backoff '"failures":1,"delay_s":0' \
			"job 1 is gone from Slurm, last seen PENDING"
		event 5035 start '"slot":0' "1 wanted"
		submit hello/0/0
	} >want
	same_ndjson want got
}

@test "an order nobody sees is lost: given up after 30 s and two snapshots" {
	service hello
	{ end 5000; end 5040; end 5045; end 5080; end 5109; end 5139; } >in
	{
		event 5000 start '"slot":0' "1 wanted"
		submit hello/0/0
		event 5045 lost '"failures":1,"delay_s":0' \
			"order hello/0/0 is not in Slurm after 45 s: lost or refused"
		event 5045 start '"slot":0' "1 wanted"
		submit hello/0/0
		event 5109 lost '"failures":2,"delay_s":60' \
			"order hello/0/0 is not in Slurm after 64 s: lost or refused"
	} >want
	decided
	{ cat in; end 5168; end 5169; } >in2
	mv in2 in
	{
		event 5169 start '"slot":0' "1 wanted"
		submit hello/0/0
	} >>want
	decided
}

@test "a successor is ordered lead_s + drain_s + 25 s before the end" {
	service hello '"instances":{"lead_s":100},"route":{"drain_s":20}'
	{ running 1 2000 9000; end 8854; } >in
	: >want
	decided
	{ running 1 2000 9000; end 8855; } >in
	{
		event 8855 replace '"slot":0,"job_id":1' "job 1 ends in 145 s"
		submit hello/0/1@1001
	} >want
	decided --once
}

@test "the old one is drained once its successor is ready, cancelled once idle" {
	service hello '"instances":{"lead_s":100}'
	old() { running 1 2000 9000; }
	new="$(request hello/0/1@1001)"
	leaving() { running 1 2000 9000 ',"url":"http://h:1","draining":true'; }
	ready() { running 2 8900 19000 ',"url":"http://h:2","ready":true'"$new"; }
	{
		old; pending 2 "$new"; end 8860
		old; running 2 8900 19000 ',"ready":false'"$new"; end 8901
		demand 0 0 '{"job_id":1,"inflight":0}'
		old; ready; end 8910
		demand 0 0 '{"job_id":1,"inflight":0}'
		leaving; ready; end 8915
		demand 0 2 '{"job_id":1,"inflight":1},{"job_id":2,"inflight":1}'
		leaving; ready; end 8920
		demand 0 1 '{"job_id":1,"inflight":0},{"job_id":2,"inflight":1}'
		leaving; ready; end 8925
		ended 1 CANCELLED 2000 8926; ready; end 8930
	} >in
	{
		drain 1 "job 2 has taken over"
		cancel 1 "drained: no request in flight"
	} >want
	decided
}

@test "without demand a drained one is cancelled after drain_s + 10 s, also by --once" {
	service hello '"route":{"drain_s":20}'
	new="$(request hello/0/1@1001)"
	ready() { running 2 8900 19000 ',"url":"http://h:2","ready":true'"$new"; }
	step() { # AT DRAINING
		{
			running 1 2000 9000 ',"url":"http://h:1","ready":true'"$2"
			ready
			end "$1"
		} | svc-keepalive -q --once --state=state -s services >>got
	}
	step 8910 ''
	step 8915 ''
	step 8920 ',"draining":true'
	step 8949 ',"draining":true'
	step 8950 ',"draining":true'
	step 8955 ',"draining":true'
	{
		drain 1 "job 2 has taken over"
		cancel 1 "drained for long enough"
	} >want
	same_ndjson want got
}

@test "drain and cancel are repeated when nothing comes of them" {
	service hello
	both() {
		running 1 2000 9000
		running 2 2000 9000 ',"url":"http://h:2","ready":true'"$(request hello/0/1@1001)"
		end "$1"
	}
	{ both 3000; both 3029; both 3030; both 3089; both 3090; } >in
	{
		drain 1 "job 2 has taken over"
		drain 1 "still not draining"
		drain 1 "still not draining"
	} >want
	decided
}

@test "an old one that dies first leaves the slot to its successor" {
	service hello '"instances":{"lead_s":100}'
	new="$(request hello/0/1@1001)"
	{
		running 1 2000 9000; pending 2 "$new"; end 8900
		ended 1 NODE_FAIL 2000 8902; pending 2 "$new"; end 8905
		running 2 8906 9906 "$new"; end 8910
	} >in
	: >want
	decided
}

@test "one-minute jobs: the lead is at most half the limit, unless given" {
	service hello
	{ running 1 2000 2060; end 2029; } >in
	: >want
	decided
	{ running 1 2000 2060; end 2030; } >in
	{
		event 2030 replace '"slot":0,"job_id":1' "job 1 ends in 30 s"
		submit hello/0/1@1001
	} >want
	decided
}

@test "the lead is what submission to readiness took, and a quarter more" {
	service hello '"job":{"time_limit_s":7200}'
	# 2000 s from order to readiness: 2500 s, and 30 + 10 s, and the polls
	{
		end 3000
		printf '%s%s\n' '{"kind":"instance","service":"hello","job_id":1,' \
			'"submit_at":3000,"state":"PENDING","request":"hello/0/0"}'
		end 3020
	} >start
	up() {
		printf '%s%s%s\n' '{"kind":"instance","service":"hello","job_id":1,' \
			'"submit_at":3000,"state":"RUNNING","request":"hello/0/0",' \
			'"start_at":4990,"end_at":12190,"url":"http://h:1","ready":true}'
	}
	{ cat start; up; end 5000; up; end 9604; up; end 9610; } >in
	orders >got
	jq -r .request got >ids
	# the interval between these polls is longer than 15 s: 600 s at most
	printf '%s\n' hello/0/0 hello/0/1@3000 | diff - ids
	{ cat start; up; end 5000; up; end 9049; } >in
	orders >got
	jq -r .request got >ids
	echo hello/0/0 | diff - ids
	{ cat start; up; end 5000; up; end 9050; } >in
	orders >got
	jq -r .request got >ids
	printf '%s\n' hello/0/0 hello/0/1@3000 | diff - ids
}

@test "jobs of other hands fill slots; a URL counts as ready where nobody says" {
	service hello '"instances":{"min":2,"max":2,"lead_s":0}'
	hand() { running "$1" 2000 9000 ',"url":"http://h:1"'; }
	{ hand 1; hand 4; end 3000; } >in
	: >want
	decided
	heir() { running 9 8950 20000 ',"url":"http://h:9"'"$(request hello/0/1@1001)"; }
	{ hand 1; running 4 2000 20000; end 8980; hand 1; running 4 2000 20000; heir; end 8985; } >in
	{
		event 8980 replace '"slot":0,"job_id":1' "job 1 ends in 20 s"
		submit hello/0/1@1001
		drain 1 "job 9 has taken over"
	} >want
	decided
}

@test "surplus goes after two snapshots: waiting, not ready, then the newest" {
	service hello '"instances":{"min":1,"max":1}'
	four() {
		running 1 2000 90000
		running 2 2000 90000
		running 3 2000 90000 ',"ready":false'
		pending 4
		end "$1"
	}
	four 3000 >in
	: >want
	decided
	decided --once
	{ four 3000; four 3005; } >in
	{
		event 3005 surplus '"job_id":2' "job 2: 4 live, 1 wanted"
		drain 2 "4 live, 1 wanted"
		event 3005 surplus '"job_id":3' "job 3: 4 live, 1 wanted"
		drain 3 "4 live, 1 wanted"
		event 3005 surplus '"job_id":4' "job 4: 4 live, 1 wanted"
		cancel 4 "4 live, 1 wanted"
	} >want
	decided
	# what only one of two successive snapshots shows is left alone
	{
		four 3000
		running 1 2000 90000; end 3005
		four 3010
	} >in
	jq -c 'select(.kind == "cancel" or .kind == "drain")' \
		<(svc-keepalive -q -s services <in) >got
	[ ! -s got ]
}

@test "nothing is wanted: everything is drained, nothing ordered" {
	service hello '"instances":{"min":0,"max":0}'
	{ running 1 2000 90000; end 3000; running 1 2000 90000; end 3005; } >in
	{
		event 3005 surplus '"job_id":1' "job 1: 1 live, 0 wanted"
		drain 1 "1 live, 0 wanted"
	} >want
	decided
}

@test "a requeued job and its replacement: the requeued one goes" {
	service hello
	again() {
		printf '%s%s\n' '{"kind":"instance","service":"hello","job_id":1,' \
			'"submit_at":3001,"restart":1,"state":"PENDING"}'
	}
	{
		running 1 2000 90000; end 3000
		ended 1 COMPLETING 2000 3001; end 3005
		again; pending 2 "$(request hello/0/0)"; end 3010
		again; pending 2 "$(request hello/0/0)"; end 3015
	} >in
	{
		event 3005 start '"slot":0' "1 wanted"
		submit hello/0/0
		event 3015 surplus '"job_id":1' "job 1: 2 live, 1 wanted"
		printf '%s\n' '{"kind":"cancel","job_id":1,"submit_at":3001,"why":"2 live, 1 wanted"}'
	} >want
	decided
}

@test "a request id is never one that a job carries already" {
	service hello
	# the last of slot 0 is job 2, which moved behind its own replacement
	{
		ended 2 COMPLETED 2000 4000 "$(request hello/0/0)"
		job 1 '"state":"COMPLETED","start_at":1500,"end_at":2500,"request":"hello/0/2@1002"'
		end 5000
	} >in
	orders >got
	submit hello/0/1@1001 >want
	same_ndjson want got
}

@test "an heir that was refused is ordered again behind it, and is no surplus" {
	service hello '"instances":{"lead_s":3000}'
	old() { running 1 2000 9000; }
	dead() { ended 2 FAILED 7000 7001 "$(request hello/0/1@1001)"; }
	third() { pending 3 "$(request hello/0/2@1002)"; }
	{
		old; end 6990
		old; dead; end 7005
		old; dead; third; end 7010
		old; third; end 7310
		old; third; end 7315
	} >in
	{
		event 6990 replace '"slot":0,"job_id":1' "job 1 ends in 2010 s"
		submit hello/0/1@1001
		event 7005 backoff '"failures":1,"delay_s":0' \
			"job 2 FAILED 1 s after its start"
		event 7005 replace '"slot":0,"job_id":1' "job 1 ends in 1995 s"
		submit hello/0/2@1002
	} >want
	decided
}

@test "a second successor of the same job is let go" {
	service hello
	both() {
		running 1 2000 9000
		pending 2 "$(request hello/0/1@1001)"
		pending 3 "$(request hello/0/1@1001)"
		end "$1"
	}
	{ both 8900; both 8905; } >in
	{
		event 8905 surplus '"job_id":3' "job 3: a second successor"
		cancel 3 "a second successor"
	} >want
	decided
}

@test "spread: nodes of the other instances are excluded" {
	service hello '"job":{"exclude":"bad1,n1"},"instances":{"min":3,"max":3,"spread":true,"lead_s":0}'
	{
		running 1 2000 9000
		running 2 2000 90000
		end 8960
	} >in
	{
		submit hello/2/0 '"exclude":"bad1,n1,n2"'
		submit hello/0/1@1001 '"exclude":"bad1,n1,n2"'
	} >want
	orders >got
	same_ndjson want got
	service hello '"instances":{"min":2,"max":2,"spread":true,"lead_s":0}'
	{
		submit hello/0/1@1001 '"exclude":"n2"'
	} >want
	orders >got
	same_ndjson want got
}

@test "limits are staggered against the ends that are there" {
	service hello '"job":{"time_limit_s":3600},"instances":{"min":2,"max":2}'
	# a step is 15 min: 5000 + 3600 is 100 s from the other's end
	{ running 1 5000 8700; end 5000; } >in
	submit hello/1/0 '"time_limit_s":2700' >want
	orders >got
	same_ndjson want got
	service hello '"job":{"time_limit_s":100},"instances":{"min":2,"max":2}'
	end 5000 >in
	orders | jq .time_limit_s >got
	printf '100\n100\n' | diff - got
}

@test "failures: none, 60, 120, 240 s, ... an hour; sixty seconds of running end it" {
	service hello
	dead() { ended "$1" FAILED "$2" $(($2 + 3)) "$(request "hello/0/$3")"; }
	{
		dead 1 5000 0; end 5005
		dead 1 5000 0; dead 2 5006 1@1001; end 5010
		dead 2 5006 1@1001; end 5068
		dead 2 5006 1@1001; end 5069
		running 3 5070 9000 "$(request hello/0/2@1002)"; end 5129
		running 3 5070 9000 "$(request hello/0/2@1002)"; end 5130
	} >in
	{
		event 5005 backoff '"failures":1,"delay_s":0' \
			"job 1 FAILED 3 s after its start"
		event 5005 replace '"slot":0,"job_id":1' "job 1 has ended: FAILED"
		submit hello/0/1@1001
		event 5010 backoff '"failures":2,"delay_s":59' \
			"job 2 FAILED 3 s after its start"
		event 5069 replace '"slot":0,"job_id":2' "job 2 has ended: FAILED"
		submit hello/0/2@1002
		event 5130 recovered "" "job 3 ran for 60 s"
	} >want
	decided
	# all at once, as Slurm remembers them after a restart
	{
		for i in 1 2 3 4 5 6 7 8 9; do
			ended "$i" FAILED $((5000 + i)) $((5001 + i))
		done
		end 5011
	} >in
	svc-keepalive -q -s services <in | jq -c .delay_s >got
	printf '%s\n' 0 52 113 234 475 956 1917 3598 3599 | diff - got
}

@test "what is no failure: drained, cancelled by us, on time, still completing" {
	service hello '"instances":{"min":0,"max":0},"route":{"drain_s":5}'
	{
		running 1 5000 5060 ',"draining":true'
		running 2 5000 5060 ',"ready":true'
		ended 5 CANCELLED 5000 5001
		end 5040
		ended 1 COMPLETED 5000 5041
		ended 2 COMPLETED 5000 5050
		ended 3 COMPLETING 5040 5045
		end 5055
	} >in
	: >want
	decided
}

@test "a job that vanished young is a failure; one that worked is none" {
	service hello '"instances":{"min":2,"max":2}'
	{ running 1 5000 9000; running 2 5039 9000; end 5050; end 5060; } >in
	svc-keepalive -q -s services <in | jq -c 'select(.event == "backoff")' >got
	event 5060 backoff '"failures":1,"delay_s":0' \
		"job 2 is gone from Slurm, last seen RUNNING" >want
	same_ndjson want got
}

@test "demand scales up at once, and down after idle_s" {
	service hello '"instances":{"min":1,"max":3,"target_inflight":4,"idle_s":60}'
	two() { running 1 2000 90000; running 2 2000 90000; }
	three() { two; running 3 2000 90000; end "$1"; }
	gone() { two; ended 3 CANCELLED 2000 3100; end "$1"; }
	{
		running 1 2000 90000; end 3005
		demand 3 6
		running 1 2000 90000; pending 2 "$(request hello/1/0)"; pending 3 "$(request hello/2/0)"; end 3005
		demand 0 2
		three 3010
		demand 0 7
		three 3020
		demand 0 2
		three 3069
		three 3070
		gone 3135
		gone 3140
		gone 3145
	} >in
	{
		event 3005 scale '"from":1,"to":3' "3 requests wait, 6 are served"
		event 3005 start '"slot":1' "3 wanted"
		submit hello/1/0
		event 3005 start '"slot":2' "3 wanted"
		submit hello/2/0
		event 3069 scale '"from":3,"to":2' \
			"for 64 s no more than 2 would have been needed"
		event 3070 surplus '"job_id":3' "job 3: 3 live, 2 wanted"
		drain 3 "3 live, 2 wanted"
		event 3135 scale '"from":2,"to":1' \
			"for 66 s no more than 1 would have been needed"
		event 3140 surplus '"job_id":2' "job 2: 2 live, 1 wanted"
		drain 2 "2 live, 1 wanted"
	} >want
	decided
}

@test "min 0: one is ordered when a request waits, without a new snapshot" {
	service hello '"instances":{"min":0,"max":1,"idle_s":60}'
	{ end 3000; demand 0 0; demand 1 0; demand 2 0; } >in
	{
		event 3000 scale '"from":0,"to":1' "1 requests wait, 0 are served"
		event 3000 start '"slot":0' "1 wanted"
		submit hello/0/0
	} >want
	decided
}

@test "a restart without state lets go of nothing that demand may need" {
	service hello '"instances":{"min":1,"max":3,"target_inflight":4,"idle_s":60}'
	two() { running 1 2000 90000; running 2 2000 90000; end "$1"; }
	{ two 3000; two 3005; demand 0 7; two 3010; two 3065; two 3070; } >in
	: >want
	decided
}

@test "stale: no orders at all until the next whole snapshot" {
	service hello
	stale='{"kind":"stale","since_at":5000,"error":"slurmctld is away"}'
	{ echo "$stale"; demand 9 0; job 1 '"state":"PENDING"'; echo "$stale"; end 5010; } >in
	run -0 --separate-stderr svc-keepalive -s services <in
	# the snapshot that the second stale cut off is not part of the next one
	jq -c 'select(.kind == "submit") | .request' <<<"$output" >got
	echo '"hello/0/0"' | diff - got
	[ "${stderr_lines[0]}" = "svc-keepalive: no orders until Slurm answers again: slurmctld is away" ]
	[ "${stderr_lines[1]}" = "svc-keepalive: Slurm answers again" ]
	{ end 5000; echo "$stale"; } >in
	run -75 --separate-stderr svc-keepalive --once -s services <in
	[ "$output" = "" ]
	[ "${stderr_lines[-1]}" = "svc-keepalive: Slurm does not answer: no orders" ]
}

@test "--once without a whole snapshot orders nothing: 75" {
	service hello
	for text in "" "$(pending 1)" '{"kind":"end","of":"job","at":1}'; do
		echo "$text" >in
		run -75 --separate-stderr svc-keepalive --once -s services <in
		[ "$output" = "" ]
		[ "$stderr" = "svc-keepalive: no whole snapshot on stdin: no orders" ]
	done
	svc-keepalive -s services </dev/null >got
	[ ! -s got ]
}

# bad_line SAYS: what is in ./line comes first. A daemon passes over that snapshot, --once ends with 2.
bad_line() {
	{ cat line; end 5000; } >in
	run -2 --separate-stderr svc-keepalive --once -s services <in
	[ "$output" = "" ]
	[ "$stderr" = "svc-keepalive: $1" ]
	run -0 --separate-stderr svc-keepalive -s services <in
	[ "$output" = "" ]
	[ "$stderr" = "svc-keepalive: $1: this snapshot is not used" ]
	end 5005 >>in
	orders 2>err >got
	submit hello/0/0 >want
	same_ndjson want got
}

@test "bad lines: named, and their snapshot is not used" {
	service hello
	printf '%s\n' '{"kind":"instance","serv' >line
	bad_line "stdin:1: column 24: premature end of input near '\"serv'"
	printf '{"kind":"x\377"}\n' >line
	bad_line "stdin:1: column 10: unable to decode byte 0xff near '\"x'"
	head -c 1048577 /dev/zero | tr '\0' ' ' >line
	echo >>line
	bad_line "stdin:1: line longer than 1048576 bytes"
	echo '[1]' >line
	bad_line "stdin:1: not a JSON object"
	echo '{"kind":"instance","service":"hello","job_id":"7"}' >line
	bad_line "stdin:1: instance: 'job_id' must be an integer"
	echo '{"kind":"instance","job_id":7}' >line
	bad_line "stdin:1: instance: 'service' is missing"
	echo '{"kind":"demand","service":"hello","queued":-1}' >line
	bad_line "stdin:1: demand: 'queued' must be 0 to 9007199254740992"
	echo '{"kind":"demand","service":"hello","instances":[7]}' >line
	bad_line "stdin:1: demand: 'instances' must be an array of objects"
	echo '{"kind":"end","of":"instance","at":"now"}' >line
	bad_line "stdin:1: end: 'at' must be an integer"
}

@test "a snapshot of which only the rest has come is not used, the next one is" {
	service hello
	{
		pending 1
		echo '{"kind":"end","of":"instance","at":5000,"count":2}'
	} >in
	run -75 --separate-stderr svc-keepalive --once -s services <in
	[ "$output" = "" ]
	[ "$stderr" = "svc-keepalive: stdin:2: end: 1 of 2 records have come" ]
	echo '{"kind":"end","of":"instance","at":5005,"count":0}' >>in
	orders 2>err >got
	[ "$(<err)" = "svc-keepalive: stdin:2: end: 1 of 2 records have come: this snapshot is not used" ]
	submit hello/0/0 >want
	same_ndjson want got
}

@test "a daemon tells of bad lines once in a while, not each" {
	service hello
	yes '{"torn' | head -n 5000 >in
	run -0 --separate-stderr svc-keepalive -s services <in
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "unknown kinds, services and members are passed over" {
	service hello
	{
		echo '{"kind":"weather","job_id":"x"}'
		echo '{}'
		echo '{"kind":7}'
		echo '{"kind":"instance","service":"stranger","job_id":1,"new":[]}'
		echo '{"kind":"demand","service":"stranger","queued":7}'
		end 5000
	} >in
	orders >got
	submit hello/0/0 >want
	same_ndjson want got
}

@test "two keepalives with the same snapshots order the same, to the byte" {
	service hello '"job":{"time_limit_s":3600},"instances":{"min":3,"max":3,"spread":true}'
	{
		running 1 2000 5200; ended 2 FAILED 4990 4995; end 5000
		running 1 2000 5200; running 3 5001 8000; end 5100
		demand 4 4
		running 1 2000 5200; pending 7; pending 8; pending 9; end 5105
		running 1 2000 5200; pending 7; pending 8; pending 9; end 5110
	} >in
	svc-keepalive -q -s services <in >one
	svc-keepalive -q -s services <in >two
	[ -s one ]
	cmp one two
}

@test "an order has the same id after a restart, with state and without" {
	service hello '"instances":{"min":2,"max":2}'
	{ ended 4 COMPLETED 2000 3000 "$(request hello/1/0)"; end 5000; } >in
	orders >want
	jq -r .request want >ids
	printf '%s\n' hello/0/0 hello/1/4@1004 | diff - ids
	orders >got
	same_ndjson want got
	orders --once --state=state >got
	same_ndjson want got
	# with state, the orders under way are known
	orders --once --state=state >got
	[ ! -s got ]
}

@test "state: private, replaced whole, the same for the same, not touched by -n" {
	service hello
	{ running 1 2000 90000; end 5000; } >in
	svc-keepalive -q -n -s services --state=state <in
	[ ! -e state ]
	svc-keepalive -q -s services --state=state <in
	[ "$(stat -c %a state)" = 600 ]
	[ "$(echo state*)" = state ]
	jq -c '.services.hello.jobs[0] | {job_id, ready_at}' state >got
	echo '{"job_id":1,"ready_at":5000}' | diff - got
	{ running 1 2000 90000; end 5000; running 1 2000 90000; end 5005; } >in
	svc-keepalive -q -s services --state=other <in
	cmp state other
}

@test "state: measured times and back-off live on" {
	service hello '"job":{"time_limit_s":7200}'
	{
		for i in 1 2 3 4; do ended "$i" FAILED 4990 4995; done
		end 5000
	} | svc-keepalive -q --once -s services --state=state >got
	[ "$(jq -s length got)" = 4 ]
	# Slurm has forgotten them
	for at in 5010 5234; do
		end $at | svc-keepalive -q --once -s services --state=state >got
		[ ! -s got ]
	done
	end 5235 | svc-keepalive -q --once -s services --state=state |
		jq -c 'select(.kind == "submit")' >got
	submit hello/0/0 '"time_limit_s":7200' >want
	same_ndjson want got
}

@test "state: a bad or foreign file is put aside, and said" {
	service hello
	end 5000 >in
	submit hello/0/0 >want
	for text in '{"kind' '{"kind":"svc-keepalive-state","version":99}' '[]' \
	    '{"kind":"svc-keepalive-state","version":1,"services":{"hello":{"want":"x"}}}'; do
		printf '%s' "$text" >state
		orders --state=state >got 2>err
		same_ndjson want got
		[ "$(cat state.bad)" = "$text" ]
		[ "$(wc -l <err)" = 1 ]
		grep -q '^svc-keepalive: state: .*: kept as state.bad, starting afresh$' err
		jq -e '.version == 1' state
		rm state state.bad
	done
}

@test "state: where it cannot be written, decisions go on" {
	service hello
	{ end 5000; end 5035; end 5040; } >in
	orders --state=no/such/state >got 2>err
	[ "$(jq -s length got)" = 2 ]
	[ "$(wc -l <err)" = 1 ]
	grep -q '^svc-keepalive: no/such/state.*: No such file or directory: the state is not kept$' err
}

@test "SIGHUP reads the services again and ends the back-off; a bad set is kept out" {
	service hello
	mkfifo pipe
	exec 9<>pipe
	spawn svc-keepalive -v -s services <pipe >got 2>err 9>&-
	for i in 1 2 3 4; do ended "$i" FAILED 4990 4995; done >&9
	end 5000 >&9
	await 10 grep -q '1 wanted, 0 there' err
	[ "$(jq -s 'map(select(.kind == "submit")) | length' got)" = 0 ]
	echo '{' >services/hello/service.json
	kill -HUP "$pid"
	await 10 grep -q 'the services stay as they were' err
	service hello
	service later
	kill -HUP "$pid"
	await 10 grep -q '2 services read from services' err
	await 10 grep -q '"hello/0/0"' got
	end 5001 >&9
	await 10 grep -q '"later/0/0"' got
	jq -r 'select(.kind == "submit") | .request' got >ids
	printf '%s\n' hello/0/0 later/0/0 | diff - ids
	exec 9>&-
	wait "$pid"
}

@test "SIGHUP: of a service that is new nothing is known before the next snapshot" {
	service hello
	mkfifo pipe
	exec 9<>pipe
	spawn svc-keepalive -v -s services <pipe >got 2>err 9>&-
	{
		running 1 4000 90000
		end 5000
	} >&9
	await 10 grep -q '1 wanted, 1 there' err
	mv services/hello aside
	service other '"instances":{"min":0}'
	kill -HUP "$pid"
	await 10 grep -q '1 services read from services' err
	mv aside services/hello
	kill -HUP "$pid"
	await 10 grep -q '2 services read from services' err
	{
		running 1 4000 90000
		end 5005
	} >&9
	await 10 grep -q 'other: 0 wanted' err
	# in the middle of a snapshot, too: of this one it has seen but the end
	mv services/hello aside
	kill -HUP "$pid"
	await 10 eval '[ "$(grep -c "1 services read" err)" -eq 2 ]'
	running 1 4000 90000 >&9
	demand 0 0 | sed s/hello/other/ >&9
	await 10 eval '[ "$(grep -c "other: 0 wanted" err)" -ge 3 ]'
	mv aside services/hello
	kill -HUP "$pid"
	await 10 eval '[ "$(grep -c "2 services read" err)" -eq 2 ]'
	{
		end 5010
		running 1 4000 90000
		end 5020
	} >&9
	exec 9>&-
	wait "$pid"
	[ "$(grep -c 'hello: 1 wanted, 1 there' err)" -eq 3 ]
	[ ! -s got ]
}

@test "a clock that goes back does not put off what is to be repeated" {
	service hello '"instances":{"min":0,"max":0}'
	{
		for t in 900000 900010; do running 1 4000 990000; end "$t"; done
		running 1 4000 990000
		end 5000
		running 1 4000 990000
		end 5040
	} >in
	svc-keepalive -q -s services <in >got
	same_ndjson - <(jq -c 'select(.kind == "drain")' got) <<-END
	$(drain 1 "1 live, 0 wanted")
	$(drain 1 "still not draining")
	END
}

@test "orders go out at once, before the end of stdin" {
	service hello
	mkfifo pipe
	exec 9<>pipe
	spawn svc-keepalive -q -s services <pipe >got 9>&-
	end 5000 >&9
	await 10 test -s got
	exec 9>&-
	wait "$pid"
}

@test "what cannot be written: 75, and the state does not claim it was" {
	service hello
	end 5000 >in
	run -75 --separate-stderr bash -c \
		'svc-keepalive -q --once -s services --state=state <in >/dev/full'
	[ "$stderr" = "svc-keepalive: stdout: No space left on device" ]
	[ ! -e state ]
	# a reader that is gone
	mkfifo pipe
	exec 8<>pipe 9>pipe 8<&-
	run -75 --separate-stderr bash -c \
		'svc-keepalive -q --once -s services --state=state <in >&9'
	exec 9>&-
	[ "$stderr" = "svc-keepalive: stdout: Broken pipe" ]
	[ ! -e state ]
}

@test "services that are wrong end it with 2, named" {
	end 5000 >in
	bad() { # JSON SAYS
		service hello "$1"
		run -2 --separate-stderr svc-keepalive -s services <in
		[ "$output" = "" ]
		[ "$stderr" = "svc-keepalive: $dir/hello/service.json: $2" ]
	}
	bad '"job":{"script":7}' "job: 'script' must be text"
	bad '"job":{"env":[]}' "job: 'env' must be an object"
	bad '"job":{"time_limit_s":-1}' \
		"job: 'time_limit_s' must be 1 to 9007199254740992"
	bad '"instances":{"min":-1}' \
		"instances: 'min' must be 0 to 10000"
	run -2 --separate-stderr svc-keepalive -s none <in
	[ "$stderr" = "svc-keepalive: none: No such file or directory" ]
	service hello '"colour":"red"'
	orders 2>err >got
	submit hello/0/0 >want
	same_ndjson want got
	echo "svc-keepalive: $dir/hello/service.json: unknown key 'colour'" | diff - err
}

@test "usage" {
	run -2 svc-keepalive
	[ "${lines[0]}" = "usage: svc-keepalive -s SERVICES [--once] [--state=FILE] [--now=T] [-nqv]" ]
	run -2 svc-keepalive -s services more
	run -2 svc-keepalive -s services --now=soon
	run -2 svc-keepalive --nonsense
	run -0 --separate-stderr svc-keepalive --help
	[ "$stderr" = "" ]
	[ "${lines[0]}" = "usage: svc-keepalive -s SERVICES [--once] [--state=FILE] [--now=T] [-nqv]" ]
	run -0 svc-keepalive -V
	[ "$output" = "svc-keepalive (berth) 0.1" ]
	service hello
	run -2 --separate-stderr bash -c 'svc-keepalive -s services <&-'
	[ "$stderr" = "svc-keepalive: stdin: Bad file descriptor" ]
}

# model SCENARIO JQ: seven simulated days; JQ must be true of their figures.
model() {
	python3 -B "$root/t/model-slurm.py" "$(command -v svc-keepalive)" \
		"$1" "$PWD" >figures
	cat figures
	jq -e ".broken == [] and ($2)" figures
}

@test "7 days, one instance of 8 h, 30 min of queue: 99.99 %, by --once --now" {
	model steady '.availability >= 0.9999 and .max_live <= 2'
}

@test "7 days, the same by a daemon, and with waits of 5 to 40 min" {
	model steady-daemon '.availability >= 0.9999 and .max_live <= 2'
	model varying '.availability >= 0.9999 and .max_live <= 2'
}

@test "7 days, three instances: never less than two ready, ends apart" {
	model three '.least_ready >= 2 and .max_live <= 6 and .availability == 1'
}

@test "7 days of a script that exits at once: 5 in ten minutes, less than 200" {
	for n in 1 2 3 4 10; do
		model broken-$n '.first_10_min <= 5 and .submissions < 200'
	done
	model crashing '.first_10_min <= 5 and .submissions < 60'
}

@test "7 days of two pipelines side by side: they settle and do not flap" {
	model two-pipes '.max_live <= 5 and .least_ready >= 1 and
	    .events.surplus <= 2 and .submissions <= 60'
	model two-pipes-restarts '.max_live <= 4 and
	    (.events.surplus // 0) <= 2 and .submissions <= 100'
}

@test "7 days of node failures, requeues, lost orders and stale times" {
	model rough '.max_live <= 6 and .availability > 0.999 and
	    .submissions <= 120'
}

@test "jobs of a minute, one after the other, without a gap" {
	model minute '.availability == 1 and .max_live <= 2'
}
