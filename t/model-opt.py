#!/usr/bin/env python3
"""Whether `opt` of the corrected form is the best there is: all sums that the
first jobs can come to are made, one GPU after the other, and none is left out
but those that another one beats in everything.

	model-opt.py nodes SEED...	nodes that differ (nodes.SEED), and jobs,
					some for certain ones (jobs.SEED)
	model-opt.py check NAME...	the rounds of got.NAME, of the cluster
					nodes.NAME and jobs.NAME: how many there
					were, and how many had less than the
					best, as they may where servers that are
					alike are taken as one
"""
import importlib
import itertools
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
model = importlib.import_module("model-rounds")


def nodes(seed):
    r = random.Random(int(seed))
    some, names = r.randint(2, 3), "abc"
    with open("nodes." + seed, "w") as out:
        for name in names[:some]:
            gpus = r.randint(1, 3)
            out.write(json.dumps(dict(
                kind="node", name=name + "[1-1]", gres="gpu:%s:%d" % (
                    name, gpus), mem_mb=r.choice((64000, 200000, 256000)) *
                gpus, cpus=gpus * r.choice((2, 3, 4, 9)) + r.randint(0, 3),
                partition="main", features=r.choice(("ib", "")))) + "\n")
        out.write('{"kind":"node","name":"d[1-1]","cpus":7,"partition":'
                  '"main","gres":"gpu:a:1","features":"ib","mem_mb":64000}\n')
    at, jobs = 0, open("jobs." + seed, "w")
    for i in range(12):
        at += r.choice((0, 0, 100, 700))
        asks = r.choice(({}, {}, {}, {"gres": "gpu:a"}, {"gres": "gpu:b"},
                         {"constraint": "ib"}))
        print(json.dumps(dict(
            kind="job", job_id=i, submit_at=at,
            gpus=1 if asks else r.choice((1, 1, 2, 3)),
            model=r.choice(model.NAMES), iters=r.randint(500, 6000), **asks)),
              file=jobs)


def pools_of(c, jobs):
    """Servers that are alike and for the same jobs: [servers]."""
    pools = {}
    for s in range(c.n):
        key = (tuple(c.servers[s].cap),
               tuple(s in j.where for j in jobs.values()))
        pools.setdefault(key, []).append(s)
    return list(pools.values())


def choices(c, j, s):
    """{(speed, cores, GB)} of one GPU of a job on a server."""
    on = c.servers[s]
    together, fair = min(j.g, on.g), model.tput(j.model, *on.fair[1:3])
    norm = model.tput(j.model, *c.fair[1:3])
    least, speed = j.least[s]
    got = {(speed, least[1] / j.g, least[2] / j.g)}
    for a, b in itertools.product(model.CPUS, model.MEMS):
        speed = model.tput(j.model, a, b)
        if speed >= fair and a * together <= on.cap[1] and \
                b * together <= on.cap[2]:
            got.add((speed / norm, a, b))
    return got


def better(sums):
    """(left of each thing of each pool): value, but those that one beats."""
    kept = {}
    for left, value in sorted(sums.items(), key=lambda x: (-x[1], -sum(x[0]))):
        rivals = kept.setdefault(left[::3], [])
        if not any(all(a >= b for a, b in zip(k, left)) for k in rivals):
            rivals.append(left)
            yield left, value


def one_gpu(sums, options):
    new = {}
    for left, value in sums.items():
        for at, cpus, mem in options:
            rest = list(left)
            rest[at] -= 1
            rest[at + 1] = round(rest[at + 1] - cpus, 6)
            rest[at + 2] = round(rest[at + 2] - mem, 6)
            if min(rest) > -1e-5:
                rest = tuple(rest)
                new[rest] = max(value, new.get(rest, -1))
    return dict(better(new))


def one_job(sums, c, j, pools):
    there = {3 * n: choices(c, j, pool[0]) for n, pool in enumerate(pools)
             if pool[0] in j.where}
    new = {}
    for speed in sorted({x[0] for got in there.values() for x in got}):
        some = {left: v + speed * j.g for left, v in sums.items()}
        options = []
        for at, got in there.items():
            fast = [x[1:] for x in got if x[0] >= speed]
            options += [(at, *x) for x in fast if not any(
                y != x and y[0] <= x[0] and y[1] <= x[1] for y in fast)]
        for _ in range(j.g):
            some = one_gpu(some, options)
        for left, v in some.items():
            new[left] = max(v, new.get(left, -1))
    return dict(better(new))


def most(c, jobs, pools):
    left = [sum(c.servers[s].cap[k] for s in pool)
            for pool in pools for k in range(3)]
    sums = {tuple(left): 0}
    for j in sorted(jobs, key=lambda j: len(j.where)):
        sums = one_job(sums, c, j, pools)
    return max(sums.values())


def have_room(c, jobs):
    """By the number of GPUs (Hall): no servers have too many jobs."""
    for n in range(1, 1 << c.n):
        some = {s for s in range(c.n) if n >> s & 1}
        if sum(j.g for j in jobs if set(j.where) <= some) > \
                sum(c.servers[s].g for s in some):
            return False
    return True


def check_iters(log, jobs, ended):
    for r, after in zip(log, log[1:]):
        for x in r["running"]:
            j = jobs[x["job_id"]]
            j.done += int(300 / (j.it / x["speedup"])) * (
                (after["at"] - r["at"]) // 300)
    for r in ended:
        j = jobs[r["job_id"]]
        assert j.total <= j.done, "job %d has not ended" % j.id


def check(name):
    model.Cluster.compat = False
    c = model.Cluster("nodes." + name)
    jobs = [model.Job(json.loads(line), c) for line in open("jobs." + name)]
    jobs = {j.id: j for j in jobs}
    pools, best = pools_of(c, jobs), {}
    got = [json.loads(line) for line in open("got." + name)]
    log = [r for r in got if r["kind"] == "round"]
    checked = below = 0
    for r in log[:-1]:
        first = []
        for i in r["order"]:
            if have_room(c, first + [jobs[i]]):
                first.append(jobs[i])
        ids = frozenset(j.id for j in first)
        assert ids == {x["job_id"] for x in r["running"]}, r
        if ids not in best:
            best[ids] = most(c, first, pools)
        value = sum(x["speedup"] * jobs[x["job_id"]].g for x in r["running"])
        assert value < best[ids] + 1e-3, (r["at"], value, best[ids])
        checked += 1
        below += value < best[ids] - 1e-3
    check_iters(log, jobs, [r for r in got if r["kind"] == "job"])
    return checked, below


if sys.argv[1] == "nodes":
    for word in sys.argv[2:]:
        nodes(word)
else:
    print(*map(sum, zip(*map(check, sys.argv[2:]))))
