#include "common/ids.h"

#include <set>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

TEST(IdsTest, IdsAreDifferentAndHave32HexadecimalDigits) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewId();
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(IdsTest, ANameContainsItsId) {
  const std::string id = NewId();
  const auto found = IdInName("name", "jobs", JobName(id));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(*found, id);
}

TEST(IdsTest, InvalidNamesAreRefusedWithTheirField) {
  const std::string id = NewId();
  for (const std::string& name :
       {std::string(), id, ConceptName(id), "jobs/" + id + "0", "jobs/" + id.substr(1),
        "jobs-" + id, std::string("jobs/../../../../../../../../etc/passwd"),
        "jobs/" + std::string(32, 'A'), "jobs/" + std::string(32, 'g')}) {
    const auto found = IdInName("concept_name", "jobs", name);
    EXPECT_THAT(found, HasCode(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(found, NamesField("concept_name")) << name;
  }
}

TEST(IdsTest, BaseModelNamesHaveAShortId) {
  EXPECT_TRUE(IsBaseModelName("baseModels/toyworld-1"));
  EXPECT_TRUE(IsBaseModelName("baseModels/sd_1.5"));
  EXPECT_TRUE(IsBaseModelName("baseModels/" + std::string(63, 'a')));
  for (const std::string& name :
       {std::string("baseModels/"), std::string("toyworld"), std::string("baseModels/a..b"),
        std::string("baseModels/.a"), std::string("baseModels/A"), std::string("baseModels/a/b"),
        "baseModels/" + std::string(64, 'a')}) {
    EXPECT_FALSE(IsBaseModelName(name)) << name;
  }
}

}  // namespace
}  // namespace vico
