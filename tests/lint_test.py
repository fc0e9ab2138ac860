"""rankdx launch lint through the real binary: right launches have no error, broken ones are caught, the popular recipe is
taken apart, --fix mends, hostile files get a clear word, large ones are quick."""
import argparse
import concurrent.futures
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lint_samples import samples  # noqa: E402

FLOOR = 0.95
PER_SAMPLE = 10
# "/data" of the popular recipe: what must be named, whatever else is found.
RECIPE_IDS = {"separate-servers", "workers-besides-leader", "flag-removed", "debug-leftover", "ib-disabled", "shm-too-small",
              "preemptible-server", "shell-continuation-broken", "image-tag-latest", "nccl-output-missing"}
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text)


class Lint:
    def __init__(self, binary, work):
        self.binary, self.work = binary, work

    def run(self, name, text, *flags):
        path = os.path.join(self.work, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return subprocess.run([self.binary, "launch", "lint", path, *flags], capture_output=True, timeout=60)

    def report(self, name, text, *flags):
        done = self.run(name, text, "-o", "json", *flags)
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"{name}: exit {done.returncode}: {done.stderr[:500]!r}")
        return json.loads(done.stdout), done.returncode


def add_variable(text, name, value):
    """In the way of the form; None when there is no place for it."""
    if "\0" in text:
        return text + f"{name}={value}\0"
    if re.search(r"^kind:", text, re.M):
        env = re.search(r"^( *)env:\n", text, re.M)
        if not env:
            return None
        pad = re.match(r" *", text[env.end():]).group()
        return text[:env.end()] + f'{pad}- name: {name}\n{pad}  value: "{value}"\n' + text[env.end():]
    if text.startswith("services:"):
        env = re.search(r"^    environment:\n", text, re.M)
        line = f'      - "{name}={value}"\n' if text[env.end():].lstrip().startswith("-") else f'      {name}: "{value}"\n'
        return text[:env.end()] + line + text[env.end():]
    if "docker run" in text:
        return text.replace("docker run", f"docker run -e {name}={value}", 1)
    if text.startswith("runai"):
        return re.sub(r"(submit \S+)", rf"\1 --environment-variable {name}={value}", text, count=1)
    if re.fullmatch(r"(\w+=.*\n)+", text) and "python3" not in text:
        return text + f"{name}={value}\n"
    lines = text.split("\n")
    at = 0
    while at < len(lines) and (lines[at].startswith("#") or not lines[at].strip()):
        at += 1
    return "\n".join(lines[:at] + [f"export {name}={value}"] + lines[at:])


def add_flag(text, flag, value=None):
    """Behind the first tensor parallel size."""
    words = [flag] + ([value] if value is not None else [])
    m = re.search(r'^( *)- "--tensor-parallel-size"\n *- "\d+"\n', text, re.M)
    if m:
        return text[:m.end()] + "".join(f'{m.group(1)}- "{w}"\n' for w in words) + text[m.end():]
    m = re.search(r'"--tensor-parallel-size(=\d+"|", "\d+")', text)
    if m:
        return text[:m.end()] + "".join(f', "{w}"' for w in words) + text[m.end():]
    m = re.search(r'(--tensor-parallel-size|-tp) ("\$TP"|\d+)', text)
    return text[:m.end()] + " " + " ".join(words) + text[m.end():] if m else None


def replaced(pattern, with_what, count=1):
    def change(text):
        new, n = re.subn(pattern, with_what, text, count=count, flags=re.M)
        return new if n else None
    return change


def double_tensor_parallel(text):
    if "ray start" in text or ("GPU" not in text and "gpu" not in text) or "gpus all" in text or "kind: RayCluster" in text:
        return None
    return replaced(r'(--tensor-parallel-size"?,?(?:[ =]|\n *- )"?)(\d+)', lambda m: m.group(1) + str(2 * int(m.group(2))), 0)(text)


def variable(name, value, *ids):
    return (f"{name}={value}", set(ids), lambda text: add_variable(text, name, value))


