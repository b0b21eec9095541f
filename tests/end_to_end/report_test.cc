// Evaluations and continued trainings through real processes, on the toy world's base model.
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/formats/safetensors.h"
#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::end_to_end {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("toyworld/base/model_index.json")) {
      GTEST_SKIP() << "toyworld/base is not in this checkout";
    }
    ASSERT_TRUE(cluster_.StartServer());
    ASSERT_TRUE(cluster_.StartWorker());
    client_ = cluster_.NewClient();
    const auto uploaded = client_->UploadConcept(ExamplePictures(), "robot");
    ASSERT_THAT(uploaded, IsOk());
    spec_.set_concept_name(uploaded->name());
    spec_.set_init_word("robot");
    spec_.set_sample_every_steps(0);
    spec_.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_CONSTANT);
    spec_.set_seed(3);
  }

  /// The job's events, after it has succeeded.
  std::vector<v1::Event> Succeeded(const absl::StatusOr<v1::Job>& job) {
    EXPECT_THAT(job, IsOk());
    if (!job.ok()) return {};
    Watcher watcher(cluster_.NewClient(), job->name());
    const auto last = watcher.WaitForEnd();
    EXPECT_THAT(last, IsOk());
    if (last.ok()) {
      EXPECT_TRUE(last->has_succeeded()) << last->ShortDebugString() << cluster_.worker_log();
    }
    return watcher.events();
  }

  /// Trains and returns the adapter.
  std::string Train(int steps) {
    spec_.set_steps(steps);
    const auto events = Succeeded(client_->CreateTrainingJob(spec_));
    return events.empty() ? "" : events.back().succeeded().adapter();
  }

  /// The bytes of each tensor; the metadata of the file have the training's spec.
  std::map<std::string, std::string> TensorsOf(const std::string& adapter) {
    const TempFolder folder;
    const std::string path = folder.path() + "/adapter.safetensors";
    EXPECT_THAT(client_->DownloadAdapter(adapter, path), IsOk());
    std::map<std::string, std::string> tensors;
    const auto file = SafetensorsFile::Open(path);
    EXPECT_THAT(file, IsOk());
    if (!file.ok()) return tensors;
    for (const TensorInfo& info : file->tensors()) {
      const auto bytes = file->bytes(info);
      tensors[info.name] = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    return tensors;
  }

  static std::vector<std::string> WarningsIn(const std::vector<v1::Event>& events) {
    std::vector<std::string> reasons;
    for (const v1::Event& event : events) {
      if (event.has_warning()) reasons.push_back(event.warning().reason());
    }
    return reasons;
  }

  Cluster cluster_{{.base_model = "toyworld/base", .server_largest_file = {}, .data = {}}};
  std::unique_ptr<client::Client> client_;
  v1::TrainSpec spec_;
};

TEST_F(ReportTest, AnEvaluationWritesTheAdaptersReport) {
  const std::string adapter = Train(12);
  v1::EvaluateSpec evaluate;
  evaluate.set_adapter(adapter);
  evaluate.set_picture_count(1);

  const auto events = Succeeded(client_->CreateEvaluationJob(evaluate));

  ASSERT_THAT(events, Not(IsEmpty()));
  EXPECT_THAT(WarningsIn(events), IsEmpty());
  EXPECT_EQ(events.back().succeeded().adapter(), adapter);
  const auto report = client_->GetAdapterReport(adapter);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->adapter(), adapter);
  ASSERT_THAT(report->prompts(), SizeIs(4)) << "those of the base model";
  EXPECT_EQ(report->prompts(0), "a photo of a S* on the beach");
  EXPECT_THAT(report->seeds(), ElementsAre(1));
  EXPECT_THAT(report->losses(), SizeIs(12));
  EXPECT_GT(report->mask_coverage(), 0);
  EXPECT_GT(report->mask_stability(), 0);
  ASSERT_THAT(report->figures(), SizeIs(3));
  for (const auto& figure : report->figures()) {
    EXPECT_EQ(figure.measured_with(), "toyworld scorer") << figure.name();
    EXPECT_THAT(figure.after_by_prompt(), SizeIs(4)) << figure.name();
  }
  const auto sheet = client_->DownloadPicture(adapter + "/report");
  ASSERT_THAT(sheet, IsOk());
  EXPECT_THAT(*sheet, StartsWith("\x89PNG"));
}

TEST_F(ReportTest, AContinuedTrainingEndsWithTheAdapterOfALongerOne) {
  const std::string whole = Train(14);
  const std::string first = Train(8);

  const auto events = Succeeded(client_->ContinueTraining(first, 6));

  ASSERT_THAT(events, Not(IsEmpty()));
  EXPECT_THAT(WarningsIn(events), IsEmpty());
  const std::string continued = events.back().succeeded().adapter();
  EXPECT_EQ(client_->GetAdapter(continued)->summary().steps(), 14);
  EXPECT_EQ(TensorsOf(continued), TensorsOf(whole));
  EXPECT_NE(TensorsOf(continued), TensorsOf(first));
}

}  // namespace
}  // namespace vico::end_to_end
