"""check pod and check host of the real binary: this machine, and fake machines below a root.
check_pod_test.py --binary RANKDX --nvml FAKE_NVML.SO --work DIR"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import time

GPUS = 8


def write(root, path, text):
    full = root + path
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def bridge_config(acs_control):
    """Configuration space of a PCIe bridge with an ACS capability."""
    c = bytearray(4096)
    struct.pack_into("<I", c, 0x100, 0x000d | 1 << 16)
    struct.pack_into("<HH", c, 0x104, 0x005f, acs_control)
    return bytes(c)


def make_machine(root, acs):
    """Eight GPUs, eight InfiniBand ports, two memory nodes, one vLLM worker; with `acs` every bridge redirects."""
    for i in range(GPUS):
        bdf, nic, bridge = (f"0000:{b + i * 16:02x}:00.0" for b in (0x0a, 0x0c, 0x08))
        pci = "/sys/bus/pci/devices/"
        for name, vendor, kind in ((bdf, "0x10de", "0x030200"), (nic, "0x15b3", "0x020700"), (bridge, "0x1000", "0x060400")):
            write(root, f"{pci}{name}/vendor", vendor + "\n")
            write(root, f"{pci}{name}/class", kind + "\n")
            write(root, f"{pci}{name}/numa_node", f"{i // 4}\n")
        write(root, f"{pci}{bridge}/config", bridge_config(0x1d if acs else 0))
        port = f"/sys/class/infiniband/mlx5_{i}/ports/1/"
        for key, value in (("state", "4: ACTIVE"), ("rate", "400 Gb/sec (4X NDR)"), ("link_layer", "InfiniBand"),
                           ("gids/0", f"fe80:0000:0000:0000:9803:9b03:00aa:{i:04x}")):
            write(root, port + key, value + "\n")
        write(root, f"/dev/nvidia{i}", "")
        write(root, f"/dev/infiniband/uverbs{i}", "")
        write(root, f"/proc/driver/nvidia/gpus/{bdf}/information", f"Device Minor: \t {i}\n")
    net = (("lo", 1, "0x9", "unknown", 65536), ("eth0", 2, "0x1003", "up", 1500))
    for name, index, flags, state, mtu in net:
        for key, value in (("ifindex", index), ("flags", flags), ("operstate", state), ("mtu", mtu)):
            write(root, f"/sys/class/net/{name}/{key}", f"{value}\n")
    files = {
        "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n",
        "/proc/cmdline": "ro quiet iommu=pt\n",
        "/proc/net/fib_trie": "|-- 127.0.0.1\n /32 host LOCAL\n|-- 10.244.1.15\n /32 host LOCAL\n",
        "/proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
                           "eth0\t0001F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
        "/proc/net/tcp": "  sl  local_address\n",
        "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "/proc/sys/kernel/hostname": "gpu-worker-01\n",
        "/etc/hosts": "127.0.0.1 localhost\n10.244.1.15 gpu-worker-01\n",
        "/etc/resolv.conf": "nameserver 10.96.0.10\n",
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "/sys/fs/cgroup/memory.max": "274877906944\n",
        "/sys/fs/cgroup/memory.current": "1073741824\n",
        "/sys/fs/cgroup/memory.events": "oom_kill 0\n",
        "/sys/module/nvidia_peermem/version": "570.86.15\n",
        "/proc/212/cmdline": "VLLM::Worker_TP0",
        "/proc/212/comm": "VLLM::Worker_TP\n",
        "/proc/212/environ": "HOME=/root\0NCCL_DEBUG=WARN\0HF_TOKEN=hf_AbCdEfGhIjKlMnOp\0",
        "/proc/212/status": "Uid:\t0\t0\t0\t0\nCpus_allowed_list:\t0-63\nMems_allowed_list:\t0-1\n",
        "/proc/212/limits": "Max processes  unlimited  unlimited  processes\nMax open files  1048576  1048576  files\n"
                            "Max locked memory  unlimited  unlimited  bytes\n",
        "/proc/212/maps": "7f00-7f01 r-xp 00000000 08:01 1  /usr/lib/libnccl.so.2.27.3\n",
    }
    for path, text in files.items():
        write(root, path, text)
    for directory in ("/root", "/tmp", "/dev/shm"):
        os.makedirs(root + directory, exist_ok=True)


def run(args, *flags, fake=""):
    env = {"PATH": os.environ["PATH"], "FAKE_NVML": fake}
    start = time.monotonic()
    done = subprocess.run([args.binary, "check", *flags, "-o", "json"], env=env, capture_output=True, text=True)
    return json.loads(done.stdout), done.returncode, time.monotonic() - start, done.stdout


def main():
    parser = argparse.ArgumentParser()
    for name in ("binary", "nvml", "work"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    good, slow = args.work + "/good", args.work + "/acs"
    make_machine(good, acs=False)
    make_machine(slow, acs=True)
    wrong = []

    def expect(what, seen, wanted):
        if seen != wanted:
            wrong.append(f"{what}: {seen!r}, not {wanted!r}")

    # The aim is 200 ms; a busy machine is no failure of this.
    print(f"check pod on this machine: {min(run(args, 'pod')[2] for _ in range(5)) * 1000:.0f} ms")

    on_root = ("--nvml", args.nvml, "--gpus", "8")
    report, code, _, text = run(args, "host", "--root", good, *on_root)
    expect("healthy machine", ([f["id"] for f in report["findings"]], code), ([], 0))
    unknown = {c["id"] for c in report["checks"] if c["status"] == "unknown"}
    expect("what cannot be known below a root", unknown, {"clock", "cuda-versions", "gpu-xid", "model-files"})
    expect("secret in the output", "hf_AbC" in text, False)

    write(good, "/models/m/config.json", '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    write(good, "/models/m/model.safetensors", b"")
    report, code, _, _ = run(args, "pod", "--root", good, "--model", "/models/m", *on_root)
    model = {c["id"]: c["status"] for c in report["checks"] if c["id"].startswith("model-")}
    expect("model directory", (model["model-files"], len(model) > 3, code), ("failed", True, 1))
    expect("an empty file of weights", "empty-model-file" in {f["id"] for f in report["findings"]}, True)
    report, code, _, _ = run(args, "pod", "--root", good, "--only", "shm,limits", *on_root)
    expect("topics", {c["id"].split("-")[0] for c in report["checks"]}, {"shm", "limit"})
    report, code, _, _ = run(args, "host", "--root", slow, *on_root)
    expect("machine with ACS", ([f["id"] for f in report["findings"]], code), (["gdr-broken-by-acs"], 0))
    report, code, _, _ = run(args, "pod", "--root", good, *on_root, fake="count=7;fail_index=2")
    expect("two faults", ({f["id"] for f in report["findings"]}, code), ({"gpu-not-visible", "gpu-hardware-fault"}, 1))
    expect("no such root", subprocess.run([args.binary, "check", "pod", "--root", "/nowhere"],
                                          capture_output=True).returncode, 2)
    print("\n".join(wrong) or "ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
