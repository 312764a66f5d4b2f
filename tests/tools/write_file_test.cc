#include "tools/write_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <set>

#include "tests/loaders/float_export_maker.h"
#include "tools/image/image.h"

using namespace octet::test;

namespace {

std::span<const std::byte> bytes_in(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

/// A named pipe that is open at both ends, and keeps what is written into it.
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
  REQUIRE(octet::tool::write_file(folder.path("a"), bytes_in("first")));
  REQUIRE(octet::tool::write_file(folder.path("a"), bytes_in("second")));
  CHECK(contents_of(folder.path("a")) == "second");
  std::filesystem::create_directory(folder.path("folder"));
  const auto onto_folder = octet::tool::write_file(folder.path("folder"), bytes_in("x"));
  REQUIRE_FALSE(onto_folder);
  CHECK(onto_folder.error().message ==
        folder.path("folder") + ": cannot write: this is a folder; name the file in it");
  const auto onto_here = octet::tool::write_file(folder.path("."), bytes_in("x"));
  REQUIRE_FALSE(onto_here);
  CHECK(onto_here.error().message.find("folder") != std::string::npos);
  const auto into_nothing = octet::tool::write_file(folder.path("no/file"), bytes_in("x"));
  REQUIRE_FALSE(into_nothing);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path(".")))
    ++entries;
  CHECK(entries == 2);
}

TEST_CASE("a full disk is an error, and leaves the old file and nothing else") {
  const TemporaryFolder folder;
  folder.write("out", "old");
  struct rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto written = octet::tool::write_file(folder.path("out"), bytes_in("more than ten bytes"));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(folder.path("out") + ": cannot write: "));
  CHECK(contents_of(folder.path("out")) == "old");
  CHECK(names_in(folder.path(".")) == std::set<std::string>{"out"});
}

TEST_CASE("the unfinished file has a name of its own: a user's X.part stays") {
  const TemporaryFolder folder;
  folder.write("out.part", "the user's");
  REQUIRE(octet::tool::write_file(folder.path("out"), bytes_in("new")));
  CHECK(contents_of(folder.path("out.part")) == "the user's");
  CHECK(names_in(folder.path(".")) == std::set<std::string>{"out", "out.part"});
}

