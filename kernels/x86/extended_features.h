// Features of an x86 CPU that not every version of cpuinfo knows.
#pragma once

#include <cpuid.h>

namespace octet::kernels {
namespace {

/// Leaf 7 of cpuid; all 0 where the CPU has no such leaf.
struct ExtendedFeatures {
  explicit ExtendedFeatures(unsigned subleaf) {
    __get_cpuid_count(7, subleaf, &eax, &ebx, &ecx, &edx);
  }
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
};

}  // namespace
}  // namespace octet::kernels
