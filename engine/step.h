// A step that is ready to run: pointers are fixed, parameters computed, weights packed.
#pragma once

#include <memory>

#include "engine/model_data.h"
#include "engine/threads.h"
#include "kernels/kernels.h"

namespace octet {

/// Memory that is aligned to 64 bytes. If it cannot be allocated, that is an error, not an
/// exception. For large buffers, the system is asked for large pages, because kernels walk through
/// all of it.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  static Expected<AlignedBuffer> allocate(std::size_t size);
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* pointer) const;
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// Scratch memory. A step may write to it while it runs; other steps use it before and after. Each
/// thread has `bytes_a_thread` of it.
struct Scratch {
  std::byte* data = nullptr;
  std::size_t bytes_a_thread = 0;

  std::byte* of_thread(std::size_t thread) const { return data + thread * bytes_a_thread; }
};

class Step {
 public:
  virtual ~Step() = default;
  /// The bytes of scratch memory that the step needs for each thread.
  virtual std::size_t scratch_bytes() const { return 0; }
  /// Gives the step its scratch memory. Called once, before the first run.
  virtual void set_scratch(const Scratch&) {}
  /// The size of the step's weights in the packed form that its kernel reads; 0 if it has none.
  virtual std::size_t packed_bytes() const { return 0; }
  /// Writes the packed weights. They depend on the model and on the kernel table only.
  virtual void pack(std::byte*) const {}
  /// Tells the step where its packed weights are. Called once, before the first run.
  virtual void set_packed_weights(const std::byte*) {}
  /// Tells the step where the weights of the next step are, so that it can fetch them. Null for the
  /// last. Called once, before the first run.
  virtual void set_next_weights(const std::byte*) {}
  /// Runs the step. Allocates nothing.
  virtual Expected<void> run() = 0;
};

/// What is needed to make a step. All of it has to outlive the step.
struct StepContext {
  const Model::Data& model;
  const kernels::KernelTable& table;
  const ThreadPool& pool;
  /// For each tensor: the memory of its values in the arena; null if it has none there.
  std::span<std::byte* const> activations;
  bool exact = true;  ///< From SessionOptions.

  const TensorRecord& tensor(int32_t id) const { return model.tensor(id); }
  template <class T>
  const T* read(int32_t id) const {
    return tensor(id).is_constant
               ? tensor(id).values<T>()
               : reinterpret_cast<const T*>(activations[static_cast<std::size_t>(id)]);
  }
  template <class T>
  T* write(int32_t id) const {
    return reinterpret_cast<T*>(activations[static_cast<std::size_t>(id)]);
  }
};

/// Returns the values of operand `id` in memory that kernels may read beyond the end of
/// (kernels::overread bytes). A constant lies in the model file, which may end there, so it is
/// copied to `copy`.
Expected<const uint8_t*> readable_operand(const StepContext& context, int32_t id,
                                          AlignedBuffer& copy);

using StepResult = Expected<std::unique_ptr<Step>>;

StepResult make_conv_step(const StepContext& context, const NodeRecord& node);  // conv2d, linear
StepResult make_pool_step(const StepContext& context,
                          const NodeRecord& node);  // max_pool, average_pool
StepResult make_binary_step(const StepContext& context, const NodeRecord& node);  // add, sub, mul
StepResult make_quantize_step(const StepContext& context, const NodeRecord& node);
StepResult make_dequantize_step(const StepContext& context, const NodeRecord& node);
StepResult make_requantize_step(const StepContext& context, const NodeRecord& node);
StepResult make_lookup_step(const StepContext& context, const NodeRecord& node);
/// softmax, argmax, top_k
StepResult make_row_step(const StepContext& context, const NodeRecord& node);
StepResult make_movement_step(const StepContext& context, const NodeRecord& node);  // movement.h
/// For add, sub, mul, div, floor_div of s32, and for cast.
StepResult make_whole_number_step(const StepContext& context, const NodeRecord& node);
StepResult make_gather_step(const StepContext& context, const NodeRecord& node);  // gather_nd
StepResult make_island_step(const StepContext& context, const StepRecord& step);

/// Makes the step of any node or island.
StepResult make_step(const StepContext& context, const StepRecord& step);

/// The error of a step that cannot go on: the file, the node, then `what`.
tl::unexpected<Error> run_error(const Model::Data& model, const NodeRecord& node, const char* what);

/// The parameters with which the quantize kernels make this u8 tensor, which has one scale.
kernels::QuantizeParams quantize_params(const TensorInfo& tensor);

/// How a quantize node makes bytes: with one scale, or with a scale and a mean for each channel.
class Quantizer {
 public:
  Quantizer(const TensorRecord& result, const QuantizeAttributes& attributes);

  /// Whole pixels: [pixels][channels].
  void run(const kernels::KernelTable& table, const float* from, uint8_t* to,
           std::size_t count) const;
  /// Channels, or 0 for one scale. A run may begin with any pixel.
  std::size_t channels() const { return channels_; }
  /// Of a channel: the inverse of its scale, and its mean or, with one scale, the zero point.
  float inverse(std::size_t channel) const {
    return channels_ == 0 ? params_.inverse_scale : inverse_[channel];
  }
  float mean(std::size_t channel) const {
    return channels_ == 0 ? static_cast<float>(params_.zero_point) : mean_[channel];
  }

 private:
  kernels::QuantizeParams params_;
  std::size_t channels_ = 0;
  // Repeated for some pixels, so that a loop over them has a vector's length.
  std::vector<float> inverse_;
  std::vector<float> mean_;
};

/// A real bound in the output's quantized units, rounded as `quantize` does. Infinite bounds become
/// 0 and 255.
uint8_t quantized_bound(float bound, const TensorInfo& output);

}  // namespace octet
