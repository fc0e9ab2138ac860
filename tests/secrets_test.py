#!/usr/bin/env python3
"""Secrets in more than 200 shapes and places, planted in logs of the real NCCL library, are gone from the bundle, and all that
is no secret is still there.

  secrets_test.py --binary build/dev/rankdx --work build/dev/secrets [--lab build/dev/lab]
"""
import argparse
import base64
import json
import pathlib
import random
import re
import shutil
import string
import sys

from bundle_test import collected
from lab_test import DATA, diagnose, root_cause, unpack

LETTERS = string.ascii_letters + string.digits
SORTS = {"A": LETTERS, "U": string.ascii_uppercase + string.digits, "H": "0123456789abcdef", "D": string.digits, "B": LETTERS + "+/", "W": LETTERS + "_-"}
PASSWORDS = ("Winter{}", "tr0ub4dor&{}", "{}!x#9", "pass-{}", "P@ss.{}", "x{}=", "%41{}")
PART = 8   # bytes of a secret that may not be left


class Planter:
    def __init__(self, seed):
        self.random, self.secrets = random.Random(seed), []

    def some(self, sort, n):
        text = "".join(self.random.choices(SORTS[sort], k=n))
        return text if n < 4 else text[:1] + "7x" + text[3:] if sort in "AW" else text

    def key_line(self):
        return "MII" + self.some("B", 61)

    def made(self, what):
        sort, _, n = what.partition(":")
        if sort in SORTS:
            return [self.some(sort, int(n))]
        if sort == "P":
            return [self.random.choice(PASSWORDS).format(self.some("A", 9))]
        if sort == "J":
            parts = (base64.urlsafe_b64encode(json.dumps(d).encode()).decode().rstrip("=") for d in ({"alg": "RS256", "typ": "JWT"}, {"sub": self.some("A", 30)}))
            return [".".join(parts) + "." + self.some("A", 60)]
        return [self.key_line() for _ in range(1 if sort == "K1" else 6)]

    def text(self, template):
        """The template with fresh secrets, which are remembered."""
        def fill(match):
            parts = self.made(match[1])
            self.secrets += parts
            return "\n".join(parts)
        out = template.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\e", "\x1b").replace("\0", "\\")
        return re.sub(r"\{([AUHDBW]:\d+|P|J|K1?)\}", fill, out)


def left(secrets, text):
    """Parts of secrets that are still there. Digits alone and the like may stand there by chance."""
    return [s for s in secrets if any(s[i:i + PART] in text for i in range(0, max(1, len(s) - PART + 1))) and len(s) >= 6]


def cases():
    rows = [line.split("\t", 1) for line in (DATA / "secrets.tsv").read_text().splitlines() if not line.startswith("#")]
    assert len({name for name, _ in rows}) == len({text for _, text in rows}) == len(rows) >= 200, len(rows)
    return rows


def alone(binary, work, seed, *options):
    """Each shape in a log of its own: names the shape that is not known."""
    logs, planted = work / "alone", {}
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    for i, (name, template) in enumerate(cases()):
        planter = Planter(1000 * seed + i)
        (logs / f"{name}.log").write_text("first line\n" + planter.text(template) + "\nlast line\n", newline="")
        planted[name] = planter.secrets
    members = collected(binary, work / "alone.tar.zst", "--no-checks", *options, logs)
    wrong = []
    for name, secrets in planted.items():
        text = next(t for member, t in members.items() if member.endswith(f"/{name}.log"))
        if (parts := left(secrets, text)):
            wrong.append(f"{name}: {parts} in {text!r}")
        if not (text.startswith("first line\n") and text.endswith("\nlast line\n")):
            wrong.append(f"{name}: more than the secret is gone: {text!r}")
    return len(planted), wrong


def among(binary, work, lab):
    """All of them between the lines of failed runs: secrets gone, lines of the run as they were, the same cause."""
    wrong, planter = [], Planter(4711)
    labels = json.loads((DATA / "lab-labels.json").read_text())
    for key in [k for k in sorted(labels) if labels[k]["severity"] == "error" and (lab / k / "combined.log").exists()][::12]:
        planter.secrets = []
        log, logs = lab / key / "combined.log", work / "among"
        lines = log.read_text(errors="replace").splitlines()
        out, texts = [], [planter.text(t) for name, t in cases() if name != "glued"]
        places = sorted(planter.random.randrange(len(lines) + 1) for _ in texts)
        for i, line in enumerate([*lines, None]):
            while places and places[0] == i:
                places.pop(0)
                out.append(texts.pop())
            out += [line] if line is not None else []
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        (logs / "a.log").write_text("\n".join(out) + "\n")
        bundle = work / "among.tar.zst"
        text = next(t for m, t in collected(binary, bundle, "--no-checks", logs).items() if m.endswith("/a.log"))
        if (parts := left(planter.secrets, text)):
            wrong.append(f"{key}: {parts}")
        have = iter(text.splitlines())
        lost = next((line for line in lines if line not in have), None)
        if lost is not None:
            wrong.append(f"{key}: a line of the run is not as it was: {lost!r}")
        want, got = root_cause(diagnose(binary, log)), root_cause(diagnose(binary, bundle))
        if (want and want["id"]) != (got and got["id"]):
            wrong.append(f"{key}: {want and want['id']} became {got and got['id']}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--lab", type=pathlib.Path)
    args = parser.parse_args()
    lab = args.lab or args.work / "lab"
    unpack(lab)
    wrong = []
    for seed, options in enumerate(([], [], [], ["--hide-names"])):  # other passwords each time
        shapes, found = alone(args.binary, args.work, seed, *options)
        wrong += found
    wrong += among(args.binary, args.work, lab)
    for line in wrong:
        print(line)
    print(f"{shapes} shapes, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
