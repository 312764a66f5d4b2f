"""Converted PyTorch models in which the operators that PyTorch rounds in its own way round as octet
does."""
import torch
from torch import nn
from torch.nn import functional as F


def _scale(value):
    return torch.tensor(value, dtype=torch.float32)


def _centred(x):
    return (x.int_repr().int() - x.q_zero_point()).float()


def _quantized(real, scale, zero_point):
    """-> the quantized tensor of values in units of the scale."""
    levels = (torch.round(real) + zero_point).clamp(0, 255).to(torch.uint8)
    return torch._make_per_tensor_quantized_tensor(levels, scale, zero_point)


class Differences:
    """How many bytes of which operators were rounded otherwise by PyTorch, and by how many levels
    at most."""

    def __init__(self):
        self.count = self.largest = 0

    def see(self, ours, theirs):
        """Counts; -> ours."""
        levels = (ours.int_repr().int() - theirs.int_repr().int()).abs()
        self.count += int((levels > 0).sum())
        self.largest = max(self.largest, int(levels.max()))
        return ours


class ExactAdd(nn.Module):
    """QFunctional's addition, which PyTorch's qnnpack computes in fixed point."""

    def __init__(self, functional, differences):
        super().__init__()
        self.functional, self.differences = functional, differences

    def add(self, a, b):
        """-> a + b in the functional's scale."""
        to = _scale(self.functional.scale)
        total = _centred(a) * (_scale(a.q_scale()) / to) + _centred(b) * (_scale(b.q_scale()) / to)
        exact_sum = _quantized(total, self.functional.scale, self.functional.zero_point)
        return self.differences.see(exact_sum, self.functional.add(a, b))


class Exact(nn.Module):
    """A converted model (changed in place) with exact additions and averages over the image.

    `differences` tells how PyTorch's own would have differed, on the same operands.
    """

    _pool = staticmethod(F.adaptive_avg_pool2d)

    def __init__(self, model):
        super().__init__()
        self.model, self.differences = model, Differences()
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, torch.nn.quantized.QFunctional):
                    setattr(parent, name, ExactAdd(child, self.differences))

    def _average(self, x, size):
        scale = _scale(x.q_scale())
        count = float(x.shape[2] * x.shape[3])
        mean = _centred(x).sum([2, 3], keepdim=True) * (scale / (scale * count))
        return self.differences.see(_quantized(mean, x.q_scale(), x.q_zero_point()),
                                    self._pool(x, size))

    def forward(self, *inputs):
        F.adaptive_avg_pool2d = self._average
        try:
            return self.model(*inputs)
        finally:
            F.adaptive_avg_pool2d = self._pool


def contiguous_relu6(model):
    """Changes a converted model in place: PyTorch 1.13's relu6 mixes up a channels-last tensor's
    pixels."""
    for module in model.modules():
        if isinstance(module, torch.nn.quantized.ReLU6):
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
