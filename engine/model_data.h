// A model file as the engine uses it: decoded and checked. Constants stay where they are in the
// file.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "octet/octet.hpp"

namespace octet {

/// The bytes of a model: a mapped file or a copy in memory, aligned to at least 64 bytes.
class ModelBytes {
 public:
  static Expected<std::unique_ptr<ModelBytes>> map(const std::string& path);
  static Expected<std::unique_ptr<ModelBytes>> copy(std::span<const std::byte> bytes,
                                                    const std::string& name);
  ~ModelBytes();
  ModelBytes(const ModelBytes&) = delete;
  ModelBytes& operator=(const ModelBytes&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  ModelBytes(std::byte* data, std::size_t size, bool mapped)
      : data_(data), size_(size), mapped_(mapped) {}
  std::byte* data_;
  std::size_t size_;
  bool mapped_;
};

struct TensorRecord {
  TensorInfo info;
  bool is_constant = false;
  /// Empty unless constant. The size is exactly that of type and shape.
  std::span<const std::byte> data;
  std::span<const float> channel_scales;  ///< For s8 weights: one for each output channel.
  /// For s8 weights: one for each output channel, or empty.
  std::span<const int32_t> channel_zero_points;

  /// Whether it is an activation with a scale and a zero point for each channel, the last axis.
  /// `info.scale` is 0 then.
  bool has_channel_scales() const { return info.type == Type::u8 && !channel_scales.empty(); }
  /// The scale and zero point of a channel of an activation: its own, or those of all.
  float scale_of(std::size_t channel) const {
    return has_channel_scales() ? channel_scales[channel] : info.scale;
  }
  int32_t zero_point_of(std::size_t channel) const {
    return has_channel_scales() ? channel_zero_points[channel] : info.zero_point;
  }

  /// Whether the channels of an activation have the same zero point.
  bool has_one_zero_point() const {
    return std::ranges::all_of(channel_zero_points,
                               [&](int32_t z) { return z == channel_zero_points[0]; });
  }
  /// Its type, shape, and the scale and zero point of the first channel. They stand for those of
  /// all where a kernel needs only their ratios to other tensors' scales, which are the same for
  /// all channels.
  TensorInfo first_channel() const {
    TensorInfo out = info;
    out.scale = scale_of(0);
    out.zero_point = zero_point_of(0);
    return out;
  }

  std::size_t byte_size() const {
    return static_cast<std::size_t>(element_count(info.shape)) * type_size(info.type);
  }
  template <class T>
  const T* values() const {
    return reinterpret_cast<const T*>(data.data());
  }
};

struct NodeRecord {
  std::string name;
  Op op = Op::identity;
  Attributes attributes;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<std::string> fused;
  std::string reason;
  int32_t step = 0;

  /// The result of a node that has exactly one.
  int32_t output() const { return only_result(outputs); }
};

/// A step of the session: one node, or a float island of one or more nodes.
struct StepRecord {
  int32_t first_node = 0;
  int32_t node_count = 0;
  bool island = false;
};

/// Weights in the packed form that the kernels of an instruction set read. All sessions with this
/// instruction set share them: the first session makes them, and they are freed with the last.
class PackedWeightsCache {
 public:
  using Shared = std::shared_ptr<const std::byte>;
  using Maker = std::function<Expected<Shared>()>;

  /// Returns the weights that were packed for `table` (each instruction set has its own), or calls
  /// `make`.
  Expected<Shared> get(const void* table, const Maker& make);

 private:
  std::mutex mutex_;
  std::map<const void*, std::weak_ptr<const std::byte>> known_;
};

struct Model::Data {
  std::string path;
  std::unique_ptr<ModelBytes> storage;
  bool has_checksum = false;
  std::string producer;
  std::vector<TensorRecord> tensors;
  std::vector<NodeRecord> nodes;
  std::vector<StepRecord> steps;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<TensorInfo> input_infos;
  std::vector<TensorInfo> output_infos;
  std::vector<std::string> labels;
  std::optional<Preprocess> preprocess;
  Task task;
  std::vector<NodeInfo> node_infos;
  int64_t macs = 0;
  std::size_t weight_bytes = 0;
  mutable PackedWeightsCache packed_weights;

  const TensorRecord& tensor(int32_t id) const { return tensors[static_cast<std::size_t>(id)]; }
};

/// Decodes the file and checks every size, index, type and number in it. Nothing of the file may be
/// used before this has accepted it.
Expected<void> decode_model(std::span<const std::byte> bytes, const LoadOptions& options,
                            Model::Data& data);

/// Checks whether types and parameters suit the kernel or the island that is to run the node.
/// infer_shape has already accepted the node.
Expected<void> check_node_types(const Model::Data& data, const NodeRecord& node, bool island);

}  // namespace octet
