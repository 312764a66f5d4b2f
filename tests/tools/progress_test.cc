#include "tools/octet/progress.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/loaders/sample_exports.h"
#include "tests/tools/command_line.h"

using namespace octet::test;

namespace {

using Clock = std::chrono::steady_clock;

/// A terminal without a screen.
class Terminal {
 public:
  Terminal() : descriptor_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    REQUIRE(descriptor_ >= 0);
    REQUIRE(grantpt(descriptor_) == 0);
    REQUIRE(unlockpt(descriptor_) == 0);
    path_ = ptsname(descriptor_);
  }
  ~Terminal() { close(descriptor_); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const std::string& path() const { return path_; }

  /// What was written to it since the last call.
  std::string text() const {
    std::string text;
    char part[1024];
    for (ssize_t count = 0; (count = read(descriptor_, part, sizeof(part))) > 0;) {
      text.append(part, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int descriptor_;
  std::string path_;
};

}  // namespace

TEST_CASE("convert says on a terminal what it does, once that takes longer than a second") {
  const TemporaryFolder folder;
  const Terminal terminal;
  const std::string in = folder.write("in.safetensors", sample_classifier().file());
  // Nobody reads the pipe yet, so the tool waits to write into it.
  const std::string out = folder.path("pipe");
  REQUIRE(mkfifo(out.c_str(), 0600) == 0);
  std::string text;
  int reader = -1;
  std::thread late([&] {
    const auto patience = Clock::now() + std::chrono::seconds(20);
    while (!contains(text, "4/4, writing, 1 s") && Clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      text += terminal.text();
    }
    reader = open(out.c_str(), O_RDONLY | O_NONBLOCK);
  });
  const Outcome outcome = octet_tool({"convert", in, "-o", out}, {.error_file = terminal.path()});
  late.join();
  close(reader);
  text += terminal.text();
  INFO(text);
  CHECK(outcome.code == 0);
  CHECK(contains(text, "converting [######"));
  CHECK(contains(text, "4/4, writing, 1 s"));
  CHECK(text.ends_with("\r\033[K"));
}

TEST_CASE("convert says nothing of what takes less than a second") {
  const TemporaryFolder folder;
  const Terminal terminal;
  const std::string in = folder.write("in.safetensors", sample_classifier().file());
  const auto begin = Clock::now();
  const Outcome outcome =
      octet_tool({"convert", in, "-o", folder.path("out.octet")}, {.error_file = terminal.path()});
  CHECK(outcome.code == 0);
  // A machine that is busy with other things may take longer.
  if (Clock::now() - begin < std::chrono::seconds(1)) CHECK(terminal.text().empty());
}
