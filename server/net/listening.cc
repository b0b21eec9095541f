#include "server/net/listening.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include "common/status.h"
#include "server/net/listening_sockets.h"

namespace vico::server {
namespace {

using Handler = grpc::experimental::ExternalConnectionAcceptor;

constexpr int kMaxReceiveBytes = 4 << 20;
constexpr int kMaxSendBytes = 8 << 20;

void Configure(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.SetMaxSendMessageSize(kMaxSendBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
}

/// Removes reflection, which gRPC adds to every server of a program that links it.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(
    const std::string& address, const ReloadingCredentials* tls,
    const std::vector<grpc::Service*>& services, const ConnectionLimits& limits, const Log& log) {
  grpc::ServerBuilder builder;
  Configure(builder);
  if (tls != nullptr) builder.SetOption(std::make_unique<WithoutReflection>());
  for (grpc::Service* service : services) builder.RegisterService(service);
  const auto credentials = tls == nullptr ? grpc::InsecureServerCredentials() : tls->credentials();

  std::unique_ptr<Listener> listener(new Listener);
  if (address.starts_with("unix:")) {
    builder.AddListeningPort(address, credentials);
    listener->server_ = builder.BuildAndStart();
    if (listener->server_) return listener;
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: is another program listening there?", address));
  }
  ASSIGN_OR_RETURN(ListeningSockets listening, OpenListeningSockets(address));
  std::shared_ptr<Handler> handler = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  listener->server_ = builder.BuildAndStart();
  if (!listener->server_) {
    return absl::UnavailableError(fmt::format("cannot start a server for {}", address));
  }
  listener->port_ = listening.port;
  ASSIGN_OR_RETURN(listener->acceptor_, Acceptor::Start(
                                            std::move(listening.sockets), limits,
                                            [handler](int socket, Descriptor connection) {
                                              Handler::NewConnectionParameters parameters;
                                              parameters.listener_fd = socket;
                                              parameters.fd = connection.Release();
                                              handler->HandleNewConnection(&parameters);
                                            },
                                            log));
  return listener;
}

void Listener::Close() {
  if (!server_ || std::exchange(closed_, true)) return;
  // First, since gRPC does not close connections that it receives after its shutdown.
  if (acceptor_) acceptor_->Stop();
  grpc_server_cancel_all_calls(server_->c_server());
  server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace vico::server
