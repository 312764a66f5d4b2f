"""What the exporter observes of a float model."""
import os
import tempfile
import unittest
import unittest.mock
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from support import ExportTest, export, octet_export
from golden_models import Function
from octet_export import observers


def observe(kind, *batches):
    """-> (scale, zero point) that an observer chooses for batches of values."""
    observer = observers.OBSERVERS[kind]()
    for batch in batches:
        observer.observe(np.asarray(batch, np.float32))
        observer.end_batch()
    return observer.parameters()


def error(parameters, values):
    """-> the mean squared error of quantizing values."""
    return observers.quantized_error(np.asarray(values, np.float64), *parameters) / len(values)


class Observers(unittest.TestCase):

    def setUp(self):
        random = np.random.default_rng(5)
        gauss = random.normal(0, 1, 50000)
        outliers = gauss.copy()
        outliers[:5] = [60, -40, 55, 30, -35]
        self.distributions = {
            "gauss": gauss, "shifted": gauss + 3, "outliers": outliers,
            "laplace": random.laplace(0, 1, 50000),
            "relu": np.maximum(gauss, 0), "relu6": np.clip(gauss * 4, 0, 6),
            "uniform": random.uniform(-1, 3, 50000),
            "pixels": random.integers(0, 256, 50000) / 255.0, "negative": -np.abs(outliers),
            "tiny": gauss * 1e-6, "large": gauss * 1e6, "log normal": random.lognormal(0, 2, 50000),
        }

    def test_the_histogram_is_at_least_as_good_as_min_max(self):
        for name, values in self.distributions.items():
            with self.subTest(name):
                batches = np.array_split(values, 7)
                histogram, min_max = observe("histogram", *batches), observe("min-max", *batches)
                self.assertLessEqual(error(histogram, values), error(min_max, values) * 1.001)

    def test_the_histogram_is_near_the_best_of_an_exhaustive_search(self):
        for name in ("gauss", "outliers", "laplace", "relu", "relu6", "log normal", "negative"):
            with self.subTest(name):
                values = self.distributions[name][:4000]
                low, high = min(values.min(), 0.0), max(values.max(), 0.0)
                factors = np.geomspace(1.0, 0.02, 40)
                best = min(error(observers.affine_parameters(low * a, high * b), values)
                           for a in (factors if low < 0 else [1.0])
                           for b in (factors if high > 0 else [1.0]))
                self.assertLessEqual(error(observe("histogram", values), values), best * 1.05)

    def test_long_tails_are_clipped(self):
        values = self.distributions["laplace"]
        self.assertLess(observe("histogram", values)[0], observe("min-max", values)[0] * 0.95)

    def test_256_levels_stay_exact(self):
        values = self.distributions["pixels"]
        self.assertLess(error(observe("histogram", values), values), 1e-12)

    def test_the_range_of_the_histogram_grows_without_losing_anything(self):
        observer = observers.HistogramObserver()
        for factor in (1e-3, 1.0, 50.0, 1.0, 2000.0):
            observer.observe(self.distributions["gauss"].astype(np.float32) * np.float32(factor))
        count, total, squares = observer._moments.sum(axis=1)
        self.assertEqual(count, 5 * 50000)
        values = np.concatenate([self.distributions["gauss"] * f
                                 for f in (1e-3, 1.0, 50.0, 1.0, 2000.0)])
        self.assertAlmostEqual(squares / np.sum(values * values), 1.0, places=5)

    def test_the_order_of_batches_hardly_matters(self):
        batches = [self.distributions["gauss"] * f for f in (0.01, 1.0, 10.0)]
        forwards, backwards = (observe("histogram", *batches)[0],
                               observe("histogram", *batches[::-1])[0])
        self.assertAlmostEqual(forwards / backwards, 1.0, delta=0.05)

    def test_zero_is_exactly_representable(self):
        for name, values in self.distributions.items():
            for kind in observers.OBSERVERS:
                with self.subTest(f"{name}, {kind}"):
                    scale, zero_point = observe(kind, values)
                    self.assertIsInstance(zero_point, int)
                    self.assertTrue(0 <= zero_point <= 255)
                    self.assertGreater(scale, 0)
                    self.assertEqual(scale, float(np.float32(scale)))

    def test_constants_have_a_scale(self):
        for kind in observers.OBSERVERS:
            for constant in (0.0, 3.0, -2.0, 1e-30):
                with self.subTest(f"{constant}, {kind}"):
                    scale, zero_point = observe(kind, [constant] * 9, [constant] * 9)
                    self.assertGreater(scale, 0)
                    q = np.clip(np.round(constant / scale) + zero_point, 0, 255)
                    self.assertAlmostEqual(scale * (q - zero_point), constant, places=5)

    def test_two_constants_span_a_range(self):
        scale, zero_point = observe("histogram", [2.0] * 4, [-1.0] * 4, [0.0] * 4)
        self.assertAlmostEqual(scale, 3 / 255, places=4)
        self.assertEqual(zero_point, 85)

    def test_a_moving_average_moves_by_a_hundredth(self):
        scale, _ = observe("moving-average", [0.0, 1.0], [0.0, 2.0])
        self.assertAlmostEqual(scale, 1.01 / 255, places=6)


