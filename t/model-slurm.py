#!/usr/bin/env python3
"""A small model of Slurm and svc-submit that drives svc-keepalive over days.

usage: model-slurm.py KEEPALIVE SCENARIO [WORKDIR]

Time is simulated: each snapshot is told when it was taken. Prints one JSON
object of figures; "broken" lists the invariants that did not hold.
"""
import json
import os
import random
import subprocess
import sys

T0 = 1_700_000_000
DAY = 86400
LIVE = ("PENDING", "RUNNING")
FORGET_S = 300          # MinJobAge
MARGIN_S = 10           # svc-run's own, before a job's end


class Job:
    def __init__(self, job_id, at, order, wait_s):
        self.id, self.submit_at, self.start_at = job_id, at, at + wait_s
        self.restart, self.state, self.end_at = 0, "PENDING", None
        self.request = order.get("request")
        self.limit_s = order.get("time_limit_s", 28800)
        self.ready_at = self.drain_at = None
        self.served = []    # [from, to) in which it took requests

    def live(self):
        return self.state in LIVE


class Slurm:
    """Jobs that wait, run, become ready, drain themselves and end."""

    def __init__(self, world):
        self.w, self.jobs, self.next_id = world, {}, 100
        self.submissions, self.refused_again = [], 0

    def submit(self, at, order):
        for j in self.jobs.values():
            if j.request is not None and j.request == order.get("request"):
                self.refused_again += 1
                return
        self.jobs[self.next_id] = Job(self.next_id, at, order, self.w.wait())
        self.submissions.append(at)
        self.next_id += 1

    def stop_serving(self, j, at):
        if j.ready_at is not None and j.drain_at is None and at > j.ready_at:
            j.served.append((j.ready_at, at))

    def end(self, j, at, state):
        if j.state == "RUNNING":
            self.stop_serving(j, at)
        else:
            j.start_at = None
        j.state, j.end_at = state, at

    def drain(self, j, at):
        if j.live() and j.drain_at is None:
            self.stop_serving(j, at)
            j.drain_at = at

    def requeue(self, j, at):
        self.stop_serving(j, at)
        j.restart, j.state, j.submit_at = j.restart + 1, "PENDING", at
        j.start_at, j.ready_at, j.drain_at = at + self.w.wait(), None, None

    def start(self, j):
        j.state = "RUNNING"
        j.crash_at = j.start_at + self.w.life()
        j.planned = j.start_at + j.limit_s
        j.up_at = j.start_at + self.w.startup()

    def run(self, j, at):
        """What happens to a running job up to the time at, in order."""
        stop = min(j.crash_at, j.planned - MARGIN_S)
        if j.ready_at is None and j.up_at <= at and j.up_at < stop:
            j.ready_at = j.up_at
        own = j.planned - self.w.drain_s - MARGIN_S
        if own <= at and own < j.crash_at:
            self.drain(j, own)
        if stop > at:
            return
        if j.crash_at > stop:
            self.end(j, stop, "COMPLETED")
        elif self.w.requeues():
            self.requeue(j, j.crash_at)
        else:
            self.end(j, j.crash_at, self.w.crash)

    def advance(self, at):
        for j in list(self.jobs.values()):
            if j.state == "PENDING" and j.start_at <= at:
                self.start(j)
            if j.state == "RUNNING":
                self.run(j, at)
            if not j.live() and j.end_at + FORGET_S < at:
                self.w.history.append(self.jobs.pop(j.id))

    def order(self, at, o):
        j = self.jobs.get(o.get("job_id"))
        if o["kind"] == "submit":
            self.submit(at, o)
        elif j is not None and j.submit_at == o["submit_at"] and j.live():
            if o["kind"] == "cancel":
                self.end(j, at, "CANCELLED")
            else:
                self.drain(j, at)

    def live(self):
        return sum(j.live() for j in self.jobs.values())

    def snapshot(self, at):
        out = []
        for j in sorted(self.jobs.values(), key=lambda j: j.id):
            r = {"kind": "instance", "service": self.w.name,
                 "job_id": j.id, "submit_at": j.submit_at,
                 "restart": j.restart, "state": j.state}
            if j.state == "RUNNING":
                r.update(node="n%d" % (j.id % 4), start_at=j.start_at,
                         end_at=j.planned, ready=j.ready_at is not None)
                if j.ready_at is not None:
                    r["url"] = "http://10.0.0.1:%d" % (20000 + j.id % 9999)
            elif j.end_at is not None:
                if j.start_at is not None:
                    r["start_at"] = j.start_at
                r["end_at"] = j.end_at
            if j.drain_at is not None:
                r["draining"] = True
            if j.request is not None:
                r["request"] = j.request
            out.append(r)
        out.append({"kind": "end", "of": "instance", "at": at})
        return out


