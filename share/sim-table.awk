# sim-table.awk: policy, workload, mean and p99 in seconds; to tables in hours,
# of policies against workloads. Several seeds make one mean; where no job is
# counted, there is none.
{
	if (!($1 in policies)) {
		policies[$1]
		policy[++rows] = $1
		if (length($1) > wide)
			wide = length($1)
	}
	if (!($2 in columns)) {
		columns[$2]
		column[++of] = $2
		width[of] = length($2) > 10 ? length($2) : 10
	}
	if ($3 == "")
		next
	n[$1, $2]++
	mean[$1, $2] += $3 / 3600
	p99[$1, $2] += $4 / 3600
}

function head(title,  i) {
	printf "%s\n\n%-" wide "s", title, ""
	for (i = 1; i <= of; i++)
		printf " %" width[i] "s", column[i]
	print ""
}

function cell(sum, at, first) {
	if (n[at] == 0 || (first != "" && (n[first] == 0 || sum[at] <= 0)))
		return "-"
	if (first == "")
		return sprintf("%.2f", sum[at] / n[at])
	return sprintf("%.2fx", sum[first] / sum[at])
}

function table(title, sum, first,  i, k) {
	head(title)
	for (i = 1; i <= rows; i++) {
		printf "%-" wide "s", policy[i]
		for (k = 1; k <= of; k++)
			printf " %" width[k] "s", cell(sum, \
			    policy[i] SUBSEP column[k], \
			    first == "" ? "" : first SUBSEP column[k])
		print ""
	}
}

END {
	if (rows == 0)
		exit
	table("mean completion time, hours", mean, "")
	print ""
	table("99th percentile, hours", p99, "")
	if (rows > 1) {
		print ""
		table("mean, times shorter than " policy[1], mean, policy[1])
	}
}
