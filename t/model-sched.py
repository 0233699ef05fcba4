#!/usr/bin/env python3
"""The space-sharing policies of sched-sim once more, as plainly as they can be
said: no structure but lists, everything counted anew each time.

	model-sched.py DIR PROCS JOBS SEED

makes a workload, DIR/jobs.ndjson, and what each policy does with it,
DIR/POLICY.HOW.want: "id start end [machines]" a line, in order of ends. HOW is
batch, pyss or ids. The workload is small and crowded, and its times are short,
so that much happens at the same instant.

What is checked against golden cases elsewhere is not taken over here: easy has
no shadow time and no extra processors, but a reservation of the head's that
nobody may touch.
"""
import functools
import json
import os
import random
import sys


def workload(procs, count, seed):
    rng = random.Random(seed)
    at, jobs = 0, []
    ids = rng.sample(range(10 * count), count)
    for i in range(count):
        at += rng.choice([0, 0, 1, 2, 5, 9])
        limit = rng.choice([0, 1, 2, 3, 5, 8, 13, 21, 40])
        run = rng.choice([limit, limit, limit + 3, rng.randint(0, limit)])
        jobs.append({"kind": "job", "job_id": ids[i], "submit_at": at,
                     "run_s": run, "limit_s": limit,
                     "cpus": min(procs, rng.choice([1, 1, 2, 3, 4, 7, 99]))})
    return jobs


@functools.lru_cache(None)
def log2_cut(n):
    """Binary logarithm, cut off behind 16 binary digits: exactly, in ints."""
    n = max(n, 2)
    low, high = 0, 32 << 16
    while high - low > 1:
        mid = (low + high) // 2
        fits = 2 ** mid <= n ** 65536       # 2 ** (mid / 65536) <= n
        low, high = (mid, high) if fits else (low, mid)
    return low / 65536.0


class Job:
    def __init__(self, rec, place):
        self.place, self.id = place, rec["job_id"]
        self.submit, self.procs = rec["submit_at"], rec["cpus"]
        self.run = min(rec["run_s"], rec["limit_s"])
        self.limit = max(rec["limit_s"], 1)
        self.start = None           # planned or true
        self.until = None           # planned end
        self.ids = frozenset()
        self.running = False


