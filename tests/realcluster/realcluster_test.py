#!/usr/bin/env python3
"""rankdx against a real API server and a real node (script/test-cluster). Parts: generated, recorded, node, rights.

    realcluster_test.py --binary build/release/rankdx --programs build/kubernetes/bin --work build/kubernetes/work [PART...]
"""
import argparse, json, os, pathlib, re, subprocess, sys, tempfile, time, traceback

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests"), str(ROOT / "tests" / "cluster")]
import cluster  # noqa: E402

NS = cluster.NS
failures = []


def expect(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what, flush=True)


def rankdx(*args, timeout=300, **kwargs):
    return subprocess.run([A.binary, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, "HOME": C.work, "COLUMNS": "160"}, **kwargs)


def check(*args, user="admin"):
    p = rankdx("check", "cluster", "--kubeconfig", C.kubeconfig, "--context", user, "-n", NS, "-o", "json", *args)
    p.report = json.loads(p.stdout) if p.stdout.startswith("{") else None
    if p.report is None: raise RuntimeError(f"check cluster {args}: {p.returncode} {p.stderr}")
    return p


def cells(report, pod): return {c["id"]: c for c in report["checks"] if c["source"] == f"pod {NS}/{pod}"}
def ids_about(report, pod): return {f["id"] for f in report["findings"] if any(w["pod"] == pod for w in f["where"])}


# ---- what `launch generate` writes ----

def inlined(schema, definitions):
    """A JSON schema in the form that a CRD allows: no references, no closed objects, types for all."""
    if isinstance(schema, list): return [inlined(s, definitions) for s in schema]
    if not isinstance(schema, dict): return schema
    if "$ref" in schema: return inlined(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    out = {}
    for key in ("type", "properties", "items", "required", "enum", "additionalProperties", "description"):
        if key not in schema: continue
        value = schema[key]
        if key == "properties": out[key] = {k: inlined(v, definitions) for k, v in value.items()}
        elif key == "additionalProperties":
            if isinstance(value, dict): out[key] = inlined(value, definitions)
        elif key == "items": out[key] = inlined(value, definitions)
        else: out[key] = value
    if "enum" in out and "type" not in out and all(isinstance(v, str) for v in out["enum"]): out["type"] = "string"
    types = out.get("type")
    if isinstance(types, list) or "anyOf" in schema or "oneOf" in schema or not types:
        if "properties" in out: out["type"] = "object"
        else: out = {"x-kubernetes-preserve-unknown-fields": True}
        if set(types or ()) == {"integer", "string"}: out = {"x-kubernetes-int-or-string": True}
    return out


def crd(group, version, kind, plural, schema, definitions):
    body = inlined(schema, definitions)
    for known in ("apiVersion", "kind"): body["properties"][known] = {"type": "string"}
    body["properties"]["metadata"] = {"type": "object"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
                     "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": body}}]}}


def pod_templates(node):
    """Every pod template below an object, as a pod of its own."""
    if isinstance(node, list):
        for item in node: yield from pod_templates(item)
    elif isinstance(node, dict):
        if "containers" in node.get("spec", {}) and node.get("kind") != "Pod": yield node
        for value in node.values(): yield from pod_templates(value)


