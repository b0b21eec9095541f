#include "worker/base_model/base_description.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"
#include "common/plain_text.h"

namespace vico::worker {
namespace {

using google::protobuf::util::JsonPrintOptions;
using nlohmann::json;

constexpr std::string_view kPrefix = "baseModels/";
constexpr size_t kMaxIdLength = 63;
constexpr size_t kMaxDisplayBytes = 200;
constexpr std::string_view kIdRule = "must be 1 to 63 of a-z, 0-9, - and ., not beginning with -";

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && id[0] != '-' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

/// The folder's name with "-" for what an id may not have. A name that loses letters, since they
/// are not ASCII or too many, gets a digest of the whole name, so that two such names differ.
std::string IdFromFolder(std::string_view folder) {
  constexpr size_t kDigestLength = 8;
  std::string id;
  bool loses = false;
  for (const char c : folder) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool ascii = static_cast<unsigned char>(c) < 128;
    loses = loses || !ascii;
    const char kept = IsId({&lower, 1}) ? lower : '-';
    const bool repeats = !ascii && id.ends_with('-');
    if ((kept != '-' || !id.empty()) && !repeats) id.push_back(kept);
  }
  loses = loses || id.empty() || id.size() > kMaxIdLength;
  if (!loses) return id;
  id.resize(std::min(id.size(), kMaxIdLength - 1 - kDigestLength));
  while (id.ends_with('-')) id.pop_back();
  return (id.empty() ? "base" : id) + "-" + Sha256Hex(folder).substr(0, kDigestLength);
}

/// The folder's own name if people can read it, else the id.
std::string DisplayName(std::string_view folder, const std::string& id) {
  const bool ascii =
      std::all_of(folder.begin(), folder.end(), [](unsigned char c) { return c < 128; });
  return !ascii && PlainText(folder, kMaxDisplayBytes) == folder ? std::string(folder) : id;
}

void SetResolution(v1::BaseModel& description, int resolution) {
  const int multiple = description.size_multiple();
  description.set_resolution(resolution);
  description.set_min_side(std::max(multiple, resolution / 2 / multiple * multiple));
  description.set_max_side(2 * resolution);
  description.mutable_generation_defaults()->set_width(resolution);
  description.mutable_generation_defaults()->set_height(resolution);
}

absl::Status Refuse(std::string_view source, std::string_view key, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}: {}", source, key, what));
}

/// Overlays the fields that `value` sets.
absl::Status Overlay(const json& value, std::string_view source, std::string_view key,
                     google::protobuf::Message& defaults) {
  const std::unique_ptr<google::protobuf::Message> parsed(defaults.New());
  const auto status = google::protobuf::util::JsonStringToMessage(value.dump(), parsed.get());
  if (!status.ok()) return Refuse(source, key, std::string(status.message()));
  defaults.MergeFrom(*parsed);
  return absl::OkStatus();
}

json ToJson(const google::protobuf::Message& message) {
  JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  return status.ok() ? json::parse(text) : json::object();
}

}  // namespace

v1::BaseModel DefaultDescription(std::string_view folder_name, const UNetConfig& unet,
                                 const VaeConfig& vae, const ClipTextConfig& text) {
  v1::BaseModel description;
  const std::string id = IdFromFolder(folder_name);
  description.set_name(std::string(kPrefix) + id);
  description.set_display_name(DisplayName(folder_name, id));
  const auto halvings = static_cast<int>(unet.block_out_channels.size()) - 1;
  description.set_size_multiple(static_cast<int>(vae.factor()) << halvings);
  description.set_context_tokens(static_cast<int>(text.max_position_embeddings));

  auto& train = *description.mutable_training_defaults();
  train.set_placeholder("S*");
  train.set_dialect(v1::DIALECT_PAPER);
  train.set_steps(400);
  train.set_batch_size(1);
  train.set_embedding_learning_rate(5e-3);
  train.set_attention_learning_rate(1e-5);
  train.set_regularizer_weight(5e-4);
  train.set_mask(true);
  train.set_min_snr_gamma(0);
  train.set_block_start(v1::BLOCK_START_RANDOM);
  train.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_CONSTANT);
  train.set_sample_every_steps(50);

  auto& generate = *description.mutable_generation_defaults();
  generate.set_picture_count(1);
  generate.set_guidance_scale(7.5);
  generate.set_scheduler("ddim");
  generate.set_steps(50);
  generate.set_eta(0);
  SetResolution(description, static_cast<int>(unet.sample_size * vae.factor()));
  return description;
}

absl::StatusOr<BaseDescription> ApplyDescription(v1::BaseModel description, std::string_view text,
                                                 std::string_view source) {
  const auto parsed = json::parse(text.begin(), text.end(), nullptr, false);
  if (!parsed.is_object()) return Refuse(source, "file", "is not a JSON object");
  if (const auto it = parsed.find("resolution");
      it != parsed.end()) {  // first: the sides' limits depend on it
    const int multiple = description.size_multiple();
    if (!it->is_number_integer() || *it < multiple || *it > 4096 ||
        it->get<int>() % multiple != 0) {
      return Refuse(source, "resolution",
                    fmt::format("must be a multiple of {} up to 4096", multiple));
    }
    SetResolution(description, it->get<int>());
  }
  std::string scorer;
  for (const auto& [key, value] : parsed.items()) {
    if (key == "name") {
      if (!value.is_string() || !IsId(value.get<std::string>())) {
        return Refuse(source, key, kIdRule);
      }
      description.set_name(std::string(kPrefix) + value.get<std::string>());
    } else if (key == "display_name") {
      if (!value.is_string() || value.get<std::string>().size() > kMaxDisplayBytes) {
        return Refuse(source, key, "must be a string of at most 200 bytes");
      }
      description.set_display_name(value.get<std::string>());
    } else if (key == "training_defaults") {
      auto status = Overlay(value, source, key, *description.mutable_training_defaults());
      if (!status.ok()) return status;
    } else if (key == "generation_defaults") {
      auto status = Overlay(value, source, key, *description.mutable_generation_defaults());
      if (!status.ok()) return status;
    } else if (key == "evaluation_defaults") {
      auto status = Overlay(value, source, key, *description.mutable_evaluation_defaults());
      if (!status.ok()) return status;
    } else if (key == "scorer") {
      if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
        return Refuse(source, key, "must be the path of a file, relative to vico.json");
      }
      scorer = value.get<std::string>();
    } else if (key != "resolution") {
      return Refuse(source, key, "is not a key of vico.json");
    }
  }
  return BaseDescription{std::move(description), std::move(scorer)};
}

absl::Status SetName(std::string_view name, v1::BaseModel& description) {
  if (!IsId(name)) return Refuse("--base-model", name.substr(0, 100), kIdRule);
  description.set_name(std::string(kPrefix) + std::string(name));
  return absl::OkStatus();
}

std::string DescriptionJson(const BaseDescription& description) {
  const v1::BaseModel& base_model = description.base_model;
  json value = {{"name", base_model.name().substr(kPrefix.size())},
                {"display_name", base_model.display_name()},
                {"resolution", base_model.resolution()},
                {"training_defaults", ToJson(base_model.training_defaults())},
                {"generation_defaults", ToJson(base_model.generation_defaults())}};
  if (base_model.has_evaluation_defaults()) {
    value["evaluation_defaults"] = ToJson(base_model.evaluation_defaults());
  }
  if (!description.scorer.empty()) value["scorer"] = description.scorer;
  return value.dump(2) + "\n";
}

}  // namespace vico::worker
