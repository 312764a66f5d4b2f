"""Runs the graph of a float export with torch. This defines what every operator of
docs/float_export.md computes."""
import torch
import torch.nn.functional as F


def run_graph(graph, inputs, observe=None):
    """Returns the outputs of the graph for a list of float32 inputs.

    observe: is called with the name and the value of every activation.
    """
    values = dict(zip(graph.inputs, inputs))
    for name, value in values.items():
        if observe:
            observe(name, value)
    for node in graph.nodes:
        arguments = [values[n] if n in values else parameter(graph, node, i)
                     for i, n in enumerate(node.inputs)]
        for name, value in zip(node.outputs, run_node(node.op, arguments, node.attributes)):
            values[name] = value
            if observe:
                observe(name, value)
    return [values[name] for name in graph.outputs]


def parameter(graph, node, index):
    """Returns input `index` of `node`, a parameter, as float32."""
    value = graph.parameters[node.inputs[index]]
    if value.dtype != torch.int8:
        return value
    scales, zero_points = (torch.tensor(v) for v in node.weight_quantization)
    shape = [-1] + [1] * (value.dim() - 1)
    return (value.float() - zero_points.float().view(shape)) * scales.float().view(shape)


def run_node(op, inputs, attributes):
    """Returns the outputs of an operator on float32 values, as a tuple; nearly all operators have
    one."""
    result = OPERATORS[op](*inputs, **attributes)
    return result if isinstance(result, tuple) else (result,)


def _pad_edges(x, padding, value):
    top, left, bottom, right = padding
    return F.pad(x, [left, right, top, bottom], value=value) if any(padding) else x


def _conv2d(x, weight, bias=None, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    return F.conv2d(_pad_edges(x, padding, 0.0), weight, bias, stride, 0, dilation, groups)


def _conv_transpose2d(x, weight, bias=None, stride=(1, 1), padding=(0, 0, 0, 0),
                      output_padding=(0, 0), dilation=(1, 1), groups=1):
    top, left, bottom, right = padding
    if (top, left) != (bottom, right):
        raise ValueError("a transposed convolution with different padding at opposite edges")
    return F.conv_transpose2d(x, weight, bias, stride, (top, left), output_padding, groups,
                              dilation)


def _batch_norm(x, gamma, beta, mean, variance, epsilon=1e-5):
    return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)


def _prelu(x, slope):
    return F.prelu(x, slope)


def _max_pool2d(x, kernel, stride=None, padding=(0, 0, 0, 0), dilation=(1, 1), ceil_mode=False):
    top, left, bottom, right = padding
    if (top, left) == (bottom, right):
        return F.max_pool2d(x, kernel, stride or kernel, (top, left), dilation, ceil_mode)
    return F.max_pool2d(_pad_edges(x, padding, -torch.inf), kernel, stride or kernel, 0, dilation,
                        ceil_mode)


def _avg_pool2d(x, kernel, stride=None, padding=(0, 0, 0, 0), ceil_mode=False,
                count_include_pad=True):
    top, left, bottom, right = padding
    if (top, left) != (bottom, right):
        raise ValueError("average pooling with different padding at opposite edges")
    return F.avg_pool2d(x, kernel, stride or kernel, (top, left), ceil_mode, count_include_pad)


def _slice(x, axis, start, end, step=1):
    index = [slice(None)] * x.dim()
    index[axis] = slice(start, end, step)
    return x[tuple(index)]


def _pad(x, pads, value=0.0):
    return F.pad(x, [extent for pair in reversed(pads) for extent in pair], value=value)


def _resize(x, size, mode, align_corners=False):
    if mode == "bilinear":
        return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=align_corners)
    rows, columns = (torch.div(torch.arange(out) * into, out, rounding_mode="floor")
                     for out, into in zip(size, x.shape[2:]))
    return x[:, :, rows][:, :, :, columns]


# Functions of one value that have no parameter: octet's name, what computes it, and torch's names
# of the function.
FUNCTIONS = {
    "relu": (torch.relu, "relu"),
    "relu6": (F.relu6, "relu6"),
    "sigmoid": (torch.sigmoid, "sigmoid"),
    "tanh": (torch.tanh, "tanh"),
    "hard_sigmoid": (F.hardsigmoid, "hardsigmoid"),
    "hard_swish": (F.hardswish, "hardswish"),
    "silu": (F.silu, "silu"),
    "exp": (torch.exp, "exp"),
    "sqrt": (torch.sqrt, "sqrt"),
    "abs": (torch.abs, "abs", "absolute"),
    "neg": (torch.neg, "neg", "negative"),
    "log": (torch.log, "log"),
    "softsign": (F.softsign, "softsign"),
    "erf": (torch.erf, "erf"),
    "mish": (F.mish, "mish"),
}

OPERATORS = {
    **{op: function for op, (function, *_) in FUNCTIONS.items()},
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "linear": F.linear,
    "batch_norm": _batch_norm,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "softplus": F.softplus,
    "clip": lambda x, min=None, max=None: torch.clamp(x, min, max),
    "leaky_relu": lambda x, alpha=0.01: F.leaky_relu(x, alpha),
    "elu": lambda x, alpha=1.0: F.elu(x, alpha),
    "prelu": _prelu,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "mean": lambda x, axes, keepdims=False: torch.mean(x, axes, keepdims),
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "argmax": lambda x, axis, keepdims=False: torch.argmax(x, axis, keepdims),
    "top_k": lambda x, axis, k, largest=True: tuple(torch.topk(x, k, axis, largest)),
    "concat": lambda *inputs, axis: torch.cat(inputs, axis),
    "slice": _slice,
    "pad": _pad,
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, permutation: x.permute(permutation),
    "resize": _resize,
    "identity": lambda x: x,
    "dropout": lambda x: x,
    "quantize": lambda x: x,
    "dequantize": lambda x: x,
}
