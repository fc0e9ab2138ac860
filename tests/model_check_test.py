#!/usr/bin/env python3
"""`rankdx model check` through the real binary: forms and exit codes, another user, the cache of the hub, --deep with its bar,
interrupted and taken up again, and an environment that would use the network.

  model_check_test.py --binary build/dev/rankdx
"""
import argparse
import hashlib
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

import jsonschema

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parent.parent / "schema" / "check.schema.json").read_text())
COMMIT = "c" * 40
SHARDS = 4
QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "RAY_USAGE_STATS_ENABLED": "0", "HOME": "/tmp", "USER": "x"}
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text)


def write_shard(path, name, size):
    header = json.dumps({name: {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        out.truncate(8 + len(header) + size)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_model(folder, shard_bytes=4096):
    """A --local-dir download of four shards, with the hashes of all files on record."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    files = {f"model-{i:05}-of-{SHARDS:05}.safetensors": f"layer.{i}.weight" for i in range(1, SHARDS + 1)}
    for file, tensor in files.items():
        write_shard(folder / file, tensor, shard_bytes)
    small = {"config.json": {"architectures": ["LlamaForCausalLM"]}, "tokenizer.json": {"model": {}},
             "tokenizer_config.json": {"chat_template": "{{ messages }}"},
             "model.safetensors.index.json": {"weight_map": {t: f for f, t in files.items()}}}
    for name, value in small.items():
        (folder / name).write_text(json.dumps(value))
    records = folder / ".cache/huggingface/download"
    records.mkdir(parents=True)
    for name in [*files, *small]:
        (records / f"{name}.metadata").write_text(f"{COMMIT}\n{sha256(folder / name)}\n{time.time() + 1e6}\n")
    return folder


class Bench:
    def __init__(self, binary, work):
        self.binary, self.work = binary, pathlib.Path(work)

    def run(self, *args, **more):
        env = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(self.work / "cache"), **QUIET, **more}
        env = {k: v for k, v in env.items() if v is not None}
        return subprocess.run([self.binary, "model", "check", *map(str, args)], capture_output=True, env=env, timeout=120)

    def report(self, *args, **more):
        done = self.run(*args, "-o", "json", **more)
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA)
        return report, done.returncode

    def ids(self, *args, **more):
        report, code = self.report(*args, **more)
        return {f["id"] for f in report["findings"] if f["severity"] != "info"}, code


def forms(bench, model):
    for form, sign in (("text", b"OK"), ("json", b'"rankdx.check/1"'), ("markdown", b"###"), ("sarif", b"2.1.0")):
        done = bench.run(model, "-o", form)
        check(done.returncode == 0 and sign in done.stdout, f"-o {form}: {done.returncode}, {done.stdout[:200]!r}")
    check(bench.run(model / "config.json").returncode == 1, "a file is no directory")
    check(bench.run("no/such/dir/at/all").returncode == 1, "a path that is missing is a problem")
    check(bench.run(model, "--vllm", "banana").returncode == 2, "--vllm banana")
    check(bench.run(model, "--groups", "staff").returncode == 2, "--groups staff")
    check(bench.run(model, "--env", "NOVALUE").returncode == 2, "--env without =")


def another_user(bench, model):
    shard = model / f"model-00002-of-{SHARDS:05}.safetensors"
    shard.chmod(0o600)
    ids, code = bench.ids(model, "--uid", 4321, "--gid", 4321)
    check("model-files-not-readable" in ids and code == 1, f"0600 for another user: {ids}")
    ids, code = bench.ids(model, "--uid", os.geteuid())
    check(not ids and code == 0, f"0600 for its owner: {ids}")
    shard.chmod(0o644)


def environment(bench, model):
    ids, code = bench.ids(model, "--offline")
    check(not ids and code == 0, f"quiet and offline: {ids}")
    ids, code = bench.ids(model, "--offline", "--env", "VLLM_NO_USAGE_STATS=0")
    check(ids == {"usage-statistics-on"} and code == 0, f"statistics: {ids}")
    ids, code = bench.ids(model, "--offline", HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="1")
    check(ids == {"offline-switch-overruled"} and code == 1, f"the trap: {ids}")


def cache(bench, work):
    home = work / "hf"
    repo = home / "hub/models--org--name"
    model = write_model(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text(COMMIT)
    ids, code = bench.ids("org/name", HF_HOME=str(home))
    check(not ids and code == 0, f"through the cache: {ids}")
    ids, code = bench.ids("org/other", HF_HOME=str(home))
    check(ids == {"offline-model-not-cached"} and code == 1, f"not in the cache: {ids}")
    (model / f"model-00001-of-{SHARDS:05}.safetensors").unlink()
    ids, code = bench.ids("org/name", HF_HOME=str(home))
    check("model-shard-missing" in ids and code == 1, f"a shard is missing: {ids}")


def hashes_of(report):
    return next(c["value"] for c in report["checks"] if c["id"] == "hashes")


def deep(bench, work):
    model = write_model(work / "deep", 64 << 20)
    record = work / "hashes.tsv"
    command = [bench.binary, "model", "check", str(model), "--deep", "--record", str(record), "--threads", "1"]
    env = {"PATH": os.environ["PATH"], **QUIET}
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    while running.poll() is None and not (record.exists() and record.stat().st_size):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    # A fast machine may have finished before the signal.
    check(running.wait(60) in (0, 3), f"interrupted: exit {running.returncode}")
    report, code = bench.report(model, "--deep", "--record", record)
    value = hashes_of(report)
    check(re.match(r"8 of 8 files match \([1-8] from an earlier run\)", value), f"resumed: {value}")
    check(code == 0 and not [f for f in report["findings"] if f["severity"] != "info"], f"the holes are disproved: exit {code}")
    with open(model / f"model-00003-of-{SHARDS:05}.safetensors", "r+b") as file:
        file.seek(1 << 20)
        file.write(b"x")
    ids, code = bench.ids(model, "--deep", "--record", record)
    check("model-file-hash-mismatch" in ids and code == 1, f"one wrong byte: {ids}")


def bar(bench, work):
    controller, terminal = pty.openpty()
    done = subprocess.Popen([bench.binary, "model", "check", str(work / "deep"), "--deep", "--record", "none"],
                            stdout=subprocess.DEVNULL, stderr=terminal, env={"PATH": os.environ["PATH"], **QUIET})
    os.close(terminal)
    shown = b""
    try:
        while block := os.read(controller, 4096):
            shown += block
    except OSError:  # the other end is closed
        pass
    done.wait(60)
    check(re.search(rb"\[#+\] 100 %  0\.3 of 0\.3 GB  \d+\.\d\d GB/s  8/8 files  0 s left", shown), f"bar: {shown[-200:]!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        work.chmod(0o755)
        bench = Bench(os.path.abspath(args.binary), work)
        model = write_model(work / "model")
        for part in (forms, another_user, environment):
            part(bench, model)
        for part in (cache, deep, bar):
            part(bench, work)
    print("model check: ok" if not failures else f"model check: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
