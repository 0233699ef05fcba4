#!/usr/bin/env bats
# svc-proxy: the table of instances and what follows from it: the queue, the
# checks, the choice, and the records on stdout.

load helper

@test "proxy: a request waits, and is answered at once when one is ready" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}})
	cs = [p.client() for i in range(3)]
	for n, c in enumerate(cs):
	    c.send(H("POST /a/%d HTTP/1.1" % n, "Host: h",
	             "Content-Length: 100000") + b"x" * 100000)
	    until("it waits", lambda: p.service()["queued"] == n + 1)
	d = until("demand is said", lambda: p.records("demand"))[0]
	same({"kind": "demand", "service": "a", "queued": 1, "inflight": 0,
	      "ready": 0, "rate_s": 0.0, "instances": []}, d)
	p.table(job("a", None, 1, state="PENDING"))
	same(3, p.service()["queued"])
	begin = time.monotonic()
	p.table(job("a", s, 1))
	for n, c in enumerate(cs):
	    a = c.answer()
	    same(200, a.status)
	    assert a.body.startswith(b"POST /%d HTTP/1.1\r\n" % n)
	    c.close()
	assert time.monotonic() - begin < 1
	END
}

@test "proxy: first in, first out; one at a time with per_instance" {
	scenario <<-'END'
	def one_at_a_time(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        busy.append(1)
	        same(1, len(busy))
	        order.append(int(head.split(b" ")[1][1:]))
	        time.sleep(0.02)
	        busy.pop()
	        conn.send(ok(b"x"))
	busy, order = [], []
	p, s = ready(one_at_a_time, {"per_instance": 1})
	cs = []
	for n in range(10):
	    cs.append(p.client())
	    cs[-1].send(H("GET /a/%d HTTP/1.1" % n, "Host: h"))
	    until("it came", lambda: p.service()["requests"] == n + 1)
	for c in cs:
	    same(200, c.answer().status)
	    c.close()
	same(list(range(10)), order)
	END
}

@test "proxy: a full queue, and one whose time is over: 503 in words" {
	scenario <<-'END'
	p = Proxy({"a": {"queue": {"max": 1, "timeout_s": 1}}})
	def said(a, error, why):
	    same((503, "5", {"error": error, "status": 503, "service": "a",
	                     "why": why}),
	         (a.status, a.fields["retry-after"], json.loads(a.body)))
	first = p.client()
	first.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	said(p.ask(H("GET /a HTTP/1.1", "Host: h")), "too many requests wait",
	     "nothing was heard of Slurm yet")
	p.table(job("a", None, 123, state="PENDING", reason="Resources",
	            node=None), job("a", None, 5, state="FAILED"))
	said(first.answer(), "no instance was ready in time",
	     "job 123 PENDING: Resources")
	# the connection is still good
	said(first.ask(H("GET /a HTTP/1.1", "Host: h")),
	     "no instance was ready in time", "job 123 PENDING: Resources")
	p.table(job("a", None, 124))
	p.feed(b'{"kind":"stale","since_at":1,"error":"slurmctld is away"}\n')
	until("stale is shown", lambda: "stale_error" in p.status())
	same((1, "slurmctld is away"), (p.status()["stale_since_at"],
	                                p.status()["stale_error"]))
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	why = json.loads(a.body)["why"]
	assert re.fullmatch(r"job 124 RUNNING on n1: has not answered yet; "
	                    r"Slurm has not answered for \d+ s", why), why
	same(1, p.service()["instances"][0]["job_id"] // 124)
	p.table()
	assert "stale_error" not in p.status()
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	same("Slurm has no job for a", json.loads(a.body)["why"])
	first.close()
	END
}

@test "proxy: queue timeout 0 refuses at once; a client may leave the queue" {
	scenario <<-'END'
	p = Proxy({"a": {}, "b": {"queue": {"timeout_s": 0}}})
	same(503, p.ask(H("GET /b HTTP/1.1", "Host: h")).status)
	for leave in (Conn.close, Conn.reset):
	    cs = [p.client() for i in range(3)]
	    for c in cs:
	        c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("they wait", lambda: p.service()["queued"] == 3)
	    for n, c in enumerate((cs[1], cs[0], cs[2])):
	        leave(c)
	        until("one less waits", lambda: p.service()["queued"] == 2 - n)
	# one that ended only its side stays
	c = p.client()
	c.send(H("GET /a HTTP/1.0"))
	c.end()
	until("it waits", lambda: p.service()["queued"] == 1)
	time.sleep(0.1)
	s = Server(echo)
	p.table(job("a", s))
	same(200, c.answer().status)
	c.close()
	END
}

# In a network of its own, which forgets in a second who has gone.
@test "proxy: who said that this was its last request, and went, is found out" {
	scenario <<-'END'
	if "OWN_NETWORK" not in os.environ:
	    os.environ["OWN_NETWORK"] = "yes"
	    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
	with open("/proc/sys/net/ipv4/tcp_fin_timeout", "w") as f:
	    f.write("1")
	ASK = H("GET /a HTTP/1.1", "Host: h", "Connection: close")
	here = "unix:%s/sock" % os.getcwd()
	p = Proxy({"a": {"per_instance": 1}}, "-l", here)
	tcp = p.address
	for address in (here, tcp):
	    p.address = address
	    gate = threading.Event()
	    def held(conn):
	        while conn.head():
	            gate.wait(PATIENCE)
	            conn.send(ok())
	    p.table(job("a", Server(held)))
	    went, works, waits, goes = [p.client() for i in range(4)]
	    for n, c in enumerate((went, works, waits, goes)):
	        c.send(ASK)
	        if c in (works, waits):
	            c.end()         # its own side only
	        until("it is there", lambda: n + 1 == sum(
	            p.service()[k] for k in ("queued", "inflight")))
	    went.close()            # the instance is free for the next
	    goes.close()
	    until("both are found out", lambda: p.service()["queued"] == 1)
	    gate.set()
	    for c in (works, waits):
	        same((200, b"hello"), c.answer()[::2])
	        c.close()
	END
}

@test "proxy: what waited may take longer than the queue's time" {
	scenario <<-'END'
	def slow(conn):
	    conn.head()
	    time.sleep(2.5)
	    conn.send(ok(b"late"))
	p = Proxy({"a": {"queue": {"timeout_s": 1}}})
	s = Server(slow)
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	p.table(job("a", s))
	same((200, b"late"), c.answer()[::2])
	c.close()
	END
}

@test "proxy: time at an instance is no time in the queue" {
	hold_clock
	scenario <<-'END'
	def held(conn):
	    while True:
	        head = conn.head()
	        if not head:
	            return
	        gate = threading.Event()
	        gates[head.split(b" ")[1]] = gate
	        gate.wait(PATIENCE)
	        conn.send(ok())
	gates = {}
	one, two = Server(held), Server(held)
	p = Proxy({"a": {"per_instance": 1, "queue": {"timeout_s": 10}}},
	          "--access-log=log")
	def ask(path):
	    c = p.client()
	    c.send(H("GET /a/%s HTTP/1.1" % path, "Host: h"))
	    return c
	# 3 s until there is an instance, 20 s at it; then it dies
	c = ask("long")
	until("it waits", lambda: p.service()["queued"] == 1)
	clock.wait(3)
	p.table(job("a", one, 1))
	until("it works", lambda: b"/long" in gates)
	p.table(job("a", one, 1), job("a", two, 2))
	d = ask("other")
	until("it works", lambda: b"/other" in gates)
	clock.wait(20)
	gates.pop(b"/long")
	one.stop()
	until("it waits again", lambda: p.service()["queued"] == 1)
	clock.wait(4)
	gates[b"/other"].set()
	same(200, d.answer().status)
	until("it works", lambda: b"/long" in gates)
	clock.wait(20)
	gates[b"/long"].set()
	same(200, c.answer().status)
	# all that it waits counts, as it began anew at each
	c.send(H("GET /a/last HTTP/1.1", "Host: h"))
	until("it works", lambda: b"/last" in gates)
	p.table(job("a", two, 2, draining=True))
	clock.wait(20)
	two.stop()
	until("it waits", lambda: p.service()["queued"] == 1)
	t = clock.until("its time is over", lambda: p.service()["queued"] == 0)
	assert 9.5 <= t <= 10.5, t
	same((503, "no instance was ready in time"),
	     [(a.status, json.loads(a.body)["error"]) for a in [c.answer()]][0])
	def log():
	    with open("log") as f:
	        return [json.loads(line) for line in f]
	lines = {r["path"]: r for r in until("all are logged",
	                                     lambda: len(log()) == 3 and log())}
	same({"/a/other": None, "/a/long": 7000, "/a/last": 10000},
	     {path: r.get("queue_ms") for path, r in lines.items()})
	metrics = p.ask_admin(H("GET /metrics HTTP/1.1", "Host: x")).body
	assert b'queue_wait_seconds_sum{service="a"} 17.000000\n' in metrics
	c.close()
	d.close()
	END
}

@test "proxy: the instance with fewest requests is next" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	servers = [Server(hold) for i in range(3)]
	p = Proxy({"a": {}})
	p.table(*[job("a", s, n) for n, s in enumerate(servers)])
	cs = []
	for n in range(9):
	    cs.append(p.client())
	    cs[-1].send(H("GET /a HTTP/1.1", "Host: h"))
	    until("it is there", lambda: p.service()["inflight"] == n + 1)
	    load = [i["inflight"] for i in p.service()["instances"]]
	    assert max(load) - min(load) <= 1, load
	same([3, 3, 3], load)
	go.append(1)
	for c in cs:
	    same(200, c.answer().status)
	    c.close()
	END
}

@test "proxy: an instance is down after two failed checks, and comes back" {
	scenario <<-'END'
	def checked(conn):
	    head = conn.head()
	    if b"(health check)" not in head:
	        conn.send(ok(b"x"))
	        return
	    same(b"GET /base/up?x HTTP/1.1", head.split(b"\r\n")[0])
	    conn.send(answer[0])
	answer = [H("HTTP/1.1 204 Fine")]
	s = Server(checked)
	p = Proxy({"a": {"health": {"path": "/up?x", "status": "200-299,418",
	                            "interval_s": 1, "timeout_s": 1},
	                 "queue": {"timeout_s": 0}}})
	p.table(job("a", s.url + "/base", ready=None))
	def health():
	    i = p.service()["instances"][0]
	    return i["health"], i["usable"], i.get("last_error")
	until("it is up", lambda: health() == ("up", True, None))
	answer[0] = H("HTTP/1.1 500 Broken")
	until("it is down", lambda: health() ==
	      ("down", False, "health check: status 500"))
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	same("job 1 RUNNING on n1: health check: status 500",
	     json.loads(a.body)["why"])
	answer[0] = H("HTTP/1.1 418 Teapot")
	until("it is up again", lambda: health()[:2] == ("up", True))
	answer[0] = b"nonsense\r\n\r\n"
	until("it is down", lambda: health() ==
	      ("down", False, "no status line"))
	answer[0] = b""
	until("it is down", lambda: health()[2] ==
	      "health check: closed without an answer")
	answer[0] = ok(b"x" * 100000)
	until("it is up again", lambda: health()[:2] == ("up", True))
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	said = [l for l in p.said().split("\n") if " job 1 " in l]
	same(["svc-proxy: a: job 1 at %s/base is up" % s.url,
	      "svc-proxy: a: job 1 at %s/base is down: "
	      "health check: status 500" % s.url], said[:2])
	END
}

@test "proxy: a check that is not answered in time" {
	scenario <<-'END'
	def silent(conn):
	    if b"(health check)" in conn.head():
	        conn.to_end()
	    else:
	        conn.send(ok(b"x"))
	p, s = ready(silent, {"health": {"path": "/", "interval_s": 1,
	                                 "timeout_s": 1}})
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	until("it is down", lambda: p.service()["instances"][0]["health"] ==
	      "down")
	same("health check: no answer in time",
	     p.service()["instances"][0]["last_error"])
	END
}

@test "proxy: nothing is sent to one of which only a URL is known" {
	scenario <<-'END'
	def late(conn):
	    head = conn.head()
	    if b"(health check)" not in head:
	        assert checked, "asked before it was checked"
	        conn.send(ok(b"x"))
	        return
	    until("let go", lambda: go)
	    checked.append(1)
	    conn.send(ok(b""))
	go, checked = [], []
	p = Proxy({"a": {"health": {"path": "/", "timeout_s": 10}}})
	s = Server(late)
	p.table(job("a", s, ready=None))
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	same("unknown", p.service()["instances"][0]["health"])
	go.append(1)
	same(200, c.answer().status)
	c.close()
	END
}

@test "proxy: pending, draining and ending instances get nothing new" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	s = Server(hold)
	p = Proxy({"a": {"queue": {"timeout_s": 0}, "route": {"drain_s": 30}}})
	now = int(time.time())
	p.table(job("a", s, 1, end_at=now + 1000))
	c = p.client()
	c.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 1)
	def refuses(why, **more):
	    p.table(job("a", s, 1, **more))
	    a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	    same((503, "job 1 " + why), (a.status, json.loads(a.body)["why"]))
	    same(False, p.service()["instances"][0]["usable"])
	refuses("RUNNING on n1: about to end", draining=True)
	refuses("RUNNING on n1: about to end", end_at=now + 20)
	refuses("SUSPENDED", state="SUSPENDED")
	p.table(job("a", s, 1, end_at=now + 1000))
	same(1, p.service()["inflight"])
	go.append(1)
	same(200, c.answer().status)
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	c.close()
	END
}

