"""Handlers of the functions that compute: convolutions, activations, arithmetic, pooling,
reductions."""
import torch

from .functions import register
from .interpret import FUNCTIONS


def pair(value):
    """Returns [h, w] for a number or a pair, as torch's arguments may be."""
    if isinstance(value, (tuple, list)):
        return [int(value[0]), int(value[-1])]
    return [int(value), int(value)]


def symmetric(padding):
    """Returns [top, left, bottom, right] for torch's padding."""
    h, w = pair(padding)
    return [h, w, h, w]


def _four_axes(e, x, what):
    if len(x.shape) != 4:
        e.fail(f"{what} of a tensor with {len(x.shape)} axes; it must have 4, [N, C, H, W]")


def _constant(e, value, what):
    if value is not None and not value.constant:
        e.fail(f"{what} is computed from the model's input; it must be a constant")
    return value


@register("conv2d")
def conv2d(e, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Writes a conv2d; 'same' and 'valid' padding become numbers."""
    _four_axes(e, input, "a convolution")
    _constant(e, weight, "the convolution's weight")
    _constant(e, bias, "the convolution's bias")
    inputs = [input, weight] + ([bias] if bias is not None else [])
    return e.emit("conv2d", inputs,
                  **conv_attributes(weight.shape, stride, padding, dilation, groups))


def conv_attributes(weight_shape, stride, padding, dilation, groups):
    """Returns the attributes of a conv2d with weights [O, I/groups, H, W]."""
    dilation = pair(dilation)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, weight_shape[2:])]
        top, left = total[0] // 2, total[1] // 2
        edges = [top, left, total[0] - top, total[1] - left]
    else:
        edges = symmetric(0 if padding == "valid" else padding)
    return {"stride": pair(stride), "padding": edges, "dilation": dilation, "groups": int(groups)}


@register("conv_transpose2d")
def conv_transpose2d(e, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """Writes a conv_transpose2d with weights [I, O/groups, H, W]."""
    _four_axes(e, input, "a transposed convolution")
    _constant(e, weight, "the transposed convolution's weight")
    _constant(e, bias, "the transposed convolution's bias")
    inputs = [input, weight] + ([bias] if bias is not None else [])
    return e.emit("conv_transpose2d", inputs, stride=pair(stride), padding=symmetric(padding),
                  output_padding=pair(output_padding), dilation=pair(dilation), groups=int(groups))


@register("linear")
def linear(e, input, weight, bias=None):
    """Writes a linear layer."""
    _constant(e, weight, "the linear layer's weight")
    return e.emit("linear",
                  [input, weight] + ([_constant(e, bias, "the bias")] if bias is not None else []))


@register("batch_norm")
def batch_norm(e, input, running_mean, running_var, weight=None, bias=None, training=False,
               momentum=0.1, eps=1e-5, cudnn_enabled=True):
    """Writes a batch_norm with its running statistics."""
    if training:
        e.fail("a batch norm without running statistics, or in training mode; call model.eval(), "
               "and where there are no statistics write it out as the mean and variance of (0, 2, "
               "3), which octet computes in float")
    channels = running_mean.shape
    gamma = weight if weight is not None else e.parameter("weight", torch.ones(channels))
    beta = bias if bias is not None else e.parameter("bias", torch.zeros(channels))
    return e.emit("batch_norm", [input, gamma, beta, running_mean, running_var], epsilon=float(eps))


def _plain(op, *names):
    @register(*names)
    def handler(e, input, inplace=False):
        return e.emit(op, [input])
    return handler


for _op, (_, *_names) in FUNCTIONS.items():
    _plain(_op, *_names)


@register("gelu")
def _gelu(e, input, approximate="none"):
    return e.emit("gelu" if approximate == "none" else "gelu_tanh", [input])


@register("softplus")
def _softplus(e, input, beta=1, threshold=20):
    # Beyond the threshold torch gives x itself. At 20 that is the nearest float32 to softplus(x).
    if beta != 1 or threshold < 20:
        e.fail(f"softplus with beta {beta} and threshold {threshold}; octet's has beta 1 and a "
               "threshold of at least 20")
    return e.emit("softplus", [input])


@register("clamp", "clip")
def _clamp(e, input, min=None, max=None):
    bounds = {"min": min, "max": max}
    for bound in bounds.values():
        if bound is not None and not isinstance(bound, (int, float)):
            e.fail("clamp with tensors as bounds; use numbers")
    return e.emit("clip", [input], **{k: float(v) for k, v in bounds.items() if v is not None})


@register("clamp_min")
def _clamp_min(e, input, min):
    return _clamp(e, input, min)


@register("clamp_max")
def _clamp_max(e, input, max):
    return _clamp(e, input, None, max)


@register("hardtanh")
def _hardtanh(e, input, min_val=-1.0, max_val=1.0, inplace=False):
    if (min_val, max_val) == (0, 6):
        return e.emit("relu6", [input])
    return _clamp(e, input, min_val, max_val)


@register("leaky_relu")
def _leaky_relu(e, input, negative_slope=0.01, inplace=False):
    return e.emit("leaky_relu", [input], alpha=float(negative_slope))


@register("elu")
def _elu(e, input, alpha=1.0, scale=1.0, input_scale=1.0, inplace=False):
    return e.emit("elu", [input], alpha=float(alpha))


@register("prelu")
def _prelu(e, input, weight):
    return e.emit("prelu", [input, _constant(e, weight, "the slope")])


@register("log_softmax")
def _log_softmax(e, input, dim=None, _stacklevel=3, dtype=None):
    return e.emit("log", [_softmax(e, input, dim, part="softmax")])


@register("softmax")
def _softmax(e, input, dim=None, _stacklevel=3, dtype=None, part=None):
    if dim is None:
        e.fail("softmax without dim; say which axis")
    return e.emit("softmax", [input], part=part, axis=int(dim))


def _scaled(e, value, alpha):
    if alpha == 1:
        return value
    if isinstance(value, (int, float)):
        return value * alpha
    if value.constant:
        return e.parameter("scaled", value.value * alpha)
    return e.emit("mul", [value, e.tensor(alpha, "alpha")], part="alpha")


@register("add")
def add(e, input, other, alpha=1):
    """Writes an addition of two tensors, or of a tensor and a number."""
    return e.emit("add", [e.tensor(input), e.tensor(_scaled(e, other, alpha))])


@register("iadd")
def _iadd(e, input, other):
    return add(e, input, other)


@register("sub", "subtract", "isub")
def _sub(e, input, other, alpha=1):
    return e.emit("sub", [e.tensor(input), e.tensor(_scaled(e, other, alpha))])


@register("rsub")
def _rsub(e, input, other, alpha=1):
    return _sub(e, other, input, alpha)


@register("mul", "multiply", "imul")
def mul(e, input, other):
    """Writes a product."""
    return e.emit("mul", [e.tensor(input), e.tensor(other)])


@register("div", "divide", "true_divide", "truediv", "itruediv")
def _div(e, input, other, rounding_mode=None):
    if rounding_mode is not None:
        e.fail(f"division with rounding_mode='{rounding_mode}'; only true division can be exported")
    return e.emit("div", [e.tensor(input), e.tensor(other)])


@register("reciprocal")
def _reciprocal(e, input):
    return e.emit("div", [e.tensor(1.0), input])


@register("rsqrt")
def _rsqrt(e, input):
    return e.emit("div", [e.tensor(1.0), e.emit("sqrt", [input], part="sqrt")])


@register("square")
def _square(e, input):
    return e.emit("mul", [input, input])


@register("pow")
def _pow(e, input, exponent):
    if exponent == 2:
        return _square(e, input)
    if exponent == 0.5:
        return e.emit("sqrt", [input])
    e.fail(f"a power with the exponent {exponent}; only 2 and 0.5 can be exported")


@register("max_pool2d")
def max_pool2d(e, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False):
    """Writes a max_pool2d."""
    _four_axes(e, input, "max pooling")
    return e.emit("max_pool2d", [input], kernel=pair(kernel_size),
                  stride=pair(stride or kernel_size),
                  padding=symmetric(padding), dilation=pair(dilation), ceil_mode=bool(ceil_mode))


@register("avg_pool2d")
def avg_pool2d(e, input, kernel_size, stride=None, padding=0, ceil_mode=False,
               count_include_pad=True, divisor_override=None):
    """Writes an avg_pool2d."""
    _four_axes(e, input, "average pooling")
    if divisor_override is not None:
        e.fail("average pooling with divisor_override; multiply by a constant after it instead")
    return e.emit("avg_pool2d", [input], kernel=pair(kernel_size),
                  stride=pair(stride or kernel_size), padding=symmetric(padding),
                  ceil_mode=bool(ceil_mode), count_include_pad=bool(count_include_pad))


def _adaptive_kernel(e, x, output_size):
    _four_axes(e, x, "adaptive pooling")
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    kernel = []
    for extent, size in zip(x.shape[2:], sizes):
        size = extent if size is None else int(size)
        if extent % size:
            e.fail(f"adaptive pooling from {x.shape[2:]} to {list(sizes)}: its windows differ in "
                   "size; choose an output size that divides the input's")
        kernel.append(extent // size)
    return kernel


@register("adaptive_avg_pool2d")
def adaptive_avg_pool2d(e, input, output_size):
    """Writes a mean for an output of 1x1, and otherwise an avg_pool2d. Error: the windows are not
    equal."""
    kernel = _adaptive_kernel(e, input, output_size)
    if kernel == input.shape[2:]:
        return e.emit("mean", [input], axes=[2, 3], keepdims=True)
    return input if kernel == [1, 1] else avg_pool2d(e, input, kernel)


@register("adaptive_max_pool2d")
def _adaptive_max_pool2d(e, input, output_size, return_indices=False):
    return max_pool2d(e, input, _adaptive_kernel(e, input, output_size))


@register("mean")
def mean(e, input, dim=None, keepdim=False, dtype=None):
    """Writes a mean over axes, all of them by default."""
    axes = list(range(len(input.shape))) if dim is None or dim == () else dim
    axes = [int(a) for a in (axes if isinstance(axes, (list, tuple)) else [axes])]
    return e.emit("mean", [input], axes=axes, keepdims=bool(keepdim))


@register("sum")
def _sum(e, input, dim=None, keepdim=False, dtype=None):
    axes = list(range(len(input.shape))) if dim is None or dim == () else dim
    axes = [int(a) for a in (axes if isinstance(axes, (list, tuple)) else [axes])]
    count = 1
    for axis in axes:
        count *= input.shape[axis]
    average = e.emit("mean", [input], part="mean", axes=axes, keepdims=bool(keepdim))
    return e.emit("mul", [average, e.tensor(count, "count")])


@register("argmax")
def _argmax(e, input, dim=None, keepdim=False):
    if dim is None:
        e.fail("argmax without dim; say which axis")
    return e.emit("argmax", [input], axis=int(dim), keepdims=bool(keepdim))


@register("topk", items=True)
def _topk_item(e, item, input, k, dim=-1, largest=True, sorted=True):
    if not sorted:
        e.fail("topk with sorted=False, whose order nobody defines; leave it out: octet gives them "
               "in order")
    results = e.emit_several("top_k", [input], ["values", "indices"], axis=int(dim), k=int(k),
                             largest=bool(largest))
    return results[item]


@register("max", items=True)
def _max_item(e, item, input, dim=None, keepdim=False):
    if item != 1:
        e.fail("the largest value along an axis cannot be exported (only its index); use max "
               "pooling, or take it in the application")
    return _argmax(e, input, dim, keepdim)
