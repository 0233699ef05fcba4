#!/usr/bin/env bats
# lib/http: heads and framing. What comes out must not depend on how the bytes
# arrive, so every input is also fed in pieces of 1, 2, 3 and 7 bytes.

load helper

# reads STATUS MODE: the driver's whole output for file `in` must be stdin.
reads() {
	local rc piece
	cat >want
	for piece in 1048576 1 2 3 7; do
		rc=0
		"$UNIT/http" "$2" "$piece" <in >got || rc=$?
		diff -u --label "want, pieces of $piece" want got
		[ "$rc" = "$1" ]
	done
}

# refuses MODE WHY TEXT...: TEXT is what printf makes a head of; each is
# refused so.
refuses() {
	local mode=$1 why=$2 text
	shift 2
	for text; do
		printf -- "$text" >in
		reads 1 "$mode" <<<"bad $why" || {
			echo "for: $text"
			return 1
		}
	done
}

# framed TEXT WANT: the body a head announces, and whether it keeps alive.
framed() {
	printf "$2" >in
	"$UNIT/http" "$1" <in >got
	diff -u <(echo "$3") <(grep '^minor' got)
}

# fill N: so many x.
fill() {
	head -c "$1" /dev/zero | tr '\0' x
}

@test "http: a request with everything" {
	printf '%s\r\n' 'POST /a/b%20c?d=e HTTP/1.1' 'Host: h:80' \
	    'content-LENGTH: 12' 'Connection: keep-alive , X-One,,TE' \
	    $'X-One: \t two words \t' 'X-Two:' 'Keep-Alive: 5' \
	    'Expect: 100-Continue' $'X-Utf8: \303\251' '' >in
	printf rest >>in
	reads 0 request <<-END
	method [POST]
	path [/a/b%20c?d=e]
	host [h:80]
	idempotent 0 expect 1
	minor 1 keep-alive 1 body length length 12
	upgrade []
	[Host] [h:80]
	[content-LENGTH] [12]
	hop [Connection] [keep-alive , X-One,,TE]
	hop [X-One] [two words]
	[X-Two] []
	hop [Keep-Alive] [5]
	[Expect] [100-Continue]
	[X-Utf8] [$(printf '\303\251')]
	177 bytes of head, 4 behind it
	END
}

@test "http: a response with everything" {
	printf '%s\r\n' 'HTTP/1.1 299 Fine by me' 'Transfer-Encoding: Chunked' \
	    'Server: x' 'Connection: close' '' >in
	reads 0 response <<-'END'
	status 299
	minor 1 keep-alive 0 body chunked length -1
	upgrade []
	[Transfer-Encoding] [Chunked]
	[Server] [x]
	hop [Connection] [close]
	85 bytes of head, 0 behind it
	END
}

@test "http: a head that is not whole yet" {
	for text in '' 'G' 'GET / HTTP/1.1\r\n' 'GET / HTTP/1.1\r\nHost: x\r\n' \
	    'GET / HTTP/1.1\r\nHost: x\r\n\r'; do
		printf -- "$text" >in
		reads 0 request <<<more
	done
}

@test "http: what frames a request" {
	framed request 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length -1'
	framed request 'GET / HTTP/1.0\r\n\r\n' \
	    'minor 0 keep-alive 0 body none length -1'
	framed request 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n' \
	    'minor 0 keep-alive 1 body none length -1'
	framed request 'GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n' \
	    'minor 0 keep-alive 0 body none length -1'
	framed request 'PUT / HTTP/1.1\r\nHost:x\r\nContent-Length: 0\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length 0'
	framed request \
	    'PUT / HTTP/1.1\r\nHost:x\r\nContent-Length: 0007\r\n\r\n' \
	    'minor 1 keep-alive 1 body length length 7'
	framed request 'PUT / HTTP/1.1\r\nHost:x\r\nContent-Length: '\
'999999999999999999\r\n\r\n' \
	    'minor 1 keep-alive 1 body length length 999999999999999999'
	framed request \
	    'PUT / HTTP/1.9\r\nHost:x\r\ntransfer-encoding:\tCHUNKED\r\n\r\n' \
	    'minor 1 keep-alive 1 body chunked length -1'
}

