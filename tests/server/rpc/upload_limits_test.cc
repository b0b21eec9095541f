// Tests of the limits of an upload over a real connection: they hold in every phase.
#include <future>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "common/rpc/status_grpc.h"
#include "common/status.h"
#include "server/rpc/client_stream.h"
#include "tests/support/status_matchers.h"
#include "vico/v1/concept.grpc.pb.h"

namespace vico::server {
namespace {

using Request = v1::UploadConceptRequest;
using Response = v1::UploadConceptResponse;
using std::chrono::milliseconds;

class AnyCaller final : public Authenticator {
 public:
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase&,
                                      std::string_view) const override {
    return Caller{.roles = {}, .tenant = "acme"};
  }
  absl::Status Recheck(const Caller&) const override { return absl::OkStatus(); }
};

/// Waits for the test in one of its phases.
struct Phase {
  std::promise<void> entered;
  std::promise<void> go_on;

  absl::Status Wait() {
    entered.set_value();
    go_on.get_future().wait();
    return absl::OkStatus();
  }
};

class WaitingSink final : public StreamSink<Request, Response> {
 public:
  WaitingSink(Phase* consume, Phase* finish, std::promise<void>& destroyed)
      : consume_(consume), finish_(finish), destroyed_(destroyed) {}
  ~WaitingSink() override { destroyed_.set_value(); }

  absl::Status Consume(Request) override {
    return consume_ == nullptr ? absl::OkStatus() : consume_->Wait();
  }
  absl::Status Finish(Response& answer) override {
    answer.add_missing_sha256("finished");
    return finish_ == nullptr ? absl::OkStatus() : finish_->Wait();
  }

 private:
  Phase* const consume_;
  Phase* const finish_;
  std::promise<void>& destroyed_;
};

class Service final : public v1::ConceptService::WithRawCallbackMethod_UploadConcept<
                          v1::ConceptService::CallbackService> {
 public:
  using MakeSink = std::function<std::unique_ptr<StreamSink<Request, Response>>()>;
  Service(Calls& calls, ClientStreamOptions options, MakeSink make)
      : calls_(calls), options_(options), make_(std::move(make)) {}

  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadConcept(grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* answer) override {
    return OpenUpload<Request, Response>(
        calls_, *context, "UploadConcept", *answer, [this](const Caller&) { return make_(); },
        options_);
  }

 private:
  Calls& calls_;
  const ClientStreamOptions options_;
  const MakeSink make_;
};

class UploadLimitsTest : public testing::Test {
 protected:
  ~UploadLimitsTest() override {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    pool_.Stop();
  }

  void Start(Phase* consume, Phase* finish, milliseconds limit) {
    service_ = std::make_unique<Service>(
        calls_, ClientStreamOptions{.limit = limit, .check_interval = milliseconds(10)},
        [this, consume, finish] {
          return std::make_unique<WaitingSink>(consume, finish, destroyed_);
        });
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::ConceptService::NewStub(
        grpc::CreateChannel(fmt::format("127.0.0.1:{}", port), grpc::InsecureChannelCredentials()));
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    writer_ = stub_->UploadConcept(&context_, &response_);
  }

  std::promise<void> destroyed_;
  AnyCaller authenticator_;
  Pool pool_{"test", 1};
  Calls calls_{pool_, authenticator_, {}, nullptr};
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ConceptService::Stub> stub_;
  grpc::ClientContext context_;
  Response response_;
  std::unique_ptr<grpc::ClientWriter<Request>> writer_;
};

TEST_F(UploadLimitsTest, AnUploadWithinThemIsAnswered) {
  Start(nullptr, nullptr, std::chrono::minutes(1));
  writer_->Write(Request());
  writer_->WritesDone();
  EXPECT_THAT(FromGrpc(writer_->Finish()), IsOk());
  EXPECT_THAT(response_.missing_sha256(), testing::ElementsAre("finished"));
  destroyed_.get_future().wait();
}

TEST_F(UploadLimitsTest, TheTimeLimitHoldsWhileTheSenderWaits) {
  Start(nullptr, nullptr, milliseconds(100));
  EXPECT_THAT(FromGrpc(writer_->Finish()), HasReason("UPLOAD_TOO_SLOW"));
  destroyed_.get_future().wait();
  EXPECT_EQ(calls_.open_streams(), 0u);
}

TEST_F(UploadLimitsTest, TheTimeLimitHoldsWhileAMessageIsProcessed) {
  Phase consume;
  Start(&consume, nullptr, milliseconds(100));
  writer_->Write(Request());
  consume.entered.get_future().wait();
  const absl::Status answered = FromGrpc(writer_->Finish());
  EXPECT_THAT(answered, HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(answered, HasReason("UPLOAD_TOO_SLOW"));
  EXPECT_EQ(calls_.open_streams(), 0u) << "its place is free";
  consume.go_on.set_value();
  destroyed_.get_future().wait();
}

TEST_F(UploadLimitsTest, TheTimeLimitHoldsWhileTheAnswerIsMade) {
  Phase finish;
  Start(nullptr, &finish, milliseconds(100));
  writer_->Write(Request());
  writer_->WritesDone();
  finish.entered.get_future().wait();
  EXPECT_THAT(FromGrpc(writer_->Finish()), HasReason("UPLOAD_TOO_SLOW"));
  finish.go_on.set_value();
  destroyed_.get_future().wait();
}

TEST_F(UploadLimitsTest, TheTimeLimitHoldsWhileTheUploadWaitsForAThread) {
  std::promise<void> busy, go_on;
  pool_.Post([&] {
    busy.set_value();
    go_on.get_future().wait();
  });
  busy.get_future().wait();
  Start(nullptr, nullptr, milliseconds(100));
  writer_->Write(Request());
  EXPECT_THAT(FromGrpc(writer_->Finish()), HasReason("UPLOAD_TOO_SLOW"));
  go_on.set_value();
  destroyed_.get_future().wait();
}

}  // namespace
}  // namespace vico::server
