#!/usr/bin/env python3
"""Writes image_golden.json: image files of every kind, and the pixels that the exporter reads from
them.

The PNG files are written here, since Pillow writes few of the kinds; the other files are Pillow's.
"""
import io
import itertools
import json
import os
import struct
import sys
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "pytorch"))

from octet_export import exif as orientation  # noqa: E402
from octet_export import images  # noqa: E402

HEIGHT, WIDTH = 5, 11
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
# Adam7: first row, first column, step of rows, step of columns.
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
          (1, 0, 2, 1))


def chunk(kind, data):
    """-> the bytes of a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples, bits):
    """-> rows [H, W, C] as they lie in a PNG, each without a filter."""
    out = b""
    for row in samples.reshape(samples.shape[0], -1):
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        else:
            unpacked = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits:]
            packed = np.packbits(unpacked.reshape(-1)).tobytes()
        out += b"\0" + packed
    return out


def png(kind, bits, chunks=(), interlaced=False):
    """-> a PNG file of random samples; `chunks` stand before the pixels."""
    samples = np.random.default_rng(bits + kind).integers(0, 1 << bits,
                                                          (HEIGHT, WIDTH, CHANNELS[kind]))
    if interlaced:
        parts = [samples[y::step_y, x::step_x] for y, x, step_y, step_x in PASSES]
        data = b"".join(rows(part, bits) for part in parts if part.size)
    else:
        data = rows(samples, bits)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, kind, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*c) for c in chunks) +
            chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def jpeg(mode, **options):
    """-> a JPEG file of a gradient with every channel's own direction."""
    y, x = np.indices((16, 24))
    planes = [x * 10, y * 15, 255 - x * 5, (x + y) * 3]
    pixels = np.stack(planes[:len(mode)], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(), mode).save(file, "jpeg", quality=95, **options)
    return file.getvalue()


def picture(mode):
    """-> a Pillow image of a few colours and an odd size."""
    y, x = np.indices((7, 13))
    pixels = np.stack([x * 19, y * 36, (x * y) % 4 * 60, 255 - x * 9], 2).astype(np.uint8)
    return (Image.fromarray(pixels[:, :, :3], "RGB").convert(mode) if mode != "RGBA"
            else Image.fromarray(pixels, mode))


def saved(image, form, **options):
    """-> the bytes of an image file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def exif(orientation, order="<", kind=3, count=1):
    """-> EXIF's bytes that say an orientation, in the order of bytes of struct."""
    mark = b"II" if order == "<" else b"MM"
    value = struct.pack(order + ("HH" if kind == 3 else "I"),
                        *([orientation, 0] if kind == 3 else [orientation]))
    return (b"Exif\0\0" + mark + struct.pack(order + "HIHHHI", 42, 8, 1, 0x0112, kind, count)
            + value + struct.pack(order + "I", 0))


def bmp(bits, masks=(), colors=0, old=False, top_down=False):
    """-> a BMP file of random pixels; `masks` are of R, G, B, and `old` has OS/2's header."""
    random = np.random.default_rng(bits + colors)
    width, height = 13, 7
    rows_of_pixels = random.integers(0, colors or 256, (height, (width * bits + 31) // 32 * 4),
                                     np.uint8)
    palette = random.bytes(colors * (3 if old else 4))
    if old:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits,
                             3 if masks else 0, 0, 0, 0, colors, 0)
    header += struct.pack(f"<{len(masks)}I", *masks) + palette
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0,
                       14 + len(header)) + header + rows_of_pixels.tobytes()


def gif_on_canvas(left, top, own_palette=False, **options):
    """-> a GIF file whose picture is a part of a canvas of 20 x 15."""
    file = bytearray(saved(picture("RGB").quantize(16), "gif", **options))
    struct.pack_into("<HH", file, 6, 20, 15)
    colors = 3 << ((file[10] & 7) + 1)
    at = 13 + colors
    while file[at] == ord("!"):
        at += 2
        while file[at]:
            at += file[at] + 1
        at += 1
    struct.pack_into("<HH", file, at + 1, left, top)
    if own_palette:
        file[at + 9] |= 0x80 | (file[10] & 7)
        file[at + 10:at + 10] = file[13:13 + colors][::-1]
    return bytes(file)


