#!/usr/bin/env bats
# job-plot: pictures, taken apart again: the texts of an SVG, the pixels of a
# PNG; hostile names; what cannot be drawn.

load helper

# said_in SVG: its texts, one a line, but for the numbers of the axes.
said_in() {
	python3 - "$1" <<-'END'
	import sys, xml.etree.ElementTree as tree
	for node in tree.parse(sys.argv[1]).iter():
	    if node.tag.endswith("}text"):
	        text = "".join(node.itertext()).strip()
	        if not text.replace(".", "").replace(",", "").isdigit():
	            print(text)
	END
}

# png FILE X Y: width, height and the colour of a pixel.
png() {
	python3 - "$@" <<-'END'
	import struct, sys, zlib
	data = open(sys.argv[1], "rb").read()
	assert data[:8] == b"\x89PNG\r\n\x1a\n"
	width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
	assert depth == 8 and kind in (2, 6)
	at, packed = 8, b""
	while at < len(data):
	    size, = struct.unpack(">I", data[at:at + 4])
	    if data[at + 4:at + 8] == b"IDAT":
	        packed += data[at + 8:at + 8 + size]
	    at += size + 12
	step = 3 if kind == 2 else 4
	raw, rows = zlib.decompress(packed), [bytearray(width * step)]
	x, y = int(sys.argv[2]), int(sys.argv[3])
	for y in range(y + 1):
	    row = raw[y * (width * step + 1):][:width * step + 1]
	    filter_, out, up = row[0], bytearray(row[1:]), rows[-1]
	    for i in range(len(out)):
	        a = out[i - step] if i >= step else 0
	        c = up[i - step] if i >= step else 0
	        p = a + up[i] - c
	        best = min((a, up[i], c), key=lambda v: (abs(p - v),))
	        out[i] = (out[i] + [0, a, up[i], (a + up[i]) // 2,
	                            best][filter_]) % 256
	    rows.append(out)
	print(width, height, rows[y + 1][x * step:x * step + 3].hex())
	END
}

three() {
	cat <<-'END'
	{"kind":"cluster","procs":10}
	{"kind":"job","job_id":1,"submit_at":100,"start_at":100,"end_at":105,"cpus":4,"name":"train"}
	{"kind":"job","job_id":2,"submit_at":101,"wait_s":9,"run_s":40,"cpus":2}
	{"kind":"job","job_id":3,"submit_at":102,"start_at":150,"end_at":200,"cpus":10,"name":""}
	{"kind":"job","job_id":4,"submit_at":103}
	END
}

stats() {
	local seed
	for seed; do
		for rate in 4 6; do
			for policy in fifo las; do
				echo "{\"kind\":\"stats\",\"policy\":\"$policy\",\"rate\":$rate,\"seed\":$seed,\"jct_s\":{\"mean\":$((rate * seed * 3600))}}"
			done
		done
	done
}

