#include "loaders/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

namespace octet::loaders {
namespace {

using nlohmann::json;

const std::map<std::string, json>& presets() {
  static const std::map<std::string, json> all = {
      {"imagenet-torch",
       {{"resize", "crop"},
        {"channels", "rgb"},
        {"mean", {123.675, 116.28, 103.53}},
        {"std", {58.395, 57.12, 57.375}}}},
      {"imagenet-tf",
       {{"resize", "crop"},
        {"channels", "rgb"},
        {"mean", {127.5, 127.5, 127.5}},
        {"std", {127.5, 127.5, 127.5}}}},
      {"zero-one",
       {{"resize", "stretch"}, {"channels", "rgb"}, {"mean", {0, 0, 0}}, {"std", {255, 255, 255}}}},
  };
  return all;
}

std::string list_text(const std::vector<float>& values, float factor) {
  std::string text = "[";
  for (const float value : values) {
    char number[32];
    std::snprintf(number, sizeof(number), "%.6g", static_cast<double>(value) * factor);
    text += (text.size() > 1 ? ", " : "") + std::string(number);
  }
  return text + "]";
}

bool are_within_one(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::abs(value) <= 1; });
}

/// Whether the values belong to pixels from 0 to 1, as most training programs write them. A mean of
/// 0 or a deviation of 1 may belong to any pixels.
bool are_of_unit_pixels(const std::vector<float>& values) {
  return are_within_one(values) &&
         std::ranges::any_of(values, [](float value) { return value != std::floor(value); });
}

void check_pixel_range(const JsonObject& from, const Preprocess& p) {
  const bool unit_mean = are_of_unit_pixels(p.mean);
  const bool unit_std = are_of_unit_pixels(p.std);
  if (!unit_mean && !unit_std) return;
  constexpr float largest_pixel = 255;
  const auto in_pixels = [](const std::vector<float>& values) {
    return list_text(values, are_within_one(values) ? largest_pixel : 1);
  };
  const std::string given = "'mean' " + list_text(p.mean, 1) + " and 'std' " + list_text(p.std, 1);
  const std::string question =
      ": did you mean \"mean\": " + in_pixels(p.mean) + ", \"std\": " + in_pixels(p.std) + "?";
  if (are_within_one(p.mean) && are_within_one(p.std)) {
    from.fail(given + " are for pixels from 0 to 1, and octet's pixels are 0 to 255" + question);
  }
  from.fail(given + ": the " + (unit_mean ? "means are" : "deviations are") +
            " for pixels from 0 to 1, the other for pixels from 0 to 255, as octet's are" +
            question);
}

}  // namespace

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
  if (std::ranges::min(out.std) < 0) from.fail("a 'std' is below 0");
  check_pixel_range(from, out);
  return out;
}

const std::vector<std::string>& preprocess_presets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& [name, preset] : presets()) list.push_back(name);
    return list;
  }();
  return names;
}

std::string preprocess_preset_names() {
  std::string text;
  for (const std::string& name : preprocess_presets()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Expected<Preprocess> parse_preprocess(const std::string& text, const Shape& input) {
  try {
    const auto preset = presets().find(text);
    json object = preset != presets().end() ? preset->second : json::parse(text, nullptr, false);
    if (!object.is_object()) {
      return fail("--preprocess '" + text + "': neither a preset (" + preprocess_preset_names() +
                  ") nor a JSON object" + (object.is_discarded() ? ": not JSON" : ""));
    }
    if (!object.contains("size") && input.size() == 4) object["size"] = {input[1], input[2]};
    return read_preprocess({object, "--preprocess: "});
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace octet::loaders
