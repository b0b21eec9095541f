#include "server/checks/adapter_report.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "server/checks/request.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

v1::AdapterReport ValidReport() {
  v1::AdapterReport report;
  v1::AdapterReport::Figure& figure = *report.add_figures();
  figure.set_name("clip_i");
  figure.set_measured_with("CLIP ViT-B/32");
  figure.set_before(0.5);
  figure.set_after(0.75);
  figure.add_after_by_prompt(0.7);
  figure.add_after_by_prompt(0.8);
  report.add_prompts("a photo of S*");
  report.add_prompts("S* on the beach");
  report.add_seeds(1);
  report.add_seeds(2);
  report.set_mask_coverage(0.25);
  report.set_mask_stability(1);
  report.add_losses(0.1);
  report.mutable_sheet()->set_sha256(std::string(64, 'a'));
  report.mutable_sheet()->set_size_bytes(1000);
  report.mutable_sheet()->set_media_type("image/png");
  return report;
}

/// The error of a valid report with `change`.
absl::Status With(const std::function<void(v1::AdapterReport&)>& change) {
  v1::AdapterReport report = ValidReport();
  change(report);
  return CheckReportOf(report);
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(AdapterReportTest, AReportMayHaveNoFigures) {
  EXPECT_THAT(CheckReportOf(ValidReport()), IsOk());
  EXPECT_THAT(With([](auto& report) { report.clear_figures(); }), IsOk());
}

TEST(AdapterReportTest, NamesOfFiguresAreLowerSnakeCaseAndDiffer) {
  for (const char* name : {"", "CLIP", "clip-i", "_clip", "1clip", "clip i"}) {
    EXPECT_THAT(With([&](auto& report) { report.mutable_figures(0)->set_name(name); }),
                NamesField("evaluated.report.figures[0].name"))
        << name;
  }
  EXPECT_THAT(With([](auto& report) { report.mutable_figures(0)->set_name(std::string(64, 'a')); }),
              NamesField("evaluated.report.figures[0].name"));
  EXPECT_THAT(With([](auto& report) { *report.add_figures() = report.figures(0); }),
              NamesField("evaluated.report.figures[1].name"));
  EXPECT_THAT(With([](auto& report) {
                *report.add_figures() = report.figures(0);
                report.mutable_figures(1)->set_measured_with("DINO ViT-S/16");
              }),
              IsOk())
      << "of another network";
}

TEST(AdapterReportTest, NumbersAreFinite) {
  for (const double bad : {kNan, kInfinite, -kInfinite}) {
    EXPECT_THAT(With([&](auto& report) { report.mutable_figures(0)->set_before(bad); }),
                NamesField("evaluated.report.figures[0].before"));
    EXPECT_THAT(With([&](auto& report) { report.mutable_figures(0)->set_after(bad); }),
                NamesField("evaluated.report.figures[0].after"));
    EXPECT_THAT(With([&](auto& report) { report.set_losses(0, bad); }),
                NamesField("evaluated.report.losses[0]"));
    EXPECT_THAT(With([&](auto& report) { report.set_mask_coverage(bad); }),
                NamesField("evaluated.report.mask_coverage"));
  }
  EXPECT_THAT(
      With([](auto& report) { report.mutable_figures(0)->set_after_by_prompt(1, kInfinite); }),
      NamesField("evaluated.report.figures[0].after_by_prompt[1]"));
  EXPECT_THAT(With([](auto& report) { report.mutable_figures(0)->set_after_by_prompt(1, kNan); }),
              IsOk())
      << "says nothing of this prompt";
  EXPECT_THAT(With([](auto& report) { report.set_mask_stability(1.01); }),
              NamesField("evaluated.report.mask_stability"));
}

TEST(AdapterReportTest, ListsHaveLimits) {
  EXPECT_THAT(With([](auto& report) {
                for (int i = 0; i < 32; ++i) report.add_figures();
              }),
              NamesField("evaluated.report.figures"));
  EXPECT_THAT(With([](auto& report) {
                for (int i = 0; i < 7; ++i) report.add_prompts("S*");
              }),
              NamesField("evaluated.report.prompts"));
  EXPECT_THAT(With([](auto& report) {
                for (int i = 0; i < 3; ++i) report.add_seeds(1);
              }),
              NamesField("evaluated.report.seeds"));
  EXPECT_THAT(With([](auto& report) {
                for (int i = 0; i < 100; ++i) report.add_losses(1);
              }),
              NamesField("evaluated.report.losses"));
  EXPECT_THAT(With([](auto& report) { report.mutable_figures(0)->add_after_by_prompt(1); }),
              NamesField("evaluated.report.figures[0].after_by_prompt"));
}

TEST(AdapterReportTest, TextsArePlain) {
  EXPECT_THAT(With([](auto& report) { report.mutable_figures(0)->set_measured_with("a\x1b[31m"); }),
              NamesField("evaluated.report.figures[0].measured_with"));
  EXPECT_THAT(With([](auto& report) { report.set_prompts(1, std::string(1025, 'a')); }),
              NamesField("evaluated.report.prompts[1]"));
}

TEST(AdapterReportTest, TheSheetIsABlob) {
  EXPECT_THAT(With([](auto& report) { report.clear_sheet(); }),
              NamesField("evaluated.report.sheet.sha256"));
  EXPECT_THAT(With([](auto& report) { report.mutable_sheet()->set_size_bytes(0); }),
              NamesField("evaluated.report.sheet.size_bytes"));
}

TEST(AdapterReportTest, FinishChecksIt) {
  v1::FinishRequest finish;
  *finish.mutable_evaluated()->mutable_report() = ValidReport();
  EXPECT_THAT(CheckFinish(finish), IsOk());
  finish.mutable_evaluated()->mutable_report()->set_losses(0, kNan);
  EXPECT_THAT(CheckFinish(finish), NamesField("evaluated.report.losses[0]"));
}

}  // namespace
}  // namespace vico::server
