// The public files that some tests take where they are there: beside the project, not in it
// (docs/data.md says where each comes from).
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace octet::test {

/// The path of a file or folder below the one that OCTET_SHARED_DATA names, by default shared/data
/// beside the project; "" where it is absent, and then says so. tests/data/fetch.py and
/// tests/onnx/make_golden.mjs know the same folder.
inline std::string shared_data(const std::string& name) {
  const char* named = std::getenv("OCTET_SHARED_DATA");
  const std::string folder = named != nullptr && *named != '\0'
                                 ? named
                                 : std::string(OCTET_SOURCE_DIR) + "/../shared/data";
  std::string path = folder + "/" + name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: no " << name << " in " << folder
                      << " (OCTET_SHARED_DATA names the folder; tests/data/fetch.py fetch " << name
                      << " brings it, or says where it is)");
  return "";
}

}  // namespace octet::test
