#!/usr/bin/env python3
"""How fast `rankdx model check` is beside a plain Python reader of the same headers, and --deep beside openssl.

  model_check.py --binary build/release/rankdx [--work DIR] [--runs N]

The model: 59 shards, 25,000 tensors, 240 GB, all holes; for --deep 2 GB of random bytes in 8 shards."""
import argparse
import os
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


def seconds(command, runs, **kwargs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False, **kwargs)
        times.append(time.perf_counter() - start)
    return sorted(times)


def check_times(o):
    model = os.path.join(o.work, "sparse")
    if not os.path.exists(model):
        subprocess.run([sys.executable, os.path.join(HERE, "make_model.py"), model], check=True)
    ours_all, python_all = [], []
    for _ in range(o.runs):  # by turns: what else the machine does meets both
        ours_all += seconds([o.binary, "model", "check", model, "-o", "json"], 1)
        python_all += seconds([sys.executable, "-S", "-E", "-c", READER, model], 1)
    ours, python = sorted(ours_all)[o.runs // 2], sorted(python_all)[o.runs // 2]
    print("check, whole process:    %6.1f ms median, %.1f ms best of %d" % (ours * 1e3, min(ours_all) * 1e3, o.runs))
    print("Python header reader:    %6.1f ms median, %.1f ms best" % (python * 1e3, min(python_all) * 1e3))
    print("ratio of the medians:    %6.3f (at most 0.25), of the bests %.3f" % (ours / python, min(ours_all) / min(python_all)))


def deep_times(o):
    model = os.path.join(o.work, "real")
    if not os.path.exists(model):
        subprocess.run([sys.executable, os.path.join(HERE, "make_model.py"), model, "--real", "--gigabytes", "2",
                        "--shards", "8", "--tensors", "800"], check=True)
    shards = sorted(os.path.join(model, f) for f in os.listdir(model) if f.endswith(".safetensors"))
    size = sum(os.path.getsize(f) for f in shards)
    subprocess.run(["cat"] + shards, stdout=subprocess.DEVNULL, check=True)  # warm
    rates = {"openssl": [], 1: [], 2: []}
    for _ in range(o.deep_runs):
        rates["openssl"].append(size / seconds(["taskset", "-c", "0", "openssl", "dgst", "-sha256"] + shards, 1)[0])
        for threads in (1, 2):
            command = [o.binary, "model", "check", model, "--deep", "--record", "none", "--threads", str(threads)]
            command = ["taskset", "-c", "0"] + command if threads == 1 else command
            rates[threads].append(size / seconds(command, 1)[0])
    best = {key: max(values) for key, values in rates.items()}
    print("openssl dgst -sha256:    %6.0f MB/s (one core)" % (best["openssl"] / 1e6))
    for threads in (1, 2):
        print("--deep, %d thread(s):     %6.0f MB/s, %.2f of openssl" % (threads, best[threads] / 1e6, best[threads] / best["openssl"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", default="/tmp/rankdx-bench-model")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--deep-runs", type=int, default=3)
    o = parser.parse_args()
    check_times(o)
    deep_times(o)


if __name__ == "__main__":
    main()
