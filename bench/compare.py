#!/usr/bin/env python3
"""rankdx diagnose against other programs on the same logs, as ratios; writes bench/RESULTS.md.

Every program runs once per round, one after the other, so that a busy machine slows all of them; each figure is the
median of the rounds, each ratio the median of the ratios of the rounds. Files are read once before: a warm page cache.
"""
import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class Run:
    """One process tree: seconds and memory."""

    def __init__(self, wall, cpu, peak_mb, code):
        self.wall, self.cpu, self.peak_mb, self.code = wall, cpu, peak_mb, code


def run(command, stdin=None):
    """`command`: a list, or a string for the shell."""
    with tempfile.TemporaryFile() as out:  # grep stops at the first line when it writes to /dev/null
        start = time.monotonic()
        child = subprocess.Popen(command, shell=isinstance(command, str), stdin=stdin or subprocess.DEVNULL,
                                 stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode)


def median(values):
    return statistics.median(values)


class Table:
    """Programs that are compared with a first one in the same rounds."""

    def __init__(self, rounds, base):
        self.rounds, self.base, self.commands = rounds, base, {}

    def add(self, name, command):
        self.commands[name] = command

    def measure(self):
        runs = {name: [] for name in self.commands}
        for number in range(self.rounds):
            for name, command in self.commands.items():
                runs[name].append(run(command))
                print(f"  round {number + 1} {name}: {runs[name][-1].wall:.3f} s wall, {runs[name][-1].cpu:.3f} s CPU",
                      file=sys.stderr)
        self.runs = runs
        return self

    def ratio(self, name, base, what):
        pairs = zip(self.runs[name], self.runs[base])
        return median(getattr(a, what) / getattr(b, what) for a, b in pairs)

    def seconds(self, name, what):
        return median(getattr(r, what) for r in self.runs[name])

    def markdown(self):
        lines = [f"| program | wall s | CPU s | peak MB | wall / `{self.base}` | CPU / `{self.base}` |",
                 "|---|---|---|---|---|---|"]
        for name in self.commands:
            peak = max(r.peak_mb for r in self.runs[name])
            lines.append(f"| `{name}` | {self.seconds(name, 'wall'):.2f} | {self.seconds(name, 'cpu'):.2f} | {peak:.0f} | "
                         f"{self.ratio(name, self.base, 'wall'):.2f} | {self.ratio(name, self.base, 'cpu'):.2f} |")
        return "\n".join(lines)


