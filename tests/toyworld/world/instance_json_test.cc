// A toy's truth survives the way through JSON; a wrong one is named.
#include "toyworld/world/instance_json.h"

#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/support/status_matchers.h"

namespace vico::toyworld {
namespace {

using Json = nlohmann::ordered_json;

TEST(InstanceJsonTest, RoundTripDrawsTheSamePicture) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const Instance toy = RandomInstance(random);
    const auto back = InstanceFromJson(Json::parse(InstanceToJson(toy).dump()));
    ASSERT_THAT(back, IsOk());
    EXPECT_EQ(cv::norm(Draw(toy, 0, seed).image, Draw(*back, 0, seed).image, cv::NORM_INF), 0);
  }
}

TEST(InstanceJsonTest, WrongMembersAreNamed) {
  Random random(1);
  const Json good = InstanceToJson(RandomInstance(random));
  const auto message = [&](const char* member, const Json& value) {
    Json json = good;
    json[member] = value;
    return InstanceFromJson(json);
  };
  for (const char* member : {"class", "colours", "pattern", "pattern_frequency", "pattern_degrees",
                             "pattern_phase", "proportions", "accessory"}) {
    const auto result = message(member, Json("unicorn"));
    EXPECT_THAT(result, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(result, HasMessage(testing::HasSubstr(member)));
  }
}

// The shipped examples are what draw_examples.cc would draw: their truth redraws a shipped
// picture's toy.
TEST(InstanceJsonTest, ExamplesTellTheTruth) {
  for (const std::string name : {"robot", "mug"}) {
    std::ifstream file("examples/" + name + "/concept.json");
    const Json json = Json::parse(file);
    EXPECT_EQ(json["init_word"], name);
    EXPECT_EQ(json["pictures"].size(), 5u);
    const auto toy = InstanceFromJson(json["instance"]);
    ASSERT_THAT(toy, IsOk());
    EXPECT_EQ(kClassNames[toy->toy_class], name);
    for (const Json& picture : json["pictures"]) {
      const cv::Mat shipped = cv::imread("examples/" + name + "/" + picture.get<std::string>());
      ASSERT_EQ(shipped.size(), cv::Size(256, 256));
      // Each shows the body's own colour somewhere: many pixels within reach of it (BGR here).
      const Rgb c = toy->paint[0].rgb;
      cv::Mat near;
      cv::inRange(shipped, cv::Scalar(c.b - 45, c.g - 45, c.r - 45),
                  cv::Scalar(c.b + 45, c.g + 45, c.r + 45), near);
      EXPECT_GT(cv::countNonZero(near), 1500) << name << "/" << picture;
    }
  }
}

}  // namespace
}  // namespace vico::toyworld
