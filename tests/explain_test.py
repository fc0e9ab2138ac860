#!/usr/bin/env python3
"""rankdx explain, man and completion, as a user meets them; docs/findings against the rules."""
import argparse
import filecmp
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ""
LINE = "node-a:71:90 [0] NCCL INFO Connected all rings"


def run(*args, stdin=""):
    return subprocess.run([BINARY, *args], input=stdin, capture_output=True, text=True, timeout=60)


class Explain(unittest.TestCase):
    def test_exit_codes(self):
        for args, stdin, code, err in [
            (["shm-too-small"], "", 0, ""),
            (["NCCL_DEBUG=INFO"], "", 0, ""),
            (LINE.split(), "", 0, ""),
            (["-"], LINE + "\n", 0, ""),
            (["--list", "findings"], "", 0, ""),
            (["-"], "", 2, "standard input is empty"),
            ([], "", 2, "nothing to explain"),
            (["shm-to-small"], "", 2, "did you mean shm-too-small?"),
            (["NCCL_SOCKET_IFNMAE"], "", 2, "did you mean NCCL_SOCKET_IFNAME?"),
            (["--list", "rules"], "", 2, "there is no list of rules"),
            (["--pages", "/proc/none"], "", 2, "/proc/none"),
        ]:
            with self.subTest(args=args):
                done = run("explain", *args, stdin=stdin)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(err, done.stderr)
                self.assertEqual(bool(done.stdout), code == 0)

    def test_json(self):
        for what in ["shm-too-small", "NCCL_DEBUG", "VLLM_HOST_IP", "tensor-parallel-size", "GRAPH", LINE]:
            with self.subTest(what=what):
                page = json.loads(run("explain", "-o", "json", what).stdout)
                self.assertEqual(page["schema"], "rankdx.explain/1")
        line = json.loads(run("explain", "-o", "json", LINE).stdout)
        self.assertEqual(line["prefix"]["host"], "node-a")
        self.assertEqual(line["event"]["kind"], "connected")

    def test_every_finding_of_every_command_has_a_page(self):
        """Ids of findings as the source code writes them, in every room that makes any; and the tables of words."""
        slug = r'"([a-z0-9]+(?:-[a-z0-9]+)+)"'
        forms = [r"\{\s*" + slug + r",\s*(?:rankdx::)?Layer::",      # Problem of a check
                 r"\{\s*" + slug + r",\s*(?:Severity::)?(?:kError|kWarning|kInfo|Error|Warning|Info),",  # tables: problems, lint, advice
                 r"\b(?:finding|error|each_gpu_problem)\(\s*(?:[\w.]+, )?(?:\"[^\"]*\", )?" + slug + r",",
                 r"\.id = " + slug, r"\? " + slug + r"\s*: \"", r"\? \"[a-z0-9-]+\"\s*: " + slug]
        # Words that stand where an id may stand and are none.
        no_ids = {"does-not-fit", "exclusive-process", "git-sha1", "lint-rule-unknown", "unless-stopped"}
        found = {}
        for room in ["probe", "cluster", "live", "checkpoint", "launch", "memory", "diagnose", "cli"]:
            for path in sorted((ROOT / "src" / room).rglob("*.cc")):
                if path.name.endswith("_test.cc"):
                    continue
                text = path.read_text()
                meanings = path.name == "judge_paths.cc"  # of the results of a way: id, cause, fix
                for form in [*forms, *([r"^    \{" + slug + ","] if meanings else [])]:
                    for match in re.finditer(form, text, re.M):
                        found.setdefault(match[1], path.name)
        known = {row["finding"] for row in json.loads(run("explain", "-o", "json", "--list", "findings").stdout)["list"]}
        for one in ["shm-too-small", "mesh-member-missing", "mtu-mismatch", "rank-not-responding", "safetensors-bad-offsets",
                    "flag-removed", "kv-heads-replicated", "model-load-slow", "node-lost", "tp-size-does-not-divide-experts"]:
            self.assertIn(one, found, "the search has become blind")
        self.assertGreater(len(found), 200)
        self.assertEqual({i: f for i, f in found.items() if i not in known | no_ids}, {})
        for one in sorted(found.keys() - no_ids)[::9]:
            done = run("explain", one)
            self.assertEqual((done.returncode, done.stdout.startswith(one + ":")), (0, True), one)

    def test_every_bad_sample_names_its_finding(self):
        """What a page shows as the look of a finding is explained as that finding."""
        findings = json.loads(run("explain", "-o", "json", "--list", "findings").stdout)["list"]
        self.assertGreater(len(findings), 100)
        for row in findings[::7]:
            page = json.loads(run("explain", "-o", "json", row["finding"]).stdout)
            for sample in page.get("bad", [])[:1]:
                with self.subTest(finding=row["finding"], sample=sample):
                    answer = json.loads(run("explain", "-o", "json", "-", stdin=sample + "\n").stdout)
                    rules = [r["finding"] for p in answer.get("parts", [answer]) for r in p.get("rules", [])]
                    self.assertIn(row["finding"], rules)

    def test_pages_are_up_to_date(self):
        with tempfile.TemporaryDirectory() as fresh:
            self.assertEqual(run("explain", "--pages", fresh).returncode, 0)
            kept = ROOT / "docs" / "findings"
            names = sorted(set(os.listdir(fresh)) | set(os.listdir(kept)))
            _, differ, lacking = filecmp.cmpfiles(fresh, kept, names, shallow=False)
            self.assertEqual(differ + lacking, [], "docs/findings does not fit rules/: run ./script/docs and commit")


class Manual(unittest.TestCase):
    def test_every_command_is_in_it(self):
        page = run("man").stdout
        for command in ["diagnose", "explain", "man", "completion"]:
            self.assertIn(f'.SS "rankdx {command}"', page)
        self.assertIn("\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fItext|json|markdown\\fR", page)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_roff_is_clean(self):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=run("man").stdout, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        self.assertIn("EXIT STATUS", re.sub(".\x08", "", done.stdout))


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = run("completion", "bash").stdout + """
            shift 0; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rankdx; printf '%s\\n' "${COMPREPLY[@]}" """
        env = dict(os.environ, PATH=f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env=env)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("rankdx", "exp"), ["explain"])
        self.assertIn("--version", self.complete("rankdx", "--v"))
        self.assertEqual(self.complete("rankdx", "explain", "--li"), ["--list"])
        self.assertEqual(self.complete("rankdx", "explain", "-o", ""), ["text", "json", "markdown"])
        self.assertEqual(self.complete("rankdx", "explain", "NCCL_SOCKET_IFN"), ["NCCL_SOCKET_IFNAME"])
        self.assertEqual(self.complete("rankdx", "diagnose", str(ROOT / "README.m")), [str(ROOT / "README.md")]
                         if (ROOT / "README.md").exists() else [])

    def test_unknown_shell(self):
        self.assertEqual(run("completion", "tcsh").returncode, 2)
        self.assertEqual(run("completion").returncode, 2)

    def test_other_shells_accept_theirs(self):
        for shell in ["bash", "zsh", "fish"]:
            script = run("completion", shell).stdout
            self.assertIn("explain", script)
            if shutil.which(shell):
                with self.subTest(shell=shell):
                    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest])
