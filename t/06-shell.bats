#!/usr/bin/env bats
# share/lib.sh, the shell library, and t/run, which counts the tests.

load helper

# sh_lib COMMANDS: run by the sh of this system, with set -eu, over the library.
sh_lib() { sh -euc '. "$root/share/lib.sh"; prog=test; '"$1" sh "${@:2}"; }

@test "lib: warn, die, say, detail" {
	run -75 --separate-stderr sh_lib \
		'say seen; verbose=0; say hidden; warn "a  b" c; die 75 "late: why"'
	[ -z "$output" ]
	[ "$stderr" = "$(printf 'test: %s\n' seen 'a  b c' 'late: why')" ]
	run -0 sh_lib 'detail hidden; verbose=2; detail seen'
	[ "$output" = "test: seen" ]
}

@test "lib: quote is read back as one word" {
	local text
	for text in "" "a b" "it's" "'" '$(x) `y` "z" \n' $'two\nlines'; do
		[ "$(eval "printf %s $(sh_lib 'quote "$1"' "$text")")" = "$text" ]
	done
}

@test "lib: berth_state takes the first place that is set" {
	unset BERTH_STATE XDG_STATE_HOME
	[ "$(HOME=/h sh_lib berth_state)" = /h/.local/state/berth ]
	[ "$(HOME=/h XDG_STATE_HOME=/x sh_lib berth_state)" = /x/berth ]
	[ "$(HOME=/h XDG_STATE_HOME=/x BERTH_STATE=/b sh_lib berth_state)" = /b ]
	HOME='' run -2 sh_lib berth_state
	[ "$output" = "test: no place for state: set HOME or BERTH_STATE" ]
}

@test "lib: is_count" {
	local n
	for n in 0 7 999999; do
		run -0 sh_lib 'is_count "$1"' "$n"
	done
	for n in "" -1 +1 1x 01 1000000 ' 1'; do
		run -1 sh_lib 'is_count "$1"' "$n"
	done
}

@test "lib: await succeeds with its condition, and fails at its deadline" {
	run -0 sh_lib 'n=0; three() { n=$((n + 1)); [ "$n" -eq 3 ]; }; await 60 three; echo "$n"'
	[ "$output" = 3 ]
	run -1 sh_lib 'await 0 false'
}

@test "lib: pid files: only a pid, and only a process that is what it should be" {
	local text
	for text in "" x 0 1 -5 "12x" "12 34x"; do
		printf '%s' "$text" >pid
		[ "$text" = "12 34x" ] || run -1 sh_lib 'pid_read pid'
	done
	run -1 sh_lib 'pid_read nothere'
	MARK=a spawn sleep 600
	printf %s "$pid" >pid
	[ "$(sh_lib 'pid_read pid')" = "$pid" ]
	run -0 sh_lib 'await 10 pid_is "$1" sleep; pid_is "$1" sleep MARK=a' "$pid"
	run -1 sh_lib 'pid_is "$1" sleep MARK=aa' "$pid"
	run -1 sh_lib 'pid_is "$1" slee' "$pid"
	kill -9 "$pid"
	# nobody has waited for it: a zombie is not alive
	await 10 pids_dead "$pid"
	run -1 sh_lib 'pid_alive "$1"' "$pid"
}

@test "lib: end_pids ends the willing, the stopped and the deaf" {
	spawn sleep 600
	local willing=$pid
	spawn sleep 600
	local stopped=$pid
	kill -STOP "$stopped"
	spawn sh -c 'trap "" TERM; : >deaf; while :; do sleep 0.1; done'
	local deaf=$pid
	await 10 test -e deaf
	run -0 sh_lib 'end_pids 1 "$@"' "$willing" "$stopped" "$deaf" 4194305
	run -0 pids_dead "$willing" "$stopped" "$deaf"
	run -0 sh_lib 'end_pids 1'
}

# count <TESTS: t/run over a file of tests, in which % stands for @ (bats would
# take them for its own), and without anything of the bats around it.
count() {
	mkdir -p inner
	sed 's/^%/@/' >inner/x.bats
	env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" HOME="$PWD" \
		sh "$root/t/run" -j 1 "$PWD/inner/x.bats"
}

