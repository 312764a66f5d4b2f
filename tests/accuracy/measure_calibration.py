#!/usr/bin/env python3
"""Measures what octet's own calibration costs in accuracy, and prints Markdown tables.

    python3 tests/accuracy/measure_calibration.py --octet build/octet [--data FOLDER]

--data, by default what OCTET_SHARED_DATA names (docs/data.md), is a folder with onnx/ (the face
detectors), faces/calibrate and faces/evaluate (photographs), tflite/ (the classifier) and
imagenet/calibrate and imagenet/evaluate (photographs named after their classes), and zoo/ (a
network with SiLU, which is compared by cosine). Needs numpy, and no training
framework.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0,
                os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data"))
from shared_folder import shared_folder, skipped  # noqa: E402

# What is compared: a name, and the options of convert.
CALIBRATORS = tuple((name, ("--calibrator", name))
                    for name in ("min-max", "percentile", "mse", "entropy")) + (
    ("mse, weights to the nearest", ("--rounding", "nearest")),)
METHODS = (
    ("functions as tables, weights to the nearest", ("--tables", "--rounding", "nearest")),
    ("functions as tables", ("--tables",)),
    ("weights to the nearest", ("--rounding", "nearest")),
    ("all (the default)", ()),
)
ULTRA_LIGHT = {"resize": "stretch", "channels": "rgb", "mean": [127, 127, 127],
               "std": [128, 128, 128]}
CLASSIFIER = "tf2_mobilenet_v2_1.0_224_ptq.tflite"
DETECTORS = {
    "blaceface.onnx": {
        "preprocess": {"resize": "letterbox", "channels": "bgr", "mean": [104, 117, 123],
                       "std": [1, 1, 1]},
        "task": {"type": "detect", "boxes": "boxes", "scores": "scores", "landmarks": "landmark",
                 "min_sizes": [[8, 11], [14, 19, 26, 38, 64, 149]], "steps": [8, 16],
                 "variances": [0.1, 0.2], "score_threshold": 0.3, "nms_iou": 0.5},
    },
    "version-RFB-320.onnx": {  # decodes its boxes itself
        "preprocess": ULTRA_LIGHT,
        "task": {"type": "detect", "boxes": "boxes", "scores": "scores", "box_coding": "corners",
                 "score_threshold": 0.5, "nms_iou": 0.3},
    },
    "version-slim-320_simplified.onnx": {
        "preprocess": ULTRA_LIGHT,
        "task": {"type": "detect", "boxes": "boxes", "scores": "scores", "variances": [0.1, 0.2],
                 "min_sizes": [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]],
                 "steps": [8, 16, 32, 64], "score_threshold": 0.5, "nms_iou": 0.3},
    },
}

# Networks whose outputs are compared with float's by cosine: the parts of the last axis, and what
# each is.
COSINES = {
    "zoo/yolox_nano.onnx": {
        "options": ["--preprocess", json.dumps({"resize": "letterbox", "channels": "bgr",
                                                "mean": [0, 0, 0], "std": [1, 1, 1]})],
        "parts": {"boxes": slice(0, 4), "objectness": slice(4, 5), "classes": slice(5, None)},
    },
}
# Of the photographs in imagenet/: as many to calibrate with, and every third to compare.
CALIBRATED, COMPARED = 50, slice(0, None, 3)


class Octet:
    """The program, and a folder for the models that it makes."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def call(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def convert(self, source, name, *options):
        """-> the path of the .octet model."""
        path = os.path.join(self.folder, name + ".octet")
        self.call("convert", source, "-o", path, *options)
        return path

    def evaluate(self, model, images, *options):
        return json.loads(self.call("eval", model, images, "--json", "--threads", "1", *options))


