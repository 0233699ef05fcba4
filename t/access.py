# What the scenarios of 54-proxy-access.bats share.
import base64

here = os.getcwd()

# of "geheim"; BCRYPT4 of "open sesame: 1"
BCRYPT4 = "$2b$04$kbq4RzDKK5IWlZSa9AhPzeeZhA3jHU/sFVJBPi232AYKva7li.sAK"
BCRYPT10 = "$2b$10$kbq4RzDKK5IWlZSa9AhPzeeSBAZIE3GEqqEiboRQqH8N7i6RcZCYm"
BCRYPT12 = "$2y$12$kbq4RzDKK5IWlZSa9AhPzeLpLu7QEXyjOr2T15SQFt9AvdM5Ma2W."
SHA512 = "$6$rounds=1000$JIj2xdJmw2E7fXF$hFgktnxK4tlzGW/Q5hGpab25Tj6akL2Id44a/U4caCHw0x0mJvp0FXr8Xtd79IpwM3Hh8zSi9rTLcPQrlPELQ."
SHA256 = "$5$rounds=1000$JIj2xdJmw2E7fXF$WLV/f3j5rid8rvj3dk.YjnqfvMy8pQEv3I4eaKddJt8"


def write(path, text):
    with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)


def basic(user, password):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (user, password)).encode()).decode()


def cpu(p):
    """Seconds of CPU that it has used."""
    with open("/proc/%d/stat" % p.child.pid) as f:
        ticks = f.read().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def routes(services):
    """goes(target, host, "SERVICE PATH"): where such a request arrives; with
    None it is answered 404."""
    def tell(name):
        def handler(conn):
            while True:
                head = conn.head()
                if not head:
                    return
                path = head.split(b" ")[1]
                conn.send(ok(name.encode() + b" " + path + b"\n" + head))
        return handler
    p = Proxy(services)
    p.table(*[job(name, Server(tell(name)), n)
              for n, name in enumerate(services)])

    def goes(target, host, want, method="GET"):
        a = p.ask(H("%s %s HTTP/1.1" % (method, target), "Host: " + host))
        same((target, host, want), (target, host, a.body.decode().split(
            "\n")[0] if a.status == 200 else None))
        same(200 if want else 404, a.status)
    goes.p = p
    return goes


def answers(services, url, base=""):
    """back(name, sent, want): an instance answers a request for url with the
    field name: sent, SELF being its own address; the client gets want."""
    field = []

    def handler(conn):
        while conn.head():
            conn.send(ok(b"", "%s: %s" % tuple(field)))
    s = Server(handler)
    p = Proxy(services)
    p.table(job("a", s.url + base))
    host, path = url[7:].split("/", 1)

    def back(name, sent, want):
        field[:] = name, sent.replace("SELF", s.url[7:])
        a = p.ask(H("GET /%s/z HTTP/1.1" % path, "Host: " + host))
        same((name, sent, want.replace("SELF", s.url[7:])),
             (name, sent, a.fields[name.lower()]))
    return back