def flag(name, value, *ids):
    return (f"{name} {value}", set(ids), lambda text: add_flag(text, name, value))


MUTATIONS = [
    variable("NCCL_SOCKET_IFNMAE", "eth0", "variable-unknown"),
    variable("NCCL_IB_DISABLE", "yes", "nccl-env-value-invalid"),
    variable("NCCL_BUFFSIZE", "8MB", "nccl-env-value-invalid"),
    variable("NCCL_DEBUG", "VERBOSE", "debug-variable-invalid"),
    variable("NCCL_DEBUG_SUBSYS", "INTI", "debug-variable-invalid"),
    variable("NCCL_P2P_DISABLE", "1", "p2p-disabled-by-env"),
    variable("VLLM_TRACE_FUNCTION", "1", "debug-leftover"),
    variable("HF_HUB_OFLINE", "1", "variable-unknown"),
    variable("VLLM_WORKER_MULTIPROC_METHOD", "thread", "variable-value-invalid"),
    variable("NCCL_SOCKET_IFNAME", "", "variable-empty"),
    variable("HF_TOKEN", "hf_abcdefghijklmnopqrstuvwxyzabcdef", "secret-in-plain-text"),
    variable("CUDA_LAUNCH_BLOCKING", "1", "debug-leftover"),
    variable("NCCL_ALGO", "Rnig", "nccl-env-value-invalid"),
    variable("NCCL_IB_TC", "300", "nccl-env-value-invalid"),
    flag("--worker-use-ray", None, "flag-removed"),
    flag("--max-model-lenght", "4096", "flag-unknown"),
    flag("--max-num-seqs", "many", "flag-value-invalid"),
    flag("--gpu-memory-utilization", "92", "flag-value-invalid"),
    flag("--block-size", "17", "flag-value-invalid"),
    ("twice the tensor parallel size", {"gpus-do-not-fit-parallelism", "leader-worker-flags-differ"}, double_tensor_parallel),
    ("no /dev/shm", {"shm-too-small"}, replaced(r"mountPath: /dev/shm", "mountPath: /dev/shn", 0)),
    ("no shm_size", {"shm-too-small"}, replaced(r"^    (shm_size: 16gb|ipc: host)\n", "", 0)),
    ("no --ipc", {"shm-too-small"}, replaced(r"--(ipc=host|shm-size=16g) ", "", 0)),
    ("no --large-shm", {"shm-too-small"}, replaced(r"  --large-shm \\\n", "")),
    ("image latest", {"image-tag-latest"}, replaced(r"vllm-openai:v[\d.]+", "vllm-openai:latest", 0)),
    ("worker without --headless", {"api-on-worker"}, lambda t: None if not t.startswith(("apiVersion: leader", "runai")) else replaced(r' *- "--headless"\n|, "--headless"| --headless(?=["\'\n])', "", 0)(t)),
    ("LeaderReady", {"leader-ready-deadlock"}, replaced("LeaderCreated", "LeaderReady")),
    ("quantity in GB", {"quantity-invalid"}, replaced(r"sizeLimit: (\d+)Gi", r"sizeLimit: \1GB")),
    ("field mistyped", {"manifest-field-unknown"}, replaced(r"^( +)volumeMounts:", r"\1volumeMount:")),
    ("tab", {"yaml-tab"}, replaced(r"^        (\S)", "\t\\1", 0)),
    ("key twice", {"yaml-duplicate-key"}, replaced(r"^( +)(image: .*)\n", r"\1\2\n\1\2\n")),
    ("number as variable", {"manifest-value-not-text"}, lambda t: replaced(r'^( +value:) "1"$', r"\1 1")(t) if "kind:" in t else None),
    ("no startupProbe", {"probe-kills-slow-load"}, replaced(r"^( +)startupProbe:\n(\1 .*\n)+", "")),
    ("probe of another port", {"port-mismatch"}, replaced(r"(path: /health\n +port:) \d+", r"\1 9999")),
    ("selector", {"selector-matches-nothing"}, replaced(r"(matchLabels:\n +app: )\w+", r"\1other")),
    ("comment behind a backslash", {"shell-continuation-broken"}, lambda t: None if "kind:" in t else replaced(r" \\$", r" \\ # why")(t)),
    ("blank behind a backslash", {"shell-continuation-broken"}, lambda t: None if "kind:" in t else replaced(r" \\$", r" \\ ")(t)),
    ("backslash lost", {"shell-continuation-missing"}, lambda t: None if "kind:" in t else replaced(r" \\$(?=\n +--[a-z])", "")(t)),
    ("quote left open", {"shell-unterminated"}, lambda t: t + 'echo "done\n' if t.startswith(("#!", "runai", "docker", "# the")) else None),
    ("sbatch option", {"sbatch-option-unknown"}, replaced(r"^#SBATCH --nodes=", "#SBATCH --node=")),
    ("runai flag", {"runai-flag-unknown"}, lambda t: replaced("--existing-pvc", "--exsting-pvc")(t) if "distributed" in t else None),
    ("preemptible", {"preemptible-server"}, replaced(r"(submit \S+ \\\n)", r"\1  --preemptibility preemptible \\\n")),
    ("one more worker", {"nnodes-differs-from-pods", "gpus-do-not-fit-parallelism", "gpus-booked-idle"}, lambda t: replaced(r"--workers (\d)", lambda m: f"--workers {int(m.group(1)) + 1}")(t)),
]


