// Small TFLite models through the loader and the engine, beside the evaluation in double.
#pragma once

#include "tests/graph/run_graph.h"
#include "tests/tflite/evaluator.h"
#include "tests/tflite/tflite_maker.h"

namespace octet::test {

/// The graph that the loader makes; REQUIREs that it does.
Graph load_tflite_graph(const std::string& file);

/// In float: outputs are the evaluation's, within 1e-5 of the largest.
void check_float(const TfliteMaker& maker, float tolerance = 1e-5f);

/// In int8, on random bytes: no output's byte is more than one away from the evaluation's. With
/// `all_int8` nothing may run in float.
void check_int8(const TfliteMaker& maker, bool all_int8 = true);

/// In float, on the values 0, 1, 2, ... of the input: output 0 and its shape.
void check_values(const TfliteMaker& maker, const Shape& shape, const Values& expected);

}  // namespace octet::test
