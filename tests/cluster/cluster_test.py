#!/usr/bin/env python3
"""rankdx check cluster with every real kubectl of this machine against the stand-in API server.

    cluster_test.py --binary build/dev/rankdx --follow build/dev/tests/follow_logs [--only NAME]
"""
import argparse, concurrent.futures, contextlib, glob, json, os, re, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.request, ssl

HERE = os.path.dirname(os.path.abspath(__file__))
NS = "runai-my-project"
PATIENCE = 240  # seconds after which something hangs; nothing here is a measure of speed
failures = []


def expect(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what, flush=True)


def kubectls():
    """Each real program once; dispatchers that pick another one are left out, as they only cost time."""
    found = sorted(glob.glob("/usr/lib/google-cloud-sdk/bin/kubectl.1.*"))
    for path in filter(None, [shutil.which("kubectl"), "/usr/bin/kubectl"]):
        if os.path.exists(path) and not any(os.path.realpath(path) == os.path.realpath(f) for f in found): found.append(path)
    return found


def usual_kubectl():
    """One that is no dispatcher, where there is one."""
    found = kubectls()
    return next((k for k in reversed(found) if "kubectl.1" in k), found[-1])


GPU = "0, NVIDIA H100 80GB HBM3, GPU-%(pod)s-0, 512, 81559\n1, NVIDIA H100 80GB HBM3, GPU-%(pod)s-1, 640, 81559\n"
INSIDE = """@@id
uid=2000(vllm) gid=2000(vllm) groups=2000(vllm)
@@gpus
%(gpus)s@@gpusrc 0
@@shm
Filesystem 1024-blocks Used Available Capacity Mounted on
shm %(shm)s 0 %(shm)s 0%% /dev/shm
@@limits
Max locked memory         unlimited            unlimited            bytes
Max open files            1048576              1048576              files
@@env 1
NCCL_IB_DISABLE=%(ib)s
@@model
exists
files 12
@@end
"""


def exec_table(pod, gpus=None, shm="16777216", ib="1", reach=""):
    out = INSIDE % {"gpus": (GPU if gpus is None else gpus) % {"pod": pod}, "shm": shm, "ib": ib}
    return {"table": [{"match": "^sh -c", "out": out}, {"match": "^python3 -c", "out": reach + "@@end\n"}]}


LOG_OK = "gpu-worker-01:1:1 [0] NCCL INFO Bootstrap: Using eth0:10.244.1.15<0>\ngpu-worker-01:1:1 [0] NCCL INFO NCCL version 2.27.3+cuda12.9\n"


def pod(name, state="Running", **more):
    return {"name": name, "namespace": NS, "state": state, "labels": {"app": "vllm", "workloadName": "my-llm"}, "ip": more.pop("ip", "10.244.1.15"),
            "args": ["vllm", "serve", "/models/x"], **more}


def rules(*pairs):
    return [{"verbs": list(v), "apiGroups": ["", "networking.k8s.io"], "resources": list(r)} for v, r in pairs]


