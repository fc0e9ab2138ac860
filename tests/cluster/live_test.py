#!/usr/bin/env python3
"""Pods as they live: `rankdx watch -n` and `rankdx collect --watch` with a real kubectl against the stand-in API server.

  live_test.py --binary build/dev/rankdx --work build/dev/live [--only NAME] [--events 1000] [--many 1000]
"""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import cluster_test
from cluster_test import NS, Server, kubectls, pod

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import scripted_launch as words

ARGS = None
failures = []


def expect(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what[:1500], flush=True)


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return None


class Cluster(Server):
    def __init__(self, pods, **more):
        super().__init__({"pods": pods, **more}, tls=False)

    def post(self, path, body=b""):
        self.control(path, body)

    def say(self, name, text, at=None):
        self.post(f"log/{NS}/{name}/vllm" + (f"?t={at:.9f}" if at else ""), text.encode())

    def restart(self, name, code=1):
        self.post(f"restart/{NS}/{name}/vllm?code={code}")

    def finish(self, name, state="Completed", **more):
        self.post(f"log/{NS}/{name}/vllm?end=1")
        self.post("pods", pod(name, state, restartPolicy="Never", **more))

    def command(self, what, *args):
        return [ARGS.binary, what, "--kubectl", KUBECTL, "--kubeconfig", self.dir + "/kubeconfig", "-n", NS, "-l", "app=vllm", *args]

    def start(self, what, *args, **more):
        return subprocess.Popen(self.command(what, *args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "HOME": self.dir, "COLUMNS": "160"}, **more)


def launch_pods(n=2, **more):
    return [pod(f"w-{i}", logs={"vllm": {"text": ""}}, **more) for i in range(n)]


def boot(rank, world=2):
    return (f"INFO 02-27 20:31:57 [parallel_state.py:1234] world_size={world} rank={rank} local_rank=0 "
            f"distributed_init_method=tcp://10.0.0.1:29500 backend=nccl\n(Worker_TP{rank} pid={500 + rank}) INFO 02-27 20:31:59 [p.py:1] vLLM is using nccl==2.28.9\n")


class Changes:
    """The JSON stream of a watch, read as it comes."""

    def __init__(self, process):
        self.p, self.seen = process, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            self.seen.append(json.loads(line))

    def of(self, subject):
        return [c["state"] for c in self.seen if c["subject"] == subject]

    def end(self):
        code = self.p.wait(timeout=60)
        self.reader.join(timeout=10)
        err = self.p.stderr.read()
        return code, err


def test_watch_pods():
    """A launch over two pods: one restarts, then both serve."""
    s = Cluster(launch_pods())
    try:
        w = Changes(s.start("watch", "-o", "json", "--keep-going", "--timeout", "60"))
        for rank in (0, 1):
            s.say(f"w-{rank}", boot(rank))
        expect(wait_for(lambda: "NCCL init" in w.of("rank 0") and "NCCL init" in w.of("rank 1")), f"phases: {w.seen}")
        s.say("w-1", "(Worker_TP1 pid=501) ERROR 02-27 20:33:15 [c.py:1] WorkerProc failed to start.\n")
        expect(wait_for(lambda: "failed" in w.of("launch")), f"failure: {w.seen}")
        s.restart("w-1", 137)
        expect(wait_for(lambda: any(c["subject"] == "w-1/vllm" and "restarted 1x" in c.get("text", "") for c in w.seen)), f"restart: {w.seen}")
        s.say("w-1", boot(1) + words.SERVING)
        expect(wait_for(lambda: w.p.poll() is not None), f"end: {w.seen[-3:]}")
        code, err = w.end()
        expect(code == 0 and w.of("launch")[-1] == "serving", f"watch: rc {code} {err} {w.of('launch')}")
        expect(w.of("w-0/vllm") == ["Running"], f"w-0: {w.of('w-0/vllm')}")
    finally:
        s.close()


