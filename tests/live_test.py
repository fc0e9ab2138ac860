"""check live, ras and diagnose --ras of the real binary: pretend servers in a process namespace of this test, log files, and
RAS ports that replay recorded answers.

    live_test.py --binary RANKDX --work DIR"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "netlab"))
import lab as netlab  # noqa: E402

SKIPPED, PATIENCE = 77, 240
wrong = []


def expect(what, seen, wanted):
    if seen != wanted:
        wrong.append(f"{what}: {seen!r}, not {wanted!r}")


def recordings(version):
    """(scenario, label, node, kind) to the body."""
    data = (HERE / "data" / "ras" / f"{version}.txt").read_bytes()
    out, at = {}, 0
    while at < len(data):
        end = data.index(b"\n", at)
        head = data[at:end].decode()
        at = end + 1
        if not head.startswith("@@@ "):
            continue
        values = dict(w.split("=", 1) for w in head.split()[2:])
        label = re.search(r"\.(after\w+|resumed\w+|timeout\w+)\.", head.split()[1])
        out[values["scenario"], label[1] if label else "", values["node"], values["kind"]] = data[at:at + int(values["bytes"])]
        at += int(values["bytes"])
    return out


class RasPort:
    """Answers as NCCL's RAS service does: the greeting, OK to settings, then the recorded text or JSON and the end."""

    def __init__(self, host, text, as_json):
        self.text, self.json = text, as_json
        self.listener = socket.create_server((host, 0))
        self.address = f"{host}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        form = self.text
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                word = line.decode().strip()
                if word.startswith("CLIENT PROTOCOL"):
                    connection.sendall(b"SERVER PROTOCOL 2\n")
                elif word.startswith("SET FORMAT json"):
                    form = self.json
                    connection.sendall(b"OK\n")
                elif word.startswith("TIMEOUT"):
                    connection.sendall(b"OK\n")
                else:
                    connection.sendall(form)
                    return


def ports(version, scenario, label):
    found = recordings(version)
    nodes = sorted({k[2] for k in found if k[:2] == (scenario, label)})
    return [RasPort(f"127.0.0.{i + 1}", found[scenario, label, n, "verbose"], found[scenario, label, n, "json"]) for i, n in enumerate(nodes)]


class Pretend:
    """A process whose command line is that of a server and that runs some Python; it says when it is ready."""

    def __init__(self, code, log=subprocess.DEVNULL):
        ready, say = os.pipe()
        os.set_inheritable(say, True)
        program = f"import os, socket, time\nos.write({say}, b'.')\nos.close({say})\n" + code
        command = ["vllm serve /models/m", "-c", program]
        self.p = subprocess.Popen(command, executable=sys.executable, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False)
        os.close(say)
        os.read(ready, 1)
        os.close(ready)

    def __enter__(self):
        return self.p

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()


