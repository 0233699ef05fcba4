#!/usr/bin/env python3
"""EASY backfilling as a program, for sched-sim -p exec:examples/easy.py

One line in, one line out: what has changed since the last pass, and the jobs
that are to start now. The oldest job waits for its shadow time, by when the
limits of those that run free enough; others may pass it if they end by then,
or fit into what it will leave over."""
import json
import sys

waiting, running = [], {}       # in order of submission; job_id: (end, cpus)
for line in sys.stdin:
    news = json.loads(line)
    for job_id in news["ended"]:
        del running[job_id]
    waiting += news["submitted"]
    if "more" in news:          # too much for one line: it goes on
        continue
    now, free, start = news["at"], news["free"], []
    shadow, extra = float("inf"), float("inf")
    for job in waiting:
        end = now + job["limit_s"]
        if job["cpus"] <= free and (end <= shadow or job["cpus"] <= extra):
            free -= job["cpus"]
            extra -= job["cpus"] if end > shadow else 0
            running[job["job_id"]] = end, job["cpus"]
            start.append(job["job_id"])
        elif shadow == float("inf"):            # it is the oldest: the head
            then = free
            for shadow, cpus in sorted(running.values()):
                then += cpus
                if then >= job["cpus"]:
                    break
            extra = free - job["cpus"] + sum(
                cpus for end, cpus in running.values() if end <= shadow)
    waiting = [job for job in waiting if job["job_id"] not in running]
    print(json.dumps({"kind": "start", "job_ids": start}), flush=True)
