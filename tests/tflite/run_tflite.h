// Runs small TFLite models through the loader and the engine, beside the evaluation in double.
#pragma once

#include "tests/graph/run_graph.h"
#include "tests/tflite/evaluator.h"
#include "tests/tflite/tflite_maker.h"

namespace octet::test {

/// Returns the graph that the loader makes. REQUIREs that it succeeds.
Graph load_tflite_graph(const std::string& file);

/// Checks the outputs in float: they are those of the evaluation, within 1e-5 of the largest.
void check_float(const TfliteMaker& maker, float tolerance = 1e-5f);

/// Checks the outputs in int8, on random bytes: no byte differs by more than one from the
/// evaluation. With `all_int8`, nothing may run in float.
void check_int8(const TfliteMaker& maker, bool all_int8 = true);

/// Checks output 0 and its shape in float, for an input with the values 0, 1, 2, ...
void check_values(const TfliteMaker& maker, const Shape& shape, const Values& expected);

}  // namespace octet::test
