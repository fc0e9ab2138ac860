#!/usr/bin/env python3
"""The redacted bundle of a failed run gives the same root cause as the run itself, for every run of the real NCCL library
that fails, and no host name or address of the run is left in it. A bundle of files says how the machine is.

  bundle_test.py --binary build/dev/rankdx --work build/dev/lab [--every N]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tarfile

from lab_test import DATA, diagnose, rank_logs, root_cause, unpack


ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NCCL_DEBUG": "INFO", "VLLM_HOST_IP": "10.9.8.7", "HF_TOKEN": "hf_aB3dE6gH9jK2mN5pQ8sT1",
               "UCX_TLS": "tcp", "VLLM_API_KEY": "geheim-1", "S3_ACCESS_KEY_ID": "geheim-2", "RAY_redis_password": "geheim-3", "MY_NOTES": "geheim-4"}


def unpacked(bundle):
    """Name to text of the members."""
    with subprocess.Popen(["zstd", "-dcq", bundle], stdout=subprocess.PIPE) as unpack, tarfile.open(fileobj=unpack.stdout, mode="r|") as tar:
        return {m.name: tar.extractfile(m).read().decode(errors="replace") for m in tar}


def collected(binary, bundle, *arguments):
    """Members of a fresh bundle."""
    bundle.unlink(missing_ok=True)
    subprocess.run([binary, "collect", "-o", bundle, *arguments], capture_output=True, check=True)
    return unpacked(bundle)


def this_machine(binary, work):
    """Files are packed with the checks and variables of the machine, of rankdx itself and of the processes of a launch."""
    wrong, log, bundle = [], work / "here.log", work / "here.tar.zst"
    log.write_text("node-a:1:2 [0] NCCL INFO comm 0x7f rank 0 nranks 1 - Init COMPLETE\n")
    # A program named as a server is: sleeps until its input ends.
    server = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "vllm serve", "/models/m"], stdin=subprocess.PIPE,
                              env={**ENVIRONMENT, "NCCL_DEBUG": "WARN"})
    try:
        for options in ([], ["--hide-names"], ["--no-checks"]):
            bundle.unlink(missing_ok=True)
            made = subprocess.run([binary, "collect", "-o", bundle, *options, log], capture_output=True, text=True, env=ENVIRONMENT, check=False)
            members = unpacked(bundle)
            manifest = json.loads(members["manifest.json"])
            named = sorted(m["name"] for m in manifest["members"])
            machine = "checks/pod.json" if "checks/pod.json" in members else "checks/host.json"
            want = [n for n in members if n.startswith("logs/")]
            if options != ["--no-checks"]:
                want = sorted(want + [machine, "checks/environment.json"])
            if made.returncode or named != want or len(want) not in (1, 3):
                wrong.append(f"collect {options}: rc {made.returncode} {named} {made.stderr}")
            for text in members.values():
                if "geheim" in text or ENVIRONMENT["HF_TOKEN"] in text:
                    wrong.append(f"collect {options}: a secret of the environment: {text}")
            if options == ["--no-checks"]:
                continue
            report = json.loads(members[machine])
            if report["schema"] != "rankdx.check/1" or len(report["checks"]) < 20:
                wrong.append(f"{machine}: {report}")
            seen = {e["of"]: e["variables"] for e in json.loads(members["checks/environment.json"])["environments"]}
            own = seen["rankdx itself"]
            theirs = next((v for of, v in seen.items() if of.startswith(f"process {server.pid} ")), {})
            if (own["NCCL_DEBUG"], theirs.get("NCCL_DEBUG"), own["UCX_TLS"], own["HF_TOKEN"], "MY_NOTES" in own) != ("INFO", "WARN", "tcp", "[redacted]", False):
                wrong.append(f"variables: {seen}")
            if (own["VLLM_HOST_IP"] == "10.9.8.7") == bool(options):
                wrong.append(f"variables with {options}: {own}")
    finally:
        server.communicate()
    return wrong


def objects(binary, work):
    """Objects that kubectl printed say the same in a bundle."""
    pods, bundle = work / "pods.json", work / "pods.tar.zst"
    killed = {"name": "vllm", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}, "restartCount": 0}
    pods.write_text(json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "w-0"}, "status": {"phase": "Failed", "containerStatuses": [killed]}}))
    bundle.unlink(missing_ok=True)
    subprocess.run([binary, "collect", "-o", bundle, pods], capture_output=True, check=False)
    want, have = (root_cause(diagnose(binary, p)) for p in (pods, bundle))
    return [] if want and have and want["id"] == have["id"] else [f"pods.json: {want} became {have}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    unpack(args.work)
    labels = json.loads((DATA / "lab-labels.json").read_text())
    keys = [k for k in sorted(labels) if labels[k]["severity"] == "error"][:: args.every]
    wrong = this_machine(args.binary, args.work) + objects(args.binary, args.work)
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
