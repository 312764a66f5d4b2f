"""Images become inputs as docs/float_export.md says, with Pillow's own arithmetic."""
import io
import os
import tempfile
import unittest

import numpy as np
from PIL import Image, ImageOps

from support import octet_export
from octet_export import exif, images


def preprocess(**changes):
    return {"size": [6, 8], "resize": "stretch", "channels": "rgb", "mean": [0, 0, 0],
            "std": [1, 1, 1], **changes}


def picture(width, height, mode="RGB"):
    """-> a Pillow image of random pixels."""
    channels = {"RGB": (3,), "L": (), "RGBA": (4,)}[mode]
    pixels = np.random.default_rng(3).integers(0, 256, (height, width) + channels, np.uint8)
    return Image.fromarray(pixels, mode)


def pillow(image, size):
    """-> float [H, W, C] of the image scaled to (width, height) by Pillow."""
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)


class Images(unittest.TestCase):

    def pixels(self, image, **changes):
        return images.to_input(image, preprocess(**changes))[0].numpy().transpose(1, 2, 0)

    def test_stretch_is_pillows_bilinear(self):
        for size in ((40, 21), (3, 2), (8, 6)):
            image = picture(*size)
            np.testing.assert_array_equal(self.pixels(image), pillow(image, (8, 6)))

    def test_crop_covers_and_cuts_the_centre(self):
        image = picture(40, 20)
        np.testing.assert_array_equal(self.pixels(image, resize="crop"),
                                      pillow(image, (12, 6))[:, 2:10])
        image = picture(10, 31)
        np.testing.assert_array_equal(self.pixels(image, resize="crop"),
                                      pillow(image, (8, 25))[9:15])

    def test_letterbox_fits_at_the_top_left_and_fills_with_the_mean(self):
        image = picture(40, 20)
        got = self.pixels(image, resize="letterbox", mean=[10, 20, 30])
        np.testing.assert_array_equal(got[:4], pillow(image, (8, 4)) - np.float32([10, 20, 30]))
        np.testing.assert_array_equal(got[4:], np.zeros((2, 8, 3)))

    def test_scaled_sizes_round_half_up_and_are_never_empty(self):
        self.assertEqual(images.scaled_size((100, 30), (8, 6), "letterbox"), (8, 2))
        self.assertEqual(images.scaled_size((16, 5), (8, 6), "letterbox"), (8, 3))
        self.assertEqual(images.scaled_size((1000, 3), (8, 6), "letterbox"), (8, 1))
        self.assertEqual(images.scaled_size((13, 10), (8, 6), "crop"), (8, 6))

    def test_bgr_and_gray(self):
        image = picture(8, 6)
        np.testing.assert_array_equal(self.pixels(image, channels="bgr"),
                                      pillow(image, (8, 6))[:, :, ::-1])
        gray = self.pixels(image, channels="gray", mean=[0], std=[1])
        np.testing.assert_array_equal(gray[:, :, 0], np.asarray(image.convert("L")))

    def test_gray_and_transparent_files_become_rgb(self):
        for mode in ("L", "RGBA"):
            image = picture(8, 6, mode)
            np.testing.assert_array_equal(self.pixels(image), np.asarray(image.convert("RGB")))

    def test_16_bit_gray_files_keep_their_high_byte(self):
        wide = np.random.default_rng(5).integers(0, 1 << 16, (6, 8), np.uint16)
        file = io.BytesIO()
        Image.fromarray(wide).save(file, "png")
        expected = (wide >> 8).astype(np.float32)
        for image in (Image.open(file), Image.fromarray(wide),
                      Image.fromarray(wide.astype(np.int32))):
            with self.subTest(image.mode):
                np.testing.assert_array_equal(self.pixels(image), np.stack([expected] * 3, 2))
                gray = self.pixels(image, channels="gray", mean=[0], std=[1])
                np.testing.assert_array_equal(gray[:, :, 0], expected)

    def test_mean_and_std_are_those_of_the_channels_in_their_order(self):
        image = picture(8, 6)
        got = self.pixels(image, channels="bgr", mean=[1, 2, 3], std=[2, 4, 8])
        wanted = (np.asarray(image, np.float32)[:, :, ::-1]
                  - np.float32([1, 2, 3])) / np.float32([2, 4, 8])
        np.testing.assert_array_equal(got, wanted)

    def test_the_input_is_float32_nchw(self):
        x = images.to_input(picture(20, 20), preprocess())
        self.assertEqual((tuple(x.shape), str(x.dtype), x.is_contiguous()),
                         ((1, 3, 6, 8), "torch.float32", True))

    def test_folders_are_searched_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "b"))
            for name in ("b/2.PNG", "a.jpg", "b/1.png"):
                picture(4, 4).save(os.path.join(folder, name))
            open(os.path.join(folder, "notes.txt"), "w").close()
            names = [os.path.relpath(path, folder) for path in images.files_in(folder)]
        self.assertEqual(names, ["a.jpg", os.path.join("b", "1.png"), os.path.join("b", "2.PNG")])

    def test_all_orientations_are_pillows_own(self):
        for form, options in (("jpeg", {"quality": 95, "subsampling": 0}), ("png", {}),
                              ("webp", {"lossless": True})):
            for value in range(10):
                with self.subTest(form=form,
                                  orientation=value), tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "image")
                    tags = Image.Exif()
                    tags[0x0112] = value
                    picture(12, 7).save(path, form, exif=tags.tobytes(), **options)
                    with Image.open(path) as image:
                        raw = np.asarray(image.convert("RGB"), np.float32)
                        shown = np.asarray(ImageOps.exif_transpose(image).convert("RGB"),
                                           np.float32)
                    for rotate, wanted in ((True, shown), (False, raw)):
                        rule = preprocess(size=list(wanted.shape[:2]))
                        got = images.load(path, rule, rotate)[0].numpy().transpose(1, 2, 0)
                        np.testing.assert_array_equal(got, wanted)

    def test_damaged_exif_is_no_orientation_and_no_error(self):
        tags = Image.Exif()
        tags[0x0112] = 6
        whole = tags.tobytes()
        self.assertEqual(exif.orientation(whole), 6)
        self.assertEqual(exif.orientation(None), 1)
        random = np.random.default_rng(11)
        for size in range(len(whole)):
            self.assertIn(exif.orientation(whole[:size]), (1, 6))
        for _ in range(3000):
            damaged = bytearray(whole)
            for at in random.integers(0, len(whole), 3):
                damaged[at] = random.integers(0, 256)
            self.assertIn(exif.orientation(bytes(damaged)), range(1, 9))

    def test_a_very_large_jpeg_is_decoded_smaller(self):
        y, x = np.indices((4000, 4400))
        large = Image.fromarray(np.stack([x // 18, y // 16, (x + y) // 34], 2).astype(np.uint8))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "large.jpg")
            large.save(path, quality=95)
            for size, width in ((200, 550), (280, 1100), (600, 2200), (1200, 4400)):
                with self.subTest(size), Image.open(path) as image:
                    rule = preprocess(size=[size, size], resize="crop")
                    images._reduce(image, rule, 1)
                    self.assertEqual(image.size[0], width)
                with Image.open(path) as image:
                    all_pixels = images.to_input(image, rule).numpy()
                self.assertLessEqual(np.abs(images.load(path, rule).numpy() - all_pixels).max(), 3)

    def test_an_animated_webp_and_a_pipe_are_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "moving.webp")
            picture(8, 6).save(path, save_all=True, append_images=[picture(8, 6, "RGBA")],
                               lossless=True)
            with self.assertRaisesRegex(octet_export.ExportError, "animated WebP"):
                images.load(path, preprocess())
            os.mkfifo(os.path.join(folder, "pipe.jpg"))
            with self.assertRaisesRegex(octet_export.ExportError, "not a file"):
                images.load(os.path.join(folder, "pipe.jpg"), preprocess())

    def test_a_folder_without_images_and_a_broken_image_are_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(octet_export.ExportError, "no images"):
                images.files_in(folder)
            path = os.path.join(folder, "broken.jpg")
            with open(path, "wb") as file:
                file.write(b"no jpeg")
            with self.assertRaisesRegex(octet_export.ExportError, "broken.jpg"):
                images.load(path, preprocess())


if __name__ == "__main__":
    unittest.main()
