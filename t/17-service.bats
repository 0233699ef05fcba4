#!/usr/bin/env bats
# lib/service: services/NAME/service.json, and svc-service(5), which must name
# the same keys, types, ranges and defaults as the table in the code.

load helper

# service DIR JSON: makes services/DIR/service.json.
service() {
	mkdir -p "services/$1"
	printf '%s\n' "$2" >"services/$1/service.json"
}

# refused TEXT: the directory is refused with exactly that text ("@" stands
# for the path of the directory).
refused() {
	local rc=0
	"$UNIT/service" services >got || rc=$?
	printf '! 2 %s\n' "${1//@/$PWD/services}" | diff -u - got
	[ "$rc" = 2 ]
}

# bad JSON TEXT: a service like that is refused with that text.
bad() {
	service x "$1"
	refused "@/x/service.json: $2"
}

@test "a name is enough: the defaults" {
	service hello '{"name":"hello"}'
	"$UNIT/service" services >got
	cat >want <<-END
	{"name":"hello","balance":"least","per_instance":0,"job":{},
	 "instances.min":1,"instances.max":1,"instances.target_inflight":0,
	 "instances.idle_s":600,"instances.lead_s":-1,"instances.spread":false,
	 "route.prefix":"/hello","route.strip":true,"route.drain_s":30,
	 "health.path":"/","health.status":"200-399,401",
	 "health.interval_s":5,"health.timeout_s":2,
	 "health.rise":1,"health.fall":2,"health.eject_after":5,
	 "queue.max":1024,"queue.timeout_s":300,
	 "retry.attempts":3,"retry.unsafe":false,
	 "retry.body_max_bytes":1048576,"route.default":false,
	 "limit.requests":0,"limit.per_s":1,"dir":"$PWD/services/hello"}
	END
	same_ndjson <(jq -c . want) got
}

@test "every key can be set" {
	service hello '{"kind":"service","name":"hello",
	 "job":{"script":"job.sh","time_limit_s":60,"own":[1,{"a":null}]},
	 "instances":{"min":2,"max":4,"target_inflight":4,"idle_s":0,
	  "lead_s":0,"spread":true},
	 "route":{"prefix":"/a/b","strip":false,"drain_s":0,"default":true,
	  "host":"a.example","listen":"127.0.0.1:8000"},
	 "auth":{"bearer_file":"tokens","basic_file":"/etc/users"},
	 "secret_file":"secret","limit":{"requests":60,"per_s":30},
	 "health":{"path":"-","status":"204","interval_s":1,"timeout_s":1,
	  "rise":100,"fall":100,"eject_after":0},
	 "balance":"hash:header:X-User","per_instance":8,
	 "queue":{"max":0,"timeout_s":0},
	 "retry":{"attempts":1,"unsafe":true,"body_max_bytes":0}}'
	"$UNIT/service" services >got
	cat >want <<-END
	{"name":"hello","balance":"hash:header:X-User","per_instance":8,
	 "job":{"script":"job.sh","time_limit_s":60,"own":[1,{"a":null}]},
	 "instances.min":2,"instances.max":4,"instances.target_inflight":4,
	 "instances.idle_s":0,"instances.lead_s":0,"instances.spread":true,
	 "route.prefix":"/a/b","route.strip":false,"route.drain_s":0,
	 "health.path":"-","health.status":"204",
	 "health.interval_s":1,"health.timeout_s":1,
	 "health.rise":100,"health.fall":100,"health.eject_after":0,
	 "queue.max":0,"queue.timeout_s":0,
	 "retry.attempts":1,"retry.unsafe":true,
	 "route.default":true,"route.host":"a.example",
	 "route.listen":"127.0.0.1:8000","auth.bearer_file":"tokens",
	 "auth.basic_file":"/etc/users","secret_file":"secret",
	 "limit.requests":60,"limit.per_s":30,
	 "retry.body_max_bytes":0,"dir":"$PWD/services/hello"}
	END
	same_ndjson <(jq -c . want) got
}

@test "several, sorted by name; what is no service is passed over" {
	service b '{"name":"zeta"}'
	service c '{"name":"alpha"}'
	service .hidden '{"name":"hidden"}'
	mkdir services/empty
	echo text >services/README.md
	"$UNIT/service" services >got
	[ "$(jq -r .name got)" = $'alpha\nzeta' ]
	run -0 "$UNIT/service" services zeta
	[ "$output" = "$PWD/services/b" ]
	run -0 "$UNIT/service" services zet
	[ "$output" = - ]
	run -0 "$UNIT/service" services b
	[ "$output" = - ]
}

@test "no service at all is no error" {
	mkdir services
	run -0 "$UNIT/service" services
	[ -z "$output" ]
}

@test "names with spaces, commas, UTF-8; prefixes that a URL can hold" {
	service a '{"name":"my service, v2|é"}'
	service b '{"name":"100%"}'
	service c '{"name":"a?b#c"}'
	"$UNIT/service" services >got
	jq -r '.name + " " + .["route.prefix"]' got | diff -u - <(cat <<-'END'
	100% /100%25
	a?b#c /a%3Fb%23c
	my service, v2|é /my%20service,%20v2%7C%C3%A9
	END
	)
}

