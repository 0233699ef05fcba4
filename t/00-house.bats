#!/usr/bin/env bats
# The rules of the house that a machine can keep (HACKING.md has the others).

load helper

setup() {
	test_setup
	cd "$root" || return
}

# nothing: what is on stdin should not be there.
nothing() {
	local found
	found=$(cat)
	[ -z "$found" ] || { echo "$found"; return 1; }
}

# c_files: every C file of the tree.
c_files() { git ls-files -co --exclude-standard -- '*.c' '*.h'; }

# tools: the commands of the suite.
tools() {
	for tool in bin/*; do
		echo "${tool##*/}"
	done
}

# code FILE...: "FILE:LINE: code" without comments and texts.
code() {
	python3 - "$@" <<-'END'
	import re, sys
	for path in sys.argv[1:]:
	    text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"',
	                  lambda m: '""' + "\n" * m[0].count("\n"),
	                  open(path).read(), flags=re.S)
	    for n, line in enumerate(text.split("\n"), 1):
	        print("%s:%d: %s" % (path, n, line))
	END
}

@test "house: who includes whom in lib/" {
	local low="err die xalloc buf num clock heap map rng"
	while IFS=: read -r module allowed; do
		for file in "lib/$module".[ch]; do
			sed -n 's/^#include "\(.*\)\.h".*/\1/p' "$file" |
				grep -vxF -e base -e "$module" | while read -r used; do
				[[ " $allowed " == *" $used "* ]] ||
					echo "$file includes $used.h"
			done
		done
		echo "$module" >>"$BATS_TEST_TMPDIR/modules"
	done >"$BATS_TEST_TMPDIR/found" <<-END
	base:
	err:
	die:err
	xalloc:die
	buf:
	num:err
	clock:
	heap:
	map:
	rng:
	announce:err num
	nd:$low
	flat:buf err
	http:buf err num
	chunks:http
	rec:nd $low
	args:die num rec
	service:rec http $low
	jobtext:jobspec rec $low
	jobspec:jobtext rec $low
	slurmio:jobspec rec $low
	fetch:buf err num clock http
	ev:heap clock err
	net:ev err num buf
	notify:err
	term:clock
	END
	nothing <"$BATS_TEST_TMPDIR/found"
	# and no module that the list does not know
	for file in lib/*.h; do
		basename "$file" .h
	done | sort | diff -u - <(sort "$BATS_TEST_TMPDIR/modules")
}

@test "house: lib knows no tool, and tools share records, not headers" {
	grep -n '#include ".*src/' lib/*.[ch] | nothing
	for dir in src/*/; do
		sed -n 's/^#include "\(.*\)".*/\1/p' "$dir"*.[ch]
	done | sort -u | while read -r header; do
		[ -e "lib/$header" ] || ls src/*/"$header" >/dev/null ||
			echo "$header is neither in lib nor beside its user"
	done | nothing
	grep -n '#include "\.\.' src/*.c src/*/*.[ch] lib/*.[ch] | nothing
}

@test "house: foreign libraries stay behind one file each" {
	local c
	c=$(c_files)
	grep -lE '^#include <slurm/' $c | grep -vE \
		'^(lib/slurmio\.c|t/unit/fake-slurm\.c|t/bench/.*\.c)$' | nothing
	grep -lE '^#include <curl/' $c | grep -vxF lib/fetch.c | nothing
	grep -lE '^#include <sqlite3' $c | grep -vxF lib/db.c | nothing
	grep -lwE 'slurm_(load|submit|init|free|kill|update|strerror)_?[a-z_]*|job_desc_msg_t' \
		$c | grep -vE \
		'^(lib/(slurmio\.c|jobspec\.h)|t/unit/fake-slurm\.c|t/bench/.*\.c)$' |
		nothing
}

@test "house: lib neither prints nor exits, but for args, die and xalloc" {
	local files
	files=$(ls lib/*.c | grep -vxE 'lib/(args|die|xalloc)\.c')
	code $files | grep -wE \
		'printf|fprintf|vfprintf|puts|perror|exit|_exit|abort|die|warn' |
		nothing
	# nd writes records, and nothing else does
	code $files | grep -wE 'stdout|stderr' | grep -v '^lib/nd\.c:' | nothing
}

@test "house: banned calls" {
	code $(c_files) | grep -wE 'strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|alloca|system|popen|rand|srand|gmtime|localtime|gets|mktemp|tmpnam' |
		nothing
}

@test "house: 80 columns, no blanks at the end of a line" {
	python3 - Makefile $(c_files) <<-'END' | nothing
	import sys
	for path in sys.argv[1:]:
	    for n, line in enumerate(open(path), 1):
	        line = line.rstrip("\n")
	        # a line of usage may fill its 80 columns between the quotes
	        if len(line.expandtabs(8)) > 80 + 4 * line.startswith('"'):
	            print("%s:%d: longer than 80 columns" % (path, n))
	        if line != line.rstrip():
	            print("%s:%d: blanks at the end" % (path, n))
	END
}

@test "house: files under 700 lines, Makefile under 180" {
	# one foreign interface, or one grammar, in one file
	local whole='lib/slurmio.c'
	wc -l $(c_files | grep -v ^t/) | awk -v whole="$whole" \
		'$2 != "total" && $1 >= 700 && !index(whole, $2)' | nothing
	wc -l Makefile | awk '$1 >= 180' | nothing
}

@test "house: functions are short; half under 20 lines, nine of ten under 60" {
	awk 'FNR == 1 { start = 0 }
		/^[a-z_0-9]+\(/ { name = $1; sub(/\(.*/, "", name) }
		/^{/ { start = FNR }
		/^}/ && start { print FNR - start - 1, FILENAME, name; start = 0 }' \
		$(c_files | grep '\.c$') | sort -n >"$BATS_TEST_TMPDIR/sizes"
	awk '$1 > 90' "$BATS_TEST_TMPDIR/sizes" | nothing
	awk '{ size[NR] = $1 }
		END {
			half = size[int(NR / 2)]
			most = size[int(NR * 0.9)]
			if (NR < 100 || half >= 20 || most >= 60)
				print NR, "functions, median", half, "p90", most
		}' "$BATS_TEST_TMPDIR/sizes" | nothing
}

