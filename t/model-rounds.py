#!/usr/bin/env python3
"""The rounds of sched-sim again, the slow way: every GPU is an entry of a list,
every round starts from nothing, Python's own sort and heap do the ordering.

	model-rounds.py INI|NODES [--compat=synergy] [--static] [--rounds]
		[--window=A:B] [--exact] [--starve=S] [--queues=S,...]
		[--promote=N] POLICY... <jobs

It shares no structure with the program it is compared with, and reads and
writes the same records, those of each policy to want.POLICY. (opt is left to
rounds.py, for its solutions are not unique.)
"""
import configparser
import heapq
import json
import math
import sys

ROUND = 300
NAMES = ("alexnet res18 res50 mobilenet shufflenet gnmt transformer lstm m5 "
         "deepspeech").split()
# cores per GPU of the cluster: (cores, GB, seconds an iteration, speedup)
PROFILES = {
    3: [(12, 125, .6, 2.94), (9, 62.5, .64, 2.4), (4, 62.5, .78, 1.15),
        (6, 62.5, .71, 1.55), (12, 125, .615, 2.89), (1, 20, .12, 1),
        (1, 20, .67, 1), (1, 20, .011, 1), (6, 187.5, .6, 2.5),
        (3, 62.5, .757, 1)],
    4: [(12, 125, .48, 2.352), (9, 62.5, .5, 1.85), (4, 62.5, .68, 1),
        (6, 62.5, .55, 1.2), (12, 125, .492, 2.312), (1, 20, .12, 1),
        (1, 20, .67, 1), (1, 20, .011, 1), (6, 187.5, .5, 2.08),
        (3, 62.5, .757, 1)],
    5: [(12, 125, .392, 1.92), (9, 62.5, .41, 1.568), (4, 62.5, .68, 1),
        (6, 62.5, .47, 1.04), (12, 125, .401, 1.88), (1, 20, .12, 1),
        (1, 20, .67, 1), (1, 20, .011, 1), (6, 187.5, .42, 1.78),
        (3, 62.5, .757, 1)],
    6: [(24, 125, .34, 2.18), (9, 62.5, .365, 1.37), (4, 62.5, .68, 1),
        (6, 62.5, .458, 1), (24, 125, .351, 2.59), (1, 20, .12, 1),
        (1, 20, .67, 1), (1, 20, .011, 1), (6, 187.5, .3, 1),
        (3, 62.5, .757, 1)],
}


CPUS, MEMS = (1, 2, 3, 4, 5, 6, 9, 12, 24), (20.83, 62.5, 125, 187.5, 250)


def curve(*by_cpus):
    return [[.1, x, x, x, x] for x in by_cpus]


FLAT = [[1] * 5] * 9
STEEP = curve(.3, .66, 1, 1.25, 1.53, 1.75, 2)
TPUT = [STEEP + [[.1, 2, 2.94, 2.94, 2.94]] * 2,
        curve(.37, .72, 1, 1.3, 1.53, 1.75, 2.4, 2.4, 2.4),
        curve(.4, .74, 1, 1.15, 1.15, 1.15, 1.15, 1.15, 1.15),
        curve(.37, .72, 1, 1.3, 1.49, 1.55, 1.55, 1.55, 1.55),
        STEEP + [[.1, 2, 2.89, 2.89, 2.89]] * 2, FLAT, FLAT, FLAT,
        curve(.3, .66, 1, 1.2, 1.4) + [[.1, 1.5, 2, 2.5, 2.5]] * 4,
        curve(.3, .66, 1, 1, 1, 1, 1, 1, 1)]


def around(axis, x):
    x = min(max(x, axis[0]), axis[-1])
    i = max(i for i, a in enumerate(axis) if a <= x)
    if i == len(axis) - 1:
        return i, i, 0
    return i, i + 1, (x - axis[i]) / (axis[i + 1] - axis[i])


def tput(model, cpus, mem):
    """Speed over that with 3 cores and 62.5 GB, for each GPU."""
    t = TPUT[model]
    c, c2, f = around(CPUS, cpus)
    m, m2, h = around(MEMS, mem)
    low = t[c][m] + (t[c][m2] - t[c][m]) * h
    high = t[c2][m] + (t[c2][m2] - t[c2][m]) * h
    return min(1, cpus / 1) * (low + (high - low) * f)