def test_watch_exit_code_of_a_container():
    s = Cluster(launch_pods(restartPolicy="Never"))
    try:
        w = Changes(s.start("watch", "-o", "json", "--timeout", "60"))
        s.say("w-0", boot(0))
        expect(wait_for(lambda: "NCCL init" in w.of("rank 0")), f"phases: {w.seen}")
        s.finish("w-1", "Error", exitCode=3)
        code, err = w.end()
        said = [c for c in w.seen if c["subject"] == "w-1/vllm"]
        expect(code == 1 and said and said[-1].get("exit_code"), f"exit code: rc {code} {said} {err}")
        expect("w-1/vllm ended with" in w.seen[-1]["text"] or any("w-1/vllm ended with" in c.get("text", "") for c in w.seen), f"verdict: {w.seen[-2:]}")
    finally:
        s.close()


def test_watch_previous():
    """What the container wrote before its restart says how it failed."""
    pods = [pod("w-0", restarts=1, logs={"vllm": {"text": ""}},
                previousLogs={"vllm": {"text": boot(0) + "(EngineCore pid=9) ERROR 02-27 20:33:15 [c.py:1] EngineCore failed to start.\n"}})]
    s = Cluster(pods)
    try:
        for flags in ([], ["--previous"]):
            w = Changes(s.start("watch", "-o", "json", "--keep-going", *flags))
            told = lambda: any("EngineCore failed to start" in c.get("text", "") for c in list(w.seen))
            expect(wait_for(told if flags else lambda: w.of("w-0/vllm")), f"previous {flags}: {w.seen}")
            w.p.send_signal(signal.SIGTERM)
            code, err = w.end()
            expect(code == 3 and told() == bool(flags), f"previous {flags}: rc {code} {w.seen} {err}")
    finally:
        s.close()


def test_watch_refusals():
    s = Cluster(launch_pods())
    try:
        s.post("fault", {"match": "GET /api/v1/namespaces/[^/]+/pods", "action": "status", "code": 403, "reason": "Forbidden", "message": "pods is forbidden", "times": 99})
        p = s.start("watch", "--timeout", "3")
        out, err = p.communicate(timeout=60)
        expect(p.returncode == 2 and "pods is forbidden" in err and err.count("\n") == 1, f"no rights: {p.returncode} {out} {err}")
    finally:
        s.close()


def test_watch_many():
    """1,000 pods at once: each has said its phase, one is missing."""
    n = ARGS.many
    s = Cluster([pod(f"w-{i:04}", logs={"vllm": {"text": boot(i, n)}}) for i in range(n) if i != 7])
    try:
        t = time.monotonic()
        w = Changes(s.start("watch", "-o", "json", "--timeout", "200"))
        seen = wait_for(lambda: len({c["subject"] for c in list(w.seen) if c["subject"].startswith("rank ") and c["state"] == "NCCL init"}) == n - 1, 150)
        took = time.monotonic() - t
        cpu = cluster_test.__dict__.get("cpu_of", lambda p: 0)(w.p.pid)
        expect(seen, f"{n} pods: {len(w.seen)} changes after {took:.0f} s")
        w.p.send_signal(signal.SIGTERM)
        code, err = w.end()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        expect(code == 3, f"{n} pods: rc {code} {err[:300]}")
        print(f"{n} pods: all phases after {took:.1f} s {cpu or ''}", flush=True)
    finally:
        s.close()


# --- collect --watch ---

def unpack(bundle, to):
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    subprocess.run(["tar", "--zstd", "-xf", bundle, "-C", to], check=True)
    return json.loads((to / "manifest.json").read_text())


def bundle_path(name):
    path = pathlib.Path(ARGS.work) / f"{name}.tar.zst"
    path.unlink(missing_ok=True)
    shutil.rmtree(f"{path}.parts", ignore_errors=True)
    return path


