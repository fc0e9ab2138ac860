#!/usr/bin/env python3
"""Stand-in Kubernetes API server for tests. Standard library only.

    standin.py --scenario demo.json --dir /tmp/s [--port 0] [--tls] [--version 1.32] [--discovery legacy]

writes <dir>/kubeconfig (one context per user of the scenario), <dir>/requests.jsonl (one
line per request) and prints "READY <url>". A control interface for the tests lives on the
same port under /_standin/ (see do_control).
"""
import argparse, json, os, re, socket, ssl, struct, subprocess, sys, threading, time
from urllib.parse import parse_qs, unquote, urlsplit
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from podshapes import make_event, make_pod, rfc3339, summary_status, uid
from streams import SpdyExec, WebSocketExec, _abort

# (group, version, plural, kind, namespaced, short names, verbs beyond get/list/watch)
RESOURCES = [
    ("", "v1", "pods", "Pod", True, ["po"]), ("", "v1", "events", "Event", True, ["ev"]),
    ("", "v1", "nodes", "Node", False, ["no"]), ("", "v1", "services", "Service", True, ["svc"]),
    ("", "v1", "endpoints", "Endpoints", True, ["ep"]), ("", "v1", "namespaces", "Namespace", False, ["ns"]),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ["pvc"]),
    ("", "v1", "configmaps", "ConfigMap", True, ["cm"]),
    ("apps", "v1", "statefulsets", "StatefulSet", True, ["sts"]),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ["netpol"]),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True, []),
    ("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "LeaderWorkerSet", True, ["lws"]),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, []),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False, []),
]
SUBRESOURCES = {"pods": ["log", "exec", "attach", "portforward", "status", "eviction"]}  # ephemeralcontainers is served, but kubectl never asks for it
SERVER_VERSIONS = {"1.20": "v1.20.15", "1.27": "v1.27.16", "1.28": "v1.28.15", "1.29": "v1.29.14", "1.30": "v1.30.13",
                   "1.31": "v1.31.9", "1.32": "v1.32.5", "1.33": "v1.33.1"}


class HTTPError(Exception):
    def __init__(self, code, reason, message, details=None, headers=None):
        self.code, self.reason, self.message = code, reason, message
        self.details, self.headers = details, headers or {}

    def body(self):
        s = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        if self.reason: s["reason"] = self.reason
        if self.details is not None: s["details"] = self.details
        s["code"] = self.code
        return s


class Headers(list):
    def get(self, k, default=None):
        return next((v for n, v in self if n == k), default)
    def get_all(self, k):
        return [v for n, v in self if n == k]


class Log:
    """Lines of one container instance, kept like a CRI log: (unix time, bytes without newline)."""
    def __init__(self):
        self.lines, self.cond, self.ended = [], threading.Condition(), False
        self.fault = None            # {"after_lines": n, "action": "reset|eof|stall"}
        self.split = 0               # bytes per chunk
        self.pause = 0.0             # seconds between chunks
        self.dropped = 0             # lines that rotation took away; streams count from the first line ever
        self.kicks, self.kick = 0, ""  # streams that are open break: "reset", "cut", "eof"

    def append(self, text, t=None):
        with self.cond:
            for ln in text.split(b"\n")[:-1] if text.endswith(b"\n") else text.split(b"\n"):
                self.lines.append((time.time() if t is None else t, ln))
            self.cond.notify_all()

    def drop(self, n):
        with self.cond:
            n = min(n, len(self.lines))
            del self.lines[:n]
            self.dropped += n

    def break_streams(self, action):
        with self.cond:
            self.kicks, self.kick = self.kicks + 1, action
            self.cond.notify_all()

    def end(self):
        with self.cond:
            self.ended = True
            self.cond.notify_all()


def ts_nano(t):
    sec = int(t); ns = int((t - sec) * 1e9)            # a kubelet prints nine digits, always
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(sec)) + ".%09dZ" % ns


class Store:
    def __init__(self):
        self.lock = threading.RLock()
        self.cond = threading.Condition(self.lock)
        self.rv = 1000
        self.objs = {}               # (group, plural) -> {(ns, name): obj}
        self.history = []            # (rv, type, group, plural, obj)
        self.logs = {}               # (ns, pod, container, previous) -> Log
        self.exec = {}               # (ns, pod) -> exec spec
        self.users, self.anonymous = {}, None
        self.faults = []

    def put(self, group, plural, obj):
        with self.cond:
            ns = obj["metadata"].get("namespace")
            if ns and ("", ns) not in self.objs.get(("", "namespaces"), {}):
                self.put("", "namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": ns, "uid": uid(ns), "creationTimestamp": rfc3339(),
                    "labels": {"kubernetes.io/metadata.name": ns}}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
            self.rv += 1
            m = obj["metadata"]; m["resourceVersion"] = str(self.rv)
            d = self.objs.setdefault((group, plural), {})
            key = (m.get("namespace", ""), m["name"])
            typ = "MODIFIED" if key in d else "ADDED"
            d[key] = obj
            self.history.append((self.rv, typ, group, plural, obj))
            self.cond.notify_all()

    def delete(self, group, plural, ns, name):
        with self.cond:
            o = self.objs.get((group, plural), {}).pop((ns, name), None)
            if o:
                self.rv += 1
                self.history.append((self.rv, "DELETED", group, plural, o))
                self.cond.notify_all()
            return o

    def log(self, ns, pod, container, previous=False):
        with self.lock:
            return self.logs.setdefault((ns, pod, container, previous), Log())

    def restart(self, ns, name, container, code):
        """The container has ended and started again: its log becomes the previous one."""
        with self.cond:
            old = self.log(ns, name, container)
            self.logs[(ns, name, container, True)], self.logs[(ns, name, container, False)] = old, Log()
            pod = json.loads(json.dumps(self.objs[("", "pods")][(ns, name)]))
            for st in pod["status"]["containerStatuses"]:
                if st["name"] != container: continue
                started = st["state"].get("running", {}).get("startedAt", rfc3339())
                st["lastState"] = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": started, "finishedAt": rfc3339()}}
                st["state"] = {"running": {"startedAt": rfc3339()}}
                st["restartCount"] += 1
            self.put("", "pods", pod)
        old.end()

    def finish(self, ns, name, code):
        """The pod has ended for good; what it was before stays known."""
        with self.cond:
            pod = json.loads(json.dumps(self.objs[("", "pods")][(ns, name)]))
            pod["status"]["phase"] = "Failed" if code else "Succeeded"
            for st in pod["status"]["containerStatuses"]:
                started = st["state"].get("running", {}).get("startedAt", rfc3339())
                st["state"] = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": started, "finishedAt": rfc3339()}}
                self.log(ns, name, st["name"]).end()
            self.put("", "pods", pod)

    def add_pod(self, d):
        pod = d["object"] if "object" in d else make_pod(d)
        self.put("", "pods", pod)
        ns, name = pod["metadata"].get("namespace", "default"), pod["metadata"]["name"]
        if "exec" in d: self.exec[(ns, name)] = d["exec"]
        for prev, key in ((False, "logs"), (True, "previousLogs")):
            for c, spec in d.get(key, {}).items():
                lg = self.log(ns, name, c, prev)
                if isinstance(spec, str): spec = {"text": spec}
                if "file" in spec: spec["text"] = open(spec["file"], errors="surrogateescape").read()
                t0 = time.time() - d.get("age", 600)
                for i, ln in enumerate(spec.get("text", "").splitlines()):
                    lg.append(ln.encode("utf-8", "surrogateescape"), t0 + 5 + i * 0.013)
                lg.fault, lg.split, lg.pause = spec.get("fault"), spec.get("split", 0), spec.get("pause", 0.0)
                lg.ended = spec.get("ended", prev)
        for e in d.get("events", []):
            e = dict(e)
            self.put("", "events", make_event(pod, e.pop("reason"), e.pop("message"), e.pop("type", "Warning"), **e))
        return pod


