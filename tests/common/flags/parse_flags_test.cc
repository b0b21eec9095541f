#include "common/flags/parse_flags.h"

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "common/flags/number_flags.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ParseFlagsTest : public testing::Test {
 protected:
  ParseFlagsTest() : app_("A program.", "program") {
    AddNumber(app_, "--threads", threads_, "Threads", {1, 256});
    AddNumber(app_, "--bytes", bytes_, "Bytes");
    AddNumber(app_, "-s,--share", share_, "Share", {0.0, 1.0});
    app_.add_option("--name", name_, "Name");
    app_.add_option("--file", file_, "File")->type_name(kFileType);
    app_.add_option("--words", words_, "Words")->allow_extra_args(false);
    CLI::App& train = *app_.add_subcommand("train", "Train");
    train.add_option("CONCEPT", concept_)->required();
    app_.add_subcommand("jobs", "Jobs")->add_subcommand("watch", "Watch");
    app_.get_subcommand("jobs")->require_subcommand(1);
    app_.require_subcommand(0, 1);
    app_.fallthrough();
  }

  /// The error, or "" if the program goes on.
  std::string Error(const std::vector<std::string>& words) {
    const auto end = ParseFlags(app_, words);
    if (!end) return "";
    EXPECT_EQ(end->exit_code, 2);
    return end->err;
  }

  CLI::App app_;
  int threads_ = 8;
  std::uint64_t bytes_ = 5;
  double share_ = 0.5;
  std::string name_;
  std::string file_;
  std::string concept_;
  std::vector<std::string> words_;
};

TEST_F(ParseFlagsTest, NumbersAreRead) {
  EXPECT_EQ(Error({"--threads", "012", "--bytes=7", "-s", "0.25"}), "");
  EXPECT_EQ(threads_, 12);
  EXPECT_EQ(bytes_, 7U);
  EXPECT_EQ(share_, 0.25);
}

TEST_F(ParseFlagsTest, WrongNumbersNameTheOptionAndTheRange) {
  EXPECT_THAT(Error({"--threads", "0"}), HasSubstr("--threads: must be a whole number in 1..256"));
  EXPECT_THAT(Error({"--threads="}), HasSubstr("--threads: must be"));
}
TEST_F(ParseFlagsTest, NegativeNumbersDoNotWrap) {
  EXPECT_THAT(Error({"--bytes", "-1"}), HasSubstr("--bytes: must be a whole number in 0.."));
}
TEST_F(ParseFlagsTest, NegativeNumbersDoNotWrapBehindAnEqualsSign) {
  EXPECT_THAT(Error({"--bytes=-1"}), HasSubstr("got \"-1\""));
}
TEST_F(ParseFlagsTest, AnEmptyTextIsNotZero) {
  EXPECT_THAT(Error({"--bytes", ""}), HasSubstr("got \"\""));
}
TEST_F(ParseFlagsTest, AnEmptyValueDoesNotTakeTheNextWord) {
  EXPECT_THAT(Error({"--bytes=", "7"}), HasSubstr("got \"\""));
}
TEST_F(ParseFlagsTest, NotANumberIsRefused) {
  EXPECT_THAT(Error({"--share", "nan"}), HasSubstr("--share: must be a number in 0..1"));
}

TEST_F(ParseFlagsTest, TheHelpShowsRangeAndDefault) {
  const auto end = ParseFlags(app_, {"--help"});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 0);
  EXPECT_THAT(end->out, AllOf(HasSubstr("1..256"), HasSubstr("8"), HasSubstr("0..1")));
}

TEST_F(ParseFlagsTest, AnEmptyTextMayBeAValue) {
  EXPECT_EQ(Error({"--name=", "train", "x"}), "");
  EXPECT_EQ(name_, "");
  EXPECT_EQ(concept_, "x");
}

TEST_F(ParseFlagsTest, TextMustBeUtf8) {
  EXPECT_THAT(Error({"--name", "caf\xe9"}), HasSubstr("--name: holds bytes that are not UTF-8"));
}
TEST_F(ParseFlagsTest, TextOfArgumentsAndListsMustBeUtf8) {
  EXPECT_THAT(Error({"train", "caf\xe9"}), HasSubstr("CONCEPT: holds bytes that are not UTF-8"));
}
TEST_F(ParseFlagsTest, EachTextOfAListMustBeUtf8) {
  EXPECT_THAT(Error({"--words", "ñ", "--words", "\xff"}), HasSubstr("--words: holds bytes"));
}
TEST_F(ParseFlagsTest, APathMayHaveAnyBytes) {
  EXPECT_EQ(Error({"--file", "caf\xe9.png"}), "");
  EXPECT_EQ(file_, "caf\xe9.png");
}

TEST_F(ParseFlagsTest, ASimilarCommandIsSuggested) {
  EXPECT_THAT(Error({"trian", "x"}), HasSubstr("no command trian; did you mean train?"));
}
TEST_F(ParseFlagsTest, ASimilarInnerCommandIsSuggested) {
  EXPECT_THAT(Error({"jobs", "wach", "x"}), HasSubstr("no command wach; did you mean watch?"));
}
TEST_F(ParseFlagsTest, WithoutASimilarCommandAllAreListed) {
  EXPECT_THAT(Error({"dance"}), HasSubstr("the commands are train, jobs"));
}
TEST_F(ParseFlagsTest, ASimilarOptionIsSuggested) {
  EXPECT_THAT(Error({"train", "x", "--thraeds=3"}),
              HasSubstr("--thraeds; did you mean --threads?"));
}
TEST_F(ParseFlagsTest, AnUnknownOptionIsSaidBeforeAMissingArgument) {
  EXPECT_THAT(Error({"train", "--nmae", "x"}), HasSubstr("--nmae; did you mean --name?"));
}
TEST_F(ParseFlagsTest, AnOptionAfterTwoDashesIsNotSuggested) {
  EXPECT_THAT(Error({"train", "--", "x", "--name", "y"}),
              HasSubstr("--name was not expected here"));
}
TEST_F(ParseFlagsTest, UnknownWordsAreShownPlain) {
  EXPECT_THAT(Error({"\x1b[2Jxxxxxxxx"}), AllOf(HasSubstr("\\u{1b}[2J"), Not(HasSubstr("\x1b"))));
}
TEST_F(ParseFlagsTest, AMissingArgumentIsNamed) {
  EXPECT_THAT(Error({"train"}), HasSubstr("CONCEPT"));
}

}  // namespace
}  // namespace vico
