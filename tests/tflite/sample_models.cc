#include "tests/tflite/sample_models.h"

#include "tests/tflite/tflite_maker.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;

const std::vector<int32_t> image = {1, 4, 4, 4};

// Adds an activation in float or in signed bytes.
int32_t add(TfliteMaker& m, const std::string& name, const std::vector<int32_t>& shape,
            bool bytes) {
  return bytes ? m.activation(name, shape, TensorType::INT8, 0.05f, -3) : m.activation(name, shape);
}

// A model of one operator on an image and constants.
std::string one(BuiltinOperator code, const TfliteOptions& options, const std::vector<int32_t>& y,
                bool bytes, const std::vector<std::vector<int32_t>>& integers = {}) {
  TfliteMaker m;
  m.inputs = {add(m, "x", image, bytes)};
  std::vector<int32_t> operands = m.inputs;
  for (const auto& values : integers)
    operands.push_back(m.integers("operand " + std::to_string(operands.size()), values));
  m.outputs = {add(m, "y", y, bytes)};
  return m.node(code, operands, m.outputs, options).file();
}

std::string two(BuiltinOperator code, const TfliteOptions& options, bool bytes) {
  TfliteMaker m;
  m.inputs = {add(m, "a", image, bytes), add(m, "b", {4}, bytes)};
  m.outputs = {add(m, "y", image, bytes)};
  return m.node(code, m.inputs, m.outputs, options).file();
}

std::string layer(BuiltinOperator code, const TfliteOptions& options, const std::vector<int32_t>& w,
                  const std::vector<int32_t>& y, bool bytes, int32_t channels_axis) {
  TfliteMaker m;
  m.inputs = {add(m, "x", image, bytes)};
  const auto channels = static_cast<std::size_t>(y.back());
  std::size_t weights = 1;
  for (const int32_t extent : w) weights *= static_cast<std::size_t>(extent);
  std::vector<int32_t> operands = {0};
  if (bytes) {
    const TfliteScale scale = {std::vector<float>(channels, 0.01f),
                               std::vector<int64_t>(channels, 0), channels_axis};
    operands.push_back(m.bytes("w", w, TensorType::INT8, std::vector<int32_t>(weights, 7), scale));
    operands.push_back(m.biases("b", std::vector<int32_t>(channels, 99)));
  } else {
    operands.push_back(m.floats("w", w, std::vector<float>(weights, 0.5f)));
    operands.push_back(m.floats("b", {y.back()}, std::vector<float>(channels, 1.0f)));
  }
  if (code == BuiltinOperator::TRANSPOSE_CONV)
    operands = {m.integers("shape", y), operands[1], 0, operands[2]};
  m.outputs = {add(m, "y", y, bytes)};
  return m.node(code, operands, m.outputs, options).file();
}

void add_layers(std::vector<std::string>& files, bool bytes) {
  files.push_back(layer(BuiltinOperator::CONV_2D,
                        options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, Padding::SAME,
                                                       2, 2, Activation::RELU6, 1, 1),
                        {3, 3, 3, 4}, {1, 2, 2, 3}, bytes, 0));
  files.push_back(layer(
      BuiltinOperator::DEPTHWISE_CONV_2D,
      options<tflite::DepthwiseConv2DOptions>(tflite::CreateDepthwiseConv2DOptions, Padding::VALID,
                                              1, 1, 1, Activation::NONE, 1, 1),
      {1, 3, 3, 4}, {1, 2, 2, 4}, bytes, 3));
  files.push_back(layer(
      BuiltinOperator::FULLY_CONNECTED,
      options<tflite::FullyConnectedOptions>(tflite::CreateFullyConnectedOptions, Activation::RELU,
                                             tflite::WeightsFormat::DEFAULT, false),
      {5, 64}, {1, 5}, bytes, 0));
  files.push_back(
      layer(BuiltinOperator::TRANSPOSE_CONV,
            options<tflite::TransposeConvOptions>(tflite::CreateTransposeConvOptions, Padding::SAME,
                                                  2, 2, Activation::NONE),
            {2, 3, 3, 4}, {1, 8, 8, 2}, bytes, 0));
}

