#!/usr/bin/env python3
"""The Slurm job script and the epilogs, under a real slurmctld with four nodes on this machine, each with its own logs.
Skipped (77) where Slurm is not installed, or without root.

  slurm_test.py --binary build/dev/rankdx --fleet build/dev/bench/fleet/fleet
"""
import argparse
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLURM = ROOT / "packaging" / "slurm"
NODES = [f"gpu{n:05}" for n in range(4)]
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol")
BINARY = FLEET = None


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for(what, condition, limit_s=120):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come in {limit_s} s")
        time.sleep(0.1)


class Cluster:
    """munge, slurmctld and one slurmd per node, all below one folder."""

    def __init__(self, folder):
        self.dir = folder
        self.keep = folder / "keep"
        self.logs = folder / "logs"
        self.started = []
        for d in ("state", "munge", "log", "keep", "bin"):
            (folder / d).mkdir()
        shutil.copy(BINARY, folder / "bin" / "rankdx")
        self.env = dict(os.environ, SLURM_CONF=str(folder / "slurm.conf"), PATH=f"{folder}/bin:{os.environ['PATH']}")
        for name in ("SLURM_JOB_ID", "SLURMD_NODENAME"):
            self.env.pop(name, None)

    def start(self):
        self.start_munge()
        self.write_conf()
        self.start_daemon("slurmctld", "-D")
        for node in NODES:
            self.start_daemon("slurmd", "-D", "-N", node)
        wait_for("all nodes", lambda: self.idle() == len(NODES))

    def start_munge(self):
        munge = self.dir / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        munge.chmod(0o711)
        for path in (munge, munge / "key"):
            shutil.chown(path, "munge", "munge")
        files = [f"--{n}-file={munge}/{n}" for n in ("key", "pid", "log", "seed")]
        self.start_daemon("runuser", "-u", "munge", "--", "munged", "--foreground", f"--socket={munge}/sock", *files)
        wait_for("munge", (munge / "sock").exists)

    def write_conf(self):
        d, host = self.dir, socket.gethostname().split(".")[0]
        ports = free_ports(1 + len(NODES))
        # Epilogs get a clean environment: what they need stands in wrappers.
        for name in ("node", "controller"):
            script = d / f"epilog-{name}"
            script.write_text(f"#!/bin/sh\nPATH={d}/bin:$PATH RANKDX_EPILOG_CONF={d}/epilog.conf exec {SLURM}/epilog-{name}.sh\n")
            script.chmod(0o755)
        (d / "epilog.conf").write_text(f"LOGS={d}/logs-%j/%n\nKEEP={self.keep}\n")
        lines = [
            "ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", "SlurmUser=root", "SlurmdUser=root",
            "AuthType=auth/munge", f"AuthInfo=socket={d}/munge/sock", f"SlurmctldPort={ports[0]}",
            f"StateSaveLocation={d}/state", f"SlurmctldPidFile={d}/ctld.pid", f"SlurmdPidFile={d}/slurmd.%n.pid",
            f"SlurmdSpoolDir={d}/spool.%n", f"SlurmctldLogFile={d}/log/ctld", f"SlurmdLogFile={d}/log/%n",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU", "JobAcctGatherType=jobacct_gather/none", "MpiDefault=none",
            "AccountingStorageType=accounting_storage/none", "ReturnToService=2", "SlurmdParameters=config_overrides",
            f"Epilog={d}/epilog-node", f"EpilogSlurmctld={d}/epilog-controller",
        ]
        for node, port in zip(NODES, ports[1:]):
            lines.append(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 State=UNKNOWN")
            (d / f"spool.{node}").mkdir()
        lines.append(f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP")
        (d / "slurm.conf").write_text("\n".join(lines) + "\n")

    def start_daemon(self, *argv):
        with open(self.dir / "log" / f"{len(self.started)}.out", "wb") as out:
            self.started.append(subprocess.Popen(argv, env=self.env, stdout=out, stderr=subprocess.STDOUT))

    def idle(self):
        done = subprocess.run(["sinfo", "-h", "-t", "idle", "-o", "%D"], env=self.env, capture_output=True, text=True)
        return int(done.stdout.strip() or 0)

    def run(self, *argv, **more):
        return subprocess.run(argv, env=dict(self.env, **more), capture_output=True, text=True, timeout=180, cwd=self.dir)

    def batch(self, script, *args, **more):
        """-> (exit code, job id, output)."""
        done = self.run("sbatch", "--parsable", "--wait", "-N", "4", "-o", f"{self.dir}/%j.out", str(script), *args, **more)
        job = done.stdout.strip()
        if not job:
            raise AssertionError(done.stderr)
        return done.returncode, job, (self.dir / f"{job}.out").read_text()

    def stop(self):
        for p in reversed(self.started):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.started:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory(prefix="rankdx-slurm-", dir="/tmp")
        folder = pathlib.Path(cls.tmp.name)
        folder.chmod(0o755)
        cls.cluster = Cluster(folder)
        cls.addClassCleanup(cls.tmp.cleanup)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()

    def make_logs(self, folder, *fault):
        """Each node's logs in a folder of its own."""
        subprocess.run([FLEET, "--ranks", "32", "--host-prefix", "gpu", "--layout", "node", "-o", folder, *fault],
                       check=True, capture_output=True, timeout=60)
        for node in NODES:
            (folder / node).mkdir()
            (folder / f"{node}.log").rename(folder / node / "nccl.log")

    def test_one_task_per_node_scans_in_place(self):
        c = self.cluster
        logs = c.dir / "nodes"
        self.make_logs(logs, "--fault", "missing-rank:13")
        facts = c.dir / "facts"
        code, _, out = c.batch(SLURM / "rankdx.sbatch", f"{logs}/%n", FACTS=str(facts))
        self.assertIn("Rank 13 never joined", out)
        self.assertEqual(code, 1, out)
        self.assertEqual(sorted(f.name for f in facts.glob("*.rdxf")), [f"{n}.rdxf" for n in NODES])
        whole = c.run("rankdx", "diagnose", "-o", "json", str(logs)).stdout
        merged = c.run("rankdx", "diagnose", "-o", "json", str(facts / "job.facts")).stdout
        self.assertEqual(merged, whole)

    def test_a_node_without_logs_is_named(self):
        c = self.cluster
        logs = c.dir / "nodes-lacking"
        self.make_logs(logs, "--fault", "missing-rank:30")
        shutil.rmtree(logs / NODES[2])
        _, _, out = c.batch(SLURM / "rankdx.sbatch", f"{logs}/%n", FACTS=str(c.dir / "facts-lacking"))
        self.assertIn(f"no facts from: {NODES[2]}", out)

    def test_epilogs_keep_the_facts_of_failed_jobs_only(self):
        c = self.cluster
        kept = {}
        for ending in (0, 3):
            # The job writes its logs where the epilog looks for them.
            logs = c.dir / f"made-{ending}"
            self.make_logs(logs, "--fault", "dead-rank:9")
            script = c.dir / f"job-{ending}.sh"
            script.write_text(f"#!/bin/sh\ncp -r {logs} {c.dir}/logs-$SLURM_JOB_ID\nexit {ending}\n")
            code, job, out = c.batch(script)
            self.assertEqual(code, ending, out)
            kept[ending] = c.keep / job
        wait_for("facts of the failed job", lambda: len(list(kept[3].glob("*.rdxf"))) == len(NODES))
        wait_for("the mark of the good one", (kept[0] / "ended-well").exists)
        wait_for("all nodes", lambda: c.idle() == len(NODES))
        self.assertEqual([f.name for f in kept[0].iterdir()], ["ended-well"])
        self.assertTrue((kept[3] / "ended-badly").read_text().startswith("exit code 3"))
        done = c.run("rankdx", "diagnose", *map(str, sorted(kept[3].glob("*.rdxf"))))
        self.assertIn("rank 9", done.stdout)


def missing():
    lacking = [p for p in PROGRAMS if not shutil.which(p)]
    if lacking:
        return f"{', '.join(lacking)} not installed"
    return "" if os.geteuid() == 0 else "not root"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fleet", required=True)
    options, rest = parser.parse_known_args()
    BINARY, FLEET = options.binary, options.fleet
    if why := missing():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])
