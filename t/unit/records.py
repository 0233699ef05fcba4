#!/usr/bin/env python3
"""records.py: svc-records(5) as data, so that tests can hold it to its word.

    records.py PAGE kinds          every kind, one a line
    records.py PAGE fields KIND    "NAME TYPE" of its fields, in order
    records.py PAGE examples       the example lines
    records.py PAGE check FILE...  every record in them is as the page says
"""
import json
import re
import sys

TYPES = {"text": str, "integer": int, "boolean": bool, "number": (int, float),
         "array of objects": list, "array of text": list,
         "array of integers": list,
         "object of text": dict, "object of numbers": dict,
         "object of anything": dict}


def parse(path):
    """kind -> {"fields": {name: type}, "always": [name], "examples": []}"""
    kinds, kind, literal = {}, None, False
    for line in open(path):
        line = line.rstrip("\n")
        section = re.fullmatch(r"\.Ss ([a-z]+)", line)
        field = re.fullmatch(r"\.It Sy ([a-z_]+) Pq (.*?)(, always)?", line)
        if section:
            kind = kinds[section[1]] = {"fields": {}, "always": [],
                                        "examples": []}
        elif line.startswith(".Sh"):
            kind = None
        elif kind and line.startswith((".Bd -literal", ".Ed")):
            literal = line.startswith(".Bd")
        elif kind and literal:
            kind["examples"].append(line)
        elif kind and field:
            kind["fields"][field[1]] = field[2]
            if field[3]:
                kind["always"].append(field[1])
    return kinds


def is_a(value, types):
    for name in types.split(" or "):
        if isinstance(value, TYPES[name]) and (
                name in ("boolean", "boolean or text")
                or not isinstance(value, bool)):
            return True
    return False


def wrong(kinds, rec):
    """What is wrong with a record, or None."""
    kind = kinds.get(rec.get("kind"))
    if kind is None:
        return "kind %r is not in the page" % rec.get("kind")
    if not kind["fields"]:
        return None     # service: another page defines it
    for name in kind["always"]:
        if name not in rec:
            return "%s: no %s" % (rec["kind"], name)
    for name, value in rec.items():
        if name == "kind":
            continue
        if name not in kind["fields"]:
            return "%s: %s is not in the page" % (rec["kind"], name)
        if not is_a(value, kind["fields"][name]):
            return "%s: %s is no %s" % (rec["kind"], name,
                                        kind["fields"][name])
    return None


def check(kinds, files):
    bad = count = 0
    for path in files:
        for number, line in enumerate(open(path), 1):
            count += 1
            said = wrong(kinds, json.loads(line))
            if said:
                print("%s:%d: %s" % (path, number, said))
                bad += 1
    return bad == 0 and count > 0


def main():
    kinds = parse(sys.argv[1])
    what = sys.argv[2]
    if what == "kinds":
        print("\n".join(kinds))
    elif what == "fields":
        for item in kinds[sys.argv[3]]["fields"].items():
            print("%s %s" % item)
    elif what == "examples":
        for kind in kinds.values():
            print("\n".join(kind["examples"]))
    elif not check(kinds, sys.argv[3:]):
        sys.exit(1)


main()