USERS = [{"name": "admin-token", "token": "t1", "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]},
         {"name": "viewer", "token": "t2", "rules": rules((["get", "list"], ["pods", "pods/log"]))},
         {"name": "exec-create", "token": "t3", "rules": rules((["get", "list"], ["pods"]), (["create"], ["pods/exec"]))},
         {"name": "exec-get", "token": "t4", "rules": rules((["get", "list"], ["pods"]), (["get"], ["pods/exec"]))},
         {"name": "nobody", "token": "t5", "rules": []}]

# State of the stand-in, what the state cell must say, and the finding that must name the pod (None: none).
STATES = [("Running", "ok", None), ("NotReady", "warning", "pod-not-ready"), ("Unschedulable", "failed", "worker-pod-not-running"),
          ("ContainerCreating", "warning", "worker-pod-not-running"), ("ImagePullBackOff", "failed", "worker-pod-not-running"), ("ErrImagePull", "failed", "worker-pod-not-running"),
          ("CrashLoopBackOff", "failed", "worker-pod-not-running"), ("OOMKilled", "failed", "host-memory-oom"), ("CreateContainerConfigError", "failed", "worker-pod-not-running"),
          ("StartError", "failed", "gpu-not-visible"), ("Completed", "ok", "rank-process-died"), ("Error", "failed", "worker-pod-not-running"),
          ("Evicted", "failed", "terminated-from-outside"), ("UnexpectedAdmissionError", "failed", "gpu-hardware-fault"), ("Terminating", "warning", "terminated-from-outside"),
          ("Preempted", "failed", "terminated-from-outside"), ("NodeLost", "failed", "node-lost"), ("InitCrash", "failed", "worker-pod-not-running")]
RUNS = {"Running", "NotReady", "Terminating", "Preempted", "NodeLost"}       # a container is there to look into
HAS_LOG = RUNS | {"CrashLoopBackOff", "OOMKilled", "StartError", "Completed", "Error", "Evicted"}
# The moment after a crash and before the back-off, which a real node shows often: terminated, not waiting.
BETWEEN = ("CrashLoopBackOff", "OOMKilled", "StartError")
STATES += [(s + " between", cell, finding) for s, cell, finding in STATES if s in BETWEEN]
HAS_LOG |= {s + " between" for s in BETWEEN}


def name_of(state): return "p-" + state.lower().replace(" ", "-")


def scenario(pods, **more): return {"users": USERS, "anonymous": None, "pods": pods, **more}


def all_states():
    pods = []
    for state, _, _ in STATES:
        name = name_of(state)
        # A pod is tried from those beside it; all have one address here, and a refused connection is a free way.
        # What a connection to a free port of another pod gives: refused, so the way is free.
        p = pod(name, state.split()[0], between=state.endswith(" between"), exec=exec_table(name, reach="@@reach 10.244.1.16 47919 refused\n"), ip=f"10.244.1.{15 + len(pods)}", logs={"vllm": {"text": LOG_OK}}, previousLogs={"vllm": {"text": LOG_OK}})
        if state == "InitCrash": p["initContainers"] = ["wait-for-head"]
        pods.append(p)
    return scenario(pods)


class Server:
    def __init__(self, sc, version="1.32", tls=True):
        self.dir = tempfile.mkdtemp(prefix="rankdx-test-")
        with open(self.dir + "/scenario.json", "w") as f: json.dump(sc, f)
        self.p = subprocess.Popen([sys.executable, "-B", HERE + "/standin.py", "--scenario", self.dir + "/scenario.json", "--dir", self.dir, "--version", version] + (["--tls"] if tls else []),
                                  stdout=subprocess.PIPE, text=True)
        self.url = self.p.stdout.readline().split()[1]

    def control(self, path, body=b""):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(self.url + "/_standin/" + path, data=body, method="POST"), context=ssl._create_unverified_context()).read()

    def get(self, path): return urllib.request.urlopen(self.url + "/_standin/" + path, context=ssl._create_unverified_context()).read()

    def close(self):
        self.p.send_signal(signal.SIGCONT)
        self.p.kill(); self.p.wait(); self.p.stdout.close(); shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def served(sc, version="1.32", tls=True):
    s = Server(sc, version, tls)
    try: yield s
    finally: s.close()


def check(s, kubectl, *args, user="admin-token", form="json", timeout=PATIENCE):
    cmd = [BINARY, "check", "cluster", "--kubectl", kubectl, "--kubeconfig", s.dir + "/kubeconfig", "--context", user, "-n", NS, "-o", form, *args]
    t = time.time()
    p = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, env={**os.environ, "HOME": s.dir, "COLUMNS": "160"})
    p.seconds = time.time() - t
    p.report = json.loads(p.stdout) if form == "json" and p.stdout else None
    return p