class Daemon:
    """One svc-keepalive that runs on; -v says when it has decided."""

    def __init__(self, prog, services, state=None):
        self.args = [prog, "-v", "-s", services]
        if state:
            self.args.append("--state=" + state)
        self.start()

    def start(self):
        self.p = subprocess.Popen(self.args, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.rest = b""

    def restart(self):
        self.stop()
        self.start()

    def stop(self):
        self.p.stdin.close()
        self.p.stdout.close()
        self.p.stderr.close()
        assert self.p.wait() == 0

    def decide(self, at, records):
        self.p.stdin.write(lines(records))
        self.p.stdin.flush()
        if records[-1]["kind"] == "stale":
            # what follows a stale record must say nothing at all
            return self.read()
        while True:
            line = self.p.stderr.readline()
            assert line, "svc-keepalive has ended"
            if b" wanted, " in line and b" to take over, " in line:
                return self.read()

    def read(self):
        while True:
            got = self.p.stdout.read()
            if not got:
                break
            self.rest += got
        whole, _, self.rest = self.rest.rpartition(b"\n")
        return [json.loads(x) for x in whole.splitlines()]


class Cron:
    """svc-keepalive --once, a process each time."""

    def __init__(self, prog, services, state):
        self.args = [prog, "-q", "--once", "-s", services, "--state=" + state]

    def stop(self):
        pass

    def decide(self, at, records):
        stale = records[-1]["kind"] == "stale"
        p = subprocess.run(self.args + ["--now=%d" % at],
                           input=lines(records), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, check=False)
        assert p.returncode == (75 if stale else 0), p.stderr
        return [json.loads(x) for x in p.stdout.splitlines()]


def lines(records):
    return "".join(json.dumps(r) + "\n" for r in records).encode()


class World:
    """The circumstances of a scenario."""

    name = "hello"

    def __init__(self, prog, work, days=7, step_s=30, want=1, limit_s=28800,
                 wait=(1800, 1800), startup=(5, 20), mtbf_s=None, crash=None,
                 exits_s=None, requeue=0.0, lose=0.0, stale=0.0, hand=0,
                 pipes=1, cron=False, drain_s=30, restarts=False, seed=1):
        self.rng = random.Random(seed)
        self.days, self.step_s, self.want = days, step_s, want
        self.wait_r, self.startup_r, self.mtbf_s = wait, startup, mtbf_s
        self.crash, self.exits_s, self.requeue = crash, exits_s, requeue
        self.lose, self.stale, self.restarts = lose, stale, restarts
        self.drain_s = drain_s
        self.history, self.broken, self.events = [], [], {}
        self.orders, self.max_live, self.stale_left = {}, 0, 0
        self.max_live_settled = 0
        self.slurm = Slurm(self)
        services = self.service(work, limit_s)
        for _ in range(hand):
            self.slurm.submit(T0 - 1, {"time_limit_s": limit_s})
        if cron:
            self.pipes = [Cron(prog, services, work + "/state")]
        else:
            self.pipes = [Daemon(prog, services) for _ in range(pipes)]

    def service(self, work, limit_s):
        d = work + "/services/hello"
        os.makedirs(d, exist_ok=True)
        with open(d + "/service.json", "w") as f:
            json.dump({"kind": "service", "name": self.name,
                       "job": {"command": ["true"], "time_limit_s": limit_s},
                       "instances": {"min": self.want, "max": self.want},
                       "route": {"drain_s": self.drain_s}}, f)
        return work + "/services"

    def wait(self):
        return self.rng.randint(*self.wait_r)

    def startup(self):
        return self.rng.randint(*self.startup_r)

    def life(self):
        if self.exits_s is not None:
            return self.exits_s
        if self.mtbf_s is None:
            return 10 ** 9
        return int(self.rng.expovariate(1 / self.mtbf_s)) + 1

    def requeues(self):
        return self.rng.random() < self.requeue

    def check(self, at, what, fine):
        if not fine and len(self.broken) < 10:
            self.broken.append("%d s: %s" % (at - T0, what))

    def is_stale(self):
        if self.stale_left > 0:
            self.stale_left -= 1
        elif self.rng.random() < self.stale:
            self.stale_left = self.rng.randint(1, 40)
        return self.stale_left > 0

    def carry_out(self, at, orders):
        for o in orders:
            kind = o["kind"]
            self.orders[kind] = self.orders.get(kind, 0) + 1
            if kind == "event":
                name = o["event"]
                self.events[name] = self.events.get(name, 0) + 1
            elif self.rng.random() >= self.lose:
                self.slurm.order(at, o)

    def turn(self, at, pipe):
        self.slurm.advance(at)
        if self.is_stale():
            orders = pipe.decide(at, [{"kind": "stale", "since_at": at}])
            self.check(at, "orders while stale", not orders)
            return
        if self.restarts and self.rng.random() < 0.002:
            pipe.restart()
        self.carry_out(at, pipe.decide(at, self.slurm.snapshot(at)))
        live = self.slurm.live()
        self.max_live = max(self.max_live, live)
        if at > T0 + 600:
            self.max_live_settled = max(self.max_live_settled, live)

    def run(self):
        end = T0 + int(self.days * DAY)
        n = len(self.pipes)
        turns = 0
        for at in range(T0, int(end), self.step_s // n):
            self.turn(at, self.pipes[turns % n])
            turns += 1
        self.slurm.advance(end)
        for j in self.slurm.jobs.values():
            if j.state == "RUNNING":
                self.slurm.stop_serving(j, end)
        for p in self.pipes:
            p.stop()
        return self.figures(end)

    def serving(self, end):
        """[(time, how many serve from then on)], first readiness first."""
        marks = {}
        for j in self.history + list(self.slurm.jobs.values()):
            for a, b in j.served:
                marks[a] = marks.get(a, 0) + 1
                marks[b] = marks.get(b, 0) - 1
        n, out = 0, []
        for t in sorted(marks):
            if t < end:
                n += marks[t]
                out.append((t, n))
        return out

    def figures(self, end):
        curve = self.serving(end)
        out = {"submissions": len(self.slurm.submissions),
               "first_10_min": sum(t < T0 + 600
                                   for t in self.slurm.submissions),
               "again": self.slurm.refused_again,
               "max_live": self.max_live,
               "max_live_settled": self.max_live_settled,
               "orders": self.orders, "events": self.events,
               "broken": self.broken}
        if curve:
            after = [t for t, _ in curve[1:]] + [end]
            down = sum(b - a for (a, n), b in zip(curve, after) if n == 0)
            out["availability"] = round(1 - down / (end - curve[0][0]), 6)
            full = [i for i, (_, n) in enumerate(curve) if n >= self.want]
            if full:
                out["least_ready"] = min(n for _, n in curve[full[0]:])
        return out


SCENARIOS = {
    # a process a step, with its state in a file; 5000 of them take hours under
    # valgrind, where it is less than a day (see helper.bash)
    "steady": dict(cron=True, step_s=120,
                   days=7 / int(os.environ.get("BERTH_PATIENCE", 1))),
    "steady-daemon": dict(),
    "varying": dict(wait=(300, 2400), seed=7),
    "three": dict(want=3, wait=(300, 2400), seed=3),
    "broken-1": dict(want=1, exits_s=3, wait=(0, 2), crash="FAILED"),
    "broken-2": dict(want=2, exits_s=3, wait=(0, 2), crash="FAILED"),
    "broken-3": dict(want=3, exits_s=3, wait=(0, 2), crash="FAILED"),
    "broken-4": dict(want=4, exits_s=3, wait=(0, 2), crash="FAILED"),
    "broken-10": dict(want=10, exits_s=3, wait=(0, 2), crash="FAILED"),
    # it answers, and then it dies: readiness is no proof
    "crashing": dict(want=2, exits_s=30, wait=(0, 2), startup=(1, 2),
                     crash="FAILED", days=1),
    "two-pipes": dict(want=2, pipes=2, wait=(20, 300), hand=3),
    "two-pipes-restarts": dict(want=2, pipes=2, wait=(20, 300),
                               restarts=True, mtbf_s=40000,
                               crash="NODE_FAIL", seed=5),
    "rough": dict(want=3, wait=(10, 600), mtbf_s=30000, crash="NODE_FAIL",
                  requeue=0.5, stale=0.003, lose=0.1, seed=11),
    "minute": dict(want=1, limit_s=60, wait=(0, 1), startup=(1, 1), step_s=5,
                   drain_s=5, days=0.2),
}


def main():
    prog, scenario = sys.argv[1:3]
    work = sys.argv[3] if len(sys.argv) > 3 else os.getcwd()
    world = World(prog, work, **SCENARIOS[scenario])
    print(json.dumps({"scenario": scenario, **world.run()}))


if __name__ == "__main__":
    main()
