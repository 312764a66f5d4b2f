#include "tools/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/loaders/float_export_maker.h"

using namespace octet::test;
using octet::tool::read_lines;

namespace {

std::string text_of(const octet::Expected<std::vector<uint8_t>>& bytes) {
  return bytes ? std::string(bytes->begin(), bytes->end()) : "error: " + bytes.error().message;
}

}  // namespace

TEST_CASE("what is no file is an error at once, and never waited for") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("circle", folder.path("circle"));
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& path :
       {folder.path("pipe"), folder.path("circle"), folder.path("."), folder.path("absent"),
        std::string("/dev/zero"), std::string("/dev/null"), std::string("")}) {
    INFO(path);
    const auto bytes = octet::tool::read_file(path);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().message.starts_with(path + ": "));
    CHECK_FALSE(read_lines(path));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("a file is read whole, and so is a pipe that somebody writes into") {
  const TemporaryFolder folder;
  const std::string content(100'000, 'x');
  CHECK(text_of(octet::tool::read_file(folder.write("file", content))) == content);
  CHECK(text_of(octet::tool::read_file(folder.write("empty", ""))).empty());
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::thread writer([&] {
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t count = write(ends[1], content.data() + done, content.size() - done);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    close(ends[1]);
  });
  const auto bytes = octet::tool::read_file("/dev/fd/" + std::to_string(ends[0]));
  writer.join();
  close(ends[0]);
  CHECK(text_of(bytes) == content);
}

TEST_CASE("lines end as on Unix or on Windows; blank ones and a byte order mark do not count") {
  const TemporaryFolder folder;
  const auto lines = read_lines(folder.write("list",
                                             "\xEF\xBB\xBF"
                                             "one\r\n\r\n two words\n \t\n\nlast"));
  REQUIRE(lines);
  CHECK(*lines == std::vector<std::string>{"one", " two words", "last"});
  const auto none = read_lines(folder.write("blank", "\n\r\n"));
  REQUIRE(none);
  CHECK(none->empty());
}
