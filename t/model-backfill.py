#!/usr/bin/env python3
"""Policy slurm once more, on the nodes of model-nodes.py: priorities, main pass
and backfill, said as plainly as they can be, with everything found anew each
time.

	model-backfill.py DIR NODES JOBS SEED

makes DIR/slurm.conf, DIR/shares.ndjson, DIR/jobs.ndjson and DIR/slurm.want:
"id start end nodes alloc" a line, in order of ends.
"""
import importlib.util
import json
import os
import random
import sys

spec = importlib.util.spec_from_file_location(
    "model_nodes", os.path.join(os.path.dirname(__file__), "model-nodes.py"))
nodes_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nodes_)
sched = nodes_.sched

USERS = [("a", "physics"), ("b", "physics"), ("c", "chem"), ("d", "lab"),
         ("e", None)]
TREE = {"physics": ("root", 3), "chem": ("root", 1), "lab": ("chem", 2)}


def configuration(rng):
    conf = {"interval": rng.choice([1, 3, 30]),
            "resolution": rng.choice([1, 5, 60]),
            "window": rng.choice([1, 1440]),
            "test": rng.choice([3, 500]), "start": rng.choice([0, 0, 1]),
            "user": rng.choice([0, 0, 2]),
            "defer": rng.random() < .4,
            "backfill": rng.random() < .85,
            "complete": rng.choice([0, 0, 1, 7]),
            "multifactor": rng.random() < .8,
            "fair_tree": rng.random() < .6,
            "small": rng.random() < .3, "relative": rng.random() < .3,
            "accrue": rng.random() < .5,
            "calc": rng.choice([60, 300]), "half": rng.choice([0, 60, 600]),
            "max_age": rng.choice([60, 3600])}
    for name in "age", "share", "size", "part", "qos":
        conf["w_" + name] = rng.choice([0, 100, 1000, 100000])
    return conf


