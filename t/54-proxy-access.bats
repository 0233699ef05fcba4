#!/usr/bin/env bats
# svc-proxy: which service a request belongs to, what heads say of paths and
# clients, and who may send how much. t/scenario.py says what its words mean.

load helper

scenario_words=$root/t/access.py

# ---- routes ----

@test "access: a host name, beside a prefix or instead of one" {
	scenario <<-'END'
	goes = routes({"a": {}, "h": {"route": {"host": "one.example"}},
	               "ha": {"route": {"host": "One.Example", "prefix": "/a"}},
	               "six": {"route": {"host": "[::1]", "prefix": "/6"}}})
	goes("/a/x", "h", "a /x")
	goes("/x", "h", None)
	goes("/x", "one.example", "h /x")
	goes("/", "ONE.example:8080", "h /")
	goes("/a/x", "one.example", "ha /x")
	goes("/ab", "one.example", "h /ab")
	goes("/x", "one.example.org", None)
	goes("/x", "one.exampl", None)
	goes("/6", "[::1]:80", "six /")
	goes("/6", "[::1]", "six /")
	goes("/6", "[::10]", None)
	goes("http://one.example/a?q", "one.example", "ha /?q")
	END
}

@test "access: /status says how a service is reached" {
	PORT=$(free_port)
	export PORT
	scenario <<-'END'
	own = "127.0.0.1:" + os.environ["PORT"]
	p = Proxy({"a": {"route": {"prefix": "/x", "host": "a.example"}},
	           "b": {"route": {"listen": own}},
	           "c": {"route": {"default": True}}})
	same([{"service": "a", "prefix": "/x", "host": "a.example"},
	      {"service": "b", "prefix": "/", "listen": own},
	      {"service": "c", "prefix": "/c", "default": True}],
	     [{k: s[k] for k in ("service", "prefix", "host", "listen",
	       "default") if k in s} for s in p.status()["services"]])
	END
}

@test "access: a default takes what is left, its path as it is" {
	scenario <<-'END'
	goes = routes({"a": {}, "d": {"route": {"default": True}}})
	goes("/a/x", "h", "a /x")
	goes("/d/x", "h", "d /x")
	goes("/dx?y", "h", "d /dx?y")
	goes("/", "h", "d /")
	goes("*", "h", None, "OPTIONS")
	assert b"X-Forwarded-Prefix" not in goes.p.ask(
	    H("GET /other HTTP/1.1", "Host: h")).body
	END
}

@test "access: an address of its own; opened and closed on SIGHUP" {
	PORT=$(free_port) scenario <<-'END'
	port = os.environ["PORT"]
	a = {"route": {"listen": "127.0.0.1:" + port}}
	b = {"route": {"listen": "unix:door", "prefix": "/b"}}
	s, t, u = Server(echo), Server(echo), Server(echo)
	p = Proxy({"a": a, "b": b, "c": {}})
	p.table(job("a", s, 1), job("b", t, 2), job("c", u, 3))
	common = p.address
	def ask(address, target):
	    p.address = address
	    got = p.ask(H("GET %s HTTP/1.1" % target, "Host: h"))
	    p.address = common
	    return got.body.split(b" ")[1] if got.status == 200 else got.status
	def refused(address):
	    p.address = address
	    try:
	        p.client().close()
	        return False
	    except OSError:
	        return True
	    finally:
	        p.address = common
	def again(services, says):
	    p.services(services)
	    p.signal(signal.SIGHUP)
	    until(says, lambda: says in p.said())
	door = "127.0.0.1:" + port
	same([b"/x", b"/c/x"], [ask(door, "/x"), ask(door, "/c/x")])
	same([b"/x", 404], [ask("unix:door", "/b/x"), ask("unix:door", "/c")])
	same([404, 404, b"/"], [ask(common, "/a"), ask(common, "/b"),
	                        ask(common, "/c")])
	same(0o600, os.stat("door").st_mode & 0o777)
	# a bad address leaves all as it was
	again({"a": a, "b": b, "c": {"route": {"listen": "localhost:1"}}},
	      "p0/services/c/service.json: route: 'listen': 'localhost:1' is "
	      "not ADDRESS:PORT or unix:PATH; the services stay as they were")
	taken = {"route": {"listen": "127.0.0.1:%d" % s.port}}
	again({"b": b, "x": {"route": {"listen": "unix:other"}}, "z": taken},
	      "Address already in use; the services stay as they were")
	assert not os.path.exists("other")
	same([b"/x", b"/x", b"/"], [ask(door, "/x"), ask("unix:door", "/b/x"),
	                            ask(common, "/c")])
	# kept connections go on, and find nothing any more
	p.address = door
	kept = p.client()
	p.address = common
	same(200, kept.ask(H("GET / HTTP/1.1", "Host: h")).status)
	again({"b": b, "c": {"route": {"listen": "unix:third"}}}, "again: 2")
	assert refused(door)
	same(404, kept.ask(H("GET / HTTP/1.1", "Host: h")).status)
	kept.close()
	same([b"/x", b"/x"], [ask("unix:door", "/b/x"),
	                      ask("unix:third", "/x")])
	again({"a": a}, "again: 1")
	same(b"/y", ask(door, "/y"))
	assert not os.path.exists("door") and not os.path.exists("third")
	p.finish()
	assert refused(door)
	END
}

