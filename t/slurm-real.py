#!/usr/bin/env python3
"""A workload of short sleeps on a real Slurm, and beside its simulation.

	slurm-real.py submit JOBS SEED SPAN [WHAT...] >jobs.ndjson
	slurm-real.py look
	slurm-real.py compare jobs.ndjson other.ndjson [--most-s=S] [-v]

submit needs the Slurm of SLURM_CONF: it submits JOBS jobs by chance over SPAN
seconds, waits for their ends, and prints them as records, with the times that
Slurm says. WHAT are words for what some jobs ask for: nodes, memory, gpus,
nice, dependencies, arrays, partition:NAME, feature:NAME, user:NAME; or all of
them: whole (8 CPUs), short (at most 2 s), queued (the first one holds what it
has until the last one is submitted, and is cancelled then), or paced.

paced is for a Slurm that looks once a second and at no other time: defer,
sched_interval=1 and bf_interval=1. No configuration says when in a second it
looks, and what happens just then is seen by this look or by the next, as chance
has it. So nothing happens then: jobs sleep half a second less than whole ones,
and are submitted some tenths before a look, which is found out first. It begins
with a minute of the clock, since plans are rounded to these. submit_at is the
second of the look that sees the job, and run_s for how many of them it has its
CPUs: jobs say when they begin, which tells when Slurm looks by then, and when
they end, as a busy machine holds some up.

look prints in which millisecond of a second that is. Each look is a millisecond
or two later than the one before; where a second is left without one, plans are
of another second than in the simulation.

compare prints how far the starts of the other file, simulated or of a second
real run, are from those of the first, and how many pairs start in another
order: those whose starts differ in both, by more than a second. 1 if the median
error is more than S, or a pair is out of order.
"""
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


HOLD_S = 600
PROBES = 3
LATE_S = .7         # submissions, after a look
SHORT_S = .5        # sleeps, of whole seconds


def workload(count, seed, span, what):
    rng = random.Random(seed)
    by = {}
    for word in what:
        key, _, name = word.partition(":")
        by.setdefault(key, []).append(name)
    jobs, at = [], 0.0
    while len(jobs) < count:
        at += rng.expovariate(count / span)
        run = rng.choice([2, 3, 5, 8, 13, 21, 34])
        job = {"at": at, "run": run, "cpus": rng.choice([1, 1, 2, 3, 4, 6, 8]),
               "limit": 60 * rng.choice([1, 1, 2, 3, 5])}
        if "whole" in by:
            job["cpus"] = 8
        if "short" in by:
            job["run"] = rng.choice([1, 2])
        if "nodes" in by and rng.random() < .35:
            job["node_count"] = rng.choice([1, 2, 2, 3, 4])
            job["cpus"] = max(job["cpus"], job["node_count"]) * \
                rng.choice([1, 1, 2])
        if "memory" in by and rng.random() < .4:
            job["mem_mb"] = rng.choice([100, 1000, 4096, 16384])
        if "mem_mb" in job:     # -N is said too, so that --mem means the same
            job.setdefault("node_count", 1)
        if "node_count" in job:
            job["cpus"] = min(job["cpus"], 8 * job["node_count"])
        if "gpus" in by and rng.random() < .25:
            job["gres"] = "gpu:%d" % rng.choice([1, 2, 4])
        if "nice" in by and rng.random() < .3:
            job["nice"] = rng.choice([10, 1000])
        if "dependencies" in by and jobs and rng.random() < .15:
            job["after"] = (rng.choice(["afterok", "afterany", "after"]),
                            rng.randrange(len(jobs)))
        if "arrays" in by and rng.random() < .08:
            job["array"] = rng.randint(2, 5)
        for key in "partition", "user":
            if key in by:
                job[key] = rng.choice(by[key])
        if "feature" in by and rng.random() < .3:
            job["constraint"] = rng.choice(by["feature"])
        if "paced" in by:
            job["at"] = int(at)
        jobs.append(job)
    if "queued" in by:
        jobs[0].update(run=HOLD_S, limit=HOLD_S)
    return jobs


