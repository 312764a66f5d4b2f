"""What the tests of the exporter share."""
import json
import os
import sys
import tempfile
import unittest
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
for _folder in (HERE, os.path.join(ROOT, "tools", "pytorch")):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

import octet_export  # noqa: E402
from octet_export import safetensors  # noqa: E402

torch.set_num_threads(1)


class Exported:
    """A float export, read back: `tensors` (parameters) and the fields of octet.graph."""

    def __init__(self, path):
        self.tensors, metadata = safetensors.read(path)
        self.description = json.loads(metadata["octet.graph"])
        self.nodes = {node["name"]: node for node in self.description["nodes"]}
        self.activations = self.description["tensors"]
        self.inputs, self.outputs = self.description["inputs"], self.description["outputs"]
        self.keep_float = self.description["keep_float"]

    @property
    def ops(self):
        """The operators, in order."""
        return [node["op"] for node in self.description["nodes"]]

    def node(self, op):
        """-> the only node with this operator."""
        (found,) = [node for node in self.description["nodes"] if node["op"] == op]
        return found

    def scale(self, name):
        """-> (scale, zero point) of an activation, or None."""
        entry = self.activations[name]
        return (entry["scale"], entry["zero_point"]) if "scale" in entry else None


def export(model, shape=(1, 3, 8, 8), **options):
    """-> the Exported of a model, calibrated on one random batch unless it has scales of its
    own."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = os.path.join(folder, "model.safetensors")
        octet_export.export(model, shape, path, **options)
        return Exported(path)


class ExportTest(unittest.TestCase):
    """A test with a check that an export is refused with a message that says why."""

    def setUp(self):
        torch.manual_seed(7)
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")

    def refused(self, model, *words, shape=(1, 3, 8, 8), **options):
        """Checks that the export raises an ExportError whose message has all the words."""
        with self.assertRaises(octet_export.ExportError) as caught:
            export(model, shape, **options)
        for word in words:
            self.assertIn(word, str(caught.exception))
