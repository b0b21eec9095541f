#include "worker/scorer/scorer_file.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

using testing::HasSubstr;

const std::vector<std::vector<std::string>> kScenes = {
    {"by the sea", "at sea"}, {"at home"}, {}, {}, {}, {}, {}, {}, {}};

class ScorerFileTest : public testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/scorer.safetensors"; }

  TempFolder folder_;
};

TEST_F(ScorerFileTest, AFileKeepsNameScenesAndWeights) {
  const Scorer saved;
  ASSERT_THAT(SaveScorerFile(saved, {"a scorer", kScenes}, Path()), IsOk());
  auto loaded = LoadScorerFile(Path());
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->labels.name, "a scorer");
  EXPECT_EQ(loaded->labels.scenes, kScenes);
  const auto expected = saved->parameters().front().to(torch::kHalf).to(torch::kFloat);
  EXPECT_TRUE(torch::equal(loaded->network->parameters().front(), expected));
  EXPECT_FALSE(loaded->network->parameters().front().requires_grad());
}

TEST_F(ScorerFileTest, APromptAsksForTheSceneOfItsPhrase) {
  const ScorerLabels labels = {"a scorer", kScenes};
  EXPECT_EQ(labels.SceneIn("a photo of a mug at sea"), 0);
  EXPECT_EQ(labels.SceneIn("a mug at home"), 1);
  EXPECT_EQ(labels.SceneIn("a mug"), std::nullopt);
}

TEST_F(ScorerFileTest, AnErrorNamesTheFileAndTheKey) {
  EXPECT_THAT(LoadScorerFile(Path()), HasCode(absl::StatusCode::kNotFound));
  for (const auto& [metadata, expected] : std::vector<std::pair<Metadata, std::string>>{
           {{}, "metadata: name: is missing"},
           {{{"name", "a scorer"}}, "metadata: scenes: is missing"},
           {{{"name", "a scorer"}, {"scenes", "[[\"at sea\"]]"}}, "scenes: must be 9 lists"},
           {{{"name", "a scorer"}, {"scenes", "no JSON"}}, "scenes: must be 9 lists"},
           {{{"name", "a scorer"}, {"scenes", "[[],[],[],[],[],[],[],[],[\"\"]]"}},
            "scenes: must be 9 lists"},
           {{{"name", "a scorer"}, {"scenes", "[[],[],[],[],[],[],[],[],[]]"}}, "is missing"}}) {
    ASSERT_THAT(WriteTensors(Path(), {{"hidden.bias", torch::ones({256})}}, metadata), IsOk());
    const auto loaded = LoadScorerFile(Path());
    EXPECT_THAT(loaded, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(loaded, HasMessage(HasSubstr(expected)));
    EXPECT_THAT(loaded, HasMessage(HasSubstr("scorer.safetensors")));
  }
}

}  // namespace
}  // namespace vico::worker
