#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "engine/session_plan.h"
#include "engine/step.h"

namespace octet {
namespace {

using kernels::KernelTable;

constexpr std::size_t aligned(std::size_t size) { return (size + 63) / 64 * 64; }

std::string isa_names() {
  std::string names;
  for (const kernels::Isa isa : kernels::all_isas()) {
    names += (names.empty() ? "" : ", ") + std::string(kernels::isa_name(isa));
  }
  return names;
}

Expected<const KernelTable*> choose_table(const std::string& wanted) {
  const char* environment = std::getenv("OCTET_ISA");
  const std::string name = !wanted.empty() ? wanted : environment != nullptr ? environment : "";
  const std::string source = wanted.empty() ? "OCTET_ISA" : "isa";
  if (name.empty()) return &kernels::best_table();
  kernels::Isa isa;
  if (!kernels::parse_isa(name.c_str(), isa)) {
    return fail(source + ": '" + name + "' is no instruction set; it is one of " + isa_names());
  }
  const KernelTable* table = kernels::find_table(isa);
  if (table == nullptr) {
    std::string available;
    for (const KernelTable* t : kernels::available_tables())
      available += std::string(" ") + t->name;
    return fail(source + ": this processor or this build does not have '" + name +
                "'; it has:" + available);
  }
  return table;
}

// For one quantized input: the byte that each pixel value of each channel becomes.
struct QuantizedPixels {
  std::vector<uint8_t> values;  // [channels][256]
  /// The same as arithmetic, which is faster than looking bytes up; only if it gives the same
  /// bytes.
  std::optional<kernels::AffineChannelsParams> affine;
};

// The values of pixels in float32 and, for each of the quantized inputs, as bytes.
struct PixelTables {
  std::size_t channels = 0;
  std::vector<float> real;  // [channels][256]
  std::vector<QuantizedPixels> quantized;
};

// Finds `scale * pixel + offset` for each channel. Returns nothing if it does not give the table's
// byte for all 256 pixel values, which is tried out.
std::optional<kernels::AffineChannelsParams> fit_line(const Preprocess& preprocess,
                                                      const Quantizer& quantizer,
                                                      std::span<const uint8_t> values,
                                                      const KernelTable& table) {
  const bool by_channel = quantizer.channels() > 0;
  kernels::AffineChannelsParams params{
      .channels = preprocess.mean.size(),
      .zero_point = by_channel ? 0 : static_cast<int32_t>(quantizer.mean(0))};
  if (params.channels > kernels::AffineChannelsParams::max_channels) return std::nullopt;
  for (std::size_t c = 0; c < params.channels; ++c) {
    params.scale[c] = quantizer.inverse(c) / preprocess.std[c];
    params.offset[c] = -preprocess.mean[c] * params.scale[c] + (by_channel ? quantizer.mean(c) : 0);
    constexpr float limit = 0x1p30f;
    if (!(255 * std::abs(params.scale[c]) + std::abs(params.offset[c]) < limit)) {
      return std::nullopt;
    }
  }
  std::vector<uint8_t> pixels;
  for (int value = 0; value < 256; ++value) {
    pixels.insert(pixels.end(), params.channels, static_cast<uint8_t>(value));
  }
  std::vector<uint8_t> fitted(pixels.size());
  table.affine_channels(params, pixels.data(), fitted.data(), 256);
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    if (fitted[i] != values[i % params.channels * 256 + pixels[i]]) return std::nullopt;
  }
  return params;
}

PixelTables make_pixel_tables(const Model::Data& model, const InputPlan& input,
                              const KernelTable& table) {
  const Preprocess& p = *model.preprocess;
  PixelTables tables{.channels = p.mean.size()};
  for (std::size_t c = 0; c < p.mean.size(); ++c) {
    for (int value = 0; value < 256; ++value) {
      tables.real.push_back((static_cast<float>(value) - p.mean[c]) / p.std[c]);
    }
  }
  for (const Quantizer& quantizer : input.quantizers) {
    QuantizedPixels quantized{.values = std::vector<uint8_t>(tables.real.size())};
    const std::size_t channels = tables.channels;
    std::vector<float> pixels;  // [256][channels]
    for (std::size_t i = 0; i < tables.real.size(); ++i)
      pixels.push_back(tables.real[i % channels * 256 + i / channels]);
    std::vector<uint8_t> bytes(pixels.size());
    quantizer.run(table, pixels.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i)
      quantized.values[i % channels * 256 + i / channels] = bytes[i];
    quantized.affine = fit_line(p, quantizer, quantized.values, table);
    tables.quantized.push_back(std::move(quantized));
  }
  return tables;
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

struct Session::Impl {
  Impl(const Model& m, const KernelTable& t, int threads) : model(m), table(t), pool(threads) {}

  const Model::Data& data() const { return model.data(); }

  Expected<void> prepare(const SessionOptions& options) {
    plan = plan_session(data());
    const MemoryPlan memory = plan_memory(plan.buffers);
    arena_bytes = memory.size;
    arena_lower_bound = memory.lower_bound;
    auto allocated = AlignedBuffer::allocate(memory.size + kernels::overread);
    if (!allocated) return fail(data().path + ": " + allocated.error().message);
    arena = std::move(*allocated);
    activations.assign(data().tensors.size(), nullptr);
    for (std::size_t id = 0; id < activations.size(); ++id) {
      const int buffer = plan.buffer_of[id];
      if (buffer >= 0)
        activations[id] = arena.data() + memory.offsets[static_cast<std::size_t>(buffer)];
    }
    const StepContext context{.model = data(),
                              .table = table,
                              .pool = pool,
                              .activations = activations,
                              .exact = options.exact};
    for (std::size_t i = 0; i < data().steps.size(); ++i) {
      steps.emplace_back();
      if (!plan.runs[i]) continue;
      auto step = make_step(context, data().steps[i]);
      if (!step) return fail(data().path + ": " + step.error().message);
      steps.back() = std::move(*step);
    }
    if (auto ok = share_packed_weights(); !ok) return ok;
    if (auto ok = share_scratch(memory); !ok) return ok;
    if (data().preprocess) pixel_tables = make_pixel_tables(data(), plan.inputs[0], table);
    input_set.assign(data().inputs.size(), false);
    if (options.time_steps) step_seconds.assign(data().steps.size(), 0.0);
    return {};
  }

  /// Runs `convert`, which writes an input's tensor. Its time counts as the time of the quantize
  /// node that it replaces.
  template <class Convert>
  void convert_input(int32_t tensor, const Convert& convert) {
    if (step_seconds.empty()) return convert();
    const auto begin = Clock::now();
    convert();
    const double seconds = seconds_since(begin);
    for (const NodeRecord& node : data().nodes) {
      if (node.outputs[0] == tensor) step_seconds[static_cast<std::size_t>(node.step)] = seconds;
    }
  }

  /// The packed weights of all layers lie one after the other, in the order in which the layers
  /// run.
  Expected<void> share_packed_weights() {
    for (const auto& step : steps) {
      if (step != nullptr) packed_bytes += aligned(step->packed_bytes());
    }
    auto shared = data().packed_weights.get(&table, [&] { return pack_weights(); });
    if (!shared) return tl::unexpected(shared.error());
    packed_weights = *shared;
    const std::byte* at = packed_weights.get();
    const std::byte* const end = at + packed_bytes;
    for (const auto& step : steps) {
      if (step == nullptr) continue;
      step->set_packed_weights(at);
      at += aligned(step->packed_bytes());
      step->set_next_weights(at < end ? at : nullptr);
    }
    return {};
  }

  Expected<PackedWeightsCache::Shared> pack_weights() const {
    auto allocated = AlignedBuffer::allocate(packed_bytes);
    if (!allocated) return fail(data().path + ": " + allocated.error().message);
    std::byte* to = allocated->data();
    for (const auto& step : steps) {
      if (step == nullptr) continue;
      step->pack(to);
      to += aligned(step->packed_bytes());
    }
    const auto owner = std::make_shared<AlignedBuffer>(std::move(*allocated));
    return PackedWeightsCache::Shared(owner, owner->data());
  }

  /// Each thread has its own scratch memory, which all steps share. A step that needs much would
  /// not stay in a core's first cache anyway: it gets its scratch memory from the arena, if there
  /// is room beside the buffers that live while it runs.
  Expected<void> share_scratch(const MemoryPlan& memory) {
    constexpr std::size_t large = std::size_t{32} << 10;
    const auto threads = static_cast<std::size_t>(pool.threads());
    std::size_t bytes_a_thread = 0;
    std::vector<Step*> sharing;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i] == nullptr) continue;
      const std::size_t wanted = aligned(steps[i]->scratch_bytes());
      std::optional<std::size_t> gap;
      if (wanted > large) {
        gap = find_gap(plan.buffers, memory, static_cast<int>(i), wanted * threads);
      }
      if (gap) {
        steps[i]->set_scratch({.data = arena.data() + *gap, .bytes_a_thread = wanted});
      } else {
        bytes_a_thread = std::max(bytes_a_thread, wanted);
        sharing.push_back(steps[i].get());
      }
    }
    scratch_bytes = bytes_a_thread * threads;
    auto allocated = AlignedBuffer::allocate(scratch_bytes);
    if (!allocated) return fail(data().path + ": " + allocated.error().message);
    scratch = std::move(*allocated);
    for (Step* step : sharing) {
      step->set_scratch({.data = scratch.data(), .bytes_a_thread = bytes_a_thread});
    }
    return {};
  }

  Expected<void> check_input(std::size_t index, std::size_t count) const {
    if (index >= data().inputs.size()) {
      return fail(data().path + ": there is no input " + std::to_string(index) +
                  "; the model has " + std::to_string(data().inputs.size()));
    }
    const TensorInfo& info = data().input_infos[index];
    if (static_cast<int64_t>(count) != element_count(info.shape)) {
      return fail(data().path + ": input '" + info.name + "' takes " + shape_text(info.shape) +
                  " = " + std::to_string(element_count(info.shape)) + " values, not " +
                  std::to_string(count));
    }
    return {};
  }

  /// Claims the session for the caller until `busy` is false again.
  static Expected<void> claim(Impl* impl) {
    if (impl == nullptr) return fail("the session was moved from: use the one that it became");
    if (!impl->busy.exchange(true, std::memory_order_acquire)) return {};
    return fail(impl->data().path +
                ": the session is in use by another thread: create one for each thread");
  }
  struct Release {
    std::atomic<bool>& busy;
    ~Release() { busy.store(false, std::memory_order_release); }
  };

  std::byte* activation(int32_t id) const { return activations[static_cast<std::size_t>(id)]; }

  Model model;  // keeps the constants mapped
  const KernelTable& table;
  ThreadPool pool;
  SessionPlan plan;
  AlignedBuffer arena;
  std::size_t arena_bytes = 0;
  std::size_t arena_lower_bound = 0;
  AlignedBuffer scratch;
  std::size_t scratch_bytes = 0;
  PackedWeightsCache::Shared packed_weights;
  std::size_t packed_bytes = 0;
  std::vector<std::byte*> activations;
  std::vector<std::unique_ptr<Step>> steps;  // null: this step does not run
  PixelTables pixel_tables;
  std::vector<bool> input_set;
  std::vector<double> step_seconds;
  std::atomic<bool> busy{false};
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Expected<Session> Session::create(const Model& model, const SessionOptions& options) {
  if (model.data().storage == nullptr) {
    return fail("the model was moved from: use the one that it became");
  }
  if (options.threads < 0 || options.threads > 1024) {
    return fail("threads: " + std::to_string(options.threads) +
                " is not between 0 (the default) and 1024");
  }
  const auto table = choose_table(options.isa);
  if (!table) return tl::unexpected(table.error());
  const int threads = options.threads > 0 ? options.threads : default_thread_count();
  auto impl = std::make_unique<Impl>(model, **table, threads);
  if (auto ok = impl->prepare(options); !ok) return tl::unexpected(ok.error());
  return Session(std::move(impl));
}

