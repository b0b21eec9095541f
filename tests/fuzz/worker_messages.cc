// What a worker says about the job it holds, through the checks and the store that WorkerService's
// handlers are made of. The first byte is 'f' for a finish, else a report follows; its job and
// lease are then those held.
#include "common/ids.h"
#include "server/jobs/job.h"
#include "server/checks/request.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/world.h"

namespace {

using vico::MustHold;
namespace v1 = vico::v1;

/// A lease that never ends: when its job does, another one is granted, of either kind.
class HeldLease {
 public:
  explicit HeldLease(vico::World& world) : world_(world) { Renew(); }

  void Say(v1::ReportRequest report) {
    report.set_job(grant_.job.name());
    report.set_lease_id(grant_.lease_id);
    if (!vico::server::CheckReport(report).ok()) return;
    for (int i = 0; i < report.events_size(); ++i) {
      if (!vico::server::CheckReported(report.events(i), i).ok()) return;
      MustHold(!vico::server::IsTerminal(report.events(i)), "a report ends no job");
      if (!AreStored(vico::server::BlobsNamedBy(report.events(i)))) return;
    }
    const auto directive = world_.stores().jobs.Report(report);
    MustHold(directive.ok() || absl::IsInvalidArgument(directive.status()),
             "a lease that is held can report");
  }

  void Say(v1::FinishRequest finish) {
    finish.set_job(grant_.job.name());
    finish.set_lease_id(grant_.lease_id);
    if (finish.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) return;
    if (!AreStored(vico::server::BlobsNamedBy(finish))) return;
    const auto job = world_.stores().jobs.Finish(finish);
    if (!job.ok()) {
      MustHold(absl::IsInvalidArgument(job.status()) || absl::IsFailedPrecondition(job.status()),
               "a lease that is held can finish, or is told what is wrong");
      return;
    }
    const auto again = world_.stores().jobs.Finish(finish);
    MustHold(again.ok() && again->SerializeAsString() == job->SerializeAsString(),
             "a repeated finish gets the first answer");
    Renew();
  }

 private:
  bool AreStored(const std::vector<v1::BlobRef>& blobs) {
    for (const v1::BlobRef& blob : blobs) {
      if (!CheckBlob(world_.stores().blobs, grant_.tenant, blob).ok()) return false;
    }
    return true;
  }

  v1::JobSpec NextSpec() {
    v1::JobSpec spec;
    if (++jobs_ % 2 == 0) {
      spec.mutable_generate()->set_base_model(vico::server::kTestBase);
      spec.mutable_generate()->set_prompt("a dog");
      spec.mutable_generate()->set_picture_count(2);
      return spec;
    }
    spec.mutable_train()->set_concept_name(world_.concept_name());
    spec.mutable_train()->set_base_model(vico::server::kTestBase);
    spec.mutable_train()->set_placeholder("S*");
    spec.mutable_train()->set_steps(400);
    return spec;
  }

  void Renew() {
    world_.clock().Advance(absl::Hours(1));  // whatever waits to be tried again may be
    for (int tries = 0; tries < 2; ++tries) {
      const auto grants = world_.stores().jobs.Lease({.worker = "worker",
                                                      .device = "cpu",
                                                      .nonce = vico::NewId(),
                                                      .base_models = {vico::server::kTestBase}});
      MustHold(grants.ok(), "a worker can ask for a job");
      if (!grants->empty()) {
        grant_ = grants->front();
        return;
      }
      const vico::server::RequestKey key{vico::World::kTenant, vico::NewId(), "h"};
      MustHold(world_.stores().jobs.Submit({key, NextSpec(), {}}).ok(), "a job can be queued");
    }
    MustHold(false, "a queued job is granted");
  }

  vico::World& world_;
  int jobs_ = 0;
  vico::server::Grant grant_;
};

template <class Message>
Message Parsed(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) message.Clear();
  return message;
}

std::string Seed(char kind, const google::protobuf::Message& message) {
  return kind + message.SerializeAsString();
}

/// A blob that is there, and one that is not.
v1::BlobRef Stored() { return vico::server::RefOf(vico::server::TestMerges(), "image/png"); }
v1::BlobRef Missing() { return vico::server::RefOf("missing", "image/png"); }

}  // namespace

std::vector<std::string> vico::Seeds() {
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
  static vico::World world;
  static HeldLease held(world);
  if (size == 0) return 0;
  const std::string_view rest = vico::AsText(data + 1, size - 1);
  if (data[0] == 'f') {
    held.Say(Parsed<v1::FinishRequest>(rest));
  } else {
    held.Say(Parsed<v1::ReportRequest>(rest));
  }
  return 0;
}
