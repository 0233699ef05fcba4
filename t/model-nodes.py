#!/usr/bin/env python3
"""Space sharing on a cluster of nodes once more: the policies of
model-sched.py, with other ideas of what fits and where.

	model-nodes.py DIR NODES JOBS SEED

makes a cluster, DIR/nodes.ndjson, of unlike nodes in two partitions, a
workload, DIR/jobs.ndjson, and what each policy does with it,
DIR/POLICY.nodes.want: "id start end nodes alloc" a line, in order of ends.

Whether a job fits at all is found by trying every set of nodes; the rule by
which nodes are chosen has to find a place whenever there is one.
"""
import importlib.util
import itertools
import json
import os
import random
import sys

spec = importlib.util.spec_from_file_location(
    "model_sched", os.path.join(os.path.dirname(__file__), "model-sched.py"))
sched = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sched)


def cluster(count, rng):
    nodes = []
    for i in range(count):
        gres = rng.choice(["", "", "gpu:a100:2", "gpu:v100:2,gpu:a100:1"])
        nodes.append({
            "kind": "node", "name": "n%d" % (i + 1),
            "cpus": rng.choice([1, 2, 4, 4, 8]),
            "mem_mb": rng.choice([1000, 2000, 4000]), "gres": gres,
            "features": rng.choice(["", "fast", "fast,big"]),
            "partition": rng.choice(["main", "main", "main,debug"]),
            "weight": rng.choice([1, 1, 1, 2])})
    nodes[0].update(cpus=4, mem_mb=4000, gres="gpu:a100:2",
                    features="fast,big", partition="main,debug")
    return nodes


