#include "worker/torch_engine/torch_engine.h"

#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/Parallel.h>
#include <absl/base/thread_annotations.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/status.h"
#include "worker/base_model/base_description.h"
#include "worker/engine/devices.h"
#include "worker/engine/loaded_adapter.h"
#include "worker/engine/loaded_base.h"
#include "worker/engine/recently_used.h"
#include "worker/evaluation/judge.h"
#include "worker/layers/layers.h"
#include "worker/model/finite.h"
#include "worker/torch_engine/engine_evaluation.h"
#include "worker/torch_engine/engine_generation.h"
#include "worker/torch_engine/engine_training.h"
#include "worker/torch_engine/running_batches.h"
#include "worker/torch_engine/turn_callbacks.h"

namespace vico::worker {
namespace {

absl::Status OutOfMemory() {
  return Error(absl::StatusCode::kResourceExhausted, "the worker is out of memory",
               "OUT_OF_MEMORY");
}

/// LibTorch's CPU allocator throws errors without a type; these are the texts of 1.13 and 2.x.
bool IsOutOfMemoryText(std::string_view what) {
  return what.find("can't allocate memory") != std::string_view::npos ||
         what.find("not enough memory") != std::string_view::npos;
}

/// Turns LibTorch's exceptions into statuses.
template <typename Work>
auto CatchTorchErrors(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError&) {
    return OutOfMemory();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  } catch (const NonFinite& error) {
    return Error(absl::StatusCode::kFailedPrecondition, error.what(), "NON_FINITE");
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (IsOutOfMemoryText(what)) return OutOfMemory();
    return absl::InternalError(what);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

/// The networks that evaluations measure with, the better ones for a figure first.
struct Judges {
  std::unique_ptr<Judge> dino, clip;                      // null: none
  std::map<std::string, std::unique_ptr<Judge>> scorers;  // of base models, by name

  std::vector<Judge*> For(const std::string& base_model) const {
    std::vector<Judge*> judges;
    for (Judge* const judge : {dino.get(), clip.get()}) {
      if (judge != nullptr) judges.push_back(judge);
    }
    if (const auto own = scorers.find(base_model); own != scorers.end()) {
      judges.push_back(own->second.get());
    }
    return judges;
  }
};

class TorchEngine final : public Engine {
 public:
  TorchEngine(const TorchEngineOptions& options, std::vector<torch::Device> devices,
              std::vector<LoadedBase> bases, Judges judges)
      : code_version_(options.code_version),
        devices_(std::move(devices)),
        bases_(std::move(bases)),
        judges_(std::move(judges)),
        threads_(options.threads),
        most_generations_(options.most_generations),
        turns_(options.training_share, clock_),
        batches_(turns_, options.most_rows),
        adapters_(options.cached_adapters) {
    if (options.reference_cache_mib > 0 && devices_.front().is_cpu()) {
      references_ = std::make_shared<ReferenceCache>(options.reference_cache_mib << 20);
    }
  }

  std::vector<BaseModelOffer> offers() const override {
    std::vector<BaseModelOffer> offers;
    for (const LoadedBase& loaded : bases_) offers.push_back(loaded.offer);
    return offers;
  }

  std::string device() const override { return Joined(devices_); }
  int devices() const override { return static_cast<int>(devices_.size()); }

  int most_generations() const override { return most_generations_; }

  EngineLoad load() const override {
    const MutexLock lock(mutex_);
    return {.loaded_adapters = static_cast<int>(adapters_.size())};
  }

  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const TrainCallbacks& callbacks) override {
    return OnThisThread([&]() -> absl::StatusOr<TrainedAdapter> {
      ASSIGN_OR_RETURN(LoadedBase * loaded, Find(spec.base_model()));
      // A job that waits for its turn is alive.
      HeldTurn turn(turns_, Work::kTraining, [&] { callbacks.keep_going(); });
      return TrainOn(*loaded, spec, pictures, code_version_, WithoutTurn(callbacks, turn));
    });
  }

  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks) override {
    return OnThisThread([&]() -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(LoadedBase * loaded, Find(spec.base_model()));
      RETURN_IF_ERROR(loaded->CheckScheduler(spec.scheduler()));
      std::shared_ptr<LoadedAdapter> adapter;
      if (inputs.adapter != nullptr) {
        ASSIGN_OR_RETURN(adapter, GetAdapter(*loaded, *inputs.adapter, Work::kGeneration));
      }
      const std::unique_ptr<Passes> passes = batches_.Join(loaded->base, spec);
      return GenerateOn({.loaded = *loaded, .adapter = adapter.get(), .passes = passes.get()}, spec,
                        inputs, callbacks);
    });
  }

  absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                            const AdapterSource& source,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks) override {
    return OnThisThread([&]() -> absl::StatusOr<EvaluatedAdapter> {
      ASSIGN_OR_RETURN(LoadedBase * loaded, Find(spec.base_model()));
      ASSIGN_OR_RETURN(const std::shared_ptr<LoadedAdapter> adapter,
                       GetAdapter(*loaded, source, Work::kTraining));
      // A job that waits for its turn is alive.
      HeldTurn turn(turns_, Work::kTraining, [&] { callbacks.keep_going(); });
      return EvaluateOn(*loaded, *adapter, judges_.For(spec.base_model()), spec, pictures,
                        WithoutTurn(callbacks, turn));
    });
  }

 private:
  absl::StatusOr<LoadedBase*> Find(const std::string& name) {
    for (LoadedBase& loaded : bases_) {
      if (loaded.offer.base_model.name() == name) return &loaded;
    }
    return absl::InternalError(fmt::format("{} is not served by this worker", name));
  }

  /// The one in the cache, or the downloaded one. A job that uses it keeps it when it is evicted.
  absl::StatusOr<std::shared_ptr<LoadedAdapter>> GetAdapter(LoadedBase& loaded,
                                                            const AdapterSource& source,
                                                            Work work) {
    const std::string key =
        fmt::format("{} {} {}", loaded.offer.base_model.digest(), source.adapter.blob().sha256(),
                    source.adapter.reference().sha256());
    if (auto kept = FindAdapter(key)) return kept;
    ASSIGN_OR_RETURN(AdapterBytes bytes, source.fetch());
    const DeviceTurns::Turn turn = turns_.Take(work);
    if (auto kept = FindAdapter(key)) return kept;  // another job has loaded it meanwhile
    ASSIGN_OR_RETURN(LoadedAdapter adapter, LoadAdapter(loaded, source.adapter, std::move(bytes)));
    adapter.personal.cache = references_;
    adapter.personal.name = key;
    const MutexLock lock(mutex_);
    return adapters_.Put(key, std::make_shared<LoadedAdapter>(std::move(adapter)));
  }

  /// Null if it is not in the cache.
  std::shared_ptr<LoadedAdapter> FindAdapter(const std::string& key) {
    const MutexLock lock(mutex_);
    const auto* const kept = adapters_.Find(key);
    return kept == nullptr ? nullptr : *kept;
  }

  /// Runs a job. A thread of a job computes with all threads until RowParts says otherwise.
  template <typename Job>
  auto OnThisThread(const Job& job) -> decltype(job()) {
    at::get_num_threads();  // see RowParts
    at::set_num_threads(threads_);
    return CatchTorchErrors(job);
  }

  const std::string code_version_;
  const std::vector<torch::Device> devices_;
  std::vector<LoadedBase> bases_;
  const Judges judges_;
  const int threads_;
  const int most_generations_;
  const SystemClock clock_;
  DeviceTurns turns_;
  RunningBatches batches_;
  std::shared_ptr<ReferenceCache> references_;  // of all adapters; null: none
  mutable Mutex mutex_;
  RecentlyUsed<std::shared_ptr<LoadedAdapter>> adapters_ ABSL_GUARDED_BY(mutex_);
};

/// `flag` goes before the message of an error.
absl::StatusOr<std::unique_ptr<Judge>> WithFlag(std::string_view flag,
                                                absl::StatusOr<std::unique_ptr<Judge>> judge) {
  if (judge.ok()) return judge;
  return absl::Status(judge.status().code(),
                      ToAbsl(fmt::format("{}: {}", flag, ToStd(judge.status().message()))));
}

