// The kernels that fill a table, declared once for every set of them.
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/kernels.h"

namespace octet::kernels {

/// The type of the function that a member of KernelTable points to.
template <auto member>
using Signature =
    std::remove_pointer_t<std::remove_reference_t<decltype(std::declval<KernelTable&>().*member)>>;

/// The plain loops of kernels/reference, which say what is right. This set has every function.
struct Reference;

/// The functions of a set: `Reference`, or a vector width (kernels/vector/leaves.cc), which has
/// only those that make_table takes from it. Parameters, shapes and results: kernels/kernels.h.
template <class Set>
struct KernelSet {
  static Signature<&KernelTable::max_pool> max_pool;
  static Signature<&KernelTable::average_pool> average_pool;
  static Signature<&KernelTable::add> add;
  static Signature<&KernelTable::mul> mul;
  static Signature<&KernelTable::quantize> quantize;
  static Signature<&KernelTable::dequantize> dequantize;
  static Signature<&KernelTable::requantize> requantize;
  static Signature<&KernelTable::lookup> lookup;
  static Signature<&KernelTable::lookup_channels> lookup_channels;
  static Signature<&KernelTable::affine_channels> affine_channels;
  static Signature<&KernelTable::softmax> softmax;
  static Signature<&KernelTable::softmax_float> softmax_float;
  static Signature<&KernelTable::function_float> function_float;
  static Signature<&KernelTable::argmax_u8> argmax_u8;
  static Signature<&KernelTable::argmax_float> argmax_float;
  static Signature<&KernelTable::copy> copy;
};

/// The table of an instruction set that has its own convolutions, and vectors of `Width`.
template <class Width>
consteval KernelTable make_table(Isa isa, std::span<const ConvKernel* const> convolutions,
                                 std::size_t (*peak)(std::size_t rounds)) {
  using Leaves = KernelSet<Width>;
  using Plain = KernelSet<Reference>;
  return {.isa = isa,
          .name = isa_name(isa),
          .convolutions = convolutions,
          .peak = peak,
          .max_pool = Leaves::max_pool,
          .average_pool = Leaves::average_pool,
          .add = Leaves::add,
          .mul = Leaves::mul,
          .quantize = Leaves::quantize,
          .dequantize = Leaves::dequantize,
          .requantize = Leaves::requantize,
          .lookup = Leaves::lookup,
          .lookup_channels = Plain::lookup_channels,
          .affine_channels = Leaves::affine_channels,
          .softmax = Plain::softmax,
          .softmax_float = Leaves::softmax_float,
          .function_float = Leaves::function_float,
          .argmax_u8 = Plain::argmax_u8,
          .argmax_float = Plain::argmax_float,
          .copy = Plain::copy};
}

}  // namespace octet::kernels
