#!/usr/bin/env python3
"""`rankdx run` around real processes: exit codes, signals, kill -9 of either side, terminals that go or stop, settings of the
user, and launches that fail or hang.

  run_test.py --binary build/dev/rankdx --work build/dev/run
  run_test.py --binary build/release/rankdx --work /tmp/run --bench     # what it costs; prints figures
"""
import argparse
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest

ARGS = None
SCRIPT = str(pathlib.Path(__file__).resolve().parent / "scripted_launch.py")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("NCCL_", "TORCH_", "VLLM_", "PYTHONUNBUFFERED"))}


def wait_for(what, seconds=60):
    """Until `what()` gives something; an event, not a measure of time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"nothing came of {what}")


class Run:
    """One run in a folder of its own."""

    def __init__(self, name, *command, flags=(), env=None, **more):
        self.base = pathlib.Path(ARGS.work) / name
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)
        self.home = self.base / "home"
        self.home.mkdir()
        env = {**CLEAN, "HOME": str(self.home), **(env or {})}
        more.setdefault("stdout", subprocess.PIPE)
        with open(self.base / "err", "w") as err:
            more.setdefault("stderr", err)
            self.p = subprocess.Popen([ARGS.binary, "run", "--log-dir", str(self.base / "logs"), *flags, "--", *command], env=env,
                                      stdin=subprocess.DEVNULL, **more)

    @property
    def dir(self):
        return next((self.base / "logs").iterdir())

    def record(self):
        return json.loads((self.dir / "run.json").read_text())

    def child(self):
        def pid():
            try:
                return self.record()["pid"]
            except (OSError, StopIteration, ValueError):
                return None
        return wait_for(pid)

    def output(self):
        """What the command printed, from its log: plain or packed."""
        plain = self.dir / "output.log"
        if plain.exists():
            return plain.read_bytes()
        return subprocess.run(["zstd", "-dcq", plain.with_suffix(".log.zst")], capture_output=True, check=True).stdout

    def end(self, timeout=60):
        self.out = self.p.communicate(timeout=timeout)[0]
        self.said = (self.base / "err").read_text()
        return self.p.returncode


def sh(name, script, **more):
    return Run(name, "sh", "-c", script, **more)


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class RunTest(unittest.TestCase):
    def test_exit_codes(self):
        for name, script, code in (("zero", "echo fine", 0), ("seven", "echo bad; exit 7", 7), ("term", "kill -TERM $$", 143),
                                   ("killed", "echo last words; kill -KILL $$", 137), ("high", "exit 255", 255)):
            run = sh(f"code-{name}", script)
            self.assertEqual(run.end(), code, run.said)
            self.assertEqual(run.record()["exit_code"], code)
            self.assertIn(f"logs in {run.dir}", run.said)
        self.assertEqual(run.output(), b"")
        self.assertEqual(Run("code-none", "no-such-program-at-all").end(), 127)
        run = Run("code-noexec", "/etc/passwd")
        self.assertEqual(run.end(), 126)
        self.assertEqual(run.said.count("\n"), 3, "where the logs would be, the settings, and one reason: " + run.said)
        self.assertFalse(list((run.base / "logs").iterdir()), "a command that never ran leaves no folder")
        none = subprocess.run([ARGS.binary, "run"], capture_output=True, text=True, check=False, cwd=ARGS.work)
        self.assertEqual((none.returncode, none.stderr.count("\n")), (2, 1), none.stderr)

    def test_arguments_reach_the_command_as_they_are(self):
        run = Run("arguments", "printf", "%s|", "--port", "8000", "-n", "a b", "--", "--help", "")
        self.assertEqual(run.end(), 0)
        self.assertEqual(run.out, b"--port|8000|-n|a b|--|--help||")

    def test_output_is_passed_on_and_kept(self):
        run = sh("output", "echo one; echo two >&2; printf three")
        self.assertEqual(run.end(), 0)
        self.assertEqual(run.out, b"one\ntwo\nthree")
        self.assertEqual(run.output(), b"one\ntwo\nthree")
        self.assertTrue((run.dir / "output.log.zst").exists() and not (run.dir / "output.log").exists())
        quiet = sh("output-quiet", "echo one", flags=["--quiet", "--plain-logs"])
        self.assertEqual((quiet.end(), quiet.out), (0, b""))
        self.assertEqual((quiet.dir / "output.log").read_bytes(), b"one\n")

    def test_signals_are_passed_on(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGQUIT):
            run = sh(f"signal-{number}", f"trap 'echo got it; exit 41' {int(number)}; echo ready; while :; do sleep 0.05; done")
            self.assertEqual(run.p.stdout.readline(), b"ready\n")
            run.p.send_signal(number)
            self.assertEqual(run.end(), 41, run.said)
            self.assertEqual(run.out, b"got it\n")
            if number != signal.SIGUSR1:
                self.assertNotIn("verdict", run.said.lower(), "the user ended it: no diagnosis")

    def test_the_terminal_goes(self):
        run = sh("hangup", "echo ready; read x < fifo; echo after; exit 3", cwd=ARGS.work)
        fifo = pathlib.Path(ARGS.work) / "fifo"
        if not fifo.exists():
            os.mkfifo(fifo)
        self.assertEqual(run.p.stdout.readline(), b"ready\n")
        run.p.send_signal(signal.SIGHUP)
        fifo.write_text("go\n")
        self.assertEqual(run.end(), 3)
        self.assertEqual(run.output(), b"ready\nafter\n")

    def test_a_real_terminal_goes(self):
        """Its session leader dies: the kernel sends SIGHUP to all of the session, and the terminal gives EIO."""
        main, side = pty.openpty()
        marker = pathlib.Path(ARGS.work) / "terminal-gone"
        go = pathlib.Path(ARGS.work) / "terminal-go"
        for path in (marker, go):
            path.unlink(missing_ok=True)
        os.mkfifo(go)
        run = sh("terminal", f"echo ready; read x < {go}; echo after; touch {marker}; exit 3", stdout=side, stderr=side,
                 preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(side, __import__("termios").TIOCSCTTY, 0)))
        os.close(side)
        wait_for(lambda: run.child() and b"ready" in run.output())
        os.close(main)
        go.write_text("go\n")
        wait_for(marker.exists)
        self.assertEqual(run.p.wait(timeout=60), 3)
        self.assertEqual(run.output(), b"ready\nafter\n")

    def test_kill_9_of_rankdx(self):
        go = pathlib.Path(ARGS.work) / "kill-go"
        go.unlink(missing_ok=True)
        os.mkfifo(go)
        run = sh("killed-watcher", f"echo before; read x < {go}; i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 0")
        child = run.child()
        self.assertEqual(run.p.stdout.readline(), b"before\n")
        run.p.kill()
        run.p.wait()
        run.p.stdout.close()
        self.assertFalse(gone(child))
        go.write_text("go\n")
        wait_for(lambda: gone(child))
        self.assertEqual(run.output(), b"before\n" + b"".join(b"line %d\n" % i for i in range(20000)))
        self.assertNotIn("exit_code", run.record())

    def test_kill_9_of_the_command(self):
        run = sh("killed-command", "i=0; while :; do echo line $i; i=$((i+1)); done", stdout=subprocess.DEVNULL)
        wait_for(lambda: run.child() and len(run.output()) > 1000)
        os.kill(run.child(), signal.SIGKILL)
        self.assertEqual(run.end(), 137)
        self.assertIn("ended by signal 9 (SIGKILL)", run.said)
        lines = run.output().split(b"\n")[:-1]
        self.assertEqual(lines, [b"line %d" % i for i in range(len(lines))])

    def test_a_stopped_terminal_stalls_nobody(self):
        main, side = pty.openpty()
        marker = pathlib.Path(ARGS.work) / "stopped-done"
        marker.unlink(missing_ok=True)
        run = Run("stopped", "sh", "-c", f"{sys.executable} {SCRIPT} flood 3; touch {marker}", stdout=side, stderr=side)
        wait_for(marker.exists)                   # nobody has read a byte of the terminal
        self.assertEqual(run.p.wait(timeout=60), 0)
        os.close(side)
        os.close(main)
        self.assertGreater(len(run.output()), 3_000_000)

    def test_a_slow_pipe_gets_everything(self):
        marker = pathlib.Path(ARGS.work) / "pipe-done"
        marker.unlink(missing_ok=True)
        run = Run("pipe", "sh", "-c", f"{sys.executable} {SCRIPT} flood 3; touch {marker}")
        wait_for(marker.exists)                   # the command is through, and nobody has read a byte
        self.assertEqual(run.end(), 0)
        self.assertEqual(run.out, run.output())

    def test_what_the_user_set_stays(self):
        run = sh("own-settings", "env", env={"NCCL_DEBUG": "WARN"}, flags=["--quiet"])
        self.assertEqual(run.end(), 0)
        env = dict(line.split("=", 1) for line in run.output().decode().splitlines() if "=" in line)
        self.assertEqual(env["NCCL_DEBUG"], "WARN")
        self.assertIn("NCCL_DEBUG=WARN: yours, from the environment; it stays (the debug profile has INFO)", run.said)
        self.assertEqual(env["NCCL_DEBUG_FILE"], f"{run.dir}/nccl.%h.%p.log")
        self.assertEqual(run.record()["set"]["NCCL_DEBUG_FILE"], env["NCCL_DEBUG_FILE"])
        self.assertEqual([k["name"] for k in run.record()["kept"]], ["NCCL_DEBUG"])
        # NCCL reads this file only for variables that the environment lacks: setting one would hide it.
        conf = pathlib.Path(ARGS.work) / "nccl.conf"
        conf.write_text("# mine\nNCCL_DEBUG=VERSION\n")
        run = sh("own-file", "env", env={"NCCL_CONF_FILE": str(conf)}, flags=["--quiet"])
        self.assertEqual(run.end(), 0)
        self.assertNotIn(b"\nNCCL_DEBUG=", b"\n" + run.output())
        self.assertIn(f"NCCL_DEBUG=VERSION: yours, from {conf}", run.said)
        run = sh("no-profile", "env", flags=["--profile", "none", "--quiet"])
        self.assertEqual(run.end(), 0)
        self.assertNotIn(b"NCCL_", run.output())

    def test_flags_of_vllm(self):
        """A program that is called vllm and says what it was given."""
        bin_dir = pathlib.Path(ARGS.work) / "venv/bin"
        bin_dir.mkdir(parents=True, exist_ok=True)
        vllm = bin_dir / "vllm"
        vllm.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
        vllm.chmod(0o755)
        (bin_dir.parent / "lib/python3.12/site-packages/vllm-0.18.1.dist-info").mkdir(parents=True, exist_ok=True)
        serve = [str(vllm), "serve", "/m", "--nnodes", "2"]
        timeout = ["--distributed-timeout-seconds", "300"]
        for name, flags, words, added, said in (
                ("known", [], serve, timeout, "added to the command: --distributed-timeout-seconds 300"),
                ("old", ["--vllm", "0.17.0"], serve, [], None),
                ("own", [], [*serve, timeout[0], "900"], [], "--distributed-timeout-seconds=900: yours, from the command; it stays (the debug profile has 300)"),
                ("wrapped", [], ["env", *serve], [], None),
                ("none", ["--profile", "none"], serve, [], None),
                ("production", ["--profile", "production"], serve, [], None)):
            run = Run(f"flags-{name}", *words, flags=[*flags, "--quiet"])
            self.assertEqual(run.end(), 0, run.said)
            first = words.index("serve")
            self.assertEqual(run.output().decode(), "".join(w + "|" for w in words[first:] + added), name)
            self.assertEqual(run.record()["flags"], added)
            self.assertIn(said or "rankdx", run.said)
            self.assertEqual("added to" in run.said, bool(added), run.said)

    def test_secrets_are_not_recorded(self):
        run = Run("secrets", "true", "--api-key", "sk-abcdefghijklmnopqrstuvwx123456", env={"NCCL_DEBUG": "hf_abcdefghijklmnopqrstuvwxyz0123456"})
        self.assertEqual(run.end(), 0)
        for text in (run.said, (run.dir / "run.json").read_text()):
            self.assertNotIn("abcdefghijklmnop", text)

    def test_a_launch_that_serves(self):
        run = Run("serves", sys.executable, SCRIPT, "serve")
        self.assertEqual(run.end(), 0, run.said)
        self.assertIn("Application startup complete", run.out.decode())
        self.assertRegex(run.said, r"rank 0 +loading")
        self.assertRegex(run.said, r"launch +serving")
        self.assertNotIn("root-cause", run.said)

    def test_a_launch_that_fails_is_diagnosed(self):
        run = Run("crash", sys.executable, SCRIPT, "crash")
        self.assertEqual(run.end(), 1, run.said)
        self.assertIn("unreachable-interface-selected: root-cause", run.said)
        self.assertEqual(len(list(run.dir.glob("nccl.*.log.zst"))), 4)
        self.assertEqual(json.loads((run.dir / "diagnosis.json").read_text())["verdict"], "failed")
        self.assertNotIn("NCCL INFO", run.out.decode(), "the terminal stays clean")
        again = subprocess.run([ARGS.binary, "diagnose", str(run.dir)], capture_output=True, text=True, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("unreachable-interface-selected: root-cause", again.stdout)

    def test_a_launch_that_hangs_is_diagnosed_while_it_hangs(self):
        run = Run("hang", sys.executable, SCRIPT, "stall", flags=["--stuck-after", "1"])
        said = wait_for(lambda: (t := (run.base / "err").read_text()) and "rank-never-arrived" in t and t)
        self.assertRegex(said, r"stuck since \d+ s at (bootstrap|rendezvous): ranks 2,3 .*not arrived, 2 of 4 have")
        self.assertIn("the command runs on", said)
        self.assertFalse(gone(run.child()))
        run.p.send_signal(signal.SIGTERM)
        self.assertEqual(run.end(), 143)
        self.assertRegex(run.said, r"\d processes of the command still run")
        self.assertTrue((run.dir / "output.log").exists(), "not packed under who still writes")
        for pid in map(int, re.findall(r"\d+", re.search(r"still run \(([\d, ]+)\)", run.said)[1])):
            os.kill(pid, signal.SIGKILL)

    def test_a_silent_program_is_not_called_stuck(self):
        run = Run("silent", sys.executable, SCRIPT, "quiet", flags=["--stuck-after", "1"])
        said = wait_for(lambda: (t := (run.base / "err").read_text()) and "quiet since" in t and t)
        self.assertNotIn("stuck", said)
        run.p.send_signal(signal.SIGTERM)
        self.assertEqual(run.end(), 143)
        self.assertNotIn("diagnosis so far", run.said)

    def test_full_log_disk(self):
        """A limit on file sizes stands for a full disk: the command is told by its own write, rankdx says where it ended."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        run = Run("full", sys.executable, "-c", "import sys\ntry:\n  print('x' * 300_000, flush=True)\nexcept OSError as e:\n  sys.exit(9)",
                  preexec_fn=limit, stdout=subprocess.DEVNULL)
        self.assertIn(run.end(), (9, 153), run.said)  # EFBIG where SIGXFSZ is ignored, else 128 + SIGXFSZ
        self.assertEqual(len(run.output()), 100_000)


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bench():
    """The command's own times with and without rankdx, and what rankdx takes beside it, at 10 MB/s and at full speed."""
    work = pathlib.Path(ARGS.work)
    for megabytes, rate in ((ARGS.bench_mb, 10), (3 * ARGS.bench_mb, 0)):
        with open(work / "bare.log", "w") as bare:
            subprocess.run([sys.executable, SCRIPT, "flood", str(megabytes), str(rate)], stdout=bare, check=True)
        print(f"{megabytes} MB at {rate or 'any'} MB/s")
        print("  alone  ", (work / "bare.log").read_bytes()[-200:].split(b"\n")[-2].decode())
        (work / "bare.log").unlink()
        run = Run("bench", sys.executable, SCRIPT, "flood", str(megabytes), str(rate), flags=["--plain-logs"], stdout=subprocess.DEVNULL)
        child, watcher = run.child(), 0.0
        start = time.monotonic()
        while not gone(child):
            watcher = cpu_of(run.p.pid)
            time.sleep(0.05)
        seconds = time.monotonic() - start
        run.end(timeout=600)
        print("  run    ", run.output()[-200:].split(b"\n")[-2].decode())
        print(f"  rankdx: {watcher:.2f} s of cpu in {seconds:.1f} s: {100 * watcher / seconds:.1f} % of one core, "
              f"{100 * watcher / megabytes * 10:.2f} % per 10 MB/s", flush=True)
        shutil.rmtree(run.base)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--bench", action="store_true")
    parser.add_argument("--bench-mb", type=int, default=300)
    ARGS, rest = parser.parse_known_args()
    ARGS.binary, ARGS.work = os.path.abspath(ARGS.binary), os.path.abspath(ARGS.work)
    os.makedirs(ARGS.work, exist_ok=True)
    if ARGS.bench:
        bench()
    else:
        unittest.main(argv=["run_test.py", *rest])
