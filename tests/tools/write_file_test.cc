#include "tools/write_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/loaders/float_export_maker.h"
#include "tools/image/image.h"

using namespace octet::test;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// A named pipe that is open at both ends, and holds what is written into it.
class Pipe {
 public:
  explicit Pipe(const std::string& path) {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    descriptor_ = open(path.c_str(), O_RDWR | O_NONBLOCK);
    REQUIRE(descriptor_ >= 0);
  }
  ~Pipe() { close(descriptor_); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string content() const {
    char bytes[4096];
    const ssize_t count = read(descriptor_, bytes, sizeof(bytes));
    return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : "";
  }

 private:
  int descriptor_ = -1;
};

}  // namespace

TEST_CASE("a file is written whole or not at all") {
  const TemporaryFolder folder;
  REQUIRE(octet::tool::write_file(folder.path("a"), bytes_of("first")));
  REQUIRE(octet::tool::write_file(folder.path("a"), bytes_of("second")));
  CHECK(read_file(folder.path("a")) == "second");
  std::filesystem::create_directory(folder.path("folder"));
  const auto onto_folder = octet::tool::write_file(folder.path("folder"), bytes_of("x"));
  REQUIRE_FALSE(onto_folder);
  CHECK(onto_folder.error().message ==
        folder.path("folder") + ": cannot write: this is a folder; name the file in it");
  const auto onto_here = octet::tool::write_file(folder.path("."), bytes_of("x"));
  REQUIRE_FALSE(onto_here);
  CHECK(onto_here.error().message.find("folder") != std::string::npos);
  const auto into_nothing = octet::tool::write_file(folder.path("no/file"), bytes_of("x"));
  REQUIRE_FALSE(into_nothing);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path(".")))
    ++entries;
  CHECK(entries == 2);
}

TEST_CASE("a full disk is an error, and leaves no half file") {
  if (!std::filesystem::exists("/dev/full")) return;
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder.path("out.part"));
  const auto written = octet::tool::write_file(folder.path("out"), bytes_of("bytes"));
  REQUIRE_FALSE(written);
  CHECK_FALSE(std::filesystem::exists(folder.path("out")));
}

TEST_CASE("what is no regular file is written into, never replaced") {
  const TemporaryFolder folder;
  const Pipe pipe(folder.path("pipe"));
  REQUIRE(octet::tool::write_file(folder.path("pipe"), bytes_of("bytes")));
  CHECK(std::filesystem::is_fifo(folder.path("pipe")));
  CHECK(pipe.content() == "bytes");

  const octet::image::Image image{.height = 1, .width = 1, .pixels = {1, 2, 3}};
  REQUIRE(octet::image::write_png(image, folder.path("pipe")));
  CHECK(std::filesystem::is_fifo(folder.path("pipe")));
  CHECK(pipe.content().starts_with("\x89PNG"));
}

TEST_CASE("a link is followed: what it leads to is written, and the link stays") {
  const TemporaryFolder folder;
  folder.write("target", "old");
  std::filesystem::create_symlink(folder.path("target"), folder.path("link"));
  REQUIRE(octet::tool::write_file(folder.path("link"), bytes_of("new")));
  CHECK(std::filesystem::is_symlink(folder.path("link")));
  CHECK(read_file(folder.path("target")) == "new");

  std::filesystem::create_symlink(folder.path("absent"), folder.path("to_nothing"));
  REQUIRE(octet::tool::write_file(folder.path("to_nothing"), bytes_of("new")));
  CHECK(std::filesystem::is_symlink(folder.path("to_nothing")));
  CHECK(read_file(folder.path("absent")) == "new");
}

TEST_CASE("what cannot be written into is an error, and stays what it is") {
  const TemporaryFolder folder;
  sockaddr_un address = {.sun_family = AF_UNIX};
  const std::string path = folder.path("socket");
  REQUIRE(path.size() < sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  const auto written = octet::tool::write_file(path, bytes_of("bytes"));
  close(descriptor);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(path + ": cannot write: "));
  CHECK(std::filesystem::is_socket(path));
}
