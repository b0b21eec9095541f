// The line of parameters follows stable-diffusion-webui 1.10, modules/infotext_utils.py and
// create_infotext() of modules/processing.py.
#include "worker/job/picture_metadata.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include "common/formats/png_text.h"
#include "common/status.h"
#include "worker/engine/generation_pictures.h"

namespace vico::worker {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortDigest = 10;  // as the web UI shows it

struct SamplerName {
  std::string_view scheduler;
  std::string_view name;
};

constexpr SamplerName kSamplerNames[] = {{"ddim", "DDIM"},
                                         {"ddpm", "DDPM"},
                                         {"pndm", "PLMS"},
                                         {"euler", "Euler"},
                                         {"euler_ancestral", "Euler a"},
                                         {"heun", "Heun"},
                                         {"dpmsolver++", "DPM++ 2M"},
                                         {"dpmsolver++_karras", "DPM++ 2M Karras"},
                                         {"unipc", "UniPC"},
                                         {"lcm", "LCM"}};

std::string SamplerOf(std::string_view scheduler) {
  for (const SamplerName& sampler : kSamplerNames) {
    if (sampler.scheduler == scheduler) return std::string(sampler.name);
  }
  return std::string(scheduler);
}

/// "baseModels/toyworld" -> "toyworld".
std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

std::string ToText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The web UI reads a value up to the next comma unless it is quoted.
std::string Quoted(const std::string& value) {
  return value.find_first_of(",:\"\n") == std::string::npos ? value : ToText(value);
}

/// The spec as `vico --json` shows it, but 64-bit numbers are texts, as they are in Protobuf's
/// JSON.
Json ToJson(const v1::JobSpec& spec) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(spec, &text, options);
  return status.ok() ? Json::parse(text) : Json::object();
}

std::string Parameters(const v1::LeasedJob& job, int index, std::string_view version) {
  const v1::GenerateSpec& spec = job.spec().generate();
  std::string text = PromptOfPicture(spec, index) + "\n";
  if (!spec.negative_prompt().empty()) {
    text += "Negative prompt: " + spec.negative_prompt() + "\n";
  }
  text += fmt::format("Steps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}", spec.steps(),
                      Quoted(SamplerOf(spec.scheduler())), spec.guidance_scale(),
                      SeedOfPicture(spec, index), spec.width(), spec.height());
  const auto add = [&text](std::string_view key, const std::string& value) {
    if (!value.empty()) text += fmt::format(", {}: {}", key, Quoted(value));
  };
  add("Model hash", job.base_model().digest().substr(0, kShortDigest));
  add("Model", IdOf(job.base_model().name()));
  if (spec.has_denoise()) add("Denoising strength", fmt::format("{}", spec.denoise()));
  if (spec.eta() != 0) add("Eta DDIM", fmt::format("{}", spec.eta()));
  if (job.has_adapter()) {
    add("ViCo adapter", IdOf(job.adapter().name()));
    add("ViCo adapter hash", job.adapter().blob().sha256().substr(0, kShortDigest));
    add("ViCo word", job.adapter().placeholder());
    if (spec.has_strength() && spec.strength() != 1) {
      add("ViCo strength", fmt::format("{}", spec.strength()));
    }
  }
  if (!version.empty()) add("Version", fmt::format("Vico {}", version));
  return text;
}

/// What pictures and samples have in common. `place` says which of the job's pictures it is.
PngText VicoText(const v1::LeasedJob& job, const Json& place, uint64_t seed,
                 std::string_view version) {
  Json json = {{"version", version}, {"spec", ToJson(job.spec())}};
  json.update(place);
  json["seed"] = std::to_string(seed);
  json["base_model"] = {{"name", job.base_model().name()}, {"digest", job.base_model().digest()}};
  if (job.has_adapter()) {
    json["adapter"] = {{"name", job.adapter().name()}, {"digest", job.adapter().blob().sha256()}};
  }
  if (job.has_init_picture()) json["init_picture"] = {{"digest", job.init_picture().sha256()}};
  if (job.has_mask_picture()) json["mask_picture"] = {{"digest", job.mask_picture().sha256()}};
  return {.keyword = "vico", .text = ToText(json)};
}

absl::StatusOr<std::string> WithTexts(std::string_view png, const std::vector<PngText>& texts) {
  auto with_texts = AddPngText(png, texts);
  if (with_texts.ok()) return with_texts;
  return absl::InternalError(fmt::format("the engine's picture cannot get its metadata: {}",
                                         ToStd(with_texts.status().message())));
}

}  // namespace

absl::StatusOr<std::string> WithGenerationMetadata(std::string_view png, const v1::LeasedJob& job,
                                                   int index, std::string_view version) {
  return WithTexts(png, {{.keyword = "parameters", .text = Parameters(job, index, version)},
                         VicoText(job, {{"index", index}},
                                  SeedOfPicture(job.spec().generate(), index), version)});
}

absl::StatusOr<std::string> WithSampleMetadata(const TrainingSample& sample,
                                               const v1::LeasedJob& job, std::string_view version) {
  return WithTexts(sample.picture.bytes,
                   {VicoText(job, {{"step", sample.step}, {"index", sample.prompt_index}},
                             sample.seed, version)});
}

}  // namespace vico::worker
