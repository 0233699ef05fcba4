#!/usr/bin/env python3
"""Problems by chance for t/unit/knapsack.c, and whether it solved them: all sums
that items can come to are made, one part after the other, and none is left out
but those that another one beats in everything.

	model-knapsack.py write SEED N >problems
	model-knapsack.py check SEED N <solutions
"""
import random
import sys


def problem(r):
    pools = [(r.randint(1, 4), r.randint(4, 30), r.randint(4, 30))
             for _ in range(r.randint(1, 3))]
    places, kinds = sum(p[0] for p in pools), []
    for _ in range(r.randint(1, 4)):
        parts, items = r.choice((1, 1, 2, 3)), r.choice((1, 1, 2))
        if parts * items > places:
            continue
        places -= parts * items
        there = r.sample(range(len(pools)), r.randint(1, len(pools)))
        value, levels = r.randint(0, 5), []
        for n in range(r.randint(1, 4)):
            levels.append((value * parts, [
                (p, r.randint(0, 3) + n * r.randint(1, 3),
                 r.randint(0, 3) + n * r.randint(1, 3))
                for p in there * r.choice((1, 1, 2)) if r.random() < 0.9]))
            value += r.randint(0, 6)
        levels = [lv for lv in levels if lv[1]]
        if levels:
            kinds.append((parts, items, levels))
    return pools, kinds


def pruned(sums):
    """Of (left of each thing of each pool): value, those that none beats."""
    kept = {}
    for left, value in sorted(sums.items(), key=lambda s: -s[1]):
        rivals = kept.setdefault(left[::3], [])
        if not any(all(a >= b for a, b in zip(k, left)) for k, _ in rivals):
            rivals.append((left, value))
    return dict(s for rivals in kept.values() for s in rivals)


def with_part(sums, options):
    new = {}
    for left, value in sums.items():
        for pool, *cost in options:
            rest = list(left)
            for k, c in enumerate([1] + cost):
                rest[pool * 3 + k] -= c
            if min(rest) >= 0:
                rest = tuple(rest)
                new[rest] = max(value, new.get(rest, -1))
    return pruned(new)


def best(pools, kinds):
    sums = {tuple(x for p in pools for x in p): 0}
    for parts, items, levels in kinds:
        for _ in range(items):
            new = {}
            for value, options in levels:
                some = {left: v + value for left, v in sums.items()}
                for _ in range(parts):
                    some = with_part(some, options)
                for left, v in some.items():
                    new[left] = max(v, new.get(left, -1))
            sums = pruned(new)
    return max(sums.values(), default=None)


def write(problems):
    for pools, kinds in problems:
        for p in pools:
            print("pool", *p)
        for parts, items, levels in kinds:
            print("kind", parts, items)
            for value, options in levels:
                print("level", value)
                for o in options:
                    print("option", *o)
        print("solve")


def check_taken(pools, kinds, rows):
    left, total = [list(p) for p in pools], 0
    for (parts, items, levels), row in zip(kinds, rows):
        taken, used = row[:len(levels)], row[len(levels):]
        assert sum(taken) == items and min(row) >= 0
        for (value, options), n in zip(levels, taken):
            mine, used = used[:len(options)], used[len(options):]
            assert sum(mine) == n * parts
            total += value * n
            for (pool, *cost), count in zip(options, mine):
                for k, c in enumerate([1] + cost):
                    left[pool][k] -= c * count
    assert min(x for p in left for x in p) >= 0
    return total


def check(problems):
    solved = 0
    for n, (pools, kinds) in enumerate(problems):
        end, value = input().split()
        want = best(pools, kinds)
        if end == "nothing":
            assert want is None or not kinds, (n, want)
            continue
        assert end == "best" and int(value) == want, (n, end, value, want)
        rows = [[int(x) for x in input().split()] for _ in kinds]
        assert check_taken(pools, kinds, rows) == want, n
        solved += 1
    print(len(problems), solved)


def main():
    r = random.Random(int(sys.argv[2]))
    problems = [problem(r) for _ in range(int(sys.argv[3]))]
    {"write": write, "check": check}[sys.argv[1]](problems)


main()