def cells(report, pod_name): return {c["id"]: c for c in report["checks"] if c["source"] == f"pod {NS}/{pod_name}"}
def ids_about(report, pod_name): return {f["id"] for f in report["findings"] if any(w["pod"] == pod_name for w in f["where"])}


VERSIONS = ["1.20", "1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.35"]


def judge_states(what, p):
    """The eight steps (pods, network, log, GPUs, model, user, environment, GPU memory) for all pod states."""
    expect(p.returncode == 1 and p.report, f"{what}: rc {p.returncode} {p.stderr[:300]}")
    if not p.report: return
    for state, cell, finding in STATES:
        c = cells(p.report, name_of(state))
        expect(len(c) == 10, f"{what} {state}: {len(c)} cells")
        expect(c["state"]["status"] == cell, f"{what} {state}: state {c['state']}")
        ids = ids_about(p.report, name_of(state)) - {"shm-too-small"}
        expect(ids == ({finding} if finding else set()), f"{what} {state}: findings {ids}, not {finding}")
        for step, value in (("gpus", "2 of 2"), ("shm", "16384 MiB"), ("user", "uid 2000"), ("model", "12 files"), ("gpu-memory", "0 of 79 GiB"), ("environment", "1 variables"), ("network", "1 of 1 peers")):
            if state in RUNS: expect(c[step]["status"] == "ok" and c[step]["value"] == value, f"{what} {state}: {c[step]}")
            elif step not in ("environment", "shm"): expect(c[step]["status"] == "unknown" and "not running" in c[step]["why"], f"{what} {state}: {c[step]}")
        expect((c["log"]["status"] == "ok") == (state in HAS_LOG), f"{what} {state}: log {c['log']}")
    roots = [f["id"] for f in p.report["findings"] if f["role"] == "root-cause"]
    expect(len(roots) == 1, f"{what}: root causes {roots}")


def test_states():
    """Every kubectl of this machine with every version of the server."""
    def with_version(version):
        with served(all_states(), version) as s:
            for k in kubectls(): judge_states(f"{os.path.basename(k)} server {version}", check(s, k, "-l", "app=vllm"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool: list(pool.map(with_version, VERSIONS))
    print(f"{len(kubectls())} kubectl x {len(VERSIONS)} servers x {len(STATES)} states")


def test_healthy():
    pods = [pod(f"my-llm-{i}", ip=f"10.244.{i}.15", node=f"gpu-worker-0{i}", exec=exec_table(f"my-llm-{i}", reach=f"@@reach 10.244.{3 - i}.15 47919 refused\n"), logs={"vllm": {"text": LOG_OK}}) for i in (1, 2)]
    with served(scenario(pods)) as s:
        for args in (["--runai", "my-llm"], ["-l", "app=vllm"], ["my-llm-1", "my-llm-2"]):
            p = check(s, KUBECTL, *args)
            expect(p.returncode == 0 and p.report["findings"] == [], f"healthy {args}: rc {p.returncode} {p.stdout[:400]} {p.stderr}")
            expect(all(c["status"] == "ok" for c in p.report["checks"]), f"healthy: {[c for c in p.report['checks'] if c['status'] != 'ok']}")
        p = check(s, KUBECTL, "--lws", "none")
        expect(p.returncode == 3 and "No pod" in p.report["summary"], f"no pod: {p.returncode} {p.stdout[:200]}")
        text = check(s, KUBECTL, form="text").stdout
        expect(re.search(r"my-llm-1 +gpu-worker-01 +Running +2 of 2", text), "table: " + text)


def test_differences():
    pods = [pod(f"w-{i}", ip=f"10.244.{i}.15", exec=exec_table(f"w-{i}"), logs={"vllm": {"text": LOG_OK}}) for i in range(4)]
    pods[3]["image"] = "registry.example.com/vllm-openai:nightly"
    pods[2]["exec"] = exec_table("w-2", ib="0")
    pods[1]["exec"] = exec_table("w-1", gpus="0, NVIDIA H100 80GB HBM3, GPU-a, 1, 81559\n", shm="65536")
    pods[0]["exec"] = exec_table("w-0", reach="@@reach 10.244.1.15 47919 timeout\n@@reach 10.244.2.15 47919 refused\n")
    policy = {"group": "networking.k8s.io", "plural": "networkpolicies", "object": {"metadata": {"name": "only-29500", "namespace": NS}, "spec": {
        "podSelector": {"matchLabels": {"app": "vllm"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 29500}]}]}}}
    with served(scenario(pods, objects=[policy])) as s:
        r = check(s, KUBECTL).report
        about = {f["id"]: {w["pod"] for w in f["where"]} for f in reversed(r["findings"])}
        expect(about.get("different-images-per-node") == {"w-3"}, f"images {about}")
        expect(about.get("nccl-env-differs-between-ranks") == {"w-2"}, f"environment {about}")
        expect(about.get("gpu-not-visible") == {"w-1"} and about.get("shm-too-small") == {"w-1"}, f"gpus, shm {about}")
        blocked = [f for f in r["findings"] if f["id"] == "node-to-node-traffic-blocked"]
        expect(any("w-0 does not reach w-1 (timeout)" in f["title"] for f in blocked), f"network {[f['title'] for f in blocked]}")
        expect(any("only-29500" in f["title"] and "TCP 29500" in f["title"] for f in blocked), f"policy {[f['title'] for f in blocked]}")