def write_conf(conf, nodes, out):
    flags = [word for word, yes in (
        ("NO_FAIR_TREE", not conf["fair_tree"]),
        ("SMALL_RELATIVE_TO_TIME", conf["relative"]),
        ("ACCRUE_ALWAYS", conf["accrue"])) if yes]
    print("ClusterName=x  # a comment", file=out)
    print("SchedulerType=sched/" + ("backfill" if conf["backfill"]
                                    else "builtin"), file=out)
    print("SchedulerParameters=bf_interval=%(interval)d,bf_resolution="
          "%(resolution)d,bf_window=%(window)d,\\\nbf_max_job_test=%(test)d,"
          "bf_max_job_start=%(start)d,bf_max_job_user=%(user)d" % conf +
          ",defer" * conf["defer"], file=out)
    print("SelectType=select/cons_tres SelectTypeParameters=CR_CPU_Memory",
          file=out)
    print("PriorityType=priority/" + ("multifactor" if conf["multifactor"]
                                      else "basic"), file=out)
    for key, name in (("age", "Age"), ("share", "Fairshare"),
                      ("size", "JobSize"), ("part", "Partition"),
                      ("qos", "QOS")):
        print("PriorityWeight%s=%d" % (name, conf["w_" + key]), file=out)
    print("PriorityCalcPeriod=%d" % (conf["calc"] // 60), file=out)
    print("PriorityDecayHalfLife=%d" % (conf["half"] // 60), file=out)
    print("PriorityMaxAge=%d" % (conf["max_age"] // 60), file=out)
    print("PriorityFavorSmall=%s" % ("YES" if conf["small"] else "NO"),
          file=out)
    if flags:
        print("PriorityFlags=" + ",".join(flags), file=out)
    for n in nodes:
        print("NodeName=%s CPUs=%d RealMemory=%d Weight=%d%s%s" % (
            n["name"], n["cpus"], n["mem_mb"], n["weight"],
            " Gres=" + n["gres"] if n["gres"] else "",
            " Feature=" + n["features"] if n["features"] else ""), file=out)
    print("PartitionName=DEFAULT MaxTime=INFINITE State=UP", file=out)
    for name, tier, factor in (("main", 1, 1), ("debug", 2, 4)):
        print("PartitionName=%s Nodes=%s PriorityTier=%d PriorityJobFactor=%d"
              "%s" % (name, ",".join(n["name"] for n in nodes
                                     if name in n["partition"].split(",")),
                      tier, factor, " Default=YES" * (name == "main")),
              file=out)


def dress(jobs, rng):
    for i, rec in enumerate(jobs):
        rec["user"], account = rng.choice(USERS)
        if account:
            rec["account"] = account
        rec["name"] = rng.choice(["x", "y"])
        if rng.random() < .3:
            rec["qos"] = rng.choice(["high", "low"])
        if rng.random() < .2:
            rec["nice"] = rng.choice([-50, 10, 1000])
        if rng.random() < .05:
            rec["priority"] = rng.choice([1, 10 ** 9])
        if i and rng.random() < .25:
            ids = [str(r["job_id"]) for r in rng.choices(jobs[:i], k=2)]
            rec["dependency"] = rng.choice([
                "afterok:" + ids[0], "afterany:" + ":".join(ids),
                "after:%s+1" % ids[0], "singleton", "after:" + ids[1],
                "afterany:%s?after:%s" % tuple(ids)])
    return jobs


class Shares:
    def __init__(self, half):
        self.used, self.half = {}, half
        self.parent = {k: v[0] for k, v in TREE.items()}
        self.share = {k: v[1] for k, v in TREE.items()}
        self.users = []
        self.factor = {}

    def user(self, name, account):
        key = (account or "root", name)
        if key not in self.users:
            self.users.append(key)
            self.parent[key] = account or "root"
            self.share[key] = 1
        return key

    def kept(self, span):
        if self.half == 0:
            return 1.0
        return (1 - .693 / self.half) ** span

    def use(self, key, amount):
        while key is not None:
            self.used[key] = self.used.get(key, 0) + amount
            key = self.parent.get(key)

    def children(self, of):
        return [k for k in self.parent if self.parent[k] == of]

    def level(self, key):
        up = self.parent[key]
        all_ = self.used.get(up, 0)
        u = self.used.get(key, 0) / all_ if all_ else 0
        norm = self.share[key] / sum(self.share[k] for k in self.children(up))
        # to nine digits: what is equal must be so in any order of adding up
        return float("inf") if u == 0 else float("%.9g" % (norm / u))

    def fair_tree(self):
        """Ranks by the path of levels from the root: nobody is compared with
        the children of others but where accounts are equal."""
        groups = [["root"]]             # accounts that are equal
        out = []                        # users, equal ones together

        def expand(group, tied):
            kids = [k for g in group for k in self.children(g)]
            for level in sorted({self.level(k) for k in kids}, reverse=True):
                same = [k for k in kids if self.level(k) == level]
                people = [k for k in same if k in self.users]
                if people:
                    if tied and out:
                        out[-1] += people
                    else:
                        out.append(people)
                    tied = True
                accounts = [k for k in same if k not in self.users]
                if accounts:
                    expand(accounts, tied)
                tied = False

        expand(groups[0], False)
        rank, n = len(self.users), len(self.users)
        for people in out:
            for k in people:
                self.factor[k] = rank / n
            rank -= len(people)

    def classic(self):
        root = self.used.get("root", 0)

        def of(key):
            if key == "root":
                return 1.0, 0.0
            norm, eff = of(self.parent[key])
            part = self.share[key] / sum(
                self.share[k] for k in self.children(self.parent[key]))
            used = self.used.get(key, 0) / root if root else 0
            mine = used if self.parent[key] == "root" else \
                used + (eff - used) * part
            return norm * part, mine

        for key in self.users:
            norm, eff = of(key)
            self.factor[key] = 2 ** (-eff / norm)


class Model(nodes_.Model):
    def __init__(self, jobs, nodes, conf):
        super().__init__(jobs, nodes, "slurm")
        self.conf, self.shares = conf, Shares(conf["half"])
        self.lowest = 4294901760
        self.by_id = {}
        for j, rec in zip(self.jobs, jobs):
            j.rec, j.eligible = rec, None
            j.share = self.shares.user(rec["user"], rec.get("account"))
            self.by_id[j.id] = j
        self.t0 = jobs[0]["submit_at"]
        self.last_calc, self.next_calc = self.t0, self.t0
        self.last_fill, self.fill_at, self.late = self.t0, None, None
        self.seen = self.t0
        self.all = sum(n.cpus for n in self.nodes)

    # ---- priorities

    def factors(self, j):
        c, rec = self.conf, j.rec
        since = j.submit if c["accrue"] else j.eligible
        age = min((self.now - since) / c["max_age"], 1)
        cpus, n = j.need.cpus, max(j.need.nodes, 1)
        count = len(self.nodes)
        if c["relative"]:
            size = max(n * self.all / count, cpus) / (j.limit / 60) / self.all
            size = 1 - size if c["small"] else size
        elif c["small"]:
            size = ((count - n) / count + (self.all - cpus) / self.all) / 2
        else:
            size = (n / count + cpus / self.all) / 2
        size = min(max(size, 0), 1)
        part = {"main": 1, "debug": 4}[rec.get("partition", "main")] / 4
        qos = {"high": 1, "low": .1}.get(rec.get("qos"), 0)
        return (age * c["w_age"] + self.shares.factor[j.share] * c["w_share"]
                + size * c["w_size"] + part * c["w_part"] + qos * c["w_qos"]
                - rec.get("nice", 0))

    def prioritise(self, j):
        if "priority" in j.rec:
            j.priority = j.rec["priority"]
        elif self.conf["multifactor"]:
            # what lies within a rounding error of a whole number is it
            x = self.factors(j)
            j.priority = max(1, int(round(x) if abs(x - round(x)) < 1e-6
                                    else x))

    def calculate(self):
        s = self.shares
        kept = s.kept(self.now - self.last_calc)
        s.used = {k: v * kept for k, v in s.used.items()}
        for j in self.ended + self.running:
            end = min(j.start + j.run, self.now)
            span = end - max(self.last_calc, j.start)
            if span > 0:
                cpus = sum(p.cpus for p in j.ids)
                s.use(j.share, span * cpus * s.kept(span))
        (s.fair_tree if self.conf["fair_tree"] else s.classic)()
        self.last_calc = self.now
        while self.next_calc <= self.now:
            self.next_calc += self.conf["calc"]
        for j in self.queue():
            self.prioritise(j)

    def tier(self, j):
        return {"main": 1, "debug": 2}[j.rec.get("partition", "main")]

    def queue(self):
        return sorted((j for j in self.waiting if j.eligible is not None),
                      key=lambda j: (-self.tier(j), -j.priority, j.place))

    # ---- dependencies

    def met(self, j, word):
        kind, _, rest = word.partition(":")
        if kind == "singleton":
            return all(k in self.ended and self.gone(k) <= self.now for k in self.jobs[:j.place]
                       if (k.rec["user"], k.rec["name"]) ==
                       (j.rec["user"], j.rec["name"]))
        for one in rest.split(":"):
            jid, _, plus = one.partition("+")
            on = self.by_id[int(jid)]
            if kind == "after":
                at = on.start if on.running else None
                if at is None or at + 60 * int(plus or 0) > self.now:
                    return False
            elif on not in self.ended or self.gone(on) > self.now:
                return False
        return True

    def free(self, j):
        words = j.rec.get("dependency")
        if not words:
            return True
        if "?" in words:
            return any(self.met(j, w) for w in words.split("?"))
        return self.met(j, words)

    # ---- what GPUs a node offers, to whoever is looked at

    def offer(self, j, lefts, off=()):
        gpus = sum(n for name, n in j.need.gres
                   if name.split(":")[0] == "gpu")
        for left in lefts:
            if gpus and left.node.place not in off and \
               left.node.suits(j.need) and \
               left.pick_gres(j.need) is not None and \
               j.need.mem(1) <= left.mem:
                left.node.offered = gpus

    def forget(self, j, off=()):
        for n in self.nodes:
            if n.place not in off and n.suits(j.need):
                n.offered = 0

    # ---- passes

    def main_pass(self):
        off, parts = self.completing(), set()
        for j in self.queue():
            name = j.need.partition
            if name in parts:
                continue
            self.forget(j)
            self.offer(j, self.left(self.running))
            got = self.where(j, off, self.running)
            if got is None:
                self.offer(j, self.left([]))
                parts.add(name)
                off |= {n.place for n in self.nodes if name in n.partitions}
            else:
                j.ids = got
                self.run_now(j)

    def where(self, j, off, holds):
        lefts = self.left(holds)
        for i in off:
            lefts[i].cpus = 0
        return nodes_.place(lefts, j.need)

    def earliest(self, j, off):
        self.offer(j, self.left(self.running), off)
        got = self.where(j, off, self.running)
        if got is not None:
            return self.now, got
        todo = sorted(self.running, key=lambda r: (r.until, r.place))
        span, barrier = 30, None
        while todo:
            batch = []
            while todo:
                r = todo.pop(0)
                if all(p.node.place in off for p in r.ids):
                    continue
                if barrier is None:
                    barrier = r.until + span - r.until % span
                batch.append(r)
                if todo and todo[0].until > barrier + span:
                    break
            if not batch:
                break
            span *= 2
            while todo and todo[0].until > barrier + span:
                span *= 2
            holds = [r for r in self.running if r in todo or
                     all(p.node.place in off for p in r.ids)]
            self.offer(j, self.left(holds), off)
            got = self.where(j, off, holds)
            if got is not None:
                return max(batch[-1].until, self.now + 1), got
        return None, None

    def gain(self, kept, j, at, edge):
        """Whether from edge on the job could have a node that it cannot at
        some time from at to then."""
        def off(a, b):
            return {n for x, y, ns in kept for n in ns if x < b and y > a}
        mine = {n.place for n in self.nodes
                if j.need.partition in n.partitions}
        return bool(mine & (off(at, edge) - off(edge, edge + 1)))

    @staticmethod
    def reserve(kept, a, b, nodes):
        """One more. Then two steps that are alike become one, the first such
        pair from the step before the one that a cuts to the one at b."""
        for at in a, b:
            for i, (x, y, ns) in enumerate(kept):
                if x < at < y:
                    kept[i:i + 1] = [(x, at, ns), (at, y, ns)]
                    break
        kept[:] = [(x, y, ns | nodes if a <= x < b else ns)
                   for x, y, ns in kept]
        first = next(i for i, k in enumerate(kept) if k[0] == a)
        for i in range(max(first - 2, 0), len(kept) - 1):
            if kept[i][0] >= b:
                break
            if kept[i][2] == kept[i + 1][2]:
                kept[i:i + 2] = [(kept[i][0], kept[i + 1][1], kept[i][2])]
                break

    def backfill(self):
        c = self.conf
        end = self.now + c["window"] * 60
        kept, tries, starts = [(self.now, end, set())], {}, 0
        unit = c["resolution"]
        for j in self.queue()[:c["test"]]:
            tries[j.share] = tries.get(j.share, 0) + 1
            if c["user"] and tries[j.share] > c["user"]:
                continue
            at = self.now
            edges = sorted({e for k in kept for e in k[:2]
                            if self.now < e < end})
            while True:
                off = {n for a, b, ns in kept for n in ns
                       if a <= at + j.limit and b > at} | {
                           n.place for n in self.nodes
                           if j.need.partition not in n.partitions}
                points = [self.now] + edges
                later = next((e for i, e in enumerate(edges) if e > at and
                              (not i or points[i - 1] <= at + j.limit) and
                              self.gain(kept, j, at, e)), None)
                when, got = self.earliest(j, off)
                if when is not None:
                    when = max(when, at)
                if when == self.now:
                    self.forget(j, off)
                    self.offer(j, self.left(self.running), off)
                    if not self.completing() & {p.node.place for p in got}:
                        got = self.where(j, off | self.completing(),
                                         self.running)
                        break
                    when, later = self.now + 1, None
                if later is not None and (when is None or when > later):
                    at = later
                    continue
                if when is not None and at < when <= end:
                    a = when // unit * unit
                    b = (when + j.limit) // unit * unit
                    mine = {p.node.place for p in got}
                    if any(x < b and y > a and mine & ns
                           for x, y, ns in kept):
                        at = when
                        continue
                break
            if when == self.now:
                j.ids = got
                self.run_now(j)
                starts += 1
                if c["start"] and starts >= c["start"]:
                    break
            elif when is not None and when <= end:
                a = max(when // unit * unit, self.now)
                b = max((when + j.limit) // unit * unit,
                        max(when, self.now) // unit * unit + unit)
                b = min(b, end)
                if a < b:
                    self.reserve(kept, a, b, {p.node.place for p in got})

    # ---- time

    def gone(self, j):
        return j.start + j.run + self.conf["complete"]

    def completing(self):
        return {p.node.place for j in self.ended for p in j.ids
                if self.gone(j) > self.now}

    def release(self):
        changed = False
        for j in self.waiting:
            if j.eligible is None and self.free(j):
                j.eligible = self.now
                self.prioritise(j)
                changed = True
        return changed

    def notice(self):
        changed = False
        if self.conf["multifactor"] and self.next_calc <= self.now:
            self.calculate()
            changed = True
        return self.release() or changed

    def instant(self, new):
        changed = False
        # also who was gone when nobody waited for that
        changed |= any(self.seen < self.gone(j) <= self.now
                       for j in self.ended)
        self.seen = self.now
        for j in [j for j in self.running if j.start + j.run == self.now]:
            self.end(j)
            changed = True
        for j in new:
            self.lowest -= 1
            j.priority = self.lowest - j.rec.get("nice", 0)
            self.waiting.append(j)
            self.forget(j)
            self.offer(j, self.left([]))
            if not self.conf["defer"]:
                changed |= self.notice()
                self.main_pass()
        changed |= self.notice()
        every = self.conf["interval"]
        if changed and self.conf["backfill"] and \
           (self.fill_at is None or self.fill_at < self.now):
            gap = self.now - self.last_fill
            self.fill_at = self.last_fill + every * max(-(-gap // every), 1)
        if self.fill_at is not None and self.fill_at <= self.now:
            if self.queue():
                self.backfill()
            self.last_fill, self.fill_at = self.now, None
            self.release()
        self.main_pass()
        # who has started changes plans, and who waited for that is seen then
        self.late = None
        if any(j.start == self.now for j in self.running + self.ended):
            gap = self.now - self.last_fill
            after = self.last_fill + every * max(-(-gap // every), 1)
            if self.conf["backfill"] and self.fill_at is None:
                self.fill_at = after
            if any(j.eligible is None and self.free(j)
                   for j in self.waiting):
                self.late = after

    def next_instant(self, todo):
        out = [j.submit for j in todo[:1]]
        out += [j.start + j.run for j in self.running]
        if self.waiting:
            out += [self.gone(j) for j in self.ended
                    if self.gone(j) > self.now]
        if self.queue() and self.fill_at is not None:
            out.append(self.fill_at)
        if self.conf["multifactor"] and (
                self.waiting or self.running or
                any(j.start + j.run > self.last_calc for j in self.ended)):
            out.append(self.next_calc)
        for j in self.waiting:
            for word in (j.rec.get("dependency") or "").split("?"):
                if word.startswith("after:") and j.eligible is None:
                    for one in word.split(":")[1:]:
                        jid, _, plus = one.partition("+")
                        on = self.by_id[int(jid)]
                        if on.running:
                            at = on.start + 60 * int(plus or 0)
                            out += [at] if at > self.now else []
        if self.late is not None:
            out.append(self.late)
        return min(out)

    def go(self):
        todo = list(self.jobs)
        while todo or self.running or self.waiting:
            self.now = self.next_instant(todo)
            new = [j for j in todo if j.submit == self.now]
            todo = todo[len(new):]
            self.instant(new)
        return self.ended


def main():
    where, (count, length, seed) = sys.argv[1], map(int, sys.argv[2:])
    rng = random.Random(seed)
    nodes = nodes_.cluster(count, rng)
    jobs = dress(nodes_.workload(length, nodes, rng), rng)
    conf = configuration(rng)
    with open(os.path.join(where, "cluster"), "w") as out:
        write_conf(conf, nodes, out)
        for account, (parent, shares) in TREE.items():
            print(json.dumps({"kind": "share", "account": account,
                              "parent": parent, "shares": shares}), file=out)
        print('{"kind":"cluster","complete_s":%d}' % conf["complete"],
              file=out)
        print('{"kind":"qos","name":"high","priority":100}\n'
              '{"kind":"qos","name":"low","priority":10}', file=out)
    with open(os.path.join(where, "jobs.ndjson"), "w") as out:
        for rec in jobs:
            out.write(json.dumps(rec) + "\n")
    ended = Model(jobs, nodes, conf).go()
    with open(os.path.join(where, "slurm.want"), "w") as out:
        for j in ended:
            names = nodes_.hosts(j.ids)
            if len(j.ids) > 1:
                names = "[%s]" % names
            print(j.id, j.start, j.start + j.run, "n" + names,
                  nodes_.alloc(j.ids), sep="\t", file=out)


if __name__ == "__main__":
    main()
