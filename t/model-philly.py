#!/usr/bin/env python3
"""model-philly.py: what Synergy's simulator makes of Philly's job log, told once
more; and logs to try it with.

    model-philly.py log           a log whose jobs have the GPUs on stdin
    model-philly.py random SEED   a log of jobs of all sorts
    model-philly.py jobs --synergy=exp|no-exp [--multigpu] [--arrivals=log]
                                  [--seed=N]  the replay of the log on stdin
"""
import datetime
import json
import math
import random
import sys

BEGIN = datetime.datetime(2017, 8, 7)
ZOO = [[("alexnet", .6), ("res18", .64), ("res50", .78), ("mobilenet", .71),
        ("shufflenet", .615)],
       [("gnmt", .12), ("transformer", .67), ("lstm", .011)],
       [("m5", .6), ("deepspeech", .757)]]
SPLIT = 20, 70, 10


def when(s):
    return datetime.datetime.strptime(s, "%Y-%m-%d %H:%M:%S")


def attempt(start, end, gpus):
    at = [t if t is None else str(BEGIN + datetime.timedelta(seconds=t))
          for t in (start, end)]
    return {"start_time": at[0] or "None", "end_time": at[1] or "None",
            "detail": [{"ip": "m%d" % i,
                        "gpus": ["gpu%d" % k for k in range(min(8, gpus - i))]}
                       for i in range(0, gpus, 8)]}


def job(n, submit, attempts):
    return {"status": "Pass", "vc": "v", "jobid": "a_%d" % n, "user": "u",
            "submitted_time": str(BEGIN + datetime.timedelta(seconds=submit)),
            "attempts": attempts}


def log(gpus):
    """Each of these GPUs is a job's, with jobs between that do not count."""
    jobs = []
    for n, g in enumerate(gpus):
        jobs += [job(n, n, [attempt(n, n + 5000, g)]),
                 job(n, n, []),
                 job(n, n, [attempt(n, n + 1897, g)]),
                 job(n, n, [attempt(n, n + 600000, g)]),
                 job(n, n, [attempt(n, n + 5000, g), attempt(n, None, g)])]
    return jobs


def any_log(seed):
    rng = random.Random(seed)
    jobs = []
    for n in range(1000):
        submit = at = rng.randrange(3400 * 3600)
        attempts = []
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            start = at + rng.randrange(5000)
            at = start + rng.choice([0, rng.randrange(1000),
                                     rng.randrange(20000), 1897, 1898,
                                     rng.randrange(700000)])
            attempts.append(attempt(
                start if rng.random() < .95 else None,
                at if rng.random() < .95 else None,
                rng.choice([0, 1, 1, 2, 3, 4, 8, 12, 16, 17, 32])))
        jobs.append(job(n, submit, attempts))
    return jobs


def job_list(jobs, exp, multigpu, lengths):
    jobs = [j for j in jobs if j["attempts"]]
    first = min(when(j["submitted_time"]) for j in jobs)
    found = []
    for j in jobs:
        at = (when(j["submitted_time"]) - first).total_seconds()
        total, last = 0, None
        for a in j["attempts"]:
            last = None
            if "None" in (a["start_time"], a["end_time"]):
                continue
            took = (when(a["end_time"]) -
                    when(a["start_time"])).total_seconds()
            gpus = sum(len(d["gpus"]) for d in a["detail"])
            if multigpu and gpus > 16:
                continue
            if multigpu and gpus not in (1, 2, 4, 8, 16):
                if not exp:
                    continue
                gpus = 1
            if took <= 0 or gpus <= 0:
                continue
            total += took
            last = gpus if multigpu else 1
        if last is None or not 60 * 10 ** 1.5 < total < 60 * 10 ** 4:
            continue
        if exp:
            low, high = (3, 4) if lengths.random() >= .8 else (1.5, 3)
            total = 60 * 10 ** lengths.uniform(low, high)
        elif not 2400 * 3600 < at < 3000 * 3600:
            continue
        found.append((at, total, last))
        if not exp and len(found) == 8000:
            break
    if not exp:
        found.sort(key=lambda f: f[0])
        found = [(at - found[0][0], took, g) for at, took, g in found]
    return found


def replay(jobs, options):
    seed = int(options.get("--seed", 42))
    chance = random.Random(seed)
    found = job_list(jobs, options["--synergy"] == "exp",
                     "--multigpu" in options, random.Random(42))
    made, now = [0, 0, 0], 0
    for i, (at, took, gpus) in enumerate(found):
        if options.get("--arrivals") != "log":
            now += math.ceil(-math.log(1 - chance.random()) / 9 * 60 * 60)
            chance.randint(0, 9)
            at = now
        lacks = [SPLIT[k] / 100 - made[k] / i if i else 0 for k in range(3)]
        k = lacks.index(max(lacks))
        name, iter_s = ZOO[k][made[k] % len(ZOO[k])]
        made[k] += 1
        print("%d,%s,%d,%d,%d" % (i, name, at, int(took / iter_s), gpus))


def main():
    if sys.argv[1] == "log":
        json.dump(log([int(line) for line in sys.stdin]), sys.stdout)
    elif sys.argv[1] == "random":
        json.dump(any_log(int(sys.argv[2])), sys.stdout, indent=1)
    else:
        options = dict((a + "=").split("=")[:2] for a in sys.argv[2:])
        replay(json.load(sys.stdin), options)


main()
