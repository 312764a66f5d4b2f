#include "loaders/safetensors/json_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "loaders/load_error.h"

namespace octet::loaders {

using nlohmann::json;

int32_t to_int32(const json& value, const std::string& what) {
  // Positive numbers are parsed as unsigned. Read as signed, the largest of them would wrap around
  // to -1.
  const bool fits = value.is_number_unsigned()
                        ? std::in_range<int32_t>(value.get<uint64_t>())
                        : value.is_number_integer() && std::in_range<int32_t>(value.get<int64_t>());
  if (!fits) throw LoadError(what + " is not a whole number of 32 bits");
  return value.get<int32_t>();
}

float to_float(const json& value, const std::string& what) {
  if (!value.is_number()) throw LoadError(what + " is not a number");
  const auto number = static_cast<float>(value.get<double>());
  if (!std::isfinite(number)) throw LoadError(what + " is not a finite float32");
  return number;
}

JsonObject::JsonObject(const json& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value_.is_object()) throw LoadError(where_ + "it is not a JSON object");
}

void JsonObject::fail(const std::string& message) const { throw LoadError(where_ + message); }

const json& JsonObject::at(const std::string& key) const {
  if (!has(key)) fail("'" + key + "' is missing");
  return value_.at(key);
}

JsonObject JsonObject::object(const std::string& key) const {
  return {at(key), where_ + "'" + key + "': "};
}

std::string JsonObject::text(const std::string& key) const {
  const json& value = at(key);
  if (!value.is_string()) fail("'" + key + "' is not a text");
  return value.get<std::string>();
}

bool JsonObject::boolean(const std::string& key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!at(key).is_boolean()) fail("'" + key + "' is neither true nor false");
  return at(key).get<bool>();
}

int32_t JsonObject::integer(const std::string& key) const {
  return to_int32(at(key), where_ + "'" + key + "'");
}

int32_t JsonObject::integer(const std::string& key, int32_t fallback) const {
  return has(key) ? integer(key) : fallback;
}

float JsonObject::number(const std::string& key) const {
  return to_float(at(key), where_ + "'" + key + "'");
}

float JsonObject::number(const std::string& key, float fallback) const {
  return has(key) ? number(key) : fallback;
}

std::vector<int32_t> JsonObject::integers(const std::string& key) const {
  const json& value = at(key);
  if (!value.is_array()) fail("'" + key + "' is not an array");
  std::vector<int32_t> out;
  for (const json& item : value) out.push_back(to_int32(item, where_ + "a value of '" + key + "'"));
  return out;
}

std::vector<int32_t> JsonObject::integers(const std::string& key, std::size_t count,
                                          std::vector<int32_t> fallback) const {
  std::vector<int32_t> out = has(key) ? integers(key) : std::move(fallback);
  if (out.size() != count) fail("'" + key + "' needs " + std::to_string(count) + " values");
  return out;
}

std::vector<float> JsonObject::numbers(const std::string& key) const {
  const json& value = at(key);
  if (!value.is_array()) fail("'" + key + "' is not an array");
  std::vector<float> out;
  for (const json& item : value) out.push_back(to_float(item, where_ + "a value of '" + key + "'"));
  return out;
}

std::vector<std::string> JsonObject::texts(const std::string& key) const {
  const json& value = at(key);
  if (!value.is_array()) fail("'" + key + "' is not an array");
  std::vector<std::string> out;
  for (const json& item : value) {
    if (!item.is_string()) fail("a value of '" + key + "' is not a text");
    out.push_back(item.get<std::string>());
  }
  return out;
}

void JsonObject::require(std::initializer_list<const char*> keys) const {
  std::vector<std::string> absent;
  for (const char* key : keys) {
    if (!has(key)) absent.push_back("'" + std::string(key) + "'");
  }
  if (absent.empty()) return;
  std::string text = absent[0];
  for (std::size_t i = 1; i < absent.size(); ++i)
    text += (i + 1 == absent.size() ? " and " : ", ") + absent[i];
  fail(text + (absent.size() == 1 ? " is missing" : " are missing"));
}

void JsonObject::allow_only(std::initializer_list<const char*> keys) const {
  for (const auto& item : value_.items()) {
    const std::string& key = item.key();
    const bool known = std::ranges::any_of(keys, [&](const char* k) { return key == k; });
    if (!known) fail("'" + key + "' is unknown here");
  }
}

}  // namespace octet::loaders
