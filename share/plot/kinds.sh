# kinds.sh: the pictures that job-plot knows, one function each. It is read by
# bin/job-plot, whose variables and functions it uses.
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # the variables are those of job-plot

# ---- cdf ----

# cdf_series N: at most some 2,000 steps; the longest 100 jobs are all there.
cdf_series() {
	jobs "$1"
	cut -f "$column" "$dir/jobs.$1" | LC_ALL=C sort -g >"$dir/sorted"
	awk -v n="$(wc -l <"$dir/sorted")" -v OFS='\t' '
		NR == 1 { print $1, 0 }
		NR == 1 || NR > n - 100 || int(NR * 2000 / n) > last {
			print $1, NR * 100 / n
			last = int(NR * 2000 / n)
		}' "$dir/sorted" >"$dir/data.$1"
}

# Durations as people say them, for an axis with a logarithmic scale.
log_ticks="set xtics ('1 s' 1, '10 s' 10, '1 min' 60, '10 min' 600, \
'1 h' 3600, '6 h' 21600, '1 d' 86400, '1 week' 604800, '30 d' 2592000, \
'1 y' 31557600, '10 y' 315576000)"
decades="(0.001, 0.01, 0.1, 1, 10, 100, '1,000' 1000, '10,000' 10000, \
'100,000' 100000, '1,000,000' 1000000, '10,000,000' 10000000)"

plot_cdf() {
	each checked
	each cdf_series
	cat "$dir"/data.* >"$dir/all"
	[ -s "$dir/all" ] || nothing
	most=$(LC_ALL=C sort -g "$dir/all" | tail -n 1 | cut -f 1)
	total=$(cat "$dir"/jobs.* | wc -l)
	# in some series half of the jobs are shorter than 1/50 of the longest
	skewed=$(awk -v most="$most" '$2 >= 50 && last < 50 && $1 * 50 < most {
		skewed = most > 600
	}
	{ last = $2 }
	END { print skewed + 0 }' "$dir/all")
	{
		printf "set ylabel 'jobs, %%'\nset yrange [0:100]\n"
		using='using 1:2'
		case $measure in
		*_s)
			if [ "$skewed" = 1 ]; then
				least=$(cdf_least)
				printf "%s\nset logscale x\n" "$log_ticks"
				printf "set xrange [%s:*]\n" "$least"
				printf "set xlabel '%s'\n" "$what"
				# what took no time stands at the left end
				using="using (\$1 < $least ? $least : \$1):2"
			else
				time_unit 0 "$most"
				using="using (\$1 / $per):2"
				printf "set xlabel '%s, %s'\n" "$what" "$unit"
				printf 'set xrange [0:*]\n'
			fi ;;
		*)
			[ "$skewed" = 0 ] || printf \
				'set xtics %s\nset logscale x\n' "$decades"
			printf "set xlabel '%s'\nset xrange [1:*]\n" "$what" ;;
		esac
		[ "$count" -gt 1 ] || printf 'unset key\n'
		lines "$using with steps"
	} >"$dir/commands"
	draw "$how" "$(cdf_subline)" <"$dir/commands"
}

# The left end of a logarithmic axis: nothing is shown below a second.
cdf_least() {
	awk '$1 >= 1 && (least == "" || $1 < least) { least = $1 }
		END { print (least / 1.5 < 1 ? 1 : least / 1.5) }' \
		"$dir/all"
}

cdf_subline() {
	if [ "$count" = 1 ]; then
		printf '%s: %s' "$(label 1)" "$(jobs_word "$total")"
		return
	fi
	case $measure in
	jct_s) printf 'part of the jobs that took no longer' ;;
	wait_s) printf 'part of the jobs that waited no longer' ;;
	run_s) printf 'part of the jobs that ran no longer' ;;
	*) printf 'part of the jobs that were slowed down no more' ;;
	esac
}

# ---- util, queue ----

# spans: first submission and length of each series that has any.
spans() {
	jq -r 'select(.kind == "usage") | [.at, .at + .span_s] | @tsv' \
		"$dir/usage.$1" >>"$dir/spans"
}

