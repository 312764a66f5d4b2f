"""Handlers of modules: quantized ones in converted models, stubs and fused ones in prepared
models."""
import torch

from .errors import ExportError, at
from .functions import register
from .functions_compute import conv_attributes
from .prepared import ObserverSite

_QUANTIZED = ("torch.nn.quantized", "torch.ao.nn.quantized", "torch.nn.intrinsic.quantized",
              "torch.ao.nn.intrinsic.quantized")
_QAT = ("torch.nn.intrinsic.qat", "torch.ao.nn.intrinsic.qat")
_STUBS = {"QuantStub", "DeQuantStub"}
_FUNCTIONAL = {"FloatFunctional", "QFunctional", "FXFloatFunctional"}
_BATCH_NORM_FUSED = {"ConvBn2d", "ConvBnReLU2d", "LinearBn1d"}
_RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase, torch.nn.MultiheadAttention,
              torch.nn.Embedding)

MODULES = {}


def is_quantized_module(module):
    """Returns whether torch.ao.quantization.convert made this module."""
    return (type(module).__module__.startswith(_QUANTIZED)
            and type(module).__name__ not in _FUNCTIONAL)


def is_leaf(module):
    """Returns whether tracing stops at a module, so that module_handler exports it as a whole."""
    name = type(module).__name__
    return (isinstance(module, (ObserverSite,) + _RECURRENT) or is_quantized_module(module)
            or (name in _STUBS and type(module).__module__.startswith("torch."))
            or (name in _BATCH_NORM_FUSED and type(module).__module__.startswith(_QAT)))


def module_handler(e):
    """Returns the handler of a leaf module. Error: the export has no form for it."""
    kind = type(e.module)
    if isinstance(e.module, ObserverSite) or e.path.endswith("activation_post_process"):
        return _observer_site
    what = f"{kind.__module__}.{kind.__name__}"
    other_form = any(form in what for form in (".dynamic.", "_reference"))
    if isinstance(e.module, _RECURRENT) or other_form or kind.__name__ not in MODULES:
        remedy = ("use static quantization (torch.ao.quantization.prepare and convert)"
                  if "dynamic" in what else "export the float model, or replace the module")
        e.fail(f"{what} cannot be exported; {remedy}")
    return MODULES[kind.__name__]


def parameters_of(tensor, path):
    """Returns (scale, zero point for 0 to 255) of a quantized activation."""
    if tensor.qscheme() not in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        raise ExportError(f"{at(path)}: an activation that is quantized per channel; use a "
                          "per-tensor observer")
    if tensor.dtype not in (torch.quint8, torch.qint8):
        raise ExportError(f"{at(path)}: an activation of type {tensor.dtype}; octet has 8-bit ones "
                          "(quint8, qint8)")
    shift = 128 if tensor.dtype == torch.qint8 else 0
    return tensor.q_scale(), tensor.q_zero_point() + shift


def distance_in_levels(real, expected):
    """Returns the largest distance, in levels, of clamped real values from those of a
    quantized tensor."""
    low, high = (-128, 127) if expected.dtype == torch.qint8 else (0, 255)
    q = (torch.round(real / expected.q_scale()) + expected.q_zero_point()).clamp(low, high)
    return float((q - expected.int_repr().double()).abs().max()) if q.numel() else 0.0


def _observer_site(e, x):
    e.lowering.sites.append((e.path, x.name))
    return x


def _module(*names):
    def add(handler):
        def observed(e, *inputs, **more):
            result = handler(e, *inputs, **more)
            e.lowering.sites.append((f"{e.path}.activation_post_process", result.name))
            return result
        for name in names:
            MODULES[name] = observed
        return handler
    return add


@_module("QuantStub", "Quantize")
def _quantize_stub(e, x):
    if type(e.module).__name__ == "QuantStub" and not e.lowering.prepared:
        return x
    return e.emit("quantize", [x])


@_module("DeQuantStub", "DeQuantize")
def _dequantize_stub(e, x):
    if type(e.module).__name__ == "DeQuantStub" and not e.lowering.prepared:
        return x
    return e.emit("dequantize", [x])


@register("quantize_per_tensor")
def _quantize(e, input, scale, zero_point, dtype):
    return e.emit("quantize", [input])


@register("dequantize")
def _dequantize(e, input):
    return e.emit("dequantize", [input]) if e.node.args[0].meta["value"].is_quantized else input


def _weight_bias(e):
    weight, bias = e.module.weight(), e.module.bias()
    if weight.dtype != torch.qint8:
        e.fail(f"its weights are {weight.dtype}; octet has 8-bit ones (qint8)")
    if weight.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        quantization = [weight.q_scale()], [weight.q_zero_point()]
    elif weight.q_per_channel_axis() == 0:
        zero_points = [int(z) for z in weight.q_per_channel_zero_points()]
        quantization = weight.q_per_channel_scales().tolist(), zero_points
    else:
        e.fail("its weights are quantized along an axis that is not the output channel")
    inputs = [e.parameter("weight", weight.int_repr())]
    if bias is not None:
        inputs.append(e.parameter("bias", bias.detach().float()))
    return inputs, quantization