class Server:
    """What a server has, and the words by which jobs ask for it."""

    def __init__(self, gpus, cpus, mem_gb, storage, node):
        self.g, self.cap = gpus, [gpus, cpus, mem_gb, storage]
        self.fair = [c / gpus for c in self.cap]
        self.slack = [0] + [0 if Cluster.compat else x * 1e-9
                            for x in self.cap[1:]]
        self.words = {key: set(node.get(key, "").split(",")) - {""}
                      for key in ("partition", "features")}
        self.gres = [g.split(":") for g in node.get("gres", "").split(",")]

    def is_for(self, rec):
        if rec.get("partition", "") not in self.words["partition"] | {""}:
            return False
        for ask in filter(None, rec.get("gres", "").split(",")):
            name, kind = (ask.split(":") + [""])[:2]
            if name == "gpu" and not kind.isdigit() and kind and any(
                    g[0] == "gpu" and g[1] != kind for g in self.gres):
                return False
            if name != "gpu" and not any(g[0] == name for g in self.gres):
                return False
        wanted = rec.get("constraint", "")
        if "|" in wanted:
            return bool(self.words["features"] & set(wanted.split("|")))
        return set(filter(None, wanted.split("&"))) <= self.words["features"]


class Cluster:
    compat = True

    def __init__(self, path):
        text = open(path).read()
        self.servers = list(self.of_nodes(text) if text[0] == "{" else
                            self.of_ini(text))
        self.n = len(self.servers)
        self.at = [s for s in range(self.n)          # of a GPU: its server
                   for _ in range(self.servers[s].g)]
        self.total = [sum(s.cap[k] for s in self.servers) for k in range(4)]
        self.fair = [t / len(self.at) for t in self.total]
        self.clear()

    @staticmethod
    def of_ini(text):
        ini = configparser.ConfigParser()
        ini.read_string(text)
        get = ini["CLUSTER"].getint
        for _ in range(get("servers_per_rack")):
            yield Server(get("gpus_per_server"), get("cpus_per_server"),
                         get("dram_per_server"), get("sspeed_per_server"), {})

    @staticmethod
    def of_nodes(text):
        for node in map(json.loads, text.splitlines()):
            gpus = sum(int(g.split(":")[-1]) for g in node["gres"].split(",")
                       if g.startswith("gpu"))
            first, last = node["name"][2:-1].split("-")
            for _ in range(int(first), int(last) + 1):
                if gpus:
                    yield Server(gpus, node["cpus"],
                                 node["mem_mb"] / 1024 if "mem_mb" in node
                                 else 250 * gpus, 62.5 * gpus, node)

    def clear(self):
        self.left = [list(s.cap) for s in self.servers]
        self.gpus = list(range(len(self.at)))       # the free ones
        self.on = [[] for _ in range(self.n)]       # jobs, in placing order

    def free_on(self, s):
        return [g for g in self.gpus if self.at[g] == s]

    def free_for(self, j):
        return [g for g in self.gpus if self.at[g] in j.where]

    def fits(self, s, want, held=0):
        return all(self.left[s][k] + self.servers[s].slack[k] -
                   held * want[k] >= want[k] for k in range(4))


class Job:
    def __init__(self, rec, c):
        self.rec, self.id, self.g = rec, rec["job_id"], rec["gpus"]
        self.at, self.total = rec["submit_at"], rec["iters"]
        self.model = NAMES.index(rec["model"])
        self.where = [s for s in range(c.n)
                      if c.compat or c.servers[s].is_for(rec)]
        self.need, self.least, self.fair = {}, {}, {}
        for s in self.where:
            self.need_of(c, s, *PROFILES.get(c.fair[1] if c.compat else 3,
                                             PROFILES[3])[self.model])
        self.own = max(sp for _, sp in self.need.values())
        self.most = [max(d[k] for d, _ in self.need.values())
                     for k in range(3)]
        self.sp, self.part = self.own, 0
        self.base = self.base_at = 0
        self.done = self.attained = self.prio = 0
        self.last = None                            # end of its last round
        self.start = self.end = None
        self.rounds = self.gaps = self.tuned = self.servers = 0

    def need_of(self, c, s, cpus, mem, it, own):
        """(amounts, speed) on one server: all it can use, the least, fair."""
        on, d = c.servers[s], [self.g, self.g * cpus, self.g * mem,
                               self.g * 62.5]
        fair, line = [f * self.g for f in on.fair], False
        if not c.compat:
            d = [self.g] + [min(d[k], self.g * (on.cap[k] / min(self.g, on.g)))
                            for k in (1, 2)] + [min(d[3], fair[3])]
            it = it / self.tput([f * self.g for f in c.fair])
            own = self.speed(c, d)
        self.it = it
        for k in (1, 2, 3) if c.compat else ():
            if d[k] > on.cap[k]:
                d[k], line = on.cap[k], True
                if self.g > on.g:
                    d[k], own, line = self.g * (on.cap[k] / on.g), 1, False
        if line:
            ideal, mine = self.g * cpus, self.g * (on.cap[1] / on.g)
            own = 1 + (own - 1) / (ideal - mine) * (d[1] - mine)
        self.need[s] = self.least[s] = d, own
        self.fair[s] = fair, 1 if c.compat else self.speed(c, fair)
        if any(d[k] > fair[k] for k in range(4)):
            self.least[s] = fair, 1
            if not c.compat:
                less = [min(x, y) for x, y in zip(d, fair)]
                self.least[s] = less, self.speed(c, less)

    def tput(self, have):
        return tput(self.model, have[1] / self.g, have[2] / self.g)

    def speed(self, c, have):
        return self.tput(have) / self.tput([f * self.g for f in c.fair])