def test_scripts():
    """The scripts that look into a pod really run here, with a fake nvidia-smi, over WebSocket and over kubectl exec."""
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + "/bin"); os.mkdir(d + "/model"); open(d + "/model/config.json", "w").close()
        with open(d + "/bin/nvidia-smi", "w") as f: f.write("#!/bin/sh\necho '0, NVIDIA H100, GPU-0, 7168, 81559'\necho '1, NVIDIA H100, GPU-1, 0, 81559'\n")
        os.chmod(d + "/bin/nvidia-smi", 0o755)
        run = {"prefix": ["env"], "env": {"PATH": d + "/bin:" + os.environ["PATH"]}}
        pods = [pod(f"s-{i}", ip=ip, exec=run, args=["vllm", "serve", d + "/model"]) for i, ip in enumerate(("127.0.0.1", "127.0.0.2"))]
        with served(scenario(pods)) as s:
            for transport in ("proxy", "calls"):
                c = cells(check(s, KUBECTL, "--transport", transport).report, "s-0")
                expect(c["gpus"]["value"] == "2 of 2" and c["shm"]["value"], f"scripts {transport}: {c['gpus']} {c['shm']}")
                for step, value in (("gpu-memory", "7 of 79 GiB"), ("user", f"uid {os.getuid()}"), ("model", "1 files"), ("network", "1 of 1 peers")):
                    expect(c[step]["value"] == value, f"scripts {transport}: {c[step]}")


def own_report(findings=()):
    return json.dumps({"schema": "rankdx.check/1", "verdict": "failed" if findings else "ok", "summary": "s", "findings": list(findings),
                       "checks": [{"id": "interfaces", "status": "ok", "value": "eth0 10.244.1.15/24", "why": None, "source": "/proc/net"}]})


