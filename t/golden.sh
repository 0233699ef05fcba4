# golden.sh: what other simulators have made of a workload, beside sched-sim:
# for the tests, which want all to be equal, and for t/bench/golden, which
# counts. Files are made in the current directory.
#
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # root is the reader's, and what is set too

golden_data=${BERTH_DATA:-$root/../shared/data}

# golden_there FILE: 1, and says so, where the golden data are not.
golden_there() {
	[ -r "$golden_data/$1" ] || {
		echo "no golden cases in $golden_data: set BERTH_DATA"
		return 1
	}
}

# golden_starts FILE: one LOG.POLICY.HOW.starts.tsv.gz. Sets golden_name,
# golden_jobs, and golden_same: how many jobs have the same submission, start,
# end and size.
golden_starts() {
	golden_name=${1##*/}
	golden_name=${golden_name%.starts.tsv.gz}
	golden_log=${golden_name%%.*}
	golden_how=${golden_name##*.}
	golden_policy=${golden_name%.*}
	golden_policy=${golden_policy#*.}
	golden_swf=$golden_data/swf/$golden_log.swf.gz
	[ -r "$golden_swf" ] ||
		golden_swf=$golden_data/swf/$golden_log.$golden_policy.swf.gz
	case $golden_how in
	batsim) set -- "$1" --allocate=ids ;;
	*) set -- "$1" --same-instant="$golden_how" ;;
	esac
	golden_procs=$(zcat "$golden_swf" | sed -n 's/^; MaxProcs: //p')
	# the five fields that are used, as records
	zcat "$golden_swf" | awk '!/^;/ { printf "{\"kind\":\"job\"," \
		"\"job_id\":%s,\"submit_at\":%s,\"run_s\":%s,\"cpus\":%s," \
		"\"limit_s\":%s}\n", $1, $2, $4, $5, $9 }' >in
	sched-sim -c "procs=$golden_procs" -p "$golden_policy" "$2" \
		<in >out || return
	zcat "$1" | grep -v '^#' | LC_ALL=C sort >want
	jq -r '[.job_id, .submit_at, .start_at, .end_at, .cpus] | @tsv' out |
		LC_ALL=C sort >got
	golden_jobs=$(wc -l <want)
	golden_same=$(LC_ALL=C comm -12 want got | wc -l)
	[ "$(wc -l <got)" = "$golden_jobs" ]
}

# golden_rounds: every case of SYNERGY's simulator, as got.CASE, with its
# rounds; the originals are in cases/ and rounds/, and their names in list.
golden_rounds() {
	tar xzf "$golden_data/synergy/cases.tar.gz" &&
		tar xzf "$golden_data/synergy/rounds.tar.gz" &&
		python3 "$root/t/rounds.py" replay \
			"$golden_data"/synergy/traces/*.csv &&
		jq -r '.[] | [.case, .trace, .config, (.sched | ascii_downcase),
			(if .static then "--static" else "--" end)] | @tsv' \
			"$golden_data/synergy/index.json" >list || return
	while read -r name trace cluster policy static; do
		sched-sim --compat=synergy \
			-c "$golden_data/synergy/configs/$cluster" \
			-p "$policy" --rounds "$static" \
			<"$trace" >"got.$name" || return
	done <list
}