def test_collect_watch():
    """Logs over a restart and to the pods' end, with objects, checks and environment."""
    pods = launch_pods(restartPolicy="Never", node="gpu-worker-01", events=[{"reason": "Unhealthy", "message": "Readiness probe failed"}])
    for p in pods:
        p["exec"] = cluster_test.exec_table(p["name"])
    pods[1]["exec"]["table"].insert(0, {"match": "^rankdx check pod", "out": cluster_test.own_report([])})
    s, path = Cluster(pods), bundle_path("watch")
    try:
        s.post("object/core/nodes", json.dumps({"kind": "Node", "metadata": {"name": "gpu-worker-01"}, "status": {"nodeInfo": {"kernelVersion": "6.1.0-18"}}}).encode())
        p = s.start("collect", "--watch", "-o", str(path))
        parts = pathlib.Path(f"{path}.parts")
        s.say("w-0", "one\nHF_TOKEN=abcdefghijklmnop\n")
        expect(wait_for(lambda: (parts / "logs/w-0/vllm.log").exists()), "nothing is spooled while the pods live")
        s.restart("w-0")
        s.say("w-0", "two\n")
        expect(wait_for(lambda: (parts / "logs/w-0/vllm.2.log").exists()), f"second instance: {list(parts.rglob('*'))}")
        s.say("w-1", "three\n")
        for name in ("w-0", "w-1"):
            s.finish(name)
        out, err = p.communicate(timeout=90)
        expect(p.returncode == 0, f"collect --watch: rc {p.returncode} {err}")
        to = pathlib.Path(ARGS.work) / "unpacked"
        manifest = unpack(path, to)
        texts = {str(f.relative_to(to)): f.read_text() for f in to.rglob("*.log")}
        expect(texts == {"logs/w-0/vllm.log": "one\nHF_TOKEN=[redacted]\n", "logs/w-0/vllm.2.log": "two\n", "logs/w-1/vllm.log": "three\n"}, f"logs: {texts}")
        expect(not parts.exists(), "the parts stay though the archive is whole")
        names = {m["name"] for m in manifest["members"]}
        in_them = {"objects/pod-w-0.json": '"containers"', "objects/pod-w-1.json": '"containers"', "objects/events.json": "Readiness probe failed",
                   "objects/node-gpu-worker-01.json": "6.1.0-18", "checks/cluster.json": "rankdx.check/1", "checks/pod-w-1.json": "rankdx.check/1",
                   "checks/environment.json": "rankdx.environment/1"}
        for name, text in in_them.items():
            expect(name in names and text in (to / name).read_text(), f"{name} is not in {sorted(names)}, or lacks {text}")
        seen = json.loads((to / "checks/environment.json").read_text())["environments"]
        env = {e["place"]: e["variables"] for e in seen}
        expect(env["w-0"].get("NCCL_IB_DISABLE") == "1", f"environment: {seen}")
        expect(manifest["missing"] == [], f"missing: {manifest['missing']}")
    finally:
        s.close()


def test_collect_killed():
    """kill -9 loses at most the last second; the folder is packed afterwards."""
    s, path = Cluster(launch_pods()), bundle_path("killed")
    try:
        p = s.start("collect", "--watch", "--no-checks", "-o", str(path))
        log = pathlib.Path(f"{path}.parts/logs/w-0/vllm.log")
        s.say("w-0", "".join(f"line {i}\n" for i in range(5000)))
        expect(wait_for(lambda: log.exists() and log.read_text().endswith("line 4999\n")), "the lines are not on disk a moment later")
        p.kill()
        p.communicate()
        again = bundle_path("killed-again")
        p = subprocess.run([ARGS.binary, "collect", "-o", str(again), f"{path}.parts"], capture_output=True, text=True, check=False)
        to = pathlib.Path(ARGS.work) / "unpacked"
        unpack(again, to)
        got = next(to.rglob("vllm.log")).read_text()
        expect(p.returncode == 0 and got == "".join(f"line {i}\n" for i in range(5000)), f"after kill -9: rc {p.returncode} {p.stderr} {len(got)}")
    finally:
        s.close()


