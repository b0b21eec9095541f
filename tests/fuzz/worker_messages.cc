// Reports and finishes of a leased job, through the checks and the store that WorkerService uses.
// The first byte is 'f' for a finish; anything else is a report. Job and lease are replaced by
// those of the held lease.
#include "common/ids.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/test_stores.h"

namespace vico::fuzz {
namespace {

/// A lease that is renewed with another job, of either kind, when its job ends.
class HeldLease {
 public:
  explicit HeldLease(TestStores& stores) : stores_(stores) { Renew(); }

  void Send(v1::ReportRequest report) {
    report.set_job(grant_.job.name());
    report.set_lease_id(grant_.lease_id);
    if (!server::CheckReport(report).ok()) return;
    for (int i = 0; i < report.events_size(); ++i) {
      if (!server::CheckReported(report.events(i), i).ok()) return;
      MustHold(!server::IsTerminal(report.events(i)), "a report does not end a job");
      if (!AreStored(server::BlobsNamedBy(report.events(i)))) return;
    }
    const auto directive = stores_.stores().jobs.Report(report);
    MustHold(directive.ok() || absl::IsInvalidArgument(directive.status()),
             "a held lease can report");
  }

  void Send(v1::FinishRequest finish) {
    finish.set_job(grant_.job.name());
    finish.set_lease_id(grant_.lease_id);
    if (finish.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) return;
    server::CheckFinish(finish).IgnoreError();
    if (!AreStored(server::BlobsNamedBy(finish))) return;
    const auto job = stores_.stores().jobs.Finish(finish);
    if (!job.ok()) {
      MustHold(absl::IsInvalidArgument(job.status()) || absl::IsFailedPrecondition(job.status()),
               "a held lease can finish or gets an error about the request");
      return;
    }
    const auto again = stores_.stores().jobs.Finish(finish);
    MustHold(again.ok() && again->SerializeAsString() == job->SerializeAsString(),
             "a repeated finish gets the first answer");
    Renew();
  }

 private:
  bool AreStored(const std::vector<v1::BlobRef>& blobs) {
    for (const v1::BlobRef& blob : blobs) {
      if (!server::CheckBlob(stores_.stores().blobs, grant_.tenant, blob).ok()) return false;
    }
    return true;
  }

  v1::JobSpec NextSpec() {
    v1::JobSpec spec;
    if (++jobs_ % 2 == 0) {
      spec.mutable_generate()->set_base_model(server::kTestBase);
      spec.mutable_generate()->set_prompt("a dog");
      spec.mutable_generate()->set_picture_count(2);
      return spec;
    }
    spec.mutable_train()->set_concept_name(stores_.concept_name());
    spec.mutable_train()->set_base_model(server::kTestBase);
    spec.mutable_train()->set_placeholder("S*");
    spec.mutable_train()->set_steps(400);
    return spec;
  }

  void Renew() {
    stores_.clock().Advance(absl::Hours(1));  // longer than any delay before a retry
    for (int tries = 0; tries < 2; ++tries) {
      const auto grants = stores_.stores().jobs.Lease({.worker = "worker",
                                                       .device = "cpu",
                                                       .nonce = NewId(),
                                                       .base_models = {server::kTestBase}});
      MustHold(grants.ok(), "a worker can request a lease");
      if (!grants->empty()) {
        grant_ = grants->front();
        return;
      }
      const server::RequestKey key{TestStores::kTenant, NewId(), "h"};
      MustHold(stores_.stores().jobs.Submit({key, NextSpec(), {}}).ok(), "a job can be queued");
    }
    MustHold(false, "a queued job is granted");
  }

  TestStores& stores_;
  int jobs_ = 0;
  server::Grant grant_;
};

/// A blob that exists, and one that does not.
v1::BlobRef Stored() { return server::RefOf(server::TestMerges(), "image/png"); }
v1::BlobRef Missing() { return server::RefOf("missing", "image/png"); }

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const v1::BlobRef& blob : {Stored(), Missing()}) {
    v1::ReportRequest report;
    report.set_report_number(1);
    report.add_events()->mutable_progress()->set_step(5);
    *report.add_events()->mutable_picture()->mutable_blob() = blob;
    *report.add_events()->mutable_mask()->mutable_blob() = blob;
    *report.add_events()->mutable_preview()->mutable_blob() = blob;
    *report.add_events()->mutable_sample()->mutable_picture()->mutable_blob() = blob;
    report.add_events()->mutable_warning()->set_message("a warning");
    *report.add_events()->mutable_checkpoint()->mutable_blob() = blob;
    report.add_events();
    seeds.push_back(Seed('r', report));
    for (int i = 0; i < report.events_size(); ++i) {
      v1::ReportRequest one;
      one.set_report_number(static_cast<uint64_t>(i) + 1);
      *one.add_events() = report.events(i);
      seeds.push_back(Seed('r', one));
    }
    v1::FinishRequest trained;
    *trained.mutable_trained()->mutable_adapter() = blob;
    *trained.mutable_trained()->mutable_reference() = blob;
    trained.mutable_trained()->mutable_summary()->set_steps(400);
    seeds.push_back(Seed('f', trained));
    v1::FinishRequest generated;
    for (int i = 0; i < 2; ++i) {
      v1::Picture& picture = *generated.mutable_generated()->add_pictures();
      *picture.mutable_blob() = blob;
      picture.set_index(i);
    }
    seeds.push_back(Seed('f', generated));
    v1::FinishRequest evaluated;
    v1::AdapterReport& measured = *evaluated.mutable_evaluated()->mutable_report();
    v1::AdapterReport::Figure& figure = *measured.add_figures();
    figure.set_name("clip_i");
    figure.set_measured_with("CLIP");
    figure.add_after_by_prompt(0.5);
    measured.add_prompts("a photo of S*");
    measured.add_losses(0.1);
    *measured.mutable_sheet() = blob;
    seeds.push_back(Seed('f', evaluated));
  }
  for (const bool retryable : {true, false}) {
    v1::FinishRequest failed;
    failed.mutable_failure()->mutable_status()->set_code(13);
    failed.mutable_failure()->mutable_status()->set_message("went wrong");
    failed.mutable_failure()->set_retryable(retryable);
    seeds.push_back(Seed('f', failed));
  }
  v1::FinishRequest other;
  other.mutable_released();
  seeds.push_back(Seed('f', other));
  other.mutable_cancelled();
  seeds.push_back(Seed('f', other));
  v1::ReportRequest number;
  number.set_report_number(~uint64_t{0});
  seeds.push_back(Seed('r', number));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static TestStores stores;
  static HeldLease held(stores);
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  if (data[0] == 'f') {
    held.Send(Parsed<v1::FinishRequest>(rest));
  } else {
    held.Send(Parsed<v1::ReportRequest>(rest));
  }
  return 0;
}

}  // namespace vico::fuzz