@test "strange keys are named and ignored, those of job are not ours" {
	service x '{"name":"x","nmae":"y","instances":{"mni":1},
	 "queue":{"name":1},"job":{"anything":1}}'
	"$UNIT/service" services >got
	grep '^odd' got | diff -u - <(cat <<-END
	odd: $PWD/services/x/service.json: unknown key 'nmae'
	odd: $PWD/services/x/service.json: unknown key 'instances.mni'
	odd: $PWD/services/x/service.json: unknown key 'queue.name'
	END
	)
	[ "$(grep -c '^{' got)" = 1 ]
}

@test "a missing, empty or impossible name" {
	bad '{}' "'name' is missing"
	local ask="'name' must be 1 to 100 bytes without '/' and control characters"
	bad '{"name":""}' "$ask"
	bad '{"name":"."}' "$ask"
	bad '{"name":".."}' "$ask"
	bad '{"name":"a/b"}' "$ask"
	bad '{"name":"a\nb"}' "$ask"
	bad '{"name":"a\u007f"}' "$ask"
	bad "{\"name\":\"$(head -c 101 /dev/zero | tr '\0' n)\"}" "$ask"
	service x "{\"name\":\"$(head -c 100 /dev/zero | tr '\0' n)\"}"
	run -0 "$UNIT/service" services
}

@test "wrong types are named" {
	bad '{"name":1}' "'name' must be text"
	bad '{"name":null}' "'name' must be text"
	bad '{"name":"x","job":[]}' "'job' must be an object"
	bad '{"name":"x","instances":2}' "'instances' must be an object"
	bad '{"name":"x","instances":null}' "'instances' must be an object"
	bad '{"name":"x","instances":{"min":"2"}}' \
		"instances: 'min' must be an integer"
	bad '{"name":"x","instances":{"min":2.0}}' \
		"instances: 'min' must be an integer"
	bad '{"name":"x","retry":{"unsafe":1}}' \
		"retry: 'unsafe' must be true or false"
	bad '{"name":"x","kind":"job"}' "kind is 'job', not 'service'"
	bad '{"name":"x","balance":"random"}' \
		"'balance' must be least, p2c, rr, hash:client, hash:header:NAME, hash:cookie:NAME, sticky or sticky:NAME"
}

@test "numbers out of range are named" {
	bad '{"name":"x","instances":{"min":-1}}' \
		"instances: 'min' must be 0 to 10000"
	bad '{"name":"x","instances":{"max":-1}}' \
		"instances: 'max' must be 0 to 10000"
	bad '{"name":"x","instances":{"max":10001}}' \
		"instances: 'max' must be 0 to 10000"
	bad '{"name":"x","instances":{"min":3,"max":2}}' \
		"instances: max (2) is less than min (3)"
	bad '{"name":"x","health":{"interval_s":0}}' \
		"health: 'interval_s' must be 1 to 86400"
	bad '{"name":"x","per_instance":-1}' \
		"'per_instance' must be 0 to 1000000"
}

