"""Reading and writing safetensors files."""
import json
import struct

import numpy as np
import torch

from . import output_file

_NAMES = {torch.float32: "F32", torch.int8: "I8"}
_NUMPY = {"F32": np.dtype("<f4"), "I8": np.dtype("i1")}


def write(path, tensors, metadata):
    """Writes `tensors` (names with float32 or int8 torch tensors) and `metadata` (texts by names).

    The header is padded with spaces so that the data starts at a multiple of 8 bytes. Tensors of
    wider values come first, so that every tensor is aligned to its values. The file appears whole
    or not at all.
    """
    order = sorted(tensors, key=lambda name: -tensors[name].element_size())
    header, position = {"__metadata__": metadata}, 0
    for name in order:
        size = tensors[name].numel() * tensors[name].element_size()
        header[name] = {
            "dtype": _NAMES[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with output_file.opened(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            values = tensors[name].detach().contiguous().numpy()
            file.write(values.astype(_NUMPY[_NAMES[tensors[name].dtype]], copy=False).tobytes())


def read(path):
    """Returns (tensors, metadata) of a file that `write` wrote."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], _NUMPY[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors, metadata
