#include "server/server.h"

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

/// The health of a service in grpc.health.v1: 1 serving, 2 not serving, -1 unknown.
int HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  std::string request;
  if (!service.empty()) request = std::string("\x0a") + static_cast<char>(service.size()) + service;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::GenericStub stub(channel);
  Call call;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&call, "/grpc.health.v1.Health/Check", {}, &sent, &received,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  if (!done.get_future().get().ok()) return -1;
  std::vector<grpc::Slice> slices;
  if (!received.Dump(&slices).ok()) return -1;
  std::string bytes;
  for (const grpc::Slice& part : slices) {
    bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return bytes.size() == 2 ? bytes[1] : -1;
}

size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

/// A watch with the callback API, so that the client needs no thread per watch either.
class Watcher final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  struct Counts {
    std::mutex mutex;
    std::condition_variable changed;
    int events = 0;
    int ended_well = 0;
    int ended_badly = 0;

    bool Wait(const std::function<bool()>& condition) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, std::chrono::seconds(60), condition);
    }
  };

  Watcher(v1::JobService::Stub& stub, const std::string& job, Counts& counts) : counts_(counts) {
    request_.set_name(job);
    stub.async()->WatchJob(&call_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      std::lock_guard lock(counts_.mutex);
      ++counts_.events;
    }
    counts_.changed.notify_all();
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    std::lock_guard lock(counts_.mutex);
    ++(status.ok() ? counts_.ended_well : counts_.ended_badly);
    counts_.changed.notify_all();  // under the lock, since this object may be destroyed right after
  }

 private:
  Counts& counts_;
  Call call_;
  v1::WatchJobRequest request_;
  v1::WatchJobResponse response_;
};

TEST_F(ServerTest, FiveHundredWatchersNeedNoThreads) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  const size_t before = Threads();

  constexpr int kWatchers = 500;
  Watcher::Counts counts;
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    if (i % 90 == 0) stubs.push_back(v1::JobService::NewStub(NewChannel(server_->client_port())));
    watchers.push_back(std::make_unique<Watcher>(*stubs.back(), job->name(), counts));
  }
  ASSERT_TRUE(counts.Wait([&] { return counts.events == kWatchers; }));  // queued
  EXPECT_EQ(server_->open_streams(), static_cast<size_t>(kWatchers));
  EXPECT_LE(Threads(), before + 16);  // gRPC's own pool may grow a little

  Call call;
  v1::CancelJobRequest request;
  request.set_name(job->name());
  v1::Job cancelled;
  ASSERT_THAT(FromGrpc(jobs_->CancelJob(&call, request, &cancelled)), IsOk());
  ASSERT_TRUE(counts.Wait([&] { return counts.ended_well + counts.ended_badly == kWatchers; }));
  EXPECT_EQ(counts.events, 2 * kWatchers);
  EXPECT_EQ(counts.ended_badly, 0);
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; }));
}

TEST_F(ServerTest, HealthSeparatesTheServerFromItsWorkers) {
  const auto workers = NewChannel(server_->worker_port());
  EXPECT_EQ(HealthOf(client_, ""), 1);
  for (const char* service : {"ConceptService", "JobService", "AdapterService", "ModelService"}) {
    EXPECT_EQ(HealthOf(client_, std::string("vico.v1.") + service), 1) << service;
  }
  EXPECT_EQ(HealthOf(workers, "vico.v1.WorkerService"), 1);
  EXPECT_EQ(HealthOf(client_, "vico.v1.WorkerService"), -1);
  EXPECT_EQ(HealthOf(client_, "vico.worker"), 2);
  ASSERT_THAT(Register(), IsOk());
  EXPECT_EQ(HealthOf(client_, "vico.worker"), 1);
  EXPECT_EQ(HealthOf(workers, "vico.worker"), 1);
}

TEST_F(ServerTest, WorkersAndClientsHaveSeparateListeners) {
  Call call;
  v1::RegisterResponse response;
  EXPECT_EQ(v1::WorkerService::NewStub(client_)->Register(&call, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ServerTest, ADrainEndsWatchesWithARetryTime) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  auto watch = std::async(std::launch::async, [&] { return Watch(job->name(), 0); });
  auto other = std::async(std::launch::async, [&] { return Watch(job->name(), 1); });
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 2; }));
  server_->Drain(absl::Seconds(30));
  for (auto* ended : {&watch, &other}) {
    EXPECT_THAT(ended->get(), HasCode(absl::StatusCode::kUnavailable));
  }
}

