// `vico evaluate`, `vico adapters report` and `vico adapters continue` against a server in this
// process.
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"
#include "tests/client/cli/command_line.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class EvaluateCommandTest : public CommandLineTest {
 protected:
  EvaluateCommandTest() {
    server_.evaluate = [this](const v1::CreateEvaluationJobRequest& request, v1::Job& job) {
      ++created_;
      evaluated_ = request;
      job.set_name("jobs/9");
      *job.mutable_spec()->mutable_evaluate() = request.evaluate();
      return grpc::Status::OK;
    };
    server_.continue_training = [this](const v1::ContinueTrainingRequest& request, v1::Job& job) {
      ++created_;
      continued_ = request;
      job.set_name("jobs/2");
      return grpc::Status::OK;
    };
    server_.watch = [](grpc::ServerContext&, const v1::WatchJobRequest& request,
                       FakeServer::Events& events) {
      v1::WatchJobResponse end;
      end.set_job(request.name());
      end.mutable_event()->set_sequence(1);
      end.mutable_event()->mutable_succeeded()->set_adapter("adapters/1");
      events.Write(end);
      return grpc::Status::OK;
    };
    server_.report = [this](const v1::GetAdapterReportRequest& request, v1::AdapterReport& found) {
      found = report_;
      found.set_adapter(request.name());
      return grpc::Status::OK;
    };
    server_.picture = [this](const v1::DownloadPictureRequest& request,
                             FakeServer::PictureStream& stream) {
      asked_ = request.name();
      v1::DownloadPictureResponse response;
      response.mutable_header()->set_sha256(Sha256Hex("a sheet"));
      stream.Write(response);
      response.mutable_chunk()->set_data(damaged_ ? "another" : "a sheet");
      response.mutable_chunk()->set_last(true);
      stream.Write(response);
      return grpc::Status::OK;
    };
    report_.set_job("jobs/9");
    report_.add_prompts("a photo of S*");
    report_.add_prompts("S* at sea");
    report_.set_mask_coverage(0.25);
    report_.set_mask_stability(0.5);
    v1::AdapterReport::Figure& figure = *report_.add_figures();
    figure.set_name("clip_i");
    figure.set_measured_with("CLIP ViT-B/32");
    figure.set_before(0.5);
    figure.set_after(0.75);
    figure.add_after_by_prompt(0.7);
    figure.add_after_by_prompt(std::numeric_limits<double>::quiet_NaN());
  }

  v1::AdapterReport report_;
  v1::CreateEvaluationJobRequest evaluated_;
  v1::ContinueTrainingRequest continued_;
  int created_ = 0;
  std::string asked_;
  bool damaged_ = false;
};

