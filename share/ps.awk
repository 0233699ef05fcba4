# ps.awk: aligns the rows of ps.jq. Arguments are the services to show.
BEGIN {
	for (i = 1; i < ARGC; i++)
		wanted[ARGV[i]] = 1
	some = ARGC > 1
	ARGC = 1
}

NR > 1 && some && !($1 in wanted) { next }

{
	rows++
	for (i = 1; i <= NF; i++) {
		cell[rows, i] = $i
		if (length($i) > width[i])
			width[i] = length($i)
	}
	fields = NF
}

function colour(state)
{
	if (state == "down")
		return ENVIRON["RED"]
	if (state == "ready" || state == "-")
		return ""
	return ENVIRON["YELLOW"]
}

function line(r,    i, text, before)
{
	text = ""
	for (i = 1; i <= fields; i++) {
		before = r == 1 ? ENVIRON["BOLD"] : i == 3 ? colour(cell[r, i]) : ""
		text = text before cell[r, i] (before != "" ? ENVIRON["PLAIN"] : "")
		if (i < fields)
			text = text sprintf("%" (width[i] - length(cell[r, i]) + 2) "s", "")
	}
	print text
}

END {
	for (r = 1; r <= rows; r++)
		line(r)
	if (some && rows == 1)
		exit 1
}
