"""Each function of PyTorch becomes the operator that docs/float_export.md says.

The exporter itself compares the values of every node with the model's.
"""
import unittest

import torch
import torch.nn.functional as F
from torch import nn

from golden_models import Function
from support import ExportTest, export


class Operators(ExportTest):

    def only_node(self, model, shape=(1, 4, 8, 6)):
        model = Function(model) if not isinstance(model, nn.Module) else model
        exported = export(model.eval(), shape)
        self.assertEqual(len(exported.ops), 1, exported.ops)
        return exported.description["nodes"][0]

    def ops(self, model, shape=(1, 4, 8, 6)):
        model = Function(model) if not isinstance(model, nn.Module) else model
        return export(model.eval(), shape).ops

    def test_a_convolution_keeps_its_stride_padding_dilation_and_groups(self):
        node = self.only_node(nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(1, 0),
                                        dilation=(1, 1), groups=2))
        self.assertEqual(node["op"], "conv2d")
        self.assertEqual(node["attributes"], {"stride": [2, 1], "padding": [1, 0, 1, 0],
                                              "dilation": [1, 1], "groups": 2})

    def test_a_transposed_convolution_keeps_all_that_it_is_asked_for(self):
        layer = nn.ConvTranspose2d(4, 6, (3, 4), stride=(2, 3), padding=(1, 0),
                                   output_padding=(1, 2), dilation=(1, 2), groups=2)
        exported = export(layer.eval(), (1, 4, 8, 6))
        (node,) = exported.description["nodes"]
        self.assertEqual(node["op"], "conv_transpose2d")
        self.assertEqual(node["attributes"],
                         {"stride": [2, 3], "padding": [1, 0, 1, 0],
                          "output_padding": [1, 2], "dilation": [1, 2], "groups": 2})
        self.assertEqual(node["inputs"][1:], ["weight", "bias"])
        self.assertTrue(torch.equal(exported.tensors["weight"], layer.weight))
        weight = layer.weight.detach()
        with_function = self.only_node(lambda x: F.conv_transpose2d(x, weight, stride=2))
        self.assertEqual((with_function["op"], with_function["attributes"]["stride"],
                          len(with_function["inputs"])), ("conv_transpose2d", [2, 2], 2))

    def test_norms_that_are_written_out_as_the_error_says(self):
        def written_out(x, dims):
            x = x - x.mean(dims, keepdim=True)
            return x / torch.sqrt((x * x).mean(dims, keepdim=True) + 1e-5)
        weight, bias = torch.randn(6), torch.randn(6)
        by_group = torch.randn(4, 1, 1), torch.randn(4, 1, 1)
        cases = {
            "layer": (lambda x: written_out(x, -1) * weight + bias,
                      lambda x: F.layer_norm(x, (6,), weight, bias)),
            "instance": (lambda x: written_out(x, (2, 3)), F.instance_norm),
            "batch": (lambda x: written_out(x, (0, 2, 3)),
                      lambda x: F.batch_norm(x, None, None, training=True)),
            "group": (lambda x: written_out(x.reshape(1, 2, 96), -1).reshape(1, 4, 8, 6)
                      * by_group[0] + by_group[1],
                      lambda x: F.group_norm(x, 2, by_group[0].flatten(), by_group[1].flatten())),
        }
        x = torch.randn(1, 4, 8, 6)
        for name, (written, function) in cases.items():
            with self.subTest(name):
                torch.testing.assert_close(written(x), function(x))
                self.assertEqual(self.ops(written).count("mean"), 2)

    def test_the_size_that_a_transposed_convolution_is_called_with_becomes_its_output_padding(self):
        class Sized(nn.Module):
            def __init__(self):
                super().__init__()
                self.up = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1)

            def forward(self, x):
                return self.up(x, output_size=[16, 12])
        self.assertEqual(self.only_node(Sized())["attributes"]["output_padding"], [1, 1])

    def test_a_transposed_convolution_whose_weight_is_computed_is_refused(self):
        self.refused(Function(lambda x: F.conv_transpose2d(x, x)).eval(),
                     "the transposed convolution's weight", shape=(1, 1, 3, 3))

    def test_same_padding_becomes_numbers_with_the_odd_pixel_at_the_end(self):
        node = self.only_node(nn.Conv2d(4, 4, (2, 5), padding="same", dilation=(3, 1)))
        self.assertEqual(node["attributes"]["padding"], [1, 2, 2, 2])

    def test_valid_padding_is_none(self):
        self.assertEqual(
            self.only_node(nn.Conv2d(4, 4, 3, padding="valid"))["attributes"]["padding"], [0] * 4)

    def test_a_functional_convolution_with_its_own_parameters_keeps_their_names(self):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.kernel = nn.Parameter(torch.randn(2, 4, 1, 1))

            def forward(self, x):
                return F.conv2d(x, self.kernel)
        node = self.only_node(Own())
        self.assertEqual(node["inputs"][1:], ["kernel"])

    def test_a_weight_that_is_computed_from_parameters_is_a_constant(self):
        class Normed(nn.Module):
            def __init__(self):
                super().__init__()
                self.kernel = nn.Parameter(torch.randn(2, 4, 1, 1))

            def forward(self, x):
                return F.conv2d(x, self.kernel / self.kernel.norm())
        exported = export(Normed().eval(), (1, 4, 3, 3))
        self.assertEqual(exported.ops, ["conv2d"])
        (weight,) = exported.tensors.values()
        self.assertAlmostEqual(float(weight.norm()), 1.0, places=5)

    def test_activations_have_operators_of_their_own(self):
        for module, op in ((nn.ReLU(), "relu"), (nn.ReLU6(), "relu6"), (nn.Sigmoid(), "sigmoid"),
                           (nn.Tanh(), "tanh"), (nn.Hardsigmoid(), "hard_sigmoid"),
                           (nn.Hardswish(), "hard_swish"), (nn.SiLU(), "silu"), (nn.GELU(), "gelu"),
                           (torch.exp, "exp"), (torch.abs, "abs"),
                           (torch.neg, "neg"), (lambda x: -x, "neg"), (nn.Softsign(), "softsign"),
                           (nn.GELU("tanh"), "gelu_tanh"), (nn.Softplus(), "softplus"),
                           (nn.Mish(), "mish"), (torch.erf, "erf"),
                           (F.softsign, "softsign"), (F.relu, "relu"), (torch.relu, "relu"),
                           (lambda x: x.relu(), "relu"), (lambda x: x.sigmoid(), "sigmoid"),
                           (lambda x: x.clone().relu_(), "relu"), (F.silu, "silu"),
                           (F.hardtanh, "clip"), (lambda x: F.hardtanh(x, 0, 6), "relu6"),
                           (nn.ReLU(inplace=True), "relu")):
            with self.subTest(op):
                self.assertEqual(self.only_node(module)["op"], op)

    def test_bounds_and_slopes_are_attributes(self):
        self.assertEqual(self.only_node(nn.Hardtanh(-2, 3))["attributes"],
                         {"min": -2.0, "max": 3.0})
        self.assertEqual(self.only_node(lambda x: x.clamp(min=0.5))["attributes"], {"min": 0.5})
        self.assertEqual(self.only_node(lambda x: x.clamp(max=0.5))["attributes"], {"max": 0.5})
        self.assertEqual(self.only_node(nn.LeakyReLU(0.25))["attributes"], {"alpha": 0.25})
        self.assertEqual(self.only_node(nn.ELU(0.5))["attributes"], {"alpha": 0.5})

    def test_prelu_carries_its_slopes(self):
        node = self.only_node(nn.PReLU(4))
        self.assertEqual((node["op"], len(node["inputs"])), ("prelu", 2))

    def test_log_softmax_is_softmax_then_log(self):
        self.assertEqual(self.ops(nn.LogSoftmax(1)), ["softmax", "log"])

    def test_arithmetic_takes_tensors_and_numbers_in_either_place(self):
        for function, ops in (
                (lambda x: x + x, ["add"]), (lambda x: 2 + x, ["add"]), (lambda x: 1 - x, ["sub"]),
                (lambda x: x - 1, ["sub"]), (lambda x: 3 * x, ["mul"]), (lambda x: x / 2, ["div"]),
                (lambda x: 1 / (x.abs() + 1), ["abs", "add", "div"]), (lambda x: x ** 2, ["mul"]),
                (lambda x: torch.add(x, x, alpha=2), ["mul", "add"]), (torch.square, ["mul"]),
                (lambda x: x.abs() ** 0.5, ["abs", "sqrt"]), (lambda x: x.sub(x), ["sub"]),
                (lambda x: torch.rsqrt(x.abs() + 1), ["abs", "add", "sqrt", "div"])):
            with self.subTest(ops):
                self.assertEqual(self.ops(function), ops)

    def test_a_number_is_a_parameter_without_axes(self):
        exported = export(Function(lambda x: x * 2.5).eval())
        (value,) = exported.tensors.values()
        self.assertEqual((list(value.shape), float(value)), ([], 2.5))

    def test_pooling_keeps_its_windows(self):
        node = self.only_node(nn.MaxPool2d((3, 2), (2, 1), (1, 0), ceil_mode=True))
        self.assertEqual(node["attributes"],
                         {"kernel": [3, 2], "stride": [2, 1], "padding": [1, 0, 1, 0],
                          "dilation": [1, 1], "ceil_mode": True})
        node = self.only_node(nn.AvgPool2d(3, 2, 1, count_include_pad=False))
        self.assertEqual(node["attributes"],
                         {"kernel": [3, 3], "stride": [2, 2], "padding": [1] * 4,
                          "ceil_mode": False, "count_include_pad": False})

    def test_pooling_to_one_pixel_is_a_mean(self):
        node = self.only_node(nn.AdaptiveAvgPool2d(1))
        self.assertEqual((node["op"], node["attributes"]),
                         ("mean", {"axes": [2, 3], "keepdims": True}))

    def test_adaptive_pooling_with_equal_windows_is_pooling(self):
        node = self.only_node(nn.AdaptiveAvgPool2d((4, 3)))
        self.assertEqual((node["op"], node["attributes"]["kernel"]), ("avg_pool2d", [2, 2]))
        node = self.only_node(nn.AdaptiveMaxPool2d((None, 3)))
        self.assertEqual((node["op"], node["attributes"]["kernel"]), ("max_pool2d", [1, 2]))

    def test_a_mean_says_its_axes(self):
        self.assertEqual(self.only_node(lambda x: x.mean((-1, -2)))["attributes"],
                         {"axes": [-1, -2], "keepdims": False})
        self.assertEqual(self.only_node(lambda x: x.mean(1, keepdim=True))["attributes"],
                         {"axes": [1], "keepdims": True})

    def test_a_sum_is_a_mean_times_the_count(self):
        self.assertEqual(self.ops(lambda x: x.sum(1)), ["mean", "mul"])

    def test_an_index_of_the_largest_value_is_an_integer(self):
        for function in (lambda x: x.argmax(1), lambda x: torch.max(x, 1)[1],
                         lambda x: x.max(dim=1).indices):
            exported = export(Function(function).eval())
            self.assertEqual(exported.ops, ["argmax"])
            self.assertEqual(exported.activations[exported.outputs[0]],
                             {"shape": [1, 8, 8], "type": "s32"})

    def test_top_k_is_one_node_with_two_results(self):
        def both(x):
            values, indices = torch.topk(x, 2, dim=1)
            return values + 1, indices
        exported = export(Function(both).eval(), (1, 4, 8, 6))
        self.assertEqual(exported.ops, ["top_k", "add"])
        node = exported.description["nodes"][0]
        self.assertEqual(node["outputs"], ["topk.values", "topk.indices"])
        self.assertEqual(node["attributes"], {"axis": 1, "k": 2, "largest": True})
        self.assertEqual(exported.activations["topk.values"], {"shape": [1, 2, 8, 6]})
        self.assertEqual(exported.activations["topk.indices"],
                         {"shape": [1, 2, 8, 6], "type": "s32"})
        self.assertEqual(exported.outputs[1], "topk.indices")
        cases = {"values": lambda x: x.topk(3, -1, largest=False).values,
                 "indices": lambda x: x.topk(3, -1, False)[1]}
        for result, function in cases.items():
            exported = export(Function(function).eval(), (1, 4, 8, 6))
            self.assertEqual(exported.ops, ["top_k"])
            self.assertEqual(exported.description["nodes"][0]["attributes"],
                             {"axis": -1, "k": 3, "largest": False})
            self.assertEqual(exported.outputs, [f"topk.{result}"])

        self.assertEqual(export(Function(lambda x: x.topk(2)).eval(), (1, 4, 8, 6)).outputs,
                         ["topk.values", "topk.indices"])

        def twice(x):
            return torch.topk(x, 2)[0] + torch.topk(x, 2)[0] * torch.topk(-x, 2).values
        self.assertEqual(self.ops(twice), ["top_k", "top_k", "neg", "top_k", "mul", "add"])

    def test_concat_and_stack(self):
        self.assertEqual(self.only_node(lambda x: torch.cat([x, x], dim=-1))["attributes"],
                         {"axis": -1})
        self.assertEqual(self.ops(lambda x: torch.stack([x, x], 1)),
                         ["reshape", "reshape", "concat"])

    def test_slices_are_one_node_an_axis(self):
        exported = export(Function(lambda x: x[:, 1:-1, ::2]).eval(), (1, 4, 8, 6))
        self.assertEqual([n["attributes"] for n in exported.description["nodes"]],
                         [{"axis": 1, "start": 1, "end": 3, "step": 1},
                          {"axis": 2, "start": 0, "end": 8, "step": 2}])
        self.assertEqual(self.ops(lambda x: x[:, 0]), ["slice", "reshape"])
        self.assertEqual(self.ops(lambda x: x[..., None]), ["reshape"])
        self.assertEqual(self.ops(lambda x: x[..., -1]), ["slice", "reshape"])
        self.assertEqual(self.ops(lambda x: x.narrow(1, 1, 2)), ["slice"])
        self.assertEqual(self.ops(lambda x: x.select(2, -1)), ["slice", "reshape"])

    def test_chunk_and_split_are_slices(self):
        def halves(x):
            a, b = x.chunk(2, 1)
            return a * b
        self.assertEqual(self.ops(halves), ["slice", "slice", "mul"])
        self.assertEqual(self.ops(lambda x: torch.cat(torch.split(x, [1, 3], dim=1)[::-1], 1)),
                         ["slice", "slice", "concat"])
        self.assertEqual(self.ops(lambda x: x.unbind(1)[2]), ["slice", "reshape"])

    def test_reshaping_has_every_extent(self):
        for function, shape in ((lambda x: x.view(x.size(0), -1), [1, 192]),
                                (lambda x: x.flatten(2), [1, 4, 48]),
                                (lambda x: x.reshape(1, 2, 2, -1), [1, 2, 2, 48]),
                                (nn.Flatten(), [1, 192]),
                                (lambda x: x.unsqueeze(2), [1, 4, 1, 8, 6]),
                                (lambda x: x.view(*x.shape[:2], -1), [1, 4, 48]),
                                (nn.Unflatten(1, (2, 2)), [1, 2, 2, 8, 6])):
            node = self.only_node(function)
            self.assertEqual((node["op"], node["attributes"]["shape"]), ("reshape", shape))

    def test_transposing_has_the_whole_permutation(self):
        for function, order in ((lambda x: x.permute(0, 2, 3, 1), [0, 2, 3, 1]),
                                (lambda x: x.transpose(1, -1), [0, 3, 2, 1]),
                                (lambda x: x.movedim(1, -1), [0, 2, 3, 1])):
            self.assertEqual(self.only_node(function)["attributes"], {"permutation": order})

    def test_padding_has_a_pair_an_axis(self):
        node = self.only_node(lambda x: F.pad(x, (1, 2, 3, 4), value=0.5))
        self.assertEqual(node["attributes"],
                         {"pads": [[0, 0], [0, 0], [3, 4], [1, 2]], "value": 0.5})
        self.assertEqual(self.only_node(nn.ZeroPad2d(1))["op"], "pad")

    def test_resizing_has_the_size_in_pixels(self):
        node = self.only_node(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
        self.assertEqual(node["attributes"],
                         {"size": [16, 12], "mode": "bilinear", "align_corners": True})
        node = self.only_node(lambda x: F.interpolate(x, size=x.shape[2] * 3))
        self.assertEqual(node["attributes"]["size"], [24, 24])

    def test_shuffles_are_reshape_transpose_reshape(self):
        self.assertEqual(self.ops(nn.PixelShuffle(2)), ["reshape", "transpose", "reshape"])
        self.assertEqual(self.ops(nn.ChannelShuffle(2)), ["reshape", "transpose", "reshape"])

    def test_a_linear_layer_works_on_the_last_axis(self):
        node = self.only_node(nn.Linear(6, 3), (1, 4, 6))
        self.assertEqual((node["op"], len(node["inputs"])), ("linear", 3))

    def test_a_batch_norm_without_gamma_and_beta_gets_ones_and_zeros(self):
        exported = export(nn.Sequential(nn.BatchNorm2d(4, affine=False)).eval(), (1, 4, 2, 2))
        self.assertTrue(torch.equal(exported.tensors["0.weight"], torch.ones(4)))
        self.assertTrue(torch.equal(exported.tensors["0.bias"], torch.zeros(4)))

    def test_what_changes_nothing_leaves_no_node(self):
        model = nn.Sequential(nn.Dropout(0.5), nn.Identity(), nn.ReLU(), nn.Dropout2d(0.1))
        self.assertEqual(self.ops(model), ["relu"])
        self.assertEqual(self.ops(lambda x: F.relu(x).contiguous().float().detach().clone()),
                         ["relu"])


class Graphs(ExportTest):

    def test_dead_nodes_are_left_out(self):
        def twice(x):
            unused = torch.sigmoid(x)  # noqa: F841
            return F.relu(x)
        self.assertEqual(export(Function(twice).eval()).ops, ["relu"])

    def test_a_module_that_is_called_twice_gives_two_nodes(self):
        class Shared(nn.Module):
            def __init__(self):
                super().__init__()
                self.act = nn.ReLU()
                self.conv = nn.Conv2d(3, 3, 1)

            def forward(self, x):
                return self.act(self.conv(self.act(self.conv(x))))
        exported = export(Shared().eval())
        self.assertEqual(list(exported.nodes), ["conv", "act", "conv_1", "act_1"])
        self.assertEqual(set(exported.tensors), {"conv.weight", "conv.bias"})

    def test_names_are_the_paths_of_modules_and_of_the_callers_of_functions(self):
        class Inner(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 3, 1)

            def forward(self, x):
                return F.relu(self.conv(x) + x)
        exported = export(nn.Sequential(Inner(), Inner()).eval())
        self.assertEqual(list(exported.nodes),
                         ["0.conv", "0.add", "0.relu", "1.conv", "1.add", "1.relu"])

    def test_activations_and_parameters_have_different_names(self):
        class Clash(nn.Module):
            def __init__(self):
                super().__init__()
                self.add = nn.Parameter(torch.ones(1))
                self.x = nn.Parameter(torch.ones(1))

            def forward(self, x):
                return x + self.add * self.x
        exported = export(Clash().eval())
        self.assertFalse(set(exported.tensors) & set(exported.activations))

    def test_several_inputs_and_outputs_keep_their_order(self):
        class Two(nn.Module):
            def forward(self, left, right, scale=2.0):
                return {"sum": left + right, "pair": (left * scale, [right - left])}
        exported = export(Two().eval(), [(1, 3, 4, 4), (1, 3, 1, 1)])
        self.assertEqual(exported.inputs, ["left", "right"])
        self.assertEqual(exported.outputs, ["add", "mul", "sub"])

    def test_an_output_that_is_an_input_or_another_output_is_a_copy(self):
        exported = export(Function(lambda x: (x, F.relu(x))).eval())
        self.assertEqual(exported.ops, ["relu", "identity"])
        y_twice = export(Function(lambda x: [F.relu(x)] * 2).eval())
        self.assertEqual(y_twice.ops, ["relu", "identity"])
        self.assertEqual(len(set(y_twice.outputs)), 2)

    def test_a_relu_in_place_is_seen_by_whoever_reads_its_input_later(self):
        class InPlace(nn.Module):
            def __init__(self):
                super().__init__()
                self.act = nn.ReLU(inplace=True)

            def forward(self, x):
                y = x * 2
                z = self.act(y)
                return y + z
        exported = export(InPlace().eval())
        self.assertEqual(exported.nodes["add"]["inputs"], ["act", "act"])

    def test_an_addition_in_place_is_seen_too(self):
        def forward(x):
            y = x * 2
            alias = y
            y += x
            return alias * y
        exported = export(Function(forward).eval())
        self.assertEqual(exported.nodes["mul_1"]["inputs"], ["add", "add"])

    def test_python_decisions_about_shapes_are_taken_once(self):
        def forward(x):
            if x.shape[2] % 2 or len(x.shape) != 4:
                x = F.pad(x, (0, 0, 0, 1))
            for _ in range(x.dim() - 3):
                x = F.relu(x)
            n, c, h, w = x.shape
            return x.view(n, c * h, w)
        self.assertEqual(export(Function(forward).eval(), (1, 3, 7, 5)).ops,
                         ["pad", "relu", "reshape"])
        self.assertEqual(export(Function(forward).eval(), (1, 3, 8, 5)).ops, ["relu", "reshape"])

    def test_a_parallel_wrapper_is_taken_off(self):
        model = nn.DataParallel(nn.Sequential(nn.Conv2d(3, 2, 1))).eval()
        self.assertEqual(list(export(model).nodes), ["0"])

    def test_double_and_half_weights_become_float(self):
        for kind in (torch.float64, torch.float16):
            exported = export(nn.Conv2d(3, 2, 1).to(kind).eval())
            self.assertEqual({t.dtype for t in exported.tensors.values()}, {torch.float32})

    def test_the_model_itself_is_left_as_it_was(self):
        model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).double().eval()
        before = {name: t.clone() for name, t in model.state_dict().items()}
        export(model)
        after = model.state_dict()
        self.assertEqual(set(before), set(after))
        self.assertTrue(all(torch.equal(before[name], after[name]) for name in before))


if __name__ == "__main__":
    unittest.main()
