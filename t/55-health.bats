#!/usr/bin/env bats
# svc-proxy's checks: what they cost an instance, and what they find.

load helper

setup() {
	test_setup
	hold_clock
}

@test "health: checks share a connection, however their answers are framed" {
	scenario <<-'END'
	chunks = H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + \
	    b"5;x\r\nhello\r\n0\r\nT: x\r\n\r\n"
	empty = H("HTTP/1.1 204 Fine")
	# the body comes with the head, behind it, and long after it
	for answer, cuts in ((ok(b"x"), ()), (ok(b""), ()), (empty, ()),
	                     (chunks, ()), (ok(b"x" * 3000), (20, 70)),
	                     (ok(b"x" * 900), (-1,)), (chunks, (70, -3))):
	    def handler(conn):
	        while True:
	            head = conn.head()
	            if not head:
	                return
	            same(H("GET /b/up?x HTTP/1.1", "Host: 127.0.0.1:%d" % s.port,
	                   "User-Agent: svc-proxy (health check)",
	                   "Accept: */*"), head)
	            got.append(1)
	            at = 0
	            for cut in (*[c % len(answer) for c in cuts], len(answer)):
	                conn.send(answer[at:cut])
	                at = cut
	                if cut < len(answer):
	                    time.sleep(0.003)
	    got = []
	    s = Server(handler)
	    p = Proxy({"a": {"health": {"path": "/up?x", "interval_s": 1,
	                                "timeout_s": 600, "fall": 1}}})
	    p.table(job("a", s.url + "/b", ready=None))
	    clock.until("it is checked often", lambda: len(got) > 8)
	    same("up", p.service()["instances"][0]["health"])
	    # a rest that is not there when the next check is due is not awaited
	    if "BERTH_SHORT" not in os.environ:
	        assert len(s.conns) < (len(got) if cuts else 2), answer
	    same(1, p.said().count("is up") + p.said().count("is down"))
	    p.finish()
	END
}

@test "health: what cannot be kept is not: all the same it is up" {
	scenario <<-'END'
	def once(conn):
	    conn.head()
	    got.append(clock.now())
	    conn.send(answer)
	def twice(conn):
	    while conn.head():
	        got.append(clock.now())
	        conn.send(answer + ok(b"unasked"))
	for handler, answer in (
	        (once, ok()), (once, ok(b"x", "Connection: close")),
	        (once, H("HTTP/1.0 200 OK") + b"x" * 200000),
	        (once, H("HTTP/1.1 200 OK", "Content-Length: 9999999")),
	        (twice, ok())):
	    got = []
	    s = Server(handler)
	    p = Proxy({"a": {"health": {"path": "/", "interval_s": 10,
	                                "timeout_s": 600, "fall": 1}}})
	    p.table(job("a", s))
	    clock.until("it is checked often", lambda: len(got) > 12, 1)
	    same("up", p.service()["instances"][0]["health"])
	    same(0, p.said().count("is down"))
	    # once an interval, and once more where it was closed unsaid
	    assert got[12] - got[0] > 11 * 9, [t - got[0] for t in got]
	    p.finish()
	END
}

@test "health: no descriptor left for a check: nothing is known by that" {
	scenario <<-'END'
	import resource
	def once(conn):
	    conn.head()
	    got.append(1)
	    conn.send(ok(b"x", "Connection: close"))
	got = []
	s = Server(once)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 5,
	                            "timeout_s": 600, "fall": 1}}})
	p.table(job("a", s))
	clock.until("it is checked", lambda: len(got) > 1)
	until("and no more", lambda: p.count_fds() == p.fds)
	fds = {int(n) for n in os.listdir("/proc/%d/fd" % p.child.pid)}
	full = min(set(range(len(fds) + 1)) - fds)
	was = resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE)
	resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE, (full, was[1]))
	clock.wait(30)
	same(0, p.said().count("is down"))
	resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE, was)
	n = len(got)
	clock.until("it is checked again", lambda: len(got) > n + 1)
	same(0, p.said().count("is down"))
	END
}