# usage_series N: what job-stats says of some 300 intervals; of fewer where
# lines would cover each other.
usage_series() {
	interval=$(jq -r --argjson count "$count" '
		((.makespan_s // 0) * ([$count, 4] | min) / 300 | ceil) |
		if . < 1 then 1 else . end' "$dir/stats.$1")
	job-stats -q ${procs:+"$procs"} ${gpus:+"$gpus"} -i "${interval}s" \
		"$dir/in.$1" >"$dir/usage.$1"
	jq -es 'all(.[]; .kind != "usage" or has("running"))' \
		"$dir/usage.$1" >"$dir/known" || die "$EX_PERM" \
		"$(label "$1"): jobs paused, and no round records say when"
	spans "$1"
}

# usage_of PATH: of every usage record, as data.N; 1 where some have no such.
usage_of() {
	i=1
	while [ "$i" -le "$count" ]; do
		jq -r --argjson path "$1" 'select(.kind == "usage") |
			[.at, .at + .span_s, getpath($path)] | @tsv' \
			"$dir/usage.$i" | awk -F '\t' -v OFS='\t' \
			-v first="$first" '$3 == "" { exit 1 }
			{ print $1 - first, $3; end = $2 - first; last = $3 }
			END { if (NR > 0) print end, last }' \
			>"$dir/data.$i" || return 1
		i=$((i + 1))
	done
}

usage_axes() {
	each checked
	: >"$dir/spans"
	each usage_series
	[ -s "$dir/spans" ] || nothing
	first=$(LC_ALL=C sort -g "$dir/spans" | head -n 1 | cut -f 1)
	last=$(cut -f 2 "$dir/spans" | LC_ALL=C sort -g | tail -n 1)
	time_unit "$first" "$last"
	{
		printf "set xlabel '%s %s'\nset xrange [0:%s]\n" "$unit" \
			"$(since "$first")" \
			"$(awk -v a="$first" -v b="$last" -v per="$per" \
			'BEGIN { printf "%.9g", (b - a) / per }')"
	} >"$dir/commands"
}

# two KEY KEY: of one file, two things are drawn in one picture.
two() {
	usage_of "[$1]" && mv "$dir/data.1" "$dir/both.1" &&
		usage_of "[$2]" && mv "$dir/data.1" "$dir/data.2" &&
		mv "$dir/both.1" "$dir/data.1"
}

# area FILE: its steps with their corners, as one shape without seams.
area() {
	awk -v OFS='\t' 'NR > 1 { print $1, last } { print $1, last = $2 }' "$1"
}

plot_util() {
	usage_axes
	using="using (\$1 / $per):2 with steps"
	sub='part of the cluster in use'
	printf "set ylabel 'in use, %%'\nset yrange [0:105]\n" >>"$dir/commands"
	if [ "$count" = 1 ] && two '"util","cpus"' '"util","gpus"'; then
		count=2 sub=$(label 1)
		printf 'CPUs' >"$dir/label.1"
		printf 'GPUs' >"$dir/label.2"
	elif usage_of '["util","gpus"]'; then
		sub='part of the GPUs in use'
	elif usage_of '["util","cpus"]'; then
		sub='part of the processors in use'
	else
		die "$EX_PERM" "how large the cluster is is not known: give --procs or --gpus"
	fi
	for file in "$dir"/data.*; do
		awk -v OFS='\t' '{ print $1, $2 * 100 }' "$file" >"$dir/percent"
		mv "$dir/percent" "$file"
	done
	[ "$count" -gt 1 ] || {
		sub="$(label 1): $sub"
		area "$dir/data.1" >"$dir/area"
		mv "$dir/area" "$dir/data.1"
		using="using (\$1 / $per):2 with filledcurves y1=0 linetype 1 \
			fill solid 0.25 noborder notitle, 'data.1' $using"
		echo 'unset key' >>"$dir/commands"
	}
	lines "$using" >>"$dir/commands"
	draw 'How full the cluster was' "$sub" <"$dir/commands"
}

plot_queue() {
	usage_axes
	using="using (\$1 / $per):2 with steps"
	printf "set ylabel 'jobs'\nset yrange [0:*]\n%s\n" \
		'set offsets 0, 0, graph 0.05, 0' >>"$dir/commands"
	if [ "$count" = 1 ]; then
		two '"queued"' '"running"'
		count=2 sub=$(label 1)
		printf 'waiting' >"$dir/label.1"
		printf 'running' >"$dir/label.2"
	else
		usage_of '["queued"]'
		sub='jobs that were submitted and do not run'
	fi
	count_tics "$(cat "$dir"/data.* | cut -f 2 | LC_ALL=C sort -g |
		tail -n 1)" >>"$dir/commands"
	lines "$using" >>"$dir/commands"
	draw 'How many jobs wait' "$sub" <"$dir/commands"
}

# ---- gantt ----

# so many can be named beside their bars
enough_rows=$(awk -v height="$height" -v scale="$scale" \
	'BEGIN { print int((height / scale - 150) / 13) }')
most_rows=300		# thinner bars than these are no longer seen
most_boxes=20000

plot_gantt() {
	each checked
	jobs 1
	[ -s "$dir/jobs.1" ] || nothing
	LC_ALL=C sort -s -t "$(printf '\t')" -k 1,1g -k 2,2g "$dir/jobs.1" \
		>"$dir/sorted"
	n=$(wc -l <"$dir/sorted")
	first=$(head -n 1 "$dir/sorted" | cut -f 1)
	last=$(cut -f 3 "$dir/sorted" | LC_ALL=C sort -g | tail -n 1)
	time_unit "$first" "$last"
	printf "set xlabel '%s %s'\nset style fill solid 1 noborder\n" \
		"$unit" "$(since "$first")" >"$dir/commands"
	if cut -f 9 "$dir/sorted" | grep -qx -e - ||
		[ "$n" -gt "$most_boxes" ]; then
		gantt_jobs
	else
		gantt_machines
	fi
}

# A row a job: from submission to start, and from start to end.
gantt_jobs() {
	legend=1	# of waiting and running; key_rows asks
	every=$(((n + most_rows - 1) / most_rows))
	sub="$(label 1): $(jobs_word "$n"), in order of submission"
	[ "$every" -eq 1 ] || sub="$sub; one in $every is shown"
	# a bar is at least as wide as a line
	awk -F '\t' -v OFS='\t' -v first="$first" -v last="$last" \
		-v every="$every" -v per="$per" '(NR - 1) % every == 0 {
			end = $2 + (last - first) / 400
			if ($3 > end)
				end = $3
			print ($1 - first) / per, ($2 - first) / per,
				(end - first) / per, NR - 1, $10
		}' "$dir/sorted" >"$dir/data.1"
	half=$(awk -v every="$every" -v n="$n" \
		'BEGIN { print (n > 100 ? every / 2 : 0.38 * every) }')
	{
		printf 'set yrange [%s:-%s]\n' "$n" "$(awk -v n="$n" \
			'BEGIN { print (n <= 40 ? 1 : n / 40) }')"
		if [ "$n" -le "$enough_rows" ]; then
			printf "%s\n" 'unset grid' 'set grid xtics' \
				"set lmargin $(gantt_margin)" 'set ytics scale 0 font small'
			label=':ytic(5)'
		else
			printf "set ylabel 'jobs'\n"
			count_tics "$n"
			label=
		fi
		printf "plot 'data.1' using 1:4:1:2:(\$4-%s):(\$4+%s) %s %s\\\\\n" \
			"$half" "$half" "with boxxyerror linecolor rgb soft" \
			"title 'waiting',"
		printf "'data.1' using 2:4:2:3:(\$4-%s):(\$4+%s)%s %s\n" \
			"$half" "$half" "$label" \
			"with boxxyerror linecolor rgb colour[1] title 'running'"
	} >>"$dir/commands"
	draw 'Who waited and ran when' "$sub" <"$dir/commands"
}

# Room for the longest name, in characters of the axes.
gantt_margin() {
	cut -f 10 "$dir/sorted" | awk '{ if (length($0) > most)
		most = length($0) } END { printf "%.1f", 3 + most * 0.8 }'
}

