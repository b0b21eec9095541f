// A test fixture with a server on free loopback ports, and stubs for a client and a worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "common/ids.h"
#include "common/rpc/status_grpc.h"
#include "server/server.h"
#include "tests/server/base_model_fixture.h"
#include "tests/server/forwarding_files.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/server/s3/bucket.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "vico/v1/adapter.grpc.pb.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"
#include "vico/v1/model.grpc.pb.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico::server {

/// The context of a call, with a deadline.
class Call : public grpc::ClientContext {
 public:
  Call() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60)); }
};

/// Whether `condition` becomes true within a minute.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// The real file system; a test can make its disk full. Any thread.
class FillableFiles final : public ForwardingFiles {
 public:
  std::atomic<bool> full{false};

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    ASSIGN_OR_RETURN(auto file, ForwardingFiles::Create(path));
    return std::make_unique<File>(full, std::move(file));
  }

 private:
  class File final : public WritableFile {
   public:
    File(const std::atomic<bool>& full, std::unique_ptr<WritableFile> file)
        : full_(full), file_(std::move(file)) {}
    absl::Status Append(std::string_view bytes) override {
      if (full_) return Error(absl::StatusCode::kResourceExhausted, "disk full", "DISK_FULL");
      return file_->Append(bytes);
    }
    absl::Status Sync() override { return file_->Sync(); }

   private:
    const std::atomic<bool>& full_;
    const std::unique_ptr<WritableFile> file_;
  };
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() { Start(); }

  /// Options with free ports and the decoder of this build.
  ServerOptions Options(const std::string& data) const {
    ServerOptions options = options_;
    options.storage.data = data;
    if (bucket_ != nullptr && data == data_) options.storage.s3 = bucket_->options();
    options.net.listen = "127.0.0.1:0";
    options.net.worker_listen = "127.0.0.1:0";
    options.decoder = decoder_;
    return options;
  }

  /// Starts the server, or restarts it.
  void Start() {
    server_.reset();
    ServerOptions options = Options(data_);
    options.services.threads = 4;
    options.services.version = "test";
    auto server = Server::Start(options, clock_, files_, Log::Off());
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    client_ = NewChannel(server_->client_port());
    const auto worker = NewChannel(server_->worker_port());
    concepts_ = v1::ConceptService::NewStub(client_);
    jobs_ = v1::JobService::NewStub(client_);
    adapters_ = v1::AdapterService::NewStub(client_);
    models_ = v1::ModelService::NewStub(client_);
    workers_ = v1::WorkerService::NewStub(worker);
  }

  /// Limits that no test reaches by accident, and a disk that is never full.
  static ServerOptions RoomyOptions() {
    ServerOptions options;
    options.services.admission.submit_burst = 1000;
    options.services.admission.watches_per_tenant = 1000;
    options.services.probe_disk = [] { return DiskSpace{uint64_t{1} << 40, uint64_t{1} << 40}; };
    options.drain_notice = absl::ZeroDuration();
    return options;
  }

  /// A channel that shares no connection with others.
  static std::shared_ptr<grpc::Channel> NewChannel(int port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port),
                                     grpc::InsecureChannelCredentials(), arguments);
  }

  static std::string RequestId() { return NewId(); }

  // --- as a client

  static v1::UploadConceptRequest::Header Header(const std::vector<std::string>& pictures) {
    v1::UploadConceptRequest::Header header;
    header.set_request_id(RequestId());
    header.set_display_name("my dog");
    for (const std::string& bytes : pictures) {
      auto& picture = *header.add_pictures();
      picture.set_sha256(Sha256Hex(bytes));
      picture.set_size_bytes(bytes.size());
      picture.set_file_name("../dog.png");
    }
    return header;
  }

  /// Sends the header, then `pictures` by index, in chunks of 1000 bytes.
  absl::StatusOr<v1::UploadConceptResponse> Upload(
      const v1::UploadConceptRequest::Header& header,
      const std::vector<std::pair<int, std::string>>& pictures) {
    Call call;
    v1::UploadConceptResponse response;
    const auto writer = concepts_->UploadConcept(&call, &response);
    v1::UploadConceptRequest request;
    *request.mutable_header() = header;
    bool open = writer->Write(request);
    for (const auto& [index, bytes] : pictures) {
      for (size_t at = 0; open && at < bytes.size(); at += 1000) {
        request.mutable_chunk()->set_picture_index(index);
        request.mutable_chunk()->set_data(bytes.substr(at, 1000));
        open = writer->Write(request);
      }
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return response;
  }

  static std::vector<std::string> TwoPictures() {
    return {Encoded(TestPicture(64, 64, 0), ".png"), Encoded(TestPicture(80, 64, 1), ".jpg")};
  }

  v1::Concept UploadedConcept() {
    const auto pictures = TwoPictures();
    const auto response = Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}});
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->uploaded_concept() : v1::Concept();
  }

  static v1::CreateTrainingJobRequest TrainingOf(const v1::Concept& uploaded) {
    v1::CreateTrainingJobRequest request;
    request.set_request_id(RequestId());
    request.mutable_train()->set_concept_name(uploaded.name());
    request.mutable_train()->set_init_word("dog");
    return request;
  }

  static v1::CreateGenerationJobRequest GenerationOf(const std::string& adapter = "") {
    v1::CreateGenerationJobRequest request;
    request.set_request_id(RequestId());
    request.mutable_generate()->set_adapter(adapter);
    request.mutable_generate()->set_prompt(adapter.empty() ? "a photo of a dog" : "a photo of S*");
    return request;
  }

  absl::StatusOr<v1::Job> Create(const v1::CreateTrainingJobRequest& request) {
    Call call;
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->CreateTrainingJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  absl::StatusOr<v1::Job> Create(const v1::CreateGenerationJobRequest& request) {
    Call call;
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->CreateGenerationJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  v1::Job JobNow(const std::string& name) {
    Call call;
    v1::GetJobRequest request;
    request.set_name(name);
    v1::Job job;
    EXPECT_THAT(FromGrpc(jobs_->GetJob(&call, request, &job)), IsOk());
    return job;
  }

  /// All responses of a watch.
  absl::StatusOr<std::vector<v1::WatchJobResponse>> Watch(const std::string& job,
                                                          uint64_t after_sequence,
                                                          bool include_pictures = false) {
    Call call;
    v1::WatchJobRequest request;
    request.set_name(job);
    request.set_after_sequence(after_sequence);
    request.set_include_pictures(include_pictures);
    const auto reader = jobs_->WatchJob(&call, request);
    std::vector<v1::WatchJobResponse> responses;
    v1::WatchJobResponse response;
    while (reader->Read(&response)) responses.push_back(response);
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return responses;
  }

  // --- as a worker

  absl::StatusOr<v1::BlobRef> Put(const std::string& bytes, const std::string& media_type,
                                  const v1::LeasedJob& job = {}) {
    Call call;
    v1::BlobRef stored;
    const auto writer = workers_->PutBlob(&call, &stored);
    v1::PutBlobRequest request;
    *request.mutable_header()->mutable_blob() = RefOf(bytes, media_type);
    request.mutable_header()->set_job(job.job());
    request.mutable_header()->set_lease_id(job.lease_id());
    bool open = writer->Write(request);
    for (size_t at = 0; open && at < bytes.size(); at += 1 << 20) {
      request.set_data(bytes.substr(at, 1 << 20));
      open = writer->Write(request);
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return stored;
  }

  absl::StatusOr<std::string> Get(const std::string& sha256, const std::string& job,
                                  const std::string& lease_id) {
    Call call;
    v1::GetBlobRequest request;
    request.set_sha256(sha256);
    request.set_job(job);
    request.set_lease_id(lease_id);
    const auto reader = workers_->GetBlob(&call, request);
    std::string bytes;
    v1::GetBlobResponse response;
    while (reader->Read(&response)) bytes += response.data();
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return bytes;
  }

  absl::Status Register(const std::string& base_model = kTestBase, int devices = 0) {
    EXPECT_THAT(Put(TestVocabulary(), "application/json"), IsOk());
    EXPECT_THAT(Put(TestMerges(), "text/plain"), IsOk());
    Call call;
    v1::RegisterRequest request;
    request.set_worker("worker-a");
    request.set_device("cpu");
    request.set_devices(devices);
    *request.add_base_models() = TestOffer(base_model);
    v1::RegisterResponse response;
    return FromGrpc(workers_->Register(&call, request, &response));
  }

  absl::StatusOr<v1::LeaseResponse> Lease(std::chrono::milliseconds wait,
                                          const std::string& nonce = NewId(), int devices = 0) {
    Call call;
    v1::LeaseRequest request;
    request.set_devices(devices);
    request.set_worker("worker-a");
    request.set_nonce(nonce);
    request.mutable_wait()->set_seconds(wait.count() / 1000);
    request.mutable_wait()->set_nanos(static_cast<int>(wait.count() % 1000) * 1'000'000);
    v1::LeaseResponse response;
    const absl::Status status = FromGrpc(workers_->Lease(&call, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  /// Leases the next job; fails the test if there is none.
  v1::LeasedJob Leased() {
    const auto response = Lease(std::chrono::seconds(30));
    EXPECT_THAT(response, IsOk());
    if (!response.ok() || response->jobs_size() != 1) {
      ADD_FAILURE() << "no job to lease";
      return {};
    }
    return response->jobs(0);
  }

  absl::StatusOr<v1::Directive> Report(const v1::LeasedJob& job, uint64_t number,
                                       const std::vector<v1::Event>& events = {}) {
    Call call;
    v1::ReportRequest request;
    request.set_job(job.job());
    request.set_lease_id(job.lease_id());
    request.set_report_number(number);
    for (const v1::Event& event : events) *request.add_events() = event;
    v1::ReportResponse response;
    const absl::Status status = FromGrpc(workers_->Report(&call, request, &response));
    if (!status.ok()) return status;
    return response.directive();
  }

  absl::StatusOr<v1::Job> Finish(v1::FinishRequest request, const v1::LeasedJob& job) {
    Call call;
    request.set_job(job.job());
    request.set_lease_id(job.lease_id());
    v1::FinishResponse response;
    const absl::Status status = FromGrpc(workers_->Finish(&call, request, &response));
    if (!status.ok()) return status;
    return response.job();
  }

  static v1::Event ProgressAt(int64_t step) {
    v1::Event event;
    event.mutable_progress()->set_step(step);
    event.mutable_progress()->set_total_steps(120);
    return event;
  }

  /// Number of files of unfinished uploads.
  size_t IncomingFiles() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(data_ + "/blobs/.incoming")) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  size_t StoredFiles() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data_ + "/blobs")) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  DecoderOptions decoder_ = TestDecoder();
  TempFolder folder_;
  const std::string data_ = folder_.path() + "/data";
  // With VICO_TEST_BLOBS=s3 the blobs are in a bucket.
  const std::unique_ptr<BucketFolder> bucket_ =
      std::getenv("VICO_TEST_BLOBS") == nullptr ? nullptr : std::make_unique<BucketFolder>();
  SystemClock clock_;
  FillableFiles files_;
  ServerOptions options_ = RoomyOptions();  // for the next Start
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> client_;
  std::unique_ptr<v1::ConceptService::Stub> concepts_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::AdapterService::Stub> adapters_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::WorkerService::Stub> workers_;
};

}  // namespace vico::server
