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

octet_model* adopt(octet::Expected<octet::Model> model) {
  if (model) return new (std::nothrow) octet_model{std::move(*model)};
  report(model.error());
  return nullptr;
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

octet_model* octet_model_load(const char* path) { return adopt(octet::Model::load(path)); }

octet_model* octet_model_from_memory(const void* bytes, size_t size) {
  return adopt(octet::Model::from_memory({static_cast<const std::byte*>(bytes), size}));
}

void octet_model_free(octet_model* model) { delete model; }

size_t octet_model_input_count(const octet_model* model) { return model->model.inputs().size(); }

size_t octet_model_output_count(const octet_model* model) { return model->model.outputs().size(); }

octet_status octet_model_input_info(const octet_model* model, size_t index,
                                    octet_tensor_info* info) {
  return describe(model->model.inputs(), index, info);
}

octet_status octet_model_output_info(const octet_model* model, size_t index,
                                     octet_tensor_info* info) {
  return describe(model->model.outputs(), index, info);
}

size_t octet_model_label_count(const octet_model* model) { return model->model.labels().size(); }

const char* octet_model_label(const octet_model* model, size_t index) {
  const auto& labels = model->model.labels();
  return index < labels.size() ? labels[index].c_str() : nullptr;
}

octet_session* octet_session_create(const octet_model* model, int threads) {
  auto session = octet::Session::create(model->model, {.threads = threads});
  if (session) return new (std::nothrow) octet_session{std::move(*session)};
  report(session.error());
  return nullptr;
}

void octet_session_free(octet_session* session) { delete session; }

octet_status octet_session_set_input(octet_session* session, size_t index, const float* values,
                                     size_t count) {
  return status_of(session->session.set_input(index, {values, count}));
}

octet_status octet_session_set_pixels(octet_session* session, size_t index, const uint8_t* pixels,
                                      size_t count) {
  return status_of(session->session.set_pixels(index, {pixels, count}));
}

octet_status octet_session_run(octet_session* session) { return status_of(session->session.run()); }

const void* octet_session_output(const octet_session* session, size_t index, size_t* size) {
  const octet::TensorView view = session->session.output(index);
  if (size != nullptr) *size = view.size;
  if (view.data == nullptr) report({"there is no output " + std::to_string(index)});
  return view.data;
}

const char* octet_session_isa(const octet_session* session) { return session->session.isa(); }

}  // extern "C"