# A row a machine: each job has a box for each run of neighbours.
gantt_machines() {
	awk -F '\t' -v OFS='\t' -v first="$first" -v last="$last" \
		-v per="$per" '{
		of = split($9, ranges, ",")
		for (i = 1; i <= of; i++) {
			parts = split(ranges[i], ends, "-")
			end = $2 + (last - first) / 400
			if ($3 > end)
				end = $3
			print ($2 - first) / per, (end - first) / per,
				ends[1] - 0.5, ends[parts] + 0.5, NR % 8 + 1, $10
		}
	}' "$dir/sorted" >"$dir/boxes"
	high=$(cut -f 4 "$dir/boxes" | LC_ALL=C sort -g | tail -n 1)
	# nothing is lower than can be seen
	awk -F '\t' -v OFS='\t' -v least="$high" '{
		lack = least / 250 - ($4 - $3)
		if (lack > 0) {
			$3 -= lack / 2
			$4 += lack / 2
		}
		print
	}' "$dir/boxes" >"$dir/data.1"
	# names, where there is room for them
	awk -F '\t' -v OFS='\t' -v high="$high" -v span="$(awk -v a="$first" \
		-v b="$last" -v per="$per" 'BEGIN { print (b - a) / per }')" '
		$2 - $1 > span * (0.02 + 0.009 * length($6)) &&
		$4 - $3 > high / 25 {
			print ($1 + $2) / 2, ($3 + $4) / 2, $6, $5
		}' "$dir/data.1" >"$dir/names"
	# a border would leave nothing of what is small
	width_=$(cut -f 2 "$dir/data.1" | LC_ALL=C sort -g | tail -n 1)
	small="(\$2 - \$1 < $width_ / 150.0 || \$4 - \$3 < $high / 120.0)"
	{
		printf "set ylabel 'machine'\nset yrange [-0.5:%s]\n" "$high"
		printf '%s\n' 'set grid noytics' 'unset key' \
			'rgb(text) = int("0x".substr(text, 2, 7))'
		boxes="1:2:3:4:(rgb(colour[int(\$5)])) with boxxyerror \
			linecolor rgb variable notitle fillstyle solid 1"
		printf "plot 'data.1' using (%s ? \$1 : NaN):3:%s %s" \
			"$small" "$boxes" noborder
		printf ", 'data.1' using (%s ? NaN : \$1):3:%s %s" \
			"$small" "$boxes" 'border linecolor rgb ground'
		[ ! -s "$dir/names" ] || printf ', %s' \
			"'names' using 1:2:3:(rgb(on[int(\$4)])) with labels \
			textcolor rgb variable font small notitle"
		printf '\n'
	} >>"$dir/commands"
	draw 'Who ran where and when' \
		"$(label 1): $(jobs_word "$n"), and eight colours for them" \
		<"$dir/commands"
}