def print_table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def detectors(octet, data):
    """Yields (model, calibrator, what was measured)."""
    faces = os.path.join(data, "faces")
    for file, described in DETECTORS.items():
        source = os.path.join(data, "onnx", file)
        options = ["--preprocess", json.dumps(described["preprocess"]), "--task",
                   json.dumps(described["task"])]
        in_float = octet.convert(source, "float", "--float", *options)
        for calibrator, chosen in CALIBRATORS:
            int8 = octet.convert(source, "int8", *options, "--calibrate",
                                 os.path.join(faces, "calibrate"), *chosen)
            result = octet.evaluate(int8, os.path.join(faces, "evaluate"), "--compare", in_float)
            yield (file, calibrator, f"{result['precision']:.4f}", f"{result['recall']:.4f}",
                   f"{result['mean_iou']:.4f}",
                   f"{result['detections']} for {result['compared_detections']}")


def classifier(octet, data):
    """Yields (calibrator, what was measured) for the float MobileNetV2 that a TFLite model's bytes
    stand for."""
    source = os.path.join(data, "tflite", CLASSIFIER)
    images = os.path.join(data, "imagenet", "evaluate")
    in_float = octet.convert(source, "float", "--float", "--task", "classify")

    def measure(name, model):
        result = octet.evaluate(model, images, "--compare", in_float, "--first-class", "1")
        return name, *(f"{result[key]:.1f} %" for key in ("agreement", "top1", "top5"))

    for calibrator, chosen in CALIBRATORS:
        yield measure(calibrator,
                      octet.convert(source, "int8", "--task", "classify", "--forget-scales",
                                    "--calibrate", os.path.join(data, "imagenet", "calibrate"),
                                    *chosen))
    yield measure("the file's own scales", octet.convert(source, "int8", "--task", "classify"))
    yield measure("float", in_float)


def cosines(octet, data):
    """Yields (network, methods, cosine of each part of int8's output to float's over photographs,
    seconds that the conversion took)."""
    import numpy

    photographs = sorted(glob.glob(os.path.join(data, "imagenet", "evaluate", "*")))[COMPARED]

    def outputs(model):
        with tempfile.TemporaryDirectory(dir=octet.folder) as folder:
            octet.call("run", model, *photographs, "--dump", folder)
            return numpy.stack([numpy.load(file) for file in
                                sorted(glob.glob(os.path.join(folder, "*.npy")))]).astype(float)

    for file, described in COSINES.items():
        source = os.path.join(data, file)
        expected = outputs(octet.convert(source, "float", "--float", *described["options"]))
        for name, options in METHODS:
            begin = time.monotonic()
            model = octet.convert(
                source, "int8", *described["options"], *options, "--calibrate",
                os.path.join(data, "imagenet", "calibrate"), "--calibration-limit",
                str(CALIBRATED))
            seconds = time.monotonic() - begin
            found = outputs(model)
            figures = []
            for part, where in described["parts"].items():
                a, b = expected[..., where].ravel(), found[..., where].ravel()
                figures.append(f"{part} {a @ b / numpy.sqrt((a @ a) * (b @ b)):.3f}")
            yield os.path.basename(file), name, ", ".join(figures), f"{seconds:.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octet", default="build/octet", help="the program")
    parser.add_argument("--data", default=shared_folder(),
                        help="the folder with the models and images (default: %(default)s)")
    arguments = parser.parse_args()
    needed = ([os.path.join("onnx", file) for file in DETECTORS]
              + ["faces/calibrate", "faces/evaluate", os.path.join("tflite", CLASSIFIER),
                 "imagenet/calibrate", "imagenet/evaluate"] + list(COSINES))
    missing = [name for name in needed if not os.path.exists(os.path.join(arguments.data, name))]
    if missing:
        sys.exit(f"measure_calibration: {skipped(arguments.data, *missing)}")
    with tempfile.TemporaryDirectory() as folder:
        octet = Octet(arguments.octet, folder)
        print_table(("detector", "calibrator", "precision", "recall", "mean IoU",
                     "boxes in int8, in float"), detectors(octet, arguments.data))
        print_table(("calibrator", "the same class as float", "top-1", "top-5"),
                    classifier(octet, arguments.data))
        print_table(("network", "methods", "cosine to float", "seconds"),
                    cosines(octet, arguments.data))


if __name__ == "__main__":
    main()
