"""scenario.py - a client, svc-proxy and servers, byte for byte.

    python3 scenario.py FILE

runs FILE as Python with the names below. Every wait has a deadline; whatever
a thread of a server finds wrong fails the scenario. When FILE is done, each
Proxy must be at rest again: nothing in flight, nothing queued, not one
descriptor more than at first, and SIGTERM must end it with status 0.

    H("GET / HTTP/1.1", "Host: x")       a head, as bytes
    Server(handler)                      handler(conn) for each connection
    echo, answering(bytes)               handlers
    Proxy({"a": {...}}, "--drain=1s")    a running svc-proxy; ends by itself
    p.table(job("a", server, 7), ...)    a snapshot of these instances
    p.client(), p.ask(bytes)             a connection to it; one request
    p.status(), p.records(kind)          GET /status; what came out on stdout
    p.takeover()                         SIGUSR2; p is then the new process
    until(what, fn)                      poll until fn() is true; its value
    clock.wait(s), clock.until(what, fn) let time pass, where the test holds
                                         the clock (hold_clock): else none does
    each_way(fn)                         fn(None), then fn(1): byte by byte
"""
import collections
import ctypes
import json
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

SLOWER = int(os.environ.get("BERTH_PATIENCE", 1))    # see helper.bash
PATIENCE = 60 * SLOWER      # seconds for anything that is to happen
CHUNKS = b"Transfer-Encoding: chunked"

Answer = collections.namedtuple("Answer", "status fields body head")

wrong = []          # what threads found
proxies = []
clock = None        # see Clock


def H(*lines):
    return "".join(line + "\r\n" for line in lines + ("",)).encode("latin-1")


def same(want, got):
    if want != got:
        raise AssertionError("\nwant %r\n got %r" % (want, got))


def until(what, fn, patience=PATIENCE, pause=0.01):
    end = time.monotonic() + patience
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(pause)


class Clock:
    """The time of each svc-proxy here, in the file that t/unit/fake-clock.c
    reads. It stands still but for what a test lets pass."""

    SLOTS = 512

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("=q", 10 ** 9).ljust(8 * self.SLOTS, b"\0"))
        with open(path, "r+b") as f:
            self.slots = memoryview(mmap.mmap(f.fileno(), 0)).cast("q")

    def now(self):
        """In seconds."""
        return self.slots[0] / 1e6

    def wait(self, seconds, step=1):
        """Moves it on, so many seconds at a time. What has come is taken
        before, and what was due is done after each."""
        end = self.slots[0] + round(seconds * 1e6)
        self.turn()
        while self.slots[0] < end:
            self.slots[0] = min(self.slots[0] + round(step * 1e6), end)
            self.turn()

    def turn(self):
        """Each svc-proxy has done what there is to do."""
        slots = {1 + p.child.pid % (self.SLOTS - 1): p.child
                 for p in proxies}
        counts = {slot: self.slots[slot] for slot in slots}
        until("svc-proxy turns", lambda: all(
            self.slots[slot] >= counts[slot] + 2 or child.poll() is not None
            for slot, child in slots.items()), pause=0.0005)

    def until(self, what, fn, step=0.5, most=3600):
        """Waits until fn() is true; how many seconds that took."""
        begin = self.now()
        while not fn():
            if self.now() > begin + most:
                raise AssertionError("not in %d s: %s" % (most, what))
            self.wait(step, step)
        return self.now() - begin


def each_way(fn):
    for piece in (None, 1):
        fn(piece)


def start(fn, *args):
    """fn in a thread; its failure is the scenario's."""
    def body():
        try:
            fn(*args)
        except BaseException as e:      # pylint: disable=broad-except
            wrong.append("%s: %s" % (type(e).__name__, e))
    t = threading.Thread(target=body, daemon=True)
    t.start()
    return t


def join(threads):
    for t in threads:
        t.join(3 * PATIENCE)
        assert not t.is_alive(), "a thread hangs"
    assert not wrong, wrong


