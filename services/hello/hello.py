#!/usr/bin/env python3
"""hello: a small HTTP server whose answers say which instance gave them.

    hello.py [--port=PORT] [--host=HOST] [--start-after=SECONDS]

Any request is answered with one line of JSON: service, node, port, path,
method, pid, job_id, and the length of the body that was sent. Two paths show
how a proxy behaves:

    /slow?ms=500           answers after that time
    /stream?n=10&ms=100    n events of text/event-stream, one every ms

SIGTERM: takes no more connections, finishes the requests under way, exits 0.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BODY_MAX = 64 << 20
WAIT_MAX_MS = 600_000
EVENTS_MAX = 100_000
IDLE_S = 120
DIGITS = re.compile("[0-9]{1,18}")
HEX = re.compile(b"[0-9a-fA-F]{1,15}")


class BadRequest(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "hello/1"
    disable_nagle_algorithm = True
    timeout = IDLE_S

    def __getattr__(self, name):
        # http.server looks for do_GET, do_POST, ...: here any method will do.
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        with self.server.request_under_way():
            try:
                self.reply(self.read_body())
            except BadRequest as why:
                self.close_connection = True
                self.send_error(400, str(why))
            except (TimeoutError, ConnectionError):
                self.close_connection = True

    def read_body(self):
        """Reads and drops the request's body; returns its length."""
        if "Transfer-Encoding" in self.headers:
            return self.read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not DIGITS.fullmatch(length) or int(length) > BODY_MAX:
            raise BadRequest("bad Content-Length")
        self.drop(int(length))
        return int(length)

    def read_chunks(self):
        total = 0
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            if not HEX.fullmatch(line):
                raise BadRequest("bad chunk")
            size = int(line, 16)
            total += size
            if total > BODY_MAX:
                raise BadRequest("bad chunk")
            if size == 0:
                break
            self.drop(size)
            self.rfile.readline(1024)
        while self.rfile.readline(1024).strip():
            pass
        return total

    def drop(self, left):
        while left > 0:
            data = self.rfile.read(min(left, 65536))
            if not data:
                raise ConnectionError("the client is gone")
            left -= len(data)

    def reply(self, body_bytes):
        url = urlsplit(self.path)
        if url.path.endswith("/stream"):
            self.stream(self.number(url, "n", 10, EVENTS_MAX),
                        self.number(url, "ms", 100, WAIT_MAX_MS) / 1000)
            return
        if url.path.endswith("/slow"):
            time.sleep(self.number(url, "ms", 500, WAIT_MAX_MS) / 1000)
        more = {"body_bytes": body_bytes} if body_bytes else {}
        line = self.line(**more)
        self.head("application/json", "Content-Length", str(len(line)))
        if self.command != "HEAD":
            self.wfile.write(line)

    def stream(self, count, pause_s):
        self.head("text/event-stream", "Transfer-Encoding", "chunked")
        if self.command == "HEAD":
            return
        for event in range(count):
            data = b"data: " + self.line(event=event) + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            time.sleep(pause_s)
        self.wfile.write(b"0\r\n\r\n")

    def head(self, content_type, *framing):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header(*framing)
        if self.server.ending:
            self.send_header("Connection", "close")
        self.end_headers()

    def number(self, url, key, default, most):
        text = parse_qs(url.query).get(key, [str(default)])[0]
        if not DIGITS.fullmatch(text) or int(text) > most:
            raise BadRequest(f"{key} is not a number up to {most}")
        return int(text)

    def line(self, **more):
        says = {
            "service": "hello",
            "node": os.environ.get("SLURMD_NODENAME", socket.gethostname()),
            "port": self.server.server_address[1],
            "path": self.path,
            "method": self.command,
            "pid": os.getpid(),
        }
        if "SLURM_JOB_ID" in os.environ:
            says["job_id"] = int(os.environ["SLURM_JOB_ID"])
        return json.dumps({**says, **more}).encode() + b"\n"

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024

    def __init__(self, host, port):
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.ending = False
        self.busy = 0
        self.changed = threading.Condition()
        super().__init__((host, port), Handler)

    def server_bind(self):
        # HTTPServer's own looks up the host's name, which may take seconds.
        socketserver.TCPServer.server_bind(self)

    @contextlib.contextmanager
    def request_under_way(self):
        with self.changed:
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def end(self):
        self.ending = True
        self.shutdown()
        self.socket.close()
        with self.changed:
            self.changed.wait_for(lambda: self.busy == 0)

    def handle_error(self, request, client_address):
        # A client that goes away is no news.
        if not isinstance(sys.exc_info()[1], (TimeoutError, ConnectionError)):
            super().handle_error(request, client_address)


def main():
    env = os.environ.get
    parser = argparse.ArgumentParser(description="a small HTTP server")
    parser.add_argument("--port", type=int, default=int(env("PORT", "8000")))
    parser.add_argument("--host", default=env("HOST", "127.0.0.1"))
    parser.add_argument("--start-after", type=float, default=0,
                        metavar="SECONDS", help="be slow to start")
    args = parser.parse_args()

    told = threading.Event()
    for signo in signal.SIGTERM, signal.SIGINT:
        signal.signal(signo, lambda *_: told.set())
    if told.wait(args.start_after):
        return
    server = Server(args.host, args.port)
    threading.Thread(target=server.serve_forever, daemon=True,
                     kwargs={"poll_interval": 0.05}).start()
    told.wait()
    server.end()


main()
