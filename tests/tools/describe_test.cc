// Tests convert --task and --labels on the command line.
#include <catch2/catch.hpp>

#include "tests/loaders/sample_exports.h"
#include "tests/tools/command_line.h"

using namespace octet;
using namespace octet::test;

namespace {

/// A sample without task and labels, which the user may give.
std::string write_plain(const Workplace& w, SampleExport sample, const char* name) {
  sample.graph.erase("task");
  sample.graph.erase("labels");
  return w.folder.write(name, sample.file());
}

void check_refused(const Workplace& w, const std::string& in, const std::string& option,
                   const std::string& value, const std::string& part) {
  const std::string out = w.path("refused.octet");
  const Outcome outcome = octet_tool({"convert", in, "-o", out, option, value});
  INFO(value << "\n" << outcome.out << outcome.err);
  CHECK(outcome.code != 0);
  CHECK(contains(outcome.err, part));
  CHECK_FALSE(std::filesystem::exists(out));
}

}  // namespace

TEST_CASE("convert --task says what a model answers, as the file itself would") {
  const Workplace w;
  const SampleExport sample = sample_detector();
  const std::string in = write_plain(w, sample, "plain.safetensors");
  const std::string task = sample.graph["task"].dump();
  REQUIRE(octet_tool({"convert", in, "-o", w.path("a.octet"), "--task", task}).code == 0);
  SampleExport without_labels = sample;
  without_labels.graph.erase("labels");
  const std::string whole = w.folder.write("whole.safetensors", without_labels.file());
  REQUIRE(octet_tool({"convert", whole, "-o", w.path("b.octet")}).code == 0);
  CHECK(contents_of(w.path("a.octet")) == contents_of(w.path("b.octet")));
  check_refused(w, whole, "--task", task, "leave --task out");
}

TEST_CASE("convert --task names outputs by name, too, and says what is wrong with it") {
  const Workplace w;
  SampleExport sample = sample_detector();
  const std::string in = write_plain(w, sample, "plain.safetensors");
  auto task = sample.graph["task"];
  task["boxes"] = sample.graph["outputs"][task["boxes"].get<std::size_t>()];
  CHECK(octet_tool({"convert", in, "-o", w.path("a.octet"), "--task", task.dump()}).code == 0);
  auto wrong = task;
  wrong["boxes"] = "elsewhere";
  check_refused(w, in, "--task", wrong.dump(), "there is no output 'elsewhere'");
  wrong = task;
  wrong["scores"] = 17;
  check_refused(w, in, "--task", wrong.dump(), "there is no output 17");
  wrong = task;
  wrong["box_coding"] = "corners";
  check_refused(w, in, "--task", wrong.dump(), "min_sizes");
  wrong["box_coding"] = "centres";
  check_refused(w, in, "--task", wrong.dump(), "neither priors nor corners");
  check_refused(w, in, "--task", "detect", "not JSON");
  check_refused(w, in, "--task", R"({"type": "classify"})", "answers at many places");
}

TEST_CASE("convert --labels names the classes") {
  const Workplace w;
  const std::string in = write_plain(w, sample_classifier(), "plain.safetensors");
  const auto* classify = "classify";
  const auto classes = sample_classifier().graph["labels"].size();
  std::string lines;
  for (std::size_t i = 0; i < classes; ++i) lines += "class " + std::to_string(i) + "\r\n";
  const std::string labels = w.folder.write("labels.txt", lines);
  const std::string out = w.path("a.octet");
  REQUIRE(octet_tool({"convert", in, "-o", out, "--task", classify, "--labels", labels}).code == 0);
  CHECK(octet_tool({"inspect", out, "--json"}).json()["labels"] == classes);
  CHECK(contains(octet_tool({"run", out, w.images[0]}).out, "class "));
  const std::string more = w.folder.write("more.txt", lines + "one more\n");
  const Outcome outcome =
      octet_tool({"convert", in, "-o", w.path("b.octet"), "--task", classify, "--labels", more});
  CHECK(outcome.code != 0);
  CHECK(contains(outcome.err, std::to_string(classes + 1) + " labels"));
  check_refused(w, in, "--labels", w.path("absent.txt"), "cannot be read");
}
