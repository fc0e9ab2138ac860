#!/usr/bin/env python3
"""`rankdx watch` over a scripted launch: four logs that appear one after the other, real phase lines, a rotation, a crash,
ranks that never arrive, and a screen that no log line can steer.

  watch_test.py --binary build/dev/rankdx --work build/dev/watch
"""
import argparse
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

ARGS = None
WORLD = 4
SCRIPT = str(pathlib.Path(__file__).resolve().parent / "scripted_launch.py")
# A rank that prints nothing: maps one shard after the other, then listens where the API would.
SILENT = """
import mmap, pathlib, socket, sys, time
files = sorted(pathlib.Path(sys.argv[1]).iterdir())
for path in files:
    with open(path, "rb") as f:
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            sum(m[::4096])
            f.read()
            sys.stdin.readline()
if sys.argv[2] != "0":
    s = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    sys.stdin.readline()
"""


def worker(rank):
    return f"(Worker_TP{rank} pid={500 + rank}) INFO 02-27 20:31:59 "


def nccl(rank, what):
    return (f"gpu-{rank}:{500 + rank}:{600 + rank} [0] NCCL INFO ncclCommInitRank comm 0x55a{rank} rank {rank} nranks {WORLD} "
            f"cudaDev 0 nvmlDev 0 busId 1b000 commId 0xb65e - Init {what}\n")


def boot(rank):
    return (f"INFO 02-27 20:31:57 [parallel_state.py:1234] world_size={WORLD} rank={rank} local_rank=0 "
            "distributed_init_method=tcp://10.0.0.1:29500 backend=nccl\n" + worker(rank) + "[pynccl.py:111] vLLM is using nccl==2.27.5\n")


def bar(done, total=8):
    return (f"(Worker_TP0 pid=500) \rLoading safetensors checkpoint shards:  {100 * done // total}% Completed | {done}/{total} "
            f"[00:0{done}<00:0{total - done},  1.10s/it]\n")


TAIL = (worker(0) + "[gpu_model_runner.py:4221] Model loading took 18.55 GiB memory and 31.238919 seconds\n"
        + worker(0) + "[gpu_worker.py:373] Available KV cache memory: 20.16 GiB\n"
        + worker(0) + "[gpu_model_runner.py:5246] Graph capturing finished in 10 secs, took 1.22 GiB\n"
        + "(EngineCore pid=314) INFO 02-27 20:33:15 [core.py:278] init engine (profile, create kv cache, warmup model) took 44.16 s\n")
SERVING = "(APIServer pid=46) INFO:     Application startup complete.\n"


class Launch:
    """Appends to rank<N>.log as a launch would."""

    def __init__(self, name):
        self.dir = pathlib.Path(ARGS.work) / name
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)

    def say(self, rank, text):
        with open(self.dir / f"rank{rank}.log", "a", newline="") as f:
            f.write(text)

    def logs(self):
        return [str(self.dir / f"rank{r}.log") for r in range(WORLD)]

    def age(self, seconds):
        for log in self.dir.iterdir():
            os.utime(log, (time.time() - seconds,) * 2)


def watch(*args, **more):
    return subprocess.run([ARGS.binary, "watch", *args], capture_output=True, text=True, timeout=40, **more)