def per(j, want, s):
    return [w / j.g for w in want[s][0]]


def spread(c, j, want):
    held, got = {}, []
    for g in c.free_for(j):
        s = c.at[g]
        if c.fits(s, per(j, want, s), held.get(s, 0)):
            held[s] = held.get(s, 0) + 1
            got.append(g)
            if len(got) == j.g:
                return got
    return None


def together(c, j, want):
    if j.g > 1:
        whole = [(len(c.free_on(s)), s) for s in j.where
                 if c.fits(s, want[s][0])]
        whole = [w for w in whole if w[0] >= j.g]
        if whole:
            return c.free_on(min(whole)[1])[:j.g]
    heap = [(len(c.free_on(s)), s) for s in j.where if c.free_on(s)]
    heapq.heapify(heap)
    held, got = {}, []
    while heap and len(got) < j.g:
        n, s = heapq.heappop(heap)
        if c.fits(s, per(j, want, s), held.get(s, 0)):
            held[s] = held.get(s, 0) + 1
            got.append(c.free_on(s)[n - 1])
            if n > 1:
                heapq.heappush(heap, (n - 1, s))
    return got if len(got) == j.g else None


def place(c, j, want, place_on):
    got = together(c, j, want) if place_on else spread(c, j, want)
    if got is None:
        return False
    j.got, j.on = got, {}
    for g in got:
        c.gpus.remove(g)
        j.on[c.at[g]] = j.on.get(c.at[g], 0) + 1
    j.have = {s: want[s][0] for s in j.on}
    j.slow = min(want[s][1] for s in j.on)
    for s, n in j.on.items():
        c.left[s] = [x - p * n for x, p in zip(c.left[s], per(j, want, s))]
        c.on[s].append(j)
    return True


def shrink(c, j):
    for s, n in j.on.items():
        want = j.least[s][0]
        if not c.compat:
            want = [min(x, y) for x, y in zip(want, j.have[s])]
        c.left[s] = [x + h * (n / j.g) - w * (n / j.g)
                     for x, h, w in zip(c.left[s], j.have[s], want)]
        j.have[s] = want
    j.sp = j.least[0][1] if c.compat else min(j.speed(c, h)
                                              for h in j.have.values())
    j.pace = j.it if c.compat else j.it / j.sp


def make_room(c, s, share):
    spare = [max(0, x - y - z) for x, y, z in zip(share, c.left[s],
                                                  c.servers[s].slack)]
    if not any(spare):
        return
    c.on[s].sort(key=lambda p: (len(p.on), -p.have[s][1] / p.g,
                                -p.have[s][2] / p.g))
    chosen = []
    for p in c.on[s]:
        part = p.on[s] / p.g
        keeps = [f * p.on[s] for f in c.servers[s].fair]
        if not c.compat:
            if not any(x > 0 and p.have[s][k] > p.least[s][0][k]
                       for k, x in enumerate(spare)):
                continue
            keeps = [x * part for x in p.least[s][0]]
        chosen.append(p)
        spare = [max(0, x - max(0, h * part - y))
                 for x, h, y in zip(spare, p.have[s], keeps)]
        if not any(spare):
            break
    for p in chosen:
        shrink(c, p)


