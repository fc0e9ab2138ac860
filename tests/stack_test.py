#!/usr/bin/env python3
"""Causes before consequences over the whole stack: every rule that states a cause in a line of PyTorch, vLLM, Ray,
Kubernetes or the kernel is put into a launch log, before the lines that such a failure drags behind it. The cause must
lead. And the launch without it must be healthy.

  stack_test.py --binary build/dev/rankdx --rules rules
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tomllib

START = """\
INFO 10-01 12:00:00 [api_server.py:1896] vLLM API server version 0.11.0
INFO 10-01 12:00:01 [config.py:717] This model supports multiple tasks.
(EngineCore_DP0 pid=272) INFO 10-01 12:00:09 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config: model='/models/m'
(Worker_TP0 pid=301) INFO 10-01 12:00:20 [pynccl.py:103] vLLM is using nccl==2.27.3
(Worker_TP1 pid=302) INFO 10-01 12:00:20 [pynccl.py:103] vLLM is using nccl==2.27.3
"""
GOOD_END = """\
(Worker_TP0 pid=301) INFO 10-01 12:00:50 [default_loader.py:268] Loading weights took 20.10 seconds
(EngineCore_DP0 pid=272) INFO 10-01 12:01:20 [kv_cache_utils.py:1087] GPU KV cache size: 158,656 tokens
(APIServer pid=1) INFO:     Application startup complete.
"""
BAD_END = """\
(EngineCore_DP0 pid=272) ERROR 10-01 12:01:00 [multiproc_executor.py:597] WorkerProc failed to start.
(EngineCore_DP0 pid=272) ERROR 10-01 12:01:00 [core.py:710] EngineCore failed to start.
(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
FLOOR = 0.95


def diagnose(binary, text):
    run = subprocess.run([binary, "diagnose", "-o", "json", "-"], input=text, capture_output=True, text=True, timeout=60, check=False)
    return json.loads(run.stdout)


def causes(folder):
    for path in sorted(folder.glob("*.toml")):
        for rule in tomllib.loads(path.read_text())["rule"]:
            states = rule.get("role", "root-cause") == "root-cause" and rule.get("severity", "error") == "error"
            if states and rule.get("event") == "text" and rule.get("at_least", 1) == 1 and "harmless" not in rule:
                for sample in rule["bad"]:
                    yield rule["id"], sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rules", required=True, type=pathlib.Path)
    args = parser.parse_args()
    healthy = diagnose(args.binary, START + GOOD_END)
    if healthy["verdict"] != "healthy":
        print("the healthy launch:", healthy["verdict"], healthy["summary"])
        return 1
    right, wrong = 0, []
    for want, sample in causes(args.rules):
        findings = diagnose(args.binary, START + sample + "\n" + BAD_END)["findings"]
        got = findings[0]["id"] if findings and findings[0]["role"] == "root-cause" else None
        if got == want:
            right += 1
        else:
            wrong.append((want, got, sample))
    total = right + len(wrong)
    for want, got, sample in wrong:
        print(f"  {want}: {got} led: {sample[:140]}")
    print(f"{right} of {total} causes lead (at least {100 * FLOOR:.0f} %)")
    return 0 if total and right >= FLOOR * total else 1


if __name__ == "__main__":
    sys.exit(main())
