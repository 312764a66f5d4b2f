// The real TFLite models that some tests take where they are there: beside the project, not in it.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

namespace octet::test {

/// The folder, with a '/' at its end; "" where it is absent, and then says so.
inline std::string shared_tflite_folder() {
  const std::string folder = std::string(OCTET_SOURCE_DIR) + "/../shared/data/tflite/";
  if (std::filesystem::exists(folder)) return folder;
  WARN("skipped: no ../shared/data/tflite here");
  return "";
}

}  // namespace octet::test
