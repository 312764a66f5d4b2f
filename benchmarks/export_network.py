#!/usr/bin/env python3
"""Exports one of the networks that networks.py measures: export_network.py NAME FILE.safetensors

The layers are the real networks' (torchvision's modules and the Blaze detector, ReLU6 kept); the
weights are random, since only latency is measured. Batch norm's statistics and the calibration come
from random images, so that activations have ordinary ranges. Needs python3-torch and
python3-torchvision.
"""
import os
import sys

import torch
import torchvision

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools", "pytorch"), os.path.join(ROOT, "tests", "pytorch")]
import blaze
import octet_export

IMAGENET = {
    "size": [224, 224],
    "resize": "crop",
    "channels": "rgb",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
}
NETWORKS = {
    "mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(), IMAGENET),
    "resnet18": (lambda: torchvision.models.resnet18(), IMAGENET),
    "resnet50": (lambda: torchvision.models.resnet50(), IMAGENET),
    "blaze": (lambda: blaze.Blaze(), blaze.PREPROCESS),
}


def random_images(preprocess, count):
    """-> [count, 3, H, W]: smooth random pictures, preprocessed."""
    height, width = preprocess["size"]
    coarse = torch.rand(count, 3, 8, 8) * 255
    pixels = (torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
              + torch.randn(count, 3, height, width) * 16)
    mean = torch.tensor(preprocess["mean"], dtype=torch.float32)[:, None, None]
    std = torch.tensor(preprocess["std"], dtype=torch.float32)[:, None, None]
    return (pixels.clamp(0, 255).round() - mean) / std


def export(name, path):
    """Writes the network's float export."""
    make, preprocess = NETWORKS[name]
    torch.manual_seed(1)
    model = make()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(random_images(preprocess, 4))
    model.eval()
    octet_export.export(model, (1, 3, *preprocess["size"]), path,
                        calibration=[random_images(preprocess, 2)],
                        observer="min-max", preprocess=preprocess)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in NETWORKS:
        sys.exit(f"usage: export_network.py {'|'.join(NETWORKS)} FILE.safetensors")
    export(*sys.argv[1:])
