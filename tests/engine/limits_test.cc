// If the system gives no more memory or no more threads, octet gives a result or an error, and
// soon. Each try is a process of its own.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>

#include "tests/graph/run_graph.h"
#include "tests/memory_limits.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

enum class End { ran, refused, crashed, hung };

constexpr unsigned most_seconds = 30;

/// Runs `body` in another process. `body` returns whether all went well.
End in_a_process(const std::function<bool()>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core = {};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS}) std::signal(signal, SIG_DFL);
    alarm(most_seconds);
    std::set_new_handler([] { _exit(1); });
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? End::hung : End::crashed;
  return WEXITSTATUS(status) == 0 ? End::ran : End::refused;
}

/// A network with 2 MB of weights.
Graph network() {
  GraphMaker m;
  const auto x = m.input({1, 12, 12, 3});
  auto y = m.conv("stem", x, {.channels = 128, .kernel = 3, .padding = 1});
  for (int i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    const auto conv =
        m.conv("conv" + number, y, {.channels = 128, .kernel = 3, .stride = 2, .padding = 1});
    y = m.simple("silu" + number, Op::silu, m.max_pool("pool" + number, conv, {.stride = 1}));
    if (i == 0) y = m.conv("back", y, {.channels = 128, .kernel = 2, .padding = 4});
  }
  Graph graph = m.finish({m.linear("fc", m.mean("mean", y, {1, 2}), {.channels = 10})});
  calibrate(graph);
  return graph;
}

bool runs(const Model& model, const std::vector<Values>& inputs, int threads) {
  auto session = Session::create(model, {.threads = threads});
  return session && session->set_input(0, inputs[0]) && session->run();
}

/// Limits this process to about `bytes` of memory more than it has now.
bool leave_memory(std::size_t bytes) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  void* room = bytes > 0 ? std::malloc(bytes) : nullptr;
  const rlimit limit = {.rlim_cur = pages * 4096 + bytes, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
  // Allocates the memory that was freed before, so that it does not count.
  for (std::size_t size = std::size_t{16} << 20; size >= 256; size /= 4) {
    void* volatile taken = nullptr;
    do taken = std::malloc(size);
    while (taken != nullptr);
  }
  std::free(room);
  return true;
}

TEST_CASE("where memory ends, a session runs or is refused") {
  if (!memory_can_be_limited) {
    WARN("skipped: a limit of memory would bind the sanitizer or the emulator");
    return;
  }
  for (const bool float_only : {false, true}) {
    const Graph graph = network();
    const auto inputs = random_inputs(graph);
    const Model model = build(graph, {.float_only = float_only});
    for (const int threads : {1, 2}) {
      int ran = 0;
      int refused = 0;
      for (std::size_t more = 0; more < (std::size_t{12} << 20); more += std::size_t{96} << 10) {
        const End end =
            in_a_process([&] { return leave_memory(more) && runs(model, inputs, threads); });
        INFO((float_only ? "float" : "int8")
             << ", " << threads << " threads, " << more << " bytes more than before");
        REQUIRE((end == End::ran || end == End::refused));
        ++(end == End::ran ? ran : refused);
      }
      CHECK(ran > 0);
      CHECK(refused > 0);
    }
  }
}

TEST_CASE("where memory ends, the tool prints a result or an error") {
  if (!memory_can_be_limited) {
    WARN("skipped: a limit of memory would bind the sanitizer or the emulator");
    return;
  }
  const Workplace place;
  const auto tool = [](const std::vector<std::string>& arguments, rlim_t bytes) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const rlimit no_core = {};
      const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
      std::vector<char*> argv;
      std::string name = OCTET_TOOL;
      std::vector<std::string> all = arguments;
      argv.push_back(name.data());
      for (std::string& argument : all) argv.push_back(argument.data());
      argv.push_back(nullptr);
      alarm(most_seconds);
      setrlimit(RLIMIT_CORE, &no_core);
      setrlimit(RLIMIT_AS, &limit);
      execv(name.c_str(), argv.data());
      _exit(127);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  };
  constexpr rlim_t step = rlim_t{100} << 10;
  constexpr rlim_t most = rlim_t{200} << 20;
  rlim_t begin = rlim_t{8} << 20;
  while (begin < most && tool({"--version"}, begin) != 0) begin += step;
  if (begin >= most) {
    WARN("skipped: the tool does not start under a limit here");
    return;
  }
  begin += 10 * step;  // what libraries need before main() is not the tool's
  for (const std::string& model : {place.classifier, place.float_classifier}) {
    for (const std::string threads : {"1", "2"}) {
      int ran = 0;
      for (rlim_t limit = begin; limit < begin + (rlim_t{16} << 20); limit += step) {
        INFO(model << ", " << threads << " threads, " << limit << " bytes");
        const int code = tool({"run", model, place.images[0], "--threads", threads}, limit);
        REQUIRE((code == 0 || code == 1));
        ran += code == 0 ? 1 : 0;
      }
      CHECK(ran > 0);
    }
  }
}

TEST_CASE("where the system gives no threads, a session runs without them") {
  for (const bool float_only : {false, true}) {
    const Graph graph = network();
    const auto inputs = random_inputs(graph);
    const Model model = build(graph, {.float_only = float_only});
    for (const rlim_t processes : {1U, 2U, 3U, 4U, 10U}) {
      const End end = in_a_process([&] {
        // The limit is one for a user, and does not bind the superuser.
        constexpr uid_t nobody = 54321;
        if (geteuid() == 0 && setuid(nobody) != 0) return false;
        const rlimit limit = {.rlim_cur = processes, .rlim_max = processes};
        return setrlimit(RLIMIT_NPROC, &limit) == 0 && runs(model, inputs, 8);
      });
      INFO((float_only ? "float" : "int8") << ", " << processes << " processes");
      CHECK(end == End::ran);
    }
  }
}

}  // namespace
}  // namespace octet::test
