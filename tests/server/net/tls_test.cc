// Tests of TLS on the two listeners, and of new certificate files and revoked keys.
#include <chrono>
#include <fstream>

#include <grpcpp/generic/generic_stub.h>
#include <openssl/ssl.h>

#include "tests/server/net/sockets.h"
#include "tests/server/secure_fixture.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Whether a call reaches the listener.
bool Connects(const std::shared_ptr<grpc::Channel>& channel) {
  return channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(2));
}

/// The version of TLS that a client with `newest` at most negotiates; empty: none.
std::string VersionWith(int port, int newest) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);  // otherwise OpenSSL itself refuses old versions
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), newest);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  const unsigned char alpn[] = "\x02h2";
  SSL_CTX_set_alpn_protos(context.get(), alpn, 3);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> connection(BIO_new_ssl_connect(context.get()),
                                                                 &BIO_free_all);
  BIO_set_conn_hostname(connection.get(), fmt::format("127.0.0.1:{}", port).c_str());
  if (BIO_do_connect(connection.get()) != 1 || BIO_do_handshake(connection.get()) != 1) return "";
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  return SSL_get_version(ssl);
}

class TlsTest : public SecureServerTest {
 protected:
  std::shared_ptr<grpc::Channel> ClientTrusting(const TestAuthority& authority) const {
    return SecureChannel(server_->client_port(), Trusting(authority));
  }
};

TEST_F(TlsTest, TlsBefore12IsRefused) {
  EXPECT_EQ(VersionWith(server_->client_port(), TLS1_1_VERSION), "");
  EXPECT_EQ(VersionWith(server_->client_port(), TLS1_2_VERSION), "TLSv1.2");
  EXPECT_EQ(VersionWith(server_->client_port(), TLS1_3_VERSION), "TLSv1.3");
  EXPECT_EQ(VersionWith(server_->worker_port(), TLS1_1_VERSION), "");
}

TEST_F(TlsTest, PlainTextIsNotSpoken) {
  EXPECT_FALSE(Connects(SecureChannel(server_->client_port(), grpc::InsecureChannelCredentials())));
  EXPECT_FALSE(Connects(SecureChannel(server_->worker_port(), grpc::InsecureChannelCredentials())));
}

