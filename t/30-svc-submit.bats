#!/usr/bin/env bats
# svc-submit over a Slurm that is played from a directory (t/unit/fake-slurm.c).

load helper

setup() {
	test_setup
	export FAKE_SLURM=$BATS_TEST_TMPDIR/slurm SLURM_CONF=/dev/null
	mkdir "$FAKE_SLURM"
	fake=$FAKE_SLURM
	printf '#!/bin/sh\nexec true\n' >job.sh
}

# submit ARG...: svc-submit with a clean environment; records from file `in`.
submit() {
	[ -e in ] || : >in
	env -i PATH="$PATH" TZ=UTC FAKE_SLURM="$fake" SLURM_CONF=/dev/null \
		ASAN_OPTIONS="${ASAN_OPTIONS:-}" BERTH_TEST="$BERTH_TEST" \
		"$UNIT/fake-svc-submit" --seed=1 "$@" <in >got 2>err
}

# calls [FILTER]: the names of the calls that were made, on one line.
calls() {
	jq -rj '.call + " "' "$fake/log"
}

same() {
	same_ndjson - got
}

says() {
	diff -u - err
}

@test "a submit record: the job, its answer and what Slurm was told" {
	cat >in <<-'END'
	{"kind":"submit","script":"job.sh","args":["a b","c"],"name":"n","partition":"p","account":"a","qos":"q","nodes":"2-4","ntasks":3,"ntasks_per_node":1,"cpus_per_task":2,"mem_mb":100,"gres":"gpu:1,shard:2","gpus":"a100:2","constraint":"c","exclude":"n1","nodelist":"n2","time_limit_s":90,"reservation":"r","licenses":"l:1","dependency":"afterok:1","array":"1-3","begin_at":1893456000,"requeue":false,"signal":"B:USR1@30","hold":true,"output":"o","error":"/e","exclusive":"user","comment":"x y","env":{"FOO":"a\nb","PATH":"/x"}}
	END
	run -0 submit
	same <<-'END'
	{"kind":"submitted","name":"n","job_id":100}
	END
	[ ! -s err ]
	jq 'del(.environment)' "$fake/log" >log
	same_ndjson - <(jq -c . log) <<-END
	{"call":"submit","argv":["$PWD/job.sh","a b","c"],"name":"n","partition":"p","account":"a","qos":"q","tres_per_node":"gres:gpu:1,gres:shard:2","tres_per_job":"gres:gpu:a100:2","features":"c","exc_nodes":"n1","req_nodes":"n2","reservation":"r","licenses":"l:1","dependency":"afterok:1","array_inx":"1-3","std_in":"/dev/null","std_out":"$PWD/o","std_err":"/e","work_dir":"$PWD","comment":"x y","script":"#!/bin/sh\nexec true\n","min_nodes":2,"max_nodes":3,"num_tasks":3,"min_cpus":6,"ntasks_per_node":1,"cpus_per_task":2,"pn_min_memory":100,"time_limit":2,"begin_time":1893456000,"requeue":0,"warn_signal":10,"warn_time":30,"warn_flags":1,"priority":0,"shared":2}
	END
	jq -r '.environment[]' "$fake/log" | grep -v ^SLURM_RLIMIT | sort >env
	diff -u - env <<-END
	ASAN_OPTIONS=${ASAN_OPTIONS:-}
	BERTH_TEST=$BERTH_TEST
	FAKE_SLURM=$fake
	FOO=a
	PATH=/x
	SLURM_CONF=/dev/null
	SLURM_CPUS_PER_TASK=2
	SLURM_GPUS=a100:2
	SLURM_JOB_DEPENDENCY=afterok:1
	SLURM_JOB_NAME=n
	SLURM_NPROCS=3
	SLURM_NTASKS=3
	SLURM_NTASKS_PER_NODE=1
	SLURM_PRIO_PROCESS=$(nice)
	SLURM_SUBMIT_DIR=$PWD
	SLURM_SUBMIT_HOST=$(uname -n)
	SLURM_UMASK=$(umask)
	TZ=UTC
	b
	END
}

@test "the nice value is passed on, below 0 too where the user may have it" {
	export -f submit
	export fake
	run -0 nice -n -5 bash -c 'submit job.sh'
	jq -r '.environment[]' "$fake/log" | grep ^SLURM_PRIO |
		diff -u <(echo "SLURM_PRIO_PROCESS=$(nice -n -5 nice 2>/dev/null)") -
}

@test "resource limits are passed on, all that sbatch passes on" {
	ulimit -Sn 1000
	run -0 submit job.sh
	jq -r '.environment[]' "$fake/log" | grep ^SLURM_RLIMIT | sort >limits
	grep -qx SLURM_RLIMIT_NOFILE=1000 limits
	cut -d= -f1 limits | diff -u - <(printf 'SLURM_RLIMIT_%s\n' AS CORE \
		CPU DATA FSIZE MEMLOCK NOFILE NPROC RSS STACK) ||
		cut -d= -f1 limits | diff -u <(printf 'SLURM_RLIMIT_%s\n' AS \
			CORE CPU DATA FSIZE MEMLOCK NOFILE NPROC RSS STACK) -
}

