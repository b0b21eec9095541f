// An engine process without tensors. The job's init word or prompt selects its behaviour, and the
// first argument that of the process: see main() and hostile_engine.h.
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>

#include "common/status.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/process/hostile_engine.h"
#include "worker/process/child.h"
#include "worker/serving/engine_server.h"

namespace vico::worker {
namespace {

void Misbehave(std::string_view how) {
  if (how == "crash") std::abort();
  if (how == "hang") pause();
}

absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                          const AdapterSource& adapter,
                                          const std::vector<std::string>& pictures,
                                          const EvaluateCallbacks& callbacks) {
  ASSIGN_OR_RETURN(const AdapterBytes bytes, adapter.fetch());
  if (!callbacks.on_step(1, 2) || !callbacks.keep_going()) return EvaluatedAdapter{.stopped = true};
  callbacks.on_warning("MEASURED", pictures.at(0) + pictures.at(1));
  EvaluatedAdapter evaluated;
  *evaluated.report.mutable_prompts() = spec.prompts();
  evaluated.sheet = {.bytes = adapter.adapter.name() + bytes.safetensors + bytes.reference,
                     .width = 64,
                     .height = 32};
  return evaluated;
}

absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                     const std::vector<std::string>& pictures,
                                     const TrainCallbacks& callbacks) {
  if (spec.init_word() == "fail")
    return Error(absl::StatusCode::kResourceExhausted, "no memory", "OUT_OF_MEMORY");
  if (!spec.continued_adapter().empty()) {
    ASSIGN_OR_RETURN(const std::string weights, callbacks.fetch_continued());
    callbacks.on_warning("CONTINUED", weights);
  }
  int64_t done = 0;
  for (const CheckpointSource& source : callbacks.checkpoints) {
    const auto bytes = source.fetch();
    if (bytes.ok()) {
      callbacks.on_resumed(source.step, {0.5, 0.25});
      callbacks.on_warning("RESUMED", *bytes);
      done = source.step;
      break;
    }
    callbacks.on_warning("PASSED_OVER", std::string(bytes.status().message()));
  }
  for (int64_t step = done + 1; step <= spec.steps(); ++step) {
    const bool go_on = callbacks.on_step(
        {.step = step, .total_steps = spec.steps(), .loss = 1.5, .loss_reg = 0.125});
    if (callbacks.wants_checkpoint(step, !go_on)) {
      callbacks.on_checkpoint({.step = step, .serialize = [step]() -> absl::StatusOr<std::string> {
                                 return "state " + std::to_string(step);
                               }});
    }
    if (!go_on) return TrainedAdapter{.stopped = true};
    if (callbacks.finishes_early()) return TrainedAdapter{.safetensors = "so far"};
    if (step == 2) Misbehave(spec.init_word());
  }
  if (!callbacks.keep_going()) return TrainedAdapter{.stopped = true};
  callbacks.on_sample({.step = spec.steps(),
                       .prompt_index = 2,
                       .seed = 7,
                       .picture = {.bytes = "sample", .width = 64, .height = 32}});
  callbacks.on_mask(
      {.step = 3, .picture_index = 1, .png = "mask", .coverage = 0.25, .site = "site"});
  return TrainedAdapter{.safetensors = pictures.at(0) + std::string(3 << 20, 'a'),
                        .peak_rss_mb = 12.5};
}

std::atomic<int> fetched_adapters = 0;

/// A preview after each step that names the job.
absl::StatusOr<bool> DrawSteps(const v1::GenerateSpec& spec, const GenerateCallbacks& callbacks) {
  for (int64_t step = 1; step <= spec.steps(); ++step) {
    callbacks.on_preview(0, step, {.bytes = spec.negative_prompt(), .width = 8, .height = 8});
    if (!callbacks.on_step(step, spec.steps())) return false;
  }
  callbacks.on_picture(0, {.bytes = spec.negative_prompt(), .width = 64, .height = 64});
  return true;
}

/// Many previews without a question.
absl::StatusOr<bool> Flood(const v1::GenerateSpec& spec, const GenerateCallbacks& callbacks) {
  for (int64_t i = 1; i <= spec.steps(); ++i) callbacks.on_preview(0, i, {.bytes = "preview"});
  return true;
}

absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                              const GenerateCallbacks& callbacks) {
  Misbehave(spec.prompt());
  if (spec.prompt() == "fail") return absl::FailedPreconditionError("no such prompt");
  if (spec.prompt() == "steps") return DrawSteps(spec, callbacks);
  if (spec.prompt() == "flood") return Flood(spec, callbacks);
  std::string drawn = "bare";
  if (inputs.adapter != nullptr) {
    ASSIGN_OR_RETURN(const AdapterBytes bytes, inputs.adapter->fetch());
    drawn = inputs.adapter->adapter.name() + bytes.safetensors + bytes.reference;
    ++fetched_adapters;
  }
  drawn += inputs.init_picture + inputs.mask_picture;
  if (!callbacks.on_step(1, 2)) return false;
  callbacks.on_preview(0, 1, {.bytes = "preview", .width = 8, .height = 8});
  callbacks.on_picture(0, {.bytes = drawn, .width = 64, .height = 64});
  callbacks.on_warning("DRAWN", "one");
  return true;
}

}  // namespace
}  // namespace vico::worker

int main(int argc, char** argv) {
  vico::worker::FrameChannel channel(vico::worker::kChildSocket);
  const std::string_view how = argc > 1 ? argv[1] : "";
  if (how == "refuse") {
    vico::worker::RefuseToServe(absl::InvalidArgumentError("--base-model: is no base model"),
                                channel)
        .IgnoreError();
    return 1;
  }
  if (how == "exit") return 3;
  if (how.starts_with("hostile ")) return vico::worker::RunHostileEngine(how.substr(8), channel);
  vico::worker::FakeEngine engine;
  engine.added_tokens = R"({"<cat>":5})";
  engine.device_count = 4;
  engine.generations = 4;
  engine.train = vico::worker::Train;
  engine.generate = vico::worker::Generate;
  engine.evaluate = vico::worker::Evaluate;
  engine.loaded_adapters = [] { return vico::worker::fetched_adapters.load(); };
  return vico::worker::ServeEngine(engine, channel).ok() ? 0 : 1;
}
