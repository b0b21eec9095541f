// The gRPC link with a small server in the same process.
#include "worker/job/server_link.h"

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "common/rpc/status_grpc.h"
#include "tests/support/status_matchers.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico::worker {
namespace {

/// Records uploads and serves the bytes that Serve() sets.
class SmallServer final : public v1::WorkerService::Service {
 public:
  void Serve(std::string bytes) {  // locked: an abandoned call may still be reading
    const std::lock_guard lock(mutex_);
    served_ = std::move(bytes);
  }

  std::vector<v1::PutBlobRequest> put() const {
    const std::lock_guard lock(mutex_);
    return put_;
  }

  grpc::Status put_answer;
  std::promise<void> leasing;
  std::promise<void> reported;  ///< ends the report of "jobs/slow"

  grpc::Status Lease(grpc::ServerContext* context, const v1::LeaseRequest*,
                     v1::LeaseResponse*) override {
    leasing.set_value();
    std::unique_lock lock(mutex_);
    while (!context->IsCancelled()) changed_.wait_for(lock, std::chrono::milliseconds(5));
    return grpc::Status::CANCELLED;
  }

  grpc::Status Report(grpc::ServerContext*, const v1::ReportRequest* request,
                      v1::ReportResponse* response) override {
    // Not until it is cancelled: the server may see the deadline first, and its answer would count.
    if (request->job() == "jobs/slow") reported.get_future().wait();
    if (request->job() == "jobs/stale") {
      return ToGrpc(Error(absl::StatusCode::kAborted, "lease: not the job's", "LEASE_LOST"));
    }
    response->set_directive(v1::DIRECTIVE_CANCEL);
    return grpc::Status::OK;
  }

  grpc::Status GetBlob(grpc::ServerContext*, const v1::GetBlobRequest* request,
                       grpc::ServerWriter<v1::GetBlobResponse>* writer) override {
    if (request->lease_id() != "lease") return {grpc::StatusCode::ABORTED, "stale"};
    std::string served;
    {
      const std::lock_guard lock(mutex_);
      served = served_;
    }
    v1::GetBlobResponse chunk;
    for (size_t at = 0; at < served.size(); at += 1 << 20) {
      chunk.set_data(served.substr(at, 1 << 20));
      if (!writer->Write(chunk)) break;
    }
    return grpc::Status::OK;
  }

  grpc::Status PutBlob(grpc::ServerContext*, grpc::ServerReader<v1::PutBlobRequest>* reader,
                       v1::BlobRef* stored) override {
    if (!put_answer.ok()) return put_answer;
    std::vector<v1::PutBlobRequest> parts;
    for (v1::PutBlobRequest part; reader->Read(&part);) parts.push_back(part);
    *stored = parts.at(0).header().blob();
    const std::lock_guard lock(mutex_);
    put_ = std::move(parts);
    return grpc::Status::OK;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string served_;                   // guarded by mutex_
  std::vector<v1::PutBlobRequest> put_;  // guarded by mutex_
};

class ServerLinkTest : public testing::Test {
 protected:
  ServerLinkTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    auto link = OpenServerLink("--server", "127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(link, IsOk());
    link_ = *std::move(link);
  }
  ~ServerLinkTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  const LeaseKey lease_{.job = "jobs/1", .lease_id = "lease"};
  SmallServer service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ServerLink> link_;
};

TEST_F(ServerLinkTest, ALargeBlobArrivesComplete) {
  std::string served((3 << 20) + 17, 'x');
  served[2'000'000] = 'y';
  service_.Serve(served);

  const auto bytes = link_->GetBlob(BlobRefOf(served, "image/png"), lease_);

  ASSERT_THAT(bytes, IsOk());
  EXPECT_TRUE(*bytes == served);
}

TEST_F(ServerLinkTest, BytesThatDoNotMatchTheDigestAreDataLoss) {
  const v1::BlobRef blob = BlobRefOf("right", "image/png");
  for (const std::string served : {"wrong", "righ", "right and more", ""}) {
    service_.Serve(served);
    EXPECT_THAT(link_->GetBlob(blob, lease_), HasCode(absl::StatusCode::kDataLoss)) << served;
  }
}

TEST_F(ServerLinkTest, AStaleLeaseGetsNoBlob) {
  EXPECT_THAT(link_->GetBlob(BlobRefOf("right", ""), {.job = "jobs/1", .lease_id = "old"}),
              HasCode(absl::StatusCode::kAborted));
}

TEST_F(ServerLinkTest, ABlobIsPutInChunksOfAtMostAMebibyte) {
  std::string bytes((2 << 20) + 5, 'x');
  bytes[1 << 20] = 'y';

  ASSERT_THAT(link_->PutBlob(BlobRefOf(bytes, "image/png"), bytes, lease_), IsOk());

  const auto put = service_.put();
  ASSERT_EQ(put.size(), 4u);
  EXPECT_EQ(put[0].header().job(), "jobs/1");
  EXPECT_EQ(put[0].header().lease_id(), "lease");
  EXPECT_EQ(put[0].header().blob().size_bytes(), bytes.size());
  std::string arrived;
  for (size_t i = 1; i < put.size(); ++i) {
    EXPECT_LE(put[i].data().size(), 1u << 20);
    arrived += put[i].data();
  }
  EXPECT_TRUE(arrived == bytes);
}

TEST_F(ServerLinkTest, AnEarlyRefusalOfABlobIsReturned) {
  service_.put_answer = {grpc::StatusCode::RESOURCE_EXHAUSTED, "disk full"};
  const std::string bytes(8 << 20, 'x');

  EXPECT_THAT(link_->PutBlob(BlobRefOf(bytes, ""), bytes, lease_),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(ServerLinkTest, AStopEndsTheWaitForALease) {
  std::stop_source stop;
  auto lease = std::async(std::launch::async, [&] {
    v1::LeaseRequest request;
    request.mutable_wait()->set_seconds(60);
    return link_->Lease(request, stop.get_token());
  });
  service_.leasing.get_future().wait();

  stop.request_stop();

  ASSERT_EQ(lease.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_THAT(lease.get(), HasCode(absl::StatusCode::kCancelled));
}

TEST_F(ServerLinkTest, AReportWithoutAnAnswerEndsAtItsTimeout) {
  v1::ReportRequest request;
  request.set_job("jobs/slow");

  EXPECT_THAT(link_->Report(request, absl::Milliseconds(50)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  service_.reported.set_value();
}

TEST_F(ServerLinkTest, AnswersAndErrorReasonsArrive) {
  v1::ReportRequest request;
  const auto answer = link_->Report(request, absl::Seconds(10));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->directive(), v1::DIRECTIVE_CANCEL);

  request.set_job("jobs/stale");
  const auto refused = link_->Report(request, absl::Seconds(10));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(refused, HasReason("LEASE_LOST"));
}

TEST_F(ServerLinkTest, AMissingServerIsUnavailable) {
  server_->Shutdown(std::chrono::system_clock::now());

  EXPECT_THAT(link_->Register({}), HasCode(absl::StatusCode::kUnavailable));
}

TEST(OpenServerLinkTest, AnAddressOtherThanLoopbackIsRefused) {
  EXPECT_THAT(OpenServerLink("--server", "203.0.113.5:443"),
              HasMessage(testing::HasSubstr("--server")));
}

}  // namespace
}  // namespace vico::worker
