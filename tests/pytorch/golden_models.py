"""The models of the golden vectors: small converted ones, and a float one for every operator."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.ao import quantization as tq

# The engine that rounds as octet does; it has to be set before modules pack their weights.
ENGINE = "qnnpack"


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Stubbed(nn.Module):
    """Quantizes the input and runs a body on it; the output stays quantized unless `dequantize`."""

    def __init__(self, body, dequantize=False):
        super().__init__()
        self.quant = tq.QuantStub()
        self.body = body
        self.dequant = tq.DeQuantStub() if dequantize else nn.Identity()

    def forward(self, x):
        return self.dequant(self.body(self.quant(x)))


class TwoBranches(nn.Module):
    """Two 1x1 convolutions of the input, joined by a function of FloatFunctional."""

    def __init__(self, name, left=6, right=6):
        super().__init__()
        self.left, self.right = nn.Conv2d(4, left, 1), nn.Conv2d(4, right, 1)
        self.functional = torch.nn.quantized.FloatFunctional()
        self.name = name

    def forward(self, x):
        a, b = self.left(x), self.right(x)
        if self.name == "cat":
            return self.functional.cat([a, b], 1)
        return getattr(self.functional, self.name)(a, b)


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, 1x1 projection; with a residual addition where the shape
    stays."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        hidden = inputs * 3
        self.expand = nn.Sequential(nn.Conv2d(inputs, hidden, 1, bias=False),
                                    nn.BatchNorm2d(hidden), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden,
                                                 bias=False), nn.BatchNorm2d(hidden), nn.ReLU())
        self.project = nn.Sequential(nn.Conv2d(hidden, outputs, 1, bias=False),
                                     nn.BatchNorm2d(outputs))
        self.skip = (torch.nn.quantized.FloatFunctional() if stride == 1 and inputs == outputs
                     else None)

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x)))
        return y if self.skip is None else self.skip.add(x, y)


class SmallNetwork(nn.Module):
    """A stem, two inverted residuals, a global average and a linear layer."""

    def __init__(self):
        super().__init__()
        self.quant = tq.QuantStub()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8),
                                  nn.ReLU())
        self.block1, self.block2 = InvertedResidual(8, 8, 1), InvertedResidual(8, 12, 2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(12, 10)

    def forward(self, x):
        x = self.pool(self.block2(self.block1(self.stem(self.quant(x)))))
        return self.classifier(torch.flatten(x, 1))

    def fuse(self):
        """Fuses convolutions with the batch norms and ReLUs after them."""
        for module in list(self.modules()):
            if type(module) is nn.Sequential:
                tq.fuse_modules(module, [str(i) for i in range(len(module))], inplace=True)
        return self


def randomize(model):
    """-> the model with batch norm statistics that are not 0 and 1, in eval mode."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    return model.eval()


def qconfig(per_channel):
    """-> 8-bit activations in 0 to 255, and weights per tensor or per output channel."""
    kind = tq.PerChannelMinMaxObserver if per_channel else tq.MinMaxObserver
    scheme = torch.per_channel_symmetric if per_channel else torch.per_tensor_symmetric
    return tq.QConfig(activation=tq.MinMaxObserver.with_args(dtype=torch.quint8),
                      weight=kind.with_args(dtype=torch.qint8, qscheme=scheme, quant_min=-127,
                                            quant_max=127))


def convert(model, shape, per_channel=True):
    """-> the model after eager-mode static quantization, calibrated on random inputs of the
    shape."""
    model.qconfig = qconfig(per_channel)
    tq.prepare(model, inplace=True)
    with torch.no_grad():
        for _ in range(4):
            model(torch.randn(shape))
    return tq.convert(model, inplace=True)


