// gather_nd: takes slices of a tensor, at places that are computed at run time.
#include <cstring>

#include "engine/step.h"

namespace octet {
namespace {

class GatherStep final : public Step {
 public:
  GatherStep(const StepContext& context, const NodeRecord& node)
      : model_(context.model),
        node_(node),
        shape_(context.tensor(node.inputs[0]).info.shape),
        from_end_(std::get<GatherAttributes>(node.attributes).from_end),
        data_(context.read<std::byte>(node.inputs[0])),
        output_(context.write<std::byte>(node.output())) {
    const Shape& places = context.tensor(node.inputs[1]).info.shape;
    depth_ = static_cast<std::size_t>(places.back());
    places_ = {context.read<int32_t>(node.inputs[1]),
               static_cast<std::size_t>(element_count(places))};
    slice_bytes_ = context.tensor(node.output()).byte_size() / (places_.size() / depth_);
  }

  Expected<void> run() override {
    // All places are checked first, so that nothing outside of the data is read.
    if (auto inside = check_places(places_, depth_, shape_, from_end_); !inside)
      return run_error(model_, node_, inside.error().message.c_str());
    std::byte* to = output_;
    for (std::size_t place = 0; place < places_.size(); place += depth_, to += slice_bytes_)
      std::memcpy(to, data_ + number_of(place) * slice_bytes_, slice_bytes_);
    return {};
  }

 private:
  // The number of the slice that the place names, counted through all slices of the data.
  std::size_t number_of(std::size_t place) const {
    std::size_t number = 0;
    for (std::size_t axis = 0; axis < depth_; ++axis) {
      const int32_t index = places_[place + axis];
      number = number * static_cast<std::size_t>(shape_[axis]) +
               static_cast<std::size_t>(index < 0 ? index + shape_[axis] : index);
    }
    return number;
  }

  const Model::Data& model_;
  const NodeRecord& node_;
  const Shape& shape_;
  bool from_end_;
  const std::byte* data_;
  std::byte* output_;
  std::span<const int32_t> places_;
  std::size_t depth_ = 0;
  std::size_t slice_bytes_ = 0;
};

}  // namespace

StepResult make_gather_step(const StepContext& context, const NodeRecord& node) {
  return std::make_unique<GatherStep>(context, node);
}

}  // namespace octet
