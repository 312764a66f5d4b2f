"""From PyTorch to octet's answers: every state in which a model arrives, exported, converted and
run.

Needs the build folder in OCTET_BUILD. OCTET_ACCEPTANCE_IMAGES is how many of CIFAR-10's test images
are evaluated, `all` for 10,000. Without it: 500 in float, and 120 of them in int8.
"""
import copy
import os
import tempfile
import unittest

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.ao import quantization as tq

import golden_models
import octet_runner
import shared_data
import torch_exact
from octet_export import images
from resnet20 import PREPROCESS as RESNET_PREPROCESS
from support import ExportTest
from test_prepared import HIGH_PRECISION, ConvRelu, Residual, prepared

BUILD = os.environ.get("OCTET_BUILD", "")
COUNT = os.environ.get("OCTET_ACCEPTANCE_IMAGES", "500")
INT8_COUNT = os.environ.get("OCTET_ACCEPTANCE_IMAGES", "120")


@unittest.skipIf(octet_runner.Octet.missing(BUILD), octet_runner.Octet.missing(BUILD))
class EndToEnd(ExportTest):
    """A test with octet's programs and a folder of its own."""

    def setUp(self):
        super().setUp()
        torch.backends.quantized.engine = golden_models.ENGINE
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.octet = octet_runner.Octet(BUILD, folder.name)

    def converted(self, model, *shapes, flags=(), name="model", **options):
        """-> the path of the .octet model."""
        exported = self.octet.export(model, list(shapes), name, **options)
        return self.octet.convert(exported, *flags, name=name)

    def difference(self, output, wanted):
        """-> the largest difference of an output's bytes from a quantized tensor's."""
        self.assertEqual(output.info["type"], "f32")
        self.assertEqual(tuple(output.values.shape), tuple(wanted.shape))
        self.assertAlmostEqual(output.info["scale"], wanted.q_scale(), places=9)
        return int((output.bytes - wanted.int_repr().int()).abs().max())


