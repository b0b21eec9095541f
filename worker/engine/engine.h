// What a worker needs from the tensor side: train an adapter, draw pictures. Bytes in, bytes out,
// so that nothing above it meets LibTorch; worker/torch_engine is the real one.
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

/// A base model that is loaded, and the tokenizer files that the server checks prompts with.
struct BaseModelOffer {
  v1::BaseModel base_model;
  std::string vocabulary;  ///< bytes of tokenizer/vocab.json
  std::string merges;      ///< bytes of tokenizer/merges.txt
};

struct PngPicture {
  std::string bytes;
  int width = 0;  ///< pixels
  int height = 0;
};

struct TrainStep {
  int64_t step = 0;  ///< 1..total_steps: steps done so far
  int64_t total_steps = 0;
  double loss = 0;      ///< noise loss, mean over the batch
  double loss_reg = 0;  ///< the regulariser before its weight
};

struct LearnedMask {
  int64_t step = 0;
  int picture_index = 0;  ///< of the concept
  std::string png;        ///< greyscale, at the site's resolution
  double coverage = 0;    ///< 0..1, share of foreground
  std::string site = {};
};

/// Where a training may go on from.
struct CheckpointSource {
  int64_t step = 0;
  std::function<absl::StatusOr<std::string>()> fetch;  ///< its bytes
};

/// A training after `step` steps.
struct TrainCheckpoint {
  int64_t step = 0;
  /// Its bytes, from a copy: called at most once, on any thread, while the training goes on.
  std::function<absl::StatusOr<std::string>()> serialize;
};

/// Called on the thread that trains, one at a time.
struct TrainCallbacks {
  std::function<bool(const TrainStep&)> on_step;  ///< after every step; false: stop now
  std::function<bool()> keep_going;               ///< between steps of other work, as sampling
  std::function<void(int64_t step, uint64_t seed, const PngPicture&)> on_sample;
  std::function<void(const LearnedMask&)> on_mask;
  std::function<void(const std::string& reason, const std::string& message)> on_warning;

  /// Newest first. One that cannot be read is passed over with a warning; without any the training
  /// starts anew.
  std::vector<CheckpointSource> checkpoints = {};
  /// Once, before the first step, with the losses of the steps done already, if there are any.
  std::function<void(const std::vector<double>& losses)> on_resumed = {};
  /// After on_step: whether to keep the training as it is now. `stopping`: on_step has said stop.
  std::function<bool(int64_t step, bool stopping)> wants_checkpoint = {};
  std::function<void(TrainCheckpoint)> on_checkpoint = {};
};

struct TrainedAdapter {
  bool stopped = false;          ///< a callback said stop: the rest is empty
  std::string safetensors = {};  ///< the adapter file
  std::string reference = {};    ///< PNG of the reference picture
  double peak_rss_mb = 0;        ///< of the engine's process so far, in 10^6 bytes
};

struct AdapterBytes {
  std::string safetensors;
  std::string reference;  ///< PNG or JPEG
};

/// An adapter a generation names. `fetch` brings its bytes; an engine that still holds it need not
/// call.
struct AdapterSource {
  v1::Adapter adapter;
  std::function<absl::StatusOr<AdapterBytes>()> fetch;
};

struct GenerateCallbacks {
  std::function<bool(int64_t step, int64_t total_steps)> on_step;  ///< false: stop now
  std::function<void(int picture_index, int64_t step, const PngPicture&)> on_preview;
  std::function<void(int picture_index, const PngPicture&)>
      on_picture;  ///< as soon as it is finished
  std::function<void(const std::string& reason, const std::string& message)> on_warning;
};

struct EngineLoad {
  uint64_t memory_bytes = 0;  ///< resident; 0 when not known
  int loaded_adapters = 0;
};

/// Reasons of the kUnavailable that a job ends with when its engine is lost.
inline constexpr char kEngineDied[] = "ENGINE_DIED";
inline constexpr char kEngineHung[] = "ENGINE_HUNG";

/// One thread at a time, but for load(). Never throws: LibTorch's errors come back as kInternal,
/// memory that ran out as kResourceExhausted (reason OUT_OF_MEMORY), a picture or adapter file that
/// cannot be read as kInvalidArgument.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::vector<BaseModelOffer> offers() const = 0;
  virtual std::string device() const = 0;  ///< as shown to people: "cpu", "cuda:0"

  /// `spec` as accepted by the server: every field filled in. `pictures` are PNG files.
  virtual absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                               const std::vector<std::string>& pictures,
                                               const TrainCallbacks& callbacks) = 0;

  /// Draws one picture for each of `spec.seeds`; `adapter` is null for the bare base model, named
  /// by `spec.base_model`. False: a callback said stop.
  virtual absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const AdapterSource* adapter,
                                        const GenerateCallbacks& callbacks) = 0;

  /// Ready for the next job; an engine that was lost is made anew. An error is for good.
  virtual absl::Status Ready() { return absl::OkStatus(); }

  /// Any thread.
  virtual EngineLoad load() const { return {}; }

  /// Makes it anew, as after its memory ran out.
  virtual absl::Status Restart() { return absl::OkStatus(); }
};

}  // namespace vico::worker
