// A step made ready to run: pointers fixed, parameters computed, weights packed.
#pragma once

#include <memory>

#include "engine/model_data.h"
#include "engine/threads.h"
#include "kernels/kernels.h"

namespace octet {

/// 64-byte aligned memory whose failure to be had is an error, not an exception. Where it is large,
/// the system is asked for large pages: kernels walk through all of it.
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

/// Memory that a step may write to while it runs and that others use before and after: each thread
/// has `bytes_a_thread` of it.
struct Scratch {
  std::byte* data = nullptr;
  std::size_t bytes_a_thread = 0;

  std::byte* of_thread(std::size_t thread) const { return data + thread * bytes_a_thread; }
};

class Step {
 public:
  virtual ~Step() = default;
  /// The least Scratch::bytes_a_thread that it can run with.
  virtual std::size_t scratch_bytes() const { return 0; }
  /// Called once, before the first run.
  virtual void set_scratch(const Scratch&) {}
  /// Size of its weights in the form that its kernel reads; 0 where it has none.
  virtual std::size_t packed_bytes() const { return 0; }
  /// Writes them; they depend on nothing but the model and the table.
  virtual void pack(std::byte*) const {}
  /// Where they are. Called once, before the first run.
  virtual void set_packed_weights(const std::byte*) {}
  /// The weights that are read next, after this step's own. Called once, before the first run.
  virtual void set_next_weights(const std::byte*) {}
  /// Allocates nothing.
  virtual Expected<void> run() = 0;
};

/// What steps are made with. All of it outlives them.
struct StepContext {
  const Model::Data& model;
  const kernels::KernelTable& table;
  const ThreadPool& pool;
  /// By tensor: where its values are in the arena, or in the file.
  std::span<std::byte* const> activations;
  bool exact = true;  ///< SessionOptions'.

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

/// -> an operand that kernels may read beyond the end of (kernels::overread). A constant lies in
/// the model's file, which may end there: it is copied to `copy`.
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
/// add, sub, mul, div, floor_div of s32, and cast
StepResult make_whole_number_step(const StepContext& context, const NodeRecord& node);
StepResult make_gather_step(const StepContext& context, const NodeRecord& node);  // gather_nd
StepResult make_island_step(const StepContext& context, const StepRecord& step);

/// The step of any node or island.
StepResult make_step(const StepContext& context, const StepRecord& step);

/// What a step says that cannot go on: `what` with the file and the node in front.
tl::unexpected<Error> run_error(const Model::Data& model, const NodeRecord& node, const char* what);

/// What the quantize kernels take for a u8 tensor.
kernels::QuantizeParams quantize_params(const TensorInfo& tensor);

/// A real bound in the output's quantized units, by the rule of `quantize`; infinite bounds become
/// 0 and 255.
uint8_t quantized_bound(float bound, const TensorInfo& output);

}  // namespace octet