class TransposedConvolutions(EndToEnd):
    """Against PyTorch: in float the same, in int8 near."""

    shape = (1, 4, 7, 5)

    def check(self, model, limit=0.05):
        """-> the path of the int8 model."""
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                nn.init.uniform_(norm.weight, 0.5, 1.5)
                nn.init.normal_(norm.bias)
                nn.init.normal_(norm.running_mean)
                nn.init.uniform_(norm.running_var, 0.5, 2)
        model.eval()
        batches = [torch.randn(8, *self.shape[1:]) for _ in range(4)]
        x = batches[0][:1]
        with torch.no_grad():
            wanted = model(x)
            largest = max(float(model(batch).abs().max()) for batch in batches)
        plain = self.converted(model, self.shape, flags=("--float",), name="plain",
                               calibration=batches)
        (output,) = self.octet.run(plain, x)
        self.assertEqual(tuple(output.values.shape), tuple(wanted.shape))
        self.assertLessEqual(float((output.values - wanted).abs().max()), 1e-5 * largest)
        octet = self.converted(model, self.shape, name="int8", calibration=batches)
        self.assertFalse(self.octet.inspect(octet)["has_float_island"])
        (output,) = self.octet.run(octet, x)
        self.assertLessEqual(float((output.values - wanted).abs().max()), limit * largest)
        return octet

    def test_windows(self):
        for options in (dict(kernel_size=2, stride=2),
                        dict(kernel_size=3, stride=2, padding=1, output_padding=1),
                        dict(kernel_size=4, stride=2, padding=1), dict(kernel_size=3, padding=1),
                        dict(kernel_size=3, stride=3),
                        dict(kernel_size=2, stride=3, output_padding=2),
                        dict(kernel_size=4, stride=3, padding=2, output_padding=1),
                        dict(kernel_size=1), dict(kernel_size=3, stride=2, dilation=2, padding=1),
                        dict(kernel_size=2, dilation=3),
                        dict(kernel_size=(3, 4), stride=(1, 2), padding=(0, 1),
                             output_padding=(0, 1), dilation=(2, 1))):
            for groups in (1, 2, 4):
                with self.subTest(**options, groups=groups):
                    self.check(nn.ConvTranspose2d(4, 8, groups=groups, bias=groups != 2, **options))

    def test_what_follows(self):
        def layer(outputs=8, **options):
            return nn.ConvTranspose2d(4, outputs, 3, stride=2, padding=1, output_padding=1,
                                      **options)
        for name, parts in (("batch norm", (layer(groups=2, bias=False), nn.BatchNorm2d(8))),
                            ("batch norm and relu", (layer(groups=2), nn.BatchNorm2d(8),
                                                     nn.ReLU())),
                            ("relu", (layer(), nn.ReLU())), ("relu6", (layer(), nn.ReLU6())),
                            ("hardtanh", (layer(), nn.Hardtanh(-0.2, 0.3))),
                            ("leaky relu", (layer(), nn.BatchNorm2d(8), nn.LeakyReLU(0.1))),
                            ("silu", (layer(), nn.SiLU())),
                            ("one channel", (layer(1), nn.BatchNorm2d(1), nn.ReLU())),
                            ("stride 1", (nn.ConvTranspose2d(4, 8, 3, padding=1), nn.BatchNorm2d(8),
                                          nn.ReLU())),
                            ("convolutions",
                             (nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), layer(), nn.BatchNorm2d(8),
                              nn.ReLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4), layer()))):
            with self.subTest(name):
                self.check(nn.Sequential(*parts))

    def test_a_result_that_others_read_too_stays(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.up, self.norm = nn.ConvTranspose2d(4, 8, 2, stride=2), nn.BatchNorm2d(8)

            def forward(self, x):
                y = self.up(x)
                return torch.cat([y, F.relu(self.norm(y)), F.relu(y)], 1)
        self.check(Twice())

    def test_batch_norm_and_relu_become_part_of_the_convolution(self):
        model = nn.Sequential(nn.ConvTranspose2d(4, 8, 2, stride=2), nn.BatchNorm2d(8), nn.ReLU())
        octet = self.check(model)
        kinds = [node["op"] for node in self.octet.inspect(octet)["nodes"]]
        self.assertEqual([kind for kind in kinds if kind in ("batch_norm", "clip", "relu")], [])
        self.assertEqual(kinds.count("conv2d"), 1)

    def test_a_layer_that_is_kept_in_float(self):
        model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ConvTranspose2d(4, 8, 2, stride=2),
                              nn.Conv2d(8, 4, 1))
        batches = [torch.randn(8, *self.shape[1:])]
        octet = self.converted(model.eval(), self.shape, calibration=batches, keep_float=["1"])
        (output,) = self.octet.run(octet, batches[0][:1])
        with torch.no_grad():
            wanted = model(batches[0][:1])
        self.assertLessEqual(float((output.values - wanted).abs().max()),
                             0.05 * float(wanted.abs().max()))


