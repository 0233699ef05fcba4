#!/usr/bin/env bats
# svc-run, over a libslurm that is played where it asks for one at all.

load helper

setup() {
	test_setup
	export FAKE_SLURM=$PWD/slurm SLURM_CONF=/dev/null
	export SLURM_JOB_ID=7 SLURM_JOB_NAME=by-job
	mkdir slurm urls
	url_file=$PWD/urls/url-7.txt
}

# job COMMENT [FIELDS]: the job we are in, as Slurm has it.
job() {
	jq -nc --arg c "$1" "{job_id: 7, name: \"by-job\", state: \"RUNNING\",
		submit_at: 10, comment: \$c} + ${2:-{\}}" >slurm/jobs
}
comment() { jq -r .comment slurm/jobs; }
comment_is() { [ "$(comment)" = "$1" ]; }
comment_like() { [[ $(comment) == $1 ]]; }
updates() { [ "$(grep -c '"update"' slurm/log)" -ge "$1" ]; }

# start OPTION... -- CMD...: svc-run in the background; its words in talk.
start() { spawn "$UNIT/fake-svc-run" "$@" >out 2>talk; }
start_file() { start --announce=file:urls "$@"; }

# ended STATUS: svc-run has ended, with that.
ended() {
	local status=0
	wait "$pid" || status=$?
	[ "$status" -eq "$1" ] || {
		echo "status $status, not $1"
		cat talk
		return 1
	}
}

said() { grep -qF -- "$1" talk; }

# program NAME: a script on stdin.
program() { cat >"$1" && chmod +x "$1"; }

# server: answers with what the file status says; --wait=FILE: once that is
# there. Writes `term` and ends with 0 at SIGTERM.
server() {
	program server <<-'EOF'
	#!/usr/bin/env python3
	import http.server, os, signal, sys, time
	class H(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        open("paths", "a").write(self.path + "\n")
	        self.send_response(int(open("status").read()))
	        self.send_header("Content-Length", "0")
	        self.end_headers()
	    def log_message(self, *_):
	        pass
	def term(*_):
	    open("term", "w").write(repr(time.time()))
	    os._exit(0)
	signal.signal(signal.SIGTERM, term)
	open("begun", "w").close()
	while len(sys.argv) > 1 and not os.path.exists(sys.argv[1]):
	    time.sleep(0.02)
	s = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), H)
	s.serve_forever()
	EOF
	echo 200 >status
}

# Nothing that this test started is left.
nothing_left() {
	local pids
	mapfile -t pids < <(test_pids)
	pids_dead "${pids[@]}"
}

# helpers_of PID: the processes that svc-run has forked for itself.
helpers_of() {
	local p
	for p in $(cat "/proc/$1/task/$1/children"); do
		[ "$(cat "/proc/$p/comm")" != fake-svc-run ] || echo "$p"
	done
}

