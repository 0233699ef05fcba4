#!/usr/bin/env bats
# svc-proxy: SIGUSR2, a new process takes over from the one that runs.

load helper

@test "takeover: five times under load, and no request fails" {
	scenario <<-'END'
	p, s = ready(echo, {}, "-l", "unix:second.sock")
	over, made = [], []
	def client(method, body):
	    c = p.client()
	    head = H("%s /a/x HTTP/1.1" % method, "Host: h",
	             "Content-Length: %d" % len(body))
	    while not over:
	        a = c.ask(head + body)
	        same((200, body), (a.status, a.body[len(a.body) - len(body):]))
	        made.append(1)
	        if a.fields.get("connection") == "close":
	            c.gone()
	            c = p.client()
	    c.close()
	threads = [start(client, *x) for x in 3 * [
	    ("GET", b""), ("POST", b"x" * 70000), ("PUT", b"y" * 10)]]
	olds = []
	for n in range(5):
	    before = len(made)
	    until("they ask", lambda: len(made) > before + 50 or wrong)
	    olds.append(p.takeover())
	    # what comes on stdin reaches the new one, whole and once
	    p.feed(json.dumps(job("a", s, 1)).encode()[:20])
	    p.feed(json.dumps(job("a", s, 1)).encode()[20:] + b"\n")
	    p.feed(b'{"kind":"end","n":%d}\n' % n)
	    until("it is passed on", lambda: n in
	          [r.get("n") for r in p.records("end")])
	before = len(made)
	until("they ask", lambda: len(made) > before + 50 or wrong)
	over.append(1)
	join(threads)
	for old in olds:
	    same(0, old.wait(PATIENCE))
	same([None, 0, 1, 2, 3, 4], [r.get("n") for r in p.records("end")])
	p.fds = p.count_fds()
	p.address = "unix:second.sock"
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	assert "no new process" not in p.said()
	p.finish()
	assert not os.path.exists("second.sock"), "left behind"
	assert not os.path.exists(p.admin), "left behind"
	END
}

@test "takeover: the table, a half-read snapshot, what stdout did not take" {
	scenario <<-'END'
	import fcntl, termios
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"held"))
	go = []
	s, t = Server(echo), Server(hold)
	p = Proxy({"a": {}, "b": {}}, stdout=open("out", "wb"))
	p.table(job("a", s, 1, ready=None), job("b", t, 2),
	        job("a", None, 3, state="PENDING", reason="Priority"))
	until("1 is checked", lambda: p.service()["ready"] == 1)
	held = p.client()
	held.send(H("GET /b HTTP/1.1", "Host: h"))
	until("it works", lambda: p.service("b")["inflight"] == 1)
	# two thirds of the next snapshot
	lines = [json.dumps(x) + "\n" for x in (
	    job("a", s, 1), job("b", t, 2), {"kind": "end", "n": 2})]
	text = "".join(lines).encode()
	cut = len(lines[0]) + len(lines[1]) // 2
	p.feed(text[:cut])
	until("it is read", lambda: struct.unpack("i", fcntl.ioctl(
	    p.child.stdin, termios.FIONREAD, bytes(4)))[0] == 0)
	was = p.status()["snapshot_at"]
	old = p.takeover()
	same(was, p.status()["snapshot_at"])
	same([1, 3], sorted(i["job_id"] for i in p.service()["instances"]))
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	p.feed(text[cut:])
	until("the rest is taken", lambda: [1] ==
	      [i["job_id"] for i in p.service()["instances"]])
	# the old one still works for the one it had
	same(None, old.poll())
	go.append(1)
	same((200, b"held"), held.answer()[::2])
	held.close()
	same(0, old.wait(PATIENCE))
	p.fds = p.count_fds()
	p.finish()
	with open("out") as f:
	    out = [json.loads(line) for line in f]
	# the last is the scenario's own, at its end
	same([None, 2, None], [r.get("n") for r in out if r["kind"] == "end"])
	same(0, len(re.findall("stdin:", p.said())))
	END
}

@test "takeover: who waits at the old process is served by a later snapshot" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}})
	p.table()
	cs, olds = [], []
	for n in range(3):
	    cs.append(p.client())
	    cs[n].send(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 3") +
	               b"abc")
	    until("it waits", lambda: p.service()["queued"] == 1)
	    olds.append(p.takeover())
	p.table(job("a", s, 1))
	for c in cs:
	    same(200, c.answer().status)
	    c.close()
	for old in olds:
	    same(0, old.wait(PATIENCE))
	p.fds = p.count_fds()
	END
}

