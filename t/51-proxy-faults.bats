#!/usr/bin/env bats
# svc-proxy: what clients see when instances fail, and what instances see when
# clients do. t/scenario.py says what its words mean.

load helper

@test "proxy: nobody listens: tried elsewhere, also a POST, never seen" {
	scenario <<-'END'
	dead, good = Server(echo), Server(echo)
	dead.stop()
	p = Proxy({"a": {"health": {"path": "/"}}})
	def table():
	    p.table(job("a", dead, 1), job("a", good, 2))
	table()
	c = p.client()
	for i in range(4):
	    for m in ("GET", "POST"):
	        same(200, c.ask(H(m + " /a HTTP/1.1", "Host: h",
	                          "Content-Length: 0")).status)
	one, two = p.service()["instances"]
	same(("down", "up"), (one["health"], two["health"]))
	same("Connection refused", one["last_error"])
	same((8, 0), (p.service()["answered"], p.service()["failed"]))
	c.close()
	END
}

@test "proxy: no descriptor left for an instance: 503, and it is not down" {
	scenario <<-'END'
	import resource
	s = Server(echo)
	p = Proxy({"a": {}})
	p.table(job("a", s, 1))
	until("it was checked", lambda: s.checks == 1)
	up = p.service()["instances"][0]
	c = p.client()
	until("it is accepted", lambda: p.status()["connections"] == 2)
	until("and nothing else is open", lambda: p.count_fds() == p.fds + 1)
	fds = {int(n) for n in os.listdir("/proc/%d/fd" % p.child.pid)}
	full = min(set(range(len(fds) + 1)) - fds)
	was = resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE)
	resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE, (full, was[1]))
	a = c.ask(H("GET /a HTTP/1.1", "Host: h"))
	resource.prlimit(p.child.pid, resource.RLIMIT_NOFILE, was)
	same((503, "5", {"error": "no connection could be made", "status": 503,
	                 "service": "a", "why": "Too many open files"}),
	     (a.status, a.fields["retry-after"], json.loads(a.body)))
	same(up, p.service()["instances"][0])
	same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	c.close()
	END
}

# In a network of its own, which has four ports for connections.
@test "proxy: no port for a connection: 503, and the instance stays up" {
	hold_clock
	scenario <<-'END'
	if "OWN_NETWORK" not in os.environ:
	    os.environ["OWN_NETWORK"] = "yes"
	    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
	with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as f:
	    f.write("40000 40003")
	gate = threading.Event()
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"/held" in head:
	            gate.wait(PATIENCE)
	        conn.send(ok())
	s = Server(handler, port=30000)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 1, "fall": 1,
	                            "timeout_s": 1000},
	                 "retry": {"attempts": 1}}}, listen="unix:sock")
	p.table(job("a", s))
	cs = [p.client() for i in range(6)]
	for c in cs:
	    c.send(H("GET /a/held HTTP/1.1", "Host: h"))
	until("all have one or none", lambda: p.service()["requests"] == 6)
	held = p.service()["inflight"]
	assert 1 <= held <= 4, held
	# three checks find no port either
	clock.wait(3)
	i = p.service()["instances"][0]
	same(("up", True, held, False), (i["health"], i["usable"], i["inflight"],
	                                 "last_error" in i))
	gate.set()
	got = [c.answer() for c in cs]
	same([200] * held + [503] * (6 - held), sorted(a.status for a in got))
	for a in got:
	    assert a.status == 200 or json.loads(a.body) == {
	        "error": "no connection could be made", "status": 503,
	        "service": "a", "why": "Cannot assign requested address"}, a
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	for c in cs:
	    c.close()
	END
}

