#include "engine/step.h"

#include <sys/mman.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "engine/movement.h"
#include "engine/operator_table.h"

namespace octet {

Expected<AlignedBuffer> AlignedBuffer::allocate(std::size_t size) {
  constexpr std::size_t large_page = std::size_t{2} << 20;
  const std::size_t alignment = size >= large_page ? large_page : 64;
  const std::size_t rounded = (std::max(size, std::size_t{1}) + 63) / 64 * 64;
  AlignedBuffer buffer;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded) != 0) {
    return fail("not enough memory for " + std::to_string(size) + " bytes");
  }
  buffer.data_.reset(static_cast<std::byte*>(memory));
#if defined(MADV_HUGEPAGE)
  // Only whole pages, so that the memory behind the end is not taken. This is only advice to the
  // system, so its failure is no error.
  if (size >= large_page) madvise(memory, size / large_page * large_page, MADV_HUGEPAGE);
#endif
  return buffer;
}

void AlignedBuffer::Free::operator()(std::byte* pointer) const { std::free(pointer); }

Expected<const uint8_t*> readable_operand(const StepContext& context, int32_t id,
                                          AlignedBuffer& copy) {
  const TensorRecord& tensor = context.tensor(id);
  if (!tensor.is_constant) return context.read<uint8_t>(id);
  auto allocated = AlignedBuffer::allocate(tensor.byte_size() + kernels::overread);
  if (!allocated) return tl::unexpected(allocated.error());
  copy = std::move(*allocated);
  std::memcpy(copy.data(), tensor.values<uint8_t>(), tensor.byte_size());
  return reinterpret_cast<const uint8_t*>(copy.data());
}

tl::unexpected<Error> run_error(const Model::Data& model, const NodeRecord& node,
                                const char* what) {
  std::string text;
  for (const char* part :
       {model.path.c_str(), ": node '", node.name.c_str(), "' (", op_name(node.op), ") ", what}) {
    text += part;
  }
  return fail(std::move(text));
}

kernels::QuantizeParams quantize_params(const TensorInfo& tensor) {
  return {.inverse_scale = 1.0f / tensor.scale, .zero_point = tensor.zero_point};
}

Quantizer::Quantizer(const TensorRecord& result, const QuantizeAttributes& attributes) {
  if (!result.has_channel_scales()) {
    params_ = quantize_params(result.info);
    return;
  }
  constexpr std::size_t pixels = 16;
  channels_ = result.channel_scales.size();
  for (std::size_t i = 0; i < pixels * channels_; ++i) {
    inverse_.push_back(1.0f / result.channel_scales[i % channels_]);
    mean_.push_back(attributes.means[i % channels_]);
  }
}

void Quantizer::run(const kernels::KernelTable& table, const float* from, uint8_t* to,
                    std::size_t count) const {
  if (channels_ == 0) return table.quantize(params_, from, to, count);
  const float* __restrict inverse = inverse_.data();
  const float* __restrict mean = mean_.data();
  for (std::size_t begin = 0; begin < count; begin += inverse_.size()) {
    const std::size_t size = std::min(inverse_.size(), count - begin);
    const float* __restrict x = from + begin;
    uint8_t* __restrict y = to + begin;
    for (std::size_t i = 0; i < size; ++i) {
      // NaN stands for the mean. Within 0 to 255, adding 2^23 rounds to even.
      const float scaled = x[i] * inverse[i];
      const float level = (scaled == scaled ? scaled : 0.0f) + mean[i];
      const float above = level > 0.0f ? level : 0.0f;
      const float within = above < 255.0f ? above : 255.0f;
      y[i] = static_cast<uint8_t>(static_cast<int32_t>(within + 0x1p23f - 0x1p23f));
    }
  }
}

uint8_t quantized_bound(float bound, const TensorInfo& output) {
  const float inverse = 1.0f / output.scale;
  const float q = std::nearbyint(bound * inverse) + static_cast<float>(output.zero_point);
  return static_cast<uint8_t>(std::clamp(q, 0.0f, 255.0f));
}

StepResult make_step(const StepContext& context, const StepRecord& step) {
  if (step.island) return make_island_step(context, step);
  const NodeRecord& node = context.model.nodes[static_cast<std::size_t>(step.first_node)];
  if (is_movement(node.op, node.attributes)) return make_movement_step(context, node);
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear:
      return make_conv_step(context, node);
    case Kind::max_pool:
    case Kind::average_pool:
      return make_pool_step(context, node);
    case Kind::arithmetic:
      return context.tensor(node.output()).info.type == Type::s32
                 ? make_whole_number_step(context, node)
                 : make_binary_step(context, node);
    case Kind::cast:
      return make_whole_number_step(context, node);
    case Kind::gather_nd:
      return make_gather_step(context, node);
    case Kind::softmax:
    case Kind::argmax:
    case Kind::top_k:
      return make_row_step(context, node);
    case Kind::quantize:
      return make_quantize_step(context, node);
    case Kind::dequantize:
      return make_dequantize_step(context, node);
    case Kind::requantize:
      return make_requantize_step(context, node);
    case Kind::lookup:
      return make_lookup_step(context, node);
    case Kind::concat:  // the movements are handled above
    case Kind::slice:
    case Kind::pad:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::resize:  // the rest runs in float
    case Kind::log_softmax:
    case Kind::clip:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::function:
    case Kind::identity:
      break;
  }
  return fail("node '" + node.name + "' has no int8 kernel");
}

}  // namespace octet