# install_here GOAL: into "in", with what has been built, and for nobody else.
install_here() {
	local san=
	[ "${UNIT#*/san/}" = "$UNIT" ] || san=1
	umask 077
	# shellcheck disable=SC2086
	run -"${2:-0}" make -s -C "$root" -o all ${san:+SAN=1} PREFIX=/usr \
		DESTDIR="$PWD/in" "$1"
}

@test "make: what is installed is for all to read, runs, and goes again" {
	install_here install
	[ -z "$(find in ! -type l ! -perm -o+r)" ]
	[ -z "$(find in -type d ! -perm -o+x)" ]
	(
		PATH=$PWD/in/usr/bin:$PATH
		[ "$(command -v svc-ps)" = "$PWD/in/usr/bin/svc-ps" ]
		[ "$(svc-ps -V)" = "svc-ps (berth) 0.1" ]
		run -0 "$PWD/in/usr/share/berth/examples/demo.sh" stop
		[ "$output" = 'stopped; nothing is left' ]
	)
	install_here uninstall
	[ -z "$(find in ! -type d)" ]
	# what cannot be written ends it, the first one of many too
	mkdir -p in/usr/share/man/man1/sched-sim.1/sched-sim.1
	install_here install 2
}

@test "run: counts what passed and what failed" {
	run -0 count <<<'%test "one" { true; }'
	[ "${lines[-1]}" = "1 passed, 0 failed" ]
	run -1 count <<-'EOF'
	%test "one" { true; }
	%test "two" { false; }
	%test "three" { skip "no time"; }
	EOF
	[ "${lines[-1]}" = "1 passed, 2 failed" ]
}

@test "run: a file that does not parse, and no test at all, are failures" {
	run -1 count <<<'%test "one" { true; '
	[[ ${lines[-1]} == "0 passed, "[1-9]*" failed" ]]
	run -1 count <<<''
	[ "${lines[-1]}" = "0 passed, 1 failed" ]
}

# broken_bats STATUS <TAP: a bats that prints that and exits so.
broken_bats() {
	mkdir -p broken
	cat >broken/tap
	printf '#!/bin/sh\ncat %s\nexit %s\n' "$PWD/broken/tap" "$1" >broken/bats
	chmod +x broken/bats
}

@test "run: what bats did not report, or how it ended, counts as failed" {
	PATH=$PWD/broken:$PATH
	broken_bats 0 <<<$'1..3\nok 1 one in 3ms'
	run -1 count </dev/null
	[ "${lines[-1]}" = "1 passed, 2 failed" ]
	broken_bats 1 <<<$'1..1\nok 1 one in 3ms'
	run -1 count </dev/null
	[ "${lines[-1]}" = "1 passed, 1 failed" ]
	broken_bats 0 <<<'ok 1 one in 3ms'
	run -1 count </dev/null
	[ "${lines[-1]}" = "1 passed, 1 failed" ]
	broken_bats 0 <<<$'1..1\nok 1 one in 3ms\nok 2 two # skip in 1ms'
	run -1 count </dev/null
	[ "${lines[-1]}" = "1 passed, 2 failed" ]
	broken_bats 137 </dev/null
	run -1 count </dev/null
	[ "${lines[-1]}" = "0 passed, 1 failed" ]
}

@test "helper: what a test leaves running ends with it" {
	run -0 count <<-EOF
	load $root/t/helper
	%test "one" { spawn sh -c 'sleep 600 & echo \$! >$PWD/pid; wait'; await 10 test -s $PWD/pid; }
	EOF
	[ "${lines[-1]}" = "1 passed, 0 failed" ]
	pids_dead "$(cat pid)"
}

@test "helper: same_ndjson: order of keys is free, everything else counts" {
	printf '%s\n' '{"a":1,"b":[2,3]}' '{"kind":"end"}' >want
	run -0 same_ndjson want <(printf '%s\n' '{ "b":[2,3], "a":1 }' '{"kind":"end"}')
	run -1 same_ndjson want <(printf '%s\n' '{"kind":"end"}' '{"a":1,"b":[2,3]}')
	run -1 same_ndjson want <(head -n 1 want)
	run -5 same_ndjson want <(echo '{"a":1} {"b":2}')
}
