"""The embedded default's network: MobileNetV2's inverted residuals, sized for 32x32 images.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

# Mean and standard deviation of CIFAR-10's training pixels, on values 0 to 255.
MEAN = [125.3, 123.0, 113.9]
STD = [63.0, 62.1, 66.7]

# expansion, output channels, blocks, stride of the first block
STAGES = [(1, 16, 1, 1), (4, 32, 3, 2), (4, 64, 4, 2), (6, 96, 3, 1)]
STEM_CHANNELS = 32
HEAD_CHANNELS = 384


class _ReLU6Gradient(torch.autograd.Function):
    """relu6 whose backward pass runs on vectorised operators: hardtanh's own has no bfloat16 form
    in torch 1.13."""

    @staticmethod
    def forward(ctx, x):
        y = torch.clamp(x, 0, 6)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        below = torch.ops.aten.threshold_backward
        return below(below(gradient, y, 0), 6 - y, 0)


class TrainableReLU6(nn.ReLU6):
    def forward(self, x):
        return _ReLU6Gradient.apply(x) if self.training else F.relu6(x)


def conv_bn_relu6(inputs, outputs, kernel, stride=1, groups=1):
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        TrainableReLU6(),
    ]


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter by depthwise 3x3, project by 1x1; the input is added where shapes
    allow."""

    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        hidden = inputs * expansion
        layers = conv_bn_relu6(inputs, hidden, 1) if expansion != 1 else []
        layers += conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden)
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.has_shortcut else self.layers(x)


class CifarMobileNetV2(nn.Module):
    def __init__(self, classes=len(LABELS)):
        super().__init__()
        layers = conv_bn_relu6(3, STEM_CHANNELS, 3)
        channels = STEM_CHANNELS
        for expansion, outputs, blocks, first_stride in STAGES:
            for block in range(blocks):
                layers.append(InvertedResidual(channels, outputs, expansion,
                                               first_stride if block == 0 else 1))
                channels = outputs
        layers += conv_bn_relu6(channels, HEAD_CHANNELS, 1)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(HEAD_CHANNELS, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))
