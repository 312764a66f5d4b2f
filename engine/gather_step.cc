// gather_nd: parts of a tensor, from places that are computed at run time.
#include <array>
#include <cstring>

#include "engine/step.h"

namespace octet {
namespace {

class GatherStep final : public Step {
 public:
  GatherStep(const StepContext& context, const NodeRecord& node)
      : pool_(context.pool),
        path_(context.model.path),
        node_(node),
        shape_(context.tensor(node.inputs[0]).info.shape),
        from_end_(std::get<GatherAttributes>(node.attributes).from_end),
        data_(context.read<std::byte>(node.inputs[0])),
        indices_(context.read<int32_t>(node.inputs[1])),
        output_(context.write<std::byte>(node.output)) {
    const Shape& places = context.tensor(node.inputs[1]).info.shape;
    depth_ = static_cast<std::size_t>(places.back());
    places_ = static_cast<std::size_t>(element_count(places)) / depth_;
    part_bytes_ = static_cast<std::size_t>(element_count(std::span(shape_).subspan(depth_))) *
                  type_size(context.tensor(node.inputs[0]).info.type);
    std::size_t stride = part_bytes_;
    for (std::size_t axis = depth_; axis-- > 0;) {
      strides_[axis] = stride;
      stride *= static_cast<std::size_t>(shape_[axis]);
    }
  }

  Expected<void> run() override {
    // All places first: nothing outside of the data is read.
    for (std::size_t place = 0; place < places_; ++place) {
      for (std::size_t axis = 0; axis < depth_; ++axis) {
        const int32_t index = indices_[place * depth_ + axis];
        if (index >= shape_[axis] || index < (from_end_ ? -shape_[axis] : 0))
          return outside(place, axis, index);
      }
    }
    constexpr double place_ns = 5;
    constexpr double bytes_a_ns = 8;
    const double cost =
        static_cast<double>(places_) * (place_ns + static_cast<double>(part_bytes_) / bytes_a_ns);
    pool_.share_out(places_, cost, [&](kernels::Range places, std::size_t) {
      for (std::size_t place = places.begin; place < places.end; ++place) {
        std::memcpy(output_ + place * part_bytes_, part(place), part_bytes_);
      }
    });
    return {};
  }

 private:
  const std::byte* part(std::size_t place) const {
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < depth_; ++axis) {
      const int32_t index = indices_[place * depth_ + axis];
      at += static_cast<std::size_t>(index < 0 ? index + shape_[axis] : index) * strides_[axis];
    }
    return data_ + at;
  }

  tl::unexpected<Error> outside(std::size_t place, std::size_t axis, int32_t index) const {
    return fail(path_ + ": node '" + node_.name + "' (gather_nd) takes place " +
                std::to_string(index) + " along axis " + std::to_string(axis) + " of " +
                shape_text(shape_) + ", which it does not have (number " + std::to_string(place) +
                " of its places): the model computes a wrong place from this input");
  }

  const ThreadPool& pool_;
  const std::string& path_;
  const NodeRecord& node_;
  const Shape& shape_;
  bool from_end_;
  const std::byte* data_;
  const int32_t* indices_;
  std::byte* output_;
  std::size_t depth_ = 0;
  std::size_t places_ = 0;
  std::size_t part_bytes_ = 0;
  std::array<std::size_t, kernels::max_rank> strides_ = {};
};

}  // namespace

StepResult make_gather_step(const StepContext& context, const NodeRecord& node) {
  return std::make_unique<GatherStep>(context, node);
}

}  // namespace octet
