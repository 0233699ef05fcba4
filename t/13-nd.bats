#!/usr/bin/env bats
# lib/nd: NDJSON in and out. What comes out must not depend on how the bytes
# arrive, so every input is also fed one byte at a time.

load helper

# feed: the input in file `in` read as a filter and as a daemon does, whole and
# byte by byte: one and the same output, in file `got`.
feed() {
	"$UNIT/nd" <in >got
	slowly poll
	slowly read
}

# The way HOW of the driver, fed one byte at a time, must print `got` too.
slowly() {
	python3 - "$UNIT/nd" "$1" >got.slow <<-'END'
	import subprocess, sys
	with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE,
	                      bufsize=0) as child:
	    try:
	        for byte in open("in", "rb").read():
	            child.stdin.write(bytes([byte]))
	    except BrokenPipeError:
	        pass    # it has seen enough
	    child.stdin.close()
	sys.exit(child.returncode)
	END
	diff -u got got.slow
}

@test "records, blank lines, CRLF, a last line without newline" {
	printf '{"a":1}\n\n  \t\n{"b":"é"}\r\n\r\n{"c":[1,{"d":null}]}' >in
	feed
	diff -u - got <<-'END'
	1 {"a":1}
	4 {"b":"é"}
	6 {"c":[1,{"d":null}]}
	END
}

@test "no input, a newline, blanks" {
	for text in '' '\n' '  ' '\n\n \r\n'; do
		printf "$text" >in
		feed
		diff -u /dev/null got
	done
}

@test "a byte order mark is passed over, once and at the beginning" {
	printf '\357\273\277{"a":1}\n\357\273\277{"b":2}\n' >in
	feed
	printf "%s\n! 2 %s '\357\273\277'\n" '1 {"a":1}' \
		"stdin:2: column 1: '[' or '{' expected near" | diff -u - got
	for text in '\357\273\277' '\357\273\277\n'; do
		printf "$text" >in
		feed
		diff -u /dev/null got
	done
	printf '\357\273\277{}' >in
	feed
	diff -u - got <<<'1 {}'
}

@test "what is compressed is said to be, and nothing is read of it" {
	local with cat bytes
	while read -r with cat bytes; do
		printf "$bytes\n{}\n" >in
		feed
		diff -u - got <<<"! 2 stdin: compressed by $with: it must go through $cat first"
	done <<-'END'
	gzip zcat \037\213\010\000
	bzip2 bzcat BZh91AY
	xz xzcat \375\067zXZ\000
	zstd zstdcat \050\265\057\375
	END
	printf '{"a":1}\n' | gzip >in
	feed
	diff -u - got <<<"! 2 stdin: compressed by gzip: it must go through zcat first"
}

@test "numbers, order of keys and foreign fields come through as they are" {
	cat >in <<-'END'
	{"z":1,"a":9007199254740993,"m":-1,"t":1.5,"e":"\u0001\ud83d\ude00"}
	END
	feed
	diff -u - got <<-'END'
	1 {"z":1,"a":9007199254740993,"m":-1,"t":1.5,"e":"\u0001😀"}
	END
}

@test "a bad line is named, and the next one is read" {
	{
		printf '{"a":1}\n'
		printf '{"a":\n'
		printf '[1]\n'
		printf '"text"\n'
		printf 'null\n'
		printf '{"a":1,"a":2}\n'
		printf '{"a":1} {"b":2}\n'
		printf '{"a":\0"x"}\n'
		printf '{"a":"\377"}\n'
		printf '{"a":"\355\240\200"}\n'
		printf '{"a":"\\u0000"}\n'
		printf '{"a":1e999}\n'
		printf '{"a":99999999999999999999}\n'
		printf '\0\n'
		printf '{"a":NaN}\n'
		printf '\357\273\277{"a":1}\n'
		printf '{"a":1\0}\n'
		printf '{"z":1}\n'
	} >in
	feed
	sed 's/\(column [0-9]*\):.*/\1/' got >got.short
	diff -u - got.short <<-'END'
	1 {"a":1}
	! 2 stdin:2: column 5
	! 2 stdin:3: not a JSON object
	! 2 stdin:4: column 6
	! 2 stdin:5: column 4
	! 2 stdin:6: column 10
	! 2 stdin:7: column 9
	! 2 stdin:8: column 6
	! 2 stdin:9: column 6
	! 2 stdin:10: column 6
	! 2 stdin:11: column 13
	! 2 stdin:12: column 10
	! 2 stdin:13: column 25
	! 2 stdin:14: column 1
	! 2 stdin:15: column 8
	! 2 stdin:16: column 1
	! 2 stdin:17: column 7
	18 {"z":1}
	END
}

