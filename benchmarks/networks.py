#!/usr/bin/env python3
"""Whole networks: exports mobilenet_v2, resnet18, resnet50 and blaze, and measures octet beside other engines.

    python3 benchmarks/networks.py [--octet build/octet] [--work DIR] [--against onednn float]
                                   [--threads 1] [--isa avx2] [--networks NAME...] [--json FILE]

The layers are the real networks' (torchvision's modules and the Blaze detector, ReLU6 kept); the weights are random,
since only latency is measured. Batch norm's statistics and the calibration come from random images, so that
activations have ordinary ranges. Needs python3-torch and python3-torchvision.
"""
import argparse
import json
import os
import subprocess
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
    pixels = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear") + torch.randn(
        count, 3, height, width) * 16
    mean = torch.tensor(preprocess["mean"], dtype=torch.float32)[:, None, None]
    std = torch.tensor(preprocess["std"], dtype=torch.float32)[:, None, None]
    return (pixels.clamp(0, 255).round() - mean) / std


def export(name, folder):
    """Writes NAME.safetensors, unless it is there, and converts it. -> paths of the int8 and the float model."""
    make, preprocess = NETWORKS[name]
    path = os.path.join(folder, name + ".safetensors")
    if not os.path.exists(path):
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
        octet_export.export(model, (1, 3, *preprocess["size"]), path, calibration=[random_images(preprocess, 2)],
                            observer="min-max", preprocess=preprocess)
    return path


def run(arguments, *command):
    result = subprocess.run([arguments.octet, *command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"octet {' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octet", default=os.path.join(ROOT, "build", "octet"))
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "networks"), help="where the models go")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--against", nargs="+", default=["onednn", "float"])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--isa", help="hold octet and, where it can be held, the other engine to an instruction set")
    parser.add_argument("--json", help="the measurements as JSON lines")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)

    results = []
    for name in arguments.networks:
        path = export(name, arguments.work)
        model = os.path.join(arguments.work, name + ".octet")
        run(arguments, "convert", path, "-o", model)
        options = ["--threads", arguments.threads, "--json"]
        if arguments.isa:
            options += ["--isa", arguments.isa]
        for engine in arguments.against:
            options += ["--against", engine]
        results.append({"network": name, **json.loads(run(arguments, "bench", model, *options))})
    print_table(results)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            for result in results:
                file.write(json.dumps(result) + "\n")


def print_table(results):
    first = results[0]
    engines = [entry["engine"] for entry in first["against"]]
    print(f"one image, median ms; octet on {first['isa']}, threads: {first['threads']}; ratio = theirs / octet")
    print(f"{'':16}{'10^6 MACs':>10}{'octet':>9}" + "".join(f"{engine:>10}{'ratio':>8}" for engine in engines))
    for result in results:
        row = f"{result['network']:16}{result['macs'] / 1e6:10.0f}{result['median_ms']:9.2f}"
        for entry in result["against"]:
            row += f"{entry['median_ms']:10.2f}{entry['ratio']:8.2f}"
        print(row)
    for i, engine in enumerate(engines):
        product = 1.0
        for result in results:
            product *= 1 / result["against"][i]["ratio"]
        print(f"geometric mean of octet / {engine}: {product ** (1 / len(results)):.3f}")


if __name__ == "__main__":
    main()
