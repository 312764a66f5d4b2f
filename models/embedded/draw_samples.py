#!/usr/bin/env python3
"""Draws the sample images of the embedded default: simple scenes, rendered from shapes, nothing
photographed.

    python3 models/embedded/draw_samples.py --out models/samples
"""
import argparse
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 256
SUPERSAMPLING = 4


class Scene:
    """A canvas in units of 0 to 100, y downwards, drawn large and scaled down."""

    def __init__(self, top, bottom, seed):
        self.side = SIZE * SUPERSAMPLING
        rows = np.linspace(0, 1, self.side)[:, None, None]
        sky = np.array(top)[None, None, :] * (1 - rows) + np.array(bottom)[None, None, :] * rows
        self.image = Image.fromarray(
            np.broadcast_to(sky, (self.side, self.side, 3)).astype(np.uint8).copy())
        self.random = np.random.default_rng(seed)

    def _points(self, points):
        return [(x * self.side / 100, y * self.side / 100) for x, y in points]

    def polygon(self, points, color):
        ImageDraw.Draw(self.image).polygon(self._points(points), fill=color)

    def ellipse(self, left, top, right, bottom, color):
        (a, b), (c, d) = self._points([(left, top), (right, bottom)])
        ImageDraw.Draw(self.image).ellipse([a, b, c, d], fill=color)

    def rectangle(self, left, top, right, bottom, color):
        (a, b), (c, d) = self._points([(left, top), (right, bottom)])
        ImageDraw.Draw(self.image).rectangle([a, b, c, d], fill=color)

    def rounded(self, left, top, right, bottom, radius, color):
        (a, b), (c, d) = self._points([(left, top), (right, bottom)])
        ImageDraw.Draw(self.image).rounded_rectangle([a, b, c, d], radius * self.side / 100,
                                                     fill=color)

    def line(self, points, width, color):
        ImageDraw.Draw(self.image).line(self._points(points), fill=color,
                                        width=int(width * self.side / 100), joint="curve")

    def ground(self, top, near, far):
        rows = np.linspace(0, 1, int(self.side * (100 - top) / 100))[:, None, None]
        shade = np.array(far)[None, None, :] * (1 - rows) + np.array(near)[None, None, :] * rows
        noise = self.random.normal(0, 6, (len(rows), self.side, 1))
        block = np.clip(np.broadcast_to(shade, (len(rows), self.side, 3)) + noise, 0,
                        255).astype(np.uint8)
        self.image.paste(Image.fromarray(block), (0, self.side - len(rows)))

    def finish(self):
        small = self.image.filter(ImageFilter.GaussianBlur(SUPERSAMPLING)).resize(
            (SIZE, SIZE), Image.LANCZOS)
        grain = self.random.normal(0, 3, (SIZE, SIZE, 1))
        return Image.fromarray(
            np.clip(np.asarray(small, np.float32) + grain, 0, 255).astype(np.uint8))


def airplane():
    s = Scene((96, 150, 220), (190, 216, 244), 1)
    s.ellipse(2, 66, 52, 80, (226, 236, 248))
    s.ellipse(55, 76, 98, 90, (230, 240, 250))
    s.polygon([(56, 48), (40, 20), (33, 20), (41, 48)], (150, 158, 170))
    s.polygon([(14, 46), (7, 26), (14, 26), (24, 44)], (70, 90, 150))
    s.rounded(8, 42, 90, 56, 7, (232, 236, 242))
    s.rounded(8, 50, 90, 56, 3, (188, 194, 204))
    s.polygon([(60, 52), (30, 80), (38, 80), (74, 54)], (168, 176, 188))
    s.ellipse(80, 42, 97, 56, (232, 236, 242))
    s.polygon([(86, 44), (93, 47), (86, 48)], (60, 70, 90))
    for x in range(26, 80, 5):
        s.ellipse(x, 45.5, x + 2, 47.5, (80, 96, 120))
    s.rounded(42, 60, 54, 66, 3, (120, 128, 140))
    return s.finish()


