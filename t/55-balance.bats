#!/usr/bin/env bats
# svc-proxy: which instance gets a request, which are left out, and what people
# and Prometheus are told of it. t/scenario.py says what its words mean.

load helper

@test "hist: percentiles are right to within an eighth" {
	python3 - >in 2>want <<-'END'
	import random, sys
	random.seed(5)
	def ask(values):
	    for v in values:
	        print(v)
	    for permille in (1, 500, 900, 999, 1000):
	        print("part", permille)
	        at = max(-(-len(values) * permille // 1000), 1) - 1
	        print(sorted(values)[at] if values else 0, file=sys.stderr)
	    print("both 500")
	    print(sorted(2 * values)[len(values) - 1] if values else 0,
	          file=sys.stderr)
	    for log2 in (3, 8, 20, 32):
	        print("below", log2)
	        print("=", sum(v < 1 << log2 for v in values), file=sys.stderr)
	    print("clear")
	ask([])
	ask([0])
	ask(list(range(20)))
	ask([5] * 1000)
	ask([random.randrange(1 << 33) for i in range(1001)])
	ask([int(random.lognormvariate(9, 2)) for i in range(5000)])
	ask([1 << n for n in range(34)])
	ask([(1 << n) - 1 for n in range(34)])
	END
	"$UNIT/hist" <in >got
	paste -d' ' want got | awk '
		$1 == "=" { if ($2 != $3) print "differs:", $0; next }
		($1 > $2 ? $1 - $2 : $2 - $1) > $1 / 8 { print "far off:", $0 }
		END { if (NR != 80) print NR, "lines" }' >wrong
	cat wrong
	[ ! -s wrong ]
}

@test "balance: least: the quicker of two idle ones, else the one unused longest" {
	scenario <<-'END'
	def slow(conn):
	    while conn.head():
	        time.sleep(0.3)
	        conn.send(ok(b"slow"))
	def quick(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"/hold" in head:
	            until("let go", lambda: go)
	        conn.send(ok(b"quick"))
	go = []
	servers = [Server(slow), Server(quick)]
	p = Proxy({"a": {}})
	p.table(*[job("a", s, n) for n, s in enumerate(servers)])
	for n in range(12):
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same([1, 11], [i["requests"] for i in p.service()["instances"]])
	# but never two at once where one is idle
	c = p.client()
	c.send(H("GET /a/hold HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	same(b"slow", p.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	go.append(1)
	same(200, c.answer().status)
	c.close()
	END
}

@test "balance: rr: each in turn, whatever is under way" {
	scenario <<-'END'
	servers = [Server(answering(ok(b"%d" % n))) for n in range(3)]
	p = Proxy({"a": {"balance": "rr"}})
	table = [job("a", s, n) for n, s in enumerate(servers)]
	p.table(*table)
	def ask():
	    return int(p.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	same(3 * [0, 1, 2], [ask() for i in range(9)])
	p.table(table[0], table[2])
	same([0, 2, 0, 2], [ask() for i in range(4)])
	# one that is back is asked at once, then in its turn
	p.table(*table)
	same([1, 0, 2, 1, 0, 2], [ask() for i in range(6)])
	END
}

@test "balance: p2c: the better of two, none is overrun" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	p = Proxy({"a": {"balance": "p2c"}, "b": {"balance": "p2c"}})
	p.table(*[job("a", Server(hold), n) for n in range(4)],
	        *[job("b", Server(hold), 10 + n) for n in range(2)])
	cs = []
	for name, many in (("a", 40), ("b", 8)):
	    for n in range(many):
	        cs.append(p.client())
	        cs[-1].send(H("GET /%s HTTP/1.1" % name, "Host: h"))
	        until("it is there",
	              lambda: p.service(name)["inflight"] == n + 1)
	load = [i["inflight"] for i in p.service("a")["instances"]]
	assert max(load) - min(load) <= 6, load
	# of two both are looked at
	same([4, 4], [i["inflight"] for i in p.service("b")["instances"]])
	go.append(1)
	for c in cs:
	    same(200, c.answer().status)
	    c.close()
	END
}

@test "balance: hash: a key stays where it is; only those of the lost one move" {
	scenario <<-'END'
	servers = [Server(answering(ok(b"%d" % n))) for n in range(5)]
	p = Proxy({"a": {"balance": "hash:header:X-User"},
	           "b": {"balance": "hash:cookie:user"},
	           "c": {"balance": "hash:client"}})
	jobs = [[job(name, s, 10 * k + n) for n, s in enumerate(servers)]
	        for k, name in enumerate("abc")]
	def table(*without):
	    p.table(*[j for js in jobs for j in js
	              if j["job_id"] % 10 not in without])
	def places(name, field):
	    c = p.client()
	    got = [int(c.ask(H("GET /%s HTTP/1.1" % name, "Host: h",
	                       field % n)).body) for n in range(100)]
	    c.close()
	    return got
	table()
	for name, field in (("a", "x-user: u%d"),
	                    ("b", "Cookie: other=1; user=u%d; xuser=2")):
	    table()
	    first = places(name, field)
	    same({0, 1, 2, 3, 4}, set(first))
	    same(first, places(name, field))
	    table(2)
	    second = places(name, field)
	    same([n for n in first if n != 2],
	         [b for a, b in zip(first, second) if a != 2])
	    same({0, 1, 3, 4}, {b for a, b in zip(first, second) if a == 2})
	    table()
	    same(first, places(name, field))
	same(1, len(set(places("c", "X-Any: %d"))))
	# without the field any will do
	assert len(set(places("a", "X-Any: %d"))) > 1
	assert len(set(places("b", "Cookie: xuser=%d"))) > 1
	END
}

@test "balance: sticky: a cookie ties a client to an instance while it lives" {
	scenario <<-'END'
	servers = [Server(answering(ok(b"%d" % n))) for n in range(4)]
	conf = {"a": {"balance": "sticky:who", "route": {"prefix": "/a/b"}}}
	table = [job("a", s, n) for n, s in enumerate(servers)]
	p = Proxy(conf)
	p.table(*table[:2])
	def ask(*fields):
	    a = p.ask(H("GET /a/b HTTP/1.1", "Host: h", *fields))
	    return int(a.body), a.fields.get("set-cookie")
	first, cookie = ask()
	value = re.fullmatch(r"who=([0-9a-f]{16}); Path=/a/b; HttpOnly; "
	                     r"SameSite=Lax", cookie).group(1)
	mine = "Cookie: x=1; who=%s; y=2" % value
	for n in range(6):
	    same((first, None), ask(mine))
	    same((first, None), ask("Cookie: x=1; y=2", "Cookie: z",
	                            "Cookie: who=" + value))
	other, cookie2 = ask("Cookie: who=%s" % value[::-1])
	assert cookie2 is not None
	same(None, ask(cookie2.replace("who", "Cookie: who", 1))[1])
	# one that is no cookie of ours is replaced
	for bad in ("", "x" * 16, value[1:], value + "0", "0x" + value[2:],
	            "-" + value[1:]):
	    assert ask("Cookie: who=" + bad)[1] is not None, bad
	# others come and go
	p.table(*table)
	for n in range(6):
	    same((first, None), ask(mine))
	p.table(table[first], table[3])
	same((first, None), ask(mine))
	# another proxy knows it, too
	old, p = p, Proxy(conf)
	p.table(*table)
	same((first, None), ask(mine))
	# drained: it goes elsewhere, and gets another cookie
	same(200, p.ask_admin(H("POST /drain/%d HTTP/1.1" % first,
	                        "Host: h")).status)
	elsewhere, cookie = ask(mine)
	assert elsewhere != first and cookie is not None
	same((elsewhere, None), ask(cookie.replace("who", "Cookie: who", 1)))
	END
}

@test "balance: sticky: the cookie of a default service is for all paths" {
	scenario <<-'END'
	p = Proxy({"a": {"balance": "sticky", "route": {"default": True}}})
	p.table(job("a", Server(echo), 1))
	for path in "/other", "/a/x":
	    a = p.ask(H("GET %s HTTP/1.1" % path, "Host: h"))
	    same("Path=/", a.fields["set-cookie"].split("; ")[1])
	END
}

@test "balance: sticky: it waits for its own, and holds up nobody else" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	servers = [Server(hold), Server(echo)]
	p = Proxy({"a": {"balance": "sticky", "per_instance": 1}})
	p.table(job("a", servers[0], 0))
	c = p.client()
	c.send(H("GET /a/0 HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	go.append(1)
	cookie = c.answer().fields["set-cookie"]
	mine = "Cookie: " + cookie.split(";")[0]
	go.clear()
	p.table(*[job("a", s, n) for n, s in enumerate(servers)])
	c.send(H("GET /a/1 HTTP/1.1", "Host: h", mine))
	until("it is there", lambda: p.service()["inflight"] == 1)
	waits = p.client()
	waits.send(H("GET /a/2 HTTP/1.1", "Host: h", mine))
	until("it waits", lambda: p.service()["queued"] == 1)
	for n in range(3):
	    same(200, p.ask(H("GET /a/3 HTTP/1.1", "Host: h")).status)
	same(1, p.service()["queued"])
	go.append(1)
	same((200, b"x"), c.answer()[::2])
	same((200, b"x"), waits.answer()[::2])
	# when its own goes while it waits, it goes elsewhere
	go.clear()
	c.send(H("GET /a/4 HTTP/1.1", "Host: h", mine))
	until("it is there", lambda: p.service()["inflight"] == 1)
	waits.send(H("GET /a/5 HTTP/1.1", "Host: h", mine))
	until("it waits", lambda: p.service()["queued"] == 1)
	p.table(job("a", servers[1], 1))
	assert waits.answer().body.startswith(b"GET /5 ")
	go.append(1)
	same(200, c.answer().status)
	c.close()
	waits.close()
	END
}

@test "eject: five errors in a row, then on trial, for longer each time" {
	hold_clock
	scenario <<-'END'
	def sick(conn):
	    while conn.head():
	        conn.send(H("HTTP/1.1 %d X" % code[0], "Content-Length: 0"))
	code = [500]
	p = Proxy({"a": {"balance": "rr"}})
	p.table(job("a", Server(sick), 1), job("a", Server(echo), 2))
	def ask():
	    return p.ask(H("GET /a HTTP/1.1", "Host: h")).status
	def state():
	    return p.service()["instances"][0]
	same(5 * [500, 200], [ask() for i in range(10)])
	i = state()
	same(("ejected", False, "it answered 500", 5),
	     (i["health"], i["usable"], i["last_error"], i["requests"]))
	same(1, p.service()["ejections"])
	same(1, p.service()["ready"])
	t = clock.until("it is on trial", lambda: ask() == 500)
	assert 4.9 < t < 5.6, t
	same(6, state()["requests"])
	same("ejected", state()["health"])
	for seconds in (5, 10):
	    assert "left out for %d s: it answered 500" % seconds in p.said()
	code[0] = 200
	t = clock.until("it is tried again, and taken in", lambda: ask() and
	                state()["health"] == "up")
	assert 9.9 < t < 10.6, t
	same(7, state()["requests"])
	assert "last_error" not in state()
	assert "is taken in again" in p.said()
	# soon after, it is out for longer
	code[0] = 503
	for n in range(10):
	    ask()
	same("ejected", state()["health"])
	assert "left out for 20 s: it answered 503" in p.said(), p.said()
	END
}

@test "eject: an answer from before does not end it" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"/old" in head:
	            until("let go", lambda: go)
	            conn.send(ok())
	        elif b"/pause" in head:
	            conn.send(H("HTTP/1.1 503 No", "Content-Length: 0",
	                        "Retry-After: 100"))
	        else:
	            conn.send(H("HTTP/1.1 500 No", "Content-Length: 0"))
	for path, n, least in ("/bad", 5, 0), ("/pause", 1, 60):
	    go = []
	    p = Proxy({"a": {"balance": "rr"}})
	    p.table(job("a", Server(handler), 1), job("a", Server(echo), 2))
	    old = p.client()
	    old.send(H("GET /a/old HTTP/1.1", "Host: h"))
	    until("it is there", lambda: p.service()["inflight"] == 1)
	    p.ask(H("GET /a HTTP/1.1", "Host: h"))		# the turn of 2
	    for _ in range(n):
	        p.ask(H("POST /a%s HTTP/1.1" % path, "Host: h",
	                "Content-Length: 0"))
	        p.ask(H("GET /a HTTP/1.1", "Host: h"))
	    i = p.service()["instances"][0]
	    same("ejected", i["health"])
	    go.append(1)
	    same(200, old.answer().status)
	    old.close()
	    i = p.service()["instances"][0]
	    same("ejected", i["health"])
	    assert i["ejected_s"] >= least, i
	    p.finish()
	END
}

@test "eject: nor does a failure from before make it longer" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"/old" in head:
	            until("let go", lambda: go)
	            conn.send(H("HTTP/1.1 500 No", "Content-Length: 0"))
	        elif b"/pause" in head:
	            conn.send(H("HTTP/1.1 503 No", "Content-Length: 0",
	                        "Retry-After: 1"))
	        else:
	            conn.send(ok())
	go = []
	p = Proxy({"a": {"balance": "rr"}})
	p.table(job("a", Server(handler), 1))
	old = p.client()
	old.send(H("GET /a/old HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	same(503, p.ask(H("POST /a/pause HTTP/1.1", "Host: h",
	                  "Content-Length: 0")).status)
	until("it is on trial", lambda: p.service()["instances"][0]["usable"])
	go.append(1)
	same(500, old.answer().status)
	old.close()
	same(0, p.service()["ejections"])
	END
}

@test "eject: what does not count, and where nobody else is there" {
	scenario <<-'END'
	def says(conn):
	    while conn.head():
	        if not codes:
	            conn.send(b"HTTP/1.1 200 OK\r\nContent-Le")
	            return
	        conn.send(H("HTTP/1.1 %d X" % codes.pop(0),
	                    "Content-Length: 0"))
	bad = Server(says)
	p = Proxy({"a": {"balance": "rr", "retry": {"attempts": 1}},
	           "alone": {}, "off": {"balance": "rr", "health": {
	                "eject_after": 0, "path": "-", "interval_s": 3600}}})
	p.table(job("a", bad, 1), job("a", Server(echo), 2),
	        job("alone", bad, 3), job("off", bad, 4),
	        job("off", Server(echo), 5))
	def ask(name, n):
	    return [p.ask(H("GET /%s HTTP/1.1" % name, "Host: h")).status
	            for i in range(n)]
	codes = [404] * 6 + [501] * 6 + [505] * 6 + [500] * 4 + [200] + [500] * 4
	n = len(codes)
	ask("a", 2 * n)
	same([], codes)
	same("up", p.service()["instances"][0]["health"])
	# an answer that breaks off counts
	same([502, 200], ask("a", 2))
	i = p.service()["instances"][0]
	same(("ejected", "it closed in mid-answer"),
	     (i["health"], i["last_error"]))
	# one that is alone serves on
	codes = [500] * 20
	same([500] * 20, ask("alone", 20))
	i = p.service("alone")["instances"][0]
	same(("ejected", 20), (i["health"], i["requests"]))
	codes = [200]
	same([200], ask("alone", 1))
	same("up", p.service("alone")["instances"][0]["health"])
	codes = [500] * 10
	ask("off", 20)
	same([], codes)
	same("up", p.service("off")["instances"][0]["health"])
	END
}

@test "eject: one that fails with one request at a time does not eat the queue" {
	hold_clock
	scenario <<-'END'
	def sick(conn):
	    while conn.head():
	        conn.send(H("HTTP/1.1 500 X", "Content-Length: 0"))
	def works(conn):
	    while conn.head():
	        time.sleep(0.02)
	        conn.send(ok(b"x"))
	p = Proxy({"a": {"per_instance": 1}})
	p.table(job("a", Server(sick), 1), job("a", Server(works), 2))
	cs = [p.client() for i in range(30)]
	for c in cs:
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	got = [c.answer().status for c in cs]
	same((5, 25), (got.count(500), got.count(200)))
	for c in cs:
	    c.close()
	END
}

@test "retry: 503 with Retry-After goes to another one, if that is free" {
	scenario <<-'END'
	def busy(conn):
	    while conn.head():
	        conn.send(H("HTTP/1.1 503 Busy", "Retry-After: " + after[0],
	                    "Content-Length: 4") + b"busy")
	after = ["60"]
	b = Server(busy)
	conf = {"balance": "rr"}
	p = Proxy({"a": conf, "post": conf, "two": conf, "alone": {},
	           "unsafe": {"retry": {"unsafe": True}, **conf},
	           "date": conf})
	e = Server(echo)
	names = ("a", "post", "two", "unsafe", "date")
	p.table(*[job(name, b, 10 * n) for n, name in enumerate(names)],
	        *[job(name, e, 10 * n + 1) for n, name in enumerate(names)
	          if name != "two"], job("two", b, 21), job("alone", b, 99))
	def ask(name, method="GET", body=b""):
	    a = p.ask(H("%s /%s HTTP/1.1" % (method, name), "Host: h",
	                "Content-Length: %d" % len(body)) + body)
	    return a.status, a.fields.get("retry-after")
	same((200, None), ask("a"))
	same(1, p.service("a")["retries"])
	i = p.service("a")["instances"][0]
	same(("ejected", "it answered 503 with Retry-After"),
	     (i["health"], i["last_error"]))
	assert 50 <= i["ejected_s"] <= 60, i
	# and it is let alone for as long
	for n in range(5):
	    same((200, None), ask("a"))
	same(1, p.service("a")["instances"][0]["requests"])
	# what may have had an effect is not repeated, unless that is allowed
	same((503, "60"), ask("post", "POST", b"x"))
	same((200, None), ask("unsafe", "POST", b"y" * 100000))
	assert any(g.endswith(b"y" * 100000) for g in e.seen())
	# nobody else: the client is told
	same((503, "60"), ask("two"))
	same((503, "60"), ask("alone"))
	after[0] = "0"
	same((200, None), ask("date"))
	same("up", p.service("date")["instances"][0]["health"])
	same((200, None), ask("date"))
	after[0] = "Fri, 31 Dec 1999 23:59:59 GMT"
	same((200, None), ask("date"))
	assert p.service("date")["instances"][0]["ejected_s"] <= 1
	END
}

@test "retry: Retry-After never ends it sooner" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        conn.send(H("HTTP/1.1 503 No", "Content-Length: 0",
	                    "Retry-After: %d" % (200 if b"/long" in head else 1)))
	p = Proxy({"a": {}})
	p.table(job("a", Server(handler), 1))
	same(503, p.ask(H("POST /a/long HTTP/1.1", "Host: h",
	                  "Content-Length: 0")).status)
	same(503, p.ask(H("POST /a/x HTTP/1.1", "Host: h",
	                  "Content-Length: 0")).status)
	i = p.service()["instances"][0]
	assert i["ejected_s"] > 100, i
	END
}

@test "health: rise and fall" {
	hold_clock
	scenario <<-'END'
	def checked(conn):
	    conn.head()
	    got.append(1)
	    until("it may", lambda: len(got) <= may[0])
	    conn.send(H("HTTP/1.1 %d X" % code[0], "Content-Length: 0"))
	got, may, code = [], [0], [200]
	s = Server(checked)
	p = Proxy({"a": {"health": {"path": "/up", "interval_s": 1,
	          "timeout_s": 3600, "rise": 3, "fall": 3}}})
	p.table(job("a", s, ready=None))
	def after(n, health):
	    may[0] += n
	    clock.until("the next check", lambda: len(got) == may[0] + 1)
	    same(health, p.service()["instances"][0]["health"])
	after(2, "unknown")
	after(1, "up")
	code[0] = 500
	after(2, "up")
	after(1, "down")
	code[0] = 200
	after(2, "down")
	code[0] = 500
	after(1, "down")
	code[0] = 200
	after(2, "down")
	after(1, "up")
	may[0] = 1000
	END
}

@test "admin: drain and undrain a job" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	p = Proxy({"a": {"queue": {"timeout_s": 60}}})
	s = Server(hold)
	p.table(job("a", s, 7))
	def post(path, *fields):
	    a = p.ask_admin(H("POST %s HTTP/1.1" % path, "Host: x", *fields))
	    return a.status, json.loads(a.body)
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	same((200, {"job_id": 7, "draining": True}), post("/drain/7"))
	waits = p.client()
	waits.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	x = p.service()
	same((0, "job 7 RUNNING on n1: drained by hand", "draining", 1),
	     (x["ready"], x["why"], x["instances"][0]["health"],
	      x["instances"][0]["inflight"]))
	# a new table changes nothing
	p.table(job("a", s, 7))
	same(1, p.service()["queued"])
	go.append(1)
	same(200, c.answer().status)
	same(1, p.service()["queued"])
	same((200, {"job_id": 7, "draining": False}), post("/undrain/7"))
	same(200, waits.answer().status)
	for path in ("/drain/8", "/drain/", "/drain/7x", "/drain/-7",
	             "/drain/99999999999999999999", "/undrain/8"):
	    assert post(path)[0] in (404, 405), path
	same("no service has this job", post("/drain/8")[1]["error"])
	a = p.ask_admin(H("GET /drain/7 HTTP/1.1", "Host: x"))
	same((405, "POST"), (a.status, a.fields["allow"]))
	same("up", p.service()["instances"][0]["health"])
	c.close()
	waits.close()
	END
}

@test "admin: no page of somebody else's can make a browser drain a job" {
	scenario <<-'END'
	p = Proxy({"a": {}}, "--admin=127.0.0.1:0", "--admin=0x7f.1:0")
	p.table(job("a", Server(echo), 7))
	port = int(re.search(r"admin on 127\.0\.0\.1:(\d+)", p.said()).group(1))
	def tcp(host, *fields):
	    c = Conn(socket.create_connection(("127.0.0.1", port), PATIENCE))
	    a = c.ask(H("POST /drain/7 HTTP/1.1", "Host: " + host, *fields))
	    c.close()
	    return a.status
	def admin():
	    sock = socket.socket(socket.AF_UNIX)
	    sock.connect(p.admin)
	    return sock
	def unix(host, *fields):
	    return p.ask_admin(H("POST /drain/7 HTTP/1.1", "Host: " + host,
	                         *fields)).status
	mine, origin = "X-Berth: 1", "Origin: http://evil.example"
	same(403, tcp("127.0.0.1:%d" % port))
	same(403, tcp("127.0.0.1:%d" % port, origin))
	same(403, tcp("evil.example:%d" % port, mine))
	same(403, tcp("localhost.evil.example", mine))
	same(403, tcp("1.2.3.4.evil.example", mine))
	same(403, unix("localhost:1", origin))
	same(403, unix("evil.example", origin, mine))
	same(403, unix("evil.example"))
	for more in (origin, "Origin: null", "Sec-Fetch-Site: cross-site",
	             "Origin: https://127.0.0.1:%d" % port,
	             "Origin: http://127.0.0.1:%d" % (port + 1),
	             "Sec-Fetch-Site: same-site"):
	    same(403, tcp("127.0.0.1:%d" % port, mine, more))
	    same(403, unix("127.0.0.1:%d" % port, mine, more))
	same("up", p.service()["instances"][0]["health"])
	for host in ("127.0.0.1:%d" % port, "localhost", "LocalHost:1",
	             "[::1]:80", "login7:9000"):
	    same(200, tcp(host, mine))
	    same(200, tcp(host, mine, "Origin: http://" + host,
	                  "Sec-Fetch-Site: same-origin"))
	same(200, unix("x"))
	same(200, unix("localhost:8080", "Origin: http://localhost:8080", mine))
	# nothing is told to a name that leads here and is not ours
	for path in "/", "/status", "/metrics":
	    for host, status in (("evil.example:%d" % port, 403),
	                         ("1.2.3.4.evil.example", 403), ("a.", 403),
	                         ("127.0.0.1.:80", 200), ("0X7F.1:80", 200), ("0x7f.2", 403),
	                         ("[::1]:1", 200), ("login7", 200)):
	        for connect in (lambda: socket.create_connection(
	                ("127.0.0.1", port)), admin):
	            c = Conn(connect())
	            same(status, c.ask(H("GET %s HTTP/1.1" % path,
	                                 "Host: " + host)).status)
	            c.close()
	# and none is told that it might
	c = Conn(socket.create_connection(("127.0.0.1", port), PATIENCE))
	a = c.ask(H("OPTIONS /drain/7 HTTP/1.1", "Host: localhost", origin,
	            "Access-Control-Request-Method: POST",
	            "Access-Control-Request-Headers: x-berth"))
	same(405, a.status)
	same([], [f for f in a.fields if f.startswith("access-control")])
	c.close()
	END
}

@test "admin: the page for people" {
	scenario <<-'END'
	p = Proxy({"a": {}})
	a = p.ask_admin(H("GET / HTTP/1.1", "Host: x"))
	same((200, "text/html; charset=utf-8"),
	     (a.status, a.fields["content-type"]))
	with open(os.environ["root"] + "/src/svc-proxy/page.html", "rb") as f:
	    same(f.read(), a.body)
	policy = a.fields["content-security-policy"]
	for part in ("default-src 'none'", "connect-src 'self'",
	             "frame-ancestors 'none'", "form-action 'none'"):
	    assert part in policy.split("; "), part
	same("nosniff", a.fields["x-content-type-options"])
	# it fetches nothing from elsewhere and writes no text as markup
	urls = set(re.findall(rb"https?://[^\"'` ]*", a.body))
	same({b"http://www.w3.org/2000/svg"}, urls)
	same([], re.findall(rb"innerHTML|outerHTML|insertAdjacent|eval\(|"
	                    rb"document\.write", a.body))
	sock = socket.socket(socket.AF_UNIX)
	sock.connect(p.admin)
	c = Conn(sock)
	h = c.ask(H("HEAD / HTTP/1.1", "Host: x"), to_head=True)
	same((200, str(len(a.body)), b""),
	     (h.status, h.fields["content-length"], c.rest()))
	c.close()
	END
}

@test "admin: the history of the last steps, and latencies" {
	hold_clock
	scenario <<-'END'
	def slow(conn):
	    while conn.head():
	        clock.wait(2)
	        conn.send(ok(b"x"))
	p, s = ready(slow)
	def history():
	    return json.loads(p.ask_admin(H("GET /status?history HTTP/1.1",
	        "Host: x")).body)["services"][0]["history"]
	for n in range(7):
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same(404, p.ask(H("GET /none HTTP/1.1", "Host: h")).status)
	clock.until("all are in it", lambda: sum(history()["requests"]) == 7)
	h = history()
	same(5, h["step_s"])
	for key in ("requests", "failed", "p50_us", "p95_us"):
	    same(60, len(h[key]))
	same(0, sum(h["failed"]))
	for n in range(60):
	    assert (h["p50_us"][n] == 0) == (h["p95_us"][n] == 0), h
	assert 1900000 < min(x for x in h["p50_us"] if x) < 2200000, h
	for x in (p.service(), p.service()["instances"][0]):
	    l = x["latency_us"]
	    same(7, l["count"])
	    assert 1900000 < l["p50"] <= l["p90"] <= l["p99"] < 2200000, l
	clock.until("they are forgotten", lambda: "latency_us" not in
	            p.service(), 5)
	clock.until("and the steps", lambda: sum(history()["requests"]) == 0, 5)
	END
}

@test "admin: /metrics is what Prometheus reads, and adds up" {
	scenario <<-'END'
	def sometimes(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"POST" in head:
	            conn.take(3)
	        conn.send(H("HTTP/1.1 %d X" % (500 if b"/bad" in head else 200),
	                    "Content-Length: 4") + b"four")
	odd = 'q"\\é'
	p = Proxy({"a": {}, odd: {"route": {"prefix": "/odd"}},
	           "none": {"queue": {"timeout_s": 0}}})
	p.table(job("a", Server(sometimes), 5), job(odd, Server(sometimes), 6))
	def ask(line, body=b""):
	    return p.ask(H(line + " HTTP/1.1", "Host: h",
	                   "Content-Length: %d" % len(body)) + body).status
	same([200, 200, 500, 200, 503, 404],
	     [ask("GET /a"), ask("PUT /a"), ask("GET /a/bad"),
	      ask("POST /odd", b"abc"), ask("GET /none"), ask("GET /x")])
	a = p.ask_admin(H("GET /metrics HTTP/1.1", "Host: x"))
	same("text/plain; version=0.0.4; charset=utf-8",
	     a.fields["content-type"])
	types, values = {}, {}
	for line in a.body.decode().split("\n")[:-1]:
	    m = re.fullmatch(r"# (HELP|TYPE) (\w+) (.+)", line)
	    if m:
	        assert m[2] not in types or types[m[2]] is None, line
	        types[m[2]] = m[3] if m[1] == "TYPE" else None
	        last = m[2]
	        continue
	    m = re.fullmatch(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)+\})?'
	                     r' (\d+(?:\.\d+)?)', line)
	    assert m, line
	    base = re.sub("_(bucket|sum|count)$", "", m[1]) \
	        if types[last] == "histogram" else m[1]
	    same(last, base)
	    assert (m[1], m[2]) not in values, line
	    values[m[1], m[2]] = float(m[3])
	for name, kind in types.items():
	    assert kind in ("counter", "gauge", "histogram"), name
	    same(kind == "counter", name.endswith("_total"))
	def of(name, labels=None):
	    return values["berth_proxy_" + name, labels]
	name = r'service="q\"\\é"'
	same(1, of("requests_total",
	           '{service="a",code="200",method="safe"}'))
	same(1, of("requests_total",
	           '{service="a",code="200",method="idempotent"}'))
	same(1, of("requests_total",
	           '{service="a",code="500",method="safe"}'))
	same(1, of("requests_total",
	           '{%s,code="200",method="unsafe"}' % name))
	same(1, of("requests_total",
	           '{service="none",code="503",method="safe"}'))
	same(1, of("strays_total", '{service="",code="404",method="safe"}'))
	same(3, of("request_bytes_total", "{%s}" % name))
	same(1, of("failed_requests_total", '{service="none"}'))
	same(3, of("instance_requests_total", '{service="a",job_id="5"}'))
	same(1, of("instance_usable", '{service="a",job_id="5"}'))
	same(0, of("queue_length", '{service="a"}'))
	for what in ("first_byte_seconds", "request_seconds"):
	    row = [v for (n, l), v in values.items()
	           if n == "berth_proxy_%s_bucket" % what and '"a"' in l]
	    same(sorted(row), row)
	    same(14, len(row))
	    same((3, 3), (row[-1], of(what + "_count", '{service="a"}')))
	    assert of(what + "_sum", '{service="a"}') > 0
	END
}

@test "balance: a way that there is not" {
	mkdir -p s/a
	for way in '' Least hash hash: hash:header hash:header: hash:cookie: \
		hash:header:a\ b hash:client:x sticky: 'sticky:a;b' 'sticky:é'; do
		echo "{\"name\":\"a\",\"balance\":\"$way\"}" >s/a/service.json
		run -2 svc-proxy -s s </dev/null
		[ "$output" = "svc-proxy: $PWD/s/a/service.json: 'balance' must be least, p2c, rr, hash:client, hash:header:NAME, hash:cookie:NAME, sticky or sticky:NAME" ]
	done
}
