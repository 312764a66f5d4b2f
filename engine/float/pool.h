// pthreadpool's threads.
#pragma once

#include <pthreadpool.h>

#include <cstddef>

namespace octet {

/// pthreadpool does not look whether its threads were made, and waits for ever for those that were
/// not: it is asked only where the system has just given as many. -> null where it did not
pthreadpool_t create_float_pool(std::size_t threads);

}  // namespace octet