@test "http: what frames a response" {
	framed response 'HTTP/1.1 200 \r\n\r\n' \
	    'minor 1 keep-alive 0 body until close length -1'
	framed response 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length 0'
	framed response 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n' \
	    'minor 0 keep-alive 0 body length length 3'
	framed response-to-head 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length 3'
	framed response-to-head 'HTTP/1.1 200 OK\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length -1'
	for status in 100 103 199 204 304; do
		framed response "HTTP/1.1 $status x\r\nContent-Length: 3\r\n\r\n" \
		    'minor 1 keep-alive 1 body none length 3'
	done
	framed response \
	    'HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n' \
	    'minor 1 keep-alive 1 body none length -1'
}

@test "http: two lengths" {
	a='POST / HTTP/1.1\r\nHost: x\r\n'
	refuses request '400: more than one Content-Length' \
	    "${a}Content-Length: 5\r\nContent-Length: 6\r\n\r\n" \
	    "${a}Content-Length: 5\r\nContent-Length: 5\r\n\r\n"
	refuses request '400: a Content-Length that is no length' \
	    "${a}Content-Length: 5, 5\r\n\r\n" \
	    "${a}Content-Length: 5,6\r\n\r\n"
	refuses request '400: Content-Length with Transfer-Encoding' \
	    "${a}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" \
	    "${a}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"
	refuses response '502: more than one Content-Length' \
	    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n'
	refuses response '502: Content-Length with Transfer-Encoding' \
	    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'\
'Transfer-Encoding: chunked\r\n\r\n'
}

@test "http: lengths that are none" {
	for length in '' ' ' +5 -5 0x5 5x '5 5' '5\t5' ' 5;' 1e3 \
	    1000000000000000000 99999999999999999999999999999; do
		refuses request '400: a Content-Length that is no length' \
		    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:$length\r\n\r\n"
	done
}

@test "http: encodings other than chunked" {
	for te in '' 'chunked, chunked' 'gzip, chunked' 'chunked, identity' \
	    xchunked chunkedx 'chunked;q=1' '"chunked"' identity , 'chunked,' \
	    'chunked\r\nTransfer-Encoding: chunked' \
	    'chunked\r\nTransfer-Encoding: identity' \
	    'identity\r\nTransfer-Encoding: chunked'; do
		refuses request \
		    '400: a Transfer-Encoding other than chunked' \
		    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: $te\r\n\r\n"
	done
	refuses request '400: a control byte in a field' \
	    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \013chunked\r\n\r\n'
	refuses request '400: Transfer-Encoding in HTTP/1.0' \
	    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'
	refuses response '502: Transfer-Encoding in HTTP/1.0' \
	    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
}

@test "http: line ends" {
	refuses request '400: a line ends without CR LF' \
	    '\n' \
	    'GET / HTTP/1.1\nHost: x\r\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: x\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: x\r\n\n' \
	    'GET / HTTP/1.1\r\nHost: x\n\n'
	refuses request '400: a control byte in a field' \
	    'GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n'
	refuses request '400: no request target' 'GET /\r HTTP/1.1\r\n\r\n'
	refuses request '400: no HTTP version' 'GET / HTTP/1.1\r\r\n\r\n'
	refuses request '400: a field line without a name and colon' \
	    'GET / HTTP/1.1\r\n\rHost: x\r\n\r\n'
	refuses response '502: a control byte in a field' \
	    'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n'
}

@test "http: folds, blanks before the colon, no name" {
	a='GET / HTTP/1.1\r\nHost: x\r\n'
	refuses request '400: a folded field line' \
	    "${a}A: b\r\n c\r\n\r\n" "${a}A: b\r\n\tc: d\r\n\r\n" \
	    'GET / HTTP/1.1\r\n Host: x\r\n\r\n'
	refuses request '400: a field line without a name and colon' \
	    "${a}A : b\r\n\r\n" "${a}A\t: b\r\n\r\n" "${a}: b\r\n\r\n" \
	    "${a}A\r\n\r\n" "${a}A b: c\r\n\r\n" "${a}(A): c\r\n\r\n" \
	    "${a}A\303\251: c\r\n\r\n"
}