def apply_dry(documents, directory, title):
    path = os.path.join(directory, re.sub(r"[^a-z0-9]+", "-", title.lower())[:60] + ".yaml")
    with open(path, "w") as f: yaml.safe_dump_all(documents, f)
    p = subprocess.run([A.kubectl, "--kubeconfig", C.kubeconfig, "apply", "--dry-run=server", "--validate=true", "-f", path],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    expect(p.returncode == 0, f"{title}: {p.stderr.strip()[:600]}")


def part_generated():
    """A server-side dry run of each object; the pod templates of LeaderWorkerSet and RayCluster as pods as well."""
    import launch_test
    launch_test.BINARY = A.binary
    schemas = ROOT / "schema" / "k8s"
    core = json.loads((schemas / "core.schema.json").read_text())["definitions"]
    for group, version, kind, plural, name in (("leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkersets", "leaderworkerset"),
                                               ("ray.io", "v1", "RayCluster", "rayclusters", "raycluster")):
        own = json.loads((schemas / f"{name}.schema.json").read_text())
        body = crd(group, version, kind, plural, own, {**core, **own.get("definitions", {})})
        C.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    def established():
        items = C.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
        return all(any(c["type"] == "Established" and c["status"] == "True" for c in i.get("status", {}).get("conditions") or []) for i in items)
    cluster.wait_for("the CRDs are served", established, 60)
    kinds, namespaces, batch = set(), set(), []
    for title, launcher, toml in launch_test.specs():
        if launcher not in ("lws", "kuberay"): continue
        for name, text in launch_test.generate(launcher, toml).items():
            documents = [d for d in yaml.safe_load_all(text) if d]
            for d in documents:
                kinds.add(d["kind"])
                namespaces.add(d["metadata"].get("namespace", ""))
                for n, template in enumerate(pod_templates(d)):
                    pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                        "name": f"{d['metadata']['name']}-template-{n}", "namespace": d["metadata"].get("namespace", NS), **template.get("metadata", {})}}
                    documents = documents + [pod]
            batch.append((f"{title} {name}", documents))
    for ns in sorted(namespaces - {""}): C.request("POST", "/api/v1/namespaces", {"metadata": {"name": ns}}, accept=(200, 201, 409))
    with tempfile.TemporaryDirectory() as directory:
        for title, documents in batch: apply_dry(documents, directory, title)
        # The dry run must be able to fail: a port that is none in a pod, a word that is none in a LeaderWorkerSet.
        documents = [d for _, some in batch for d in some]
        def set_port(d): d["spec"]["containers"][0]["ports"] = [{"containerPort": 99999}]
        def set_policy(d): d["spec"]["startupPolicy"] = "LeaderStarted"
        for kind, spoil, word in (("Pod", set_port, "99999"), ("LeaderWorkerSet", set_policy, "LeaderStarted")):
            broken = json.loads(json.dumps(next(d for d in documents if d["kind"] == kind)))
            spoil(broken)
            path = os.path.join(directory, "broken.json")
            with open(path, "w") as f: json.dump(broken, f)
            p = subprocess.run([A.kubectl, "--kubeconfig", C.kubeconfig, "apply", "--dry-run=server", "-f", path], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            expect(p.returncode != 0 and word in p.stderr, f"a broken {kind} passes: {p.stdout} {p.stderr}")
    print(f"generated: {len(batch)} files of kinds {', '.join(sorted(kinds))} accepted by the API server", flush=True)


# ---- the stand-in's pods in a real API server ----

def part_recorded():
    """The 18 pod states of the stand-in in the real API server, with the stand-in as kubelet: the same cells and findings."""
    import cluster_test
    cluster_test.BINARY = A.binary
    from podshapes import make_event, make_pod
    scenario = cluster_test.all_states()
    with cluster_test.served(scenario, "1.20", tls=True) as s:
        host, port = "127.0.0.1", int(s.url.rsplit(":", 1)[1])
        pods = [(p, make_pod(p)) for p in scenario["pods"]]
        for node in sorted({o["spec"]["nodeName"] for _, o in pods if "nodeName" in o["spec"]}):
            C.request("POST", "/api/v1/nodes", {"metadata": {"name": node}}, accept=(200, 201, 409))
            C.request("PATCH", f"/api/v1/nodes/{node}/status", {"status": {
                "addresses": [{"type": "InternalIP", "address": host}], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
                "conditions": [{"type": "Ready", "status": "True"}]}}, "application/merge-patch+json")
        base = f"/api/v1/namespaces/{NS}/pods"
        for short, pod in pods:
            meta = pod["metadata"]
            for key in ("uid", "resourceVersion", "creationTimestamp"): meta.pop(key, None)
            deleted = meta.pop("deletionTimestamp", None)
            meta.pop("deletionGracePeriodSeconds", None)
            if deleted: meta["finalizers"] = ["example.com/hold"]  # keeps it there, terminating
            C.request("POST", base, pod)
            C.request("PATCH", f"{base}/{meta['name']}/status", {"status": pod["status"]}, "application/merge-patch+json")
            now = C.request("GET", f"{base}/{meta['name']}")
            if deleted: C.request("DELETE", f"{base}/{meta['name']}")
            for e in short.get("events", []):
                e = dict(e)
                event = make_event(now, e.pop("reason"), e.pop("message"), e.pop("type", "Warning"), **e)
                for key in ("uid", "resourceVersion", "creationTimestamp"): event["metadata"].pop(key, None)
                C.request("POST", f"/api/v1/namespaces/{NS}/events", event)
        real = check("-l", "app=vllm").report
        for state, cell, finding in cluster_test.STATES:
            name = cluster_test.name_of(state)
            got = cells(real, name)
            expect(len(got) == 10, f"{state}: {len(got)} cells")
            expect(got["state"]["status"] == cell, f"{state}: state {got['state']}")
            ids = ids_about(real, name) - {"shm-too-small"}
            expect(ids == ({finding} if finding else set()), f"{state}: findings {ids}, not {finding}")
            if state in cluster_test.RUNS: expect(got["gpus"]["value"] == "2 of 2", f"{state}: {got['gpus']}")
            expect((got["log"]["status"] == "ok") == (state in cluster_test.HAS_LOG), f"{state}: log {got['log']}")
        for _, pod in pods:
            path = f"{base}/{pod['metadata']['name']}"
            C.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json", accept=(200, 404))
            C.request("DELETE", path + "?gracePeriodSeconds=0", accept=(200, 404))
    print(f"recorded: {len(pods)} pod states as on the stand-in", flush=True)


# ---- a real node ----

def pod(name, script=None, image="localhost/busybox:1", spec=None, **container):
    body = {"name": "vllm", "image": image, "imagePullPolicy": "IfNotPresent", **container}
    if script is not None: body["command"] = ["sh", "-c", script]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS, "labels": {"app": "real"}},
            "spec": {"nodeName": cluster.NODE, "containers": [body], "terminationGracePeriodSeconds": 1, **(spec or {})}}


