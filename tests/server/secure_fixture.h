// A test fixture with a server with TLS, keys of two tenants, and certificates of a worker and an
// operator.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/sql/sqlite_database.h"
#include "server/store/sql_tenant_store.h"
#include "tests/server/server_fixture.h"
#include "tests/support/test_certificates.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {

class SecureServerTest : public ServerTest {
 protected:
  SecureServerTest() {
    std::filesystem::create_directory(pki_);
    WriteIdentity(pki_, "server", authority_.Issue(kLocalServer));
    std::ofstream(pki_ + "/ca.crt") << authority_.certificate();
    StartSecure();
    operator_ = WorkerSide("URI:vico://operator/alice");
    admin_ = v1::AdminService::NewStub(operator_);
    for (const char* tenant : {"acme", "other"}) {
      keys_[tenant] = NewTenant(tenant);
    }
    BeClient(keys_["acme"].user);
    workers_ = v1::WorkerService::NewStub(WorkerSide("URI:vico://worker/one"));
  }

  struct Keys {
    std::string user;
    std::string admin;
  };

  void StartSecure() {
    server_.reset();
    ServerOptions options = Options(data_);
    options.net.tls = {pki_ + "/server.crt", pki_ + "/server.key", pki_ + "/ca.crt"};
    auto server = Server::Start(options, clock_, files_, Log::Off());
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  std::shared_ptr<grpc::Channel> SecureChannel(
      int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(fmt::format("localhost:{}", port), credentials, arguments);
  }

  /// A channel to the clients' listener with this key in every call; empty: none.
  std::shared_ptr<grpc::Channel> ClientSide(const std::string& key) const {
    auto credentials = Trusting(authority_);
    if (!key.empty()) {
      credentials =
          grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(key));
    }
    return SecureChannel(server_->client_port(), credentials);
  }

  /// A channel to the workers' listener with a certificate of these names.
  std::shared_ptr<grpc::Channel> WorkerSide(const std::string& alternative_names) const {
    return WorkerSide(authority_.Issue({.alternative_names = alternative_names}));
  }
  std::shared_ptr<grpc::Channel> WorkerSide(const TestIdentity& identity) const {
    return SecureChannel(server_->worker_port(), Trusting(authority_, identity));
  }

  /// Credentials that trust the authority and present `identity`.
  static std::shared_ptr<grpc::ChannelCredentials> Trusting(const TestAuthority& authority,
                                                            const TestIdentity& identity = {}) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority.certificate();
    options.pem_private_key = identity.key;
    options.pem_cert_chain = identity.certificate;
    return grpc::SslCredentials(options);
  }

  /// Sets the credentials of the fixture's own calls.
  void BeClient(const std::string& key) {
    client_ = ClientSide(key);
    concepts_ = v1::ConceptService::NewStub(client_);
    jobs_ = v1::JobService::NewStub(client_);
    adapters_ = v1::AdapterService::NewStub(client_);
    models_ = v1::ModelService::NewStub(client_);
  }

  /// As the subcommands of vico-server do it, next to the running server.
  Keys NewTenant(const std::string& name) {
    const auto database = SqliteDatabase::Join(data_ + "/vico.db");
    EXPECT_THAT(database, IsOk());
    SqlTenantStore tenants(**database, clock_);
    EXPECT_THAT(tenants.Create(name), IsOk());
    Keys keys{tenants.CreateKey(name, v1::KEY_ROLE_USER)->secret.Reveal(),
              tenants.CreateKey(name, v1::KEY_ROLE_TENANT_ADMIN)->secret.Reveal()};
    const auto stub = v1::ModelService::NewStub(ClientSide(keys.user));
    EXPECT_TRUE(Eventually([&] { return Capabilities(*stub).ok(); }));
    return keys;
  }

  static absl::Status Capabilities(v1::ModelService::Stub& stub) {
    Call call;
    v1::Capabilities response;
    return FromGrpc(stub.GetCapabilities(&call, {}, &response));
  }
  absl::Status CapabilitiesWith(const std::string& key) const {
    return Capabilities(*v1::ModelService::NewStub(ClientSide(key)));
  }

  const TestAuthority authority_;
  const std::string pki_ = folder_.path() + "/pki";
  std::map<std::string, Keys> keys_;
  std::shared_ptr<grpc::Channel> operator_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

}  // namespace vico::server
