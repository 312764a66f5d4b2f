#include "tools/octet/against/opponent.h"

namespace octet::tool {
namespace {

constexpr Engine table[] = {
#if OCTET_HAS_ONEDNN
    {"onednn", "oneDNN's int8 primitives with the same layers, weights and scales",
     make_onednn_opponent},
#endif
#if OCTET_HAS_XNNPACK
    {"xnnpack", "XNNPACK's int8 operators with the same layers, weights, scales and zero points",
     make_xnnpack_opponent},
#endif
    {"float", "octet's own float: the same layers with dequantized weights", make_float_opponent},
};

}  // namespace

std::span<const Engine> engines() { return table; }

}  // namespace octet::tool