# Pod, what kubectl would call its state in the end, status of the cell, finding that must name it.
REAL = [
    (pod("r-run", "while true; do echo 'gpu-worker-01:1:88 [0] NCCL INFO tick'; sleep 1; done"), r"Running", "ok", None),
    (pod("r-crash", "echo starting; exit 3"), r"CrashLoopBackOff|Error", "failed", "worker-pod-not-running"),
    (pod("r-oom", "echo loading; tail /dev/zero", resources={"limits": {"memory": "30Mi"}}), r"OOMKilled|CrashLoopBackOff", "failed", "host-memory-oom"),
    (pod("r-pull", image="127.0.0.1:5999/nosuch:1"), r"ImagePullBackOff|ErrImagePull", "failed", "worker-pod-not-running"),
    (pod("r-config", "sleep 1000", spec={"securityContext": {"runAsNonRoot": True}}), r"CreateContainerConfigError", "failed", "worker-pod-not-running"),
    (pod("r-map", "sleep 1000", envFrom=[{"configMapRef": {"name": "nosuch"}}]), r"CreateContainerConfigError", "failed", "worker-pod-not-running"),
    (pod("r-start", command=["nvidia-nosuch"]), r"RunContainerError|StartError|CrashLoopBackOff|ContainerCannotRun", "failed", None),
    (pod("r-mount", "sleep 1000", spec={"volumes": [{"name": "d", "secret": {"secretName": "nosuch"}}]}, volumeMounts=[{"name": "d", "mountPath": "/d"}]), r"ContainerCreating", "warning", "worker-pod-not-running"),
    (pod("r-done", "echo done", spec={"restartPolicy": "Never"}), r"Completed", "ok", "rank-process-died"),
    (pod("r-fail", "echo last words; exit 42", spec={"restartPolicy": "Never"}), r"Error", "failed", "worker-pod-not-running"),
    (pod("r-init", "sleep 1000", spec={"initContainers": [{"name": "wait-for-head", "image": "localhost/busybox:1", "command": ["sh", "-c", "exit 1"]}]}), r"Init:(Error|CrashLoopBackOff)", "failed", "worker-pod-not-running"),
    (pod("r-gpu", "sleep 1000", spec={"nodeName": ""}, resources={"limits": {"nvidia.com/gpu": 2}}), r"Pending|Unschedulable", "failed", "worker-pod-not-running"),
]


