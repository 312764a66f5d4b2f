#!/usr/bin/env python3
"""Writes the float export of the embedded default from its state dict: float weights, and
calibration scales observed on training images.

    python3 models/embedded/export.py --data DIR --state-dict cifar10_mobilenet_v2.pt \\
        --out models/cifar10_mobilenet_v2.safetensors
"""
import argparse
import os
import sys

import torch

import cifar10
from network import LABELS, MEAN, STD, CifarMobileNetV2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                                "pytorch"))
import octet_export  # noqa: E402

CALIBRATION_IMAGES = 1000
BATCH = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with train.tgz and test.tgz")
    parser.add_argument("--state-dict", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()

    model = CifarMobileNetV2()
    model.load_state_dict(torch.load(arguments.state_dict))
    model.eval()
    pixels, _ = cifar10.load(arguments.data, "train")
    # Evenly over the classes: the images are sorted by class.
    chosen = torch.arange(CALIBRATION_IMAGES) * len(pixels) // CALIBRATION_IMAGES
    batches = [cifar10.normalize(pixels[chosen[i : i + BATCH]])
               for i in range(0, CALIBRATION_IMAGES, BATCH)]
    octet_export.export(model, (1, 3, 32, 32), arguments.out, calibration=batches,
                        preprocess={"size": [32, 32], "resize": "stretch", "channels": "rgb",
                                    "mean": MEAN, "std": STD},
                        labels=LABELS, task={"type": "classify"})


if __name__ == "__main__":
    main()
