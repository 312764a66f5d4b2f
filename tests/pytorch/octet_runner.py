"""octet's programs, called on PyTorch's models and tensors; the shared models and images for
both."""
import json
import os
import subprocess
import tarfile
import warnings

import numpy as np
import torch

import shared_data
import support
import octet_export
from octet_export import images
from blaze import PREPROCESS as BLAZE_PREPROCESS
from blaze import TASK, Blaze
from resnet20 import LABELS, ResNet20
from resnet20 import PREPROCESS as RESNET_PREPROCESS

EMBEDDED = os.path.join(support.ROOT, "models", "cifar10_mobilenet_v2.safetensors")
CALIBRATION_IMAGES = 256
_RUN_RAW = os.path.join("tests", "octet_run_raw")  # of a build with tests


class Failed(Exception):
    """A program ended with an error; the text is what it said."""


class Output:
    """One output of a run: `values` in the author's axes, and `bytes` where a u8 tensor is behind
    it."""

    def __init__(self, info, file):
        kind = {"u8": np.uint8, "s8": np.int8, "s32": np.int32, "f32": np.float32}[info["type"]]
        self.info = info
        self.values = torch.from_numpy(np.fromfile(file, kind).reshape(info["shape"]))

    @property
    def bytes(self):
        """-> the u8 values behind a dequantized output, as int32."""
        levels = torch.round(self.values.double() / self.info["scale"]).int()
        again = np.float32(self.info["scale"]) * levels.numpy().astype(np.float32)
        assert np.array_equal(again, self.values.numpy()), "not whole steps of the output's scale"
        return levels + self.info["zero_point"]


class Octet:
    """The programs of a build folder, and a folder for their files."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self._count = 0

    @staticmethod
    def missing(build, programs=("octet", _RUN_RAW)):
        """-> '' when the build folder has the programs, else what is not there."""
        if not build:
            return "needs OCTET_BUILD, the build folder"
        absent = [name for name in programs if not os.path.exists(os.path.join(build, name))]
        return f"needs {' and '.join(absent)} in {build}" if absent else ""

    def path(self, name):
        """-> the path of a file in the folder of this run."""
        return os.path.join(self.folder, name)

    def call(self, program, *arguments):
        """-> standard output of a program of the build folder. Raises Failed."""
        done = subprocess.run([os.path.join(self.build, program), *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            command = " ".join(map(str, (program, *arguments)))
            raise Failed(f"{command}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def export(self, model, shape, name="model", **options):
        """-> the path of a model's float export."""
        path = self.path(name + ".safetensors")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            octet_export.export(model, shape, path, **options)
        return path

    def convert(self, exported, *flags, name="model"):
        """-> the path of the .octet model of a float export."""
        path = self.path(name + ".octet")
        self.call("octet", "convert", exported, "-o", path, *flags)
        return path

    def inspect(self, model):
        """-> what `octet inspect --json` says."""
        return json.loads(self.call("octet", "inspect", model, "--json"))

    def evaluate(self, model, folder, *arguments):
        """-> what `octet eval --json` says, of one thread: on a busy machine more wait for one
        another."""
        return json.loads(self.call("octet", "eval", model, folder, "--json", "--threads", 1,
                                    *arguments))

    def run(self, model, *inputs, threads=1):
        """-> the Outputs for float tensors in PyTorch's order of axes."""
        files = []
        for i, x in enumerate(inputs):
            stored = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
            files.append(self.path(f"in.{i}.bin"))
            stored.contiguous().numpy().astype("<f4").tofile(files[-1])
        self._count += 1
        prefix = self.path(f"out{self._count}")
        described = json.loads(self.call(_RUN_RAW, model, threads, *files, "-o", prefix))
        return [Output(info, f"{prefix}.{i}.bin") for i, info in enumerate(described["outputs"])]


def blaze():
    """-> (the model with its published weights, options of its export), or None without the shared
    data."""
    weights, faces = (shared_data.path("blaze", "Blaze_Final_320.pth"),
                      shared_data.path("faces", "calibrate"))
    if not weights or not faces:
        return None
    options = {"calibration": faces, "preprocess": BLAZE_PREPROCESS, "task": TASK}
    return shared_data.load(Blaze(), weights), options


def resnet20(calibration):
    """-> (the model with its published weights, options of its export), or None without the shared
    data."""
    weights = shared_data.path("cifar10", "resnet20-12fca82f.th")
    if not weights:
        return None
    options = {"calibration": calibration, "preprocess": RESNET_PREPROCESS, "labels": LABELS,
               "task": {"type": "classify"}}
    return shared_data.load(ResNet20(), weights), options


def cifar_images(archive, folder, count=None):
    """Unpacks an archive of JPEG files in folders by class, or `count` of them evenly spaced by
    name.

    -> [(path, label)], sorted by name.
    """
    with tarfile.open(archive) as tar:
        members = {m.name: m for m in tar.getmembers() if m.name.endswith(".jpg")}
        names = sorted(members)
        if count is not None and count < len(names):
            names = [names[i * len(names) // count] for i in range(count)]
        wanted = set(names)
        tar.extractall(folder, [m for name, m in members.items() if name in wanted])
    return [(os.path.join(folder, name), LABELS.index(name.split("/")[-2])) for name in names]


def top1(model, samples, preprocess, batch=250):
    """-> PyTorch's share of right first answers, in percent."""
    right = 0
    with torch.no_grad():
        for i in range(0, len(samples), batch):
            part = samples[i:i + batch]
            scores = model(torch.cat([images.load(path, preprocess) for path, _ in part]))
            right += int((scores.argmax(1) == torch.tensor([label for _, label in part])).sum())
    return 100 * right / len(samples)
