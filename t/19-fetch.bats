# lib/fetch through t/unit/fetch.c.

load helper

@test "fetch: a status and a body up to its limit, or an error that says if to retry" {
	mkdir www
	echo short >www/a
	head -c 5000 /dev/zero | tr '\0' x >www/long
	port=$(free_port)
	spawn python3 -m http.server -b 127.0.0.1 -d www "$port" >log 2>&1
	await 10 curl -sf -o /dev/null "http://127.0.0.1:$port/a"
	dead=$(free_port)
	"$UNIT/fetch" >got <<-END
	http://127.0.0.1:$port/a
	http://127.0.0.1:$port/long
	http://127.0.0.1:$port/none
	http://127.0.0.1:$dead/
	file:///etc/passwd
	END
	sed -E 's/^404 [0-9]+ .*/404/; s/x{100}$/xs/' got >shape
	diff - shape <<-END
	200 6 short
	200 100 xs
	404
	75
	2
	END
}