@test "health: one that hangs, on a connection that was kept, goes down" {
	scenario <<-'END'
	def handler(conn):
	    while conn.head():
	        got.append(1)
	        until("it answers", lambda: not hung)
	        conn.send(answer[0])
	got, hung, answer = [], [], [ok()]
	s = Server(handler)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 5,
	                            "timeout_s": 60}}})
	p.table(job("a", s))
	clock.until("it is checked", lambda: len(got) > 3)
	hung.append(1)
	def health():
	    i = p.service()["instances"][0]
	    return i["health"], i.get("last_error")
	clock.until("it is down", lambda: health() ==
	            ("down", "health check: no answer in time"))
	hung.clear()
	clock.until("it is up", lambda: health()[0] == "up")
	answer[0] = H("HTTP/1.1 503 No", "Content-Length: 0")
	clock.until("it is down", lambda: health() ==
	            ("down", "health check: status 503"))
	answer[0] = ok()
	clock.until("it is up", lambda: health()[0] == "up")
	END
}

@test "health: one that dies between two checks is found with the next beat" {
	scenario <<-'END'
	s = Server(answering(ok()))
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 3600}}})
	p.table(job("a", s, ready=None))
	until("it was checked", lambda: p.service()["ready"] == 1)
	s.stop()
	t = clock.until("it is down", lambda: p.service()["instances"][0]
	                ["health"] == "down")
	assert t <= 2, t
	same("Connection refused",
	     p.service()["instances"][0]["last_error"])
	END
}

@test "health: those that are up are checked together, of all services" {
	scenario <<-'END'
	def server(name):
	    def handler(conn):
	        while conn.head():
	            got.append((name, clock.now()))
	            conn.send(ok())
	    return Server(handler)
	got, table = [], []
	conf = {"health": {"path": "/", "interval_s": 100, "timeout_s": 10}}
	p = Proxy({"a": conf, "b": conf})
	# each comes at another time, and is checked at once
	for n in range(3):
	    table.append(job("ab"[n % 2], server(n), n + 1))
	    p.table(*table)
	    until("it is checked", lambda: n in dict(got))
	    clock.wait(30)
	# and before its first round has passed, all are in one
	clock.wait(150)
	seen = len(got)
	clock.until("some rounds", lambda: len(got) > seen + 21, 1)
	rounds = []
	for name, when in got[seen:]:
	    if not rounds or when - rounds[-1][0][1] > 20:
	        rounds.append([])
	    rounds[-1].append((name, when))
	for r in rounds[1:6]:
	    same([0, 1, 2], sorted(name for name, when in r))
	at = [r[0][1] for r in rounds[1:6]]
	gaps = [b - a for a, b in zip(at, at[1:])]
	assert 70 < min(gaps) and max(gaps) < 130 and len(set(gaps)) > 1, gaps
	END
}

@test "health: a proxy at rest is woken by nothing but its checks" {
	unset BERTH_CLOCK
	scenario <<-'END'
	p, s = ready(answering(ok()), {"health": {"path": "/",
	                                          "interval_s": 3600}})
	def woken():
	    with open("/proc/%d/status" % p.child.pid) as f:
	        return re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)",
	                         f.read()).group(1)
	def at_rest():			# one beat and a half
	    was, since = woken(), time.monotonic()
	    until("a while", lambda: time.monotonic() > since + 1.5)
	    return woken() == was
	# the rate is said, of the second that it was in, and its end
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	def rates():
	    return [r["rate_s"] for r in p.records("demand")]
	until("its end", lambda: max(rates(), default=0) > 0 and
	      rates()[-1] == 0)
	assert max(rates()) <= 1.1, rates()
	until("nothing wakes it", at_rest)
	END
}