@test "http: every control byte, in a name, a value, a target, a method" {
	a='GET / HTTP/1.1\r\nHost: x\r\n'
	for c in {0..31} 127; do
		[ "$c" != 10 ] || continue
		c=$(printf '\\%03o' "$c")
		refuses request '400: a field line without a name and colon' \
		    "${a}A${c}A: b\r\n\r\n"
		refuses request '400: no request target' \
		    "GET /a${c}b HTTP/1.1\r\nHost: x\r\n\r\n"
		refuses request '400: no method' \
		    "GE${c}T / HTTP/1.1\r\nHost: x\r\n\r\n"
		[ "$c" != '\011' ] || continue
		refuses request '400: a control byte in a field' \
		    "${a}A: b${c}b\r\n\r\n" "${a}A: ${c}\r\n\r\n"
		refuses request '400: a control byte in a field' \
		    "GET / HTTP/1.1\r\nHost: x${c}\r\n\r\n"
	done
	refuses request '400: no request target' \
	    'GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n' \
	    'GET /\303\251 HTTP/1.1\r\nHost: x\r\n\r\n'
}

# Values are looked at eight bytes at a time.
@test "http: a control byte, or one that only seems so, at every place" {
	x=xxxxxxxxxxxxxxxxx
	begin='GET / HTTP/1.1\r\nHost: x\r\n'
	for len in 7 8 9 17; do
		for ((at = 0; at < len; at++)); do
			for c in '\037' '\177'; do
				printf "${begin}A: ${x:0:at}$c%s\r\n\r\n" \
				    "${x:at + 1:len - at - 1}" >in
				rc=0
				"$UNIT/http" request <in >got || rc=$?
				[ "$rc" = 1 ]
				[ "$(<got)" = \
				    'bad 400: a control byte in a field' ]
			done
		done
	done
	for ((at = 1; at < 16; at++)); do
		for c in '\011' ' ' '\200' '\377'; do
			printf "A: ${x:0:at}${c}${x:at + 1}\r\n"
		done
	done >fields
	{
		printf "$begin"
		cat fields
		printf '\r\n'
	} >in
	"$UNIT/http" request <in | grep -a '^\[A\]' >got
	diff -u <(LC_ALL=C sed 's/^A: \(.*\)\r$/[A] [\1]/' fields) got
}

@test "http: request lines" {
	h='\r\nHost: x\r\n\r\n'
	refuses request '400: no method' "$h" " GET / HTTP/1.1$h" "GET$h" "{}$h" \
	    "GET\t/ HTTP/1.1$h"
	refuses request '400: no request target' "GET $h" "GET  / HTTP/1.1$h" \
	    "GET /$h" "GET HTTP/1.1$h" "GET /\tHTTP/1.1$h"
	refuses request '400: no HTTP version' "GET / $h" "GET / HTTP/1.1 $h" \
	    "GET /  HTTP/1.1$h" "GET / http/1.1$h" "GET / HTTP/1,1$h" \
	    "GET / HTTP/x.1$h" "GET / HTTP/1.x$h" "GET / HTTP/1.10$h" \
	    "GET /a b HTTP/1.1$h"
	refuses request '505: not HTTP/1' "GET / HTTP/2.0$h" "GET / HTTP/0.9$h" \
	    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
	refuses request '400: a request target that is no path' \
	    "GET a HTTP/1.1$h" "GET ** HTTP/1.1$h" \
	    "GET ftp://x/ HTTP/1.1$h" "GET https://x/ HTTP/1.1$h"
	refuses request '501: CONNECT is not for here' "CONNECT x:80 HTTP/1.1$h"
	refuses request '501: a method of more than 32 bytes' \
	    "$(fill 33) / HTTP/1.1$h"
}

@test "http: Host" {
	refuses request '400: HTTP/1.1 without Host' \
	    'GET / HTTP/1.1\r\nA: b\r\n\r\n'
	refuses request '400: more than one Host' \
	    'GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n' \
	    'GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n'
	refuses request '400: a Host that is no host' \
	    'GET / HTTP/1.1\r\nHost: a b\r\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n' \
	    'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'
	for host in x [::1]:80 '' a.b:1; do
		printf 'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' "$host" >in
		"$UNIT/http" request <in >got
		grep -qxF "host [$host]" got
	done
	printf 'GET / HTTP/1.0\r\n\r\n' >in
	"$UNIT/http" request <in >got
	grep -qxF "host []" got
}

