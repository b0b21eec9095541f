#include "client/output/progress.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace vico::client {
namespace {

Progress HalfWay() {
  Progress progress;
  progress.label = "train";
  progress.step = 200;
  progress.total = 400;
  progress.loss = 0.12345;
  progress.seconds_per_step = 0.114;
  progress.eta_seconds = 22.8;
  return progress;
}

TEST(FormatDurationTest, SecondsMinutesHours) {
  EXPECT_EQ(FormatDuration(0), "0:00");
  EXPECT_EQ(FormatDuration(6.2), "0:07");
  EXPECT_EQ(FormatDuration(754), "12:34");
  EXPECT_EQ(FormatDuration(3723), "1:02:03");
  EXPECT_EQ(FormatDuration(-1), "0:00");
}

TEST(FormatBarTest, ShowsAllFiguresIfThereIsRoom) {
  EXPECT_EQ(FormatBar(HalfWay(), 120),
            "train  [####################--------------------]  200/400  loss 0.1235  "
            "0.11 s/step  ETA 0:23");
}

TEST(FormatBarTest, NeverWiderThanTheTerminal) {
  for (int columns = 0; columns < 130; ++columns) {
    EXPECT_LE(static_cast<int>(FormatBar(HalfWay(), columns).size()), columns);
  }
}

TEST(FormatBarTest, LeavesOutTheLastFiguresFirst) {
  const std::string bar = FormatBar(HalfWay(), 50);
  EXPECT_NE(bar.find("200/400  loss 0.1235"), std::string::npos) << bar;
  EXPECT_EQ(bar.find("ETA"), std::string::npos) << bar;
}

TEST(FormatBarTest, EmptyAndFull) {
  Progress progress = HalfWay();
  progress.step = 0;
  EXPECT_EQ(FormatBar(progress, 120).find('#'), std::string::npos);
  progress.step = 400;
  EXPECT_EQ(FormatBar(progress, 120).find("#-"), std::string::npos);
  EXPECT_NE(FormatBar(progress, 120).find("####]"), std::string::npos);
  progress.step = 500;  // beyond the total the bar must not overflow
  EXPECT_EQ(FormatBar(progress, 120).find('-'), std::string::npos);
}

TEST(FormatPlainTest, HasThePercentage) {
  EXPECT_EQ(FormatPlain(HalfWay()), "train  200/400  50 %  loss 0.1235  0.11 s/step  ETA 0:23");
}

TEST(FormatPlainTest, UnknownTotal) {
  Progress progress;
  progress.label = "upload";
  progress.step = 7;
  progress.unit = "KiB";
  EXPECT_EQ(FormatPlain(progress), "upload  7 KiB");
}

TEST(ProgressDisplayTest, PrintsAPlainLineEveryFivePercent) {
  std::ostringstream out;
  ProgressDisplay display(out, [] { return std::nullopt; });
  Progress progress;
  progress.label = "train";
  progress.total = 1000;
  for (progress.step = 0; progress.step <= 1000; ++progress.step) display.Update(progress);
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 21);  // 0 %, 5 %, ... 100 %
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ProgressDisplayTest, RedrawsOneLineOnATerminal) {
  std::ostringstream out;
  {
    ProgressDisplay display(out, [] { return std::optional<int>(40); });
    Progress progress;
    progress.label = "train";
    progress.total = 2;
    progress.step = 1;
    display.Update(progress);
    display.Note("a note");
  }
  EXPECT_EQ(out.str(),
            "\r\x1b[Ktrain  [############-------------]  1/2"
            "\r\x1b[Ka note\ntrain  [############-------------]  1/2\n");
}

TEST(ProgressDisplayTest, ClosingTwicePrintsNothing) {
  std::ostringstream out;
  ProgressDisplay display(out, [] { return std::optional<int>(40); });
  display.Close();
  display.Close();
  EXPECT_EQ(out.str(), "");
}

TEST(TerminalColumnsTest, AFileHasNone) {
  FILE* const file = tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(TerminalColumns(fileno(file)), std::nullopt);
  fclose(file);
}

}  // namespace
}  // namespace vico::client
