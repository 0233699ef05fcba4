#!/usr/bin/env bats
# svc-run inside jobs of a real Slurm, with the services of services/.

load helper

setup() {
	test_setup
	svc=t72-$BATS_TEST_NUMBER-$$
	export SVC_DIR=$root/services/hello
}

teardown() {
	[ -z "${SLURM_CONF:-}" ] || scancel -u "$(id -un)" -n "$svc" || :
	[ ! -d c ] || svc-devcluster down -q --dir="$PWD/c"
	test_teardown
}

# submit OPTION... <commands: sets job; its words are in the file out.
submit() {
	{ echo '#!/bin/sh'; cat; } >job.sh
	job=$(sbatch --parsable -J "$svc" -o "$PWD/out" --open-mode=append -t 5 \
		--comment="svc,$svc,,wanted,0,order-1" "$@" job.sh)
}

hello() {
	submit "$@" <<-EOF
	exec svc-run --drain=${drain:-0s} -- python3 $SVC_DIR/hello.py --port={port} --host={host}
	EOF
}

# field KEY: of our job, as svc-discover has it now; "" if it has none.
field() { svc-discover | jq -r "select(.job_id == $job) | .$1 // empty"; }
is() { [ "$(field "$1")" = "$2" ]; }
has() { [ -n "$(field "$1")" ]; }
comment() { squeue -h -t all -j "$job" -O Comment:200 | sed 's/ *$//'; }
comment_is() { [ "$(comment)" = "$1" ]; }
comment_like() { [[ $(comment) == $1 ]]; }
said() { grep -qsF -- "$1" out; }

@test "run: real: a job announces itself once it answers" {
	use_cluster
	hello
	await 60 has url
	local url
	url=$(field url)
	comment_is "svc,$svc,$url,ready,0,order-1"
	curl -fsS "$url/abc?x=1" >got
	jq -c 'del(.pid, .node)' got >less
	same_ndjson less - <<-EOF
	{"service":"hello","port":${url##*:},"path":"/abc?x=1","method":"GET","job_id":$job}
	EOF
	[ "$(jq -r .node got)" = "$(field node)" ]
	# a plain scancel reaches every process of the job at once
	scancel "$job"
	await 30 is state CANCELLED
	is url ''
}

@test "run: real: scancel --batch --signal=TERM drains" {
	use_cluster
	drain=$((3 * patience))s hello
	await 60 has url
	local url
	url=$(field url)
	scancel --batch --signal=TERM "$job"
	await 30 is draining true
	curl -fsS "$url/while-draining"
	is url "$url"
	comment_is "svc,$svc,$url,draining,0,order-1"
	await 30 is state COMPLETED
	said "Terminated: draining for $((3 * patience)) s"
	said "ended after"
}

@test "run: real: the time limit: drained before it, never timed out" {
	use_cluster
	drain=$((5 * patience))s hello -t $((1 + patience / 2))
	await 60 has url
	await 70 is draining true
	[ "$(field end_at)" -gt "$(date +%s)" ]
	curl -fsS "$(field url)/"
	await 30 is state COMPLETED
	# so long, or what a timer that is late has left of it
	said "the job's time limit is near: draining for "
}

@test "run: real: a requeued job announces itself anew" {
	use_cluster
	hello --requeue
	await 60 has url
	local first
	first=$(field url)
	scontrol requeue "$job"
	await 60 is state PENDING
	is url ''
	comment_is "svc,$svc,$first,ready,0,order-1"
	await 90 comment_like "svc,$svc,http://*,ready,1,order-1"
	curl -fsS "$(field url)/"
}

@test "run: real: a slurmctld that is away delays the announcement only" {
	svc-devcluster up -q --nodes=1 --dir="$PWD/c"
	export SLURM_CONF=$PWD/c/slurm.conf
	submit <<-EOF
	until [ -e gate ]; do sleep 0.1; done
	exec svc-run --drain=0s -- python3 $SVC_DIR/hello.py --port={port} --host={host}
	EOF
	await 60 is state RUNNING
	kill -STOP "$(cat c/slurmctld.pid)"
	touch gate
	await 60 said "ready at"
	curl -fsS "$(sed -n 's/.*ready at \([^ ]*\) .*/\1/p' out)/"
	await 60 said "not announced as ready"
	kill -CONT "$(cat c/slurmctld.pid)"
	await 90 comment_like "svc,$svc,http://*,ready,0,order-1"
	await 10 said "announced at last"
}

@test "run: real: services/hello and services/hello-socat run as they stand" {
	use_cluster
	local name url
	for name in hello hello-socat; do
		job=$(SVC_DIR=$root/services/$name sbatch --parsable -J "$svc" \
			-o "$PWD/out" "$root/services/$name/job.sh")
		await 60 has url
		url=$(field url)
		is service "$svc"
		[ "$(curl -fsS "$url/x" | jq -r '"\(.service) \(.path) \(.job_id)"')" = \
			"$name /x $job" ]
		scancel "$job"
		# by hand, from its own folder
		job=$(unset SVC_DIR; cd "$root/services/$name" &&
			sbatch --parsable -J "$svc" -o "$BATS_TEST_TMPDIR/out2" job.sh)
		await 60 has url
		[ "$(curl -fsS "$(field url)/y" | jq -r .service)" = "$name" ]
		scancel "$job"
	done
}