Expected<void> Session::set_input(std::size_t index, std::span<const float> values) {
  if (auto ok = Impl::claim(impl_.get()); !ok) return ok;
  const Impl::Release release{impl_->busy};
  if (auto ok = impl_->check_input(index, values.size()); !ok) return ok;
  const InputPlan& input = impl_->plan.inputs[index];
  if (input.keeps_float) {
    std::memcpy(impl_->activation(impl_->data().inputs[index]), values.data(), values.size_bytes());
  }
  for (std::size_t i = 0; i < input.quantized.size(); ++i) {
    const int32_t id = input.quantized[i];
    impl_->convert_input(id, [&] {
      input.quantizers[i].run(impl_->table, values.data(),
                              reinterpret_cast<uint8_t*>(impl_->activation(id)), values.size());
    });
  }
  impl_->input_set[index] = true;
  return {};
}

Expected<void> Session::set_pixels(std::size_t index, std::span<const uint8_t> pixels) {
  if (auto ok = Impl::claim(impl_.get()); !ok) return ok;
  const Impl::Release release{impl_->busy};
  if (auto ok = impl_->check_input(index, pixels.size()); !ok) return ok;
  if (!impl_->data().preprocess || index != 0) {
    return fail(impl_->data().path + ": input " + std::to_string(index) +
                " has no preprocessing in the model: give it float32 values (set_input)");
  }
  const InputPlan& input = impl_->plan.inputs[0];
  const PixelTables& tables = impl_->pixel_tables;
  const std::size_t count = pixels.size() / tables.channels;
  if (input.keeps_float) {
    auto* to = reinterpret_cast<float*>(impl_->activation(impl_->data().inputs[0]));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      to[i] = tables.real[i % tables.channels * 256 + pixels[i]];
  }
  for (std::size_t i = 0; i < input.quantized.size(); ++i) {
    const QuantizedPixels& quantized = tables.quantized[i];
    auto* to = reinterpret_cast<uint8_t*>(impl_->activation(input.quantized[i]));
    impl_->convert_input(input.quantized[i], [&] {
      if (quantized.affine) {
        impl_->table.affine_channels(*quantized.affine, pixels.data(), to, count);
      } else {
        impl_->table.lookup_channels(quantized.values.data(), tables.channels, pixels.data(), to,
                                     count);
      }
    });
  }
  impl_->input_set[0] = true;
  return {};
}