@test "a command is passed on as arguments, never as text of a shell" {
	cat >in <<-'END'
	{"kind":"submit","command":["/bin/echo","$(id) `id` ; \"'","","é,|"]}
	{"kind":"submit","command":["-c"]}
	{"kind":"submit","command":[]}
	{"kind":"submit","command":["a",1]}
	{"kind":"submit","command":["a"],"args":["b"]}
	{"kind":"submit","command":["a"],"script":"job.sh"}
	{"kind":"submit"}
	END
	run -1 submit -q
	same <<-'END'
	{"kind":"refused","order":"submit","error":"stdin:2: '-c' cannot be a command","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:3: 'command' is empty","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:4: 'command' must be an array of texts","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:5: 'args' go with a script: a command holds its own","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:6: one of 'script' and 'command' is needed","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:7: one of 'script' and 'command' is needed","temporary":false}
	{"kind":"submitted","name":"echo","job_id":100}
	END
	same_ndjson - <(jq -c '[.script,.argv]' "$fake/log") <<-'END'
	["#!/bin/sh\nexec \"$@\"\n",["sh","/bin/echo","$(id) `id` ; \"'","","é,|"]]
	END
}

@test "a service's job carries its name and request, whatever is in them" {
	cat >in <<-'END'
	{"kind":"submit","service":"a b,c|d é","request":"r,1 2","script":"job.sh"}
	{"kind":"submit","request":"only","script":"job.sh","name":"x"}
	{"kind":"submit","service":"s","script":"job.sh","comment":"mine"}
	END
	run -1 submit
	same <<-'END'
	{"kind":"refused","order":"submit","service":"s","error":"stdin:3: 'comment' is taken: it carries the service and the request","temporary":false}
	{"kind":"submitted","request":"r,1 2","service":"a b,c|d é","name":"a b,c|d é","job_id":100}
	{"kind":"submitted","request":"only","name":"x","job_id":101}
	END
	same_ndjson - <(jq -c '[.name,.comment]' "$fake/jobs") <<-'END'
	["a b,c|d é","svc,a%20b%2Cc%7Cd%20é,,wanted,0,r%2C1%202"]
	["x","svc,,,wanted,0,only"]
	END
	# one look before the batch, one after it
	[ "$(calls)" = "jobs submit submit jobs " ]
}

@test "a service's job without a request gets one of its own" {
	echo '{"kind":"submit","service":"s","script":"job.sh"}' >in
	run -0 submit
	request=$(jq -r .request got)
	[[ $request =~ ^$(uname -n)-[0-9]+-[0-9]+-1$ ]]
	[ "$(jq -r .comment "$fake/jobs")" = "svc,s,,wanted,0,$request" ]
	# nobody else can carry it, so nobody has to look for it
	[ "$(calls)" = "submit " ]
}

@test "a request that a job carries already, live or ended, is not submitted again" {
	cat >"$fake/jobs" <<-'END'
	{"job_id":7,"name":"s","comment":"svc,s,http://n1:80,ready,0,r1","state":"RUNNING"}
	{"job_id":8,"name":"s","comment":"svc,s,,wanted,0,r2","state":"FAILED"}
	END
	cat >in <<-'END'
	{"kind":"submit","service":"s","request":"r1","script":"job.sh"}
	{"kind":"submit","service":"s","request":"r2","script":"job.sh"}
	END
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":7,"again":true}
	{"kind":"submitted","request":"r2","service":"s","name":"s","job_id":8,"again":true}
	END
	[ "$(calls)" = "jobs " ]
}

@test "the same request twice in one input is one job" {
	cat >in <<-'END'
	{"kind":"submit","service":"s","request":"r1","script":"job.sh"}
	{"kind":"submit","service":"s","request":"r1","script":"job.sh"}
	END
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":100}
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":100,"again":true}
	END
	[ "$(calls)" = "jobs submit jobs jobs " ]
}

@test "somebody else was quicker: the higher job id is cancelled" {
	echo '{"job_id":50,"name":"s","comment":"svc,s,,wanted,0,r1"}' >"$fake/join"
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":50,"again":true}
	END
	[ "$(calls)" = "jobs submit jobs cancel " ]
	says <<-'END'
	svc-submit: job 100 is cancelled: job 50 carries request r1 already
	END
	same_ndjson - <(jq -c '[.job_id,.state]' "$fake/jobs") <<-'END'
	[50,null]
	[100,"CANCELLED"]
	END
}

@test "somebody else was quicker: cancelling the higher is tried again" {
	echo '{"job_id":50,"name":"s","comment":"svc,s,,wanted,0,r1"}' >"$fake/join"
	echo 'cancel 1800' >"$fake/answers"
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 submit -q
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":50,"again":true}
	END
	[ "$(calls)" = "jobs submit jobs cancel jobs cancel " ]
	same_ndjson - <(jq -c '[.job_id,.state]' "$fake/jobs") <<-'END'
	[50,null]
	[100,"CANCELLED"]
	END
}