def part_node():
    for body, _, _, _ in REAL: C.request("POST", f"/api/v1/namespaces/{NS}/pods", body)
    def all_there():
        report = check("-l", "app=real", "--no-exec", "--no-logs").report
        states = {b["metadata"]["name"]: cells(report, b["metadata"]["name"])["state"]["value"] for b, _, _, _ in REAL}
        C.last = states
        return all(re.search(want, states[b["metadata"]["name"]]) for b, want, _, _ in REAL)
    try: cluster.wait_for("all pods are in their states", all_there, 300)
    except RuntimeError as e: expect(False, f"{e}: {C.last}")
    report = check("-l", "app=real").report
    for body, want, status, finding in REAL:
        name = body["metadata"]["name"]
        got = cells(report, name)["state"]
        expect(re.search(want, got["value"]) and got["status"] == status, f"{name}: {got}")
        if finding: expect(finding in ids_about(report, name), f"{name}: {ids_about(report, name)}, not {finding}")
    run = cells(report, "r-run")
    expect(run["user"]["value"] == "uid 0", f"exec in a real pod: {run['user']}")
    expect(run["shm"]["value"] == "64 MiB", f"/dev/shm of a real pod: {run['shm']}")
    expect(run["log"]["status"] == "ok", f"log of a real pod: {run['log']}")
    expect(cells(report, "r-oom")["log"]["value"] != "", "previous log")
    print(f"node: {len(REAL)} real pods judged", flush=True)
    for body, _, _, _ in REAL: C.request("DELETE", f"/api/v1/namespaces/{NS}/pods/{body['metadata']['name']}?gracePeriodSeconds=0", accept=(200, 404))
    mesh()


def mesh():
    """Two pods with rankdx in their image: their own checks, and the mesh between them, whole and cut."""
    for i in (1, 2): C.request("POST", f"/api/v1/namespaces/{NS}/pods", {**pod(f"m-{i}", "sleep 100000", image="localhost/rankdx:1"), "metadata": {
        "name": f"m-{i}", "namespace": NS, "labels": {"app": "mesh"}}})
    def running(): return all(p["status"].get("phase") == "Running" and p["status"].get("podIP") for p in C.request("GET", f"/api/v1/namespaces/{NS}/pods?labelSelector=app%3Dmesh")["items"])
    cluster.wait_for("the pods with rankdx run", running, 120)
    report = check("-l", "app=mesh", "--no-logs").report
    for i in (1, 2): expect(cells(report, f"m-{i}")["network"] ["value"] == "mesh of 2 pods" and cells(report, f"m-{i}")["network"]["status"] == "ok", f"mesh: {cells(report, f'm-{i}')['network']}")
    address = {p["metadata"]["name"]: p["status"]["podIP"] for p in C.request("GET", f"/api/v1/namespaces/{NS}/pods?labelSelector=app%3Dmesh")["items"]}
    subprocess.run(["nft", "add table bridge fw; add chain bridge fw f { type filter hook forward priority 0; }; "
                    f"add rule bridge fw f ip saddr {address['m-1']} ip daddr {address['m-2']} tcp flags syn / syn,ack tcp dport != 29599 drop"], check=True)
    cut = check("-l", "app=mesh", "--no-logs").report
    named = [(w["pod"], w["peer"]) for f in cut["findings"] if f["id"] == "node-to-node-traffic-blocked" for w in f["where"]]
    expect(("m-1", "m-2") in named and ("m-2", "m-1") not in named, f"cut one way: {named} {[f['title'] for f in cut['findings']]}")
    subprocess.run(["nft", "flush chain bridge fw f"], check=True)
    print("node: mesh through exec over the real API server, whole and cut", flush=True)


