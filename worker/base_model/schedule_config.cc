#include "worker/base_model/schedule_config.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "worker/base_model/config_reader.h"

namespace vico::worker {
namespace {

using nlohmann::json;

/// diffusers' schedulers with a table of betas, and their default betas.
struct SchedulerClass {
  std::string_view name;
  double beta_start, beta_end;
  const char* beta_schedule;
};
constexpr std::array<SchedulerClass, 16> kClasses = {{
    {"DDIMScheduler", 1e-4, 0.02, "linear"},
    {"DDPMScheduler", 1e-4, 0.02, "linear"},
    {"DEISMultistepScheduler", 1e-4, 0.02, "linear"},
    {"DPMSolverMultistepScheduler", 1e-4, 0.02, "linear"},
    {"DPMSolverSDEScheduler", 0.00085, 0.012, "linear"},
    {"DPMSolverSinglestepScheduler", 1e-4, 0.02, "linear"},
    {"EulerAncestralDiscreteScheduler", 1e-4, 0.02, "linear"},
    {"EulerDiscreteScheduler", 1e-4, 0.02, "linear"},
    {"HeunDiscreteScheduler", 0.00085, 0.012, "linear"},
    {"KDPM2AncestralDiscreteScheduler", 0.00085, 0.012, "linear"},
    {"KDPM2DiscreteScheduler", 0.00085, 0.012, "linear"},
    {"LCMScheduler", 0.00085, 0.012, "scaled_linear"},
    {"LMSDiscreteScheduler", 1e-4, 0.02, "linear"},
    {"PNDMScheduler", 1e-4, 0.02, "linear"},
    {"TCDScheduler", 0.00085, 0.012, "scaled_linear"},
    {"UniPCMultistepScheduler", 1e-4, 0.02, "linear"},
}};

/// Replaces Python's Infinity and NaN, which are not JSON, by null. diffusers writes
/// "lambda_min_clipped": -Infinity.
std::string WithoutBareWords(std::string_view text) {
  std::string result;
  bool in_string = false;
  while (!text.empty()) {
    if (!in_string) {
      const std::array<std::string_view, 3> words = {"-Infinity", "Infinity", "NaN"};
      const auto word = std::find_if(words.begin(), words.end(),
                                     [&](std::string_view w) { return text.starts_with(w); });
      if (word != words.end()) {
        result += "null";
        text.remove_prefix(word->size());
        continue;
      }
    }
    const size_t taken = in_string && text.starts_with('\\') ? std::min<size_t>(2, text.size()) : 1;
    if (text.starts_with('"')) in_string = !in_string;
    result += text.substr(0, taken);
    text.remove_prefix(taken);
  }
  return result;
}

void ReadBetas(ConfigReader& reader, ScheduleConfig& c) {
  std::string name;
  reader.Text("_class_name", name, ConfigReader::Presence::kRequired);
  const auto found = std::find_if(kClasses.begin(), kClasses.end(),
                                  [&](const SchedulerClass& known) { return known.name == name; });
  if (found == kClasses.end()) {
    return reader.Refuse("_class_name",
                         "must be a diffusers scheduler over betas, as PNDMScheduler is");
  }
  c.beta_start = found->beta_start;
  c.beta_end = found->beta_end;
  c.beta_schedule = found->beta_schedule;
  reader.Integer("num_train_timesteps", c.num_train_timesteps, 1, 100000);
  reader.Number("beta_start", c.beta_start, 1e-9, 0.5);
  reader.Number("beta_end", c.beta_end, 1e-9, 0.5);
  reader.OneOf("beta_schedule", c.beta_schedule, {"scaled_linear", "linear", "squaredcos_cap_v2"});
  reader.Numbers("trained_betas", c.trained_betas, 1e-9, 0.9999, c.num_train_timesteps);
  reader.OneOf("prediction_type", c.prediction_type, {"epsilon", "v_prediction"});
  reader.Flag("rescale_betas_zero_snr", c.rescale_betas_zero_snr);
  if (c.rescale_betas_zero_snr && c.prediction_type == "epsilon") {
    reader.Refuse("rescale_betas_zero_snr", "must be false where prediction_type is epsilon");
  }
}

void ReadSampling(ConfigReader& reader, ScheduleConfig& c) {
  reader.Integer("steps_offset", c.steps_offset, 0, 1);
  if (reader.Has("set_alpha_to_one")) reader.Flag("set_alpha_to_one", c.set_alpha_to_one.emplace());
  if (reader.Has("timestep_spacing")) {
    reader.OneOf("timestep_spacing", c.timestep_spacing, {"leading", "linspace", "trailing"});
  }
  reader.Flag("use_karras_sigmas", c.use_karras_sigmas);
  reader.OneOf("variance_type", c.variance_type, {"fixed_small", "fixed_small_log", "fixed_large"});
  reader.Integer("original_inference_steps", c.original_inference_steps, 1, c.num_train_timesteps);
  reader.Number("timestep_scaling", c.timestep_scaling, 0, 1e6);
}

void RefuseOthers(ConfigReader& reader) {
  for (const char* key : {"thresholding", "use_exponential_sigmas", "use_beta_sigmas",
                          "use_lu_lambdas", "use_flow_sigmas", "use_dynamic_shifting"}) {
    reader.Only(key, false);
  }
  for (const char* key : {"sigma_min", "sigma_max", "shift_terminal", "solver_p"}) {
    reader.Only(key, nullptr);
  }
  for (const char* key : {"skip_prk_steps", "lower_order_final", "predict_x0"}) {
    reader.Only(key, true);
  }
  reader.Only("disable_corrector", json::array());
  reader.Only("final_sigmas_type", "zero");
  reader.Only("interpolation_type", "linear");
  reader.Only("solver_order", 2);
  reader.Only("timestep_type", "discrete");
  if (reader.Has("lambda_min_clipped")) {
    reader.Refuse("lambda_min_clipped", "must be -Infinity or left out");
  }
  // diffusers reads these values of any solver as the one algorithm that exists here.
  std::string ignored = "dpmsolver++";
  reader.OneOf("algorithm_type", ignored, {"dpmsolver++", "deis"});
  ignored = "midpoint";
  reader.OneOf("solver_type", ignored, {"midpoint", "bh2", "logrho"});
}

/// Fields that configure unsupported features, or have no effect for solvers of order two.
void PassOver(ConfigReader& reader) {
  for (const char* key : {"clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value",
                          "flow_shift", "time_shift_type", "euler_at_final"}) {
    reader.Has(key);
  }
}

}  // namespace

absl::StatusOr<ScheduleFile> ParseScheduleConfig(std::string_view text, std::string_view source) {
  const std::string plain = WithoutBareWords(text);
  ConfigReader reader(plain, source);
  ScheduleFile file;
  ScheduleConfig& c = file.config;
  c.steps_offset = 0;
  c.set_alpha_to_one.reset();
  ReadBetas(reader, c);
  ReadSampling(reader, c);
  RefuseOthers(reader);
  PassOver(reader);
  bool clip_sample = false;
  reader.Flag("clip_sample", clip_sample);
  if (!reader.status().ok()) return reader.status();
  if (c.variance_type == "fixed_small_log") c.variance_type = "fixed_small";  // the same numbers
  if (clip_sample) {
    file.warnings.push_back(
        fmt::format("{}: clip_sample: is not followed, latents are never clipped", source));
  }
  for (const auto& key : reader.Unread()) {
    if (key.starts_with('_')) continue;  // diffusers' metadata
    file.warnings.push_back(fmt::format("{}: {}: is not known here and not followed", source, key));
  }
  return file;
}

std::string ScheduleConfigJson(const ScheduleConfig& c) {
  const ScheduleConfig defaults;
  json result = {{"_class_name", "DDIMScheduler"},
                 {"beta_end", c.beta_end},
                 {"beta_schedule", c.beta_schedule},
                 {"beta_start", c.beta_start},
                 {"clip_sample", false},
                 {"num_train_timesteps", c.num_train_timesteps},
                 {"prediction_type", c.prediction_type},
                 {"steps_offset", c.steps_offset}};
  if (c.set_alpha_to_one) result["set_alpha_to_one"] = *c.set_alpha_to_one;
  if (!c.trained_betas.empty()) result["trained_betas"] = c.trained_betas;
  if (!c.timestep_spacing.empty()) result["timestep_spacing"] = c.timestep_spacing;
  const auto add = [&](const char* key, const auto& value, const auto& unless) {
    if (value != unless) result[key] = value;
  };
  add("rescale_betas_zero_snr", c.rescale_betas_zero_snr, defaults.rescale_betas_zero_snr);
  add("use_karras_sigmas", c.use_karras_sigmas, defaults.use_karras_sigmas);
  add("variance_type", c.variance_type, defaults.variance_type);
  add("original_inference_steps", c.original_inference_steps, defaults.original_inference_steps);
  add("timestep_scaling", c.timestep_scaling, defaults.timestep_scaling);
  return result.dump(2);
}

}  // namespace vico::worker
