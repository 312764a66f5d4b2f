// Mean and covariance of what the filters of a layer read, from the bytes of its inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/threads.h"
#include "graph/graph.h"

namespace octet::graph {

/// The windows of an int8 layer: what each filter reads for one output position. The rows of a
/// linear layer are the pixels of an image of one row.
struct LayerWindows {
  Window window;
  int32_t batch = 1;
  int32_t height = 1;  ///< Of the input, as the next two.
  int32_t width = 1;
  int32_t channels = 1;
  int32_t output_h = 1;
  int32_t output_w = 1;
  int32_t groups = 1;
  std::vector<int32_t> zero_points = {};  ///< Of the input's bytes: one for each channel.

  std::size_t positions() const {
    return static_cast<std::size_t>(batch) * static_cast<std::size_t>(output_h) *
           static_cast<std::size_t>(output_w);
  }
  /// Values in a window of one group: a filter's weights.
  std::size_t values() const {
    return static_cast<std::size_t>(window.kernel_h) * static_cast<std::size_t>(window.kernel_w) *
           static_cast<std::size_t>(channels / groups);
  }
};

/// The windows of an int8 layer.
LayerWindows windows_of(const Graph& graph, const Node& node);

/// Mean and covariance of the values of a window, in steps of the input's scale, without its zero
/// point. The values are in the order of a filter's weights: row, column, channel.
struct Moments {
  std::vector<double> mean;        ///< [values]
  std::vector<double> covariance;  ///< [values][values], symmetric
};

/// Sums over the windows of many inputs. They are sums of whole numbers, so that they are the same
/// on every machine and with any number of threads.
class InputMoments {
 public:
  /// `inputs` is about how many will be observed: so many windows are taken of each as suffice
  /// together.
  InputMoments(const LayerWindows& windows, std::size_t inputs);

  /// Takes windows of one input, spread evenly over its positions.
  void observe(std::span<const uint8_t> bytes, const ThreadPool& pool);

  std::size_t groups() const { return static_cast<std::size_t>(windows_.groups); }

  /// The moments of a group's windows.
  ///
  /// Covariances of few inputs are partly chance, and weights that were fitted to chance are worse
  /// on other inputs. So covariances between values are made smaller by the share that is chance:
  /// Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance
  /// matrices", with the variances as the target, and inputs, not windows, as the samples (windows
  /// of one input are alike). Something remains of all variances, so that the matrix is positive
  /// definite.
  Moments moments(std::size_t group) const;

  /// Bytes of memory that a layer's sums take.
  static std::size_t memory(const LayerWindows& windows);

 private:
  /// What one thread works on: windows of a group as [values][row_size], less the centres.
  void gather(std::span<const uint8_t> bytes, std::size_t group, std::vector<int16_t>& rows) const;
  void add_products(std::size_t group, const std::vector<int16_t>& rows, std::size_t first,
                    std::size_t end);
  void choose_positions();
  void choose_centres(std::span<const uint8_t> bytes);

  LayerWindows windows_;
  std::size_t values_ = 0;
  std::size_t at_once_ = 0;   ///< Windows of an input.
  std::size_t row_size_ = 0;  ///< at_once_, rounded up.
  std::size_t inputs_ = 0;
  std::vector<std::size_t> positions_;  ///< Those that are taken of the current input.
  /// Near the mean of each channel, so that products stay small. Exactness does not depend on them.
  std::vector<int32_t> centres_;
  std::vector<double> sums_;      ///< [groups][values]
  std::vector<double> products_;  ///< [groups][values][values], the lower triangles
  /// Over inputs: squares of the input's products, summed over each row below the diagonal.
  std::vector<double> squares_;  ///< [groups][values]
};

}  // namespace octet::graph
