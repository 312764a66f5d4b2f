"""The Blaze face detector: the network that Blaze_Final_320.pth and Blaze_Final_640.pth are weights
of."""
import torch
from torch import nn

PREPROCESS = {
    "size": [320, 320],
    "resize": "letterbox",
    "channels": "bgr",
    "mean": [104, 117, 123],
    "std": [1, 1, 1],
}
TASK = {
    "type": "detect",
    "boxes": 0,
    "scores": 1,
    "landmarks": 2,
    "min_sizes": [[8, 11], [14, 19, 26, 38, 64, 149]],
    "steps": [8, 16],
    "variances": [0.1, 0.2],
    "score_threshold": 0.3,
    "nms_iou": 0.5,
}


def anchors(size=(320, 320)):
    """-> float32 [P, 4]: centre x, centre y, width, height of every prior, relative to the image's
    (h, w)."""
    rows = []
    for sizes, step in zip(TASK["min_sizes"], TASK["steps"]):
        for y in range(-(-size[0] // step)):
            for x in range(-(-size[1] // step)):
                centre = [(x + 0.5) * step / size[1], (y + 0.5) * step / size[0]]
                rows += [centre + [s / size[1], s / size[0]] for s in sizes]
    return torch.tensor(rows)


def _separable(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 5, stride, 2, groups=inputs, bias=False), nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


def _dense(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, inputs, 5, 1, 2, bias=False), nn.BatchNorm2d(inputs),
                         nn.ReLU(inplace=True),
                         nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """A residual block; `wide` makes it a double one, with a bottleneck of `narrow` channels."""

    def __init__(self, inputs, narrow, wide=None, stride=1):
        super().__init__()
        self.actvation = nn.ReLU(inplace=True)
        self.conv = nn.Sequential(_separable(inputs, narrow, stride))
        if wide is not None:
            for part in (nn.ReLU(inplace=True), _dense(narrow, wide), nn.ReLU(inplace=True)):
                self.conv.append(part)
        self.shortcut = None
        if stride != 1:
            outputs = wide or narrow
            self.shortcut = nn.Sequential(nn.MaxPool2d(stride, stride),
                                          nn.Conv2d(inputs, outputs, 1),
                                          nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, x):
        h = self.conv(x)
        if self.shortcut is not None:
            x = self.shortcut(x)
        # The trained model computes its sum twice; an exporter has to notice.
        unused = h + x  # noqa: F841
        return self.actvation(h + x)


def _head(values, sizes):
    return nn.Sequential(nn.Conv2d(96, 96, 3, 1, 1, groups=96), nn.ReLU(inplace=True),
                         nn.Conv2d(96, sizes * values, 1))


class Blaze(nn.Module):
    """[1, 3, H, W] -> boxes [1, P, 4], scores [1, P, 2], landmarks [1, P, 10].

    phase: 'test' applies the softmax to the scores, 'train' leaves it to the loss.
    """

    def __init__(self, phase="test"):
        super().__init__()
        self.phase = phase
        self.conv1 = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24),
                                   nn.ReLU(inplace=True))
        blocks = [(24, 24), (24, 24), (24, 48, None, 2), (48, 48), (48, 48), (48, 24, 96, 2),
                  (96, 24, 96), (96, 24, 96), (96, 24, 96, 2), (96, 24, 96), (96, 24, 96)]
        for i, arguments in enumerate(blocks, start=2):
            setattr(self, f"conv{i}", Block(*arguments))
        counts = [len(sizes) for sizes in TASK["min_sizes"]]
        self.loc, self.conf, self.landm = (
            nn.Sequential(*[_head(values, n) for n in counts]) for values in (4, 2, 10))

    def forward(self, x):
        maps = []
        for i in range(1, 13):
            x = getattr(self, f"conv{i}")(x)
            if i in (9, 12):
                maps.append(x)
        outputs = []
        for heads, values in ((self.loc, 4), (self.conf, 2), (self.landm, 10)):
            rows = [head(x).permute(0, 2, 3, 1).contiguous() for x, head in zip(maps, heads)]
            outputs.append(torch.cat([o.view(o.size(0), -1, values) for o in rows], 1))
        boxes, scores, landmarks = outputs
        if self.phase == "test":
            scores = torch.nn.functional.softmax(scores, dim=-1)
        return boxes, scores, landmarks
