"""Images as a network's input, read with Pillow, as docs/float_export.md describes preprocess."""
import math
import os
import warnings
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from . import exif
from .errors import ExportError

_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".webp")
# JPEGs with more pixels may be decoded smaller.
_LARGE = 1 << 24
_BILINEAR = getattr(Image, "Resampling", Image).BILINEAR


class Reading(NamedTuple):
    """How the images of a folder are read."""
    exif_rotate: bool = True
    max_bad: float = 1  # in percent


def files_in(folder):
    """Returns the paths of the images in a folder and the folders in it, sorted. Error: there are
    none."""
    if not os.path.isdir(folder):
        raise ExportError(f"'{folder}' is no folder; calibration takes a folder of images")
    found = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names
             if name.lower().endswith(_EXTENSIONS)]
    if not found:
        raise ExportError(f"'{folder}' has no images ({', '.join(_EXTENSIONS)})")
    return sorted(found)


def load(path, preprocess, exif_rotate=True):
    """Returns an image file as float32 [1, C, H, W], turned as its EXIF says. Error: a file that is
    no image."""
    if not os.path.isfile(path):
        raise ExportError(f"'{path}' cannot be read as an image: not a file")
    try:
        with Image.open(path) as image:
            if image.format == "WEBP" and getattr(image, "is_animated", False):
                raise ExportError(f"'{path}' is an animated WebP, and octet reads still pictures: "
                                  f"webpmux -get frame 1 {path} -o frame.webp")
            size = image.size
            turn = exif.orientation(image.info.get("exif")) if exif_rotate else 1
            _reduce(image, preprocess, turn)
            image.load()
            if exif_rotate:  # the EXIF of a PNG may stand behind its pixels
                turn = exif.orientation(image.info.get("exif"))
            image = exif.upright(_eight_bits(image), turn)
    except ExportError:
        raise
    except Exception as error:  # Pillow raises errors of many kinds for damaged files
        raise ExportError(f"'{path}' cannot be read as an image: {error}") from error
    return to_input(image, preprocess, size[::-1] if exif.is_on_its_side(turn) else size)


def _reduce(image, preprocess, turn):
    """Has a very large JPEG decoded at a half, a quarter or an eighth of its size, by the rule of
    docs/float_export.md."""
    if image.format not in ("JPEG", "MPO") or image.width * image.height <= _LARGE:
        return
    size = image.size[::-1] if exif.is_on_its_side(turn) else image.size
    scaled = _scaled(size, preprocess)
    for times in (8, 4, 2):
        if all(side >= 2 * times * s for side, s in zip(size, scaled)):
            image.draft(None, (image.width // times, image.height // times))
            return


def _scaled(size, preprocess):
    """Returns the (width, height) to which a picture of (width, height) is scaled."""
    target = tuple(preprocess["size"][::-1])
    return (target if preprocess["resize"] == "stretch"
            else scaled_size(size, target, preprocess["resize"]))


def check_bad(folder, bad, total, max_bad):
    """Warns about images that were left out; `bad` has a message for each. Error: more than max_bad
    percent."""
    if not bad:
        return
    share = f"{len(bad)} of {total} images"
    warnings.warn(f"left out {share}: " + "; ".join(bad))
    if len(bad) == total:
        raise ExportError(f"'{folder}': no image in it can be read: {bad[0]}")
    percent = 100 * len(bad) / total
    if percent > max_bad:
        raise ExportError(f"'{folder}': {share} cannot be read ({percent:.3g} %), and at most "
                          f"{max_bad:g} % may be bad: mend or remove them, or allow more with "
                          f"--max-bad {math.ceil(percent)} (max_bad=)")


def to_input(image, preprocess, picture_size=None):
    """Returns a Pillow image as float32 [1, C, H, W]: resized, with ordered channels, (pixel -
    mean) / std.

    picture_size: (width, height) of the picture in the file, if the image was decoded smaller.
    """
    gray = preprocess["channels"] == "gray"
    image = _eight_bits(image).convert("L" if gray else "RGB")
    height, width = preprocess["size"]
    mode = preprocess["resize"]
    mean = np.asarray(preprocess["mean"], np.float32)
    std = np.asarray(preprocess["std"], np.float32)
    scaled = _scaled(picture_size or image.size, preprocess)
    pixels = np.asarray(image.resize(scaled, _BILINEAR) if scaled != image.size else image,
                        np.float32)
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
    """Returns the high bytes of 16-bit gray pixels as an image, as Pillow reads other 16-bit
    channels.

    Pillow's own conversion clips gray values at 255 instead.
    """
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8), "L")


def scaled_size(size, target, mode):
    """Returns (width, height) after scaling for 'letterbox' (fits into the target) or 'crop'
    (covers it)."""
    ratios = [t / s for t, s in zip(target, size)]
    ratio = min(ratios) if mode == "letterbox" else max(ratios)
    return tuple(max(1, int(np.floor(s * ratio + 0.5))) for s in size)
