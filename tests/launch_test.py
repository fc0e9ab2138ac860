"""The launches that the real binary writes: valid by schema, clean shell, and every text reaches the program it is meant
for exactly as it was given, whatever is in it."""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml


ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schema"
LAUNCHERS = ("lws", "runai", "kuberay", "docker", "compose", "slurm", "ssh")
BINARY = None

HOSTILE = [
    "org/model", "a b", "x; touch OUT", "$(touch OUT)", "`touch OUT`", "$HOME ${HOME} $$ $$(A) $(LWS_WORKER_INDEX)",
    "it's", 'say "x"', "back\\slash\\", "x: y # z", "*x", "&x", "!x", "yes", "1e3", "0x1f", "007", "~", "{a: b}", "[1]",
    "%x", "@x", "a|b>c<d&e", "\u00fcml\u00e4ut", "'\\''", "'; touch OUT; '", '"; touch OUT; "',
]

BASE = """
name = "llm"
model = "/models/m"
image = "vllm/vllm-openai:v{vllm}"
nodes = 2
gpus_per_node = 8
tensor_parallel = 8
pipeline_parallel = 2
hosts = ["10.0.0.1", "10.0.0.2"]
"""

VARIANTS = {
    "plain": "",
    "debug": 'profile = "debug"\nnccl_version = "2.28.9"\n',
    "roce-user": 'network = "roce"\nuid = 1000\ngid = 1000\nhost_network = true\nmemory = "200Gi"\n',
    "efa-debug": 'network = "efa"\nprofile = "debug"\ninterface = "eth0"\nair_gapped = true\n',
    "infiniband": 'network = "infiniband"\nload_minutes = 180\nport = 9000\n',
    "ray": 'executor = "ray"\n',
    "ray-debug": 'executor = "ray"\nprofile = "debug"\n',
}
DP = """
name = "moe"
model = "org/moe"
image = "vllm/vllm-openai:v{vllm}"
nodes = 2
gpus_per_node = 8
data_parallel = 16
expert_parallel = true
hosts = ["10.0.0.1", "10.0.0.2"]
"""
VERSIONS = ("0.9.2", "0.17.0", "0.26.0")


def rankdx(*args, text=None):
    return subprocess.run([BINARY, *args], input=text, capture_output=True, text=True, timeout=60)


def generate(launcher, toml, *more):
    """Name to text of each file."""
    with tempfile.TemporaryDirectory() as out:
        done = rankdx("launch", "generate", "--for", launcher, "-f", "-", "-o", out, *more, text=toml)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return {p.name: p.read_text() for p in sorted(pathlib.Path(out).iterdir())}


def specs():
    """(title, launcher, toml) of every combination that vLLM's versions allow."""
    for launcher in LAUNCHERS:
        for vllm in VERSIONS:
            for title, more in VARIANTS.items():
                yield f"{launcher} {vllm} {title}", launcher, (BASE + more).format(vllm=vllm)
            if launcher != "kuberay":
                yield f"{launcher} {vllm} dp", launcher, DP.format(vllm=vllm)
                yield f"{launcher} {vllm} dp-debug", launcher, (DP + 'profile = "debug"\n').format(vllm=vllm)
        yield f"{launcher} single", launcher, 'model = "m"\nimage = "i:1"\nhosts = ["10.0.0.1"]\n'
    for launcher in ("slurm", "ssh"):
        bare = BASE.replace('image = "vllm/vllm-openai:v{vllm}"', 'vllm_version = "{vllm}"')
        for profile in ("debug", "production"):
            yield f"{launcher} bare {profile}", launcher, (bare + f'profile = "{profile}"\n').format(vllm="0.20.0")
    for launcher in ("lws", "runai", "kuberay"):
        for kind in ('kind = "pvc"\nsource = "models"\nsize = "500Gi"\nclass = "fast"',
                     'kind = "nfs"\nsource = "files:/export"', 'kind = "host-path"\nsource = "/data"'):
            yield f"{launcher} storage", launcher, BASE.format(vllm="0.20.0") + f'[storage]\npath = "/models"\n{kind}\n'


