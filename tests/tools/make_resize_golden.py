#!/usr/bin/env python3
"""Writes resize_golden.json: what Pillow makes of small images, by the rules of
docs/float_export.md, "preprocess".

The images are made of numbers that the C++ test makes again: no image file is needed.
"""
import json
import os

import numpy as np
from PIL import Image

BILINEAR = getattr(Image, "Resampling", Image).BILINEAR


def made_image(height, width):
    """-> u8 [height, width, 3]: edges, a gradient and noise, from integer arithmetic alone."""
    y, x, c = np.indices((height, width, 3))
    noise = (x * 2654435761 + y * 40503 + c * 69069 >> 5) % 64
    return ((x * 255 // max(width - 1, 1) + noise + 190 * ((x // 3 + y // 2) % 2)) % 256).astype(
        np.uint8)


def prepared(image, rule):
    """-> u8 [h, w, C] as the model's input has it, before mean and std."""
    height, width = rule["size"]
    source = Image.fromarray(image).convert("L" if rule["channels"] == "gray" else "RGB")
    scaled = (width, height)
    if rule["resize"] != "stretch":
        ratios = [t / s for t, s in zip((width, height), source.size)]
        ratio = max(ratios) if rule["resize"] == "crop" else min(ratios)
        scaled = tuple(max(1, int(np.floor(s * ratio + 0.5))) for s in source.size)
    pixels = np.asarray(source.resize(scaled, BILINEAR)).reshape(scaled[1], scaled[0], -1)
    if rule["channels"] == "bgr":
        pixels = pixels[:, :, ::-1]
    if rule["resize"] == "crop":
        left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
        return pixels[top:top + height, left:left + width]
    canvas = np.empty((height, width, pixels.shape[2]), np.uint8)
    canvas[:] = np.asarray(rule["mean"], np.uint8)
    canvas[:scaled[1], :scaled[0]] = pixels
    return canvas


def main():
    cases = []
    for resize in ("stretch", "crop", "letterbox"):
        for channels in ("rgb", "bgr", "gray"):
            for image, size in (((31, 17), (6, 7)), ((5, 9), (8, 12)), ((13, 40), (9, 5)),
                                ((7, 7), (7, 7))):
                mean = [90] if channels == "gray" else [123, 117, 104]
                rule = {"size": size, "resize": resize, "channels": channels, "mean": mean,
                        "std": [1] * len(mean)}
                pixels = prepared(made_image(*image), rule)
                cases.append({"image": image, "preprocess": rule, "pixels": pixels.tobytes().hex()})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "resize_golden.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
