#include "loaders/preprocess.h"

#include <algorithm>
#include <exception>
#include <map>

namespace octet::loaders {

Preprocess read_preprocess(const JsonObject& from) {
  from.allow_only({"size", "resize", "channels", "mean", "std"});
  from.require({"size", "resize", "channels", "mean", "std"});
  const auto size = from.integers("size");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    from.fail("'size' needs a height and a width");
  static const std::map<std::string, ResizeRule> rules = {{"stretch", ResizeRule::stretch},
                                                          {"crop", ResizeRule::crop},
                                                          {"letterbox", ResizeRule::letterbox}};
  static const std::map<std::string, Channels> orders = {
      {"rgb", Channels::rgb}, {"bgr", Channels::bgr}, {"gray", Channels::gray}};
  if (!rules.contains(from.text("resize")))
    from.fail("'resize' is none of stretch, crop, letterbox");
  if (!orders.contains(from.text("channels"))) from.fail("'channels' is none of rgb, bgr, gray");
  Preprocess out{.height = size[0],
                 .width = size[1],
                 .resize = rules.at(from.text("resize")),
                 .channels = orders.at(from.text("channels")),
                 .mean = from.numbers("mean"),
                 .std = from.numbers("std")};
  const std::size_t channels = out.channels == Channels::gray ? 1 : 3;
  if (out.mean.size() != channels || out.std.size() != channels) {
    from.fail("'mean' has " + std::to_string(out.mean.size()) + " values and 'std' has " +
              std::to_string(out.std.size()) + "; '" + from.text("channels") + "' needs " +
              std::to_string(channels) + " in each");
  }
  if (std::ranges::count(out.std, 0.0f) > 0) from.fail("a 'std' is 0");
  return out;
}

Expected<Preprocess> parse_preprocess(const std::string& text) {
  try {
    const nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return fail("--preprocess: not JSON: " + text);
    return read_preprocess({parsed, "--preprocess: "});
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace octet::loaders
