#!/usr/bin/env bats
# svc-proxy's admin listener, seen by those it is for: Prometheus and a browser.

load helper

@test "admin: promtool finds nothing wrong with /metrics" {
	scenario <<-'END'
	def handler(conn):
	    while True:
	        head = conn.head()
	        if not head or b"/torn" in head:
	            return
	        if b"POST" in head:
	            conn.take(3)
	        status = int(re.search(br"/(\d*)", head)[1] or 200)
	        conn.send(H("HTTP/1.1 %d X" % status, "Content-Length: 4") +
	                  b"four")
	def metrics():
	    a = p.ask_admin(H("GET /metrics HTTP/1.1", "Host: x"))
	    got = subprocess.run(["promtool", "check", "metrics"], input=a.body,
	                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
	    same((0, b""), (got.returncode, got.stdout))
	    return a.body.decode()
	odd = 'q"\\\u00e9'
	p = Proxy({"a": {"health": {"path": "-", "eject_after": 2}}, "none": {},
	           odd: {"route": {"prefix": "/odd"}}})
	metrics()		# of one that has just begun
	s, t = Server(handler), Server(handler)
	p.table(job("a", s, 5), job("a", t, 6), job(odd, s, 7),
	        job("none", None, 8, state="PENDING"))
	def ask(line, body=b""):
	    return p.ask(H(line + " HTTP/1.1", "Host: h",
	                   "Content-Length: %d" % len(body)) + body).status
	for status in 200, 204, 302, 404, 500, 503:
	    same(status, ask("GET /a/%d" % status))
	same(200, ask("PUT /a"))
	same(200, ask("POST /odd", b"abc"))
	same(502, ask("GET /a/torn"))
	same(404, ask("GET /nobody"))
	same(400, p.ask(b"nonsense\r\n\r\n").status)
	while p.service()["ejections"] == 0:
	    ask("GET /a/500")
	gone, waits = p.client(), p.client()
	for c in gone, waits:
	    c.send(H("GET /none HTTP/1.1", "Host: h"))
	until("they wait", lambda: p.service("none")["queued"] == 2)
	gone.reset()
	until("one has left", lambda: p.service("none")["queued"] == 1)
	metrics()
	p.table(job("a", s, 5), job("a", t, 6), job(odd, s, 7),
	        job("none", s, 8))
	same(200, waits.answer().status)
	waits.close()
	text = metrics()
	def value(name):
	    return sum(float(l.split(" ")[-1]) for l in text.split("\n")
	               if l.startswith("berth_proxy_" + name))
	for name in ('requests_total{service="a",code="2', 'retries_total',
	             'requests_total{service="a",code="3', 'ejections_total',
	             'requests_total{service="a",code="4', 'strays_total',
	             'requests_total{service="a",code="5',
	             'requests_total{service="none",code="499"',
	             'queue_wait_seconds_count{service="none"'):
	    assert value(name) > 0, name
	p.takeover()
	metrics()		# and of one that has taken over
	p.fds = p.count_fds()
	END
}

@test "admin: a browser shows the page, and what changes while it looks" {
	cat >browser.py <<-'END'
	def browse(url, while_it_looks=lambda: None):
	    """The document in the end, and what the console was told. The page's
	    clock runs ahead: five minutes are a second or some."""
	    child = subprocess.Popen([
	        "chromium", "--headless", "--no-sandbox", "--disable-gpu",
	        "--no-first-run", "--disable-extensions", "--disable-sync",
	        "--disable-background-networking", "--disable-component-update",
	        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	        "--user-data-dir=" + os.path.abspath("profile"),
	        "--enable-logging=stderr", "--window-size=1280,1500",
	        "--virtual-time-budget=300000", "--dump-dom", url],
	        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
	    while_it_looks()
	    dom, said = child.communicate(timeout=120)
	    same(0, child.returncode)
	    dom = re.sub(r"(?s)<(script|style|noscript)\b.*?</\1>", "", dom)
	    return dom, re.findall(r"CONSOLE.*", said)
	END
	# once is enough: a browser takes its time
	cat browser.py - >"$BATS_TEST_TMPDIR/scenario" <<-'END'
	# the console is heard at all
	same(1, len([l for l in browse(
	    "data:text/html,<script>console.error('heard')</script>")[1]
	    if "heard" in l]))
	long = "a-name-as-long-as-one-may-be-to-be-seen-by-people-on-phones"
	markup = "<img src=x onerror=alert(1)>"
	s = Server(answering(ok(b"x", "Connection: close")))
	p = Proxy({"a": {"route": {"host": "h.example", "prefix": "/"}},
	           long: {}, "late": {}, "crowd": {}}, "--admin=127.0.0.1:0")
	port = int(re.search(r"admin on 127\.0\.0\.1:(\d+)", p.said())[1])
	crowd = [job("crowd", s, 100 + i) for i in range(20)]
	table = [job("a", s, 71, end_at=int(time.time()) + 5000),
	         job("a", s, 72, draining=True), job("a", s, 73),
	         job(long, None, 74, state="PENDING", reason=markup)]
	p.table(*table, *crowd)
	same(200, p.ask(H("GET / HTTP/1.1", "Host: h.example")).status)
	same(200, p.ask_admin(H("POST /drain/73 HTTP/1.1", "Host: x",
	                        "Content-Length: 0")).status)
	before = p.status()["requests"]
	def change():
	    def asked():	# each look at this is one itself
	        looks.append(1)
	        return p.status()["requests"] - before - len(looks)
	    looks = []
	    until("it asks", lambda: asked() > 3, 90)
	    p.table(*table[:3], job("late", s, 75), *crowd)
	dom, console = browse("http://127.0.0.1:%d/" % port, change)
	same([], console)
	cards = {m[1]: m[2] for m in re.finditer(
	    r"(?s)<article[^>]*>.*?<h2[^>]*>(.*?)</h2>(.*?)</article>", dom)}
	same({"a", "late", "crowd", long}, set(cards))
	same((20, 12), (cards["crowd"].count("<tr") - 1,
	                cards["crowd"].count('<tr style="display: none;"')))
	assert ">12 more that are up<" in cards["crowd"], cards["crowd"]
	def rows(name):
	    return {m[1]: m.groups()[1:] for m in re.finditer(
	        r'(?s)<tr><td[^>]*>(\d+)</td><td[^>]*><span class="pill[^"]*">'
	        r'(\w+)</span>.*?<button[^>]*>(\w+)</button>', cards[name])}
	same({"71": ("up", "drain"), "72": ("draining", "drain"),
	      "73": ("draining", "undrain")}, rows("a"))
	same({"75": ("up", "drain")}, rows("late"))
	same({}, rows(long))
	assert ">h.example<" in cards["a"], cards["a"]
	assert ">1 of 1 ready<" in cards["late"], cards["late"]
	assert "Slurm has no job for %s<" % long in cards[long], cards[long]
	assert "<img" not in dom, dom
	END
	scenario_play whole
}
