// Typed access to JSON whose errors say where: every getter throws LoadError naming the field.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/operator.h"

namespace octet::loaders {

class JsonObject {
 public:
  /// `where` opens every message: "node 'features.0': ". Throws when `value` is not an object.
  JsonObject(const nlohmann::json& value, std::string where);

  bool has(const std::string& key) const {
    return value_.contains(key) && !value_.at(key).is_null();
  }
  const nlohmann::json& at(const std::string& key) const;  ///< Throws when it is absent.
  JsonObject object(const std::string& key) const;

  std::string text(const std::string& key) const;
  bool boolean(const std::string& key, bool fallback) const;
  int32_t integer(const std::string& key) const;
  int32_t integer(const std::string& key, int32_t fallback) const;
  float number(const std::string& key) const;
  float number(const std::string& key, float fallback) const;
  std::vector<int32_t> integers(const std::string& key) const;
  /// With a count that must match.
  std::vector<int32_t> integers(const std::string& key, std::size_t count,
                                std::vector<int32_t> fallback) const;
  std::vector<float> numbers(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;

  /// Throws, naming all of them, when keys are absent.
  void require(std::initializer_list<const char*> keys) const;
  /// Throws when there is a key that is none of these: a misspelt attribute must not be ignored.
  void allow_only(std::initializer_list<const char*> keys) const;

  [[noreturn]] void fail(const std::string& message) const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& value_;
  std::string where_;
};

/// JSON numbers as the types of tensors; throw LoadError when they are none, or out of range.
int32_t to_int32(const nlohmann::json& value, const std::string& what);
float to_float(const nlohmann::json& value, const std::string& what);

}  // namespace octet::loaders