@test "somebody else was slower: ours stays" {
	echo '{"job_id":200,"name":"s","comment":"svc,s,,wanted,0,r1"}' >"$fake/join"
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":100}
	END
	[ "$(calls)" = "jobs submit jobs " ]
}

@test "a permanent error is one refusal, with Slurm's text and code" {
	printf 'submit 2000\n' >"$fake/answers"
	cat >in <<-'END'
	{"kind":"submit","service":"s","request":"r1","script":"job.sh","partition":"nope"}
	{"kind":"submit","service":"s","request":"r2","script":"job.sh"}
	END
	run -1 submit
	same <<-'END'
	{"kind":"refused","order":"submit","request":"r1","service":"s","name":"s","error":"cannot submit the job: Invalid partition name specified","code":2000,"temporary":false}
	{"kind":"submitted","request":"r2","service":"s","name":"s","job_id":100}
	END
	[ "$(calls)" = "jobs submit submit jobs " ]
	says <<-'END'
	svc-submit: submit refused: cannot submit the job: Invalid partition name specified
	END
}

@test "a temporary error is tried again, and does not hold up other orders" {
	printf 'submit 2050\n' >"$fake/answers"
	cat >in <<-'END'
	{"kind":"submit","script":"job.sh","name":"a"}
	{"kind":"submit","script":"job.sh","name":"b"}
	END
	run -0 submit -v
	same <<-'END'
	{"kind":"submitted","name":"b","job_id":100}
	{"kind":"submitted","name":"a","job_id":101}
	END
	grep -q '^svc-submit: cannot submit the job: Job violates accounting/QOS policy; next try in [01]\.[0-9] s$' err
}

@test "a temporary error that stays is refused as temporary at the deadline" {
	printf 'submit 2007 always\n' >"$fake/answers"
	echo '{"kind":"submit","script":"job.sh","request":"r1"}' >in
	run -1 submit --timeout=1500ms
	same <<-'END'
	{"kind":"refused","order":"submit","request":"r1","name":"job.sh","error":"cannot submit the job: Slurm job queue full, sleeping and retrying","code":2007,"temporary":true}
	END
	[ "$(calls)" = "jobs submit jobs submit jobs submit " ]
	[ ! -e "$fake/jobs" ]
}

@test "slurmctld is away: one call notices it for all orders" {
	printf 'jobs 1800\n' >"$fake/answers"
	for i in 1 2 3; do
		echo '{"kind":"submit","script":"job.sh","request":"r'$i'"}'
	done >in
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","name":"job.sh","job_id":100}
	{"kind":"submitted","request":"r2","name":"job.sh","job_id":101}
	{"kind":"submitted","request":"r3","name":"job.sh","job_id":102}
	END
	jq -r .call "$fake/log" | head -n 2 | diff -u <(printf 'jobs\njobs\n') -
	[ "$(grep -c submit "$fake/log")" -eq 3 ]
}

@test "no answer, and the job got in: it is found by its request, not repeated" {
	printf 'submit 5004 done\n' >"$fake/answers"
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 submit
	same <<-'END'
	{"kind":"submitted","request":"r1","service":"s","name":"s","job_id":100}
	END
	[ "$(calls)" = "jobs submit jobs " ]
}

@test "no answer, and the job did not get in: it is repeated after two looks" {
	printf 'submit 5004\n' >"$fake/answers"
	echo '{"kind":"submit","service":"s","script":"job.sh"}' >in
	run -0 submit
	[ "$(jq -c '[.kind,.service,.job_id]' got)" = '["submitted","s",100]' ]
	[ "$(calls)" = "submit jobs jobs submit " ]
}

@test "no answer and no request: not repeated, and said to be unknown" {
	printf 'submit 5004 done\n' >"$fake/answers"
	echo '{"kind":"submit","script":"job.sh"}' >in
	run -1 submit
	same <<-'END'
	{"kind":"refused","order":"submit","name":"job.sh","error":"outcome unknown, not repeated: cannot submit the job: Socket timed out on send/recv operation","code":5004,"temporary":true}
	END
	[ "$(calls)" = "submit " ]
	rm "$fake"/{log,jobs}
	printf 'submit 5004 done\n' >"$fake/answers"
	run -75 submit job.sh
	[ "$(calls)" = "submit " ]
}

@test "no answer to one order says nothing of those behind it" {
	printf 'submit 5004\n' >"$fake/answers"
	printf '%s\n' '{"kind":"submit","script":"job.sh","name":"a"}' \
		'{"kind":"submit","script":"job.sh","name":"b"}' >in
	run -1 submit --timeout=0s
	same <<-'END'
	{"kind":"refused","order":"submit","name":"a","error":"outcome unknown, not repeated: cannot submit the job: Socket timed out on send/recv operation","code":5004,"temporary":true}
	{"kind":"refused","order":"submit","name":"b","error":"cannot submit the job: Socket timed out on send/recv operation","code":5004,"temporary":true}
	END
	[ "$(calls)" = "submit " ]
}