@test "http: targets with a host, and *" {
	local target path
	while read -r target path; do
		printf 'GET %s HTTP/1.1\r\nHost: x:8\r\n\r\n' "$target" >in
		"$UNIT/http" request <in >got
		grep -qxF "path [$path]" got || { cat got; return 1; }
	done <<-'END'
	http://x:8/a?b	/a?b
	HTTP://X:8/	/
	http://x:8	/
	*	*
	/http://y/	/http://y/
	//y/a	//y/a
	END
	for target in http://y/ http://x/ http://u@x:8/ http:/// http://x:80/ \
	    http://x:8:8/ 'http://x:8?/'; do
		refuses request '400: the request target and Host disagree' \
		    "GET $target HTTP/1.1\r\nHost: x:8\r\n\r\n"
	done
	refuses request '400: the request target and Host disagree' \
	    'GET http://x/ HTTP/1.0\r\n\r\n'
	refuses request '400: a request target that is no path' \
	    'GET http:// HTTP/1.1\r\nHost: x\r\n\r\n'
}

@test "http: which methods are idempotent" {
	for m in GET HEAD PUT DELETE OPTIONS TRACE; do
		printf '%s / HTTP/1.0\r\n\r\n' "$m" >in
		"$UNIT/http" request <in >got
		grep -qxF 'idempotent 1 expect 0' got
	done
	for m in POST PATCH get LOCK GETX; do
		printf '%s / HTTP/1.0\r\n\r\n' "$m" >in
		"$UNIT/http" request <in >got
		grep -qxF 'idempotent 0 expect 0' got
	done
}

@test "http: upgrade counts only with Connection, in HTTP/1.1" {
	local want line
	while IFS='|' read -r want line; do
		printf "GET / $line\r\nHost: x\r\n\r\n" >in
		"$UNIT/http" request <in >got
		grep -qxF "upgrade [$want]" got || { cat got; return 1; }
	done <<-'END'
	websocket|HTTP/1.1\r\nConnection: a, UPGRADE\r\nUpgrade: websocket
	|HTTP/1.1\r\nUpgrade: websocket
	|HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket
	|HTTP/1.1\r\nConnection: upgrade
	END
}

@test "http: Connection cannot take away what frames or routes" {
	printf '%s\r\n' 'GET / HTTP/1.1' 'Host: x' 'Content-Length: 1' \
	    'Connection: host, content-length, via, a' 'Via: v' 'A: 1' 'AA: 2' \
	    'TE: trailers' 'Proxy-Connection: x' 'Proxy-Authorization: x' \
	    'Upgrade: x' 'Close: x' '' >in
	"$UNIT/http" request <in | grep -E '^(hop )?\[' >got
	diff -u - got <<-'END'
	[Host] [x]
	[Content-Length] [1]
	hop [Connection] [host, content-length, via, a]
	[Via] [v]
	hop [A] [1]
	[AA] [2]
	hop [TE] [trailers]
	hop [Proxy-Connection] [x]
	hop [Proxy-Authorization] [x]
	hop [Upgrade] [x]
	hop [Close] [x]
	END
}

@test "http: too long a target, a field, too many fields" {
	h='HTTP/1.1\r\nHost: x\r\n'
	printf 'GET /%s HTTP/1.1\r\nHost: x\r\n\r\n' "$(fill 8191)" >in
	"$UNIT/http" request <in >got
	refuses request '414: the request target is longer than 8 KiB' \
	    "GET /$(fill 8192) $h\r\n"
	refuses request '414: the head is longer than 32 KiB' \
	    "GET /$(fill 40000)"
	refuses request '431: the head is longer than 32 KiB' \
	    "GET / ${h}A: $(fill 40000)"
	fields=
	for i in {1..99}; do
		fields="${fields}A$i: b\r\n"
	done
	printf "GET / ${h}${fields}\r\n" >in
	"$UNIT/http" request <in >got
	refuses request '431: more than 100 fields' \
	    "GET / ${h}${fields}B: c\r\n\r\n"
	names=
	for i in {1..99}; do
		names="${names}a,"
	done
	printf "GET / ${h}Connection: ${names}b\r\n\r\n" >in
	"$UNIT/http" request <in >got
	refuses request '431: Connection names more than 100 fields' \
	    "GET / ${h}Connection: ${names}b\r\nConnection: c\r\n\r\n"
}

@test "http: a head of 32 KiB is read, one byte more is refused" {
	for extra in -1 0 1 2 3; do
		{
			printf 'GET / HTTP/1.1\r\nHost: x\r\nA: '
			fill $((32768 - 16 - 9 - 3 - 4 + extra))
			printf '\r\n\r\n'
		} >in
		if [ "$extra" -le 0 ]; then
			for piece in 1 2 3 7 32767 32768 65536; do
				"$UNIT/http" request "$piece" <in >got
				grep -qx "$((32768 + extra)) bytes of head, 0 behind it" got
			done
		else
			for piece in 1 2 3 7 32767 32768 32769 65536; do
				run -1 "$UNIT/http" request "$piece" <in
				[ "$output" = 'bad 431: the head is longer than 32 KiB' ]
			done
		fi
	done
}