@test "access: addresses that are none, and a port that is taken, at the start" {
	mkdir -p services/a
	for listen in '' 80 :0 127.0.0.1:0 name:80 127.0.0.1: 127.0.0.1:x \
		127.0.0.1:70000 '[::1' unix: ::1:x; do
		echo "{\"name\":\"a\",\"route\":{\"listen\":\"$listen\"}}" \
			>services/a/service.json
		run -2 within 10 svc-proxy -s services -l unix:s
		[[ $output == "svc-proxy: $PWD/services/a/service.json: "* ]]
	done
}

@test "access: systemd's socket of that address is taken" {
	scenario <<-'END'
	sock = socket.create_server(("127.0.0.1", 0))
	address = "127.0.0.1:%d" % sock.getsockname()[1]
	s = Server(echo)
	keep = os.dup2(sock.fileno(), 3)
	p = Proxy({"a": {"route": {"listen": address}}}, listen=None, quiet=True,
	          wrap=("sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"),
	          env={"LISTEN_FDS": "1"}, pass_fds=(3,))
	os.close(3)
	sock.close()
	until("it is up", lambda: "a is on " + address in p.said() and
	      " on unix:" + p.admin in p.said())
	start(p.read_out)
	p.fds = p.count_fds()
	p.address = address
	p.table(job("a", s))
	same(b"/x", p.ask(H("GET /x HTTP/1.1", "Host: h")).body.split(b" ")[1])
	END
}