@test "proxy: closed before a byte: GET is repeated, POST is not" {
	scenario <<-'END'
	def drop(conn):
	    conn.head()
	bad, good = Server(drop), Server(echo)
	p = Proxy({"a": {}})
	p.table(job("a", bad, 1), job("a", good, 2))
	for i in range(4):
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	assert len(bad.conns) >= 1
	# alone, it is tried three times
	p.table(job("a", bad, 1))
	n = len(bad.conns)
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	same((502, "it closed without an answer"),
	     (a.status, json.loads(a.body)["error"]))
	same(3, len(bad.conns) - n)
	n = len(bad.conns)
	a = p.ask(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 1") + b"x")
	same(502, a.status)
	same({"error": "it closed without an answer", "status": 502,
	      "service": "a", "job_id": 1, "why": "the request had been sent "
	      "and may have been carried out"}, json.loads(a.body))
	same(1, len(bad.conns) - n)
	END
}

@test "proxy: a POST of which not one byte could be sent goes elsewhere" {
	PATH=$UNIT/fakes:$PATH	# where the first of X-Lost is lost
	scenario <<-'END'
	for body in (b"", b"x" * 200000):
	    servers = [Server(echo) for i in range(2)]
	    p = Proxy({"a": {}})
	    p.table(*[job("a", s, n) for n, s in enumerate(servers)])
	    a = p.ask(H("POST /a HTTP/1.1", "Host: h", "X-Lost: 1",
	                "Content-Length: %d" % len(body)) + body)
	    same((200, body), (a.status, a.body[len(a.body) - len(body):]))
	    got = [x for s in servers for x in s.seen()]
	    same(1, len([x for x in got if b"POST" in x]))
	    s = p.service()
	    same((1, 0), (s["retries"], s["failed"]))
	END
}

@test "proxy: retry.unsafe repeats a POST, retry.attempts bounds it" {
	scenario <<-'END'
	def drop(conn):
	    conn.head()
	    conn.take(4)
	bad, good = Server(drop), Server(echo)
	p = Proxy({"a": {"retry": {"unsafe": True, "attempts": 5}}})
	p.table(job("a", bad, 1), job("a", good, 2))
	for i in range(4):
	    a = p.ask(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 4") +
	              b"body")
	    same((200, b"\r\n\r\nbody"), (a.status, a.body[-8:]))
	assert len(bad.conns) >= 1
	p.table(job("a", bad, 1))
	n = len(bad.conns)
	same(502, p.ask(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 4") +
	                b"body").status)
	same(5, len(bad.conns) - n)
	same(1, len(set(bad.seen())))
	END
}

@test "proxy: a kept connection that the instance has closed" {
	scenario <<-'END'
	def once(conn):
	    conn.head()
	    conn.send(ok(b"x"))
	    until("told", lambda: leave)
	leave = []
	p, s = ready(once)
	for m in ("GET", "POST", "PUT"):
	    leave = []
	    same(200, p.ask(H("%s /a HTTP/1.1" % m, "Host: h")).status)
	    leave = [1]
	    for i in range(2):
	        until("it is noticed", lambda: p.count_fds() <= p.fds)
	        same(200, p.ask(H("%s /a HTTP/1.1" % m, "Host: h")).status)
	    until("it is noticed", lambda: p.count_fds() <= p.fds)
	END
}

@test "proxy: a kept connection that closes as the next request comes" {
	scenario <<-'END'
	def once(conn):
	    conn.head()
	    conn.send(ok(b"x"))
	    conn.head()         # and goes without an answer
	p, s = ready(once, {"retry": {"attempts": 1}})
	c = p.client()
	for i in range(5):
	    same((200, b"x"), c.ask(H("GET /a HTTP/1.1", "Host: h"))[::2])
	c.close()
	END
}

@test "proxy: what many kept connections do not answer is not sent on each" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"/bad" in head:
	            seen.append(1)
	            conn.send(says)
	            return
	        until("all are there", lambda: go)
	        conn.send(ok())
	# closed without a byte, as at rest: once more than with an answer
	for says, n in (b"", 4), (b"nonsense\r\n\r\n", 3):
	    go, seen = [], []
	    p, s = ready(handler, {"retry": {"attempts": 3}})
	    cs = [p.client() for _ in range(20)]
	    for c in cs:
	        c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("all are there", lambda: p.service()["inflight"] == 20)
	    go.append(1)
	    for c in cs:
	        c.answer()
	        c.close()
	    same(502, p.ask(H("GET /a/bad HTTP/1.1", "Host: h")).status)
	    same(n, len(seen))
	    p.finish()
	END
}

@test "proxy: a body is sent again whole, up to retry.body_max_bytes" {
	scenario <<-'END'
	def drop(conn):
	    conn.head()
	    conn.take(1000)
	bad, good = Server(drop), Server(echo)
	p = Proxy({"a": {"retry": {"body_max_bytes": 300000}}})
	p.table(job("a", bad, 1), job("a", good, 2))
	body = os.urandom(300000)
	for i in range(6):
	    a = p.ask(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 300000")
	              + body)
	    same(200, a.status)
	    assert a.body.endswith(b"\r\n\r\n" + body)
	    b = p.ask(H("PUT /a HTTP/1.1", "Host: h",
	                "Transfer-Encoding: chunked") +
	              b"493E0\r\n" + body[:-8] + b"12345678\r\n0\r\n\r\n")
	p.table(job("a", bad, 1))
	a = p.ask(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 400000") +
	          b"x" * 400000)
	same(502, a.status)
	END
}