# ---- load ----

# Of each policy and load: the mean of all seeds, and the least and the most.
load_points() {
	awk -F '\t' -v OFS='\t' '{
		key = $1 FS $2
		if (!(key in n))
			order[++keys] = key
		n[key]++
		sum[key] += $3
		if (n[key] == 1 || $3 < low[key])
			low[key] = $3
		if (n[key] == 1 || $3 > high[key])
			high[key] = $3
	}
	END {
		for (i = 1; i <= keys; i++) {
			key = order[i]
			print key, sum[key] / n[key], low[key], high[key], n[key]
		}
	}'
}

plot_load() {
	i=1
	while [ "$i" -le "$count" ]; do
		jq -r --arg measure "$measure" -f "$share/jq/plot-stats.jq" \
			"$dir/in.$i" || die "$EX_PERM" \
			"$(label "$i"): not records"
		i=$((i + 1))
	done >"$dir/means"
	cut -f 4 "$dir/means" >"$dir/axis"
	load_points <"$dir/means" >"$dir/points"
	[ -s "$dir/points" ] || {
		warn "no stats records with policy, rate and $measure"
		exit "$EX_NO"
	}
	cut -f 1 "$dir/points" | awk '!seen[$0]++' >"$dir/policies"
	count=$(wc -l <"$dir/policies")
	[ "$count" -le 24 ] ||
		die "$EX_PERM" "more than 24 policies cannot be told apart"
	i=0
	while IFS= read -r policy; do
		i=$((i + 1))
		printf '%s' "$policy" >"$dir/label.$i"
		POLICY=$policy awk -F '\t' -v OFS='\t' '
			$1 == ENVIRON["POLICY"] { print $2, $3, $4, $5 }' \
			"$dir/points" | LC_ALL=C sort -g >"$dir/data.$i"
	done <"$dir/policies"
	load_axes >"$dir/commands"
	runs=$(cut -f 6 "$dir/points" | LC_ALL=C sort -n | tail -n 1)
	if [ "$runs" -gt 1 ]; then
		sub="means of $runs seeds, and the least and the most of them"
		lines 'using 1:2:3:4 with yerrorlines'
	else
		sub='one run a point'
		lines 'using 1:2 with linespoints'
	fi >>"$dir/commands"
	draw "Mean $what against load" "$sub" <"$dir/commands"
}

# Where policies are far apart, so that the better ones would lie on the axis,
# it has a logarithmic scale.
load_axes() {
	printf "set xlabel '%s'\nset offsets graph 0.02, graph 0.02, %s\n" \
		"$(sort -u "$dir/axis" | paste -sd / )" 0,0
	least=$(cut -f 4 "$dir/points" | LC_ALL=C sort -g | head -n 1)
	most=$(cut -f 5 "$dir/points" | LC_ALL=C sort -g | tail -n 1)
	if awk -v a="$least" -v b="$most" 'BEGIN { exit !(a > 0 && b > 50 * a) }'
	then
		printf 'set ytics %s\nset logscale y\n' "$decades"
		awk -v a="$least" -v b="$most" 'BEGIN {
			printf "set yrange [%g:%g]\n", a / 1.5, b * 1.5
			if (b < 1000 * a)
				print "set ytics add (0.2, 0.5, 2, 5, 20, " \
					"50, 200, 500)"
		}'
	else
		printf 'set yrange [0:%s * 1.05]\n' "$most"
		count_tics "$most"
	fi
	room "$most"
	case $measure in
	*_s) printf "set ylabel 'mean %s, hours'\n" "$what" ;;
	*) printf "set ylabel 'mean %s'\n" "$what" ;;
	esac
}
