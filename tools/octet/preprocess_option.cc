#include "tools/octet/preprocess_option.h"

#include "loaders/preprocess.h"

namespace octet::tool {

Expected<std::optional<Preprocess>> read_preprocess_option(const std::string& text,
                                                           const Model& model) {
  if (text.empty()) return std::optional<Preprocess>();
  const TensorInfo& input = model.inputs()[0];
  auto given = loaders::parse_preprocess(text, input.shape);
  if (!given) return tl::unexpected(given.error());
  const std::vector<int32_t> image = {1, given->height, given->width,
                                      static_cast<int32_t>(given->mean.size())};
  if (image != input.shape) {
    return fail(model.path() + ": --preprocess gives an image of " + std::to_string(given->height) +
                " x " + std::to_string(given->width) + " x " + std::to_string(given->mean.size()) +
                ", which is not what the input '" + input.name +
                "' takes (octet inspect shows it)");
  }
  return std::optional<Preprocess>(std::move(*given));
}

}  // namespace octet::tool
