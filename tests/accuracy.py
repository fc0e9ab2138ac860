#!/usr/bin/env python3
"""Measures how often diagnose is right and writes the table of docs/accuracy.md.

  accuracy.py --binary build/release/rankdx --taxonomy FILE [--lab DIR] [--threads DIR] [--write docs/accuracy.md]

--lab: the unpacked runs of data/lab.tar.xz (default: unpacked into a temporary folder). --threads: a folder of cases, each
with log.txt and case.json (id_expected, accept, decidable), as `diagnose` sees a pasted excerpt. --taxonomy: a table with
the columns id and family.
"""
import argparse
import collections
import csv
import json
import pathlib
import tarfile
import tempfile

from lab_test import DATA, alarms, diagnose, root_cause


def families(path):
    with open(path, newline="") as table:
        return {r["id"]: r["family"] for r in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)}


def lab_cases(folder):
    labels = json.loads((DATA / "lab-labels.json").read_text())
    for key, label in sorted(labels.items()):
        log = folder / key / "combined.log"
        # With NCCL_DEBUG_FILE the terminal shows only a part.
        if log.exists() and not any(log.parent.glob("files.*")):
            yield log, label["expected"], label.get("accept", []), label["decidable"], set(label.get("notes_allowed", []))


def thread_cases(folder):
    for case in sorted(folder.glob("*/case.json")):
        truth = json.loads(case.read_text())
        if truth.get("scored", True):
            healthy = truth["id_expected"] == "healthy"
            yield case.parent / "log.txt", truth["id_expected"], truth.get("accept", []), healthy or truth.get("decidable"), set()


class Tally:
    def __init__(self, name, family_of):
        self.name, self.family_of = name, family_of
        self.rows = collections.defaultdict(collections.Counter)
        self.confused, self.false, self.healthy = collections.Counter(), 0, 0
        self.undecidable, self.too_sure = 0, 0

    def add(self, binary, log, expected, accepted, decidable, allowed):
        answer = diagnose(binary, log)
        if isinstance(answer, str):
            answer = {"findings": [], "verdict": answer[:40]}
        lead = root_cause(answer)
        got = lead["id"] if lead else answer["verdict"]
        if expected == "healthy" and decidable is not False:
            self.healthy += 1
            self.false += bool(alarms(answer, {*accepted, *allowed}))
            return
        if not decidable:
            self.undecidable += 1
            self.too_sure += bool(lead and lead["confidence"] == "certain")
            return
        family = self.family_of.get(expected, "other")
        named = {f["id"] for f in answer["findings"] if f["severity"] == "warning"}
        exact = got in {expected, *accepted} or bool(named & {expected, *accepted} and not lead)
        self.rows[family].update(cases=1, exact=exact, family=exact or self.family_of.get(got) == family)
        if not exact:
            self.confused[expected, got] += 1

    def markdown(self):
        total = sum(self.rows.values(), collections.Counter())
        share = lambda part, whole: f"{100 * part / whole:.1f} %" if whole else "-"
        lines = [f"## {self.name}", "", "| family | cases | exact cause | right family |", "|---|---|---|---|"]
        for family, row in sorted(self.rows.items()):
            lines.append(f"| {family} | {row['cases']} | {share(row['exact'], row['cases'])} | {share(row['family'], row['cases'])} |")
        lines += [f"| **all** | {total['cases']} | {share(total['exact'], total['cases'])} | {share(total['family'], total['cases'])} |", "",
                  f"Healthy: {self.healthy} logs, {self.false} with a false alarm. Not decidable from the log: {self.undecidable}, "
                  f"{self.too_sure} answered with certainty.", ""]
        if self.confused:
            lines += ["| is | was taken for | cases |", "|---|---|---|"]
            lines += [f"| {e} | {g} | {n} |" for (e, g), n in sorted(self.confused.items())]
            lines.append("")
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--taxonomy", required=True, type=pathlib.Path)
    parser.add_argument("--lab", type=pathlib.Path)
    parser.add_argument("--threads", type=pathlib.Path)
    parser.add_argument("--write", type=pathlib.Path)
    args = parser.parse_args()
    family_of = families(args.taxonomy)
    parts = []
    with tempfile.TemporaryDirectory() as scratch:
        lab = args.lab
        if lab is None:
            lab = pathlib.Path(scratch)
            with tarfile.open(DATA / "lab.tar.xz") as bundle:
                bundle.extractall(lab)
        for name, cases in (("Runs of the real NCCL library", lab_cases(lab)),
                            ("Excerpts of real incidents", thread_cases(args.threads) if args.threads else ())):
            tally = Tally(name, family_of)
            for case in cases:
                tally.add(args.binary, *case)
            if tally.rows:
                parts.append(tally.markdown())
    text = ("# How often diagnose is right\n\nMade by `./script/accuracy`; do not edit. *Exact cause*: the leading finding is the labelled one or "
            "one that is accepted for it. *Right family*: it is of the same kind. The runs come with the project "
            "(tests/data/lab.tar.xz) and are a test with a floor; the excerpts are not ours to publish. Both were at hand while the rules were written, so "
            "expect less on logs that nobody here has seen. How far `model fit` agrees with logged runs: "
            "[accuracy-memory.md](accuracy-memory.md).\n\n" + "\n".join(parts))
    if args.write:
        args.write.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
