#!/usr/bin/env bats
# berth(7): its EXAMPLES are taken from the page and run, on a Slurm of their
# own, for the jobs of other tests would be seen too.

load helper

setup() {
	test_setup
	awk '/^\.Sh / { examples = /EXAMPLES/; next }
		examples && /^\.Bd -literal/ { out = ++n ".sh"; next }
		/^\.Ed/ { out = "" }
		out { print >out }' "$root/man/berth.7"
}

teardown() {
	[ -z "${cluster:-}" ] || svc-devcluster down -q --dir="$cluster" || :
	test_teardown
}

# example N: runs it; got and talk are its output. A failure of any stage is
# one of the whole.
example() {
	bash -euo pipefail "$1.sh" >got 2>talk </dev/null ||
		{ echo "example $1: status $?"; cat got talk; return 1; }
}

# urls N: does example 3 list so many?
urls() { example 3 && [ "$(wc -l <got)" = "$1" ]; }

# kinds: "COUNT KIND" of what an example wrote.
kinds() { jq -r .kind got | sort | uniq -c | sed 's/^ *//' | paste -sd,; }

@test "berth(7): the examples are all known here" {
	[ "$(ls [0-9]*.sh | wc -l)" = 8 ]
	for n in 1 2 3 4 5 6 7 8; do
		bash -n "$n.sh"
	done
	grep -qxF "$(sed -n 's/^    \(svc-discover -f.*\)/\1/p' \
		"$root/README.md")" "$root/man/berth.7"
}

@test "berth(7): the examples do what the page says" {
	cluster=$PWD/slurm
	svc-devcluster up -q --nodes=2 --dir="$cluster"
	eval "$(svc-devcluster env --dir="$cluster")"
	cp -R "$root/services" services
	local wanted
	wanted=$(cat services/*/service.json | jq -s 'map(.instances.min) | add')

	example 1
	[ "$(grep -c '"kind":"submit"' got)" = "$wanted" ]
	[ -z "$(squeue -h)" ]

	example 2
	[ "$(grep -c '"kind":"submitted"' got)" = "$wanted" ]
	await 60 urls "$wanted"
	while read -r service url; do
		[ -d "services/$service" ]
		curl -sSf --max-time 10 "$url/" >body
		[ -s body ]
	done <got

	# nothing is missing now
	example 1
	[ -z "$(grep '"kind":"submit"' got)" ]
	example 4
	[ "$(tail -n 1 snapshot | jq -r .kind)" = end ]

	local on_n1
	on_n1=$(jq -r 'select(.node == "n1") | .job_id' snapshot | wc -l)
	[ "$on_n1" -gt 0 ]
	example 5
	[ "$(kinds)" = "$on_n1 drained" ]
	[ "$(squeue -h -o %k -w n1 | grep -c ,draining,)" = "$on_n1" ]

	example 6
	[ "$(kinds)" = "3 submitted" ]
	jq -r .job_id got >first
	example 6
	[ "$(jq -r 'select(.again) | .job_id' got)" = "$(cat first)" ]

	jq -nc '{kind: "submit", service: "hello", command: ["true"],
		hold: true}' | svc-submit >held
	example 7
	[ "$(kinds)" = "1 cancelled" ]
	[ "$(jq .job_id got)" = "$(jq .job_id held)" ]
}

@test "berth(7): answers by status" {
	printf '{"kind":"access","status":%d}\n' 200 503 200 200 >access.log
	example 8
	sed 's/^ *//' got | diff -u - <(printf '3 200\n1 503\n')
}