# refused STATUS TEXT ARGS...
refused() {
	local status_=$1 text=$2
	shift 2
	run "-$status_" --separate-stderr job-plot "$@"
	[ "$stderr" = "job-plot: $text" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}

@test "gantt: who waited and ran, by name" {
	three >three.ndjson
	job-plot gantt three.ndjson >got
	diff -u - <(said_in got) <<-'END'
	train 1
	job 2
	job 3
	Who waited and ran when
	three: 3 jobs, in order of submission
	seconds since the first submission
	waiting
	running
	END
}

@test "gantt: machines, where they have names" {
	three | sed 's/"cpus":\([0-9]*\)/&,"alloc":"0-\1"/; /:4,"submit/d' |
		sed 's/"alloc":"0-2"/"alloc":"0,7"/' >three.ndjson
	job-plot gantt --title='My jobs' three.ndjson >got
	diff -u - <(said_in got) <<-'END'
	My jobs
	three: 3 jobs, and eight colours for them
	machine
	seconds since the first submission
	job 2
	job 2
	job 3
	END
}

@test "gantt: the shortest job on one machine of many is still seen" {
	cat >jobs <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":9000,"alloc":"0-998"}
	{"kind":"job","job_id":2,"submit_at":9000,"start_at":9500,"end_at":9501,"alloc":"0-998"}
	{"kind":"job","job_id":3,"submit_at":0,"start_at":9600,"end_at":10000,"alloc":"0"}
	END
	job-plot gantt jobs >got
	python3 - <<-'END'
	import re
	boxes = re.findall(r"<polygon fill = '(.*?)' points = '(.*?) '", open("got").read())
	assert len({colour for colour, _ in boxes}) == len(boxes) == 3, boxes
	for colour, points in boxes:
	    for axis in zip(*(map(float, p.split(",")) for p in points.split())):
	        assert max(axis) - min(axis) > 0.9, (colour, points)
	END
}

@test "cdf: one series or several, of any measure" {
	three >three.ndjson
	job-plot cdf three.ndjson >got
	diff -u - <(said_in got) <<-'END'
	How long jobs take
	three: 3 jobs
	jobs, %
	completion time, seconds
	END
	grep -v '"job_id":3' three.ndjson >two.ndjson
	job-plot cdf --measure=wait_s three.ndjson - <two.ndjson >got
	diff -u - <(said_in got) <<-'END'
	How long jobs wait
	part of the jobs that waited no longer
	jobs, %
	waiting time, seconds
	three
	stdin
	END
	# where most are short and some long, the axis is in powers
	for run in 1 1 1 1 20 40000; do
		echo '{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":'$run'}'
	done >skewed
	job-plot cdf skewed >got
	said_in got | sed -n 1,5p | diff -u - <(cat <<-'END'
	1 s
	10 s
	1 min
	10 min
	1 h
	END
	)
}

@test "util and queue: over time, from the first submission on" {
	three >three.ndjson
	job-plot util three.ndjson >got
	diff -u - <(said_in got) <<-'END'
	How full the cluster was
	three: part of the processors in use
	in use, %
	seconds since the first submission
	END
	jq -c 'select(.kind == "job") | .submit_at += 1714979000 |
		if .start_at then .start_at += 1714979000 |
		.end_at += 1714979000 | .gpus = 1 else . end' three.ndjson >real
	job-plot util --gpus=4 --procs=10 real >got
	diff -u - <(said_in got) <<-'END'
	How full the cluster was
	real
	in use, %
	seconds since 2024-05-06 07:05 UTC
	CPUs
	GPUs
	END
	job-plot queue three.ndjson >got
	diff -u - <(said_in got) <<-'END'
	How many jobs wait
	three
	jobs
	seconds since the first submission
	waiting
	running
	END
	cp three.ndjson other
	job-plot queue three.ndjson other >got
	said_in got | tail -n 2 | diff -u - <(printf '%s\n' three other)
}

@test "load: means of stats records, and how far seeds are apart" {
	stats 1 >one
	job-plot load one >got
	diff -u - <(said_in got) <<-'END'
	Mean completion time against load
	one run a point
	mean completion time, hours
	jobs an hour
	fifo
	las
	END
	stats 1 2 3 >more
	job-plot load more >got
	said_in got | sed -n 2p |
		diff -u - <(echo 'means of 3 seeds, and the least and the most of them')
}

@test "load: policies that are far apart have a logarithmic scale" {
	stats 1 >near
	job-plot load near >got
	grep -qE '> *0 *<' got
	jq -c 'if .policy == "las" then .jct_s.mean *= 2e7 else . end' near >far
	job-plot load far >got
	said_in got | grep -qxF 'mean completion time, hours'
	grep -qF '1,000,000' got
	run -1 grep -E '> *0 *<' got
}

@test "a PNG is as large and as dark as it should be" {
	three >three
	job-plot cdf --format=png three >got
	[ "$(png got 2 2)" = '900 560 ffffff' ]
	job-plot queue --format=png --size=300x200 --dark three >got
	[ "$(png got 2 2)" = '300 200 15181d' ]
	# the third job runs in the right half of the lowest third
	job-plot gantt --format=png --size=450x280 three >got
	[ "$(png got 310 172)" = '450 280 0072b2' ]
	[ "$(png got 310 90)" = '450 280 ffffff' ]
}

@test "texts are texts: quotes, markup, commands, lines" {
	local evil="it's \"x\" \`touch owned1\` @v {=20 b}_2 <b>&'; system('touch owned2') #"
	three | jq -c --arg evil "$evil"$'\nset output "owned3"\\' \
		'if .kind == "job" then .name = $evil else . end' >"$evil.ndjson"
	job-plot gantt "$evil.ndjson" >got
	diff -u - <(said_in got) <<-END
	it's ’x’ \`touch… 1
	it's ’x’ \`touch… 2
	it's ’x’ \`touch… 3
	Who waited and ran when
	$evil: 3 jobs, in order of submission
	seconds since the first submission
	waiting
	running
	END
	cp "$evil.ndjson" "other $evil"
	job-plot cdf --size=1800x560 --title="$evil"$'\n\\' "$evil.ndjson" "other $evil" >got
	[ "$(said_in got | grep -cF "$evil")" = 3 ]
	stats 1 | jq -c --arg evil "$evil"$'\n'"plot '" '.policy = $evil' >named
	job-plot load --size=1800x560 named >got
	said_in got | grep -qF "$evil plot '"
	[ -z "$(ls | grep '^owned')" ]
}

@test "many jobs are drawn as few things" {
	awk 'BEGIN { for (i = 0; i < 6000; i++)
		printf "{\"kind\":\"job\",\"job_id\":%d,\"submit_at\":%d," \
			"\"start_at\":%d,\"end_at\":%d,\"cpus\":1}\n",
			i, i * 60, i * 61, i * 61 + 1000 + i % 97 * 500 }' >many
	for kind in gantt cdf queue; do
		job-plot "$kind" many >got
		said_in got >texts
		[ "$(wc -c <got)" -lt 200000 ]
	done
	job-plot gantt many >got
	grep -qF '>5,000<' got || grep -qF '5,000' got
	said_in got | grep -qxF \
		'many: 6,000 jobs, in order of submission; one in 20 is shown'
}

