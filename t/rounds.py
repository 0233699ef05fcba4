#!/usr/bin/env python3
"""What t/24-sched-rounds.bats needs beside the program and its model.

	rounds.py replay CSV...		replays of SYNERGY's simulator as jobs, each
					in a file here of the same name
	rounds.py stream N RATE SEED	its stream of single-GPU jobs, RATE an hour
	rounds.py workload SEED [any]	a cluster (cluster.ini) and jobs by chance,
					as SYNERGY can have them or any
	rounds.py ties SEED		the same, many of them submitted at once
	rounds.py unlike SEED		nodes that differ (nodes), and jobs, some for
					certain ones
	rounds.py same POLICY...	whether want.POLICY and got.POLICY are
					the same records
	rounds.py opt			whether in each round of "got" the sum of
					speeds is the largest there is, and the
					jobs got as far as the speeds say
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


def ties(seed):
    workload(seed, tied=True)


def workload(seed, free=None, tied=False):
    r = random.Random(int(seed))
    models = [m for kind in ZOO for m in kind]
    per, servers = r.choice((2, 4, 8, 8, 8, 16)), r.choice((1, 2, 3, 5, 9))
    ratio = r.choice((3, 3, 3, 4, 5, 6))
    if free:
        per, ratio = r.choice((1, 3, 4, 6, 8)), r.choice((2, 3, 5, 7, 12))
    with open("cluster.ini", "w") as out:
        out.write("[CLUSTER]\nracks = 1\nservers_per_rack = %d\n"
                  "gpus_per_server = %d\ncpus_per_server = %d\n"
                  "dram_per_server = %d\nsspeed_per_server = %d\n" % (
                      servers, per, per * ratio, r.choice((500, 500, 1000)),
                      r.choice((500, 250, 1000))))
    at, longest = 0, r.choice((2, 3))
    for i in range(r.randint(1, 60)):
        if not tied or r.random() < .4:
            at += int(r.expovariate(1 / r.choice((300, 2000))))
        model, iter_s = r.choice(models[:5] + models[5:8] * 2)
        gpus = r.choice((1, 1, 1, 2, 4, 8, 16))
        while gpus > per * servers:
            gpus //= 2
        if free:
            gpus = r.randint(1, min(2 * gpus, per * servers))
        job(job_id=i, submit_at=at, gpus=gpus, model=model,
            iters=max(1, int(60 * 10 ** r.uniform(0, longest) / iter_s)))


def unlike(seed):
    r = random.Random(int(seed))
    models = [m for kind in ZOO for m in kind]
    nodes = []
    for name in "abcd"[:r.randint(2, 4)]:
        gpus, kind = r.choice((1, 2, 3, 4, 8)), r.choice(("a100", "v100"))
        node = dict(kind="node", name="%s[1-%d]" % (name, r.randint(1, 3)),
                    cpus=gpus * r.choice((1, 2, 3, 5, 12)) + r.randint(0, 2),
                    gres=r.choice(("gpu:%s:%d" % (kind, gpus),) * 3 + (
                        "gpu:%s:%d,nvme:1" % (kind, gpus), "nvme:2")),
                    features=r.choice(("ib", "ib,big", "big", "")),
                    partition=r.choice(("main", "main,debug")))
        if r.random() < 0.8:
            node["mem_mb"] = r.choice((64000, 256000, 500000 * gpus))
        nodes.append(node)
    nodes[0].update(gres="gpu:a100:2,nvme:1", partition="main,debug",
                    features="ib,big")
    nodes[1]["gres"] = "gpu:v100:%d" % r.choice((1, 4))
    most = sum(int(n["gres"].split(",")[0].split(":")[-1]) *
               int(n["name"][-2]) for n in nodes if "gpu" in n["gres"])
    with open("nodes", "w") as out:
        for node in nodes:
            out.write(json.dumps(node) + "\n")
    at = 0
    for i in range(r.randint(1, 60)):
        at += int(r.expovariate(1 / r.choice((300, 2000))))
        model, iter_s = r.choice(models[:5] + models[5:8] * 2)
        asks = r.choice(({}, {}, {"partition": "main"},
                         {"partition": "debug"}, {"gres": "gpu:a100:2"},
                         {"gres": "gpu:v100"}, {"gres": "gpu:1,nvme:1"},
                         {"constraint": "ib&big"}, {"constraint": "ib|big"},
                         {"partition": "main", "gres": "gpu:a100"}))
        gpus = r.choice((1, 2, 3, most)) if not asks else (
            2 if asks.get("gres") == "gpu:a100:2" else 1)
        job(job_id=i, submit_at=at, gpus=min(gpus, most), model=model,
            iters=max(1, int(60 * 10 ** r.uniform(0, 2.5) / iter_s)), **asks)


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


def choices(job, model, c):
    """(cores, GB, value) of all a job may choose."""
    g, fair = job["gpus"], [c["cpus"] / c["gpus"], c["dram"] / c["gpus"]]
    least = model.tput(job["n"], *fair)
    got = [(a, b, model.TPUT[job["n"]][i][k])
           for i, a in enumerate(model.CPUS) for k, b in enumerate(model.MEMS)]
    return sorted({(round(a * g, 3), round(b * g, 2), t)
                   for a, b, t in got if t >= least})


def most(sets, cpus, mem):
    """Of all combinations the largest value: those sums that no other beats."""
    sums = [(0, 0, 0)]
    for options in sets:
        new = sorted({(round(a + x, 3), round(b + y, 2), v + z)
                      for a, b, v in sums for x, y, z in options
                      if a + x <= cpus + 1e-6 and b + y <= mem + 1e-6},
                     key=lambda s: (s[0], s[1], -s[2]))
        sums = []
        for s in new:
            if not any(p[1] <= s[1] and p[2] >= s[2] for p in sums):
                sums.append(s)
    return max(s[2] for s in sums)


def opt():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    model = __import__("model-rounds")
    c = {}
    for line in open("cluster.ini"):
        if "=" in line:
            c[line.split("_")[0].strip()] = int(line.split("=")[1])
    jobs = {j["job_id"]: dict(j, n=model.NAMES.index(j["model"]), done=0)
            for j in records("jobs")}
    got = records("got")
    log = [r for r in got if r["kind"] == "round"]
    for r, after in zip(log, log[1:]):
        free, first = c["gpus"] * c["servers"], []
        for i in r["order"]:
            if jobs[i]["gpus"] <= free:
                first.append(jobs[i])
                free -= jobs[i]["gpus"]
        if {j["job_id"] for j in first} != {x["job_id"] for x in r["running"]}:
            sys.exit("%d: others run" % r["at"])
        value = sum(x["speedup"] for x in r["running"])
        best = most([choices(j, model, c) for j in first],
                    c["cpus"] * c["servers"], c["dram"] * c["servers"])
        if abs(value - best) > 1e-3:
            sys.exit("%d: %r, but %r is there" % (r["at"], value, best))
        for x in r["running"]:
            j = jobs[x["job_id"]]
            it = model.PROFILES.get(c["cpus"] / c["gpus"],
                                    model.PROFILES[3])[j["n"]][2]
            j["done"] += int(300 / (it / x["speedup"])) * (
                (after["at"] - r["at"]) // 300)
            j["ran"] = after["at"]
    for j in got:
        if j["kind"] == "job" and (j["end_at"] > jobs[j["job_id"]]["ran"] or
                                   jobs[j["job_id"]]["done"] < j["iters"]):
            sys.exit("job %d has not ended" % j["job_id"])


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
