#!/usr/bin/env bats
# svc-submit on a real Slurm, beside sbatch: the same job must come out.

load helper

setup() {
	test_setup
	use_cluster
	# what one job of these tests may not have in common with another
	normal='s/slurm-[0-9]+/slurm-ID/; s/^JobId=[0-9]+/JobId=ID/
		s/ArrayJobId=[0-9]+/ArrayJobId=ID/; s/Sid=.*//
		s/LastSchedEval=[^ ]*//; /SubmitTime=|AccrueTime=|StartTime=/d
		/EligibleTime=2/d'
	clean=(env -i PATH="$PATH" HOME="$PWD" TZ=UTC SLURM_CONF="$SLURM_CONF"
		BERTH_TEST="$BERTH_TEST")
	printf '#!/bin/sh\nexec sleep 60\n' >job.sh
}

teardown() {
	scancel "${jobs[@]}" 2>/dev/null || :
	[ -z "${own:-}" ] || svc-devcluster down -q --dir="$own"
	test_teardown
}

# shown JOB: what Slurm knows of it, its environment as it was submitted, and
# its script.
shown() {
	local spool
	scontrol show job "$1" | sed -E "$normal"
	spool=$(scontrol show config | sed -n 's/^StateSaveLocation *= //p')
	tail -c +5 "$spool/hash.$(($1 % 10))/job.$1/environment" |
		tr '\0' '\n' | grep -v '^_=' | sort
	scontrol write batch_script "$1" -
}

# as_sbatch OPTION...: held, by sbatch and by svc-submit; compared.
as_sbatch() {
	local a b
	a=$("${clean[@]}" sbatch --parsable -H "$@") || return
	b=$("${clean[@]}" svc-submit -H "$@" | jq -r .job_id) || return
	jobs+=("$a" "$b")
	shown "$a" >sbatch.txt
	shown "$b" >ours.txt
	diff -u --label "sbatch $*" sbatch.txt --label ours ours.txt
}

@test "names and arguments as sbatch has them" {
	as_sbatch job.sh
	as_sbatch job.sh 'a b' -t --x
	as_sbatch "$PWD/job.sh"
	as_sbatch -J 'x y' --comment='a, b' job.sh
	printf '#!/bin/sh\n#SBATCH -c 2 --ntasks-per-node=1\n#SBATCH -J "a b" # c\n\ntrue\n#SBATCH -t 1\n' >lines.sh
	as_sbatch lines.sh
	as_sbatch -c 3 -N2 lines.sh
}

@test "sizes as sbatch has them" {
	as_sbatch -N2 job.sh
	as_sbatch -N1-2 job.sh
	as_sbatch -N2 --ntasks=5 job.sh
	as_sbatch --ntasks=3 job.sh
	as_sbatch -N1-2 --ntasks=1 job.sh
	as_sbatch --ntasks-per-node=2 job.sh
	as_sbatch -N2 --ntasks-per-node=2 job.sh
	as_sbatch -N1-2 --ntasks-per-node=3 job.sh
	as_sbatch -c 3 job.sh
	as_sbatch -c 3 --ntasks=2 job.sh
	as_sbatch --mem=1G job.sh
	as_sbatch --mem=0 job.sh
	as_sbatch --mem=2000K job.sh
	as_sbatch --mem-per-cpu=100 -c2 job.sh
	as_sbatch --gres=gpu:1 job.sh
	as_sbatch --gres=gpu:1,gpu:2 job.sh
	as_sbatch -G 2 job.sh
	as_sbatch --gpus=1 --ntasks=2 job.sh
	as_sbatch --exclusive job.sh
	as_sbatch --exclusive=user job.sh
}

@test "places as sbatch has them" {
	as_sbatch -x n1 job.sh
	as_sbatch -w n1 job.sh
	as_sbatch -w n1,n2 job.sh
	as_sbatch -w 'n[1-2]' -N1-2 job.sh
	as_sbatch -p main job.sh
	as_sbatch -A acct job.sh
	as_sbatch --qos=q job.sh
	as_sbatch -o out.txt job.sh
	as_sbatch -o /tmp/o-%x -e err job.sh
	as_sbatch -D /usr "$PWD/job.sh"
	as_sbatch -D /usr -o x.out "$PWD/job.sh"
}

