#include "toyworld/world/instance_json.h"

#include <string>

#include <nlohmann/json.hpp>

namespace vico::toyworld {

using Json = nlohmann::ordered_json;

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

}  // namespace vico::toyworld