TEST_CASE("a new file's mode is the umask's, and a file that is replaced keeps its own") {
  const TemporaryFolder folder;
  const auto mode_of = [&](const char* name) {
    struct stat status{};
    REQUIRE(stat(folder.path(name).c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  const mode_t before = umask(027);
  REQUIRE(octet::tool::write_file(folder.path("new"), bytes_in("x")));
  CHECK(mode_of("new") == 0640);
  REQUIRE(chmod(folder.path("new").c_str(), 0604) == 0);
  REQUIRE(octet::tool::write_file(folder.path("new"), bytes_in("y")));
  CHECK(mode_of("new") == 0604);
  umask(before);
}

TEST_CASE("two processes that write one file leave one of the two, whole") {
  const TemporaryFolder folder;
  const std::string a(300'000, 'a');
  const std::string b(200'000, 'b');
  std::vector<pid_t> writers;
  for (const std::string* content : {&a, &b}) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < 30; ++i)
        good = octet::tool::write_file(folder.path("out"), bytes_in(*content)).has_value() && good;
      _exit(good ? 0 : 1);
    }
    writers.push_back(child);
  }
  for (int i = 0; i < 200; ++i) {
    if (!std::filesystem::exists(folder.path("out"))) continue;
    const std::string seen = contents_of(folder.path("out"));
    CHECK((seen == a || seen == b));
  }
  for (const pid_t writer : writers) {
    int status = -1;
    REQUIRE(waitpid(writer, &status, 0) == writer);
    CHECK(status == 0);
  }
  CHECK(names_in(folder.path(".")) == std::set<std::string>{"out"});
}

TEST_CASE("a signal that ends the process leaves the old file or the new one, and nothing else") {
  const std::string old_bytes(100, 'o');
  const std::string new_bytes(2'000'000, 'n');
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    for (int round = 0; round < 8; ++round) {
      const TemporaryFolder folder;
      folder.write("out", old_bytes);
      // The handler is reset before the fork: the signal may come before the child's first line,
      // and Catch's handler would go on with the tests there.
      const auto before = std::signal(signal, SIG_DFL);
      const pid_t child = fork();
      if (child != 0) std::signal(signal, before);
      REQUIRE(child >= 0);
      if (child == 0) {
        while (octet::tool::write_file(folder.path("out"), bytes_in(new_bytes))) {
        }
        _exit(1);
      }
      usleep(static_cast<useconds_t>(3000 + 1700 * round));
      REQUIRE(kill(child, signal) == 0);
      int status = -1;
      REQUIRE(waitpid(child, &status, 0) == child);
      CHECK(WIFSIGNALED(status));
      CHECK(WTERMSIG(status) == signal);
      CHECK(names_in(folder.path(".")) == std::set<std::string>{"out"});
      const std::string left = contents_of(folder.path("out"));
      CHECK((left == old_bytes || left == new_bytes));
    }
  }
}

TEST_CASE("a signal that is ignored stays ignored") {
  const TemporaryFolder folder;
  const auto before = std::signal(SIGHUP, SIG_IGN);
  REQUIRE(octet::tool::write_file(folder.path("out"), bytes_in("x")));
  CHECK(std::signal(SIGHUP, before) == SIG_IGN);
}

TEST_CASE("a file that is read is not written onto, by whatever name") {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const std::string read = folder.write("read", "precious");
  fs::create_directory(folder.path("folder"));
  fs::create_hard_link(read, folder.path("hard"));
  fs::create_symlink("read", folder.path("soft"));
  fs::create_symlink("hard", folder.path("soft_to_hard"));
  fs::create_directory_symlink(folder.path("."), folder.path("way_round"));
  const int descriptor = open(read.c_str(), O_RDONLY);
  REQUIRE(descriptor >= 0);
  octet::tool::FilesInUse in_use;
  REQUIRE(in_use.add(read));
  for (const bool force : {false, true}) {
    for (const std::string& name :
         {read, folder.path("hard"), folder.path("soft"), folder.path("soft_to_hard"),
          folder.path("folder/../read"), folder.path("way_round/read"),
          "/dev/fd/" + std::to_string(descriptor), "/proc/self/fd/" + std::to_string(descriptor)}) {
      INFO(name);
      const auto written =
          octet::tool::write_file(name, bytes_in("new"), {.in_use = &in_use, .force = force});
      REQUIRE_FALSE(written);
      CHECK(written.error().message.starts_with(name + ": cannot write: this is the file that is "
                                                       "read"));
      CHECK(contents_of(read) == "precious");
    }
  }
  close(descriptor);
}

TEST_CASE("an existing file of another kind is written over only by force; an empty one always") {
  using octet::tool::FileKind;
  const TemporaryFolder folder;
  const std::vector<std::pair<const FileKind*, std::string>> kinds = {
      {&octet::tool::octet_model_kind, std::string("\0\0\0\0OCT1", 8)},
      {&octet::tool::png_kind, "\x89PNG\r\n\x1a\n"},
      {&octet::tool::npy_kind, "\x93NUMPY\x01"}};
  for (const auto& [kind, own] : kinds) {
    for (const auto& [other, beginning] : kinds) {
      INFO(kind->name << " onto " << other->name);
      const std::string path = folder.write("file", beginning);
      const auto written = octet::tool::write_file(path, bytes_in(own), {.kind = kind});
      CHECK(written.has_value() == (kind == other));
      if (!written) {
        CHECK(written.error().message.find("--force") != std::string::npos);
        CHECK(contents_of(path) == beginning);
      }
      CHECK(octet::tool::write_file(path, bytes_in(own), {.kind = kind, .force = true}));
      CHECK(contents_of(path) == own);
    }
    for (const std::string& text : {std::string("t"), std::string("a text of some length")})
      CHECK_FALSE(
          octet::tool::write_file(folder.write("file", text), bytes_in(own), {.kind = kind}));
    CHECK(octet::tool::write_file(folder.write("file", ""), bytes_in(own), {.kind = kind}));
    CHECK(octet::tool::write_file(folder.path("absent"), bytes_in(own), {.kind = kind}));
    std::filesystem::remove(folder.path("absent"));
  }
}

TEST_CASE("what is no regular file is written into, never replaced") {
  const TemporaryFolder folder;
  const Pipe pipe(folder.path("pipe"));
  REQUIRE(octet::tool::write_file(folder.path("pipe"), bytes_in("bytes")));
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
  REQUIRE(octet::tool::write_file(folder.path("link"), bytes_in("new")));
  CHECK(std::filesystem::is_symlink(folder.path("link")));
  CHECK(contents_of(folder.path("target")) == "new");

  std::filesystem::create_symlink(folder.path("absent"), folder.path("to_nothing"));
  REQUIRE(octet::tool::write_file(folder.path("to_nothing"), bytes_in("new")));
  CHECK(std::filesystem::is_symlink(folder.path("to_nothing")));
  CHECK(contents_of(folder.path("absent")) == "new");

  std::filesystem::create_symlink("relative", folder.path("to_relative"));
  REQUIRE(octet::tool::write_file(folder.path("to_relative"), bytes_in("new")));
  CHECK(std::filesystem::is_symlink(folder.path("to_relative")));
  CHECK(contents_of(folder.path("relative")) == "new");

  std::filesystem::create_symlink("circle", folder.path("circle"));
  const auto in_circle = octet::tool::write_file(folder.path("circle"), bytes_in("new"));
  REQUIRE_FALSE(in_circle);
  CHECK(in_circle.error().message.starts_with(folder.path("circle") + ": cannot write: "));
}

TEST_CASE("what cannot be written into is an error, and stays what it is") {
  const TemporaryFolder folder;
  sockaddr_un address = {.sun_family = AF_UNIX};
  const std::string path = folder.path("socket");
  REQUIRE(path.size() < sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  const auto written = octet::tool::write_file(path, bytes_in("bytes"));
  close(descriptor);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(path + ": cannot write: "));
  CHECK(std::filesystem::is_socket(path));
}
