#include "loaders/load_options.h"

#include <charconv>

namespace octet::loaders {

std::string unread_input_remark(const std::string& input) {
  return "the input '" + input + "' is left out: no output depends on it";
}

Expected<void> add_shape_option(const std::string& text, LoadOptions& options) {
  // Names may contain a '='; extents have none.
  const std::size_t equals = text.rfind('=');
  const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
  const std::string extents = equals == std::string::npos ? text : text.substr(equals + 1);
  Shape shape;
  const char* at = extents.data();
  const char* const end = at + extents.size();
  bool valid = at != end;
  while (valid && at != end) {
    int32_t extent = 0;
    const auto [rest, error] = std::from_chars(at, end, extent);
    const bool more = rest != end && *rest == ',' && rest + 1 != end;
    valid = error == std::errc() && extent > 0 && (rest == end || more);
    shape.push_back(extent);
    at = more ? rest + 1 : rest;
  }
  if (!valid)
    return fail("--shape '" + text +
                "': give the extents of an input, as in 1,3,224,224, or "
                "with its name, as in image=1,3,224,224");
  if (auto ok = check_shape(shape); !ok)
    return fail("--shape '" + text + "' " + ok.error().message);
  if (!options.shapes.emplace(name, std::move(shape)).second)
    return fail("--shape '" + text + "': that input was given a shape before");
  return {};
}

}  // namespace octet::loaders
