// octet: int8 inference of convolutional networks on CPUs. The C++ API.
//
//   auto model = octet::Model::load("model.octet");
//   auto session = octet::Session::create(*model, {.threads = 2});
//   session->set_pixels(0, pixels);  // u8 [H, W, C]; the model's preprocessing names H, W and C
//   session->run();
//   std::span<const float> scores = session->output(0).values<float>();
//
// No function throws. A function that can fail returns an Expected. Its error says what was wrong
// and what to do.
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

/// The library's version, by the rules of semantic versioning.
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

/// A description of an activation. The shape of images is [N, H, W, C].
struct TensorInfo {
  std::string name;
  Type type = Type::f32;
  std::vector<int32_t> shape;
  /// real = scale * (q - zero_point). `scale` is 0 if the tensor is not quantized.
  float scale = 0;
  int32_t zero_point = 0;
  /// One scale and zero point for each channel, the last axis, where the tensor has them; `scale`
  /// is then 0. Only a depthwise convolution reads such a tensor.
  std::vector<float> channel_scales = {};
  std::vector<int32_t> channel_zero_points = {};
};

enum class ResizeRule : uint8_t { stretch, crop, letterbox };
enum class Channels : uint8_t { rgb, bgr, gray };

/// How an image becomes the first input. It is resized by the rule in `resize`; then, for each
/// channel, x = (pixel - mean) / std, with pixels from 0 to 255.
struct Preprocess {
  int32_t height = 0;
  int32_t width = 0;
  ResizeRule resize = ResizeRule::stretch;
  Channels channels = Channels::rgb;
  std::vector<float> mean;  ///< One for each channel.
  std::vector<float> std;   ///< One for each channel, not 0.
};

enum class TaskType : uint8_t { none, classify, detect };

/// What a classifier's scores mean. It is found from the model's last layers, not from values.
enum class ScoreType : uint8_t {
  logits,             ///< Any numbers; a softmax over them makes probabilities.
  probabilities,      ///< Results of a softmax. Their sum is 1, but for the rounding of u8.
  log_probabilities,  ///< Logarithms of probabilities.
  independent,        ///< Results of a sigmoid: each class has a probability by itself.
};

/// "logits", "probabilities", "log-probabilities", "independent"
OCTET_EXPORT const char* score_type_name(ScoreType type);

/// What the outputs mean. `score_type` describes a classifier; the fields from `boxes` to `corners`
/// describe a detector (see docs/float_export.md, "task").
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
  /// If true, there are no priors and boxes are corners already: left, top, right, bottom, as
  /// shares of the input's width and height. Landmarks are x, y in the same way.
  bool corners = false;
  /// The meaning of the first output's values.
  ScoreType score_type = ScoreType::logits;
};

/// A description of one node of the model, for `octet inspect` and for timing.
struct NodeInfo {
  std::string name;
  std::string op;
  std::vector<std::string> fused;  ///< Names of the nodes that were folded into it.
  bool int8 = false;
  std::string reason;  ///< Why it runs in float, or another remark about it; may be empty.
  std::vector<TensorInfo> inputs;  ///< Activations only.
  std::vector<TensorInfo> outputs;
  int64_t macs = 0;
  int64_t weight_bytes = 0;
  int32_t step = 0;  ///< Index of the step that runs it. Nodes of a float island share one.
  /// The function of one value that an int8 layer computes before it rounds, or that a table holds
  /// ("silu"); empty if there is none.
  std::string function;
};

struct LoadOptions {
  /// Whether to read the whole file and compare it with its checksum. By default the checksum is
  /// not compared, because loading a mapped file reads only a little of it. If the file is not as
  /// it was written, loading it is an error. A file of format version 1 or 2 may have no checksum
  /// (Model::has_checksum), and is loaded then.
  bool verify_checksum = false;
};

/// A loaded model file. It is cheap to copy (copies share the file), and several threads may use it
/// at once. All that its functions return belongs to it. A model that was moved from has no inputs,
/// outputs or nodes, and cannot make a session.
class OCTET_EXPORT Model {
 public:
  /// Maps the file into memory. Errors: the file is not found, is no octet model, is damaged, or
  /// was made for a newer octet.
  static Expected<Model> load(const std::string& path, const LoadOptions& options = {});
  /// Copies `bytes`, the contents of a model file. `name` takes the path's place in error messages.
  static Expected<Model> from_memory(std::span<const std::byte> bytes,
                                     std::string name = "model in memory",
                                     const LoadOptions& options = {});

