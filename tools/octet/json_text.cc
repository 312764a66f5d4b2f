#include "tools/octet/json_text.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

bool is_utf8(const std::string& text) {
  try {
    return !json(text).dump().empty();
  } catch (const json::type_error&) {
    return false;
  }
}

}  // namespace

std::string json_text(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

void put_path(json& object, const std::string& key, const std::string& path) {
  object[key] = path;
  if (is_utf8(path)) return;
  std::string digits;
  for (const char byte : path) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", static_cast<unsigned>(static_cast<uint8_t>(byte)));
    digits += two;
  }
  object[key + "_bytes"] = digits;
}

json error_record(const std::string& path, const std::string& error) {
  json record;
  put_path(record, "path", path);
  record["error"] = error;
  return record;
}

}  // namespace octet::tool