@test "proxy: tables swapped under load lose nothing" {
	scenario <<-'END'
	servers = [Server(echo) for i in range(4)]
	p = Proxy({"a": {}})
	p.table(job("a", servers[0], 0))
	stop, count = [], [0]
	def client():
	    c = p.client()
	    while not stop:
	        same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	        count[0] += 1
	    c.close()
	clients = [start(client) for i in range(10)]
	for turn in range(60):
	    n = count[0]
	    p.table(*[job("a", s, 10 * turn + k) for k, s in
	              enumerate(servers) if k == turn % 4 or turn % 3 == 0])
	    until("requests go on", lambda: count[0] > n + 20)
	stop.append(1)
	join(clients)
	same(0, p.service()["failed"])
	END
}

@test "proxy: a requeued job and a reused id are other instances" {
	scenario <<-'END'
	def hold(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"x"))
	go = []
	s = Server(hold)
	p = Proxy({"a": {}})
	p.table(job("a", s))
	def begin():
	    c = p.client()
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("it is there", lambda: p.service()["inflight"])
	    return c
	def fresh():
	    i = p.service()["instances"]
	    return len(i) == 1 and (i[0]["requests"], i[0]["inflight"]) == (0, 0)
	c = begin()
	assert not fresh()
	p.table(job("a", s))
	assert not fresh()
	p.table(job("a", s, restart=1))
	assert fresh()
	c2 = p.client()
	c2.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it is there", lambda: p.service()["inflight"] == 2)
	p.table(job("a", s, restart=1, submit_at=2000))
	assert fresh()
	p.table(job("a", s.url + "/other", restart=1, submit_at=2000))
	assert fresh()
	go.append(1)
	same(200, c.answer().status)
	same(200, c2.answer().status)
	c.close()
	c2.close()
	END
}