Expected<void> Session::run() {
  if (auto ok = Impl::claim(impl_.get()); !ok) return ok;
  const Impl::Release release{impl_->busy};
  for (std::size_t i = 0; i < impl_->input_set.size(); ++i) {
    if (!impl_->input_set[i]) {
      return fail(impl_->data().path + ": input '" + impl_->data().input_infos[i].name +
                  "' was never set");
    }
  }
  const bool timed = !impl_->step_seconds.empty();
  for (std::size_t i = 0; i < impl_->steps.size(); ++i) {
    if (impl_->steps[i] == nullptr) continue;
    const auto begin = timed ? Clock::now() : Clock::time_point();
    if (auto ok = impl_->steps[i]->run(); !ok) return ok;
    if (timed) impl_->step_seconds[i] = seconds_since(begin);
  }
  return {};
}

std::size_t Session::output_count() const {
  return impl_ != nullptr ? impl_->data().outputs.size() : 0;
}

TensorView Session::output(std::size_t index) const {
  if (index >= output_count()) return {};
  const int32_t id = impl_->data().outputs[index];
  const TensorRecord& tensor = impl_->data().tensor(id);
  const std::byte* values = tensor.is_constant ? tensor.data.data() : impl_->activation(id);
  return {.info = &impl_->data().output_infos[index], .data = values, .size = tensor.byte_size()};
}

const char* Session::isa() const { return impl_ != nullptr ? impl_->table.name : ""; }
int Session::threads() const { return impl_ != nullptr ? impl_->pool.threads() : 0; }
std::size_t Session::arena_bytes() const { return impl_ != nullptr ? impl_->arena_bytes : 0; }
std::size_t Session::arena_lower_bound() const {
  return impl_ != nullptr ? impl_->arena_lower_bound : 0;
}
std::size_t Session::scratch_bytes() const { return impl_ != nullptr ? impl_->scratch_bytes : 0; }
std::size_t Session::packed_bytes() const { return impl_ != nullptr ? impl_->packed_bytes : 0; }
std::span<const double> Session::step_seconds() const {
  return impl_ != nullptr ? std::span<const double>(impl_->step_seconds)
                          : std::span<const double>();
}

}  // namespace octet
