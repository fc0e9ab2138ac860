"""A real control plane (etcd, kube-apiserver) and a real node (containerd, kubelet) inside namespaces of this process: no
other process of the machine sees them, and they are gone when the process ends. Needs root."""
import contextlib, hashlib, io, json, os, shutil, subprocess, sys, tarfile, time, urllib.error, urllib.request, ssl

WORD = "RANKDX_REAL_CLUSTER_INSIDE"
NODE, NODE_IP, NS = "node1", "10.99.99.1", "runai-my-project"
API, KUBELET = 16443, 10350
USERS = ("admin", "viewer", "exec-create", "exec-get", "nobody")
# What a kubelet would change for the whole machine; it gets private copies.
KERNEL_FILES = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
                "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")


def enter():
    """Runs this program again inside fresh network, mount and process namespaces."""
    if os.environ.get(WORD):
        for command in ("mount --make-rprivate /", "mount -t tmpfs tmpfs /run", "mount -t tmpfs tmpfs /var/log", "ip link set lo up",
                        f"ip addr add {NODE_IP}/32 dev lo", "sysctl -qw net.ipv4.ip_forward=1"):
            subprocess.run(command, shell=True, check=True)
        return
    os.environ[WORD] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-B", *sys.argv])


def wait_for(what, ready, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = ready()
        if result: return result
        time.sleep(0.3)
    raise RuntimeError(f"{what}: not so after {seconds} s")


def image(path, name, files, command, links=()):
    """An image of one layer in the form of `docker save`. files: name inside -> file outside, or bytes."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for inside, outside in files.items():
            info = tarfile.TarInfo(inside)
            data = outside if isinstance(outside, bytes) else open(outside, "rb").read()
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        for link, target in links:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for directory in ("tmp", "proc", "sys", "dev", "models"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(info)
    data = layer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin:/bin"], "Entrypoint": command},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [digest + "/layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        for inside, content in ((config_name, config), (digest + "/layer.tar", data), ("manifest.json", manifest)):
            info = tarfile.TarInfo(inside)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


BUSYBOX_WORDS = "sh ls cat env id sleep true false echo tail tr head kill date printf df timeout grep seq".split()


def busybox_files(): return {"bin/busybox": "/bin/busybox", "etc/passwd": b"root:x:0:0::/:/bin/sh\nvllm:x:2000:2000::/tmp:/bin/sh\n"}
def busybox_links(): return [("bin/" + w, "busybox") for w in BUSYBOX_WORDS]


def program_files(binary):
    """A program with the libraries that it is linked to, at the places where the loader looks."""
    files = {"usr/bin/rankdx": binary}
    for line in subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        path = words[2] if "=>" in words else words[0]
        if path.startswith("/"): files[path.lstrip("/")] = os.path.realpath(path)
    return files


class Cluster:
    def __init__(self, programs, work):
        self.programs, self.work, self.children = programs, work, []
        shutil.rmtree(work, ignore_errors=True)
        for d in ("etcd", "certs", "ctd", "run", "cni", "kubelet", "sys", "log", "img"): os.makedirs(f"{work}/{d}")
        self.kubeconfig = work + "/kubeconfig"
        self.context = ssl._create_unverified_context()

    def start(self, name, command, env=None):
        log = open(f"{self.work}/log/{name}.log", "w")
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self.children.append(p)
        return p

    def request(self, method, path, body=None, kind="application/json", accept=(200, 201)):
        r = urllib.request.Request(f"https://127.0.0.1:{API}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                   headers={"Authorization": "Bearer tok-admin", "Content-Type": kind})
        try:
            with urllib.request.urlopen(r, context=self.context, timeout=30) as reply: return json.load(reply)
        except urllib.error.HTTPError as e:
            text = e.read().decode()
            if e.code in accept: return json.loads(text)
            raise RuntimeError(f"{method} {path}: {e.code} {text[:400]}")

    def control_plane(self):
        w = self.work
        self.start("etcd", ["etcd", "--data-dir", w + "/etcd", "--listen-client-urls", "http://127.0.0.1:12379", "--advertise-client-urls", "http://127.0.0.1:12379",
                            "--listen-peer-urls", "http://127.0.0.1:12380", "--initial-advertise-peer-urls", "http://127.0.0.1:12380",
                            "--initial-cluster", "default=http://127.0.0.1:12380", "--unsafe-no-fsync"], {"ETCD_UNSUPPORTED_ARCH": ""})
        subprocess.run(["openssl", "genrsa", "-out", w + "/sa.key", "2048"], check=True, capture_output=True)
        with open(w + "/tokens.csv", "w") as f:
            for n, user in enumerate(USERS): f.write(f"tok-{user},{user},{n},{'system:masters' if user == 'admin' else ''}\n")
        self.start("kube-apiserver", [self.programs + "/kube-apiserver", "--etcd-servers=http://127.0.0.1:12379", "--bind-address=127.0.0.1",
            f"--advertise-address={NODE_IP}", f"--secure-port={API}", "--insecure-port=0", f"--cert-dir={w}/certs", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={w}/sa.key", f"--service-account-signing-key-file={w}/sa.key", "--service-cluster-ip-range=10.96.0.0/24",
            f"--token-auth-file={w}/tokens.csv", "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--disable-admission-plugins=ServiceAccount",
            "--kubelet-preferred-address-types=InternalIP", "--max-requests-inflight=800"])
        json.dump({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "real", "cluster": {"server": f"https://127.0.0.1:{API}", "insecure-skip-tls-verify": True}}],
                   "users": [{"name": u, "user": {"token": "tok-" + u}} for u in USERS],
                   "contexts": [{"name": u, "context": {"cluster": "real", "user": u, "namespace": NS}} for u in USERS], "current-context": "admin"}, open(self.kubeconfig, "w"))
        def ready():
            try:
                r = urllib.request.Request(f"https://127.0.0.1:{API}/readyz", headers={"Authorization": "Bearer tok-admin"})
                return urllib.request.urlopen(r, context=self.context, timeout=5).read() == b"ok"
            except OSError: return False
        wait_for("the API server is ready", ready, 180)
        self.request("POST", "/api/v1/namespaces", {"metadata": {"name": NS}}, accept=(200, 201, 409))

    def node(self, images):
        """images: name -> archive."""
        w = self.work
        for name in KERNEL_FILES:
            copy = f"{w}/sys/{name.replace('/', '_')}"
            shutil.copyfile("/proc/sys/" + name, copy)
            subprocess.run(["mount", "--bind", copy, "/proc/sys/" + name], check=True)
        subprocess.run(f"mount --make-rshared / && mount --bind {w}/kubelet {w}/kubelet && mount --make-rshared {w}/kubelet", shell=True, check=True)
        with open(w + "/containerd.toml", "w") as f:
            f.write(f'version = 2\nroot = "{w}/ctd"\nstate = "/run/containerd-test"\n[grpc]\n address = "/run/c.sock"\n'
                    '[plugins."io.containerd.grpc.v1.cri"]\n sandbox_image = "localhost/pause:1"\n disable_apparmor = true\n restrict_oom_score_adj = true\n'
                    ' disable_hugetlb_controller = true\n [plugins."io.containerd.grpc.v1.cri".containerd]\n  snapshotter = "overlayfs"\n'
                    f' [plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = "/usr/lib/cni"\n  conf_dir = "{w}/cni"\n')
        with open(w + "/cni/10-b.conflist", "w") as f:
            json.dump({"cniVersion": "0.4.0", "name": "b", "plugins": [{"type": "bridge", "bridge": "knlab0", "isGateway": True, "ipMasq": False,
                       "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "10.88.77.0/24"}]]}}]}, f)
        with open(w + "/kubelet.yaml", "w") as f:
            f.write(f"kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\naddress: {NODE_IP}\nport: {KUBELET}\nreadOnlyPort: 0\nhealthzPort: 0\n"
                    "cgroupDriver: cgroupfs\ncgroupsPerQOS: false\nenforceNodeAllocatable: []\nfailSwapOn: false\nmakeIPTablesUtilChains: false\n"
                    "authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\ncontainerLogMaxSize: 10Mi\n"
                    'imageGCHighThresholdPercent: 100\nevictionHard: {memory.available: "50Mi"}\nclusterDNS: [10.96.0.10]\nclusterDomain: cluster.local\n'
                    "resolvConf: /etc/resolv.conf\nruntimeRequestTimeout: 60s\nsyncFrequency: 5s\n")
        self.start("containerd", ["containerd", "--config", w + "/containerd.toml"])
        ctr = ["ctr", "-a", "/run/c.sock"]
        wait_for("containerd answers", lambda: subprocess.run([*ctr, "version"], capture_output=True).returncode == 0, 60)
        for archive in images: subprocess.run([*ctr, "-n", "k8s.io", "images", "import", archive], check=True, capture_output=True)
        self.start("kubelet", [self.programs + "/kubelet", f"--config={w}/kubelet.yaml", f"--kubeconfig={self.kubeconfig}", "--container-runtime=remote",
            "--container-runtime-endpoint=unix:///run/c.sock", "--image-service-endpoint=unix:///run/c.sock", f"--root-dir={w}/kubelet", f"--cert-dir={w}/kubelet-certs",
            f"--hostname-override={NODE}", f"--node-ip={NODE_IP}", "--pod-infra-container-image=localhost/pause:1", f"--cni-conf-dir={w}/cni", "--cni-bin-dir=/usr/lib/cni",
            f"--volume-plugin-dir={w}/volplug", "--v=1"])
        def ready():
            try: conditions = self.request("GET", f"/api/v1/nodes/{NODE}")["status"]["conditions"]
            except RuntimeError: return False
            return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        wait_for("the node is ready", ready, 240)
        # The taint that a node controller would take off.
        self.request("PATCH", f"/api/v1/nodes/{NODE}", {"spec": {"taints": None}}, "application/merge-patch+json")

    def scheduler(self): self.start("kube-scheduler", [self.programs + "/kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--port=0", "--secure-port=0"])

    def close(self):
        for p in reversed(self.children):
            p.terminate()
        for p in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired): p.wait(10)

    def logs(self): return "\n".join(f"--- {n}\n" + "".join(open(f"{self.work}/log/{n}").readlines()[-15:]) for n in sorted(os.listdir(self.work + "/log")))
