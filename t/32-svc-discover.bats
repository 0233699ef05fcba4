#!/usr/bin/env bats
# svc-discover over a libslurm that is played (t/unit/fake-slurm.c).

load helper

setup() {
	test_setup
	export FAKE_SLURM=$PWD/slurm SLURM_CONF=/dev/null
	mkdir slurm
	echo 1000 >slurm/now
}

# jobs_are: the jobs on stdin; replaced in one step, for a poll may read them.
jobs_are() { cat >slurm/new && mv slurm/new slurm/jobs; }

# want: the records on stdin and the end of the snapshot, into file want.
want() {
	cat >want
	printf '{"kind":"end","of":"instance","count":%d,"at":1000}\n' \
		"$(wc -l <want)" >>want
}

# wanted OPTION...: a snapshot is what want says, and nothing is said.
wanted() {
	run -0 --separate-stderr "$UNIT/fake-svc-discover" "$@"
	echo "$stderr"
	[ -z "$stderr" ]
	same_ndjson want <(echo "$output")
}

# follow OPTION...: svc-discover -f in the background, its records in got.
follow() { spawn "$UNIT/fake-svc-discover" -f -i 500ms "$@" >got 2>talk; }

# records KIND N: are there N of that kind in got by now?
records() { [ "$(grep -c "^{\"kind\":\"$1\"" got)" -ge "$2" ]; }

# urls: the URL of each job of the last snapshot in got, - for none.
urls() {
	jq -nr '[inputs] | (map(.kind) | rindex("end")) as $last
		| .[:$last] | (map(.kind) | rindex("end") // -1) as $before
		| .[$before + 1:] | map(.url // "-") | join(" ")' got
}
urls_are() { [ "$(urls)" = "$1" ]; }

@test "discover: no jobs are an empty snapshot" {
	want </dev/null
	wanted
	jobs_are </dev/null
	wanted
}

@test "discover: what announcements and states make of a job, sorted by id" {
	jobs_are <<-'EOF'
	{"job_id":9,"name":"hello","state":"FAILED","submit_at":90,"start_at":91,"end_at":95,"reason":"NonZeroExitCode","batch_host":"n9","nodes":"n9","comment":"svc,hello,http://n9:80,ready,0,r9"}
	{"job_id":10,"name":"hello","submit_at":100,"start_at":2000,"reason":"Resources","comment":"svc,hello,,wanted,0,r10"}
	{"job_id":2,"name":"x","state":"RUNNING","submit_at":20,"start_at":21,"end_at":99,"time_limit_s":60,"nodes":"n[1-2]","batch_host":"n1","comment":"svc,hello,,wanted,0,r2"}
	{"job_id":3,"name":"x","state":"RUNNING","submit_at":30,"start_at":31,"batch_host":"n1","comment":"svc,hello,http://10.0.0.1:8000,ready,0,r3"}
	{"job_id":4,"name":"x","state":"RUNNING","submit_at":40,"start_at":41,"batch_host":"n1","comment":"svc,hello,http://10.0.0.1:8001,draining,0,r4"}
	{"job_id":5,"name":"x","state":"SUSPENDED","submit_at":50,"start_at":51,"batch_host":"n1","comment":"svc,hello,http://10.0.0.1:8002,ready,0,"}
	{"job_id":6,"name":"by-name","state":"RUNNING","submit_at":60,"start_at":61,"batch_host":"n2"}
	{"job_id":7,"name":"hello","state":"RUNNING","submit_at":70,"start_at":71,"batch_host":"n2","comment":"a note of mine"}
	{"job_id":8,"name":"hello","state":"RUNNING","submit_at":80,"comment":"svc,,,wanted,0,batch-work"}
	{"job_id":11,"name":"hello","state":"RUNNING","submit_at":110,"comment":"svc,hello,http://n1:80,ready,0"}
	EOF
	want <<-'EOF'
	{"kind":"instance","service":"hello","job_id":2,"submit_at":20,"restart":0,"state":"RUNNING","node":"n1","ready":false,"start_at":21,"end_at":99,"request":"r2"}
	{"kind":"instance","service":"hello","job_id":3,"submit_at":30,"restart":0,"state":"RUNNING","node":"n1","url":"http://10.0.0.1:8000","ready":true,"start_at":31,"request":"r3"}
	{"kind":"instance","service":"hello","job_id":4,"submit_at":40,"restart":0,"state":"RUNNING","node":"n1","url":"http://10.0.0.1:8001","ready":true,"draining":true,"start_at":41,"request":"r4"}
	{"kind":"instance","service":"hello","job_id":5,"submit_at":50,"restart":0,"state":"SUSPENDED","node":"n1","ready":false,"start_at":51}
	{"kind":"instance","service":"by-name","job_id":6,"submit_at":60,"restart":0,"state":"RUNNING","node":"n2","ready":false,"start_at":61}
	{"kind":"instance","service":"hello","job_id":7,"submit_at":70,"restart":0,"state":"RUNNING","node":"n2","ready":false,"start_at":71}
	{"kind":"instance","service":"hello","job_id":9,"submit_at":90,"restart":0,"state":"FAILED","reason":"NonZeroExitCode","node":"n9","ready":false,"start_at":91,"end_at":95,"request":"r9"}
	{"kind":"instance","service":"hello","job_id":10,"submit_at":100,"restart":0,"state":"PENDING","reason":"Resources","ready":false,"start_at":2000,"request":"r10"}
	{"kind":"instance","service":"hello","job_id":11,"submit_at":110,"restart":0,"state":"RUNNING","ready":false}
	EOF
	wanted
	# the fields in the order that svc-records(5) has them
	run -0 "$UNIT/fake-svc-discover"
	[ "${lines[1]}" = "$(sed -n 2p want)" ]
	# one RPC each
	[ "$(jq -s 'map(.call) == ["jobs", "jobs"]' slurm/log)" = true ]
}

@test "discover: names narrow the list, each exactly" {
	jobs_are <<-'EOF'
	{"job_id":1,"name":"a","submit_at":10}
	{"job_id":2,"name":"ab","submit_at":10}
	{"job_id":3,"name":"a b","submit_at":10}
	{"job_id":4,"name":"a","submit_at":10,"comment":"svc,other,,wanted,0,r"}
	{"job_id":5,"name":"z","submit_at":10,"comment":"svc,a%20b,,wanted,0,r"}
	EOF
	want <<-'EOF'
	{"kind":"instance","service":"a","job_id":1,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"a b","job_id":3,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"a b","job_id":5,"submit_at":10,"restart":0,"state":"PENDING","ready":false,"request":"r"}
	EOF
	wanted a "a b"
	want </dev/null
	wanted -- -f
}

@test "discover: names with anything in them are safe" {
	jobs_are <<-'EOF'
	{"job_id":1,"name":"a, b | c \"d\" \\ ' %20","submit_at":10}
	{"job_id":2,"name":"Größe 模型 🚀","submit_at":10}
	{"job_id":3,"name":"tab\tnew\nline\u0001\u007f","submit_at":10}
	{"job_id":4,"name":"x","submit_at":10,"comment":"svc,%FFa%C3(%ED%A0%80%F4%90%80%80%C0%AFz%E2%82,,wanted,0,r%FE"}
	{"job_id":5,"name":"x","submit_at":10,"comment":"svc,a%2Cb%7C%25,,wanted,0,1%2C2"}
	EOF
	want <<-'EOF'
	{"kind":"instance","service":"a, b | c \"d\" \\ ' %20","job_id":1,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"Größe 模型 🚀","job_id":2,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"tab\tnew\nline\u0001\u007f","job_id":3,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"\ufffda\ufffd(\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdz\ufffd\ufffd","job_id":4,"submit_at":10,"restart":0,"state":"PENDING","ready":false,"request":"r\ufffd"}
	{"kind":"instance","service":"a,b|%","job_id":5,"submit_at":10,"restart":0,"state":"PENDING","ready":false,"request":"1,2"}
	EOF
	wanted
}

@test "discover: a requeued job has lost the URL of its former run" {
	jobs_are <<-'EOF'
	{"job_id":1,"name":"x","state":"RUNNING","restart":1,"submit_at":10,"comment":"svc,a,http://n1:1,ready,0,r1"}
	{"job_id":2,"name":"x","state":"RUNNING","restart":1,"submit_at":10,"comment":"svc,a,http://n1:2,ready,1,r2"}
	{"job_id":3,"name":"x","state":"RUNNING","restart":2,"submit_at":10,"comment":"svc,a,http://n1:3,draining,1,r3"}
	{"job_id":4,"name":"x","state":"PENDING","restart":1,"submit_at":10,"comment":"svc,a,http://n1:4,ready,1,r4"}
	EOF
	want <<-'EOF'
	{"kind":"instance","service":"a","job_id":1,"submit_at":10,"restart":1,"state":"RUNNING","ready":false,"request":"r1"}
	{"kind":"instance","service":"a","job_id":2,"submit_at":10,"restart":1,"state":"RUNNING","url":"http://n1:2","ready":true,"request":"r2"}
	{"kind":"instance","service":"a","job_id":3,"submit_at":10,"restart":2,"state":"RUNNING","ready":false,"request":"r3"}
	{"kind":"instance","service":"a","job_id":4,"submit_at":10,"restart":1,"state":"PENDING","ready":false,"request":"r4"}
	EOF
	wanted
}

@test "discover: traefik comments give a URL and no word of readiness" {
	jobs_are <<-'EOF'
	{"job_id":1,"name":"x","state":"RUNNING","submit_at":10,"comment":"traefik,llama,http://10.0.0.1:8000/"}
	{"job_id":2,"name":"x","state":"RUNNING","submit_at":10,"comment":"traefik,a, b,http://n1:2/base"}
	{"job_id":3,"name":"x","state":"RUNNING","submit_at":10,"comment":"traefik,https,https://n1:2"}
	{"job_id":4,"name":"x","state":"PENDING","submit_at":10,"comment":"traefik,llama,http://n1:4"}
	{"job_id":5,"name":"x","state":"RUNNING","restart":1,"submit_at":10,"comment":"traefik,llama,http://n1:5"}
	EOF
	want <<-'EOF'
	{"kind":"instance","service":"llama","job_id":1,"submit_at":10,"restart":0,"state":"RUNNING","url":"http://10.0.0.1:8000"}
	{"kind":"instance","service":"a, b","job_id":2,"submit_at":10,"restart":0,"state":"RUNNING","url":"http://n1:2/base"}
	{"kind":"instance","service":"x","job_id":3,"submit_at":10,"restart":0,"state":"RUNNING","ready":false}
	{"kind":"instance","service":"llama","job_id":4,"submit_at":10,"restart":0,"state":"PENDING","ready":false}
	{"kind":"instance","service":"llama","job_id":5,"submit_at":10,"restart":1,"state":"RUNNING","ready":false}
	EOF
	wanted
}

@test "discover: -f sees a requeued traefik job announce itself anew" {
	local job='"job_id":1,"name":"x","comment":"traefik,a,http://n1'
	run_is() { jobs_are <<<"{$job:$1\",\"state\":\"$2\",\"restart\":$3,\"submit_at\":$4}"; }
	run_is 1 RUNNING 0 10
	follow
	await 10 urls_are http://n1:1
	run_is 1 PENDING 1 10
	await 10 urls_are -
	run_is 1 RUNNING 1 10
	records end 1
	await 10 records end "$(($(grep -c '"end"' got) + 2))"
	urls_are -
	run_is 2 RUNNING 1 10
	await 10 urls_are http://n1:2
	# Slurm gives a requeued job a new submit time, and we may miss its wait
	run_is 3 RUNNING 2 30
	await 10 urls_are http://n1:3
	await 10 records end "$(($(grep -c '"end"' got) + 2))"
	urls_are http://n1:3
	# the same id, but another job: what was seen of the first says nothing
	run_is 4 RUNNING 1 40
	await 10 urls_are -
	end_pid "$pid"
}

@test "discover: --urls takes the URL of a running job from its file" {
	mkdir urls
	jq -nc 'range(1; 15) | { job_id: ., name: "um", state: "RUNNING",
		submit_at: 10, start_at: 1000 }
		| if .job_id == 2 then .state = "PENDING" else . end
		| if .job_id == 14 then .comment = "svc,um,http://n1:14,ready,0,r"
		  else . end' | jobs_are
	for i in 1 2 10 14 99; do echo "http://n$i:80" >"urls/url-$i.txt"; done
	printf 'http://n3:8' >urls/url-3.txt
	: >urls/url-4.txt
	head -c 3000 /dev/urandom >urls/url-5.txt
	{ echo http://n6:80; yes | head -n 2000; } >urls/url-6.txt
	mkfifo urls/url-7.txt
	mkdir urls/url-8.txt
	ln -s url-1.txt urls/url-9.txt
	touch -d @999 urls/url-10.txt
	printf 'http://n11:80/base/\r\nmore\n' >urls/url-11.txt
	printf 'file:///etc/passwd\n' >urls/url-12.txt
	printf '\nhttp://n13:80\n' >urls/url-13.txt
	touch -d @1000 urls/url-1.txt
	jq -nc 'range(1; 15) | { kind: "instance", service: "um", job_id: .,
		submit_at: 10, restart: 0, state: "RUNNING", ready: false,
		start_at: 1000 }
		| if .job_id == 2 then .state = "PENDING" else . end
		| if .job_id == 1 then .url = "http://n1:80" | del(.ready)
		  elif .job_id == 11 then .url = "http://n11:80/base" | del(.ready)
		  elif .job_id == 14 then .url = "http://n1:14" | .ready = true
		    | .request = "r" else . end' | want
	wanted --urls=urls
	run -0 --separate-stderr "$UNIT/fake-svc-discover" -v --urls=urls
	diff -u - <(echo "$stderr") <<-'EOF'
	svc-discover: url-3.txt: passed over: its first line is no URL
	svc-discover: url-4.txt: passed over: its first line is no URL
	svc-discover: url-5.txt: passed over: too long for a URL
	svc-discover: url-6.txt: passed over: too long for a URL
	svc-discover: url-7.txt: passed over: not a regular file
	svc-discover: url-8.txt: passed over: not a regular file
	svc-discover: url-9.txt: Too many levels of symbolic links
	svc-discover: url-10.txt: passed over: older than the start of the job
	svc-discover: url-12.txt: passed over: its first line is no URL
	svc-discover: url-13.txt: passed over: its first line is no URL
	EOF
}

@test "discover: somebody else's URL file is passed over" {
	[ "$(id -u)" -eq 0 ]
	mkdir urls
	echo http://n1:80 >urls/url-1.txt
	chown nobody urls/url-1.txt
	jobs_are <<<'{"job_id":1,"name":"um","state":"RUNNING","submit_at":10}'
	want <<<'{"kind":"instance","service":"um","job_id":1,"submit_at":10,"restart":0,"state":"RUNNING","ready":false}'
	wanted --urls=urls
}

@test "discover: a directory of URL files that goes away makes it stale" {
	mkdir urls
	run -2 --separate-stderr "$UNIT/fake-svc-discover" --urls=nowhere
	[ "$stderr" = "svc-discover: nowhere: No such file or directory" ]
	[ -z "$output" ]
	follow --urls=urls
	await 10 records end 1
	rmdir urls
	await 10 records stale 1
	mkdir urls
	await 10 records end 2
	end_pid "$pid"
	[ "$(jq -c 'select(.kind == "stale")' got | head -n 1)" = \
		'{"kind":"stale","of":"instance","since_at":1000,"error":"urls: No such file or directory"}' ]
}

@test "discover: Slurm does not answer: stale, 75, never an empty snapshot" {
	echo 'jobs 1800 always' >slurm/answers
	run -75 --separate-stderr "$UNIT/fake-svc-discover"
	echo "$stderr"
	[ "$(jq -c 'del(.error)' <<<"$output")" = \
		'{"kind":"stale","of":"instance","since_at":0}' ]
	[ "svc-discover: $(jq -r .error <<<"$output")" = "$stderr" ]
	# what waiting cannot heal: Invalid user id
	echo 'jobs 2010 always' >slurm/answers
	run -2 --separate-stderr "$UNIT/fake-svc-discover"
	[ "$(jq -r .kind <<<"$output")" = stale ]
}

@test "discover: -f goes on through an outage, backing off, and says it once" {
	jobs_are <<<'{"job_id":1,"name":"a","submit_at":10}'
	follow
	await 10 records end 1
	local start
	start=$(date +%s%N)
	echo 'jobs 1800 always' >slurm/answers
	await 20 records stale 4
	# at 0, 0.5, 1.5 and 3.5 s, counted from the first that failed
	[ $(($(date +%s%N) - start)) -ge 3400000000 ]
	: >slurm/answers
	await 20 records end "$(($(grep -c '"end"' got) + 1))"
	end_pid "$pid"
	# never an empty snapshot: before each end there is the job
	[ "$(jq -r .kind got | uniq | paste -sd' ' | sed 's/\(instance end \)*instance end/S/g')" = \
		"S stale S" ]
	jq 'select(.kind == "stale") | .since_at == 1000' got >all
	[ "$(sort -u all)" = true ]
	[ "$(grep -c 'the last snapshot stands' talk)" -eq 1 ]
	[ "$(grep -c 'Slurm answers again' talk)" -eq 1 ]
}

@test "discover: -f is one RPC a poll and ends at SIGTERM and SIGINT with 0" {
	local signal
	for signal in TERM INT; do
		: >slurm/log
		jobs_are <<<'{"job_id":1,"name":"a","submit_at":10}'
		(trap - INT; exec "$UNIT/fake-svc-discover" -f -i 500ms >got) 3>&- &
		pid=$!
		await 10 records end 3
		kill -"$signal" "$pid"
		local status=0
		wait "$pid" || status=$?
		[ "$status" -eq 0 ]
		[ "$(jq -s 'map(.call) | unique == ["jobs"]' slurm/log)" = true ]
		[ "$(wc -l <slurm/log)" -eq "$(grep -c '"end"' got)" ]
		# whole snapshots only
		[ "$(tail -n 1 got)" = '{"kind":"end","of":"instance","count":1,"at":1000}' ]
	done
}

@test "discover: SIGTERM does not wait for a Slurm that hangs" {
	mkfifo slurm/delay_ms	# it is read when Slurm is asked
	follow
	within 10 sh -c 'echo 60000 >slurm/delay_ms'
	local status=0 start=$SECONDS
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 0 ]
	[ $((SECONDS - start)) -lt 5 ]
	[ ! -s got ]
}

@test "discover: no more than two polls a second, whatever -i says" {
	local start
	start=$(date +%s%N)
	spawn "$UNIT/fake-svc-discover" -f -i 1ms >got 2>talk
	await 10 records end 4
	[ $(($(date +%s%N) - start)) -ge 1400000000 ]
	end_pid "$pid"
	diff -u talk <(echo "svc-discover: -i 1ms: raised to 500ms, to be kind to slurmctld")
}

@test "discover: when 120 polls saw no change it polls half as often" {
	jobs_are <<<'{"job_id":1,"name":"a","submit_at":10}'
	follow
	await 100 records end 122
	local start
	start=$(date +%s%N)
	await 10 records end 124
	# two polls: at most 1.1 s before, at least 2 s now, less one poll's phase
	[ $(($(date +%s%N) - start)) -ge 1400000000 ]
	jobs_are <<<'{"job_id":2,"name":"a","submit_at":10}'
	await 10 grep -q '"job_id":2' got
	start=$(date +%s%N)
	await 10 records end "$(($(grep -c '"end"' got) + 3))"
	[ $(($(date +%s%N) - start)) -lt 2500000000 ]
	end_pid "$pid"
}

@test "discover: a reader that went away ends it, as a filter ends" {
	local status
	jobs_are <<<'{"job_id":1,"name":"a","submit_at":10}'
	mkfifo pipe
	{
		status=0
		"$UNIT/fake-svc-discover" -f -i 500ms >pipe 2>talk || status=$?
		echo "$status" >status.new && mv status.new status
	} 3>&- &
	head -n 2 <pipe >first
	await 10 test -s status
	[ "$(cat status)" -eq 141 ]
	[ ! -s talk ]
}

@test "discover: a stdout that is full or closed is 75, a closed stdin nothing" {
	jobs_are <<<'{"job_id":1,"name":"a","submit_at":10}'
	run -75 bash -c '"$UNIT/fake-svc-discover" >/dev/full'
	[ "$output" = "svc-discover: stdout: No space left on device" ]
	run -75 bash -c '"$UNIT/fake-svc-discover" -f >/dev/full'
	[ "$output" = "svc-discover: stdout: No space left on device" ]
	run -75 bash -c '"$UNIT/fake-svc-discover" >&-'
	[ "$output" = "svc-discover: stdout: Bad file descriptor" ]
	[ "$(wc -l <slurm/log)" -eq 2 ]
	run -0 bash -c '"$UNIT/fake-svc-discover" <&-'
	[ "${#lines[@]}" -eq 2 ]
}

@test "discover: 20000 jobs are one whole snapshot" {
	jq -nc 'range(20000; 0; -1) | { job_id: ., name: "a", submit_at: 10,
		state: "RUNNING", comment: "svc,a,http://n1:80,ready,0,r\(.)" }' | jobs_are
	"$UNIT/fake-svc-discover" >got
	[ "$(jq -nc '[inputs | .job_id // 0] | [length, .[0], .[19999], .[20000]]' got)" = \
		'[20001,1,20000,0]' ]
	[ "$(jq -r '.job_id // empty' got | sort -nc && wc -l <got)" -eq 20001 ]
}

@test "discover: wrong usage is 2, no configuration too; help and version" {
	local usage
	run -0 "$UNIT/fake-svc-discover" --help
	usage=${lines[0]}
	[ "$usage" = "usage: svc-discover [-fqv] [-i DURATION] [--urls=DIR] [NAME...]" ]
	run -0 "$UNIT/fake-svc-discover" -V
	[[ $output == "svc-discover (berth) "* ]]
	run -2 --separate-stderr "$UNIT/fake-svc-discover" --frob
	[[ $stderr == *"$usage"* ]]
	run -2 --separate-stderr "$UNIT/fake-svc-discover" -i
	[[ $stderr == *"$usage"* ]]
	run -2 "$UNIT/fake-svc-discover" -i soon
	[ "$output" = "svc-discover: --interval: 'soon' is not a duration (30s, 5m, 2h, 1-12:00:00)" ]
	run -2 "$UNIT/fake-svc-discover" -i 25d
	[ "$output" = "svc-discover: --interval: '25d' is longer than 24 days" ]
	run -2 "$UNIT/fake-svc-discover" --seed=x
	[ "$output" = "svc-discover: --seed: 'x' is not a number" ]
	SLURM_CONF=$PWD/none run -2 "$UNIT/fake-svc-discover"
	[ "$output" = "svc-discover: $PWD/none: No such file or directory" ]
	[ ! -e slurm/log ]
}

@test "discover: the manual's examples" {
	jobs_are <<-'EOF'
	{"job_id":1,"name":"x","state":"RUNNING","submit_at":10,"comment":"svc,a b,http://n1:1,ready,0,r"}
	{"job_id":2,"name":"hello","submit_at":10,"reason":"Resources"}
	{"job_id":3,"name":"hello","state":"RUNNING","submit_at":10}
	EOF
	mkdir bin
	ln -s "$UNIT/fake-svc-discover" bin/svc-discover
	PATH=$PWD/bin:$PATH
	manual svc-discover.1 | grep '^svc-discover.*jq' >commands
	[ "$(wc -l <commands)" -eq 2 ]
	[ "$(sh commands)" = $'a b http://n1:1\nResources' ]
}

# manual PAGE: its literal lines, as a reader sees them.
manual() { mandoc -T ascii -O width=200 "$root/man/$1" | col -bx | sed 's/^ *//'; }