def test_collect_losses():
    """Rights that go, pods that vanish: what was got is kept, and the loss is named."""
    s, path = Cluster(launch_pods(3, restartPolicy="Never")), bundle_path("losses")
    try:
        s.post("fault", {"match": "GET .*/pods/w-1/log", "action": "status", "code": 403, "reason": "Forbidden", "message": "pods \"w-1\" is forbidden: no more", "times": 9999})
        p = s.start("collect", "--watch", "--no-checks", "-o", str(path))
        log = pathlib.Path(f"{path}.parts/logs/w-2/vllm.log")
        s.say("w-0", "kept\n")
        s.say("w-2", "also kept\n")
        expect(wait_for(log.exists), "w-2 is spooled")
        s.post(f"log/{NS}/w-2/vllm?end=1")
        urllib.request.urlopen(urllib.request.Request(s.url + f"/_standin/pods/{NS}/w-2", method="DELETE")).read()
        s.finish("w-0")
        wait_for(lambda: "pod is gone" in pathlib.Path(f"{path}.parts/follow.log").read_text())
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate(timeout=60)
        to = pathlib.Path(ARGS.work) / "unpacked"
        manifest = unpack(path, to)
        texts = {str(f.relative_to(to)): f.read_text() for f in to.rglob("*.log")}
        expect(texts == {"logs/w-0/vllm.log": "kept\n", "logs/w-2/vllm.log": "also kept\n"}, f"losses: {texts} {err}")
        expect(any("w-1" in m["source"] and "no more" in m["why"] and "get pods/log" in m["why"] for m in manifest["missing"]), f"rights: {manifest['missing']}")
        expect(any(m["source"].startswith("node ") for m in manifest["missing"]), f"nodes that the server does not know are named: {manifest['missing']}")
        expect("objects/pod-w-2.json" in {m["name"] for m in manifest["members"]}, "the description of the pod that vanished is from before")
    finally:
        s.close()


def test_collect_full_disk():
    """A limit on file sizes stands for the full disk: members that do not fit are named, smaller ones and the manifest are there."""
    logs = pathlib.Path(ARGS.work) / "full"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    (logs / "a.log").write_text("small\n")
    (logs / "b.log").write_text("".join(f"{random.random()} {random.random()}\n" for _ in range(40_000)))
    (logs / "c.log").write_text("small too\n")
    path = bundle_path("full")
    # The text on its way is larger than what is kept of it: TMPDIR is limited too, so only the archive may hit the limit.
    limit = 1_000_000
    p = subprocess.run([ARGS.binary, "collect", "--no-checks", "-o", str(path), str(logs)], capture_output=True, text=True, check=False,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    manifest = unpack(path, pathlib.Path(ARGS.work) / "unpacked")
    expect(p.returncode == 2 and "not everything could be written" in p.stderr, f"full: rc {p.returncode} {p.stderr}")
    expect(len(manifest["members"]) == 2 and [m["why"] for m in manifest["missing"]] != [], f"full: {manifest}")
    whole = subprocess.run(["zstd", "-tq", path], capture_output=True, check=False)
    expect(whole.returncode == 0, "the archive is no whole zstd file")


def test_collect_full_tmpfs():
    """A real full disk, where this may mount one."""
    disk = pathlib.Path(ARGS.work) / "disk"
    disk.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", disk], capture_output=True, check=False).returncode:
        print("no mount allowed here: full tmpfs skipped")
        return
    try:
        s, path = Cluster(launch_pods(3)), disk / "bundle.tar.zst"
        try:
            p = s.start("collect", "--watch", "--no-checks", "-o", str(path))
            s.say("w-0", "first\n")
            wait_for(lambda: pathlib.Path(f"{path}.parts/logs/w-0/vllm.log").exists())
            big = "".join(f"{random.random()} {random.random()}\n" for _ in range(25_000))
            s.say("w-1", big)
            follow = pathlib.Path(f"{path}.parts/logs/w-1/vllm.log")
            wait_for(lambda: follow.exists() and follow.stat().st_size > 100_000)
            time.sleep(1)
            s.say("w-2", "last\n")
            time.sleep(1)
            p.send_signal(signal.SIGTERM)
            out, err = p.communicate(timeout=60)
            expect(p.returncode in (0, 2) and "lines could not be written: No space left" in err, f"tmpfs: rc {p.returncode} {err}")
            to = pathlib.Path(ARGS.work) / "unpacked"
            manifest = unpack(path, to)
            texts = {str(f.relative_to(to)): f.read_text() for f in to.rglob("*.log")}
            if follow.exists():
                texts["logs/w-1/vllm.log"] = follow.read_text()
            expect(texts["logs/w-0/vllm.log"] == "first\n", f"tmpfs: {list(texts)} {err}")
            lines = texts["logs/w-1/vllm.log"]
            expect(lines and big.startswith(lines) and lines.endswith("\n"), "a spooled log ends in half a line")
            expect(any("w-1" in m["source"] and "No space left" in m["why"] for m in manifest["missing"]), f"tmpfs: {manifest['missing']}")
        finally:
            s.close()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


class Writer:
    """One pod's log, its instances and what was rotated away, with the times that the server prints."""

    def __init__(self, s, name, start):
        self.s, self.name, self.at = s, name, start
        self.instances = [[]]      # of [time, text]
        self.dropped = [0]

    def write(self, n):
        lines = []
        for _ in range(n):
            self.at += random.choice([0.000001, 0.0004, 0.01])
            lines.append((self.at, f"{self.name} instance {len(self.instances)} line {len(self.instances[-1]) + len(lines)} {random.randrange(10)}"))
        self.instances[-1] += lines
        # One request per time: the server stamps all lines of a request alike.
        at = lines[0][0]
        for k in range(len(lines)):
            lines[k] = (at, lines[k][1])
        self.instances[-1][len(self.instances[-1]) - n:] = lines
        self.s.say(self.name, "".join(text + "\n" for _, text in lines), at)

    def rotate(self):
        k = random.randrange(1, max(2, len(self.instances[-1]) - self.dropped[-1]))
        self.dropped[-1] += k
        self.s.post(f"log/{NS}/{self.name}/vllm?drop={k}")

    def restart(self):
        self.s.restart(self.name, random.choice([0, 1, 137]))
        self.instances.append([])
        self.dropped.append(0)


def proxy_of(pid):
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "stat").read_text().rsplit(")", 1)[1].split()[1] == str(pid) and b"proxy" in (entry / "cmdline").read_bytes():
                    return int(entry.name)
            except OSError:
                pass
    return None


