#include "toyworld/world/instance_json.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

namespace vico::toyworld {
namespace {

using Json = nlohmann::ordered_json;

TEST(InstanceJsonTest, JsonContainsTheParametersByName) {
  Random random(1);
  const Instance toy = RandomInstance(random);
  const Json json = InstanceToJson(toy);
  EXPECT_EQ(json["class"], kClassNames[toy.toy_class]);
  EXPECT_EQ(json["colours"].size(), toy.paint.size());
  EXPECT_EQ(json["colours"][0]["name"], kColours[toy.paint[0].name].name);
  EXPECT_EQ(json["colours"][0]["rgb"][1].get<double>(), toy.paint[0].rgb.g);
  EXPECT_EQ(json["pattern"], kPatternNames[toy.pattern]);
  EXPECT_EQ(json["pattern_phase"].get<double>(), toy.pattern_phase);
  EXPECT_EQ(json["proportions"].size(), toy.proportions.size());
  EXPECT_EQ(json["accessory"], AccessoryName(toy.toy_class, toy.accessory));
}

// Each picture contains the body colour that concept.json states.
TEST(InstanceJsonTest, ShippedExamplesShowTheToyOfTheirConceptJson) {
  for (const std::string name : {"robot", "mug"}) {
    std::ifstream file("examples/" + name + "/concept.json");
    const Json json = Json::parse(file);
    EXPECT_EQ(json["init_word"], name);
    EXPECT_EQ(json["pictures"].size(), 5u);
    EXPECT_EQ(json["instance"]["class"], name);
    const Json& rgb = json["instance"]["colours"][0]["rgb"];
    const double r = rgb[0].get<double>(), g = rgb[1].get<double>(), b = rgb[2].get<double>();
    for (const Json& picture : json["pictures"]) {
      const cv::Mat shipped = cv::imread("examples/" + name + "/" + picture.get<std::string>());
      ASSERT_EQ(shipped.size(), cv::Size(256, 256));
      cv::Mat near;  // BGR
      cv::inRange(shipped, cv::Scalar(b - 45, g - 45, r - 45), cv::Scalar(b + 45, g + 45, r + 45),
                  near);
      EXPECT_GT(cv::countNonZero(near), 1500) << name << "/" << picture;
    }
  }
}

}  // namespace
}  // namespace vico::toyworld
