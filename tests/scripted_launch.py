#!/usr/bin/env python3
"""A launch of four ranks that prints what a real one prints: vLLM's words on standard output, NCCL's lines of a real failed
run (tests/data/demo) where NCCL_DEBUG_FILE says, one process per rank.

  scripted_launch.py serve                 from the first line to serving, then ends with 0
  scripted_launch.py crash                 NCCL picks docker0 on one node; all ranks end with 1
  scripted_launch.py stall                 ranks 2 and 3 never arrive; waits for SIGTERM
  scripted_launch.py restart               fails, starts anew in the same log, serves
  scripted_launch.py flood MB [MB_PER_S]   that much NCCL-like output, then ends with 0
  scripted_launch.py quiet                 prints one line that means nothing to anybody and waits for SIGTERM
"""
import os
import pathlib
import signal
import socket
import sys
import time

WORLD = 4
DEMO = pathlib.Path(__file__).resolve().parent / "data" / "demo"
STEP = float(os.environ.get("SCRIPTED_STEP_S", "0.2"))


def worker(rank):
    return f"(Worker_TP{rank} pid={os.getpid()}) INFO 02-27 20:31:59 "


def boot(rank):
    return (f"INFO 02-27 20:31:57 [parallel_state.py:1234] world_size={WORLD} rank={rank} local_rank={rank} "
            f"distributed_init_method=tcp://10.0.0.1:29500 backend=nccl\n{worker(rank)}[pynccl.py:111] vLLM is using nccl==2.28.9\n")


def bar(done, total=8):
    return (f"{worker(0).split(' INFO')[0]} \rLoading safetensors checkpoint shards:  {100 * done // total}% Completed | "
            f"{done}/{total} [00:0{done}<00:0{total - done},  1.10s/it]\n")


BANNER = "(APIServer pid=46) INFO 02-27 20:31:36 [api_server.py:1] vLLM API server version 0.14.0\n"
FAILED = "(EngineCore pid=314) ERROR 02-27 20:33:15 [core.py:1] EngineCore failed to start.\n"
SERVING = "(APIServer pid=46) INFO:     Application startup complete.\n"


def say(text):
    os.write(1, text.encode())


def nccl_file():
    """Where NCCL would write: %h and %p as its documentation has them."""
    name = os.environ.get("NCCL_DEBUG_FILE")
    if not name or os.environ.get("NCCL_DEBUG", "").upper() not in ("INFO", "TRACE"):
        return None
    return name.replace("%h", socket.gethostname()).replace("%p", str(os.getpid()))


def nccl(rank):
    """The lines of this rank in the failed run, under our own process id."""
    path = nccl_file()
    if not path:
        return
    with open(path, "w") as f:
        for line in (DEMO / f"rank{rank}.log").read_text().splitlines():
            head, blank, rest = line.partition(" ")
            host = head.split(":")[0] if head.count(":") == 2 else None
            f.write((f"{host}:{os.getpid()}:{os.getpid()}" if host else head) + blank + rest + "\n")


def load(rank):
    say(worker(rank) + "[gpu_model_runner.py:4124] Starting to load model m\n")
    if rank == 0:
        for done in range(1, 9):
            say(bar(done))
            time.sleep(STEP / 4)


def ready():
    say(worker(0) + "[gpu_model_runner.py:4221] Model loading took 18.55 GiB memory and 31.238919 seconds\n"
        + worker(0) + "[gpu_worker.py:373] Available KV cache memory: 20.16 GiB\n"
        + "(EngineCore pid=314) INFO 02-27 20:33:15 [core.py:278] init engine (profile, create kv cache, warmup model) took 44 s\n")


def rank_main(mode, rank):
    if mode == "stall" and rank >= 2:
        signal.pause()
    say(boot(rank))
    if mode in ("crash", "stall"):
        nccl(rank)
    if mode == "crash":
        time.sleep(STEP)
        os._exit(1)
    if mode == "stall":
        signal.pause()
    time.sleep(STEP)
    load(rank)
    if rank == 0:
        ready()
    os._exit(0)


def ranks(mode):
    children = []
    for rank in range(WORLD):
        pid = os.fork()
        if pid == 0:
            rank_main(mode, rank)
        children.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)


def flood(megabytes, rate):
    line = b"gpu-worker-01:211:230 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM/read, seen so often that it means nothing\n"
    block = line * (250_000 // len(line))
    start, written = time.monotonic(), 0
    while written < megabytes * 1_000_000:
        for at in range(0, len(block), 250_000):
            os.write(1, block[at:at + 250_000])
        written += len(block)
        if rate:
            time.sleep(max(0.0, start + written / (rate * 1e6) - time.monotonic()))
    print(f"child: {time.monotonic() - start:.3f} s wall, {time.process_time():.3f} s cpu", flush=True)


def main():
    mode = sys.argv[1]
    if mode == "flood":
        return flood(float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0)
    if mode == "quiet":
        say("training\n")
        signal.pause()
    say(BANNER)
    if mode == "restart":
        ranks("serve")
        say(FAILED)
        time.sleep(STEP)
        say(BANNER)
        mode = "serve"
    code = ranks(mode)
    if code:
        say(FAILED)
        return code
    say(SERVING)
    time.sleep(STEP)
    return 0


if __name__ == "__main__":
    sys.exit(main())
