// One tenant takes all it can of streams, uploads and calls and reads nothing. Another tenant is
// served meanwhile, and what nobody reads ends by itself. Prints the other tenant's times.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/adapter_parts.h"
#include "tests/server/secure_fixture.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class FairnessTest : public SecureServerTest {
 protected:
  FairnessTest() {
    options_.services.answer_time = std::chrono::seconds(3);
    StartSecure();
    BeClient(keys_["acme"].user);
    workers_ = v1::WorkerService::NewStub(WorkerSide("URI:vico://worker/one"));
    EXPECT_TRUE(Eventually([&] { return CapabilitiesWith(keys_["acme"].user).ok(); }));
    EXPECT_THAT(Register(), IsOk());
  }

  /// A channel on which a stream's messages do not flow until they are read.
  std::shared_ptr<grpc::Channel> UnreadChannel(const std::string& key) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return grpc::CreateCustomChannel(
        fmt::format("localhost:{}", server_->client_port()),
        grpc::CompositeChannelCredentials(Trusting(authority_), grpc::AccessTokenCredentials(key)),
        arguments);
  }

  /// Imports an adapter for the tenant of client_ and returns its name.
  std::string ImportedAdapter() {
    const std::string file = AdapterParts().Bytes();
    const std::string reference = TwoPictures().front();
    Call call;
    v1::Adapter adapter;
    const auto writer = adapters_->ImportAdapter(&call, &adapter);
    v1::ImportAdapterRequest request;
    v1::ImportAdapterRequest::Header& header = *request.mutable_header();
    header.set_request_id(RequestId());
    header.set_size_bytes(file.size());
    header.set_sha256(Sha256Hex(file));
    header.set_reference_size_bytes(reference.size());
    header.set_reference_sha256(Sha256Hex(reference));
    writer->Write(request);
    for (const auto* bytes : {&file, &reference}) {
      request.mutable_chunk()->set_reference(bytes == &reference);
      request.mutable_chunk()->set_data(*bytes);
      writer->Write(request);
    }
    writer->WritesDone();
    EXPECT_THAT(FromGrpc(writer->Finish()), IsOk());
    return adapter.name();
  }

  absl::Status Download(v1::AdapterService::Stub& stub, const std::string& name) {
    Call call;
    v1::DownloadAdapterRequest request;
    request.set_name(name);
    const auto reader = stub.DownloadAdapter(&call, request);
    v1::DownloadAdapterResponse response;
    while (reader->Read(&response)) {
    }
    return FromGrpc(reader->Finish());
  }

  /// Runs `call` of the other tenant `times` times; each must succeed. Prints the 99th percentile
  /// and returns it.
  static milliseconds P99(const char* what, int times, const std::function<absl::Status()>& call) {
    std::vector<double> seconds;
    for (int i = 0; i < times; ++i) {
      const auto began = steady_clock::now();
      EXPECT_THAT(call(), IsOk()) << what;
      seconds.push_back(std::chrono::duration<double>(steady_clock::now() - began).count());
    }
    std::sort(seconds.begin(), seconds.end());
    const double p99 = seconds[seconds.size() * 99 / 100];
    std::printf("%s: the other tenant's p99 is %.0f ms\n", what, p99 * 1000);
    return milliseconds(static_cast<int>(p99 * 1000));
  }
};

TEST_F(FairnessTest, DownloadsThatNobodyReadLeaveRoomAndEnd) {
  const std::string mine = ImportedAdapter();
  BeClient(keys_["other"].user);
  const std::string theirs = ImportedAdapter();

  const CallLimits limits;
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::DownloadAdapterResponse>>> readers;
  std::vector<std::unique_ptr<v1::AdapterService::Stub>> stubs;
  for (int i = 0; i < 1200; ++i) {
    if (i % 100 == 0) {
      stubs.push_back(v1::AdapterService::NewStub(UnreadChannel(keys_["acme"].user)));
    }
    v1::DownloadAdapterRequest request;
    request.set_name(mine);
    readers.push_back(
        stubs.back()->DownloadAdapter(calls.emplace_back(std::make_unique<Call>()).get(), request));
  }
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() >= limits.transfers / 2; }));
  const milliseconds p99 =
      P99("1,200 unread downloads", 100, [&] { return Download(*adapters_, theirs); });
  EXPECT_LT(p99, std::chrono::seconds(1));
  EXPECT_LE(server_->open_streams(), limits.transfers / 2 + 1);
  const auto waits = steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; })) << "each write has a limit";
  std::printf("unread downloads ended after %.1f s more\n",
              std::chrono::duration<double>(steady_clock::now() - waits).count());
  for (size_t i = 0; i < readers.size(); ++i) {
    calls[i]->TryCancel();
    readers[i]->Finish();
  }
}

TEST_F(FairnessTest, UploadsThatSendNothingLeaveRoom) {
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<v1::UploadConceptResponse> answers(40);
  std::vector<std::unique_ptr<grpc::ClientWriter<v1::UploadConceptRequest>>> writers;
  for (v1::UploadConceptResponse& answer : answers) {
    writers.push_back(
        concepts_->UploadConcept(calls.emplace_back(std::make_unique<Call>()).get(), &answer));
  }
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() >= 8; }));
  BeClient(keys_["other"].user);
  const auto pictures = TwoPictures();
  const milliseconds p99 = P99("40 silent uploads", 10, [&] {
    return Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}}).status();
  });
  EXPECT_LT(p99, std::chrono::seconds(5));
  EXPECT_LE(server_->open_streams(), 9u) << "half of 16";
  for (size_t i = 0; i < writers.size(); ++i) {
    calls[i]->TryCancel();
    writers[i]->Finish();
  }
}

TEST_F(FairnessTest, ManyCallsOfOneTenantDoNotHoldUpAnother) {
  std::atomic<bool> over{false};
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      const auto stub = v1::JobService::NewStub(client_);
      while (!over) {
        Call call;
        v1::ListJobsResponse response;
        stub->ListJobs(&call, {}, &response);
        ++made;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return made > 200; }));
  const std::string key = keys_["other"].user;
  const auto other = v1::JobService::NewStub(ClientSide(key));
  const milliseconds p99 = P99("64 callers without a pause", 100, [&] {
    Call call;
    v1::ListJobsResponse response;
    return FromGrpc(other->ListJobs(&call, {}, &response));
  });
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(p99, std::chrono::seconds(1));
}

}  // namespace
}  // namespace vico::server
