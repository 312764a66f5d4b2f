#!/usr/bin/env python3
"""Measures every accuracy figure of the documentation again and prints a Markdown table.

    python3 tests/pytorch/measure_accuracy.py --build build [--data FOLDER]

--data is by default the folder that OCTET_SHARED_DATA names (docs/data.md). --images N takes N
evenly spaced test images of CIFAR-10 instead of all 10,000.
"""
import argparse
import os
import sys
import tempfile

import octet_runner
import shared_data
from resnet20 import PREPROCESS as RESNET_PREPROCESS


def _percent(value):
    return f"{value:.2f} %"


def _models(octet, exported):
    return octet.convert(exported, name="int8"), octet.convert(exported, "--float", name="float")


def _rows_of_classifier(octet, exported, folder):
    int8, in_float = _models(octet, exported)
    for name, result in (("octet float", octet.evaluate(in_float, folder)),
                         ("octet int8", octet.evaluate(int8, folder, "--compare", in_float))):
        agreement = (f", {_percent(result['agreement'])} agree with float" if "agreement" in result
                     else "")
        yield name, f"top-1 {_percent(result['top1'])}, top-5 {_percent(result['top5'])}{agreement}"


def resnet20(octet, samples, folder):
    """Yields (what runs it, what was measured) for resnet20."""
    train = shared_data.path("cifar10", "train.tgz")
    calibrate = octet.path("calibrate")
    octet_runner.cifar_images(train, calibrate, octet_runner.CALIBRATION_IMAGES)
    model, options = octet_runner.resnet20(calibrate)
    yield "PyTorch float", f"top-1 {_percent(octet_runner.top1(model, samples, RESNET_PREPROCESS))}"
    yield from _rows_of_classifier(octet, octet.export(model, (1, 3, 32, 32), **options), folder)


def blaze(octet):
    """Yields (what runs it, what was measured) for the face detector."""
    model, options = octet_runner.blaze()
    int8, in_float = _models(octet, octet.export(model, (1, 3, 320, 320), **options))
    result = octet.evaluate(int8, shared_data.path("faces", "evaluate"), "--compare", in_float)
    yield ("octet int8 against octet float",
           f"precision {result['precision']:.4f}, recall {result['recall']:.4f}, mean IoU "
           f"{result['mean_iou']:.4f} ({result['detections']} detections for "
           f"{result['compared_detections']})")


def measure(octet, count):
    """Yields (model, images, what runs it, what was measured)."""
    samples = octet_runner.cifar_images(shared_data.path("cifar10", "test.tgz"),
                                        octet.path("images"), count)
    folder = octet.path(os.path.join("images", "test"))
    images = f"{len(samples)} of CIFAR-10's test images"
    for row in resnet20(octet, samples, folder):
        yield "resnet20", images, *row
    if os.path.exists(octet_runner.EMBEDDED):
        for row in _rows_of_classifier(octet, octet_runner.EMBEDDED, folder):
            yield "cifar10_mobilenet_v2", images, *row
    for row in blaze(octet):
        yield "Blaze 320", "faces/evaluate", *row


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build folder")
    parser.add_argument("--data", default=shared_data.FOLDER,
                        help="the folder with blaze, faces and cifar10")
    parser.add_argument("--images", type=int,
                        help="how many test images of CIFAR-10 (default: all)")
    arguments = parser.parse_args()
    shared_data.FOLDER = arguments.data
    missing = octet_runner.Octet.missing(arguments.build, ("octet",))
    for names in (("cifar10", "test.tgz"), ("cifar10", "train.tgz"),
                  ("cifar10", "resnet20-12fca82f.th"),
                  ("blaze", "Blaze_Final_320.pth"), ("faces", "calibrate"), ("faces", "evaluate")):
        if not shared_data.path(*names):
            missing = missing or shared_data.skipped("/".join(names))
    if missing:
        sys.exit(f"measure_accuracy: {missing}")
    print("| model | images | | |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(octet_runner.Octet(arguments.build, folder), arguments.images):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
