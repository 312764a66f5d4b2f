"""The decisions and the calibration in a prepared model (torch.ao.quantization.prepare,
prepare_qat)."""
import copy

import torch

from .errors import ExportError, at
from .observers import affine_parameters

# Operators that PyTorch runs on bytes without a scale of their own. The result has the scale of the
# input.
_FOLLOWERS = {"reshape", "transpose", "slice", "pad", "max_pool2d", "avg_pool2d", "mean", "relu",
              "relu6", "identity", "resize", "clip", "leaky_relu", "gelu", "top_k"}
# Functions that PyTorch runs on bytes with the scale of their known range. They have no observer
# behind them.
_KNOWN_RANGES = {"sigmoid": (1 / 256, 0), "hard_sigmoid": (1 / 256, 0), "tanh": (1 / 128, 128)}
_HAS_WEIGHTS = ("conv2d", "linear")


class ObserverSite(torch.nn.Module):
    """Takes the place of an observer or a fake-quantize module, and changes nothing."""

    def forward(self, x):
        """Returns x."""
        return x


class Prepared:
    """A copy of a model with ObserverSites in place of its observers, which are kept by their
    paths."""

    def __init__(self, model):
        self.observers = {}
        self.model = model
        # FX gives one observer several names if several tensors must have one scale.
        for path, module in list(model.named_modules(remove_duplicate=False)):
            if _is_observer(module) and not self._inside_observer(path):
                self.observers[path] = module
        for path in self.observers:
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, ObserverSite())

    def __bool__(self):
        return bool(self.observers)

    def _inside_observer(self, path):
        return any(path.startswith(outer + ".") for outer in self.observers)

    def apply(self, lowering):
        """Writes scales, weight quantizations and keep_float into the lowered graph.

        Error: an observer never saw data.
        """
        graph = lowering.graph
        high_precision = set()
        for path, name in lowering.sites:
            parameters = self._activation(path)
            if parameters and name in graph.activations and graph.activations[name].scale is None:
                graph.set_scale(name, *parameters)
            elif path in self.observers and not parameters:
                high_precision.add(name)
        drop_dequantize(graph, high_precision)
        for node in graph.nodes:
            if node.op in _HAS_WEIGHTS:
                node.weight_quantization = self._weights(graph, node, lowering.paths[node.name])
        graph.keep_float = self._float_nodes(graph, lowering.paths)
        follow_scales(graph)

    def _activation(self, path):
        observer = self.observers.get(path)
        if observer is None or not has_eight_bits(observer):
            return None
        owner = path.rpartition(".")[0]
        check_seen(observer, owner)
        scale, zero_point = observer.calculate_qparams()
        if scale.numel() != 1:
            raise ExportError(f"{at(owner)}: its activations are observed per channel; use a "
                              "per-tensor observer")
        return float(scale), int(zero_point) + (128 if observer.dtype == torch.qint8 else 0)

    def _weights(self, graph, node, path):
        module = self.model.get_submodule(path)
        config = getattr(module, "qconfig", None)
        trained = self.observers.get(f"{path}.weight_fake_quant")
        if trained is None and config is None:
            return None
        if any(n.op == "batch_norm" and n.outputs[0] == node.inputs[0] for n in graph.nodes):
            return None
        weight, folded = _fold_batch_norm(graph, node)
        own_batch_norm = hasattr(module, "bn")
        use_trained = trained is not None and (own_batch_norm or not folded)
        observer = copy.deepcopy(trained) if use_trained else config.weight()
        if not _is_observer(observer) or not has_eight_bits(observer):
            return None
        # torch.ao.quantization.convert does this, too, so that both give the same scales.
        observer(weight)
        check_seen(observer, path)
        scales, zero_points = observer.calculate_qparams()
        shift = 128 if observer.dtype == torch.quint8 else 0
        return scales.reshape(-1).tolist(), [int(z) - shift for z in zero_points.reshape(-1)]

    def _float_nodes(self, graph, paths):
        quantized, kept = set(), []
        for node in graph.nodes:
            follows = any(name in quantized for name in node.inputs)
            if node.op == "quantize" or (follows and node.op != "dequantize"):
                quantized.update(node.outputs)
            if (node.op in ("quantize", "dequantize")
                or not self._left_out(node.name, paths[node.name])):
                continue
            if not follows or node.op in _HAS_WEIGHTS + ("conv_transpose2d", "batch_norm"):
                quantized.difference_update(node.outputs)
                kept.append(node.name)
        return kept

    def _left_out(self, name, path):
        for candidate in (name, path):
            try:
                module = self.model.get_submodule(candidate)
            except AttributeError:
                continue
            return getattr(module, "qconfig", "not asked") is None
        return False