def ship():
    s = Scene((150, 186, 220), (206, 220, 232), 2)
    s.ground(62, (24, 60, 96), (60, 104, 140))
    s.polygon([(6, 56), (94, 52), (84, 72), (16, 72)], (44, 52, 72))
    s.polygon([(12, 66), (88, 65), (84, 72), (16, 72)], (150, 44, 40))
    s.rectangle(18, 44, 76, 56, (238, 240, 240))
    s.rectangle(26, 35, 66, 45, (226, 230, 232))
    s.rectangle(34, 28, 58, 36, (240, 242, 244))
    s.rectangle(40, 14, 46, 29, (196, 60, 48))
    s.rectangle(50, 16, 55, 29, (196, 60, 48))
    s.line([(70, 12), (70, 45)], 1.2, (90, 90, 90))
    for x in range(22, 74, 5):
        s.rectangle(x, 48, x + 2.6, 51, (70, 90, 110))
    for x in range(30, 64, 5):
        s.rectangle(x, 38, x + 2.6, 41, (70, 90, 110))
    for x in range(0, 100, 9):
        s.line([(x, 76 + x % 7), (x + 7, 76.5 + x % 7)], 0.8, (130, 166, 192))
    return s.finish()


def wheel(s, x, y, radius):
    s.ellipse(x - radius, y - radius, x + radius, y + radius, (26, 26, 28))
    s.ellipse(x - radius * 0.5, y - radius * 0.5, x + radius * 0.5, y + radius * 0.5,
              (160, 164, 170))


def truck():
    s = Scene((170, 196, 222), (220, 226, 230), 3)
    s.ground(72, (96, 96, 98), (132, 132, 132))
    s.rectangle(6, 26, 64, 68, (228, 230, 232))
    s.rectangle(6, 60, 64, 68, (190, 194, 198))
    s.line([(6, 36), (64, 36)], 1, (176, 60, 48))
    s.polygon([(66, 36), (84, 36), (92, 52), (94, 70), (66, 70)], (186, 44, 40))
    s.polygon([(72, 40), (83, 40), (88, 52), (72, 52)], (120, 150, 176))
    s.rectangle(4, 68, 95, 74, (60, 60, 64))
    s.rectangle(90, 60, 95, 64, (250, 230, 150))
    for x in (18, 34, 80):
        wheel(s, x, 76, 8)
    return s.finish()


def automobile():
    s = Scene((176, 196, 214), (214, 220, 224), 4)
    s.ground(66, (92, 92, 94), (128, 128, 126))
    s.ellipse(8, 74, 94, 84, (56, 56, 58))
    s.polygon([(22, 46), (34, 30), (66, 30), (80, 46)], (178, 28, 32))
    s.polygon([(27, 46), (36, 33), (49, 33), (49, 46)], (150, 180, 204))
    s.polygon([(52, 46), (52, 33), (64, 33), (74, 46)], (130, 162, 188))
    s.rounded(6, 45, 95, 70, 8, (196, 32, 36))
    s.rounded(6, 60, 95, 70, 4, (140, 22, 26))
    s.ellipse(88, 50, 95, 57, (252, 244, 200))
    s.rectangle(6, 50, 10, 56, (255, 120, 90))
    s.line([(51, 47), (51, 66)], 0.6, (120, 16, 20))
    wheel(s, 25, 71, 10)
    wheel(s, 76, 71, 10)
    return s.finish()


def frog():
    s = Scene((96, 82, 52), (70, 62, 40), 5)
    s.ground(0, (84, 72, 46), (112, 98, 62))
    s.ellipse(8, 62, 42, 88, (74, 118, 40))
    s.ellipse(58, 62, 92, 88, (74, 118, 40))
    s.ellipse(20, 34, 80, 86, (96, 152, 52))
    s.ellipse(30, 54, 70, 86, (170, 190, 110))
    s.ellipse(24, 22, 76, 62, (104, 164, 56))
    s.ellipse(24, 16, 42, 34, (110, 170, 60))
    s.ellipse(58, 16, 76, 34, (110, 170, 60))
    for x in (28, 62):
        s.ellipse(x, 19, x + 10, 30, (226, 204, 90))
        s.ellipse(x + 3, 21, x + 7, 29, (20, 20, 14))
    s.line([(32, 48), (50, 54), (68, 48)], 1.4, (52, 84, 26))
    for x, y in ((34, 40), (60, 42), (28, 66), (70, 68), (48, 36)):
        s.ellipse(x, y, x + 5, y + 4, (66, 112, 34))
    s.ellipse(18, 80, 36, 92, (88, 140, 46))
    s.ellipse(64, 80, 82, 92, (88, 140, 46))
    return s.finish()