@test "by mawk, Debian's own awk, and with a decimal point everywhere" {
	local kind
	three >in
	jq -c 'if .kind == "job" then .alloc = "\(.job_id)" else . end' in >named
	mkdir bin
	cat >bin/awk <<-'END'
	#!/bin/sh
	echo "$LC_ALL" >>locales
	exec mawk "$@"
	END
	chmod +x bin/awk
	stats 1 2 >runs
	for kind in 'gantt in' 'cdf in' 'util in' 'queue in' 'gantt named' \
		'load runs'; do
		# shellcheck disable=SC2086
		job-plot --procs=10 $kind >want
		# shellcheck disable=SC2086
		LC_ALL=de_DE.UTF-8 PATH=$PWD/bin:$PATH job-plot --procs=10 \
			$kind >got 2>said
		[ ! -s said ]
		cmp want got
	done
	[ "$(sort -u locales)" = C.UTF-8 ]
}

@test "texts that are too long are cut, and none is larger than the picture" {
	local long
	long=$(printf 'name-%.0s' {1..30})
	three >"$long.ndjson"
	three >b
	run -0 --separate-stderr job-plot cdf --title="$long" "$long.ndjson" b
	[ -z "$stderr" ]
	said_in <(echo "$output") >said
	grep -qx "${long:0:87}…" said
	grep -qx "${long:0:59}…" said
	# a file whose name is no UTF-8 is well-formed XML all the same
	cp b "$(printf 'b\377.ndjson')"
	job-plot cdf "$(printf 'b\377.ndjson')" >svg
	said_in svg | grep -qx 'b�: 3 jobs'
	# a letter that no font has: its number would be drawn over all
	{
		echo '{"kind":"job","job_id":1,"submit_at":0,"start_at":0,"end_at":9,"name":"\ue000\ue001"}'
		echo '{"kind":"job","job_id":2,"submit_at":5,"start_at":5,"end_at":9,"name":"é…"}'
	} >in
	job-plot gantt --format=png in >got
	for x in 5 450 895; do
		[ "$(png got "$x" 3)" = '900 560 ffffff' ]
		[ "$(png got "$x" 556)" = '900 560 ffffff' ]
	done
	[ "$(png got 3 300)" = '900 560 ffffff' ]
}

