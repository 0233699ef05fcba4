#!/usr/bin/env bats
# svc-proxy: which instance gets a request, what both sides see of it, and how
# requests and answers are framed. t/scenario.py says what its words mean.

load helper

@test "proxy: a request and its answer, byte for byte" {
	scenario <<-'END'
	p, s = ready(answering(ok(b"hello", "X-Answer: 1")))
	def one(piece):
	    c = p.client()
	    c.send(H("GET /a/b?c=d HTTP/1.1", "Host: h:1", "X-One:  1 "), piece)
	    want = H("HTTP/1.1 200 OK", "Content-Length: 5", "X-Answer: 1",
	             "Via: 1.1 berth") + b"hello"
	    same(want, c.take(len(want)))
	    c.end()
	    c.gone()
	each_way(one)
	same([2 * H("GET /b?c=d HTTP/1.1", "Host: h:1", "X-One: 1",
	            "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http",
	            "X-Forwarded-Host: h:1", "X-Forwarded-Prefix: /a",
	            "Via: 1.1 berth")], s.seen())
	END
}

@test "proxy: the longest prefix wins, at a boundary, stripped or kept" {
	scenario <<-'END'
	conf = {"a": {}, "ab": {"route": {"prefix": "/a/b"}},
	        "keep": {"route": {"prefix": "/keep", "strip": False}},
	        "my é": {}, "deep": {"route": {"prefix": "/x/y/z"}}}
	p = Proxy(conf)
	servers = {}
	for n, name in enumerate(conf):
	    servers[name] = Server(echo)
	p.table(*[job(name, s, n) for n, (name, s) in
	          enumerate(servers.items())])
	def goes(target, name, path):
	    a = p.ask(H("GET %s HTTP/1.1" % target, "Host: h"))
	    if name is None:
	        same(404, a.status)
	        same({"error": "no service has this path", "status": 404},
	             json.loads(a.body))
	        return
	    same(200, a.status)
	    same(b"GET %s HTTP/1.1" % path.encode(), a.body.split(b"\r\n")[0])
	    last = [s for s in servers.values() if s.conns and
	            s.conns[-1].got.endswith(a.body)]
	    assert servers[name] in last, (target, name)
	goes("/a", "a", "/")
	goes("/a/", "a", "/")
	goes("/a?q", "a", "/?q")
	goes("/a/?q", "a", "/?q")
	goes("/a//b", "a", "//b")
	goes("/a/b", "ab", "/")
	goes("/a/b?q=/a", "ab", "/?q=/a")
	goes("/a/bc", "a", "/bc")
	goes("/ab", None, None)
	goes("/A", None, None)
	goes("/", None, None)
	goes("/keep", "keep", "/keep")
	goes("/keep/x?y", "keep", "/keep/x?y")
	goes("/x/y/z/a%2Fb", "deep", "/a%2Fb")
	goes("/x/y", None, None)
	goes("/my%20%C3%A9/z", "my é", "/z")
	goes("/my%20%c3%a9/z", "my é", "/z")
	goes("http://H/a/q", "a", "/q")
	goes("*", None, None)
	END
}

@test "proxy: the prefix / takes what nobody else has" {
	scenario <<-'END'
	p = Proxy({"root": {"route": {"prefix": "/"}}, "a": {}})
	r, a = Server(echo), Server(echo)
	p.table(job("root", r, 1), job("a", a, 2))
	for target in ("/", "/ab?x", "//", "/a%2Fb"):
	    got = p.ask(H("GET %s HTTP/1.1" % target, "Host: h")).body
	    same(target.encode(), got.split(b" ")[1])
	    assert b"X-Forwarded-Prefix" not in got
	same(b"/x", p.ask(H("GET /a/x HTTP/1.1", "Host: h")).body.split(b" ")[1])
	got = p.ask(H("GET http://h HTTP/1.1", "Host: h")).body
	same(b"/", got.split(b" ")[1])
	END
}