absl::StatusOr<Judges> OpenJudges(const TorchEngineOptions& options,
                                  const std::vector<LoadedBase>& bases, const Log& log) {
  Judges judges;
  if (!options.clip.empty()) {
    ASSIGN_OR_RETURN(judges.clip, WithFlag("--clip", OpenClipJudge(options.clip)));
  }
  if (!options.dino.empty()) {
    ASSIGN_OR_RETURN(judges.dino, WithFlag("--dino", OpenDinoJudge(options.dino)));
  }
  for (const LoadedBase& loaded : bases) {
    const std::string& name = loaded.offer.base_model.name();
    if (!loaded.scorer.empty()) {
      ASSIGN_OR_RETURN(judges.scorers[name],
                       WithFlag(name + ": vico.json: scorer", OpenScorerJudge(loaded.scorer)));
    }
    for (const Judge* const judge : judges.For(name)) {
      log.Info("evaluations measure", {{"base_model", name}, {"with", judge->name()}});
    }
  }
  return judges;
}

/// Packs what draws pictures, and returns the bytes of the copies. The text encoder is fp32 and
/// runs once a prompt: it would gain little.
int64_t Pack(Base& base) { return PackWeights(*base.unet) + PackWeights(*base.vae); }

/// Splits NAME=PATH. A path with "=" that exists is a path.
std::pair<std::string, std::string> NameAndPath(const std::string& given) {
  const size_t equals = given.find('=');
  if (equals == std::string::npos || std::filesystem::exists(given) || given.find('/') < equals) {
    return {"", given};
  }
  return {given.substr(0, equals), given.substr(equals + 1)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenTorchEngine(const TorchEngineOptions& options,
                                                        const Log& log) {
  return CatchTorchErrors([&]() -> absl::StatusOr<std::unique_ptr<Engine>> {
    at::set_num_threads(options.threads);
    ASSIGN_OR_RETURN(const std::vector<torch::Device> devices,
                     DevicesNamed(options.device, options.threads));
    const auto dtype = options.precision == "bf16" ? torch::kBFloat16 : torch::kFloat32;
    std::vector<LoadedBase> bases;
    for (const std::string& given : options.base_models) {
      const auto [name, path] = NameAndPath(given);
      ASSIGN_OR_RETURN(LoadedBase loaded,
                       LoadBase(path, options.tokenizer, devices.front(), options.threads, dtype));
      const int64_t packed_bytes = options.prepack_weights ? Pack(loaded.base) : 0;
      for (size_t i = 1; i < devices.size(); ++i) {
        loaded.base.replicas.push_back(loaded.base.ReplicaOn(devices[i]));
      }
      if (!name.empty()) RETURN_IF_ERROR(SetName(name, loaded.offer.base_model));
      const v1::BaseModel& base_model = loaded.offer.base_model;
      for (const LoadedBase& other : bases) {
        if (other.offer.base_model.name() == base_model.name()) {
          return absl::InvalidArgumentError(fmt::format(
              "--base-model {}: {} is the name of another base model given, too; name one of them "
              "with --base-model NAME=PATH or with {{\"name\": \"NAME\"}} in its vico.json",
              path, base_model.name()));
        }
      }
      for (const std::string& warning : loaded.warnings) {
        log.Warning(warning, {{"base_model", base_model.name()}});
      }
      for (const std::string& note : loaded.notes) {
        log.Info(note, {{"base_model", base_model.name()}});
      }
      log.Info("base model loaded", {{"base_model", base_model.name()},
                                     {"digest", base_model.digest()},
                                     {"device", Joined(devices)},
                                     {"precision", options.precision},
                                     {"packed_mib", packed_bytes >> 20},
                                     {"threads", options.threads}});
      bases.push_back(std::move(loaded));
    }
    ASSIGN_OR_RETURN(Judges judges, OpenJudges(options, bases, log));
    return std::make_unique<TorchEngine>(options, devices, std::move(bases), std::move(judges));
  });
}

}  // namespace vico::worker
