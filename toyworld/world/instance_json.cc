#include "toyworld/world/instance_json.h"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vico::toyworld {
namespace {

using Json = nlohmann::ordered_json;

absl::Status Wrong(const std::string& member, const std::string& rule) {
  return absl::InvalidArgumentError(fmt::format("instance.{}: must be {}", member, rule));
}

// The member as text, empty if there is none.
std::string Text(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool ReadNumber(const Json& json, const char* member, double low, double high, double& value) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_number()) return false;
  value = found->get<double>();
  return value >= low && value <= high;
}

}  // namespace

Json InstanceToJson(const Instance& instance) {
  Json json;
  json["class"] = std::string(kClassNames[instance.toy_class]);
  for (const Paint& paint : instance.paint) {
    json["colours"].push_back({{"name", std::string(kColours[paint.name].name)},
                               {"rgb", {paint.rgb.r, paint.rgb.g, paint.rgb.b}}});
  }
  json["pattern"] = std::string(kPatternNames[instance.pattern]);
  json["pattern_frequency"] = instance.pattern_frequency;
  json["pattern_degrees"] = instance.pattern_degrees;
  json["pattern_phase"] = instance.pattern_phase;
  json["proportions"] = instance.proportions;
  json["accessory"] = std::string(AccessoryName(instance.toy_class, instance.accessory));
  return json;
}

absl::StatusOr<Instance> InstanceFromJson(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("instance: must be an object");
  Instance instance;
  instance.toy_class = ClassIndex(Text(json, "class"));
  if (instance.toy_class < 0) return Wrong("class", "a class of the world");

  const auto colours = json.find("colours");
  if (colours == json.end() || !colours->is_array() || colours->size() != instance.paint.size()) {
    return Wrong("colours", "a list of three");
  }
  for (size_t i = 0; i < instance.paint.size(); ++i) {
    const Json& colour = (*colours)[i];
    Paint& paint = instance.paint[i];
    paint.name = colour.is_object() ? ColourIndex(Text(colour, "name")) : -1;
    if (paint.name < 0) return Wrong(fmt::format("colours[{}].name", i), "a colour of the world");
    paint.rgb = kColours[paint.name].rgb;
    const auto rgb = colour.find("rgb");
    if (rgb == colour.end()) continue;
    if (!rgb->is_array() || rgb->size() != 3)
      return Wrong(fmt::format("colours[{}].rgb", i), "three numbers");
    double* const channels[3] = {&paint.rgb.r, &paint.rgb.g, &paint.rgb.b};
    for (int c = 0; c < 3; ++c) {
      const Json& value = (*rgb)[c];
      if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 255) {
        return Wrong(fmt::format("colours[{}].rgb", i), "three numbers in 0..255");
      }
      *channels[c] = value.get<double>();
    }
  }

  instance.pattern = -1;
  for (int i = 0; i < kPatternCount; ++i) {
    if (kPatternNames[i] == Text(json, "pattern")) instance.pattern = i;
  }
  if (instance.pattern < 0) return Wrong("pattern", "a pattern of the world");
  if (!ReadNumber(json, "pattern_frequency", 0.5, 2, instance.pattern_frequency)) {
    return Wrong("pattern_frequency", "0.5..2");
  }
  if (!ReadNumber(json, "pattern_degrees", 0, 180, instance.pattern_degrees)) {
    return Wrong("pattern_degrees", "0..180");
  }
  if (!ReadNumber(json, "pattern_phase", 0, 1, instance.pattern_phase)) {
    return Wrong("pattern_phase", "0..1");
  }
  const auto proportions = json.find("proportions");
  if (proportions == json.end() || !proportions->is_array() ||
      proportions->size() != instance.proportions.size()) {
    return Wrong("proportions", "four numbers in 0..1");
  }
  for (size_t i = 0; i < instance.proportions.size(); ++i) {
    const Json& value = (*proportions)[i];
    if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1) {
      return Wrong("proportions", "four numbers in 0..1");
    }
    instance.proportions[i] = value.get<double>();
  }
  instance.accessory = -1;
  for (int i = 0; i < kAccessoryCount; ++i) {
    if (AccessoryName(instance.toy_class, i) == Text(json, "accessory")) instance.accessory = i;
  }
  if (instance.accessory < 0) return Wrong("accessory", "one of the class's, or empty");
  return instance;
}

}  // namespace vico::toyworld
