#!/usr/bin/env bats
# What services/ holds, without a Slurm.

load helper

# serve CMD...: under svc-run, ready at $url.
serve() {
	mkdir -p urls
	SLURM_JOB_ID=7 SLURMD_NODENAME=n1 spawn svc-run -q --announce=file:urls \
		--drain=0s -- "$@"
	await 20 test -s urls/url-7.txt
	url=$(cat urls/url-7.txt)
}

hello() { serve python3 "$root/services/hello/hello.py" "$@"; }

# answers JSON CURL-ARGUMENT...: less the pid, which differs.
answers() {
	curl -fsS "${@:2}" | jq -c 'del(.pid)' >got
	same_ndjson <(jq -c ". + {node: \"n1\", port: ${url##*:}, job_id: 7}" <<<"$1") got
}

# status CODE CURL-ARGUMENT...
status() { [ "$(curl -so /dev/null -w '%{http_code}' "${@:2}")" = "$1" ]; }

# served CURL-ARGUMENT...: with 200, in the background; adds a line to done.
served() {
	if status 200 "$@"; then echo ok; else echo failed; fi >>done
}

@test "services: hello answers any method and says how much it was sent" {
	hello '--port={port}' '--host={host}'
	answers '{"service":"hello","path":"/a?b=c","method":"GET"}' "$url/a?b=c"
	answers '{"service":"hello","path":"/","method":"BREW"}' -X BREW "$url/"
	answers '{"service":"hello","path":"/p","method":"POST","body_bytes":5}' -d 12345 "$url/p"
	answers '{"service":"hello","path":"/p","method":"PUT","body_bytes":70000}' \
		-T <(head -c 70000 /dev/zero) -H 'Transfer-Encoding: chunked' "$url/p"
	# one connection for several requests, HEAD too
	[ "$(curl -fsS -w '%{num_connects}\n' -o /dev/null "$url/" -o /dev/null "$url/b" |
		paste -sd' ')" = "1 0" ]
	curl -fsSI "$url/" | grep -qi '^content-length: [1-9]'
	kill -TERM "$pid"
	wait "$pid"
}

@test "services: hello is slow and streams when asked to" {
	hello
	answers '{"service":"hello","path":"/slow?ms=100","method":"GET"}' "$url/slow?ms=100"
	curl -fsSN "$url/stream?n=3&ms=10" | sed -n 's/^data: //p' | jq -c .event >got
	[ "$(paste -sd' ' got)" = "0 1 2" ]
	status 400 "$url/slow?ms=x"
	status 400 "$url/slow?ms=$(printf '%05000d' 1)"
	status 400 -H "Content-Length: $(printf '%05000d' 1)" -X POST "$url/"
	status 400 "$url/stream?n=-1"
	status 400 -H 'Content-Length: x' -X POST "$url/"
	status 200 "$url/"
	kill -TERM "$pid"
	wait "$pid"
}

@test "services: hello finishes what is under way when it is told to end" {
	hello
	served "$url/slow?ms=1500" 3>&- &
	served "$url/stream?n=15&ms=100" 3>&- &
	# both are in the server's hands when it has accepted their connections
	await 10 established 2
	kill -TERM "$pid"
	wait "$pid"
	await 10 lines 2 done
	[ "$(sort -u done)" = ok ]
}
established() {
	[ "$(ss -Htn state established "sport = :${url##*:}" | wc -l)" -ge "$1" ]
}
lines() { [ "$(wc -l <"$2")" -eq "$1" ]; }

@test "services: hello-socat answers, and refuses what it cannot say" {
	cd "$root/services/hello-socat"
	mkdir "$BATS_TEST_TMPDIR/urls"
	SLURM_JOB_ID=7 SLURMD_NODENAME=n1 spawn svc-run -q --drain=0s \
		--announce=file:"$BATS_TEST_TMPDIR/urls" -- \
		socat 'TCP-LISTEN:{port},bind={host},reuseaddr,fork' EXEC:./answer.sh
	cd "$BATS_TEST_TMPDIR/cwd"
	await 20 test -s ../urls/url-7.txt
	url=$(cat ../urls/url-7.txt)
	answers '{"service":"hello-socat","path":"/a?b=c","method":"GET"}' "$url/a?b=c"
	answers '{"service":"hello-socat","path":"/","method":"POST"}' \
		--data-binary @<(head -c 100000 /dev/zero) "$url/"
	status 200 -I "$url/"
	status 400 "$url/\"quoted\""
	status 400 -H 'Content-Length: x' -X POST "$url/"
	[ "$(printf 'rubbish\r\n\r\n' | socat - "TCP:${url#http://}" | head -n 1)" = \
		$'HTTP/1.1 400 Bad Request\r' ]
	local status=0
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
}

@test "services: every service.json is a sound service named as its folder" {
	local dir
	for dir in "$root"/services/*/; do
		jq -e --arg n "$(basename "$dir")" \
			'.kind == "service" and .name == $n and .job.script == "job.sh"' \
			"$dir/service.json"
		[ -x "$dir/job.sh" ]
		[ -s "$dir/README.md" ]
		grep -qx "#SBATCH --job-name=$(basename "$dir")" "$dir/job.sh"
	done
}

@test "examples of svc-keepalive(1) and svc-submit(1) that need no Slurm" {
	cp -R "$root/services" .
	page_example 3 svc-keepalive.1 >script
	bash -eo pipefail script >got
	jq -r 'select(.kind == "submit") | .request' got |
		diff -u - <(printf '%s\n' hello/0/0 hello/1/0 hello-socat/0/0)
	page_example 2 svc-submit.1 >script
	bash -eo pipefail script >got
	[ "$(jq -c '[.kind, .service, .command]' got)" = '["submit","hello",["sleep","60"]]' ]
}