TEST_F(ServerTest, ADrainAnswersWaitingLeases) {
  ASSERT_THAT(Register(), IsOk());
  auto lease = std::async(std::launch::async, [&] { return Lease(std::chrono::seconds(30)); });
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  server_->Drain(absl::Seconds(30));
  const auto nothing = lease.get();
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->jobs_size(), 0);
}

TEST_F(ServerTest, EverythingSurvivesARestart) {
  ASSERT_THAT(Register(), IsOk());
  const v1::Concept uploaded = UploadedConcept();
  const auto waiting = Create(TrainingOf(uploaded));
  ASSERT_THAT(waiting, IsOk());
  const v1::LeasedJob leased = Leased();
  Start();
  EXPECT_EQ(JobNow(waiting->name()).state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(*Report(leased, 1, {ProgressAt(1)}),
            v1::DIRECTIVE_CONTINUE);  // its lease is still valid
  EXPECT_THAT(Get(uploaded.pictures(0).blob().sha256(), leased.job(), leased.lease_id()), IsOk());
  // The worker is known, too.
  EXPECT_THAT(Create(GenerationOf()), IsOk());
  EXPECT_EQ(Leased().attempt(), 1);
}

TEST_F(ServerTest, ASecondServerOnTheFolderIsRefused) {
  const ServerOptions options = Options(data_);
  const auto second = Server::Start(options, clock_, files_, Log::Off());
  EXPECT_THAT(second, HasReason("DATA_FOLDER_IN_USE"));
}

TEST_F(ServerTest, APortInUseIsRefused) {
  TempFolder other;
  ServerOptions options = Options(other.path());
  options.net.listen = fmt::format("127.0.0.1:{}", server_->client_port());
  EXPECT_THAT(Server::Start(options, clock_, files_, Log::Off()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServerTest, OnlyLoopbackIsServed) {
  TempFolder other;
  ServerOptions options;
  options.storage.data = other.path() + "/data";
  options.net.listen = "0.0.0.0:0";
  EXPECT_THAT(Server::Start(options, clock_, files_, Log::Off()), NamesField("listen"));
  options.net.listen = "127.0.0.1:0";
  options.net.worker_listen = "example.org:50052";
  EXPECT_THAT(Server::Start(options, clock_, files_, Log::Off()), NamesField("worker-listen"));
  EXPECT_FALSE(std::filesystem::exists(options.storage.data));
}

TEST_F(ServerTest, ItDoesNotStartWithoutItsDecoder) {
  TempFolder other;
  ServerOptions options = Options(other.path() + "/data");
  options.decoder = {.program = other.path() + "/vico-decode"};
  EXPECT_THAT(Server::Start(options, clock_, files_, Log::Off()),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(std::filesystem::exists(options.storage.data));
}

TEST_F(ServerTest, UnixSocketsAreServed) {
  TempFolder other;
  ServerOptions options = Options(other.path() + "/data");
  options.net.listen = "unix:" + other.path() + "/client.sock";
  options.net.worker_listen = "unix:" + other.path() + "/worker.sock";
  const auto server = Server::Start(options, clock_, files_, Log::Off());
  ASSERT_THAT(server, IsOk());
  const auto channel = grpc::CreateChannel(options.net.listen, grpc::InsecureChannelCredentials());
  EXPECT_EQ(HealthOf(channel, ""), 1);
}

TEST_F(ServerTest, ThePortsAreWritten) {
  const std::string line = FileBytes(data_ + "/ports.json");
  EXPECT_EQ(line, server_->ListeningLine() + "\n");
  EXPECT_EQ(line, fmt::format(R"({{"event":"listening","client_port":{},"worker_port":{}}})"
                              "\n",
                              server_->client_port(), server_->worker_port()));
}

TEST_F(ServerTest, AnUnfinishedUploadDoesNotDelayADrain) {
  Call call;
  v1::UploadConceptResponse response;
  const auto writer = concepts_->UploadConcept(&call, &response);
  v1::UploadConceptRequest request;
  *request.mutable_header() = Header(TwoPictures());
  ASSERT_TRUE(writer->Write(request));
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  server_->Drain(absl::Seconds(30));
  EXPECT_THAT(FromGrpc(writer->Finish()), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vico::server