TEST_F(EvaluateCommandTest, AReportIsATableOfTheFigures) {
  ASSERT_EQ(Vico({"adapters", "report", "1"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("FIGURE  BEFORE  AFTER  MEASURED WITH\n"
                                          "clip_i  0.500   0.750  CLIP ViT-B/32\n"),
                                HasSubstr("PROMPT         clip_i\n"
                                          "a photo of S*  0.700\n"
                                          "S* at sea      -\n"),
                                HasSubstr("25 % of the pictures; 50 % alike")));
  EXPECT_EQ(asked_, "") << "no picture was asked for";
}

TEST_F(EvaluateCommandTest, AReportWithoutFiguresSaysSo) {
  report_.clear_figures();
  ASSERT_EQ(Vico({"adapters", "report", "1"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("no figures"), Not(HasSubstr("PROMPT"))));
}

TEST_F(EvaluateCommandTest, TheContactSheetIsSavedUnderTheAdaptersName) {
  ASSERT_EQ(Vico({"adapters", "report", "12345678abcdef0123456789abcdef01", "--out", At("out")}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(asked_, "adapters/12345678abcdef0123456789abcdef01/report");
  EXPECT_EQ(Read("out/12345678_report.png"), "a sheet");
  EXPECT_THAT(out_.str(), HasSubstr(At("out/12345678_report.png") + "\n"));
}

TEST_F(EvaluateCommandTest, AnotherFileIsKeptUnlessForced) {
  std::ofstream(At("mine.png")) << "mine";
  EXPECT_NE(Vico({"adapters", "report", "1", "--out", At("mine.png")}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("--force replaces"));
  EXPECT_EQ(Read("mine.png"), "mine");
  EXPECT_EQ(Vico({"adapters", "report", "1", "--out", At("mine.png"), "--force"}), kExitOk);
  EXPECT_EQ(Read("mine.png"), "a sheet");
}

TEST_F(EvaluateCommandTest, ADamagedSheetIsNotSaved) {
  damaged_ = true;
  EXPECT_NE(Vico({"adapters", "report", "1", "--out", At("s.png")}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("SHA-256"));
  EXPECT_EQ(Read("s.png"), "");
}

TEST_F(EvaluateCommandTest, WithJsonTheReportIsOneObject) {
  ASSERT_EQ(Vico({"--json", "adapters", "report", "1", "--out", At("s.png")}), kExitOk);
  const auto json = nlohmann::json::parse(out_.str());
  EXPECT_EQ(json.at("figures").at(0).at("after"), 0.75);
  EXPECT_THAT(err_.str(), HasSubstr(At("s.png")));
}

TEST_F(EvaluateCommandTest, AnAdapterWithoutAReportIsNotFound) {
  server_.report = [](const v1::GetAdapterReportRequest&, v1::AdapterReport&) {
    return ToGrpc(Error(absl::StatusCode::kNotFound, "no evaluation has succeeded", "NO_REPORT"));
  };
  EXPECT_EQ(Vico({"adapters", "report", "1"}), kExitNotFound);
}

TEST_F(EvaluateCommandTest, AnEvaluationIsQueuedAsAskedFor) {
  ASSERT_EQ(Vico({"evaluate", "1", "--prompt", "S* one", "--prompt", "S* two", "-n", "3", "--seed",
                  "7", "--label", "team=red", "--name", "mine"}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "jobs/9\n");
  EXPECT_EQ(evaluated_.evaluate().adapter(), "adapters/1");
  EXPECT_THAT(evaluated_.evaluate().prompts(), ElementsAre("S* one", "S* two"));
  EXPECT_EQ(evaluated_.evaluate().picture_count(), 3);
  EXPECT_EQ(evaluated_.evaluate().seed(), 7U);
  EXPECT_EQ(evaluated_.labels().at("team"), "red");
  EXPECT_EQ(evaluated_.display_name(), "mine");
  EXPECT_FALSE(evaluated_.validate_only());
}

TEST_F(EvaluateCommandTest, AWatchedEvaluationEndsWithTheReport) {
  ASSERT_EQ(Vico({"evaluate", "1", "--watch"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("clip_i  0.500   0.750"), Not(HasSubstr("adapters/1\n\n"))));
  EXPECT_FALSE(evaluated_.evaluate().has_picture_count()) << "the server has the defaults";
}

TEST_F(EvaluateCommandTest, ADryRunOnlyChecks) {
  ASSERT_EQ(Vico({"evaluate", "1", "--dry-run"}), kExitOk) << err_.str();
  EXPECT_TRUE(evaluated_.validate_only());
  ASSERT_EQ(Vico({"adapters", "continue", "1", "--steps", "5", "--dry-run"}), kExitOk);
  EXPECT_TRUE(continued_.validate_only());
}

TEST_F(EvaluateCommandTest, AFileThatIsThereEndsTheCommandBeforeTheJob) {
  std::ofstream(At("mine.png")) << "mine";
  EXPECT_NE(Vico({"evaluate", "1", "--out", At("mine.png")}), kExitOk);
  EXPECT_EQ(created_, 0);
}

TEST_F(EvaluateCommandTest, ATrainingIsContinuedFromItsAdapter) {
  ASSERT_EQ(Vico({"adapters", "continue", "1", "--steps", "100", "--label", "team=red"}), kExitOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "jobs/2\n");
  EXPECT_EQ(continued_.adapter(), "adapters/1");
  EXPECT_EQ(continued_.steps(), 100);
  EXPECT_EQ(continued_.labels().at("team"), "red");
  ASSERT_EQ(Vico({"adapters", "continue", "1", "--steps", "100", "--watch"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("adapters/1\n"));
}

TEST_F(EvaluateCommandTest, ATrainingThatIsEvaluatedGoesOnToTheReport) {
  server_.train = [](const v1::CreateTrainingJobRequest& request, v1::Job& job) {
    job.set_name("jobs/1");
    *job.mutable_spec()->mutable_train() = request.train();
    return grpc::Status::OK;
  };
  server_.get_job = [](const v1::GetJobRequest& request, v1::Job& job) {
    job.set_name(request.name());
    job.set_adapter("adapters/1");
    return grpc::Status::OK;
  };
  v1::ListJobsRequest listed;
  server_.list_jobs = [&](const v1::ListJobsRequest& request, v1::ListJobsResponse& page) {
    listed = request;
    v1::Job& job = *page.add_jobs();
    job.set_name("jobs/9");
    job.mutable_spec()->mutable_evaluate()->set_adapter("adapters/1");
    return grpc::Status::OK;
  };
  ASSERT_EQ(Vico({"train", "1", "--init-word", "dog", "--evaluate", "--watch"}), kExitOk)
      << err_.str();
  EXPECT_EQ(listed.filter().adapter(), "adapters/1");
  EXPECT_THAT(listed.filter().kinds(), ElementsAre(v1::JOB_KIND_EVALUATION));
  EXPECT_THAT(out_.str(), AllOf(testing::StartsWith("adapters/1\n"), HasSubstr("clip_i")));
}

}  // namespace
}  // namespace vico::client