TEST_F(TlsTest, AWorkerNeedsACertificateOfTheAuthority) {
  EXPECT_TRUE(Connects(WorkerSide("URI:vico://worker/one")));
  const auto lists = [](const std::shared_ptr<grpc::Channel>& channel) {
    Call call;
    v1::ListTenantsResponse tenants;
    return FromGrpc(v1::AdminService::NewStub(channel)->ListTenants(&call, {}, &tenants));
  };
  EXPECT_THAT(lists(operator_), IsOk());
  const TestAuthority stranger;
  EXPECT_THAT(lists(WorkerSide(stranger.Issue({.alternative_names = "URI:vico://operator/alice"}))),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(lists(WorkerSide(authority_.Issue({.alternative_names = "URI:vico://operator/alice",
                                                 .begins = std::chrono::seconds(-120),
                                                 .ends = std::chrono::seconds(-60)}))),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(lists(SecureChannel(server_->worker_port(), Trusting(authority_))),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, ANewCertificateAppliesToTheNextConnection) {
  const auto before = ClientSide(keys_["acme"].user);
  const auto stub = v1::ModelService::NewStub(before);
  ASSERT_THAT(Capabilities(*stub), IsOk());
  const TestAuthority next;
  EXPECT_FALSE(Connects(ClientTrusting(next)));

  WriteIdentity(pki_, "server", next.Issue(kLocalServer));

  EXPECT_TRUE(Connects(ClientTrusting(next)));
  EXPECT_FALSE(Connects(ClientTrusting(authority_)));
  EXPECT_THAT(Capabilities(*stub), IsOk()) << "the connection of before goes on";
}

TEST_F(TlsTest, InconsistentFilesAreNotUsed) {
  const TestAuthority next;
  const TestIdentity coming = next.Issue(kLocalServer);
  std::ofstream(pki_ + "/server.crt") << coming.certificate;  // without its key
  EXPECT_TRUE(Connects(ClientTrusting(authority_)));
  std::ofstream(pki_ + "/server.crt") << "half a cert";
  EXPECT_TRUE(Connects(ClientTrusting(authority_)));
  std::filesystem::remove(pki_ + "/server.crt");
  EXPECT_TRUE(Connects(ClientTrusting(authority_)));
  WriteIdentity(pki_, "server", coming);
  EXPECT_TRUE(Connects(ClientTrusting(next)));
}

TEST_F(TlsTest, ANewClientAuthorityAppliesToTheNextConnection) {
  const TestAuthority next;
  const TestIdentity newcomer = next.Issue({.alternative_names = "URI:vico://worker/two"});
  const auto calls = [](const std::shared_ptr<grpc::Channel>& channel) {
    Call call;
    v1::LeaseResponse response;
    return FromGrpc(v1::WorkerService::NewStub(channel)->Lease(&call, {}, &response));
  };
  EXPECT_THAT(calls(WorkerSide(newcomer)), HasCode(absl::StatusCode::kUnavailable));
  std::ofstream(pki_ + "/ca.crt") << next.certificate();
  EXPECT_THAT(calls(WorkerSide(newcomer)), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(calls(WorkerSide("URI:vico://worker/one")), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, IdlePeersAreLimitedAndDoNotLockOthersOut) {
  options_.net.client_connections = {.per_peer = 8, .loopback = true};
  StartSecure();
  std::vector<Descriptor> held;  // they send nothing
  for (int i = 0; i < 8; ++i) held.push_back(Connect(server_->client_port(), "127.0.0.2"));
  EXPECT_TRUE(IsClosed(Connect(server_->client_port(), "127.0.0.2"), milliseconds(5000)));
  EXPECT_TRUE(Eventually([&] { return CapabilitiesWith(keys_["acme"].user).ok(); }));
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 8; ++i) {
    channels.push_back(ClientTrusting(authority_));
    EXPECT_TRUE(Connects(channels.back())) << i;
  }
  EXPECT_FALSE(Connects(ClientTrusting(authority_)));
  channels.pop_back();
  const auto next = ClientTrusting(authority_);
  EXPECT_TRUE(Eventually([&] { return Connects(next); }));
}

TEST_F(TlsTest, ARevokedKeyIsRefusedWithinFiveSecondsAndItsWatchEnds) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  Call watching;
  v1::WatchJobRequest request;
  request.set_name(job->name());
  const auto watch = jobs_->WatchJob(&watching, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(watch->Read(&response));

  const auto database = SqliteDatabase::Join(data_ + "/vico.db");  // as another process
  ASSERT_THAT(database, IsOk());
  SqlTenantStore tenants(**database, clock_);
  const auto keys = tenants.ListKeys("acme");
  ASSERT_THAT(keys, IsOk());
  const auto revoked = steady_clock::now();
  for (const v1::ApiKey& key : *keys) {
    if (key.role() != v1::KEY_ROLE_USER) continue;
    ASSERT_THAT(tenants.RevokeKey("acme", key.id()), IsOk());
  }

  EXPECT_TRUE(Eventually([&] { return !CapabilitiesWith(keys_["acme"].user).ok(); }));
  EXPECT_THAT(CapabilitiesWith(keys_["acme"].user), HasReason("KEY_INVALID"));
  while (watch->Read(&response)) {
  }
  EXPECT_THAT(FromGrpc(watch->Finish()), HasReason("KEY_INVALID"));
  EXPECT_LT(steady_clock::now() - revoked, std::chrono::seconds(5));
  EXPECT_THAT(CapabilitiesWith(keys_["acme"].admin), IsOk());
  EXPECT_THAT(CapabilitiesWith(keys_["other"].user), IsOk());
}

TEST_F(TlsTest, ATenantsAdministratorReplacesItsKeys) {
  const auto stub = v1::KeyService::NewStub(ClientSide(keys_["acme"].admin));
  Call creating;
  v1::CreateKeyResponse created;
  ASSERT_THAT(FromGrpc(stub->CreateKey(&creating, {}, &created)), IsOk());
  EXPECT_THAT(CapabilitiesWith(created.secret()), IsOk()) << "at once";
  Call revoking;
  v1::RevokeKeyRequest revoke;
  revoke.set_id(created.api_key().id());
  v1::ApiKey revoked;
  ASSERT_THAT(FromGrpc(stub->RevokeKey(&revoking, revoke, &revoked)), IsOk());
  EXPECT_TRUE(revoked.has_revoke_time());
  EXPECT_THAT(CapabilitiesWith(created.secret()), HasReason("KEY_INVALID")) << "at once";
}

TEST_F(TlsTest, AnOperatorDeletesATenantAndItsCallsEnd) {
  ASSERT_THAT(Register(), IsOk());
  UploadedConcept();
  ASSERT_TRUE(std::filesystem::exists(data_ + "/blobs/acme"));
  Call call;
  v1::DeleteTenantRequest request;
  request.set_name("acme");
  v1::Tenant tenant;
  ASSERT_THAT(FromGrpc(admin_->DeleteTenant(&call, request, &tenant)), IsOk());
  EXPECT_EQ(tenant.state(), v1::TENANT_STATE_DELETED);
  EXPECT_FALSE(std::filesystem::exists(data_ + "/blobs/acme"));
  EXPECT_THAT(CapabilitiesWith(keys_["acme"].user), HasReason("KEY_INVALID"));
  EXPECT_THAT(CapabilitiesWith(keys_["other"].user), IsOk());
}

TEST_F(TlsTest, ReflectionIsOff) {
  grpc::GenericStub stub(client_);
  Call call;
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(
      &call, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag = nullptr;
  bool ok = false;
  stream->StartCall(nullptr);
  queue.Next(&tag, &ok);
  stream->WritesDone(nullptr);
  queue.Next(&tag, &ok);
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

class StartTest : public testing::Test {
 protected:
  absl::Status Start(const std::function<void(ServerOptions&)>& change) {
    ServerOptions options;
    options.storage.data = folder_.path() + "/data";
    options.net.listen = "127.0.0.1:0";
    options.net.worker_listen = "127.0.0.1:0";
    options.decoder = TestDecoder();
    change(options);
    return Server::Start(options, clock_, files_, Log::Off()).status();
  }

  TempFolder folder_;
  SystemClock clock_;
  PosixFiles files_;
};

TEST_F(StartTest, PublicAddressesRequireTls) {
  EXPECT_THAT(Start([](auto& options) { options.net.listen = "0.0.0.0:0"; }), NamesField("listen"));
  EXPECT_THAT(Start([](auto& options) { options.net.worker_listen = "0.0.0.0:0"; }),
              NamesField("worker-listen"));
  EXPECT_THAT(Start([](auto& options) {
                options.net.insecure = true;
                options.net.listen = "0.0.0.0:0";
              }),
              NamesField("listen"));
}

TEST_F(StartTest, TlsForClientsDoesNotOpenTheWorkersListener) {
  const TestAuthority authority;
  WriteIdentity(folder_.path(), "server", authority.Issue(kLocalServer));
  const TlsFiles tls{folder_.path() + "/server.crt", folder_.path() + "/server.key"};
  EXPECT_THAT(Start([&](auto& options) {
                options.net.tls = tls;
                options.net.listen = "0.0.0.0:0";
              }),
              IsOk());
  EXPECT_THAT(Start([&](auto& options) {
                options.net.tls = tls;
                options.net.worker_listen = "0.0.0.0:0";
              }),
              NamesField("worker-listen"));
  EXPECT_THAT(Start([&](auto& options) {
                options.net.tls = tls;
                options.net.insecure = true;
              }),
              NamesField("insecure"));
}

TEST_F(StartTest, UnusableFilesAreNamedAtTheStart) {
  const TestAuthority authority;
  const std::string path = folder_.path();
  WriteIdentity(path, "one", authority.Issue(kLocalServer));
  WriteIdentity(path, "two", authority.Issue(kLocalServer));
  const auto with = [&](const std::string& certificate, const std::string& key) {
    return Start([&](auto& options) { options.net.tls = {certificate, key}; });
  };
  EXPECT_THAT(with(path + "/one.crt", path + "/two.key"),
              HasMessage(testing::HasSubstr("two.key: is not the key of")));
  EXPECT_THAT(with(path + "/one.key", path + "/one.key"),
              HasMessage(testing::HasSubstr("holds no certificate")));
  EXPECT_THAT(with(path + "/one.crt", path + "/none"),
              HasMessage(testing::HasSubstr("cannot be read")));
  EXPECT_THAT(with(path + "/one.crt", ""), NamesField("cert"));
}

}  // namespace
}  // namespace vico::server
