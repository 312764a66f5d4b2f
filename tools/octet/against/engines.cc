#include "tools/octet/against/opponent.h"

namespace octet::tool {
namespace {

constexpr Engine table[] = {
    {"float", "octet's own float: the same layers with dequantized weights", make_float_opponent},
#if OCTET_HAS_ONEDNN
    {"onednn", "oneDNN's int8 primitives with the same layers, weights and scales",
     make_onednn_opponent},
#endif
};

}  // namespace

std::span<const Engine> engines() { return table; }

}  // namespace octet::tool