@test "no answer, and then slurmctld is away until the deadline: unknown" {
	printf 'submit 5004\njobs 0\njobs 1800 always\n' >"$fake/answers"
	echo '{"kind":"submit","script":"job.sh","request":"r1"}' >in
	run -1 submit --timeout=1s
	same <<-'END'
	{"kind":"refused","order":"submit","request":"r1","name":"job.sh","error":"outcome unknown: cannot list the jobs: Unable to contact slurm controller (connect failure)","code":1800,"temporary":true}
	END
}

@test "submitted, but the look afterwards fails until the deadline: submitted all the same" {
	printf 'jobs 0\njobs 1800 always\n' >"$fake/answers"
	echo '{"kind":"submit","script":"job.sh","request":"r1"}' >in
	run -0 submit --timeout=1s
	same <<-'END'
	{"kind":"submitted","request":"r1","name":"job.sh","job_id":100}
	END
}

@test "drain and cancel" {
	cat >"$fake/jobs" <<-'END'
	{"job_id":1,"name":"s","submit_at":50,"comment":"svc,s,http://n1:80/x,ready,2,r1","state":"RUNNING"}
	{"job_id":2,"name":"s","submit_at":51,"comment":"traefik,a b,http://n1:80/","state":"RUNNING","restart":3}
	{"job_id":3,"name":"j ob","submit_at":52,"state":"RUNNING"}
	{"job_id":4,"name":"s","submit_at":53,"comment":"svc,s,http://n1:80,draining,0,","state":"RUNNING"}
	{"job_id":5,"name":"s","submit_at":54,"comment":"svc,s,http://n1:80,ready,0,","state":"COMPLETED"}
	{"job_id":6,"name":"s","submit_at":55,"comment":"somebody's own","state":"RUNNING"}
	{"job_id":7,"name":"s","submit_at":56,"state":"PENDING"}
	{"job_id":8,"name":"s","submit_at":57,"state":"COMPLETED","flags":32768}
	END
	cp "$fake/jobs" before
	cat >in <<-'END'
	{"kind":"drain","job_id":1,"submit_at":50,"why":"old"}
	{"kind":"drain","job_id":2,"submit_at":51}
	{"kind":"drain","job_id":3}
	{"kind":"drain","job_id":4,"submit_at":53}
	{"kind":"drain","job_id":5,"submit_at":54}
	{"kind":"drain","job_id":6,"submit_at":55}
	{"kind":"drain","job_id":7,"submit_at":5}
	{"kind":"cancel","job_id":7,"submit_at":5}
	{"kind":"cancel","job_id":7,"submit_at":56}
	{"kind":"cancel","job_id":8,"submit_at":57}
	{"kind":"cancel","job_id":99,"submit_at":56}
	{"kind":"cancel","submit_at":56}
	{"kind":"drain","job_id":-1}
	END
	run -1 submit -q
	same <<-'END'
	{"kind":"refused","order":"cancel","error":"stdin:12: 'job_id' is missing","temporary":false}
	{"kind":"refused","order":"drain","error":"stdin:13: drain: 'job_id' must be 1 to 4294967295","temporary":false}
	{"kind":"drained","job_id":1}
	{"kind":"drained","job_id":2}
	{"kind":"drained","job_id":3}
	{"kind":"drained","job_id":4}
	{"kind":"drained","job_id":5}
	{"kind":"refused","order":"drain","job_id":6,"error":"job 6 is no service's: its comment is not ours to change","temporary":false}
	{"kind":"refused","order":"drain","job_id":7,"error":"job 7 is another job now: submitted at 56, not 5","temporary":false}
	{"kind":"refused","order":"cancel","job_id":7,"error":"job 7 is another job now: submitted at 56, not 5","temporary":false}
	{"kind":"cancelled","job_id":7}
	{"kind":"cancelled","job_id":8}
	{"kind":"refused","order":"cancel","job_id":99,"error":"job 99 is not among your jobs","temporary":false}
	END
	[ "$(calls)" = "jobs update update update cancel " ]
	diff <(jq -c '[.job_id,.comment,.state]' before) \
		<(jq -c '[.job_id,.comment,.state]' "$fake/jobs") >changes || :
	diff -u - changes <<-'END'
	1,3c1,3
	< [1,"svc,s,http://n1:80/x,ready,2,r1","RUNNING"]
	< [2,"traefik,a b,http://n1:80/","RUNNING"]
	< [3,null,"RUNNING"]
	---
	> [1,"svc,s,http://n1:80/x,draining,2,r1","RUNNING"]
	> [2,"svc,a%20b,http://n1:80,draining,3,","RUNNING"]
	> [3,"svc,j%20ob,,draining,0,","RUNNING"]
	7c7
	< [7,null,"PENDING"]
	---
	> [7,null,"CANCELLED"]
	END
}