def split_selector(s):
    out, depth, cur = [], 0, ""
    for ch in s:
        depth += ch == "("; depth -= ch == ")"
        if ch == "," and depth == 0: out.append(cur); cur = ""
        else: cur += ch
    return [x.strip() for x in out + [cur] if x.strip()]

def match_labels(sel, labels):
    for t in split_selector(sel):
        m = re.fullmatch(r"(\S+)\s+(in|notin)\s+\((.*)\)", t)
        if m:
            vals = [v.strip() for v in m[3].split(",")]
            if (labels.get(m[1]) in vals) != (m[2] == "in"): return False
        elif "!=" in t:
            k, v = t.split("!=", 1)
            if labels.get(k.strip()) == v.strip(): return False
        elif "=" in t:
            k, v = re.split(r"==?", t, maxsplit=1)
            if labels.get(k.strip()) != v.strip(): return False
        elif t.startswith("!"):
            if t[1:].strip() in labels: return False
        elif t not in labels: return False
    return True

def match_fields(sel, o):
    for t in split_selector(sel):
        m = re.fullmatch(r"([^=!]+)(!=|==?)(.*)", t)
        cur = o
        for p in m[1].split("."): cur = (cur or {}).get(p) if isinstance(cur, dict) else None
        if ((cur or "") == m[3]) != (m[2] != "!="): return False
    return True


# --- protobuf: just enough to read a SelfSubjectAccessReview as kubectl >= 1.32 sends it ---
def pb_fields(b):
    i, out = 0, {}
    def varint():
        nonlocal i
        n = s = 0
        while True:
            c = b[i]; i += 1
            n |= (c & 127) << s; s += 7
            if c < 128: return n
    while i < len(b):
        k = varint(); wt = k & 7
        if wt == 0: v = varint()
        elif wt == 2:
            n = varint(); v = b[i:i + n]; i += n
        elif wt == 5: v = b[i:i + 4]; i += 4
        elif wt == 1: v = b[i:i + 8]; i += 8
        else: raise ValueError("wire type")
        out.setdefault(k >> 3, v)
    return out

def decode_review(body, ctype):
    """-> (kind, spec dict)"""
    if body[:4] != b"k8s\0":
        o = json.loads(body)
        return o.get("kind"), o.get("spec", {})
    unk = pb_fields(body[4:]); kind = pb_fields(unk[1]).get(2, b"").decode()
    spec = pb_fields(pb_fields(unk[2]).get(2, b""))
    if kind == "SelfSubjectRulesReview":
        return kind, {"namespace": spec.get(1, b"").decode()}
    r = {}
    if 1 in spec:
        f = pb_fields(spec[1])
        r["resourceAttributes"] = {n: f[i].decode() for i, n in enumerate(
            ("namespace", "verb", "group", "version", "resource", "subresource", "name"), 1) if i in f}
    if 2 in spec:
        f = pb_fields(spec[2]); r["nonResourceAttributes"] = {n: f[i].decode() for i, n in enumerate(("path", "verb"), 1) if i in f}
    return kind, r


