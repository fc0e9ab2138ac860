#!/usr/bin/env python3
"""Synthetic fleets: a healthy one gives no finding, each planted fault its cause and its guilty rank or host.

  fleet_test.py --binary build/dev/rankdx --fleet build/dev/bench/fleet/fleet
"""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = FLEET = None
VERSIONS = ("2.18.5", "2.21.5", "2.26.2", "2.27.7", "2.28.9")
# Fault, its place, the cause that must lead, and who is guilty: ranks and nodes.
FAULTS = [
    ("missing-rank:11", "rank-never-arrived", {11}, {1}),
    ("missing-node:2", "rank-never-arrived", set(range(16, 24)), set()),
    ("wrong-interface:0", "unreachable-interface-selected", set(), {0}),
    ("wrong-interface:3", "unreachable-interface-selected", set(), {3}),
    ("loopback:2", "loopback-selected", set(), {2}),
    ("dead-rank:13", "rank-process-died", {13}, {1}),
    ("shm-too-small:1", "shm-too-small", set(), {1}),
    ("env-differs:3", "nccl-env-differs-between-ranks", set(), {3}),
    ("version-differs:1", "nccl-version-differs-between-ranks", set(), {0, 1}),  # which one is wrong is not known
    ("p2p-disabled:2", "p2p-disabled-by-env", set(), {2}),
    ("late-node:5", "straggler-ranks", set(range(40, 48)), {5}),
    ("slow-node:6", "straggler-ranks", set(range(48, 56)), {6}),
]


def fleet(out, *args):
    done = subprocess.run([FLEET, "-o", out, *args], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(done.stderr)


def diagnose(*paths):
    done = subprocess.run([BINARY, "diagnose", "-o", "json", *paths], capture_output=True, text=True, timeout=120)
    if done.returncode == 2:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Fleet(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.dir.name) / "logs"

    def tearDown(self):
        self.dir.cleanup()

    def test_healthy_fleets_raise_no_alarm(self):
        for version in VERSIONS:
            for more in (["--layout", "rank"], ["--layout", "node", "--timestamps", "--network", "ib"]):
                with self.subTest(version=version, more=more):
                    out = self.out / version / more[1]
                    fleet(out, "--ranks", "32", "--nccl", version, *more)
                    answer = diagnose(out)
                    self.assertEqual(answer["verdict"], "healthy", answer["summary"])
                    self.assertEqual([f for f in answer["findings"] if f["severity"] != "info"], [])

    def test_every_line_is_known(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                out = self.out / version
                fleet(out, "--ranks", "16", "--nccl", version, "--subsys", "ALL", "--calls", "5")
                self.assertEqual(diagnose(out)["input"]["unrecognised_nccl_lines"], 0)

    def test_the_picture_is_whole(self):
        for version in VERSIONS:
            fleet(self.out / version, "--ranks", "24", "--nccl", version, "--subsys", "INIT,ENV,NET,GRAPH,P2P")
            world = diagnose(self.out / version)["job"]["communicators"][0]
            self.assertEqual([m["rank"] for m in world["ranks"]], list(range(24)))
            self.assertEqual([sorted(r) for r in world["rings"]], [list(range(24))] * 2)
            between = {link["transport"] for link in world["links"] if not link["same_host"]}
            self.assertEqual(between, {"NET/Socket/0"})

    def test_each_fault_is_named_with_the_guilty(self):
        for fault, cause, ranks, nodes in FAULTS:
            for layout in ("rank", "node", "combined"):
                with self.subTest(fault=fault, layout=layout):
                    out = self.out / f"{fault}-{layout}".replace(":", "-")
                    if layout == "combined":
                        self.out.mkdir(exist_ok=True)
                        out = out.with_suffix(".log")
                    fleet(out, "--ranks", "64", "--layout", layout, "--fault", fault)
                    answer = diagnose(out)
                    self.assertTrue(answer["findings"], answer["summary"])
                    lead = answer["findings"][0]
                    self.assertEqual(lead["id"], cause, answer["summary"])
                    where = lead["where"]
                    if ranks:
                        self.assertEqual({w["rank"] for w in where if w.get("rank") is not None}, ranks)
                    if nodes:
                        hosts = {w["host"] for w in where if w.get("host")}
                        self.assertEqual(hosts, {f"gpu-{n:05}" for n in nodes})

    def test_a_warning_behind_many_ranks_is_kept(self):
        log = self.out.with_suffix(".log")
        fleet(log, "--ranks", "2048", "--layout", "combined", "--fault", "shm-too-small:255")
        answer = diagnose(log)
        self.assertEqual(answer["findings"][0]["id"], "shm-too-small")
        self.assertEqual(answer["input"]["beyond_limits"]["kept_lines"], 0)

    def test_faults_of_older_releases(self):
        for version in VERSIONS[:3]:
            for fault, cause, ranks, _ in FAULTS:
                if fault.split(":")[0] not in ("missing-rank", "shm-too-small", "p2p-disabled"):
                    continue
                with self.subTest(version=version, fault=fault):
                    out = self.out / f"{version}-{fault}".replace(":", "-")
                    fleet(out, "--ranks", "64", "--nccl", version, "--fault", fault)
                    lead = diagnose(out)["findings"][0]
                    self.assertEqual(lead["id"], cause)
                    if ranks:
                        self.assertEqual({w["rank"] for w in lead["where"]}, ranks)

    def test_two_faults_at_once(self):
        fleet(self.out, "--ranks", "64", "--fault", "wrong-interface:0", "--fault", "missing-rank:33")
        answer = diagnose(self.out)
        found = {f["id"]: f for f in answer["findings"]}
        self.assertEqual(answer["findings"][0]["id"], "unreachable-interface-selected")
        self.assertEqual([w["rank"] for w in found["rank-never-arrived"]["where"]], [33])
        self.assertNotIn("rank-process-died", found)  # they wait, they did not die
        self.assertEqual(answer["job"]["communicators"][0]["missing_ranks"], [33])

    def test_one_seed_gives_one_fleet(self):
        digests = []
        for i, seed in enumerate(("7", "7", "8")):
            fleet(self.out / str(i), "--ranks", "16", "--seed", seed, "--threads", str(1 + i))
            files = sorted((self.out / str(i)).iterdir())
            digests.append([(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files])
        self.assertEqual(digests[0], digests[1])
        self.assertNotEqual(digests[0], digests[2])

    def test_a_size_is_kept(self):
        log = self.out.with_suffix(".log")
        fleet(log, "--ranks", "8", "--layout", "combined", "--subsys", "INIT,COLL", "--size", "5M")
        self.assertAlmostEqual(log.stat().st_size / 5e6, 1, delta=0.05)

    def test_wrong_flags_are_refused(self):
        for args in (["--fault", "bad"], ["--fault", "slow-node:99"], ["--nccl", "1.0"], ["--ranks", "0"]):
            done = subprocess.run([FLEET, "-o", self.out, *args], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, args)
            self.assertTrue(done.stderr.strip(), args)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fleet", required=True)
    options, rest = parser.parse_known_args()
    BINARY, FLEET = options.binary, options.fleet
    unittest.main(argv=[sys.argv[0], *rest])