class Conn:
    """One end of a connection. `got` is all that was received."""

    def __init__(self, sock):
        self.sock = sock
        self.got = b""
        self.at = 0
        self.ids = []       # of a Server's: see head
        self.hide_ids = False
        sock.settimeout(PATIENCE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def more(self):
        data = self.sock.recv(65536)
        self.got += data
        return data

    def send(self, data, piece=None):
        if piece is None:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), piece):
            self.sock.sendall(data[i:i + piece])
            time.sleep(0.0002)

    def rest(self):
        return self.got[self.at:]

    def upto(self, mark):
        """Bytes up to and with mark; b"" at a clean end."""
        while mark not in self.rest():
            if not self.more():
                if self.rest():
                    raise ConnectionError("ended in %r" % self.rest())
                return b""
        data = self.rest()[:self.rest().index(mark) + len(mark)]
        self.at += len(data)
        return data

    def head(self):
        """A head. What a Server gets is without the ids that svc-proxy makes,
        so that it can be compared; these are in ids."""
        head = self.upto(b"\r\n\r\n")
        if not self.hide_ids:
            return head
        clean = re.sub(br"X-Request-Id: ([0-9a-f]{32})\r\n", b"", head)
        self.ids += re.findall(br"X-Request-Id: ([0-9a-f]{32})\r\n", head)
        before = self.at - len(head)
        self.got = self.got[:before] + clean + self.got[self.at:]
        self.at = before + len(clean)
        return clean

    def take(self, n):
        while len(self.rest()) < n:
            if not self.more():
                raise ConnectionError("ended in %r" % self.rest())
        data = self.rest()[:n]
        self.at += n
        return data

    def to_end(self):
        while self.more():
            pass
        data = self.rest()
        self.at = len(self.got)
        return data

    def gone(self):
        """Nothing more came, and the other side has closed or reset."""
        try:
            same(b"", self.to_end())
        except ConnectionError:
            pass
        self.close()

    def chunked(self):
        body = b""
        while True:
            size = self.upto(b"\r\n")
            if not size:
                raise ConnectionError("ended between chunks")
            n = int(size, 16)
            if n == 0:
                break
            body += self.take(n)
            same(b"\r\n", self.take(2))
        while self.upto(b"\r\n") != b"\r\n":
            pass
        return body

    def answer(self, to_head=False):
        head = self.head()
        lines = head.decode("latin-1").split("\r\n")[:-2]
        fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            fields[name.lower()] = value
        status = int(lines[0].split(" ")[1])
        if to_head or status < 200 or status in (204, 304):
            body = b""
        elif fields.get("transfer-encoding") == "chunked":
            body = self.chunked()
        elif "content-length" in fields:
            body = self.take(int(fields["content-length"]))
        else:
            body = self.to_end()
        return Answer(status, fields, body, head)

    def ask(self, request, piece=None, to_head=False):
        self.send(request, piece)
        return self.answer(to_head)

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()