def _is_observer(module):
    quantization = getattr(torch, "ao", torch).quantization
    kinds = (quantization.ObserverBase, quantization.FakeQuantizeBase)
    return isinstance(module, kinds)


def has_eight_bits(observer):
    """Returns whether an observer asks for 8-bit values with a scale. Wider values stay float."""
    if type(observer).__name__ in ("PlaceholderObserver", "NoopObserver", "RecordingObserver"):
        return False
    if getattr(observer, "dtype", None) not in (torch.quint8, torch.qint8):
        return False
    low, high = getattr(observer, "quant_min", None), getattr(observer, "quant_max", None)
    return low is None or high is None or high - low <= 255


def check_seen(observer, owner):
    """Error: an observer never saw a tensor, so that its scale means nothing."""
    inner = getattr(observer, "activation_post_process", observer)
    low, high = getattr(inner, "min_val", None), getattr(inner, "max_val", None)
    if low is None or high is None:
        return
    if low.numel() == 0 or not bool((low <= high).all()) or not bool(torch.isfinite(low).all()):
        raise ExportError(f"{at(owner)}: its observer never saw a tensor (or saw NaN or infinity); "
                          "calibrate by running the prepared model on a few batches before the "
                          "export")


def _fold_batch_norm(graph, node):
    """Returns (the node's weight with the batch norm after it folded in, whether there is one)."""
    weight = graph.parameters[node.inputs[1]]
    readers = [n for n in graph.nodes if node.outputs[0] in n.inputs]
    if len(readers) != 1 or readers[0].op != "batch_norm":
        return weight, False
    gamma, _, _, variance = (graph.parameters[name] for name in readers[0].inputs[1:])
    factor = gamma * torch.rsqrt(variance + readers[0].attributes["epsilon"])
    return weight * factor.reshape([-1] + [1] * (weight.dim() - 1)), True


def follow_scales(graph):
    """Gives results without an observer the scale that PyTorch gives them: that of their input, one
    that is derived from it, or that of the function's range."""
    for node in graph.nodes:
        source = graph.activations.get(node.inputs[0])
        result = graph.activations[node.outputs[0]]
        known = source is not None and source.scale is not None
        if node.name in graph.keep_float or not known or result.scale is not None:
            continue
        if node.op in _FOLLOWERS:
            graph.set_scale(node.outputs[0], source.scale, source.zero_point)
        elif node.op in _KNOWN_RANGES:
            graph.set_scale(node.outputs[0], *_KNOWN_RANGES[node.op])
        elif node.op in ("add", "mul") and _is_number(graph, node.inputs[1]):
            number = float(graph.parameters[node.inputs[1]])
            ends = [source.scale * (q - source.zero_point) for q in (0, 255)]
            ends = [end + number if node.op == "add" else end * number for end in ends]
            graph.set_scale(node.outputs[0], *affine_parameters(min(ends), max(ends)))


def _is_number(graph, name):
    return name in graph.parameters and graph.parameters[name].dim() == 0


def drop_dequantize(graph, high_precision):
    """Removes dequantize nodes behind tensors that the author wants in float: they are float
    already."""
    float_tensors, renamed = set(high_precision), {}
    for node in graph.nodes:
        node.inputs = [renamed.get(name, name) for name in node.inputs]
        if node.op in _FOLLOWERS and node.inputs[0] in float_tensors:
            float_tensors.update(node.outputs)
        if node.op == "dequantize" and node.inputs[0] in float_tensors:
            renamed[node.outputs[0]] = node.inputs[0]
    graph.nodes = [n for n in graph.nodes if not (n.op == "dequantize" and n.outputs[0] in renamed)]
    graph.outputs = [renamed.get(name, name) for name in graph.outputs]
    for name in renamed:
        del graph.activations[name]