@test "takeover: one that cannot start leaves the old one at work" {
	scenario <<-'END'
	p, s = ready(echo)
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	bad = p.dir + "/services/bad"
	os.mkdir(bad)
	with open(bad + "/service.json", "w") as f:
	    f.write("{")
	for n in range(3):
	    p.signal(signal.SIGUSR2)
	    until("it is said", lambda: p.said().count(
	        "svc-proxy: no new process takes over: it ended before it was "
	        "ready; this one goes on\n") == n + 1)
	    p.table(job("a", s, n + 2))
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	    until("it is passed on", lambda: n + 2 in
	          [r["job_id"] for r in p.records("instance")])
	until("no descriptor is left", lambda: p.count_fds() <= p.fds + 1)
	os.remove(bad + "/service.json")
	p.takeover()
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	p.fds = p.count_fds()
	END
}

@test "takeover: stdin is a file that has grown" {
	scenario <<-'END'
	a, b = Server(echo), Server(echo)
	def put(*jobs):
	    with open("in", "a") as f:
	        for j in jobs:
	            f.write(json.dumps(j) + "\n")
	        f.write('{"kind":"end"}\n')
	put(job("a", a, 1))
	with open("in") as f:
	    p = Proxy({"a": {}}, stdin=f)
	same(1, p.service()["instances"][0]["job_id"])
	put(job("a", b, 2))
	old = p.takeover()
	same(0, old.wait(PATIENCE))
	same(2, p.service()["instances"][0]["job_id"])
	assert "no new process" not in p.said()
	END
}

@test "takeover: an unused connection gets one more answer, then close" {
	scenario <<-'END'
	p, s = ready(echo)
	c = p.client()
	same(None, c.ask(H("GET /a HTTP/1.1", "Host: h")).fields.get(
	    "connection"))
	old = p.takeover()
	a = c.ask(H("POST /a HTTP/1.1", "Host: h", "Content-Length: 1") + b"x")
	same((200, "close"), (a.status, a.fields["connection"]))
	c.gone()
	same(0, old.wait(PATIENCE))
	p.fds = p.count_fds()
	END
}

@test "takeover: the supervisor is told; systemd's socket is handed on" {
	PORT=$(free_port)
	export PORT
	scenario <<-'END'
	n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	n.bind("notify")
	n.settimeout(PATIENCE)
	port = int(os.environ["PORT"])
	address = "127.0.0.1:%d" % port
	p = Proxy({"a": {}}, listen=None, quiet=True,
	    env={"NOTIFY_SOCKET": os.path.abspath("notify")}, wrap=(
	    "systemd-socket-activate", "-E", "NOTIFY_SOCKET", "-E", "PATH",
	    *[x for v in os.environ if v.startswith(("ASAN", "BERTH"))
	      for x in ("-E", v)], "-l", address))
	until("it listens", lambda: "Listening on" in p.said())
	p.address = address
	c = p.client()
	same(404, c.ask(H("GET /none HTTP/1.1", "Host: h")).status)
	c.close()
	same(b"READY=1", n.recv(100))
	old = p.takeover()
	same({b"READY=1", b"MAINPID=%d\nREADY=1" % p.child.pid},
	     {n.recv(100), n.recv(100)})
	same(404, p.ask(H("GET /none HTTP/1.1", "Host: h")).status)
	same(0, old.wait(PATIENCE))
	p.fds = p.count_fds()
	p.finish()
	same(b"STOPPING=1", n.recv(100))
	END
}

@test "takeover: a service's own address is handed on" {
	PORT=$(free_port)
	export PORT
	scenario <<-'END'
	own = "127.0.0.1:" + os.environ["PORT"]
	p, s = ready(echo, {"route": {"listen": own}})
	for n in range(3):
	    p.address = own
	    same(200, p.ask(H("GET /x HTTP/1.1", "Host: h")).status)
	    old = p.takeover()
	    same(0, old.wait(PATIENCE))
	same(200, p.ask(H("GET /x HTTP/1.1", "Host: h")).status)
	p.fds = p.count_fds()
	END
}

