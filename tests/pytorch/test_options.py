"""preprocess, labels and task: what is written, and what is refused."""
import unittest

import torch
from torch import nn

from support import ExportTest, export

PREPROCESS = {"size": [8, 6], "resize": "crop", "channels": "rgb", "mean": [1, 2.5, 3],
              "std": [2, 2, 2]}
DETECT = {"type": "detect", "boxes": 0, "scores": 1, "min_sizes": [[4, 6], [8]], "steps": [2, 4],
          "variances": [0.1, 0.2], "score_threshold": 0.3, "nms_iou": 0.5}


class Detector(nn.Module):
    """[1, 3, 8, 6] -> boxes [1, 28, 4], scores [1, 28, 2], landmarks [1, 28, 10].

    28 priors are 4 x 3 cells of two sizes and 2 x 2 cells of one.
    """

    def forward(self, x):
        rows = torch.cat([x.flatten(1)] * 4, 1)
        return tuple(rows[:, :28 * k].view(1, 28, k) for k in (4, 2, 10))


class Preprocess(ExportTest):

    def refused_preprocess(self, *words, **changes):
        preprocess = {k: v for k, v in {**PREPROCESS, **changes}.items() if v is not None}
        self.refused(nn.ReLU().eval(), "preprocess", *words, shape=(1, 3, 8, 6),
                     preprocess=preprocess)

    def test_it_is_written_as_it_was_given(self):
        exported = export(nn.ReLU().eval(), (1, 3, 8, 6), preprocess=PREPROCESS)
        self.assertEqual(exported.description["preprocess"], PREPROCESS)

    def test_gray_has_one_channel(self):
        gray = {**PREPROCESS, "channels": "gray", "mean": [127], "std": [128.0]}
        self.assertEqual(
            export(nn.ReLU().eval(), (1, 1, 8, 6), preprocess=gray).description["preprocess"], gray)

    def test_unknown_missing_and_wrong_values(self):
        self.refused_preprocess("'sizes'", "'size'", sizes=[8, 6])
        self.refused_preprocess("lacks", "std", std=None)
        self.refused_preprocess("'zoom'", "letterbox", resize="zoom")
        self.refused_preprocess("'rbg'", channels="rbg")
        self.refused_preprocess("mean", "3 numbers", mean=[0, 0])
        self.refused_preprocess("mean", "3 numbers", mean=7)
        self.refused_preprocess("std", "greater than 0", std=[1, 0, 1])
        self.refused_preprocess("std", "greater than 0", std=[1, -1, 1])
        self.refused_preprocess("mean", "finite", mean=[0, float("nan"), 0])
        self.refused_preprocess("size", "whole", size=[8.5, 6])
        self.refused_preprocess("size", "2 numbers", size=[8])
        self.refused_preprocess("(1, 3, 6, 8)", size=[6, 8])
        self.refused_preprocess("mean", mean=["a", 1, 2])

    def test_it_must_be_an_object(self):
        self.refused(nn.ReLU().eval(), "must be an object", shape=(1, 3, 8, 6), preprocess=[1])


class Labels(ExportTest):

    def test_they_are_written(self):
        exported = export(nn.Flatten().eval(), (1, 2, 1, 1), labels=["cat", "größe"],
                          task={"type": "classify"})
        self.assertEqual(exported.description["labels"], ["cat", "größe"])
        self.assertEqual(exported.description["task"], {"type": "classify"})

    def test_their_number_must_be_that_of_the_classes(self):
        self.refused(nn.Flatten().eval(), "3 labels", "2 classes", shape=(1, 2, 1, 1),
                     labels=["a", "b", "c"], task={"type": "classify"})
        self.refused(nn.Flatten().eval(), "texts", labels=[1, 2])

    def test_without_a_task_they_make_a_classifier(self):
        exported = export(nn.Flatten().eval(), (1, 2, 1, 1), labels=["cat", "dog"])
        self.assertEqual(exported.description["task"], {"type": "classify"})
        self.refused(nn.Flatten().eval(), "3 labels", "2 classes", shape=(1, 2, 1, 1),
                     labels=["a", "b", "c"])
        self.refused(nn.Conv2d(3, 4, 1).eval(), "(1, 4, 6, 6)", shape=(1, 3, 6, 6),
                     labels=list("abcd"))
        self.assertNotIn("task", export(nn.Flatten().eval(), (1, 2, 1, 1)).description)

    def test_an_index_has_no_number_of_classes(self):
        class Index(nn.Module):
            def __init__(self, keepdim):
                super().__init__()
                self.keepdim = keepdim

            def forward(self, x):
                index = x.flatten(1).argmax(1, self.keepdim)
                return index.flatten() if self.keepdim else index
        for keepdim in (False, True):
            model = Index(keepdim).eval()
            exported = export(model, (1, 5, 1, 1), labels=list("abcde"), task={"type": "classify"})
            self.assertEqual(len(exported.description["labels"]), 5)
            self.assertEqual(exported.activations[exported.outputs[0]]["type"], "s32")

    def test_a_map_of_scores_is_no_classifier(self):
        self.refused(nn.Conv2d(3, 4, 1).eval(), "(1, 4, 6, 6)", "without a task",
                     shape=(1, 3, 6, 6), labels=list("abcd"), task={"type": "classify"})
        self.refused(nn.Conv2d(3, 4, 1).eval(), "(1, 4, 6, 6)", shape=(1, 3, 6, 6),
                     task={"type": "classify"})


class Detection(ExportTest):

    def refused_task(self, *words, **changes):
        task = {k: v for k, v in {**DETECT, **changes}.items() if v is not None}
        self.refused(Detector().eval(), "task", *words, shape=(1, 3, 8, 6), task=task)

    def test_it_is_written_as_it_was_given(self):
        self.assertEqual(export(Detector().eval(), (1, 3, 8, 6), task=DETECT).description["task"],
                         DETECT)
        landmarks = {**DETECT, "landmarks": 2}
        self.assertEqual(
            export(Detector().eval(), (1, 3, 8, 6), task=landmarks).description["task"], landmarks)

    def test_unknown_missing_and_wrong_values(self):
        self.refused_task("'box'", "'boxes'", box=1)
        self.refused_task("lacks", "steps", steps=None)
        self.refused_task("boxes 3", "0 to 2", boxes=3)
        self.refused_task("scores -1", scores=-1)
        self.refused_task("boxes True", boxes=True)
        self.refused_task("min_sizes", "one a step", min_sizes=[[1]])
        self.refused_task("min_sizes", "greater than 0", min_sizes=[[1, 0], [2]])
        self.refused_task("steps", "whole", steps=[2.5, 4])
        self.refused_task("variances", "2 numbers", variances=[0.1])
        self.refused_task("score_threshold", "outside", score_threshold=1.5)
        self.refused_task("nms_iou", nms_iou="high")
        self.refused_task("'segment'", type="segment")

    def test_outputs_must_have_a_row_a_prior(self):
        self.refused_task("scores", "[1, 28, 4]", "28 priors", scores=0)
        self.refused_task("boxes", "[1, 28, 4]", "priors", steps=[2, 2])


if __name__ == "__main__":
    unittest.main()
