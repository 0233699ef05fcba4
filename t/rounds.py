#!/usr/bin/env python3
"""What t/24-sched-rounds.bats needs beside the program and its model.

	rounds.py replay CSV...		replays of SYNERGY's simulator as jobs, each
					in a file here of the same name
	rounds.py stream N RATE SEED	its stream of single-GPU jobs, RATE an hour
	rounds.py workload SEED		a cluster (cluster.ini) and jobs by chance
	rounds.py same POLICY...	whether want.POLICY and got.POLICY are
					the same records
	rounds.py figures A B		of jobs A to before B: mean, p99, p99.9
	rounds.py golden		each got.CASE here against the golden
					cases/CASE.csv and rounds/CASE.json
"""
import csv
import glob
import json
import math
import os
import random
import sys

ZOO = (("alexnet", .6), ("res18", .64), ("res50", .78), ("mobilenet", .71),
       ("shufflenet", .615)), (("gnmt", .12), ("transformer", .67),
                               ("lstm", .011)), (("m5", .6),
                                                 ("deepspeech", .757))


def job(**fields):
    print(json.dumps(dict(kind="job", **fields), separators=(",", ":")))


def replay(*paths):
    for path in paths:
        sys.stdout = open(os.path.basename(path), "w")
        for row in csv.reader(open(path)):
            at = float(row[2])
            job(job_id=int(row[0]), submit_at=int(at) if at == int(at) else at,
                gpus=int(row[4]), model=row[1], iters=int(row[3]))


def stream(n, rate, seed):
    durations, arrivals = random.Random(42), random.Random(int(seed))
    count, at = [0, 0, 0], 0
    for i in range(int(n)):
        if durations.random() >= 0.8:
            run_s = 60 * 10 ** durations.uniform(3, 4)
        else:
            run_s = 60 * 10 ** durations.uniform(1.5, 3)
        at += math.ceil(-math.log(1 - arrivals.random()) / float(rate) * 3600)
        arrivals.randint(0, 9)
        want = [s / 100 - c / i if i else 0
                for s, c in zip((20, 70, 10), count)]
        k = want.index(max(want))
        model, iter_s = ZOO[k][count[k] % len(ZOO[k])]
        count[k] += 1
        job(job_id=i, submit_at=at, gpus=1, model=model,
            iters=int(run_s / iter_s))


def workload(seed):
    r = random.Random(int(seed))
    models = [m for kind in ZOO for m in kind]
    per, servers = r.choice((2, 4, 8, 8, 8, 16)), r.choice((1, 2, 3, 5, 9))
    ratio = r.choice((3, 3, 3, 4, 5, 6))
    with open("cluster.ini", "w") as out:
        out.write("[CLUSTER]\nracks = 1\nservers_per_rack = %d\n"
                  "gpus_per_server = %d\ncpus_per_server = %d\n"
                  "dram_per_server = %d\nsspeed_per_server = %d\n" % (
                      servers, per, per * ratio, r.choice((500, 500, 1000)),
                      r.choice((500, 250, 1000))))
    at, longest = 0, r.choice((2, 3))
    for i in range(r.randint(1, 60)):
        at += int(r.expovariate(1 / r.choice((300, 2000))))
        model, iter_s = r.choice(models[:5] + models[5:8] * 2)
        gpus = r.choice((1, 1, 1, 2, 4, 8, 16))
        while gpus > per * servers:
            gpus //= 2
        job(job_id=i, submit_at=at, gpus=gpus, model=model,
            iters=max(1, int(60 * 10 ** r.uniform(0, longest) / iter_s)))


def records(path):
    return [json.loads(line) for line in open(path)]


def same(*policies):
    for policy in policies:
        a, b = records("want." + policy), records("got." + policy)
        for n, (x, y) in enumerate(zip(a, b), 1):
            if x != y:
                sys.exit("%s: record %d:\n%s\n%s" % (policy, n, x, y))
        if len(a) != len(b):
            sys.exit("%s: %d records, not %d" % (policy, len(b), len(a)))


def quantile(x, percent):
    at = (len(x) - 1) * (percent / 100)
    low = int(at)
    return x[low] + (x[min(low + 1, len(x) - 1)] - x[low]) * (at - low)


def figures(first, last):
    jct = sorted((j["end_at"] - j["submit_at"]) / 3600
                 for j in map(json.loads, sys.stdin)
                 if int(first) <= j["job_id"] < int(last))
    print(len(jct), repr(math.fsum(jct) / len(jct)), repr(quantile(jct, 99)),
          repr(quantile(jct, 99.9)))


def case(name):
    keys = ("job_id", "start_at", "end_at", "rounds", "preemptions",
            "tuned_rounds", "servers")
    want = sorted(tuple(int(float(x)) for x in row)
                  for row in list(csv.reader(open("cases/%s.csv" % name)))[1:])
    got = sorted(tuple(j[k] for k in keys) for j in records("got." + name)
                 if j["kind"] == "job")
    if got != want:
        sys.exit("%s: %s" % (name, sorted(set(got) ^ set(want))[:6]))


def log(name):
    want = json.load(open("rounds/%s.json" % name))
    got = [[r["at"], r["order"], [
        [j["job_id"], [g for s in j["shares"] for g in s["gpus"]],
         [[s["server"], len(s["gpus"]), s["cpus"], s["mem_gb"]]
          for s in j["shares"]], j["speedup"]] for j in r["running"]]]
           for r in records("got." + name) if r["kind"] == "round"]
    for n, (x, y) in enumerate(zip(got, want)):
        if x != y:
            sys.exit("%s: entry %d:\n%s\n%s" % (name, n, x, y))
    if len(got) != len(want):
        sys.exit("%s: %d entries, not %d" % (name, len(got), len(want)))


def golden():
    cases_n = logs_n = 0
    for path in sorted(glob.glob("got.*")):
        case(path[4:])
        cases_n += 1
        if os.path.exists("rounds/%s.json" % path[4:]):
            log(path[4:])
            logs_n += 1
    print(cases_n, logs_n)


globals()[sys.argv[1]](*sys.argv[2:])
