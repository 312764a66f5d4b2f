"""What cannot be exported is an error that names the module and says what to do."""
import errno
import os
import tempfile
import unittest
from unittest import mock

import torch
import torch.nn.functional as F
from torch import nn

from support import ExportTest, export, octet_export
from golden_models import Function


class Calls(ExportTest):

    def test_a_forward_of_any_number_of_inputs_is_refused(self):
        class Any(nn.Module):
            def forward(self, *xs):
                return xs[0]
        self.refused(Any().eval(), "*xs", "names each")

    def test_a_calibration_that_is_no_collection_is_refused(self):
        self.refused(nn.ReLU().eval(), "calibration is 5", calibration=5)


class Body(nn.Sequential):
    """A part in the middle, so that errors have a path: 'inner.1'."""

    def __init__(self, part):
        super().__init__()
        self.inner = nn.Sequential(nn.Identity(), part)


class Refused(ExportTest):

    def refused_part(self, part, *words, shape=(1, 4, 8, 8)):
        part = part if isinstance(part, nn.Module) else Function(part)
        self.refused(Body(part).eval(), "'inner.1'", *words, shape=shape)

    def test_training_mode(self):
        self.refused(nn.Conv2d(3, 3, 1).train(), "training mode", "eval()")

    def test_what_is_no_module(self):
        self.refused({"weight": 1}, "dict", "torch.nn.Module")
        self.refused(torch.jit.script(nn.ReLU()), "TorchScript")

    def test_a_top_k_in_no_order(self):
        self.refused_part(lambda x: torch.topk(x, 2, sorted=False)[0], "sorted=False",
                          "leave it out")

    def test_modules_without_a_form(self):
        for part, words in ((nn.GroupNorm(2, 4), ["group_norm", "write it out", "reshape"]),
                            (nn.InstanceNorm2d(4), ["instance_norm", "write it out"]),
                            (nn.LayerNorm(8), ["layer_norm", "write it out"]),
                            (nn.Softplus(beta=2), ["softplus", "beta 2"]),
                            (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
                                                            ["reflect", "zeros"]),
                            (nn.AdaptiveAvgPool2d(3), ["windows", "divides"]),
                            (nn.AvgPool2d(2, divisor_override=3), ["divisor_override"]),
                            (nn.BatchNorm2d(4, track_running_stats=False), ["running statistics"]),
                            (nn.Upsample(scale_factor=2, mode="bicubic"), ["bicubic"]),
                            (nn.Upsample(scale_factor=1.3), ["recompute_scale_factor"])):
            with self.subTest(type(part).__name__):
                self.refused_part(part, *words)

    def test_no_remedy_asks_for_another_training(self):
        for part in (nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(8),
                     nn.BatchNorm2d(4, track_running_stats=False)):
            with self.subTest(type(part).__name__), self.assertRaises(
                    octet_export.ExportError) as caught:
                export(Body(part).eval(), (1, 4, 8, 8))
            self.assertNotRegex(str(caught.exception), "train it|BatchNorm|retrain")

    def test_recurrent_modules(self):
        self.refused_part(nn.LSTM(8, 8), "LSTM", shape=(1, 4, 8))

    def test_functions_without_a_form(self):
        for function, words in (
                (lambda x: x @ x, ["matmul", "nn.Linear"]), (torch.sin, ["sin"]),
                (lambda x: x[x > 0], ["function gt"]), (lambda x: x.max(1).values, ["index"]),
                (lambda x: x[:, [0, 2]], ["slices"]), (lambda x: x.cumsum(1), ["cumsum"]),
                (lambda x: F.pad(x, (1, 1), mode="circular") if x.dim() == 3
                 else F.pad(x, (1, 1, 1, 1), mode="reflect"), ["reflect"]),
                (lambda x: F.pad(x, (-1, 0)), ["negative"]), (lambda x: x ** 3, ["exponent"]),
                (lambda x: x.to(torch.int32), ["int32"]),
                (lambda x: torch.div(x, 2, rounding_mode="floor"), ["rounding_mode"])):
            with self.subTest(str(words)):
                self.refused_part(function, *words)

    def test_dropout_that_is_always_on(self):
        self.refused_part(lambda x: F.dropout(x, 0.5), "dropout", "training=self.training")

    def test_control_flow_that_reads_values(self):
        self.refused_part(lambda x: x if x.sum() > 0 else -x, "reads the values")
        self.refused_part(lambda x: x * float(x.mean()), "reads the values")
        self.refused_part(lambda x: x * x.mean().item(), "reads the values")

    def test_assigning_to_a_part_of_a_tensor(self):
        def assign(x):
            y = x.clone()
            y[:, 0] = 0
            return y
        self.refused_part(assign, "torch.cat")

    def test_dynamic_weights(self):
        self.refused_part(lambda x: F.conv2d(x, x[:, :, :1, :1].view(4, 1, 1, 1), groups=4),
                          "must be a constant")

    def test_an_input_that_does_not_fit(self):
        self.refused(Body(nn.Conv2d(5, 3, 1)).eval(), "'inner.1'", "[[1, 3, 8, 8]]")

    def test_input_shapes(self):
        model = Function(F.relu).eval()
        self.refused(model, "batch", shape=(2, 3, 8, 8))
        self.refused(model, "positive", shape=(1, -1, 8, 8))
        self.refused(model, "2 shapes", "1 inputs", shape=[(1, 2), (1, 3)])

        class Two(nn.Module):
            def forward(self, left, right):
                return left + right
        self.refused(Two().eval(), "'right'", "input_shape")

    def test_an_output_that_is_no_tensor_or_a_constant(self):
        self.refused(Function(lambda x: (F.relu(x), 3)).eval(), "returns 3")
        self.refused(Function(lambda x: torch.ones(2)).eval(), "output 0")

    def test_weight_norm_has_a_remedy(self):
        model = torch.nn.utils.weight_norm(nn.Conv2d(3, 3, 1)).eval()
        model(torch.randn(1, 3, 8, 8))
        self.refused(model, "remove_weight_norm")
        self.assertEqual(export(torch.nn.utils.remove_weight_norm(model)).ops, ["conv2d"])

    def test_weights_that_are_not_finite(self):
        model = nn.Conv2d(3, 3, 1).eval()
        model.weight.data[0] = torch.nan
        self.refused(model, "'weight'", "NaN")

    def test_nothing_is_written_when_it_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.safetensors")
            with self.assertRaises(octet_export.ExportError):
                octet_export.export(Function(torch.sin).eval(), (1, 3, 4, 4), path)
            self.assertEqual(os.listdir(folder), [])

    def test_a_path_that_cannot_be_written_to_is_refused_before_calibration(self):
        def batches():
            self.fail("calibrated")
            yield

        with tempfile.TemporaryDirectory() as folder:
            absent = os.path.join(folder, "absent")
            blocked = os.path.join(folder, "file")
            with open(blocked, "wb"):
                pass
            os.symlink(os.path.join(absent, "a"), os.path.join(folder, "link"))
            cases = [(os.path.join(absent, "a.safetensors"), "there is no folder .*absent"),
                     (os.path.join(folder, "link"), "there is no folder .*absent"),
                     (os.path.join(blocked, "a.safetensors"), "Not a directory"),
                     ("", "path .* is empty"), (folder, "this is a folder"),
                     (None, "None: cannot write")]
            if os.path.exists("/dev/full"):
                cases.append(("/dev/full", "/dev/full: cannot write: No space"))
            for path, message in cases:
                with self.subTest(path), self.assertRaisesRegex(octet_export.ExportError, message):
                    octet_export.export(nn.ReLU().eval(), (1, 3, 4, 4), path, calibration=batches())
            self.assertEqual(sorted(os.listdir(folder)), ["file", "link"])

    def test_a_file_that_cannot_be_written_to_the_end_is_named_and_gone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.safetensors")
            full = OSError(errno.ENOSPC, "No space left on device", "/unfinished")
            with mock.patch("os.fsync", side_effect=full), self.assertRaisesRegex(
                    octet_export.ExportError, "a.safetensors: cannot write: No space [^/]*$"):
                octet_export.export(nn.ReLU().eval(), (1, 3, 4, 4), path,
                                    calibration=[torch.ones(1, 3, 4, 4)])
            self.assertEqual(os.listdir(folder), [])

    def test_a_share_of_bad_images_is_a_number_of_percent(self):
        for share in (float("nan"), -1, 101, "1", True, None):
            self.refused(nn.ReLU().eval(), "max_bad", "from 0 to 100", max_bad=share)

    def test_a_file_is_no_folder_to_calibrate_on(self):
        preprocess = {"resize": "stretch", "channels": "rgb", "mean": [0, 0, 0], "std": [1, 1, 1]}
        for path in (__file__, __file__ + ".absent", ""):
            self.refused(nn.ReLU().eval(), f"'{path}' is no folder", calibration=path,
                         preprocess=preprocess)

    def test_a_change_in_place_that_another_view_shows_is_refused_by_name(self):
        def flattened(y):
            y.view(-1).relu_()
            return y + 1

        def earlier_part(y):
            part = y[:, :2]
            y.add_(1)
            return part

        def copied_part(y):
            F.relu(y[:, 1:, ::2], inplace=True)
            return y
        for hidden in (flattened, earlier_part, copied_part):
            with self.subTest(hidden.__name__):
                self.refused_part(lambda x: hidden(x * 2), "in place", "torch.cat")

    def test_a_change_in_place_that_nobody_else_sees_is_exported(self):
        def alone(x):
            flat = (x * 2).view(-1)
            flat.relu_()
            return flat

        def through_dropout(x):
            y = x * 2
            F.relu_(F.dropout(y, training=False))
            return y + 1

        def shape_only(x):
            y = x * 2
            return F.relu_(y[:, :2]).reshape(y.size(0), -1)
        for visible, ops in ((alone, ["mul", "reshape", "relu"]),
                             (through_dropout, ["mul", "relu", "add"]),
                             (shape_only, ["mul", "slice", "relu", "reshape"])):
            with self.subTest(visible.__name__):
                found = export(Function(visible).eval()).ops
                self.assertEqual([op for op in found if op != "dropout"], ops)

    def test_random_values_are_refused_by_name(self):
        self.refused_part(lambda x: x + torch.randn(1), "every run", "torch.randn",
                          "input of the model")

    def test_an_output_that_differs_is_refused_by_name(self):
        class Remembers(nn.Module):
            def forward(self, x):
                self.calls = getattr(self, "calls", 0) + 1
                return F.relu(x) if self.calls == 1 else x
        self.refused_part(Remembers(), "something else", "'inner.1.relu'")

    def test_error_is_a_value_error(self):
        self.assertTrue(issubclass(octet_export.ExportError, ValueError))


class KeepFloat(ExportTest):

    def model(self):
        return nn.Sequential(Body(nn.Conv2d(3, 3, 1)),
                             nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())).eval()

    def test_a_node_a_module_and_a_prefix(self):
        for name, kept in (("0.inner.1", ["0.inner.1"]), ("0", ["0.inner.1"]),
                           ("1", ["1.0", "1.1"])):
            self.assertEqual(export(self.model(), keep_float=[name]).keep_float, kept)

    def test_a_name_alone(self):
        self.assertEqual(export(self.model(), keep_float="1.1").keep_float, ["1.1"])

    def test_a_module_holds_its_functions(self):
        class Adding(nn.Module):
            def forward(self, x):
                return F.relu(x + 1)
        model = nn.Sequential(nn.ReLU(), Adding()).eval()
        self.assertEqual(export(model, keep_float=["1"]).keep_float, ["1.add", "1.relu"])

    def test_an_unknown_name_lists_near_ones(self):
        self.refused(self.model(), "'0.iner.1'", "0.inner.1", keep_float=["0.iner.1"])
        self.refused(self.model(), "'1.'", keep_float=["1."])


if __name__ == "__main__":
    unittest.main()
