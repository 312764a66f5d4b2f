"""Models that went through torch.ao.quantization.convert, eager or FX."""
import unittest

import torch
import torch.nn.functional as F
from torch import nn
from torch.ao import quantization as tq

import golden_models
from golden_models import Stubbed, TwoBranches, convert
from support import ExportTest, export
from test_prepared import ConvRelu, Residual, prepared


class Converted(ExportTest):

    def setUp(self):
        super().setUp()
        torch.backends.quantized.engine = golden_models.ENGINE

    def test_weights_scales_and_zero_points_are_taken_exactly(self):
        model = tq.convert(prepared(ConvRelu(), tq.get_default_qconfig("fbgemm"), (1, 3, 8, 8)))
        exported = export(model)
        self.assertEqual(exported.ops, ["quantize", "conv2d", "relu", "dequantize"])
        weight = model.conv.weight()
        self.assertEqual(exported.tensors["conv.weight"].dtype, torch.int8)
        self.assertTrue(torch.equal(exported.tensors["conv.weight"], weight.int_repr()))
        self.assertTrue(torch.equal(exported.tensors["conv.bias"], model.conv.bias()))
        scales = exported.nodes["conv"]["weight_quantization"]["scale"]
        self.assertEqual(scales, weight.q_per_channel_scales().tolist())
        self.assertEqual(exported.scale("quant"),
                         (float(model.quant.scale), int(model.quant.zero_point)))
        self.assertEqual(exported.scale("conv"), (model.conv.scale, model.conv.zero_point))
        self.assertIsNone(exported.scale("x"))
        self.assertIsNone(exported.scale("dequant"))

    def test_a_weight_of_minus_128_survives(self):
        model = convert(Stubbed(nn.Conv2d(3, 4, 1)).eval(), (1, 3, 8, 8))
        weight = torch.quantize_per_tensor(torch.tensor([-1.28, 1.27] * 6).view(4, 3, 1, 1), 0.01,
                                           0, torch.qint8)
        model.body.set_weight_bias(weight, model.body.bias())
        exported = export(model)
        self.assertEqual(int(exported.tensors["body.weight"].min()), -128)
        self.assertEqual(exported.node("conv2d")["weight_quantization"]["scale"],
                         [0.009999999776482582])

    def test_a_fused_relu_is_a_node_that_has_the_scale(self):
        model = tq.fuse_modules(ConvRelu().eval(), ["conv", "relu"])
        exported = export(tq.convert(prepared(model, tq.get_default_qconfig("qnnpack"),
                                              (1, 3, 8, 8))))
        self.assertIsNone(exported.scale("conv"))
        self.assertIsNotNone(exported.scale("conv.relu"))

    def test_a_linear_layer_and_its_relu(self):
        body = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU())
        model = tq.fuse_modules(Stubbed(body).eval(), ["body.1", "body.2"])
        exported = export(convert(model, (1, 3, 2, 2)), (1, 3, 2, 2))
        self.assertEqual(exported.ops, ["quantize", "reshape", "linear", "relu"])
        self.assertEqual(exported.tensors["body.1.weight"].dtype, torch.int8)

    def test_signed_activations_shift_by_128(self):
        signed = tq.QConfig(tq.MinMaxObserver.with_args(dtype=torch.qint8,
                                                        qscheme=torch.per_tensor_affine),
                            tq.default_weight_observer)
        model = Stubbed(nn.Flatten()).eval()
        model.qconfig = signed
        tq.prepare(model, inplace=True)
        model(torch.tensor([[[[0.0, 2.55]]]]))
        tq.convert(model, inplace=True)
        exported = export(model, (1, 1, 1, 2))
        self.assertEqual(exported.scale("quant")[1], 0)
        self.assertEqual(int(model.quant.zero_point), -128)

    def test_quantized_arithmetic_has_its_own_scales(self):
        for name, ops in (("add", ["add"]), ("add_relu", ["add", "relu"]), ("mul", ["mul"]),
                          ("cat", ["concat"])):
            with self.subTest(name):
                model = convert(Stubbed(TwoBranches(name)).eval(), (1, 4, 5, 5))
                exported = export(model, (1, 4, 5, 5))
                self.assertEqual(exported.ops, ["quantize", "conv2d", "conv2d"] + ops)
                functional = model.body.functional
                self.assertEqual(exported.scale(exported.outputs[0]),
                                 (functional.scale, functional.zero_point))
                self.assertTrue(exported.outputs[0].startswith("body.functional"))

    def test_arithmetic_with_numbers(self):
        class Numbers(nn.Module):
            def __init__(self):
                super().__init__()
                self.functional = torch.nn.quantized.FloatFunctional()

            def forward(self, x):
                return self.functional.mul_scalar(self.functional.add_scalar(x, 0.5), 0.25)
        exported = export(convert(Stubbed(Numbers()).eval(), (1, 3, 8, 8)))
        self.assertEqual(exported.ops, ["quantize", "add", "mul"])

    def test_modules_with_a_quantized_form(self):
        for module, op in ((nn.ReLU6(), "relu6"), (nn.BatchNorm2d(3), "batch_norm"),
                           (nn.LeakyReLU(0.2), "leaky_relu"), (nn.Hardswish(), "hard_swish"),
                           (nn.Sigmoid(), "sigmoid"), (nn.ELU(), "elu"), (nn.ReLU(), "relu"),
                           (nn.MaxPool2d(2), "max_pool2d"), (nn.AvgPool2d(2), "avg_pool2d"),
                           (nn.AdaptiveAvgPool2d(1), "mean"), (nn.Flatten(), "reshape"),
                           (nn.Tanh(), "tanh"), (nn.Upsample(scale_factor=2), "resize"),
                           (nn.PReLU(3), "prelu"), (nn.Hardtanh(-0.5, 0.5), "clip")):
            with self.subTest(op):
                exported = export(convert(Stubbed(module).eval(), (1, 3, 8, 8)))
                self.assertEqual(exported.ops, ["quantize", op])
                self.assertIsNotNone(exported.scale(exported.outputs[0]))

    def test_what_only_moves_or_clamps_bytes_keeps_the_scale(self):
        body = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.ReLU6(), nn.Flatten())
        exported = export(convert(Stubbed(body).eval(), (1, 3, 8, 8)))
        self.assertEqual({exported.scale(name) for name in exported.activations if name != "x"},
                         {exported.scale("quant")})

    def test_relu6_after_a_convolution_is_exported_as_meant(self):
        exported = export(convert(Stubbed(nn.Sequential(golden_models.Scaled(4),
                                                        nn.ReLU6())).eval(), (1, 4, 9, 9)),
                          (1, 4, 9, 9))
        self.assertEqual(exported.ops, ["quantize", "conv2d", "relu6"])

    def test_the_addition_of_an_outside_tensor(self):
        model = tq.fuse_modules(Residual().eval(), ["conv", "bn"])
        shapes = [(1, 3, 6, 6), (1, 4, 6, 6)]
        exported = export(tq.convert(prepared(model, tq.get_default_qconfig("qnnpack"), *shapes)),
                          shapes)
        self.assertEqual(exported.ops, ["quantize", "conv2d", "quantize", "add", "relu", "conv2d",
                                        "dequantize"])

    def test_layers_that_stayed_float_are_kept_float(self):
        class Mixed(ConvRelu):
            def __init__(self):
                super().__init__()
                self.head = nn.Conv2d(4, 4, 1)

            def forward(self, x):
                return F.softmax(self.head(super().forward(x)), 1)
        model = Mixed()
        model.head.qconfig = None
        exported = export(tq.convert(prepared(model, tq.default_qconfig, (1, 3, 8, 8))))
        self.assertEqual(exported.keep_float, ["head"])
        self.assertEqual(exported.tensors["head.weight"].dtype, torch.float32)

    def test_a_dynamically_quantized_model_is_refused_with_a_remedy(self):
        model = tq.quantize_dynamic(nn.Sequential(nn.Linear(8, 4)).eval())
        self.refused(model, "'0'", "static quantization", shape=(1, 8))

    def test_changes_in_place_and_random_values_are_refused_by_name(self):
        class Changing(nn.Module):
            def __init__(self, change):
                super().__init__()
                self.conv, self.change = nn.Conv2d(3, 4, 1), change

            def forward(self, x):
                return self.change(self.conv(x))

        def in_bytes(y):
            F.relu(y[:, :2], inplace=True)
            return y

        def in_float(y):
            y = y.dequantize()
            y[:, :2].add_(1)
            return y

        def random(y):
            return y.dequantize() + torch.randn(1)
        for change, words in ((in_bytes, ["in place"]), (in_float, ["in place"]),
                              (random, ["every run"])):
            for shape in ((1, 3, 8, 8), (1, 3, 7, 1)):
                with self.subTest(change.__name__, shape=shape):
                    model = convert(Stubbed(Changing(lambda y: y)).eval(), shape)
                    model.body.change = change
                    self.refused(model, "'body'", *words, shape=shape)

    def test_a_model_that_fx_converted(self):
        from torch.ao.quantization import quantize_fx

        class Body(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.bn, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

            def forward(self, x):
                y = F.relu(self.bn(self.conv(x)))
                y = torch.cat([y, y + y], 1)[:, :4]
                return self.fc(F.adaptive_avg_pool2d(y, 1).flatten(1))
        mapping = tq.get_default_qconfig_mapping("qnnpack")
        observed = quantize_fx.prepare_fx(Body().eval(), mapping, (torch.randn(1, 3, 8, 8),))
        observed(torch.randn(2, 3, 8, 8))
        converted = export(quantize_fx.convert_fx(observed).eval())
        self.assertEqual(converted.ops[0], "quantize")
        self.assertEqual(converted.ops[-1], "dequantize")
        self.assertEqual(converted.tensors["conv.weight"].dtype, torch.int8)
        self.assertEqual(converted.tensors["fc.weight"].dtype, torch.int8)

    def test_a_model_that_fx_prepared(self):
        from torch.ao.quantization import quantize_fx
        mapping = tq.get_default_qconfig_mapping("qnnpack")
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
        observed = quantize_fx.prepare_fx(model, mapping, (torch.randn(1, 3, 8, 8),))
        observed(torch.randn(2, 3, 8, 8))
        exported = export(observed.eval())
        self.assertEqual(exported.ops, ["conv2d", "relu", "conv2d"])
        self.assertIsNotNone(exported.scale(exported.inputs[0]))
        self.assertIsNotNone(exported.scale(exported.outputs[0]))

    def test_what_fx_gives_one_observer_has_one_scale(self):
        from torch.ao.quantization import quantize_fx

        class Body(nn.Module):
            def __init__(self):
                super().__init__()
                self.left, self.right, self.fc = (nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3),
                                                  nn.Linear(8, 2))

            def forward(self, x):
                y = torch.cat([F.relu(self.left(x)), self.right(x)], 1)
                y = F.adaptive_avg_pool2d(F.max_pool2d(y, 2), 1)
                return self.fc(torch.flatten(y, 1))
        for engine in ("qnnpack", "fbgemm"):
            with self.subTest(engine):
                mapping = tq.get_default_qconfig_mapping(engine)
                observed = quantize_fx.prepare_fx(Body().eval(), mapping,
                                                  (torch.randn(1, 3, 8, 8),))
                observed(torch.randn(2, 3, 8, 8))
                exported = export(observed.eval())
                self.assertEqual(exported.ops, ["conv2d", "relu", "conv2d", "concat", "max_pool2d",
                                                "mean", "reshape", "linear"])
                names = [node["outputs"][0] for node in exported.description["nodes"]]
                self.assertEqual(len({exported.scale(name) for name in names[3:7]}), 1)
                self.assertNotIn(None, [exported.scale(name) for name in names[3:]])


if __name__ == "__main__":
    unittest.main()
