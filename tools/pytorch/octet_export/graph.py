"""The graph in a float export, as docs/float_export.md describes it."""
import dataclasses
import json

import numpy as np
import torch

from . import safetensors
from .errors import ExportError


@dataclasses.dataclass
class Node:
    """One operator. `weight_quantization` is (scales, zero points) as float32 and integer lists, or
    None."""
    name: str
    op: str
    inputs: list
    outputs: list
    attributes: dict
    weight_quantization: tuple = None


@dataclasses.dataclass
class Activation:
    """A tensor that a node or the caller writes. q is in 0 to 255. Without a scale, it is not
    calibrated."""
    shape: tuple
    scale: float = None
    zero_point: int = None
    type: str = "f32"


class Graph:
    """Nodes in an order in which each reads only results of earlier nodes. The layout is NCHW."""

    def __init__(self, producer):
        self.producer = producer
        self.nodes = []
        self.activations = {}
        self.parameters = {}
        self.inputs = []
        self.outputs = []
        self.keep_float = []

    def set_scale(self, name, scale, zero_point):
        """Gives an activation its quantization. Error: a scale that is not positive and finite."""
        scale = float(np.float32(scale))
        if not (np.isfinite(scale) and scale > 0):
            raise ExportError(f"tensor '{name}': its scale is {scale}; calibrate on data without "
                              "NaN or infinity")
        if not 0 <= int(zero_point) <= 255:
            raise ExportError(f"tensor '{name}': its zero point {zero_point} is outside 0 to 255")
        self.activations[name].scale = scale
        self.activations[name].zero_point = int(zero_point)

    def description(self):
        """Returns the object of `octet.graph`, without the optional fields."""
        return {
            "format": 1,
            "producer": self.producer,
            "layout": "nchw",
            "inputs": self.inputs,
            "outputs": self.outputs,
            "nodes": [_describe_node(node) for node in self.nodes],
            "tensors": {name: _describe_activation(a) for name, a in self.activations.items()},
            "keep_float": self.keep_float,
        }

    def save(self, path, extras):
        """Writes the file. `extras` are the optional fields preprocess, labels and task."""
        text = json.dumps({**self.description(), **extras}, ensure_ascii=False)
        tensors = {name: t.detach().contiguous() for name, t in self.parameters.items()}
        safetensors.write(path, tensors, {"octet.graph": text})


def float32_list(values):
    """Returns the values rounded to float32, as Python floats whose repr is exact."""
    return [float(np.float32(v)) for v in values]


def _describe_node(node):
    description = dataclasses.asdict(node)
    del description["weight_quantization"]
    if node.weight_quantization is not None:
        scales, zero_points = node.weight_quantization
        weights = {"scale": float32_list(scales)}
        if any(zero_points):
            weights["zero_point"] = [int(z) for z in zero_points]
        description["weight_quantization"] = weights
    return description


def _describe_activation(activation):
    description = {"shape": [int(d) for d in activation.shape]}
    if activation.scale is not None:
        description.update(scale=activation.scale, zero_point=activation.zero_point)
    if activation.type != "f32":
        description["type"] = activation.type
    return description


def as_parameter(tensor):
    """Returns the tensor in a type that the file may have: float32, or int8 as it is."""
    return tensor.detach() if tensor.dtype == torch.int8 else tensor.detach().to(torch.float32)
