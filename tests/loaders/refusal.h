// Float exports that the loader has to accept, or to refuse with a message that says where and why.
#pragma once

#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/loaders/check_refusal.h"
#include "tests/loaders/sample_exports.h"

namespace octet::test {

using nlohmann::json;

inline Expected<graph::Graph> load(const std::string& file) {
  const TemporaryFolder folder;
  return loaders::load(folder.write("model.safetensors", file));
}

/// Checks that the file is refused: see check_refusal.
inline void check_refused(const std::string& file, const std::vector<std::string>& parts) {
  check_refusal(load(file), "model.safetensors", parts);
}

inline void check_accepted(const std::string& file) {
  const auto graph = load(file);
  INFO((graph ? "" : graph.error().message));
  CHECK(graph);
}

// Checks that the classifier with one change is refused. The message contains the parts.
template <class Change>
void check_graph_refused(const Change& change, const std::vector<std::string>& parts) {
  SampleExport sample = sample_classifier();
  change(sample.graph);
  check_refused(sample.file(), parts);
}

// Does the same with a change to one node. Node 0 is 'features.conv', node 3 is 'head'.
template <class Change>
void check_node_refused(int index, const Change& change, const std::vector<std::string>& parts) {
  check_graph_refused([&](json& graph) { change(graph["nodes"][static_cast<std::size_t>(index)]); },
                      parts);
}

template <class Change>
void check_header_refused(const Change& change, const std::vector<std::string>& parts) {
  const SampleExport sample = sample_classifier();
  json header = header_of(sample.graph, sample.tensors);
  change(header);
  check_refused(safetensors(header, sample.tensors), parts);
}

}  // namespace octet::test
