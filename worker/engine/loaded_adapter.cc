#include "worker/engine/loaded_adapter.h"

#include <utility>

#include <google/protobuf/util/json_util.h>

#include "common/status.h"
#include "worker/engine/train_options.h"
#include "worker/io/adapter.h"
#include "worker/io/image.h"
#include "worker/personalize/generator.h"

namespace vico::worker {
namespace {

/// The spec of the adapter's training; empty for an import.
v1::TrainSpec TrainingOf(const AdapterFile& file) {
  v1::TrainSpec spec;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(file.config, &spec, options);
  return parsed.ok() ? spec : v1::TrainSpec();
}

/// An adapter is used with the mask that it was trained with; the default is the paper's.
KeyMask MaskOf(const v1::TrainSpec& training) {
  return training.has_mask() && !training.mask() ? KeyMask::kNone : KeyMask::kOtsu;
}

}  // namespace

absl::StatusOr<LoadedAdapter> LoadAdapter(LoadedBase& loaded, const v1::Adapter& adapter,
                                          AdapterBytes bytes) {
  const AdapterTarget target = loaded.adapter_target();
  ASSIGN_OR_RETURN(const AdapterFile file,
                   ParseAdapter(std::move(bytes.safetensors), adapter.name(), target));
  v1::TrainSpec training = TrainingOf(file);
  ASSIGN_OR_RETURN(
      const torch::Tensor reference01,
      LoadSquare(bytes.reference, loaded.offer.base_model.resolution(), FitOf(training)));
  LoadedAdapter ready;
  ready.personal.adapter = MakeAdapter(file, target.transformers);
  ready.personal.dialect = file.dialect == "mmagic" ? Dialect::kMmagic : Dialect::kPaper;
  ready.personal.adapter->to(loaded.base.device());
  ready.personal.reference = ReferenceLatent(loaded.base, reference01.unsqueeze(0));
  ready.placeholder = file.placeholder;
  ready.init_word = file.init_word;
  ready.mask = MaskOf(training);
  ready.training = std::move(training);
  return ready;
}

}  // namespace vico::worker
