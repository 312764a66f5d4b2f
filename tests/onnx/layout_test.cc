// Channels-first graphs become channels-last ones. These tests count the transposes that are left.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

std::string nodes_of_file(const std::string& name) {
  auto graph =
      loaders::load(std::string(OCTET_SOURCE_DIR) + "/tests/onnx/models/" + name + ".onnx");
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return nodes_of(build(std::move(*graph), {.float_only = true}));
}

}  // namespace

TEST_CASE("ONNX: the author's transposes to channels first and back cancel") {
  CHECK(nodes_of_file("transposed_input") == "c:conv2d");
}

TEST_CASE("ONNX: a channel shuffle moves its bytes once") {
  CHECK(nodes_of_file("channel_shuffle") ==
        "r:reshape r.transpose:transpose y:reshape y.transpose:transpose");
}

TEST_CASE("ONNX: pooled features are flattened without moving") {
  CHECK(nodes_of_file("residual_block").find("transpose") == std::string::npos);
}

TEST_CASE("ONNX: a detection head's permute is the stored order, and moves nothing") {
  CHECK(nodes_of_file("split_silu_upsample_head").find("transpose") == std::string::npos);
}

TEST_CASE("ONNX: convolution, batch norm and relu become one node") {
  CHECK(nodes_of_file("conv_batch_norm_relu").starts_with("c:conv2d y.transpose"));
}

TEST_CASE("ONNX: a transposed convolution is one convolution of all phases") {
  CHECK(nodes_of_file("conv_transpose_2x2").starts_with("y:conv2d y.phases:reshape"));
}

TEST_CASE("ONNX: a batch norm and a relu after a transposed convolution become part of it") {
  CHECK(nodes_of_file("conv_transpose_batch_norm_relu")
            .starts_with("t:conv2d t.phases:reshape t.to_space:transpose t.image:reshape"));
}

TEST_CASE("ONNX: a quantized model converts to float as well") {
  for (const char* name : {"qdq_residual", "qlinear_residual_signed", "qdq_encoder_decoder"}) {
    INFO(name);
    CHECK(nodes_of_file(name).find("quantize") == std::string::npos);
  }
}

}  // namespace octet::test
