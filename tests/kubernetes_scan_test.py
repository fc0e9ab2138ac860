#!/usr/bin/env python3
"""The manifests of packaging/kubernetes: valid by schema, and their containers' commands do what they say, run by sh over a
node's log folder as the kubelet lays it out.

  kubernetes_scan_test.py --binary build/dev/rankdx --fleet build/dev/bench/fleet/fleet
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

from launch_test import Validators

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "packaging" / "kubernetes"
BINARY = FLEET = None

KUBECTL = """#!/bin/sh
# get pods ... -o name, or logs POD --tail=-1: from a folder of files.
case "$1" in
  get) ls {out} | sed 's|^|pod/|' ;;
  logs) exec cat "{out}/${{2#pod/}}" ;;
esac
"""


def documents():
    for path in sorted(MANIFESTS.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


class Manifests(unittest.TestCase):
    def test_they_match_the_schemas(self):
        validators, kinds = Validators(), []
        for name, document in documents():
            with self.subTest(name):
                validators.kubernetes(document)
                kinds.append(document["kind"])
        self.assertEqual(sorted(kinds), ["DaemonSet", "Job"])

    def test_only_reading_and_no_token(self):
        for name, document in documents():
            pod = document["spec"]["template"]["spec"]
            self.assertIs(pod["automountServiceAccountToken"], False, name)
            paths = {v["name"] for v in pod["volumes"] if "hostPath" in v}
            for container in pod["containers"] + pod.get("initContainers", []):
                self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
                for mount in container["volumeMounts"]:
                    self.assertTrue(mount["name"] not in paths or mount["readOnly"], (name, mount))


class Nodes(unittest.TestCase):
    """Two nodes, each with the pods of 8 ranks."""

    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = pathlib.Path(tmp.name)
        (self.dir / "bin").mkdir()
        shutil.copy(BINARY, self.dir / "bin" / "rankdx")
        logs = self.dir / "logs"
        subprocess.run([FLEET, "--ranks", "16", "--fault", "wrong-interface:0", "--layout", "node", "-o", logs], check=True,
                       capture_output=True)
        for i, log in enumerate(sorted(logs.iterdir())):
            pod = self.dir / f"node{i}/pods/default_vllm-{i}_0000-{i}/vllm"
            pod.mkdir(parents=True)
            lines = log.read_text().splitlines()
            pod.joinpath("0.log").write_text("".join(f"2026-11-22T10:00:{k % 60:02}.000000000Z stdout F {line}\n"
                                                     for k, line in enumerate(lines)))
            other = self.dir / f"node{i}/pods/default_web-{i}_0/web"
            other.mkdir(parents=True)
            other.joinpath("0.log").write_text("2026-11-22T10:00:00.000000000Z stdout F nothing of NCCL\n")
        (self.dir / "out").mkdir()
        kubectl = self.dir / "bin" / "kubectl"
        kubectl.write_text(KUBECTL.format(out=self.dir / "out"))
        kubectl.chmod(0o755)
        self.env = dict(os.environ, PATH=f"{self.dir}/bin:{os.environ['PATH']}")

    def run_container(self, container, node):
        """The command as the kubelet starts it, with the mounts' places moved below the test's folder."""
        facts = self.dir / f"facts{node}"
        facts.mkdir(exist_ok=True)

        def moved(text):
            return text.replace("/host/var/log/pods", f"{self.dir}/node{node}/pods").replace("/facts", str(facts))

        env = dict(self.env, **{e["name"]: moved(e["value"]) for e in container.get("env", [])})
        command = [moved(word).replace("exec sleep infinity", "true") for word in container["command"]]
        return subprocess.run(command, env=env, capture_output=True, timeout=60)

    def gather(self):
        return subprocess.run(["sh", MANIFESTS / "gather-facts.sh", "rankdx-scan"], env=self.env, capture_output=True, timeout=60)

    def containers(self, kind):
        spec = next(d for _, d in documents() if d["kind"] == kind)["spec"]["template"]["spec"]
        return spec.get("initContainers", []) + spec["containers"]

    def test_facts_come_back_and_tell_the_cause(self):
        for kind in ("Job", "DaemonSet"):
            with self.subTest(kind):
                for node in (0, 1):
                    for container in self.containers(kind):
                        done = self.run_container(container, node)
                        self.assertEqual(done.returncode, 0, done.stderr)
                    base64.b64decode(done.stdout, validate=False)
                    (self.dir / "out" / f"rankdx-scan-{node}").write_bytes(done.stdout)
                gathered = self.gather()
                self.assertEqual(gathered.returncode, 0, gathered.stderr)
                found = json.loads(subprocess.run([BINARY, "diagnose", "-o", "json", "-"], input=gathered.stdout,
                                                  capture_output=True).stdout)
                self.assertEqual(found["findings"][0]["id"], "unreachable-interface-selected")
                self.assertEqual(found["input"]["sources"], 2)

    def test_a_pod_without_facts_is_named(self):
        done = self.run_container(self.containers("Job")[0], 0)
        (self.dir / "out" / "rankdx-scan-0").write_bytes(done.stdout)
        (self.dir / "out" / "rankdx-scan-1").write_bytes(b"")
        gathered = self.gather()
        self.assertEqual(gathered.returncode, 2)
        self.assertIn(b"rankdx-scan-1 gave no facts", gathered.stderr)
        self.assertGreater(len(gathered.stdout), 100)

    def test_a_node_without_logs_fails_and_says_so(self):
        shutil.rmtree(self.dir / "node1/pods/default_vllm-1_0000-1")
        done = self.run_container(self.containers("Job")[0], 1)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"matches no file", done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fleet", required=True)
    options, rest = parser.parse_known_args()
    BINARY, FLEET = options.binary, options.fleet
    unittest.main(argv=[sys.argv[0], *rest])
