// octet: int8 inference of convolutional networks on CPUs. The C++ API.
//
//   auto model = octet::Model::load("model.octet");
//   auto session = octet::Session::create(*model, {.threads = 2});
//   session->set_pixels(0, pixels);            // u8 [H, W, C], as the model's preprocessing names
//   size and channels session->run(); std::span<const float> scores =
//   session->output(0).values<float>();
//
// No function throws; what can fail returns an Expected, whose error says what was wrong and what
// to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#if defined(__GNUC__)
#define OCTET_EXPORT __attribute__((visibility("default")))
#else
#define OCTET_EXPORT
#endif

namespace octet {

/// Semantic version of the library.
OCTET_EXPORT const char* version();

struct Error {
  std::string message;  ///< Names the file, the layer and the remedy.
};

template <class T>
using Expected = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

enum class Type : uint8_t { u8, s8, s32, f32 };

OCTET_EXPORT std::size_t type_size(Type type);
OCTET_EXPORT const char* type_name(Type type);  // "u8", "s8", "s32", "f32"

/// An activation of the model. Images are [N, H, W, C].
struct TensorInfo {
  std::string name;
  Type type = Type::f32;
  std::vector<int32_t> shape;
  /// real = scale * (q - zero_point); scale is 0 where the tensor is not quantized.
  float scale = 0;
  int32_t zero_point = 0;
};

enum class ResizeRule : uint8_t { stretch, crop, letterbox };
enum class Channels : uint8_t { rgb, bgr, gray };

/// How an image becomes the first input: resized by `rule`, then x = (pixel - mean) / std a
/// channel, pixels 0 to 255.
struct Preprocess {
  int32_t height = 0;
  int32_t width = 0;
  ResizeRule resize = ResizeRule::stretch;
  Channels channels = Channels::rgb;
  std::vector<float> mean;  ///< one a channel
  std::vector<float> std;   ///< one a channel, not 0
};

enum class TaskType : uint8_t { none, classify, detect };

/// What a classifier's scores are: what its last layers say, not its values.
enum class ScoreType : uint8_t {
  logits,             ///< Any numbers; a softmax over them makes probabilities.
  probabilities,      ///< Of a softmax. Their sum is 1, but for the rounding of u8.
  log_probabilities,  ///< Logarithms of probabilities.
  independent,        ///< Each a probability by itself, of a sigmoid: several classes may be there.
};

/// "logits", "probabilities", "log-probabilities", "independent"
OCTET_EXPORT const char* score_type_name(ScoreType type);

/// What the outputs mean. `score_type` is a classifier's; the fields from `boxes` to `corners` are
/// a detector's: see docs/float_export.md, "task".
struct Task {
  TaskType type = TaskType::none;
  int32_t boxes = -1;      ///< Number of the output [1, P, 4].
  int32_t scores = -1;     ///< Number of the output [1, P, 2].
  int32_t landmarks = -1;  ///< Number of the output [1, P, 2 K], or -1.
  std::vector<std::vector<float>> min_sizes;
  std::vector<float> steps;
  std::vector<float> variances;
  float score_threshold = 0;
  float nms_iou = 0;
  /// Boxes are corners already: left, top, right, bottom as shares of the input's width and height;
  /// landmarks likewise x, y. There are no priors then.
  bool corners = false;
  /// Of the first output.
  ScoreType score_type = ScoreType::logits;
};

/// One node of the model as the graph builder left it, for `octet inspect` and for timing.
struct NodeInfo {
  std::string name;
  std::string op;
  std::vector<std::string> fused;  ///< Names of the nodes that were folded into it.
  bool int8 = false;
  std::string reason;  ///< Why it runs in float, or what was decided about it; may be empty.
  std::vector<TensorInfo> inputs;  ///< Activations only.
  std::vector<TensorInfo> outputs;
  int64_t macs = 0;
  int64_t weight_bytes = 0;
  int32_t step = 0;  ///< Index of the step that runs it: a float island runs several.
};

struct LoadOptions {
  /// Read all of the file and compare it with the checksum in it, which otherwise nobody looks at:
  /// loading a mapped file reads little of it. What is no longer as it was written is an error. A
  /// file of format version 1 or 2 may have no checksum (Model::has_checksum), and loads.
  bool verify_checksum = false;
};

/// A loaded model file. Cheap to copy (copies share the file); safe to use from several threads at
/// once. One that was moved from has no inputs, outputs or nodes, and makes no session.
class OCTET_EXPORT Model {
 public:
  /// Maps the file. Errors: not found, not an octet model, damaged, made for a newer octet.
  static Expected<Model> load(const std::string& path, const LoadOptions& options = {});
  /// Copies `bytes`. `name` stands for the path in error messages.
  static Expected<Model> from_memory(std::span<const std::byte> bytes,
                                     std::string name = "model in memory",
                                     const LoadOptions& options = {});