@test "times and conditions as sbatch has them" {
	as_sbatch -t 5 job.sh
	as_sbatch -t 1:30 job.sh
	as_sbatch -t 1-0 job.sh
	as_sbatch -t UNLIMITED job.sh
	as_sbatch -t 0 job.sh
	as_sbatch -b 2030-01-01T00:00:00 job.sh
	as_sbatch -b 01/31/30-16:00 job.sh
	as_sbatch -b 013130 job.sh
	as_sbatch -b teatime job.sh
	as_sbatch -d singleton job.sh
	as_sbatch -d "afterany:${jobs[0]}:${jobs[2]}" job.sh
	as_sbatch -a 1-5%2 job.sh
	as_sbatch -a 0,4-9:2 job.sh
	as_sbatch --requeue job.sh
	as_sbatch --no-requeue job.sh
	as_sbatch --signal=USR1 job.sh
	as_sbatch --signal=B:TERM@30 job.sh
	as_sbatch --signal=R:10@30 job.sh
	as_sbatch --signal=BR:SIGINT@30 job.sh
}

@test "the job sees the environment that sbatch's sees" {
	printf '#!/bin/sh\nenv -0 | sort -z | tr "\\0\\n" "\\n|"; ulimit -a\n' >env.sh
	export FOO='a
	b'
	clean+=(FOO="$FOO" SLURM_UMASK=0027)
	"${clean[@]}" sbatch --parsable -o sbatch.out -c 2 --gpus=1 env.sh >id
	"${clean[@]}" svc-submit -o ours.out -c 2 --gpus=1 env.sh >got
	jobs=("$(cat id)" "$(jq .job_id got)")
	await 30 jobs_ended "${jobs[@]}"
	for f in sbatch ours; do
		grep -vE '^(SLURM_JOB_?ID|SLURM_TASK_PID|SLURM_JOB_(START|END)_TIME|CUDA_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|ROCR_VISIBLE_DEVICES|ZE_AFFINITY_MASK|SLURM_JOB_GPUS|_|TMPDIR|SLURM_TOPOLOGY_ADDR|SLURMD_NODENAME|SLURM_(JOB_)?NODELIST)=' \
			"$f.out" >"$f.env"
	done
	grep -q '^FOO=a|	b$' ours.env
	diff -u sbatch.env ours.env
}

jobs_ended() {
	local job
	for job; do
		scontrol -o show job "$job" | grep -qE \
			'JobState=(COMPLETED|FAILED|CANCELLED|TIMEOUT)' || return 1
	done
}

@test "a command runs as it was written, in the directory it was ordered in" {
	cat >in <<-'END'
	{"kind":"submit","service":"a b","command":["/bin/sh","-c","printf '<%s>' \"$@\" \"$FOO\" \"$PWD\"","x","$(id)","é; `id`"],"env":{"FOO":"b\na"},"output":"out"}
	END
	run -0 svc-submit <in
	job=$(jq .job_id <<<"$output")
	jobs=("$job")
	await 30 jobs_ended "$job"
	printf '<$(id)><é; `id`><b\na><%s>' "$PWD" | diff - out
	scontrol -o show job "$job" | grep -q ' Comment=svc,a%20b,,wanted,0,'
}

@test "what Slurm refuses: its text and code, nothing submitted" {
	run -2 svc-submit -q -p nope job.sh
	same_ndjson - <(echo "$output") <<-'END'
	{"kind":"refused","order":"submit","name":"job.sh","error":"cannot submit the job: Invalid partition name specified","code":2000,"temporary":false}
	END
	run -2 svc-submit -q -d afterok:xyz job.sh
	[ "$(jq -c '[.kind,.code]' <<<"$output")" = '["refused",2038]' ]
}

