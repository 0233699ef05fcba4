#!/usr/bin/env bats
# lib/ev, lib/net, lib/notify: the loop, sockets, and word to the supervisor.

load helper

# gives NAME: the driver's whole output for that situation must be stdin.
gives() {
	within 20 "$UNIT/ev" "$1" >got
	diff -u - got
}

# net: commands on stdin, the whole output in file want.
net() {
	within 20 "$UNIT/net" >got
	diff -u want got
}

@test "ev: a handler may free all watchers of its turn" {
	gives free <<<'called 1'
}

@test "ev: what nobody wants to hear any more is not told in this turn" {
	gives interest <<<'called 1'
}

@test "ev: a hang-up is told behind the data, and not at all to no interest" {
	gives hang-up <<-'END'
	0: 1 byte
	1: 1 byte
	2: 1 byte
	3: 1 byte
	0: hang-up 1
	1: hang-up 1
	2: hang-up 1
	3: hang-up 1
	END
}

@test "ev: timers come in order, also those that were moved or stopped" {
	gives timers <<-'END'
	timer 2, early 0, late 0
	timer 1, early 0, late 0
	timer 3, early 0, late 0
	timer 0, early 0, late 0
	timer 0, early 0, late 0
	timer 2, early 0, late 0
	END
}

@test "ev: a timer sets itself again, and its last call frees it" {
	gives rearm <<-'END'
	timer 0
	timer 0
	timer 0
	END
}

@test "ev: signals are blocked, and handled in the loop" {
	gives signals <<-'END'
	blocked now 1, before 0
	signal one with its argument
	signal two with its argument
	END
}

@test "ev: what the kernel had no room to watch is watched later" {
	gives shortage <<<'called 1'
}

@test "ev: something is done at the end of each turn" {
	gives turns <<<'end of turn'
}

@test "net: addresses" {
	long=$(head -c 108 /dev/zero | tr '\0' x)
	cat >want <<-END
	127.0.0.1:80
	[::1]:80
	127.0.0.1:8080
	0.0.0.0:65535
	127.0.0.1:0
	unix:/run/x
	unix:x:1
	unix:${long#x}
	2 unix:: a socket's path has 1 to 107 bytes
	2 unix:$long: a socket's path has 1 to 107 bytes
	2 '80' is not HOST:PORT or unix:PATH
	2 '' is not HOST:PORT or unix:PATH
	2 '[::1]' is not HOST:PORT or unix:PATH
	END
	net <<-END
	parse 127.0.0.1:80
	parse [::1]:80
	parse :8080
	parse 0.0.0.0:65535
	parse 127.0.0.1:0
	parse unix:/run/x
	parse unix:x:1
	parse unix:${long#x}
	parse unix:
	parse unix:$long
	parse 80
	parse 
	parse [::1]
	END
	for text in 127.0.0.1: 127.0.0.1:x 127.0.0.1:65536 :-1 :+1 ': 1' \
	    :http; do
		"$UNIT/net" <<<"parse $text" >got
		grep -q "^2 '$text': port: " got || { cat got; return 1; }
	done
	"$UNIT/net" <<<'parse [1.2.3.x]:1' >got
	grep -qE "^(2|75) '\[1.2.3.x\]:1': " got
}

@test "net: listening, an address in use, nobody there" {
	port=$(free_port)
	cat >want <<-END
	Connection refused
	127.0.0.1:$port, non-blocking 1, close-on-exec 1
	75 127.0.0.1:$port: Address already in use
	connected
	END
	net <<-END
	connect 127.0.0.1:$port
	listen 127.0.0.1:$port
	listen 127.0.0.1:$port
	connect 127.0.0.1:$port
	END
}

@test "net: a Unix socket: mode 0600, a dead one replaced, a live one not" {
	cat >want <<-'END'
	No such file or directory
	unix:s, non-blocking 1, close-on-exec 1
	2 s: somebody listens there already
	connected
	END
	umask 0
	net <<-'END'
	connect unix:s
	listen unix:s
	listen unix:s
	connect unix:s
	END
	[ "$(stat -c %a s)" = 600 ]
	echo 'unix:s, non-blocking 1, close-on-exec 1' >want
	net <<<'listen unix:s'
	rm s
	echo precious >s
	echo '2 s: exists and is not a socket' >want
	net <<<'listen unix:s'
	[ "$(cat s)" = precious ]
	ln -sf s link
	echo '2 link: exists and is not a socket' >want
	net <<<'listen unix:link'
	echo '2 unix:none/s: No such file or directory' >want
	net <<<'listen unix:none/s'
}

@test "net: sockets that are passed on" {
	echo none >want
	net <<<'inherited 0'
	LISTEN_PID=1 LISTEN_FDS=1 net <<<'inherited 0'
	python3 - "$UNIT/net" >got <<-'END'
	import os, socket, subprocess, sys
	a = socket.socket(socket.AF_UNIX)
	a.bind("one")
	b = socket.socket(socket.AF_UNIX)
	b.bind("two")
	def run(fds, pid=None):
	    def place():
	        x, y = os.dup(a.fileno()), os.dup(b.fileno())
	        os.dup2(x, 3)
	        os.dup2(y, 4)
	    out = subprocess.run(
	        ["sh", "-c", "LISTEN_PID=%s LISTEN_FDS=%s exec %s" %
	         (pid or "$$", fds, sys.argv[1])], preexec_fn=place,
	        close_fds=False, stdout=subprocess.PIPE,
	        timeout=20 * int(os.environ.get("BERTH_PATIENCE", 1)),
	        input=b"inherited 0\ninherited 1\ninherited 2\n")
	    sys.stdout.write(out.stdout.decode())
	run("2")
	run("1")
	run("x")
	run("2", "1")
	END
	diff -u - got <<-'END'
	unix:one, non-blocking 1, close-on-exec 1
	unix:two, non-blocking 1, close-on-exec 1
	none
	unix:one, non-blocking 1, close-on-exec 1
	none
	none
	none
	none
	none
	none
	none
	none
	END
}

@test "notify: one datagram, to a path or an abstract name; or nothing" {
	for name in "$PWD/n" "@berth-$$-$RANDOM"; do
		case $name in
		@*) from=ABSTRACT-RECV:${name#@} ;;
		*) from=UNIX-RECV:$name ;;
		esac
		spawn socat -u "$from" CREATE:heard
		socat=$pid
		# heard by the second, at the latest: the first finds nobody
		tell() {
			NOTIFY_SOCKET=$name "$UNIT/net" <<<'notify READY=1'
			grep -q READY=1 heard 2>/dev/null
		}
		await 10 tell
		end_pid "$socat"
		[ "$(tr -d '\n' <heard | sed 's/^\(READY=1\)*$/good/')" = good ]
		rm -f heard n
	done
	: >want
	net <<<'notify READY=1'
	for name in relative "" "/no/such/socket" \
	    "/$(head -c 200 /dev/zero | tr '\0' x)"; do
		NOTIFY_SOCKET=$name net <<<'notify READY=1'
	done
}
