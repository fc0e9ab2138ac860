#!/usr/bin/env python3
"""Every form of `rankdx diagnose`, from the built binary: JSON holds what schema/ promises, XML parses, Markdown fits an
issue, and whatever the logs hold, no output has bytes that are no UTF-8 or that steer a terminal.

  forms_test.py --binary build/dev/rankdx --work build/dev/forms
"""
import argparse
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import unittest
import xml.etree.ElementTree as xml

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORMS = ("text", "json", "markdown", "sarif", "junit", "prometheus")
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
ARGS = None

# What a log may hold; each becomes a file beside sound ones.
HOSTILE = {
    "escapes": b"node-a:71:90 [0] misc/shmutils.cc:87 NCCL WARN Error while creating shared memory segment \x1b]0;owned\x07\x1b[2J"
               b"/dev/shm/nccl-AbCdEf (size 9637888), error: No space left on device (28)\n",
    "not-utf8": b"node-a:71:90 [0] NCCL INFO NCCL_SOCKET_IFNAME set by environment to eth0\xff\xfe\xc0\xaf\xed\xa0\x80\n"
                b"node-a:71:90 [0] NCCL INFO Bootstrap : Using eth0:10.0.0.1<0>\n",
    "markup": b"node-a:71:90 [0] NCCL INFO NCCL_DEBUG set by environment to <script>alert(1)</script>|`]]>&amp;@all #1\n"
              b"<b>&host:72:90 [0] NCCL INFO NCCL_DEBUG set by environment to INFO\n",
    "turned": "node-a:71:90 [0] NCCL INFO NCCL_NET_PLUGIN set by environment to \u202egnp.exe\u2066\u200f\n".encode(),
    "zeros": b"\0" * 5000 + b"node-a:71:90 [0] NCCL INFO NCCL version 2.28.9+cuda13.0\n",
    "one-long-line": b"node-a:71:90 [0] NCCL WARN Call to connect returned Connection refused " + b"x" * 200_000,
}


def schema(name):
    return json.loads((ROOT / "schema" / f"{name}.schema.json").read_text())


