#!/usr/bin/env python3
"""rankdx-mpi under a real mpirun: the same bytes as one process, and a named loss instead of a hang.

  mpi_test.py --binary build/dev/rankdx --mpi build/dev/rankdx-mpi --fleet build/dev/bench/fleet/fleet
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BINARY = MPI = FLEET = None
ENV = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
           OMPI_MCA_btl_vader_single_copy_mechanism="none")


def mpirun(n, *args, flags=()):
    return ["mpirun", *flags, "-np", str(n), MPI, "diagnose", "-o", "json", *map(str, args)]


def run(command):
    return subprocess.run(command, env=ENV, capture_output=True, timeout=240, stdin=subprocess.DEVNULL)


def ranks_of(mpirun_pid):
    """{rank: pid} of the processes that mpirun started itself."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(stat.rsplit(")", 1)[1].split()[1]) != mpirun_pid:
            continue
        for entry in environ:
            if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(entry.split(b"=")[1])] = int(pid)
    return found


def child_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


class Mpi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tmp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(tmp.cleanup)
        cls.dir = pathlib.Path(tmp.name)
        cls.logs = cls.dir / "logs"
        subprocess.run([FLEET, "--ranks", "64", "--fault", "dead-rank:13", "-o", cls.logs], check=True, capture_output=True)

    def one_process(self, *paths):
        return run([BINARY, "diagnose", "-o", "json", *map(str, paths)])

    def test_the_same_bytes_as_one_process(self):
        alone = self.one_process(self.logs)
        for n in (1, 2, 4, 7):
            with self.subTest(ranks=n):
                done = run(mpirun(n, self.logs))
                self.assertEqual(done.stdout, alone.stdout, done.stderr)
                self.assertEqual(done.returncode, alone.returncode)

    def test_a_file_that_cannot_be_read_is_named(self):
        broken = self.dir / "broken.log.gz"
        broken.write_bytes(b"\x1f\x8b\x08\x00" + b"x" * 40)
        missing = self.dir / "nowhere.log"
        alone = self.one_process(missing, self.logs, broken)
        done = run(mpirun(4, missing, self.logs, broken))
        self.assertEqual(done.stdout, alone.stdout)
        self.assertEqual([e["source"] for e in json.loads(done.stdout)["input"]["left_out"]], [str(missing), str(broken)])
        self.assertEqual(done.returncode, 2)

    def test_mistakes_are_told_once(self):
        done = run(["mpirun", "-np", "3", MPI, "diagnose", "--no-such-flag"])
        self.assertEqual(done.stderr.count(b"--no-such-flag"), 1, done.stderr)

    def start(self, *flags):
        """mpirun in which every rank waits for an input (a pipe) that ends when the test closes it."""
        pipes = [self.dir / f"pipe-{time.monotonic_ns()}-{i}" for i in range(8)]
        for pipe in pipes:
            os.mkfifo(pipe)
        self.pipes = pipes
        self.held = [os.open(pipe, os.O_RDWR) for pipe in pipes]
        self.addCleanup(self.let_go)
        process = subprocess.Popen(mpirun(4, *pipes, self.logs, "--lost-after", "20", flags=flags), env=ENV,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.addCleanup(self.end, process)
        limit = time.monotonic() + 120
        while True:
            ranks = ranks_of(process.pid)
            if sorted(ranks) == [0, 1, 2, 3] and all(self.waits(child_of(pid)) for pid in ranks.values()):
                return process, ranks
            self.assertLess(time.monotonic(), limit, "the ranks did not open their inputs")
            time.sleep(0.05)

    @staticmethod
    def waits(pid):
        try:
            return pid is not None and any("/pipe-" in os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return False

    def let_go(self):
        while self.held:
            os.close(self.held.pop())
            # For a reader that has not come yet: opening waits for it, closing is the end.
            threading.Thread(target=self.end_pipe, args=(self.pipes.pop(),), daemon=True).start()

    @staticmethod
    def end_pipe(path):
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError:
            pass  # the test is over

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, limit_s=120):
        out, err = process.communicate(timeout=limit_s)
        return json.loads(out), err.decode()

    def lost_inputs(self, found, rank):
        return [e for e in found["input"]["left_out"] if f"MPI rank {rank}" in e["why"]]

    def check_the_rest(self, found, rank):
        """What the rank had to read is named, all others were read."""
        lost = self.lost_inputs(found, rank)
        self.assertGreater(len(lost), 5)
        self.assertEqual(found["input"]["sources"] + len(lost), 64 + 8)
        return lost

    def test_a_killed_rank_is_a_named_loss(self):
        for victim in (1, 2, 3):  # in the tree 2 passes on what 3 found
            with self.subTest(rank=victim):
                process, ranks = self.start("--enable-recovery")
                os.kill(ranks[victim], signal.SIGKILL)
                self.let_go()
                found, err = self.finish(process)
                self.check_the_rest(found, victim)
                self.assertIn(f"rankdx-mpi: rank {victim} on", err)

    def test_two_killed_ranks(self):
        process, ranks = self.start("--enable-recovery")
        for victim in (2, 3):
            os.kill(ranks[victim], signal.SIGKILL)
        self.let_go()
        found, _ = self.finish(process)
        self.assertTrue(self.lost_inputs(found, 2) and self.lost_inputs(found, 3))

    def test_a_stopped_rank_is_given_up_in_time(self):
        """Alive, but without a sign of life: as a host that hangs."""
        process, ranks = self.start("--enable-recovery")
        os.kill(ranks[3], signal.SIGSTOP)
        self.addCleanup(lambda: os.path.exists(f"/proc/{ranks[3]}") and os.kill(ranks[3], signal.SIGKILL))
        self.let_go()
        out = []
        reader = threading.Thread(target=lambda: out.append(process.stdout.read()))
        # mpirun itself waits for the stopped process; the answer comes before.
        watcher = threading.Thread(target=self.kill_when_answered, args=(process, ranks))
        reader.start()
        watcher.start()
        reader.join(120)
        watcher.join(120)
        found = json.loads(out[0])
        self.assertIn("no sign of life", self.check_the_rest(found, 3)[0]["why"])

    @staticmethod
    def kill_when_answered(process, ranks):
        limit = time.monotonic() + 100
        while os.path.exists(f"/proc/{ranks[0]}") and time.monotonic() < limit:
            time.sleep(0.1)
        os.kill(ranks[3], signal.SIGKILL)

    def test_without_recovery_mpirun_ends_all_and_the_loss_is_named_too(self):
        process, ranks = self.start()
        os.kill(ranks[2], signal.SIGKILL)
        out, _ = process.communicate(timeout=120)
        # mpirun gives the others one second. What they say in it is whole, or (on a busy machine) there is nothing.
        self.assertNotEqual(process.returncode, 0)
        if out:
            self.assertGreater(len(self.lost_inputs(json.loads(out), 2)), 5)

    def test_a_killed_reading_process_costs_its_files_only(self):
        process, ranks = self.start()
        os.kill(child_of(ranks[1]), signal.SIGKILL)
        self.let_go()
        found, _ = self.finish(process)
        self.assertTrue(all("ended by signal 9" in e["why"] for e in self.check_the_rest(found, 1)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("binary", "mpi", "fleet"):
        parser.add_argument(f"--{name}", required=True)
    options, rest = parser.parse_known_args()
    BINARY, MPI, FLEET = options.binary, options.mpi, options.fleet
    unittest.main(argv=[sys.argv[0], *rest])
