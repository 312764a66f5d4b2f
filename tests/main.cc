// Catch2's main, with one more option: --folder runs the tests of one folder, as ctest does.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

namespace {

/// A pattern that matches this name only: commas, brackets and stars in it are no syntax.
std::string pattern_of(const std::string& name) {
  std::string pattern = "\"";
  for (const char c : name) {
    if (std::string("\\\"*,[]~").find(c) != std::string::npos) pattern += '\\';
    pattern += c;
  }
  return pattern + "\"";
}

/// All tests whose source lies in tests/`folder`, as one pattern: "" where there are none.
std::string tests_of(const std::string& folder) {
  const std::string part = "/tests/" + folder + "/";
  std::string patterns;
  for (const Catch::TestCase& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
    if (test.isHidden() || std::string(test.lineInfo.file).find(part) == std::string::npos)
      continue;
    patterns += (patterns.empty() ? "" : ",") + pattern_of(test.name);
  }
  return patterns;
}

}  // namespace

int main(int argc, char* argv[]) {
  Catch::Session session;
  std::string folder;
  session.cli(session.cli() |
              Catch::clara::Opt(folder, "name")["--folder"]("only the tests in tests/<name>"));
  if (const int failed = session.applyCommandLine(argc, argv); failed != 0) return failed;
  if (!folder.empty()) {
    const std::string patterns = tests_of(folder);
    if (patterns.empty()) {
      std::fprintf(stderr, "no tests in a folder '%s'\n", folder.c_str());
      return 2;
    }
    session.configData().testsOrTags = {patterns};
  }
  return session.run();
}