@test "what a job said before it was requeued is not what it says now" {
	cat >"$fake/jobs" <<-'END'
	{"job_id":1,"name":"s","submit_at":50,"restart":1,"comment":"svc,s,http://n1:80,draining,0,r1","state":"RUNNING"}
	{"job_id":2,"name":"s","submit_at":51,"restart":2,"comment":"svc,s,http://n1:80,ready,1,r2","state":"RUNNING"}
	{"job_id":3,"name":"s","submit_at":52,"restart":1,"comment":"svc,s,,wanted,0,r3","state":"PENDING"}
	END
	for i in 1 2 3; do echo '{"kind":"drain","job_id":'$i'}'; done >in
	run -0 submit
	jq -r .comment "$fake/jobs" | diff -u <(cat <<-'END'
	svc,s,,draining,1,r1
	svc,s,,draining,2,r2
	svc,s,,draining,1,r3
	END
	) -
}

@test "a drain that comes too late, for the job ended meanwhile, is done" {
	echo '{"job_id":1,"name":"s","submit_at":50,"state":"RUNNING"}' >"$fake/jobs"
	printf 'update 2084\n' >"$fake/answers"
	echo '{"kind":"drain","job_id":1,"submit_at":50}' >in
	run -0 submit
	same <<-'END'
	{"kind":"drained","job_id":1}
	END
}

@test "events are passed on, other kinds are skipped" {
	cat >in <<-'END'
	{"kind":"event","event":"backoff","service":"s","odd":[1,{"a":null}]}
	{"kind":"instance","service":"s","job_id":1}
	{"no":"kind"}
	{"kind":7}
	{"kind":"end","of":"instance"}
	END
	run -0 submit
	same <<-'END'
	{"kind":"event","event":"backoff","service":"s","odd":[1,{"a":null}]}
	END
	[ ! -e "$fake/log" ]
}

@test "lines that are no records: named, and what came before is carried out" {
	for line in '{"a":' '[]' '7' '{"a":1,"a":2}' $'{"a":"\xff"}' '{"a":"\u0000"}'; do
		rm -rf "$fake"/*
		{
			echo '{"kind":"submit","script":"job.sh"}'
			printf '%s\n' "$line"
			echo '{"kind":"submit","script":"job.sh"}'
		} >in
		run -2 submit
		same <<-'END'
		{"kind":"submitted","name":"job.sh","job_id":100}
		END
		grep -q '^svc-submit: stdin:2: ' err
		[ "$(wc -l <err)" -eq 1 ]
		rm -rf "$fake"/*
		run -1 submit -k
		same <<-'END'
		{"kind":"submitted","name":"job.sh","job_id":100}
		{"kind":"submitted","name":"job.sh","job_id":101}
		END
		grep -q '^svc-submit: stdin:2: ' err
	done
}

@test "a line that is too long" {
	{
		printf '{"kind":"submit","script":"job.sh","comment":"'
		head -c 1100000 /dev/zero | tr '\0' x
		printf '"}\n'
		echo '{"kind":"submit","script":"job.sh"}'
	} >in
	run -2 submit
	[ ! -s got ]
	says <<-'END'
	svc-submit: stdin:1: line longer than 1048576 bytes
	END
	run -1 submit -k
	same <<-'END'
	{"kind":"submitted","name":"job.sh","job_id":100}
	END
}

@test "orders whose content is wrong are refused, by line and key" {
	cat >in <<-'END'
	{"kind":"submit","script":"job.sh","time_limit_s":"8h","request":"r1"}
	{"kind":"submit","script":"job.sh","time_limit":5,"request":"r2"}
	{"kind":"submit","script":7}
	{"kind":"submit","script":"job.sh","request":""}
	{"kind":"submit","script":"job.sh","service":5}
	{"kind":"submit","script":"job.sh","env":[]}
	{"kind":"submit","script":"job.sh","env":{"A=B":"c"}}
	{"kind":"submit","script":"job.sh","env":{"A":5}}
	{"kind":"submit","script":"job.sh","args":"x"}
	END
	run -1 submit -q
	same <<-'END'
	{"kind":"refused","order":"submit","request":"r1","error":"stdin:1: submit: 'time_limit_s' must be an integer","temporary":false}
	{"kind":"refused","order":"submit","request":"r2","error":"stdin:2: unknown key 'time_limit'","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:3: submit: 'script' must be text","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:4: 'request' is empty","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:5: submit: 'service' must be text","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:6: 'env' must be an object of texts","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:7: env: 'A=B' cannot be the name of a variable","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:8: 'env' must be an object of texts","temporary":false}
	{"kind":"refused","order":"submit","error":"stdin:9: 'args' must be an array of texts","temporary":false}
	END
	[ ! -e "$fake/log" ]
}

# refused SCRIPT TEXT: as a record and as an operand, the same words.
refused() {
	jq -nc --arg s "$1" '{kind:"submit",script:$s}' >in
	run -1 submit -q
	[ "$(jq -r .error got)" = "stdin:1: $2" ]
	run -2 submit "$1"
	[ "$(jq -r .error got)" = "$2" ]
	[ "$(cat err)" = "svc-submit: submit refused: $2" ]
	[ ! -e "$fake/log" ]
}

@test "scripts that Slurm would not take" {
	refused none.sh "$PWD/none.sh: No such file or directory"
	mkdir dir
	refused dir "$PWD/dir: not a regular file"
	mkfifo fifo
	refused fifo "$PWD/fifo: not a regular file"
	: >empty.sh
	refused empty.sh "$PWD/empty.sh: the script is empty"
	echo true >plain.sh
	refused plain.sh "$PWD/plain.sh: the first line does not begin with #! and an interpreter"
	printf '#!/bin/sh\r\ntrue\r\n' >dos.sh
	refused dos.sh "$PWD/dos.sh: the script has DOS line ends"
	printf '#!/bin/sh\ntrue\0\n' >nul.sh
	refused nul.sh "$PWD/nul.sh: the script holds a NUL byte"
	{ echo '#!/bin/sh'; head -c 4194304 /dev/zero | tr '\0' '#'; } >big.sh
	refused big.sh "$PWD/big.sh: longer than 4194304 bytes"
	printf '#!/bin/sh\n\n#SBATCH --mail-type=END\n' >mail.sh
	refused mail.sh "mail.sh:3: #SBATCH --mail-type=END: --mail-type: unknown option"
	printf '#!/bin/sh\n#SBATCH --time=soon\n' >time.sh
	refused time.sh "time.sh:2: #SBATCH --time=soon: --time: 'soon' is not a time limit (30, 8:00:00, 1-12, 90s)"
}

@test "a word of a #SBATCH line that is too long will not become shorter" {
	{
		printf '#!/bin/sh\n#SBATCH --comment='
		head -c 40000 /dev/zero | tr '\0' x
		echo
	} >long.sh
	run -2 submit -q long.sh
	jq -r .error got | sed 's/xxx*/X/' | diff -u - <(cat <<-'END'
	long.sh:2: #SBATCH --comment=X: longer than 32768 bytes
	END
	)
}