def options(job, ids, said):
    args = ["--time=%d" % (job["limit"] // 60), "-n%d" % job["cpus"]]
    if "node_count" in job:
        args.append("-N%d" % job["node_count"])
    if "mem_mb" in job:
        args.append("--mem=%d" % job["mem_mb"])
    if "after" in job:
        args.append("--dependency=%s:%d" % (job["after"][0],
                                            ids[job["after"][1]]))
    if "array" in job:
        args.append("--array=0-%d" % (job["array"] - 1))
    if "user" in job:
        args.append("--uid=" + job["user"])
    for key in "gres", "nice", "partition", "constraint":
        if key in job:
            args.append("--%s=%s" % (key, job[key]))
    if said is None:
        return args + ["--wrap", "sleep %d" % job["run"]]
    return args + ["--wrap", "exec >%s/$SLURM_JOB_ID; date +%%s.%%N; "
                   "sleep %.2f; date +%%s.%%N" % (said, job["run"] - SHORT_S)]


def sbatch(args):
    out = subprocess.run(["sbatch", "--parsable", "--output=/dev/null",
                          "--chdir=/"] + args,
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(out.split(";")[0])


def look_at():
    """When in a second Slurm looks: small jobs say when they have started."""
    seen = []
    with tempfile.TemporaryDirectory() as name:
        for i in range(PROBES):
            path = "%s/%d" % (name, i)
            sbatch(["--wrap", "date +%%s.%%N >%s.new; mv %s.new %s" % (
                path, path, path)])
            end = time.monotonic() + 30
            while not os.path.exists(path):
                if time.monotonic() > end:
                    sys.exit("slurm-real.py: a probe has not started in 30 s")
                time.sleep(.01)
            with open(path) as f:
                seen.append(float(f.read()) % 1)
            time.sleep(.3)
    return min(seen, key=lambda x: sum((x - y + .5) % 1 for y in seen))


def look():
    print("%d" % (1000 * look_at()))


def submit_all(jobs, rows, look, said):
    if look is None:
        time.sleep(1.5 - time.time() % 1)
    else:
        # Slurm rounds plans to minutes of the clock: from the same part of one
        time.sleep(60 - time.time() % 60)
        time.sleep((look + LATE_S - time.time()) % 1)
    ids, began = [], time.monotonic()
    for job in jobs:
        time.sleep(max(0, began + job["at"] - time.monotonic()))
        sent = time.time()
        ids.append(sbatch(options(job, ids, said)))
        if look is not None:
            job["seen_at"] = math.ceil((sent + time.time()) / 2 - look)
        if len(ids) % 20 == 0:          # Slurm forgets after MinJobAge
            rows.update(squeue())
    return ids


def squeue():
    """What Slurm says of each job it remembers, by its id and task."""
    env = dict(os.environ, SLURM_TIME_FORMAT="%s", TZ="UTC")
    out = subprocess.run(
        ["squeue", "-h", "-r", "-t", "all", "-o",
         "%A|%F|%K|%T|%V|%S|%e|%N|%u|%p|%C"],
        check=True, stdout=subprocess.PIPE, text=True, env=env).stdout
    rows = [line.split("|") for line in out.splitlines()]
    return {(int(r[1]), r[2]): r for r in rows}


def wait_for_ends(rows, deadline_s):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        now = squeue()
        rows.update(now)
        if all(r[3] not in ("PENDING", "RUNNING", "COMPLETING",
                            "CONFIGURING") for r in now.values()):
            return
        time.sleep(1)
    sys.exit("slurm-real.py: jobs have not ended within %d s" % deadline_s)


def add_held(recs, said):
    """run_s: for how many looks each has had its CPUs. Where in a second Slurm
    looked by its end says the job that was started next."""
    times, begun = {}, []
    for rec in recs:
        with open("%s/%d" % (said, rec["job_id"])) as f:
            times[rec["job_id"]] = [float(line) for line in f]
        begin = times[rec["job_id"]][0]
        begun.append((begin, begin - rec["start_at"]))
    begun.sort()
    for rec in recs:
        end = times[rec["job_id"]][1]
        look = next((x for at, x in begun if at > end), begun[-1][1])
        rec["run_s"] = math.ceil(end - look) - rec["start_at"]


def record(job, row, ids):
    rec = {"kind": "job", "job_id": int(row[0]), "submit_at": int(row[4]),
           "start_at": int(row[5]), "end_at": int(row[6]),
           "limit_s": job["limit"], "state": row[3], "was": row[7]}
    rec["cpus"] = job["cpus"]
    if "seen_at" in job:
        rec["submit_at"] = job["seen_at"]
    if "node_count" in job:
        rec["node_count"] = job["node_count"]
    if "mem_mb" in job:      # --mem is of each node, mem_mb of all
        rec["mem_mb"] = job["mem_mb"] * rec["node_count"]
    if "after" in job:
        rec["dependency"] = "%s:%d" % (job["after"][0], ids[job["after"][1]])
    if "array" in job:
        rec["array_job_id"], rec["array_task_id"] = int(row[1]), int(row[2])
    if "user" in job:
        rec["user"] = row[8]
    for key in "gres", "nice", "partition", "constraint":
        if key in job:
            rec[key] = job[key]
    return rec


def submit(count, seed, span, *what):
    jobs = workload(int(count), int(seed), float(span), what)
    rows, recs, look, said = {}, [], None, None
    if "paced" in what:
        said = tempfile.mkdtemp(prefix="said.")
        look = look_at()
    ids = submit_all(jobs, rows, look, said)
    if jobs[0]["run"] == HOLD_S:
        subprocess.run(["scancel", str(ids[0])], check=True)
    wait_for_ends(rows, 900)
    for job, jid in zip(jobs, ids):
        for task in (range(job["array"]) if "array" in job else ["N/A"]):
            recs.append(record(job, rows[jid, str(task)], ids))
    if said:
        add_held(recs, said)
        shutil.rmtree(said)
    recs.sort(key=lambda r: (r["submit_at"], r.get("array_job_id",
                                                   r["job_id"]),
                             r.get("array_task_id", 0)))
    for rec in recs:
        print(json.dumps(rec))


def in_order(name):
    """The jobs of a file as they were submitted; ids of tasks come later."""
    with open(name) as f:
        return sorted(map(json.loads, f), key=lambda r: (
            r.get("array_job_id", r["job_id"]), r.get("array_task_id", 0)))


def compare(real, other, *options_):
    most = next((float(o.split("=")[1]) for o in options_ if "=" in o), None)
    real, other = in_order(real), in_order(other)
    assert len(real) == len(other)
    later = other[0]["submit_at"] - real[0]["submit_at"]
    pairs, off, out = [], 0, {0: 0, 1: 0, 2: 0}
    for r, o in zip(real, other):
        off += o.get("nodes", o.get("was")) != r["was"]
        pairs.append((r["start_at"], o["start_at"] - later))
        if abs(pairs[-1][1] - pairs[-1][0]) > 2 and "-v" in options_:
            print("job %d: %d s, not %d s after its submission" % (
                r["job_id"], pairs[-1][1] - r["submit_at"],
                r["start_at"] - r["submit_at"]))
    errors = [abs(a - b) for a, b in pairs]
    for a in range(len(pairs)):
        for b in range(a):
            x, y = sorted((pairs[a], pairs[b]))
            for tie in out:
                out[tie] += y[0] - x[0] > tie and x[1] - y[1] > tie
    waits = [r["start_at"] - r["submit_at"] for r in real]
    median = statistics.median(errors)
    print("%d jobs, mean wait %.1f s; start off by %g s (median), %.2f s "
          "(mean), %d s (most); %d of %d pairs in another order "
          "(%d by more than 1 s, %d by more than 2 s); %d elsewhere" % (
              len(real), statistics.mean(waits), median,
              statistics.mean(errors), max(errors), out[0],
              len(pairs) * (len(pairs) - 1) // 2, out[1], out[2], off))
    return most is not None and (median > most or out[1] > 0)


def main():
    verb, args = sys.argv[1], sys.argv[2:]
    sys.exit({"submit": submit, "look": look,
              "compare": compare}[verb](*args) or 0)


main()
