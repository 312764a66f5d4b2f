#include "loaders/tflite/model_file.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "loaders/load_error.h"

namespace octet::loaders::tflite {
namespace {

constexpr uint32_t schema_version = 3;

[[noreturn]] void fail_damaged(const std::string& what) {
  throw LoadError("this TFLite file is damaged (" + what + "): fetch or convert it again");
}

// Reads vectors element by element: FlatBuffers' verification does not check how elements are
// aligned.
template <class T>
std::vector<T> to_vector(const flatbuffers::Vector<T>* from) {
  std::vector<T> out(from == nullptr ? 0 : from->size());
  if (!out.empty()) std::memcpy(out.data(), from->Data(), out.size() * sizeof(T));
  return out;
}

std::string to_string(const flatbuffers::String* from) {
  return from == nullptr ? std::string() : from->str();
}

template <class T>
uint32_t count(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// Returns nothing if the tensor has no data of its own.
std::optional<std::span<const std::byte>> data_of(const format::Model& model, uint32_t index,
                                                  const std::string& name,
                                                  std::span<const std::byte> file) {
  if (index >= count(model.buffers())) fail_damaged("'" + name + "' has no buffer");
  const format::Buffer* buffer = model.buffers()->Get(index);
  if (buffer->offset() > 1) {  // the data lies behind the FlatBuffer, in files above 2 GB
    if (buffer->offset() > file.size() || buffer->size() > file.size() - buffer->offset())
      fail_damaged("the values of '" + name + "' lie behind the end of the file");
    return file.subspan(buffer->offset(), buffer->size());
  }
  if (count(buffer->data()) == 0) return std::nullopt;
  return std::as_bytes(std::span(buffer->data()->data(), buffer->data()->size()));
}

void read_quantization(const format::QuantizationParameters* from, TensorRecord& tensor) {
  if (from == nullptr) return;
  tensor.custom_quantization = from->details_type() != 0;
  tensor.scale = to_vector(from->scale());
  tensor.zero_point = to_vector(from->zero_point());
  tensor.axis = from->quantized_dimension();
  // Symmetrically quantized tensors may leave out their zero points.
  if (tensor.zero_point.empty()) tensor.zero_point.assign(tensor.scale.size(), 0);
  if (tensor.zero_point.size() != tensor.scale.size())
    fail_damaged("'" + tensor.name + "' has another number of zero points than of scales");
}

TensorRecord read_tensor(const format::Model& model, const format::Tensor& from,
                         const std::string& name, std::span<const std::byte> file) {
  TensorRecord tensor{.name = name,
                      .type = from.type(),
                      .shape = to_vector(from.shape()),
                      .signature = to_vector(from.shape_signature()),
                      .data = data_of(model, from.buffer(), name, file),
                      .sparse = from.sparsity() != nullptr,
                      .variable = from.is_variable()};
  read_quantization(from.quantization(), tensor);
  return tensor;
}

std::vector<TensorRecord> read_tensors(const format::Model& model, const format::SubGraph& graph,
                                       std::span<const std::byte> file) {
  std::vector<TensorRecord> tensors;
  std::set<std::string> names;
  for (uint32_t i = 0; i < count(graph.tensors()); ++i) {
    const format::Tensor& from = *graph.tensors()->Get(i);
    const std::string own = to_string(from.name());
    const std::string numbered = "tensor " + std::to_string(i);
    std::string name = own.empty() ? numbered : own;
    if (!names.insert(name).second) {
      name += " (" + numbered + ")";
      names.insert(name);
    }
    tensors.push_back(read_tensor(model, from, name, file));
  }
  return tensors;
}

format::BuiltinOperator code_of(const format::OperatorCode& code) {
  // Codes above 127 are in the newer field, which older files leave at 0.
  return std::max(code.builtin_code(),
                  static_cast<format::BuiltinOperator>(code.deprecated_builtin_code()));
}

std::string operator_name(const format::OperatorCode& code) {
  if (code_of(code) == format::BuiltinOperator::CUSTOM && code.custom_code() != nullptr)
    return code.custom_code()->str();
  const std::string name = format::EnumNameBuiltinOperator(code_of(code));
  return name.empty() ? "operator number " + std::to_string(static_cast<int>(code_of(code))) : name;
}

void check_indices(const std::vector<int32_t>& indices, std::size_t tensors, int32_t least) {
  for (const int32_t index : indices) {
    if (index < least || index >= static_cast<int32_t>(tensors))
      fail_damaged("it names a tensor " + std::to_string(index) + ", which it has not");
  }
}

std::vector<OperatorRecord> read_operators(const format::Model& model,
                                           const format::SubGraph& graph, std::size_t tensors) {
  std::vector<OperatorRecord> operators;
  for (uint32_t i = 0; i < count(graph.operators()); ++i) {
    const format::Operator* from = graph.operators()->Get(i);
    if (from->opcode_index() >= count(model.operator_codes()))
      fail_damaged("operator " + std::to_string(i) + " has no code");
    const format::OperatorCode& code = *model.operator_codes()->Get(from->opcode_index());
    OperatorRecord record{.op = operator_name(code),
                          .code = code_of(code),
                          .inputs = to_vector(from->inputs()),
                          .outputs = to_vector(from->outputs()),
                          .options = from};
    check_indices(record.inputs, tensors, -1);
    check_indices(record.outputs, tensors, 0);
    operators.push_back(std::move(record));
  }
  return operators;
}

}  // namespace

std::string type_name(format::TensorType type) {
  const std::string name = format::EnumNameTensorType(type);
  return name.empty() ? "type number " + std::to_string(static_cast<int>(type)) : name;
}

bool looks_like_model(std::span<const std::byte> file) {
  return file.size() >= 8 && format::ModelBufferHasIdentifier(file.data());
}

ModelFile read_model(std::span<const std::byte> file) {
  // The FlatBuffer itself ends below 2 GB. Only buffers lie behind it.
  const std::size_t verified = std::min(file.size(), std::size_t{FLATBUFFERS_MAX_BUFFER_SIZE} - 1);
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(file.data()), verified);
  if (!looks_like_model(file) || !format::VerifyModelBuffer(verifier))
    fail_damaged("its tables lie outside the file, or it is cut off");
  const format::Model& model = *format::GetModel(file.data());
  if (model.version() != schema_version) {
    throw LoadError("the model uses version " + std::to_string(model.version()) +
                    " of TFLite's schema; octet reads version 3, as every converter since 2018 "
                    "writes it");
  }
  if (count(model.subgraphs()) == 0) fail_damaged("it has no subgraph");
  const format::SubGraph& graph = *model.subgraphs()->Get(0);
  ModelFile out{.description = to_string(model.description())};
  out.tensors = read_tensors(model, graph, file);
  out.operators = read_operators(model, graph, out.tensors.size());
  out.inputs = to_vector(graph.inputs());
  out.outputs = to_vector(graph.outputs());
  check_indices(out.inputs, out.tensors.size(), 0);
  check_indices(out.outputs, out.tensors.size(), 0);
  return out;
}

}  // namespace octet::loaders::tflite