@test "http: status lines" {
	refuses response '502: no status line' '\r\n\r\n' 'HTTP/1.1\r\n\r\n' \
	    'HTTP/1.1 20 OK\r\n\r\n' 'HTTP/1.1 2000 OK\r\n\r\n' \
	    'HTTP/1.1 099 OK\r\n\r\n' 'HTTP/1.1 600 OK\r\n\r\n' \
	    'HTTP/1.1  200 OK\r\n\r\n' 'HTTP/1.1 2x0 OK\r\n\r\n' \
	    'HTTP/2.0 200 OK\r\n\r\n' 'ICY 200 OK\r\n\r\n' \
	    'HTTP/1.1 200 O\001K\r\n\r\n' 'HTTP/1.1 200 OK\r\r\n\r\n' \
	    '<html>nothing here\r\n\r\n'
}

@test "http: chunks" {
	printf '5\r\nhello\r\nA;x="y;z"\r\n0123456789\r\n000\r\nT: v\r\n\r\nrest' >in
	reads 0 chunks < <(printf \
	    '5\r\nhello\r\nA\r\n0123456789\r\n000\r\nT: v\r\n\r\n\ndone, 4 behind it\n')
	reads 0 data < <(printf 'hello0123456789\ndone, 4 behind it\n')
	printf '0\r\n\r\n' >in
	reads 0 chunks < <(printf '0\r\n\r\n\ndone, 0 behind it\n')
	reads 0 data < <(printf '\ndone, 0 behind it\n')
	printf 'fF \t ; a = "\t" \r\n0123456789abc' >in
	reads 0 chunks < <(printf 'fF\r\n0123456789abc\nmore, 0 behind it\n')
	printf '1\r\na\r\n0\r\nA: b\r\nC:\r\n' >in
	reads 0 chunks < <(printf \
	    '1\r\na\r\n0\r\nA: b\r\nC:\r\n\nmore, 0 behind it\n')
}

# broken TEXT...: no chunked body; what was passed on before is not looked at.
broken() {
	local text mode piece
	for text; do
		printf -- "$text" >in
		for mode in chunks data; do
			for piece in 1048576 1 2 3 7; do
				run -1 "$UNIT/http" "$mode" "$piece" <in
				[ "${lines[-1]}" = bad ] || {
					echo "$text: $output"
					return 1
				}
			done
		done
	done
}

@test "http: chunk sizes that are none" {
	broken '\r\n' 'x\r\n' ' 5\r\nhello' '+5\r\n' '-5\r\n' '0x5\r\n' '5h\r\n' \
	    '5 5\r\n' ';a\r\n' '5\nhello' '5\rhello' '\n' '5;a\nhello' \
	    '5;a\001\r\n' '1000000000000000\r\n' '0000000000000005\r\n' \
	    'ffffffffffffffffffffffff\r\n' '5,\r\n' '5\t\013\r\n' \
	    '5 \r\nhello' '5 \t\r\nhello' '0\t\r\n\r\n'
}

@test "http: chunk data that does not end where it says" {
	broken '5\r\nhelloo\r\n' '5\r\nhello\n' '5\r\nhello\rx' '5\r\nhello5\r\n' \
	    '0\r\n\rx' '0\r\n\n' '0\nx'
}

@test "http: bad trailers" {
	broken '0\r\n: a\r\n\r\n' '0\r\nA\r\n\r\n' '0\r\nA : b\r\n\r\n' \
	    '0\r\nA: b\r\n c\r\n\r\n' '0\r\nA: b\n\r\n' '0\r\nA: \001\r\n\r\n' \
	    '0\r\nA: b\rc\r\n\r\n' '0\r\nA\000: b\r\n\r\n'
	broken "0\r\nA: $(fill 8192)"
	broken "5;$(fill 8192)"
	printf '0\r\nA: %s\r\n\r\n' "$(fill 8000)" >in
	"$UNIT/http" data <in >got
	diff -u - got < <(printf '\ndone, 0 behind it\n')
}
