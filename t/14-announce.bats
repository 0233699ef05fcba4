#!/usr/bin/env bats
# lib/announce: a job's Comment, written and read; texts go in and out as hex.

load helper

hex() {
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

# comments: a table "COMMENT|WHAT IS READ" on stdin, names and urls in clear.
comments() {
	python3 - "$UNIT/announce" 3<&0 <<-'END'
	import subprocess, sys
	rows = [line.rstrip("\n").lstrip("\t").rsplit("|", 1)
	        for line in open(3)]
	asked = "".join("parse %s\n" % (r[0].encode().hex() or "-")
	                for r in rows)
	got = subprocess.run(sys.argv[1], input=asked, check=True, text=True,
	                     stdout=subprocess.PIPE).stdout.splitlines()
	def clear(line):
	    if line == "-":
	        return line
	    f = line.split(" ")
	    for i in (0, 1, 4):
	        f[i] = f[i] if f[i] == "-" else bytes.fromhex(f[i]).decode()
	    return " ".join(f)
	got = [clear(line) for line in got]
	bad = [(r, g) for r, g in zip(rows, got) if r[1] != g]
	for row, line in bad:
	    print("%r: want %r, got %r" % (row[0], row[1], line))
	sys.exit(bool(bad) or len(rows) != len(got))
	END
}

@test "what is written is read back: names of every byte" {
	local seed
	for seed in 1 2 3; do
		python3 "$root/t/unit/model.py" announce "$seed"
		"$UNIT/announce" <in >got
		diff -u want got
	done
}

@test "our comment" {
	comments <<-'END'
	svc,hello,,wanted,0,|hello - 0 0 -
	svc,hello,http://10.0.0.1:8080,ready,0,r1|hello http://10.0.0.1:8080 1 0 r1
	svc,hello,http://n1:80/base,draining,3,a/1/b|hello http://n1:80/base 2 3 a/1/b
	svc,a%2Cb%20c%7d%25,,wanted,0,%41|a,b c}% - 0 0 A
	svc,,,wanted,0,r|- - 0 0 r
	svc,größe,,wanted,4294967295,|größe - 0 4294967295 -
	svc,hello,http://n1:80/,ready,0,|hello http://n1:80 1 0 -
	svc,hello,http://n1:80/x//,ready,0,|hello http://n1:80/x 1 0 -
	END
}

@test "what is not ours, or torn, says nothing" {
	comments <<-'END'
	|-
	svc|-
	svc,|-
	svc,,,,|-
	svc,hello|-
	svc,hello,,wanted,0|-
	svc,hello,,wanted,0,r,|-
	svc,hello,,wanted,0,r,s|-
	svc,hello,,ready,,|-
	svc,hello,,Ready,0,|-
	svc,hello,,,0,|-
	svc,hello,,ready,-1,|-
	svc,hello,,ready,4294967296,|-
	svc,hello,,ready,1x,|-
	svc,hello,https://n1:80,ready,0,|-
	svc,hello,n1:80,ready,0,|-
	svc,hel%2,,ready,0,|-
	svc,hel%,,ready,0,|-
	svc,hel%zz,,ready,0,|-
	svc,hel%00lo,,ready,0,|-
	 svc,hello,,wanted,0,|-
	SVC,hello,,wanted,0,|-
	svcx,hello,,wanted,0,|-
	my own words, with commas|-
	END
}

@test "forever-slurm's comment" {
	comments <<-'END'
	traefik,hello,http://n1:8080|hello http://n1:8080 3 0 -
	traefik,hello,http://n1:8080/|hello http://n1:8080 3 0 -
	traefik,my, name,http://n1:8080 |my, name http://n1:8080 3 0 -
	traefik,100%,http://n1:8080|100% http://n1:8080 3 0 -
	traefik,hello,|-
	traefik,hello|-
	traefik,,http://n1:8080|-
	traefik,hello,ftp://n1:8080|-
	END
}

@test "a comment cut short anywhere is never another service or URL" {
	local whole=svc,hello,http://n1:8080/base,ready,12,req1 n got
	for ((n = 0; n <= ${#whole}; n++)); do
		echo "parse $(hex "${whole:0:n}")"
	done | sed 's/ $/ -/' >in
	"$UNIT/announce" <in >got
	# it is read only once its last comma is there, and then but for the
	# end of its request id
	got=$(grep -cvx -e - got)
	[ "$got" = 5 ]
	[ "$(grep -vx -e - got | cut -d' ' -f1-4 | sort -u)" = \
		"$(hex hello) $(hex http://n1:8080/base) 1 12" ]
}

@test "names and URLs of any length" {
	{
		for n in 254 255 256 300 767 768 5000; do
			name=$(head -c "$n" /dev/zero | tr '\0' n)
			echo "parse $(hex "svc,$name,,wanted,0,")"
			echo "parse $(hex "svc,a,,wanted,0,$name")"
			echo "parse $(hex "svc,a,http://$name:1,wanted,0,")"
			echo "parse $(hex "traefik,$name,http://h:1")"
		done
	} >in
	"$UNIT/announce" <in >got
	sed 's/^[^-].*/read/' got | paste -sd' ' >short
	diff -u - short <<-'END'
	read read read read read read read read - - - - - - - - - - - - - - - - - - - -
	END
}

@test "which URLs are taken" {
	cat >table <<-'END'
	http://n1:8080|yes
	http://n1|yes
	http://n1:8080/|yes
	http://n1:8080/a/b%20c;d=e|yes
	http://10.1.2.3:1|yes
	http://[fe80::1]:65535/x|yes
	http://my_node.example.org:80|yes
	|no
	http://|no
	http://:80|no
	http://n1:|no
	http://n1:0|no
	http://n1:65536|no
	http://n1:80x|no
	http://n1:-1|no
	http://n1:000000080|no
	http://[::1|no
	http://[n1]:80|no
	HTTP://n1:80|no
	https://n1:80|no
	http://user@n1:80|no
	http://n1:80/a b|no
	http://n1:80/a?b|no
	http://n1:80/a#b|no
	http://n1:80/a,b|no
	http://n1:80/é|no
	http://é:80/|no
	END
	while IFS='|' read -r url _; do
		echo "url $(hex "$url")"
	done <table >in
	printf 'url %s\n' "$(hex http://n1:80/a)0a$(hex b)" \
		"$(hex http://n1)0d" "$(hex http://n1:80/)7f" >>in
	"$UNIT/announce" <in >got
	{ cut -d'|' -f2 table; printf 'no\nno\nno\n'; } | diff -u - got
}

@test "what cannot be announced is refused" {
	local long
	long=$(head -c 250 /dev/zero | tr '\0' ,)
	cat >in <<-END
	format $(hex a) $(hex https://n1) 1 0 -
	format $(hex a) $(hex http://n1,) 1 0 -
	format $(hex a) - 3 0 -
	format $(hex a) - 1 -1 -
	format $(hex a) - 1 4294967296 -
	format $(hex "$long") - 1 0 $(hex "$long")
	END
	"$UNIT/announce" <in >got
	cut -c1-60 got >short
	diff -u - short <<-END
	! 2 'https://n1' cannot be announced
	! 2 'http://n1,' cannot be announced
	! 2 '' cannot be announced
	! 2 '' cannot be announced
	! 2 '' cannot be announced
	! 2 the announcement of ',,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
	END
}
