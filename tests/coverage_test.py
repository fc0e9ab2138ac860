#!/usr/bin/env python3
"""Does the rule pack know what the stack says? Each message of NCCL that matters most (priority A of
data/nccl/warn-catalogue.tsv, made into a line), and each line of data/coverage.tsv (PyTorch, vLLM, Hugging Face, Ray,
CUDA, kernel, Kubernetes, launchers), must be hit by a rule; the lines of the fixture by a rule of the id that they name.

  coverage_test.py --rules rules [--table data/nccl/warn-catalogue.tsv] [--list]
"""
import argparse
import csv
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
FLOOR = 1.0

# What a placeholder stands for, by what precedes it in the format; the first that fits.
VALUES = [
    (re.compile(r"(?:Got async event ?:|async event:|event:) $"), "port error"),
    (re.compile(r"shared memory file .*error $"), "No space left on device"),
    (re.compile(r"(?:shared memory file|extend|map) $"), "/dev/shm/nccl-Ab12Cd"),
    (re.compile(r"Error while $"), "attaching to"),
    (re.compile(r"shared memory segment $"), "/dev/shm/nccl-Ab12Cd"),
    (re.compile(r"/dev/shm.*(?:error:? |errno )$"), "No space left on device"),
    (re.compile(r"nvml(?:Init|DeviceGetCount)$"), "_v2"),
    (re.compile(r"nvml.*failed: $"), "Unknown Error"),
    (re.compile(r"modify_qp failed with \d+ \w*$"), "Connection timed out"),
    (re.compile(r"(?:Connect|connect) to [^ ]+ returned \d+\($"), "system error"),
    (re.compile(r"Call to $"), "recv from"),
    (re.compile(r"errno \d+\($"), "Connection refused"),
    (re.compile(r"^$"), "socketPollConnect"),
    (re.compile(r"error $|error: $|failed ?: $|failed with error $|returned $"), "Connection refused"),
    (re.compile(r"(?:peer|to|from|with) $"), "10.0.0.9<41234>"),
    (re.compile(r"rank $|device $|dev $|status=$"), "1"),
    (re.compile(r"CUDA error \d+ '$|failure \d* ?'$"), "out of memory"),
]
PLACEHOLDER = re.compile(r"%[-+ #0-9.]*(?:hh|h|ll|l|z|j|t)?([a-zA-Z%])")


def as_line(text):
    """A printf format with something plausible for each placeholder."""
    out, at = "", 0
    for m in PLACEHOLDER.finditer(text):
        out += text[at:m.start()]
        at = m.end()
        kind = m.group(1)
        if kind == "%":
            out += "%"
        elif kind in "sc":
            out += next((value for before, value in VALUES if before.search(out)), "mlx5_0")
        elif kind in "xXp":
            out += "1b000"
        else:
            out += "12"
    out += text[at:]
    return out.replace("\\n", " ").replace('\\"', '"').strip()


class Rules:
    def __init__(self, folder):
        self.rules = []
        for path in sorted(folder.glob("*.toml")):
            for rule in tomllib.loads(path.read_text())["rule"]:
                if rule.get("literal"):
                    rule["pattern"] = re.compile(rule.get("match", ""))
                    self.rules.append(rule)

    def hits(self, body, kind, file=""):
        """kind: text, nccl.warn or nccl.info; the ids of the rules that a line hits."""
        found = []
        for rule in self.rules:
            event = rule.get("event", "")
            if event and event != kind and not (event == "nccl" and kind.startswith("nccl")):
                continue
            if not file.startswith(rule.get("source_file", "")):
                continue
            if not any(literal in body for literal in rule["literal"]):
                continue
            if any(literal in body for literal in rule.get("unless_line", [])):
                continue
            if rule["pattern"].search(body):
                found.append(rule["id"])
        return found


def catalogue(path, priority):
    with path.open(newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["priority"] == priority:
                yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", required=True, type=pathlib.Path)
    parser.add_argument("--table", type=pathlib.Path, default=HERE.parent / "data" / "nccl" / "warn-catalogue.tsv")
    parser.add_argument("--priority", default="A")
    parser.add_argument("--list", action="store_true", help="all rows that no rule knows")
    args = parser.parse_args()
    rules = Rules(args.rules)
    missing, total = [], 0
    for row in catalogue(args.table, args.priority):
        # What <call> is, is up to the line: the fixture has those that fail in practice.
        if "<call>" in row["printf_format"]:
            continue
        if row["family"].startswith("trace."):
            continue  # back-traces: the grammar's
        # What INFO lines say is the grammar's (events/nccl), but for those that fail something.
        if row["level"].startswith("INFO") and row["fatal"] in ("no", ""):
            continue
        total += 1
        line = as_line(row["printf_format"])
        kind = "nccl.warn" if row["level"] == "WARN" else "nccl.info"
        if not rules.hits(line, kind, row["source_file:function"].split(":")[0]):
            missing.append(f"  {row['id']} ({row['level']}): {line[:150]}")
    fixture = HERE / "data" / "coverage.tsv"
    for number, text in enumerate(fixture.read_text().splitlines(), 1):
        if not text or text.startswith("#"):
            continue
        total += 1
        want, kind, line = text.split("\t", 2)
        got = rules.hits(line, kind)
        if not set(want.split(",")) & set(got):
            missing.append(f"  {fixture.name}:{number}: wanted {want}, got {got or 'nothing'}: {line[:120]}")
    print("\n".join(missing if args.list else missing[:40]))
    print(f"{total - len(missing)} of {total} lines known (at least {100 * FLOOR:.0f} %)")
    return 0 if total and total - len(missing) >= FLOOR * total else 1


if __name__ == "__main__":
    sys.exit(main())