@test "proxy: fields of one connection and of forwarding are not passed on" {
	scenario <<-'END'
	p, s = ready(answering(ok(b"", "Connection: x-hop, close", "X-Hop: 1",
	             "Keep-Alive: timeout=5", "Proxy-Connection: x", "Upgrade: x",
	             "X-Stay: 1", "Set-Cookie: a=b", "Set-Cookie: c=d")))
	a = p.ask(H("GET /a HTTP/1.1", "Host: h", "Connection: x-gone,X-Two",
	            "X-Gone: 1", "x-two: 2", "TE: trailers", "Keep-Alive: 9",
	            "Proxy-Connection: close", "Proxy-Authorization: secret",
	            "Upgrade: h2c", "X-Forwarded-For: 1.2.3.4",
	            "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
	            "X-Forwarded-Prefix: /evil", "X-Forwarded-Port: 1",
	            "Forwarded: for=1.2.3.4", "Authorization: mine",
	            "Via: 1.1 other"))
	same(H("HTTP/1.1 200 OK", "Content-Length: 0", "X-Stay: 1",
	       "Set-Cookie: a=b", "Set-Cookie: c=d", "Via: 1.1 berth"), a.head)
	same([H("GET / HTTP/1.1", "Host: h", "Authorization: mine",
	        "Via: 1.1 other", "X-Forwarded-For: 127.0.0.1",
	        "X-Forwarded-Proto: http", "X-Forwarded-Host: h",
	        "X-Forwarded-Prefix: /a", "Via: 1.1 berth")], s.seen())
	END
}

@test "proxy: the path of an instance's URL comes first" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}})
	p.table(job("a", s.url + "/base/x"))
	got = p.ask(H("GET /a/b?c HTTP/1.1", "Host: h")).body
	same(b"/base/x/b?c", got.split(b" ")[1])
	got = p.ask(H("GET /a HTTP/1.1", "Host: h")).body
	same(b"/base/x/", got.split(b" ")[1])
	END
}

@test "proxy: a slash at the end of an instance's URL is none in its paths" {
	scenario <<-'END'
	for path, want in (("/", b"/b"), ("/base/", b"/base/b"),
	                   ("//", b"/b")):
	    s = Server(answering(ok(b"", "Location: %s/x" % path.rstrip("/"))))
	    p = Proxy({"a": {"health": {"path": "/alive",
	                                "interval_s": 3600}}})
	    p.table(job("a", s.url + path, ready=None))
	    until("it is checked", lambda: p.service()["ready"] == 1)
	    a = p.ask(H("GET /a/b HTTP/1.1", "Host: h"))
	    same((200, "/a/x"), (a.status, a.fields["location"]))
	    same([want[:-1] + b"alive", want],
	         [x.split(b" ")[1] for x in b"".join(s.seen()).split(b"\r\n")
	          if x.startswith(b"GET")])
	END
}

@test "proxy: a retry elsewhere uses the other instance's base path" {
	scenario <<-'END'
	def drop(conn):
	    conn.head()
	bad, good = Server(drop), Server(echo)
	p = Proxy({"a": {}})
	p.table(job("a", bad.url + "/long/base", 1), job("a", good.url + "/b", 2),
	        job("a", good, 3, state="PENDING", url=None))
	for i in range(4):
	    c = p.client()
	    got = c.ask(H("PUT /a/z HTTP/1.1", "Host: h", "Content-Length: 4")
	                + b"body").body
	    c.close()
	    same(b"PUT /b/z HTTP/1.1\r\nHost: h\r\n", got[:28])
	    same(b"\r\n\r\nbody", got[-8:])
	assert any(b"PUT /long/base/z HTTP/1.1" in x for x in bad.seen())
	END
}

