// The reference table.
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::reference {
namespace {

constinit const ConvKernel* const convolutions[] = {&conv};

}  // namespace

constinit const KernelTable table = make_table<Reference>(Isa::reference, convolutions, peak);

}  // namespace octet::kernels::reference
