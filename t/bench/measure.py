#!/usr/bin/env python3
"""measure.py TIMES IN OUT CMD...: runs CMD from IN to OUT that often; prints
the least wall ms, the least CPU ms (user and system), and the most KiB resident.
"""
import os
import sys
import time

times, stdin, stdout, cmd = int(sys.argv[1]), *sys.argv[2:4], sys.argv[4:]
wall, cpu, rss = [], [], []
for _ in range(times):
    begin = time.monotonic()
    pid = os.posix_spawnp(cmd[0], cmd, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout,
         os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit("%s: status %d" % (" ".join(cmd), status))
    wall.append(time.monotonic() - begin)
    cpu.append(used.ru_utime + used.ru_stime)
    rss.append(used.ru_maxrss)
print(round(min(wall) * 1000), round(min(cpu) * 1000), max(rss))
