#include "client/arguments/completion.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "client/arguments/arguments.h"

namespace vico::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Complete(const std::vector<std::string>& words) {
  std::vector<std::string> found;
  WithCommandLine([&](CLI::App& app) {
    found = Completions(app, words, [](const std::string& collection) {
      return std::vector<std::string>{collection + "-1c9e", collection + "-7777"};
    });
  });
  return found;
}

TEST(CompletionTest, SubcommandsThatStartWithTheWord) {
  EXPECT_THAT(Complete({""}), Contains("generate"));
  EXPECT_THAT(Complete({"ge"}), ElementsAre("generate"));
  EXPECT_THAT(Complete({"jobs", "wa"}), ElementsAre("watch"));
  EXPECT_THAT(Complete({"pictures", ""}), ElementsAre("upload", "delete"));
  EXPECT_THAT(Complete({"--json", "--server", "jobs", "adapters", "im"}), ElementsAre("import"));
}

TEST(CompletionTest, OptionsOfTheCommandAndOfThoseAroundIt) {
  EXPECT_THAT(Complete({"train", "x", "--init"}), ElementsAre("--init-word"));
  EXPECT_THAT(Complete({"train", "--"}), Contains("--json"));
  EXPECT_THAT(Complete({"jobs", "list", "--"}), Not(Contains("--init-word")));
  EXPECT_THAT(Complete({"sheet", "x", "--ba"}), ElementsAre("--bare"));
  EXPECT_THAT(Complete({"adapters", "update", "x", "--remove"}), ElementsAre("--remove-label"));
}

TEST(CompletionTest, ValuesOfAChoice) {
  EXPECT_THAT(Complete({"train", "--dialect", ""}), ElementsAre("mmagic", "paper"));
  EXPECT_THAT(Complete({"completion", "f"}), ElementsAre("fish"));
}

TEST(CompletionTest, IdsWhereANameStands) {
  EXPECT_THAT(Complete({"train", ""}), ElementsAre("concepts-1c9e", "concepts-7777", "@last"));
  EXPECT_THAT(Complete({"generate", "adapters-7"}), ElementsAre("adapters-7777"));
  EXPECT_THAT(Complete({"sheet", "adapters-7"}), ElementsAre("adapters-7777"));
  EXPECT_THAT(Complete({"jobs", "watch", "--cancel-on-interrupt", "@"}), ElementsAre("@last"));
}

TEST(CompletionTest, NothingWhereAPathOrATextStands) {
  EXPECT_THAT(Complete({"generate", "adapters-7777", ""}), IsEmpty());
  EXPECT_THAT(Complete({"generate", "--out", ""}), IsEmpty());
  EXPECT_THAT(Complete({"generate", "x", "p", "--init", ""}), IsEmpty());
  EXPECT_THAT(Complete({"concepts", "upload", ""}), IsEmpty());
  EXPECT_THAT(Complete({"pictures", "upload", ""}), IsEmpty());
}

TEST(CompletionTest, EachShellHasAScript) {
  for (const char* const shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(CompletionScript(shell), testing::HasSubstr("vico __complete")) << shell;
  }
}

}  // namespace
}  // namespace vico::client
