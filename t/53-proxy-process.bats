#!/usr/bin/env bats
# svc-proxy as a process: its command line, sockets, signals, supervision, the
# admin listener, the access log, and its deadlines.

load helper

# refuses STATUS TEXT ARG...: ends with STATUS, and says exactly TEXT.
refuses() {
	local want=$1 text=$2
	shift 2
	run -"$want" within 20 svc-proxy "$@" </dev/null
	[ "$output" = "svc-proxy: $text" ] || {
		echo "$output"
		return 1
	}
}

@test "proxy: --help, --version, a wrong command line" {
	run -0 svc-proxy --help
	[[ ${lines[0]} == 'usage: svc-proxy -s DIR '* ]]
	run -0 svc-proxy -V
	[[ $output == 'svc-proxy (berth) '* ]]
	for args in '' '-s' '-s . x' '-s . --what' '-l x'; do
		# shellcheck disable=SC2086 # words
		run -2 svc-proxy $args
	done
	mkdir services
	run -2 svc-proxy -s services --drain=x
	[[ $output == "svc-proxy: --drain: "* ]]
}

@test "proxy: services that are missing or bad, addresses that are none" {
	refuses 2 'none: No such file or directory' -s none
	mkdir -p s/a
	echo '{"name":"a","x":1,' >s/a/service.json
	run -2 svc-proxy -s s </dev/null
	[[ $output == "svc-proxy: $PWD/s/a/service.json:"* ]]
	rm -r s/a
	run -2 svc-proxy -s s -l 8080 </dev/null
	[ "${lines[-1]}" = "svc-proxy: '8080' is not HOST:PORT or unix:PATH" ]
	run -2 svc-proxy -s s -l 127.0.0.1:65536 </dev/null
	[[ $output == *"'127.0.0.1:65536': port: "* ]]
	run -2 svc-proxy -s s -l 1.2.3.4:1 </dev/null
	[[ $output == *"1.2.3.4:1: Cannot assign requested address"* ]]
	run -2 svc-proxy -s s -l unix: </dev/null
	run -2 svc-proxy -s s --access-log=/no/such/dir </dev/null
	[[ ${lines[-1]} == \
		'svc-proxy: /no/such/dir: No such file or directory' ]]
}

@test "proxy: an address in use is temporary, and named" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}}, listen="127.0.0.1:%d" % s.port, quiet=True)
	p.exits(75)
	assert p.said().endswith("svc-proxy: 127.0.0.1:%d: Address already in "
	                         "use\n" % s.port), p.said()
	p = Proxy({"a": {}}, listen="unix:sock")
	q = Proxy({"a": {}}, listen="unix:sock", quiet=True)
	q.exits(2)
	assert q.said().endswith("svc-proxy: sock: somebody listens there "
	                         "already\n"), q.said()
	END
}

@test "proxy: a Unix socket, mode 0600, in place of a dead one; IPv6" {
	scenario <<-'END'
	dead = socket.socket(socket.AF_UNIX)
	dead.bind("sock")
	dead.close()
	s = Server(echo)
	p = Proxy({"a": {}}, listen="unix:sock")
	p.table(job("a", s))
	same(0o600, os.stat("sock").st_mode & 0o777)
	same(0o600, os.stat(p.admin).st_mode & 0o777)
	got = p.ask(H("GET /a HTTP/1.1", "Host: h")).body
	assert b"\r\nX-Forwarded-For: unix\r\n" in got, got
	p.finish()
	assert not os.path.exists("sock") and not os.path.exists(p.admin)
	p = Proxy({"a": {}}, "-l", "127.0.0.1:0", listen="[::1]:0")
	p.table(job("a", s))
	assert p.address.startswith("[::1]:"), p.address
	got = p.ask(H("GET /a HTTP/1.1", "Host: h")).body
	assert b"\r\nX-Forwarded-For: ::1\r\n" in got, got
	p.address = re.findall(r"listening on (\S+)", p.said())[1]
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	with open("file", "w"):
	    pass
	q = Proxy({"a": {}}, listen="unix:file", quiet=True)
	q.exits(2)
	assert "file: exists and is not a socket" in q.said()
	END
}