def part_rights():
    rules = {"viewer": [(["pods", "pods/log"], ["get", "list", "watch"])], "exec-create": [(["pods"], ["get", "list"]), (["pods/exec"], ["create"])],
             "exec-get": [(["pods"], ["get", "list"]), (["pods/exec"], ["get"])]}
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NS}"
    for user, grants in rules.items():
        C.request("POST", rbac + "/roles", {"metadata": {"name": user}, "rules": [{"apiGroups": [""], "resources": r, "verbs": v} for r, v in grants]}, accept=(200, 201, 409))
        C.request("POST", rbac + "/rolebindings", {"metadata": {"name": user}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
                                                   "subjects": [{"kind": "User", "name": user}]}, accept=(200, 201, 409))
    C.request("POST", f"/api/v1/namespaces/{NS}/pods", pod("r-run", "sleep 100000"), accept=(200, 201, 409))
    cluster.wait_for("the pod runs", lambda: C.request("GET", f"/api/v1/namespaces/{NS}/pods/r-run")["status"].get("phase") == "Running", 120)
    why = {c["id"]: c["why"] for c in check("r-run", user="viewer").report["checks"] if c["source"] == "API server"}
    expect("list events" in why.get("events", ""), f"viewer: {why}")
    expect(any("pods/exec" in w for w in why.values()), f"viewer: {why}")
    for user in ("exec-create", "exec-get"):
        report = check("r-run", user=user).report
        expect(cells(report, "r-run")["user"]["value"] == "uid 0", f"{user}: {cells(report, 'r-run')['user']}")
        expect(any("get pods/log" in (c["why"] or "") for c in report["checks"]), f"{user}: log right")
    p = rankdx("check", "cluster", "--kubeconfig", C.kubeconfig, "--context", "nobody", "-n", NS)
    expect(p.returncode == 2 and "right to list pods" in p.stderr, f"nobody: {p.returncode} {p.stderr}")
    print("rights: viewer, exec by create, exec by get, nobody", flush=True)


def images():
    w = C.work + "/img"
    subprocess.run(["gcc", "-static", "-O1", "-x", "c", "-o", w + "/pause", "-"], check=True, text=True, input=(
        "#include <unistd.h>\n#include <signal.h>\n#include <stdlib.h>\nstatic void h(int s){(void)s;exit(0);}\n"
        "int main(void){signal(SIGTERM,h);signal(SIGINT,h);for(;;)pause();}\n"))
    cluster.image(w + "/pause.tar", "localhost/pause:1", {"pause": w + "/pause"}, ["/pause"])
    cluster.image(w + "/busybox.tar", "localhost/busybox:1", cluster.busybox_files(), ["/bin/sh"], cluster.busybox_links())
    cluster.image(w + "/rankdx.tar", "localhost/rankdx:1", {**cluster.busybox_files(), **cluster.program_files(A.binary)}, ["/bin/sh"], cluster.busybox_links())
    return [w + f"/{n}.tar" for n in ("pause", "busybox", "rankdx")]


PARTS = {"generated": part_generated, "recorded": part_recorded, "node": part_node, "rights": part_rights}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("binary", "programs", "work"): parser.add_argument("--" + name, required=True)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    A = parser.parse_args()
    A.binary, A.programs, A.work = map(os.path.abspath, (A.binary, A.programs, A.work))
    cluster.enter()
    C = cluster.Cluster(A.programs, A.work)
    try:
        start = time.monotonic()
        C.control_plane()
        print(f"API server ready after {time.monotonic() - start:.1f} s", flush=True)
        wanted = A.parts or list(PARTS)
        if {"node", "rights"} & set(wanted):
            start = time.monotonic()
            C.node(images())
            C.scheduler()
            print(f"node ready after {time.monotonic() - start:.1f} s", flush=True)
        for name in wanted:
            try: PARTS[name]()
            except Exception as e:  # the part's own failure, not a reason to lose the others
                traceback.print_exc()
                expect(False, f"{name}: {e!r}")
    except Exception as e:
        traceback.print_exc()
        expect(False, repr(e))
    finally:
        if failures: print(C.logs()[-6000:])
        C.close()
    print(f"{len(failures)} failed" if failures else "all as expected")
    sys.exit(bool(failures))