def bird():
    s = Scene((170, 196, 206), (150, 178, 150), 6)
    s.line([(0, 80), (100, 72)], 4, (92, 68, 46))
    s.polygon([(24, 60), (2, 78), (10, 80), (34, 68)], (70, 60, 54))
    s.ellipse(22, 38, 72, 74, (150, 92, 56))
    s.ellipse(34, 46, 72, 76, (214, 150, 100))
    s.polygon([(28, 46), (58, 46), (44, 66), (14, 68)], (92, 70, 56))
    s.ellipse(56, 22, 82, 48, (146, 92, 58))
    s.polygon([(80, 32), (92, 36), (80, 40)], (230, 180, 60))
    s.ellipse(70, 29, 75, 34, (16, 14, 14))
    s.line([(46, 74), (46, 78)], 1.4, (120, 90, 50))
    s.line([(54, 74), (54, 77)], 1.4, (120, 90, 50))
    return s.finish()


def horse():
    s = Scene((176, 204, 226), (206, 220, 214), 7)
    s.ground(68, (84, 124, 50), (120, 152, 78))
    brown, dark = (124, 74, 40), (64, 40, 26)
    s.polygon([(16, 42), (8, 70), (14, 70), (22, 48)], dark)
    for x, shade in ((24, dark), (60, dark), (30, brown), (66, brown)):
        s.polygon([(x, 54), (x + 9, 54), (x + 6, 88), (x + 1, 88)], shade)
        s.rectangle(x + 1, 86, x + 6, 89, (30, 24, 20))
    s.ellipse(16, 36, 74, 62, brown)
    s.polygon([(58, 44), (70, 16), (82, 20), (74, 54)], brown)
    s.polygon([(70, 14), (84, 16), (96, 32), (90, 38), (76, 30)], brown)
    s.polygon([(72, 16), (74, 8), (78, 15)], brown)
    s.polygon([(72, 12), (66, 16), (56, 42), (64, 40)], dark)
    s.ellipse(80, 19, 83, 22, (20, 14, 10))
    return s.finish()


def cat():
    s = Scene((196, 176, 150), (166, 142, 116), 8)
    gray, light = (126, 118, 112), (206, 198, 190)
    s.ellipse(18, 56, 82, 116, gray)
    s.ellipse(34, 66, 66, 116, light)
    s.polygon([(20, 44), (20, 6), (44, 26)], gray)
    s.polygon([(80, 44), (80, 6), (56, 26)], gray)
    s.polygon([(24, 36), (24, 14), (38, 27)], (196, 150, 144))
    s.polygon([(76, 36), (76, 14), (62, 27)], (196, 150, 144))
    s.ellipse(16, 20, 84, 74, gray)
    for x in (36, 48, 60):
        s.line([(x + 2, 22), (x + 2, 34)], 2, (78, 72, 68))
    s.ellipse(34, 50, 66, 74, light)
    for x in (26, 58):
        s.ellipse(x, 38, x + 16, 52, (180, 196, 84))
        s.ellipse(x + 6, 38, x + 10, 52, (14, 14, 14))
    s.polygon([(46, 54), (54, 54), (50, 59)], (200, 120, 120))
    s.line([(50, 59), (50, 63), (44, 66)], 1, (70, 60, 60))
    s.line([(50, 63), (56, 66)], 1, (70, 60, 60))
    for dy in (0, 4, 8):
        s.line([(38, 60 + dy / 2), (10, 56 + dy)], 0.5, (236, 236, 236))
        s.line([(62, 60 + dy / 2), (90, 56 + dy)], 0.5, (236, 236, 236))
    return s.finish()


SCENES = {"airplane": airplane, "automobile": automobile, "bird": bird, "cat": cat, "frog": frog,
          "horse": horse, "ship": ship, "truck": truck}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the folder to write NAME.png to")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    for name, scene in SCENES.items():
        scene().save(os.path.join(arguments.out, name + ".png"), optimize=True)


if __name__ == "__main__":
    main()
