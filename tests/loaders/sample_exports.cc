#include "tests/loaders/sample_exports.h"

namespace octet::test {

using nlohmann::json;

SampleExport sample_classifier() {
  SampleExport sample;
  sample.graph = json::parse(R"({
    "format": 1, "producer": "a test", "layout": "nhwc",
    "nodes": [
      {"name": "features.conv", "op": "conv2d", "inputs": ["image", "conv.weight", "conv.bias"],
       "outputs": ["conv"], "attributes": {"stride": [2, 2], "padding": [1, 1, 1, 1]}},
      {"name": "features.relu", "op": "relu", "inputs": ["conv"], "outputs": ["relu"]},
      {"name": "pool", "op": "mean", "inputs": ["relu"], "outputs": ["pooled"],
       "attributes": {"axes": [1, 2]}},
      {"name": "head", "op": "linear", "inputs": ["pooled", "fc.weight", "fc.bias"],
       "outputs": ["scores"]}
    ],
    "tensors": {
      "image": {"shape": [1, 8, 8, 3], "scale": 0.0157, "zero_point": 128},
      "conv": {"shape": [1, 4, 4, 4]},
      "relu": {"shape": [1, 4, 4, 4], "scale": 0.02, "zero_point": 0},
      "pooled": {"shape": [1, 4], "scale": 0.01, "zero_point": 0},
      "scores": {"shape": [1, 5]}
    },
    "inputs": ["image"], "outputs": ["scores"], "keep_float": [],
    "labels": ["a", "b", "c", "d", "e"], "task": {"type": "classify"},
    "preprocess": {"size": [8, 8], "resize": "stretch", "channels": "rgb",
                   "mean": [128, 128, 128], "std": [64, 64, 64]}
  })");
  sample.tensors = {exported("conv.weight", {4, 3, 3, 3}), exported("conv.bias", {4}),
                    exported("fc.weight", {5, 4}), exported("fc.bias", {5})};
  return sample;
}

SampleExport sample_detector() {
  SampleExport sample;
  sample.graph = json::parse(R"({
    "format": 1, "layout": "nhwc", "nodes": [],
    "tensors": {"image": {"shape": [1, 16, 16, 3], "scale": 0.0157, "zero_point": 128},
                "boxes": {"shape": [1, 8, 4]}, "points": {"shape": [1, 8, 4]},
                "logits": {"shape": [1, 8, 2]}, "scores": {"shape": [1, 8, 2]}},
    "inputs": ["image"], "outputs": ["boxes", "scores", "points"],
    "task": {"type": "detect", "boxes": 0, "scores": 1, "landmarks": 2, "min_sizes": [[4, 6]],
             "steps": [8], "variances": [0.1, 0.2], "score_threshold": 0.3, "nms_iou": 0.5},
    "preprocess": {"size": [16, 16], "resize": "letterbox", "channels": "rgb",
                   "mean": [128, 128, 128], "std": [64, 64, 64]}
  })");
  const auto head = [&](const std::string& name, int columns) {
    const std::string raw = name + ".raw";
    sample.graph["tensors"][raw] = {{"shape", {1, 2, 2, 2 * columns}}};
    sample.graph["nodes"].push_back({{"name", name + ".conv"},
                                     {"op", "conv2d"},
                                     {"inputs", {"image", name + ".weight"}},
                                     {"outputs", {raw}},
                                     {"attributes", {{"stride", {8, 8}}}}});
    sample.graph["nodes"].push_back({{"name", name + ".view"},
                                     {"op", "reshape"},
                                     {"inputs", {raw}},
                                     {"outputs", {name}},
                                     {"attributes", {{"shape", {1, 8, columns}}}}});
    sample.tensors.push_back(exported(name + ".weight", {2 * columns, 8, 8, 3}));
  };
  head("boxes", 4);
  head("logits", 2);
  head("points", 4);
  sample.graph["nodes"].push_back({{"name", "softmax"},
                                   {"op", "softmax"},
                                   {"inputs", {"logits"}},
                                   {"outputs", {"scores"}},
                                   {"attributes", {{"axis", -1}}}});
  return sample;
}

SampleExport sample_channels_first() {
  SampleExport sample;
  sample.graph = json::parse(R"({
    "format": 1, "layout": "nchw",
    "nodes": [{"name": "conv", "op": "conv2d", "inputs": ["image", "weight"], "outputs": ["conv"]}],
    "tensors": {"image": {"shape": [1, 2, 3, 4]}, "conv": {"shape": [1, 2, 3, 4]}},
    "inputs": ["image"], "outputs": ["conv"]
  })");
  sample.tensors = {exported("weight", {2, 2, 1, 1})};
  return sample;
}

}  // namespace octet::test