def right_launches(lint, good):
    wrong = 0
    for name, text in good.items():
        report, code = lint.report(name, text)
        errors = [f["id"] for f in report["findings"] if f["severity"] == "error"]
        wrong += bool(errors)
        check(not errors and code == 0, f"{name}: {errors}")
        checked = {c["id"] for c in report["checks"] if c["status"] == "ok"}
        serves = "vllm" in text and not name.startswith(("process", "environ", "exports", "ray-cluster", "ray-service"))
        check("flags" in checked or not serves, f"{name}: no vLLM command was found")
    print(f"right launches without an error: {len(good) - wrong}/{len(good)}")


def mutations(lint, good, everything):
    jobs = []
    chosen = random.Random(6)
    for name, text in good.items():
        before = {(f["id"]) for f in lint.report(name, text)[0]["findings"]}
        able = [(what, ids, change(text)) for what, ids, change in MUTATIONS]
        able = [m for m in able if m[2] is not None and m[2] != text]
        check(len(able) >= PER_SAMPLE, f"{name}: only {len(able)} mutations fit")
        for i, m in enumerate(able if everything else chosen.sample(able, min(PER_SAMPLE, len(able)))):
            jobs.append((name, f"{i}-{name}", m, before))

    def one(job):
        name, path, (what, ids, text), before = job
        found = {f["id"] for f in lint.report(path, text)[0]["findings"]}
        return name, what, bool((found - before) & ids), sorted(found - before)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, jobs))
    caught = sum(r[2] for r in results)
    for name, what, ok, found in results:
        if not ok:
            print(f"  missed: {name}: {what} (found {found})")
    share = caught / len(results)
    print(f"mutations caught: {caught}/{len(results)} = {share:.1%} (floor {FLOOR:.0%})")
    check(share >= FLOOR, f"only {share:.1%} of the mutations were caught")