@test "proxy: a body that was sent and is not kept is not sent again" {
	scenario <<-'END'
	# what may not be repeated, or is too long to be, is passed on as it
	# comes: whole, in its order, also past what the instance has not read
	gate = threading.Event()
	def slow(conn):
	    conn.head()
	    gate.wait(PATIENCE)
	    body = bytearray(conn.rest())
	    while len(body) < n:
	        body += conn.sock.recv(1 << 20) or b"ended" * n
	    conn.send(ok(b"the same" if body == sent else b"another",
	                 "Connection: close"))
	s = Server(slow)
	s.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	p = Proxy({"a": {"retry": {"body_max_bytes": 1000}}})
	p.table(job("a", s, 1))
	n = 5000000
	sent = os.urandom(n)
	for method in ("POST", "PUT"):
	    c = p.client()
	    gate.clear()
	    t = start(c.send, H(method + " /a HTTP/1.1", "Host: h",
	                        "Content-Length: %d" % n) + sent)
	    until("it was sent in part", lambda: p.service()["inflight"] == 1)
	    gate.set()
	    a = c.answer()
	    join([t])
	    same((200, b"the same"), (a.status, a.body))
	    c.close()
	def drop(conn):
	    conn.head()
	    conn.take(n)
	bad = Server(drop)
	p.services({"a": {}})
	p.signal(signal.SIGHUP)
	until("it has read that", lambda: "read again" in p.said())
	for method, n in (("POST", 10), ("POST", 200000), ("PUT", 2000000)):
	    p.table(job("a", bad, n))
	    before = len(bad.conns)
	    c = p.client()
	    c.send(H(method + " /a HTTP/1.1", "Host: h",
	             "Content-Length: %d" % n) + b"x" * n)
	    a = c.answer()
	    c.close()
	    same((502, "the request had been sent and may have been carried "
	          "out", before + 1), (a.status, json.loads(a.body)["why"],
	                               len(bad.conns)))
	END
}

@test "proxy: an instance that answers nonsense" {
	scenario <<-'END'
	cases = {
	    b"garbage\r\n\r\n": "no status line",
	    b"HTTP/1.1 200 OK\nA: b\n\n": "a line ends without CR LF",
	    b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n":
	        "a field line without a name and colon",
	    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n":
	        "more than one Content-Length",
	    b"HTTP/1.1 200 OK\r\nA: " + b"x" * 40000:
	        "the head is longer than 32 KiB",
	    b"HTTP/1.1 200 OK\r\nContent-Le": "it closed in mid-answer",
	    b"\x15\x03\x01\x00\x02\x02\x46": "it closed in mid-answer"}
	for text, why in cases.items():
	    for piece in (None, 1):
	        if piece and len(text) > 10000:
	            continue
	        def handler(conn):
	            conn.head()
	            conn.send(text, piece)
	            if "closed" not in why:
	                conn.to_end()
	        p, s = ready(handler)
	        a = p.ask(H("POST /a HTTP/1.1", "Host: h"))
	        same((502, why), (a.status, json.loads(a.body)["error"]))
	        p.finish()
	END
}

@test "proxy: an answer that is torn tears the client's connection" {
	scenario <<-'END'
	for head, part in (
	    (H("HTTP/1.1 200 OK", "Content-Length: 10"), b"12345"),
	    (H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"5\r\n123"),
	    (H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"5\r\n12345\r\n"),
	    (H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"0\r\n"),
	    (H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"zzz\r\n")):
	    for piece in (None, 1):
	        def handler(conn):
	            conn.head()
	            conn.send(head, piece)
	            until("it is passed on", lambda: b"\r\n\r\n" in c.got)
	            conn.send(part, piece)
	        p, s = ready(handler)
	        c = p.client()
	        c.send(H("GET /a HTTP/1.1", "Host: h"))
	        try:
	            c.to_end()
	            raise AssertionError("a clean end")
	        except ConnectionError:
	            pass
	        c.close()
	        same(1, p.service()["failed"])
	        same(1, len(s.conns))
	        p.finish()
	END
}