def tune(c, j, place_on):
    if not place(c, j, j.need, place_on):
        if not place(c, j, j.least, place_on):
            free = [(len(c.free_on(s)), s) for s in j.where]
            parts, need = [], j.g
            whole = [s for n, s in free if n >= j.g]
            if j.g > 1 and whole:
                parts = [(whole[0], j.g)]
            else:
                for n, s in sorted(f for f in free if f[0]):
                    if need:
                        parts.append((s, min(n, need)))
                        need -= min(n, need)
            for s, n in parts:
                make_room(c, s, [w * (n / j.g) for w in j.least[s][0]])
            if not place(c, j, j.least, place_on):
                sys.exit("no room for job %d" % j.id)
    j.sp = j.slow
    j.pace = j.it / j.sp


def gittins(sizes, had):
    """The index, of all later points the best."""
    more = [x for x in sizes if x > had]
    return max((sum(x <= d for x in more) / sum(min(x, d) - had for x in more)
                for d in set(more)), default=0)


def queue(o, j, t):
    """Tiresias's queue of a job, which may come back to the first one."""
    ran = j.attained - j.base
    at = sum(ran * j.g >= end for end in o["queues"])
    if at and o["promote"] and t - j.base_at - ran >= o["promote"] * ran:
        j.base, at = j.attained, 0
    return at


def corrected_key(policy, fair, t, c, j, o):
    left = j.it * (j.total - j.done - j.part) / (1 if fair else j.own)
    parts = [j.most[k] / c.total[k] for k in range(3)]
    at = queue(o, j, t) if policy == "dlas" else 0
    if o["starve"] is not None:
        if t - (j.at if j.last is None else j.last) > o["starve"]:
            at = -1
    return (at, {
        "fifo": lambda: j.at,
        "srtf": lambda: left,
        "srsf": lambda: left * j.g,
        "las": lambda: j.attained * j.g,
        "ftf": lambda: -((t - j.at + left) / (j.it * j.total)),
        "drf": lambda: max(parts),
        "tetris": lambda: sum(p * left for p in parts),
        "dlas": lambda: 1e99 if j.start is None else j.start,
        "gittins": lambda: -gittins(o["sizes"], j.attained * j.g),
    }[policy](), j.at)


def key(policy, fair, t, c, j, o):
    if not c.compat:
        return corrected_key(policy, fair, t, c, j, o)
    left = j.it * (j.total - j.done)
    if not fair:
        left = left / j.sp
    if policy == "fifo":
        return (j.at,)
    parts = [j.most[k] / c.total[k] for k in range(3)]
    return (-j.prio, {
        "srtf": left,
        "las": j.attained * j.g,
        "ftf": (t - j.at + left) / (j.it * j.total),
        "drf": max(parts),
        "tetris": sum(p * left for p in parts),
    }[policy], j.at)


def pack(words, c, t, order):
    policy, fair, place_on = words[0], "fair" in words, "place" in words
    first, free = [], len(c.gpus)
    for j in order:
        if j.g <= free:
            first.append(j)
            free -= j.g
        if t - (j.at if j.last is None else j.last) > 3600000:
            j.prio = 1
    if not c.compat:
        first = order
    elif policy == "las" and "tune" in words:
        first.sort(key=lambda j: -j.g)
    ran = []
    for j in first if policy == "las" else order:
        if j.g > len(c.free_for(j)):
            continue
        if "tune" in words:
            tune(c, j, place_on)
        elif place(c, j, j.fair if fair else j.need, place_on):
            j.sp = j.own if fair else j.slow
            j.pace = j.it / j.slow
        else:
            continue
        ran.append(j)
    return ran


def shown(c, j, fair):
    speed = j.slow if fair and not c.compat else j.sp
    return {"job_id": j.id, "speedup": speed, "shares": [
        {"server": s, "gpus": sorted(g for g in j.got if c.at[g] == s),
         "cpus": j.have[s][1] * (n / j.g), "mem_gb": j.have[s][2] * (n / j.g)}
        for s, n in j.on.items()]}


def progress(j, t, exact):
    j.attained += ROUND
    j.last = t + ROUND
    if not exact:
        j.done = min(j.total, j.done + int(ROUND / j.pace))
        return
    left = (j.total - j.done - j.part) * j.pace - 1e-6
    if left <= ROUND:
        j.done, j.end = j.total, t + max(1, math.ceil(left))
    else:
        made = j.part + ROUND / j.pace
        j.done, j.part = min(j.total - 1, j.done + int(made)), made % 1


class Event:
    def __init__(self, at, what, job=None):
        self.at, self.what, self.job = at, what, job

    def __lt__(self, other):
        return (self.at, self.what) < (other.at, other.what)


