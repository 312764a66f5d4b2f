#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tools/image/decoders.h"
#include "tools/image/image.h"

namespace octet::image {
namespace {

Expected<std::vector<uint8_t>> read_bytes(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return fail(path + ": not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(path + ": cannot open the image: " + std::strerror(errno));
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  if (file.bad() || bytes.empty()) return fail(path + ": the image is empty or cannot be read");
  return bytes;
}

}  // namespace

Expected<Image> read_image(const std::string& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  const std::vector<uint8_t>& b = *bytes;
  if (b.size() > 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF) return decode_jpeg(path, b);
  if (b.size() > 8 && std::memcmp(b.data(), "\x89PNG\r\n\x1a\n", 8) == 0) {
    return decode_png(path, b);
  }
  return fail(path + ": neither a JPEG nor a PNG image");
}

}  // namespace octet::image
