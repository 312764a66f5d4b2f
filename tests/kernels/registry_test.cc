#include <catch2/catch.hpp>
#include <string>

#include "kernels/kernels.h"

namespace octet::kernels {
namespace {

TEST_CASE("the reference comes first among the tables, and the best is the last") {
  const auto tables = available_tables();
  REQUIRE(!tables.empty());
  CHECK(tables.front()->isa == Isa::reference);
  CHECK(tables.back() == &best_table());
}

TEST_CASE("a table is found by its instruction set") {
  for (const KernelTable* table : available_tables()) {
    CHECK(find_table(table->isa) == table);
    CHECK(std::string(table->name) == isa_name(table->isa));
  }
}

TEST_CASE("instruction sets of another architecture have no table") {
  const bool x86 = find_table(Isa::avx2) != nullptr || find_table(Isa::avx512vnni) != nullptr;
  const bool arm = find_table(Isa::neon) != nullptr;
  CHECK(!(x86 && arm));
}

TEST_CASE("names of instruction sets are read back, and others are not") {
  for (const Isa isa : all_isas()) {
    Isa parsed = Isa::reference;
    CHECK(parse_isa(isa_name(isa), parsed));
    CHECK(parsed == isa);
  }
  Isa untouched = Isa::neon;
  CHECK(!parse_isa("AVX2", untouched));
  CHECK(!parse_isa("", untouched));
  CHECK(untouched == Isa::neon);
}

TEST_CASE("the last convolution of every table takes every layer") {
  const ConvParams params = {.geometry = {.input_h = 9,
                                          .input_w = 9,
                                          .input_channels = 6,
                                          .output_h = 1,
                                          .output_w = 2,
                                          .output_channels = 9,
                                          .groups = 3,
                                          .window = {.kernel_h = 3,
                                                     .kernel_w = 2,
                                                     .stride_h = 3,
                                                     .stride_w = 4,
                                                     .dilation_h = 4,
                                                     .dilation_w = 3,
                                                     .pad_bottom = 1}},
                             .weights = {}};
  for (const KernelTable* table : available_tables()) {
    CHECK(table->convolutions.back()->supports(params));
  }
}

}  // namespace
}  // namespace octet::kernels
