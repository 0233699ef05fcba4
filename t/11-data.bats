#!/usr/bin/env bats
# lib/buf, map, heap, rng, clock: random commands, and what a plain model in
# Python (unit/model.py) says must come out.

load helper

model() {
	local seed
	for seed in 1 2 3; do
		python3 "$root/t/unit/model.py" "$1" "$seed"
		"$UNIT/$1" <in >got
		diff -u want got
	done
}

@test "buf: never past its limit, unchanged by what does not fit" {
	model buf
}

@test "map: a dict in order of insertion, through growth and deletion" {
	model map
}

@test "map: keys are copied whole, of any length" {
	local long
	long=$(head -c 100000 /dev/zero | tr '\0' k)
	printf 'set %s 1\nset %sx 2\nget %s\nget %sx\nget %sy\ndel %s\nget %sx\n' \
		"$long" "$long" "$long" "$long" "$long" "$long" "$long" >in
	"$UNIT/map" <in >got
	diff -u - got <<-'END'
	1
	2
	1
	2
	-
	1
	2
	END
}

@test "heap: least first, ties in order of arrival, removal anywhere" {
	model heap
}

@test "rng: PCG32, the same on every machine" {
	model rng
}

@test "clock: RFC 3339, before and after the epoch" {
	cat >in <<-'END'
	rfc 0
	rfc 1714979289123
	rfc 951782400000
	rfc 4107542399999
	rfc -1
	rfc -86400000
	END
	"$UNIT/clock" <in >got
	diff -u - got <<-'END'
	1970-01-01T00:00:00.000Z
	2024-05-06T07:08:09.123Z
	2000-02-29T00:00:00.000Z
	2100-02-28T23:59:59.999Z
	1969-12-31T23:59:59.999Z
	1969-12-31T00:00:00.000Z
	END
}

@test "clock: --now stops the wall clock and only that" {
	printf 'now 1700000000\nsleep 30\nwall\nsleep -5\n' >in
	"$UNIT/clock" <in >got
	[ "$(sed -n 1p got)" = "1700000000 1700000000" ]
	[ "$(sed -n 3p got)" = "1700000000 1700000000" ]
	read -r ms us < <(sed -n 2p got)
	[ "$ms" -ge 29 ]
	[ "$us" -ge 30000 ]
}

@test "clock: the wall clock is the machine's" {
	local before after
	before=$(date +%s)
	echo wall >in
	"$UNIT/clock" <in >got
	after=$(date +%s)
	read -r s _ <got
	[ "$s" -ge "$before" ]
	[ "$s" -le "$after" ]
}