def quantized_models():
    """Yields (name, float model, input shape, per channel weights, tolerance, note)."""
    convolutions = {
        "conv_1x1": ((8, 12, 1), {}, True),
        "conv_3x3": ((5, 7, 3), {"padding": 1}, True),
        "conv_3x3_per_tensor": ((5, 7, 3), {"padding": 1}, False),
        "conv_3x3_no_bias": ((5, 7, 3), {"bias": False}, True),
        "conv_3x3_stride2": ((3, 16, 3), {"stride": 2, "padding": 1}, True),
        "conv_5x5_stride2": ((4, 9, 5), {"stride": 2, "padding": 2}, True),
        "conv_3x5_uneven": ((4, 6, (3, 5)), {"stride": (2, 1), "padding": (0, 2)}, True),
        "conv_dilation2": ((4, 6, 3), {"dilation": 2, "padding": 2}, True),
        "conv_groups2": ((6, 8, 3), {"groups": 2, "padding": 1}, True),
        "conv_many_channels": ((67, 33, 1), {}, True),
        "depthwise_3x3": ((19, 19, 3), {"groups": 19, "padding": 1}, True),
        "depthwise_3x3_stride2": ((8, 8, 3), {"groups": 8, "stride": 2, "padding": 1}, True),
        "depthwise_5x5": ((16, 16, 5), {"groups": 16, "padding": 2}, True),
        "depthwise_5x5_per_tensor": ((16, 16, 5), {"groups": 16, "padding": 2, "stride": 2}, False),
    }
    for name, (arguments, options, per_channel) in convolutions.items():
        model = nn.Conv2d(*arguments, **options)
        yield name, model, (1, arguments[0], 11, 9), per_channel, 0, "one convolution"
    conv_relu = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU()).eval()
    yield "conv_relu", tq.fuse_modules(conv_relu, ["0", "1"]), (1, 4, 9, 9), True, 0, "a fused relu"
    yield "linear", nn.Linear(37, 11), (1, 37), True, 0, ""
    yield "linear_per_tensor", nn.Linear(37, 11), (1, 37), False, 0, ""
    yield "quantize", nn.Identity(), (1, 3, 9, 9), True, 0, "ties to even"
    yield "relu", nn.ReLU(), (1, 3, 9, 9), True, 0, "of quantized values: keeps the input's scale"
    yield ("relu6", nn.Sequential(Scaled(4), nn.ReLU6()), (1, 4, 9, 9), True, 0,
           "keeps the input's scale")
    yield "max_pool", nn.MaxPool2d(2), (1, 3, 9, 8), True, 0, ""
    yield "max_pool_padding", nn.MaxPool2d(3, 2, 1), (1, 3, 9, 8), True, 0, ""
    yield "max_pool_ceil", nn.MaxPool2d(3, 2, ceil_mode=True), (1, 3, 8, 8), True, 0, ""
    yield "add", TwoBranches("add"), (1, 4, 7, 7), True, 1, "fixed-point rounding in PyTorch"
    yield ("add_relu", TwoBranches("add_relu"), (1, 4, 7, 7), True, 1,
           "fixed-point rounding in PyTorch")
    yield "mul", TwoBranches("mul"), (1, 4, 7, 7), True, 1, "rounding differs"
    yield "concat", TwoBranches("cat", 3, 5), (1, 4, 7, 7), True, 1, "inputs with different scales"
    yield ("adaptive_average_pool", nn.AdaptiveAvgPool2d(1), (1, 8, 7, 7), True, 1,
           "keeps the input's scale")
    yield "average_pool", nn.AvgPool2d(2), (1, 8, 8, 8), True, 1, "keeps the input's scale"
    yield "hard_swish", nn.Hardswish(), (1, 4, 9, 9), True, 1, ""
    yield "sigmoid", nn.Sigmoid(), (1, 4, 9, 9), True, 1, "scale 1/256, zero point 0"
    yield "leaky_relu", nn.LeakyReLU(0.1), (1, 4, 9, 9), True, 1, ""


