"""python3 tools/pytorch/octet_export.py."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import torch
from PIL import Image
from torch import nn

import support
from support import Exported

_TOOL = os.path.join(support.ROOT, "tools", "pytorch", "octet_export.py")
_MODEL = """\
import torch
from torch import nn


class Network(nn.Sequential):
    def __init__(self, channels=3):
        super().__init__(nn.Conv2d(channels, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def sine():
    class Sine(nn.Module):
        def forward(self, x):
            return torch.sin(x)
    return Sine()


ready = Network().eval()
number = 3
"""


class CommandLine(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.model = self.path("network.py", _MODEL)
        self.output = self.path("out.safetensors")

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name, text=None):
        path = os.path.join(self.folder.name, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def run_tool(self, *arguments, model="Network"):
        command = [sys.executable, "-W", "ignore", _TOOL]
        if model:
            command += ["--model", f"{self.model}:{model}", "--input-shape", "1,3,8,8", "-o", self.output]
        return subprocess.run(command + list(arguments), capture_output=True, text=True, timeout=120)

    def test_help_teaches(self):
        done = self.run_tool("--help", model=None)
        self.assertEqual(done.returncode, 0)
        for word in ("--state-dict", "--calibrate", "examples", "exit status", "preprocess"):
            self.assertIn(word, done.stdout)

    def test_everything_at_once(self):
        state = {f"module.{name}": torch.full_like(t, 0.25)
                 for name, t in nn.Sequential(nn.Conv2d(3, 2, 3)).state_dict().items()}
        torch.save({"state_dict": state}, self.path("weights.pth"))
        os.mkdir(self.path("images"))
        Image.new("RGB", (9, 9), (200, 100, 50)).save(self.path("images/a.png"))
        preprocess = {"size": [8, 8], "resize": "stretch", "channels": "rgb", "mean": [0] * 3,
                      "std": [255] * 3}
        done = self.run_tool(
            "--state-dict", self.path("weights.pth"), "--calibrate", self.path("images"), "--preprocess",
            json.dumps(preprocess), "--labels", self.path("labels.txt", "cat\ndog\n"), "--task",
            self.path("task.json", '{"type": "classify"}'), "--observer", "min-max", "--keep-float", "0", "1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        exported = Exported(self.output)
        self.assertEqual(exported.keep_float, ["0", "1"])
        self.assertEqual(exported.description["labels"], ["cat", "dog"])
        self.assertEqual(exported.description["task"], {"type": "classify"})
        self.assertTrue(torch.equal(exported.tensors["0.bias"], torch.full((2,), 0.25)))
        self.assertTrue(all(exported.scale(name) for name in exported.activations))
        self.assertIn("4 nodes", done.stdout)

    def test_a_ready_object_or_a_call_is_a_model_too(self):
        for model in ("ready", "Network(3)"):
            self.assertEqual(self.run_tool(model=model).returncode, 0)

    def test_a_model_that_cannot_be_exported_is_status_1(self):
        done = self.run_tool(model="sine")
        self.assertEqual(done.returncode, 1)
        self.assertIn("octet_export: the model's own forward: the function sin cannot be exported",
                      done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertFalse(os.path.exists(self.output))

    def test_a_state_dict_of_another_model_is_told_in_short(self):
        torch.save({f"layer{i}.weight": torch.zeros(1) for i in range(200)}, self.path("other.pth"))
        done = self.run_tool("--state-dict", self.path("other.pth"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("does not fit", done.stderr)
        self.assertLess(len(done.stderr), 900)

    def test_a_wrong_command_line_is_status_2(self):
        for arguments, model, word in (
                (["--preprocess", "{size}"], "Network", "not JSON"),
                (["--observer", "best"], "Network", "best"),
                (["--state-dict", self.path("none.pth")], "Network", "none.pth"), ([], "Nothing", "Nothing"),
                ([], "number", "int"), ([], None, "required"),
                (["--input-shape", "1,x"], "Network", "--input-shape")):
            with self.subTest(word):
                done = self.run_tool(*arguments, model=model)
                self.assertEqual(done.returncode, 2)
                self.assertIn(word, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
