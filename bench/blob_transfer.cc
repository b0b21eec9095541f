// Measures transfers of a large blob through a server: a worker stores it for a job that it holds,
// and reads it back. The blobs are in the server's folder, or in a bucket of SeaweedFS, which this
// program starts. Prints the seconds, the server's CPU time and its largest memory.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "server/s3/http_client.h"
#include "tests/server/base_model_fixture.h"
#include "tests/support/processes.h"
#include "tests/support/seaweed.h"
#include "tests/support/temp_folder.h"
#include "vico/v1/job_service.grpc.pb.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico {
namespace {

using server::RefOf;

constexpr size_t kPiece = size_t{1} << 20;

[[noreturn]] void Fail(const std::string& what) {
  fmt::print(stderr, "vico-bench-blob-transfer: {}\n", what);
  std::exit(1);
}

void Check(const grpc::Status& status, const char* doing) {
  if (!status.ok()) Fail(fmt::format("{}: {}", doing, status.error_message()));
}

struct Usage {
  double cpu_seconds = 0;
  long peak_kib = 0;
};

Usage UsageOf(pid_t pid) {
  Usage usage;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string word;
  for (int i = 1; i <= 15 && stat >> word; ++i) {
    if (i >= 14) usage.cpu_seconds += std::stod(word) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) usage.peak_kib = std::atol(line.c_str() + 6);
  }
  return usage;
}

/// Bytes that do not compress, different in each run.
std::string RandomBytes(size_t size) {
  std::ifstream source("/dev/urandom", std::ios::binary);
  std::string bytes(size, '\0');
  source.read(bytes.data(), static_cast<std::streamsize>(size));
  return bytes;
}

class Bench {
 public:
  Bench(std::string program, bool s3) : data_(std::filesystem::temp_directory_path()) {
    std::vector<std::string> command{std::move(program), "--data",      data_.path(),
                                     "--listen",         "127.0.0.1:0", "--worker-listen",
                                     "127.0.0.1:0",      "--log-level", "warning",
                                     "--lease-seconds",  "3600"};
    ProcessOptions options;
    if (s3) {
      seaweed_ = std::make_unique<Seaweed>();
      CreateBucket();
      for (const std::string& word : {std::string("--blobs"), std::string("s3://bench/a"),
                                      std::string("--s3-endpoint"), seaweed_->endpoint()}) {
        command.push_back(word);
      }
      options.environment = {{"AWS_ACCESS_KEY_ID", Seaweed::kAccessKey},
                             {"AWS_SECRET_ACCESS_KEY", Seaweed::kSecretKey}};
    }
    server_ = std::make_unique<Process>(command, options);
    const std::string ports = data_.path() + "/ports.json";
    if (!Eventually([&] { return std::filesystem::exists(ports) || !server_->Running(); }) ||
        !server_->Running()) {
      Fail("the server does not start");
    }
    const auto listening = nlohmann::json::parse(ReadFile(ports));
    jobs_ = v1::JobService::NewStub(Channel(listening["client_port"]));
    workers_ = v1::WorkerService::NewStub(Channel(listening["worker_port"]));
  }

  void Run(size_t megabytes, int rounds) {
    const v1::LeasedJob job = LeaseAJob();
    for (int round = 0; round < rounds; ++round) {
      const std::string bytes = RandomBytes(megabytes * 1'000'000);
      Measure(fmt::format("{} MB in", megabytes), [&] { Put(bytes, "a/b", job); });
      Measure(fmt::format("{} MB out", megabytes), [&] { Get(Sha256Hex(bytes), job); });
    }
  }

 private:
  static std::shared_ptr<grpc::Channel> Channel(int port) {
    return grpc::CreateChannel(fmt::format("127.0.0.1:{}", port),
                               grpc::InsecureChannelCredentials());
  }

  void CreateBucket() const {
    server::HttpClient http;
    const server::HttpSignature signature{"s3", "us-east-1", Seaweed::kAccessKey,
                                          Seaweed::kSecretKey};
    server::HttpRequest request;
    request.method = "PUT";
    request.url = seaweed_->endpoint() + "/bench";
    request.headers = {"x-amz-content-sha256: " + Sha256Hex("")};
    request.signature = &signature;
    if (!Eventually([&] {
          const auto answer = http.Send(request);
          return answer.ok() && answer->code == 200;
        })) {
      Fail("the bucket cannot be created");
    }
  }

