#include "worker/base_model/schedule_config.h"

#include <algorithm>
#include <array>
#include <utility>

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

/// Whether the class predicts something else than noise over a table of betas.
bool IsOtherKind(std::string_view name) {
  for (const std::string_view part : {"FlowMatch", "EDM", "KarrasVe", "ScoreSde", "CMStochastic",
                                      "VQDiffusion", "CosineDPM", "UnCLIP", "RePaint"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

/// The settings that training needs, too.
void ReadBetas(ConfigReader& reader, ScheduleConfig& c, std::string& unknown_class) {
  std::string name;
  reader.Text("_class_name", name);
  const auto found = std::find_if(kClasses.begin(), kClasses.end(),
                                  [&](const SchedulerClass& known) { return known.name == name; });
  if (found != kClasses.end()) {
    c.beta_start = found->beta_start;
    c.beta_end = found->beta_end;
    c.beta_schedule = found->beta_schedule;
  } else if (IsOtherKind(name)) {
    return reader.Refuse("_class_name",
                         "must be a diffusers scheduler over betas, as PNDMScheduler is");
  } else {
    unknown_class = name.empty() ? "none" : name.substr(0, 80);
  }
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

using Names = std::vector<std::string_view>;

/// Reads settings of samplers one by one, so that each can be refused alone.
class SamplingReader {
 public:
  SamplingReader(std::string_view json, std::string_view source, ConfigReader& all,
                 ScheduleFile& file)
      : json_(json), source_(source), all_(all), file_(file) {}

  /// `read` reads the field from its first argument to its second. A value that is not supported
  /// keeps the default and is recorded for the `schedulers` that follow the field.
  template <typename Read>
  void Field(const char* key, const Names& schedulers, Read&& read) {
    if (!all_.Has(key)) return;
    ConfigReader reader(json_, source_);
    ScheduleConfig changed = file_.config;
    read(reader, changed);
    if (reader.status().ok()) {
      file_.config = std::move(changed);
    } else {
      file_.unsupported.push_back({std::string(reader.status().message()), schedulers});
    }
  }

  void Only(const char* key, const json& only, const Names& schedulers) {
    Field(key, schedulers, [&](ConfigReader& reader, ScheduleConfig&) { reader.Only(key, only); });
  }

 private:
  std::string_view json_;
  std::string source_;
  ConfigReader& all_;
  ScheduleFile& file_;
};

const Names kEvery = {};
const Names kDpm = {"dpmsolver++", "dpmsolver++_karras"};
const Names kMultistep = {"dpmsolver++", "dpmsolver++_karras", "unipc"};
const Names kOverSigmas = {"euler", "heun", "dpmsolver++", "dpmsolver++_karras", "unipc"};
const Names kThresholding = {"ddim", "ddpm", "dpmsolver++", "dpmsolver++_karras", "unipc", "lcm"};

/// The settings that have an effect here, and who follows them in diffusers.
void ReadSampling(SamplingReader& fields) {
  fields.Field("steps_offset", kEvery, [](ConfigReader& reader, ScheduleConfig& c) {
    reader.Integer("steps_offset", c.steps_offset, 0, 1);
  });
  fields.Field("set_alpha_to_one", {"ddim", "pndm", "lcm"},
               [](ConfigReader& reader, ScheduleConfig& c) {
                 reader.Flag("set_alpha_to_one", c.set_alpha_to_one.emplace());
               });
  fields.Field("timestep_spacing", kEvery, [](ConfigReader& reader, ScheduleConfig& c) {
    reader.OneOf("timestep_spacing", c.timestep_spacing, {"leading", "linspace", "trailing"});
  });
  fields.Field("use_karras_sigmas", kOverSigmas, [](ConfigReader& reader, ScheduleConfig& c) {
    reader.Flag("use_karras_sigmas", c.use_karras_sigmas);
  });
  fields.Field("variance_type", {"ddpm", "dpmsolver++", "dpmsolver++_karras"},
               [](ConfigReader& reader, ScheduleConfig& c) {
                 reader.OneOf("variance_type", c.variance_type,
                              {"fixed_small", "fixed_small_log", "fixed_large"});
                 // The same numbers.
                 if (c.variance_type == "fixed_small_log") c.variance_type = "fixed_small";
               });
  fields.Field("original_inference_steps", {"lcm"}, [](ConfigReader& reader, ScheduleConfig& c) {
    reader.Integer("original_inference_steps", c.original_inference_steps, 1,
                   c.num_train_timesteps);
  });
  fields.Field("timestep_scaling", {"lcm"}, [](ConfigReader& reader, ScheduleConfig& c) {
    reader.Number("timestep_scaling", c.timestep_scaling, 0, 1e6);
  });
}

/// The settings that are supported with one value only.
void ReadFixed(SamplingReader& fields) {
  fields.Only("thresholding", false, kThresholding);
  for (const char* key : {"use_exponential_sigmas", "use_beta_sigmas"}) {
    fields.Only(key, false, kOverSigmas);
  }
  fields.Only("use_lu_lambdas", false, kDpm);
  for (const char* key : {"use_flow_sigmas", "use_dynamic_shifting"}) {
    fields.Only(key, false, kMultistep);
  }
  for (const char* key : {"sigma_min", "sigma_max", "shift_terminal"}) {
    fields.Only(key, nullptr, {"euler", "unipc"});
  }
  fields.Only("solver_p", nullptr, {"unipc"});
  fields.Only("skip_prk_steps", true, {"pndm"});
  fields.Only("lower_order_final", true, kMultistep);
  fields.Only("predict_x0", true, {"unipc"});
  fields.Only("disable_corrector", json::array(), {"unipc"});
  fields.Only("final_sigmas_type", "zero", {"euler", "dpmsolver++", "dpmsolver++_karras", "unipc"});
  fields.Only("interpolation_type", "linear", {"euler"});
  fields.Only("solver_order", 2, kMultistep);
  fields.Only("timestep_type", "discrete", {"euler"});
  fields.Field("lambda_min_clipped", kDpm, [](ConfigReader& reader, ScheduleConfig&) {
    reader.Refuse("lambda_min_clipped", "must be -Infinity or left out");
  });
  // diffusers reads these values of any solver as the one algorithm that exists here.
  fields.Field("algorithm_type", kDpm, [](ConfigReader& reader, ScheduleConfig&) {
    std::string ignored;
    reader.OneOf("algorithm_type", ignored, {"dpmsolver++", "deis"});
  });
  fields.Field("solver_type", kMultistep, [](ConfigReader& reader, ScheduleConfig&) {
    std::string ignored;
    reader.OneOf("solver_type", ignored, {"midpoint", "bh2", "logrho"});
  });
}

/// Fields that configure unsupported features, or have no effect for solvers of order two.
void PassOver(ConfigReader& reader) {
  for (const char* key : {"clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value",
                          "flow_shift", "time_shift_type", "euler_at_final"}) {
    reader.Has(key);
  }
}

}  // namespace

const UnsupportedField* FirstFollowedBy(const std::vector<UnsupportedField>& fields,
                                        std::string_view scheduler) {
  for (const UnsupportedField& field : fields) {
    const auto& names = field.schedulers;
    if (names.empty() || std::find(names.begin(), names.end(), scheduler) != names.end()) {
      return &field;
    }
  }
  return nullptr;
}

absl::StatusOr<ScheduleFile> ParseScheduleConfig(std::string_view text, std::string_view source) {
  const std::string plain = WithoutBareWords(text);
  ConfigReader reader(plain, source);
  ScheduleFile file;
  ScheduleConfig& c = file.config;
  c.steps_offset = 0;
  c.set_alpha_to_one.reset();
  std::string unknown_class;
  ReadBetas(reader, c, unknown_class);
  if (!reader.status().ok()) return reader.status();
  if (!unknown_class.empty()) {
    file.warnings.push_back(
        fmt::format("{}: _class_name: {} is not known here; its settings are read, and those that "
                    "it leaves out are Stable Diffusion's",
                    source, unknown_class));
  }
  const auto name = source.substr(source.find_last_of('/') + 1);
  SamplingReader fields(plain, name, reader, file);
  ReadSampling(fields);
  ReadFixed(fields);
  PassOver(reader);
  bool clip_sample = false;
  ConfigReader clips(plain, source);
  clips.Flag("clip_sample", clip_sample);
  if (reader.Has("clip_sample") && (clip_sample || !clips.status().ok())) {
    file.warnings.push_back(
        fmt::format("{}: clip_sample: is not followed, latents are never clipped", source));
  }
  for (const UnsupportedField& field : file.unsupported) {
    file.warnings.push_back(fmt::format(
        "{}; {} available for generation", field.text,
        field.schedulers.empty() ? std::string("no scheduler is")
                                 : fmt::format("{} {} not", fmt::join(field.schedulers, ", "),
                                               field.schedulers.size() == 1 ? "is" : "are")));
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
