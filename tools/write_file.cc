#include "tools/write_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

namespace octet::tool {
namespace {

namespace fs = std::filesystem;

bool starts_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

// ---- the unfinished file, and signals that end the process while there is one

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

// Plain memory, which a signal handler may read.
char unfinished_path[4096];
volatile std::sig_atomic_t has_unfinished = 0;

extern "C" void remove_unfinished(int signal) {
  if (has_unfinished != 0) ::unlink(unfinished_path);
  // The handler is reset after one signal (SA_RESETHAND): this one ends the process as usual.
  ::raise(signal);
}

/// While this object lives, a signal that ends the process removes the file `path` first.
class RemovedOnSignal {
 public:
  explicit RemovedOnSignal(const std::string& path) {
    path.copy(unfinished_path, sizeof(unfinished_path) - 1);
    unfinished_path[std::min(path.size(), sizeof(unfinished_path) - 1)] = '\0';
    has_unfinished = path.size() < sizeof(unfinished_path) ? 1 : 0;
    struct sigaction action = {};
    action.sa_handler = remove_unfinished;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < std::size(ending_signals); ++i) {
      ::sigaction(ending_signals[i], nullptr, &before_[i]);
      // Signals that the process ignores, or handles itself, are left alone.
      if (before_[i].sa_handler == SIG_DFL) ::sigaction(ending_signals[i], &action, nullptr);
    }
  }
  ~RemovedOnSignal() {
    for (std::size_t i = 0; i < std::size(ending_signals); ++i) {
      if (before_[i].sa_handler == SIG_DFL) ::sigaction(ending_signals[i], &before_[i], nullptr);
    }
    has_unfinished = 0;
  }
  RemovedOnSignal(const RemovedOnSignal&) = delete;
  RemovedOnSignal& operator=(const RemovedOnSignal&) = delete;

 private:
  struct sigaction before_[std::size(ending_signals)] = {};
};

// ---- writing bytes to descriptors: all functions return 0, or the errno of the failure

int write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

int to_disk(int file) {
  if (::fsync(file) == 0) return 0;
  // Some file systems have nothing to do here, and say so.
  return errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
}

/// Writes all bytes, and closes the file in every case.
int finish(int file, std::span<const std::byte> bytes, bool durable) {
  int reason = write_all(file, bytes);
  if (reason == 0 && durable) reason = to_disk(file);
  if (::close(file) != 0 && reason == 0) reason = errno;
  return reason;
}

void folder_to_disk(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;  // A folder may be writable and not readable.
  to_disk(file);
  ::close(file);
}

int write_in_place(const std::string& path, std::span<const std::byte> bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
  return file < 0 ? errno : finish(file, bytes, false);
}

std::string random_name() {
  static std::random_device random;
  char name[40];
  std::snprintf(name, sizeof(name), ".octet-%08x%08x.part", random(), random());
  return name;
}

int replace(const fs::path& target, std::span<const std::byte> bytes, std::optional<mode_t> mode,
            bool durable) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const std::string unfinished = (folder / random_name()).string();
  const RemovedOnSignal guard(unfinished);
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  // Fails where the file system has no modes: then there is none to keep.
  [[maybe_unused]] const int kept = mode ? ::fchmod(file, *mode) : 0;
  int reason = finish(file, bytes, durable);
  if (reason == 0 && ::rename(unfinished.c_str(), target.c_str()) != 0) reason = errno;
  if (reason != 0) {
    ::unlink(unfinished.c_str());
  } else if (durable) {
    folder_to_disk(folder);
  }
  return reason;
}

/// Returns where a link to nothing leads, and other paths as they are. Relative links are relative
/// to the link's folder.
fs::path follow_to_nothing(fs::path path) {
  constexpr int most_links = 40;
  std::error_code error;
  for (int i = 0; i < most_links && fs::is_symlink(path, error); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return path;
}

std::vector<std::byte> beginning_of(const std::string& path, std::size_t most) {
  std::vector<std::byte> bytes;
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return bytes;
  constexpr std::size_t part = 65536;
  while (bytes.size() < most) {
    const std::size_t filled = bytes.size();
    bytes.resize(std::min(most, filled + part));
    const ssize_t count = ::read(file, bytes.data() + filled, bytes.size() - filled);
    bytes.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count <= 0) break;
  }
  ::close(file);
  return bytes;
}

Expected<void> check_existing(const std::string& path, const struct stat& status,
                              const WriteRules& rules) {
  if (S_ISDIR(status.st_mode)) {
    return fail(path + ": cannot write: this is a folder; name the file in it");
  }
  if (!S_ISREG(status.st_mode)) return {};
  if (rules.in_use != nullptr) {
    if (const std::string* name = rules.in_use->find(identity_of(status)); name != nullptr) {
      return fail(path + ": cannot write: this is the file that is read" +
                  (*name == path ? "" : " as " + *name) + "; name another file");
    }
  }
  if (rules.kind == nullptr || rules.force || status.st_size == 0) return {};
  if (rules.kind->matches(beginning_of(path, rules.kind->looks_at))) return {};
  return fail(path + ": cannot write: there is a file of this name that is not " +
              rules.kind->name + "; name another file, or give --force to overwrite it");
}

}  // namespace

const FileKind octet_model_kind = {
    .name = "an .octet model", .looks_at = 8, .matches = [](std::span<const std::byte> bytes) {
      return bytes.size() >= 8 && starts_with(bytes.subspan(4), "OCT1");
    }};
const FileKind png_kind = {
    .name = "a PNG picture", .looks_at = 8, .matches = [](std::span<const std::byte> bytes) {
      return starts_with(bytes, "\x89PNG\r\n\x1a\n");
    }};
const FileKind npy_kind = {
    .name = "a NumPy .npy file", .looks_at = 8, .matches = [](std::span<const std::byte> bytes) {
      return starts_with(bytes, "\x93NUMPY");
    }};

Expected<void> check_target(const std::string& path, const WriteRules& rules) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return check_existing(path, status, rules);
  if (errno == ENOENT) {
    const fs::path target = follow_to_nothing(path);
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  }
  return fail(path + ": cannot write: " + std::strerror(errno));
}

Expected<void> write_file(const std::string& path, std::span<const std::byte> bytes,
                          const WriteRules& rules) {
  if (auto ok = check_target(path, rules); !ok) return ok;
  struct stat status{};
  int reason = 0;
  if (::stat(path.c_str(), &status) != 0) {
    reason = replace(follow_to_nothing(path), bytes, std::nullopt, rules.durable);
  } else if (std::error_code error; S_ISREG(status.st_mode)) {
    // A file without a name (that of a redirected stream, deleted since) can only be written in
    // place.
    const fs::path target = fs::canonical(path, error);
    reason = error ? write_in_place(path, bytes)
                   : replace(target, bytes, status.st_mode & 07777, rules.durable);
  } else {
    reason = write_in_place(path, bytes);
  }
  if (reason != 0) return fail(path + ": cannot write: " + std::strerror(reason));
  return {};
}

}  // namespace octet::tool