class ModelsWithStubs(EndToEnd):

    shape = (1, 3, 16, 16)

    def model(self, engine, fused):
        model = ConvRelu().eval()
        if fused:
            tq.fuse_modules(model, ["conv", "relu"], inplace=True)
        return prepared(model, tq.get_default_qconfig(engine), self.shape)

    def quantized_output(self, model, x):
        """-> what reaches the DeQuantStub of a converted model."""
        seen = []
        handle = model.dequant.register_forward_pre_hook(
            lambda module, inputs: seen.append(inputs[0]))
        with torch.no_grad():
            model(x)
        handle.remove()
        return seen[0]

    def test_conv_relu_converted_gives_pytorchs_bytes(self):
        for engine in ("qnnpack", "fbgemm"):  # per tensor, per channel
            for fused in (False, True):
                with self.subTest(engine=engine, fused=fused):
                    model = tq.convert(self.model(engine, fused))
                    octet = self.converted(model, self.shape)
                    self.assertFalse(self.octet.inspect(octet)["has_float_island"])
                    for _ in range(3):
                        x = torch.randn(self.shape)
                        (output,) = self.octet.run(octet, x)
                        self.assertEqual(self.difference(output, self.quantized_output(model, x)),
                                         0)
                        self.assertTrue(torch.equal(output.values, model(x)))

    def test_what_stands_between_dequantize_and_quantize_changes_no_byte(self):
        class Between(ConvRelu):
            def __init__(self, between, channels):
                super().__init__()
                self.quant_again, self.last = tq.QuantStub(), nn.Conv2d(channels, 4, 1)
                self.between = between

            def forward(self, x):
                y = self.dequant(self.conv(self.quant(x)))
                return self.last(self.quant_again(self.between(y, x)))

        def shuffled(y, x):
            return y.view(len(y), 2, 2, *y.shape[2:]).transpose(1, 2).flatten(1, 2)
        for name, between, channels in (
                ("nothing", lambda y, x: y, 4), ("slice", lambda y, x: y[:, 1:, 1:], 3),
                ("max pool", lambda y, x: F.max_pool2d(y, 2), 4), ("channel shuffle", shuffled, 4),
                ("pad", lambda y, x: F.pad(y, (1, 1, 1, 1)), 4),
                ("pad with a value", lambda y, x: F.pad(y, (1, 1, 1, 1), value=0.3), 4),
                ("concat", lambda y, x: torch.cat([y, y[:, :2]], 1), 6),
                ("concat with the input", lambda y, x: torch.cat([y, x[:, :, 1:-1, 1:-1]], 1), 7),
                ("relu", lambda y, x: F.relu(y), 4)):
            with self.subTest(name):
                model = prepared(Between(between, channels), tq.get_default_qconfig("qnnpack"),
                                 self.shape)
                # A second range that is not the first one: some values are clamped.
                model.quant_again.activation_post_process = tq.MinMaxObserver()
                model.quant_again.activation_post_process(torch.tensor([-0.4, 0.7]))
                model = tq.convert(model)
                octet = self.converted(model, self.shape)
                for _ in range(3):
                    x = torch.randn(self.shape)
                    (output,) = self.octet.run(octet, x)
                    with torch.no_grad():
                        self.assertEqual(self.difference(output, model(x)), 0)

    def test_what_is_quantized_only_to_be_moved_is_rounded(self):
        class Rounded(ConvRelu):
            def __init__(self, between):
                super().__init__()
                self.quant_again = tq.QuantStub()
                self.between = between

            def forward(self, x):
                y = F.relu(self.dequant(self.conv(self.quant(x))))
                return self.dequant(self.between(self.quant_again(y)))
        for name, between in (("nothing", lambda y: y), ("slice", lambda y: y[:, 1:]),
                              ("flatten", lambda y: y.flatten(1)),
                              ("pool", lambda y: F.max_pool2d(y, 2))):
            with self.subTest(name):
                model = prepared(Rounded(between), tq.get_default_qconfig("qnnpack"), self.shape)
                model.quant_again.activation_post_process = tq.MinMaxObserver()
                model.quant_again.activation_post_process(torch.tensor([-0.4, 0.7]))
                model = tq.convert(model)
                octet = self.converted(model, self.shape)
                x = torch.randn(self.shape)
                (output,) = self.octet.run(octet, x)
                self.assertTrue(torch.equal(output.values, model(x)))

    def test_conv_relu_only_prepared_is_within_a_level_of_what_pytorch_converts_it_to(self):
        for engine in ("qnnpack", "fbgemm"):
            for fused in (False, True):
                with self.subTest(engine=engine, fused=fused):
                    model = self.model(engine, fused)
                    octet = self.converted(model, self.shape)
                    x = torch.randn(self.shape)
                    (output,) = self.octet.run(octet, x)
                    wanted = self.quantized_output(tq.convert(model), x)
                    self.assertLessEqual(self.difference(output, wanted), 1)

    def test_squeeze_and_excite_only_prepared_is_near_what_pytorch_converts_it_to(self):
        class SqueezeExcite(ConvRelu):
            def __init__(self, gate):
                super().__init__()
                self.pool, self.fc, self.gate = nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), gate
                self.product = torch.nn.quantized.FloatFunctional()

            def forward(self, x):
                y = self.conv(self.quant(x))
                return self.dequant(self.product.mul(y, self.gate(self.fc(self.pool(y)))))
        for gate in (nn.Sigmoid(), nn.Hardsigmoid(), nn.Tanh()):
            with self.subTest(type(gate).__name__):
                model = prepared(SqueezeExcite(gate), tq.get_default_qconfig("qnnpack"), self.shape)
                octet = self.converted(model, self.shape)
                self.assertFalse(self.octet.inspect(octet)["has_float_island"])
                model = tq.convert(model)
                x = torch.randn(self.shape)
                (output,) = self.octet.run(octet, x)
                # A level of the convolution, one of the gate and the product's own.
                self.assertLessEqual(self.difference(output, self.quantized_output(model, x)), 3)

    def test_quantization_aware_training(self):
        for engine in ("qnnpack", "fbgemm"):
            with self.subTest(engine):
                model = nn.Sequential(tq.QuantStub(), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8),
                                      nn.ReLU(), nn.Conv2d(8, 4, 3), tq.DeQuantStub())
                model = tq.fuse_modules_qat(model.train(), ["1", "2", "3"])
                model.qconfig = tq.get_default_qat_qconfig(engine)
                tq.prepare_qat(model, inplace=True)
                for _ in range(3):
                    model(torch.randn(4, *self.shape[1:]))
                model.eval()
                octet = self.converted(model, self.shape)
                model.dequant = model[5]
                x = torch.randn(self.shape)
                (output,) = self.octet.run(octet, x)
                wanted = tq.convert(model)
                # A byte of the first layer may differ where PyTorch folds the batch norm in another
                # order: it moves a sum of the last layer by less than a level.
                largest = float((output.values - wanted(x)).abs().max())
                self.assertLessEqual(largest, 1.01 * wanted[4].scale)

    def test_indices_of_an_argmax_are_pytorchs(self):
        class Segments(ConvRelu):
            def forward(self, x):
                return super().forward(x).argmax(1)
        model = tq.convert(prepared(Segments(), tq.get_default_qconfig("fbgemm"), self.shape))
        octet = self.converted(model, self.shape)
        x = torch.randn(self.shape)
        (output,) = self.octet.run(octet, x)
        self.assertEqual(output.info["type"], "s32")
        self.assertTrue(torch.equal(output.values.long(), model(x)))


    def test_values_and_indices_of_a_top_k_are_pytorchs(self):
        class Ranked(ConvRelu):
            def forward(self, x):
                values, indices = torch.topk(super().forward(x).flatten(2), 5, dim=2)
                return values, indices
        model = Ranked().eval()
        octet = self.converted(model, self.shape, flags=["--float"])
        x = torch.randn(self.shape)
        values, indices = self.octet.run(octet, x)
        wanted = model(x)
        self.assertEqual([values.info["type"], indices.info["type"]], ["f32", "s32"])
        self.assertLessEqual(float((values.values - wanted[0]).abs().max()), 1e-5)
        self.assertTrue(torch.equal(indices.values.long(), wanted[1]))