@test "a script of 4 MiB is taken" {
	{ printf '#!/bin/sh\n#'; head -c $((4194304 - 11)) /dev/zero | tr '\0' x; } >big.sh
	[ "$(stat -c %s big.sh)" -eq 4194304 ]
	run -0 submit big.sh
	same <<-'END'
	{"kind":"submitted","name":"big.sh","job_id":100}
	END
}

@test "the command line: options win over #SBATCH lines, letters are sbatch's" {
	printf '#!/bin/sh\n#SBATCH -t 5 -p script -n 2 -q low\n' >job.sh
	run -0 submit -n -t 8h -p mine -N 2-4 -J 'a b' -A acc -C c -w n1 -x n2 \
		-o o -e e -a 1-3 -b 2030-01-01 -d singleton -G 2 -L l -D /tmp -H \
		-c 3 --mem=4G --exclusive --no-requeue ./job.sh -t 7 --x
	same <<-END
	{"kind":"submit","name":"a b","partition":"mine","account":"acc","qos":"low","nodes":"2-4","ntasks":2,"cpus_per_task":3,"mem_mb":4096,"gpus":"2","constraint":"c","exclude":"n2","nodelist":"n1","time_limit_s":28800,"licenses":"l","dependency":"singleton","array":"1-3","begin_at":1893456000,"requeue":false,"hold":true,"output":"o","error":"e","chdir":"/tmp","exclusive":true,"script":"$PWD/job.sh","args":["-t","7","--x"]}
	END
	[ ! -e "$fake/log" ]
}

@test "-n: what would be submitted is an order that comes to the same" {
	printf '#!/bin/sh\n#SBATCH -t 5 --comment=lost\n' >job.sh
	cat >in <<-'END'
	{"kind":"submit","service":"s","request":"r1","script":"job.sh","args":["x"],"env":{"A":"b"},"at":5}
	{"kind":"submit","command":["sleep","5"],"mem_mb":5}
	{"kind":"drain","job_id":5,"submit_at":6,"why":"x"}
	{"kind":"submit","script":"none.sh"}
	END
	run -1 submit -n -q
	same <<-END
	{"kind":"submit","request":"r1","service":"s","name":"s","time_limit_s":300,"script":"$PWD/job.sh","args":["x"],"env":{"A":"b"}}
	{"kind":"submit","name":"sleep","mem_mb":5,"command":["sleep","5"]}
	{"kind":"drain","job_id":5,"submit_at":6,"why":"x"}
	{"kind":"refused","order":"submit","code":2,"error":"stdin:4: $PWD/none.sh: No such file or directory","temporary":false}
	END
	[ ! -e "$fake/log" ]
	head -n 3 got >in
	cp in want
	run -0 submit -n
	same_ndjson want got
}

