// What a fuzzer does with a fault.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

namespace octet::fuzz {

[[noreturn]] inline void fail(const std::string& what) {
  std::cerr << what << "\n";
  std::abort();
}

}  // namespace octet::fuzz
