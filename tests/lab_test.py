#!/usr/bin/env python3
"""Runs the built binary over logs that the real NCCL library printed (data/lab.tar.xz) and holds its answers
against what is known of each run (data/lab-labels.json).

Every scenario is read in three forms: the combined log of one terminal, the directory of the ranks' own logs, and the
ranks' logs as `kubectl logs --prefix` interleaves them. The first form is measured; all three must name one cause.

  lab_test.py --binary build/dev/rankdx --work build/dev/lab [--only TEXT]
"""
import argparse
import concurrent.futures
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile
import time

DATA = pathlib.Path(__file__).resolve().parent / "data"
FORMS = ("combined", "ranks", "kubectl")
LIMIT_S = 120  # a sanitizer build on a busy machine still answers in this time

# What must hold: the share of the scenarios concerned.
FLOORS = {
    "failing runs: cause": 0.90,
    "failing runs: guilty rank or host": 0.90,
    "links, rings, hosts and node counts": 1.0,
    "healthy runs without an alarm": 1.0,
    "one cause from every form": 1.0,
    "an answer": 1.0,
}


def unpack(work):
    bundle = DATA / "lab.tar.xz"
    stamp = work / "unpacked"
    wanted = f"{bundle.stat().st_size} {bundle.stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with tarfile.open(bundle) as tar:
        tar.extractall(work)
    stamp.write_text(wanted)


def rank_logs(run):
    return [p for p in sorted(run.glob("rank*.log")) + sorted(run.glob("files.*")) if p.stat().st_size]


def make_forms(work, key, label):
    """-> {form: path}. The directory and the kubectl form are laid beside the unpacked run."""
    run = work / key
    host_of = {str(rank): host for comm in label.get("comms", [])[:1] for rank, host in comm["ranks"].items()}
    logs = rank_logs(run)
    # With NCCL_DEBUG_FILE the terminal shows only a part.
    forms = {} if any(p.name.startswith("files.") for p in logs) else {"combined": run / "combined.log"}
    if not logs:
        return forms
    directory = run / "ranks"
    if not directory.exists():
        directory.mkdir()
        for log in logs:
            shutil.copy(log, directory / log.name)
    forms["ranks"] = directory
    streams = []
    for log in logs:
        rank = log.stem.removeprefix("rank")
        pod = f"[pod/vllm-{host_of.get(rank, 'worker')}-{rank}/vllm] ".encode()
        streams.append([pod + line + b"\n" for line in log.read_bytes().rstrip(b"\n").split(b"\n")])
    forms["kubectl"] = run / "kubectl.txt"
    forms["kubectl"].write_bytes(b"".join(interleave(streams, random.Random(key))))
    return forms


def interleave(streams, dice):
    """A few lines of one pod, a few of another, as they arrive; each pod's own order stays."""
    at = [0] * len(streams)
    while open_ones := [i for i, lines in enumerate(streams) if at[i] < len(lines)]:
        i = dice.choice(open_ones)
        count = dice.randint(1, 8)
        yield from streams[i][at[i] : at[i] + count]
        at[i] += count


def diagnose(binary, path):
    """-> the parsed answer, or a text that says why there is none."""
    try:
        run = subprocess.run([binary, "diagnose", "-o", "json", str(path)], stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=LIMIT_S, check=False)
        return json.loads(run.stdout)
    except subprocess.TimeoutExpired:
        return f"no answer in {LIMIT_S} s"
    except ValueError:
        return f"exit {run.returncode}, no JSON: {run.stderr.decode(errors='replace')[-300:]}"


def root_cause(answer):
    return next((f for f in answer["findings"] if f["role"] == "root-cause"), None)


def alarms(answer, known):
    return [f["id"] for f in answer["findings"]
            if f["severity"] != "info" and f["role"] != "consequence" and f["id"] not in known]


def guilty_named(finding, label):
    """All guilty ranks (or hosts) are named and none but those that may be named with them; None if nobody is guilty."""
    verdicts = []
    for field, ranks, also in (("rank", label.get("guilty_ranks") or label.get("missing_ranks", []),
                                label.get("guilty_ranks_also", [])),
                               ("host", label.get("guilty_hosts", []), label.get("guilty_hosts_also", []))):
        named = {w[field] for w in finding["where"] if w[field] is not None} if finding else set()
        if ranks:
            verdicts.append(set(ranks) <= named <= set(ranks) | set(also))
        if also:
            verdicts.append(bool(named) and named <= set(also))
    asked = any(label.get(k) for k in ("guilty_ranks", "guilty_hosts", "missing_ranks"))
    return any(verdicts) if asked else None