void add_elements(std::vector<std::string>& files, bool bytes) {
  for (const auto code :
       {BuiltinOperator::RELU6, BuiltinOperator::LOGISTIC, BuiltinOperator::TANH,
        BuiltinOperator::HARD_SWISH, BuiltinOperator::ELU, BuiltinOperator::DEQUANTIZE})
    files.push_back(one(code, {}, image, bytes));
  files.push_back(one(BuiltinOperator::LEAKY_RELU,
                      options<tflite::LeakyReluOptions>(tflite::CreateLeakyReluOptions, 0.1f),
                      image, bytes));
  files.push_back(two(BuiltinOperator::ADD,
                      options<tflite::AddOptions>(tflite::CreateAddOptions, Activation::RELU),
                      bytes));
  files.push_back(two(BuiltinOperator::SUB,
                      options<tflite::SubOptions>(tflite::CreateSubOptions, Activation::NONE),
                      bytes));
  files.push_back(two(BuiltinOperator::MUL,
                      options<tflite::MulOptions>(tflite::CreateMulOptions, Activation::NONE),
                      bytes));
  files.push_back(two(BuiltinOperator::PRELU, {}, bytes));
  for (const auto code : {BuiltinOperator::MAX_POOL_2D, BuiltinOperator::AVERAGE_POOL_2D})
    files.push_back(one(code,
                        options<tflite::Pool2DOptions>(tflite::CreatePool2DOptions, Padding::SAME,
                                                       2, 2, 3, 3, Activation::NONE),
                        {1, 2, 2, 4}, bytes));
  files.push_back(one(BuiltinOperator::MEAN,
                      options<tflite::ReducerOptions>(tflite::CreateReducerOptions, false), {1, 4},
                      bytes, {{1, 2}}));
  files.push_back(one(BuiltinOperator::SOFTMAX,
                      options<tflite::SoftmaxOptions>(tflite::CreateSoftmaxOptions, 1.0f), image,
                      bytes));
}

void add_movement(std::vector<std::string>& files, bool bytes) {
  files.push_back(one(BuiltinOperator::RESHAPE, {}, {16, 4}, bytes, {{-1, 4}}));
  files.push_back(one(BuiltinOperator::SQUEEZE, {}, {4, 4, 4}, bytes));
  files.push_back(one(BuiltinOperator::TRANSPOSE, {}, image, bytes, {{0, 2, 3, 1}}));
  files.push_back(one(BuiltinOperator::PAD, {}, {1, 6, 5, 4}, bytes, {{0, 0, 1, 1, 0, 1, 0, 0}}));
  files.push_back(one(BuiltinOperator::MIRROR_PAD,
                      options<tflite::MirrorPadOptions>(tflite::CreateMirrorPadOptions,
                                                        tflite::MirrorPadMode::REFLECT),
                      {1, 6, 5, 4}, bytes, {{0, 0, 1, 1, 0, 1, 0, 0}}));
  files.push_back(
      one(BuiltinOperator::SLICE, {}, {1, 2, 4, 1}, bytes, {{0, 1, 0, 2}, {1, 2, -1, 1}}));
  files.push_back(one(
      BuiltinOperator::STRIDED_SLICE,
      options<tflite::StridedSliceOptions>(tflite::CreateStridedSliceOptions, 1, 0, 0, 0, 0, false),
      {1, 2, 4, 4}, bytes, {{0, 0}, {1, 4}, {1, 2}}));
  files.push_back(one(BuiltinOperator::DEPTH_TO_SPACE,
                      options<tflite::DepthToSpaceOptions>(tflite::CreateDepthToSpaceOptions, 2),
                      {1, 8, 8, 1}, bytes));
  files.push_back(one(BuiltinOperator::SPACE_TO_DEPTH,
                      options<tflite::SpaceToDepthOptions>(tflite::CreateSpaceToDepthOptions, 2),
                      {1, 2, 2, 16}, bytes));
  files.push_back(
      one(BuiltinOperator::RESIZE_BILINEAR,
          options<tflite::ResizeBilinearOptions>(tflite::CreateResizeBilinearOptions, false, true),
          {1, 7, 5, 4}, bytes, {{7, 5}}));
  files.push_back(one(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR,
                      options<tflite::ResizeNearestNeighborOptions>(
                          tflite::CreateResizeNearestNeighborOptions, true, false),
                      {1, 7, 5, 4}, bytes, {{7, 5}}));
  TfliteMaker split;
  split.inputs = {add(split, "x", image, bytes)};
  const int32_t axis = split.integers("axis", {3});
  split.outputs = {add(split, "a", {1, 4, 4, 2}, bytes), add(split, "b", {1, 4, 4, 2}, bytes)};
  split.node(BuiltinOperator::SPLIT, {axis, 0}, split.outputs,
             options<tflite::SplitOptions>(tflite::CreateSplitOptions, 2));
  files.push_back(split.file());
  TfliteMaker join;
  join.inputs = {add(join, "x", image, bytes)};
  join.outputs = {add(join, "y", {1, 4, 8, 4}, bytes)};
  join.node(BuiltinOperator::CONCATENATION, {0, 0}, join.outputs,
            options<tflite::ConcatenationOptions>(tflite::CreateConcatenationOptions, 2,
                                                  Activation::RELU));
  files.push_back(join.file());
}

