#include "client/output/job_view.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/pixels/pixels.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::optional<int> NoTerminal() { return std::nullopt; }

v1::Event Warning() {
  v1::Event event;
  event.set_sequence(3);
  event.mutable_warning()->set_reason("PLACEHOLDER_MISSING");
  event.mutable_warning()->set_message("the prompt has no S*\x1b[2J");
  return event;
}

TEST(JobViewTest, WarningsAreShownWithoutControlCharacters) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "generate"}, out, err, NoTerminal);
  ASSERT_TRUE(view.OnEvent(Warning(), nullptr).ok());
  EXPECT_THAT(err.str(),
              HasSubstr("warning: the prompt has no S*\\u{1b}[2J (PLACEHOLDER_MISSING)"));
  EXPECT_EQ(out.str(), "");
}

TEST(JobViewTest, TheShownLossIsSmooth) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "train"}, out, err, [] { return std::optional<int>(120); });
  for (int step = 1; step <= 2; ++step) {
    v1::Event event;
    event.set_sequence(static_cast<std::uint64_t>(step));
    event.mutable_progress()->set_step(step);
    event.mutable_progress()->set_total_steps(2);
    event.mutable_progress()->set_loss(step == 1 ? 0.2 : 0.6);
    ASSERT_TRUE(view.OnEvent(event, nullptr).ok());
  }
  EXPECT_THAT(err.str(), testing::AllOf(HasSubstr("loss 0.2000"), HasSubstr("loss 0.2400")));
}

TEST(JobViewTest, ThePlaceInTheQueueIsShown) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "train"}, out, err, NoTerminal);
  v1::Event::Position position;
  position.set_position(3);
  view.OnPosition(position);
  position.set_base_model_unavailable(true);
  view.OnPosition(position);
  EXPECT_EQ(err.str(), "queued, 3 ahead\nqueued, 3 ahead; no worker serves its base model\n");
}

TEST(JobViewTest, WithJsonEachEventIsALine) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "generate", .json = true}, out, err, NoTerminal);
  view.OnJob("jobs/1");
  ASSERT_TRUE(view.OnEvent(Warning(), nullptr).ok());
  ASSERT_TRUE(view.OnEvent(Warning(), nullptr).ok());
  std::istringstream lines(out.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["job"], "jobs/1");
    EXPECT_EQ(json["event"]["warning"]["reason"], "PLACEHOLDER_MISSING");
    EXPECT_FALSE(json.contains("file"));
  }
  EXPECT_EQ(count, 2);
  EXPECT_EQ(err.str(), "");
}