class Server:
    """An instance: handler(conn) in a thread for each connection that sends
    at least a byte (a check by connect does not). conns: these, in order."""

    def __init__(self, handler, host="127.0.0.1", port=0, backlog=1024):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.handler = handler
        self.conns = []
        self.checks = 0
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.url = "http://%s:%d" % (
            "[%s]" % host if ":" in host else host, self.port)
        start(self.serve)

    def serve(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            start(self.one, sock)

    def one(self, sock):
        conn = Conn(sock)
        conn.hide_ids = True
        try:
            sock.settimeout(None)
            if not sock.recv(1, socket.MSG_PEEK):
                self.checks += 1
                return
            sock.settimeout(PATIENCE)
            self.conns.append(conn)
            self.handler(conn)
        except ConnectionError:
            pass        # scenarios say themselves what must not be lost
        finally:
            conn.close()

    def seen(self):
        return [c.got for c in self.conns]

    def stop(self):
        """As if it was killed."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in self.conns:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def answering(*answers):
    """Each request on a connection gets the next; the last one repeats."""
    def handler(conn):
        left = list(answers)
        while conn.head():
            conn.send(left.pop(0) if len(left) > 1 else left[0])
    return handler


def ok(body=b"hello", *fields):
    return H("HTTP/1.1 200 OK", "Content-Length: %d" % len(body),
             *fields) + body


def echo(conn):
    """Answers with what it was sent, head and body."""
    while True:
        head = conn.head()
        if not head:
            return
        body = b""
        length = re.search(br"(?i)\r\ncontent-length: (\d+)", head)
        if length:
            body = conn.take(int(length.group(1)))
        elif b"chunked" in head:
            body = conn.chunked()
        conn.send(ok(head + body))


class Proxy:
    def __init__(self, services, *args, stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, listen="127.0.0.1:0", env=None,
                 wrap=(), quiet=False, pass_fds=()):
        self.dir = "p%d" % len(proxies)
        os.mkdir(self.dir)
        self.services(services)
        self.admin = self.dir + "/admin.sock"
        argv = [*wrap, "svc-proxy", "-s", self.dir + "/services",
                "--admin=unix:" + self.admin]
        if listen:
            argv += ["-l", listen]
        self.err = open(self.dir + "/stderr", "wb+")
        self.child = subprocess.Popen(
            argv + list(args), stdin=stdin, stdout=stdout, stderr=self.err,
            env={**os.environ, **(env or {})}, pass_fds=pass_fds)
        self.out = []
        self.ended = False
        proxies.append(self)
        if quiet:
            return
        if stdout == subprocess.PIPE:
            start(self.read_out)
        until("it listens", lambda: " on unix:" + self.admin in self.said())
        self.address = re.search(r"listening on (\S+)", self.said()).group(1)
        self.fds = self.count_fds()

    def services(self, services):
        """Makes services/ hold these and no others."""
        for name, conf in services.items():
            where = "%s/services/%s" % (self.dir, name.replace("/", "_"))
            os.makedirs(where, exist_ok=True)
            full = {"name": name,
                    "health": {"path": "-", "interval_s": 3600}}
            full.update(conf)
            with open(where + "/service.json", "w") as f:
                json.dump(full, f)
        os.makedirs(self.dir + "/services", exist_ok=True)
        for name in os.listdir(self.dir + "/services"):
            path = "%s/services/%s/service.json" % (self.dir, name)
            if name not in [n.replace("/", "_") for n in services] and \
                    os.path.exists(path):
                os.remove(path)

    def read_out(self):
        for line in self.child.stdout:
            self.out.append(line)

    def records(self, kind=None):
        all_ = [json.loads(line) for line in list(self.out)]
        return [r for r in all_ if kind in (None, r["kind"])]

    def said(self):
        with open(self.err.name, encoding="utf-8") as f:
            return f.read()

    def feed(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def table(self, *records, wait=True):
        """A snapshot; waits until it is the table."""
        lines = [json.dumps(r) + "\n" for r in records]
        lines.append('{"kind":"end","of":"instance"}\n')
        self.feed("".join(lines).encode())
        want = sorted(r["job_id"] for r in records)
        if wait:
            until("the table is taken", lambda: want == sorted(
                i["job_id"] for s in self.status()["services"]
                for i in s["instances"]) and "snapshot_at" in self.status())

    def client(self):
        if self.address.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.address[5:])
        else:
            host, port = self.address.rsplit(":", 1)
            sock = socket.create_connection((host.strip("[]"), int(port)),
                                            PATIENCE)
        return Conn(sock)

    def ask(self, request, piece=None, to_head=False):
        c = self.client()
        a = c.ask(request, piece, to_head)
        c.close()
        return a

    def ask_admin(self, request):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.admin)
        c = Conn(sock)
        a = c.ask(request)
        c.close()
        return a

    def status(self):
        return json.loads(self.ask_admin(
            H("GET /status HTTP/1.0", "Host: x")).body)

    def service(self, name="a"):
        return [s for s in self.status()["services"]
                if s["service"] == name][0]

    def count_fds(self):
        return len(os.listdir("/proc/%d/fd" % self.child.pid))

    def memory_kb(self):
        with open("/proc/%d/status" % self.child.pid) as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))

    def at_rest(self):
        s = self.status()
        return s["connections"] == 1 and not any(
            x["inflight"] or x["queued"] or
            any(i["inflight"] for i in x["instances"]) for x in s["services"])

    def signal(self, signo):
        self.child.send_signal(signo)

    def exits(self, status=0):
        same(status, self.child.wait(PATIENCE))
        self.ended = True

    def finish(self):
        """The end of every scenario."""
        if self.ended:
            return
        until("it is at rest", self.at_rest)
        if self.child.stdin and not self.child.stdin.closed:
            self.table(wait=False)
            until("no descriptor is left", lambda:
                  self.count_fds() <= self.fds)
        self.signal(signal.SIGTERM)
        self.exits()


    def takeover(self):
        """Returns the process that was taken over from."""
        said = len(re.findall(r"has taken over", self.said()))
        self.signal(signal.SIGUSR2)
        until("it is taken over", lambda: len(re.findall(
            r"has taken over\n", self.said())) > said)
        old = self.child
        pid = int(re.findall(r"process (\d+) has taken", self.said())[-1])
        self.child = Heir(pid, old.stdin)
        return old


class Heir:
    """A process that somebody else began, and that fell to us."""

    def __init__(self, pid, stdin):
        self.pid = pid
        self.stdin = stdin
        self.status = None

    def send_signal(self, signo):
        os.kill(self.pid, signo)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def poll(self):
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:   # its parent lives
                return None
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, patience=PATIENCE):
        until("%d ends" % self.pid, lambda: self.poll() is not None,
              patience)
        return self.status


def job(service, server, job_id=1, **more):
    """An instance record; server may be a URL or None."""
    r = {"kind": "instance", "service": service, "job_id": job_id,
         "submit_at": 1000, "restart": 0, "state": "RUNNING", "node": "n1",
         "ready": True, "draining": False}
    if server is not None:
        r["url"] = server if isinstance(server, str) else server.url
    r.update(more)
    return {k: v for k, v in r.items() if v is not None}


def ready(handler, conf=None, *args, **more):
    """A proxy whose service `a` has one instance: both of them."""
    server = Server(handler)
    p = Proxy({"a": conf or {}}, *args, **more)
    p.table(job("a", server))
    return p, server


def main():
    PR_SET_CHILD_SUBREAPER = 36     # what our children leave falls to us
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    global clock
    if "BERTH_CLOCK" in os.environ:
        clock = Clock(os.environ["BERTH_CLOCK"])
    try:
        with open(sys.argv[1]) as f:
            exec(compile(f.read(), sys.argv[1], "exec"), globals())
        for p in proxies:
            p.finish()
        assert not wrong, wrong
        for p in proxies:
            assert not re.search("Sanitizer|runtime error|Assertion",
                                 p.said()), p.said()
    except BaseException:
        for p in proxies:
            sys.stderr.write("--- stderr of svc-proxy ---\n" + p.said())
        raise
    finally:
        for p in proxies:
            if p.child.poll() is None:
                p.child.kill()
                p.child.wait()


main()