class Validators:
    def __init__(self):
        core = json.loads((SCHEMAS / "k8s/core.schema.json").read_text())
        self.core = core
        self.custom = {"LeaderWorkerSet": self.load("k8s/leaderworkerset"), "RayCluster": self.load("k8s/raycluster")}
        self.compose = self.load("compose")
        self.kinds = {d["properties"]["kind"]["enum"][0]: {"$ref": f"core.schema.json#/definitions/{name}"}
                      for name, d in core["definitions"].items()
                      if "enum" in d.get("properties", {}).get("kind", {})}

    @staticmethod
    def load(name):
        return json.loads((SCHEMAS / f"{name}.schema.json").read_text())

    def check(self, document, schema):
        resolver = jsonschema.RefResolver("schema.json", schema, store={"core.schema.json": self.core})
        jsonschema.Draft7Validator(schema, resolver=resolver).validate(document)

    def kubernetes(self, document):
        kind = document["kind"]
        self.check(document, self.custom.get(kind) or self.kinds[kind])


def yaml_documents(text):
    return [d for d in yaml.safe_load_all(text) if d is not None]


def kubernetes_expanded(text, env):
    """What the kubelet makes of a word: $(NAME) of known names, $$ is a dollar."""
    return re.sub(r"\$\$|\$\(([A-Za-z0-9_.-]+)\)",
                  lambda m: "$" if m[0] == "$$" else env.get(m[1], m[0]), text)


def flags_of(words):
    start = words.index("serve") + 2
    return [w.split("=")[0] for w in words[start:] if w.startswith("--")]


def known_flags(version):
    """vllm-flags.tsv: the flags of that version."""
    def key(v):
        return tuple(int(x) for x in re.findall(r"\d+", v.split("post")[0])[:3])
    flags = set()
    for line in (ROOT / "data/vllm/vllm-flags.tsv").read_text().splitlines()[1:]:
        name, span = line.split("\t")
        first, _, last = span.partition("..")
        last = last or first
        if first.startswith("main"):
            continue
        if key(first) <= key(version) and (last.startswith("main") or key(version) <= key(last)):
            flags.add(name)
    return flags


# One printf is one write: calls at the same time do not mix.
FAKE = '#!/bin/bash\nprintf "%s\\0" "$(basename "$0")" "$@" $\'\\n\' >"$RECORD/$$"\n'
FAKE_SSH = '#!/bin/bash\nprintf "%s\\0" ssh "$@" $\'\\n\' >"$RECORD/$$.ssh"\nexec sh -c "${@: -1}"\n'
FAKE_SRUN = ('#!/bin/bash\nwhile [ "${1#--}" != "$1" ]; do shift; done\n'
             'SLURM_NODEID=0 "$@"\nSLURM_NODEID=1 "$@"\n')


def run_script(text, tools, env=None):
    """Runs a script with stand-ins on PATH; the calls that they saw."""
    with tempfile.TemporaryDirectory() as work:
        bin_dir = pathlib.Path(work, "bin")
        bin_dir.mkdir()
        for name, body in tools.items():
            (bin_dir / name).write_text(body)
            (bin_dir / name).chmod(0o755)
        record = pathlib.Path(work, "record")  # one file per call: calls at the same time do not mix
        record.mkdir()
        script = pathlib.Path(work, "script")
        script.write_text(text)
        done = subprocess.run(["bash", str(script)], cwd=work, capture_output=True, text=True, timeout=60,
                              env={"PATH": f"{bin_dir}:/usr/bin:/bin", "RECORD": str(record), **(env or {})})
        if pathlib.Path(work, "OUT").exists():
            raise AssertionError("a text was run as a command")
        seen = sorted(record.iterdir(), key=lambda f: f.stat().st_mtime_ns)
        calls = [f.read_text().removesuffix("\n\0").split("\0")[:-1] for f in seen]
        return done, calls


