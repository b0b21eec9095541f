#include "worker/scorer/scorer_file.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

using nlohmann::json;

constexpr char kName[] = "name";
constexpr char kScenes[] = "scenes";

/// A list of phrases for each scene, none of them empty.
bool AreScenes(const json& value) {
  const auto is_phrase = [](const json& phrase) {
    return phrase.is_string() && !phrase.get_ref<const std::string&>().empty();
  };
  return value.is_array() && value.size() == size_t{kScorerScenes} &&
         std::all_of(value.begin(), value.end(), [&](const json& scene) {
           return scene.is_array() && std::all_of(scene.begin(), scene.end(), is_phrase);
         });
}

absl::Status Refuse(const std::string& path, const char* key, const std::string& what) {
  return absl::InvalidArgumentError(fmt::format("{}: metadata: {}: {}", path, key, what));
}

absl::StatusOr<ScorerLabels> ReadLabels(const Metadata& metadata, const std::string& path) {
  const auto name = metadata.find(kName);
  if (name == metadata.end() || name->second.empty()) return Refuse(path, kName, "is missing");
  const auto scenes = metadata.find(kScenes);
  if (scenes == metadata.end()) return Refuse(path, kScenes, "is missing");
  const json parsed = json::parse(scenes->second, nullptr, /*allow_exceptions=*/false);
  if (!AreScenes(parsed)) {
    return Refuse(path, kScenes, fmt::format("must be {} lists of phrases in JSON", kScorerScenes));
  }
  return ScorerLabels{.name = name->second,
                      .scenes = parsed.get<std::vector<std::vector<std::string>>>()};
}

}  // namespace

std::optional<int> ScorerLabels::SceneIn(std::string_view prompt) const {
  const auto found = std::find_if(scenes.begin(), scenes.end(), [&](const auto& phrases) {
    return std::any_of(phrases.begin(), phrases.end(), [&](const std::string& phrase) {
      return prompt.find(phrase) != std::string_view::npos;
    });
  });
  if (found == scenes.end()) return std::nullopt;
  return static_cast<int>(found - scenes.begin());
}

absl::StatusOr<ScorerFile> LoadScorerFile(const std::string& path) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  ScorerFile scorer;
  ASSIGN_OR_RETURN(scorer.labels, ReadLabels(file.metadata(), path));
  scorer.network = Scorer();
  for (auto& parameter : scorer.network->parameters()) parameter.set_requires_grad(false);
  RETURN_IF_ERROR(LoadParameters(*scorer.network, file));
  scorer.network->eval();
  return scorer;
}

absl::Status SaveScorerFile(const Scorer& network, const ScorerLabels& labels,
                            const std::string& path) {
  return SaveParameters(*network, path, torch::kHalf,
                        {{"format", "vico-toyworld-scorer-2"},
                         {kName, labels.name},
                         {kScenes, json(labels.scenes).dump()}});
}

}  // namespace vico::worker