def test_inject():
    """--inject adds an ephemeral container where the image lacks rankdx, and only then; what keeps it from running is said."""
    finding = {"id": "gloo-uses-loopback", "role": "contributing", "severity": "warning", "confidence": "certain", "layer": "network", "title": "The host name means 127.0.1.1",
               "cause": "c", "where": [], "evidence": [], "fix": [{"for": "any", "text": "t", "command": None}]}
    def of(name, **more):
        e = exec_table(name)
        # Seen through the exec of the container itself, the image has no rankdx; the injected one has.
        e["table"].insert(0, {"match": "^rankdx check pod --only shared -o json", "out": own_report([finding])})
        return pod(name, exec={**e, **more}, logs={"vllm": {"text": LOG_OK}}, ip=f"10.244.1.{len(name) + 20}")
    pods = [of("a"), of("bb", ephemeral={"waiting": "ImagePullBackOff"}), pod("done", "Completed", logs={"vllm": {"text": LOG_OK}})]
    image = ["--inject", "registry.example.com/rankdx:1"]
    with served(scenario(pods)) as s:
        r = check(s, KUBECTL, *image).report
        expect("gloo-uses-loopback" in ids_about(r, "a"), f"inject: {r['findings']}")
        expect(not ids_about(r, "bb") & {"gloo-uses-loopback"}, "inject: the image that cannot be pulled")
        why = next((c["why"] for c in r["checks"] if c["id"] == "inject"), "")
        expect("ImagePullBackOff" in why and "bb" in why, f"inject: {why}")
        sent = [q for q in json.loads(s.get("requests")) if q["method"] == "PATCH"]
        bodies = [json.loads(q["body"])["spec"]["ephemeralContainers"][0] for q in sent]
        expect(len(bodies) == 2 and all(b["targetContainerName"] == "vllm" and b["image"] == image[1] for b in bodies), f"inject: {sent}")
        expect(all(b["securityContext"]["runAsUser"] == 2000 and b["securityContext"]["runAsNonRoot"] for b in bodies), f"inject: user {bodies}")
    with served(scenario([of("a")])) as s:
        check(s, KUBECTL)
        expect(not [q for q in json.loads(s.get("requests")) if q["method"] not in ("GET", "POST")], "without --inject nothing is changed")
        r = check(s, KUBECTL, *image, user="exec-create").report
        expect(any("patch pods/ephemeralcontainers" in (c["why"] or "") for c in r["checks"]), f"inject without the right: {r['checks']}")
        r = check(s, KUBECTL, "--transport", "calls", *image).report
        expect(any("--transport proxy" in (c["why"] or "") for c in r["checks"] if c["id"] == "inject"), "inject by calls")
    with served(scenario([of("a")]), "1.20") as s:
        r = check(s, KUBECTL, *image).report
        expect(any("Kubernetes 1.23" in (c["why"] or "") for c in r["checks"] if c["id"] == "inject"), f"inject on 1.20: {[c for c in r['checks'] if c['id'] == 'inject']}")


def test_rights():
    for version in ("1.32", "1.35"):
        with served(all_states(), version) as s:
            r = check(s, KUBECTL, user="viewer").report
            whys = {c["id"]: c["why"] for c in r["checks"] if c["source"] == "API server"}
            expect("list events" in whys.get("events", ""), f"viewer events: {whys}")
            expect("networkpolicies" in whys.get("network policies", ""), f"viewer policies: {whys}")
            expect(any("pods/exec" in w for w in whys.values()), f"viewer exec: {whys}")
            expect(cells(r, "p-running")["gpus"]["why"] == "2 requested, no right to exec", cells(r, "p-running")["gpus"])
            expect(cells(r, "p-running")["log"]["status"] == "ok", "viewer reads logs")
            p = check(s, KUBECTL, user="nobody")
            expect(p.returncode == 2 and "cannot list resource" in p.stderr and "right to list pods" in p.stderr, f"nobody: {p.returncode} {p.stderr}")
            for user in ("exec-create", "exec-get"):
                r = check(s, KUBECTL, user=user).report
                may = user == "exec-create" or version != "1.35"
                got = cells(r, "p-running")["gpus"]
                expect((got["status"] == "ok") == may, f"{user} on {version}: {got}")
                expect(any("get pods/log" in (c["why"] or "") for c in r["checks"]), f"{user}: log right")


