#include "server/checks/labels.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::HasSubstr;
using testing::Optional;

google::protobuf::FieldMask MaskOf(const std::vector<std::string>& paths) {
  google::protobuf::FieldMask mask;
  for (const std::string& path : paths) mask.add_paths(path);
  return mask;
}

TEST(LabelsTest, KeysAndValuesAreThoseOfKubernetes) {
  const std::string longest(63, 'a');
  for (const std::string& key :
       {std::string("a"), std::string("App"), std::string("a.b-c_d"), longest,
        std::string("example.com/name"), std::string("a-b.c1/x")}) {
    EXPECT_THAT(CheckLabelKey("labels", key), IsOk()) << key;
  }
  for (const std::string& key :
       {std::string(), std::string("-a"), std::string("a-"), longest + "a", std::string("/a"),
        std::string("a/"), std::string("A.com/a"), std::string("a..b/c"), std::string("-a.b/c"),
        std::string("a-/c"), std::string("a/b/c"), std::string("ä"), std::string("a b"),
        std::string(254, 'a') + "/b"}) {
    EXPECT_THAT(CheckLabelKey("labels", key), NamesField("labels")) << key;
  }
  EXPECT_THAT(CheckLabelValue("v", ""), IsOk());
  EXPECT_THAT(CheckLabelValue("v", "a/b"), NamesField("v"));
}

TEST(LabelsTest, WithoutAMaskWhatIsGivenChanges) {
  Labels labels;
  labels["team"] = "blue";
  const auto update = CheckUpdate("job", "", labels, {});
  ASSERT_THAT(update, IsOk());
  EXPECT_FALSE(update->display_name);
  EXPECT_TRUE(update->replaces_labels);
  EXPECT_THAT(CheckUpdate("job", "name", {}, {})->display_name, Optional(std::string("name")));
}

TEST(LabelsTest, AMaskSaysWhatChangesAlsoToNothing) {
  Labels labels;
  labels["team"] = "blue";
  const auto update = CheckUpdate(
      "job", "", labels, MaskOf({"display_name", "labels.team", "labels.example.com/old"}));
  ASSERT_THAT(update, IsOk());
  std::string name = "before";
  Labels stored;
  stored["example.com/old"] = "1";
  stored["other"] = "2";
  ASSERT_THAT(ApplyUpdate(*update, name, stored), IsOk());
  EXPECT_EQ(name, "");
  EXPECT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored["team"], "blue");
  EXPECT_EQ(stored["other"], "2");
}

TEST(LabelsTest, AllThatIsWrongIsNamedAtOnce) {
  Labels labels;
  labels["bad key"] = "ok";
  const auto update =
      CheckUpdate("job", "a\nb", labels, MaskOf({"display_name", "labels", "state", "labels.-"}));
  EXPECT_THAT(update, NamesField("job.display_name"));
  for (const char* part : {"job.labels", "\"state\"", "update_mask"}) {
    EXPECT_THAT(update, HasMessage(HasSubstr(part)));
  }
}

TEST(LabelsTest, ThereAreAtMostSixtyFour) {
  Labels many;
  for (int i = 0; i < kMaxLabels + 1; ++i) many["k" + std::to_string(i)] = "";
  EXPECT_THAT(CheckUpdate("job", "", many, {}), NamesField("job.labels"));
  Labels stored;
  for (int i = 0; i < kMaxLabels; ++i) stored["k" + std::to_string(i)] = "";
  std::string name;
  ResourceUpdate one;
  one.labels["new"] = "";
  EXPECT_THAT(ApplyUpdate(one, name, stored), NamesField("labels"));
}

}  // namespace
}  // namespace vico::server
