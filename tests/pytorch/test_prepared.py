"""Models that went through torch.ao.quantization.prepare and prepare_qat."""
import unittest

import torch
import torch.nn.functional as F
from torch import nn
from torch.ao import quantization as tq
from torch.ao.quantization.quantize_fx import prepare_fx

from support import ExportTest, export

SIGNED = tq.QConfig(activation=tq.MinMaxObserver.with_args(dtype=torch.qint8,
                                                           qscheme=torch.per_tensor_symmetric),
                    weight=tq.default_per_channel_weight_observer)
HIGH_PRECISION = tq.QConfig(activation=tq.PlaceholderObserver.with_args(dtype=torch.float32),
                            weight=tq.default_per_channel_weight_observer)


class ConvRelu(nn.Module):
    """Stubs around a convolution and a ReLU."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = tq.QuantStub(), tq.DeQuantStub()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x):
        return self.dequant(self.relu(self.conv(self.quant(x))))


class Residual(nn.Module):
    """conv-bn + a tensor from outside, relu, then a last convolution."""

    def __init__(self):
        super().__init__()
        self.quant, self.quant_other, self.dequant = (tq.QuantStub(), tq.QuantStub(),
                                                      tq.DeQuantStub())
        self.conv, self.bn = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.skip = torch.nn.quantized.FloatFunctional()
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x, other):
        y = self.bn(self.conv(self.quant(x)))
        return self.dequant(self.last(self.skip.add_relu(y, self.quant_other(other))))


def prepared(model, qconfig, *shapes, batches=2):
    """-> the model prepared and calibrated on random batches."""
    model.eval().qconfig = qconfig
    tq.prepare(model, inplace=True)
    with torch.no_grad():
        for _ in range(batches):
            model(*[torch.randn(2, *shape[1:]) for shape in shapes])
    return model


class Prepared(ExportTest):

    shape = (1, 3, 8, 8)

    def test_conv_relu_with_stubs_has_the_scales_of_its_observers(self):
        model = prepared(ConvRelu(), tq.get_default_qconfig("qnnpack"), self.shape)
        exported = export(model)
        self.assertEqual(exported.ops, ["quantize", "conv2d", "relu", "dequantize"])
        for name in ("quant", "conv"):
            scale, zero_point = getattr(model, name).activation_post_process.calculate_qparams()
            self.assertEqual(exported.scale(name), (float(scale), int(zero_point)))
        self.assertEqual(exported.scale("relu"), exported.scale("conv"), "PyTorch observes no ReLU")
        self.assertIsNone(exported.scale("x"))
        self.assertIsNone(exported.scale("dequant"))

    def test_it_has_the_same_scales_and_weights_as_after_convert(self):
        for engine in ("qnnpack", "fbgemm"):
            model = prepared(ConvRelu(), tq.get_default_qconfig(engine), self.shape)
            before = export(model)
            torch.backends.quantized.engine = "qnnpack"
            converted = export(tq.convert(model))
            for name in ("quant", "conv"):
                self.assertEqual(before.scale(name), converted.scale(name))
            self.assertEqual(before.nodes["conv"]["weight_quantization"],
                             converted.nodes["conv"]["weight_quantization"])

    def test_a_module_that_is_called_twice_gives_both_results_its_scale(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.quant, self.dequant = tq.QuantStub(), tq.DeQuantStub()
                self.head, self.pool = nn.Conv2d(3, 3, 3, padding=1), nn.MaxPool2d(2)
                self.sum = torch.nn.quantized.FloatFunctional()

            def forward(self, x):
                x = self.quant(x)
                large = self.head(x)
                both = self.sum.add(large, x)
                return self.dequant(self.sum.add(self.head(both), large))

        model = prepared(Twice(), tq.get_default_qconfig("qnnpack"), self.shape)
        exported = export(model)
        for kind, observer in (("conv2d", model.head), ("add", model.sum)):
            scale, zero_point = observer.activation_post_process.calculate_qparams()
            names = [name for name, node in exported.nodes.items() if node["op"] == kind]
            self.assertEqual(len(names), 2)
            for name in names:
                self.assertEqual(exported.scale(name), (float(scale), int(zero_point)))

    def test_models_that_fx_prepared_share_observers_under_several_names(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
                self.pool, self.last = nn.MaxPool2d(2), nn.Linear(8, 5)

            def forward(self, x):
                y = self.pool(torch.cat([self.a(x), F.relu(self.b(x))], 1))
                return self.last(torch.flatten(F.adaptive_avg_pool2d(y, 1), 1))

        torch.backends.quantized.engine = "qnnpack"
        batch = torch.randn(2, *self.shape[1:])
        model = prepare_fx(Net().eval(), tq.get_default_qconfig_mapping("qnnpack"), (batch,))
        model(batch)
        exported = export(model)
        for kind in ("relu", "concat", "max_pool2d", "linear"):
            for name in (name for name, node in exported.nodes.items() if node["op"] == kind):
                self.assertIsNotNone(exported.scale(name), name)

    def test_weights_per_channel_have_one_scale_a_channel(self):
        exported = export(prepared(ConvRelu(), tq.get_default_qconfig("fbgemm"), self.shape))
        self.assertEqual(len(exported.nodes["conv"]["weight_quantization"]["scale"]), 4)
        self.assertEqual(exported.tensors["conv.weight"].dtype, torch.float32)

    def test_signed_symmetric_activations_get_the_zero_point_128(self):
        exported = export(prepared(ConvRelu(), SIGNED, self.shape))
        self.assertEqual([exported.scale(name)[1] for name in ("quant", "conv", "relu")], [128] * 3)

    def test_unsigned_symmetric_activations_have_the_zero_point_128(self):
        unsigned = tq.QConfig(tq.MinMaxObserver.with_args(dtype=torch.quint8,
                                                          qscheme=torch.per_tensor_symmetric),
                              tq.default_weight_observer)
        self.assertEqual(export(prepared(ConvRelu(), unsigned, self.shape)).scale("conv")[1], 128)

    def test_unsigned_weights_shift_by_128(self):
        unsigned = tq.QConfig(tq.default_observer, tq.MinMaxObserver.with_args(dtype=torch.quint8))
        model = ConvRelu()
        model.conv.weight.data.uniform_(0.5, 1.0)
        weights = export(prepared(model, unsigned, self.shape)).nodes["conv"]["weight_quantization"]
        self.assertEqual(weights["zero_point"], [-128])

    def test_fused_modules_give_a_convolution_and_a_relu_with_one_scale(self):
        model = tq.fuse_modules(ConvRelu().eval(), ["conv", "relu"])
        exported = export(prepared(model, tq.get_default_qconfig("qnnpack"), self.shape))
        self.assertEqual(exported.ops, ["quantize", "conv2d", "relu", "dequantize"])
        conv, relu = (node for node in exported.nodes.values() if node["op"] in ("conv2d", "relu"))
        self.assertIsNone(exported.scale(conv["outputs"][0]))
        self.assertIsNotNone(exported.scale(relu["outputs"][0]))
        self.assertEqual(conv["inputs"][1], "conv.0.weight")
        self.assertEqual(len(conv["weight_quantization"]["scale"]), 1)

    def test_the_addition_of_an_outside_tensor_and_a_last_layer_in_high_precision(self):
        model = Residual().eval()
        model.last.qconfig = HIGH_PRECISION
        shapes = [(1, 3, 6, 6), (1, 4, 6, 6)]
        exported = export(prepared(model, tq.get_default_qconfig("fbgemm"), *shapes), shapes)
        self.assertEqual(exported.inputs, ["x", "other"])
        self.assertEqual(exported.ops,
                         ["quantize", "conv2d", "batch_norm", "quantize", "add", "relu", "conv2d"])
        self.assertEqual(exported.outputs, ["last"])
        self.assertIsNone(exported.scale("last"))
        self.assertIsNotNone(exported.scale("skip"))
        self.assertEqual(exported.nodes["skip"]["op"], "relu")
        self.assertEqual(len(exported.nodes["last"]["weight_quantization"]["scale"]), 2)

    def test_a_wider_output_is_a_high_precision_output(self):
        wide = tq.MinMaxObserver.with_args(dtype=torch.qint32, quant_min=-2**30,
                                           quant_max=2**30 - 1)
        for observer in (tq.NoopObserver, wide, nn.Identity):
            model = ConvRelu().eval()
            model.relu = nn.Identity()
            model.conv.qconfig = tq.QConfig(observer, tq.default_weight_observer)
            exported = export(prepared(model, tq.default_qconfig, self.shape))
            self.assertIsNone(exported.scale("conv"))
            self.assertIn("weight_quantization", exported.nodes["conv"])

    def test_weights_before_an_unfused_batch_norm_are_observed_as_they_will_be_folded(self):
        model = Residual()
        model.bn.running_var.fill_(4.0)
        shapes = [(1, 3, 6, 6), (1, 4, 6, 6)]
        exported = export(prepared(model, tq.get_default_qconfig("fbgemm"), *shapes), shapes)
        largest = model.conv.weight.abs().amax((1, 2, 3)) / (4.0 + 1e-5) ** 0.5
        scales = torch.tensor(exported.nodes["conv"]["weight_quantization"]["scale"])
        self.assertTrue(torch.allclose(scales, largest / 127.5, rtol=1e-4),
                        (scales, largest / 127.5))

    def test_modules_without_a_qconfig_stay_float(self):
        class Mixed(ConvRelu):
            def __init__(self):
                super().__init__()
                self.head = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sigmoid())

            def forward(self, x):
                return self.head(super().forward(x))
        model = Mixed()
        model.head.qconfig = None
        exported = export(prepared(model, tq.default_qconfig, self.shape))
        self.assertEqual(exported.keep_float, ["head.0", "head.1"])
        self.assertNotIn("weight_quantization", exported.nodes["head.0"])

    def test_an_output_that_is_returned_twice_keeps_its_scale(self):
        class Twice(ConvRelu):
            def forward(self, x):
                y = self.conv(self.quant(x))
                return y, y
        exported = export(prepared(Twice(), tq.default_qconfig, self.shape))
        self.assertEqual(exported.ops, ["quantize", "conv2d", "identity"])
        self.assertEqual(exported.scale(exported.outputs[1]), exported.scale("conv"))

    def test_an_observer_that_saw_nothing_is_refused_by_name(self):
        model = ConvRelu().eval()
        model.qconfig = tq.get_default_qconfig("qnnpack")
        self.refused(tq.prepare(model), "'quant'", "calibrate")

    def test_calibrating_a_prepared_model_in_the_export_is_refused(self):
        model = prepared(ConvRelu(), tq.default_qconfig, self.shape)
        self.refused(model, "carries its own scales", calibration=[torch.randn(1, 3, 8, 8)])

    def test_the_export_does_not_teach_the_observers_its_example(self):
        model = prepared(ConvRelu(), tq.default_qconfig, self.shape)
        before = {name: t.clone() for name, t in model.state_dict().items()}
        export(model)
        self.assertTrue(all(torch.equal(before[name], t) for name, t in model.state_dict().items()))

    def test_an_index_needs_no_scale(self):
        class Classified(ConvRelu):
            def forward(self, x):
                return self.relu(self.conv(self.quant(x))).argmax(1)
        exported = export(prepared(Classified(), tq.default_qconfig, self.shape))
        self.assertEqual(exported.activations[exported.outputs[0]]["type"], "s32")

    def test_functions_between_observed_modules_have_the_scale_of_their_input(self):
        class Pooled(ConvRelu):
            def forward(self, x):
                y = F.max_pool2d(self.relu(self.conv(self.quant(x))), 2)
                return self.dequant(torch.flatten(y, 1))
        exported = export(prepared(Pooled(), tq.default_qconfig, self.shape))
        self.assertEqual(exported.keep_float, [])
        self.assertEqual(exported.scale("max_pool2d"), exported.scale("conv"))
        self.assertEqual(exported.scale("flatten"), exported.scale("conv"))
        self.assertIsNone(exported.scale("dequant"))

    def test_every_call_of_a_module_has_the_scale_of_its_one_observer(self):
        class Twice(ConvRelu):
            def __init__(self):
                super().__init__()
                self.head, self.sum = nn.Conv2d(4, 4, 1), torch.nn.quantized.FloatFunctional()

            def forward(self, x):
                y = self.conv(self.quant(x))
                y = self.sum.add(self.head(y), self.head(self.relu(y)))
                y = self.sum.add(y, self.head(y))
                z = self.conv(self.quant(self.dequant(y)[:, :3]))
                return self.dequant(z)
        model = prepared(Twice(), tq.default_qconfig, self.shape)
        exported = export(model)
        for first, others in (("quant", 1), ("conv", 1), ("head", 2), ("sum", 1)):
            scale, zero_point = getattr(model, first).activation_post_process.calculate_qparams()
            for name in [first] + [f"{first}_{i + 1}" for i in range(others)]:
                self.assertEqual(exported.scale(name), (float(scale), int(zero_point)), name)

    def test_functions_of_a_known_range_have_the_scale_that_pytorch_gives_them(self):
        class Functions(ConvRelu):
            def __init__(self, function):
                super().__init__()
                self.function, self.last = function, nn.Conv2d(4, 2, 1)

            def forward(self, x):
                return self.dequant(self.last(self.function(self.conv(self.quant(x)))))
        torch.backends.quantized.engine = "qnnpack"
        for function in (nn.Sigmoid(), nn.Tanh(), nn.Hardsigmoid(), torch.sigmoid, F.leaky_relu,
                         F.gelu):
            with self.subTest(str(function)):
                model = prepared(Functions(function), tq.get_default_qconfig("qnnpack"), self.shape)
                before, after = export(model), export(tq.convert(model))
                self.assertEqual(before.ops, after.ops)
                name = before.description["nodes"][2]["outputs"][0]
                self.assertEqual(before.scale(name), after.scale(name))

    def test_every_method_of_float_functional_is_named_after_its_module(self):
        class Functional(nn.Module):
            def __init__(self):
                super().__init__()
                self.quant = tq.QuantStub()
                for name in ("plus", "times", "joined", "shifted", "scaled"):
                    setattr(self, name, torch.nn.quantized.FloatFunctional())

            def forward(self, x):
                x = self.quant(x)
                y = self.times.mul(self.plus.add(x, x), x)
                return self.joined.cat([y, self.shifted.add_scalar(x, 1.5),
                                        self.scaled.mul_scalar(x, 0.5)], 1)
        exported = export(prepared(Functional(), tq.default_qconfig, self.shape))
        self.assertEqual({name: node["op"] for name, node in exported.nodes.items()},
                         {"quant": "quantize", "plus": "add", "times": "mul", "add": "add",
                          "mul": "mul", "joined": "concat"})
        for name in ("plus", "times", "joined"):
            self.assertIsNotNone(exported.scale(name))

    def test_arithmetic_with_a_number_changes_the_scale_as_it_changes_the_range(self):
        class Shifted(ConvRelu):
            def __init__(self):
                super().__init__()
                self.functional = torch.nn.quantized.FloatFunctional()

            def forward(self, x):
                return self.functional.mul_scalar(self.conv(self.quant(x)), 0.5)
        exported = export(prepared(Shifted(), tq.default_qconfig, self.shape))
        scale, zero_point = exported.scale("conv")
        self.assertEqual(exported.scale("mul")[1], zero_point)
        self.assertAlmostEqual(exported.scale("mul")[0], scale / 2, places=8)


class QuantizationAwareTraining(ExportTest):

    def trained(self, engine="qnnpack"):
        model = Residual()
        self.shapes = [(1, 3, 6, 6), (1, 4, 6, 6)]
        model.train()
        model.relu = nn.ReLU()
        tq.fuse_modules_qat(model, ["conv", "bn"], inplace=True)
        model.qconfig = tq.get_default_qat_qconfig(engine)
        tq.prepare_qat(model, inplace=True)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            loss = model(*[torch.randn(4, *shape[1:]) for shape in self.shapes]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model.eval()

    def test_conv_bn_is_a_convolution_and_a_batch_norm_with_the_scales_of_the_folded_weight(self):
        model = self.trained()
        exported = export(model, self.shapes)
        self.assertEqual(exported.ops, ["quantize", "conv2d", "batch_norm", "quantize", "add",
                                        "relu", "conv2d", "dequantize"])
        self.assertEqual(exported.nodes["conv.bn"]["inputs"][1:],
                         ["conv.bn.weight", "conv.bn.bias", "conv.bn.running_mean",
                          "conv.bn.running_var"])
        torch.backends.quantized.engine = "qnnpack"
        converted = export(tq.convert(model), self.shapes)
        for name in ("conv", "last"):
            self.assertEqual(exported.nodes[name]["weight_quantization"],
                             converted.nodes[name]["weight_quantization"])
        self.assertEqual(exported.scale("conv.bn"), converted.scale("conv"))
        self.assertEqual(exported.scale("last"), converted.scale("last"))

    def test_fused_conv_bn_relu_gives_three_nodes(self):
        model = nn.Sequential(tq.QuantStub(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
                              tq.DeQuantStub())
        model = tq.fuse_modules_qat(model.train(), ["1", "2", "3"])
        model.qconfig = tq.get_default_qat_qconfig("fbgemm")
        tq.prepare_qat(model, inplace=True)
        model(torch.randn(4, 3, 8, 8))
        exported = export(model.eval())
        self.assertEqual(exported.ops, ["quantize", "conv2d", "batch_norm", "relu", "dequantize"])
        self.assertEqual(len(exported.nodes["1"]["weight_quantization"]["scale"]), 4)
        self.assertIsNotNone(exported.scale("1.relu"))

    def test_conv_relu_of_training_reads_its_own_weight(self):
        model = nn.Sequential(tq.QuantStub(), nn.Conv2d(3, 4, 3), nn.ReLU(), tq.DeQuantStub())
        model = tq.fuse_modules_qat(model.train(), ["1", "2"])
        model.qconfig = tq.get_default_qat_qconfig("fbgemm")
        tq.prepare_qat(model, inplace=True)
        model(torch.randn(4, 3, 8, 8))
        exported = export(model.eval())
        self.assertEqual(exported.node("conv2d")["inputs"][1], "1.weight")
        self.assertIn("weight_quantization", exported.node("conv2d"))

    def test_training_mode_is_refused(self):
        self.refused(self.trained().train(), "training mode", "eval()",
                     shape=[(1, 3, 6, 6), (1, 4, 6, 6)])


if __name__ == "__main__":
    unittest.main()
