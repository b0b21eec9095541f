// Random valid and invalid operations on the job store and its reference model, which must agree on
// every result and on the state of every job.
#include "tests/server/store/job_store_model.h"

#include <random>
#include <set>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

// Of a seed. On PostgreSQL each takes some milliseconds.
constexpr int kOperations = 8'000;
constexpr int kSlowOperations = 1'000;

std::string AnswerOf(const absl::Status& status) {
  if (status.ok()) return "OK";
  const std::string reason = Reason(status);
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

/// A current or former lease. A worker may use it at any time.
struct Held {
  size_t job;
  Grant grant;
};

class JobStoreModelTest : public JobStoreTest {
 protected:
  JobStoreModelTest() : JobStoreTest(TempFolder::InMemory()) {
    options_.queued_per_tenant = 9;
    options_.queued_total = 16;
    options_.trainings_per_tenant = 2;
    options_.generations_per_tenant = 3;
    options_.total_limit = absl::Hours(5);
    Open();
    model_ = std::make_unique<JobStoreModel>(options_, clock_);
    for (const char* tenant : {"default", "other", "third"}) {
      const auto made = catalog_->CreateConcept({tenant, "concept", "h"}, {});
      EXPECT_THAT(made, IsOk());
      concepts_[tenant] = made->name();
    }
  }

  void Run(uint32_t seed) {
    random_.seed(seed);
    const bool slow = GetParam().name == "postgres";
    for (int turn = 0; turn < (slow ? kSlowOperations : kOperations) && !HasFailure(); ++turn) {
      SCOPED_TRACE(fmt::format("seed {}, operation {}", seed, turn));
      One();
      if (turn % 500 == 499) {
        for (size_t i = 0; i < model_->jobs.size(); ++i) Compare(i);
      }
    }
    if (!HasFailure() && !slow) WentEverywhere();
  }

  void WentEverywhere() {
    EXPECT_THAT(answers_seen_,
                testing::IsSupersetOf({"OK", "LEASE_LOST", "INVALID_FIELD", "CANCEL_REQUESTED",
                                       "NOT_CANCELLED", "QUEUE_FULL", "REQUEST_ID_REUSED",
                                       "ENGINE_DIED", "RETRIES_SPENT", "WORKER_LOST",
                                       "QUEUE_TIMEOUT", "DEADLINE_PASSED"}));
    EXPECT_THAT(ends_, testing::IsSupersetOf({v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED,
                                              v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED}));
    RecordProperty("jobs", static_cast<int>(names_.size()));
  }

  size_t Pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  void One() {
    const size_t kind = Pick(100);
    if (kind < 22) return Submit();
    if (kind < 46) return Lease();
    if (kind < 60) return Report();
    if (kind < 80) return Finish();
    if (kind < 84) return Cancel();
    if (kind < 90) return clock_.Advance(absl::Milliseconds(static_cast<int>(Pick(16'000))));
    if (kind < 96) {
      EXPECT_EQ(*jobs_->ReturnExpired(), model_->ReturnExpired());
      return;
    }
    if (kind < 98) {
      EXPECT_EQ(*jobs_->FailOverdue(), model_->FailOverdue());
      return;
    }
    if (Pick(2) != 0) {
      ASSERT_THAT(jobs_->ExtendLeases(), IsOk());
      return model_->ExtendLeases();
    }
    switch (Pick(4)) {
      case 0:
        clock_.Advance(absl::Hours(static_cast<int>(Pick(30))));
        if (Pick(2) == 0) {
          EXPECT_EQ(*jobs_->FailOverdue(), model_->FailOverdue());
        }
        return;
      case 1:
        return clock_.JumpWall(absl::Hours(static_cast<int>(Pick(9)) - 4));
      default:
        Open();
        ASSERT_THAT(jobs_->ExtendLeases(), IsOk());
        model_->Restart();
    }
  }

  void Submit() {
    const std::string tenant = std::vector<std::string>{"default", "other", "third"}[Pick(3)];
    const bool again = requests_ > 0 && Pick(5) == 0;
    const std::string id = fmt::format("request-{}", again ? Pick(requests_) : requests_++);
    const bool training = Pick(2) == 0;
    SubmitRequest request = Generation(id, tenant);
    request.key.body_hash = Pick(10) == 0 ? "another body" : "body";
    if (training) {
      request.spec.mutable_train()->set_concept_name(concepts_[tenant]);
      request.spec.mutable_train()->set_base_model(kToyBase);
    }
    size_t number = 0;
    const std::string expected =
        model_->Submit(tenant, id, request.key.body_hash, training, number);
    const auto job = jobs_->Submit(request);
    Expect(job.status(), expected);
    if (!job.ok()) return;
    if (number == names_.size()) names_.push_back(job->name());
    ASSERT_LT(number, names_.size());
    EXPECT_EQ(job->name(), names_[number]);
    Compare(number);
  }

  void Lease() {
    LeaseQuery query = Ask(fmt::format("worker-{}", Pick(3)), fmt::format("nonce-{}", leases_));
    if (Pick(6) == 0) query.nonce = fmt::format("nonce-{}", Pick(leases_ + 1));
    ++leases_;
    query.max_jobs = 1 + static_cast<int>(Pick(3));
    if (Pick(3) == 0) query.kinds.insert(v1::JOB_KIND_TRAINING);
    if (Pick(3) == 0) query.kinds.insert(v1::JOB_KIND_GENERATION);
    const auto expected = model_->Lease(query.worker, query.nonce, query.max_jobs, query.kinds);
    const auto grants = jobs_->Lease(query);
    ASSERT_THAT(grants, IsOk());
    ASSERT_EQ(grants->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const Grant& grant = (*grants)[i];
      ASSERT_EQ(grant.job.name(), names_[expected[i]]);
      Compare(expected[i]);
      held_.push_back({expected[i], grant});
    }
  }

  /// Mostly a recent lease, sometimes an old one.
  const Held* SomeLease() {
    if (held_.empty()) return nullptr;
    const size_t recent = std::min<size_t>(held_.size(), Pick(8) == 0 ? held_.size() : 8);
    return &held_[held_.size() - 1 - Pick(recent)];
  }

  void Report() {
    const Held* held = SomeLease();
    if (held == nullptr) return;
    ModelJob& job = model_->jobs[held->job];
    const uint64_t number = Pick(3) == 0 ? Pick(5) : job.reports + 1;
    const int events = static_cast<int>(Pick(3));
    const int attempt = held->grant.job.attempt();
    const bool lives = job.running() && job.attempt == attempt;
    const std::string expected = model_->Report(job, attempt, number, events);
    const auto directive = jobs_->Report(ReportOf(held->grant, number, events));
    Expect(directive.status(), expected);
    if (directive.ok()) {
      EXPECT_TRUE(lives);
      EXPECT_EQ(*directive, job.cancel ? v1::DIRECTIVE_CANCEL : v1::DIRECTIVE_CONTINUE);
    }
    Compare(held->job);
  }

  v1::FinishRequest RequestOf(const Grant& grant, Ending ending) {
    const bool training = grant.job.kind() == v1::JOB_KIND_TRAINING;
    switch (ending) {
      case Ending::kResult:
        return training ? Trained(grant) : Generated(grant);
      case Ending::kOtherResult:
        return training ? Generated(grant) : Trained(grant);
      case Ending::kRetryable:
        return Failed(grant, true);
      case Ending::kLasting:
        return Failed(grant, false);
      case Ending::kCrashed: {
        v1::FinishRequest crashed = Failed(grant, true);
        crashed.mutable_failure()->set_crashed(true);
        return crashed;
      }
      case Ending::kReleased:
        return Released(grant);
      case Ending::kStopped:
        return Stopped(grant);
    }
    return {};
  }

  void Finish() {
    const Held* held = SomeLease();
    if (held == nullptr) return;
    // Often retryable failures, since a job fails only after five of them.
    auto ending = Pick(3) == 0 ? Ending::kRetryable : static_cast<Ending>(Pick(7));
    // A result after a cancel is rare otherwise.
    if (model_->jobs[held->job].cancel && Pick(3) == 0) ending = Ending::kResult;
    const std::string expected = model_->Finish(held->job, held->grant.job.attempt(), ending);
    const auto answer = jobs_->Finish(RequestOf(held->grant, ending));
    Expect(answer.status(), expected);
    if (answer.ok()) {
      const std::string bytes = answer->SerializeAsString();
      const auto [first, is_new] = answers_.try_emplace(held->grant.lease_id, bytes);
      EXPECT_EQ(first->second, bytes) << "a repeat gets the first answer";
      ends_.insert(answer->state());
    }
    Compare(held->job);
  }

  void Cancel() {
    if (names_.empty()) return;
    const size_t number = names_.size() - 1 - Pick(std::min<size_t>(names_.size(), 20));
    const ModelJob& job = model_->jobs[number];
    model_->Cancel(model_->jobs[number]);
    EXPECT_THAT(jobs_->Cancel(job.tenant, names_[number]), IsOk());
    EXPECT_THAT(jobs_->Cancel("nobody", names_[number]), HasCode(absl::StatusCode::kNotFound));
    Compare(number);
  }

  void Expect(const absl::Status& status, const std::string& expected) {
    EXPECT_EQ(AnswerOf(status), expected) << status.ToString();
    answers_seen_.insert(expected);
  }

  void Compare(size_t number) {
    const ModelJob& expected = model_->jobs[number];
    const auto job = jobs_->Get(expected.tenant, names_[number]);
    ASSERT_THAT(job, IsOk());
    EXPECT_EQ(StateName(job->state()), StateName(expected.state)) << names_[number];
    EXPECT_EQ(job->attempt(), expected.attempt);
    EXPECT_EQ(job->cancel_requested(), expected.cancel);
    EXPECT_EQ(job->last_sequence(), expected.events);
    EXPECT_EQ(Reason(FromProto(job->error())), expected.reason);
    if (!expected.reason.empty()) answers_seen_.insert(expected.reason);
    const auto newest = jobs_->EventsAfter(expected.tenant, names_[number], expected.events - 1, 9);
    ASSERT_THAT(newest, IsOk());
    ASSERT_EQ(newest->size(), 1u) << "events are dense";
    EXPECT_EQ(IsTerminal(newest->front()), IsTerminal(expected.state));
  }

  std::mt19937 random_;
  std::unique_ptr<JobStoreModel> model_;
  std::map<std::string, std::string> concepts_;  // by tenant
  std::vector<std::string> names_;               // of the jobs, by number
  std::vector<Held> held_;
  std::map<std::string, std::string> answers_;  // of Finish, by lease
  std::set<std::string> answers_seen_;
  std::set<v1::JobState> ends_;
  size_t requests_ = 0;
  size_t leases_ = 0;
};

TEST_P(JobStoreModelTest, AgreesWithTheModelOnSeed1) { Run(1); }
TEST_P(JobStoreModelTest, AgreesWithTheModelOnSeed4) { Run(4); }
TEST_P(JobStoreModelTest, AgreesWithTheModelOnSeed3) { Run(3); }

INSTANTIATE_TEST_SUITE_P(Backends, JobStoreModelTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
