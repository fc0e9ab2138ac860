"""check mesh on four hosts: every planted fault is named for the right pair or host, and a clean network gives none.
mesh_test.py --binary RANKDX --shim SHIFT_CLOCK.SO --work DIR [-k PART_OF_NAME]"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import lab as netlab

PORT = 29599
BY_ADDRESS = "10.244.1.15,10.244.2.15,10.244.3.15,10.244.4.15"
BY_NAME = "gpu-worker-01,gpu-worker-02,gpu-worker-03,gpu-worker-04"
W1, W2, W3, W4 = (f"gpu-worker-0{i}" for i in range(1, 5))
SKIPPED = 77


class Scenario:
    """plant and heal are lines "switch CMD", "rule NFT", "hI CMD" or "hosts I ADDRESS"; env: host to variables.
    expect: (finding id, host, peer or None, words of title and cause) of each finding, in any order; nothing else may
    be found. A pair may be named by any of several places of one finding. wait: seconds for members that come late; only
    where one never comes does the scenario last so long."""

    def __init__(self, name, plant=(), heal=(), env=None, peers=BY_ADDRESS, expect=(), flags=(), listener=None,
                 seen_by=1, setting=None, wait=60):
        self.name, self.plant, self.heal, self.env = name, plant, heal, env or {}
        self.peers, self.expect, self.flags, self.listener = peers, expect, flags, listener
        self.seen_by, self.setting, self.wait = seen_by, setting, wait


BLOCKED, SYN = "node-to-node-traffic-blocked", "tcp flags & (syn | ack) == syn"
ALL_ETH1 = {i: {"NCCL_SOCKET_IFNAME": "eth1"} for i in range(1, 5)}
SCENARIOS = [
    Scenario("clean", setting="=eth0"),
    Scenario("clean, by name", peers=BY_NAME, setting="=eth0"),
    Scenario("drop", plant=["rule ip saddr 10.244.2.15 ip daddr 10.244.3.15 drop",
                            "rule ip saddr 10.244.3.15 ip daddr 10.244.2.15 drop"],
             expect=[(BLOCKED, W2, W3, "filtered"), (BLOCKED, W3, W2, "filtered")], setting="=eth1"),
    Scenario("drop one host", plant=["rule ip daddr 10.244.3.15 " + SYN + " drop", "rule ip saddr 10.244.3.15 " + SYN + " drop"],
             wait=8,
             expect=[(BLOCKED, "10.244.3.15", None, "Every way to"), ("mesh-member-missing", "10.244.3.15", None, "")]),
    Scenario("reject", plant=["h3 nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }; "
                              f"add rule inet t i ip saddr 10.244.2.15 {SYN} reject with icmp type admin-prohibited'"],
             expect=[(BLOCKED, W2, W3, "rejected")], setting="=eth1"),
    Scenario("reset", plant=["h3 nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }; "
                             f"add rule inet t i ip saddr 10.244.2.15 {SYN} reject with tcp reset'"],
             expect=[(BLOCKED, W2, W3, "refused")], setting="=eth1"),
    Scenario("one way", plant=[f"rule ip saddr 10.244.2.15 ip daddr 10.244.3.15 {SYN} drop"],
             expect=[(BLOCKED, W2, W3, "The other direction works")], setting="=eth1"),
    Scenario("wrong interface", plant=["h3 ip addr flush dev eth1", "h3 ip addr add 172.31.9.3/24 dev eth1"],
             heal=["h3 ip addr flush dev eth1", "h3 ip addr add 192.168.50.3/24 dev eth1"],
             env={3: {"NCCL_SOCKET_IFNAME": "eth1"}},
             expect=[("unreachable-interface-selected", W3, None, "no route")], setting="=eth0"),
    Scenario("MTU black hole", plant=["switch ip link set v2-1 mtu 1500"], heal=["switch ip link set v2-1 mtu 9000"],
             env=ALL_ETH1, expect=[("mtu-mismatch", W2, None, "9000 bytes, about 1500 pass")], setting="=eth0"),
    Scenario("duplicate address", plant=["h4 ip addr add 10.244.2.15/16 dev eth0"],
             heal=["h4 ip addr del 10.244.2.15/16 dev eth0"],
             expect=[("duplicate-address", W2, W4, "10.244.2.15")], setting="=eth1"),
    Scenario("name is loopback", plant=["hosts 2 127.0.1.1"], peers=BY_NAME,
             expect=[("gloo-uses-loopback", W2, None, "127.0.1.1")], setting="=eth0"),
    Scenario("port taken", listener=(3, 29500), flags=["--ports", "29500"],
             expect=[("port-in-use", W3, None, "Port 29500")], setting="=eth0"),
    Scenario("meeting port taken", listener=(3, PORT), expect=[("port-in-use", W3, None, f"Port {PORT}")], setting="=eth0"),
    Scenario("clock", env={4: {"SHIFT_CLOCK_S": "-37"}}, expect=[("clock-offset", W4, None, "37 s behind")], setting="=eth0"),
    Scenario("coordinator cut off", plant=["rule ip saddr 10.244.1.15 drop", "rule ip daddr 10.244.1.15 drop"], seen_by=2,
             wait=8, expect=[(BLOCKED, "10.244.1.15", None, "Every way to"), ("mesh-member-missing", "10.244.1.15", None, "")]),
    Scenario("a way round the coordinator", plant=["rule ip saddr 10.244.1.15 ip daddr 10.244.4.15 drop",
                                                   "rule ip saddr 10.244.4.15 ip daddr 10.244.1.15 drop"],
             expect=[(BLOCKED, W1, W4, "filtered"), (BLOCKED, W4, W1, "filtered")], setting="=eth1"),
]


def apply(net, lines):
    for line in lines:
        verb, rest = line.split(" ", 1)
        if verb == "switch":
            net.switch(rest)
        elif verb == "rule":
            net.rule(rest)
        elif verb == "hosts":
            net.set_hosts(int(rest.split()[0]), rest.split()[1])
        else:
            net.host(int(verb[1:]), rest)


def listen(net, host, port):
    code = f"import socket,time; s=socket.create_server(('', {port})); print(flush=True); time.sleep(99)"
    process = net.start(host, [sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def run(net, s, args):
    apply(net, s.plant)
    listener = listen(net, *s.listener) if s.listener else None
    command = [args.binary, "check", "mesh", "--peers", s.peers, "--wait", str(s.wait), "-o", "json", *s.flags]
    base = {"RANKDX_MESH_TOKEN": "a token of the test", "NO_COLOR": "1"}
    processes = []
    for i in range(1, net.count + 1):
        env = {**base, **s.env.get(i, {})}
        if "SHIFT_CLOCK_S" in env:
            env["LD_PRELOAD"] = args.shim
        processes.append(net.start(i, command, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    outputs = [p.communicate(timeout=240) for p in processes]
    if listener:
        listener.kill()
        listener.wait()
    apply(net, s.heal)
    net.flush()
    return [p.returncode for p in processes], outputs


def fits(want, finding):
    slug, host, peer, words = want
    text = finding["title"] + " " + finding["cause"]
    return finding["id"] == slug and words in text and any(
        w["host"] == host and (peer is None or w["peer"] == peer) for w in finding["where"])


def judge(s, codes, outputs):
    out, err = outputs[s.seen_by - 1]
    try:
        report = json.loads(out)
    except ValueError:
        return [f"no report: {out!r} {err!r}"]
    wrong = []
    findings = report["findings"]
    for want in s.expect:
        if not any(fits(want, f) for f in findings):
            wrong.append(f"not found: {want}")
    for f in findings:
        if not any(fits(want, f) for want in s.expect):
            wrong.append(f"not planted: {f['id']}: {f['title']} ({f['where']})")
    # Each planted pair is one of a finding's places, and no other pair is.
    places = sum(len(f["where"]) for f in findings)
    if places != len(s.expect):
        wrong.append(f"{places} places for {len(s.expect)} expected")
    clean = not s.expect
    if clean and any(codes):
        wrong.append(f"exit codes {codes}")
    if s.setting and report["mesh"]["interface_setting"] != s.setting:
        wrong.append(f"interface setting {report['mesh']['interface_setting']}, not {s.setting}")
    if wrong:
        wrong.append(json.dumps(findings, indent=1))
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("-k", default="")
    args = parser.parse_args()
    for tool in ("unshare", "nsenter", "ip", "nft"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIPPED
    if not netlab.enter():
        print("skipped: this machine allows neither user namespaces nor network namespaces")
        return SKIPPED
    os.makedirs(args.work, exist_ok=True)
    args.binary, args.shim, args.work = map(os.path.abspath, (args.binary, args.shim, args.work))
    todo = [s for s in SCENARIOS if args.k in s.name]
    failed, lock = [], threading.Lock()

    def work(number):
        net = netlab.Lab(f"lab{number}", args.work)
        try:
            while True:
                with lock:
                    if not todo:
                        return
                    s = todo.pop(0)
                start = time.monotonic()
                try:
                    wrong = judge(s, *run(net, s, args))
                except Exception as e:  # the scenario's own failure, not a reason to lose the others
                    wrong = [repr(e)]
                with lock:
                    print(f"{'FAILED' if wrong else 'ok':6} {s.name} ({time.monotonic() - start:.1f} s)", flush=True)
                    for w in wrong:
                        print("       " + w)
                    failed.extend([s.name] * bool(wrong))
        finally:
            net.close()

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    print(f"{len(failed)} failed" + (": " + ", ".join(failed) if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
