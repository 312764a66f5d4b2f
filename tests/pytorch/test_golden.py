"""The golden vectors: what they say holds for the graph that their float export carries."""
import json
import os
import re
import unittest

import numpy as np
import torch

import golden_models
import support
from octet_export import interpret, safetensors

FOLDER = os.path.join(os.path.dirname(support.HERE), "golden")


def load(name):
    """-> (tensors, graph) of a golden float export."""
    tensors, metadata = safetensors.read(os.path.join(FOLDER, f"{name}.safetensors"))
    return tensors, json.loads(metadata["octet.graph"])


def arguments_of(node, values, tensors, scales):
    """-> a node's inputs as float64; weights become real, a bias is rounded to levels of the
    accumulator."""
    found = [values[name] if name in values else tensors[name].double() for name in node["inputs"]]
    weights = node.get("weight_quantization")
    if weights:
        scale = torch.tensor(weights["scale"], dtype=torch.float64)
        found[1] = found[1] * scale.view([-1] + [1] * (found[1].dim() - 1))
        if len(found) == 3:
            product = scale * scales[node["inputs"][0]]["scale"]
            found[2] = torch.round(found[2] / product) * product
    return found


def run_quantized(tensors, description, x):
    """-> the output's bytes if it has a scale, else its real values; float64, rounded at every
    scale."""
    scales = description["tensors"]
    values = {description["inputs"][0]: x.double()}
    shown = {}
    for node in description["nodes"]:
        results = interpret.run_node(node["op"], arguments_of(node, values, tensors, scales),
                                     node["attributes"])
        for output, result in zip(node["outputs"], results):
            values[output] = shown[output] = result
            if "scale" in scales[output] and node["op"] != "dequantize":
                scale, zero_point = scales[output]["scale"], scales[output]["zero_point"]
                shown[output] = (torch.round(result / scale) + zero_point).clamp(0, 255)
                values[output] = (shown[output] - zero_point) * scale
    return shown[description["outputs"][0]]


class GoldenVectors(unittest.TestCase):

    def setUp(self):
        with open(os.path.join(FOLDER, "golden.json"), encoding="utf-8") as file:
            self.index = json.load(file)

    def output(self, entry):
        kind = {"u8": np.uint8, "f32": np.float32, "s32": np.int32}[entry["output_type"]]
        values = np.fromfile(os.path.join(FOLDER, f"{entry['name']}.output.bin"), kind)
        return torch.from_numpy(values.reshape(entry["output_shape"]))

    def input(self, entry):
        values = np.fromfile(os.path.join(FOLDER, f"{entry['name']}.input.bin"), np.float32)
        return torch.from_numpy(values.reshape(entry["input_shape"]))

    def test_quantized_outputs_are_within_their_tolerance_of_exact_arithmetic(self):
        for entry in self.index:
            if not entry["name"].startswith("q_"):
                continue
            with self.subTest(entry["name"]):
                tensors, description = load(entry["name"])
                got = run_quantized(tensors, description, self.input(entry))
                difference = (got - self.output(entry).double()).abs().max()
                self.assertLessEqual(float(difference), entry["tolerance"])

    def test_float_outputs_are_those_of_the_graph(self):
        for entry in self.index:
            if not entry["name"].startswith("float_"):
                continue
            with self.subTest(entry["name"]):
                tensors, description = load(entry["name"])
                for values in description["tensors"].values():
                    values.pop("scale", None)
                got = run_quantized(tensors, description, self.input(entry))
                wanted = self.output(entry).double()
                difference = (got - wanted).abs().max() / wanted.abs().max()
                self.assertLessEqual(float(difference), entry["tolerance"])

    def test_every_operator_has_a_golden_vector(self):
        used = {node["op"] for entry in self.index for node in load(entry["name"])[1]["nodes"]}
        missing = set(interpret.OPERATORS) - used
        # Dropout never leaves PyTorch; dequantize and quantize are counted in the converted models.
        self.assertEqual(missing, {"dropout"})

    def test_the_document_of_the_float_export_has_the_same_operators(self):
        with open(os.path.join(support.ROOT, "docs", "float_export.md"), encoding="utf-8") as file:
            table = file.read().split("| op | inputs | attributes")[1].split("\n\n")[0]
        rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        self.assertEqual(documented, set(interpret.OPERATORS))

    def test_the_exporter_still_writes_the_operator_of_each_float_vector(self):
        for name, model, shape in golden_models.float_models():
            with self.subTest(name):
                nodes = load(name)[1]["nodes"]
                self.assertEqual(support.export(model.eval(), shape).ops,
                                 [node["op"] for node in nodes])

    def test_the_whole_folder_is_small(self):
        size = sum(os.path.getsize(os.path.join(FOLDER, name)) for name in os.listdir(FOLDER))
        self.assertLess(size, 1 << 20)

    def test_every_entry_has_its_three_files(self):
        names = set(os.listdir(FOLDER)) - {"golden.json"}
        kinds = ("safetensors", "input.bin", "output.bin")
        wanted = {f"{entry['name']}.{kind}" for entry in self.index for kind in kinds}
        self.assertEqual(names, wanted)


if __name__ == "__main__":
    unittest.main()
