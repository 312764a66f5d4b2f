// A pool of pthreadpool's threads.
#pragma once

#include <pthreadpool.h>

#include <cstddef>

namespace octet {

/// pthreadpool does not check whether its threads were started, and waits for ever for those that
/// were not. So as many threads are started first on trial, and pthreadpool is asked only if the
/// system gave all of them. Otherwise returns null.
pthreadpool_t create_float_pool(std::size_t threads);

}  // namespace octet