class Calibration(ExportTest):

    def test_every_activation_and_input_has_a_scale(self):
        model = Function(lambda x: F.softmax(F.relu(x) + 1, 1)).eval()
        exported = export(model, calibration=[torch.randn(2, 3, 8, 8)], observer="min-max")
        self.assertTrue(all(exported.scale(name) for name in exported.activations))

    def test_min_max_is_the_range_over_all_items_of_all_batches(self):
        batches = [torch.tensor([0.0, 3.0, 1.0]).view(3, 1), torch.tensor([-2.0]).view(1, 1)]
        exported = export(Function(F.relu).eval(), (1, 1), calibration=batches, observer="min-max")
        self.assertAlmostEqual(exported.scale("x")[0], 5 / 255, places=7)
        self.assertAlmostEqual(exported.scale("relu")[0], 3 / 255, places=7)

    def test_outputs_and_what_hands_them_on_have_the_whole_range(self):
        class Halving(observers.MinMaxObserver):
            def parameters(self):
                return observers.affine_parameters(self.low / 2, self.high / 2)

        def two_outputs(x):
            inner = torch.abs(x)
            return torch.tanh(inner), (torch.abs(inner) * 2).permute(0, 2, 3, 1)
        batch = torch.full((1, 1, 4, 4), 40.0)
        with unittest.mock.patch.dict(observers.OBSERVERS, {"halving": Halving}):
            exported = export(Function(two_outputs).eval(), (1, 1, 4, 4), calibration=[batch],
                              observer="halving")
        highest = {name: 255 * exported.scale(name)[0] for name in exported.activations}
        for name, expected in (("x", 20), ("abs", 20), ("tanh", 1), ("abs_1", 40), ("mul", 80),
                               ("permute", 80)):
            self.assertAlmostEqual(highest[name], expected, places=4)

    def test_a_model_that_changes_its_input_in_place_does_not_change_the_data(self):
        batch = torch.ones(1, 1)
        exported = export(Function(lambda x: x.mul_(2)).eval(), (1, 1), calibration=[batch],
                          observer="min-max")
        self.assertEqual(float(batch), 1.0)
        self.assertAlmostEqual(exported.scale("x")[0], 1 / 255, places=7)
        self.assertAlmostEqual(exported.scale("mul")[0], 2 / 255, places=7)

    def test_indices_have_no_scale(self):
        exported = export(Function(lambda x: x.argmax(1)).eval(),
                          calibration=[torch.randn(1, 3, 8, 8)])
        self.assertIsNone(exported.scale("argmax"))

    def test_several_inputs_come_as_tuples(self):
        class Two(nn.Module):
            def forward(self, a, b):
                return a + b
        batches = [(torch.full((2, 1), 1.0), torch.full((2, 1), 3.0))]
        exported = export(Two().eval(), [(1, 1), (1, 1)], calibration=batches, observer="min-max")
        self.assertAlmostEqual(exported.scale("add")[0], 4 / 255, places=7)

    def test_the_labels_of_a_data_set_are_left_out(self):
        batches = [[torch.full((2, 1), 2.0), torch.tensor([1, 0])]]
        exported = export(Function(F.relu).eval(), (1, 1), calibration=batches, observer="min-max")
        self.assertAlmostEqual(exported.scale("x")[0], 2 / 255, places=7)

    def test_a_folder_of_images_is_read_through_preprocess(self):
        preprocess = {"size": [4, 4], "resize": "stretch", "channels": "rgb", "mean": [0] * 3,
                      "std": [255] * 3}
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "class"))
            Image.new("RGB", (8, 8), (255, 128, 0)).save(os.path.join(folder, "class", "a.png"))
            exported = export(Function(F.relu).eval(), (1, 3, 4, 4), calibration=folder,
                              preprocess=preprocess)
        self.assertAlmostEqual(exported.scale("x")[0], 1 / 255, places=7)

    def test_values_that_are_not_finite_are_refused_with_the_name_of_the_tensor(self):
        bad = torch.randn(1, 3, 8, 8)
        bad[0, 0, 0, 0] = torch.nan
        self.refused(Function(F.relu).eval(), "'x'", "NaN",
                     calibration=[torch.randn(1, 3, 8, 8), bad])
        self.refused(Function(lambda x: torch.exp(x * 100)).eval(), "'exp'",
                     calibration=[torch.ones(1, 3, 8, 8)])

    def test_without_calibration_there_is_a_warning_and_no_scale(self):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(
                record=True) as caught:
            warnings.simplefilter("always")
            graph = octet_export.export(Function(F.relu).eval(), (1, 3, 4, 4),
                                        os.path.join(folder, "a.safetensors"))
        self.assertIn("without calibration", str(caught[0].message))
        self.assertTrue(all(a.scale is None for a in graph.activations.values()))

    def test_bad_batches_are_refused(self):
        model = Function(F.relu).eval()
        for batches, words in (([torch.randn(1, 3, 9, 8)], ["batch 0", "(1, 3, 9, 8)"]),
                               ([], ["no batches"]),
                               ([torch.randn(1, 3, 8, 8), "text"], ["batch 1"]),
                               ([torch.randn(0, 3, 8, 8)], ["batch 0"])):
            self.refused(model, *words, calibration=batches)
        self.refused(model, "needs preprocess", calibration="/")

    def test_an_unknown_observer_is_refused(self):
        self.refused(Function(F.relu).eval(), "'best'", "histogram", observer="best",
                     calibration=[torch.randn(1, 3, 8, 8)])


if __name__ == "__main__":
    unittest.main()
