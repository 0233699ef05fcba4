#!/usr/bin/env python3
"""model-stats.py: what job-stats says beyond means and percentiles of single
measures, done slowly, on records of job, cluster and round.

    model-stats.py workload SEED        jobs by chance
    model-stats.py usage SPAN <IN       the usage records
    model-stats.py rho <IN              mean and the largest
    model-stats.py vs OTHER N SEED <IN  the "vs" of a stats record
    model-stats.py same WANT GOT        numbers equal to 12 digits
"""
import json
import math
import random
import sys


def read(stream):
    jobs, total, steps = [], {}, []
    for line in stream:
        rec = json.loads(line)
        if rec["kind"] == "cluster":
            total = {"cpus": rec.get("procs"), "gpus": rec.get("gpus")}
        elif rec["kind"] == "round":
            steps.append(rec)
        elif rec["kind"] == "job":
            jobs.append(rec)
    return jobs, total, steps


def workload(seed):
    r = random.Random(seed)
    cluster = {"kind": "cluster", "procs": r.choice([1, 7, 100])}
    if seed % 2:
        cluster["gpus"] = r.choice([1, 8])
    out = [cluster]
    for i in range(r.choice([1, 2, 3, 60, 150])):
        at = r.randint(0, 3000)
        job = {"kind": "job", "job_id": i * 3, "submit_at": at,
               "start_at": at + r.choice([0, r.randint(0, 2000)]),
               "cpus": r.randint(1, 9)}
        job["end_at"] = job["start_at"] + r.choice([0, r.randint(0, 3000)])
        if r.random() < .3:
            job["gpus"] = r.randint(0, 3)
        if r.random() < .2:
            job["run_s"] = r.randint(1, 4000)
        if i and r.random() < .1:
            del job["end_at"]
            job.pop("run_s", None)
            if r.random() < .5:
                del job["start_at"]
        elif i and r.random() < .1:     # cancelled before its start
            del job["start_at"]
            job.pop("run_s", None)
        out.append(job)
    r.shuffle(out)
    out.sort(key=lambda rec: rec["kind"] == "job" and "end_at" not in rec)
    return out


def has_run(job):
    return "start_at" in job and "end_at" in job


def last(jobs):
    return max(j.get(k, 0) for j in jobs
               for k in ("submit_at", "start_at", "end_at")) if jobs else 0


def overlap(a, b, c, d):
    return max(0, min(b, d) - max(a, c))


def usage(jobs, total, steps, span):
    ended = [j for j in jobs if has_run(j)]
    if not ended:
        return
    first = min(j["submit_at"] for j in ended)
    end = max(j["end_at"] for j in ended)
    until = last(jobs)
    at = first
    while at < end:
        to = min(at + span, end)
        mean = lambda pairs: sum(v * overlap(a, b, at, to)
                                 for a, b, v in pairs) / (to - at)
        there = [(j["submit_at"], j.get("end_at", until), 1) for j in jobs]
        runs = [(j["start_at"], j.get("end_at", until), j)
                for j in jobs if "start_at" in j]
        rec = {"kind": "usage", "at": at, "span_s": to - at,
               "jobs": mean(there)}
        if steps:
            ends = [s["at"] for s in steps[1:]] + [end]
            runs = [(s["at"], e, s["running"]) for s, e in zip(steps, ends)]
            rec["running"] = mean((a, b, len(v)) for a, b, v in runs)
        else:
            rec["running"] = mean((a, b, 1) for a, b, _ in runs)
        rec["queued"] = rec["jobs"] - rec["running"]
        util = {}
        for key in "cpus", "gpus":
            if steps:
                size = lambda v: sum(
                    s["cpus"] if key == "cpus" else len(s["gpus"])
                    for run in v for s in run["shares"])
            else:
                if not any(j.get(key) for j in ended):
                    continue
                size = lambda j: j.get(key, 0)
            rec[key] = mean((a, b, size(v)) for a, b, v in runs)
            if total.get(key):
                util[key] = rec[key] / total[key]
        if util:
            rec["util"] = util
        yield rec
        at += span


def rhos(jobs, total):
    """job_id -> rho, of those that have one"""
    out, until = {}, last(jobs)
    for j in jobs:
        if not has_run(j):
            continue
        jct = j["end_at"] - j["submit_at"]
        alone = j.get("run_s", j["end_at"] - j["start_at"])
        part = None
        for key in "gpus", "cpus":
            if part is None and total.get(key) and j.get(key):
                part = j[key] / total[key]
        if part is None or alone <= 0 or jct <= 0:
            continue
        n = sum(overlap(k["submit_at"], k.get("end_at", until),
                        j["submit_at"], j["end_at"]) for k in jobs) / jct
        out[j["job_id"]] = jct / (alone * max(1, part * n))
    return out