@test "proxy: connections are kept and used again on both sides" {
	scenario <<-'END'
	p, s = ready(echo)
	c = p.client()
	for i in range(20):
	    same(200, c.ask(H("GET /a/%d HTTP/1.1" % i, "Host: h")).status)
	same(1, len(s.conns))
	d = p.client()
	same(200, d.ask(H("GET /a/x HTTP/1.1", "Host: h")).status)
	same(1, len(s.conns))
	same(3, p.status()["connections"])
	c.close()
	d.close()
	END
}

@test "proxy: Connection: close and HTTP/1.0 close behind the answer" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    for head, said in (
	        (H("GET /a HTTP/1.1", "Host: h", "Connection: close"), "close"),
	        (H("GET /a HTTP/1.0"), "close")):
	        c = p.client()
	        a = c.ask(head, piece)
	        same((200, said), (a.status, a.fields["connection"]))
	        c.gone()
	    c = p.client()
	    for i in range(3):
	        a = c.ask(H("GET /a HTTP/1.0", "Connection: keep-alive"), piece)
	        same((200, "keep-alive"), (a.status, a.fields["connection"]))
	        same(b"Host: berth\r\n", a.body[16:29])
	    c.close()
	each_way(one)
	END
}

@test "proxy: requests sent ahead are answered in order, errors among them" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    c = p.client()
	    c.send(H("GET /a/1 HTTP/1.1", "Host: h") +
	           H("GET /none HTTP/1.1", "Host: h") +
	           H("POST /a/2 HTTP/1.1", "Host: h", "Content-Length: 3") +
	           b"abc" + b"\r\n" +
	           H("POST /a/3 HTTP/1.1", "Host: h",
	             "Transfer-Encoding: chunked") + b"2\r\nxy\r\n0\r\n\r\n" +
	           H("GET /a/4 HTTP/1.1", "Host: h", "Connection: close"), piece)
	    c.end()
	    def path():
	        a = c.answer()
	        return a.body.split(b" ")[1] if a.status == 200 else a.status
	    same([b"/1", 404, b"/2", b"/3", b"/4"], [path() for i in range(5)])
	    c.gone()
	def two(piece):
	    c = p.client()
	    c.send(H("GET /none HTTP/1.1", "Host: h") +
	           H("GET /a/4 HTTP/1.1", "Host: h") +
	           H("GET /a/5 HTTP/1.1", "Host : h") +
	           H("GET /a/6 HTTP/1.1", "Host: h"), piece)
	    same([404, 200, 400], [c.answer().status for i in range(3)])
	    c.gone()
	each_way(one)
	each_way(two)
	END
}

@test "proxy: empty lines before a request are passed over" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    c = p.client()
	    for i in range(2):
	        same(200, c.ask(b"\r\n\r\n\r\n" + H("GET /a HTTP/1.1", "Host: h"),
	             piece).status)
	    c.close()
	each_way(one)
	END
}

@test "proxy: many requests sent ahead to a client that reads late" {
	scenario <<-'END'
	p, s = ready(echo)
	c = p.client()
	c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	n = 200000
	writer = start(c.send, H("GET /none HTTP/1.1", "Host: h") * n)
	time.sleep(0.5)
	c.upto(b"}")
	one = c.got[:c.at]
	left = one * (n - 1)
	while left:
	    data = c.rest() or c.sock.recv(1 << 20)
	    c.at = len(c.got)
	    assert left.startswith(data), data[:1000]
	    left = left[len(data):]
	join([writer])
	c.close()
	END
}