def recipe(lint, path):
    text = open(path).read()
    report, code = lint.report("recipe.sh", text)
    found = {f["id"] for f in report["findings"]}
    check(RECIPE_IDS <= found and code == 1, f"recipe: missing {RECIPE_IDS - found}")
    for f in report["findings"]:
        check(f["evidence"] and f["evidence"][0]["line"] > 0, f"recipe: {f['id']} has no place")
    question = next(f for f in report["findings"] if f["id"] == "ib-disabled")
    check(question["confidence"] == "possible" and question["needs"], "NCCL_IB_DISABLE must be a question")
    certain, _ = lint.report("recipe.sh", text, "--network", "roce")
    check(next(f for f in certain["findings"] if f["id"] == "ib-disabled")["confidence"] == "certain", "on RoCE it is certain")
    ethernet, _ = lint.report("recipe.sh", text, "--network", "ethernet")
    check("ib-disabled" not in {f["id"] for f in ethernet["findings"]}, "on Ethernet it is right")
    fixed = lint.run("recipe.sh", text, "--fix").stdout.decode()
    after, code = lint.report("fixed.sh", fixed)
    check(after["findings"] == [] and code == 0, f"fixed recipe: {[f['id'] for f in after['findings']]}")
    check(subprocess.run(["bash", "-n"], input=fixed.encode()).returncode == 0, "bash refuses the fixed recipe")
    check("HF_HUB_OFFLINE=1" in fixed and "--max-model-len 8192" in fixed, "the fix lost something")
    check(lint.run("recipe.sh", fixed, "--fix").stdout.decode() == fixed, "fixing again changes something")


def fix_writes_only_when_asked(lint):
    text = "export NCCL_DEBUG=INFO\nvllm serve m --tensor-parallel-size 2\n"
    lint.run("w.sh", text, "--fix")
    path = os.path.join(lint.work, "w.sh")
    check(open(path).read() == text, "--fix wrote the file")
    done = lint.run("w.sh", text, "--fix", "--write")
    check("NCCL_DEBUG=WARN" in open(path).read() and done.returncode == 0, "--write did not write")
    check(not os.path.exists(path + ".rankdx-new"), "a temporary file is left")


def fixes_of_mutations(lint, good):
    """A fix never makes a launch worse, and never breaks its syntax."""
    chosen = random.Random(7)
    for name, text in chosen.sample(sorted(good.items()), 20):
        what, _, change = chosen.choice(MUTATIONS)
        broken = change(text) or text
        before = len(lint.report("f-" + name, broken)[0]["findings"])
        fixed = lint.run("f-" + name, broken, "--fix").stdout
        report, _ = lint.report("g-" + name, fixed)
        check(len(report["findings"]) <= before, f"{name}: {what}: {before} findings became {len(report['findings'])}")
        ids = {f["id"] for f in report["findings"]}
        check("yaml-syntax" not in ids, f"{name}: {what}: the fix broke the file")


def generated_launches(lint):
    """What rankdx launch generate writes has no error and no warning."""
    count = 0
    for launcher in ("lws", "runai", "kuberay", "docker", "compose", "slurm", "ssh"):
        for profile in ("debug", "production"):
            for vllm, nodes, gpus in (("0.17.0", 2, 4), ("0.11.0", 2, 8), ("0.20.0", 4, 8)):
                out = os.path.join(lint.work, f"gen-{launcher}-{profile}-{vllm}")
                command = [lint.binary, "launch", "generate", "--for", launcher, "--model", "org/model", "--nodes", str(nodes),
                           "--gpus", str(gpus), "--tp", str(gpus), "--pp", str(nodes), "--vllm", vllm,
                           "--image", f"vllm/vllm-openai:v{vllm}", "--network", "ethernet", "--profile", profile, "-o", out]
                if launcher in ("docker", "compose", "ssh"):
                    command += ["--hosts", ",".join(f"10.0.0.{i + 1}" for i in range(nodes))]
                made = subprocess.run(command, capture_output=True)
                check(made.returncode == 0, f"generate {launcher} {profile} {vllm}: {made.stderr[:300]!r}")
                for name in sorted(os.listdir(out)) if made.returncode == 0 else []:
                    text = open(os.path.join(out, name)).read()
                    report, code = lint.report(name, text, "--purpose", profile)
                    bad = [(f["id"], f["cause"]) for f in report["findings"] if f["severity"] != "info"]
                    check(not bad and code == 0, f"{launcher} {profile} {vllm} {name}: exit {code}, {bad}")
                    count += 1
    print(f"generated files without a warning: {count}")