class Generated(unittest.TestCase):
    maxDiff = None

    def test_manifests_match_the_schemas(self):
        validators, count = Validators(), 0
        for title, launcher, toml in specs():
            if launcher not in ("lws", "kuberay", "compose"):
                continue
            for name, text in generate(launcher, toml).items():
                for document in yaml_documents(text):
                    with self.subTest(title, file=name):
                        if launcher == "compose":
                            validators.check(document, validators.compose)
                        else:
                            validators.kubernetes(document)
                    count += 1
        self.assertGreater(count, 150)

    def test_the_schemas_refuse_mistakes(self):
        validators = Validators()
        text = generate("lws", BASE.format(vllm="0.20.0"))["llm-lws.yaml"]
        lws = yaml_documents(text)[-1]
        pod = lws["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]
        for change in (lambda: lws["spec"].update(startupPolicy="LeaderStarted"),
                       lambda: pod.update(hostNetwrok=True),
                       lambda: pod["containers"][0]["resources"]["limits"].update({"memory": "ten"}),
                       lambda: pod.pop("containers")):
            change()
            with self.assertRaises(jsonschema.ValidationError):
                validators.kubernetes(lws)

    def test_scripts_are_clean(self):
        with tempfile.TemporaryDirectory() as out:
            paths = []
            for i, (title, launcher, toml) in enumerate(specs()):
                for name, text in generate(launcher, toml).items():
                    if not name.endswith("yaml"):
                        paths.append(pathlib.Path(out, f"{i}-{name}"))
                        paths[-1].write_text(text)
            self.assertGreater(len(paths), 80)
            for path in paths:
                done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), path.name)
            done = subprocess.run(["shellcheck", "-s", "bash", *paths[::9]], capture_output=True, text=True)
            self.assertEqual(done.stdout[:2000], "")

    def test_flags_exist_in_the_version(self):
        for title, launcher, toml in specs():
            if launcher != "compose" or "single" in title:
                continue
            version = title.split()[1]
            known = known_flags(version)
            for text in generate(launcher, toml).values():
                for document in yaml_documents(text):
                    service = document["services"]["vllm"]
                    words = service["entrypoint"] + service["command"]
                    if "serve" not in words:
                        continue
                    for flag in flags_of(words):
                        self.assertIn(flag, known, title)

    def test_flags_that_the_version_lacks_are_refused(self):
        for vllm, more, missing in (("0.9.2", 'executor = "mp"\n', "--nnodes"), ("0.8.2", "", None)):
            done = rankdx("launch", "generate", "--for", "lws", "-f", "-", text=(BASE + more).format(vllm=vllm))
            if missing:
                self.assertEqual(done.returncode, 2)
                self.assertIn(missing, done.stderr)
            else:
                self.assertEqual(done.returncode, 0, done.stderr)


