#!/usr/bin/env python3
"""How fast `rankdx model check` is beside a plain Python reader of the same headers, and --deep beside openssl.

  model_check.py --binary build/release/rankdx [--work DIR] [--runs N]

The model: 59 shards, 25,000 tensors, 240 GB, all holes; for --deep 1 GB of random bytes in 8 shards. CPU times are user and
system time of the whole process: on a machine with other work, wall-clock times say more about that."""
import argparse
import os
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
READER = """
import json, os, struct, sys
directory, tensors = sys.argv[1], 0
for name in sorted(os.listdir(directory)):
    if name.endswith(".safetensors"):
        with open(os.path.join(directory, name), "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
            tensors += len(header) - ("__metadata__" in header)
with open(os.path.join(directory, "model.safetensors.index.json")) as f:
    index = json.load(f)["weight_map"]
assert tensors == len(index) == 25000
"""


def run(command, **kwargs):
    """Seconds of wall-clock and of CPU time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False, **kwargs)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sparse_model(o):
    model = os.path.join(o.work, "sparse")
    if not os.path.exists(model):
        subprocess.run([sys.executable, os.path.join(HERE, "make_model.py"), model], check=True)
    return model


def check_times(o):
    model = sparse_model(o)
    ours, python = [], []
    for _ in range(o.runs):  # by turns: what else the machine does meets both
        ours.append(run([o.binary, "model", "check", model, "-o", "json"]))
        python.append(run([sys.executable, "-S", "-E", "-c", READER, model]))
    for i, clock in enumerate(("wall", "CPU")):
        a, b = sorted(x[i] for x in ours), sorted(x[i] for x in python)
        print("check, whole process:    %6.1f ms median, %.1f ms best of %d (%s)" % (a[o.runs // 2] * 1e3, a[0] * 1e3, o.runs, clock))
        print("Python header reader:    %6.1f ms median, %.1f ms best (%s)" % (b[o.runs // 2] * 1e3, b[0] * 1e3, clock))
        print("ratio of the medians:    %6.3f (at most 0.25), of the bests %.3f (%s)" % (a[o.runs // 2] / b[o.runs // 2], a[0] / b[0], clock))


def slow_opens(o):
    """Every open below the model takes 20 ms more."""
    shim = os.path.join(o.work, "slow_open.so")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, os.path.join(HERE, "slow_open.c"), "-ldl"], check=True)
    model = sparse_model(o)
    env = dict(os.environ, LD_PRELOAD=shim, SLOW_OPEN_BELOW=model, SLOW_OPEN_MS="20")
    ours = sorted(run([o.binary, "model", "check", model, "-o", "json"], env=env)[0] for _ in range(5))
    python = run([sys.executable, "-S", "-E", "-c", READER, model], env=env)[0]
    print("20 ms per open:          %6.0f ms median, %.0f ms best of 5 (under 1000); one after another, as Python: %.0f ms"
          % (ours[2] * 1e3, ours[0] * 1e3, python * 1e3))


def deep_times(o):
    model = os.path.join(o.work, "real")
    if not os.path.exists(model):
        subprocess.run([sys.executable, os.path.join(HERE, "make_model.py"), model, "--real", "--gigabytes", "1",
                        "--shards", "8", "--tensors", "800"], check=True)
    shards = sorted(os.path.join(model, f) for f in os.listdir(model) if f.endswith(".safetensors"))
    size = sum(os.path.getsize(f) for f in shards)
    subprocess.run(["cat"] + shards, stdout=subprocess.DEVNULL, check=True)  # warm
    rates = {"openssl": [], 1: [], 2: []}
    work = {"openssl": [], 1: [], 2: []}
    for _ in range(o.deep_runs):
        for key in rates:
            command = ["openssl", "dgst", "-sha256"] + shards
            if key != "openssl":
                command = [o.binary, "model", "check", model, "--deep", "--record", "none", "--threads", str(key)]
            if key != 2:
                command = ["taskset", "-c", "0"] + command
            wall, cpu = run(command)
            rates[key].append(size / wall)
            work[key].append(size / cpu)
    for key, name in (("openssl", "openssl dgst -sha256"), (1, "--deep, 1 thread"), (2, "--deep, 2 threads")):
        print("%-24s %6.0f MB/s wall (%.2f of openssl), %6.0f MB per CPU second (%.2f of openssl)"
              % (name + ":", max(rates[key]) / 1e6, max(rates[key]) / max(rates["openssl"]), max(work[key]) / 1e6,
                 max(work[key]) / max(work["openssl"])))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", default="/tmp/rankdx-bench-model")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--deep-runs", type=int, default=3)
    o = parser.parse_args()
    os.makedirs(o.work, exist_ok=True)
    check_times(o)
    slow_opens(o)
    deep_times(o)


if __name__ == "__main__":
    main()