class Scaled(nn.Module):
    """A 1x1 convolution with large weights, so that values pass 6."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.conv.weight.data *= 12

    def forward(self, x):
        # PyTorch 1.13's quantized relu6 mixes up the pixels of a channels-last tensor.
        return self.conv(x).contiguous()


def float_models():
    """Yields (name, model, input shape): every operator of the float export at least once."""
    unary = {
        "relu": nn.ReLU(), "relu6": nn.ReLU6(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(),
        "silu": nn.SiLU(),
        "hard_sigmoid": nn.Hardsigmoid(), "hard_swish": nn.Hardswish(), "gelu": nn.GELU(),
        "exp": Function(torch.exp),
        "abs": Function(torch.abs), "neg": Function(torch.neg), "leaky_relu": nn.LeakyReLU(0.2),
        "elu": nn.ELU(0.7),
        "sqrt": Function(lambda x: torch.sqrt(x * x + 0.5)),
        "log": Function(lambda x: torch.log(x * x + 0.5)),
        "clip": nn.Hardtanh(-0.5, 1.5), "clip_below": Function(lambda x: x.clamp(min=-0.25)),
        "prelu": nn.PReLU(3),
        "div": Function(lambda x: x / (x * x + 1.0)), "sub": Function(lambda x: 1.0 - x),
        "mul_channels": Function(lambda x: x * torch.tensor([0.5, -1.0, 2.0]).view(1, 3, 1, 1)),
        "softmax_channels": nn.Softmax(1), "softmax_last": nn.Softmax(-1),
        "log_softmax": nn.LogSoftmax(1),
        "mean_space": Function(lambda x: x.mean([2, 3])),
        "mean_channels": Function(lambda x: x.mean(1, True)),
        "argmax": Function(lambda x: x.argmax(1)),
        "transpose": Function(lambda x: x.permute(0, 2, 3, 1)),
        "concat": Function(lambda x: torch.cat([x, x * 2.0, x[:, :1]], 1)), "flatten": nn.Flatten(),
        "slice": Function(lambda x: x[:, 1:, ::2, 1:-1:3]),
        "pad": nn.ConstantPad2d((1, 2, 0, 3), 0.5),
        "pad_channels": Function(lambda x: F.pad(x, (0, 0, 0, 0, 2, 1))),
        "squeeze_excite": SqueezeExcite(3), "batch_norm": nn.BatchNorm2d(3),
        "max_pool": nn.MaxPool2d(3, 2, 1), "max_pool_ceil": nn.MaxPool2d(3, 2, ceil_mode=True),
        "max_pool_dilation": nn.MaxPool2d(2, 1, dilation=2), "avg_pool": nn.AvgPool2d(2),
        "avg_pool_padding": nn.AvgPool2d(3, 2, 1),
        "avg_pool_ceil": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
        "avg_pool_without_pad": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        "resize_nearest": nn.Upsample(scale_factor=2),
        "resize_nearest_uneven": nn.Upsample(size=(13, 5)),
        "resize_bilinear": nn.Upsample(size=(13, 11), mode="bilinear"),
        "resize_bilinear_corners": nn.Upsample(size=(13, 11), mode="bilinear", align_corners=True),
        "conv2d": nn.Conv2d(3, 5, 3, 2, 1),
        "conv2d_groups": nn.Conv2d(3, 6, 3, groups=3, dilation=2),
        "conv2d_same": nn.Conv2d(3, 4, (2, 3), padding="same"), "pixel_shuffle": ShuffledPixels(),
        "conv_bn_relu": nn.Sequential(nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU()),
        "bn_conv": nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3, padding=1)),
        "identity": nn.Identity(),
    }
    for name, model in unary.items():
        yield f"float_{name}", model, (1, 3, 9, 8)
    yield "float_linear", nn.Linear(7, 5), (1, 7)
    yield "float_linear_rows", nn.Linear(7, 5), (1, 3, 7)
    yield "float_linear_bn", nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.ReLU()), (1, 7)
    yield ("float_conv_transpose2d", nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1),
           (1, 3, 5, 6))
    yield "float_softsign", nn.Softsign(), (1, 3, 9, 8)
    yield "float_top_k", Function(lambda x: torch.topk(x, 2, 1).values), (1, 3, 9, 8)
    yield ("float_top_k_indices", Function(lambda x: torch.topk(x, 5, 2, largest=False)[1]),
           (1, 3, 9, 8))
    for name, module in (("gelu_tanh", nn.GELU("tanh")), ("softplus", nn.Softplus()),
                         ("mish", nn.Mish()), ("erf", Function(torch.erf))):
        yield f"float_{name}", module, (1, 3, 9, 8)


class SqueezeExcite(nn.Module):
    """Scales each channel by a function of its mean."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1)))


class ShuffledPixels(nn.Module):
    """A convolution to 4 channels, whose values become 2x2 pixels of one."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), 2)
