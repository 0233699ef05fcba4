# sim-ended.jq: of the jobs that are counted, what a picture of them needs.
($window | split(":") | map(tonumber)) as $of |
select(.kind == "job" and .end_at and
	($of == [] or (.job_id >= $of[0] and .job_id < $of[1]))) |
{kind, job_id, submit_at, start_at, end_at, run_s} |
with_entries(select(.value != null))
