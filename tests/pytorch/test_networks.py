"""benchmarks/networks.py, with an octet that only says what it was asked."""
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import support

SCRIPT = os.path.join(support.ROOT, "benchmarks", "networks.py")
BENCH = {
    "isa": "avx2", "threads": 1, "median_ms": 2.0, "min_ms": 2.0, "macs": 300000000, "quiet": True,
    "create_ms": 12.5, "weight_bytes": 1000, "packed_bytes": 1100, "arena_bytes": 100,
    "arena_lower_bound": 100, "scratch_bytes": 10, "peak_bytes": 1210
}


class Networks(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.octet = os.path.join(self.folder, "octet")
        for name in ("blaze", "resnet18"):
            with open(os.path.join(self.folder, name + ".safetensors"), "w", encoding="utf-8"):
                pass  # exported before

    def make_octet(self, against, described):
        """An octet that was built with the engines `described`, and measures `against` those."""
        result = {**BENCH,
                  "against": [{"engine": name, "median_ms": 4.0, "ratio": 2.0} for name in against]}
        with open(self.octet, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n"
                       f"echo \"$*\" >> {self.folder}/asked\n"
                       f"case \"$*\" in *--help*) echo '{described}' ;; bench*) echo "
                       f"'{json.dumps(result)}' ;; esac\n")
        os.chmod(self.octet, 0o755)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, "--octet", self.octet, "--work", self.folder,
                               "--networks", "blaze", "resnet18", *arguments], capture_output=True,
                              text=True, check=False)

    def asked(self):
        with open(os.path.join(self.folder, "asked"), encoding="utf-8") as file:
            return file.read()

    def test_all_engines_that_there_are_in_one_table(self):
        self.make_octet(["xnnpack", "float"], "xnnpack: x float: f")
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("without onednn", result.stdout)
        self.assertIn("geometric mean of octet / xnnpack: 0.500", result.stdout)
        self.assertIn("--against xnnpack --against float", self.asked())

    def test_a_table_for_each_number_of_threads_and_instruction_set(self):
        self.make_octet([], "float: f")
        result = self.run_script("--against", "--threads", "1", "2", "--isa", "avx2", "avxvnni")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("one image"), 4)
        self.assertIn("--threads 2 --json --isa avxvnni", self.asked())

    def test_what_sessions_cost_beside_what_they_may(self):
        self.make_octet([], "float: f")
        result = self.run_script("--sessions")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("12.5", result.stdout)
        self.assertIn("1120", result.stdout)  # weights and 1.2 times the least

    def test_an_octet_that_was_not_built(self):
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("build it first", result.stderr)
        self.assertNotIn("Traceback", result.stderr)

    def test_no_python_with_torch(self):
        spec = importlib.util.spec_from_file_location("networks", SCRIPT)
        networks = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(networks)
        with mock.patch.object(networks.subprocess, "run", side_effect=FileNotFoundError), \
                contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as refused:
            networks.python_with_torch()
        self.assertIn("third_party/install_debian.sh pytorch", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