  v1::LeasedJob LeaseAJob() {
    Put(server::TestVocabulary(), "application/json", {});
    Put(server::TestMerges(), "text/plain", {});
    grpc::ClientContext registering;
    v1::RegisterRequest worker;
    worker.set_worker("bench");
    worker.set_device("cpu");
    *worker.add_base_models() = server::TestOffer();
    v1::RegisterResponse registered;
    Check(workers_->Register(&registering, worker, &registered), "register");
    grpc::ClientContext creating;
    v1::CreateGenerationJobRequest request;
    request.set_request_id(NewId());
    request.mutable_generate()->set_prompt("a photo of a dog");
    v1::Job job;
    Check(jobs_->CreateGenerationJob(&creating, request, &job), "create a job");
    grpc::ClientContext leasing;
    v1::LeaseRequest lease;
    lease.set_worker("bench");
    lease.set_nonce(NewId());
    lease.mutable_wait()->set_seconds(10);
    v1::LeaseResponse leased;
    Check(workers_->Lease(&leasing, lease, &leased), "lease");
    if (leased.jobs_size() != 1) Fail("there is no job to lease");
    return leased.jobs(0);
  }

  void Put(const std::string& bytes, const std::string& media_type, const v1::LeasedJob& job) {
    grpc::ClientContext call;
    v1::BlobRef stored;
    const auto writer = workers_->PutBlob(&call, &stored);
    v1::PutBlobRequest request;
    *request.mutable_header()->mutable_blob() = RefOf(bytes, media_type);
    request.mutable_header()->set_job(job.job());
    request.mutable_header()->set_lease_id(job.lease_id());
    bool open = writer->Write(request);
    for (size_t at = 0; open && at < bytes.size(); at += kPiece) {
      request.set_data(bytes.substr(at, kPiece));
      open = writer->Write(request);
    }
    writer->WritesDone();
    Check(writer->Finish(), "put");
  }

  void Get(const std::string& sha256, const v1::LeasedJob& job) {
    grpc::ClientContext call;
    v1::GetBlobRequest request;
    request.set_sha256(sha256);
    request.set_job(job.job());
    request.set_lease_id(job.lease_id());
    const auto reader = workers_->GetBlob(&call, request);
    Sha256 hash;
    v1::GetBlobResponse response;
    while (reader->Read(&response)) hash.Update(response.data());
    Check(reader->Finish(), "get");
    if (hash.HexDigest() != sha256) Fail("the bytes differ");
  }

  template <typename Work>
  void Measure(const std::string& what, const Work& work) {
    const Usage before = UsageOf(server_->pid());
    const auto begun = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    const Usage after = UsageOf(server_->pid());
    fmt::print("{}: {:.2f} s, server CPU {:.2f} s, server's largest memory {:.0f} MiB\n", what,
               seconds.count(), after.cpu_seconds - before.cpu_seconds,
               static_cast<double>(after.peak_kib) / 1024);
    std::fflush(stdout);
  }

  TempFolder data_;
  std::unique_ptr<Seaweed> seaweed_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::WorkerService::Stub> workers_;
};

}  // namespace
}  // namespace vico

int main(int argc, char** argv) {
  std::string program = "build/release/bin/vico-server";
  bool s3 = false;
  size_t megabytes = 200;
  int rounds = 3;
  CLI::App app("Measures transfers of a large blob through a server. Run it in the source folder.");
  app.add_option("--server", program, "The program vico-server")->capture_default_str();
  app.add_flag("--s3", s3, "Blobs in a bucket of SeaweedFS instead of the server's folder");
  app.add_option("--megabytes", megabytes, "Size of the blob")->capture_default_str();
  app.add_option("--rounds", rounds, "Transfers in each direction")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  vico::Bench(program, s3).Run(megabytes, rounds);
  return 0;
}