@test "proxy: a torn snapshot is not used, the next one is" {
	scenario <<-'END'
	p, s = ready(echo, {"queue": {"timeout_s": 0}})
	end = b'{"kind":"end","of":"instance"}\n'
	good = json.dumps(job("a", s, 2)).encode() + b"\n"
	bad = [b'{"kind":"instance","service":"a","job_id":3\n',
	       b'{"kind":"instance","service":"a","job_id":"3"}\n',
	       b'{"kind":"instance","job_id":3}\n',
	       b'{"kind":"instance","service":"a","job_id":3,"url":"x"}\n',
	       b'{"kind":"instance","service":"a","job_id":3,"url":"http://[1"}\n',
	       b'\xff\xfe\n', b'[]\n', b"x" * 1100000 + b"\n"]
	for n, line in enumerate(bad):
	    p.feed(good + line + end)
	    until("it is said", lambda: p.said().count(
	          "this snapshot lacks a line and is not used") == n + 1)
	    same([1], [i["job_id"] for i in p.service()["instances"]])
	    same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	said = [l[len("svc-proxy: "):] for l in p.said().split("\n")
	        if l.startswith("svc-proxy: stdin:") and "snapshot" not in l]
	same("stdin:4: column 43: '}' expected near end of file", said[0])
	same("stdin:7: instance: 'job_id' must be an integer", said[1])
	same("stdin:10: instance: 'service' is missing", said[2])
	same(2 * ["instance: 'url' must be http://HOST[:PORT][/BASE]"],
	     [x.split(": ", 1)[1] for x in said[3:5]])
	same("stdin:25: line longer than 1048576 bytes", said[7])
	same(8, len(said))
	# nor one of which only the rest has come
	p.feed(good + b'{"kind":"end","count":2}\n')
	until("it is said", lambda: p.said().endswith(
	      "stdin:28: end: 1 of 2 records have come: this snapshot is not used"
	      "\n"))
	same([1], [i["job_id"] for i in p.service()["instances"]])
	p.feed(good + b'{"kind":"end","count":1}\n')
	until("it is used", lambda: [2] == [
	      i["job_id"] for i in p.service()["instances"]])
	p.table(job("a", s, 9))
	# unknown kinds and fields are passed over
	p.feed(b'{"kind":"mystery","x":[{}]}\n{"no":"kind"}\n')
	p.table(job("a", s, 10, colour="blue"))
	same([10], [i["job_id"] for i in p.service()["instances"]])
	END
}

