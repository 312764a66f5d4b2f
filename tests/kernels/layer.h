// A layer of any kind with everything that it reads, made by random choices. Every table can run
// it: in the tests, in the fuzzer, and in the test that bytes are the same everywhere.
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

/// Returns ranges that tile [0, items), in the order in which they are to run.
using Cut = std::function<std::vector<kernels::Range>(std::size_t items)>;

std::vector<kernels::Range> in_one(std::size_t items);
/// Two ranges, as for two threads. The second half runs first.
std::vector<kernels::Range> in_two(std::size_t items);
/// Ranges of lengths that `draw` chooses; it must outlive the result.
Cut in_some(Draw& draw);

/// The output of one of a table's kernels for a layer.
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
  /// Returns the output of each of the table's kernels that take the layer, with each cut.
  virtual std::vector<Output> run(const kernels::KernelTable& table,
                                  std::span<const Cut> cuts) const = 0;
};

/// A layer that calls one function of a table.
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

/// A layer of any kind, with at most about this many products or operations. A few shapes need
/// more.
std::unique_ptr<Layer> draw_layer(Draw& draw, int64_t most_products);
/// A convolution with what draw_ending gives it.
std::unique_ptr<Layer> draw_layer_with_ending(Draw& draw, int64_t most_products);

/// A convolution with what draw_channels gives it, and perhaps with what draw_ending does.
std::unique_ptr<Layer> draw_layer_with_channels(Draw& draw, int64_t most_products);

/// Returns the reference's output.
std::vector<std::byte> reference_output(const Layer& layer);

/// Runs the layer on every kernel of every table of this CPU, in one range and in two. Returns
/// whose bytes differ from `expected`, and where; nothing when none differ.
std::optional<std::string> find_difference(const Layer& layer, std::span<const std::byte> expected);

}  // namespace octet::test
