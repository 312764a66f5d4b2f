// A model file's checksum detects any change.
#include "engine/checksum.h"

#include <cstring>

#include "tests/engine/corruption.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes file_of(bool float_only) {
  GraphMaker m;
  const auto x = m.input({1, 8, 8, 3});
  const auto stem = m.relu("relu", m.conv("stem", x, {.channels = 16, .kernel = 3, .padding = 1}));
  const auto logits = m.linear("fc", m.mean("mean", stem, {1, 2}), {.channels = 5});
  Graph graph = m.finish({m.softmax("softmax", logits)});
  calibrate(graph);
  graph.labels = {"one", "two", "three", "four", "five"};
  const auto bytes = graph::build_model(graph, {.float_only = float_only});
  REQUIRE(bytes);
  return *bytes;
}

bool is_verified(const Bytes& bytes) {
  const auto model = Model::from_memory(bytes, "model.octet", {.verify_checksum = true});
  return model && model->has_checksum();
}

uint64_t checksum_of(const std::string& text, std::size_t field) {
  return octet::checksum_of(std::as_bytes(std::span(text)), field);
}

TEST_CASE("the checksum is FNV-1a, with zeros for where it is stored") {
  CHECK(checksum_of("", 0) == 0xcbf29ce484222325U);
  CHECK(checksum_of("a", 1) == 0xaf63dc4c8601ec8cU);
  CHECK(checksum_of("foobar", 6) == 0x85944171f73967e8U);
  std::string text = "0123456789abcdefghij";
  const uint64_t before = checksum_of(text, 4);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = 'X';
    INFO(i);
    CHECK((checksum_of(changed, 4) == before) == (i >= 4 && i < 12));
  }
}

TEST_CASE("a model that octet wrote is verified; any byte of it that changes is seen") {
  for (const bool float_only : {false, true}) {
    const Bytes file = file_of(float_only);
    REQUIRE(is_verified(file));
    for (std::size_t i = 0; i < file.size(); ++i) {
      Bytes changed = file;
      changed[i] ^= std::byte{0x5A};
      if (is_verified(changed)) FAIL("byte " << i << " of " << file.size());
    }
    for (std::size_t size = 0; size < file.size(); size += 64) {
      CHECK_FALSE(is_verified(Bytes(file.begin(), file.begin() + static_cast<int64_t>(size))));
    }
    Bytes longer = file;
    longer.resize(file.size() + 64);
    CHECK_FALSE(is_verified(longer));
  }
}

TEST_CASE("a file that is half one model and half another is refused where it is verified") {
  const std::vector<Bytes> files = {file_of(false), file_of(true)};
  int loaded = 0;
  for (const std::size_t first : {std::size_t{0}, std::size_t{1}}) {
    const Bytes& a = files[first];
    const Bytes& b = files[1 - first];
    for (std::size_t begin = 0; begin + 64 <= std::min(a.size(), b.size()); begin += 64) {
      for (const std::size_t length : {std::size_t{64}, std::size_t{512}, b.size()}) {
        Bytes mixed = a;
        const std::size_t count = std::min(length, b.size() - begin);
        mixed.resize(std::max(mixed.size(), begin + count));
        std::memcpy(mixed.data() + begin, b.data() + begin, count);
        if (mixed == a || mixed == b) continue;
        INFO("from " << begin << ", " << length << " bytes");
        const auto model = Model::from_memory(mixed, "model.octet", {.verify_checksum = true});
        REQUIRE_FALSE(model);
        if (!Model::from_memory(mixed)) continue;
        ++loaded;
        CHECK(model.error().message.starts_with("model.octet: "));
        CHECK(model.error().message.find("checksum") != std::string::npos);
      }
    }
  }
  CHECK(loaded > 0);  // only the checksum tells that these are damaged
}

TEST_CASE("a file without a checksum, as older ones are, loads") {
  const Bytes file = file_of(false);
  int found = 0;
  for (std::size_t at = 0; at + 8 <= file.size(); at += 4) {
    uint64_t value;
    std::memcpy(&value, file.data() + at, sizeof(value));
    if (value != octet::checksum_of(file, at)) continue;
    ++found;
    Bytes old = file;
    std::memset(old.data() + at, 0, sizeof(value));
    const auto model = Model::from_memory(old, "old.octet", {.verify_checksum = true});
    REQUIRE(model);
    CHECK_FALSE(model->has_checksum());
  }
  CHECK(found == 1);
}

}  // namespace
}  // namespace octet::test