@test "a torn last line is an error of its own line" {
	printf '{"a":1}\n{"b":' >in
	feed
	sed -n 1p got | diff -u - <(echo '1 {"a":1}')
	[[ $(sed -n 2p got) == '! 2 stdin:2: column '* ]]
	[ "$(wc -l <got)" = 2 ]
}

@test "nesting is bounded" {
	python3 -c 'n = 5000; print("{\"a\":" + "[" * n + "]" * n + "}")' >in
	echo '{"z":1}' >>in
	feed
	[[ $(sed -n 1p got) == '! 2 stdin:1: column '*depth* ]]
	[ "$(sed -n 2p got)" = '2 {"z":1}' ]
}

# long BYTES: a record whose line, newline apart, has so many bytes.
long() {
	printf '{"a":"'
	head -c $(($1 - 8)) /dev/zero | tr '\0' x
	printf '"}'
}

@test "a line of 1 MiB is read, one byte more is refused, the next is read" {
	local mib=1048576
	{ long $mib; echo; long $((mib + 1)); echo
		long $((mib + 1)); printf '\r\n'; echo '{"b":2}'; } >in
	for how in '' poll; do
		"$UNIT/nd" "$how" <in >got
		diff -u - got <<-'END'
		1 1048577 bytes
		! 2 stdin:2: line longer than 1048576 bytes
		! 2 stdin:3: line longer than 1048576 bytes
		4 {"b":2}
		END
	done
}

@test "long lines at the end of the input, with and without newline" {
	local mib=1048576
	long $mib >in
	"$UNIT/nd" <in >got
	diff -u - got <<<'1 1048577 bytes'
	long $((mib + 1)) >in
	"$UNIT/nd" <in >got
	diff -u - got <<<'! 2 stdin:1: line longer than 1048576 bytes'
	{ head -c 5000000 /dev/zero | tr '\0' '{'; printf '\n{"b":2}'; } >in
	for how in '' poll; do
		"$UNIT/nd" "$how" <in >got
		diff -u - got <<-'END'
		! 2 stdin:1: line longer than 1048576 bytes
		2 {"b":2}
		END
	done
	head -c 5000000 /dev/zero | tr '\0' '{' >in
	"$UNIT/nd" <in >got
	diff -u - got <<<'! 2 stdin:1: line longer than 1048576 bytes'
}

@test "many records of all sizes, however the pipe cuts them" {
	python3 - >in <<-'END'
	import random
	r = random.Random(5)
	for i in range(4000):
	    print('{"i":%d,"x":"%s"}' % (i, "é" * r.choice([0, 9, 99, 999])))
	END
	"$UNIT/nd" <in >got
	mkfifo pipe
	spawn dd if=in of=pipe obs=977 status=none
	"$UNIT/nd" poll <pipe >got.poll
	diff -u got got.poll
	[ "$(wc -l <got)" = 4000 ]
	[ "$(grep -vc '^!' got)" = 4000 ]
}

@test "a non-blocking stdin is waited for without spinning" {
	python3 - "$UNIT/nd" read >got <<-'END'
	import os, subprocess, sys, time
	child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, bufsize=0)
	child.stdin.write(b'{"a":')
	time.sleep(1)
	child.stdin.write(b'1}\n')
	child.stdin.close()
	_, status, used = os.wait4(child.pid, 0)
	if status or used.ru_utime + used.ru_stime > 0.5:
	    sys.exit("status %d, %s" % (status, used))
	END
	diff -u - got <<<'1 {"a":1}'
}

@test "stdin that cannot be read: said once, then the end" {
	"$UNIT/nd" <. >got
	diff -u - got <<<'! 2 stdin: Is a directory'
	"$UNIT/nd" <&- >got
	diff -u - got <<<'! 2 stdin: Bad file descriptor'
}

@test "written lines: compact, in order, refused beyond 1 MiB" {
	printf '{ "b" : 1, "a" : [ 1, "\\u00e9\\n" ] }\n' >in
	long 1048576 >>in
	"$UNIT/nd" write <in >got
	head -n 1 got | diff -u - <(echo '{"b":1,"a":[1,"é\n"]}')
	[ "$(sed -n 2p got | wc -c)" = 1048577 ]
	# a real of 5 bytes is written with 17 digits: what came in need not fit
	{ printf '{"a":[1.1'; yes ,1.1 | head -n 200000 | tr -d '\n'
		printf ']}\n'; } >in
	"$UNIT/nd" write <in >got
	diff -u - got <<<'! 2 a record does not fit in 1048576 bytes'
}
