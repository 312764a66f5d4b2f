// The result of octet for an ONNX file: answers or a refusal.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/onnx/onnx_maker.h"

namespace octet::test {

/// Writes the model as "model.onnx" and reads it.
Expected<graph::Graph> load(const OnnxMaker& model, const loaders::LoadOptions& options = {});

void check_loads(const OnnxMaker& model, const loaders::LoadOptions& options = {});

/// Checks that the model is refused with a message that names the file and contains all of `parts`.
void check_refused(const OnnxMaker& model, const std::vector<std::string>& parts,
                   const loaders::LoadOptions& options = {});

/// Returns the first output for inputs in octet's order of axes.
Values answer(const OnnxMaker& model, const std::vector<Values>& inputs,
              const graph::BuildOptions& options = {});

}  // namespace octet::test