def begun(w, parts):
    """Whether the latest instance was seen: that a log was cut before anybody read it can only be guessed."""
    return any(f"instance {len(w.instances)} " in f.read_text() for f in (parts / "logs" / w.name).glob("vllm*.log"))


def trouble(s, w, collector, counts, parts):
    """One random event."""
    kind = random.choices(["cut", "reset", "eof", "rotate", "rotate-unseen", "restart", "two-restarts", "kubectl", "refuse", "burst"],
                          [14, 14, 10, 14, 10, 14, 4, 2, 4, 14])[0]
    if kind in ("cut", "reset", "eof"):
        s.post(f"log/{NS}/{w.name}/vllm?kick={kind}")
    elif kind in ("rotate", "rotate-unseen") and not (len(w.instances[-1]) > w.dropped[-1] + 1 and begun(w, parts)):
        return
    elif kind == "rotate":
        w.rotate()
    elif kind == "rotate-unseen":
        s.post(f"log/{NS}/{w.name}/vllm?kick=reset")
        w.write(random.randrange(5, 60))
        w.rotate()
    elif kind in ("restart", "two-restarts"):
        w.restart()
        if kind == "two-restarts":
            w.write(random.randrange(1, 20))
            w.restart()
    elif kind == "kubectl":
        pid = proxy_of(collector.pid)
        if pid:
            os.kill(pid, signal.SIGKILL)
    elif kind == "refuse":
        s.post("fault", {"match": f"GET .*/{w.name}/log", "action": "status", "code": random.choice([500, 429, 503]), "message": "try again", "times": 1})
    elif kind == "burst":
        w.write(random.randrange(200, 2000))
    counts[kind] = counts.get(kind, 0) + 1


STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


def seconds(stamp):
    import calendar
    return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + stamp[19:-1])