class Bench:
    def __init__(self, args):
        self.args = args
        self.work = Path(args.work)
        self.rankdx = str(Path(args.binary).resolve())
        self.text = []

    def log(self, size):
        """An INFO+ALL log of this size (see make_log.cc), in the page cache."""
        path = self.work / f"{size}.log"
        if not path.exists():
            fresh = path.with_suffix(".new")
            with open(fresh, "wb") as out:
                subprocess.run([self.args.make_log, size, *self.lab_logs()], stdout=out, check=True)
            fresh.rename(path)
        with open(path, "rb") as log:
            while log.read(1 << 22):
                pass
        return str(path)

    def lab_logs(self):
        """The largest healthy logs with collective calls from the logs of the tests."""
        lab = self.work / "lab"
        if not lab.exists():
            fresh = self.work / "lab.new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            subprocess.run(["tar", "-xf", self.args.lab, "-C", fresh], check=True)
            fresh.rename(lab)
        logs = [p for p in lab.rglob("combined.log") if "healthy" in str(p) and b" opCount " in p.read_bytes()]
        return [str(p) for p in sorted(logs, key=lambda p: (-p.stat().st_size, str(p)))[:6]]

    def diagnose(self, path, threads):
        return [self.rankdx, "diagnose", "--threads", str(threads), path]

    def say(self, text):
        self.text.append(text)
        print(text + "\n")

    def programs(self):
        size = self.args.size
        log = self.log(size)
        table = Table(self.args.rounds, "rg -c NCCL")
        table.add("rg -c NCCL", ["rg", "-c", "NCCL", log])
        table.add("rankdx diagnose, 1 thread", self.diagnose(log, 1))
        table.add("rankdx diagnose, 2 threads", self.diagnose(log, 2))
        table.add("grep -c NCCL", ["grep", "-c", "NCCL", log])
        table.add("wc -l", ["wc", "-l", log])
        table.add("awk, lines by process", ["awk", "{ n[$1]++ } END { for (p in n) print p, n[p] }", log])
        self.say(f"## {size} log against other programs\n\n{table.measure().markdown()}")
        if shutil.which("lnav"):
            part = self.log(self.args.lnav_size)
            lnav = Table(1, "rankdx diagnose, 2 threads")
            lnav.add("rankdx diagnose, 2 threads", self.diagnose(part, 2))
            lnav.add("lnav -n -q", f"HOME={self.work} TERM=dumb lnav -n -q {part}")
            self.say(f"## {self.args.lnav_size} log against lnav, headless\n\nlnav runs once: it is slow.\n\n"
                     f"{lnav.measure().markdown()}")

    def keep(self):
        """Cutting down, on all cores, and redacting, on one, against one literal."""
        log = self.log(self.args.size)
        table = Table(self.args.rounds, "rg -c NCCL")
        table.add("rg -c NCCL", ["rg", "-c", "NCCL", log])
        for options in ("--level warn", "--comm 0x3c29b1244fa04682", "--around 5000", "--since 10:00 --until 11:00", "--subsys NET", "--collapse",
                        "--rank 1", "--stats"):
            table.add(f"rankdx filter {options}", [self.rankdx, "filter", *options.split(), log])
        redact = str(Path(self.args.make_log).with_name("redact_log"))
        for name, options in (("secrets", ""), ("secrets, addresses and names", "--names")):
            table.add(f"redaction of {name}", f"exec {redact} {options} {log} >/dev/null")
        self.say(f"## {self.args.size} log cut down and redacted\n\n`filter` writes the lines that it keeps to a file, on {os.cpu_count()} cores; redaction (`bench/redact_log`, "
                 f"what `collect` does before it compresses) gives all of them to /dev/null, on one; `rg` writes a number.\n\n{table.measure().markdown()}")

    def packed(self):
        size = self.args.size
        log = self.log(size)
        for ending, pack, unpack in ((".zst", "zstd -q -3 -k -f", "zstd -dc"), (".gz", "gzip -k -f -6", "gzip -dc")):
            packed = log + ending
            if not os.path.exists(packed):
                subprocess.run(f"{pack} {log}", shell=True, check=True)
            pipe = f"{unpack} | rg -c NCCL"
            table = Table(self.args.rounds, pipe)
            table.add(pipe, f"{unpack} {packed} | rg -c NCCL")
            table.add("rankdx diagnose, 1 thread", self.diagnose(packed, 1))
            table.add("rankdx diagnose, 2 threads", self.diagnose(packed, 2))
            self.say(f"## {size} log as {ending}\n\n{table.measure().markdown()}")

    def threads(self):
        size = self.args.large
        log = self.log(size)
        table = Table(self.args.rounds, "2 threads")
        table.add("2 threads", self.diagnose(log, 2))
        table.add("1 thread", self.diagnose(log, 1))
        table.measure()
        self.say(f"## One thread against two, {size}\n\n{table.markdown()}")

    def linear(self):
        lines = ["| size | CPU s, 1 thread | CPU s per GB | peak MB |", "|---|---|---|---|"]
        sizes = self.args.sizes.split(",")
        logs = {size: self.log(size) for size in sizes}
        table = Table(self.args.rounds, sizes[0])
        for size in sizes:
            table.add(size, self.diagnose(logs[size], 1))
        table.measure()
        for size in sizes:
            cpu = table.seconds(size, "cpu")
            peak = max(r.peak_mb for r in table.runs[size])
            lines.append(f"| {size} | {cpu:.3f} | {cpu / os.path.getsize(logs[size]) * 1e9:.3f} | {peak:.0f} |")
        self.say("## Cost by size\n\n" + "\n".join(lines))

    def hostile(self):
        lines = ["| standard input | bytes | CPU s | peak MB |", "|---|---|---|---|"]
        maker = str(Path(__file__).with_name("hostile.py"))
        for kind in ("long-line", "hosts", "warnings", "stream"):
            feed = subprocess.Popen([sys.executable, maker, kind, self.args.hostile_size], stdout=subprocess.PIPE)
            done = run([self.rankdx, "diagnose", "-"], stdin=feed.stdout)
            feed.stdout.close()
            feed.wait()
            lines.append(f"| {kind} | {self.args.hostile_size} | {done.cpu:.2f} | {done.peak_mb:.0f} |")
        self.say("## Memory on hostile input\n\n" + "\n".join(lines))

    def start_up(self):
        two_ranks = self.work / "two-ranks.log"
        with open(self.lab_logs()[0], "rb") as log:
            two_ranks.write_bytes(b"".join(log.readlines()[:400]))
        lines = ["| command | wall ms, median of 40 |", "|---|---|"]
        for name, command in (("rankdx --version", [self.rankdx, "--version"]),
                              ("rankdx diagnose, log of 400 lines", self.diagnose(str(two_ranks), 2)),
                              ("rankdx explain NCCL_DEBUG", [self.rankdx, "explain", "NCCL_DEBUG"])):
            lines.append(f"| `{name}` | {median(run(command).wall for _ in range(40)) * 1e3:.1f} |")
        self.say("## Start\n\n" + "\n".join(lines))


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    memory = next(int(l.split()[1]) for l in open("/proc/meminfo") if l.startswith("MemTotal")) / 1e6
    versions = []
    for program in ("rg", "grep", "awk", "lnav", "zstd", "gzip"):
        if shutil.which(program):
            command = "readlink -f $(command -v awk)" if program == "awk" else f"{program} --version </dev/null 2>&1 | head -1"
            versions.append(subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip())
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}; load average at the start "
            f"{os.getloadavg()[0]:.1f}. {'; '.join(versions)}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--make-log", required=True)
    parser.add_argument("--lab", default="tests/data/lab.tar.xz")
    parser.add_argument("--work", default=tempfile.gettempdir() + "/rankdx-bench")
    parser.add_argument("--write", help="file for the results")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="1G")
    parser.add_argument("--large", default="4G")
    parser.add_argument("--lnav-size", default="100M")
    parser.add_argument("--hostile-size", default="1G")
    parser.add_argument("--sizes", default="100M,1G,4G", help="for the cost by size")
    parser.add_argument("--only", default="programs,keep,packed,threads,linear,hostile,start_up")
    args = parser.parse_args()
    Path(args.work).mkdir(parents=True, exist_ok=True)
    bench = Bench(args)
    bench.say(f"# How fast\n\nWritten by script/bench. Medians of {args.rounds} rounds, warm page cache.\n\n{machine()}")
    for part in args.only.split(","):
        getattr(bench, part)()
    if args.write:
        Path(args.write).write_text("\n\n".join(bench.text) + "\n")


if __name__ == "__main__":
    main()
