// The reference kernels: plain loops that say what is right. Every other table is tested against
// them, and points to them where it has no faster kernel. The functions of the slots are in
// KernelSet<Reference>.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_set.h"
#include "kernels/kernels.h"

namespace octet::kernels::reference {

extern const KernelTable table;
extern const ConvKernel conv;

std::size_t peak(std::size_t rounds);

}  // namespace octet::kernels::reference