@test "proxy: HEAD, 204 and 304 have no body whatever they say" {
	scenario <<-'END'
	p, s = ready(answering(
	    H("HTTP/1.1 200 OK", "Content-Length: 1000"),
	    H("HTTP/1.1 204 No Content"),
	    H("HTTP/1.1 304 Not Modified", "Content-Length: 5"),
	    H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"),
	    H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"),
	    ok(b"last")))
	c = p.client()
	a = c.ask(H("HEAD /a HTTP/1.1", "Host: h"), to_head=True)
	same((200, "1000"), (a.status, a.fields["content-length"]))
	same(204, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same(304, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	a = c.ask(H("HEAD /a HTTP/1.1", "Host: h"), to_head=True)
	same("chunked", a.fields["transfer-encoding"])
	# a client of HTTP/1.0 knows no such thing
	d = p.client()
	a = d.ask(H("HEAD /a HTTP/1.0", "Connection: keep-alive"), to_head=True)
	same((200, None), (a.status, a.fields.get("transfer-encoding")))
	d.close()
	same(b"last", c.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	a = c.ask(H("HEAD /none HTTP/1.1", "Host: h"), to_head=True)
	same(404, a.status)
	same(b"last", c.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	same(1, len(s.conns))
	c.close()
	END
}

@test "proxy: 204 and interim answers say nothing of a body" {
	scenario <<-'END'
	p, s = ready(answering(
	    H("HTTP/1.1 103 Early", "Content-Length: 3", "Link: </a>") +
	    H("HTTP/1.1 204 No", "Content-Length: 5", "X: y"),
	    H("HTTP/1.1 204 No", "Transfer-Encoding: chunked", "X: y"),
	    ok(b"last")))
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	for want in ((103, {"link": "</a>"}), (204, {"x": "y"})):
	    a = c.answer()
	    same(want[0], a.status)
	    same({**want[1], "via": "1.1 berth"}, a.fields)
	a = c.ask(H("GET /a HTTP/1.1", "Host: h"))
	same((204, {"x": "y", "via": "1.1 berth"}), (a.status, a.fields))
	same(b"last", c.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	c.close()
	END
}

# The answer in pieces: by length, in chunks, until the end.
@test "proxy: an answer framed in each way, also byte by byte" {
	scenario <<-'END'
	body = b"0123456789" * 30
	by_length = ok(body)
	chunked = H("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"".join(
	    b'%X;ext="a;b"\r\n%s\r\n' % (len(c), c) for c in
	    (body[:1], body[1:100], body[100:])) + b"0;last\r\nTrailer: t\r\n\r\n"
	to_end = H("HTTP/1.1 200 OK") + body
	for piece in (None, 1):
	    for text in (by_length, chunked, to_end):
	        def handler(conn):
	            while conn.head():
	                conn.send(text, piece)
	                if text is to_end:
	                    return
	        p, s = ready(handler)
	        for minor in (1, 0):
	            c = p.client()
	            a = c.ask(H("GET /a HTTP/1.%d" % minor, "Host: h",
	                        "Connection: keep-alive"))
	            same((200, body), (a.status, a.body))
	            closes = text is to_end or (minor == 0 and text is chunked)
	            if minor == 0:
	                assert "transfer-encoding" not in a.fields
	            if closes:
	                same("close", a.fields["connection"])
	                c.gone()
	            else:
	                same(b"", c.rest())
	                same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	                c.close()
	        # extensions are dropped, the trailer is not
	        if text is chunked:
	            c = p.client()
	            c.send(H("GET /a HTTP/1.1", "Host: h"))
	            c.head()
	            same(b"1\r\n0\r\n63\r\n" + body[1:100] + b"\r\nC8\r\n" +
	                 body[100:] + b"\r\n0\r\nTrailer: t\r\n\r\n",
	                 c.upto(b"t\r\n\r\n"))
	            c.close()
	        p.finish()
	END
}

@test "proxy: an upload in chunks, with extensions and trailers" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    c = p.client()
	    for i in range(2):
	        a = c.ask(H("POST /a HTTP/1.1", "Host: h", "Trailer: t",
	                    "Transfer-Encoding: chunked") +
	                  b'5;x="y"\r\nhello\r\n006\r\n world\r\n0\r\nt: 1\r\n\r\n',
	                  piece)
	        same(200, a.status)
	        same(b"\r\n\r\nhello world", a.body[-15:])
	    c.close()
	each_way(one)
	same(4, b"".join(s.seen()).count(
	    b"\r\n\r\n5\r\nhello\r\n006\r\n world\r\n0\r\nt: 1\r\n\r\n"))
	END
}

@test "proxy: interim answers, and Expect: 100-continue end to end" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        assert b"Expect: 100-continue\r\n" in head
	        conn.send(H("HTTP/1.1 103 Early Hints", "Link: </x>") +
	                  H("HTTP/1.1 100 Continue"))
	        conn.send(ok(conn.take(5)))
	p, s = ready(handler)
	def one(piece):
	    c = p.client()
	    for i in range(2):
	        c.send(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 5",
	                 "Expect: 100-continue"), piece)
	        a = c.answer()
	        same((103, "</x>"), (a.status, a.fields["link"]))
	        same(100, c.answer().status)
	        c.send(b"hello", piece)
	        same((200, b"hello"), c.answer()[::2])
	    c.close()
	each_way(one)
	# HTTP/1.0 knows no interim answers
	a = p.ask(H("PUT /a HTTP/1.0", "Content-Length: 5",
	            "Expect: 100-continue") + b"hello")
	same((200, b"hello"), a[::2])
	END
}

@test "proxy: an answer that comes before the whole request" {
	scenario <<-'END'
	def handler(conn):
	    conn.head()
	    conn.send(H("HTTP/1.1 413 Content Too Large", "Content-Length: 3") +
	              b"big")
	    conn.to_end()
	p, s = ready(handler)
	c = p.client()
	a = c.ask(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 1000000") +
	          b"x" * 1000)
	same((413, b"big", "close"),
	     (a.status, a.body, a.fields["connection"]))
	try:
	    c.send(b"x" * 100000)
	except ConnectionError:
	    pass
	c.gone()
	END
}

@test "proxy: an upgrade, bytes both ways, each side ends first" {
	scenario <<-'END'
	def handler(conn):
	    head = conn.head()
	    assert b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" in head
	    conn.send(H("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
	                "Connection: Upgrade", "X: 1") + b"early")
	    same(b"ahead", conn.take(5))
	    if b"/server-first" in head:
	        conn.send(b"bye")
	        conn.end()
	        same(b"still here", conn.to_end())
	    else:
	        same(b"over", conn.to_end())
	        conn.send(b"answer to the end")
	p, s = ready(handler)
	def begin(path, piece):
	    c = p.client()
	    c.send(H("GET /a%s HTTP/1.1" % path, "Host: h",
	             "Connection: keep-alive, Upgrade", "Upgrade: websocket") +
	           b"ahead", piece)
	    same(H("HTTP/1.1 101 Switching Protocols", "X: 1", "Via: 1.1 berth",
	           "Connection: upgrade", "Upgrade: websocket"), c.head())
	    same(b"early", c.take(5))
	    return c
	def one(piece):
	    c = begin("/server-first", piece)
	    same(b"bye", c.to_end())
	    c.send(b"still here", piece)
	    c.close()
	    c = begin("/client-first", piece)
	    c.send(b"over", piece)
	    c.end()
	    same(b"answer to the end", c.to_end())
	    c.close()
	each_way(one)
	END
}

@test "proxy: much data through a tunnel, both ways at once" {
	scenario <<-'END'
	def handler(conn):
	    conn.head()
	    conn.send(H("HTTP/1.1 101 Go", "Upgrade: x", "Connection: upgrade"))
	    while True:
	        data = conn.sock.recv(65536)
	        if not data:
	            return
	        conn.send(data)
	p, s = ready(handler)
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h", "Connection: upgrade",
	         "Upgrade: x"))
	same(101, c.answer().status)
	data = os.urandom(1 << 20) * 8
	def write():
	    c.send(data)
	    c.end()
	t = start(write)
	same(data, c.to_end())
	join([t])
	END
}