@test "every number at both ends of its range, and one beyond" {
	local key type min max group name
	"$UNIT/service" -k >keys
	while read -r key type min max _; do
		[ "$type" = integer ] || continue
		group=${key%.*} name=${key#*.}
		for n in "$min" "$max" $((min - 1)) $((max + 1)); do
			if [ "$group" = "$name" ]; then
				service x "{\"name\":\"x\",\"$name\":$n}"
			else
				service x "{\"name\":\"x\",\"$group\":{\"$name\":$n}}"
			fi
			rc=0
			"$UNIT/service" services >got || rc=$?
			if [ "$n" -lt "$min" ] || [ "$n" -gt "$max" ]; then
				[ "$rc" = 2 ]
				grep -q "'$name' must be $min to $max" got
			elif [ "$key $n" != "instances.max 0" ]; then
				[ "$rc" = 0 ]
				[ "$(jq ".\"$key\"" got)" = "$n" ]
			fi
		done
	done <keys
}

@test "prefixes and paths that cannot stand in a request line" {
	local prefix="route: 'prefix' must begin with '/', not end with it, and be ASCII without blanks, '?' and '#'"
	for p in '' a 'a/' '/a/' '/a b' '/a?b' '/a#b' '/é' '/a\n' '/\u007f'; do
		bad "{\"name\":\"x\",\"route\":{\"prefix\":\"$p\"}}" "$prefix"
	done
	local path="health: 'path' must begin with '/' and be ASCII without blanks (or be \"-\" for a TCP connect)"
	for p in '' a '/a b' '/a HTTP/1.1\r\nX: y' '/é' '--' '/a#b'; do
		bad "{\"name\":\"x\",\"health\":{\"path\":\"$p\"}}" "$path"
	done
	service x '{"name":"x","route":{"prefix":"/"},"health":{"path":"/a?b=c"}}'
	run -0 "$UNIT/service" services
}

@test "statuses that are none" {
	for s in '' 99 600 200-100 a '200,' '200-'; do
		service x "{\"name\":\"x\",\"health\":{\"status\":\"$s\"}}"
		run -2 "$UNIT/service" services
		[[ $output == "! 2 $PWD/services/x/service.json: health: 'status': "* ]]
	done
}

@test "two services of one name, two of one prefix" {
	service a '{"name":"x"}'
	service b '{"name":"x"}'
	refused "@/b/service.json: the name 'x' is taken by @/a/service.json"
	service b '{"name":"y","route":{"prefix":"/x"}}'
	refused "@/b/service.json: the prefix '/x' is taken by @/a/service.json"
}

@test "prefixes are apart by host and listen; one default for each listen" {
	service a '{"name":"a","route":{"host":"h","default":true}}'
	service b '{"name":"b","route":{"host":"i"}}'
	service c '{"name":"c","route":{"listen":"unix:s","default":true}}'
	service d '{"name":"d","route":{"prefix":"/"}}'
	"$UNIT/service" services >got
	[ "$(jq -r '.["route.prefix"]' got)" = $'/\n/\n/\n/' ]
	service d '{"name":"d","route":{"host":"H"}}'
	refused "@/d/service.json: the prefix '/' is taken by @/a/service.json"
	service d '{"name":"d","route":{"listen":"unix:s"}}'
	refused "@/d/service.json: the prefix '/' is taken by @/c/service.json"
	service d '{"name":"d","route":{"default":true}}'
	refused "@/d/service.json: the default is @/a/service.json"
}

@test "hosts that are none" {
	for h in '' 'a:80' 'a/b' 'a b' '[::1' '[::1]:80' 'é'; do
		bad "{\"name\":\"x\",\"route\":{\"host\":\"$h\"}}" \
			"route: 'host' must be a name or an address, without a port"
	done
	service x '{"name":"x","route":{"host":"[::1]"}}'
	run -0 "$UNIT/service" services
}

@test "one bad service and none is taken" {
	service a '{"name":"a"}'
	service b '{"name":"b","queue":{"max":-1}}'
	service c '{"name":"c"}'
	refused "@/b/service.json: queue: 'max' must be 0 to 1000000"
}

@test "files that are no JSON object" {
	service x '{"name":"x"'
	run -2 "$UNIT/service" services
	[[ $output == "! 2 $PWD/services/x/service.json:2: "* ]]
	service x '{"name":"x","name":"y"}'
	run -2 "$UNIT/service" services
	[[ $output == "! 2 $PWD/services/x/service.json:1: duplicate object key"* ]]
	service x '[]'
	refused "@/x/service.json: not a JSON object"
	printf '{"name":"\377"}' >services/x/service.json
	run -2 "$UNIT/service" services
	: >services/x/service.json
	run -2 "$UNIT/service" services
	[[ $output == "! 2 $PWD/services/x/service.json:1: "* ]]
}

@test "files that cannot be read, or never end" {
	mkdir -p services/x/service.json
	refused "@/x/service.json: not a regular file"
	rmdir services/x/service.json
	mkfifo services/x/service.json
	refused "@/x/service.json: not a regular file"
	rm services/x/service.json
	ln -s /dev/zero services/x/service.json
	refused "@/x/service.json: not a regular file"
	ln -sf service.json services/x/service.json
	refused "@/x/service.json: Too many levels of symbolic links"
	rm services/x/service.json
	truncate -s 1048577 services/x/service.json
	refused "@/x/service.json: longer than 1048576 bytes"
}

@test "a directory that is not there" {
	refused "services: No such file or directory"
	: >services
	refused "services: Not a directory"
}

@test "svc-service(5) has the table's keys, types, ranges and defaults" {
	"$UNIT/service" -k | LC_ALL=C sort >table
	mandoc -T man "$root/man/svc-service.5" >/dev/null
	# .It Sy KEY Pq TYPE , MIN to MAX , default VALUE
	sed -n 's/^\.It Sy \([a-z_.]*\) Pq \(.*\)$/\1 \2/p' \
		"$root/man/svc-service.5" | awk '
		$2 == "text" { print $1, $2, "- -", $NF }
		$2 == "boolean" { print $1, $2, "- -", $NF }
		$2 == "integer" { print $1, $2, $4, $6, $NF }' |
		LC_ALL=C sort >page
	sed -i 's/^instances.lead_s \(.*\) -1$/instances.lead_s \1 measured/
		s/^instances.max \(.*\) -1$/instances.max \1 min/
		s/^route.prefix \(.*\) -$/route.prefix \1 \/NAME/
		s/ text - - -$/ text - - none/' table
	diff -u table page
}

@test "svc-service(5): the examples are services" {
	awk '/^\.Bd -literal/ { out = ++n ".json"; next }
		/^\.Ed/ { out = "" }
		out { print >out }' "$root/man/svc-service.5"
	for n in 1 2; do
		service "$n" "$(cat "$n.json")"
	done
	"$UNIT/service" services >got
	[ "$(jq -r .name got)" = $'hello\nllama' ]
	run -1 grep -v '^{' got
}

@test "the services that come with the suite are sound" {
	"$UNIT/service" "$root/services" >got
	[ "$(wc -l <got)" -ge 2 ]
	run -1 grep -v '^{' got
}
