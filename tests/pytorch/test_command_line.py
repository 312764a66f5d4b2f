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
        super().__init__(nn.Conv2d(channels, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten())


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
            command += ["--model", f"{self.model}:{model}", "--input-shape", "1,3,8,8", "-o",
                        self.output]
        return subprocess.run(command + list(arguments), capture_output=True, text=True,
                              timeout=120)

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
        done = self.run_tool("--state-dict", self.path("weights.pth"), "--calibrate",
                             self.path("images"), "--preprocess", json.dumps(preprocess),
                             "--labels", self.path("labels.txt", "cat\ndog\n"), "--task",
                             self.path("task.json", '{"type": "classify"}'), "--observer",
                             "min-max", "--keep-float", "0", "1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        exported = Exported(self.output)
        self.assertEqual(exported.keep_float, ["0", "1"])
        self.assertEqual(exported.description["labels"], ["cat", "dog"])
        self.assertEqual(exported.description["task"], {"type": "classify"})
        self.assertTrue(torch.equal(exported.tensors["0.bias"], torch.full((2,), 0.25)))
        self.assertTrue(all(exported.scale(name) for name in exported.activations))
        self.assertIn("4 nodes", done.stdout)

    def test_presets_and_classify_are_names(self):
        done = self.run_tool("--preprocess", "imagenet-torch", "--task", "classify", "--labels",
                             self.path("labels.txt", "\ufeffcat\r\n\r\n\ndog\r\n"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        description = Exported(self.output).description
        self.assertEqual(description["preprocess"],
                         {"size": [8, 8], "resize": "crop", "channels": "rgb",
                          "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]})
        self.assertEqual((description["task"], description["labels"]),
                         ({"type": "classify"}, ["cat", "dog"]))

    def test_what_is_no_file_is_no_reason_to_wait(self):
        os.mkfifo(self.path("pipe"))
        os.symlink("circle", self.path("circle"))
        os.mkdir(self.path("images"))
        os.mkfifo(self.path("images/a.png"))
        for option, value in (("--labels", "pipe"), ("--labels", "circle"), ("--labels", "images"),
                              ("--state-dict", "pipe"), ("--preprocess", "pipe"),
                              ("--task", "circle")):
            with self.subTest(option=option, value=value):
                done = self.run_tool(option, self.path(value))
                self.assertIn(done.returncode, (1, 2))
                self.assertIn("octet_export: ", done.stderr)
                self.assertNotIn("Traceback", done.stderr)
        done = self.run_tool("--labels", "/dev/zero")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "octet_export: /dev/zero: not a file\n"))
        done = self.run_tool("--calibrate", self.path("images"), "--preprocess", "zero-one")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a file", done.stderr)

    def test_means_of_0_to_1_are_asked_about(self):
        done = self.run_tool("--preprocess", json.dumps({"resize": "crop", "channels": "rgb",
                                                         "mean": [0.485, 0.456, 0.406],
                                                         "std": [0.229, 0.224, 0.225]}))
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean [123.675, 116.28, 103.53] and [58.395, 57.12, "
                      "57.375]?", done.stderr)

    def test_means_and_deviations_of_different_pixels_are_asked_about(self):
        for mean, std in (([0.485, 0.456, 0.406], [58.395, 57.12, 57.375]),
                          ([123.675, 116.28, 103.53], [0.229, 0.224, 0.225])):
            done = self.run_tool("--preprocess", json.dumps({"resize": "crop", "channels": "rgb",
                                                             "mean": mean, "std": std}))
            self.assertEqual(done.returncode, 1)
            self.assertIn("do not go together", done.stderr)
            self.assertIn("did you mean [123.675, 116.28, 103.53] and [58.395, 57.12, "
                          "57.375]?", done.stderr)

    def test_no_input_is_written_over(self):
        os.mkdir(self.path("images"))
        Image.new("RGB", (9, 9), (200, 100, 50)).save(self.path("images/a.png"))
        torch.save(nn.Sequential(nn.Conv2d(3, 2, 3)).state_dict(), self.path("weights.pth"))
        arguments = ["--state-dict", self.path("weights.pth"), "--calibrate", self.path("images"),
                     "--labels", self.path("labels.txt", "cat\ndog\n"), "--task",
                     self.path("task.json", '{"type": "classify"}'), "--preprocess",
                     self.path("preprocess.json",
                               json.dumps({"resize": "stretch", "channels": "rgb", "mean": [0] * 3,
                                           "std": [255] * 3}))]
        read = [self.model] + [self.path(name) for name in (
            "weights.pth", "images/a.png", "labels.txt", "task.json", "preprocess.json")]
        for path in read:
            with open(path, "rb") as file:
                before = file.read()
            for link in (None, os.link, os.symlink):
                self.output = self.path("link") if link else path
                if link:
                    link(path, self.output)
                with self.subTest(path=path, link=link):
                    done = self.run_tool(*arguments, "--force")
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn("this is the file that is read", done.stderr)
                    with open(path, "rb") as file:
                        self.assertEqual(file.read(), before)
                if link:
                    os.unlink(self.output)

    def test_an_existing_file_of_another_kind_needs_force(self):
        self.output = self.path("notes.txt", "a user's notes")
        done = self.run_tool()
        self.assertEqual(done.returncode, 1)
        self.assertIn("--force", done.stderr)
        with open(self.output, encoding="utf-8") as file:
            self.assertEqual(file.read(), "a user's notes")
        self.assertEqual(self.run_tool("--force").returncode, 0)
        self.assertEqual(self.run_tool().returncode, 0)

    def test_damaged_images_are_left_out_up_to_a_share(self):
        os.mkdir(self.path("images"))
        for i in range(3):
            Image.new("RGB", (9, 9), (200, 100, 50 * i)).save(self.path(f"images/{i}.png"))
        self.path("images/bad.jpg", "no picture")
        arguments = ["--calibrate", self.path("images"), "--preprocess", "zero-one"]
        done = self.run_tool(*arguments)
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 of 4 images cannot be read (25 %)", done.stderr)
        self.assertIn("--max-bad 25", done.stderr)
        self.assertFalse(os.path.exists(self.output))
        self.assertEqual(self.run_tool(*arguments, "--max-bad", "25").returncode, 0)

    def test_exif_turns_images_unless_it_must_not(self):
        os.mkdir(self.path("images"))
        picture = Image.new("RGB", (8, 8))
        picture.putpixel((0, 0), (255, 255, 255))
        tags = Image.Exif()
        tags[0x0112] = 3
        picture.save(self.path("images/a.png"), exif=tags.tobytes())
        arguments = ["--calibrate", self.path("images"), "--preprocess", "zero-one", "--observer",
                     "min-max"]
        model = "nn.Sequential(nn.Conv2d(3, 1, 8), nn.Flatten())"
        scales = []
        self.path("network.py", _MODEL + "torch.manual_seed(3)\n")
        for more in ([], ["--no-exif-rotate"]):
            self.assertEqual(self.run_tool(*arguments, *more, model=model).returncode, 0)
            exported = Exported(self.output)
            scales.append([exported.scale(name) for name in exported.activations])
        self.assertNotEqual(scales[0], scales[1])

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
                (["--state-dict", self.path("none.pth")], "Network", "none.pth"),
                ([], "Nothing", "Nothing"), ([], "number", "int"), ([], None, "required"),
                (["--input-shape", "1,x"], "Network", "--input-shape")):
            with self.subTest(word):
                done = self.run_tool(*arguments, model=model)
                self.assertEqual(done.returncode, 2)
                self.assertIn(word, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