@test "access: systemd's socket is given back, also if a reload fails" {
	scenario <<-'END'
	sock = socket.create_server(("127.0.0.1", 0))
	address = "127.0.0.1:%d" % sock.getsockname()[1]
	s = Server(echo)
	os.dup2(sock.fileno(), 3)
	p = Proxy({"a": {}}, listen=None, quiet=True,
	          wrap=("sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"),
	          env={"LISTEN_FDS": "1"}, pass_fds=(3,))
	os.close(3)
	until("it is up", lambda: " on unix:" + p.admin in p.said())
	start(p.read_out)
	p.fds = p.count_fds()
	p.address = address
	p.table(job("a", s))
	same(200, p.ask(H("GET /a/x HTTP/1.1", "Host: h")).status)
	p.services({"a": {"route": {"listen": address}},
	            "b": {"route": {"listen": "192.0.2.1:1"}}})	# not ours
	p.signal(signal.SIGHUP)
	until("it is said", lambda: "stay as they were" in p.said())
	same(200, p.ask(H("GET /a/x HTTP/1.1", "Host: h")).status)
	p.services({"a": {"route": {"listen": address}}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 1" in p.said())
	same(200, p.ask(H("GET /x HTTP/1.1", "Host: h")).status)
	p.services({"a": {}})
	p.signal(signal.SIGHUP)
	until("it is read", lambda:
	      p.said().count("services read again: 1") == 2)
	same(200, p.ask(H("GET /a/x HTTP/1.1", "Host: h")).status)
	sock.close()
	END
}

@test "access: --list names the prefixes that the client could ask for" {
	scenario <<-'END'
	p = Proxy({"b": {}, "a": {}, "h": {"route": {"host": "h", "prefix": "/h"}},
	           "own": {"route": {"listen": "unix:own"}}}, "--list")
	def prefixes(host):
	    a = p.ask(H("GET /none HTTP/1.1", "Host: " + host))
	    o = json.loads(a.body)
	    same((404, "no service has this path", 404),
	         (a.status, o["error"], o["status"]))
	    return o["prefixes"]
	same(["/a", "/b"], sorted(prefixes("x")))
	same(["/a", "/b", "/h"], sorted(prefixes("h")))
	END
}

# ---- paths in answers ----

@test "access: Location, Content-Location and cookies are under the prefix" {
	scenario <<-'END'
	back = answers({"a": {}}, "http://pub:80/a")
	for name in ("Location", "Content-Location"):
	    for got, want in (
	            ("/", "/a/"), ("/x?y#z", "/a/x?y#z"), ("/ax", "/a/ax"),
	            ("/a", "/a"), ("/a/x", "/a/x"), ("/a?x", "/a?x"),
	            ("x/y", "x/y"), ("../x", "../x"), ("?x", "?x"), ("", ""),
	            ("#x", "#x"), ("//", "//"), ("//other/x", "//other/x"),
	            ("http://other/x", "http://other/x"),
	            ("http://pub/x", "http://pub/x"),
	            ("http://pub:80/x", "http://pub:80/a/x"),
	            ("HTTPS://PUB:80/x", "HTTPS://PUB:80/a/x"),
	            ("http://pub:80", "http://pub:80"),
	            ("http://pub:80/a/x", "http://pub:80/a/x"),
	            ("http://SELF/x?y", "/a/x?y"), ("http://SELF", "/a/"),
	            ("https://SELF/a/x", "/a/x"), ("//SELF/x", "/a/x"),
	            ("http://SELF0/x", "http://SELF0/x"),
	            ("mailto:x", "mailto:x"), ("http://", "http://")):
	        back(name, got, want)
	for got, want in (
	        ("k=v", "k=v"), ("k=v; Path=/", "k=v; Path=/a"),
	        ("k=v; path=/x; Secure", "k=v; path=/a/x; Secure"),
	        ("k=v;PATH=/x/;Secure", "k=v;PATH=/a/x/;Secure"),
	        ("k=v; Path=/a", "k=v; Path=/a"),
	        ("k=v; Path=/ax", "k=v; Path=/a/ax"),
	        ("k=v; Path=", "k=v; Path="), ("k=v; Path=x", "k=v; Path=x"),
	        ("k=Path=/x; Secure", "k=Path=/x; Secure"),
	        ("__Host-k=v; Path=/; Secure", "__Host-k=v; Path=/; Secure"),
	        ("k=v; XPath=/x", "k=v; XPath=/x"),
	        ("k=v; Path=/x; Path=/y", "k=v; Path=/x; Path=/a/y"),
	        ("k=v; Path=/x; Path=y", "k=v; Path=/x; Path=y"),
	        (";", ";"), ("", "")):
	    back("Set-Cookie", got, want)
	back("X-Location", "/x", "/x")
	END
}

@test "access: the path of an instance's URL is cut off again" {
	scenario <<-'END'
	for base in ("/base/x", "/base/x/"):
	    back = answers({"a": {}}, "http://pub/a", base)
	    back("Location", "/base/x/y", "/a/y")
	    back("Location", "/base/x", "/a")
	    back("Location", "/base/xy", "/base/xy")
	    back("Location", "http://SELF/base/x/y", "/a/y")
	    back("Location", "http://pub/base/x/y", "http://pub/a/y")
	    back("Set-Cookie", "k=v; Path=/base/x/", "k=v; Path=/a")
	    back("Set-Cookie", "k=v; Path=/base/x/y", "k=v; Path=/a/y")
	    back("Set-Cookie", "k=v; Path=/", "k=v; Path=/")
	END
}

@test "access: where nothing is stripped, only the instance's name is cut off" {
	scenario <<-'END'
	back = answers({"a": {"route": {"strip": False}}}, "http://pub/a")
	for got, want in (("/x", "/x"), ("/a/x", "/a/x"),
	                  ("http://SELF/a/x", "/a/x"), ("http://SELF", "/"),
	                  ("http://pub/x", "http://pub/x")):
	    back("Location", got, want)
	back("Set-Cookie", "k=v; Path=/", "k=v; Path=/")
	back = answers({"a": {"route": {"host": "pub"}}}, "http://pub/a", "/b")
	back("Location", "/b", "/")
	back("Location", "/b/x", "/x")
	END
}

@test "access: many and long ones fit" {
	scenario <<-'END'
	prefix = "/" + "p" * 1000
	fields = ["Set-Cookie: k%d=v; Path=/%s" % (i, "x" * 200)
	          for i in range(90)]
	p, s = ready(answering(ok(b"x", *fields)), {"route": {"prefix": prefix}})
	want = ["Set-Cookie: k%d=v; Path=%s/%s" % (i, prefix, "x" * 200)
	        for i in range(90)]
	a = p.ask(H("GET %s/ HTTP/1.1" % prefix, "Host: h"))
	same((502, "its answer has too long a head"),
	     (a.status, json.loads(a.body)["error"]))
	fields[40:] = []
	s2 = Server(answering(ok(b"x", *fields)))
	p.table(job("a", s2, 2))
	a = p.ask(H("GET %s/ HTTP/1.1" % prefix, "Host: h"))
	same(want[:40], [line for line in a.head.decode().split("\r\n")
	                 if line.startswith("Set-Cookie")])
	END
}

# ---- clients ----

@test "access: X-Request-Id is made or passed on, and in the access log" {
	scenario <<-'END'
	p, s = ready(echo, None, "--access-log=log")
	def ask(*fields):
	    a = p.ask(H("GET /a HTTP/1.1", "Host: h", *fields))
	    return re.findall(br"X-Request-Id: (.*)\r\n", a.body)
	same([[], [], []], [ask(), ask(), ask()])	# hidden by the scenario
	made = [i.decode() for c in s.conns for i in c.ids]
	same((3, 3, 96), (len(made), len(set(made)), len("".join(made))))
	same([b"mine/1+=\"x\""], ask("X-Request-Id: mine/1+=\"x\""))
	same([b"first"], ask("X-Request-Id: first", "x-request-id: second"))
	same([b"y" * 64], ask("X-Request-Id: " + "y" * 64))
	for bad in ("", "a b", "y" * 65, "\xe9"):
	    same([], ask("X-Request-Id: " + bad))
	made = [i.decode() for c in s.conns for i in c.ids]
	def log():
	    with open("log") as f:
	        return [json.loads(line) for line in f]
	until("all is logged", lambda: len(log()) == 10)
	ids = [r["request_id"] for r in log()]
	same(["mine/1+=\"x\"", "first", "y" * 64], ids[3:6])
	same(sorted(made), sorted(i for i in ids if len(i) == 32))
	same(7, len(made))
	# another process makes others
	p2, s2 = ready(echo)
	p2.ask(H("GET /a HTTP/1.1", "Host: h"))
	assert s2.conns[0].ids[0].decode() not in made
	END
}

@test "access: a trusted proxy is believed, and its clients are told apart" {
	scenario <<-'END'
	p, s = ready(echo, None, "--access-log=log", "--trust=127.0.0.0/8",
	             "--trust=10.0.0.0/9", "--trust=2001:db8::/32")
	def ask(*fields):
	    body = p.ask(H("GET /a/x HTTP/1.1", "Host: h", *fields)).body
	    return body.decode("latin-1").split("\r\n")[1:-2]
	same(["Host: h", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http",
	      "X-Forwarded-Host: h", "X-Forwarded-Prefix: /a", "Via: 1.1 berth"],
	     ask())
	same(["Host: h", "X-Forwarded-Proto: https", "X-Forwarded-Host: pub",
	      "X-Forwarded-Port: 443", "Forwarded: for=1.2.3.4",
	      "X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.1.2.3, 127.0.0.1",
	      "X-Forwarded-Prefix: /outer/a", "Via: 1.1 berth"],
	     ask("X-Forwarded-For: 9.9.9.9, 1.2.3.4", "X-Forwarded-Proto: https",
	         "X-Forwarded-Host: pub", "X-Forwarded-Port: 443",
	         "X-Forwarded-Prefix: /outer/", "Forwarded: for=1.2.3.4",
	         "X-Forwarded-For: 10.1.2.3"))
	for line in ("10.127.0.1", "10.128.0.1", "1.1.1.1, 2001:db8::1",
	             "2001:db9::1 ,, 127.0.0.9", "1.1.1.1, nonsense, 10.0.0.1",
	             "1.1.1.1, [2001:db8::1]"):
	    ask("X-Forwarded-For: " + line)
	def clients():
	    with open("log") as f:
	        return [json.loads(line)["client"] for line in f]
	until("all is logged", lambda: len(clients()) == 8)
	same(["127.0.0.1", "1.2.3.4", "10.127.0.1", "10.128.0.1", "1.1.1.1",
	      "2001:db9::1", "10.0.0.1", "127.0.0.1"], clients())
	# each request of a connection anew
	c = p.client()
	c.ask(H("GET /a HTTP/1.1", "Host: h", "X-Forwarded-For: 1.2.3.4"))
	c.ask(H("GET /a HTTP/1.1", "Host: h"))
	c.close()
	until("all is logged", lambda: len(clients()) == 10)
	same(["1.2.3.4", "127.0.0.1"], clients()[8:])
	END
}

@test "access: others are not believed; a Unix socket's are if it is said" {
	scenario <<-'END'
	for args, listen, believed in (
	        (["--trust=127.0.0.2", "--trust=unix"], "127.0.0.1:0", False),
	        (["--trust=127.0.0.1"], "unix:s1", False),
	        (["--trust=unix"], "unix:s2", True)):
	    s = Server(echo)
	    p = Proxy({"a": {}}, *args, listen=listen)
	    p.table(job("a", s))
	    got = p.ask(H("GET /a HTTP/1.1", "Host: h", "Forwarded: for=1.2.3.4",
	                  "X-Forwarded-For: 1.2.3.4")).body
	    same(believed, b"1.2.3.4, unix" in got)
	    same(believed, b"Forwarded: for=1.2.3.4" in got)
	END
}

@test "access: Forwarded, and names that only look like ours" {
	scenario <<-'END'
	fields = ("Forwarded: for=1.1.1.1;proto=https", "X_Forwarded_For: 2.2.2.2",
	          "X-Forwarded_Proto: https", "x_berth-Secret: s",
	          "X_Request-Id: i", "X_Forwarder: x", "X_Mine: m")
	for trust in (), ("--trust=127.0.0.0/8",):
	    p, s = ready(echo, {}, *trust)
	    got = p.ask(H("GET /a HTTP/1.1", "Host: h", *fields)).body.decode()
	    # as it stands from who is trusted, not at all from others
	    same(bool(trust), "\r\nForwarded: for=1.1.1.1;proto=https\r\n" in got)
	    same(["X_Forwarder: x", "X_Mine: m"],
	         [l for l in got.split("\r\n") if "_" in l])
	    same(["X-Forwarded-For: 127.0.0.1"],
	         re.findall("(?i)x.forwarded.for: .*?(?=\r)", got))
	    p.finish()
	END
}

@test "access: networks that are none" {
	mkdir services
	for net in '' x 1.2.3 1.2.3.4/33 1.2.3.4/ 1.2.3.4/-1 ::/129 /8 \
		1.2.3.4/8/8 "$(printf '1%.0s' {1..99})"; do
		run -2 within 10 svc-proxy -s services "--trust=$net"
		[[ $output == "svc-proxy: --trust: "* ]]
	done
}

# ---- who may ----

@test "access: bearer tokens" {
	scenario <<-'END'
	write("tokens", "# people\n\ns3cret-one\r\nother/+==\n")
	p, s = ready(echo, {"auth": {"bearer_file": here + "/tokens"}})
	no = (401, 'Bearer realm="a"')
	def ask(*fields, body=b""):
	    a = p.ask(H("GET /a HTTP/1.1", "Host: h", *fields))
	    if a.status == 200:
	        assert b"uthorization" not in a.body, a.body
	        return 200
	    same({"error": "this service asks who you are", "status": 401,
	          "service": "a"}, json.loads(a.body))
	    return a.status, a.fields["www-authenticate"]
	for good in ("Bearer s3cret-one", "bearer   other/+==",
	             "BEARER s3cret-one"):
	    same(200, ask("Authorization: " + good))
	    same(200, ask("authorization: " + good, "Connection: authorization"))
	for bad in ("Bearer s3cret-on", "Bearer s3cret-one1", "Bearer", "Bearer ",
	            "s3cret-one", "Basic s3cret-one", "Bearer # people", "",
	            "Bearer s3cret-one other/+==", "Bearer x" + "y" * 9000):
	    same(no, ask("Authorization: " + bad))
	same(no, ask())
	same(no, ask("Authorization: Bearer s3cret-one",
	             "Authorization: Bearer s3cret-one"))
	# a connection outlives a refusal, but not with a body that was not read
	c = p.client()
	same(401, c.ask(H("GET /a HTTP/1.1", "Host: h")).status)
	same(200, c.ask(H("GET /a HTTP/1.1", "Host: h",
	                  "Authorization: Bearer s3cret-one")).status)
	c.send(H("PUT /a HTTP/1.1", "Host: h", "Content-Length: 10"))
	same((401, "close"), (c.answer().status, "close"))
	c.gone()
	same(6 + 1, sum(x.got.count(b"GET / HTTP/1.1") for x in s.conns))
	END
}

@test "access: passwords by bcrypt and SHA-crypt, hashed once" {
	scenario <<-'END'
	write("users", "ann:%s\nbob:%s\neve:%s\nslow:%s\n" % (
	    BCRYPT4, SHA512, SHA256, BCRYPT12))
	p, s = ready(echo, {"auth": {"basic_file": here + "/users"}})
	def ask(text):
	    a = p.ask(H("GET /a HTTP/1.1", "Host: h", "Authorization: " + text))
	    if a.status == 429 and SLOWER > 1:  # hashing has its share of time
	        time.sleep(1)
	        return ask(text)
	    if a.status == 401:
	        same('Basic realm="a", charset="UTF-8"',
	             a.fields["www-authenticate"])
	    assert b"uthorization" not in a.body
	    return a.status
	same(200, ask(basic("ann", "open sesame: 1")))
	same(200, ask(basic("bob", "geheim")))
	same(200, ask(basic("eve", "geheim")))
	for user, password in (("ann", "open sesame: 2"), ("ann", ""),
	                       ("an", "open sesame: 1"), ("bob", "geheim\0"),
	                       ("", "geheim"), ("nobody", "geheim"),
	                       ("bob:", "geheim")):
	    same(401, ask(basic(user, password)))
	for text in ("Basic", "Basic !!!!", "Basic Ym9i", "Basic " + "A" * 2000,
	             basic("bob", "geheim") + "=", "Bearer geheim"):
	    same(401, ask(text))
	# the slow one costs a quarter of a second, but once
	same(200, ask(basic("slow", "geheim")))
	begin = cpu(p)
	for i in range(50):
	    same(200, ask(basic("slow", "geheim")))
	assert cpu(p) - begin < 1.5 * SLOWER, cpu(p) - begin
	END
}

@test "access: guessing passwords stops neither others nor those that are in" {
	scenario <<-'END'
	write("users", "slow:%s\n" % BCRYPT10)
	p = Proxy({"a": {"auth": {"basic_file": here + "/users"}}, "b": {}})
	s, t = Server(echo), Server(echo)
	p.table(job("a", s, 1), job("b", t, 2))
	def ask(path, password):
	    return p.ask(H("GET %s HTTP/1.1" % path, "Host: h",
	                   "Authorization: " + basic("slow", password)))
	same(200, ask("/a", "geheim").status)
	begin = time.monotonic()
	got = collections.Counter()
	n = 0
	while got[401] < 8 and time.monotonic() - begin < 60:
	    a = ask("/a", "guess %d" % n)
	    got[a.status] += 1
	    if a.status == 429:
	        same("1", a.fields["retry-after"])
	    same(200, ask("/a", "geheim").status)
	    same(200, ask("/b", "").status)
	    n += 1
	same({401: 8, 429: got[429]}, dict(got))
	assert got[429] > 8, got
	END
}

@test "access: both; paths are from the service's folder" {
	scenario <<-'END'
	write("tokens", "token\n")
	write("users", "bob:%s\n" % SHA512)
	p, s = ready(echo, {"auth": {"bearer_file": "../../../tokens",
	                             "basic_file": "../../../users"}})
	def ask(*fields):
	    return p.ask(H("GET /a HTTP/1.1", "Host: h", *fields))
	same(200, ask("Authorization: Bearer token").status)
	same(200, ask("Authorization: " + basic("bob", "geheim")).status)
	a = ask()
	same([b'WWW-Authenticate: Bearer realm="a"',
	      b'WWW-Authenticate: Basic realm="a", charset="UTF-8"'],
	     [x for x in a.head.split(b"\r\n") if x.startswith(b"WWW")])
	END
}

@test "access: files are read again; others' eyes and nonsense lock all out" {
	scenario <<-'END'
	write("tokens", "one\n")
	p, s = ready(echo, {"auth": {"bearer_file": here + "/tokens"}})
	def ask(token):
	    a = p.ask(H("GET /a HTTP/1.1", "Host: h",
	                "Authorization: Bearer " + token))
	    if a.status == 503:
	        same("access cannot be checked now", json.loads(a.body)["error"])
	    return a.status
	def becomes(*want):
	    until("%r" % (want,), lambda: want == (ask("one"), ask("two")))
	same((200, 401), (ask("one"), ask("two")))
	write("new", "two\n")
	os.rename("new", "tokens")
	becomes(401, 200)
	write("tokens", "one\ntwo\n")
	becomes(200, 200)
	os.chmod("tokens", 0o644)
	becomes(503, 503)
	os.chmod("tokens", 0o600)
	becomes(200, 200)
	os.remove("tokens")
	becomes(503, 503)
	write("tokens", "one\na b\n")
	p.ask(H("GET /a HTTP/1.1", "Host: h"))
	becomes(503, 503)
	write("tokens", "one\n")
	becomes(200, 401)
	t = here + "/tokens"
	said = [x for x in p.said().split("\n") if "tokens" in x]
	same(["svc-proxy: %s read again" % t] * 2 +
	     ["svc-proxy: %s: others may use it (mode 0644); it must be 0600; "
	      "nobody is let in until that is mended" % t] +
	     ["svc-proxy: %s read again" % t] +
	     ["svc-proxy: %s: No such file or directory; "
	      "nobody is let in until that is mended" % t] +
	     ["svc-proxy: %s read again" % t], said)
	# as the services are read, it must be sound
	os.chmod("tokens", 0o640)
	p.signal(signal.SIGHUP)
	until("it is refused", lambda: "the services stay as they were" in
	      p.said())
	END
}

@test "access: files that cannot be used, at the start" {
	mkdir -p services/a dir
	(umask 077; : >empty; echo 'a b' >blank; echo 'x:plain' >plain
		echo 'x' >colon; printf 'one\ntwo\n' >two)
	echo one >open
	chmod 604 open
	try() {	# GROUP KEY FILE TEXT
		jq -cn --arg g "$1" --arg k "$2" --arg f "$PWD/$3" \
			'{name: "a"} + if $g == "" then {($k): $f} else
			{($g): {($k): $f}} end' >services/a/service.json
		run -2 within 10 svc-proxy -s services -l unix:s
		[ "$output" = "svc-proxy: $PWD/$3$4" ]
	}
	try auth bearer_file empty ": nothing in it"
	try auth bearer_file blank ":1: not what must stand there"
	try auth bearer_file dir ": not a regular file"
	try auth bearer_file none ": No such file or directory"
	try auth bearer_file open \
		": others may use it (mode 0604); it must be 0600"
	try auth basic_file plain ":1: not what must stand there"
	try auth basic_file colon ":1: not what must stand there"
	try '' secret_file two ":2: more than 1 lines"
}

@test "access: the secret is shown to the instance, to no one else" {
	scenario <<-'END'
	write("secret", "hush-1\n")
	s, t = Server(echo), Server(echo)
	health = {"path": "/alive", "interval_s": 1}
	p = Proxy({"a": {"secret_file": here + "/secret", "health": health},
	           "b": {"health": health}})
	p.table(job("a", s, 1), job("b", t, 2))
	def shown(path, *fields):
	    got = p.ask(H("GET %s HTTP/1.1" % path, "Host: h", *fields)).body
	    return re.findall(br"(?i)x-berth-secret: (.*)\r\n", got)
	same([b"hush-1"], shown("/a"))
	same([b"hush-1"], shown("/a", "X-Berth-Secret: mine",
	                        "x-berth-secret: x"))
	same([b"hush-1"], shown("/a", "Connection: x-berth-secret"))
	same([], shown("/b", "X-Berth-Secret: mine"))
	def checks(server):
	    return [x for x in server.seen() if b"/alive" in x]
	until("checks", lambda: checks(s) and checks(t))
	assert all(b"X-Berth-Secret: hush-1\r\n" in x for x in checks(s))
	assert not any(b"hush" in x for x in checks(t))
	write("secret", "hush-2\n")
	until("the new one is shown", lambda: shown("/a") == [b"hush-2"])
	os.remove("secret")
	until("none is known", lambda: p.ask(
	    H("GET /a HTTP/1.1", "Host: h")).status == 503)
	END
}

@test "access: whom the proxy refuses is no failure of the service" {
	scenario <<-'END'
	write("tokens", "one\n")
	p = Proxy({"a": {"auth": {"bearer_file": here + "/tokens"},
	                 "limit": {"requests": 3, "per_s": 3600},
	                 "queue": {"timeout_s": 0}}})
	def ask(*fields, body=b""):
	    return p.ask(H("POST /a HTTP/1.1", "Host: h", *fields) + body).status
	yes = "Authorization: Bearer one"
	same([401, 400, 503, 429],
	     [ask(), ask(yes, CHUNKS.decode(), body=b"x\r\n"), ask(yes),
	      ask(yes)])
	s = p.service()
	same((4, 4, 1), (s["requests"], s["answered"], s["failed"]))
	END
}

@test "access: TRACE would show the secret, and is refused" {
	scenario <<-'END'
	write("secret", "hush\n")
	s, t = Server(echo), Server(echo)
	p = Proxy({"a": {"secret_file": here + "/secret"}, "b": {}})
	p.table(job("a", s, 1), job("b", t, 2))
	a = p.ask(H("TRACE /a HTTP/1.1", "Host: h"))
	same((501, {"error": "TRACE would show the secret", "status": 501,
	            "service": "a"}), (a.status, json.loads(a.body)))
	same([], s.seen())
	same(b"TRACE / HTTP/1.1",
	     p.ask(H("TRACE /b HTTP/1.1", "Host: h")).body[:16])
	END
}

@test "health: a secret that cannot be read is said to be the cause" {
	hold_clock
	scenario <<-'END'
	write("secret", "hush\n")
	p, s = ready(answering(ok()), {
	    "secret_file": here + "/secret",
	    "health": {"path": "/", "interval_s": 2, "fall": 1}})
	clock.until("it is checked", lambda: s.conns)
	same("up", p.service()["instances"][0]["health"])
	os.remove("secret")
	clock.until("it is down", lambda:
	            "down" == p.service()["instances"][0]["health"])
	same("health check: the secret is not known now",
	     p.service()["instances"][0]["last_error"])
	write("secret", "hush\n")
	clock.until("it is up again", lambda:
	            "up" == p.service()["instances"][0]["health"])
	END
}

# ---- how much ----

@test "access: so many requests of one client, then 429 until it has waited" {
	scenario <<-'END'
	limit = {"limit": {"requests": 5, "per_s": 5}}
	p = Proxy({"a": limit, "b": limit, "c": {}}, "--trust=127.0.0.1")
	s = Server(echo)
	p.table(job("a", s, 1), job("b", s, 2), job("c", s, 3))
	def ask(path, client):
	    return p.ask(H("GET %s HTTP/1.1" % path, "Host: h",
	                   "X-Forwarded-For: " + client))
	def many(path, *clients):
	    return [ask(path, c).status for c in clients]
	begin = time.monotonic()
	same([200] * 5 + [429], many("/a", *["1.1.1.1"] * 6))
	a = ask("/a", "1.1.1.1")
	same((429, "1", {"error": "too many requests of one client",
	                 "status": 429, "service": "a"}),
	     (a.status, a.fields["retry-after"], json.loads(a.body)))
	same([200] * 5 + [429], many("/b", *["1.1.1.1"] * 6))
	same([200] * 20, many("/c", *["1.1.1.1"] * 20))
	same([200] * 5 + [429], many("/a", *["1.1.1.2"] * 6))
	# a /64 is one client, a mapped address is its IPv4 one
	same([200] * 5 + [429], many("/a", *["2001:db8::%x" % i
	                                     for i in range(6)]))
	same([200], many("/a", "2001:db8:0:1::1"))
	same([429], many("/a", "::ffff:1.1.1.2"))
	assert time.monotonic() - begin < 1, "too slow to tell"
	until("one more", lambda: ask("/a", "1.1.1.1").status == 200)
	assert 0.9 < time.monotonic() - begin < 4
	END
}

@test "access: a limit that SIGHUP loosens holds nobody to the old one" {
	hold_clock
	scenario <<-'END'
	def conf(per_s):
	    return {"a": {"limit": {"requests": 2, "per_s": per_s}}}
	p, s = ready(answering(ok()), conf(86400)["a"])
	def ask():
	    return p.ask(H("GET /a HTTP/1.1", "Host: h")).status
	same([200, 200, 429], [ask() for i in range(3)])
	p.services(conf(10))
	p.signal(signal.SIGHUP)
	until("it is read", lambda: "services read again: 1" in p.said())
	a = p.ask(H("GET /a HTTP/1.1", "Host: h"))
	same((429, "5"), (a.status, a.fields["retry-after"]))
	clock.wait(4)
	same(429, ask())
	clock.wait(1)
	same([200, 429], [ask() for i in range(2)])
	END
}

@test "access: the table of clients is bounded, and forgives rather" {
	scenario <<-'END'
	p, s = ready(echo, {"limit": {"requests": 1, "per_s": 1000}},
	             "--trust=127.0.0.1")
	c = p.client()
	def ask(*numbers):
	    c.send(b"".join(H("GET /a HTTP/1.1", "Host: h", "X-Forwarded-For: "
	                      "1.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255))
	                    for n in numbers))
	    return [c.answer().status for n in numbers]
	same([200, 429], ask(0, 0))
	before = p.memory_kb()
	for n in range(1, 12000, 100):
	    same([200] * 100, ask(*range(n, n + 100)))
	assert "/plain/" not in os.environ["UNIT"] or \
	    p.memory_kb() - before < 2000
	same([200, 429], ask(20000, 20000))
	c.close()
	END
}