@test "wrong usage" {
	run -2 submit --frobnicate job.sh
	says <<-'END'
	svc-submit: unknown option '--frobnicate'
	usage: svc-submit [OPTION]... [SCRIPT [ARG]...]
	Try 'svc-submit --help'.
	END
	run -2 submit -Z job.sh
	grep -qx "svc-submit: unknown option '-Z'" err
	run -2 submit -p
	grep -qx "svc-submit: option '-p' needs a value" err
	run -2 submit -p main
	grep -qx "svc-submit: options of a job need a SCRIPT" err
	run -2 submit --timeout=x
	says <<-'END'
	svc-submit: --timeout: 'x' is not a duration (30s, 5m, 2h, 1-12:00:00)
	END
	run -2 submit --rate=0/s
	says <<-'END'
	svc-submit: --rate: '0/s' is not a rate (10/s, 5/m)
	END
	run -2 submit --via=qsub job.sh
	run -2 submit -t never job.sh
	says <<-'END'
	svc-submit: --time: 'never' is not a time limit (30, 8:00:00, 1-12, 90s)
	END
	[ ! -s got ]
	run -0 submit --help
	grep -q '^usage: svc-submit ' got
	run -0 submit -V
	grep -q '^svc-submit (berth) ' got
}

@test "no Slurm here" {
	run -2 env SLURM_CONF=/none "$UNIT/fake-svc-submit" job.sh
	[ "$output" = "svc-submit: /none: No such file or directory" ]
}

@test "--rate: no more submissions than that" {
	for i in 1 2 3 4 5 6; do
		echo '{"kind":"submit","script":"job.sh"}'
	done >in
	before=$(date +%s%N)
	run -0 submit --rate=10/s
	after=$(date +%s%N)
	[ "$(wc -l <got)" -eq 6 ]
	# five intervals of 100 ms
	[ $((after - before)) -ge 500000000 ]
}

@test "a full disk behind stdout: 75, and no job after the first" {
	for i in 1 2 3; do
		echo '{"kind":"submit","script":"job.sh"}'
	done >in
	"$UNIT/fake-svc-submit" <in >/dev/full 2>err && status=0 || status=$?
	[ "$status" -eq 75 ]
	says <<-'END'
	svc-submit: stdout: No space left on device
	END
	[ "$(calls)" = "submit " ]
}

