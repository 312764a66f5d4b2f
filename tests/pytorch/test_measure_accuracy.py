"""measure_accuracy.py, and how it calls octet."""
import os
import subprocess
import sys
import tempfile
import unittest

import octet_runner
import support


class MeasureAccuracy(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def program(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def measure(self):
        """-> what the script says of a build folder, without images."""
        script = os.path.join(support.HERE, "measure_accuracy.py")
        return subprocess.run([sys.executable, "-W", "ignore", script, "--build", self.folder,
                               "--data", self.folder],
                              capture_output=True, text=True, timeout=120, check=False).stderr

    def test_a_build_without_tests_is_enough(self):
        self.assertIn("needs octet in", self.measure())
        self.program("octet", "")
        self.assertIn(f"no cifar10/test.tgz in {self.folder} (OCTET_SHARED_DATA", self.measure())

    def test_octet_evaluates_on_one_thread(self):
        self.program("octet", "#!/bin/sh\necho \"[\\\"$*\\\"]\"\n")
        (called,) = octet_runner.Octet(self.folder, self.folder).evaluate(
            "model", "images", "--limit", 3)
        self.assertEqual(called, "eval model images --json --threads 1 --limit 3")


if __name__ == "__main__":
    unittest.main()
