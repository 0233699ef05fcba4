#!/usr/bin/env python3
"""client.py: asks a service on and on, and counts every request that fails.

    client.py URL [--clients=N] [--methods=GET,POST,...] [--pause-ms=MS]
              [--max-s=S] --progress=FILE

N clients with a connection each, one request after the other, until SIGTERM or
for S seconds. A request fails when its status is not 200, its connection
breaks, or no answer comes within a minute; it is not repeated. FILE always
holds one JSON object, replaced as a whole several times a second and at the
end: made, failed, errors (the first few, in words), slowest_ms, jobs (job id ->
answers), last_job, done.
"""

import argparse
import http.client
import json
import os
import signal
import threading
import time
from urllib.parse import urlsplit

TIMEOUT_S = 60 * int(os.environ.get("BERTH_PATIENCE", 1))


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.made = self.failed = self.slowest_ms = 0
        self.errors, self.jobs, self.last_job = [], {}, None

    def add(self, error, job, ms):
        with self.lock:
            self.made += 1
            self.slowest_ms = max(self.slowest_ms, ms)
            if error:
                self.failed += 1
                if len(self.errors) < 10:
                    self.errors.append(error)
            elif job is not None:
                self.jobs[job] = self.jobs.get(job, 0) + 1
                self.last_job = job

    def write(self, path, done):
        with self.lock:
            text = json.dumps({
                "made": self.made, "failed": self.failed,
                "errors": self.errors, "slowest_ms": self.slowest_ms,
                "jobs": self.jobs, "last_job": self.last_job, "done": done})
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(path + ".new", path)


def ask(connection, method, path):
    """One request: what went wrong (None: nothing) and the job that answered."""
    body = b"x" * 1000 if method in ("POST", "PUT", "PATCH") else None
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        return f"{method} {answer.status} {text[:300]!r}", None
    if method == "HEAD":
        return None, None
    return None, json.loads(text).get("job_id")


def client(url, methods, pause_s, tally, ended):
    connection, n = None, 0
    while not ended.is_set():
        if connection is None:
            connection = http.client.HTTPConnection(url.hostname, url.port,
                                                    timeout=TIMEOUT_S)
        method = methods[n % len(methods)]
        n += 1
        began, job = time.monotonic(), None
        try:
            error, job = ask(connection, method, url.path)
        except (OSError, http.client.HTTPException, ValueError) as why:
            error = f"{method} {type(why).__name__}: {why}"
        tally.add(error, job, int((time.monotonic() - began) * 1000))
        if error:
            connection.close()
            connection = None
        ended.wait(pause_s)
    if connection is not None:
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url", type=urlsplit)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--methods", default="GET")
    parser.add_argument("--pause-ms", type=int, default=20)
    parser.add_argument("--max-s", type=float, default=200)
    parser.add_argument("--progress", required=True)
    args = parser.parse_args()

    ended, tally = threading.Event(), Tally()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    clients = [threading.Thread(target=client, args=(
        args.url, args.methods.split(","), args.pause_ms / 1000, tally,
        ended)) for _ in range(args.clients)]
    for thread in clients:
        thread.start()
    end = time.monotonic() + args.max_s
    while not ended.wait(0.2) and time.monotonic() < end:
        tally.write(args.progress, False)
    ended.set()
    for thread in clients:
        thread.join()
    tally.write(args.progress, True)


main()
