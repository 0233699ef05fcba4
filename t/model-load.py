#!/usr/bin/env python3
"""model-load.py: the workloads of `sched-trace generate --stream=lublin`, told
once more with the functions of Python.

    model-load.py same SEED JOBS PROCS ARRIVALS RATE CV ESTIMATES
        the very records: the same draws, by math.log and math.exp
    model-load.py like PROCS <records
        whether sizes, run times and gaps are distributed as those that are made
        here by random.gammavariate, which draws in another way
"""
import bisect
import json
import math
import random
import sys

WRITTEN = [60 * m for m in (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240,
                            300, 360, 480, 600, 720, 900, 1080, 1440, 2160,
                            2880, 4320, 5760, 7200, 10080, 14400)]
RUSH = 10.2303 * 1.0225, 0.4871
DAY = 8.1737, 3.9631


class Dice(random.Random):
    spare = None

    def normal(self):
        if self.spare is not None:
            x, self.spare = self.spare, None
            return x
        while True:
            x, y = self.uniform(-1, 1), self.uniform(-1, 1)
            r = x * x + y * y
            if 0 < r < 1:
                break
        r = math.sqrt(-2 * math.log(r) / r)
        self.spare = y * r
        return x * r

    def exponential(self):
        return -math.log(1 - self.random())

    def gamma(self, shape, scale):
        less = 1
        if shape < 1:
            less = math.exp(-self.exponential() / shape)
            shape += 1
        d = shape - 1 / 3
        while True:
            x = self.normal()
            v = (1 + x / math.sqrt(9 * d)) ** 3
            if v <= 0:
                continue
            u = 1 - self.random()
            if math.log(u) < x * x / 2 + d * (1 - v + math.log(v)):
                return d * v * scale * less


class Other(random.Random):
    gamma = random.Random.gammavariate


def weights():
    """Of half-hours, by the trapezoidal rule."""
    def density(x):
        return x ** (DAY[0] - 1) * math.exp(-x / DAY[1])
    found = [0] * 48
    for i in range(11, 59):
        steps = [density(i - .5 + k / 1000) for k in range(1001)]
        found[(i - 1) % 48] = sum(steps) - (steps[0] + steps[-1]) / 2
    return [w * 48 / sum(found) for w in found]


def size(rng, procs):
    u, high = rng.random(), math.log2(procs)
    if u <= .244 or high < 1:
        return 1
    middle = max(high - 2.5, (.8 + high) / 2)
    x = (rng.uniform(.8, middle) if rng.random() <= .86
         else rng.uniform(middle, high))
    if u > .244 + .576:
        return min(procs, math.floor(2 ** x + .5))
    n = 2 ** math.floor(x + .5)
    return n if n <= procs else n // 2


def run(rng, n):
    while True:
        x = (rng.gamma(4.2, .94) if rng.random() <= -.0054 * n + .78
             else rng.gamma(312, .03))
        if x <= 12:
            return math.floor(math.exp(x))


def gap(rng, arrivals, cv):
    if arrivals == "poisson":
        return rng.exponential()
    if arrivals == "gamma":
        return rng.gamma(1 / cv ** 2, cv ** 2)
    while True:
        x = rng.gamma(*RUSH)
        if x <= 13:
            return math.exp(x)


class Clock:
    """Half an hour of weight 2 is as good as an hour."""

    def __init__(self):
        self.weights, self.now = weights(), 0.0

    def move(self, work):
        while True:
            half = math.floor(self.now / 1800)
            room = ((half + 1) * 1800 - self.now) * self.weights[half % 48]
            if work <= room:
                self.now += work / self.weights[half % 48]
                return
            work -= room
            self.now = (half + 1) * 1800.0


def same(seed, jobs, procs, arrivals, rate, cv, estimates):
    rng, clock, now = Dice(int(seed)), Clock(), 0
    print('{"kind":"cluster","procs":%s}' % procs)
    for i in range(1, int(jobs) + 1):
        step = gap(rng, arrivals, float(cv))
        n = size(rng, int(procs))
        run_s = limit_s = run(rng, n)
        if estimates != "exact":
            limit_s = math.ceil(run_s * rng.uniform(1, 5))
        if estimates == "round":
            limit_s = WRITTEN[bisect.bisect_left(WRITTEN, limit_s)]
        if arrivals == "daily":
            clock.move(step)
            now = clock.now
        else:
            now += step * 3600 / float(rate)
        print('{"kind":"job","job_id":%d,"submit_at":%d,"run_s":%d,"cpus":%d,'
              '"limit_s":%d}' % (i, now, run_s, n, limit_s))


def distance(a, b):
    """Of Kolmogorov and Smirnov."""
    a, b = sorted(a), sorted(b)
    return max(abs(bisect.bisect_right(a, x) / len(a) -
                   bisect.bisect_right(b, x) / len(b)) for x in set(a + b))


def like(procs):
    jobs = [json.loads(line) for line in sys.stdin][1:]
    rng, clock, made = Other(99), Clock(), []
    for _ in jobs:
        clock.move(gap(rng, "daily", 0))
        n = size(rng, procs)
        made.append((n, run(rng, n), clock.now))
    limit = 1.95 * math.sqrt(2 / len(jobs))     # one in a thousand
    got = [(j["cpus"], j["run_s"], j["submit_at"]) for j in jobs]
    for name, of in (("sizes", lambda j: j[0]), ("run times", lambda j: j[1]),
                     ("times of day", lambda j: j[2] % 86400)):
        far = distance([of(j) for j in got], [of(j) for j in made])
        if far > limit * (2 if "day" in name else 1):   # those hang together
            sys.exit("%s are %.4f apart, which is more than %.4f" % (
                name, far, limit))
    for name, jobs in (("large", lambda n: n >= 32), ("small",
                                                      lambda n: n <= 2)):
        far = distance([j[1] for j in got if jobs(j[0])],
                       [j[1] for j in made if jobs(j[0])])
        if far > 3 * limit:
            sys.exit("run times of %s jobs are %.4f apart" % (name, far))
    gaps = [[b[2] - a[2] for a, b in zip(x, x[1:])] for x in (got, made)]
    if distance(*gaps) > limit:
        sys.exit("gaps are too far apart")


if sys.argv[1] == "same":
    same(*sys.argv[2:])
else:
    like(int(sys.argv[2]))
