// JSON as the tool prints it: always valid UTF-8, whatever bytes are in the names of files and
// tensors.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace octet::tool {

/// Bytes that are no UTF-8 are replaced by U+FFFD. `indent` below 0: one line.
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

/// Sets `key` to the path. Where the path is no UTF-8, `key`_bytes has all of its bytes, two
/// hexadecimal digits each.
void put_path(nlohmann::ordered_json& object, const std::string& key, const std::string& path);

/// {"path": ..., "error": ...}
nlohmann::ordered_json error_record(const std::string& path, const std::string& error);

}  // namespace octet::tool
