// The C API: its results for NULL, and that it agrees with the C++ API otherwise.
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <string>

#include "octet/octet.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/float_export_maker.h"

namespace octet::test {
namespace {

std::vector<std::byte> small_file() {
  GraphMaker m;
  const auto x = m.input({1, 5, 4, 3}, Quantization{0.017F, 119});
  Graph graph = m.finish({m.conv("conv", x, {.kernel = 3})});
  calibrate(graph);
  graph.labels = {"one", "two"};
  graph.preprocess = Preprocess{.height = 5, .width = 4, .mean = {1, 2, 3}, .std = {50, 51, 52}};
  const auto bytes = graph::build_model(graph, {});
  REQUIRE(bytes);
  return *bytes;
}

struct Handles {
  Handles() {
    const auto bytes = small_file();
    model = octet_model_from_memory(bytes.data(), bytes.size());
    REQUIRE(model != nullptr);
    session = octet_session_create(model, 1);
    REQUIRE(session != nullptr);
  }
  ~Handles() {
    octet_session_free(session);
    octet_model_free(model);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  octet_model* model = nullptr;
  octet_session* session = nullptr;
};

/// Leaves a message that no call on NULL gives.
void forget_error() {
  REQUIRE(octet_model_load("no such file") == nullptr);
  REQUIRE(std::string(octet_last_error()).find("no such file") != std::string::npos);
}

TEST_CASE("every function of the C API says which pointer is NULL") {
  const Handles handles;
  octet_model* const model = handles.model;
  octet_session* const session = handles.session;
  octet_tensor_info info;
  const float value = 0;
  const uint8_t pixel = 0;
  struct Call {
    const char* function;
    const char* parameter;
    std::function<bool()> fails;
  };
  const std::vector<Call> calls = {
      {"octet_model_load", "path", [] { return octet_model_load(nullptr) == nullptr; }},
      {"octet_model_load_verified", "path",
       [] { return octet_model_load_verified(nullptr) == nullptr; }},
      {"octet_model_from_memory", "bytes",
       [] { return octet_model_from_memory(nullptr, 100) == nullptr; }},
      {"octet_model_from_memory", "bytes",
       [] { return octet_model_from_memory(nullptr, 0) == nullptr; }},
      {"octet_model_input_count", "model", [] { return octet_model_input_count(nullptr) == 0; }},
      {"octet_model_output_count", "model", [] { return octet_model_output_count(nullptr) == 0; }},
      {"octet_model_input_info", "model",
       [&] { return octet_model_input_info(nullptr, 0, &info) == octet_failed; }},
      {"octet_model_input_info", "info",
       [&] { return octet_model_input_info(model, 0, nullptr) == octet_failed; }},
      {"octet_model_output_info", "model",
       [&] { return octet_model_output_info(nullptr, 0, &info) == octet_failed; }},
      {"octet_model_output_info", "info",
       [&] { return octet_model_output_info(model, 0, nullptr) == octet_failed; }},
      {"octet_model_label_count", "model", [] { return octet_model_label_count(nullptr) == 0; }},
      {"octet_model_label", "model", [] { return octet_model_label(nullptr, 0) == nullptr; }},
      {"octet_session_create", "model", [] { return octet_session_create(nullptr, 1) == nullptr; }},
      {"octet_session_set_input", "session",
       [&] { return octet_session_set_input(nullptr, 0, &value, 1) == octet_failed; }},
      {"octet_session_set_input", "values",
       [&] { return octet_session_set_input(session, 0, nullptr, 60) == octet_failed; }},
      {"octet_session_set_pixels", "session",
       [&] { return octet_session_set_pixels(nullptr, 0, &pixel, 1) == octet_failed; }},
      {"octet_session_set_pixels", "pixels",
       [&] { return octet_session_set_pixels(session, 0, nullptr, 60) == octet_failed; }},
      {"octet_session_run", "session", [] { return octet_session_run(nullptr) == octet_failed; }},
      {"octet_session_output", "session",
       [] {
         std::size_t size = 17;
         return octet_session_output(nullptr, 0, &size) == nullptr && size == 0;
       }},
      {"octet_session_isa", "session", [] { return octet_session_isa(nullptr) == nullptr; }},
  };
  for (const Call& call : calls) {
    INFO(call.function << ", " << call.parameter);
    forget_error();
    CHECK(call.fails());
    const std::string error = octet_last_error();
    CHECK(error == std::string(call.function) + ": '" + call.parameter + "' is NULL");
  }
}

TEST_CASE("the C API takes NULL where there is nothing to give back, and for a size") {
  octet_model_free(nullptr);
  octet_session_free(nullptr);
  const Handles handles;
  const std::vector<float> values(60, 0.5F);
  REQUIRE(octet_session_set_input(handles.session, 0, values.data(), values.size()) == octet_ok);
  REQUIRE(octet_session_run(handles.session) == octet_ok);
  CHECK(octet_session_output(handles.session, 0, nullptr) != nullptr);
}

TEST_CASE("the C API says what there is not") {
  const Handles handles;
  octet_tensor_info info;
  forget_error();
  CHECK(octet_model_input_info(handles.model, 1, &info) == octet_failed);
  CHECK(std::string(octet_last_error()) == "there is no tensor 1");
  CHECK(octet_model_label(handles.model, 2) == nullptr);
  CHECK(std::string(octet_last_error()) == "there is no label 2");
  CHECK(octet_session_output(handles.session, 3, nullptr) == nullptr);
  CHECK(std::string(octet_last_error()) == "there is no output 3");
  CHECK(octet_session_create(handles.model, 2000) == nullptr);
  CHECK(std::string(octet_last_error()).find("2000") != std::string::npos);
  CHECK(std::string(octet_model_label(handles.model, 1)) == "two");
}

TEST_CASE("the C API loads a file and verifies it where it is asked to") {
  const TemporaryFolder folder;
  const auto bytes = small_file();
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string good = folder.write("good.octet", text);
  // Changes a letter of a label. The file still loads.
  const auto at = text.find("two");
  REQUIRE(at != std::string::npos);
  text[at] = 'T';
  const std::string changed = folder.write("changed.octet", text);
  for (const auto load : {octet_model_load, octet_model_load_verified}) {
    octet_model* model = load(good.c_str());
    CHECK(model != nullptr);
    octet_model_free(model);
  }
  octet_model* unverified = octet_model_load(changed.c_str());
  REQUIRE(unverified != nullptr);
  CHECK(std::string(octet_model_label(unverified, 1)) == "Two");
  octet_model_free(unverified);
  CHECK(octet_model_load_verified(changed.c_str()) == nullptr);
  CHECK(std::string(octet_last_error()).find("checksum") != std::string::npos);
}

}  // namespace
}  // namespace octet::test