@test "proxy: systemd's socket, and READY=1" {
	PORT=$(free_port)
	export PORT
	scenario <<-'END'
	n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	n.bind("notify")
	n.settimeout(PATIENCE)
	env = {"NOTIFY_SOCKET": os.path.abspath("notify")}
	def told():
	    return n.recv(100)
	port = int(os.environ["PORT"])
	for kind in ("127.0.0.1:%d" % port, os.path.abspath("own.sock")):
	    p = Proxy({"a": {}}, listen=None, env=env, quiet=True, wrap=(
	        "systemd-socket-activate", "-E", "NOTIFY_SOCKET", "-E", "PATH",
	        *[x for v in os.environ if v.startswith(("ASAN", "BERTH"))
	          for x in ("-E", v)], "-l", kind))
	    until("it listens", lambda: "Listening on" in p.said())
	    p.address = ("unix:" if kind[0] == "/" else "") + kind
	    c = p.client()
	    c.send(H("GET /none HTTP/1.1", "Host: h"))
	    same(404, c.answer().status)
	    same(b"READY=1", told())
	    assert "listening on %s" % p.address in p.said(), p.said()
	    p.fds = p.count_fds()
	    c.close()
	    p.finish()
	    same(b"STOPPING=1", told())
	assert os.path.exists("own.sock")
	END
}

@test "proxy: SIGTERM lets running requests end, then exits 0" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x" * 3000000))
	go = []
	p, s = ready(hold)
	idle, busy, begun, unread = [p.client() for i in range(4)]
	idle.ask(H("GET /none HTTP/1.1", "Host: h"))
	busy.send(H("GET /a HTTP/1.1", "Host: h"))
	unread.send(H("GET /a HTTP/1.1", "Host: h"))
	begun.send(b"GET /none HTTP/1.1\r\n")
	until("both are there", lambda: p.service()["inflight"] == 2)
	p.signal(signal.SIGTERM)
	idle.gone()
	try:
	    p.client()
	    raise AssertionError("still accepts")
	except ConnectionRefusedError:
	    pass
	a = begun.ask(b"Host: h\r\n\r\n")
	same((404, "close"), (a.status, a.fields["connection"]))
	begun.gone()
	go.append(1)
	time.sleep(0.2)
	for c in (busy, unread):
	    a = c.answer()
	    same((200, 3000000, "close"),
	         (a.status, len(a.body), a.fields["connection"]))
	    c.gone()
	p.exits()
	END
}

@test "proxy: a second SIGTERM, or the end of --drain, ends it at once" {
	scenario <<-'END'
	def hold(conn):
	    conn.head()
	    conn.to_end()
	for twice in (True, False):
	    p, s = ready(hold, None, "--drain=%s" % ("1h" if twice else "1s"))
	    c = p.client()
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("it is there", lambda: p.service()["inflight"] == 1)
	    p.signal(signal.SIGTERM)
	    if twice:
	        until("it drains", lambda: "draining" in p.said())
	        p.signal(signal.SIGTERM)
	    p.exits()
	    c.gone()
	    assert twice == ("were still open" not in p.said()), p.said()
	    assert not os.path.exists(p.admin)
	END
}

