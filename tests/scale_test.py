#!/usr/bin/env python3
"""One answer whatever the way: facts of parts merged in any order, GNU parallel, standard input. And what could not be
read stays known.

  scale_test.py --binary build/dev/rankdx --fleet build/dev/bench/fleet/fleet
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

BINARY = FLEET = None


def rankdx(*args, **more):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, timeout=120, **more)


def answer(*paths):
    done = rankdx("diagnose", "-o", "json", *paths)
    if done.returncode == 2:
        raise AssertionError(done.stderr.decode())
    return done.stdout


class Scale(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = pathlib.Path(tmp.name)
        self.logs = self.dir / "logs"
        subprocess.run([FLEET, "--ranks", "64", "--fault", "missing-rank:13", "--fault", "wrong-interface:0", "-o", self.logs],
                       check=True, capture_output=True, timeout=60)
        self.files = sorted(self.logs.iterdir())

    def scan(self, name, *paths):
        facts = self.dir / name
        done = rankdx("scan", *paths, "-o", facts)
        self.assertEqual(done.returncode, 0, done.stderr)
        return facts

    def test_parts_in_any_order_and_grouping_give_the_whole(self):
        whole = answer(self.logs)
        bytes_of_whole = self.scan("whole", self.logs).read_bytes()
        dice = random.Random(5)
        for turn in range(3):
            files = self.files[:]
            dice.shuffle(files)
            cuts = sorted(dice.sample(range(1, len(files)), 4))
            groups = [files[a:b] for a, b in zip([0, *cuts], [*cuts, None])]
            parts = [self.scan(f"{turn}-{i}", *group) for i, group in enumerate(groups)]
            # A part twice, two merged first, and a log among the facts.
            rankdx("merge", parts[3], parts[1], "-o", self.dir / f"{turn}-m")
            self.assertEqual(answer(parts[0], self.dir / f"{turn}-m", parts[2], parts[3], *groups[4]), whole)
            rankdx("merge", *dice.sample(parts, len(parts)), parts[0], "-o", self.dir / f"{turn}-all")
            self.assertEqual((self.dir / f"{turn}-all").read_bytes(), bytes_of_whole)

    def test_facts_are_small_and_take_any_pipe(self):
        facts = self.scan("facts", self.logs)
        self.assertLess(facts.stat().st_size, 5000 * len(self.files))
        piped = rankdx("diagnose", "-o", "json", "-", input=rankdx("scan", self.logs, "-o", "-").stdout)
        self.assertEqual(piped.stdout, answer(self.logs))

    def test_what_could_not_be_read_is_known_to_the_end(self):
        logs = self.dir / "alone"
        subprocess.run([FLEET, "--ranks", "32", "--fault", "missing-rank:13", "-o", logs], check=True, capture_output=True)
        files = sorted(logs.iterdir())
        broken = self.dir / "broken.log.gz"
        broken.write_bytes(b"\x1f\x8b\x08\x00" + b"x" * 40)
        facts = self.dir / "facts"
        self.assertEqual(rankdx("scan", *files, broken, "-o", facts).returncode, 2)
        rankdx("merge", facts, facts, "-o", self.dir / "merged")
        found = json.loads(answer(self.dir / "merged"))
        self.assertEqual([e["source"] for e in found["input"]["left_out"]], [str(broken)])
        whole = json.loads(rankdx("diagnose", "-o", "json", *files, broken).stdout)
        self.assertEqual(found, whole)
        missing = [f for f in found["findings"] if f["id"] == "rank-never-arrived"]
        self.assertEqual({f["confidence"] for f in missing}, {"possible"})

    def test_logs_are_no_facts(self):
        done = rankdx("merge", self.files[0], "-o", self.dir / "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"merge reads facts files", done.stderr)

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_gnu_parallel(self):
        facts = self.dir / "facts"
        facts.mkdir()
        env = dict(os.environ, HOME=str(self.dir), RANKDX=BINARY, FACTS=str(facts))
        script = 'ls "$1"/* | parallel --will-cite -N 8 "$RANKDX" scan {} -o "$FACTS"/{#}.rdxf && "$RANKDX" diagnose -o json "$FACTS"/*.rdxf'
        done = subprocess.run(["bash", "-c", script, "x", str(self.logs)], env=env, capture_output=True, timeout=120)
        self.assertEqual(done.stdout, answer(self.logs), done.stderr)

    def test_the_functions_of_the_page(self):
        """docs/scale.md: scan and merge for engines that have a map."""
        page = (pathlib.Path(__file__).resolve().parent.parent / "docs" / "scale.md").read_text()
        names = {}
        exec(page.split("```python\n")[1].split("```")[0], names)  # our own page
        os.symlink(os.path.abspath(BINARY), self.dir / "rankdx")
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{self.dir}:{before}"
        try:
            batches = [self.files[i::3] for i in range(3)]
            job = names["merge"](list(map(names["scan"], batches)))
        finally:
            os.environ["PATH"] = before
        self.assertEqual(rankdx("diagnose", "-o", "json", "-", input=job).stdout, answer(self.logs))

    def test_lines_of_a_query(self):
        """As Loki's or ClickHouse's clients give them: all ranks in one stream, by time."""
        streams = [f.read_text().splitlines(keepends=True) for f in self.files]
        mixed = "".join(s[i] for i in range(max(map(len, streams))) for s in streams if i < len(s))
        done = rankdx("diagnose", "-o", "json", "-", input=mixed.encode())
        lead = json.loads(done.stdout)["findings"][0]
        self.assertEqual(lead["id"], "unreachable-interface-selected")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fleet", required=True)
    options, rest = parser.parse_known_args()
    BINARY, FLEET = options.binary, options.fleet
    unittest.main(argv=[sys.argv[0], *rest])
