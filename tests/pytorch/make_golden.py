"""Writes tests/golden: small float exports with the outputs that PyTorch gives, for tests without
PyTorch.

For each entry of golden.json there are NAME.safetensors, NAME.input.bin (float32, NCHW) and
NAME.output.bin: the bytes of the quantized output (output_type u8, NCHW) or float32. `tolerance` is
in levels of the output for u8, and relative to the largest value of the output for f32.

Run: python3 tests/pytorch/make_golden.py
"""
import json
import os
import sys
import warnings

import torch
from torch import nn
from torch.ao import quantization as tq

_HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(_HERE), "golden")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(_HERE)), "tools", "pytorch"))

import octet_export  # noqa: E402
from golden_models import (  # noqa: E402
    ENGINE, SmallNetwork, Stubbed, convert, float_models, quantized_models, randomize)


def _write(folder, name, model, x, output, **entry):
    octet_export.export(model, tuple(x.shape), os.path.join(folder, f"{name}.safetensors"),
                        **entry.pop("options", {}))
    if output.is_quantized:
        output_type, values = "u8", output.int_repr()
    else:
        indices = output.dtype == torch.int64
        output_type, values = ("s32", output.int()) if indices else ("f32", output.float())
    x.numpy().astype("<f4").tofile(os.path.join(folder, f"{name}.input.bin"))
    values.detach().contiguous().numpy().tofile(os.path.join(folder, f"{name}.output.bin"))
    return {"name": name, "input_shape": list(x.shape), "output_shape": list(output.shape),
            "output_type": output_type, **entry}


def _input(name, shape):
    x = torch.randn(shape)
    if name == "quantize":  # Some values lie halfway between two levels.
        x = torch.round(x * 64) / 64
    return x


def make(folder=FOLDER):
    """Writes every golden file into the folder."""
    torch.set_num_threads(1)
    torch.backends.quantized.engine = ENGINE
    torch.manual_seed(20)
    warnings.simplefilter("ignore", UserWarning)
    os.makedirs(folder, exist_ok=True)
    index = []
    for name, body, shape, per_channel, tolerance, note in quantized_models():
        model = convert(Stubbed(body).eval(), shape, per_channel)
        if name == "quantize":
            model.quant.scale, model.quant.zero_point = torch.tensor([1 / 32]), torch.tensor([101])
        index.append(_golden(folder, f"q_{name}", model, _input(name, shape), tolerance, note))
    network = convert(randomize(SmallNetwork()).fuse(), (1, 3, 24, 24))
    index.append(_golden(folder, "q_inverted_residual", network, torch.randn(1, 3, 24, 24), 1,
                         "a network with one residual addition, whose rounding differs"))
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
    model = convert(tq.fuse_modules(Stubbed(body, dequantize=True).eval(), ["body.0", "body.1"]),
                    (1, 3, 12, 12))
    index.append(_golden(folder, "q_stub_conv_relu", model, torch.randn(1, 3, 12, 12), 1e-6,
                         "ends in a DeQuantStub"))
    for name, model, shape in float_models():
        x = torch.randn(shape)
        model = randomize(model)
        options = {"calibration": [x], "observer": "min-max"}
        with torch.no_grad():
            index.append(_write(folder, name, model, x, model(x.clone()), options=options,
                                tolerance=1e-4, note=""))
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry) for entry in index) + "\n]\n")


def _golden(folder, name, model, x, tolerance, note):
    with torch.no_grad():
        return _write(folder, name, model, x, model(x), tolerance=tolerance, note=note)


if __name__ == "__main__":
    make(*sys.argv[1:])