class Compat:
    """Who comes when in SYNERGY's simulator: by a heap of all its events."""

    def __init__(self, jobs, t):
        self.events = []
        for j in jobs:
            self.push(j.at, 1, j)
        self.push(t, 3)

    def push(self, *what):
        heapq.heappush(self.events, Event(*what))

    def come(self, t):
        while (e := heapq.heappop(self.events)).what != 3:
            if e.what == 1:
                yield e.job

    def ran(self, t, jobs):
        for j in jobs:
            self.push(t + ROUND, 2, j)
        self.push(t + ROUND, 3)

    def skip_to(self, t):
        self.push(t, 3)

    def next(self):
        return self.events[0].at


class Plain:
    def __init__(self, jobs, static):
        self.jobs, self.static = list(jobs), static

    def come(self, t):
        while self.jobs and (self.static or self.jobs[0].at <= t):
            yield self.jobs.pop(0)

    def ran(self, t, jobs):
        pass

    def skip_to(self, t):
        pass

    def next(self):
        return self.jobs[0].at


def run(words, c, jobs, o):
    static, window = o["static"], o["window"]
    t = first = 1 if static else -(-jobs[0].at // ROUND) * ROUND
    source = Compat(jobs, t) if c.compat else Plain(jobs, static)
    waiting, order, ended, last = len(jobs), [], [], []
    o["sizes"] = [j.g * math.ceil(j.it * j.total / (1 if "fair" in words else
                                                    j.own)) for j in jobs]
    while waiting or order:
        order += source.come(t)
        waiting = len(jobs) - len(order) - len(ended)
        if not order:
            if o["rounds"] and last:
                print(json.dumps({"kind": "round", "at": t, "order": [],
                                  "running": []}))
            t, last = first - (first - source.next()) // ROUND * ROUND, []
            source.skip_to(t)
            continue
        c.clear()
        order.sort(key=lambda j: key(words[0], "fair" in words, t, c, j, o))
        for j in order:
            j.sp = j.own
        ran = pack(words, c, t, order)
        now = [shown(c, j, "fair" in words) for j in ran]
        if o["rounds"] and now != last:
            print(json.dumps({"kind": "round", "at": t, "running": now,
                              "order": [j.id for j in order]}))
            last = now
        source.ran(t, ran)
        for j in ran:
            j.start = t if j.start is None else j.start
            j.gaps += j.last not in (None, t)
            if j.attained == j.base:
                j.base_at = t
            j.rounds += 1
            j.tuned += j.sp != j.own
            j.servers = max(j.servers, len(j.on))
            progress(j, t, o["exact"])
        t += ROUND
        gone = [j for j in order if j.done >= j.total]
        for j in gone:
            j.end = j.end if o["exact"] else t
            order.remove(j)
        ended += sorted(gone, key=lambda j: j.end)
        if window and all(j.end for j in jobs
                          if window[0] <= j.id < window[1]):
            break
    else:
        if o["rounds"]:
            print(json.dumps({"kind": "round", "at": t, "order": [],
                              "running": []}))
    return ended + [j for j in jobs if j.end is None]


def parse(words):
    o = {"static": False, "rounds": False, "window": None, "exact": False,
         "compat": None, "starve": None, "promote": 0, "queues": [3250, 7200]}
    for w in words:
        name, _, value = w[2:].partition("=")
        o[name] = {"window": lambda: [int(x) for x in value.split(":")],
                   "queues": lambda: [int(x) for x in value.split(",")],
                   "compat": lambda: value, "starve": lambda: int(value),
                   "promote": lambda: int(value)}.get(name, lambda: True)()
    return o


def main():
    o = parse([a for a in sys.argv[2:] if a.startswith("--")])
    Cluster.compat = o["compat"] == "synergy"
    lines = sys.stdin.readlines()
    for policy in [a for a in sys.argv[2:] if not a.startswith("--")]:
        c = Cluster(sys.argv[1])
        jobs = [Job(json.loads(line), c) for line in lines]
        sys.stdout = open("want." + policy, "w")
        for j in run(policy.split("+"), c, jobs, o):
            say(j)
        sys.stdout.close()


def say(j):
    out = dict(j.rec)
    waited = j.start is not None and j.at == int(j.at) and j.at <= j.start
    for name, value in (("start_at", j.start), ("end_at", j.end),
                        ("wait_s", j.start - j.at if waited else None),
                        ("rounds", j.rounds), ("preemptions", j.gaps),
                        ("tuned_rounds", j.tuned), ("servers", j.servers)):
        if value is not None:
            out[name] = value
    print(json.dumps(out))


if __name__ == "__main__":
    main()
