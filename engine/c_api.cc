#include <new>

#include "octet/octet.h"
#include "octet/octet.hpp"

static_assert(octet_u8 == static_cast<int>(octet::Type::u8) &&
              octet_s8 == static_cast<int>(octet::Type::s8) &&
              octet_s32 == static_cast<int>(octet::Type::s32) &&
              octet_f32 == static_cast<int>(octet::Type::f32));

struct octet_model {
  octet::Model model;
};

struct octet_session {
  octet::Session session;
};

namespace {

std::string& last_error() {
  thread_local std::string message;
  return message;
}

octet_status report(const octet::Error& error) {
  last_error() = error.message;
  return octet_failed;
}

octet_status status_of(const octet::Expected<void>& result) {
  return result ? octet_ok : report(result.error());
}

template <class Handle, class Value>
Handle* adopt(octet::Expected<Value> value) {
  if (!value) {
    report(value.error());
    return nullptr;
  }
  auto* handle = new (std::nothrow) Handle{std::move(*value)};
  if (handle == nullptr) report({"not enough memory for a handle"});
  return handle;
}

/// Returns whether the pointer is not NULL. If it is, sets an error that names the function and its
/// parameter.
bool given(const void* pointer, const char* function, const char* parameter) {
  if (pointer != nullptr) return true;
  report({std::string(function) + ": '" + parameter + "' is NULL"});
  return false;
}

octet_status describe(const std::vector<octet::TensorInfo>& tensors, size_t index,
                      octet_tensor_info* info) {
  if (index >= tensors.size()) return report({"there is no tensor " + std::to_string(index)});
  const octet::TensorInfo& tensor = tensors[index];
  *info = {.name = tensor.name.c_str(),
           .type = static_cast<octet_type>(tensor.type),
           .shape = tensor.shape.data(),
           .rank = tensor.shape.size()};
  return octet_ok;
}

}  // namespace

extern "C" {

const char* octet_version(void) { return octet::version(); }

const char* octet_last_error(void) { return last_error().c_str(); }

octet_model* octet_model_load(const char* path) {
  if (!given(path, __func__, "path")) return nullptr;
  return adopt<octet_model>(octet::Model::load(path));
}

octet_model* octet_model_load_verified(const char* path) {
  if (!given(path, __func__, "path")) return nullptr;
  return adopt<octet_model>(octet::Model::load(path, {.verify_checksum = true}));
}

octet_model* octet_model_from_memory(const void* bytes, size_t size) {
  if (!given(bytes, __func__, "bytes")) return nullptr;
  return adopt<octet_model>(
      octet::Model::from_memory({static_cast<const std::byte*>(bytes), size}));
}

void octet_model_free(octet_model* model) { delete model; }

size_t octet_model_input_count(const octet_model* model) {
  return given(model, __func__, "model") ? model->model.inputs().size() : 0;
}

size_t octet_model_output_count(const octet_model* model) {
  return given(model, __func__, "model") ? model->model.outputs().size() : 0;
}

octet_status octet_model_input_info(const octet_model* model, size_t index,
                                    octet_tensor_info* info) {
  if (!given(model, __func__, "model") || !given(info, __func__, "info")) return octet_failed;
  return describe(model->model.inputs(), index, info);
}

octet_status octet_model_output_info(const octet_model* model, size_t index,
                                     octet_tensor_info* info) {
  if (!given(model, __func__, "model") || !given(info, __func__, "info")) return octet_failed;
  return describe(model->model.outputs(), index, info);
}

size_t octet_model_label_count(const octet_model* model) {
  return given(model, __func__, "model") ? model->model.labels().size() : 0;
}

const char* octet_model_label(const octet_model* model, size_t index) {
  if (!given(model, __func__, "model")) return nullptr;
  const auto& labels = model->model.labels();
  if (index < labels.size()) return labels[index].c_str();
  report({"there is no label " + std::to_string(index)});
  return nullptr;
}

octet_session* octet_session_create(const octet_model* model, int threads) {
  if (!given(model, __func__, "model")) return nullptr;
  return adopt<octet_session>(octet::Session::create(model->model, {.threads = threads}));
}

void octet_session_free(octet_session* session) { delete session; }

octet_status octet_session_set_input(octet_session* session, size_t index, const float* values,
                                     size_t count) {
  if (!given(session, __func__, "session") || !given(values, __func__, "values")) {
    return octet_failed;
  }
  return status_of(session->session.set_input(index, {values, count}));
}

octet_status octet_session_set_pixels(octet_session* session, size_t index, const uint8_t* pixels,
                                      size_t count) {
  if (!given(session, __func__, "session") || !given(pixels, __func__, "pixels")) {
    return octet_failed;
  }
  return status_of(session->session.set_pixels(index, {pixels, count}));
}

octet_status octet_session_run(octet_session* session) {
  if (!given(session, __func__, "session")) return octet_failed;
  return status_of(session->session.run());
}

const void* octet_session_output(const octet_session* session, size_t index, size_t* size) {
  if (size != nullptr) *size = 0;
  if (!given(session, __func__, "session")) return nullptr;
  const octet::TensorView view = session->session.output(index);
  if (size != nullptr) *size = view.size;
  if (view.data == nullptr) report({"there is no output " + std::to_string(index)});
  return view.data;
}

const char* octet_session_isa(const octet_session* session) {
  return given(session, __func__, "session") ? session->session.isa() : nullptr;
}

}  // extern "C"