@test "proxy: 101 that was not asked for is refused; no 101 is an answer" {
	scenario <<-'END'
	p, s = ready(answering(H("HTTP/1.1 101 Go", "Upgrade: x",
	                         "Connection: upgrade")))
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	same((502, "it switches protocols unasked"),
	     (a.status, json.loads(a.body)["error"]))
	p, s = ready(answering(ok(b"no"), ok(b"again")))
	c = p.client()
	same(b"no", c.ask(H("GET /a HTTP/1.1", "Host: h", "Connection: upgrade",
	                    "Upgrade: x")).body)
	same(b"again", c.ask(H("GET /a HTTP/1.1", "Host: h")).body)
	c.close()
	END
}

@test "proxy: bad requests get a status and a JSON body that says why" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    for head, status, why in (
	        (b"GET /a HTTP/1.1\nHost: h\n\n", 400,
	         "a line ends without CR LF"),
	        (H("GET /a HTTP/1.1"), 400, "HTTP/1.1 without Host"),
	        (H("GET /a HTTP/2.0", "Host: h"), 505, "not HTTP/1"),
	        (H("CONNECT h:1 HTTP/1.1", "Host: h:1"), 501,
	         "CONNECT is not for here"),
	        (H("POST /a HTTP/1.1", "Host: h", "Content-Length: 5",
	           "Transfer-Encoding: chunked"), 400,
	         "Content-Length with Transfer-Encoding"),
	        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400,
	         "a line ends without CR LF")):
	        c = p.client()
	        a = c.ask(head, piece)
	        same({"error": why, "status": status}, json.loads(a.body))
	        same((status, "close", "application/json"), (a.status,
	             a.fields["connection"], a.fields["content-type"]))
	        c.gone()
	each_way(one)
	for head, status in ((b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
	                     (b"GET /" + b"x" * 40000, 414),
	                     (b"GET / HTTP/1.1\r\nA: " + b"x" * 40000, 431)):
	    c = p.client()
	    same(status, c.ask(head).status)
	    c.gone()
	same([], s.seen())
	END
}