def turned(ring):
    """The same ring, starting at its smallest rank."""
    start = ring.index(min(ring))
    return tuple(ring[start:] + ring[:start])


def picture(comm):
    """What a communicator must agree in; the label writes links as lists and ranks as a map."""
    ranks = comm["ranks"]
    if not isinstance(ranks, dict):
        ranks = {r["rank"]: r["host"] for r in ranks}
    links = [(l["from"], l["to"], l["transport"]) if isinstance(l, dict) else tuple(l) for l in comm.get("links", [])]
    return {"nranks": comm["nranks"], "nnodes": comm.get("nnodes"), "ranks": sorted((int(r), h) for r, h in ranks.items()),
            "links": sorted(links), "rings": sorted(set(turned(r) for r in comm.get("rings", [])))}


def picture_misses(answer, label):
    have = [picture(c) for c in answer["job"]["communicators"]]
    for comm in label["comms"]:
        want = {field: value for field, value in picture(comm).items() if value or field == "nnodes"}
        if not any(all(h[field] == value or (field == "nnodes" and h[field] is None) for field, value in want.items())
                   for h in have):
            yield want


def judge(label, answers):
    """-> {name of a floor: None when right, else what is wrong}, for one scenario."""
    broken = {form: a for form, a in answers.items() if isinstance(a, str)}
    if broken:
        return {"an answer": str(broken)}
    result = {"an answer": None}
    answer = next(iter(answers.values()))
    cause = root_cause(answer)
    accepted = {label["expected"], *label.get("accept", [])}
    failing = label["severity"] == "error" and label["decidable"]
    if failing:
        got = cause["id"] if cause else answer["verdict"]
        result["failing runs: cause"] = None if got in accepted else f"want {label['expected']}, got {got}"
        right = guilty_named(cause, label)
        if right is not None:
            named = [(w["host"], w["rank"]) for w in cause["where"]] if cause else []
            result["failing runs: guilty rank or host"] = None if right else f"{cause and cause['id']} at {named}"
    elif label["severity"] == "none" and label["decidable"]:
        false = {form: alarms(a, accepted | set(label.get("notes_allowed", []))) for form, a in answers.items()}
        result["healthy runs without an alarm"] = str(false) if any(false.values()) else None
    if label.get("comms") and not failing:
        misses = [f"{form}: {miss}" for form, a in answers.items() for miss in picture_misses(a, label)]
        result["links, rings, hosts and node counts"] = misses[0][:600] if misses else None
    causes = {form: (c["id"] if (c := root_cause(a)) else None) for form, a in answers.items()}
    result["one cause from every form"] = None if len(set(causes.values())) == 1 else str(causes)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="", help="scenarios whose name holds this text")
    args = parser.parse_args()
    unpack(args.work)
    labels = json.loads((DATA / "lab-labels.json").read_text())
    keys = [key for key in sorted(labels) if args.only in key]

    def run(key):
        forms = make_forms(args.work, key, labels[key])
        return judge(labels[key], {form: diagnose(args.binary, path) for form, path in forms.items()})

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = dict(zip(keys, pool.map(run, keys)))
    failed = False
    for name, floor in FLOORS.items():
        rows = {key: result[name] for key, result in results.items() if name in result}
        misses = {key: miss for key, miss in rows.items() if miss is not None}
        share = 1 - len(misses) / len(rows) if rows else 1
        failed |= share < floor
        print(f"{'FAIL' if share < floor else 'ok  '} {name}: {len(rows) - len(misses)} of {len(rows)}"
              f" ({100 * share:.1f} %, at least {100 * floor:.0f} %)")
        for key, miss in misses.items():
            print(f"       {key}: {miss}")
    print(f"{len(keys)} scenarios in {len(FORMS)} forms, {time.monotonic() - started:.1f} s")
    return 1 if failed or not keys else 0


if __name__ == "__main__":
    sys.exit(main())