class WatchTest(unittest.TestCase):
    def test_a_launch_from_first_line_to_serving(self):
        launch = Launch("serving")

        def script():
            time.sleep(0.4)
            launch.say(0, "(APIServer pid=46) INFO 02-27 20:31:36 [utils.py:223] non-default args: {}\n")
            for what in (boot, lambda r: nccl(r, "START"), lambda r: nccl(r, "COMPLETE"),
                         lambda r: worker(r) + "[gpu_model_runner.py:4124] Starting to load model m\n"):
                for rank in range(WORLD):
                    launch.say(rank, what(rank))
                time.sleep(0.5)
            for done in range(1, 9):
                launch.say(0, bar(done))
                if done == 4:
                    (launch.dir / "rank0.log").rename(launch.dir / "rank0.log.1")
                time.sleep(0.25)
            launch.say(0, TAIL)
            time.sleep(0.5)
            launch.say(0, SERVING)

        thread = threading.Thread(target=script)
        thread.start()
        done = watch("-o", "json", "--timeout", "30", *launch.logs())
        thread.join()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        changes = [json.loads(line) for line in done.stdout.splitlines()]
        for rank in range(WORLD):
            states = list(dict.fromkeys(c["state"] for c in changes if c["subject"] == f"rank {rank}"))
            self.assertEqual(states[-2:], ["loading", "serving"] if rank else ["graph capture", "serving"])
            self.assertIn("connect", states)
        self.assertIn(8.0, [c.get("done") for c in changes])
        self.assertEqual([c["state"] for c in changes if c["subject"] == "launch"][-1], "serving")

    def test_a_crash_ends_the_watch(self):
        launch = Launch("crash")
        launch.say(0, boot(0) + "(EngineCore pid=314) ERROR 02-27 20:33:15 [core.py:1] EngineCore failed to start.\n")
        done = watch("--timeout", "20", *launch.logs())
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("failed: EngineCore", done.stdout)

    def test_ranks_that_do_not_arrive(self):
        launch = Launch("stuck")
        for rank in range(WORLD):
            launch.say(rank, boot(rank) + (nccl(rank, "START") if rank < 2 else ""))
        launch.age(40)
        done = watch("--timeout", "1", *launch.logs())
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r"stuck since 4\d s at bootstrap: ranks 2,3 have not arrived, 2 of 4 have \(NCCL commId 0xb65e\)")

    def test_once_fits_the_width(self):
        launch = Launch("once")
        for rank in range(WORLD):
            launch.say(rank, boot(rank) + worker(rank) + "[g.py:1] Starting to load model m\n")
        launch.say(0, bar(3))
        for columns in (80, 200):
            done = watch("--once", str(launch.dir), env={**os.environ, "COLUMNS": str(columns)})
            self.assertEqual(done.returncode, 3)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), columns)
            self.assertIn("3/8 [###.....]", done.stdout)

    def test_no_line_steers_the_screen(self):
        launch = Launch("hostile")
        launch.say(0, "(\x1b]0;owned\x07 pid=3) INFO x\n(Wor\x9bker pid=4) \x1b[2JEngineCore failed to start.\x1b[5m\x00\u202e\n")
        for form in (["--once"], ["-o", "json", "--timeout", "2"]):
            done = watch(*form, str(launch.dir))
            self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout), done.stdout)

    def test_a_full_screen(self):
        launch = Launch("screen")
        launch.say(0, boot(0) + bar(3))
        main, side = pty.openpty()
        child = subprocess.Popen([ARGS.binary, "watch", "--timeout", "1", str(launch.dir)], stdout=side, stdin=side,
                                 env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"})
        # Nobody reads the terminal meanwhile: the watch ends all the same.
        self.assertEqual(child.wait(timeout=20), 3)
        os.set_blocking(main, False)
        shown = ""
        with contextlib.suppress(OSError):    # a read of a terminal gives 4 KiB at most
            while True:
                shown += os.read(main, 65536).decode()
        os.close(side)
        os.close(main)
        self.assertTrue(shown.startswith("\x1b[?1049h\x1b[?25l"))
        self.assertIn("\x1b[?25h\x1b[?1049l", shown)
        self.assertIn("3/8", shown)


class Scripted(unittest.TestCase):
    """Programs that print what a launch prints, with the delays of real processes."""

    def play(self, name, *script, flags=(), until=lambda change: False):
        """Watches the scripts to the end of the watch, or to a change that `until` knows."""
        launch = Launch(name)
        env = {**os.environ, "NCCL_DEBUG": "INFO", "NCCL_DEBUG_FILE": str(launch.dir / "nccl.%h.%p.log")}
        with open(launch.dir / "out.log", "wb") as out:
            child = subprocess.Popen(["sh", "-c", "; ".join(f"{sys.executable} {SCRIPT} {part}" for part in script)], stdout=out, env=env,
                                     stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            done = subprocess.Popen([ARGS.binary, "watch", "-o", "json", *flags, str(launch.dir)], stdout=subprocess.PIPE, text=True)
            changes = []
            for line in done.stdout:
                changes.append(json.loads(line))
                if until(changes[-1]):
                    done.terminate()
            done.wait(timeout=60)
            done.stdout.close()
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return done, changes, [c["state"] for c in changes if c["subject"] == "launch"]

    def test_crash(self):
        done, changes, launch = self.play("script-crash", "crash", flags=["--timeout", "60"])
        self.assertEqual((done.returncode, launch[-1]), (1, "failed"), changes)
        self.assertEqual({c["subject"] for c in changes if c["subject"].startswith("rank")}, {f"rank {r}" for r in range(WORLD)})

    def test_stall(self):
        done, changes, launch = self.play("script-stall", "stall", flags=["--stuck-after", "1"],
                                          until=lambda c: re.search(r"at bootstrap: ranks 2,3 .*have not arrived, 2 of 4 have", c.get("text", "")))
        self.assertEqual((done.returncode, launch[-1]), (3, "stuck"), changes)

    def test_restart(self):
        done, changes, launch = self.play("script-restart", "restart", flags=["--timeout", "60", "--keep-going"])
        self.assertEqual((done.returncode, launch[-1]), (0, "serving"), changes)
        self.assertIn("failed", launch)
        self.assertTrue([c for c in changes if c["state"] == "restarted" and "EngineCore failed to start" in c["text"]], changes)

    def test_flood(self):
        """The launch that comes behind a flood of lines is followed all the same."""
        done, changes, launch = self.play("script-flood", f"flood {ARGS.flood_mb}", "serve", flags=["--timeout", "600"])
        self.assertEqual((done.returncode, launch[-1]), (0, "serving"), changes[-3:])
        # What comes at once is told at once: phases that were over meanwhile are not.
        self.assertTrue({f"rank {r}" for r in range(WORLD)} <= {c["subject"] for c in changes}, changes[-3:])


class Silent(unittest.TestCase):
    """--pid: what /proc shows of processes that print nothing."""

    def start(self, name, port):
        folder = pathlib.Path(ARGS.work) / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for i in range(1, 5):
            (folder / f"model-{i:05}-of-00004.safetensors").write_bytes(b"x" * 3_000_000)
        # The family: a shell, and the loader below it.
        child = subprocess.Popen(["sh", "-c", f"{sys.executable} -c '{SILENT}' {folder} {port}; true"], stdin=subprocess.PIPE, start_new_session=True)
        watch = subprocess.Popen([ARGS.binary, "watch", "--pid", str(child.pid), "--port", str(port or 1), "-o", "json", "--timeout", "60"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return child, watch

    def test_loading_to_serving(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        child, watch = self.start("silent", port)
        changes = []
        try:
            for line in watch.stdout:
                changes.append(json.loads(line))
                done = changes[-1].get("done")
                if done is not None and changes[-1]["subject"].startswith("python"):
                    child.stdin.write(b"next\n")          # the shard that was seen is done
                    child.stdin.flush()
            code = watch.wait(timeout=30)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        loading = [(c["state"], c["done"], c["total"]) for c in changes if "done" in c]
        self.assertEqual(loading[0][2], 4)
        self.assertEqual([d for _, d, _ in loading], sorted(d for _, d, _ in loading))
        self.assertIn(3, [d for _, d, _ in loading], changes)
        self.assertEqual((code, changes[-1]["state"]), (0, "serving"), changes)
        child.stdin.close()
        watch.stderr.close()
        watch.stdout.close()

    def test_gone(self):
        child, watch = self.start("silent-gone", 0)
        first = watch.stdout.readline() + watch.stdout.readline()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        out, err = watch.communicate(timeout=30)
        self.assertEqual(watch.returncode, 3, first + out + err)
        self.assertIn('"ended"', out)
        child.stdin.close()

    def test_no_such_process(self):
        done = watch("--pid", "4194304", "--timeout", "3")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("there is no such process", done.stderr)
        self.assertEqual(watch("--pid", "x").returncode, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--flood-mb", type=int, default=30, help="what goes before the launch in test_flood")
    ARGS, rest = parser.parse_known_args()
    unittest.main(argv=["watch_test.py", *rest])
