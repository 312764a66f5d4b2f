// How large a picture is made before the model's input is cut out of it.
#pragma once

#include <cstdint>

#include "octet/octet.hpp"

namespace octet::image {

struct Extent {
  int64_t height = 0;
  int64_t width = 0;
};

/// The size that a picture is scaled to, by the rules of docs/float_export.md, "preprocess". Both
/// extents of `picture` are at least 1.
Extent scaled_extent(Extent picture, const Preprocess& preprocess);

}  // namespace octet::image
