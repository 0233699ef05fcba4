#!/usr/bin/env bats
# lib/term: one line of progress, on terminals of every width.

load helper

setup() {
	test_setup
	unset NO_COLOR
	export TERM=xterm
}

drawn() { python3 "$root/t/term.py" "$@"; }

@test "term: as much as fits, whole parts only" {
	echo 'doing 450 1000 450 of 1000 jobs, 0:21 left, 1234/s' >in
	while IFS='|' read -r columns want; do
		drawn "$columns" "$UNIT/term" <in >out
		diff -u - out <<<on
		# the line, and then none
		printf '%s' "${want:+$'\n'$want$'\n'}" | diff -u - drawn
		[ "${#want}" -lt "$columns" ] || [ -z "$want" ]
	done <<-'END'
	200|doing [==================>                     ]  45% 450 of 1000 jobs, 0:21 left, 1234/s
	80|doing [=============>                ]  45% 450 of 1000 jobs, 0:21 left, 1234/s
	60|doing [====>     ]  45% 450 of 1000 jobs, 0:21 left, 1234/s
	50|[======>       ]  45% 450 of 1000 jobs, 0:21 left
	40|[======>        ]  45% 450 of 1000 jobs
	35|[====>     ]  45% 450 of 1000 jobs
	20|[====>      ]  45% 
	18|doing  45% 
	8| 45% 
	6| 45% 
	5|
	1|
	END
}

@test "term: where the end is not known, and at the ends" {
	drawn 60 "$UNIT/term" >out <<-'END'
	reading 5 0 5 lines
	reading 0 5 none
	reading 5 5 all
	reading 9 5 more
	reading -1 5 less
	reading 9007199254740992 9007199254740992 much
	END
	diff -u - drawn <<-'END'

	reading 5 lines
	reading [>                                      ]   0% none
	reading [========================================] 100% all
	reading [=======================================] 100% more
	reading [>                                      ]   0% less
	reading [=======================================] 100% much
	END
}

@test "term: nothing if it is not wanted, or no terminal" {
	echo 'doing 1 2 x' >in
	off() {
		diff -u - out <<<off
		[ ! -s drawn ]
	}
	drawn 80 "$UNIT/term" quiet <in >out
	off
	NO_COLOR=1 drawn 80 "$UNIT/term" <in >out
	off
	TERM=dumb drawn 80 "$UNIT/term" <in >out
	off
	drawn 80 env -u TERM "$UNIT/term" <in >out
	off
	"$UNIT/term" <in >out 2>said
	diff -u - out <<<off
	[ ! -s said ]
	NO_COLOR='' drawn 80 "$UNIT/term" <in >out
	diff -u - out <<<on
}
