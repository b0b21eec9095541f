// Makes the errors of connections that people meet, with gRPC's own texts, and reads what
// ExplainCall() makes of them.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <httplib.h>

#include "common/rpc/channel.h"
#include "common/rpc/status_grpc.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"
#include "vico/v1/model.grpc.pb.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ExplainCallTest : public testing::Test {
 protected:
  ExplainCallTest() { WriteIdentity(folder_.path(), "ca", {authority_.certificate(), ""}); }

  std::string CaFile() const { return folder_.path() + "/ca.crt"; }

  /// Starts a server and returns its port.
  int Serve(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port);
    builder.RegisterService(&empty_);
    server_ = builder.BuildAndStart();
    return port;
  }

  static std::shared_ptr<grpc::ServerCredentials> Tls(const TestIdentity& identity) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({identity.key, identity.certificate});
    return grpc::SslServerCredentials(options);
  }

  /// Calls a method of the server.
  absl::Status Call(const std::string& address, const TlsFiles& tls = {}) {
    const auto peer = PeerAt("server", address, tls);
    const auto channel = OpenChannel("server", address, tls);
    if (!channel.ok()) return channel.status();
    const auto stub = v1::ModelService::NewStub(*channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::Capabilities response;
    from_grpc_ = FromGrpc(stub->GetCapabilities(&context, {}, &response));
    return ExplainCall(from_grpc_, *peer);
  }

  TempFolder folder_;
  TestAuthority authority_;
  v1::ModelService::Service empty_;  ///< each method answers UNIMPLEMENTED without a text
  std::unique_ptr<grpc::Server> server_;
  absl::Status from_grpc_;  ///< of the last call
};

std::string At(int port) { return "127.0.0.1:" + std::to_string(port); }

TEST_F(ExplainCallTest, AServerWithTlsIsCalledWithoutTls) {
  const std::string address = At(Serve(Tls(authority_.Issue(kLocalServer))));
  EXPECT_THAT(Call(address), AllOf(HasCode(absl::StatusCode::kUnavailable),
                                   HasMessage(HasSubstr(address + " closes the connection: it may "
                                                                  "require TLS"))));
}

TEST_F(ExplainCallTest, AServerWithoutTlsIsCalledWithTls) {
  const std::string address = At(Serve(grpc::InsecureServerCredentials()));
  EXPECT_THAT(Call(address, {.ca = CaFile()}),
              HasMessage(AllOf(HasSubstr("does not use TLS"), Not(HasSubstr("SSL")))));
  EXPECT_THAT(Call("https://" + address), HasMessage(HasSubstr("does not use TLS")));
}

TEST_F(ExplainCallTest, TheCertificateIsOfAnotherAuthority) {
  const TestAuthority other;
  const std::string address = At(Serve(Tls(other.Issue(kLocalServer))));
  EXPECT_THAT(Call(address, {.ca = CaFile()}),
              HasMessage(AllOf(HasSubstr("not signed by a CA"), Not(HasSubstr("SSL")))));
}

TEST_F(ExplainCallTest, TheCertificateIsForAnotherName) {
  const std::string address =
      At(Serve(Tls(authority_.Issue({.alternative_names = "DNS:elsewhere"}))));
  EXPECT_THAT(Call(address, {.ca = CaFile()}), HasMessage(HasSubstr("is for another name")));
}

TEST_F(ExplainCallTest, AWebServerIsNoServerOfVico) {
  httplib::Server web;
  const int port = web.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { web.listen_after_bind(); });
  EXPECT_THAT(Call(At(port)), HasMessage(HasSubstr("not a server of Vico")));
  web.stop();
  thread.join();
}

TEST_F(ExplainCallTest, NobodyListens) {
  const int port = Serve(grpc::InsecureServerCredentials());
  server_.reset();
  EXPECT_THAT(Call(At(port)), HasMessage("cannot connect to " + At(port) + ": Connection refused"));
  EXPECT_TRUE(IsFailureToConnect(from_grpc_));
}

TEST_F(ExplainCallTest, AnAnswerIsNoFailureToConnect) {
  const int port = Serve(grpc::InsecureServerCredentials());
  EXPECT_THAT(Call(At(port)), HasCode(absl::StatusCode::kUnimplemented));
  EXPECT_FALSE(IsFailureToConnect(from_grpc_));
}

TEST_F(ExplainCallTest, AMethodThatTheServerDoesNotHave) {
  const std::string address = At(Serve(grpc::InsecureServerCredentials()));
  EXPECT_THAT(Call(address), AllOf(HasCode(absl::StatusCode::kUnimplemented),
                                   HasMessage(HasSubstr(address + " does not have this method")),
                                   HasMessage(HasSubstr("two listeners"))));
}

TEST_F(ExplainCallTest, TheServersOwnWordsStay) {
  const Peer peer{"127.0.0.1:1", false};
  for (const absl::Status& status :
       {absl::OkStatus(), absl::UnimplementedError("this is the workers' listener"),
        absl::UnavailableError("the database is away"), absl::NotFoundError("no job jobs/1"),
        Error(absl::StatusCode::kUnavailable, "Socket closed", "DRAINING")}) {
    EXPECT_EQ(ExplainCall(status, peer), status);
  }
}

TEST_F(ExplainCallTest, AServerThatClosesTheConnectionMayNotUseTls) {
  for (const std::string cause : {"Socket closed", "recvmsg:Connection reset by peer"}) {
    EXPECT_THAT(ExplainCall(absl::UnavailableError("failed to connect to all addresses; last "
                                                   "error: UNKNOWN: ipv4:127.0.0.1:1: " +
                                                   cause),
                            {"https://localhost:1", true}),
                HasMessage(HasSubstr("https://localhost:1 closes the connection: it may not use "
                                     "TLS")));
  }
}

TEST_F(ExplainCallTest, AProxyThatDoesNotKnowGrpc) {
  EXPECT_THAT(ExplainCall(absl::UnimplementedError("Received http2 header with status: 404"),
                          {"https://host:1", true}),
              HasMessage(AllOf(HasSubstr("https://host:1"), HasSubstr("HTTP status 404"))));
}

}  // namespace
}  // namespace vico
