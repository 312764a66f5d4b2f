"""CIFAR-10 as JPEG files in one folder a class, read from train.tgz and test.tgz."""
import io
import os
import tarfile

import numpy as np
import torch
from PIL import Image

from network import LABELS, MEAN, STD


def load(folder, split):
    """-> (pixels u8 [N, 3, 32, 32], labels s64 [N]) of 'train' or 'test', sorted by file name."""
    path = os.path.join(folder, split + ".tgz")
    if not os.path.exists(path):
        raise SystemExit(f"{path}: not found; --data names the folder with train.tgz and test.tgz")
    images, labels = [], []
    with tarfile.open(path) as archive:
        members = {m.name: m for m in archive.getmembers() if m.name.endswith(".jpg")}
        for name in sorted(members):
            image = Image.open(io.BytesIO(archive.extractfile(members[name]).read())).convert("RGB")
            images.append(np.asarray(image).transpose(2, 0, 1))
            labels.append(LABELS.index(name.split("/")[-2]))
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def normalize(pixels):
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    return (pixels.float() - mean) / std