class PartsInFloat(EndToEnd):

    shape = (1, 3, 12, 12)

    class Mixed(ConvRelu):
        """A convolution outside the stubs."""

        def __init__(self):
            super().__init__()
            self.head = nn.Conv2d(4, 4, 3)

        def forward(self, x):
            return self.head(super().forward(x))

    def check(self, model, octet, reason):
        nodes = {node["name"]: node for node in self.octet.inspect(octet)["nodes"]}
        self.assertEqual(nodes["conv"]["precision"], "int8")
        self.assertEqual(nodes["head"]["precision"], "float")
        self.assertIn(reason, nodes["head"]["reason"])
        x = torch.randn(self.shape)
        (output,) = self.octet.run(octet, x)
        return output.values, model(x).detach()

    def test_a_part_without_qconfig(self):
        for convert in (False, True):
            with self.subTest(converted=convert):
                model = self.Mixed()
                model.head.qconfig = None
                model = prepared(model, tq.default_qconfig, self.shape)
                octet = self.converted(tq.convert(model, inplace=False) if convert else model,
                                       self.shape)
                ours, theirs = self.check(tq.convert(model), octet, "asked by the model's author")
                distance = float((ours - theirs).abs().max() / theirs.abs().max())
                self.assertLess(distance, 1e-5 if convert else 0.01)

    def test_keep_float_in_the_export_and_in_the_conversion(self):
        model = self.Mixed().eval()
        data = [torch.randn(8, *self.shape[1:])]
        exported = {"keep_float": ("head",)}, {}
        for options, flags, reason in zip(exported, ((), ("--keep-float", "head")),
                                          ("asked by the model's author", "asked by the user")):
            with self.subTest(reason):
                octet = self.converted(model, self.shape, flags=flags, calibration=data, **options)
                ours, theirs = self.check(model, octet, reason)
                # One int8 layer of random data: 8 bits of range are 1 % of its standard deviation.
                error = (ours - theirs).square().mean().sqrt() / theirs.std()
                self.assertLess(float(error), 0.03)


