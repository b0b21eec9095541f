#include "client/cli/prompts_file.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PromptsFileTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<std::string>> Read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return ReadPrompts(path_);
  }

  TempFolder folder_;
  std::string path_ = folder_.path() + "/prompts.txt";
};

TEST_F(PromptsFileTest, HasAPromptALine) {
  EXPECT_THAT(Read("\xef\xbb\xbf"
                   "a photo of S*\r\n\n # by the sea\n  S* in snow  \n海辺のS*")
                  .value(),
              ElementsAre("a photo of S*", "S* in snow", "海辺のS*"));
}

TEST_F(PromptsFileTest, RefusesWhatIsNoListOfPrompts) {
  EXPECT_THAT(Read("# nothing\n\n").status(), HasMessage(HasSubstr("has no prompt")));
  EXPECT_THAT(Read("fine\n\xff\xff broken\n").status(), HasMessage(HasSubstr("prompts.txt:2")));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "S*\n";
  EXPECT_THAT(Read(many).status(), HasMessage(HasSubstr("more than 1000 prompts")));
  EXPECT_THAT(ReadPrompts(folder_.path() + "/missing").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vico::client
