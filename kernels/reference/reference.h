// The reference kernels: plain loops that say what is right, and what every other table is tested
// against. Other instruction sets' tables point here for what they have no faster form of. The
// slots' functions: KernelSet<Reference>.
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
