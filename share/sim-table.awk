# sim-table.awk: policy, workload, mean and p99 in seconds; to tables in hours,
# of policies against workloads. Several seeds make one mean.
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
	}
	n[$1, $2]++
	mean[$1, $2] += $3 / 3600
	p99[$1, $2] += $4 / 3600
}

function head(title,  i) {
	printf "%s\n\n%-" wide "s", title, ""
	for (i = 1; i <= of; i++)
		printf " %10s", column[i]
	print ""
}

function table(title, sum, first,  i, k, at) {
	head(title)
	for (i = 1; i <= rows; i++) {
		printf "%-" wide "s", policy[i]
		for (k = 1; k <= of; k++) {
			at = policy[i] SUBSEP column[k]
			if (first == "")
				printf " %10.2f", sum[at] / n[at]
			else if (sum[at] > 0)
				printf " %9.2fx", \
				    sum[first SUBSEP column[k]] / sum[at]
			else
				printf " %10s", "-"
		}
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