@test "run: announces in a file once it answers, and takes it back" {
	server
	start_file -v --drain=0s -- ./server gate
	await 10 said "not ready"
	[ -z "$(ls -A urls)" ]
	touch gate
	await 10 test -e "$url_file"
	[[ $(cat "$url_file") =~ ^http://127\.0\.0\.1:[0-9]+$ ]]
	[ "$(wc -l <"$url_file")" -eq 1 ]
	[ "$(stat -c %a "$url_file")" = 644 ]
	[ "$(ls -A urls)" = url-7.txt ]
	[ "$(curl -so /dev/null -w '%{http_code}' "$(cat "$url_file")/")" = 200 ]
	end_pid "$pid"
	ended 0
	[ -z "$(ls -A urls)" ]
}

@test "run: a link among the URL files is not followed" {
	server
	echo mine >kept
	ln -s ../kept "$url_file.new"
	start_file --drain=0s -- ./server
	await 10 said "not announced as ready: urls/url-7.txt.new: Too many levels of symbolic links; again in 1 s"
	[ "$(cat kept)" = mine ]
	rm "$url_file.new"
	await 10 test -e "$url_file"
	end_pid "$pid"
	ended 0
}

@test "run: an old file of the job goes at once; the umask does not matter" {
	server
	echo http://old:1 >"$url_file"
	umask 077
	start_file -v --drain=0s -- ./server gate
	await 10 said "not ready"
	[ -z "$(ls -A urls)" ]
	touch gate
	await 10 test -e "$url_file"
	[ "$(stat -c %a "$url_file")" = 644 ]
	kill -TERM "$pid"
	ended 0
}

@test "run: waits for an expected status at the path" {
	server
	echo 503 >status
	start_file -v --path='/health?x=1' --status=200,204 --drain=0s -- ./server
	await 10 said "/health?x=1: status 503 Service Unavailable is not one of 200,204"
	[ -z "$(ls -A urls)" ]
	echo 404 >status
	await 10 said "status 404 Not Found"
	[ -z "$(ls -A urls)" ]
	echo 204 >status
	await 10 test -e "$url_file"
	[ "$(sort -u paths)" = '/health?x=1' ]
	kill -TERM "$pid"
	ended 0
}

@test "run: no redirect is followed, no proxy asked, an endless body not read" {
	program endless <<-'EOF'
	#!/usr/bin/env python3
	import os, socket
	s = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
	while True:
	    c = s.accept()[0]
	    open("asked", "ab").write(c.recv(65536))
	    c.sendall(b"HTTP/1.1 302 Found\r\nLocation: /else\r\n\r\n")
	    try:
	        while True:
	            c.sendall(b"x" * 65536)
	    except OSError:
	        c.close()
	EOF
	http_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 \
		start_file --drain=0s -- ./endless
	await 10 test -e "$url_file"
	[ "$(grep -ac '^GET ' asked)" -eq 1 ]
	[ "$(head -n 1 asked)" = $'GET / HTTP/1.1\r' ]
	kill -TERM "$pid"
	ended 143
}

@test "run: --path=- is content with a connection" {
	program mute <<-'EOF'
	#!/bin/sh
	until [ -e gate ]; do sleep 0.05; done
	exec socat "TCP-LISTEN:$PORT,bind=$HOST,fork,reuseaddr" PIPE
	EOF
	start_file -v --path=- --drain=0s -- ./mute
	await 10 said "Connection refused"
	[ -z "$(ls -A urls)" ]
	touch gate
	await 10 test -e "$url_file"
	kill -TERM "$pid"
	ended 143
}

@test "run: placeholders, environment, standard streams; the shell sees nothing" {
	program show <<-'EOF'
	#!/bin/sh
	printf '%s\n' "$PORT" "$HOST" "$URL" "$@"
	cat
	exit 5
	EOF
	local status=0
	echo stdin | "$UNIT/fake-svc-run" -q --announce=file:urls --host=localhost -- \
		./show '{port}' 'a{host}b{port}c' '{url}/x' '{other}' '{' '' \
		'$(touch no) ; `touch no`' '{port' >out 2>talk || status=$?
	[ "$status" -eq 5 ]
	[ ! -s talk ]
	[ ! -e no ]
	local port
	port=$(head -n 1 out)
	[ "$port" -ge 20000 ]
	[ "$port" -lt 32768 ]
	diff -u - out <<-EOF
	$port
	localhost
	http://localhost:$port
	$port
	alocalhostb${port}c
	http://localhost:$port/x
	{other}
	{

	\$(touch no) ; \`touch no\`
	{port
	stdin
	EOF
}

@test "run: exits as CMD did" {
	run -0 "$UNIT/fake-svc-run" -q --announce=file:urls -- true
	run -3 "$UNIT/fake-svc-run" -q --announce=file:urls -- sh -c 'exit 3'
	run -137 "$UNIT/fake-svc-run" -q --announce=file:urls -- sh -c 'kill -KILL $$'
	run -137 "$UNIT/fake-svc-run" --announce=file:urls -- sh -c 'kill -KILL $$'
	[[ $output =~ ^svc-run:\ sh\ ended\ after\ 0\.[0-9]\ s:\ signal\ 9\ \(Killed\)$ ]]
	run -2 "$UNIT/fake-svc-run" --announce=file:urls -- ./none
	[ "$output" = "svc-run: ./none: No such file or directory" ]
	echo >plain
	run -2 "$UNIT/fake-svc-run" --announce=file:urls -- ./plain
	[ "$output" = "svc-run: ./plain: Permission denied" ]
}

@test "run: a CMD that ends after it was ready ends us with its status" {
	program once <<-'EOF'
	#!/bin/sh
	socat "TCP-LISTEN:$PORT,bind=$HOST,fork,reuseaddr" PIPE &
	until [ -e gate ]; do sleep 0.05; done
	exit 9
	EOF
	start_file --path=- -- ./once
	await 10 test -e "$url_file"
	touch gate
	ended 9
	[ -z "$(ls -A urls)" ]
}

@test "run: SIGTERM takes the announcement back, serves on, then ends CMD" {
	server
	start_file --drain=2s -- ./server
	await 10 test -e "$url_file"
	local url
	url=$(cat "$url_file")
	local start
	start=$(date +%s%N)
	kill -TERM "$pid"
	await 10 test ! -e "$url_file"
	curl -fsS "$url/while-draining"
	[ ! -e term ]
	ended 0
	[ -e term ]
	local ms=$((($(date +%s%N) - start) / 1000000))
	[ "$ms" -ge 2000 ]
	said "Terminated: draining for 2 s"
	grep -qx /while-draining paths
}

@test "run: a second SIGTERM does not wait" {
	server
	start_file --drain=10m -- ./server
	await 10 test -e "$url_file"
	kill -TERM "$pid"
	await 10 said draining
	kill -TERM "$pid"
	ended 0
	[ -e term ]
}

@test "run: SIGINT and SIGHUP drain too; SIGUSR1 and SIGUSR2 go to CMD" {
	program usr <<-'EOF'
	#!/bin/sh
	trap 'echo usr1 >>got' USR1
	trap 'echo usr2 >>got' USR2
	trap 'exit 4' TERM
	socat "TCP-LISTEN:$PORT,bind=$HOST,fork,reuseaddr" PIPE &
	while :; do sleep 0.05; done
	EOF
	local signal
	for signal in INT HUP; do
		rm -f got
		(trap - INT; exec "$UNIT/fake-svc-run" --announce=file:urls \
			--path=- --drain=0s -- ./usr >out 2>talk) 3>&- &
		pid=$!
		await 10 test -e "$url_file"
		kill -USR1 "$pid"
		await 10 grep -qsx usr1 got
		kill -USR2 "$pid"
		await 10 grep -qsx usr2 got
		kill -"$signal" "$pid"
		ended 4
	done
}

@test "run: SIGTERM before CMD is ready ends it at once" {
	server
	start_file -v --drain=10m -- ./server gate
	await 10 test -e begun
	await 10 said "not ready"
	kill -TERM "$pid"
	ended 0
	[ -e term ]
	said "which was not ready yet"
}

@test "run: a CMD deaf to SIGTERM gets SIGKILL after ten seconds" {
	program deaf <<-'EOF'
	#!/bin/sh
	trap '' TERM
	socat "TCP-LISTEN:$PORT,bind=$HOST,fork,reuseaddr" PIPE &
	while :; do sleep 1; done
	EOF
	start_file --path=- --drain=0s -- ./deaf
	await 10 test -e "$url_file"
	local start=$SECONDS
	kill -TERM "$pid"
	ended 137
	[ $((SECONDS - start)) -ge 9 ]
	said "./deaf does not end: SIGKILL"
	nothing_left
}

@test "run: nothing of CMD is left: group, other sessions, deaf ones" {
	program family <<-'EOF'
	#!/bin/sh
	setsid sh -c 'echo $$ >far; while :; do sleep 1; done' &
	setsid sh -c 'trap "" TERM; echo $$ >deaf; while :; do sleep 1; done' &
	sh -c 'echo $$ >near; sh -c "while :; do sleep 1; done"; :' &
	until [ -s far ] && [ -s deaf ] && [ -s near ]; do sleep 0.05; done
	exit 6
	EOF
	run -6 "$UNIT/fake-svc-run" -q --announce=file:urls -- ./family
	[ "$output" = "svc-run: ./family does not end: SIGKILL" ]
	nothing_left
	# and the same when we end it
	rm far deaf near
	sed -i 's/^exit 6/trap "exit 8" TERM; : >begun; while :; do sleep 0.05; done/' family
	start_file -- ./family
	await 10 test -e begun
	kill -TERM "$pid"
	ended 8
	nothing_left
}

@test "run: --ready-timeout ends CMD, says what it saw last, and is 75" {
	server
	echo 500 >status
	start_file --ready-timeout=8s -- ./server
	ended 75
	[ -e term ]
	[ -z "$(ls -A urls)" ]
	grep -Eqx 'svc-run: not ready after 8 s: http://127.0.0.1:[0-9]+/: status 500 Internal Server Error is not one of 200-399,401' talk
	# deaf, too: SIGKILL after five seconds, still 75
	start_file --ready-timeout=200ms -- sh -c 'trap "" TERM; while :; do sleep 1; done'
	ended 75
	said "does not end: SIGKILL"
}

# thief: takes $PORT the first THEFTS times and lets CMD fail.
thief() {
	program thief <<-'EOF'
	#!/bin/sh
	echo "$PORT" >>ports
	[ "$(wc -l <ports)" -gt "$THEFTS" ] || {
		echo "$PORT" >steal.new && mv steal.new steal
		until [ -e stolen ]; do sleep 0.02; done
		rm stolen
		exit 98
	}
	exec ./server
	EOF
	# not a descendant of svc-run's: it would be ended with CMD
	program stealer <<-'EOF'
	#!/usr/bin/env python3
	import os, socket, time
	held = []
	while True:
	    while not os.path.exists("steal"):
	        time.sleep(0.02)
	    port = int(open("steal").read())
	    os.unlink("steal")
	    held.append(socket.create_server(("127.0.0.1", port)))
	    open("stolen", "w").close()
	EOF
	spawn ./stealer
}

@test "run: a port that was taken meanwhile makes it try another" {
	server
	thief
	export THEFTS=3
	start_file --drain=0s -- ./thief
	await 20 test -e "$url_file"
	[ "$(wc -l <ports)" -eq 4 ]
	[ "$(sort -u ports | wc -l)" -eq 4 ]
	[ "$(cat "$url_file")" = "http://127.0.0.1:$(tail -n 1 ports)" ]
	[ "$(grep -c 'was taken meanwhile: trying another' talk)" -eq 3 ]
	kill -TERM "$pid"
	ended 0
}

@test "run: lost late, by one that loads long; the time limit is asked for again" {
	server
	thief
	export THEFTS=1
	printf 'job 1800\n' >slurm/answers
	start_file --drain=0s -- sh -c '
		until grep -q "\"job\"" slurm/log; do sleep 0.02; done
		[ -e ports ] || sleep 5.2	# it binds when it has loaded
		exec ./thief'
	await 20 test -e "$url_file"
	await 20 eval '[ "$(grep -c "\"job\"" slurm/log)" -ge 2 ]'
	kill -TERM "$pid"
	ended 0
}

@test "run: three other ports are enough, and a free one is no excuse" {
	server
	thief
	export THEFTS=9
	start_file -- ./thief
	ended 98
	[ "$(wc -l <ports)" -eq 4 ]
	rm ports
	start_file -- sh -c 'echo x >>ports; exit 98'
	ended 98
	[ "$(wc -l <ports)" -eq 1 ]
}

@test "run: whether a port was taken is not waited for" {
	# it listens, and takes nobody: a connection to it hangs
	program full <<-'EOF'
	#!/usr/bin/env python3
	import os, socket, time
	while not os.path.exists("steal"):
	    time.sleep(0.02)
	port = int(open("steal").read())
	held = [socket.create_server(("127.0.0.1", port), backlog=0)]
	for i in range(8):
	    s = socket.socket()
	    s.setblocking(False)
	    s.connect_ex(("127.0.0.1", port))
	    held.append(s)
	open("stolen", "w").close()
	time.sleep(600)
	EOF
	spawn ./full
	start_file -- sh -c 'echo $PORT >steal.new && mv steal.new steal
		until [ -e stolen ]; do sleep 0.02; done; exit 98'
	await 10 said "sh ended after"
	await 10 pids_dead "$pid"
	ended 98
}

@test "run: two with the same seed and host take different ports" {
	server
	start_file --seed=5 --drain=0s -- ./server
	local first=$pid
	await 10 test -e "$url_file"
	SLURM_JOB_ID=8 start_file --seed=5 --drain=0s -- ./server
	await 10 test -e urls/url-8.txt
	local a b
	a=$(sed 's/.*://' "$url_file") b=$(sed 's/.*://' urls/url-8.txt)
	[ "$b" -gt "$a" ]
	kill -TERM "$first" "$pid"
	ended 0
}

@test "run: the Comment keeps the order's id and the service's name" {
	server
	job svc,hello%20x,,wanted,0,order-1
	start --drain=2s -- ./server
	await 10 comment_like "svc,hello%20x,http://127.0.0.1:*,ready,0,order-1"
	kill -TERM "$pid"
	await 10 comment_like "svc,hello%20x,http://127.0.0.1:*,draining,0,order-1"
	[ ! -e term ]
	ended 0
	# each change is one look and one update
	[ "$(jq -r .call slurm/log | grep -vx job | paste -sd' ')" = \
		"jobs update jobs update" ]
}

@test "run: -n wins over the Comment, the job's name fills in, restarts count" {
	server
	job svc,old,,wanted,0,r
	SLURM_RESTART_COUNT=2 start -n 'a,b' --drain=0s -- ./server
	await 10 comment_like "svc,a%2Cb,http://127.0.0.1:*,ready,2,r"
	kill -TERM "$pid"
	ended 0
	job 'my own words'
	start --drain=0s -- ./server
	await 10 comment_like "svc,by-job,http://127.0.0.1:*,ready,0,"
	kill -TERM "$pid"
	ended 0
}

@test "run: an order to drain that came first stands, for this run of the job" {
	server
	job svc,a,http://n1:1,draining,0,r
	start -v --drain=0s -- ./server
	await 10 said "ready at"
	await 10 grep -qs '"jobs"' slurm/log
	kill -TERM "$pid"
	ended 0
	comment_is svc,a,http://n1:1,draining,0,r
	[ "$(grep -c '"update"' slurm/log)" -eq 0 ]
	# of the former run it says nothing
	SLURM_RESTART_COUNT=1 start --drain=0s -- ./server
	await 10 comment_like "svc,a,http://127.0.0.1:*,ready,1,r"
	kill -TERM "$pid"
	ended 0
}

@test "run: a run that was requeued says nothing in the name of the next" {
	server
	job svc,a,,wanted,0,r
	start -v --drain=0s -- ./server
	await 10 comment_like "svc,a,*,ready,0,r"
	job svc,a,http://n1:1,ready,1,r '{restart: 1}'
	kill -TERM "$pid"
	ended 0
	comment_is svc,a,http://n1:1,ready,1,r
}

@test "run: a Comment that cannot be set is tried again, and it serves on" {
	server
	job svc,a,,wanted,0,r
	printf 'update 1800\nupdate 1800\njobs 1800\n' >slurm/answers
	local start
	start=$(date +%s%N)
	start --drain=0s -- ./server
	await 20 comment_like "svc,a,http://127.0.0.1:*,ready,0,r"
	[ $(($(date +%s%N) - start)) -ge 7000000000 ]
	await 10 said "announced at last"
	curl -fsS "$(comment | cut -d, -f3)/"
	kill -TERM "$pid"
	ended 0
	grep announced talk | sed 's/:.*; /: ...; /' >said
	diff -u said - <<-'EOF'
	svc-run: ...; again in 1 s
	svc-run: ...; again in 2 s
	svc-run: ...; again in 4 s
	svc-run: announced at last
	EOF
}

@test "run: a Slurm that hangs delays nothing" {
	server
	job svc,a,,wanted,0,r
	echo 100000 >slurm/delay_ms
	start --drain=1s -- ./server
	await 10 said "ready at"
	curl -fsS "$(sed -n 's/.*ready at \([^ ]*\) .*/\1/p' talk)/"
	local start=$SECONDS
	kill -TERM "$pid"
	ended 0
	[ $((SECONDS - start)) -lt 8 ]
	nothing_left
}

@test "run: a job that Slurm has ended cannot announce: no complaint, no loop" {
	server
	job svc,a,,wanted,0,r
	start --drain=1s -- ./server
	await 10 comment_like "*ready*"
	job svc,a,,wanted,0,r '{state: "CANCELLED"}'
	kill -TERM "$pid"
	ended 0
	[ "$(grep -c announced talk)" -eq 0 ]
	[ "$(grep -c '"update"' slurm/log)" -eq 2 ]
}

@test "run: the time limit: drained and ended before it, half of it served" {
	server
	local now
	now=$(date +%s)
	job svc,a,,wanted,0,r \
		"{time_limit_s: 3600, end_at: $((now + 16 * patience))}"
	start --drain=10m -- ./server
	await 10 comment_like "*,ready,*"
	await 14 comment_like "*,draining,*"
	[ "$(date +%s)" -ge $((now + 6 * patience)) ]
	ended 0
	[ "$(date +%s)" -le $((now + 16 * patience - 2)) ]
	said "the job's time limit is near: draining for"
}

@test "run: killed, it leaves no helper behind" {
	server
	job svc,a,,wanted,0,r
	echo 100000 >slurm/delay_ms
	start -- ./server
	await 10 said "ready at"
	local helpers p
	helpers=$(helpers_of "$pid")
	[ "$(wc -w <<<"$helpers")" -eq 2 ]
	kill -KILL "$pid"
	await 10 pids_dead $helpers
}

@test "run: the host is the way to the login node, or the node's name" {
	program host <<-'EOF'
	#!/bin/sh
	echo "$HOST $URL"
	EOF
	SLURM_SUBMIT_HOST=127.0.0.1 run -0 "$UNIT/fake-svc-run" -q --announce=file:urls -- ./host
	[[ $output =~ ^127\.0\.0\.1\ http://127\.0\.0\.1:[0-9]+$ ]]
	SLURM_SUBMIT_HOST=::1 run -0 "$UNIT/fake-svc-run" -q --announce=file:urls -- ./host
	[[ $output =~ ^::1\ http://\[::1\]:[0-9]+$ ]]
	SLURM_SUBMIT_HOST=no.such.host.invalid run -0 --separate-stderr \
		"$UNIT/fake-svc-run" -q --announce=file:urls -- ./host
	[[ $output =~ ^$(uname -n)\ http://$(uname -n):[0-9]+$ ]]
	[[ $stderr == *"no.such.host.invalid (SLURM_SUBMIT_HOST): "*"--host=HOST says otherwise" ]]
	unset SLURM_JOB_ID
	SLURM_SUBMIT_HOST=::1 run -0 "$UNIT/fake-svc-run" -q --announce=file:urls -- ./host
	[[ $output =~ ^127\.0\.0\.1\ http://127\.0\.0\.1:[0-9]+$ ]]
}

# refused LINE OPTION...: status 2 and that, and CMD was not started.
refused() {
	run -2 "$UNIT/fake-svc-run" "${@:2}" -- touch started
	diff -u <(echo "$1") <(echo "$output")
	[ ! -e started ]
}

@test "run: wrong usage is 2, before anything is started" {
	local f=--announce=file:urls long
	long=$(printf '%0300d' 0)
	refused "svc-run: --path: 'x' is not a path (/health), nor -" $f --path=x
	refused "svc-run: --path: '/a b' is not a path (/health), nor -" $f '--path=/a b'
	refused "svc-run: --ready-timeout: 'x' is not a duration (30s, 5m, 2h, 1-12:00:00)" $f --ready-timeout=x
	refused "svc-run: --drain: '-1' is not a duration (30s, 5m, 2h, 1-12:00:00)" $f --drain=-1
	refused "svc-run: --drain: '90d' is longer than 24 days" $f --drain=90d
	refused "svc-run: --announce: 'x' is neither comment nor file:DIR" --announce=x
	refused "svc-run: --announce: 'file:' is neither comment nor file:DIR" --announce=file:
	refused "svc-run: none: No such file or directory" --announce=file:none
	refused "svc-run: --name: '' is not a name" $f -n ''
	refused "svc-run: --name: '$long' is not a name" $f -n "$long"
	refused "svc-run: --host: '' is not a host" $f --host=
	refused "svc-run: 'a b' is not a host" $f '--host=a b'
	refused "svc-run: --seed: 'x' is not a number" $f --seed=x
	SLURM_JOB_ID=x refused "svc-run: SLURM_JOB_ID: 'x' is not a number" $f
	run -2 "$UNIT/fake-svc-run" $f --status=20x -- touch started
	[[ $output == "svc-run: --status: "* ]]
	unset SLURM_JOB_ID
	refused "svc-run: not inside a Slurm job (SLURM_JOB_ID is not set): use --announce=file:DIR"
	local usage="usage: svc-run [-qv] [-n NAME] [OPTION...] -- CMD [ARG...]"
	run -2 "$UNIT/fake-svc-run" $f
	[ "${lines[0]}" = "$usage" ]
	run -2 "$UNIT/fake-svc-run" --frob -- touch started
	[ "${lines[1]}" = "$usage" ]
	run -0 --separate-stderr "$UNIT/fake-svc-run" -h
	[ "${lines[0]}" = "$usage" ]
	run -0 "$UNIT/fake-svc-run" --version
	[[ $output == "svc-run (berth) "* ]]
	[ ! -e started ]
}

@test "run: outside Slurm the file is named by its own process" {
	server
	unset SLURM_JOB_ID
	start_file --drain=0s -- ./server
	await 10 test -e "urls/url-$pid.txt"
	kill -TERM "$pid"
	ended 0
	[ -z "$(ls -A urls)" ]
}

@test "run: the manual's example without Slurm" {
	unset SLURM_JOB_ID
	(trap - INT; exec "$UNIT/fake-svc-run" --drain=0s --announce=file:. -- python3 -m http.server '{port}' >out 2>talk) 3>&- &
	pid=$!
	await 20 test -e "url-$pid.txt"
	curl -fsS "$(cat "url-$pid.txt")/" | grep -q 'Directory listing'
	kill -INT "$pid"
	ended 143
	grep -F "python3 -m http.server '{port}'" "$root/man/svc-run.1"
}