def closed(node):
    """The same schema, refusing fields that it does not know: what we print must be documented, what others read need
    not be complete."""
    if isinstance(node, list):
        return [closed(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {key: value if key in ("if", "then", "allOf") else closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node["additionalProperties"] = False
    return node


def validator(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))
    return jsonschema.Draft202012Validator(closed(schema(name)))


def run(*args, **more):
    done = subprocess.run([ARGS.binary, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
                          env={**os.environ, "NO_COLOR": "", "TERM": "xterm"}, **more)
    return done


def lab_runs():
    work = ARGS.work / "lab"
    if not work.exists():
        work.mkdir(parents=True)
        with tarfile.open(ROOT / "tests/data/lab.tar.xz") as tar:
            tar.extractall(work)
    runs = sorted(p.parent for p in work.glob("*/*/combined.log"))
    return runs[::8]


def hostile_dir():
    base = ARGS.work / "hostile"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    for name, content in HOSTILE.items():
        (base / name).write_bytes(content)
    with open(os.fsencode(base) + b"/na\x1bme\xff\n.log", "wb") as odd:
        odd.write(HOSTILE["escapes"])
    (base / "broken.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0garbage")
    return base


class Json(unittest.TestCase):
    def test_real_runs(self):
        check = validator("diagnosis")
        verdicts = set()
        for path in [ROOT / "tests/data/demo", *lab_runs()]:
            for extra in ([], ["--redact"]):
                answer = json.loads(run("diagnose", "-o", "json", *extra, str(path)).stdout)
                verdicts.add(answer["verdict"])
                errors = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in check.iter_errors(answer)]
                self.assertEqual(errors, [], path)
        self.assertLessEqual({"healthy", "failed"}, verdicts)

    def test_hostile_input(self):
        base = hostile_dir()
        out = run("diagnose", "-o", "json", str(base), str(base / "absent.log")).stdout
        answer = json.loads(out.decode("utf-8", "strict"))
        self.assertEqual([e.message for e in validator("diagnosis").iter_errors(answer)], [])
        self.assertIn("absent.log", json.dumps(answer["input"]["left_out"]))

    def test_schema_refuses(self):
        answer = json.loads(run("diagnose", "-o", "json", str(ROOT / "tests/data/demo")).stdout)
        check = validator("diagnosis")
        self.assertTrue(check.is_valid(answer))
        spoils = {
            "no verdict": lambda a: a.pop("verdict"),
            "unknown verdict": lambda a: a.update(verdict="bad"),
            "failed without a cause": lambda a: a["findings"].clear(),
            "a note leads": lambda a: a["findings"][0].update(role="note"),
            "healthy with an error": lambda a: a.update(verdict="healthy"),
            "rank as text": lambda a: a["findings"][0]["where"][0].update(rank="0"),
            "unknown stage": lambda a: a["job"]["communicators"][0]["ranks"][0].update(stage="lost"),
            "host left out": lambda a: a["job"]["communicators"][0]["ranks"][0].pop("host"),
            "a field that nobody documented": lambda a: a["input"].update(words=1),
        }
        for name, spoil in spoils.items():
            spoiled = copy.deepcopy(answer)
            spoil(spoiled)
            self.assertFalse(check.is_valid(spoiled), name)

    def test_one_finding_everywhere(self):
        first, *others = [schema(name)["$defs"] for name in ("diagnosis", "check", "fit")]
        for part in ("where", "evidence", "fix", "finding"):
            for other in others:
                self.assertEqual(first[part], other[part])

    def test_checks_and_fit(self):
        check = {"schema": "rankdx.check/1", "verdict": "ok", "summary": "2 files", "findings": [],
                 "checks": [{"id": "safetensors-headers", "status": "ok", "value": "59 files", "why": None, "source": None}]}
        fit = {"schema": "rankdx.fit/1", "verdict": "fits", "summary": "It fits.", "findings": [],
               "per_rank": {"weights_gib": 14.99, "kv_cache_gib": 19.37, "activations_gib": None, "other_gib": 0.6,
                            "kv_bytes_per_token": 131072, "kv_tokens": 158656, "kv_blocks": 9916},
               "largest_max_model_len": 131072, "max_concurrency": 4.84, "smallest_parallelism": {"tp": 1, "pp": 1},
               "flags": ["--max-model-len 32768"],
               "basis": [{"number": "weights_gib", "how": "sum of tensor headers", "error": "0 %"}]}
        for name, good, path, bad in (("check", check, ("checks", 0, "status"), "unknown"),  # unknown needs a why
                                      ("check", check, ("verdict",), "fits"), ("fit", fit, ("per_rank", "kv_tokens"), 1.5),
                                      ("fit", fit, ("smallest_parallelism", "tp"), 0)):
            self.assertTrue(validator(name).is_valid(good), name)
            spoiled = copy.deepcopy(good)
            *way, last = path
            at = spoiled
            for step in way:
                at = at[step]
            at[last] = bad
            self.assertFalse(validator(name).is_valid(spoiled), path)


    def test_real_checks(self):
        check = validator("check")
        for command in (["check", "pod"], ["check", "host"], ["ras", "127.0.0.1:1", "--timeout", "2"]):
            done = run(*command, "-o", "json")
            answer = json.loads(done.stdout)
            self.assertEqual([f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in check.iter_errors(answer)], [], command)
            self.assertEqual(done.returncode, {"ok": 0, "warning": 0, "failed": 1, "unknown": 3}[answer["verdict"]], command)
            text = run(*command).stdout.decode("utf-8", "strict")
            self.assertTrue(text.startswith(answer["verdict"].upper()), text[:200])


class Forms(unittest.TestCase):
    def test_nothing_steers_a_terminal(self):
        base = hostile_dir()
        for form in FORMS:
            for extra in ([], ["--verbose"], ["--redact"]):
                done = run("diagnose", "-o", form, *extra, str(base))
                text = done.stdout.decode("utf-8", "strict")
                self.assertTrue(text.strip(), (form, done.stderr))
                self.assertEqual(STEERS.findall(text), [], form)
                self.assertEqual(STEERS.findall(done.stderr.decode("utf-8", "strict")), [], form)
                if form == "markdown":  # what stands in a block of code is shown as it is
                    self.assertNotIn("<script>", re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text))

    def test_machines_can_read_them(self):
        for path in (ROOT / "tests/data/demo", hostile_dir()):
            suite = xml.fromstring(run("diagnose", "-o", "junit", str(path)).stdout)
            self.assertEqual(int(suite.get("tests")), len(suite.findall(".//testcase")))
            self.assertEqual(int(suite.get("failures")), len(suite.findall(".//failure")))
            sarif = json.loads(run("diagnose", "-o", "sarif", str(path)).stdout)
            rules = {r["id"] for r in sarif["runs"][0]["tool"]["driver"]["rules"]}
            for result in sarif["runs"][0]["results"]:
                self.assertIn(result["ruleId"], rules)
                for place in result["locations"]:
                    self.assertRegex(place["physicalLocation"]["artifactLocation"]["uri"], r"^[!-~]+$")
            lines = run("diagnose", "-o", "prometheus", str(path)).stdout.decode().splitlines()
            series = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
            self.assertEqual(len(series), len(set(series)))
            for line in lines:
                self.assertRegex(line, r'^(# (HELP|TYPE) .*|[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [0-9.]+)$')

    def test_markdown_fits_an_issue(self):
        for path in [ROOT / "tests/data/demo", hostile_dir(), ARGS.work / "lab"]:
            self.assertLess(len(run("diagnose", "-o", "markdown", str(path)).stdout.decode()), 60_000)

    def test_redacted_names_are_gone(self):
        for form in FORMS:
            out = run("diagnose", "-o", form, "--redact", "--verbose", str(ROOT / "tests/data/demo")).stdout.decode()
            for name in ("gpu-worker-01", "gpu-worker-02", "10.244."):
                self.assertNotIn(name, out, form)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    ARGS, rest = parser.parse_known_args()
    lab_runs()
    unittest.main(argv=[__file__, *rest], verbosity=1)
