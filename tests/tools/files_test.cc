#include "tools/octet/files.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/loaders/float_export_maker.h"

using namespace octet::test;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("CRC-32 is that of zlib") {
  CHECK(octet::tool::crc32(bytes_of("123456789")) == 0xCBF43926U);
  CHECK(octet::tool::crc32({}) == 0);
  CHECK(octet::tool::crc32(bytes_of("The quick brown fox jumps over the lazy dog")) == 0x414FA339U);
}

TEST_CASE("a .npy file has NumPy's header, at a multiple of 64 bytes, and the values") {
  const TemporaryFolder folder;
  const std::vector<float> values = {1, -2, 3.5f, 4, 5, 6};
  const std::vector<std::pair<octet::Type, std::string>> types = {
      {octet::Type::f32, "<f4"}, {octet::Type::s32, "<i4"}, {octet::Type::u8, "|u1"}};
  for (const auto& [type, text] : types) {
    const octet::TensorInfo info{.name = "y", .type = type, .shape = {2, 3}};
    const std::size_t size = 6 * octet::type_size(type);
    REQUIRE(octet::tool::write_npy(folder.path("y.npy"),
                                   {.info = &info, .data = values.data(), .size = size}));
    const std::string file = contents_of(folder.path("y.npy"));
    CHECK(file.starts_with(std::string("\x93NUMPY\x01\x00", 8)));
    const std::size_t header = static_cast<uint8_t>(file[8]) + 256U * static_cast<uint8_t>(file[9]);
    CHECK((10 + header) % 64 == 0);
    CHECK(file[10 + header - 1] == '\n');
    CHECK(file.find("'descr': '" + text + "'") != std::string::npos);
    CHECK(file.find("'shape': (2, 3, )") != std::string::npos);
    REQUIRE(file.size() == 10 + header + size);
    CHECK(std::memcmp(file.data() + 10 + header, values.data(), size) == 0);
  }
}

TEST_CASE("a scalar's .npy file has the shape of nothing") {
  const TemporaryFolder folder;
  const octet::TensorInfo info{.name = "y", .type = octet::Type::f32, .shape = {}};
  const float value = 3;
  REQUIRE(octet::tool::write_npy(folder.path("y.npy"), {&info, &value, 4}));
  CHECK(contents_of(folder.path("y.npy")).find("'shape': ()") != std::string::npos);
}
