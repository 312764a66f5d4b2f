// A FlatBuffers file can name one string or vector again and again. octet's own files do not, and
// the memory that a file needs stays near its size.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "engine/format/octet_generated.h"
#include "engine/format_version.h"
#include "octet/octet.hpp"
#include "tests/shared_data.h"

namespace octet::test {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

enum class Place {
  labels,
  fused,
  tensor_names,
  node_names,
  reasons,
  shapes,
  channel_scales,
  channel_zero_points,
  data,
  node_inputs,
  output_names,
  input_names_of_nodes,
  min_sizes,
};

/// A model of `times` absolute values in a row. In this place it names one string or vector of
/// `length` bytes `times` times.
std::vector<std::byte> file_with(Place place, std::size_t length, std::size_t times) {
  FlatBufferBuilder builder;
  const auto long_text = builder.CreateString(std::string(length, 'n'));
  const std::vector<int32_t> shape = {1, 2};
  const auto short_shape = builder.CreateVector(shape);
  const auto make_tensor = [&](Offset<flatbuffers::String> name) {
    return format::CreateTensor(builder, name, format::Type::f32, short_shape);
  };
  const bool names_tensors = place == Place::tensor_names;
  const bool one_long_name = place == Place::output_names || place == Place::input_names_of_nodes;
  std::vector<Offset<format::Tensor>> tensors;
  for (std::size_t i = 0; i <= times; ++i) {
    const bool named_long = names_tensors || (one_long_name && i == 0);
    tensors.push_back(
        make_tensor(named_long ? long_text : builder.CreateString("t" + std::to_string(i))));
  }
  const std::vector<float> scales(length / 4, 0.5F);
  const auto long_scales = builder.CreateVector(scales);
  const std::vector<int32_t> zeros(length / 4, 0);
  const auto long_zeros = builder.CreateVector(zeros);
  const std::vector<uint8_t> bytes(length);
  const auto long_bytes = builder.CreateVector(bytes);
  const std::vector<int32_t> byte_shape = {static_cast<int32_t>(length)};
  const auto long_byte_shape = builder.CreateVector(byte_shape);
  const std::vector<int32_t> ones(length / 4, 1);
  const auto long_shape = builder.CreateVector(ones);
  for (std::size_t i = 0; i < times; ++i) {
    const auto name = builder.CreateString("unused" + std::to_string(i));
    if (place == Place::channel_scales) {
      tensors.push_back(
          format::CreateTensor(builder, name, format::Type::f32, short_shape, 0, 0, long_scales));
    } else if (place == Place::channel_zero_points) {
      tensors.push_back(
          format::CreateTensor(builder, name, format::Type::f32, short_shape, 0, 0, 0, long_zeros));
    } else if (place == Place::data) {
      tensors.push_back(format::CreateTensor(builder, name, format::Type::s8, long_byte_shape, 0, 0,
                                             0, 0, long_bytes));
    } else if (place == Place::shapes) {
      tensors.push_back(format::CreateTensor(builder, name, format::Type::f32, long_shape));
    }
  }

  const std::vector<Offset<flatbuffers::String>> names(length / 4, builder.CreateString("n"));
  const auto long_fused = builder.CreateVector(names);
  const std::vector<int32_t> many_inputs(length / 4, 0);
  const auto long_inputs = builder.CreateVector(many_inputs);
  std::vector<Offset<format::Step>> steps;
  for (std::size_t i = 0; i < times; ++i) {
    const auto from = place == Place::input_names_of_nodes ? 0 : static_cast<int32_t>(i);
    const std::vector<int32_t> one_input = {from};
    const auto name = place == Place::node_names ? long_text : builder.CreateString("abs");
    const auto op = builder.CreateString("abs");
    const auto inputs = place == Place::node_inputs ? long_inputs : builder.CreateVector(one_input);
    const auto reason = place == Place::reasons ? long_text : builder.CreateString("");
    const auto fused = place == Place::fused
                           ? long_fused
                           : Offset<flatbuffers::Vector<Offset<flatbuffers::String>>>();
    const std::vector<Offset<format::Node>> nodes = {format::CreateNode(
        builder, name, op, 0, inputs, static_cast<int32_t>(i + 1), fused, reason)};
    steps.push_back(format::CreateStepDirect(builder, &nodes, true));
  }
  const std::vector<int32_t> inputs = {0};
  const std::vector<int32_t> outputs(place == Place::output_names ? times : 1,
                                     place == Place::output_names ? 0 : 1);
  std::vector<Offset<flatbuffers::String>> labels(place == Place::labels ? times : 1, long_text);
  std::vector<Offset<format::Sizes>> sizes;
  for (std::size_t i = 0; place == Place::min_sizes && i < times; ++i) {
    sizes.push_back(format::CreateSizes(builder, long_scales));
  }
  const auto task =
      format::CreateTaskDirect(builder, format::TaskType::classify, -1, -1, -1, &sizes);
  const auto model = format::CreateModelDirect(builder, format_version, "test", &tensors, &steps,
                                               &inputs, &outputs, &labels, {}, task);
  format::FinishModelBuffer(builder, model);
  const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

TEST_CASE("a file that names one string or vector again and again is refused") {
  constexpr std::size_t length = 100'000;
  for (int i = 0; i <= static_cast<int>(Place::min_sizes); ++i) {
    const auto place = static_cast<Place>(i);
    INFO("place " << i);
    const auto model = Model::from_memory(file_with(place, length, 1000));
    REQUIRE_FALSE(model);
    // The first of these is already wrong, for another reason.
    if (place == Place::shapes || place == Place::node_inputs) continue;
    INFO(model.error().message);
    CHECK(model.error().message.find("damaged") != std::string::npos);
    // One long string or vector is no fault. (The first two places have a tensor that is unused
    // then.)
    if (place == Place::tensor_names) continue;
    const auto once = Model::from_memory(file_with(place, length, 1));
    INFO((once ? "" : once.error().message));
    CHECK(once);
  }
}

TEST_CASE("the reported file whose names share one string asks for no more than its size") {
  const std::string path = shared_data("cases/hostile/shared_names.octet");
  if (path.empty()) return;
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto model = Model::from_memory(std::as_bytes(std::span(bytes)));
  REQUIRE_FALSE(model);
  CHECK(model.error().message.find("damaged") != std::string::npos);
}

}  // namespace
}  // namespace octet::test
