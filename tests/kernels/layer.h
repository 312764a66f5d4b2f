// A layer of any kind with everything that it reads, made by random choices, which every table can
// run: for the tests, for the fuzzer, and for the layers whose bytes are the same everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "tests/kernels/draw.h"

namespace octet::test {

/// -> ranges that tile [0, items), in the order in which they are to run.
using Cut = std::function<std::vector<kernels::Range>(std::size_t items)>;

std::vector<kernels::Range> in_one(std::size_t items);
/// As two threads share items out; the second half runs first.
std::vector<kernels::Range> in_two(std::size_t items);
/// Ranges as long as `draw`, which must outlive this, makes them.
Cut in_some(Draw& draw);

/// What one of a table's kernels made of a layer.
struct Output {
  const char* kernel;
  std::size_t cut;  ///< Index of the Cut.
  std::vector<std::byte> bytes;
};

class Layer {
 public:
  virtual ~Layer() = default;
  /// Kind, shape and parameters.
  virtual std::string describe() const = 0;
  /// -> what each of the table's kernels that take the layer makes of it, with each cut
  virtual std::vector<Output> run(const kernels::KernelTable& table,
                                  std::span<const Cut> cuts) const = 0;
};

/// A layer that is one function of a table.
class CallLayer final : public Layer {
 public:
  struct Parts {
    std::string description;
    std::size_t items = 0;
    std::size_t output_bytes = 0;
    std::size_t output_alignment = 1;
    std::function<void(const kernels::KernelTable& table, kernels::Range items, std::byte* output)>
        call;
  };
  explicit CallLayer(Parts parts) : parts_(std::move(parts)) {}

  std::string describe() const override { return parts_.description; }
  std::vector<Output> run(const kernels::KernelTable& table,
                          std::span<const Cut> cuts) const override;

 private:
  Parts parts_;
};

/// A layer of any kind, with at most about so many products or operations: a few shapes need more.
std::unique_ptr<Layer> draw_layer(Draw& draw, int64_t most_products);

/// -> the reference's output
std::vector<std::byte> reference_output(const Layer& layer);

/// Runs the layer on every kernel of every table of this CPU, in one range and in two.
/// -> which one's bytes differ from `expected`, and where; nothing when none do
std::optional<std::string> find_difference(const Layer& layer, std::span<const std::byte> expected);

}  // namespace octet::test