TEST(JobViewTest, FinishedPicturesAreWrittenAndListed) {
  std::string name = (std::filesystem::temp_directory_path() / "vico_view_XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(name.data());
  std::ostringstream out;
  std::ostringstream err;
  JobView view(
      {.label = "generate", .list_pictures = true, .folder = PictureFolder(folder, "a cat")}, out,
      err, NoTerminal);
  view.OnJob("jobs/1c9e");
  v1::Event event;
  event.set_sequence(1);
  event.mutable_picture()->set_seed(7);
  const std::string bytes = "PNG";
  ASSERT_TRUE(view.OnEvent(event, &bytes).ok());
  EXPECT_EQ(out.str(), (folder / "1c9e_a-cat_7.png").string() + "\n");
  EXPECT_TRUE(std::filesystem::exists(folder / "1c9e_a-cat_7.png"));
  std::filesystem::remove_all(folder);
}

/// A view of a terminal that is drawn to a text.
class DrawnJobTest : public testing::Test {
 protected:
  DrawnJobTest()
      : terminal_(drawn_, [] { return TerminalSize(); }, {"TERM=xterm"}),
        view_({.label = "train", .terminal = &terminal_}, out_, err_,
              [] { return std::optional<int>(80); }) {
    Pixels red{8, 8, {}};
    for (int i = 0; i < 8 * 8; ++i) red.rgb.insert(red.rgb.end(), {255, 0, 0});
    png_ = *EncodePng(red);
  }

  void Progress(int step, double loss) {
    v1::Event event;
    event.mutable_progress()->set_step(step);
    event.mutable_progress()->set_loss(loss);
    ASSERT_TRUE(view_.OnEvent(event, nullptr).ok());
  }

  std::ostringstream out_;
  std::ostringstream err_;
  std::ostringstream drawn_;
  TerminalPictures terminal_;
  JobView view_;
  std::string png_;
};

TEST_F(DrawnJobTest, SamplesPreviewsAndPicturesAreDrawnAndMasksNot) {
  v1::Event mask;
  mask.mutable_mask()->set_picture_index(0);
  ASSERT_TRUE(view_.OnEvent(mask, &png_).ok());
  EXPECT_EQ(drawn_.str(), "");
  v1::Event sample;
  sample.mutable_sample()->set_step(1);
  v1::Event preview;
  preview.mutable_preview()->set_step(1);
  v1::Event picture;
  picture.mutable_picture()->set_seed(1);
  for (const v1::Event& event : {sample, preview, picture}) {
    drawn_.str("");
    ASSERT_TRUE(view_.OnEvent(event, &png_).ok());
    EXPECT_THAT(drawn_.str(), HasSubstr("48;5;196")) << event.ShortDebugString();
  }
}

TEST_F(DrawnJobTest, ABrokenPictureDoesNotEndTheWatch) {
  v1::Event sample;
  sample.mutable_sample()->set_step(1);
  const std::string bytes = "no picture";
  ASSERT_TRUE(view_.OnEvent(sample, &bytes).ok());
  EXPECT_THAT(err_.str(), HasSubstr("a picture cannot be drawn: not a PNG"));
}

TEST_F(DrawnJobTest, TheLossIsDrawnAtTheEndAndARepeatedStepOnce) {
  for (const int step : {1, 2, 3, 4, 3, 4, 5}) Progress(step, 1.0 / step);
  EXPECT_EQ(drawn_.str(), "");
  view_.Close();
  EXPECT_THAT(drawn_.str(), HasSubstr("at step 5\n"));
  drawn_.str("");
  view_.Close();
  EXPECT_EQ(drawn_.str(), "");
}

TEST(JobViewTest, AnErrorOfTheReceiverOfPicturesEndsTheWatch) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view(
      {.label = "generate",
       .on_picture = [](const v1::Event&,
                        const std::string& png) { return absl::InvalidArgumentError(png); }},
      out, err, NoTerminal);
  view.OnJob("jobs/1");
  v1::Event event;
  event.mutable_picture()->set_seed(7);
  const std::string bytes = "PNG";
  EXPECT_EQ(view.OnEvent(event, &bytes), absl::InvalidArgumentError("PNG"));
  event.mutable_preview()->set_step(1);
  EXPECT_TRUE(view.OnEvent(event, &bytes).ok());
}

TEST(JobViewTest, AnOutageAndItsEndArePrintedOnce) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "train"}, out, err, NoTerminal);
  view.OnJob("jobs/1");
  view.OnReconnect(absl::UnavailableError("refused"), absl::Milliseconds(1));
  view.OnReconnect(absl::UnavailableError("refused"), absl::Milliseconds(1));
  ASSERT_TRUE(view.OnEvent(Warning(), nullptr).ok());
  const std::string text = err.str();
  const auto first = text.find("connection lost");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("connection lost", first + 1), std::string::npos);
  EXPECT_THAT(text, HasSubstr("connected again"));
}

TEST(JobViewTest, ASecondAttemptIsPrinted) {
  std::ostringstream out;
  std::ostringstream err;
  JobView view({.label = "train"}, out, err, NoTerminal);
  v1::Event event;
  event.set_sequence(1);
  event.set_attempt(1);
  event.mutable_started()->set_worker("w");
  ASSERT_TRUE(view.OnEvent(event, nullptr).ok());
  EXPECT_THAT(err.str(), Not(HasSubstr("attempt")));
  event.set_sequence(2);
  event.set_attempt(2);
  ASSERT_TRUE(view.OnEvent(event, nullptr).ok());
  EXPECT_THAT(err.str(), HasSubstr("attempt 2"));
}

}  // namespace
}  // namespace vico::client
