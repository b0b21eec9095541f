// All requests that the server checks. The first byte selects the message. In specs, the names
// "concept" and "adapter" are replaced by names that exist.
#include "common/plain_text.h"
#include "common/status.h"
#include "google/rpc/status.pb.h"
#include "server/checks/job_requests.h"
#include "server/checks/labels.h"
#include "server/checks/request.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/test_stores.h"

namespace vico::fuzz {
namespace {

TestStores& Shared() {
  static TestStores stores;
  return stores;
}

/// All texts that other programs read, of a status and of a warning.
void CheckTexts(const absl::Status& status) {
  google::rpc::Status read;
  MustHold(read.ParseFromString(ToProto(status).SerializeAsString()), "a status parses");
  MustHold(FindNotPlain(read.message()).empty(), "the message of a status is plain");
}

/// A checked and completed spec must pass the checks unchanged.
void CheckCompleted(const absl::StatusOr<server::CheckedSpec>& checked) {
  if (!checked.ok()) return CheckTexts(checked.status());
  const auto again = Shared().specs().Either(TestStores::kTenant, checked->spec);
  MustHold(again.ok(), "a completed spec is accepted");
  MustHold(again->spec.SerializeAsString() == checked->spec.SerializeAsString(),
           "a completed spec is not changed");
}

void CheckTrain(v1::TrainSpec spec) {
  if (spec.concept_name() == "concept") spec.set_concept_name(Shared().concept_name());
  CheckCompleted(Shared().specs().Train(TestStores::kTenant, spec));
}

void CheckGenerate(v1::GenerateSpec spec) {
  if (spec.adapter() == "adapter") spec.set_adapter(Shared().adapter_name());
  for (std::string* picture : {spec.mutable_init_picture(), spec.mutable_mask_picture()}) {
    if (*picture == "picture") *picture = Shared().concept_name() + "/pictures/0";
  }
  CheckCompleted(Shared().specs().Generate(TestStores::kTenant, spec));
}

/// What an update changes is valid, whatever the request is.
void CheckUpdated(const v1::UpdateJobRequest& request) {
  const auto update = server::CheckUpdate("job", request.job().display_name(),
                                          request.job().labels(), request.update_mask());
  if (request.update_mask().paths().empty()) {
    const absl::Status of_new =
        server::CheckDisplay(request.job().display_name(), request.job().labels());
    MustHold(of_new.ok() == update.ok(), "a new job may have what an update may set");
    CheckTexts(of_new);
  }
  if (!update.ok()) return CheckTexts(update.status());
  std::string display_name;
  server::Labels labels;
  if (!server::ApplyUpdate(*update, display_name, labels).ok()) return;
  MustHold(FindNotPlain(display_name).empty(), "a display name is plain");
  for (const auto& [key, value] : labels) {
    MustHold(server::CheckLabelKey("labels", key).ok(), "a label has a valid key");
    MustHold(server::CheckLabelValue("labels", value).ok(), "a label has a valid value");
  }
}

void CheckUpload(v1::UploadConceptRequest::Header header) {
  server::CleanFileNames(header);
  CheckTexts(server::CheckUploadHeader(header));
  for (const auto& picture : header.pictures()) {
    MustHold(FindNotPlain(picture.file_name()).empty(), "file names are plain");
    MustHold(CountCharacters(picture.file_name()) <= 255, "file names are short");
  }
}

void CheckPictureUpload(v1::UploadPictureRequest::Header header) {
  server::CleanFileName(header);
  CheckTexts(server::CheckPictureHeader(header));
  MustHold(FindNotPlain(header.file_name()).empty(), "a file name is plain");
  MustHold(CountCharacters(header.file_name()) <= 255, "a file name is short");
}

void CheckReported(const v1::ReportRequest& report) {
  CheckTexts(server::CheckReport(report));
  const v1::ReportRequest plain = server::WithPlainTexts(report);
  MustHold(plain.events_size() == report.events_size(), "no event is lost");
  for (const v1::Event& event : plain.events()) {
    MustHold(FindNotPlain(event.warning().message()).empty(), "warnings are plain");
  }
}

v1::TrainSpec WholeTraining() {
  v1::TrainSpec spec;
  spec.set_concept_name("concept");
  spec.set_base_model(server::kTestBase);
  spec.set_init_word("dog");
  spec.set_placeholder("S*");
  spec.set_dialect(v1::DIALECT_PAPER);
  spec.set_steps(400);
  spec.set_batch_size(2);
  spec.set_embedding_learning_rate(5e-3);
  spec.set_attention_learning_rate(1e-5);
  spec.set_regularizer_weight(0.1);
  spec.set_sample_every_steps(50);
  return spec;
}

v1::GenerateSpec WholeGeneration() {
  v1::GenerateSpec spec;
  spec.set_adapter("adapter");
  spec.set_prompt("a photo of a S* on the beach");
  spec.set_negative_prompt("blurry");
  spec.set_picture_count(3);
  spec.set_steps(20);
  spec.set_guidance_scale(7.5);
  spec.set_eta(0.5);
  spec.set_preview_every_steps(5);
  return spec;
}

v1::GenerateSpec WholeGenerationFromPicture() {
  v1::GenerateSpec spec = WholeGeneration();
  spec.clear_prompt();
  spec.add_prompts("a S* on the beach");
  spec.add_prompts("a S* in the snow");
  spec.set_strength(0.5);
  spec.set_init_picture("picture");
  spec.set_mask_picture("picture");
  spec.set_denoise(0.6);
  return spec;
}

/// Complete specs with one invalid field.
void AddWrongSpecs(std::vector<std::string>& seeds) {
  const auto train = [&](const auto& spoil) {
    v1::TrainSpec spec = WholeTraining();
    spoil(spec);
    seeds.push_back(Seed('t', spec));
  };
  const std::string id(32, 'a');
  train([&](auto& spec) { spec.set_concept_name("concepts/" + id); });
  train([](auto& spec) { spec.set_init_word(std::string(100, 'a')); });
  train([](auto& spec) { spec.set_init_word(spec.placeholder()); });
  train([](auto& spec) { spec.set_dialect(static_cast<v1::Dialect>(7)); });
  train([](auto& spec) { spec.set_base_model("baseModels/none"); });
  train([](auto& spec) { spec.set_steps(-1); });
  train([](auto& spec) { spec.set_placeholder("photo"); });
  train([](auto& spec) { spec.set_resize(static_cast<v1::Resize>(9)); });
  train([](auto& spec) {
    spec.set_init_word(
        "\xe2\x80\xae"
        "dog\x1b");
  });
  const auto generate = [&](const auto& spoil) {
    v1::GenerateSpec spec = WholeGeneration();
    spoil(spec);
    seeds.push_back(Seed('g', spec));
  };
  generate([&](auto& spec) { spec.set_adapter("adapters/" + id); });
  generate([](auto& spec) { spec.set_base_model("baseModels/none"); });
  generate([](auto& spec) { spec.set_width(33); });
  generate([](auto& spec) { spec.set_height(1 << 20); });
  generate([](auto& spec) { spec.add_seeds(1), spec.add_seeds(2); });
  generate([](auto& spec) { spec.set_scheduler("none"); });
  generate([](auto& spec) { spec.set_scheduler("euler"); });
  generate([](auto& spec) { spec.set_negative_prompt(std::string(5000, 'n')); });
  const auto from_picture = [&](const auto& spoil) {
    v1::GenerateSpec spec = WholeGenerationFromPicture();
    spoil(spec);
    seeds.push_back(Seed('g', spec));
  };
  from_picture([](auto&) {});
  from_picture([](auto& spec) { spec.set_prompt("both"); });
  from_picture([](auto& spec) { spec.set_prompts(1, "\xff"); });
  from_picture([](auto& spec) { spec.set_picture_count(8), *spec.add_prompts() = ""; });
  from_picture([](auto& spec) { spec.set_denoise(1e-300); });
  from_picture([](auto& spec) { spec.set_scheduler("pndm"); });
  from_picture([&](auto& spec) { spec.set_init_picture("jobs/" + id + "/samples/0/9"); });
  from_picture([](auto& spec) { spec.set_mask_picture("jobs/\x1b[2J/previews/0"); });
  from_picture([&](auto& spec) { spec.set_mask_picture("pictures/" + id); });
  from_picture([](auto& spec) { spec.clear_init_picture(); });
  from_picture([](auto& spec) { spec.clear_adapter(); });
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string digest(64, 'a');
  std::vector<std::string> seeds = {Seed('t', WholeTraining()), Seed('g', WholeGeneration())};
  AddWrongSpecs(seeds);
  v1::TrainSpec train;
  train.set_concept_name("concept");
  train.set_init_word("dog");
  seeds.push_back(Seed('t', train));
  train.set_placeholder("a word with blanks and more than thirty-two bytes");
  seeds.push_back(Seed('t', train));
  v1::GenerateSpec bare;
  bare.set_prompt("a photo of a dog");
  seeds.push_back(Seed('g', bare));
  bare.set_prompt(std::string(2000, 'x') + "\xff");
  seeds.push_back(Seed('g', bare));
  v1::UploadConceptRequest::Header upload;
  upload.set_request_id("0123456789abcdef");
  upload.set_display_name("my dog");
  for (int i = 0; i < 3; ++i) {
    auto& picture = *upload.add_pictures();
    picture.set_sha256(digest);
    picture.set_size_bytes(1000);
    picture.set_file_name("../../\xe2\x80\xae%2e%2e/dog.png");
  }
  seeds.push_back(Seed('u', upload));
  for (int i = 3; i < 20; ++i) *upload.add_pictures() = upload.pictures(0);
  for (auto& picture : *upload.mutable_pictures()) picture.set_size_bytes(10 << 20);
  seeds.push_back(Seed('u', upload));
  upload.mutable_pictures()->DeleteSubrange(2, 18);
  upload.set_display_name(std::string(1000, 'n'));
  seeds.push_back(Seed('u', upload));
  upload.set_display_name(std::string("nul\0inside", 10));
  seeds.push_back(Seed('u', upload));
  v1::UploadPictureRequest::Header picture;
  picture.set_request_id("0123456789abcdef");
  picture.set_sha256(digest);
  picture.set_size_bytes(1000);
  picture.set_file_name("../../\xe2\x80\xae%2e%2e/mask.png");
  seeds.push_back(Seed('p', picture));
  picture.set_sha256("\x1b[2J");
  picture.set_size_bytes(uint64_t{1} << 63);
  picture.set_file_name(std::string(1000, '/'));
  seeds.push_back(Seed('p', picture));
  v1::ImportAdapterRequest::Header import;
  import.set_request_id("0123456789abcdef");
  import.set_base_model("baseModels/tiny");
  import.set_size_bytes(1000);
  import.set_sha256(digest);
  import.set_reference_size_bytes(1000);
  import.set_reference_sha256(digest);
  seeds.push_back(Seed('i', import));
  import.set_base_model("baseModels/../tiny");
  seeds.push_back(Seed('i', import));
  v1::RegisterRequest worker;
  worker.set_worker("worker");
  worker.set_device("cpu");
  *worker.add_base_models() = server::TestOffer();
  seeds.push_back(Seed('r', worker));
  *worker.add_base_models() = server::TestOffer();
  seeds.push_back(Seed('r', worker));
  worker.mutable_base_models()->RemoveLast();
  *worker.add_base_models() = server::TestOffer("baseModels/other");
  worker.mutable_base_models(1)->mutable_base_model()->set_max_side(1 << 30);
  seeds.push_back(Seed('r', worker));
  v1::LeaseRequest lease;
  lease.set_worker("worker");
  lease.set_nonce("nonce");
  lease.set_max_jobs(4);
  lease.add_kinds(v1::JOB_KIND_GENERATION);
  lease.add_base_models(server::kTestBase);
  seeds.push_back(Seed('l', lease));
  v1::ReportRequest report;
  seeds.push_back(Seed('w', report));
  report.set_report_number(1);
  seeds.push_back(Seed('w', report));
  auto& warning = *report.add_events()->mutable_warning();
  warning.set_reason("SLOW");
  warning.set_message("two\nlines \xe2\x80\xae" + std::string(2000, 'x'));
  seeds.push_back(Seed('w', report));
  v1::ListJobsRequest list;
  list.set_kind(static_cast<v1::JobKind>(9));
  list.add_states(v1::JOB_STATE_QUEUED);
  seeds.push_back(Seed('j', list));
  v1::UpdateJobRequest update;
  update.mutable_job()->set_display_name("a dog");
  (*update.mutable_job()->mutable_labels())["example.com/team"] = "blue";
  update.mutable_update_mask()->add_paths("labels.example.com/team");
  update.mutable_update_mask()->add_paths("labels.-");
  seeds.push_back(Seed('l', update));
  seeds.push_back("c");
  seeds.push_back("cdata");
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  switch (data[0]) {
    case 't':
      CheckTrain(Parsed<v1::TrainSpec>(rest));
      break;
    case 'g':
      CheckGenerate(Parsed<v1::GenerateSpec>(rest));
      break;
    case 'u':
      CheckUpload(Parsed<v1::UploadConceptRequest::Header>(rest));
      break;
    case 'p':
      CheckPictureUpload(Parsed<v1::UploadPictureRequest::Header>(rest));
      break;
    case 'i':
      CheckTexts(server::CheckImportHeader(Parsed<v1::ImportAdapterRequest::Header>(rest)));
      break;
    case 'r':
      CheckTexts(server::CheckRegistration(Parsed<v1::RegisterRequest>(rest)));
      break;
    case 'w':
      CheckReported(Parsed<v1::ReportRequest>(rest));
      break;
    case 'j':
      CheckTexts(server::CheckListJobs(Parsed<v1::ListJobsRequest>(rest)).status());
      CheckTexts(server::CheckWatchJobs(Parsed<v1::WatchJobsRequest>(rest)).status());
      CheckTexts(server::CheckCancelJobs(Parsed<v1::CancelJobsRequest>(rest)).status());
      break;
    case 'l':
      CheckUpdated(Parsed<v1::UpdateJobRequest>(rest));
      break;
    case 'c':
      server::CheckChunk("chunk.data", rest).IgnoreError();
      MustHold(!server::CheckPageSize(-1 - static_cast<int>(rest.size())).ok(),
               "a negative page size is refused");
      MustHold(server::CheckPageSize(0).ok(), "a page size of 0 selects the default");
      break;
    default:
      server::CheckLeaseRequest(Parsed<v1::LeaseRequest>(rest)).IgnoreError();
      break;
  }
  return 0;
}

}  // namespace vico::fuzz
