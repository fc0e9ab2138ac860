#!/usr/bin/env python3
"""The full screen of `rankdx watch` as a terminal shows it: tmux at 80 and 200 columns, with and without colour, compared
with tests/data/screens. Seconds are scrubbed.

  screen_test.py --binary build/dev/rankdx --work build/dev/screen [--accept]
"""
import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from scripted_launch import WORLD

GOLDEN = pathlib.Path(__file__).resolve().parent / "data" / "screens"
AGE_S = 100       # of the logs: three digits, so that the columns stand still


def worker(rank):
    return f"(Worker_TP{rank} pid={500 + rank}) INFO 02-27 20:31:59 "


def boot(rank):
    return (f"INFO 02-27 20:31:57 [parallel_state.py:1234] world_size={WORLD} rank={rank} local_rank=0 "
            "distributed_init_method=tcp://10.0.0.1:29500 backend=nccl\n" + worker(rank) + "[pynccl.py:111] vLLM is using nccl==2.28.9\n")


def nccl(rank, what):
    return (f"gpu-worker-0{rank // 2 + 1}:{500 + rank}:{600 + rank} [0] NCCL INFO ncclCommInitRank comm 0x55a{rank} rank {rank} nranks {WORLD} "
            f"cudaDev 0 nvmlDev 0 busId 1b000 commId 0xb65e - Init {what}\n")


def bars(rank, done, item_s):
    return "".join(f"(Worker_TP{rank} pid={500 + rank}) Loading safetensors checkpoint shards:  {100 * n // 59}% Completed | {n}/59 "
                   f"[10:00<20:00, {item_s * (1 + n % 3):.2f}s/it]\n" for n in range(1, done + 1))


def loading(rank):
    text = boot(rank) + nccl(rank, "START") + nccl(rank, "COMPLETE") + worker(rank) + "[gpu_model_runner.py:4124] Starting to load model m\n"
    return text + {0: bars(0, 21, 35.0), 2: bars(2, 9, 60.0)}.get(rank, "")


def stuck(rank):
    return boot(rank) + (nccl(rank, "START") if rank < 2 else "")


def failed(rank):
    return loading(rank) + (worker(rank) + "[m.py:1] WorkerProc failed to start: \x1b[31mCUDA out of memory\x1b[0m 你好\n" if rank == 3 else "")



STATES = {"loading": (loading, "slow, not stuck"), "stuck": (stuck, "stuck since"), "failed": (failed, "failed: rank 3")}


def scrubbed(text):
    text = re.sub(r"\b1\d\d s(?!/)", "1NN s", text)
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"


class Tmux:
    """One server per screen: one that is ending takes no new session."""

    def __init__(self, work, name):
        self.name = ["tmux", "-u", "-S", str(work / name), "-f", "/dev/null"]

    def run(self, *args):
        return subprocess.run([*self.name, *args], capture_output=True, text=True, check=False).stdout

    def screen(self, folder, columns, colour, binary, until):
        env = ["LC_ALL=C.UTF-8"] + ([] if colour else ["NO_COLOR=1"])
        self.run("new-session", "-d", "-x", str(columns), "-y", "24", "env", *env, binary, "watch", "--keep-going", folder)
        end = time.monotonic() + 60
        shown = ""
        while time.monotonic() < end and not (until in shown and "rank 3" in shown):
            time.sleep(0.1)
            shown = self.run("capture-pane", "-p")
        shown = self.run("capture-pane", "-p", *(["-e"] if colour else []))
        self.run("kill-server")
        return scrubbed(shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--accept", action="store_true", help="the screens of now become the expected ones")
    args = parser.parse_args()
    if not shutil.which("tmux"):
        print("no tmux on this machine: skipped")
        return 77
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    work, wrong, count = args.work.resolve(), 0, 0
    for state, (text, until) in STATES.items():
        folder = work / state
        folder.mkdir()
        for rank in range(WORLD):
            log = folder / f"rank{rank}.log"
            log.write_text(text(rank), newline="")
        for columns in (80, 200):
            for colour in (False, True):
                for log in folder.iterdir():
                    os.utime(log, (time.time() - AGE_S,) * 2)
                shown = Tmux(work, f"socket-{count}").screen(str(folder), columns, colour, os.path.abspath(args.binary), until)
                golden = GOLDEN / f"{state}-{columns}{'-colour' if colour else ''}.txt"
                if args.accept:
                    GOLDEN.mkdir(exist_ok=True)
                    golden.write_text(shown)
                wanted = golden.read_text() if golden.exists() else ""
                count += 1
                if shown != wanted:
                    wrong += 1
                    sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), shown.splitlines(True), str(golden), "shown"))
    print(f"{count} screens, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
