"""Whole networks: Blaze and ResNet-20 with their published weights, MobileNetV2 in every state."""
import os
import unittest

import torch
import torchvision
from torch import nn
from torch.ao import quantization as tq

import shared_data
from support import ExportTest, export
from blaze import PREPROCESS, TASK, Blaze, anchors
from resnet20 import LABELS, ResNet20
from resnet20 import PREPROCESS as RESNET_PREPROCESS


class BlazeDetector(ExportTest):

    def test_an_export_of_random_weights_has_every_layer_once(self):
        exported = export(Blaze().eval(), (1, 3, 64, 64))
        convolutions = [node for node in exported.nodes.values() if node["op"] == "conv2d"]
        weights = [name for name, t in Blaze().state_dict().items() if t.dim() == 4]
        self.assertEqual(sorted(node["inputs"][1] for node in convolutions), sorted(weights))
        self.assertEqual(exported.ops.count("add"), 11,
                         "every sum is computed twice and exported once")
        self.assertEqual(exported.ops.count("softmax"), 1)

    def test_the_published_weights_with_their_images(self):
        weights = shared_data.path("blaze", "Blaze_Final_320.pth")
        faces = shared_data.path("faces", "calibrate")
        if not weights or not faces:
            self.skipTest(shared_data.skipped("blaze/Blaze_Final_320.pth", "faces/calibrate"))
        model = shared_data.load(Blaze(), weights)
        exported = export(model, (1, 3, 320, 320), calibration=faces, preprocess=PREPROCESS,
                          task=TASK, observer="min-max")
        self.assertEqual([exported.activations[name]["shape"] for name in exported.outputs],
                         [[1, 5600, 4], [1, 5600, 2], [1, 5600, 10]])
        self.assertTrue(all(exported.scale(name) for name in exported.activations))
        self.assertTrue(torch.equal(exported.tensors["conv1.0.weight"], model.conv1[0].weight))

    def test_anchors_are_one_a_row_of_the_outputs(self):
        rows = anchors()
        self.assertEqual(tuple(rows.shape), (5600, 4))
        self.assertTrue(torch.allclose(rows[1],
                                       torch.tensor([4 / 320, 4 / 320, 11 / 320, 11 / 320])))
        self.assertTrue(torch.allclose(rows[-1],
                                       torch.tensor([312 / 320, 312 / 320, 149 / 320, 149 / 320])))


class ResNet(ExportTest):

    def test_shortcuts_without_parameters_are_slices_and_padding(self):
        weights = shared_data.path("cifar10", "resnet20-12fca82f.th")
        model = shared_data.load(ResNet20(), weights) if weights else ResNet20().eval()
        exported = export(model, (1, 3, 32, 32), calibration=[torch.randn(2, 3, 32, 32)],
                          labels=LABELS, preprocess=RESNET_PREPROCESS, task={"type": "classify"})
        self.assertEqual([exported.ops.count(op) for op in ("conv2d", "batch_norm", "add", "slice",
                                                            "pad")], [19, 19, 9, 4, 2])
        pads = [node["attributes"]["pads"] for node in exported.nodes.values()
                if node["op"] == "pad"]
        self.assertEqual(pads,
                         [[[0, 0], [8, 8], [0, 0], [0, 0]], [[0, 0], [16, 16], [0, 0], [0, 0]]])

    def test_the_published_weights_are_there(self):
        if not shared_data.path("cifar10", "resnet20-12fca82f.th"):
            self.skipTest(shared_data.skipped("cifar10/resnet20-12fca82f.th"))
        model = shared_data.load(ResNet20(), shared_data.path("cifar10", "resnet20-12fca82f.th"))
        exported = export(model, (1, 3, 32, 32))
        self.assertTrue(torch.equal(exported.tensors["linear.weight"], model.linear.weight))


class MobileNetV2(ExportTest):

    shape = (1, 3, 32, 32)

    def setUp(self):
        super().setUp()
        torch.backends.quantized.engine = "qnnpack"

    def prepared(self, qconfig, relu6=False):
        model = torchvision.models.quantization.mobilenet_v2(weights=None, quantize=False,
                                                             width_mult=0.25).eval()
        if relu6:
            for parent in list(model.modules()):
                for name, child in parent.named_children():
                    if type(child) is nn.ReLU:
                        setattr(parent, name, nn.ReLU6())
        else:
            model.fuse_model()
        model.qconfig = tq.get_default_qconfig(qconfig)
        tq.prepare(model, inplace=True)
        with torch.no_grad():
            model(torch.randn(2, *self.shape[1:]))
        return model

    def test_float(self):
        exported = export(torchvision.models.mobilenet_v2(weights=None, width_mult=0.25).eval(),
                          self.shape)
        self.assertEqual([exported.ops.count(op) for op in ("conv2d", "relu6", "add", "linear")],
                         [52, 35, 11, 1])
        self.assertIn("features.0.0", exported.nodes)

    def test_a_quantizable_model_that_was_not_prepared_is_a_float_model(self):
        model = torchvision.models.quantization.mobilenet_v2(weights=None, quantize=False,
                                                             width_mult=0.25)
        exported = export(model.eval(), self.shape, calibration=[torch.randn(1, *self.shape[1:])])
        self.assertNotIn("quantize", exported.ops)
        self.assertIn("features.3.skip_add", exported.nodes)
        self.assertTrue(all(exported.scale(name) for name in exported.activations))

    def test_converted_with_the_qconfigs_of_both_engines(self):
        for engine in ("qnnpack", "fbgemm"):
            with self.subTest(engine):
                prepared = self.prepared(engine)
                before = export(prepared, self.shape)
                after = export(tq.convert(prepared), self.shape)
                for exported in (before, after):
                    self.assertEqual([exported.ops.count(op) for op in ("conv2d", "relu", "add",
                                                                        "linear")], [52, 35, 11, 1])
                    self.assertIn("features.3.skip_add", exported.nodes)
                self.assertEqual(before.scale("features.3.skip_add"),
                                 after.scale("features.3.skip_add"))
                counts = {len(node["weight_quantization"]["scale"]) for node in after.nodes.values()
                          if node["op"] == "conv2d"}
                self.assertEqual(counts == {1}, engine == "qnnpack")

    def test_converted_with_relu6_and_lone_batch_norms(self):
        exported = export(tq.convert(self.prepared("qnnpack", relu6=True)), self.shape)
        self.assertEqual(exported.ops.count("relu6"), 35)
        self.assertEqual(exported.ops.count("batch_norm"), 52)


class OtherNetworks(ExportTest):

    def test_torchvision_classifiers(self):
        names = ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5",
                 "mnasnet0_5"]
        if os.environ.get("OCTET_ALL_NETWORKS"):
            names += ["densenet121", "efficientnet_b0", "googlenet", "inception_v3",
                      "regnet_y_400mf", "vgg11_bn"]
        for name in names:
            with self.subTest(name):
                options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
                model = getattr(torchvision.models, name)(weights=None, **options).eval()
                size = {"inception_v3": 299, "vgg11_bn": 224}.get(name, 64)
                exported = export(model, (1, 3, size, size))
                self.assertEqual(exported.activations[exported.outputs[0]]["shape"], [1, 1000])


if __name__ == "__main__":
    unittest.main()
