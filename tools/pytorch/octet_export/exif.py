"""The orientation of the camera in EXIF data, read as tools/image/exif.cc reads it."""
from PIL import Image

_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
_METHODS = getattr(Image, "Transpose", Image)
_TURNS = {2: _METHODS.FLIP_LEFT_RIGHT, 3: _METHODS.ROTATE_180, 4: _METHODS.FLIP_TOP_BOTTOM,
          5: _METHODS.TRANSPOSE,
          6: _METHODS.ROTATE_270, 7: _METHODS.TRANSVERSE, 8: _METHODS.ROTATE_90}


def orientation(exif):
    """Returns the orientation in EXIF's bytes, 1 (upright) to 8; they may begin with "Exif\\0\\0".
    1 if they have none."""
    exif = exif or b""
    if exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"MM": "big", b"II": "little"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1

    def number(at, size):
        part = exif[at:at + size]
        return int.from_bytes(part, order) if len(part) == size else 0

    if number(2, 2) != 42:
        return 1
    directory = number(4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(entry, 2) != _ORIENTATION:
            continue
        kind = number(entry + 2, 2)
        if kind not in (_SHORT, _LONG) or number(entry + 4, 4) != 1:
            return 1
        value = number(entry + 8, 2 if kind == _SHORT else 4)
        return value if 1 <= value <= 8 else 1
    return 1


def is_on_its_side(value):
    """Returns whether rows become columns in an image of this orientation."""
    return value >= 5


def upright(image, value):
    """Returns the image turned upright."""
    return image.transpose(_TURNS[value]) if value in _TURNS else image
