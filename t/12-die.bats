#!/usr/bin/env bats
# lib/err, die, xalloc: what a tool says, and with which status it ends.

load helper

@test "err: a line, its status, its code" {
	cat >in <<-'END'
	perm bad port
	temp slurmctld is away
	prefix stdin:3
	errno ENOENT /x
	errno ECONNREFUSED 127.0.0.1:80
	errno ENOSPC disk
	errno EACCES file
	prefix outer
	END
	"$UNIT/err" <in >got
	diff -u - got <<-'END'
	-1 2 0 8 bad port
	-1 75 0 17 slurmctld is away
	-1 75 0 26 stdin:3: slurmctld is away
	-1 2 1 29 /x: No such file or directory
	-1 75 1 32 127.0.0.1:80: Connection refused
	-1 75 1 29 disk: No space left on device
	-1 2 1 23 file: Permission denied
	-1 2 1 30 outer: file: Permission denied
	END
}

@test "err: a text of any length is cut, and never within a character" {
	local cut want
	for cut in 476 477 478 479 480 481; do
		for tail in é € 😀 x; do
			want=$((cut + $(printf %s "$tail" | wc -c)))
			[ "$want" -le 479 ] || want=$((cut < 479 ? cut : 479))
			printf 'perm *%d %s\n' "$cut" "$tail" >in
			"$UNIT/err" <in >got
			iconv -f UTF-8 -t UTF-8 got >/dev/null
			[ "$(cut -d' ' -f4 got)" = "$want" ]
		done
	done
	printf 'perm *470 \nprefix ä\nprefix *478 \nerrno ENOENT *400 \n' >in
	"$UNIT/err" <in >got
	[ "$(cut -d' ' -f2-4 got)" = "2 0 470
2 0 474
2 0 479
2 1 427" ]
}

@test "messages: who speaks at which verbosity" {
	cat >in <<-'END'
	warn 1
	note 2
	chat 3
	level -1
	warn 4
	note 5
	chat 6
	level 1
	note 7
	chat 8
	END
	"$UNIT/die" <in >out 2>err
	diff -u /dev/null out
	diff -u - err <<-'END'
	unit-die: 1
	unit-die: 2
	unit-die: 4
	unit-die: 7
	unit-die: 8
	END
}

@test "messages: foreign bytes cannot forge a line or drive the terminal" {
	printf 'hex %s\n' 610a62 1b5b324a 7f09 c3a4 >in
	"$UNIT/die" <in 2>err
	diff -u - err <<-'END'
	unit-die: a?b
	unit-die: ?[2J
	unit-die: ??
	unit-die: ä
	END
}

@test "messages: a long one is one line in one write" {
	{ printf 'warn '; head -c 5000 /dev/zero | tr '\0' w; echo; } >in
	"$UNIT/die" <in 2>err
	[ "$(wc -l <err)" = 1 ]
	[ "$(wc -c <err)" = 1023 ]
}

@test "die: says it, keeps what stdout held, ends with the status" {
	printf 'out record\ndie 2 no such thing\nout never\n' >in
	run -2 --separate-stderr "$UNIT/die" <in
	[ "$output" = record ]
	[ "$stderr" = "unit-die: no such thing" ]
	echo 'err slurmctld is away' >in
	run -75 --separate-stderr "$UNIT/die" <in
	[ "$stderr" = "unit-die: slurmctld is away" ]
}

@test "leave: the last write counts" {
	printf 'out record\nleave 1\n' >in
	run -1 "$UNIT/die" <in
	[ "$output" = record ]
	local rc=0
	"$UNIT/die" <in >/dev/full 2>err || rc=$?
	[ "$rc" = 75 ]
	diff -u - err <<<"unit-die: stdout: No space left on device"
	rc=0
	"$UNIT/die" <in >&- 2>err || rc=$?
	[ "$rc" = 75 ]
	diff -u - err <<<"unit-die: stdout: Bad file descriptor"
}

@test "leave: a write that failed long before the end is not forgotten" {
	{ yes 'out a line to fill the buffer of stdio' | head -n 500
		echo 'leave 0'; } >in
	local rc=0
	"$UNIT/die" <in >/dev/full 2>err || rc=$?
	[ "$rc" = 75 ]
	[ "$(wc -l <err)" = 1 ]
}

@test "help, version, wrong usage" {
	run -0 --separate-stderr "$UNIT/die" < <(echo help)
	[ "$output" = $'usage: unit-die [-h]\n  -h  this text' ]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$UNIT/die" < <(echo version)
	[[ $output =~ ^unit-die\ \(berth\)\ [0-9.]+$ ]]
	run -2 --separate-stderr "$UNIT/die" < <(echo usage)
	[ -z "$output" ]
	[ "$stderr" = $'usage: unit-die [-h]\nTry \'unit-die --help\'.' ]
}

@test "xalloc: too much memory is a sentence and 75, also where n x size wraps" {
	for n in '4611686018427387904 1' '4294967296 4294967297'; do
		run -75 --separate-stderr env ASAN_OPTIONS=allocator_may_return_null=1 \
			"$UNIT/die" < <(echo "alloc $n")
		[[ $stderr == *"unit-die: out of memory" ]]
	done
	run -0 "$UNIT/die" < <(echo alloc 10 10)
}
