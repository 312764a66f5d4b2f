"""The line that says how far an export is."""
import io
import os
import pty
import subprocess
import sys
import tempfile
import unittest

import support
from octet_export.progress import Progress

_SLOW_EXPORT = """\
import sys, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import torch
from torch import nn
import octet_export
torch.set_num_threads(1)


class Batches:
    def __len__(self):
        return 4

    def __iter__(self):
        for _ in range(4):
            time.sleep(float(sys.argv[3]))
            yield torch.randn(1, 3, 8, 8)


octet_export.export(nn.Conv2d(3, 2, 3).eval(), (1, 3, 8, 8), sys.argv[2], calibration=Batches())
"""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


class Line(unittest.TestCase):

    def run_steps(self, stream, seconds_a_step, total=10):
        self.now = 0.0
        with Progress(stream, clock=lambda: self.now) as progress:
            progress.stage("observing batches", total)
            for _ in range(10):
                self.now += seconds_a_step
                progress.advance()
        return stream.getvalue()

    def test_work_of_less_than_a_second_shows_nothing(self):
        self.assertEqual(self.run_steps(Terminal(), 0.09), "")

    def test_longer_work_shows_a_bar_that_goes_at_the_end(self):
        text = self.run_steps(Terminal(), 0.5)
        self.assertNotIn("1/10,", text)
        self.assertIn("observing batches [######........................] 2/10, 0:04 left", text)
        self.assertIn("[##############################] 10/10, 0:00 left", text)
        self.assertTrue(text.endswith("\r\033[K"))

    def test_steps_without_a_known_number_are_counted(self):
        text = self.run_steps(Terminal(), 0.5, total=None)
        self.assertIn("\robserving batches 7\033[K", text)

    def test_it_is_drawn_ten_times_a_second_at_the_most(self):
        self.assertLessEqual(self.run_steps(Terminal(), 0.12).count("\r"), 4)
        self.now = 0.0
        stream = Terminal()
        with Progress(stream, clock=lambda: self.now) as progress:
            progress.stage("observing batches")
            self.now = 2.0
            for _ in range(1000):
                progress.advance()
        self.assertEqual(stream.getvalue().count("observing"), 1)

    def test_what_is_no_terminal_gets_nothing(self):
        self.assertEqual(self.run_steps(io.StringIO(), 0.5), "")


class Export(unittest.TestCase):

    def standard_error(self, on_terminal, seconds_a_batch):
        """-> what an export of four batches writes."""
        reader, writer = pty.openpty() if on_terminal else os.pipe()
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", _SLOW_EXPORT,
                       os.path.join(support.ROOT, "tools", "pytorch"),
                       os.path.join(folder, "out.safetensors"), str(seconds_a_batch)]
            done = subprocess.run(command, stderr=writer, stdout=subprocess.PIPE, timeout=120,
                                  check=False)
            os.close(writer)
            text = b""
            try:
                while part := os.read(reader, 4096):
                    text += part
            except OSError:  # How a terminal without writers ends.
                pass
            os.close(reader)
        self.assertEqual(done.returncode, 0, text)
        self.assertEqual(done.stdout, b"")
        return text.decode()

    def test_a_long_one_says_on_a_terminal_how_far_it_is(self):
        text = self.standard_error(on_terminal=True, seconds_a_batch=0.6)
        self.assertIn("observing batches [", text)
        self.assertIn("3/4", text)
        self.assertTrue(text.endswith("\r\033[K"), repr(text))

    def test_a_long_one_says_nothing_elsewhere(self):
        self.assertEqual(self.standard_error(on_terminal=False, seconds_a_batch=0.4), "")


if __name__ == "__main__":
    unittest.main()