class Conn:
    def __init__(self, app, sock, addr):
        self.app, self.sock, self.addr = app, sock, addr
        self.rfile = sock.makefile("rb", 65536)
        self.keep = True
        self.fault = None

    # ---- plumbing ----
    def run(self):
        try:
            while self.keep and self.one(): pass
        except (OSError, EOFError, ValueError, ssl.SSLError):
            pass
        finally:
            for f in (self.rfile.close, lambda: self.sock.shutdown(socket.SHUT_RDWR), self.sock.close):
                try: f()
                except (OSError, ValueError): pass

    def one(self):
        line = self.rfile.readline(65537)
        if not line: return False
        if line in (b"\r\n", b"\n"): return True
        self.method, self.target, _ = line.decode("latin1").split(" ", 2)
        self.headers = Headers()
        while True:
            h = self.rfile.readline(65537)
            if h in (b"\r\n", b"\n", b""): break
            k, v = h.decode("latin1").split(":", 1)
            self.headers.append((k.strip().lower(), v.strip()))
        self.body = b""
        n = self.headers.get("content-length")
        if n: self.body = self.rfile.read(int(n))
        elif "chunked" in (self.headers.get("transfer-encoding") or ""):
            while True:
                sz = int(self.rfile.readline().split(b";")[0], 16)
                self.body += self.rfile.read(sz); self.rfile.readline()
                if sz == 0: break
        u = urlsplit(self.target)
        self.path, self.q = unquote(u.path), parse_qs(u.query, keep_blank_values=True)
        self.keep = (self.headers.get("connection") or "").lower() != "close"
        if self.path.startswith("/_standin/"):
            self.do_control(); return self.keep
        self.app.record(self)
        try:
            self.user = self.authenticate()
            self.fault = self.app.take_fault(f"{self.method} {self.target}")
            f = self.fault
            if f:
                if f["action"] in ("delay", "slow"): time.sleep(f.get("seconds", 1))
                elif f["action"] == "close": self.keep = False; return False
                elif f["action"] == "reset": self.keep = False; _abort(self.sock); return False
                elif f["action"] == "status":
                    raise HTTPError(f.get("code", 500), f.get("reason"), f.get("message", ""), f.get("details"), f.get("headers"))
            self.route()
        except HTTPError as e:
            self.json(e.code, e.body(), e.headers)
        return self.keep

    def head(self, code, headers):
        msg = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
               405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 429: "Too Many Requests", 500: "Internal Server Error",
               503: "Service Unavailable", 504: "Gateway Timeout"}.get(code, "X")
        h = {"Audit-Id": "00000000-0000-0000-0000-000000000000", "Cache-Control": "no-cache, private",
             "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **headers}
        self.sock.sendall((f"HTTP/1.1 {code} {msg}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in h.items()) + "\r\n").encode())

    def json(self, code, obj, headers=None, ctype="application/json"):
        b = json.dumps(obj).encode() + b"\n"
        self.head(code, {"Content-Type": ctype, "Content-Length": len(b), **(headers or {})})
        f = self.fault
        if f and f["action"] == "truncate" and code == 200:
            self.sock.sendall(b[:f.get("bytes", len(b) // 2)]); self.keep = False
            if f.get("how") == "reset": _abort(self.sock)
            raise OSError
        self.sock.sendall(b)

    def chunk(self, b):
        self.sock.sendall(b"%x\r\n%s\r\n" % (len(b), b))

    def arg(self, k, default=None):
        return self.q.get(k, [default])[0]

    # ---- authentication and authorization ----
    def authenticate(self):
        s, a = self.app.store, self.headers.get("authorization")
        if a and a.startswith("Bearer "):
            u = s.users.get(a[7:])
            if not u: raise HTTPError(401, "Unauthorized", "Unauthorized")
            return u
        if s.anonymous: return s.anonymous
        return {"name": "system:anonymous", "rules": []}

    def allowed(self, verb, group, resource, ns, user=None, sub="", name=""):
        res = resource + ("/" + sub if sub else "")
        for r in (user or self.user).get("rules", []):
            if "namespaces" in r and ns not in r["namespaces"]: continue
            if "resourceNames" in r and name not in r["resourceNames"]: continue
            if not {verb, "*"} & set(r["verbs"]): continue
            if not {group, "*"} & set(r.get("apiGroups", [""])): continue
            if {res, "*", "*/" + sub if sub else "*"} & set(r["resources"]): return True
        return False

    def require(self, verb, group, resource, ns, sub="", name=""):
        if self.allowed(verb, group, resource, ns, None, sub, name): return
        res = resource + ("/" + sub if sub else "")
        gr = f"{resource}.{group}" if group else resource
        subj = f'{gr} "{name}"' if name else gr
        scope = f'in the namespace "{ns}"' if ns else "at the cluster scope"
        raise HTTPError(403, "Forbidden",
            f'{subj} is forbidden: User "{self.user["name"]}" cannot {verb} resource "{res}" in API group "{group}" {scope}',
            {**({"name": name} if name else {}), **({"group": group} if group else {}), "kind": resource})

    # ---- routing ----
    def route(self):
        p = self.path.rstrip("/") or "/"
        if p == "/version": return self.json(200, self.app.version)
        if p in ("/healthz", "/readyz", "/livez"):
            self.head(200, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": 2}); return self.sock.sendall(b"ok")
        if p in ("/api", "/apis"): return self.discovery_root(p)
        m = re.fullmatch(r"/(containerLogs|exec)/([^/]+)/([^/]+)/([^/]+)", p)
        if m: return self.kubelet(*m.groups())
        m = re.fullmatch(r"/api/(v1)|/apis/([^/]+)(?:/([^/]+))?", p)
        if m: return self.discovery_gv(m)
        m = re.match(r"/(?:api/(?P<cv>v1)|apis/(?P<g>[^/]+)/(?P<v>[^/]+))(?P<rest>/.*)$", p)
        if not m: raise HTTPError(404, "NotFound", "the server could not find the requested resource", {})
        group = m["g"] or ""
        parts = m["rest"].strip("/").split("/")
        ns = ""
        if parts[0] == "namespaces" and len(parts) > 2: ns, parts = parts[1], parts[2:]
        plural, name, sub = (parts + ["", ""])[:3]
        r = next((r for r in self.app.resources if r[0] == group and r[2] == plural), None)
        if not r: raise HTTPError(404, "NotFound", "the server could not find the requested resource", {})
        if group == "authorization.k8s.io" and self.method == "POST": return self.review()
        if plural == "pods" and sub == "log" and self.method == "GET":
            self.require("get", "", "pods", ns, "log", name); return self.pod_log(ns, name)
        if plural == "pods" and sub == "exec":
            self.require("create" if self.method == "POST" else "get", "", "pods", ns, "exec", name)
            if self.app.minor >= 35: self.require("create", "", "pods", ns, "exec", name)     # 1.35: also for a WebSocket GET
            return self.pod_exec(ns, name)
        # Ephemeral containers: a subresource of its own from 1.23 on (beta and on; before, alpha, off, and of another kind).
        if plural == "pods" and sub == "ephemeralcontainers" and self.app.minor >= 23:
            self.require({"PATCH": "patch", "PUT": "update"}.get(self.method, "get"), "", "pods", ns, sub, name); return self.ephemeral(ns, name)
        if plural == "pods" and sub not in ("", "status"): raise HTTPError(404, "NotFound", "the server could not find the requested resource", {})
        if self.method == "DELETE" and name:
            self.require("delete", group, plural, ns, "", name)
            o = self.app.store.delete(group, plural, ns, name)
            if not o: self.not_found(group, plural, name)
            return self.json(200, o)
        if self.method != "GET": raise HTTPError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
        if name:
            self.require("get", group, plural, ns, "", name)
            with self.app.store.lock: o = self.app.store.objs.get((group, plural), {}).get((ns, name))
            if not o: self.not_found(group, plural, name)
            return self.object_out(r, [o], None, single=True)
        if self.arg("watch") in ("1", "true"):
            self.require("watch", group, plural, ns); return self.watch(r, ns)
        self.require("list", group, plural, ns); return self.list(r, ns)

    def not_found(self, group, plural, name):
        raise HTTPError(404, "NotFound", f'{plural + ("." + group if group else "")} "{name}" not found',
                        {"name": name, **({"group": group} if group else {}), "kind": plural})

    def kubelet(self, what, ns, name, container):
        """The two kubelet endpoints that a real kube-apiserver proxies to, so that this program can also stand behind one."""
        if what == "containerLogs":
            self.q["container"] = [container]
            try: return self.pod_log(ns, name)
            except HTTPError as e:                    # a kubelet answers in plain text
                b = (e.message + "\n").encode(); self.head(e.code, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": len(b)}); return self.sock.sendall(b)
        for a, b in (("input", "stdin"), ("output", "stdout"), ("error", "stderr")):
            if self.arg(a): self.q[b] = self.q.pop(a)
        self.q["container"] = [container]
        self.pod_exec(ns, name, kubelet=True)

    # ---- discovery ----
    def discovery_root(self, p):
        acc = self.headers.get("accept", "")
        groups = {}
        for r in self.app.resources:
            if (r[0] == "") == (p == "/api"): groups.setdefault(r[0], {}).setdefault(r[1], []).append(r)
        m = re.search(r"v=(v2(?:beta1)?);as=APIGroupDiscoveryList", acc)
        if m and self.app.discovery == "aggregated":
            items = []
            for g, vs in groups.items():
                items.append({"metadata": {"name": g, "creationTimestamp": None} if g else {"creationTimestamp": None},
                    "versions": [{"version": v, "freshness": "Current", "resources": [{
                        "resource": r[2], "responseKind": {"group": "", "version": "", "kind": r[3]},
                        "scope": "Namespaced" if r[4] else "Cluster", "singularResource": r[3].lower(),
                        "shortNames": r[5], "verbs": ["create"] if g == "authorization.k8s.io" else ["get", "list", "watch", "create", "delete", "patch", "update"],
                        "subresources": [{"subresource": s, "responseKind": {"group": "", "version": "", "kind": "Pod"}, "verbs": ["get", "create"]}
                                         for s in SUBRESOURCES.get(r[2], [])]} for r in rs]} for v, rs in vs.items()]})
            return self.json(200, {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{m[1]}", "metadata": {}, "items": items},
                             ctype=f"application/json;g=apidiscovery.k8s.io;v={m[1]};as=APIGroupDiscoveryList")
        if p == "/api":
            return self.json(200, {"kind": "APIVersions", "versions": ["v1"],
                                   "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "%s:%d" % self.app.addr}]})
        self.json(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": g, "versions": [{"groupVersion": f"{g}/{v}", "version": v} for v in vs],
             "preferredVersion": {"groupVersion": f"{g}/{next(iter(vs))}", "version": next(iter(vs))}} for g, vs in groups.items()]})

    def discovery_gv(self, m):
        group, ver = ("", "v1") if m[1] else (m[2], m[3])
        rs = [r for r in self.app.resources if r[0] == group and (ver is None or r[1] == ver)]
        if not rs: raise HTTPError(404, "NotFound", "the server could not find the requested resource", {})
        if ver is None:
            gv = {"groupVersion": f"{group}/{rs[0][1]}", "version": rs[0][1]}
            return self.json(200, {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [gv], "preferredVersion": gv})
        out = []
        for r in rs:
            out.append({"name": r[2], "singularName": "", "namespaced": r[4], "kind": r[3], "shortNames": r[5],
                        "verbs": ["create"] if group == "authorization.k8s.io" else ["create", "delete", "get", "list", "patch", "update", "watch"]})
            for s in SUBRESOURCES.get(r[2], []):
                out.append({"name": f"{r[2]}/{s}", "singularName": "", "namespaced": True,
                            "kind": "PodExecOptions" if s == "exec" else "Pod", "verbs": ["create", "get"] if s in ("exec", "attach", "portforward") else ["get"]})
        self.json(200, {"kind": "APIResourceList", "groupVersion": f"{group}/{ver}" if group else ver, "resources": out})

    # ---- objects ----
    def object_out(self, r, items, listmeta, single=False):
        acc = self.headers.get("accept", "")
        if "as=Table" in acc:
            return self.json(200, self.table(r, items, listmeta or {"resourceVersion": str(self.app.store.rv)}))
        if single: return self.json(200, items[0])
        strip = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in items]
        self.json(200, {"kind": r[3] + "List", "apiVersion": f"{r[0]}/{r[1]}" if r[0] else r[1], "metadata": listmeta, "items": strip})

    def table(self, r, items, meta):
        cols = [("Name", "string", "name", 0), ("Age", "string", "", 0)]
        def age(o):
            t = o["metadata"].get("creationTimestamp")
            if not t: return "<unknown>"
            s = int(time.time() - __import__("calendar").timegm(time.strptime(t, "%Y-%m-%dT%H:%M:%SZ")))
            return f"{s}s" if s < 120 else f"{s // 60}m" if s < 7200 else f"{s // 3600}h"
        cells = lambda o: [o["metadata"]["name"], age(o)]
        if r[2] == "pods":
            cols = [("Name", "string", "name", 0), ("Ready", "string", "", 0), ("Status", "string", "", 0), ("Restarts", "string", "", 0), ("Age", "string", "", 0),
                    ("IP", "string", "", 1), ("Node", "string", "", 1)]
            def cells(o):
                rd, st, n = summary_status(o)
                return [o["metadata"]["name"], rd, st, str(n), age(o), o["status"].get("podIP", "<none>"), o["spec"].get("nodeName", "<none>")]
        elif r[2] == "events":
            cols = [("Last Seen", "string", "", 0), ("Type", "string", "", 0), ("Reason", "string", "", 0), ("Object", "string", "", 0), ("Message", "string", "", 0)]
            cells = lambda o: [age(o), o["type"], o["reason"], o["involvedObject"]["kind"].lower() + "/" + o["involvedObject"]["name"], o["message"]]
        return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta,
                "columnDefinitions": [{"name": n, "type": t, "format": f, "description": n, "priority": p} for n, t, f, p in cols],
                "rows": [{"cells": cells(o), "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o["metadata"]}} for o in items]}

    def select(self, r, ns):
        ls, fs = self.arg("labelSelector"), self.arg("fieldSelector")
        with self.app.store.lock:
            items = [o for (n, _), o in sorted(self.app.store.objs.get((r[0], r[2]), {}).items(), key=lambda kv: kv[0]) if not ns or n == ns]
        if ls: items = [o for o in items if match_labels(ls, o["metadata"].get("labels", {}))]
        if fs: items = [o for o in items if match_fields(fs, o)]
        return items

    def list(self, r, ns):
        items = self.select(r, ns)
        meta = {"resourceVersion": str(self.app.store.rv)}
        limit, cont = int(self.arg("limit", "0") or 0), self.arg("continue")
        start = 0
        if cont:
            if cont == "expired" or self.app.expire_continue:
                raise HTTPError(410, "Expired", "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.", {})
            start = int(cont)
        if limit and start + limit < len(items):
            meta.update({"continue": str(start + limit), "remainingItemCount": len(items) - start - limit})
            items = items[start:start + limit]
        else: items = items[start:]
        self.object_out(r, items, meta)

    def watch(self, r, ns):
        st = self.app.store
        rv = self.arg("resourceVersion", "")
        self.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        tbl = "as=Table" in self.headers.get("accept", "")
        def send(typ, o):
            if tbl: o = self.table(r, [o], {"resourceVersion": o["metadata"]["resourceVersion"]})
            self.chunk(json.dumps({"type": typ, "object": o}).encode() + b"\n")
        if rv in ("", "0"):
            cur = st.rv
            for o in self.select(r, ns): send("ADDED", o)
        else: cur = int(rv)
        deadline = time.time() + float(self.arg("timeoutSeconds") or 3600)
        while time.time() < deadline:
            with st.cond:
                new = [h for h in st.history if h[0] > cur and h[2:4] == (r[0], r[2])]
                if not new: st.cond.wait(0.25)
                cur = max([cur] + [h[0] for h in new])
            for _, typ, _, _, o in new:
                if ns and o["metadata"].get("namespace") != ns: continue
                ls = self.arg("labelSelector"); fs = self.arg("fieldSelector")
                if (not ls or match_labels(ls, o["metadata"].get("labels", {}))) and (not fs or match_fields(fs, o)): send(typ, o)
            act = self.app.watch_action
            if act:
                self.app.watch_action = None
                if act == "gone":
                    self.chunk(json.dumps({"type": "ERROR", "object": HTTPError(410, "Expired", f"too old resource version: {cur - 900} ({cur})").body()}).encode() + b"\n")
                    break
                self.keep = False
                if act == "reset": return _abort(self.sock)
                if act == "cut": return
        self.chunk(b"")

    # ---- access review ----
    def review(self):
        kind, spec = decode_review(self.body, self.headers.get("content-type"))
        if kind == "SelfSubjectRulesReview":
            rules = [{"verbs": r["verbs"], "apiGroups": r.get("apiGroups", [""]), "resources": r["resources"]} for r in self.user.get("rules", [])
                     if "namespaces" not in r or spec.get("namespace") in r["namespaces"]]
            return self.json(201, {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {"creationTimestamp": None}, "spec": {},
                                   "status": {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}})
        a = spec.get("resourceAttributes")
        ok = self.allowed(a.get("verb", ""), a.get("group", ""), a.get("resource", ""), a.get("namespace", ""), None, a.get("subresource", ""), a.get("name", "")) if a else True
        self.json(201, {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {"creationTimestamp": None}, "spec": spec,
                        "status": {"allowed": ok, **({"reason": 'RBAC: allowed by ClusterRoleBinding "standin" of ClusterRole "standin" to User "%s"' % self.user["name"]} if ok else {})}})

    # ---- logs ----
    def pod(self, ns, name):
        with self.app.store.lock: p = self.app.store.objs.get(("", "pods"), {}).get((ns, name))
        if not p: self.not_found("", "pods", name)
        return p

    def container(self, p, want):
        names = [c["name"] for c in p["spec"]["containers"]]
        inits = [c["name"] for c in p["spec"].get("initContainers", []) + p["spec"].get("ephemeralContainers", [])]
        pn = p["metadata"]["name"]
        if not want:
            if len(names) == 1: return names[0]
            msg = f"a container name must be specified for pod {pn}, choose one of: [{' '.join(names)}]"
            if inits: msg += f" or one of the init containers: [{' '.join(inits)}]"
            raise HTTPError(400, "BadRequest", msg)
        if want not in names + inits: raise HTTPError(400, "BadRequest", f"container {want} is not valid for pod {pn}")
        return want

    def pod_log(self, ns, name):
        p = self.pod(ns, name)
        c = self.container(p, self.arg("container"))
        prev = self.arg("previous") == "true"; follow = self.arg("follow") == "true"
        if not p["spec"].get("nodeName"):                     # not scheduled: 200 and nothing
            self.head(200, {"Content-Type": "application/json", "Content-Length": 0}); return
        st = next((s for s in p["status"].get("containerStatuses", []) + p["status"].get("initContainerStatuses", []) + p["status"].get("ephemeralContainerStatuses", []) if s["name"] == c), None)
        bad = lambda m: HTTPError(400, "BadRequest", m)
        if not st: raise bad(f'container "{c}" in pod "{name}" is not available')
        w, last = st["state"].get("waiting"), st.get("lastState", {}).get("terminated")
        if prev and not last: raise bad(f'previous terminated container "{c}" in pod "{name}" not found')
        use_prev = prev or (w and last)
        if w and not last:
            why = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}.get(w["reason"], w["reason"])
            raise bad(f'container "{c}" in pod "{name}" is waiting to start: {why}')
        store = self.app.store
        key_prev = (ns, name, c, True)
        lg = store.log(ns, name, c, True) if use_prev and key_prev in store.logs else store.log(ns, name, c, False)
        if w or st["state"].get("terminated"): lg.ended = True
        tail = self.arg("tailLines"); stamp = self.arg("timestamps") == "true"
        since = 0.0
        if self.arg("sinceSeconds"): since = time.time() - int(self.arg("sinceSeconds"))
        if self.arg("sinceTime"): since = __import__("calendar").timegm(time.strptime(self.arg("sinceTime")[:19], "%Y-%m-%dT%H:%M:%S"))
        limit = int(self.arg("limitBytes")) if self.arg("limitBytes") else None
        self.head(200, {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        with lg.cond: n, first, kicks = len(lg.lines), lg.dropped, lg.kicks
        i = first + (max(0, n - int(tail)) if tail is not None else 0)
        sent, fault = 0, dict(lg.fault) if lg.fault else None
        def out(b):
            nonlocal limit
            if limit is not None: b = b[:limit]; limit -= len(b)
            if not b: return
            step = lg.split or len(b)
            for k in range(0, len(b), step):
                self.chunk(b[k:k + step])
                if lg.pause: time.sleep(lg.pause)
        while True:
            with lg.cond:
                while follow and i >= lg.dropped + len(lg.lines) and not lg.ended and lg.kicks == kicks:
                    lg.cond.wait(0.5)
                    if self.peer_gone(): return
                if lg.kicks != kicks:
                    self.keep = lg.kick == "eof"
                    if lg.kick == "reset": return _abort(self.sock)
                    if lg.kick == "cut": return
                    break
                behind = i < lg.dropped                                          # rotated away unsent: the new file's beginning comes twice (seen with kubelet 1.20.2)
                i = max(i, lg.dropped)
                batch = lg.lines[i - lg.dropped:][:1 if fault else None]
                end = lg.ended or not follow
            buf = b""
            for t, ln in batch:
                i += 1
                if t < since: continue
                # the runtime cuts lines at 16 KiB; a kubelet <= some version repeats the timestamp at every cut (seen with 1.20.2)
                parts = [ln[k:k + 16384] for k in range(0, len(ln), 16384)] or [b""]
                buf += b"".join(((ts_nano(t) + " ").encode() if stamp and (k == 0 or self.app.stamp_chunks) else b"") + x for k, x in enumerate(parts)) + b"\n"
                sent += 1
            out(buf + b"".join(x + b"\n" for x in buf.split(b"\n")[:-1][:10]) if behind and not fault else buf)
            if limit is not None and limit <= 0: break
            if fault and sent >= fault["after_lines"]:
                lg.fault = None if fault.get("once", True) else lg.fault
                if fault.get("rotate"): lg.drop(fault["rotate"])                 # what a kubelet does behind our back: the oldest lines go
                if fault["action"] == "reset": self.keep = False; return _abort(self.sock)
                if fault["action"] == "cut": self.keep = False; return           # FIN without the last chunk
                if fault["action"] == "stall": time.sleep(fault.get("seconds", 3600))
                if fault["action"] == "eof": break                               # clean end, though the container still runs
                fault = None
            if i >= lg.dropped + len(lg.lines) and end: break
        self.chunk(b"")

    def peer_gone(self):
        try:
            self.sock.setblocking(False)
            try: return self.sock.recv(1, socket.MSG_PEEK) == b"" if not isinstance(self.sock, ssl.SSLSocket) else False
            except (BlockingIOError, ssl.SSLWantReadError): return False
            finally: self.sock.setblocking(True)
        except OSError: return True

    def ephemeral(self, ns, name):
        """A strategic merge patch that adds containers; each runs at once and has ended when this returns. The scenario's exec table
        (or its prefix) plays them; "ephemeral": {"waiting": REASON} in the pod's exec keeps them from starting."""
        p = self.pod(ns, name)
        if self.method != "PATCH": raise HTTPError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
        if self.headers.get("content-type") != "application/strategic-merge-patch+json":
            raise HTTPError(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: "
                            "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml", {})
        spec, st = self.app.store.exec.get((ns, name), {}), self.app.store
        known = {c["name"] for k in ("containers", "initContainers", "ephemeralContainers") for c in p["spec"].get(k, [])}
        for c in json.loads(self.body)["spec"]["ephemeralContainers"]:
            field = f'spec.ephemeralContainers[{len(p["spec"].get("ephemeralContainers", []))}]'
            if c.get("targetContainerName") not in known:
                raise HTTPError(422, "Invalid", f'Pod "{name}" is invalid: {field}.targetContainerName: Not found: "{c.get("targetContainerName")}"', {"name": name, "kind": "Pod"})
            if c["name"] in known: raise HTTPError(422, "Invalid", f'Pod "{name}" is invalid: {field}.name: Duplicate value: "{c["name"]}"', {"name": name, "kind": "Pod"})
            known.add(c["name"]); p["spec"].setdefault("ephemeralContainers", []).append({"terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent", **c})
            status = {"name": c["name"], "image": c["image"], "imageID": "", "ready": False, "restartCount": 0, "lastState": {}}
            p["status"].setdefault("ephemeralContainerStatuses", []).append(status)
            waiting = spec.get("ephemeral", {}).get("waiting")
            if waiting:
                status["state"] = {"waiting": {"reason": waiting, "message": f'Back-off pulling image "{c["image"]}"'}}; continue
            sink = EphemeralRun()
            run_exec(sink, spec, c.get("command", []), False, c["name"])
            st.log(ns, name, c["name"]).append(bytes(sink.out)); st.log(ns, name, c["name"]).end()
            status.update(containerID="containerd://" + "e" * 64, imageID=c["image"],
                          state={"terminated": {"exitCode": sink.code, "reason": "Completed" if sink.code == 0 else "Error", "startedAt": rfc3339(), "finishedAt": rfc3339(), "containerID": "containerd://" + "e" * 64}})
        st.put("", "pods", p)
        self.json(200, p)

    # ---- exec ----
    def plain(self, code, text):
        b = text.encode() + b"\n"
        self.head(code, {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Length": len(b)})
        self.sock.sendall(b)

    def pod_exec(self, ns, name, kubelet=False):
        self.keep = False
        p = self.pod(ns, name)
        c = self.container(p, self.arg("container"))
        if p["status"]["phase"] in ("Succeeded", "Failed"):
            raise HTTPError(400, "BadRequest", f"cannot exec into a container in a completed pod; current phase is {p['status']['phase']}")
        if not p["spec"].get("nodeName"): raise HTTPError(400, "BadRequest", f"pod {name} does not have a host assigned")
        st = next((s for s in p["status"].get("containerStatuses", []) if s["name"] == c), None)
        if not st or "running" not in st["state"]:
            return self.plain(500, f'container not found ("{c}")')
        argv = self.q.get("command", [])
        b = lambda k: self.arg(k) in ("true", "1")
        up = (self.headers.get("upgrade") or "").lower()
        if up == "websocket":
            s = WebSocketExec(self.sock, self.rfile, self.headers)
            # A server that does not know v5 takes the first of the client's protocols that it knows.
            if self.app.no_ws == "v5" and s.protocol == "v5.channel.k8s.io" and "v4.channel.k8s.io" in s.offered: s.protocol = "v4.channel.k8s.io"
            if s.protocol is None or (self.app.no_ws and s.protocol == "v5.channel.k8s.io"):
                raise HTTPError(403 if self.app.no_ws else 400, "BadRequest" if not self.app.no_ws else "Forbidden",
                                "unable to upgrade: unable to negotiate protocol: client supports %s, server supports [v4.channel.k8s.io]" % s.offered)
        elif up.startswith("spdy"):
            if self.app.no_spdy: raise HTTPError(400, "BadRequest", "Upgrade request required")
            want = ["error"] + (["stdin"] if b("stdin") else []) + (["stdout"] if b("stdout") else []) + \
                   (["stderr"] if b("stderr") and not b("tty") else []) + (["resize"] if b("tty") else [])
            s = SpdyExec(self.sock, self.rfile, self.headers, want)
        else: raise HTTPError(400, "BadRequest", "Upgrade request required")
        s.accept()
        spec = self.app.store.exec.get((ns, name), {})
        run_exec(s, spec, argv, b("stdin"), c)


class EphemeralRun:
    """Takes what run_exec() writes to a stream: the log of an ephemeral container."""
    def __init__(self): self.out, self.code = bytearray(), 0
    def write(self, channel, data): self.out += data
    def drop(self): self.code = 137
    def finish(self, status):
        causes = status.get("details", {}).get("causes", [{}])
        if status["status"] != "Success": self.code = int(causes[0]["message"]) if causes[0].get("reason") == "ExitCode" else 128


def status_exit(code, argv):
    if code == 0: return {"metadata": {}, "status": "Success"}
    return {"metadata": {}, "status": "Failure", "message": f"command terminated with non-zero exit code: exit status {code}",
            "reason": "NonZeroExitCode", "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}

def status_internal(msg):
    return {"metadata": {}, "status": "Failure", "message": "Internal error occurred: error executing command in container: " + msg,
            "reason": "InternalError", "details": {"causes": [{"message": "error executing command in container: " + msg}]}, "code": 500}

def run_exec(s, spec, argv, want_stdin, container):
    """spec: {"table": [{"match": regex over the joined argv, "out","err","code","sleep","drop"}], "prefix": [argv...], "env": {...}}.
    A table hit gives the canned answer; else, with a prefix (for instance ["ip","netns","exec","h1"]), the command really runs."""
    line = " ".join(argv)
    for row in spec.get("table", []):
        if re.search(row["match"], line):
            if row.get("sleep"): time.sleep(row["sleep"])
            if row.get("out"): s.write(1, row["out"].encode())
            if row.get("err"): s.write(2, row["err"].encode())
            if row.get("drop"): return s.drop()
            if row.get("internal"): return s.finish(status_internal(row["internal"]))
            return s.finish(status_exit(row.get("code", 0), argv))
    if "prefix" not in spec:
        return s.finish(status_internal(f'failed to exec in container: failed to start exec "{"0" * 64}": OCI runtime exec failed: exec failed: '
                                        f'unable to start container process: exec: "{argv[0]}": executable file not found in $PATH: unknown'))
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **spec.get("env", {})}
    p = subprocess.Popen(spec["prefix"] + argv, stdin=subprocess.PIPE if want_stdin else subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True)
    def pump(f, ch):
        try:
            while True:
                b = f.read1(32768)
                if not b: break
                s.write(ch, b)
        except OSError: p.terminate()
    ts = [threading.Thread(target=pump, args=(p.stdout, 1)), threading.Thread(target=pump, args=(p.stderr, 2))]
    for t in ts: t.start()
    if want_stdin:
        def feed():
            while True:
                b = s.recv_stdin()
                try:
                    if b is None: p.stdin.close(); return
                    p.stdin.write(b); p.stdin.flush()
                except OSError: return
        threading.Thread(target=feed, daemon=True).start()
    for t in ts: t.join()
    code = p.wait()
    s.finish(status_exit(code if code >= 0 else 128 - code, argv))


def do_control(self):
    """/_standin/pods (POST: short or full description) | /_standin/pods/NS/NAME (DELETE) | /_standin/log/NS/POD/CONTAINER[?end=1&previous=1&fault=...
    &t=TIME&drop=LINES&kick=reset|cut|eof] (POST: text is appended) | /_standin/restart/NS/POD/CONTAINER?code=1 | /_standin/finish/NS/POD?code=0 | /_standin/fault (POST) | /_standin/watch?do=gone|reset|cut | /_standin/object/GROUP|core/PLURAL (POST) | /_standin/requests"""
    st, parts = self.app.store, self.path.split("/")[2:]
    ok = {"ok": True}
    if parts[0] == "pods" and self.method == "POST":
        for d in (lambda x: x if isinstance(x, list) else [x])(json.loads(self.body)): st.add_pod(d)
    elif parts[0] == "pods": st.delete("", "pods", parts[1], parts[2])
    elif parts[0] == "log":
        lg = st.log(parts[1], parts[2], parts[3], self.arg("previous") == "1")
        if self.arg("fault"): lg.fault = json.loads(self.arg("fault"))
        if self.body: lg.append(self.body, float(self.arg("t")) if self.arg("t") else None)
        if self.arg("drop"): lg.drop(int(self.arg("drop")))
        if self.arg("kick"): lg.break_streams(self.arg("kick"))
        if self.arg("end"): lg.end()
    elif parts[0] == "finish": st.finish(parts[1], parts[2], int(self.arg("code", 0)))
    elif parts[0] == "restart": st.restart(parts[1], parts[2], parts[3], int(self.arg("code", 1)))
    elif parts[0] == "fault": st.faults.append(json.loads(self.body))
    elif parts[0] == "watch": self.app.watch_action = self.arg("do")
    elif parts[0] == "set":
        for k in self.q: setattr(self.app, k, json.loads(self.arg(k)))
    elif parts[0] == "object": st.put("" if parts[1] == "core" else parts[1], parts[2], json.loads(self.body))
    elif parts[0] == "requests": ok = self.app.requests
    self.json(200, ok)
Conn.do_control = do_control


class App:
    def __init__(self, a):
        self.a, self.store = a, Store()
        self.discovery, self.no_ws, self.no_spdy = a.discovery, False, False
        self.expire_continue, self.watch_action, self.requests, self.stamp_chunks = False, None, [], False
        gv = SERVER_VERSIONS.get(a.version, "v" + a.version)
        self.version = {"major": gv[1:].split(".")[0], "minor": gv.split(".")[1], "gitVersion": gv, "gitCommit": "0" * 40, "gitTreeState": "clean",
                        "buildDate": "2025-01-01T00:00:00Z", "goVersion": "go1.23.8", "compiler": "gc", "platform": "linux/amd64"}
        minor = self.minor = int(gv.split(".")[1])
        if minor < 26: self.discovery = "legacy"
        if minor < 30: self.no_ws = "v5"                   # v5.channel.k8s.io: first served by 1.29 (alpha) / 1.30 (beta)
        sc = json.load(open(a.scenario)) if a.scenario else {}
        self.resources = RESOURCES + [tuple(r) for r in sc.get("resources", [])]
        for u in sc.get("users", []): self.store.users[u["token"]] = u
        self.store.anonymous = sc.get("anonymous", {"name": "kubernetes-admin", "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]})
        for p in sc.get("pods", []): self.store.add_pod(p)
        for o in sc.get("objects", []): self.store.put(o.get("group", ""), o["plural"], o["object"])
        self.store.faults = sc.get("faults", [])
        self.reqlog, self.lock = open(os.path.join(a.dir, "requests.jsonl"), "a"), threading.Lock()

    def record(self, c):
        r = {"t": round(time.time(), 3), "method": c.method, "target": c.target, "headers": {k: (v if k != "authorization" else "Bearer ***") for k, v in c.headers},
             "body": c.body[:400].hex() if c.body[:4] == b"k8s\0" else c.body[:400].decode("utf-8", "replace")}
        protos = c.headers.get_all("x-stream-protocol-version") + c.headers.get_all("sec-websocket-protocol")
        if protos: r["protocols"] = protos
        with self.lock:
            self.requests.append(r); self.reqlog.write(json.dumps(r) + "\n"); self.reqlog.flush()

    def take_fault(self, line):
        with self.lock:
            for f in self.store.faults:
                if not re.search(f["match"], line): continue
                if f.get("skip", 0) > 0: f["skip"] -= 1; continue
                if f.get("times", 1) <= 0: continue
                f["times"] = f.get("times", 1) - 1
                return f

    def serve(self):
        a = self.a
        s = socket.create_server((a.host, a.port), backlog=512)
        self.addr = s.getsockname()[:2]
        scheme, ca = "http", ""
        ctx = None
        if a.tls:
            scheme = "https"
            crt, key = os.path.join(a.dir, "ca.crt"), os.path.join(a.dir, "ca.key")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=standin",
                            "-addext", f"subjectAltName=IP:{a.host},DNS:localhost", "-keyout", key, "-out", crt], check=True, stderr=subprocess.DEVNULL)
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); ctx.load_cert_chain(crt, key); ctx.set_alpn_protocols(["http/1.1"])
        url = f"{scheme}://{a.host}:{self.addr[1]}"
        cl = {"server": url, **({"certificate-authority": os.path.join(os.path.abspath(a.dir), "ca.crt")} if a.tls else {})}
        users = [{"name": u["name"], "user": {"token": t}} for t, u in self.store.users.items()] or [{"name": "admin", "user": {}}]
        if self.store.anonymous:                        # kubectl asks for a user name on stdin when an https kubeconfig has no credentials
            self.store.users.setdefault("standin", self.store.anonymous)
            users = [{"name": "admin", "user": {"token": "standin"}}] + [u for u in users if u["name"] != "admin"]
        json.dump({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "standin", "cluster": cl}], "users": users,
                   "contexts": [{"name": u["name"], "context": {"cluster": "standin", "user": u["name"], "namespace": a.namespace}} for u in users],
                   "current-context": users[0]["name"]}, open(os.path.join(a.dir, "kubeconfig"), "w"), indent=1)
        print("READY", url, flush=True)
        while True:
            c, addr = s.accept()
            threading.Thread(target=self.handle, args=(c, addr, ctx), daemon=True).start()

    def handle(self, c, addr, ctx):
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ctx:
            try: c = ctx.wrap_socket(c, server_side=True)
            except (ssl.SSLError, OSError): return c.close()
        Conn(self, c, addr).run()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--scenario"); ap.add_argument("--dir", required=True)
    ap.add_argument("--host", default="127.0.0.1"); ap.add_argument("--port", type=int, default=0)
    ap.add_argument("--tls", action="store_true"); ap.add_argument("--version", default="1.32")
    ap.add_argument("--discovery", choices=["aggregated", "legacy"], default="aggregated"); ap.add_argument("--namespace", default="runai-my-project")
    a = ap.parse_args(); os.makedirs(a.dir, exist_ok=True)
    App(a).serve()