@test "proxy: a body that is not chunked as it says" {
	scenario <<-'END'
	p, s = ready(echo)
	def one(piece):
	    c = p.client()
	    a = c.ask(H("POST /a HTTP/1.1", "Host: h",
	                "Transfer-Encoding: chunked") + b"5\r\nhello\r\nx\r\n",
	              piece)
	    same((400, "close"), (a.status, a.fields["connection"]))
	    same("the body is not chunked as it says",
	         json.loads(a.body)["error"])
	    c.gone()
	each_way(one)
	END
}

@test "proxy: an answer of 50 MB to a slow reader: memory stays bounded" {
	scenario <<-'END'
	n = 50 << 20
	def handler(conn):
	    conn.head()
	    conn.send(H("HTTP/1.1 200 OK", "Content-Length: %d" % n))
	    block = b"x" * 65536
	    for i in range(n // 65536):
	        conn.send(block)
	p, s = ready(handler, env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
	before = p.memory_kb()
	c = p.client()
	c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	same(200, int(c.head().split()[1]))
	got, most = len(c.rest()), 0
	while got < n:
	    if got < 2 << 20:
	        time.sleep(0.01)
	        most = max(most, p.memory_kb())
	    got += len(c.sock.recv(65536))
	same(n, got)
	assert most - before < 4096, (before, most)
	c.close()
	END
}

@test "proxy: an upload of 50 MB to a slow server: memory stays bounded" {
	scenario <<-'END'
	n = 50 << 20
	def handler(conn):
	    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	    conn.head()
	    got = len(conn.rest())
	    while got < n:
	        if got < 2 << 20:
	            time.sleep(0.01)
	        got += len(conn.sock.recv(65536))
	    conn.send(ok(b"%d" % got))
	p, s = ready(handler, env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
	before = p.memory_kb()
	c = p.client()
	c.send(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: %d" % n))
	most = 0
	for i in range(50):
	    c.send(b"x" * (1 << 20))
	    most = max(most, p.memory_kb())
	same(b"%d" % n, c.answer().body)
	assert most - before < 6144, (before, most)
	c.close()
	END
}