class Pcg32:
    """O'Neill 2014, one stream"""
    def __init__(self, seed):
        self.state = 0
        self.u32()
        self.state = (self.state + seed) % 2 ** 64
        self.u32()

    def u32(self):
        old = self.state
        self.state = (old * 6364136223846793005 + INCREMENT) % 2 ** 64
        x = ((old >> 18 ^ old) >> 27) % 2 ** 32
        rot = old >> 59
        return (x >> rot | x << (-rot & 31)) % 2 ** 32

    def below(self, n):
        while True:
            x = self.u32()
            if x >= 2 ** 32 % n:
                return x % n


INCREMENT = 1442695040888963407


def quantile(v, q):
    v = sorted(v)
    at = q * (len(v) - 1)
    i, t = int(at), at - math.floor(at)
    a, b = v[i], v[min(i + 1, len(v) - 1)]
    return a + (b - a) * t if t < .5 else b - (b - a) * (1 - t)


def measures(jobs, total):
    rho, out = rhos(jobs, total), {}
    for j in jobs:
        if has_run(j):
            jct = j["end_at"] - j["submit_at"]
            run = j["end_at"] - j["start_at"]
            out[j["job_id"]] = {
                "wait_s": j["start_at"] - j["submit_at"], "run_s": run,
                "jct_s": jct, "slowdown": jct / run if run else 1,
                "bsld": max(1, jct / max(10, run)),
                "rho": rho.get(j["job_id"])}
    return out


def versus(here, there, resamples, seed):
    a, b = measures(*here[:2]), measures(there[0], there[1] or here[1])
    order = [j["job_id"] for j in here[0] if j["job_id"] in a]
    ids = [i for i in order if i in b]
    out = {"matched": len(ids), "unmatched": len(order) - len(ids),
           "resamples": resamples, "seed": seed}
    parts = {"mean": None, "p50": .5, "p99": .99, "p999": 99.9 / 100}
    for m in "wait_s", "run_s", "jct_s", "slowdown", "bsld", "rho":
        x, y = [a[i][m] for i in ids], [b[i][m] for i in ids]
        if not ids or None in x or None in y:
            continue
        rng, all_ = Pcg32(seed), {f: [] for f in parts}

        def difference(places):
            for f, q in parts.items():
                if q is None:
                    yield f, sum(x[k] - y[k] for k in places) / len(places)
                else:
                    yield f, (quantile([x[k] for k in places], q) -
                              quantile([y[k] for k in places], q))
        for _ in range(resamples):
            drawn = [rng.below(len(ids)) for _ in ids]
            for f, d in difference(drawn):
                all_[f].append(d)
        out[m] = {f: {"diff": d, "low": quantile(all_[f], .025),
                      "high": quantile(all_[f], .975)}
                  for f, d in difference(range(len(ids)))}
    return out


def same(a, b, where):
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            sys.exit("%s: %s and %s" % (where, list(a), list(b)))
        for key in a:
            same(a[key], b[key], where + "." + key)
    elif isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if not math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-8):
            sys.exit("%s: %r and %r" % (where, a, b))
    elif a != b:
        sys.exit("%s: %r and %r" % (where, a, b))


def main(what, *args):
    if what == "workload":
        for rec in workload(int(args[0])):
            print(json.dumps(rec))
    elif what == "usage":
        for rec in usage(*read(sys.stdin), int(args[0])):
            print(json.dumps(rec))
    elif what == "rho":
        rho = list(rhos(*read(sys.stdin)[:2]).values())
        print(json.dumps({"mean": sum(rho) / len(rho), "max": max(rho)}
                         if rho else None))
    elif what == "vs":
        print(json.dumps(versus(read(sys.stdin), read(open(args[0])),
                                int(args[1]), int(args[2]))))
    else:
        want, got = ([json.loads(line) for line in open(p)] for p in args)
        if len(want) != len(got):
            sys.exit("%d and %d records" % (len(want), len(got)))
        for i, (a, b) in enumerate(zip(want, got)):
            same(a, b, str(i))


if __name__ == "__main__":
    main(*sys.argv[1:])
