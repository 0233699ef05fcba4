#!/usr/bin/env python3
"""A workload of short sleeps on a real Slurm, and beside its simulation.

	slurm-real.py submit JOBS SEED SPAN [WHAT...] >jobs.ndjson
	slurm-real.py calibrate
	slurm-real.py compare jobs.ndjson sim.ndjson [--most-s=S]

submit needs the Slurm of SLURM_CONF: it submits JOBS jobs by chance over SPAN
seconds, waits for their ends, and prints them as records, with the times that
Slurm says. WHAT are words for what some jobs ask for: nodes, memory, gpus,
nice, dependencies, arrays, partition:NAME, feature:NAME, user:NAME; or all of
them: whole (8 CPUs), short (at most 2 s), queued (the first one holds what it
has until the last one is submitted, and is cancelled then), over:S (sleeps are
S seconds shorter, so that a job has its CPUs for whole seconds; submissions are
in the middle of a second; and run_s is said).

calibrate prints that S, which no configuration says: how much longer than it
sleeps a job keeps the next one from its CPUs, on this machine.

compare prints how far the simulated starts are from the real ones, and how many
pairs start in another order: those whose starts differ in both, by more than a
second. 1 if the median error is more than S, or a pair is out of order.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import time


HOLD_S = 600
CALIBRATING = 21


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
        if "over" in by:
            job.update(at=int(at), over=float(by["over"][0]))
        jobs.append(job)
    if "queued" in by:
        jobs[0].update(run=HOLD_S, limit=HOLD_S)
    return jobs


def options(job, ids):
    args = ["--parsable", "--output=/dev/null", "--chdir=/",
            "--time=%d" % (job["limit"] // 60), "-n%d" % job["cpus"]]
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
    return args + ["--wrap", "sleep %.2f" % (job["run"] - job.get("over", 0))]


def submit_all(jobs, rows):
    time.sleep(1.5 - time.time() % 1)
    ids, began = [], time.monotonic()
    for job in jobs:
        time.sleep(max(0, began + job["at"] - time.monotonic()))
        if len(ids) % 20 == 0:          # Slurm forgets after MinJobAge
            rows.update(squeue())
        out = subprocess.run(["sbatch"] + options(job, ids), check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        ids.append(int(out.split(";")[0]))
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


def record(job, row, ids):
    rec = {"kind": "job", "job_id": int(row[0]), "submit_at": int(row[4]),
           "start_at": int(row[5]), "end_at": int(row[6]),
           "limit_s": job["limit"], "state": row[3], "was": row[7]}
    rec["cpus"] = job["cpus"]
    if "over" in job:
        rec["run_s"] = job["run"]
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
    rows, recs = {}, []
    ids = submit_all(jobs, rows)
    if jobs[0]["run"] == HOLD_S:
        subprocess.run(["scancel", str(ids[0])], check=True)
    wait_for_ends(rows, 900)
    for job, jid in zip(jobs, ids):
        for task in (range(job["array"]) if "array" in job else ["N/A"]):
            recs.append(record(job, rows[jid, str(task)], ids))
    recs.sort(key=lambda r: (r["submit_at"], r.get("array_job_id",
                                                   r["job_id"]),
                             r.get("array_task_id", 0)))
    for rec in recs:
        print(json.dumps(rec))


def calibrate():
    """Jobs that need one node whole, one after the other."""
    ids, rows = [], {}
    for _ in range(CALIBRATING):
        out = subprocess.run(
            ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/",
             "--time=1", "-wn1", "-n8", "--wrap", "sleep 1"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        ids.append(int(out.split(";")[0]))
    wait_for_ends(rows, 300)
    starts = [int(rows[i, "N/A"][5]) for i in ids]
    print("%.2f" % ((starts[-1] - starts[0]) / (len(starts) - 1) - 1))


def compare(real, sim, *options_):
    most = next((float(o.split("=")[1]) for o in options_ if "=" in o), None)
    real = [json.loads(line) for line in open(real)]
    sim = {r["job_id"]: r for r in map(json.loads, open(sim))}
    assert len(real) == len(sim)
    errors, off, out = [], 0, {0: 0, 1: 0, 2: 0}
    pairs = [(r["start_at"], sim[r["job_id"]]["start_at"]) for r in real]
    for r in real:
        s = sim[r["job_id"]]
        errors.append(abs(s["start_at"] - r["start_at"]))
        off += s["nodes"] != r["was"]
        if errors[-1] > 2 and "-v" in options_:
            print("job %d: %d s, not %d s after its submission" % (
                r["job_id"], s["start_at"] - r["submit_at"],
                r["start_at"] - r["submit_at"]))
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
    sys.exit({"submit": submit, "calibrate": calibrate,
              "compare": compare}[verb](*args) or 0)


main()
