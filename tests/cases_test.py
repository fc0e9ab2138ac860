#!/usr/bin/env python3
"""Logs of our own, written after the documented formats (data/cases): the leading cause of each, and healthy ones.

  cases_test.py --binary build/dev/rankdx [--only TEXT]
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).resolve().parent / "data" / "cases"
LIMIT_S = 60


def read(path):
    """-> (accepted ids, title, {log name: text}); the name "" stands for standard input."""
    case = None
    for line in path.read_text().splitlines(keepends=True):
        if line.startswith("### "):
            if case:
                yield case
            ids, title = line[4:].strip().split(" | ", 1)
            case, name = (ids.split(","), title, {}), ""
        elif case and line.startswith("--- "):
            name = line[4:].strip()
        elif case:
            case[2][name] = case[2].get(name, "") + line
    if case:
        yield case


def diagnose(binary, logs):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, text in logs.items():
            files.append(pathlib.Path(folder) / (name or "log.txt"))
            files[-1].write_text(text.rstrip("\n") + "\n")
        run = subprocess.run([binary, "diagnose", "-o", "json", *files], capture_output=True, text=True, timeout=LIMIT_S, check=False)
        return json.loads(run.stdout)


def judge(answer, accepted):
    """-> what is wrong, or ''."""
    if accepted == ["healthy"]:
        alarms = [f["id"] for f in answer["findings"] if f["severity"] in ("error", "warning")]
        return "" if answer["verdict"] == "healthy" and not alarms else f"{answer['verdict']}: {', '.join(alarms) or '-'}"
    first = answer["findings"][0] if answer["findings"] else None
    got = first["id"] if first and first["role"] == "root-cause" else None
    if answer["verdict"] == "undetermined" and first:
        accepted = [*accepted, *(a[1:] for a in accepted if a == "?" + first["id"])]
        got = first["id"]
    return "" if got in accepted else f"{got} led of {[(f['id'], f['role']) for f in answer['findings']]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    wrong, total = [], 0
    for path in sorted(CASES.glob("*.txt")):
        for accepted, title, logs in read(path):
            if args.only not in title:
                continue
            total += 1
            problem = judge(diagnose(args.binary, logs), accepted)
            if problem:
                wrong.append(f"  {path.name}: {title}: wanted {'/'.join(accepted)}, {problem}")
    print("\n".join(wrong))
    print(f"{total - len(wrong)} of {total} cases as they should be")
    return 0 if total and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
