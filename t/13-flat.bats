#!/usr/bin/env bats
# lib/flat: takes and refuses what the tree does, and reads the same from it.

load helper

# vectors: lines that are right or wrong each in a way of its own.
vectors() {
	python3 - <<-'END'
	import sys
	out = sys.stdout.buffer
	values = r'''
	0 -0 1 -1 12 01 -01 - + +1 .5 1. 1.5 -1.5e3 1e 1e+ 1e5 1E-5 0e0 0.0
	9223372036854775807 9223372036854775808 -9223372036854775808
	-9223372036854775809 99999999999999999999 1e308 1e309 -1e309 1e-400
	0x10 1_0 NaN Infinity true false null True tru truex nullx
	"" "a" "a\"b" "\\" "\/" "\b\f\n\r\t" "\a" "\u00e9" "\u00E9" "\u0000"
	"\u12" "\u12g4" "\ud83d\ude00" "\ud83d" "\ude00" "\ud83dx" "\ud83d\u0041"
	"\ud83d\ude0" "\x41" " "" " "a' 'a' [] {} [1] [1,] [,] {"b":1}
	{"b":1,"b":2} {"b":{"c":[{"d":1,"d":2}]}} [1,2 {"b" [}] {]} [[[]]]
	["a]"] ["a\"]"] {"}":"]"} {"b":01} [nul] [1e999] ["\ud800"]
	'''.split()
	for v in values:
	    for form in ('{"a":%s}', '{"a":%s,"b":1}', ' { "z" : 1 , "a" : %s } ',
	                 '{"a":%s', '{"a":%s,}', '{"a":%s} x', '{"a" %s}',
	                 '{%s:1}', '{"a":"x",%s}', '%s'):
	        out.write((form % v).encode() + b"\n")
	for raw in (b'{}', b'{ }', b'{', b'}', b'{"a":1,"a":1}', b'{"":1,"":2}',
	            b'{"":1}', b'{"a":1,"\\u0061":2}', b'{"\\u0061":2,"b":1}',
	            b'{"\\u0061":1,"b":1,"b":2}', b'{"b":1,"\\u0061":1,"b":2}',
	            b'{"a":1}\r', b'\t{"a":1}', b'\xef\xbb\xbf{}', b'{"a":"\x7f"}',
	            b'{"a":"\x01"}', b'{"a":"\xc3\xa9"}', b'{"a":"\xc3"}',
	            b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}',
	            b'{"a":"\xf4\x8f\xbf\xbf"}', b'{"a":"\xf4\x90\x80\x80"}',
	            b'{"a":"\xe0\x9f\xbf"}', b'{"a":"\xf0\x8f\xbf\xbf"}',
	            b'{"a":"\xff"}', b'{"\xc3\xa9":1}', b'{"\xc3":1}',
	            b'{"a":"\xc3\xa9', b'{"a":"\xc3', b'{"a":\x00"x"}', b'\x00',
	            b'{"a":"x\x00"}', b'{}\x00', b'{"a":1\x00}',
	            b'{"a":[1\x00]}', b'{"a":1}{"a":1}', b'{"a":"\\'):
	    out.write(raw + b"\n")
	for n in (46, 47, 48, 49, 50, 400):
	    keys = ['"k%d":%d' % (i, i) for i in range(n)]
	    out.write(("{%s}\n" % ",".join(keys)).encode())
	    out.write(("{%s}\n" % ",".join(keys + ['"k3":1'])).encode())
	for n in (2045, 2046, 2047, 2048, 2049):
	    for inside in ("", "1", "{}"):
	        out.write(('{"a":%s%s%s}\n' % ("[" * n, inside, "]" * n)).encode())
	for n in (62, 63, 64, 65, 300):
	    out.write(('{"%s":1,"\\n%s":2}\n' % ("k" * n, "k" * (n - 1))).encode())
	END
}

# a long number, and all that a real job record has
jobs() {
	cat <<-'END'
	{"kind":"job","job_id":12,"name":"héllo \"w\"","user":"u\u00e9\ud83d\ude00","submit_at":1714979289,"start_at":-1,"share":0.25,"big":-9007199254740993,"tiny":1.5e-7,"done":true,"left":false,"none":null,"tags":["a",{"b":[1,2.5,"x]"]}]}
	{ "a" : "\b\f\n\r\t\/\\\"" ,	"b":[] , "c":{} , "d":-0.0e+5 }
	END
}

@test "both readers take the same lines, and read the same from them" {
	{ vectors; jobs; } >in
	"$UNIT/flat" <in >got
	diff -u - got <<<"$(wc -l <in) lines, $(grep -o '[0-9]* taken' got), 0 different"
	[ "$(grep -o '[0-9]* taken' got | cut -d' ' -f1)" -gt 150 ]
}

@test "also where lines are damaged at random" {
	{ vectors | grep -avE '.{700}'; jobs; jobs; jobs; } >in
	"$UNIT/flat" mutate 7 60 <in >got
	tail -n 1 got
	[ "$(wc -l <got)" = 1 ]
	grep -q ', 0 different$' got
	jobs >in
	"$UNIT/flat" mutate 11 60000 <in >got
	tail -n 1 got
	[ "$(wc -l <got)" = 1 ]
	grep -q ', 0 different$' got
}

@test "what a member is, and what is wrong with a line" {
	cat >in <<-'END'
	{"i":-5,"r":1.50,"s":"a\nb","t":true,"f":false,"n":null,"o":{"x": 1},"\u006b":[1, 2]}
	{"a":1,"b":01}
	{"a":1,"a":2}
	{"a":1 "b"}
	{"a":"x
	{"a":[1}
	[]
	END
	"$UNIT/flat" show <in >got
	diff -u - got <<-'END'
	0 i -5
	1 r 1.50
	2 s a\nb
	3 t true
	3 f false
	4 n null
	5 o {"x": 1}
	5 k [1, 2]
	0 a 1
	! 2 column 12: not a number
	0 a 1
	! 2 column 11: a key is there twice
	0 a 1
	! 2 column 8: a comma is due
	! 2 column 8: the line ends in a text
	! 2 column 6: ']' expected near '}'
	! 2 column 1: not a JSON object
	7 lines, 1 taken, 0 different
	END
}
