"""Images as a network's input, with Pillow: what docs/float_export.md says about preprocess."""
import os

import numpy as np
import torch
from PIL import Image

from .errors import ExportError

_EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp")
_BILINEAR = getattr(Image, "Resampling", Image).BILINEAR


def files_in(folder):
    """-> the paths of the images in a folder and the folders in it, sorted. Error: there are none."""
    found = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names
             if name.lower().endswith(_EXTENSIONS)]
    if not found:
        raise ExportError(f"'{folder}' has no images ({', '.join(_EXTENSIONS)})")
    return sorted(found)


def load(path, preprocess):
    """-> float32 [1, C, H, W] of an image file. Error: a file that is no image."""
    try:
        with Image.open(path) as image:
            image.load()
            return to_input(image, preprocess)
    except (OSError, SyntaxError) as error:
        raise ExportError(f"'{path}' cannot be read as an image: {error}") from error


def to_input(image, preprocess):
    """-> float32 [1, C, H, W] of a Pillow image: resized, in order of the channels, (pixel - mean) / std."""
    gray = preprocess["channels"] == "gray"
    image = _eight_bits(image).convert("L" if gray else "RGB")
    height, width = preprocess["size"]
    mode = preprocess["resize"]
    mean = np.asarray(preprocess["mean"], np.float32)
    std = np.asarray(preprocess["std"], np.float32)
    if mode == "stretch":
        scaled = (width, height)
    else:
        scaled = scaled_size(image.size, (width, height), mode)
    pixels = np.asarray(image.resize(scaled, _BILINEAR) if scaled != image.size else image, np.float32)
    pixels = pixels.reshape(scaled[1], scaled[0], -1)
    if preprocess["channels"] == "bgr":
        pixels = pixels[:, :, ::-1]
    x = (pixels - mean) / std
    if mode == "crop":
        left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
        x = x[top:top + height, left:left + width]
    elif mode == "letterbox":
        canvas = np.zeros((height, width, x.shape[2]), np.float32)
        canvas[:scaled[1], :scaled[0]] = x
        x = canvas
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))[None])


def _eight_bits(image):
    """-> the image with the high byte of 16-bit gray pixels, as Pillow reads other 16-bit channels.

    Its own conversion cuts gray values off at 255 instead.
    """
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8), "L")


def scaled_size(size, target, mode):
    """-> (width, height) after scaling for 'letterbox' (fits into the target) or 'crop' (covers it)."""
    ratios = [t / s for t, s in zip(target, size)]
    ratio = min(ratios) if mode == "letterbox" else max(ratios)
    return tuple(max(1, int(np.floor(s * ratio + 0.5))) for s in size)