  const std::string& path() const;
  std::size_t file_size() const;
  bool has_checksum() const;
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  const std::vector<std::string>& labels() const;  ///< Empty where the model has none.
  const Preprocess* preprocess() const;            ///< Null where the model has none.
  const Task& task() const;
  const std::vector<NodeInfo>& nodes() const;
  const std::string& producer() const;
  int64_t macs() const;
  std::size_t weight_bytes() const;
  bool has_int8() const;          ///< false: the model is one float island
  bool has_float_island() const;  ///< true: some nodes run in float32
  /// Outputs are the same bytes on every CPU (in sessions with SessionOptions::exact): no
  /// convolution or linear layer runs in float32.
  bool is_exact() const;

  struct Data;
  const Data& data() const;

 private:
  explicit Model(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

struct SessionOptions {
  /// 0: one a big core that the process may use. At most 1024; more than 1 makes a thread pool of
  /// the session's own, of which no more threads are awake than there are processors.
  int threads = 0;
  /// "" for the best that the CPU has (or what the environment variable OCTET_ISA names), or one of
  /// reference, avx2, avxvnni, avx512vnni, amx, neon, dotprod, i8mm. For amx, which "" may mean,
  /// Linux is asked for the tiles' registers, and gives no thread of the process a signal stack
  /// (sigaltstack) of less than some 12 KB from then on.
  std::string isa;
  /// Time each step of every run (two clock reads a step).
  bool time_steps = false;
  /// Islands of float32 nodes that all have one defined result give it, as everything else does
  /// (Model::is_exact). false: as XNNPACK computes them, where it has the operator: several times
  /// as fast for sigmoid and pools.
  bool exact = true;
};

/// An output's values; valid until the session runs again or is destroyed.
struct TensorView {
  const TensorInfo* info = nullptr;
  const void* data = nullptr;
  std::size_t size = 0;  ///< bytes

  template <class T>
  std::span<const T> values() const {
    return {static_cast<const T*>(data), size / sizeof(T)};
  }
};

/// A model made ready to run: kernels chosen, weights packed, memory planned. Create one session a
/// thread of your own; sessions of one model share what they can. One that was moved from has no
/// outputs; to set its inputs or run it is an error.
class OCTET_EXPORT Session {
 public:
  static Expected<Session> create(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Sets input `index` from float32 values in the order of the input's shape. Errors: no such
  /// input, wrong count; another thread runs the session or sets an input at this moment.
  Expected<void> set_input(std::size_t index, std::span<const float> values);
  /// Sets input `index` from u8 pixels [H, W, C] in the order and size of the model's
  /// preprocessing, through a table a channel: no float in between where the input is quantized.
  /// Errors: as set_input; the model has no preprocessing.
  Expected<void> set_pixels(std::size_t index, std::span<const uint8_t> pixels);

  /// Runs the model on what the inputs were last set to. Allocates nothing.
  /// Errors: an input was never set; the float library failed; another thread runs the session or
  /// sets an input at this moment; the model computes an index outside of what it indexes, or
  /// divides a whole number by 0. The outputs are then not to be used.
  Expected<void> run();

  std::size_t output_count() const;
  TensorView output(std::size_t index) const;

  const char* isa() const;
  int threads() const;
  std::size_t arena_bytes() const;        ///< Memory for activations.
  std::size_t arena_lower_bound() const;  ///< The most bytes that any step needs at once.
  std::size_t scratch_bytes() const;      ///< Scratch beside the activations, all threads'.
  std::size_t packed_bytes() const;       ///< Weights in the form that the kernels read.
  /// Seconds that each step of the last run took; empty unless SessionOptions::time_steps.
  /// NodeInfo::step indexes it. A quantize node of an input has the time that setting it took.
  std::span<const double> step_seconds() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace octet