@test "house: tests say exact statuses, and wait for conditions" {
	grep -nE '\brun [!]|^[[:space:]]*skip\b|^[[:space:]]+sleep\b' t/*.bats |
		nothing
	grep -LE '^load helper$' t/*.bats | nothing
}

@test "house: nothing half done is marked, no path of one machine is written" {
	git ls-files -co --exclude-standard | grep -vxF LICENSE |
		xargs grep -nIE 'TO[D]O|FIX[M]E|/wo[r]k/|/fa[r]m/' | nothing
}

@test "house: each tool has a page and a line in README" {
	for tool in $(tools); do
		[ -r "man/$tool.1" ] || echo "man/$tool.1 is missing"
		grep -q "^| \`$tool\`" README.md || echo "README has no $tool"
	done | nothing
}

@test "house: pages are sound, and have the sections of the house" {
	mandoc -T lint -W warning man/*.[1-8]
	for page in man/*.1; do
		for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES \
			'SEE ALSO'; do
			grep -qxE "\.Sh \"?$section\"?" "$page" ||
				echo "$page has no $section"
		done
	done | nothing
}

@test "house: no line of a page is wider than a terminal, but for records" {
	for page in man/*.1 man/svc-service.5; do
		mandoc -T utf8 -O width=78 "$page" | sed 's/.\x08//g' |
			awk -v page="$page" 'length($0) > 80 { print page ": " $0 }'
	done | nothing
}

@test "house: pages refer to pages that exist" {
	sed -n 's/^\.Xr \([^ ]*\) \([1-8]\).*/\1.\2/p' man/* |
		grep -E '^(svc-|berth)' | sort -u | while read -r page; do
		[ -r "man/$page" ] || echo "$page is missing"
	done | nothing
}