def judge(w, to, manifest, result):
    """Every line once, in order; what is missing lies in a gap that the manifest names."""
    got = []
    for f in to.glob(f"logs/{w.name}/*.log"):
        got += f.read_text().splitlines()
    have = {}
    for line in got:
        have[line] = have.get(line, 0) + 1
    twice = [line for line, n in have.items() if n > 1]
    expect(not twice, f"{w.name}: {len(twice)} lines are there twice, as {twice[:2]}")
    known = {text for one in w.instances for _, text in one}
    expect(set(have) <= known, f"{w.name}: lines that nobody wrote: {list(set(have) - known)[:2]}")
    whys = [m["why"] for m in manifest["missing"] if m["source"].startswith(f"{w.name}/")]
    gaps = [tuple(map(seconds, STAMP.findall(why))) for why in whys if len(STAMP.findall(why)) == 2]
    skipped = any("times since" in why for why in whys)
    lost = unnamed = readable = 0
    where = []
    for i, one in enumerate(w.instances):
        for k, (at, text) in enumerate(one):
            if text in have:
                continue
            lost += 1
            still_there = i >= len(w.instances) - 2 and k >= w.dropped[i]
            named = any(a - 1e-6 <= at <= b + 1e-6 for a, b in gaps) or (skipped and i < len(w.instances) - 1)
            readable += still_there
            if still_there:
                where.append((i, k, at))
            unnamed += not named
            if not named:
                where.append((i, k, at))
    expect(readable == 0, f"{w.name}: {readable} lines that can still be read are not there: {where[:1]} to {where[-1:]} of {[len(i) for i in w.instances]}; {whys}")
    expect(unnamed == 0, f"{w.name}: {unnamed} of {lost} lost lines are in no gap that is named: {where[:1]} to {where[-1:]}; instances {[len(i) for i in w.instances]}, dropped {w.dropped}, {whys}")
    result["lines"] += sum(map(len, w.instances))
    result["lost"] += lost
    result["gaps"] += len(whys)


def test_lossless():
    random.seed(ARGS.seed)
    start = time.time() - 600
    s, path = Cluster([pod(f"w-{i:02}", logs={"vllm": {"text": ""}}, restartPolicy="Never") for i in range(20)]), bundle_path("lossless")
    try:
        writers = [Writer(s, f"w-{i:02}", start + i) for i in range(20)]
        p = s.start("collect", "--watch", "--no-checks", "-o", str(path))
        parts = pathlib.Path(f"{path}.parts")
        for w in writers:
            w.write(10)
        expect(wait_for(lambda: len(list(parts.rglob("vllm.log"))) == 20), "not all pods are followed")
        counts = {}
        for _ in range(ARGS.events):
            w = random.choice(writers)
            w.write(random.randrange(1, 30))
            trouble(s, w, p, counts, parts)
            time.sleep(ARGS.pause * random.random() * 2)
        for w in writers:
            w.write(3)
        time.sleep(1)
        for w in writers:
            s.post(f"finish/{NS}/{w.name}")
        out, err = p.communicate(timeout=180)
        expect(p.returncode == 0, f"lossless: rc {p.returncode} {err[-500:]}")
        to = pathlib.Path(ARGS.work) / "unpacked"
        manifest, result = unpack(path, to), {"lines": 0, "lost": 0, "gaps": 0}
        for w in writers:
            judge(w, to, manifest, result)
        print(f"{sum(counts.values())} events {counts}: {result['lines']} lines, {result['lost']} rotated away unread, {result['gaps']} gaps named", flush=True)
    finally:
        s.close()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--binary", required=True)
    ap.add_argument("--work", required=True)
    ap.add_argument("--only", default="")
    ap.add_argument("--events", type=int, default=150)
    ap.add_argument("--pause", type=float, default=0.1)
    ap.add_argument("--many", type=int, default=1000)
    ap.add_argument("--seed", type=int, default=1)
    ARGS = ap.parse_args()
    ARGS.binary, ARGS.work = os.path.abspath(ARGS.binary), os.path.abspath(ARGS.work)
    os.makedirs(ARGS.work, exist_ok=True)
    if not kubectls():
        print("no kubectl on this machine: skipped")
        sys.exit(77)
    KUBECTL = kubectls()[0]
    for test_name, test in list(globals().items()):
        if test_name.startswith("test_") and ARGS.only in test_name:
            t0 = time.time()
            test()
            print(f"{test_name}: {time.time() - t0:.1f} s", flush=True)
    print("FAILED" if failures else "all as expected")
    sys.exit(bool(failures))