@test "proxy: more than was said, or two answers, ends the connection" {
	scenario <<-'END'
	p, s = ready(answering(ok(b"first") + ok(b"second")))
	c = p.client()
	for i in range(3):
	    same((200, b"first"), c.ask(H("GET /a HTTP/1.1", "Host: h"))[::2])
	same(3, len(s.conns))
	c.close()
	p, s = ready(answering(H("HTTP/1.1 204 No") + b"body", ok(b"x")))
	c = p.client()
	same(204, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same((204, b""), c.ask(H("GET /a HTTP/1.1", "Host: h"))[::2])
	same(2, len(s.conns))
	c.close()
	END
}

@test "proxy: what an idle instance says unasked reaches nobody" {
	scenario <<-'END'
	def handler(conn):
	    conn.head()
	    conn.send(ok(b"mine"))
	    until("it is passed on", lambda: c.got.count(b"mine") > len(said))
	    conn.send(ok(b"poison"))
	    said.append(1)
	    while conn.head():
	        conn.send(ok(b"mine"))
	said = []
	p, s = ready(handler)
	c = p.client()
	for i in range(3):
	    same(b"mine", c.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	    until("it has spoken", lambda: len(said) > i)
	    until("it is cut off", lambda: p.count_fds() <= p.fds + 1)
	c.close()
	END
}

@test "proxy: a client goes away while an instance works" {
	scenario <<-'END'
	def hang(conn):
	    conn.head()
	    began.append(1)
	    try:
	        same(b"", conn.to_end())
	    finally:
	        ended.append(1)
	began, ended = [], []
	p, s = ready(hang)
	for n, leave in enumerate((Conn.reset, Conn.close)):
	    c = p.client()
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("it works", lambda: len(began) == n + 1)
	    same((1, 1), (p.service()["inflight"],
	                  p.service()["instances"][0]["inflight"]))
	    leave(c)
	    until("it is told", lambda: len(ended) == n + 1)
	    until("it is free", p.at_rest)
	END
}

@test "proxy: a client that ends only its side gets its answer" {
	scenario <<-'END'
	ended = threading.Event()
	def slow(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        ended.wait(PATIENCE)
	        time.sleep(0.1)
	        conn.send(ok(head.split(b" ")[1]))
	p, s = ready(slow)
	def one(piece):
	    for last in ("HTTP/1.0", "HTTP/1.1\r\nConnection: close"):
	        c = p.client()
	        ended.clear()
	        c.send(H("GET /a %s" % last, "Host: h"), piece)
	        c.end()
	        ended.set()
	        same((200, b"/"), c.answer()[::2])
	        c.gone()
	    c = p.client()
	    ended.clear()
	    c.send(H("GET /a/1 HTTP/1.1", "Host: h") +
	           H("GET /a/2 HTTP/1.1", "Host: h"), piece)
	    c.end()
	    ended.set()
	    same(b"/1", c.answer().body)
	    same(b"/2", c.answer().body)
	    c.gone()
	each_way(one)
	END
}

@test "proxy: a client that ends in its head or its body" {
	scenario <<-'END'
	got = []
	def handler(conn):
	    got.append(1)
	    conn.head()
	    conn.to_end()
	p, s = ready(handler)
	def one(piece):
	    c = p.client()
	    c.send(b"GET /a HTTP/1.1\r\nHost", piece)
	    c.end()
	    a = c.answer()
	    same((400, "the request ended in its head"),
	         (a.status, json.loads(a.body)["error"]))
	    c.gone()
	    for framing in ("Content-Length: 10", "Transfer-Encoding: chunked"):
	        c = p.client()
	        c.send(H("POST /a HTTP/1.1", "Host: h", framing) + b"5\r\n12",
	               piece)
	        c.end()
	        a = c.answer()
	        same((400, "the request ended in its body"),
	             (a.status, json.loads(a.body)["error"]))
	        c.gone()
	    c = p.client()
	    c.end()
	    c.gone()
	each_way(one)
	END
}

@test "proxy: a client goes away in the middle of its answer or its body" {
	scenario <<-'END'
	def endless(conn):
	    conn.head()
	    conn.send(H("HTTP/1.1 200 OK"))
	    while True:
	        conn.send(b"x" * 10000)
	p, s = ready(endless)
	for leave in (Conn.reset, Conn.close):
	    c = p.client()
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	    c.take(100000)
	    leave(c)
	    until("it is free", p.at_rest)
	for leave in (Conn.reset, Conn.close):
	    c = p.client()
	    c.send(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 1000000") +
	           b"x" * 1000)
	    leave(c)
	    until("it is free", p.at_rest)
	END
}

@test "proxy: a client that has enough of an answer is nobody's failure" {
	scenario <<-'END'
	def stream(conn):
	    head = conn.head()
	    if b"Upgrade" in head:
	        conn.send(H("HTTP/1.1 101 Go", "Upgrade: x",
	                    "Connection: upgrade"))
	    else:
	        conn.send(H("HTTP/1.1 200 OK", CHUNKS.decode()))
	    while not (torn and b"/torn" in head):
	        conn.send(b"1\r\nx\r\n")
	        time.sleep(0.005)
	torn = []
	p, s = ready(stream)
	def begin(path, *fields):
	    c = p.client()
	    c.send(H("GET /a%s HTTP/1.1" % path, "Host: h", *fields))
	    c.upto(b"1\r\nx\r\n")
	    return c
	for leave in (Conn.reset, Conn.close):
	    leave(begin(""))
	    leave(begin("", "Upgrade: x", "Connection: upgrade"))
	    until("they are gone", p.at_rest)
	same((4, 0), (p.service()["requests"], p.service()["failed"]))
	c = begin("/torn")
	torn.append(1)
	try:
	    c.to_end()
	    raise AssertionError("it is not torn")
	except ConnectionError:
	    pass
	until("it is over", p.at_rest)
	same((5, 1), (p.service()["requests"], p.service()["failed"]))
	END
}

@test "proxy: a client goes away while it reads slowly, after FIN and before" {
	scenario <<-'END'
	p, s = ready(answering(ok(b"x" * (8 << 20))))
	for fin in (False, True):
	    c = p.client()
	    c.send(H("GET /a HTTP/1.0" if fin else "GET /a HTTP/1.1", "Host: h"))
	    c.take(1000)
	    if fin:
	        c.end()
	        time.sleep(0.05)
	    c.reset()
	    until("it is free", p.at_rest)
	# and one that ends its side while it reads gets all
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	time.sleep(0.3)
	c.end()
	same(8 << 20, len(c.answer().body))
	c.gone()
	END
}

@test "proxy: kill of one of two instances under 20 clients: no GET fails" {
	scenario <<-'END'
	import random
	def handler(conn):
	    while conn.head():
	        time.sleep(random.random() / 100)
	        conn.send(ok(b"fine"))
	one, two = Server(handler), Server(handler)
	p = Proxy({"a": {"health": {"path": "/", "interval_s": 1}}})
	p.table(job("a", one, 1), job("a", two, 2))
	stop = []
	count = [0]
	def client():
	    c = p.client()
	    while not stop:
	        a = c.ask(H("GET /a HTTP/1.1", "Host: h"))
	        same((200, b"fine"), (a.status, a.body))
	        count[0] += 1
	    c.close()
	clients = [start(client) for i in range(20)]
	until("they are at work", lambda: count[0] > 200)
	one.stop()
	n = count[0]
	until("they go on", lambda: count[0] > n + 400)
	stop.append(1)
	join(clients)
	same(0, p.service()["failed"])
	END
}

@test "proxy: 300 clients at once, 10,000 requests: none is lost" {
	scenario <<-'END'
	# fewer where each is passed on in drops
	n_each = 4 if "BERTH_SHORT" in os.environ else 34
	servers = [Server(echo) for i in range(3)]
	p = Proxy({"a": {}})
	p.table(*[job("a", s, n) for n, s in enumerate(servers)])
	def client(n):
	    c = p.client()
	    for i in range(n_each):
	        path = b"/%d/%d" % (n, i)
	        body = b"x" * (i * 50)
	        a = c.ask(b"POST /a%s HTTP/1.1\r\nHost: h\r\n"
	                  b"Content-Length: %d\r\n\r\n%s" %
	                  (path, len(body), body))
	        same(200, a.status)
	        assert a.body.startswith(b"POST %s HTTP" % path), a.body[:80]
	        assert a.body.endswith(b"\r\n\r\n" + body)
	    c.close()
	join([start(client, n) for n in range(300)])
	s = p.service()
	same((300 * n_each, 300 * n_each, 0),
	     (s["requests"], s["answered"], s["failed"]))
	for i in s["instances"]:
	    assert i["requests"] > 58 * n_each, s["instances"]
	END
}
