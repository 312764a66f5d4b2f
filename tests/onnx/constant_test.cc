// Tensors in every encoding of onnx.proto, and the rules of slices.
#include "loaders/onnx/constant.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "loaders/load_error.h"
#include "loaders/slice_range.h"
#include "tests/kernels/random.h"

namespace octet::test {
namespace {

using loaders::LoadError;
using loaders::onnx::Constant;
using loaders::onnx::DataType;
using loaders::onnx::decode_tensor;

template <class T>
std::string raw_values(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
Constant decode_raw(DataType type, const std::vector<T>& values) {
  const std::string raw = raw_values(values);
  return decode_tensor(
      {.name = "t", .dims = {static_cast<int64_t>(values.size())}, .type = type, .raw = raw});
}

}  // namespace

TEST_CASE("ONNX constants: raw values of every type") {
  using Integers = std::vector<int64_t>;
  using Floats = std::vector<float>;
  CHECK(decode_raw<float>(DataType::float32, {1.5f, -2}).floats == Floats{1.5f, -2});
  CHECK(decode_raw<double>(DataType::float64, {1.5, -2}).floats == Floats{1.5f, -2});
  // As float16: 1, -2, the smallest subnormal, infinity.
  CHECK(decode_raw<uint16_t>(DataType::float16, {0x3C00, 0xC000, 0x0001, 0x7C00}).floats ==
        Floats{1, -2, 1.0f / 16777216, std::numeric_limits<float>::infinity()});
  CHECK(decode_raw<uint16_t>(DataType::bfloat16, {0x3FC0, 0xC000}).floats == Floats{1.5f, -2});
  CHECK(decode_raw<uint8_t>(DataType::uint8, {0, 255}).integers == Integers{0, 255});
  CHECK(decode_raw<int8_t>(DataType::int8, {-128, 127}).integers == Integers{-128, 127});
  CHECK(decode_raw<uint8_t>(DataType::boolean, {0, 1}).integers == Integers{0, 1});
  CHECK(decode_raw<uint16_t>(DataType::uint16, {65535}).integers == Integers{65535});
  CHECK(decode_raw<int16_t>(DataType::int16, {-32768}).integers == Integers{-32768});
  CHECK(decode_raw<int32_t>(DataType::int32, {-7}).integers == Integers{-7});
  CHECK(decode_raw<uint32_t>(DataType::uint32, {4294967295U}).integers == Integers{4294967295});
  CHECK(decode_raw<int64_t>(DataType::int64, {std::numeric_limits<int64_t>::min()}).integers ==
        Integers{std::numeric_limits<int64_t>::min()});
}

TEST_CASE("ONNX constants: values in typed fields") {
  CHECK(decode_tensor({.dims = {2}, .type = DataType::float32, .floats = {1, 2}}).floats ==
        std::vector<float>{1, 2});
  CHECK(decode_tensor({.dims = {1}, .type = DataType::float64, .doubles = {0.5}}).floats ==
        std::vector<float>{0.5f});
  // The int32_data of half floats has their bits.
  CHECK(decode_tensor({.dims = {1}, .type = DataType::float16, .integers = {0x3E00}}).floats ==
        std::vector<float>{1.5f});
  CHECK(decode_tensor({.dims = {1}, .type = DataType::bfloat16, .integers = {0xC000}}).floats ==
        std::vector<float>{-2});
  CHECK(decode_tensor({.dims = {2}, .type = DataType::int8, .integers = {-3, 4}}).integers ==
        std::vector<int64_t>{-3, 4});
}

TEST_CASE("ONNX constants: scalars and empty tensors") {
  CHECK(decode_tensor({.type = DataType::float32, .floats = {7}}).size() == 1);
  CHECK(decode_tensor({.dims = {0}, .type = DataType::float32}).size() == 0);
  CHECK(decode_tensor({.dims = {3, 0}, .type = DataType::int64}).size() == 0);
}

TEST_CASE("ONNX constants: what is no tensor is refused") {
  CHECK_THROWS_AS(decode_tensor({.dims = {2}, .type = DataType::float32, .floats = {1}}),
                  LoadError);
  CHECK_THROWS_AS(decode_tensor({.dims = {1}, .type = DataType::float32, .raw = "abc"}), LoadError);
  CHECK_THROWS_AS(decode_tensor({.dims = {-1}, .type = DataType::float32, .floats = {1}}),
                  LoadError);
  CHECK_THROWS_AS(decode_tensor({.dims = {1}, .type = DataType::text, .integers = {1}}), LoadError);
  CHECK_THROWS_AS(decode_tensor({.dims = {1}, .type = static_cast<DataType>(99)}), LoadError);
  CHECK_THROWS_AS(
      decode_tensor({.dims = {1}, .type = DataType::float32, .raw = "abcd", .floats = {1}}),
      LoadError);
}

TEST_CASE("ONNX slices: the positions that Python's rule gives") {
  Random random(1);
  INFO("seed " << random.seed);
  const auto far = [&](int32_t given) -> int64_t {
    if (given == 9) return std::numeric_limits<int64_t>::max();
    if (given == -9) return std::numeric_limits<int64_t>::min();
    return given;
  };
  for (int i = 0; i < 5000; ++i) {
    const int64_t extent = random.integer(0, 6);
    const int64_t start = far(random.integer(-9, 9));
    const int64_t end = far(random.integer(-9, 9));
    const int64_t stride =
        random.pick<int64_t>({-7, -2, -1, 1, 2, 3, std::numeric_limits<int64_t>::max(),
                              std::numeric_limits<int64_t>::min()});
    // Walks from the first position on, until the end or until a position lies outside.
    const auto clipped = [&](int64_t given, int64_t least, int64_t most) {
      if (given < 0) given += extent;
      return given < least ? least : given > most ? most : given;
    };
    std::vector<int64_t> expected;
    if (stride > 0) {
      for (int64_t at = clipped(start, 0, extent); at < clipped(end, 0, extent); at += stride) {
        expected.push_back(at);
        if (stride > extent) break;
      }
    } else if (extent > 0) {
      for (int64_t at = clipped(start, 0, extent - 1); at > clipped(end, -1, extent - 1);
           at += stride) {
        expected.push_back(at);
        if (stride < -extent) break;
      }
    }
    const auto range = loaders::slice_range(start, end, stride, extent);
    std::vector<int64_t> got;
    for (int64_t n = 0; n < range.count; ++n) got.push_back(range.begin + n * range.stride);
    INFO("extent " << extent << ", " << start << ":" << end << ":" << stride);
    CHECK(got == expected);
  }
}

}  // namespace octet::test