@test "proxy: what ends with --drain is torn for all to see, and logged" {
	scenario <<-'END'
	def handler(conn):
	    head = conn.head()
	    if b"/none" not in head:
	        conn.send(H("HTTP/1.1 200 OK", "X: y") + b"part")
	    conn.to_end()
	s = Server(handler)
	p = Proxy({"a": {}}, "--drain=1s", "--access-log=log")
	p.table(job("a", s, 1))
	c, d = p.client(), p.client()
	c.send(H("GET /a/part HTTP/1.1", "Host: h"))
	until("part", lambda: c.more() and b"part" in c.got)
	d.send(H("GET /a/none HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 2)
	p.signal(signal.SIGTERM)
	p.exits()
	try:
	    c.to_end()
	    raise AssertionError("taken for whole")
	except ConnectionError:
	    pass
	d.gone()
	lines = [json.loads(l) for l in open("log")]
	same([("/a/none", 503), ("/a/part", 200)],
	     sorted((l["path"], l["status"]) for l in lines))
	END
}

@test "proxy: GET /status says it all; nothing else is there" {
	scenario <<-'END'
	s = Server(answering(ok(b"x")))
	p = Proxy({"a": {}, "b": {}})
	now = int(time.time())
	p.table(job("a", s, 1, end_at=now + 100, request="r"),
	        job("a", None, 2, state="PENDING", reason="Priority",
	            node=None, ready=None))
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	st = p.status()
	for key in ("started_at", "snapshot_at"):
	    assert now - 20 <= st.pop(key) <= now + 20
	assert 80 <= st["services"][0]["instances"][0].pop("left_s") <= 100
	for x in (st["services"][0], st["services"][0]["instances"][0]):
	    same(1, x.pop("latency_us")["count"])
	for x in st["services"]:
	    same((0, 0), (x.pop("retries"), x.pop("ejections")))
	same(True, st.pop("accepted") >= 3)
	same(True, st.pop("requests") >= 3)
	same({"version": "0.1", "connections": 1, "expelled": 0, "log_lost": 0,
	      "draining": False, "services": [
	    {"service": "a", "prefix": "/a", "ready": 1, "queued": 0,
	     "inflight": 0, "requests": 1, "answered": 1, "failed": 0,
	     "instances": [
	        {"job_id": 1, "submit_at": 1000, "restart": 0,
	         "state": "RUNNING", "node": "n1", "url": s.url, "ready": True,
	         "draining": False, "end_at": now + 100, "request": "r",
	         "health": "up", "usable": True, "inflight": 0, "requests": 1},
	        {"job_id": 2, "submit_at": 1000, "restart": 0,
	         "state": "PENDING", "reason": "Priority", "draining": False,
	         "usable": False, "inflight": 0, "requests": 0}]},
	    {"service": "b", "prefix": "/b", "ready": 0, "queued": 0,
	     "inflight": 0, "requests": 0, "answered": 0, "failed": 0,
	     "instances": [], "why": "Slurm has no job for b"}]}, st)
	same(404, p.ask_admin(H("GET /a HTTP/1.1", "Host: h")).status)
	a = p.ask_admin(H("POST /status HTTP/1.1", "Host: h",
	                  "Content-Length: 0"))
	same((405, "GET, HEAD"), (a.status, a.fields["allow"]))
	same(404, p.ask(H("GET /status HTTP/1.1", "Host: h")).status)
	END
}

@test "proxy: the access log has a line for each request" {
	scenario <<-'END'
	def handler(conn):
	    while b"/held" not in conn.head():
	        time.sleep(0.03)
	        conn.send(ok(b"four"))
	    conn.more()
	p, s = ready(handler, None, "--access-log=log")
	c = p.client()
	c.ask(H("GET /a/secret?token=x HTTP/1.1", "Host: h"))
	c.ask(H("POST /none HTTP/1.1", "Host: h", "Content-Length: 0"))
	c.ask(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 3") + b"abc")
	c.ask(b"nonsense\r\n\r\n")
	c.close()
	c = p.client()
	c.send(H("GET /a/held HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	c.reset()
	def log():
	    with open("log") as f:
	        return [json.loads(line) for line in f]
	until("it is logged", lambda: len(log()) == 5)
	lines = log()
	for r in lines:
	    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
	                        r.pop("time"))
	    same(("access", "127.0.0.1"), (r.pop("kind"), r.pop("client")))
	    assert abs(r.pop("at_ms") / 1000 - time.time()) < 30
	    assert r["status"] == 400 or re.fullmatch("[0-9a-f]{32}",
	                                              r.pop("request_id"))
	    assert r["status"] == 404 or r["status"] == 400 or \
	        0 <= r.pop("connect_ms", 0) < 1000
	    assert 0 <= r.pop("total_ms") < 5000
	    assert r.pop("bytes_out") >= (0 if r["status"] == 499 else 58)
	    if r["status"] == 200:
	        assert 25 <= r.pop("first_byte_ms") < 5000
	at = {"service": "a", "job_id": 1, "retries": 0}
	same([{"method": "GET", "path": "/a/secret", "status": 200,
	       "bytes_in": 0, **at},
	      {"method": "POST", "path": "/none", "status": 404, "bytes_in": 0,
	       "retries": 0},
	      {"method": "POST", "path": "/a", "status": 200, "bytes_in": 3,
	       **at},
	      {"status": 400, "bytes_in": 0, "retries": 0},
	      {"method": "GET", "path": "/a/held", "status": 499, "bytes_in": 0,
	       **at}], lines)
	same(0o600, os.stat("log").st_mode & 0o777)
	os.rename("log", "log.1")
	p.signal(signal.SIGHUP)
	until("it is open again", lambda: os.path.exists("log"))
	p.ask(H("GET /a HTTP/1.1", "Host: h"))
	until("it is logged", lambda: len(log()) == 1)
	END
}

@test "proxy: time in the queue and retries are in the access log" {
	scenario <<-'END'
	def drop(conn):
	    conn.head()
	bad, good = Server(drop), Server(echo)
	p = Proxy({"a": {}}, "--access-log=log")
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	time.sleep(0.1)
	p.table(job("a", good, 1))
	same(200, c.answer().status)
	p.table(job("a", bad, 2))
	same(502, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	c.close()
	def log():
	    with open("log") as f:
	        return [json.loads(line) for line in f]
	one, two = until("both are logged", lambda: len(log()) == 2 and log())
	assert 100 <= one["queue_ms"] <= one["first_byte_ms"], one
	assert "queue_ms" not in two
	same((0, 2, 502, 2), (one["retries"], two["retries"], two["status"],
	                      two["job_id"]))
	END
}

@test "proxy: a head that comes too late is logged as nobody's" {
	hold_clock
	scenario <<-'END'
	p, s = ready(answering(ok(b"")), None, "--access-log=log")
	c = p.client()
	same(200, c.ask(H("HEAD /a HTTP/1.1", "Host: h", "Content-Length: 3") +
	                b"abc", to_head=True).status)
	c.send(b"GET /a/next HTTP/1.1\r\n")
	clock.wait(16)
	a = c.answer()
	same((408, {"error": "the request did not come in time",
	            "status": 408}), (a.status, json.loads(a.body)))
	c.gone()
	with open("log") as f:
	    first, late = [json.loads(line) for line in f]
	for key in ("kind", "time", "at_ms", "total_ms"):
	    late.pop(key)
	same({"client": "127.0.0.1", "status": 408, "bytes_in": 0,
	      "bytes_out": len(a.head + a.body), "retries": 0}, late)
	same(("/a", 3), (first["path"], first["bytes_in"]))
	END
}

@test "proxy: an access log on a full disk stops nothing" {
	scenario <<-'END'
	p, s = ready(echo, None, "--access-log=/dev/full")
	for i in range(5):
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same(5, p.status()["log_lost"])
	same(1, p.said().count("access log: /dev/full: No space left on device"))
	END
}

@test "proxy: a line of the access log that is torn harms no other" {
	scenario <<-'END'
	import resource
	p, s = ready(echo, None, "--access-log=log")
	def ask(path):
	    same(200, p.ask(H("GET /a/%s HTTP/1.1" % path, "Host: h")).status)
	def room(n):
	    was = resource.prlimit(p.child.pid, resource.RLIMIT_FSIZE)
	    resource.prlimit(p.child.pid, resource.RLIMIT_FSIZE, (n, was[1]))
	ask(1)
	until("it is logged", lambda: os.path.getsize("log") > 0)
	room(os.path.getsize("log") + 20)
	ask(2)
	ask(3)
	until("they are lost", lambda: p.status()["log_lost"] == 2)
	room(resource.RLIM_INFINITY)
	ask(4)
	def lines():
	    with open("log", "rb") as f:
	        return f.read().split(b"\n")
	until("it is logged", lambda: b"/a/4" in lines()[-2])
	one, torn, four, rest = lines()
	same(("/a/1", 20, "/a/4", b""), (json.loads(one)["path"], len(torn),
	                                 json.loads(four)["path"], rest))
	same(2, p.status()["log_lost"])
	same(1, p.said().count("; lines are lost"))
	END
}

@test "proxy: out of descriptors it waits, without turning, and goes on" {
	scenario <<-'END'
	p, s = ready(echo, wrap=("prlimit", "--nofile=64"))
	cs = [p.client() for i in range(60)]
	for c in cs:
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	def cpu():
	    with open("/proc/%d/stat" % p.child.pid) as f:
	        x = f.read().rsplit(")", 1)[1].split()
	    return (int(x[11]) + int(x[12])) / os.sysconf("SC_CLK_TCK")
	before = cpu()
	time.sleep(1)
	assert cpu() - before < 0.5, cpu() - before
	for c in cs:
	    same(200, c.answer().status)
	    c.close()
	END
}

@test "proxy: deadlines of a client that is slow or silent" {
	hold_clock
	scenario <<-'END'
	p, s = ready(echo)
	def ends(c):
	    """After how many seconds it is answered, or closed."""
	    c.sock.setblocking(False)
	    def ended():
	        try:
	            c.more()
	            return True
	        except BlockingIOError:
	            return False
	    t = clock.until("it ends", ended)
	    c.sock.settimeout(PATIENCE)
	    return t
	# a head: 15 s from its first byte, whatever drips in
	c = p.client()
	c.send(b"GET /a HTTP/1.1\r\n")
	for n in range(14):
	    clock.wait(1)
	    c.send(b"A")
	t = 14 + ends(c)
	assert 14.9 < t < 15.2, t
	a = c.answer()
	same((408, "the request did not come in time"),
	     (a.status, json.loads(a.body)["error"]))
	c.gone()
	# a body: 60 s of silence
	c = p.client()
	c.send(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 5") + b"123")
	until("its body is awaited", lambda: p.service()["inflight"])
	clock.wait(59, 59)
	c.send(b"4")
	until("it came on", lambda: b"".join(s.seen()).endswith(b"1234"))
	t = ends(c)
	assert 59.9 < t < 60.2, t
	same("the body did not come in time",
	     json.loads(c.answer().body)["error"])
	c.close()
	# nothing at all, and nothing more: 75 s
	c = p.client()
	until("it is there", lambda: p.status()["connections"] == 2)
	t = ends(c)
	assert 74.9 < t < 75.2, t
	same(b"", c.rest())
	c = p.client()
	c.ask(H("GET /none HTTP/1.1", "Host: h"))
	t = ends(c)
	assert 74.9 < t < 75.2, t
	same(b"", c.rest())
	# an answer that is not read: 120 s
	big = Server(answering(ok(b"x" * (20 << 20))))
	p.table(job("a", big, 2))
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"])
	t = clock.until("it is dropped", p.at_rest, 1)
	assert 119 < t < 600, t	# where pieces are small: after the last
	c.close()
	END
}

@test "proxy: deadlines of an instance, and what they do not cut short" {
	hold_clock
	scenario <<-'END'
	# 200 s of work and 200 s between pieces of an upload that it reads late
	def slow(conn):
	    head = conn.head()
	    at.append("head")
	    until("200 s later", lambda: "read" in at)
	    conn.take(2000000)
	    conn.send(H("HTTP/1.1 200 OK", "Content-Length: 4") + b"do")
	    until("200 s later", lambda: "end" in at)
	    conn.send(b"ne")
	    if conn.head():
	        raise AssertionError("used again")
	at = []
	p, s = ready(slow)
	c = p.client()
	writer = start(c.send, H("PUT /a HTTP/1.1", "Host: h",
	                         "Content-Length: 2000000") + b"x" * 2000000)
	until("it works", lambda: at)
	clock.wait(200, 20)
	at.append("read")
	same((200, b"do"), (c.answer(to_head=True).status, c.take(2)))
	clock.wait(200, 20)
	at.append("end")
	same(b"ne", c.take(2))
	join([writer])
	# an unused connection is closed after 55 s
	t = clock.until("it is closed", lambda: p.count_fds() <= p.fds + 1)
	assert 54.9 < t < 57, t
	c.close()
	END
}

@test "proxy: deadlines of a connect, and of what a refused client still sends" {
	hold_clock
	scenario <<-'END'
	# an instance whose queue of new connections is full: SYNs are lost
	deaf = socket.create_server(("127.0.0.1", 0), backlog=1)
	url = "http://127.0.0.1:%d" % deaf.getsockname()[1]
	good = Server(echo)
	p = Proxy({"a": {"balance": "rr"}})
	p.table(job("a", url, 1), job("a", good, 2))
	until("both are up", lambda: ["up"] * 2 == [
	    i["health"] for i in p.service()["instances"]])
	crowd = []
	while True:
	    crowd.append(socket.socket())
	    crowd[-1].settimeout(0.5)
	    try:
	        crowd[-1].connect(deaf.getsockname())
	    except TimeoutError:
	        break
	assert len(crowd) < 10, crowd
	begin = clock.now()
	asks = [start(lambda: same(200, p.ask(
	    H("POST /a HTTP/1.1", "Host: h", "Content-Length: 2") + b"ab").status))
	    for i in range(2)]
	until("both are there", lambda: p.service()["inflight"] == 2 or
	      b"".join(good.seen()))
	t = clock.until("it is given up", lambda: "no connection in time" in
	                p.said())
	assert 2.9 < t < 3.6, t
	join(asks)
	same(["no connection in time", "down"], [p.service()["instances"][0][k]
	     for k in ("last_error", "health")])
	same(2, b"".join(good.seen()).count(b"POST / "))
	# what follows a refusal is read for 2 s, however it drips, then no more
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h", "A : b"))
	same(400, c.answer().status)
	same(b"", c.to_end())
	def closed():
	    try:
	        c.send(b"x")
	    except ConnectionError:
	        return True
	t = clock.until("it is closed", closed)
	assert 1.9 < t < 3.1, t
	for sock in crowd + [deaf]:
	    sock.close()
	END
}

@test "proxy: silence of an hour: 504; a tunnel or an upload lives on" {
	hold_clock
	scenario <<-'END'
	step, n = 1 << 18, 73
	def handler(conn):
	    head = conn.head()
	    heads.append(head)
	    if head.startswith(b"GET") and b"Upgrade" not in head:
	        conn.to_end()
	        return
	    if head.startswith(b"POST"):
	        for i in range(n):
	            conn.take(step)
	            taken.append(i)
	        conn.send(ok())
	        return
	    conn.send(H("HTTP/1.1 101 Go", "Upgrade: x", "Connection: upgrade"))
	    while True:
	        byte = conn.sock.recv(1)
	        if not byte:
	            return
	        if byte == b"e":
	            conn.send(byte)
	taken, heads = [], []
	p, s = ready(handler, {"retry": {"attempts": 3}})
	silent = p.client()
	silent.send(H("GET /a HTTP/1.1", "Host: h"))
	def tunnel():
	    c = p.client()
	    same(101, c.ask(H("GET /a HTTP/1.1", "Host: h", "Upgrade: x",
	                      "Connection: upgrade")).status)
	    return c
	quiet, one_way, both, upload = tunnel(), tunnel(), tunnel(), p.client()
	upload.send(H("POST /a HTTP/1.1", "Host: h",
	              "Content-Length: %d" % (n * step)))
	until("all are there", lambda: len(heads) == 5)
	for i in range(n):		# 50 s and a piece: an hour, and a little
	    same(True, i == 72 or p.status()["connections"] == 6)
	    clock.wait(50, 25)
	    upload.send(bytes(step))
	    until("it is taken", lambda: len(taken) == i + 1)
	    one_way.send(b"o")
	    both.send(b"e")
	    same(b"e", both.take(1))
	quiet.gone()
	a = silent.answer()
	same((504, "no answer in time"),
	     (a.status, json.loads(a.body)["error"]))
	same(200, upload.answer().status)
	same(5, len(s.conns))
	both.send(b"e")
	same(b"e", both.take(1))
	one_way.send(b"e")
	same(b"e", one_way.take(1))
	for c in (silent, one_way, both, upload):
	    c.close()
	END
}
