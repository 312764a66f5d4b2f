// No command writes over a file that it reads, or over a file of another kind. Every option that
// writes is tried with every option that reads, by every kind of name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <thread>

#include "tests/loaders/sample_exports.h"
#include "tests/tools/command_line.h"

namespace fs = std::filesystem;
using namespace octet::test;

namespace {

/// A command with one option that writes, and the files that it reads.
struct Writer {
  std::string what;
  std::vector<std::string> reads;  ///< Paths.
  std::function<std::vector<std::string>(const std::string& target)> arguments;
};

/// Names of `path`, mostly in `folder`: itself, a hard link, links, a detour, another folder's
/// name.
std::vector<std::string> names_of(const std::string& path, const TemporaryFolder& folder) {
  fs::create_hard_link(path, folder.path("hard"));
  fs::create_symlink(path, folder.path("soft"));
  fs::create_symlink("soft", folder.path("soft_to_soft"));
  fs::create_directory_symlink(fs::path(path).parent_path(), folder.path("folder"));
  const std::string name = fs::path(path).filename().string();
  return {path,
          folder.path("hard"),
          folder.path("soft"),
          folder.path("soft_to_soft"),
          folder.path("folder/") + name,
          fs::path(path).parent_path().string() + "/./" + name};
}

void append_force(std::vector<std::string>& arguments, bool force) {
  if (force) arguments.emplace_back("--force");
}

std::vector<Writer> writers(const Workplace& w) {
  SampleExport sample = sample_classifier();
  for (auto& [name, tensor] : sample.graph["tensors"].items()) {
    tensor.erase("scale");
    tensor.erase("zero_point");
  }
  sample.graph.erase("labels");
  const std::string in = w.folder.write("float.safetensors", sample.file());
  const std::string labels = w.folder.write("labels.txt", "a\nb\nc\nd\ne\n");
  fs::create_directory(w.path("photos"));
  fs::copy(w.images[0], w.path("photos/0.png"));
  fs::copy(w.images[2], w.path("photos/1.jpg"));
  const std::string scales = w.path("scales.json");
  REQUIRE(octet_tool({"convert", in, "-o", w.path("made.octet"), "--calibrate", w.path("photos"),
                      "--save-scales", scales})
              .code == 0);
  const std::vector<std::string> calibration = {in, labels, w.path("photos/0.png"),
                                                w.path("photos/1.jpg")};
  return {
      {"convert -o, calibrating", calibration,
       [=, photos = w.path("photos")](const std::string& target) {
         return std::vector<std::string>{"convert",  in,     "-o",          target,
                                         "--labels", labels, "--calibrate", photos};
       }},
      {"convert -o, with scales",
       {in, scales},
       [=](const std::string& target) {
         return std::vector<std::string>{"convert", in, "-o", target, "--scales", scales};
       }},
      {"convert --save-scales, calibrating", calibration,
       [=, photos = w.path("photos"), out = w.path("out.octet")](const std::string& target) {
         return std::vector<std::string>{"convert",       in,     "-o",          out,
                                         "--labels",      labels, "--calibrate", photos,
                                         "--save-scales", target};
       }},
      {"convert --save-scales, with scales",
       {in, scales},
       [=, out = w.path("out.octet")](const std::string& target) {
         return std::vector<std::string>{"convert",       in,    "-o", out, "--scales", scales,
                                         "--save-scales", target};
       }},
      {"run --annotate",
       {w.classifier, w.images[0]},
       [&](const std::string& target) {
         return std::vector<std::string>{"run", w.classifier, w.images[0], "--annotate", target};
       }},
  };
}

}  // namespace

TEST_CASE("no option writes onto a file that another one reads, by any name, forced or not") {
  const Workplace w;
  for (const Writer& writer : writers(w)) {
    for (const std::string& read : writer.reads) {
      const std::string before = contents_of(read);
      const TemporaryFolder folder;
      for (const std::string& name : names_of(read, folder)) {
        for (const bool force : {false, true}) {
          auto arguments = writer.arguments(name);
          append_force(arguments, force);
          const Outcome outcome = octet_tool(arguments);
          INFO(writer.what << " onto " << name << ", which is " << read << "\n" << outcome.err);
          CHECK(outcome.code == 1);
          CHECK(contains(outcome.err, name));
          CHECK(contains(outcome.err, "this is the file that is read"));
          CHECK(contents_of(read) == before);
          CHECK(fs::is_symlink(folder.path("soft")));
        }
      }
    }
  }
  CHECK_FALSE(fs::exists(w.path("out.octet")));
}

TEST_CASE("an existing file of another kind is written over by force only") {
  const Workplace w;
  for (const Writer& writer : writers(w)) {
    const std::string target = w.folder.write("target", "a user's notes");
    const Outcome refused = octet_tool(writer.arguments(target));
    INFO(writer.what << "\n" << refused.err);
    CHECK(refused.code == 1);
    CHECK(
        contains(refused.err, target + ": cannot write: there is a file of this name that is not"));
    CHECK(contains(refused.err, "--force"));
    CHECK(contents_of(target) == "a user's notes");
    auto forced = writer.arguments(target);
    append_force(forced, true);
    const Outcome done = octet_tool(forced);
    INFO(done.err);
    CHECK(done.code == 0);
    const std::string written = contents_of(target);
    CHECK(written != "a user's notes");
    // Now that the file is of this kind, no --force is needed.
    CHECK(octet_tool(writer.arguments(target)).code == 0);
    CHECK(contents_of(target) == written);
  }
}

