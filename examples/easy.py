#!/usr/bin/env python3
"""EASY backfilling as a program, for sched-sim -p exec:examples/easy.py

A line in, a line out: what has changed, and the jobs that start now. Others may
pass the oldest that waits if they end by its shadow time, or fit in beside."""
import json
import sys

waiting, running = [], {}               # job_id: (end, cpus)
for news in map(json.loads, sys.stdin):
    for job_id in news["ended"]:
        del running[job_id]
    waiting += news["submitted"]
    if "more" in news:                  # too much for one line: it goes on
        continue
    free, start, shadow, extra = news["free"], [], None, 0
    for job in waiting:
        cpus, end = job["cpus"], news["at"] + job["limit_s"]
        if cpus <= free and (shadow is None or end <= shadow or cpus <= extra):
            extra -= cpus if shadow is not None and end > shadow else 0
            free -= cpus
            running[job["job_id"]] = end, cpus
            start.append(job["job_id"])
        elif shadow is None:            # the oldest: when will it fit?
            then = sorted(running.values())
            shadow = next(t for t, _ in then if cpus <= free + sum(
                n for end, n in then if end <= t))
            extra = free - cpus + sum(n for t, n in then if t <= shadow)
    waiting = [job for job in waiting if job["job_id"] not in running]
    print(json.dumps({"kind": "start", "job_ids": start}), flush=True)