@test "times with fractions, and very small ones, have their axis too" {
	local kind
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0.00001,"start_at":1,"end_at":1500000.5,"cpus":1}
	{"kind":"job","job_id":2,"submit_at":1000.25,"start_at":1000.5,"end_at":1000001.75,"cpus":1}
	END
	for kind in gantt queue util; do
		run -0 --separate-stderr job-plot "$kind" --procs=2 in
		[ -z "$stderr" ]
		said_in <(echo "$output") | grep -qx 'days since the first submission'
	done
	job-plot cdf in >svg
	said_in svg | grep -qx 'completion time, days'
	jq -c '.submit_at += 1700000000.5 | .start_at += 1700000000.5 |
		.end_at += 1700000000.5' in >late
	job-plot gantt late >svg
	said_in svg | grep -qx 'days since 2023-11-14 22:13 UTC'
}

@test "a pipe is read once, and files may be called oddly" {
	three >in
	job-plot util --procs=10 in >want
	mkdir pipes.d
	mkfifo pipes.d/in
	cat in >pipes.d/in &
	within 30 job-plot util --procs=10 pipes.d/in >got
	cmp want got
	wait $!
	cp in .ndjson
	job-plot cdf .ndjson >svg
	said_in svg | grep -qx '.ndjson: 3 jobs'
	refused 2 './: is a directory' cdf ./
}

@test "nothing to draw is said, with 1" {
	: >empty
	for kind in gantt cdf util queue; do
		refused 1 'no job has ended: there is nothing to draw' \
			"$kind" empty
	done
	echo '{"kind":"job","job_id":4,"submit_at":103}' >waits
	refused 1 'no job has ended: there is nothing to draw' gantt waits
	refused 1 'no stats records with policy, rate and jct_s' load waits
}

@test "what cannot be drawn is said, with 2" {
	three >three
	echo '{"kind":"job","job_id":5}' >>three
	refused 2 "three:6: job: 'submit_at' is missing" cdf three
	three | grep -v cluster >three
	refused 2 'how large the cluster is is not known: give --procs or --gpus' \
		util three
	three | sed 's/"job_id":3/&,"preemptions":2/' >three
	refused 2 'three: jobs paused, and no round records say when' queue three
	refused 2 'none: cannot be read' cdf none
	refused 2 'gantt: one file at a time' gantt three three
	refused 2 "'pie' is not one of gantt, cdf, util, queue, load" pie three
	refused 2 "--format: 'gif' is neither svg nor png" cdf --format=gif
	refused 2 "--size: '10x10' is not WxH, 200x150 to 8000x8000" \
		cdf --size=10x10
	refused 2 "--size: '900' is not WxH, 200x150 to 8000x8000" \
		cdf --size=900
	refused 2 "--measure: 'x' is not one of jct_s, wait_s, run_s, slowdown, bsld" \
		cdf --measure=x
	run -2 --separate-stderr job-plot
	[ -z "$output" ]
}

@test "the examples of the page" {
	cat >log.swf <<-'END'
	1 1 0 60 60 -1 -1 60 60 -1 1 1 -1 -1 -1 -1 -1 -1
	2 1 5 60 60 -1 -1 60 60 -1 1 2 -1 -1 -1 -1 -1 -1
	END
	sched-trace swf log.swf >jobs
	for n in 1 2; do
		page_example $n job-plot.1 >$n.sh
		[ -s $n.sh ]
		bash -euo pipefail $n.sh
	done
	[ -z "$(page_example 3 job-plot.1)" ]
	[ "$(png cdf.png 0 0)" = '1200 750 ffffff' ]
	said_in gantt.svg | grep -qxF 'job 2'
}