TEST_CASE("--dump writes onto nothing that is read, and over nothing that is no array") {
  const Workplace w;
  const std::string list = w.folder.write("list.txt", w.images[0] + "\n");
  const std::string target = "dump/one.scores.npy";
  fs::create_directory(w.path("dump"));
  for (const std::string& read : {w.classifier, w.images[0], list}) {
    const std::string before = contents_of(read);
    for (const bool hard : {false, true}) {
      fs::remove(w.path(target));
      if (hard) {
        fs::create_hard_link(read, w.path(target));
      } else {
        fs::create_symlink(read, w.path(target));
      }
      for (const bool force : {false, true}) {
        std::vector<std::string> arguments = {"run", w.classifier, read == list ? "-" : w.images[0],
                                              "--dump", w.path("dump")};
        append_force(arguments, force);
        const Outcome outcome = octet_tool(
            arguments,
            {.input = w.images[0] + "\n", .input_file = read == list ? list : std::string()});
        INFO(read << ": " << outcome.err);
        CHECK(outcome.code == 1);
        CHECK(contains(outcome.err, "this is the file that is read"));
        CHECK(contents_of(read) == before);
      }
    }
  }
  fs::remove(w.path(target));
  w.folder.write(target, "a user's notes");
  const std::vector<std::string> dump = {"run", w.classifier, w.images[0], "--dump",
                                         w.path("dump")};
  CHECK(octet_tool(dump).code == 1);
  CHECK(contents_of(w.path(target)) == "a user's notes");
  auto forced = dump;
  append_force(forced, true);
  CHECK(octet_tool(forced).code == 0);
  CHECK(contents_of(w.path(target)).starts_with("\x93NUMPY"));
  CHECK(octet_tool(dump).code == 0);
}

TEST_CASE("a picture out of a pipe is answered about, and marked") {
  const Workplace w;
  REQUIRE(mkfifo(w.path("pipe").c_str(), 0600) == 0);
  const std::string picture = contents_of(w.images[0]);
  // The pipe has room for the small picture. It ends when the writer closes it.
  std::thread writer([&] {
    const int end = open(w.path("pipe").c_str(), O_WRONLY);
    CHECK(write(end, picture.data(), picture.size()) == static_cast<ssize_t>(picture.size()));
    close(end);
  });
  const int keeper = open(w.path("pipe").c_str(), O_RDONLY);
  writer.join();
  const Outcome outcome =
      octet_tool({"run", w.classifier, w.path("pipe"), "--annotate", w.path("marked.png")});
  close(keeper);
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(contents_of(w.path("marked.png")).starts_with("\x89PNG"));
}

TEST_CASE("no command prints onto a file that it reads") {
  const Workplace w;
  fs::create_directory(w.path("photos"));
  fs::copy(w.images[0], w.path("photos/0_a.png"));
  const std::string image = w.path("photos/0_a.png");
  const std::string list = w.folder.write("list.txt", image + "\n");
  const std::string exported = w.path("classifier.safetensors");
  struct Case {
    std::vector<std::string> arguments;
    std::string read;
  };
  for (const auto& [arguments, read] :
       std::vector<Case>{{{"run", w.classifier, image}, image},
                         {{"run", w.classifier, image, "--json"}, w.classifier},
                         {{"run", w.classifier, "-"}, list},
                         {{"eval", w.classifier, w.path("photos")}, image},
                         {{"eval", w.classifier, w.path("photos")}, w.classifier},
                         {{"inspect", w.classifier}, w.classifier},
                         {{"bench", w.classifier, "--runs", "1"}, w.classifier},
                         {{"convert", exported, "-o", w.path("out.octet")}, exported}}) {
    const std::string before = contents_of(read);
    const Outcome outcome = octet_tool(
        arguments, {.input_file = read == list ? list : std::string(), .append_to = read});
    INFO(arguments[0] << " onto " << read << ": " << outcome.err);
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "standard output goes into it"));
    CHECK(contents_of(read) == before);
    // The message does not go into the file, either.
    const Outcome errors = octet_tool(
        arguments, {.input_file = read == list ? list : std::string(), .append_errors_to = read});
    CHECK(errors.code == 1);
    CHECK(contents_of(read) == before);
  }
}

TEST_CASE("the model and the scales of one conversion are two files") {
  const Workplace w;
  const std::string both = w.path("both");
  const Outcome outcome = octet_tool({"convert", w.path("classifier.safetensors"), "-o", both,
                                      "--save-scales", w.path("./both"), "--force"});
  INFO(outcome.err);
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, "both --output and --save-scales"));
  CHECK_FALSE(fs::exists(both));
}
