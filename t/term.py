#!/usr/bin/env python3
"""term.py COLUMNS CMD...: runs CMD with its stderr on a terminal that wide.

Standard input and output are CMD's; what was drawn goes to the file "drawn",
one line for each time the line was drawn anew, and "|" where it went on to the
next. The status is CMD's. With BERTH_TERM_INT="N TEXT" CMD gets a SIGINT when
TEXT has been drawn N times."""
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios

master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ,
            struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
child = subprocess.Popen(sys.argv[2:], stderr=slave)
os.close(slave)
times, _, text = os.environ.get("BERTH_TERM_INT", "").encode().partition(b" ")
drawn = b""
while True:
    try:
        got = os.read(master, 65536)
    except OSError:
        break
    if not got:
        break
    drawn += got
    if times and drawn.count(text) >= int(times):
        child.send_signal(signal.SIGINT)
        times = b""
with open("drawn", "wb") as out:
    out.write(drawn.replace(b"\r\x1b[K", b"\n").replace(b"\r\n", b"|\n"))
sys.exit(child.wait())