@test "proxy: input byte by byte, and its end: the last table stands" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}})
	text = json.dumps(job("a", s, 7)).encode() + b'\n\n{"kind":"end"}\n'
	for i in range(len(text)):
	    p.feed(text[i:i + 1])
	until("it is used", lambda: p.service()["instances"])
	p.feed(json.dumps(job("a", s, 8)).encode() + b"\n{\"kind\":\"e")
	p.child.stdin.close()
	until("it is said", lambda: "end of stdin: the last table stands"
	      in p.said())
	same([7], [i["job_id"] for i in p.service()["instances"]])
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	END
}

@test "proxy: stdin is a file, is /dev/null, is closed" {
	scenario <<-'END'
	s = Server(echo)
	with open("table", "w") as f:
	    f.write(json.dumps(job("a", s)) + '\n{"kind":"end"}\n')
	p = Proxy({"a": {}}, stdin=open("table"))
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	p = Proxy({"a": {}}, stdin=subprocess.DEVNULL)
	same([], p.service()["instances"])
	p = Proxy({"a": {"queue": {"timeout_s": 0}}}, stdin=None, stdout=None,
	          wrap=("sh", "-c", 'exec "$@" <&- >&-', "x"))
	same(503, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	END
}

@test "proxy: stdout passes snapshots on unchanged and adds demand" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}, "b": {}})
	lines = [json.dumps(job("a", s, 1, colour="blue")).replace(" ", "  "),
	         json.dumps(job("other", None, 2, state="PENDING")),
	         '{"of":"instance", "kind":"end"}']
	p.feed("".join(l + "\n" for l in lines).encode())
	until("all is out", lambda: len(p.out) >= 5)
	same(lines, [l.decode().rstrip("\n") for l in p.out[:3]])
	def demand(service, instances, ready):
	    return {"kind": "demand", "service": service, "queued": 0,
	            "inflight": 0, "ready": ready, "rate_s": 0.0,
	            "instances": instances}
	same([demand("a", [{"job_id": 1, "inflight": 0}], 1),
	      demand("b", [], 0)], p.records()[3:5])
	p.feed(b'{"kind":"stale","since_at":5,"error":"x"}\n'
	       b'{"kind":"event","x":1}\n')
	until("they are out", lambda: {"kind": "event", "x": 1} in p.records())
	# the end of something else is passed on, and is none of the table
	p.feed(b'{"kind":"end","of":"job","count":0}\n')
	until("it is out", lambda: p.records("end")[-1]["of"] == "job")
	same([1], [i["job_id"] for i in p.service()["instances"]])
	assert {"kind": "stale", "since_at": 5, "error": "x"} in p.records()
	# the rate is said while there is one, and when it is over
	c = p.client()
	for i in range(50):
	    same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	until("a rate", lambda: any(0 < r["rate_s"] <= 50
	                            for r in p.records("demand")))
	until("its end", lambda: [r for r in p.records("demand") if
	      r["service"] == "a"][-1]["rate_s"] == 0)
	c.close()
	END
}

