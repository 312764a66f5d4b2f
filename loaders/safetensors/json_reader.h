// Typed access to JSON. Every getter throws a LoadError that says where the field is.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/operator.h"

namespace octet::loaders {

class JsonObject {
 public:
  /// `where` begins every message, such as "node 'features.0': ". Throws if `value` is not an
  /// object.
  JsonObject(const nlohmann::json& value, std::string where);

  bool has(const std::string& key) const {
    return value_.contains(key) && !value_.at(key).is_null();
  }
  const nlohmann::json& at(const std::string& key) const;  ///< Throws if it is absent.
  JsonObject object(const std::string& key) const;

  std::string text(const std::string& key) const;
  bool boolean(const std::string& key, bool fallback) const;
  int32_t integer(const std::string& key) const;
  int32_t integer(const std::string& key, int32_t fallback) const;
  float number(const std::string& key) const;
  float number(const std::string& key, float fallback) const;
  std::vector<int32_t> integers(const std::string& key) const;
  /// The same, but throws unless there are `count` of them.
  std::vector<int32_t> integers(const std::string& key, std::size_t count,
                                std::vector<int32_t> fallback) const;
  std::vector<float> numbers(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;

  /// Throws if any of the keys is absent; the error names all that are.
  void require(std::initializer_list<const char*> keys) const;
  /// Throws if there is any other key: a misspelt attribute must not be ignored.
  void allow_only(std::initializer_list<const char*> keys) const;

  [[noreturn]] void fail(const std::string& message) const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& value_;
  std::string where_;
};

/// These convert JSON numbers to types of tensors. They throw LoadError if it is no number, or out
/// of range.
int32_t to_int32(const nlohmann::json& value, const std::string& what);
float to_float(const nlohmann::json& value, const std::string& what);

}  // namespace octet::loaders