@test "house: the options of a tool and of its page are the same" {
	for tool in $(tools); do
		[ -r "man/$tool.1" ] || continue
		"$tool" --help >"$BATS_TEST_TMPDIR/help"
		mandoc -T ascii "man/$tool.1" | col -bx >"$BATS_TEST_TMPDIR/page"
		{
			grep -oE -- '--[a-z][a-z-]*' "$BATS_TEST_TMPDIR/help"
			sed -nE 's/^ {2}(-[A-Za-z])[ ,].*/\1/p' \
				"$BATS_TEST_TMPDIR/help"
		} | sort -u | while read -r option; do
			grep -qE -- "(^|[^-a-z])$option([^-a-z]|$)" \
				"$BATS_TEST_TMPDIR/page" ||
				echo "$tool.1 has no $option"
		done
		grep '^\.It Fl' "man/$tool.1" | grep -oE 'Fl -?[A-Za-z-]+' |
			sed 's/^Fl /-/' | sort -u | while read -r option; do
			grep -qE -- "(^|[^-a-z])$option([^-a-z]|$)" \
				"$BATS_TEST_TMPDIR/help" ||
				echo "$tool --help has no $option"
		done
	done | nothing
}

@test "house: a tool in C takes the options that its usage names, no others" {
	local row='s/^[[:space:]]*\{ "([a-z-]+)", [a-z]+_argument,.*/--\1/p'
	for tool in $(tools); do
		[ -d "src/$tool" ] || continue
		{
			sed -nE "$row" "src/$tool"/*.c
			sed -nE "$row" lib/args.h
			# the keys of a job are one table in the library
			[ "$tool" != svc-submit ] || {
				sed -nE 's/^[[:space:]]X\([^"]*"([a-z-]+)".*/--\1/p' \
					lib/jobspec.h
				echo --no-requeue
			}
		} | sort -u >"$BATS_TEST_TMPDIR/taken"
		"$tool" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u |
			diff -u --label "usage of $tool" --label "its table" \
				- "$BATS_TEST_TMPDIR/taken"
	done
}

@test "house: --help, --version, a wrong option, a full disk" {
	local version
	version=$(sed -n 's/^#define BERTH_VERSION "\(.*\)"/\1/p' lib/base.h)
	for tool in $(tools); do
		for option in -h --help; do
			run -0 --separate-stderr "$tool" "$option"
			[[ $output == "usage: $tool "* ]]
			[ -z "$stderr" ]
		done
		for option in -V --version; do
			run -0 --separate-stderr "$tool" "$option"
			[ "$output" = "$tool (berth) $version" ]
			[ -z "$stderr" ]
		done
		run -2 --separate-stderr "$tool" --no-such-option
		[ -z "$output" ]
		[[ $stderr == *"no-such-option"* ]]
		run -2 "$tool" -%
		for option in --help --version; do
			rc=0
			"$tool" "$option" >/dev/full \
				2>"$BATS_TEST_TMPDIR/full" || rc=$?
			echo "$tool $option: $rc"
			[ "$rc" = 75 ]
			[ -s "$BATS_TEST_TMPDIR/full" ]
		done
	done
}

@test "house: shell commands are sound to shellcheck" {
	grep -lsIE '^#!/bin/(ba)?sh' bin/* services/*/* examples/* t/run \
		t/bench/* t/fuzz/run .ci/run >"$BATS_TEST_TMPDIR/scripts" || :
	[ "$(wc -l <"$BATS_TEST_TMPDIR/scripts")" -ge 10 ]
	xargs shellcheck -x share/lib.sh share/completion/berth \
		<"$BATS_TEST_TMPDIR/scripts"
}

@test "house: completion knows every tool and its options" {
	bash -n share/completion/berth
	for tool in $(tools); do
		bash -c '
			. share/completion/berth
			COMP_WORDS=("$1" --) COMP_CWORD=1
			_berth "$1" -- "$1"
			printf "%s\n" "${COMPREPLY[@]}"' bash "$tool" |
			sed 's/=$//' | sort -u >"$BATS_TEST_TMPDIR/offered"
		"$tool" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u |
			diff -u - "$BATS_TEST_TMPDIR/offered"
		bash -c '. share/completion/berth; complete -p "$1"' bash \
			"$tool" >/dev/null
	done
}