@test "drain, then cancel; and each again" {
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 svc-submit <in
	job=$(jq .job_id <<<"$output")
	jobs=("$job")
	at=$(date -d "$(scontrol -o show job "$job" |
		sed 's/.* SubmitTime=\([^ ]*\) .*/\1/')" +%s)
	{
		echo '{"kind":"drain","job_id":'"$job"',"submit_at":'$((at + 1))'}'
		echo '{"kind":"drain","job_id":'"$job"',"submit_at":'"$at"'}'
	} >in
	run -1 svc-submit -q <in
	same_ndjson - <(echo "$output") <<-END
	{"kind":"refused","order":"drain","job_id":$job,"error":"job $job is another job now: submitted at $at, not $((at + 1))","temporary":false}
	{"kind":"drained","job_id":$job}
	END
	scontrol -o show job "$job" | grep -q ' Comment=svc,s,,draining,0,r1 '
	echo '{"kind":"cancel","job_id":'"$job"',"submit_at":'"$at"'}' >in
	run -0 svc-submit <in
	same_ndjson - <(echo "$output") <<-END
	{"kind":"cancelled","job_id":$job}
	END
	await 30 jobs_ended "$job"
	echo '{"kind":"drain","job_id":'"$job"'}' >>in
	run -0 svc-submit <in
	same_ndjson - <(echo "$output") <<-END
	{"kind":"cancelled","job_id":$job}
	{"kind":"drained","job_id":$job}
	END
	# an ended job still carries its request
	echo '{"kind":"submit","service":"s","request":"r1","script":"job.sh"}' >in
	run -0 svc-submit <in
	[ "$(jq -c '[.job_id,.again]' <<<"$output")" = "[$job,true]" ]
}

@test "cancel ends all tasks of an array" {
	run -0 svc-submit -a 1-3 job.sh
	job=$(jq .job_id <<<"$output")
	jobs=("$job")
	await 30 eval "[ \"\$(squeue -h -r -j $job -t R | wc -l)\" -ge 1 ]"
	echo '{"kind":"cancel","job_id":'"$job"'}' >in
	run -0 svc-submit <in
	await 30 eval "[ \"\$(squeue -h -r -j $job | wc -l)\" -eq 0 ]"
}

@test "two of us with the same orders at once: each request is one job" {
	for i in 1 2 3 4 5 6 7 8; do
		echo '{"kind":"submit","request":"'"$BATS_TEST_NAME-$i"'","script":"job.sh","hold":true,"name":"race"}'
	done >in
	spawn svc-submit -q <in >got1
	one=$pid
	spawn svc-submit -q <in >got2
	wait "$one"
	wait "$pid"
	mapfile -t jobs < <(cat got1 got2 | jq .job_id | sort -un)
	# both say the same job of each request
	diff -u <(jq -c '[.request,.job_id]' got1 | sort) \
		<(jq -c '[.request,.job_id]' got2 | sort)
	[ "${#jobs[@]}" -eq 8 ]
	[ "$(squeue -h -n race -t PD | wc -l)" -eq 8 ]
}

@test "slurmctld does not answer: temporary, and one job when it does again" {
	# one of its own: other tests need theirs to answer
	own=$BATS_TEST_TMPDIR/slurm
	svc-devcluster up -q --nodes=1 --dir="$own"
	export SLURM_CONF=$own/slurm.conf
	ctld=$(cat "$own/slurmctld.pid")
	echo '{"kind":"submit","service":"s","request":"'"$BATS_TEST_NAME"'","script":"job.sh","hold":true,"name":"stopped"}' >in
	kill -STOP "$ctld"
	spawn svc-submit -v --timeout=3m <in >got 2>err
	await 60 grep -q 'Socket timed out' err
	kill -CONT "$ctld"
	await 120 test -s got
	wait "$pid"
	[ "$(jq -r .kind got)" = submitted ]
	jobs=("$(jq .job_id got)")
	[ "$(squeue -h -n stopped | wc -l)" -eq 1 ]
}

@test "--via=sbatch: sbatch's own options, and the same looks for the request" {
	printf '#!/bin/sh\n#SBATCH --mail-type=NONE\nexec sleep 60\n' >mail.sh
	jq -nc --arg r "$BATS_TEST_NAME" '{kind:"submit",service:"v",request:$r,
		script:"mail.sh",nice:7,hold:true,time_limit_s:90}' >in
	run -0 svc-submit --via=sbatch <in
	job=$(jq .job_id <<<"$output")
	jobs=("$job")
	scontrol -o show job "$job" >job.txt
	grep -q ' Nice=7 ' job.txt
	grep -q ' TimeLimit=00:02:00 ' job.txt
	grep -q " Comment=svc,v,,wanted,0,$BATS_TEST_NAME " job.txt
	run -0 svc-submit --via=sbatch <in
	[ "$(jq -c '[.job_id,.again]' <<<"$output")" = "[$job,true]" ]
	run -2 svc-submit -q --via=sbatch -p nope mail.sh
	[ "$(jq -r .error <<<"$output")" = "sbatch: invalid partition specified: nope; Batch job submission failed: Invalid partition name specified" ]
}