// A model with borders and indices.
std::string classifier() {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 8})};
  const int32_t q = add(m, "q", {1, 8}, true);
  const int32_t u8 = m.activation("u8", {1, 8}, TensorType::UINT8, 0.1f, 3);
  const int32_t axis = m.integers("axis", {1});
  m.outputs = {m.tensor({.name = "class", .shape = {1}, .type = TensorType::INT32})};
  m.node(BuiltinOperator::QUANTIZE, {0}, {q}).node(BuiltinOperator::QUANTIZE, {q}, {u8});
  return m.node(BuiltinOperator::ARG_MAX, {u8, axis}, m.outputs).file();
}

// The places of the largest values, arithmetic on them, and the values at the results.
std::string picker(TensorType whole, bool bytes) {
  TfliteMaker m;
  m.inputs = {add(m, "x", image, bytes)};
  const auto numbers = [&](const std::string& name, const std::vector<int32_t>& shape) {
    return m.tensor({.name = name, .shape = shape, .type = whole});
  };
  const int32_t rows = add(m, "rows", {16, 4}, bytes);
  m.node(BuiltinOperator::RESHAPE, {0, m.integers("shape", {16, 4})}, {rows});
  const int32_t n = numbers("n", {4});
  m.node(BuiltinOperator::ARG_MAX, {rows, m.integers("axis", {0})}, {n});
  const int32_t width = m.whole_numbers("width", {}, whole, {4});
  const int32_t row = numbers("row", {4});
  const int32_t before = numbers("before", {4});
  const int32_t column = numbers("column", {4});
  m.node(BuiltinOperator::FLOOR_DIV, {n, width}, {row});
  m.node(BuiltinOperator::MUL, {row, width}, {before},
         options<tflite::MulOptions>(tflite::CreateMulOptions, Activation::NONE));
  m.node(BuiltinOperator::SUB, {n, before}, {column},
         options<tflite::SubOptions>(tflite::CreateSubOptions, Activation::NONE));
  const int32_t other = numbers("other", {4});
  const int32_t rest = numbers("rest", {4});
  m.node(BuiltinOperator::DIV, {n, width}, {other},
         options<tflite::DivOptions>(tflite::CreateDivOptions, Activation::NONE));
  m.node(BuiltinOperator::FLOOR_MOD, {other, width}, {rest});
  const int32_t places = numbers("places", {4, 3});
  m.node(BuiltinOperator::PACK, {m.whole_numbers("first", {4}, whole, {0, 0, 0, 0}), row, column},
         {places}, options<tflite::PackOptions>(tflite::CreatePackOptions, 3, 1));
  const int32_t picked = add(m, "picked", {4, 4}, bytes);
  const int32_t along = add(m, "along", {1, 4, 4, 4}, bytes);
  const int32_t real = m.activation("real", {4});
  m.node(BuiltinOperator::GATHER_ND, {0, places}, {picked});
  m.node(BuiltinOperator::GATHER, {0, rest}, {along},
         options<tflite::GatherOptions>(tflite::CreateGatherOptions, 2, 0));
  m.node(BuiltinOperator::CAST, {rest}, {real});
  std::vector<int32_t> parts;
  for (int32_t i = 0; i < 4; ++i) parts.push_back(add(m, "part" + std::to_string(i), {4}, bytes));
  m.node(BuiltinOperator::UNPACK, {picked}, parts,
         options<tflite::UnpackOptions>(tflite::CreateUnpackOptions, 4, 1));
  m.outputs = {parts[0], parts[3], along, real, places};
  return m.file();
}

}  // namespace

std::vector<std::string> sample_tflite_models() {
  std::vector<std::string> files = {classifier()};
  for (const TensorType whole : {TensorType::INT32, TensorType::INT64}) {
    for (const bool bytes : {false, true}) files.push_back(picker(whole, bytes));
  }
  for (const bool bytes : {false, true}) {
    add_layers(files, bytes);
    add_elements(files, bytes);
    add_movement(files, bytes);
  }
  return files;
}

}  // namespace octet::test