@_module("Conv2d", "ConvReLU2d")
def _conv2d(e, x):
    module = e.module
    if module.padding_mode != "zeros":
        e.fail(f"padding_mode='{module.padding_mode}' cannot be exported; use zeros")
    inputs, weights = _weight_bias(e)
    attributes = conv_attributes(inputs[0].shape, module.stride, module.padding, module.dilation,
                                 module.groups)
    result = e.emit("conv2d", [x] + inputs, weights=weights, **attributes)
    return (e.emit("relu", [result], part="relu") if type(module).__name__ == "ConvReLU2d"
            else result)


@_module("Linear", "LinearReLU", "LinearLeakyReLU")
def _linear(e, x):
    inputs, weights = _weight_bias(e)
    result = e.emit("linear", [x] + inputs, weights=weights)
    if type(e.module).__name__ == "LinearReLU":
        return e.emit("relu", [result], part="relu")
    if type(e.module).__name__ == "LinearLeakyReLU":
        return e.emit("leaky_relu", [result], part="leaky_relu",
                      alpha=float(e.module.negative_slope))
    return result


@_module("BatchNorm2d", "BNReLU2d")
def _batch_norm(e, x):
    m = e.module
    names = ("weight", "bias", "running_mean", "running_var")
    inputs = [e.parameter(name, getattr(m, name).detach()) for name in names]
    result = e.emit("batch_norm", [x] + inputs, epsilon=float(m.eps))
    return e.emit("relu", [result], part="relu") if type(m).__name__ == "BNReLU2d" else result


@_module("ReLU6")
def _relu6(e, x):
    return e.emit("relu6", [x])


@_module("Hardswish")
def _hardswish(e, x):
    return e.emit("hard_swish", [x])


@_module("Sigmoid")
def _sigmoid(e, x):
    return e.emit("sigmoid", [x])


@_module("LeakyReLU")
def _leaky_relu(e, x):
    return e.emit("leaky_relu", [x], alpha=float(e.module.negative_slope))


@_module("ELU")
def _elu(e, x):
    return e.emit("elu", [x], alpha=float(e.module.alpha))


@_module("PReLU")
def _prelu(e, x):
    weight = e.module.weight
    return e.emit("prelu", [x, e.parameter("weight",
                                           weight.dequantize() if weight.is_quantized else weight)])


@_module("Softmax")
def _softmax(e, x):
    return e.emit("softmax", [x], axis=int(e.module.dim))


@_module("Dropout")
def _dropout(e, x):
    return x


@_module("ConvBn2d", "ConvBnReLU2d", "LinearBn1d")
def _with_batch_norm(e, x):
    """A module of quantization-aware training, with the statistics that it gathered."""
    module, kind = e.module, type(e.module).__name__
    if module.training or module.bn.training:
        e.fail("is in training mode; call model.eval()")
    names = ["weight"] + (["bias"] if module.bias is not None else [])
    inputs = [e.parameter(name, getattr(module, name).detach()) for name in names]
    if kind == "LinearBn1d":
        result = e.emit("linear", [x] + inputs)
    else:
        attributes = conv_attributes(inputs[0].shape, module.stride, module.padding,
                                     module.dilation, module.groups)
        result = e.emit("conv2d", [x] + inputs, **attributes)
    names = ("weight", "bias", "running_mean", "running_var")
    inputs = [e.parameter(f"bn.{name}", getattr(module.bn, name).detach()) for name in names]
    result = e.emit("batch_norm", [result] + inputs, part="bn", epsilon=float(module.bn.eps))
    return e.emit("relu", [result], part="relu") if kind == "ConvBnReLU2d" else result


@register("quantized::add", "quantized::add_out")
def _add(e, a, b, scale=None, zero_point=None):
    return e.emit("add", [a, b])


@register("quantized::add_relu")
def _add_relu(e, a, b, scale=None, zero_point=None):
    return e.emit("relu", [e.emit("add", [a, b])], part="relu")


@register("quantized::mul")
def _mul(e, a, b, scale=None, zero_point=None):
    return e.emit("mul", [a, b])


@register("quantized::mul_relu")
def _mul_relu(e, a, b, scale=None, zero_point=None):
    return e.emit("relu", [e.emit("mul", [a, b])], part="relu")


@register("quantized::add_scalar")
def _add_scalar(e, a, b):
    return e.emit("add", [a, e.tensor(b)])


@register("quantized::add_scalar_relu")
def _add_scalar_relu(e, a, b):
    return e.emit("relu", [_add_scalar(e, a, b)], part="relu")


@register("quantized::mul_scalar")
def _mul_scalar(e, a, b):
    return e.emit("mul", [a, e.tensor(b)])


@register("quantized::cat")
def _cat(e, tensors, dim=0, scale=None, zero_point=None):
    return e.emit("concat", list(tensors), axis=int(dim))


@register("quantized::hardswish")
def _hardswish_function(e, input, scale=None, zero_point=None):
    return e.emit("hard_swish", [input])


@register("quantized::leaky_relu")
def _leaky_relu_function(e, input, negative_slope=0.01, inplace=False, scale=None, zero_point=None):
    return e.emit("leaky_relu", [input], alpha=float(negative_slope))


@register("quantized::elu")
def _elu_function(e, input, scale=None, zero_point=None, alpha=1.0):
    return e.emit("elu", [input], alpha=float(alpha))


@register("quantized::sigmoid")
def _sigmoid_function(e, input, scale=None, zero_point=None):
    return e.emit("sigmoid", [input])