def rankdx(*args, form="json"):
    p = subprocess.run([A.binary, *args, "-o", form], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    return p.returncode, json.loads(p.stdout) if p.stdout.startswith("{") else p.stderr


def live(*args):
    code, report = rankdx("check", "live", "--seconds", "1", *args)
    launch = next(c for c in report["checks"] if c["id"] == "launch")
    return code, launch["value"], [f["id"] for f in report["findings"]], report


SLEEP = "time.sleep(1e6)\n"
READS = ("f = open(os.environ['RANKDX_TEST_FILE'], 'rb')\n"
         "while True:\n  f.seek(0)\n  while f.read(1 << 20): pass\n")


def processes():
    expect("nothing runs", live("--no-ras")[:3], (3, "unknown", []))
    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    with Pretend(SLEEP) as p:
        expect("a port that listens", live("--no-ras", "--port", port)[:3], (0, "serving", []))
        expect("the same by its other name", rankdx("check", "--live", "--no-ras", "--port", port)[1]["summary"], "the launch: serving (the API port listens)")
        os.kill(p.pid, signal.SIGSTOP)
        expect("stopped", live("--no-ras", "--port", port)[:3], (1, "hung", ["process-stuck"]))
        os.kill(p.pid, signal.SIGCONT)
    listener.close()
    path = os.path.join(A.work, "weights")
    with open(path, "wb") as f:
        f.write(b"\0" * (64 << 20))
    os.environ["RANKDX_TEST_FILE"] = path
    with Pretend(READS):
        code, state, findings, report = live("--no-ras")
        expect("reads files", (code, state, findings), (0, "loading", []))
        expect("with a rate", bool(re.search(r"loading \([\d.]+ [KMG]iB/s", report["summary"])), True)
    os.remove(path)


STARTED = """INFO 11-22 10:00:00 [api_server.py:1428] vLLM API server version 0.11.0
(EngineCore_DP0 pid=71) INFO 11-22 10:00:05 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config
(Worker_TP0 pid=80) INFO 11-22 10:00:09 [gpu_model_runner.py:2602] Starting to load model /models/m...
(Worker_TP0 pid=80) Loading safetensors checkpoint shards:  25% Completed | 2/8 [00:10<00:30,  5.00s/it]
"""


def logs():
    log = os.path.join(A.work, "server.log")
    with open(log, "w") as f:
        f.write(STARTED)
    code, state, _, report = live("--no-ras", "--logs", log)
    expect("loading by the logs", (code, state), (0, "loading"))
    expect("with the time left", "2 of 8 done, about 30 s left" in report["summary"], True)
    # A process's own standard output is found without being named.
    with open(log, "a") as out, Pretend(SLEEP, out):
        seen = next(c for c in live("--no-ras")[3]["checks"] if c["id"] == "logs")
        expect("the log that the process writes to", (seen["status"], seen["value"].startswith("1 files")), ("ok", True))
    old = os.path.join(A.work, "old.log")
    with open(old, "w") as f:
        f.write("gpu-worker-01:211:211 [0] NCCL INFO ncclCommInitRank comm 0x1 rank 0 nranks 2 cudaDev 0 nvmlDev 0 busId 1a000 commId 0xabc - Init START\n")
    os.utime(old, (1, 1))  # last written in 1970: quiet for longer than any patience
    code, state, findings, report = live("--no-ras", "--logs", old)
    expect("quiet for too long", (code, state, len(findings) > 0), (1, "hung", True))


def ras():
    killed = ports("2.30.7", "rank_killed", "after12s")
    addresses = ",".join(p.address for p in killed)
    with Pretend(SLEEP):
        code, state, findings, report = live("--ras", addresses)
    expect("RAS names the rank that is gone", (code, state, findings[:1]), (1, "hung", ["rank-process-died"]))
    expect("and which", [w["rank"] for w in report["findings"][0]["where"]], [3])
    cut = ports("2.30.7", "node2_cut", "after95s")
    code, report = rankdx("ras", *[p.address for p in cut], "--recheck", "0")
    first = report["findings"][0]
    expect("two sides of a cut blame each other: the network is named", (code, first["id"]), (1, "node-to-node-traffic-blocked"))
    code, report = rankdx("ras", cut[0].address, "--recheck", "0")
    expect("one side alone blames the other", report["findings"][0]["id"] != "node-to-node-traffic-blocked", True)

    saved, log = os.path.join(A.work, "ras.txt"), os.path.join(A.work, "hangs.log")
    with open(saved, "wb") as f:
        f.write(killed[0].text)
    with open(log, "w") as f:
        f.write("".join(f"gpu-worker-01:211:211 [{r}] NCCL INFO ncclCommInitRank comm 0x1 rank {r} nranks 4 cudaDev {r} nvmlDev {r} busId 1a000 commId 0xabc - Init COMPLETE\n" for r in range(4)))
    alone = rankdx("diagnose", log)[1]
    expect("the log alone does not know", "rank-process-died" in [f["id"] for f in alone["findings"]], False)
    for source in (saved, killed[0].address):
        code, joined = rankdx("diagnose", log, "--ras", source)
        expect(f"diagnose with RAS as witness ({source})", (code, joined["findings"][0]["id"], joined["verdict"]), (1, "rank-process-died", "failed"))
    expect("an address that is none", rankdx("diagnose", log, "--ras", "127.0.0.1:99999")[0], 2)
    silent = subprocess.run([A.binary, "diagnose", log, "--ras", "127.0.0.9:1"], capture_output=True, text=True, timeout=PATIENCE)
    expect("a port where nobody listens is told", "nobody listens there" in silent.stderr, True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True)
    A = parser.parse_args()
    A.binary, A.work = os.path.abspath(A.binary), os.path.abspath(A.work)
    if not netlab.enter():
        print("skipped: this machine allows no process namespaces")
        sys.exit(SKIPPED)
    os.makedirs(A.work, exist_ok=True)
    for part in (processes, logs, ras):
        part()
    print("\n".join(wrong) or "ok")
    sys.exit(bool(wrong))
