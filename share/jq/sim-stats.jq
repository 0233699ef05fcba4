# sim-stats.jq: the stats record of a run, with what was run.
{kind, policy: $policy} + (if $axis == "workload" then {workload: $value}
	else {($axis): ($value | tonumber), seed: ($seed | tonumber)} end) +
	del(.kind)
