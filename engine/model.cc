#include <algorithm>

#include "engine/model_data.h"

namespace octet {

const char* version() { return OCTET_VERSION; }

std::size_t type_size(Type type) { return type == Type::u8 || type == Type::s8 ? 1 : 4; }

const char* score_type_name(ScoreType type) {
  switch (type) {
    case ScoreType::logits:
      return "logits";
    case ScoreType::probabilities:
      return "probabilities";
    case ScoreType::log_probabilities:
      return "log-probabilities";
    case ScoreType::independent:
      return "independent";
  }
  return "";
}

const char* type_name(Type type) {
  switch (type) {
    case Type::u8:
      return "u8";
    case Type::s8:
      return "s8";
    case Type::s32:
      return "s32";
    case Type::f32:
      return "f32";
  }
  std::abort();
}

namespace {

Expected<std::shared_ptr<Model::Data>> make_data(Expected<std::unique_ptr<ModelBytes>> bytes,
                                                 std::string name, const LoadOptions& options) {
  if (!bytes) return tl::unexpected(bytes.error());
  auto data = std::make_shared<Model::Data>();
  data->path = std::move(name);
  data->storage = std::move(*bytes);
  if (auto ok = decode_model(data->storage->bytes(), options, *data); !ok)
    return fail(data->path + ": " + ok.error().message);
  return data;
}

}  // namespace

Expected<Model> Model::load(const std::string& path, const LoadOptions& options) {
  auto data = make_data(ModelBytes::map(path), path, options);
  if (!data) return tl::unexpected(data.error());
  return Model(std::move(*data));
}

Expected<Model> Model::from_memory(std::span<const std::byte> bytes, std::string name,
                                   const LoadOptions& options) {
  auto copy = ModelBytes::copy(bytes, name);
  auto data = make_data(std::move(copy), std::move(name), options);
  if (!data) return tl::unexpected(data.error());
  return Model(std::move(*data));
}

const Model::Data& Model::data() const {
  if (data_ != nullptr) return *data_;
  static const Data* const moved_from = new Data();
  return *moved_from;
}

const std::string& Model::path() const { return data().path; }
std::size_t Model::file_size() const {
  return data().storage != nullptr ? data().storage->bytes().size() : 0;
}
bool Model::has_checksum() const { return data().has_checksum; }
const std::vector<TensorInfo>& Model::inputs() const { return data().input_infos; }
const std::vector<TensorInfo>& Model::outputs() const { return data().output_infos; }
const std::vector<std::string>& Model::labels() const { return data().labels; }
const Preprocess* Model::preprocess() const {
  return data().preprocess ? &*data().preprocess : nullptr;
}
const Task& Model::task() const { return data().task; }
const std::vector<NodeInfo>& Model::nodes() const { return data().node_infos; }
const std::string& Model::producer() const { return data().producer; }
int64_t Model::macs() const { return data().macs; }
std::size_t Model::weight_bytes() const { return data().weight_bytes; }

bool Model::has_int8() const {
  return std::ranges::any_of(data().node_infos, [](const NodeInfo& node) { return node.int8; });
}

bool Model::has_float_island() const {
  return std::ranges::any_of(data().steps, [](const StepRecord& step) { return step.island; });
}

bool Model::is_exact() const {
  return std::ranges::all_of(data().steps, [&](const StepRecord& step) {
    const auto first = data().nodes.begin() + step.first_node;
    return !step.island || std::all_of(first, first + step.node_count, [](const NodeRecord& node) {
      return is_exact_in_float(node.op);
    });
  });
}

Expected<PackedWeightsCache::Shared> PackedWeightsCache::get(const void* table, const Maker& make) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const std::byte>& known = known_[table];
  if (Shared shared = known.lock()) return shared;
  auto made = make();
  if (made) known = *made;
  return made;
}

}  // namespace octet