  const std::string& path() const;
  std::size_t file_size() const;
  bool has_checksum() const;
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  const std::vector<std::string>& labels() const;  ///< Empty if the model has none.
  const Preprocess* preprocess() const;            ///< Null if the model has none.
  const Task& task() const;
  const std::vector<NodeInfo>& nodes() const;
  const std::string& producer() const;
  int64_t macs() const;              ///< Multiply-accumulates of one inference.
  std::size_t weight_bytes() const;  ///< Bytes of all constants that nodes read.
  bool has_int8() const;             ///< Whether any node reads or writes u8.
  bool has_float_island() const;     ///< Whether any nodes run in float islands.
  /// Whether the outputs are the same bytes on every CPU, in sessions with SessionOptions::exact.
  /// They are if no convolution or linear layer runs in float32.
  bool is_exact() const;

  struct Data;
  const Data& data() const;

 private:
  explicit Model(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

struct SessionOptions {
  /// How many threads run the model: 0 to 1024. 0 means one for each big core that the process may
  /// use. With more than 1, the session has a thread pool of its own; no more of its threads are
  /// awake than there are processors.
  int threads = 0;
  /// The instruction set: one of reference, avx2, avxvnni, avx512vnni, amx, neon, dotprod, i8mm. ""
  /// means the one that the environment variable OCTET_ISA names or, without it, the best that the
  /// CPU has. With amx (which "" may choose), the process asks Linux for the tile registers. From
  /// then on, Linux refuses its threads signal stacks (sigaltstack) of less than some 12 KB.
  std::string isa;
  /// Whether to time each step of every run, which reads the clock twice for each step.
  bool time_steps = false;
  /// Whether islands without float convolutions and linear layers give their defined results, the
  /// same bytes on every CPU (see Model::is_exact). If false, XNNPACK runs them where it has the
  /// operator; for sigmoid and pools that is several times as fast.
  bool exact = true;
};

/// An output's values. They belong to the session, and are valid until it runs again or is
/// destroyed.
struct TensorView {
  const TensorInfo* info = nullptr;
  const void* data = nullptr;
  std::size_t size = 0;  ///< In bytes.

  template <class T>
  std::span<const T> values() const {
    return {static_cast<const T*>(data), size / sizeof(T)};
  }
};

/// A model that is ready to run: kernels are chosen, weights packed, memory planned. Create one
/// session for each of your own threads; sessions of one model share the model and its packed
/// weights. A session that was moved from has no outputs, and setting its inputs or running it is
/// an error.
class OCTET_EXPORT Session {
 public:
  /// Keeps a copy of `model`. Errors: an option is out of range, the instruction set is unknown or
  /// this machine lacks it, there is not enough memory, or the model was moved from.
  static Expected<Session> create(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Sets input `index` from float32 values in the order of the input's shape. The values are
  /// copied. Errors: there is no such input; the number of values is wrong; another thread is
  /// running the session or setting an input.
  Expected<void> set_input(std::size_t index, std::span<const float> values);
  /// Sets input `index` from u8 pixels [H, W, C], with the size and the order of channels that the
  /// model's preprocessing names. The pixels are copied. If the input is quantized, each byte is
  /// converted to a byte directly. Errors: those of set_input, or the input has no preprocessing.
  Expected<void> set_pixels(std::size_t index, std::span<const uint8_t> pixels);

  /// Runs the model on the inputs as they were last set. Allocates nothing. Errors: an input was
  /// never set; the float library failed; another thread is running the session or setting an
  /// input; the model computes an index outside of its tensor, or divides a whole number by 0.
  /// After an error, do not use the outputs.
  Expected<void> run();

  std::size_t output_count() const;
  TensorView output(std::size_t index) const;  ///< Empty if there is no such output.

  const char* isa() const;
  int threads() const;
  std::size_t arena_bytes() const;        ///< Memory for activations.
  std::size_t arena_lower_bound() const;  ///< Bytes of activations in the step that needs most.
  std::size_t scratch_bytes() const;      ///< Scratch memory outside the arena, for all threads.
  std::size_t packed_bytes() const;       ///< Weights in the form that the kernels read.
  /// The seconds that each step took in the last run, indexed by NodeInfo::step; empty without
  /// SessionOptions::time_steps. A quantize node of an input has the time of setting that input.
  std::span<const double> step_seconds() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace octet