def hostile(lint):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)) + "kind: Pod\n"
    cases = {
        "bomb.yaml": (bomb, "yaml-alias-bomb"),
        "self.yaml": ("kind: &a [*a]\n", "yaml-"),
        "deep.yaml": ("kind: Pod\na: " + "[" * 5000 + "]" * 5000 + "\n", "yaml-too-deep"),
        "deep-block.yaml": ("kind: Pod\n" + "".join(" " * i + "a:\n" for i in range(3000)), "yaml-too-deep"),
        "twice.yaml": ("kind: Pod\nkind: Pod\n", "yaml-duplicate-key"),
        "tab.yaml": ("kind: Pod\nspec:\n\tcontainers: []\n", "yaml-tab"),
        "nul.yaml": (b"kind: Pod\0\nspec: {}\n", "not-text"),
        "binary.sh": (bytes(range(256)) * 40, "not-text"),
        "helm.yaml": ("kind: Pod\nspec:\n  {{- if .Values.x }}\n  a: b\n  {{- end }}\n", "helm-template"),
        "quote.sh": ("vllm serve m \"--port 8000\n" * 3, "shell-unterminated"),
        "dollars.sh": ("vllm serve " + "$(" * 5000 + "\n", "shell-unterminated"),
    }
    for name, (text, rule) in cases.items():
        started = time.monotonic()
        report, code = lint.report(name, text)
        ids = [f["id"] for f in report["findings"]]
        check(any(i.startswith(rule) for i in ids) and code in (1, 3), f"{name}: {ids}, exit {code}")
        check(time.monotonic() - started < 5, f"{name}: too slow")
        shown = lint.run(name, text).stdout
        check(not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", shown), f"{name}: control characters reach the terminal")
    empty, code = lint.report("empty.sh", "")
    check(code == 3 and empty["verdict"] == "unknown", "an empty file is not ok")


def secrets_stay_hidden(lint):
    token = "hf_QWERTYuiopasdfghjklzxcvbnm12345"
    text = f"export HF_TOKEN={token}\nvllm serve m --api-key {token}\n"
    for form in ("text", "json", "markdown", "sarif"):
        shown = lint.run("secret.sh", text, "-o", form).stdout.decode()
        check(token not in shown and "secret-in-plain-text" in shown, f"-o {form} shows the secret")


def sarif(lint, path):
    out = json.loads(lint.run("recipe.sh", open(path).read(), "-o", "sarif").stdout)
    results = out["runs"][0]["results"]
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    check(out["version"] == "2.1.0" and len(results) >= 10 and region["startLine"] and region["startColumn"], "SARIF")


def large(lint, limit_s):
    doc = samples()["lws-args.yaml"]
    text = (doc + "---\n") * (5_000_000 // (len(doc) + 4) + 1)
    path = os.path.join(lint.work, "large.yaml")
    open(path, "w").write(text)
    walls, cpus = [], []
    for _ in range(3):
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([lint.binary, "launch", "lint", path, "-o", "json"], capture_output=True, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(time.monotonic() - started)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    check(done.returncode == 0, f"large file: exit {done.returncode}")
    print(f"{len(text) / 1e6:.1f} MB of YAML in {min(walls):.2f} s, {min(cpus):.2f} s of CPU time")
    # CPU time: other tests may run beside this one.
    check(min(cpus) < limit_s, f"{min(cpus):.2f} s of CPU time for 5 MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--all", action="store_true", help="every mutation that fits")
    parser.add_argument("--large-limit", type=float, default=3.0, help="seconds of CPU time for 5 MB; 1 for a release build")
    args = parser.parse_args()
    recipe_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data/launch/bad/recipe.sh")
    with tempfile.TemporaryDirectory() as work:
        lint = Lint(args.binary, work)
        good = samples()
        right_launches(lint, good)
        mutations(lint, good, args.all)
        recipe(lint, recipe_path)
        fix_writes_only_when_asked(lint)
        fixes_of_mutations(lint, good)
        generated_launches(lint)
        hostile(lint)
        secrets_stay_hidden(lint)
        sarif(lint, recipe_path)
        large(lint, args.large_limit)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
