#include "graph/rounding/input_moments.h"

#include <algorithm>
#include <cmath>

namespace octet::graph {
namespace {

// Windows of all inputs together: enough for a covariance of so many values, and for each entry.
constexpr std::size_t windows_for_each_value = 4;
constexpr std::size_t least_windows = 8192;
// So many products of two bytes' differences fit 32 bits.
constexpr std::size_t most_at_once = 32768;
// Rows are filled up to whole vectors.
constexpr std::size_t vector_values = 16;
constexpr std::size_t columns_at_once = 4;
// Of the mean variance, what is added to each.
constexpr double added_variance = 0.01;

// The products of one row with others. The compiler makes multiply-adds of pairs of it.
void multiply_rows(const int16_t* __restrict a, const int16_t* __restrict b, std::size_t size,
                   int32_t* __restrict sums) {
  const int16_t* b1 = b + size;
  const int16_t* b2 = b1 + size;
  const int16_t* b3 = b2 + size;
  int32_t s0 = 0;
  int32_t s1 = 0;
  int32_t s2 = 0;
  int32_t s3 = 0;
  for (std::size_t i = 0; i < size; ++i) {
    s0 += int32_t{a[i]} * int32_t{b[i]};
    s1 += int32_t{a[i]} * int32_t{b1[i]};
    s2 += int32_t{a[i]} * int32_t{b2[i]};
    s3 += int32_t{a[i]} * int32_t{b3[i]};
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

LayerWindows windows_of(const Graph& graph, const Node& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Tensor& input = graph.tensor(node.inputs[0]);
  LayerWindows out{.window = a.window, .groups = a.groups};
  const auto channels = static_cast<std::size_t>(input.shape.back());
  out.zero_points = input.channel_zero_points.empty()
                        ? std::vector<int32_t>(channels, input.quantization->zero_point)
                        : input.channel_zero_points;
  if (node.op == Op::linear) {
    out.channels = input.shape.back();
    out.width = static_cast<int32_t>(element_count(input.shape) / out.channels);
    out.output_w = out.width;
    out.window = {};
    out.groups = 1;
    return out;
  }
  const Shape& result = graph.tensor(node.output()).shape;
  out.batch = input.shape[0];
  out.height = input.shape[1];
  out.width = input.shape[2];
  out.channels = input.shape[3];
  out.output_h = result[1];
  out.output_w = result[2];
  return out;
}

InputMoments::InputMoments(const LayerWindows& windows, std::size_t inputs)
    : windows_(windows), values_(windows.values()) {
  const std::size_t wanted = std::max(least_windows, windows_for_each_value * values_);
  at_once_ =
      std::min({windows.positions(), wanted / std::max(inputs, std::size_t{1}) + 1, most_at_once});
  row_size_ = round_up(at_once_, vector_values);
  sums_.assign(groups() * values_, 0);
  squares_.assign(groups() * values_, 0);
  products_.assign(groups() * values_ * values_, 0);
}

std::size_t InputMoments::memory(const LayerWindows& windows) {
  const std::size_t values = windows.values();
  return static_cast<std::size_t>(windows.groups) * values * (values + 2) * sizeof(double);
}

void InputMoments::choose_positions() {
  // A shift from input to input, so that all positions are seen in time.
  constexpr double golden_ratio = 0.6180339887498949;
  const double shift = std::fmod(static_cast<double>(inputs_) * golden_ratio, 1.0);
  const double stride = static_cast<double>(windows_.positions()) / static_cast<double>(at_once_);
  positions_.clear();
  for (std::size_t i = 0; i < at_once_; ++i) {
    const auto position = static_cast<std::size_t>((static_cast<double>(i) + shift) * stride);
    positions_.push_back(std::min(position, windows_.positions() - 1));
  }
}

void InputMoments::choose_centres(std::span<const uint8_t> bytes) {
  const auto channels = static_cast<std::size_t>(windows_.channels);
  std::vector<int64_t> sums(channels, 0);
  for (std::size_t i = 0; i < bytes.size(); i += channels) {
    for (std::size_t c = 0; c < channels; ++c) sums[c] += bytes[i + c];
  }
  const auto pixels = static_cast<int64_t>(bytes.size() / channels);
  for (const int64_t sum : sums) centres_.push_back(static_cast<int32_t>(sum / pixels));
}

void InputMoments::gather(std::span<const uint8_t> bytes, std::size_t group,
                          std::vector<int16_t>& rows) const {
  const Window& w = windows_.window;
  const auto channels = static_cast<std::size_t>(windows_.channels);
  const std::size_t in_group = channels / groups();
  const std::size_t first = group * in_group;
  const auto width = static_cast<std::size_t>(windows_.output_w);
  const auto height = static_cast<std::size_t>(windows_.output_h);
  rows.assign(values_ * row_size_, 0);
  for (std::size_t i = 0; i < at_once_; ++i) {
    const std::size_t position = positions_[i];
    const auto image = static_cast<int32_t>(position / (width * height));
    const auto y = static_cast<int32_t>(position / width % height);
    const auto x = static_cast<int32_t>(position % width);
    int16_t* out = rows.data() + i;
    for (int32_t ky = 0; ky < w.kernel_h; ++ky) {
      const int32_t row = y * w.stride_h - w.pad_top + ky * w.dilation_h;
      for (int32_t kx = 0; kx < w.kernel_w; ++kx) {
        const int32_t column = x * w.stride_w - w.pad_left + kx * w.dilation_w;
        const bool inside =
            row >= 0 && row < windows_.height && column >= 0 && column < windows_.width;
        const auto pixel = static_cast<std::size_t>(
            (static_cast<int64_t>(image) * windows_.height + row) * windows_.width + column);
        const uint8_t* in = inside ? bytes.data() + pixel * channels + first : nullptr;
        for (std::size_t c = 0; c < in_group; ++c) {
          const int32_t byte = inside ? in[c] : windows_.zero_points[first + c];
          *out = static_cast<int16_t>(byte - centres_[first + c]);
          out += row_size_;
        }
      }
    }
  }
}

void InputMoments::add_products(std::size_t group, const std::vector<int16_t>& rows,
                                std::size_t first, std::size_t end) {
  const double windows = static_cast<double>(at_once_);
  for (std::size_t i = first; i < end; ++i) {
    const int16_t* row = rows.data() + i * row_size_;
    double sum = 0;
    for (std::size_t p = 0; p < at_once_; ++p) sum += row[p];
    sums_[group * values_ + i] += sum;
    double* products = products_.data() + (group * values_ + i) * values_;
    double squares = 0;
    for (std::size_t j = 0; j <= i; j += columns_at_once) {
      // The last columns may begin earlier, so that there are four.
      const std::size_t begin =
          values_ < columns_at_once ? 0 : std::min(j, values_ - columns_at_once);
      int32_t sums[columns_at_once] = {};
      if (values_ < columns_at_once) {
        for (std::size_t k = 0; k < values_; ++k) {
          for (std::size_t p = 0; p < at_once_; ++p)
            sums[k] += int32_t{row[p]} * int32_t{rows[k * row_size_ + p]};
        }
      } else {
        multiply_rows(row, rows.data() + begin * row_size_, row_size_, sums);
      }
      for (std::size_t k = j; k <= i && k < begin + columns_at_once; ++k) {
        const double product = sums[k - begin];
        products[k] += product;
        if (k < i) squares += (product / windows) * (product / windows);
      }
    }
    squares_[group * values_ + i] += squares;
  }
}

void InputMoments::observe(std::span<const uint8_t> bytes, const ThreadPool& pool) {
  if (inputs_ == 0) choose_centres(bytes);
  choose_positions();
  ++inputs_;
  constexpr double product_ns = 0.1;
  const double cost = product_ns * static_cast<double>(groups() * values_ * values_ * at_once_);
  if (groups() == 1) {
    std::vector<int16_t> rows;
    gather(bytes, 0, rows);
    pool.share_out(values_, cost, [&](kernels::Range range, std::size_t) {
      add_products(0, rows, range.begin, range.end);
    });
    return;
  }
  pool.share_out(groups(), cost, [&](kernels::Range range, std::size_t) {
    std::vector<int16_t> rows;
    for (std::size_t group = range.begin; group < range.end; ++group) {
      gather(bytes, group, rows);
      add_products(group, rows, 0, values_);
    }
  });
}

Moments InputMoments::moments(std::size_t group) const {
  const auto windows = static_cast<double>(inputs_ * at_once_);
  const auto inputs = static_cast<double>(inputs_);
  const std::size_t in_group = static_cast<std::size_t>(windows_.channels) / groups();
  const double* sums = sums_.data() + group * values_;
  const double* products = products_.data() + group * values_ * values_;
  Moments out{.mean = std::vector<double>(values_),
              .covariance = std::vector<double>(values_ * values_)};
  double variances = 0;
  double between = 0;  // squares of the covariances
  double squares = 0;  // of the means of products, over inputs
  double of_means = 0;
  for (std::size_t i = 0; i < values_; ++i) {
    const std::size_t channel = group * in_group + i % in_group;
    out.mean[i] = sums[i] / windows + centres_[channel] - windows_.zero_points[channel];
    squares += squares_[group * values_ + i];
    for (std::size_t j = 0; j <= i; ++j) {
      const double mean = products[i * values_ + j] / windows;
      const double covariance = mean - (sums[i] / windows) * (sums[j] / windows);
      out.covariance[i * values_ + j] = covariance;
      if (j == i) {
        variances += covariance;
      } else {
        between += covariance * covariance;
        of_means += mean * mean;
      }
    }
  }
  const double by_chance =
      inputs_ > 1 ? (squares - inputs * of_means) / (inputs * (inputs - 1)) : between;
  const double kept = between > 0 ? std::clamp(1 - by_chance / between, 0.0, 1.0) : 0.0;
  const double added = added_variance * variances / static_cast<double>(values_);
  for (std::size_t i = 0; i < values_; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double covariance = kept * out.covariance[i * values_ + j];
      out.covariance[i * values_ + j] = covariance;
      out.covariance[j * values_ + i] = covariance;
    }
    // A value that never changes has any variance: what its weight multiplies goes into the bias.
    out.covariance[i * values_ + i] += added > 0 ? added : 1;
  }
  return out;
}

}  // namespace octet::graph
