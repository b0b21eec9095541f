// Interface of the engine, which trains adapters and draws pictures. Its arguments and results are
// bytes and messages, so that its users do not need LibTorch. torch_engine implements it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "vico/v1/adapter.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/model.pb.h"

namespace vico::worker {

/// A loaded base model and its tokenizer files, which the server checks prompts with.
struct BaseModelOffer {
  v1::BaseModel base_model;
  std::string vocabulary;         ///< bytes of tokenizer/vocab.json, or made from tokenizer.json
  std::string merges;             ///< bytes of tokenizer/merges.txt, or made from tokenizer.json
  std::string added_tokens = {};  ///< JSON object {token: id} of tokens beyond them; empty: none
};

struct PngPicture {
  std::string bytes;
  int width = 0;  ///< pixels
  int height = 0;
};

struct TrainStep {
  int64_t step = 0;  ///< 1..total_steps, steps done so far
  int64_t total_steps = 0;
  double loss = 0;      ///< noise loss, mean over the batch
  double loss_reg = 0;  ///< the regulariser before its weight
};

/// A picture drawn with the adapter during its training.
struct TrainingSample {
  int64_t step = 0;      ///< 0: the base model alone, before the training
  int prompt_index = 0;  ///< 0..3, of the spec's sample prompts
  uint64_t seed = 0;
  PngPicture picture = {};
};

struct LearnedMask {
  int64_t step = 0;
  int picture_index = 0;  ///< of the concept
  std::string png;        ///< greyscale, at the site's resolution
  double coverage = 0;    ///< 0..1, share of foreground
  std::string site = {};
};

/// A stored checkpoint that a training may resume from.
struct CheckpointSource {
  int64_t step = 0;
  std::function<absl::StatusOr<std::string>()> fetch;  ///< its bytes
};

/// The state of a training after `step` steps.
struct TrainCheckpoint {
  int64_t step = 0;
  /// Serialises a copy of the state. Called at most once, on any thread, while the training
  /// continues.
  std::function<absl::StatusOr<std::string>()> serialize;
};

/// Called one at a time.
struct TrainCallbacks {
  std::function<bool(const TrainStep&)> on_step;  ///< after every step; false stops
  /// Called after a step and a sample that may go on: whether the training ends here and its
  /// adapter is the result. May be left out.
  std::function<bool()> finishes_early = {};
  std::function<bool()> keep_going;  ///< between steps of other work, such as sampling; false stops
  std::function<void(const TrainingSample&)> on_sample;
  std::function<void(const LearnedMask&)> on_mask;
  std::function<void(const std::string& reason, const std::string& message)> on_warning;

