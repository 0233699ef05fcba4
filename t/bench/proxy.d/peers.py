"""peers.py - what t/bench/proxy runs: processes, svc-proxy, and its peers.

The peers are tuned as one would in earnest: connections kept on both sides,
as many as there are clients; no access log; one thread. Their configurations
lie beside this file. "relay" is floor.c: it copies bytes and parses nothing.
"""
import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
IDLE = 10000
NAMES = ("svc-proxy", "HAProxy", "nginx", "relay")

processes = []
scratch = tempfile.mkdtemp(prefix="bench.")
os.chmod(scratch, 0o755)            # nginx's worker is another user


def raise_limit():
    """A proxy may keep two descriptors for each connection, and some more."""
    want = 2 * IDLE + 4000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(hard, want)))
    except ValueError:              # not root, and the limit is lower
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


FDS = raise_limit()
CLIENTS_MAX = min(IDLE, FDS - 2000)  # at rest they need one each


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def until(what, fn, seconds=20):
    end = time.monotonic() + seconds
    while not fn():
        if time.monotonic() > end:
            raise SystemExit("proxy: not in time: " + what)
        time.sleep(0.02)


def listening(port):
    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    until("port %d is open" % port, answers)


class Process:
    def __init__(self, argv, **more):
        more.setdefault("stdout", subprocess.DEVNULL)
        self.child = subprocess.Popen(argv, stderr=subprocess.DEVNULL, **more)
        self.pid = self.child.pid
        processes.append(self)

    def cpu_s(self):
        with open("/proc/%d/schedstat" % self.pid) as f:
            return int(f.read().split()[0]) / 1e9

    def kb(self):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def end(self, signo=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(signo)
            self.child.wait(20)


def end_all():
    for p in reversed(processes):
        p.end()


def compiled(name):
    path = scratch + "/" + name
    if not os.path.exists(path):
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", path,
                        "%s/%s.c" % (HERE, name)], check=True)
    return path


def fill(name, port, backends, *changes):
    """A configuration of this run, with changes: (text, text) each."""
    where = "%s/%d" % (scratch, port)
    os.makedirs(where, exist_ok=True)
    with open("%s/%s" % (HERE, name)) as f:
        text = f.read()
    for mark, value in changes + (
            ("@DIR@", where), ("@BACKEND@", str(backends[0])),
            ("@PORT@", str(port)), ("@FDS@", str(FDS)),
            ("@CLIENTS@", str(CLIENTS_MAX + 100))):
        text = text.replace(mark, value)
    with open(where + "/" + name, "w") as f:
        f.write(text)
    return where + "/" + name


def nginx(name, port, backends, *changes):
    master = Process(["nginx", "-c", fill(name, port, backends, *changes)])
    listening(port)
    workers = subprocess.run(["pgrep", "-P", str(master.pid)], check=True,
                             stdout=subprocess.PIPE).stdout.split()
    master.pid = int(workers[0])    # it does the work
    master.port = port
    return master


class SvcProxy(Process):
    def __init__(self, backends, health=None):
        self.port = port = free_port()
        self.services = "%s/%d" % (scratch, port)
        self.service("a", health)
        super().__init__(["svc-proxy", "-qs", self.services, "-l",
                          "127.0.0.1:%d" % port], stdin=subprocess.PIPE)
        listening(port)
        self.table(backends)

    def service(self, name, health=None):
        os.makedirs("%s/%s" % (self.services, name))
        with open("%s/%s/service.json" % (self.services, name), "w") as f:
            json.dump({"name": name, "health": health or {"path": "-"}}, f)

    def table(self, backends, draining=()):
        self.write("".join(json.dumps({
            "kind": "instance", "service": "a", "job_id": i + 1,
            "ready": True, "draining": b in draining,
            "url": "http://127.0.0.1:%d" % b}) + "\n"
            for i, b in enumerate(backends)) + '{"kind":"end"}\n')

    def write(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()


def start(name, backends, *changes):
    """One of NAMES, in front of these; changes are to HAProxy's."""
    if name == "svc-proxy":
        return SvcProxy(backends)
    port = free_port()
    if name == "nginx":
        return nginx("nginx.conf", port, backends, *[
            ("server 127.0.0.1:@BACKEND@;", "".join(
                "server 127.0.0.1:%d;" % b for b in backends))])
    if name == "HAProxy":
        p = Process(["haproxy", "-db", "-f", fill(
            "haproxy.cfg", port, backends,
            ("\tserver one 127.0.0.1:@BACKEND@ check inter 5s", "\n".join(
                "\tserver s%d 127.0.0.1:%d check inter 5s" % pair
                for pair in enumerate(backends))), *changes)])
    else:
        p = Process([compiled("floor"), str(port), str(backends[0])])
    listening(port)
    p.port = port
    return p


def small_backend(*changes):
    """nginx, with a small answer from memory."""
    port = free_port()
    nginx("backend.conf", port, [port], *changes)
    return port
