// The roof that this folder's kernels are measured against.
#include "kernels/x86_amx/kernels.h"
#include "kernels/x86_amx/tile_unit.h"

namespace octet::kernels::amx {

std::size_t peak(std::size_t rounds) {
  const TileUnit unit(TileUnit::most_rows, TileUnit::most_dots);
  for (std::size_t round = 0; round < rounds; ++round) {
    TileUnit::dot<0, 4, 6>();
    TileUnit::dot<1, 4, 7>();
    TileUnit::dot<2, 5, 6>();
    TileUnit::dot<3, 5, 7>();
  }
  constexpr std::size_t sums = 16;
  return rounds * 4 * TileUnit::most_rows * sums * TileUnit::row_bytes;
}

}  // namespace octet::kernels::amx