@test "health: SIGHUP with another check asks by it at once" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        asked.append(head.split(b" ")[1])
	        until("it may", lambda: len(asked) <= may[0])
	        conn.send(ok() if head.startswith(b"GET /old") else
	                  H("HTTP/1.1 500 No", "Content-Length: 0"))
	# between two checks, and while one is under way
	for free in 100, 0:
	    asked, may, s = [], [free], Server(handler)
	    conf = {"path": "/old", "interval_s": 3600, "timeout_s": 600,
	            "fall": 1}
	    p = Proxy({"a": {"health": conf}, "b": {"health": dict(conf)}})
	    p.table(job("a", s, 1), job("b", s, 2))
	    until("both were asked", lambda: asked == [b"/old", b"/old"])
	    clock.wait(0)
	    conf["path"] = "/new"
	    p.services({"a": {"health": conf},
	                "b": {"health": {**conf, "path": "/old"}}})
	    p.signal(signal.SIGHUP)
	    until("they are read", lambda: "services read again" in p.said())
	    may[0] = 100
	    t = clock.until("it is down", lambda: p.service("a")["instances"][0]
	                    ["health"] == "down", 0.1)
	    assert t < 2, t
	    same([b"/old", b"/old", b"/new"], asked[:3])
	    same("up", p.service("b")["instances"][0]["health"])
	END
}

@test "health: an instance that serves one connection at a time" {
	scenario <<-'END'
	def serve():		# until the other side closes it
	    while True:
	        conn = Conn(listener.accept()[0])
	        conns.append(conn)
	        conn.sock.settimeout(None)
	        try:
	            echo(conn)
	        except ConnectionError:
	            pass
	        conn.close()
	conns = []
	listener = socket.create_server(("127.0.0.1", 0))
	start(serve)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 5,
	                            "timeout_s": 600}}})
	p.table(job("a", "http://127.0.0.1:%d" % listener.getsockname()[1]))
	def checks():
	    return sum(c.got.count(b"(health check)") for c in conns)
	for n in range(10):
	    was = checks()
	    clock.until("it is checked", lambda: checks() > was)
	    for method in "GET", "POST":
	        c = p.client()
	        same(200, c.ask(H("%s /a HTTP/1.1" % method, "Host: h",
	                          "Content-Length: 0")).status)
	        c.close()
	same(0, p.said().count("is down"))
	# not one for each check, and one for each request
	assert len(conns) < 30, len(conns)
	END
}

@test "health: so many connections are kept, and no more" {
	scenario <<-'END'
	def handler(conn):
	    while conn.head():
	        got.append(1)
	        conn.send(ok())
	got = []
	s = Server(handler)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 200,
	                            "timeout_s": 1000}}})
	p.table(*[job("a", s, n + 1) for n in range(400)])
	clock.until("all were checked twice", lambda: len(got) > 1000, 5)
	clock.until("the others are closed", lambda: 256 <= p.count_fds() -
	            p.fds <= 260)
	same(400, p.service()["ready"])
	END
}

@test "health: nor more than that of those that requests have used" {
	scenario <<-'END'
	def handler(conn):
	    head = conn.head()
	    while head:
	        if b"health check" in head:
	            checks.append(1)
	        conn.send(ok())
	        head = conn.head()
	def conf(interval_s):
	    return {"a": {"balance": "rr", "health": {
	        "path": "/", "interval_s": interval_s, "timeout_s": 1000}}}
	def kept():
	    return 256 <= p.count_fds() - p.fds <= 260
	checks = []
	s = Server(handler, host="0.0.0.0")
	p = Proxy(conf(3600))
	p.table(*[job("a", "http://127.0.%d.%d:%d" % (n // 200, n % 200 + 1,
	                                              s.port), n + 1)
	          for n in range(300)])
	clock.until("all were checked", lambda: len(checks) == 300 and kept())
	c = p.client()
	for n in range(300):
	    same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	c.close()
	until("each has one", lambda: p.count_fds() - p.fds >= 300)
	p.services(conf(3601))
	p.signal(signal.SIGHUP)		# and all are checked
	clock.until("on these", lambda: len(checks) == 600 and kept())
	END
}