class HostileTexts(unittest.TestCase):
    """model, served_name, an argument and a variable hold the text; the program must see exactly it."""

    def toml(self, text, more=""):
        q = json.dumps(text, ensure_ascii=False)
        return (BASE.format(vllm="0.20.0").replace('"/models/m"', q) + f"served_name = {q}\n"
                f'extra_args = ["--chat-template", {q}]\n{more}\n[env]\nMY_TEXT = {q}\n')

    def expect(self, words, text):
        self.assertEqual(words[words.index("serve") + 1], text)
        self.assertEqual(words[words.index("--served-model-name") + 1], text)
        self.assertEqual(words[words.index("--chat-template") + 1], text)

    def test_kubernetes(self):
        for text in HOSTILE:
            for launcher, pod in (("lws", lambda d: d["spec"]["leaderWorkerTemplate"]["leaderTemplate"]),
                                  ("kuberay", lambda d: d["spec"]["headGroupSpec"]["template"])):
                document = yaml_documents(list(generate(launcher, self.toml(text)).values())[0])[-1]
                container = pod(document)["spec"]["containers"][0]
                env = {"LWS_LEADER_ADDRESS": "leader", "LWS_WORKER_INDEX": "BAD", "A": "BAD"}
                with self.subTest(text, launcher=launcher):
                    self.expect([kubernetes_expanded(w, env) for w in container["command"]], text)
                    value = next(e["value"] for e in container["env"] if e["name"] == "MY_TEXT")
                    self.assertEqual(kubernetes_expanded(value, env), text)

    def test_compose(self):
        for text in HOSTILE:
            for file in generate("compose", self.toml(text)).values():
                service = yaml_documents(file)[0]["services"]["vllm"]
                # Compose knows $NAME, ${NAME} and $$; nothing but $$ may be left.
                for word in service["command"] + list(service["environment"].values()):
                    self.assertNotRegex(str(word).replace("$$", ""), r"\$")
                with self.subTest(text):
                    self.expect([w.replace("$$", "$") for w in service["command"]], text)
                    self.assertEqual(service["environment"]["MY_TEXT"].replace("$$", "$"), text)

    def test_docker(self):
        for text in HOSTILE:
            for script in generate("docker", self.toml(text)).values():
                done, calls = run_script(script, {"docker": FAKE})
                with self.subTest(text):
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.expect(calls[0], text)
                    self.assertIn(f"MY_TEXT={text}", calls[0])

    def test_runai(self):
        for text in HOSTILE:
            script = list(generate("runai", self.toml(text)).values())[0]
            done, calls = run_script(script, {"runai": FAKE})
            self.assertEqual(done.returncode, 0, done.stderr)
            words = calls[0]
            env = {"LWS_LEADER_ADDRESS": "leader", "LWS_WORKER_INDEX": "1", "A": "BAD"}
            for flag in ("--command", "--worker-command"):
                # Run:ai cuts the text into words as a shell does, Kubernetes replaces $(NAME) in each.
                command = [kubernetes_expanded(w, env)
                           for w in shlex.split(words[words.index(flag) + 1])]
                with self.subTest(text, flag=flag):
                    self.expect(command, text)
            variable = next(w for w in words if w.startswith("MY_TEXT="))
            self.assertEqual(kubernetes_expanded(variable[8:], env), text)

    def test_slurm(self):
        tools = {"srun": FAKE_SRUN, "scontrol": "#!/bin/bash\necho head1\necho node2\n",
                 "vllm": FAKE.replace('"$(basename "$0")" "$@"', '"$MY_TEXT" "$(basename "$0")" "$@"')}
        for text in HOSTILE:
            toml = self.toml(text).replace('image = "vllm/vllm-openai:v0.20.0"', 'vllm_version = "0.20.0"')
            script = list(generate("slurm", toml).values())[0]
            done, calls = run_script(script, tools, {"SLURM_JOB_NODELIST": "x", "SLURM_NNODES": "2"})
            with self.subTest(text):
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(len(calls), 2)
                for rank, call in enumerate(calls):
                    self.expect(call, text)
                    self.assertEqual(call[0], text)
                    self.assertEqual(call[call.index("--node-rank") + 1], str(rank))
                    self.assertEqual(call[call.index("--master-addr") + 1], "head1")
                    self.assertEqual("--headless" in call, rank > 0)

    def test_ssh(self):
        for text in HOSTILE:
            for image in (True, False):
                toml = self.toml(text)
                if not image:
                    toml = toml.replace('image = "vllm/vllm-openai:v0.20.0"', 'vllm_version = "0.20.0"')
                script = list(generate("ssh", toml).values())[0].replace("wait -n", "wait")
                tool = "docker" if image else "vllm"
                done, calls = run_script(script, {"ssh": FAKE_SSH, tool: FAKE})
                runs = [c for c in calls if c[0] == tool]
                with self.subTest(text, image=image):
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(len(runs), 2)
                    for run in runs:
                        self.expect(run, text)


class Processes(unittest.TestCase):
    def test_the_log_script_keeps_old_files_and_writes_both_ways(self):
        toml = BASE.format(vllm="0.20.0").replace('image = "vllm/vllm-openai:v0.20.0"', 'vllm_version = "0.20.0"')
        with tempfile.TemporaryDirectory() as logs:
            toml += f'profile = "debug"\n[logs]\nkind = "host-path"\nsource = "{logs}"\npath = "{logs}"\n'
            script = list(generate("slurm", toml).values())[0]
            host = subprocess.run(["bash", "-c", "echo $HOSTNAME"], capture_output=True, text=True).stdout.strip()
            pathlib.Path(logs, f"nccl.{host}.7.log").write_text("first run\n")
            tools = {"srun": FAKE_SRUN, "scontrol": "#!/bin/bash\necho head1\n", "vllm": "#!/bin/bash\necho out; echo err >&2\n"}
            done, _ = run_script(script, tools, {"SLURM_JOB_NODELIST": "x", "SLURM_NNODES": "2"})
            self.assertEqual(done.returncode, 0, done.stderr)
            kept = [p for p in pathlib.Path(logs).iterdir() if p.name.startswith("nccl.")]
            self.assertEqual([p.read_text() for p in kept], ["first run\n"])
            self.assertRegex(kept[0].name, rf"^nccl\.{re.escape(host)}\.7\.log\.\d+$")
            for _ in range(50):
                text = pathlib.Path(logs, f"vllm.{host}.log").read_text()
                if text.count("\n") == 4:
                    break
                subprocess.run(["sleep", "0.05"])
            self.assertEqual(sorted(text.split()), ["err", "err", "out", "out"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    arguments, rest = parser.parse_known_args()
    BINARY = arguments.binary
    unittest.main(argv=[sys.argv[0], *rest], warnings="ignore")