class AdditionOfAnOutsideTensor(EndToEnd):
    """conv, batch norm, addition of the second input, relu, and a last convolution in high
    precision."""

    shapes = [(1, 3, 12, 12), (1, 4, 12, 12)]

    def test_the_output_is_float_straight_from_the_accumulators(self):
        model = golden_models.randomize(Residual())
        reference = copy.deepcopy(model)
        model.last.qconfig = HIGH_PRECISION
        model = prepared(model, tq.get_default_qconfig("fbgemm"), *self.shapes, batches=8)
        octet = self.converted(model, *self.shapes)
        described = self.octet.inspect(octet)
        self.assertFalse(described["has_float_island"])
        (output,) = described["outputs"]
        self.assertEqual(output["type"], "f32")
        self.assertNotIn("scale", output)
        nodes = {node["name"]: node for node in described["nodes"]}
        self.assertEqual(nodes["last"]["precision"], "int8")
        self.assertEqual(nodes["last"]["output"]["type"], "f32")
        self.assertNotIn("scale", nodes["last"]["output"])
        self.assertFalse([n for n in described["nodes"]
                          if n["op"] in ("add", "batch_norm", "relu")],
                         "all fused into the first convolution")
        inputs = [torch.randn(shape) for shape in self.shapes]
        (output,) = self.octet.run(octet, *inputs)
        wanted = reference(*inputs).detach()
        # A tensor of standard deviation d and a range of 8 d has a rounding error of 8 d / (255
        # sqrt(12)) = 0.9 % of d, twice that with fbgemm's 7 bits. Three activations (inputs and
        # sum) and two weights give sqrt(3 * 1.8^2 + 2 * 0.9^2) = 3.4 %.
        error = (output.values - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()
        self.assertLess(float(error), 0.034)
        self.assertGreater(len(output.values.unique()), 256, "more values than 8 bits have")


class MobileNetV2(EndToEnd):
    """torchvision's quantizable MobileNetV2, in 96x96 and with 20 classes, whose scores lie
    apart."""

    shape = (1, 3, 96, 96)
    images = 5

    @classmethod
    def setUpClass(cls):
        torch.manual_seed(11)
        model = torchvision.models.quantization.mobilenet_v2(weights=None, quantize=False,
                                                             num_classes=20)
        # Scores that depend on the input: statistics of the data, and a last layer that is not all
        # but zero.
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        model.classifier[1].weight.data.normal_(0, 0.2)
        model.train()
        with torch.no_grad():
            for _ in range(6):
                model(cls.random_images(8))
        cls.model = model.eval()

    @classmethod
    def random_images(cls, count):
        """-> smooth coloured patterns at every scale, so that images differ in more than noise."""
        x = torch.zeros(count, *cls.shape[1:])
        for size in (2, 5, 12, 96):
            x += nn.functional.interpolate(torch.randn(count, 3, size, size), cls.shape[2:],
                                           mode="bilinear", align_corners=False)
        return x

    def quantized(self, engine, relu6):
        model = copy.deepcopy(self.model)
        if relu6:
            for parent in list(model.modules()):
                for name, child in parent.named_children():
                    if type(child) is nn.ReLU:
                        setattr(parent, name, nn.ReLU6())
                if type(parent) is torchvision.ops.misc.Conv2dNormActivation:
                    tq.fuse_modules(parent, ["0", "1"], inplace=True)
                elif isinstance(parent, torchvision.models.mobilenetv2.InvertedResidual):
                    last = len(parent.conv) - 2
                    tq.fuse_modules(parent.conv, [str(last), str(last + 1)], inplace=True)
        else:
            model.fuse_model()
        model.qconfig = tq.get_default_qconfig(engine)
        tq.prepare(model, inplace=True)
        with torch.no_grad():
            model(self.random_images(8))
        return tq.convert(model)

    def check(self, engine, relu6):
        model = self.quantized(engine, relu6)
        octet = self.converted(model, self.shape)
        described = self.octet.inspect(octet)
        self.assertFalse(described["has_float_island"])
        torch_exact.contiguous_relu6(model)
        exact = torch_exact.Exact(copy.deepcopy(model))
        scale, zero_point = model.classifier[1].scale, model.classifier[1].zero_point
        answers, agree, equal, largest, noise = set(), 0, 0, 0, 0.0
        for x in self.random_images(self.images).split(1):
            (output,) = self.octet.run(octet, x)
            self.assertAlmostEqual(output.info["scale"], scale, places=9)
            before = exact.differences.count
            with torch.no_grad():
                wanted, same = (torch.round(m(x) / scale).int() + zero_point
                                for m in (model, exact))
                noise = max(noise, float((self.model(x) / scale + zero_point - wanted).abs().max()))
            self.assertTrue(torch.equal(output.bytes, same),
                            "all is exact but additions and averages")
            if exact.differences.count == before:
                self.assertTrue(torch.equal(output.bytes, wanted),
                                "no addition was rounded otherwise")
                equal += 1
            largest = max(largest, int((output.bytes - wanted).abs().max()))
            answers.add(int(wanted.argmax()))
            agree += int(output.values.argmax()) == int(wanted.argmax())
        print(f"MobileNetV2, {engine}, {'ReLU6' if relu6 else 'ReLU'}: {equal} of {self.images} "
              f"outputs are PyTorch's bytes, at most {largest} steps away (float: {noise:.0f}); of "
              f"all additions and averages {exact.differences.count} bytes by "
              f"{exact.differences.largest}")
        self.assertGreater(len(answers), 1, "the images have different answers")
        self.assertLessEqual(exact.differences.largest, 1)
        # A level in one byte of an addition may grow on its way through layers of random weights:
        # less than the roundings of all bytes do, which is what parts PyTorch's int8 from its
        # float.
        self.assertLess(largest, noise)
        self.assertGreaterEqual(agree, self.images - 1, "top classes")
        return octet

    def test_qnnpacks_qconfig_relu6_replaced(self):
        octet = self.check("qnnpack", relu6=False)
        x = self.random_images(1)
        first = self.octet.run(octet, x)[0].values
        for threads in (1, 2, 2):
            self.assertTrue(torch.equal(self.octet.run(octet, x, threads=threads)[0].values, first))

    def test_qnnpacks_qconfig_relu6_kept(self):
        self.check("qnnpack", relu6=True)

    def test_fbgemms_qconfig_relu6_replaced(self):
        self.check("fbgemm", relu6=False)

    def test_fbgemms_qconfig_relu6_kept(self):
        self.check("fbgemm", relu6=True)


class BlazeFromItsStateDict(EndToEnd):

    def test_detections_in_int8_are_those_in_float(self):
        found, faces = octet_runner.blaze(), shared_data.path("faces", "evaluate")
        if not found or not faces:
            self.skipTest(shared_data.skipped("blaze/Blaze_Final_320.pth", "faces/calibrate",
                                              "faces/evaluate"))
        model, options = found
        shape = (1, 3, 320, 320)
        exported = self.octet.export(model, shape, **options)
        int8 = self.octet.convert(exported, name="int8")
        in_float = self.octet.convert(exported, "--float", name="float")
        self.assertFalse(self.octet.inspect(int8)["has_float_island"])

        result = self.octet.evaluate(int8, faces, "--compare", in_float)
        print(f"Blaze: {result}")
        self.assertGreaterEqual(result["precision"], 0.975)
        self.assertGreaterEqual(result["recall"], 0.975)

        x = images.load(images.files_in(faces)[0], options["preprocess"])
        with torch.no_grad():
            wanted = model(x)
        for ours, theirs in zip(self.octet.run(in_float, x), wanted):
            self.assertLess(float((ours.values - theirs).abs().max() / theirs.abs().max()), 1e-4)

        first = [output.values for output in self.octet.run(int8, x)]
        for threads in (1, 2, 2):
            again = [output.values for output in self.octet.run(int8, x, threads=threads)]
            self.assertTrue(all(torch.equal(a, b) for a, b in zip(again, first)))


class Classifiers(EndToEnd):
    """On CIFAR-10's test images, all or some of them."""

    count = None if COUNT == "all" else int(COUNT)

    def samples(self):
        archive = shared_data.path("cifar10", "test.tgz")
        if not archive:
            self.skipTest(shared_data.skipped("cifar10/test.tgz"))
        return octet_runner.cifar_images(archive, self.octet.path("images"), self.count)

    def evaluate(self, exported):
        """-> octet eval of the int8 model (compared with the float one) and of the float model."""
        int8 = self.octet.convert(exported, name="int8")
        in_float = self.octet.convert(exported, "--float", name="float")
        folder = self.octet.path(os.path.join("images", "test"))
        limit = [] if INT8_COUNT == "all" else ["--limit", INT8_COUNT]
        return (self.octet.evaluate(int8, folder, "--compare", in_float, *limit),
                self.octet.evaluate(in_float, folder))

    def check_int8(self, int8, in_float):
        self.assertGreaterEqual(int8["agreement"], 97)
        if self.count is None:  # With about a hundred images, one image is more than 0.3 points.
            self.assertLessEqual(abs(int8["top1"] - in_float["top1"]), 0.3)

    def test_resnet20(self):
        samples = self.samples()
        train = shared_data.path("cifar10", "train.tgz")
        if not train or not octet_runner.resnet20(None):
            self.skipTest(shared_data.skipped("cifar10/train.tgz", "cifar10/resnet20-12fca82f.th"))
        octet_runner.cifar_images(train, self.octet.path("calibrate"),
                                  octet_runner.CALIBRATION_IMAGES)
        model, options = octet_runner.resnet20(self.octet.path("calibrate"))
        int8, in_float = self.evaluate(self.octet.export(model, (1, 3, 32, 32), **options))
        self.assertEqual(in_float["images"], len(samples))
        torchs = octet_runner.top1(model, samples, RESNET_PREPROCESS)
        print(f"resnet20 on {len(samples)} images: torch {torchs}, octet float {in_float}, int8 "
              f"{int8}")
        self.assertLessEqual(abs(in_float["top1"] - torchs), 0.1 if self.count is None else 0.4)
        self.check_int8(int8, in_float)

    def test_the_embedded_model(self):
        self.samples()
        if not os.path.exists(octet_runner.EMBEDDED):
            self.skipTest("needs models/cifar10_mobilenet_v2.safetensors")
        int8, in_float = self.evaluate(octet_runner.EMBEDDED)
        print(f"the embedded model on {int8['images']} images: octet float {in_float}, int8 {int8}")
        self.check_int8(int8, in_float)


if __name__ == "__main__":
    unittest.main()
