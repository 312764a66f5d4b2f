// Writes a plain network's nodes down as an XNNPACK subgraph in int8.
#pragma once

#include <xnnpack.h>

#include <map>
#include <vector>

#include "tools/octet/against/xnnpack_stage.h"

namespace octet::tool {

using Extents = std::vector<std::size_t>;

/// Collects values and nodes. The first status that is not a success is kept.
class Subgraph {
 public:
  Subgraph(const PlainNetwork& network, const XnnpackStage::Outside& outside)
      : network_(network), outside_(outside) {
    note(xnn_create_subgraph(static_cast<uint32_t>(2 * network.values.size()), 0, &subgraph));
  }
  ~Subgraph() {
    if (subgraph != nullptr) xnn_delete_subgraph(subgraph);
  }
  Subgraph(const Subgraph&) = delete;
  Subgraph& operator=(const Subgraph&) = delete;

  void define(const PlainNode& node);

  xnn_subgraph_t subgraph = nullptr;
  xnn_status status = xnn_status_success;
  std::vector<xnn_external_value> externals;
  std::vector<std::vector<int8_t>> operands;    ///< Constants, which the runtime reads.
  std::vector<std::vector<float>> bias_scales;  ///< One for each output channel.
  std::vector<QuantizedLayer> layers;

 private:
  void note(xnn_status result) {
    if (status == xnn_status_success) status = result;
  }

  const PlainValue& value(int32_t id) const { return network_.value(id); }

  uint32_t new_value(const PlainValue& v, bool quantized, const Extents& extents, const void* data,
                     uint32_t id, uint32_t flags);

  /// The id of a value in one of its forms. It comes from outside or goes there where `outside` has
  /// it.
  uint32_t form_id(const PlainForm& form, uint32_t flag);

  /// The form that int8 operators take: s8 where the value is quantized.
  uint32_t read(int32_t id);

  uint32_t write(int32_t id) {
    return form_id({id, value(id).quantized}, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
  }

  /// Converts a value that goes outside in float32 as well.
  void convert_for_outside(int32_t id);

  uint32_t constant(int32_t id);

  uint32_t reshaped(uint32_t from, const PlainValue& v, const Extents& extents);

  void define_layer(const PlainNode& node);
  void define_binary(const PlainNode& node);
  void define_pool(const PlainNode& node);
  void define_operator(const PlainNode& node);
  void define_function(const PlainNode& node);

  const PlainNetwork& network_;
  const XnnpackStage::Outside& outside_;
  std::map<PlainForm, uint32_t> ids_;
};

}  // namespace octet::tool