def test_trouble():
    """Each ends in time and in words."""
    cases = [("slow", {"match": "GET /api/v1/namespaces/[^/]+/pods\\?", "action": "delay", "seconds": 3600, "times": 9}, "does not answer in time"),
             ("cut", {"match": "GET /api/v1/namespaces/[^/]+/pods\\?", "action": "truncate", "times": 9}, "was cut"),
             ("500", {"match": "GET /api/v1/namespaces/[^/]+/pods\\?", "action": "status", "code": 500, "reason": "InternalError", "message": "etcdserver: request timed out", "times": 9}, "etcdserver: request timed out"),
             ("503", {"match": "GET /api/v1/namespaces/[^/]+/pods\\?", "action": "status", "code": 503, "message": "the server is currently unable to handle the request", "times": 9}, "unable to handle"),
             ("reset", {"match": "GET /version", "action": "reset", "times": 99}, "the connection to the API server breaks")]
    for name, fault, text in cases:
        with served(scenario([pod("a")])) as s:
            s.control("fault", fault)
            # A short limit only where it is what ends the wait: else a busy machine would be told to be a slow server.
            p = check(s, KUBECTL, "--timeout", "1" if name == "slow" else "60")
            expect(p.returncode == 2 and text in p.stderr and p.stderr.count("\n") == 1, f"{name}: rc {p.returncode} {p.stderr} {p.stdout[:200]}")
    with served(scenario([pod("a")])) as s:
        s.p.send_signal(signal.SIGSTOP)
        p = check(s, KUBECTL, "--timeout", "1")
        expect(p.returncode == 2 and "does not answer in time" in p.stderr, f"frozen: {p.stderr}")
    with served(scenario([pod(f"w-{i}") for i in range(600)])) as s:
        s.control("fault", {"match": "continue=", "action": "status", "code": 410, "reason": "Expired", "message": "too old", "times": 1})
        r = check(s, KUBECTL, "--no-exec", "--no-logs").report
        expect(r and len([c for c in r["checks"] if c["id"] == "state"]) == 600, "410 on the second page")
    with served(scenario([pod("a", exec={"table": [{"match": "^sh -c", "out": "@@id\nuid=0(root)\n", "drop": True}]}, logs={"vllm": {"text": LOG_OK, "fault": {"after_lines": 1, "action": "cut"}}})])) as s:
        r = check(s, KUBECTL, "a").report
        expect(cells(r, "a")["user"]["why"] == "connection broke", f"exec cut: {cells(r, 'a')['user']}")
        expect(cells(r, "a")["log"]["value"] == "2 lines", f"log cut once: {cells(r, 'a')['log']}")
    with tempfile.TemporaryDirectory() as d:
        class Nothing: dir = d
        p = check(Nothing, KUBECTL)
        expect(p.returncode == 2 and "kubeconfig cannot be read" in p.stderr, f"no kubeconfig: {p.stderr}")
    p = check(Nothing, "no-such-kubectl")
    expect(p.returncode == 2 and "kubectl was not found" in p.stderr, f"no kubectl: {p.stderr}")


def test_calls():
    """Single kubectl calls tell the same as the proxy."""
    with served(all_states()) as s:
        a, b = (check(s, KUBECTL, "--transport", t).report for t in ("proxy", "calls"))
        strip = lambda r: [(f["id"], f["title"]) for f in r["findings"]] + [(c["id"], c["status"], c["source"]) for c in r["checks"]]
        expect(strip(a) == strip(b), f"calls differ: {set(strip(a)) ^ set(strip(b))}")


def test_many():
    pods = [pod(f"w-{i:04}", ip=f"10.{i // 250}.{i % 250}.15", exec=exec_table(f"w-{i:04}", reach="@@reach 10.0.1.15 47919 refused\n"), logs={"vllm": {"text": LOG_OK}}) for i in range(1000)]
    pods[500]["state"] = "OOMKilled"
    with served(scenario(pods), tls=False) as s:
        s.close(); sc = scenario(pods); sc.pop("users"); sc.pop("anonymous")
        t = Server(sc, tls=False)
        try:
            p = check(t, KUBECTL, user="admin")
            print(f"1,000 pods: {p.seconds:.1f} s", flush=True)
            expect(p.report["findings"][0]["id"] == "host-memory-oom" and "host-memory-oom" in ids_about(p.report, "w-0500"), f"1,000 pods: {p.report['summary']}")
            expect(sum(c["status"] == "ok" for c in p.report["checks"] if c["id"] == "gpus") == 999, "999 pods looked into")
        finally: t.close()