def other_files():
    """Yields (what it is, the file's bytes) of what is neither PNG nor JPEG, and of turned
    pictures."""
    for mode in ("RGB", "L", "1", "P", "RGBA"):
        yield f"BMP, {mode}", saved(picture(mode), "bmp")
    yield "BMP, 16 colours", saved(picture("RGB").quantize(16), "bmp")
    for name, file in (("16 bits", bmp(16)), ("565", bmp(16, (0xF800, 0x7E0, 0x1F))),
                       ("32 bits, B last", bmp(32, (0xFF000000, 0xFF0000, 0xFF00))),
                       ("top down", bmp(24, top_down=True)),
                       ("OS/2, palette", bmp(8, colors=256, old=True)),
                       ("20 of 256 colours", bmp(8, colors=20))):
        yield f"BMP, {name}", file
    yield "GIF, a part of its canvas", gif_on_canvas(3, 4)
    yield "GIF, a part of its transparent canvas", gif_on_canvas(3, 4, transparency=5)
    yield "GIF, a palette of its own", gif_on_canvas(3, 4, own_palette=True)
    yield "GIF, beyond its canvas", gif_on_canvas(12, 10)
    for colors in (2, 5, 64):
        for interlace in (0, 1):
            yield (f"GIF, {colors} colours, interlace {interlace}",
                   saved(picture("RGB").quantize(colors), "gif", interlace=interlace))
    yield "GIF, gray", saved(picture("L"), "gif")
    yield "GIF, transparent", saved(picture("RGB").quantize(32), "gif", transparency=3)
    yield "GIF, animated", saved(picture("RGB").quantize(32), "gif", save_all=True,
                                 append_images=[picture("L").quantize(32)])
    many = np.random.default_rng(7).integers(0, 256, (40, 60), np.uint8)
    yield "GIF, codes of every width", saved(Image.fromarray(many, "L"), "gif")
    for mode in ("RGB", "RGBA"):
        yield f"WebP, lossless, {mode}", saved(picture(mode), "webp", lossless=True)
    yield "WebP, lossy", saved(picture("RGB"), "webp", quality=80)
    for value in range(10):
        for order in "<>":
            data = exif(value, order)
            yield (f"JPEG, orientation {value}, {order}",
                   saved(picture("RGB"), "jpeg", quality=95, subsampling=0, exif=data))
        yield f"PNG, orientation {value}", png(RGB, 8, [(b"eXIf", exif(value)[6:])])
        yield (f"WebP, orientation {value}",
               saved(picture("RGB"), "webp", lossless=True, exif=exif(value)))
    yield ("JPEG, orientation of 32 bits",
           saved(picture("RGB"), "jpeg", quality=95, exif=exif(6, ">", 4)))
    yield ("JPEG, two orientations",
           saved(picture("RGB"), "jpeg", quality=95, exif=exif(6, "<", 3, 2)))
    for length in (6, 14, 20, 26, 30):  # Pillow itself does not open a file with 10
        yield (f"JPEG, EXIF cut off at {length}",
               saved(picture("RGB"), "jpeg", quality=95, exif=exif(6)[:length]))


def files():
    """Yields (what it is, the file's bytes)."""
    for kind, name, depths in ((GRAY, "gray", (1, 2, 4, 8, 16)), (RGB, "rgb", (8, 16)),
                               (GRAY_ALPHA, "gray and alpha", (8, 16)),
                               (RGB_ALPHA, "rgb and alpha", (8, 16))):
        for bits in depths:
            yield f"{name}, {bits} bits", png(kind, bits)
    for bits in (1, 2, 4, 8):
        colors = np.random.default_rng(bits).bytes(3 << bits)
        opacity = np.random.default_rng(bits + 1).bytes(1 << bits)
        yield f"palette, {bits} bits", png(PALETTE, bits, [(b"PLTE", colors)])
        yield (f"partly transparent palette, {bits} bits",
               png(PALETTE, bits, [(b"PLTE", colors), (b"tRNS", opacity)]))
    yield "gray, one value transparent", png(GRAY, 8, [(b"tRNS", b"\0\x40")])
    yield "rgb, one value transparent", png(RGB, 8, [(b"tRNS", b"\0\x40\0\x41\0\x42")])
    for gamma in (100000, 45455):
        yield f"rgb, gamma {gamma}", png(RGB, 8, [(b"gAMA", struct.pack(">I", gamma))])
    yield "rgb, 16 bits, gamma 100000", png(RGB, 16, [(b"gAMA", struct.pack(">I", 100000))])
    yield "rgb, with a background", png(RGB_ALPHA, 8, [(b"bKGD", b"\0\xff\0\x80\0\x20")])
    for kind, bits in ((GRAY, 2), (RGB, 8), (RGB_ALPHA, 16)):
        yield f"interlaced, kind {kind}, {bits} bits", png(kind, bits, interlaced=True)
    yield "JPEG, gray", jpeg("L")
    yield "JPEG, rgb", jpeg("RGB", subsampling=0)
    yield "JPEG, CMYK", jpeg("CMYK")


def main():
    warnings.simplefilter("ignore")  # about a palette's transparency
    cases = []
    for name, file in itertools.chain(files(), other_files()):
        with tempfile.NamedTemporaryFile() as on_disk:
            on_disk.write(file)
            on_disk.flush()
            image = Image.open(on_disk.name)
            size = [image.height, image.width]
            if orientation.is_on_its_side(orientation.orientation(image.info.get("exif"))):
                size.reverse()
            rule = {"size": size, "resize": "stretch", "channels": "rgb", "mean": [0] * 3,
                    "std": [1] * 3}
            pixels = images.load(on_disk.name, rule)[0].numpy().transpose(1, 2, 0).astype(np.uint8)
        cases.append({"name": name, "file": file.hex(), "height": size[0],
                      "pixels": pixels.tobytes().hex()})
    with open(os.path.join(HERE, "image_golden.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