class Model:
    def __init__(self, jobs, procs, policy, how):
        self.jobs = [Job(r, i) for i, r in enumerate(jobs)]
        self.procs, self.policy, self.how = procs, policy, how
        self.now, self.waiting, self.running, self.ended = 0, [], [], []
        self.plans = []             # waiting jobs with a reservation
        self.early = False

    def holds(self, but=None):
        return [j for j in self.running + self.plans if j is not but]

    def overlapping(self, at, limit, holds):
        return [h for h in holds if h.start < at + limit and h.until > at]

    def fit(self, j, at, holds):
        """Whether j fits from at on; with ids, on which machines."""
        there = self.overlapping(at, j.limit, holds)
        if self.how == "ids":
            free = set(range(self.procs)).difference(*[h.ids for h in there])
            if len(free) < j.procs:
                return None
            return frozenset(sorted(free)[:j.procs])
        for t in [at] + [h.start for h in there if h.start > at]:
            used = sum(h.procs for h in there if h.start <= t < h.until)
            if self.procs - used < j.procs:
                return None
        return frozenset()

    def reserve(self, j):
        """The earliest hole, all other holds as they are."""
        holds = self.holds(j)
        for at in sorted({self.now} | {h.until for h in holds
                                       if h.until > self.now}):
            ids = self.fit(j, at, holds)
            if ids is not None:
                j.start, j.until, j.ids = at, at + j.limit, ids
                return
        raise AssertionError("no hole")

    def run_now(self, j):
        if j in self.plans:
            self.plans.remove(j)
        self.waiting.remove(j)
        j.start, j.until, j.running = self.now, self.now + j.limit, True
        self.running.append(j)

    def start_if_it_fits(self, j):
        ids = self.fit(j, self.now, self.holds())
        if ids is None:
            return False
        j.ids = ids
        self.run_now(j)
        return True

    # ---- policies: one pass each

    def strict(self, key):
        while self.waiting:
            if not self.start_if_it_fits(min(self.waiting, key=key)):
                return

    def ratio(self, j):
        return (self.now - j.submit) / j.limit

    def pass_easy(self, key):
        while self.waiting and self.start_if_it_fits(self.waiting[0]):
            pass
        if not self.waiting:
            return
        head = self.waiting[0]
        self.reserve(head)
        self.plans.append(head)
        for j in sorted(self.waiting[1:], key=key):
            self.start_if_it_fits(j)
        self.plans.remove(head)
        head.start = None

    def pass_conservative(self):
        if self.early:
            for j in [j for j in self.waiting if j.start is not None]:
                was = j.start
                self.reserve(j)
                if j.start != was:      # decided anew: behind its equals
                    self.plans.remove(j)
                    self.plans.append(j)
        for j in self.waiting:
            if j.start is None:
                self.reserve(j)
                self.plans.append(j)
        for j in [j for j in self.plans if j.start == self.now]:
            self.run_now(j)

    def one_pass(self):
        first = {
            "fcfs": lambda j: j.place,
            "sjf": lambda j: (j.limit, j.place),
            "ljf": lambda j: (-j.limit, j.place),
            "largest": lambda j: (-j.procs, j.place),
            "wfp3": lambda j: (-(self.ratio(j) * self.ratio(j) *
                                 self.ratio(j) * j.procs), j.place),
            "unicef": lambda j: (-((self.now - j.submit) /
                                   (log2_cut(j.procs) * j.limit)), j.place),
        }
        if self.policy in first:
            self.strict(first[self.policy])
        elif self.policy == "easy":
            self.pass_easy(lambda j: j.place)
        elif self.policy == "easy-sjbf":
            self.pass_easy(lambda j: (j.limit, j.place))
        else:
            self.pass_conservative()
        self.early = False

    # ---- time

    def end(self, j):
        self.early |= j.until > self.now
        j.until = self.now
        self.running.remove(j)
        self.ended.append(j)

    def instant(self, new):
        due = [j for j in self.running if j.start + j.run == self.now]
        # in the order of their starts; equal ones as they were started
        due.sort(key=lambda j: j.start)
        if self.how == "pyss":
            if not new and not due:
                self.one_pass()         # a reservation begins
            for j in new:
                self.waiting.append(j)
                self.one_pass()
            for j in due:
                self.end(j)
                self.one_pass()
            return
        for j in due:
            self.end(j)
        self.waiting += new
        self.one_pass()

    def go(self):
        todo = list(self.jobs)
        while todo or self.running or self.plans:
            self.now = min([j.submit for j in todo[:1]] +
                           [j.start + j.run for j in self.running] +
                           [j.start for j in self.plans])
            new = [j for j in todo if j.submit == self.now]
            todo = todo[len(new):]
            self.instant(new)
        assert not self.waiting
        return self.ended


def ranges(ids):
    out = []
    for i in sorted(ids):
        if out and out[-1][1] == i - 1:
            out[-1][1] = i
        else:
            out.append([i, i])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in out)


POLICIES = ("fcfs easy easy-sjbf conservative sjf ljf largest wfp3 "
            "unicef").split()


def main():
    where, procs, count, seed = sys.argv[1], *map(int, sys.argv[2:])
    jobs = workload(procs, count, seed)
    with open(os.path.join(where, "jobs.ndjson"), "w") as out:
        for rec in jobs:
            out.write(json.dumps(rec) + "\n")
    for policy in POLICIES:
        for how in "batch", "pyss", "ids":
            ended = Model(jobs, procs, policy, how).go()
            name = "%s.%s.want" % (policy, how)
            with open(os.path.join(where, name), "w") as out:
                for j in ended:
                    row = [j.id, j.start, j.start + j.run]
                    row += [ranges(j.ids)] * (how == "ids")
                    out.write("\t".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
