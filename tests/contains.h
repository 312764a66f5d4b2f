// A part of a message.
#pragma once

#include <string>

namespace octet::test {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace octet::test
