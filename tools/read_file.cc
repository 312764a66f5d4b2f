#include "tools/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

namespace octet::tool {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr std::size_t largest_from_pipe = std::size_t{1} << 28;
constexpr int pipe_patience_ms = 10'000;

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// Returns how many bytes were read; 0 at the end. It continues after a signal that was handled.
ssize_t read_some(int file, uint8_t* to, std::size_t most) {
  ssize_t count = 0;
  do {
    count = ::read(file, to, most);
  } while (count < 0 && errno == EINTR);
  return count;
}

Expected<std::vector<uint8_t>> read_regular(const std::string& path, int file, std::size_t size) {
  // One byte more than there should be: a file that is growing is read to its end.
  std::vector<uint8_t> bytes(size + 1);
  std::size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.resize(bytes.size() * 2);
    const ssize_t count = read_some(file, bytes.data() + filled, bytes.size() - filled);
    if (count < 0) return fail(path + ": cannot be read: " + std::strerror(errno));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

Expected<std::vector<uint8_t>> read_pipe(const std::string& path, int file) {
  constexpr std::size_t part = 65536;
  std::vector<uint8_t> bytes;
  while (true) {
    const std::size_t filled = bytes.size();
    if (filled > largest_from_pipe) {
      return fail(path + ": more than 2^28 bytes come through this pipe: give a file");
    }
    bytes.resize(filled + part);
    const ssize_t count = read_some(file, bytes.data() + filled, part);
    const int error = errno;
    bytes.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
    if (count > 0) continue;
    if (error != EAGAIN) return fail(path + ": cannot be read: " + std::strerror(error));
    pollfd waiting = {.fd = file, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, pipe_patience_ms) == 0) {
      return fail(path + ": nothing came through this pipe for 10 seconds");
    }
  }
  if (bytes.empty()) return fail(path + ": a pipe that nobody writes into");
  return bytes;
}

}  // namespace

Expected<std::vector<uint8_t>> read_file(const std::string& path) {
  // Opening a pipe that nobody writes into would wait for ever.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status{};
  if (file.number() < 0) {
    const int error = errno;
    if (error == ENXIO && ::stat(path.c_str(), &status) == 0) {
      return fail(path + ": not a file: " + kind_of(status.st_mode));
    }
    return fail(path + ": cannot open: " + std::strerror(error));
  }
  if (::fstat(file.number(), &status) != 0) {
    return fail(path + ": cannot open: " + std::strerror(errno));
  }
  try {
    if (S_ISFIFO(status.st_mode)) return read_pipe(path, file.number());
    if (!S_ISREG(status.st_mode)) return fail(path + ": not a file: " + kind_of(status.st_mode));
    return read_regular(path, file.number(), static_cast<std::size_t>(status.st_size));
  } catch (const std::bad_alloc&) {
    return fail(path + ": not enough memory to read this file");
  }
}

void remove_byte_order_mark(std::string& line) {
  if (line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

Expected<std::vector<std::string>> read_lines(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return tl::unexpected(bytes.error());
  std::string_view rest(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  if (rest.starts_with(byte_order_mark)) rest.remove_prefix(byte_order_mark.size());
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (!is_blank(line)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace octet::tool
