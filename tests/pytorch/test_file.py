"""The bytes of the file."""
import json
import os
import stat
import struct
import tempfile
import unittest
from unittest import mock

import torch
from torch import nn

from support import export, octet_export
from octet_export import safetensors
from golden_models import Stubbed, convert


class File(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "model.safetensors")

    def tearDown(self):
        self.folder.cleanup()

    def write(self):
        torch.backends.quantized.engine = "qnnpack"
        model = convert(Stubbed(nn.Conv2d(3, 5, 1)).eval(), (1, 3, 4, 4))
        octet_export.export(model, (1, 3, 4, 4), self.path)
        with open(self.path, "rb") as file:
            return file.read()

    def test_the_header_is_json_padded_with_spaces_to_8_bytes(self):
        data = self.write()
        (length,) = struct.unpack("<Q", data[:8])
        self.assertEqual(length % 8, 0)
        self.assertEqual(data[8:9], b"{")
        self.assertRegex(data[8:8 + length].decode(), r"\} *$")
        header = json.loads(data[8:8 + length])
        self.assertIsInstance(header["__metadata__"]["octet.graph"], str)

    def test_tensors_tile_the_rest_and_are_aligned_to_their_values(self):
        data = self.write()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        del header["__metadata__"]
        position = 0
        for entry in sorted(header.values(), key=lambda e: e["data_offsets"]):
            size = {"F32": 4, "I8": 1}[entry["dtype"]]
            count = 1
            for extent in entry["shape"]:
                count *= extent
            self.assertEqual(entry["data_offsets"], [position, position + count * size])
            self.assertEqual((8 + length + position) % size, 0)
            position += count * size
        self.assertEqual(8 + length + position, len(data))

    def test_tensors_are_little_endian_and_row_major(self):
        values = torch.tensor([[1.0, 2.0], [3.0, -4.5]])
        safetensors.write(self.path,
                          {"a": values.t(), "b": torch.tensor([-128, 127], dtype=torch.int8)}, {})
        with open(self.path, "rb") as file:
            data = file.read()
        self.assertEqual(data[-18:], struct.pack("<4f", 1.0, 3.0, 2.0, -4.5) + b"\x80\x7f")

    def test_scales_in_the_json_are_float32_values_with_every_digit(self):
        exported = export(nn.ReLU().eval(), calibration=[torch.randn(1, 3, 8, 8)])
        for name in exported.activations:
            scale = exported.scale(name)[0]
            self.assertEqual(scale, float(torch.tensor(scale, dtype=torch.float32)))

    def test_the_graph_says_who_wrote_it(self):
        description = export(nn.ReLU().eval()).description
        self.assertEqual((description["format"], description["layout"]), (1, "nchw"))
        self.assertIn("octet_export", description["producer"])

    def test_a_failure_leaves_the_file_that_was_there(self):
        safetensors.write(self.path, {"a": torch.zeros(2)}, {"who": "first"})
        with mock.patch("os.replace", side_effect=OSError("disk full")), self.assertRaises(OSError):
            safetensors.write(self.path, {"a": torch.ones(2)}, {"who": "second"})
        self.assertEqual(safetensors.read(self.path)[1], {"who": "first"})
        self.assertEqual(os.listdir(self.folder.name), ["model.safetensors"])

    def test_links_stay_modes_are_the_umasks_and_devices_are_written_into(self):
        def mode():
            return stat.S_IMODE(os.stat(self.path).st_mode)

        before = os.umask(0o027)
        try:
            safetensors.write(self.path, {"a": torch.zeros(2)}, {})
        finally:
            os.umask(before)
        self.assertEqual(mode(), 0o640)
        os.chmod(self.path, 0o604)
        link = os.path.join(self.folder.name, "link")
        os.symlink("model.safetensors", link)
        safetensors.write(link, {"a": torch.ones(2)}, {"who": "second"})
        self.assertTrue(os.path.islink(link))
        self.assertEqual(safetensors.read(self.path)[1], {"who": "second"})
        self.assertEqual(mode(), 0o604)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["link", "model.safetensors"])
        safetensors.write(os.devnull, {"a": torch.ones(2)}, {})
        self.assertTrue(stat.S_ISCHR(os.stat(os.devnull).st_mode))

    def test_the_same_model_gives_the_same_bytes(self):
        torch.manual_seed(0)
        model = nn.Conv2d(3, 4, 1).eval()
        x = torch.randn(1, 3, 8, 8)
        contents = []
        for _ in range(2):
            octet_export.export(model, (1, 3, 8, 8), self.path, calibration=[x])
            with open(self.path, "rb") as file:
                contents.append(file.read())
        self.assertEqual(*contents)


if __name__ == "__main__":
    unittest.main()
