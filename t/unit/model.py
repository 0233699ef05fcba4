#!/usr/bin/env python3
"""model.py MODULE SEED: random commands for a driver, and what it must print.

Writes the files "in" and "want" in the current directory. Each model is the
plainest Python that can be right; the driver runs the C.
"""
import random
import sys


def map_model(rand, put):
    """A dict keeps the order of insertion, as map.h promises."""
    held = {}
    for step in range(20000):
        # phases of growth and of shrinking, over keys that collide often
        grow = step // 2000 % 2 == 0
        key = "k%d" % rand.randrange(40 if step % 3 else 3000)
        dice = rand.random()
        if dice < (0.5 if grow else 0.1):
            value = rand.randrange(1, 1 << 40)
            held[key] = value
            put("set %s %d" % (key, value), len(held))
        elif dice < 0.8:
            put("del " + key, held.pop(key, "-"))
        elif dice < 0.99:
            put("get " + key, held.get(key, "-"))
        elif dice < 0.995:
            by = rand.randrange(2, 9)
            held = {k: v for k, v in held.items() if v % by}
            put("sweep %d" % by, len(held))
        else:
            items = "".join("%s=%d " % kv for kv in held.items())
            put("walk", items + str(len(held)))


def heap_model(rand, put):
    """A sorted list of (key, order of arrival, id)."""
    held, seq = {}, 0
    for step in range(12000):
        one = rand.randrange(300)
        key = rand.choice([rand.randrange(8), rand.randrange(-2**63, 2**63)])
        least = min(((k, s, i) for i, (k, s) in held.items()), default=None)
        shown = "%d %d" % (least[2], least[0]) if least else "-"
        dice = rand.random()
        if dice < (0.6 if step // 1500 % 2 == 0 else 0.2) and one not in held:
            held[one] = key, seq
            seq += 1
            put("push %d %d" % (one, key))
        elif dice < 0.7 and one in held:
            held[one] = key, seq
            seq += 1
            put("move %d %d" % (one, key))
        elif dice < 0.75:
            held.pop(one, None)
            put("remove %d" % one)
        elif dice < 0.85:
            put("top", shown)
        else:
            put("pop", shown)
            if least:
                del held[least[2]]


class Pcg:
    """PCG32 as its paper gives it, in Python's whole numbers."""

    def __init__(self, seed):
        self.state = 0
        self.next()
        self.state = (self.state + seed) % 2**64
        self.next()

    def next(self):
        old = self.state
        self.state = (old * 6364136223846793005 + 1442695040888963407) % 2**64
        word = ((old >> 18 ^ old) >> 27) % 2**32
        turn = old >> 59
        return (word >> turn | word << (32 - turn)) % 2**32

    def below(self, n):
        while True:
            word = self.next()
            if word >= 2**32 % n:
                return word % n


def rng_model(rand, put):
    for seed in [0, 1, 42, 2**32, 2**63, 2**64 - 1, rand.randrange(2**64)]:
        pcg = Pcg(seed)
        put("seed %d" % seed)
        put("u32 50", " ".join(str(pcg.next()) for _ in range(50)))
        for n in [1, 2, 7, 1000, 2**31 + 1, 2**32 - 1]:
            got = [pcg.below(n) for _ in range(50)]
            put("below %d 50" % n, " ".join(map(str, got)))
        for ms, percent in [(1000, 10), (60000, 50), (7, 100),
                            (2**31 - 1, 100), (2**31, 20), (2**62, 20)]:
            span = ms * percent // 100 if ms < 2**31 else 0
            got = [ms - span + (pcg.below(2 * span + 1) if span else 0)
                   for _ in range(50)]
            put("jitter %d %d 50" % (ms, percent), " ".join(map(str, got)))


def buf_model(rand, put):
    """Text that is cut short by an error stays what it was."""
    text, limit = "", 0
    for _ in range(8000):
        what = rand.choice("add addc fmt fill reserve drop cut".split())
        n = rand.choice([0, 1, rand.randrange(60), rand.randrange(1200)])
        if rand.random() < 0.01:
            text, limit = "", rand.choice([0, 1, 119, 120, 121, 1000, 65536])
            put("max %d" % limit, "ok 0 ")
            continue
        more = {"add": "y" * n, "addc": "c", "fill": "x" * n,
                "fmt": "0" * max(n, 1) + "z" * 5}.get(what, "")
        arg = {"add": more, "addc": "c", "fmt": "%d zzzzz" % n}.get(what, n)
        if what in ("drop", "cut"):
            arg = n = min(n, len(text))
            text = text[n:] if what == "drop" else text[:n]
        room = limit - len(text)
        fits = (n if what == "reserve" else len(more)) <= room
        text += more if fits else ""
        put("%s %s" % (what, arg),
            "%s %d %s" % ("ok" if fits else "EMSGSIZE", len(text), text[:40]))


def hexed(data):
    return data.hex() or "-"


def announce_model(rand, put):
    """parse(format(x)) is x, for names of any bytes but NUL."""
    urls = [b"", b"http://n1:8080", b"http://[::1]:1/a/b", b"http://h/%2C"]
    states = [b"wanted", b"ready", b"draining"]
    plain = bytes(c for c in range(33, 256) if c != 127
                  and c not in b",%|\"'\\")

    def coded(text):
        return b"".join(bytes([c]) if c in plain else b"%%%02X" % c
                        for c in text)

    def both(name, url, state, restart, request):
        fields = "%s %s %d %d %s" % (hexed(name), hexed(url), state, restart,
                                     hexed(request))
        comment = b"svc,%s,%s,%s,%d,%s" % (coded(name), url, states[state],
                                           restart, coded(request))
        if len(comment) > 1023:
            return
        put("format " + fields, comment.hex())
        put("parse " + comment.hex(), fields)

    for byte in range(1, 256):
        both(bytes([byte]), urls[1], 1, 0, b"")
        both(b"a" + bytes([byte]) * 2 + b"z", urls[2], 0, 7, bytes([byte]))
    for _ in range(2000):
        text = [bytes(rand.randrange(1, 256) for _ in range(rand.choice(
            [0, 1, 5, 255]))) for _ in "ab"]
        both(text[0], rand.choice(urls), rand.randrange(3),
             rand.choice([0, 1, 2**32 - 1]), text[1])


def main():
    model = globals()[sys.argv[1] + "_model"]
    with open("in", "w") as cmds, open("want", "w") as want:
        def put(command, answer=None):
            print(command, file=cmds)
            if answer is not None:
                print(answer, file=want)
        model(random.Random(int(sys.argv[2])), put)


main()
