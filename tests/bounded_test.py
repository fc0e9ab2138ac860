#!/usr/bin/env python3
"""Whatever comes in on standard input, memory stays bounded and the report says which limits were met.

  bounded_test.py --binary build/dev/rankdx

Peak memory is that of the process, measured by the kernel; sizes are so chosen that keeping the input would exceed it.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARGS = None


def diagnose(kind, size):
    """The report's sources and the peak memory in MB."""
    maker = subprocess.Popen([sys.executable, "-B", ROOT / "bench" / "hostile.py", kind, size], stdout=subprocess.PIPE)
    child = subprocess.Popen([ARGS.binary, "diagnose", "-o", "json", "--threads", "2", "-"], stdin=maker.stdout,
                             stdout=subprocess.PIPE)
    maker.stdout.close()
    text = child.stdout.read()
    child.stdout.close()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    maker.wait()
    return json.loads(text), usage.ru_maxrss / 1024


class Bounded(unittest.TestCase):
    def check(self, kind, size, most_mb):
        report, peak_mb = diagnose(kind, size)
        self.assertLess(peak_mb, most_mb)
        return report["input"]["beyond_limits"]

    def test_a_line_without_an_end(self):
        self.assertEqual(self.check("long-line", "320M", 150)["long_lines"], 1)

    def test_hosts_without_number(self):
        self.assertGreater(self.check("hosts", "4M", 300)["process_lines"], 0)

    def test_warnings_without_end(self):
        self.assertGreater(self.check("warnings", "20M", 150)["kept_lines"], 0)

    def test_a_stream_that_goes_on(self):
        self.check("stream", "160M", 150)


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    ARGS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