class Follow:
    """The log follower on a namespace; tells what it has printed so far."""
    def __init__(self, s, stall):
        self.got, self.events, self.changed = {}, {}, threading.Condition()
        self.p = subprocess.Popen([FOLLOW, KUBECTL, s.dir + "/kubeconfig", NS, stall], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            m = re.match(r"([^/]+)/[^|!]+(\||! )(.*)", line.rstrip("\n"))
            if not m: continue
            with self.changed:
                (self.got if m[2] == "|" else self.events).setdefault(m[1], []).append(m[3])
                self.changed.notify_all()

    def wait(self, what, ready):
        """Until ready() holds; the limit is for a follower that never gets there."""
        with self.changed: expect(self.changed.wait_for(ready, PATIENCE), f"follow: {what}")

    def close(self):
        self.p.stdin.close(); self.p.wait(PATIENCE); self.reader.join(); self.p.stdout.close()


def test_follow():
    """Every line once and in order over every kind of break; a gap where the node threw lines away."""
    def lines(n, first=0): return "".join(f"line {i}\n" for i in range(first, n))
    # One pod per kind of break, and 50 that are well; "stall" is noticed after 400 ms.
    faults = {"reset": {"after_lines": 20, "action": "reset"}, "cut": {"after_lines": 20, "action": "cut"}, "eof": {"after_lines": 20, "action": "eof"},
              "stall": {"after_lines": 20, "action": "stall", "seconds": 20}, "rotated": {"after_lines": 20, "action": "cut", "rotate": 40}}
    wells = [f"m-{i}" for i in range(50)]
    sc = scenario([pod(name, logs={"vllm": {"text": lines(50), "fault": f}}) for name, f in faults.items()] + [pod(name, logs={"vllm": {"text": lines(50)}}) for name in wells])
    wanted = {name: lines(60).splitlines() for name in faults}
    wanted["rotated"] = wanted["rotated"][:20] + wanted["rotated"][40:]
    with served(sc) as s:
        f = Follow(s, "400")
        try:
            f.wait("the breaks are overcome", lambda: all("line 49" in f.got.get(name, []) for name in faults))
            for name in faults: s.control(f"log/{NS}/{name}/vllm", lines(60, 50).encode())
            f.wait("the last lines", lambda: all("line 59" in f.got.get(name, []) for name in faults) and all(len(f.got.get(n, [])) >= 50 for n in wells))
        finally: f.close()
    for name in faults:
        expect(f.got.get(name) == wanted[name], f"follow {name}: {len(f.got.get(name, []))} lines, {f.events.get(name)}")
        expect(any(e.startswith("gap") for e in f.events[name]) == (name == "rotated"), f"follow {name}: {f.events[name]}")
    expect(all(f.got.get(n) == lines(50).splitlines() for n in wells), "follow: the others")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--binary", required=True); ap.add_argument("--follow"); ap.add_argument("--only", default="")
    a = ap.parse_args()
    BINARY, FOLLOW = os.path.abspath(a.binary), a.follow and os.path.abspath(a.follow)
    if not kubectls(): print("no kubectl on this machine: skipped"); sys.exit(77)
    KUBECTL = usual_kubectl()
    print("kubectl:", ", ".join(map(os.path.basename, kubectls())))
    for name, test in list(globals().items()):
        if name.startswith("test_") and a.only in name:
            t = time.time(); test(); print(f"{name}: {time.time() - t:.1f} s", flush=True)
    print("FAILED" if failures else "all as expected")
    sys.exit(bool(failures))
