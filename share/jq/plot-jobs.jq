# plot-jobs.jq: what job-plot draws of each job that has ended:
# submit_at start_at end_at wait run jct slowdown bsld machines label

# One line of text, of no more than 16 characters, as gnuplot reads it in data.
def short: gsub("[[:cntrl:]\u007f\\\\]"; " ") | gsub("\""; "\u2019") |
	if length > 16 then .[:15] + "…" else . end;

select(.kind == "job") |
(.start_at // (if .wait_s then .submit_at + .wait_s else null end)) as $from |
(.end_at // (if $from and .run_s then $from + .run_s else null end)) as $to |
select($from and $to) |
($to - $from) as $run | ($to - .submit_at) as $jct |
[.submit_at, $from, $to, $from - .submit_at, $run, $jct,
	(if $run > 0 then $jct / $run else 1 end),
	([$jct / ([$run, 10] | max), 1] | max),
	(if (.alloc | type) == "string" and (.alloc | test("^[0-9,-]+$"))
	then .alloc else "-" end),
	(if (.name | type) == "string" and .name != "" then .name | short
	else "job" end) + " " + (.job_id | tostring)] | @tsv
