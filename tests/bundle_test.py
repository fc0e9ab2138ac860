#!/usr/bin/env python3
"""The redacted bundle of a failed run gives the same root cause as the run itself, for every run of the real NCCL library
that fails, and no host name or address of the run is left in it.

  bundle_test.py --binary build/dev/rankdx --work build/dev/lab [--every N]
"""
import argparse
import json
import pathlib
import subprocess
import sys

from lab_test import DATA, diagnose, rank_logs, root_cause, unpack


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    unpack(args.work)
    labels = json.loads((DATA / "lab-labels.json").read_text())
    keys = [k for k in sorted(labels) if labels[k]["severity"] == "error"][:: args.every]
    wrong = []
    for key in keys:
        logs = rank_logs(args.work / key)
        if not logs:
            continue
        bundle = args.work / key / "bundle.tar.zst"
        bundle.unlink(missing_ok=True)
        made = subprocess.run([args.binary, "collect", "--hide-names", "-o", bundle, *logs], capture_output=True, text=True, check=False)
        before = subprocess.run([args.binary, "diagnose", "-o", "json", *logs], capture_output=True, text=True, check=False)
        want, got = root_cause(json.loads(before.stdout)), diagnose(args.binary, bundle)
        have = root_cause(got) if isinstance(got, dict) else None
        if made.returncode or (want and want["id"]) != (have and have["id"]):
            wrong.append(f"{key}: {want and want['id']} became {have and have['id']} {made.stderr[-200:]}")
        packed = subprocess.run(["tar", "--zstd", "-xOf", bundle], capture_output=True, check=True).stdout
        for secret in (b"gpu-worker-0", b"10.244."):
            if secret in packed:
                wrong.append(f"{key}: {secret.decode()} is still in the bundle")
        bundle.unlink()
    for line in wrong:
        print(line)
    print(f"{len(keys)} bundles, {len(wrong)} wrong")
    return 1 if wrong or not keys else 0


if __name__ == "__main__":
    sys.exit(main())
