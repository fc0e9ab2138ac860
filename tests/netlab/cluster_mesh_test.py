"""check cluster of the real binary over pods that are hosts of the lab: programs really run in them, through a stand-in API
server and a real kubectl, and a rule in the network between two of them is named for that pair.

    cluster_mesh_test.py --binary RANKDX --work DIR"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "cluster")]
import cluster_test  # noqa: E402
import lab as netlab  # noqa: E402

SKIPPED = 77
NETWORK = {"node-to-node-traffic-blocked", "mtu-mismatch", "duplicate-address", "mesh-member-missing"}


def pods(net, binary_dir):
    out = []
    for i in range(1, net.count + 1):
        run = {"prefix": ["nsenter", "-t", str(net.holders[i - 1].pid), "--net", "--uts", "--mount", "--"],
               "env": {"PATH": f"{binary_dir}:/usr/sbin:/usr/bin:/sbin:/bin"}}
        out.append(cluster_test.pod(f"w-{i}", ip=f"10.244.{i}.15", node=f"gpu-worker-0{i}", exec=run, logs={"vllm": {"text": cluster_test.LOG_OK}}))
    return out


def network(report):
    """Pairs of pods that a finding about the network names, and the network cells."""
    pairs = {(f["id"], w["pod"], w["peer"]) for f in report["findings"] if f["id"] in NETWORK for w in f["where"]}
    cells = {c["source"].rsplit("/", 1)[1]: (c["status"], c["value"]) for c in report["checks"] if c["id"] == "network"}
    return pairs, cells


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True)
    args = parser.parse_args()
    if not cluster_test.kubectls():
        print("skipped: no kubectl on this machine")
        return SKIPPED
    if not netlab.enter():
        print("skipped: this machine allows neither user namespaces nor network namespaces")
        return SKIPPED
    args.binary, args.work = os.path.abspath(args.binary), os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    cluster_test.BINARY = args.binary
    kubectl = cluster_test.usual_kubectl()
    wrong = []

    def expect(what, seen, wanted):
        if seen != wanted:
            wrong.append(f"{what}: {seen!r}, not {wanted!r}")

    net = netlab.Lab("pods", args.work)
    try:
        with cluster_test.served(cluster_test.scenario(pods(net, os.path.dirname(args.binary)))) as server:
            for transport in ("proxy", "calls"):
                done = cluster_test.check(server, kubectl, "--transport", transport, timeout=200)
                pairs, cells = network(done.report)
                expect(f"clean, {transport}", pairs, set())
                expect(f"cells, {transport}", set(cells.values()), {("ok", "mesh of 4 pods")})
            net.rule("ip saddr 10.244.2.15 ip daddr 10.244.3.15 tcp flags syn / syn,ack drop")
            pairs, cells = network(cluster_test.check(server, kubectl, timeout=200).report)
            expect("one way cut", pairs, {("node-to-node-traffic-blocked", "w-2", "w-3")})
            expect("cells of a cut way", {p for p, c in cells.items() if c[0] == "failed"}, {"w-2", "w-3"})
            net.flush()
            requests = json.dumps(json.loads(server.get("requests")))
            expect("a token on a command line", "token-file&command=-" in requests.replace("%2D", "-") and "RANKDX_MESH_TOKEN" not in requests, True)
    finally:
        net.close()
    print("\n".join(wrong) or "ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
