// Whether a limit of memory binds the program under test. A sanitizer maps terabytes of addresses
// for itself, and under an emulator the limit binds the emulator.
#ifndef OCTET_TESTS_MEMORY_LIMITS_H_
#define OCTET_TESTS_MEMORY_LIMITS_H_

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OCTET_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OCTET_HAS_SANITIZER 1
#endif
#endif
#ifndef OCTET_HAS_SANITIZER
#define OCTET_HAS_SANITIZER 0
#endif

namespace octet::test {

inline constexpr bool memory_can_be_limited = OCTET_HAS_SANITIZER == 0 && OCTET_EMULATED == 0;

}  // namespace octet::test

#endif  // OCTET_TESTS_MEMORY_LIMITS_H_