@test "takeover: what was learnt and counted is not forgotten" {
	hold_clock
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        if b"(health check)" in head:
	            asked.append(1)
	            until("it may", lambda: len(asked) <= may[0])
	            conn.send(H("HTTP/1.1 500 No", "Content-Length: 0"))
	        elif b"GET /fail" in head:
	            conn.send(H("HTTP/1.1 500 No", "Content-Length: 0"))
	        else:
	            conn.send(ok())
	asked, may = [], [2]
	s, t = Server(handler), Server(handler)
	p = Proxy({
	    "held": {}, "out": {"health": {"path": "-", "eject_after": 2}},
	    "falls": {"health": {"path": "/", "interval_s": 1, "timeout_s": 99,
	                         "fall": 4}},
	    "sticks": {"balance": "sticky:c"}, "unused": {}})
	p.table(job("held", s, 1), job("held", s, 2), job("out", s, 3),
	        job("out", t, 4), job("falls", s, 5), job("sticks", s, 6),
	        job("sticks", t, 7))
	same(200, p.ask_admin(H("POST /drain/1 HTTP/1.1", "Host: h",
	                        "Content-Length: 0")).status)
	while p.service("out")["ejections"] == 0:
	    p.ask(H("GET /out/fail HTTP/1.1", "Host: h"))
	a = p.ask(H("GET /sticks HTTP/1.1", "Host: h"))
	cookie = a.fields["set-cookie"].split(";")[0]
	p.ask(H("POST /held HTTP/1.1", "Host: h", "Content-Length: 3") + b"abc")
	p.ask(H("GET /none HTTP/1.1", "Host: h"))
	clock.until("a third check", lambda: len(asked) == 3)
	def what():
	    st = p.status()
	    for key in ("requests", "accepted"):
	        assert st.pop(key) > 8, key
	    for key in ("snapshot_at", "version", "connections"):
	        st.pop(key)
	    for x in st["services"]:
	        for i in x["instances"]:
	            if i["health"] == "up":	# a check clears it
	                i.pop("last_error", None)
	    return st
	def numbers():
	    lines = p.ask_admin(H("GET /metrics HTTP/1.1", "Host: h",
	                          "Connection: close")).body.decode()
	    return [l for l in lines.split("\n") if not l.startswith((
	        "#", "berth_proxy_connections_total", "berth_proxy_start",
	        'berth_proxy_instance_usable{service="out"'))]
	before, counted = what(), numbers()
	for n in range(2):
	    old = p.takeover()
	    same(before, what())
	    same(counted, numbers())
	    may[0] += 1		# the old process's, if it still asks
	    same(0, old.wait(PATIENCE))
	same(None, p.ask(H("GET /sticks HTTP/1.1", "Host: h",
	                   "Cookie: " + cookie)).fields.get("set-cookie"))
	same("up", p.service("falls")["instances"][0]["health"])
	may[0] = 1000
	clock.until("the fourth in a row", lambda: p.service("falls")
	            ["instances"][0]["health"] == "down")
	clock.until("it is on trial", lambda: 0 in [i.get("ejected_s") for i in
	            p.service("out")["instances"]])
	same(200, p.ask_admin(H("POST /undrain/1 HTTP/1.1", "Host: h",
	                        "Content-Length: 0")).status)
	same(2, p.service("held")["ready"])
	p.fds = p.count_fds()
	END
}

@test "takeover: SIGTERM to both, as a supervisor sends it, cuts nothing" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"held"))
	go = []
	p, s = ready(hold)
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it works", lambda: p.service()["inflight"] == 1)
	old = p.takeover()
	for each in (old, p.child):
	    each.send_signal(signal.SIGTERM)
	until("the new one ends", lambda: "draining 0" in p.said())
	same(None, old.poll())
	go.append(1)
	same((200, b"held"), c.answer()[::2])
	c.close()
	same(0, old.wait(PATIENCE))
	p.exits()
	END
}

@test "takeover: an environment that no svc-proxy made is refused" {
	mkdir services
	for value in x 3 3,x 0,1 99,98; do
		BERTH_TAKEOVER=$value run -2 within 20 svc-proxy -s services \
			</dev/null
		[[ ${lines[-1]} == 'svc-proxy: BERTH_TAKEOVER'* ]]
	done
	echo '{"takeover":2}' >state
	run -2 within 20 env BERTH_TAKEOVER=8,9 svc-proxy -s services \
		</dev/null 8<state 9<>/dev/null
	[ "${lines[-1]}" = \
		'svc-proxy: BERTH_TAKEOVER: not what this svc-proxy reads' ]
}
