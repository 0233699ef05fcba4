# plot-stats.jq: what job-plot draws of each stats record of sim-compare:
# policy load mean what_the_load_is; means of times in hours
def text: tostring | gsub("[[:cntrl:]\u007f]"; " ");
select(.kind == "stats" and .policy) | (.rate // .load) as $load |
(.[$measure] | if type == "object" then .mean else null end) as $mean |
select(($load | type) == "number" and $mean) |
[(.policy | text), $load,
	if $measure | endswith("_s") then $mean / 3600 else $mean end,
	if .rate then "jobs an hour" else "load of the cluster" end] | @tsv