@test "proxy: requests that wait are told at once, once a second" {
	hold_clock
	scenario <<-'END'
	def held(conn):
	    while conn.head():
	        gate.acquire(timeout=PATIENCE)
	        conn.send(ok())
	gate = threading.Semaphore(0)
	p, s = ready(held, {"per_instance": 1})
	cs = [p.client() for i in range(2)]
	clock.wait(3)
	def said():
	    """What there was to say by now of requests that wait."""
	    mark = {"kind": "event", "n": len(p.out)}
	    p.feed(json.dumps(mark).encode() + b"\n")
	    until("it is out", lambda: mark in p.records())
	    return sum(r["queued"] > 0 for r in p.records("demand"))
	def wait_and_go():
	    """One works and one waits; then none."""
	    for c in cs:
	        c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("one waits", lambda: p.service()["queued"] == 1)
	    for c in cs:
	        gate.release()
	    same([200, 200], [c.answer().status for c in cs])
	for n in range(3):
	    for i in range(5):
	        wait_and_go()
	    same(n + 1, said())
	    clock.wait(1)
	for c in cs:
	    c.close()
	END
}

@test "proxy: a slow reader of stdout stalls nobody and sees whole snapshots" {
	scenario <<-'END'
	r, w = os.pipe()
	s = Server(echo)
	p = Proxy({"a": {}}, stdout=w, env={"ASAN_OPTIONS":
	                                    "quarantine_size_mb=1"})
	os.close(w)
	before = p.memory_kb()
	c = p.client()
	big = [job("a", s, 1)] + [job("a", None, 10 + n, state="PENDING",
	                              reason="x" * 200) for n in range(300)]
	for turn in range(40):
	    big[0]["request"] = str(turn)
	    p.table(*big, wait=False)
	    until("it is taken", lambda: p.service()["instances"] and
	          p.service()["instances"][0]["request"] == str(turn))
	    same(200, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	more = p.memory_kb() - before   # valgrind keeps what was freed
	assert "/valgrind/" in os.environ["UNIT"] or more < 16384, more
	c.close()
	p.child.stdin.close()
	got = []
	def read():
	    with os.fdopen(r, "rb") as f:
	        for line in f:
	            got.append(json.loads(line))
	t = start(read)
	until("all is read", lambda: got and got[-1]["kind"] == "demand" and
	      len([x for x in got if x["kind"] == "end"]) > 2)
	p.finish()
	join([t])
	n = 0
	for x in got:
	    if x["kind"] == "instance":
	        n += 1
	    elif x["kind"] == "end":
	        same(301, n)
	        n = 0
	same(0, n)
	END
}

@test "proxy: stdout closed by its reader, or full: requests go on" {
	scenario <<-'END'
	s = Server(echo)
	for out, why in ((None, "Broken pipe"),
	                 ("/dev/full", "No space left on device")):
	    if out is None:
	        r, w = os.pipe()
	        os.close(r)
	    else:
	        w = os.open(out, os.O_WRONLY)
	    p = Proxy({"a": {}}, stdout=w)
	    os.close(w)
	    for turn in range(3):
	        p.table(job("a", s, turn))
	        same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	    same(1, p.said().count("stdout: %s; nothing more is passed on" % why))
	END
}

@test "proxy: SIGHUP reads the services again, or keeps them if bad" {
	scenario <<-'END'
	a, b = Server(echo), Server(echo)
	p = Proxy({"a": {}})
	p.table(job("a", a, 1))
	def status(path):
	    return p.ask(H("GET %s HTTP/1.1" % path, "Host: h")).status
	same((200, 404), (status("/a"), status("/b")))
	p.services({"a": {"route": {"prefix": "/new"}}, "b": {}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 2" in p.said())
	p.table(job("a", a, 1), job("b", b, 2))
	same((404, 200, 200), (status("/a"), status("/new"), status("/b")))
	os.mkdir(p.dir + "/services/c")
	with open(p.dir + "/services/c/service.json", "w") as f:
	    f.write('{"name": "c", "queue": {"max": -1}}')
	p.signal(signal.SIGHUP)
	until("it is said", lambda: "stay as they were" in p.said())
	assert ("c/service.json: queue: 'max' must be 0 to 1000000; "
	        "the services stay as they were\n") in p.said(), p.said()
	same((200, 200), (status("/new"), status("/b")))
	p.services({"b": {}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 1" in p.said())
	same((404, 200), (status("/new"), status("/b")))
	p.table(job("b", b, 2))
	END
}

@test "proxy: who waits for a service that SIGHUP removes is told" {
	scenario <<-'END'
	gate = threading.Event()
	def held(conn):
	    while conn.head():
	        gate.wait(PATIENCE)
	        conn.send(ok())
	p = Proxy({"a": {"per_instance": 1}, "b": {}})
	s = Server(held)
	p.table(job("a", s))
	works, waits = p.client(), p.client()
	for n, c in enumerate((works, waits)):
	    c.send(H("GET /a HTTP/1.1", "Host: h"))
	    until("it is there", lambda: p.service()["inflight"] +
	          p.service()["queued"] == n + 1)
	p.services({"b": {}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 1" in p.said())
	same(1, p.service()["queued"])
	p.table(wait=False)
	a = waits.answer()
	same((404, {"error": "the service is no longer there", "status": 404,
	            "service": "a"}), (a.status, json.loads(a.body)))
	gate.set()
	same(200, works.answer().status)
	same(["b"], [x["service"] for x in p.status()["services"]])
	same(404, works.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	for c in works, waits:
	    c.close()
	END
}

@test "proxy: a prefix that SIGHUP changes under a request" {
	scenario <<-'END'
	def handler(conn):
	    while conn.head():
	        until("let go", lambda: go)
	        conn.send(ok(b"", "Location: /x", "Set-Cookie: k=v; Path=/y"))
	go = []
	s = Server(handler)
	p = Proxy({"a": {"route": {"prefix": "/" + 300 * "a"}}})
	p.table(job("a", s, 1))
	cs = [p.client() for _ in range(2)]
	for c in cs:
	    c.send(H("GET /%s/q HTTP/1.1" % (300 * "a"), "Host: h"))
	until("they are there", lambda: p.service()["inflight"] == 2)
	p.services({"a": {"route": {"prefix": "/b"}}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 1" in p.said())
	go.append(1)
	for c in cs:
	    a = c.answer()
	    same(("/b/x", "k=v; Path=/b/y"),
	         (a.fields["location"], a.fields["set-cookie"]))
	    c.close()
	END
}

@test "proxy: many instances announced by name are looked up, few at a time" {
	scenario <<-'END'
	s = Server(echo)
	p = Proxy({"a": {}})
	def asking():
	    with open("/proc/%d/task/%d/children" % (2 * (p.child.pid,))) as f:
	        return len(f.read().split())
	def table(n):
	    p.table(*[job("a", "http://localhost:%d" % s.port, i + 1)
	              for i in range(n)], wait=False)
	known, seen = [], []
	def look():
	    while not known:
	        seen.append(asking())
	t = start(look)
	table(80)
	until("all are known", lambda: p.service()["ready"] == 80)
	known.append(1)
	join([t])
	assert max(seen, default=0) <= 32, max(seen)
	table(0)
	table(80)          # who waits for a look may go
	table(1)
	until("one is left", lambda: p.service()["ready"] == 1)
	same(0, asking())
	same(1, len(p.service()["instances"]))
	END
}

@test "proxy: an instance that is announced by name, on IPv6, without a port" {
	scenario <<-'END'
	s = Server(echo)
	six = Server(echo, "::1")
	p = Proxy({"a": {}, "b": {}, "c": {"queue": {"timeout_s": 1}}})
	first = p.client()      # it waits for a name to be looked up
	first.send(H("GET /a HTTP/1.1", "Host: h"))
	until("it waits", lambda: p.service()["queued"] == 1)
	p.table(job("a", "http://localhost:%d/x" % s.port, 1),
	        job("b", six, 2),
	        job("c", "http://no-such-host.invalid:1", 3))
	same(200, first.answer().status)
	first.close()
	same(200, p.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same(200, p.ask(H("GET /b HTTP/1.1", "Host: h")).status)
	a = p.ask(H("GET /c HTTP/1.1", "Host: h"))
	same(503, a.status)
	why = json.loads(a.body)["why"]
	assert why in ("job 3 RUNNING on n1: its host name is not known here",
	               "job 3 RUNNING on n1: not checked yet"), why
	p.table(job("a", s, 1))
	END
}