  /// Newest first. A checkpoint that cannot be read is skipped with a warning. Without any the
  /// training starts from the beginning or, with the warning CONTINUES_FROM_WEIGHTS, from the
  /// weights of the adapter that it continues.
  std::vector<CheckpointSource> checkpoints = {};
  /// Called once before the first step of a training that starts after `step` steps, with the
  /// losses of the last ones: of all, unless the training continued from weights.
  std::function<void(int64_t step, const std::vector<double>& losses)> on_resumed = {};
  /// Downloads the file of the adapter that the spec continues. Called if no checkpoint can be
  /// used.
  std::function<absl::StatusOr<std::string>()> fetch_continued = {};
  /// Called after on_step, also after the last: whether to take a checkpoint. `stopping`: on_step
  /// returned false.
  std::function<bool(int64_t step, bool stopping)> wants_checkpoint = {};
  std::function<void(TrainCheckpoint)> on_checkpoint = {};
};

/// After all steps, or fewer if `finishes_early` ended it.
struct TrainedAdapter {
  bool stopped = false;          ///< a callback stopped it; the rest is empty
  std::string safetensors = {};  ///< the adapter file
  double peak_rss_mb = 0;        ///< of the engine's process, in 10^6 bytes
};

struct AdapterBytes {
  std::string safetensors;
  std::string reference;  ///< PNG
};

/// The adapter of a generation. `fetch` downloads its bytes; an engine that has it cached does not
/// call it.
struct AdapterSource {
  v1::Adapter adapter;
  std::function<absl::StatusOr<AdapterBytes>()> fetch;
};

/// What a generation reads besides its spec.
struct GenerationInputs {
  const AdapterSource* adapter = nullptr;  ///< null: the bare base model
  std::string init_picture = {};           ///< PNG; empty if the spec names none
  std::string mask_picture = {};           ///< PNG; empty if the spec names none
};

struct GenerateCallbacks {
  /// Steps of all prompts together; false stops.
  std::function<bool(int64_t step, int64_t total_steps)> on_step;
  /// `step` is the picture's.
  std::function<void(int picture_index, int64_t step, const PngPicture&)> on_preview;
  /// Called as soon as a picture is finished.
  std::function<void(int picture_index, const PngPicture&)> on_picture;
  std::function<void(const std::string& reason, const std::string& message)> on_warning;
};

struct EvaluateCallbacks {
  /// Steps of all pictures, before and after; false stops.
  std::function<bool(int64_t step, int64_t total_steps)> on_step;
  std::function<bool()> keep_going;  ///< while the pictures are measured; false stops
  std::function<void(const std::string& reason, const std::string& message)> on_warning;
};

struct EvaluatedAdapter {
  bool stopped = false;           ///< a callback stopped it; the rest is empty
  v1::AdapterReport report = {};  ///< without adapter, job, create_time, losses and sheet
  PngPicture sheet = {};
};

struct EngineLoad {
  uint64_t memory_bytes = 0;  ///< resident; 0 if unknown
  int loaded_adapters = 0;
};

/// Reasons of the kUnavailable that a job ends with if its engine is lost.
inline constexpr char kEngineDied[] = "ENGINE_DIED";
inline constexpr char kEngineHung[] = "ENGINE_HUNG";

/// Threads: up to most_generations() threads call Generate() at once. One thread at a time calls
/// Train() or Evaluate(), also beside running Generate() calls. Ready() and Restart() are called
/// while no other call runs, load() by any thread. The callbacks of one call come one at a time,
/// those of different calls at once.
///
/// Never throws. Returns kInternal for LibTorch's errors,
/// kResourceExhausted with reason OUT_OF_MEMORY, kInvalidArgument for a picture or adapter file
/// that cannot be read or does not fit the base model, and kFailedPrecondition with reason
/// NON_FINITE, naming step and cause, if a computation gives NaN or infinity.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::vector<BaseModelOffer> offers() const = 0;
  virtual std::string device() const = 0;  ///< "cpu", "cuda:0", "cuda:0,cuda:1"
  /// The number of devices that the rows of a training step can be placed on, 1 or more.
  virtual int devices() const { return 1; }
  /// How many Generate() calls may run at once, 1 or more.
  virtual int most_generations() const { return 1; }

  /// `spec` is complete, as the server stores it. `pictures` are PNG files, 1 or more; the first is
  /// the adapter's reference.
  virtual absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                               const std::vector<std::string>& pictures,
                                               const TrainCallbacks& callbacks) = 0;

  /// Draws the pictures of `spec`, which generation_pictures.h numbers. Returns false if a callback
  /// stopped it.
  virtual absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec,
                                        const GenerationInputs& inputs,
                                        const GenerateCallbacks& callbacks) = 0;

  /// Draws `spec.prompts` with the base model alone and with the adapter, and measures both against
  /// `pictures`, the concept's PNG files, 1 or more. `spec` is complete, as the server stores it.
  /// The warning NO_SCORER says that there is no network to measure with; the report has no figures
  /// then.
  virtual absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                                    const AdapterSource& adapter,
                                                    const std::vector<std::string>& pictures,
                                                    const EvaluateCallbacks& callbacks) = 0;

  /// Prepares for the next job and restarts a lost engine. An error is permanent. No other call
  /// runs.
  virtual absl::Status Ready() { return absl::OkStatus(); }

  /// Any thread.
  virtual EngineLoad load() const { return {}; }

  /// Restarts the engine, for example after OUT_OF_MEMORY.
  virtual absl::Status Restart() { return absl::OkStatus(); }
};

}  // namespace vico::worker
