#include "worker/torch_engine/training_checkpoint.h"

#include <charconv>
#include <utility>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "worker/engine/train_options.h"
#include "worker/io/tensors.h"
#include "worker/personalize/draws.h"

namespace vico::worker {
namespace {

constexpr char kLosses[] = "losses";
constexpr char kStep[] = "step";
constexpr char kOptimizerSteps[] = "optimizer_steps";
constexpr char kSamplePending[] = "sample_owed";
constexpr char kTotalSteps[] = "total_steps";

// The number of devices is part of it on GPUs only: on CPUs it does not change the parts of a batch
// (see RowParts), hence no bit.
std::string DeviceClass(const Base& base, int64_t devices) {
  const bool cuda = base.device().type() == torch::kCUDA;
  return fmt::format("{} {}, {} threads, {} shares{}", cuda ? "cuda" : "cpu",
                     torch::toString(base.unet->parameters().front().scalar_type()),
                     at::get_num_threads(), base.threads,
                     cuda && devices > 1 ? fmt::format(", {} devices", devices) : "");
}

std::string TotalStepsOf(const v1::TrainSpec& spec) {
  if (spec.continued_adapter().empty()) return std::to_string(spec.steps());
  return fmt::format("{} from {} of {}", spec.steps(), spec.continued_steps(),
                     spec.continued_adapter());
}

// Detects a change of the mixing of seeds or of LibTorch's generator.
std::string DrawsOf(uint64_t seed) {
  const torch::Tensor normal = DrawNormal({16}, seed, Purpose::kNoise, 1);
  return Sha256Hex({static_cast<const char*>(normal.data_ptr()), normal.nbytes()});
}

/// 0 if the metadata have no such number.
int64_t NumberIn(const Metadata& metadata, const char* key) {
  int64_t number = 0;
  if (const auto found = metadata.find(key); found != metadata.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

absl::Status CheckIdentity(const Metadata& metadata, const TrainingIdentity& identity,
                           bool is_continued) {
  for (const auto& [name, value] : identity) {
    if (is_continued && name == kTotalSteps) continue;
    const auto found = metadata.find(name);
    if (found == metadata.end() || found->second != value) {
      return absl::FailedPreconditionError(
          fmt::format("checkpoint: {} is \"{}\", must be \"{}\"", name,
                      found == metadata.end() ? "" : found->second.substr(0, 100), value));
    }
  }
  return absl::OkStatus();
}

}  // namespace

TrainingIdentity IdentityOf(const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
                            const std::string& base_model_digest, const Base& base,
                            const std::string& code_version) {
  Sha256 training;
  // The spec has no map fields, so equal specs have equal bytes.
  // A spec from before the field has no resize, which means the same as the default. The devices
  // that the training uses are a matter of the device below. What follows the training is none of
  // its own.
  v1::TrainSpec identified = spec;
  identified.clear_devices();
  identified.clear_evaluate();
  identified.clear_steps();
  identified.clear_continued_adapter();
  identified.clear_continued_steps();
  if (spec.resize() == v1::RESIZE_SQUEEZE) identified.clear_resize();
  const std::string spec_bytes = identified.SerializeAsString();
  training.Update(Sha256Hex(spec_bytes));
  for (const std::string& picture : pictures) training.Update(Sha256Hex(picture));
  return {{"format", "vico-training-checkpoint 2"},
          {"training", training.HexDigest()},
          {kTotalSteps, TotalStepsOf(spec)},
          {"base_model", base_model_digest},
          {"code_version", code_version},
          {"libtorch", TORCH_VERSION},
          {"device", DeviceClass(base, DevicesOf(base, spec))},
          {"draws", DrawsOf(spec.seed())}};
}

absl::StatusOr<std::string> SerializeCheckpoint(const TrainingCheckpoint& checkpoint,
                                                const TrainingIdentity& identity) {
  TensorMap tensors = checkpoint.state.tensors;
  tensors[kLosses] = torch::tensor(checkpoint.losses, torch::kFloat64);
  Metadata metadata = identity;
  metadata[kStep] = std::to_string(checkpoint.state.step);
  metadata[kOptimizerSteps] = std::to_string(checkpoint.state.optimizer_steps);
  if (checkpoint.sample_pending) metadata[kSamplePending] = "true";
  return SerializeTensors(tensors, metadata);
}

absl::StatusOr<TrainingCheckpoint> ParseCheckpoint(std::string bytes,
                                                   const TrainingIdentity& identity,
                                                   int64_t continued_steps) {
  const auto file = SafetensorsFile::FromBytes(std::move(bytes), "checkpoint");
  if (!file.ok()) return absl::DataLossError(file.status().message());
  const int64_t step = NumberIn(file->metadata(), kStep);
  const int64_t optimizer_steps = NumberIn(file->metadata(), kOptimizerSteps);
  RETURN_IF_ERROR(
      CheckIdentity(file->metadata(), identity, continued_steps > 0 && step == continued_steps));
  TrainingCheckpoint checkpoint;
  checkpoint.state = {
      .step = step, .optimizer_steps = optimizer_steps, .tensors = ReadTensors(*file)};
  const auto losses = checkpoint.state.tensors.extract(kLosses);
  if (optimizer_steps < 1 || step < optimizer_steps || losses.empty() ||
      losses.mapped().scalar_type() != torch::kFloat64) {
    return absl::DataLossError("checkpoint: must have a step, those of its optimizer, and losses");
  }
  const torch::Tensor& values = losses.mapped();
  if (values.dim() != 1 || values.size(0) > step) {
    return absl::DataLossError("checkpoint: must have at most a loss for each step");
  }
  const double* first = values.data_ptr<double>();
  checkpoint.losses.assign(first, first + values.size(0));
  checkpoint.sample_pending = file->metadata().contains(kSamplePending);
  return checkpoint;
}

}  // namespace vico::worker