class Need:
    def __init__(self, rec, nodes):
        self.cpus, self.nodes = rec["cpus"], rec.get("node_count", 0)
        self.partition = rec.get("partition", "main")
        self.words = rec.get("constraint", "")
        self.whole = rec.get("exclusive", False)
        self.per_node, self.spread, self.gres = 0, 0, []
        self.even = "ntasks_per_node" in rec
        if self.nodes:
            self.cpus = max(self.cpus, self.nodes)
            self.even = self.even and self.cpus % self.nodes == 0
        for word in filter(None, rec.get("gres", "").split(",")):
            name, _, n = word.rpartition(":")
            self.gres.append((name, int(n)))
        self.gres.sort(key=lambda g: ":" not in g[0])
        if "gpus" in rec and not self.gres:
            most = max((sum(v for k, v in n.gres.items()) for n in nodes
                        if n.suits(self)), default=0)
            if not self.nodes:
                self.nodes = -(-rec["gpus"] // max(most, 1))
            self.gres = [("gpu", -(-rec["gpus"] // self.nodes))]
        mem = rec.get("mem_mb", 0)
        if self.nodes:
            self.per_node = -(-mem // self.nodes)
        else:
            self.spread = mem       # over its CPUs

    def mem(self, cpus):
        return self.per_node - (-self.spread * cpus // self.cpus)


class Node:
    def __init__(self, rec, place):
        self.place, self.name = place, rec["name"]
        self.cpus, self.mem = rec["cpus"], rec["mem_mb"]
        self.weight = rec["weight"]
        self.partitions = rec["partition"].split(",")
        self.features = rec["features"].split(",")
        self.gres = {}
        for word in filter(None, rec["gres"].split(",")):
            name, _, n = word.rpartition(":")
            self.gres[name] = int(n)

    offered = 0     # GPUs, to the job that policy slurm looked at last

    def heaviness(self):
        return self.weight, -self.offered

    def suits(self, need):
        if need.partition not in self.partitions:
            return False
        if "|" in need.words:
            return any(w in self.features for w in need.words.split("|"))
        return all(w in self.features
                   for w in need.words.split("&") if w)


class Left:
    """What is left of a node."""
    def __init__(self, node, order):
        self.node, self.cpus, self.mem = node, node.cpus, node.mem
        self.gres = {k: node.gres.get(k, 0) for k in order}

    def take(self, part):
        self.cpus -= part.cpus
        self.mem -= part.mem
        for k, v in part.gres.items():
            self.gres[k] -= v

    def least(self, other):
        self.cpus = min(self.cpus, other.cpus)
        self.mem = min(self.mem, other.mem)
        self.gres = {k: min(v, other.gres[k]) for k, v in self.gres.items()}

    def whole(self):
        n = self.node
        return (self.cpus == n.cpus and self.mem == n.mem and
                all(v == n.gres.get(k, 0) for k, v in self.gres.items()))

    def pick_gres(self, need):
        left, got = dict(self.gres), {}
        for name, count in need.gres:
            for kind in left:
                if kind != name and not kind.startswith(name + ":"):
                    continue
                n = min(left[kind], count)
                left[kind] -= n
                got[kind] = got.get(kind, 0) + n
                count -= n
            if count:
                return None
        return got

    def could_give(self, need):
        if not self.node.suits(need) or (need.whole and not self.whole()):
            return 0
        if self.pick_gres(need) is None or need.per_node > self.mem:
            return 0
        cpus = self.cpus
        if need.spread:
            cpus = min(cpus, self.mem * need.cpus // need.spread)
        if need.even:
            each = need.cpus // need.nodes
            return each if cpus >= each else 0
        if need.gres and not need.whole and 1 in (need.nodes, need.cpus):
            return need.cpus if cpus >= need.cpus else 0
        return cpus


class Part:
    def __init__(self, left, need, cpus):
        self.node = left.node
        if need.whole:
            self.cpus, self.mem = left.cpus, left.mem
            self.gres = dict(left.gres)
        else:
            self.cpus = cpus
            self.mem = need.mem(cpus)
            self.gres = left.pick_gres(need)


def possible(can, need):
    """By trying every set of nodes."""
    nodes = [c for c in can.values() if c > 0]
    if not need.nodes:
        return sum(nodes) >= need.cpus
    return any(sum(s) >= need.cpus
               for s in itertools.combinations(nodes, need.nodes))


def runs_of(can, lefts):
    runs, last = [], None
    for i, left in enumerate(lefts):
        if not can.get(i):
            last = None
        elif last == left.node.heaviness():
            runs[-1].append(i)
        else:
            runs.append([i])
            last = left.node.heaviness()
    return runs


def by_runs(can, lefts, need):
    """The choice of select/cons_tres: {place: cpus}, or None."""
    runs, got = runs_of(can, lefts), {}
    want, nodes = need.cpus, max(need.nodes, 1)
    room = need.nodes or len(lefts)

    def value(run):
        have = sum(can[i] for i in run)
        enough = have >= want and len(run) >= nodes
        return (lefts[run[0]].node.heaviness(), not enough,
                have if enough else -have)

    while runs and room and (want > 0 or nodes > 0):
        run = min(runs, key=value)
        runs.remove(run)
        order = list(run)
        if nodes <= 1 and any(can[i] >= want for i in run):
            order = [min((i for i in run if can[i] >= want),
                         key=lambda i: can[i])]
        for i in order:
            if not room or (want <= 0 and nodes <= 0):
                break
            if room == 1 and need.nodes and can[i] < want:
                continue
            got[i] = min(can[i], max(want - max(nodes - 1, 0), 1))
            want -= got[i]
            nodes -= 1
            room -= 1
    return got if want <= 0 and nodes <= 0 else None


def place(lefts, need):
    can = {i: left.could_give(need) for i, left in enumerate(lefts)}
    got = by_runs(can, lefts, need)
    if got is None and need.nodes > 1:
        for out in range(1, max(can.values(), default=0)):
            some = {i: c for i, c in can.items() if c > out}
            got = by_runs(some, lefts, need)
            if got is not None:
                break
        else:
            best = sorted(can, key=lambda i: (-can[i], i))[:need.nodes]
            if all(can[i] for i in best) and \
               sum(can[i] for i in best) >= need.cpus and \
               len(best) == need.nodes:
                got, want = {}, need.cpus
                for k, i in enumerate(sorted(best)):
                    rest = need.nodes - 1 - k
                    got[i] = min(can[i], max(want - rest, 1))
                    want -= got[i]
    assert (got is not None) == possible(can, need), (can, vars(need))
    if got is None:
        return None
    return [Part(lefts[i], need, got[i]) for i in sorted(got)]


class Model(sched.Model):
    def __init__(self, jobs, nodes, policy):
        super().__init__(jobs, 0, policy, "batch")
        self.nodes = [Node(n, i) for i, n in enumerate(nodes)]
        self.order = []
        for node in self.nodes:
            self.order += [k for k in node.gres if k not in self.order]
        for j, rec in zip(self.jobs, jobs):
            j.need = Need(rec, self.nodes)

    def left(self, holds):
        lefts = [Left(n, self.order) for n in self.nodes]
        for h in holds:
            for part in h.ids:
                lefts[part.node.place].take(part)
        return lefts

    def fit(self, j, at, holds):
        there = self.overlapping(at, j.limit, holds)
        least = None
        for t in [at] + sorted(h.start for h in there if h.start > at):
            now = self.left([h for h in there if h.start <= t < h.until])
            if least is None:
                least = now
            for a, b in zip(least, now):
                a.least(b)
        return place(least, j.need)

    def pass_easy(self, key):
        while self.waiting and self.start_if_it_fits(self.waiting[0]):
            pass
        if not self.waiting:
            return
        head = self.waiting[0]
        for shadow in sorted({r.until for r in self.running}):
            rest = [r for r in self.running if r.until > shadow]
            if place(self.left(rest), head.need) is not None:
                break
        for j in sorted(self.waiting[1:], key=key):
            parts = place(self.left(self.running), j.need)
            if parts is None:
                continue
            j.ids = parts
            if self.now + j.limit > shadow:
                rest = [r for r in self.running if r.until > shadow] + [j]
                if place(self.left(rest), head.need) is None:
                    continue
            self.run_now(j)


def workload(count, nodes, rng):
    jobs = sched.workload(64, count, rng.randrange(1 << 30))
    model = [Node(n, i) for i, n in enumerate(nodes)]
    order = sorted({k for n in model for k in n.gres})
    out = []
    for rec in jobs:
        while True:
            rec = {k: rec[k] for k in ("kind", "job_id", "submit_at",
                                       "run_s", "limit_s")}
            rec["cpus"] = rng.choice([1, 1, 2, 3, 4, 5, 6, 9])
            if rng.random() < .4:
                rec["node_count"] = rng.choice([1, 1, 2, 2, 3])
                if rng.random() < .3:
                    rec["ntasks_per_node"] = 1
            if rng.random() < .5:
                rec["mem_mb"] = rng.choice([100, 900, 1500, 3000])
            if rng.random() < .3:
                rec["partition"] = rng.choice(["main", "debug"])
            if rng.random() < .2:
                rec["constraint"] = rng.choice(["fast", "fast&big",
                                                "big|fast"])
            if rng.random() < .15:
                rec["exclusive"] = True
            if rng.random() < .2:
                rec["gres"] = rng.choice(["gpu:1", "gpu:a100:1",
                                          "gpu:1,gpu:a100:1"])
            elif rng.random() < .1:
                rec["gpus"] = rng.choice([1, 2, 3, 4])
            if place([Left(n, order) for n in model],
                     Need(rec, model)) is not None:
                break
        out.append(rec)
    return out


def hosts(parts):
    return sched.ranges(p.node.place + 1 for p in parts)


def alloc(parts):
    return ",".join("%d(x%d)" % (c, n) if n > 1 else "%d" % c for c, n in
                    ((c, len(list(g))) for c, g in
                     itertools.groupby(p.cpus for p in parts)))


def main():
    where, (count, length, seed) = sys.argv[1], map(int, sys.argv[2:])
    rng = random.Random(seed)
    nodes = cluster(count, rng)
    jobs = workload(length, nodes, rng)
    with open(os.path.join(where, "nodes.ndjson"), "w") as out:
        out.write('{"kind":"partition","name":"main","default":true}\n')
        for rec in nodes:
            out.write(json.dumps(rec) + "\n")
    with open(os.path.join(where, "jobs.ndjson"), "w") as out:
        for rec in jobs:
            out.write(json.dumps(rec) + "\n")
    for policy in sched.POLICIES:
        ended = Model(jobs, nodes, policy).go()
        with open(os.path.join(where, policy + ".nodes.want"), "w") as out:
            for j in ended:
                names = hosts(j.ids)
                if len(j.ids) > 1:
                    names = "[%s]" % names
                out.write("\t".join(map(str, [
                    j.id, j.start, j.start + j.run, "n" + names,
                    alloc(j.ids)])) + "\n")


if __name__ == "__main__":
    main()
