#!/usr/bin/env bats
# svc-discover on a real Slurm.

load helper

setup() {
	test_setup
	svc=t71-$BATS_TEST_NUMBER-$$
}

teardown() {
	[ -z "${SLURM_CONF:-}" ] || scancel -u "$(id -un)" -n "$svc,$svc-t" || :
	[ ! -d c ] || svc-devcluster down -q --dir="$PWD/c"
	test_teardown
}

# own_cluster: one that may be stopped without harm to other tests.
own_cluster() {
	svc-devcluster up -q --nodes=1 --dir="$PWD/c"
	export SLURM_CONF=$PWD/c/slurm.conf
}

# submit NAME OPTION... <commands: prints the id.
submit() {
	{ echo '#!/bin/sh'; cat; } >"$1.sh"
	sbatch --parsable -J "$1" -o "$PWD/$1.out" -t 5 "${@:2}" "$1.sh"
}

# seen FILTER: is there a record in got for which it is true?
seen() { [ -n "$(jq -R "fromjson? | select($1)" got)" ]; }

# records KIND: how many of them in got.
records() { grep -c "^{\"kind\":\"$1\"" got || :; }
more() { [ "$(records "$1")" -gt "$2" ]; }

@test "discover: real: names and comments with anything in them" {
	use_cluster
	local a b c d
	a=$(submit "$svc, a|b ü 模" -H <<<:)
	b=$(submit x -H --comment="svc,$svc%2C%20b,,wanted,0,order%2C1" <<<:)
	c=$(submit x -H <<<:)
	scontrol update "JobId=$c" "Comment=svc,$svc-ü%7C,,wanted,0,ordnung-ß"
	d=$(submit x -H <<<:)
	scontrol update "JobId=$d" "Comment=traefik,$svc, d ü,http://n1:80"
	svc-discover "$svc, a|b ü 模" "$svc, b" "$svc-ü|" "$svc, d ü" >got
	jq -c 'del(.submit_at, .at)' got >less
	same_ndjson - less <<-EOF
	{"kind":"instance","service":"$svc, a|b ü 模","job_id":$a,"restart":0,"state":"PENDING","reason":"JobHeldUser","ready":false}
	{"kind":"instance","service":"$svc, b","job_id":$b,"restart":0,"state":"PENDING","reason":"JobHeldUser","ready":false,"request":"order,1"}
	{"kind":"instance","service":"$svc-ü|","job_id":$c,"restart":0,"state":"PENDING","reason":"JobHeldUser","ready":false,"request":"ordnung-ß"}
	{"kind":"instance","service":"$svc, d ü","job_id":$d,"restart":0,"state":"PENDING","reason":"JobHeldUser","ready":false}
	{"kind":"end","of":"instance","count":4}
	EOF
	scancel "$a" "$b" "$c" "$d"
	# they have ended, and are told of as long as Slurm remembers them
	svc-discover "$svc, b" >got
	[ "$(jq -r 'select(.job_id) | .state' got)" = CANCELLED ]
}

@test "discover: real: a bad job name is still one record" {
	use_cluster
	local job name
	name=$svc$(printf '\377\200x\302')
	job=$(submit y -H <<<:)
	scontrol update "JobId=$job" "JobName=$name"
	svc-discover >got
	[ "$(jq -r "select(.job_id == $job) | .service" got)" = "$svc"$'\ufffd\ufffdx\ufffd' ]
	scancel "$job"
}

@test "discover: real: a requeued job never shows its old URL" {
	use_cluster
	local a b
	a=$(submit "$svc" --requeue <<'EOF'
n=${SLURM_RESTART_COUNT:-0}
sleep 1
scontrol update JobId=$SLURM_JOB_ID Comment=svc,$SLURM_JOB_NAME,http://n1:$((1000 + n)),ready,$n,r
exec sleep 200
EOF
	)
	b=$(submit "$svc-t" --requeue <<'EOF'
sleep 1
scontrol update JobId=$SLURM_JOB_ID Comment=traefik,$SLURM_JOB_NAME,http://n1:$((1000 + ${SLURM_RESTART_COUNT:-0}))
exec sleep 200
EOF
	)
	spawn svc-discover -f -i 500ms "$svc" "$svc-t" >got 2>talk
	await 60 seen ".job_id == $a and .url == \"http://n1:1000\""
	await 60 seen ".job_id == $b and .url == \"http://n1:1000\""
	scontrol requeue "$a"
	scontrol requeue "$b"
	await 90 seen ".job_id == $a and .url == \"http://n1:1001\""
	await 90 seen ".job_id == $b and .url == \"http://n1:1001\""
	end_pid "$pid"
	[ ! -s talk ]
	# each run was seen to run without a URL before it announced one
	for j in "$a" "$b"; do
		seen ".job_id == $j and .restart == 1 and .state == \"RUNNING\" and (.url | not)"
	done
	jq -c 'select(.url) | [.job_id, .restart, .url]' got | sort -Vu >pairs
	diff -u pairs - <<-EOF
	[$a,0,"http://n1:1000"]
	[$a,1,"http://n1:1001"]
	[$b,0,"http://n1:1000"]
	[$b,1,"http://n1:1001"]
	EOF
}

@test "discover: real: slurmctld stopped, then killed: stale, then as before" {
	own_cluster
	local job n
	job=$(submit "$svc" --comment="svc,$svc,,wanted,0,r" <<<'exec sleep 200')
	spawn svc-discover -f -i 500ms >got 2>talk
	await 30 seen ".job_id == $job and .state == \"RUNNING\""
	kill -STOP "$(cat c/slurmctld.pid)"
	await 60 more stale 0
	kill -CONT "$(cat c/slurmctld.pid)"
	n=$(records end)
	await 60 more end "$n"
	n=$(records stale)
	kill -KILL "$(cat c/slurmctld.pid)"
	await 60 more stale "$n"
	# what stands alone ends with 75
	run -75 --separate-stderr svc-discover
	[ "$(jq -r .kind <<<"$output")" = stale ]
	svc-devcluster up -q --dir="$PWD/c"
	n=$(records end)
	await 90 more end "$n"
	end_pid "$pid"
	# never a snapshot without the job
	jq -r 'select(.kind != "stale") | .job_id // .kind' got | uniq >order
	diff -u <(yes "$job"$'\n'end | head -n "$(($(records end) * 2))") order
	[ "$(jq -r 'select(.kind == "stale") | .of + (.since_at > 1000000000 | tostring) + (.error != "" | tostring)' got | sort -u)" = \
		instancetruetrue ]
	[ "$(grep -c 'the last snapshot stands' talk)" -eq 2 ]
}