@test "nobody reads stdout: SIGPIPE" {
	for i in 1 2 3; do
		echo '{"kind":"submit","script":"job.sh"}'
	done >in
	mkfifo pipe
	exec 4<>pipe
	(
		trap - PIPE
		exec 4>&-
		exec "$UNIT/fake-svc-submit" <in >pipe 2>err
	) 3>&- &
	pid=$!
	# its first answer is read, then the last reader goes away
	IFS= read -r line <&4
	[ "$line" = '{"kind":"submitted","name":"job.sh","job_id":100}' ]
	wait "$pid" && status=0 || status=$?
	exec 4>&-
	[ "$status" -eq 0 ]
	rm -rf "$fake"/*
	mkfifo gone
	exec 4<>gone 5>gone 4>&-	# nobody is left to read
	"$UNIT/fake-svc-submit" <in >&5 2>err && status=0 || status=$?
	exec 5>&-
	[ "$status" -eq 141 ]
}

@test "a closed stdin, a closed stdout" {
	run -2 bash -c '"$0" <&-' "$UNIT/fake-svc-submit"
	[ "$output" = "svc-submit: stdin: Bad file descriptor" ]
	run -0 bash -c '"$0" job.sh <&-' "$UNIT/fake-svc-submit"
	[ "$output" = '{"kind":"submitted","name":"job.sh","job_id":100}' ]
	rm "$fake"/*
	run -75 bash -c '"$0" job.sh >&-' "$UNIT/fake-svc-submit"
	[ "$output" = "svc-submit: stdout: Bad file descriptor" ]
	[ ! -e "$fake/log" ]
}

@test "a batch needs one look, a second line much later another" {
	mkfifo pipe
	exec 4<>pipe
	spawn "$UNIT/fake-svc-submit" <pipe >got 4>&-
	for i in 1 2 3; do
		echo '{"kind":"submit","script":"job.sh","request":"r'$i'"}'
	done >batch
	cat batch >&4
	await 5 eval '[ "$(wc -l <got)" -eq 3 ]'
	[ "$(calls)" = "jobs submit submit submit jobs " ]
	echo '{"kind":"submit","script":"job.sh","request":"r1"}' >&4
	await 5 eval '[ "$(wc -l <got)" -eq 4 ]'
	[ "$(calls)" = "jobs submit submit submit jobs jobs " ]
	exec 4>&-
	wait "$pid"
}

@test "SIGTERM: the call under way is finished and answered, the rest is refused" {
	echo 1500 >"$fake/delay_ms"
	for i in 1 2 3; do
		echo '{"kind":"submit","script":"job.sh"}'
	done >in
	spawn "$UNIT/fake-svc-submit" <in >got 2>err
	await 5 test -s got
	kill "$pid"
	wait "$pid" && status=0 || status=$?
	[ "$status" -eq 1 ]
	same <<-'END'
	{"kind":"submitted","name":"job.sh","job_id":100}
	{"kind":"submitted","name":"job.sh","job_id":101}
	{"kind":"refused","order":"submit","name":"job.sh","error":"told to end before it could be carried out","temporary":true}
	END
	[ "$(wc -l <"$fake/jobs")" -eq 2 ]
}

@test "SIGTERM while it waits for input: done" {
	mkfifo pipe
	exec 4<>pipe
	spawn "$UNIT/fake-svc-submit" <pipe >got 2>err 4>&-
	echo '{"kind":"submit","script":"job.sh"}' >&4
	await 5 test -s got
	kill "$pid"
	wait "$pid"
	exec 4>&-
	[ ! -s err ]
}

@test "more orders than it holds at a time" {
	for ((i = 0; i < 1100; i++)); do
		echo '{"kind":"submit","script":"job.sh","name":"j'$i'","hold":true}'
	done >in
	run -0 submit
	[ "$(wc -l <got)" -eq 1100 ]
	jq -r .name got | diff -u <(seq -f "j%.0f" 0 1099) -
}

# A sbatch that says what it was called with.
fake_sbatch() {
	mkdir -p bin
	{ echo '#!/bin/sh'; cat; } >bin/sbatch
	chmod +x bin/sbatch
	PATH=$PWD/bin:$PATH
}

@test "--via=sbatch: options, unknown ones too, script and arguments by argv" {
	fake_sbatch <<-'END'
	printf '<%s>\n' "$@" >>argv
	printf 'FOO=%s\n' "$FOO" >>argv
	echo "4711;cluster"
	END
	printf '#!/bin/sh\n#SBATCH --mail-type=END\n' >job.sh
	run -0 submit --via=sbatch -t 90s --mail-user=me --qos=q job.sh 'a b' --c
	same <<-'END'
	{"kind":"submitted","name":"job.sh","job_id":4711}
	END
	diff -u - argv <<-END
	<--parsable>
	<--job-name=job.sh>
	<--qos=q>
	<--time=1:30>
	<--mail-user=me>
	<-->
	<$PWD/job.sh>
	<a b>
	<--c>
	FOO=
	END
	rm argv
	echo '{"kind":"submit","script":"job.sh","mail_type":"END","nice":5,"spread_job":true,"contiguous":false,"env":{"FOO":"b a"}}' >in
	run -0 submit --via=sbatch
	diff -u - argv <<-END
	<--parsable>
	<--job-name=job.sh>
	<--mail-type=END>
	<--nice=5>
	<--spread-job>
	<-->
	<$PWD/job.sh>
	FOO=b a
	END
}

@test "--via=sbatch: a command is a script without a name" {
	fake_sbatch <<-'END'
	for arg; do
		case $arg in /dev/fd/*) cat "$arg" ;; esac >>script
	done
	echo 1
	END
	echo '{"kind":"submit","command":["x","y z"]}' >in
	run -0 submit --via=sbatch
	printf '#!/bin/sh\nexec "$@"\n' | diff -u - script
}

@test "--via=sbatch: what sbatch says is the error" {
	fake_sbatch <<-'END'
	echo "sbatch: error: invalid partition specified: x" >&2
	echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2
	exit 1
	END
	run -2 submit -q --via=sbatch -p x job.sh
	same <<-'END'
	{"kind":"refused","order":"submit","name":"job.sh","error":"sbatch: invalid partition specified: x; Batch job submission failed: Invalid partition name specified","temporary":false}
	END
	fake_sbatch <<-'END'
	echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
	exit 1
	END
	run -75 submit -q --via=sbatch job.sh
	same <<-'END'
	{"kind":"refused","order":"submit","name":"job.sh","error":"outcome unknown, not repeated: sbatch: Batch job submission failed: Socket timed out on send/recv operation","temporary":true}
	END
	fake_sbatch <<<'sleep 60'
	run -75 submit -q --via=sbatch --timeout=300ms job.sh
	same <<-'END'
	{"kind":"refused","order":"submit","name":"job.sh","error":"outcome unknown, not repeated: sbatch: no answer in time","temporary":true}
	END
	rm bin/sbatch
	PATH=/usr/bin/none:$PWD/bin run -2 "$UNIT/fake-svc-submit" -q --via=sbatch job.sh
	[ "$(jq -r .error <<<"$output")" = "sbatch: No such file or directory" ]
}

@test "--via=sbatch: an answer that is no job id, or none: the job is looked for" {
	fake_sbatch <<-'END'
	printf '%s\n' "$@" | grep -e --comment | cut -d= -f2 >comment
	jq -nc --rawfile c comment '{job_id: 4711, name: "job.sh",
		comment: ($c | rtrimstr("\n"))}' >>"$FAKE_SLURM/jobs"
	eval "$(cat how)"
	END
	echo '{"kind":"submit","script":"job.sh","request":"r1"}' >in
	for how in 'echo Welcome; echo 4711' true 'kill -KILL $$'; do
		echo "$how" >how
		rm -f "$fake"/*
		run -0 submit -q --via=sbatch
		same <<-'END'
		{"kind":"submitted","request":"r1","name":"job.sh","job_id":4711}
		END
	done
}

@test "--via=sbatch: --timeout=0 is one try, with the time for an answer" {
	fake_sbatch <<<'sleep 0.3; echo 4711'
	run -0 submit -q --via=sbatch --timeout=0s job.sh
	same <<-'END'
	{"kind":"submitted","name":"job.sh","job_id":4711}
	END
}
