#include "server/net/listening.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include "common/status.h"
#include "server/net/listening_sockets.h"
#include "server/net/unparsable_requests.h"

namespace vico::server {
namespace {

using Handler = grpc::experimental::ExternalConnectionAcceptor;

// The largest messages carry one chunk of 1 MiB (kChunkBytes) and its names.
constexpr int kMaxReceiveBytes = (1 << 20) + (64 << 10);
constexpr int kMaxSendBytes = 8 << 20;
// What gRPC may hold of all connections before it cancels calls, whosever they are. The gate, the
// shares of callers and the time limits act before this.
constexpr size_t kMemoryQuota = size_t{256} << 20;

void Configure(grpc::ServerBuilder& builder, const ConnectionAge& age) {
  if (age.limit.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(age.limit.count()));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               static_cast<int>(age.grace.count()));
  }
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.SetMaxSendMessageSize(kMaxSendBytes);
  grpc::ResourceQuota quota;
  quota.Resize(kMemoryQuota);
  builder.SetResourceQuota(quota);
  // gRPC would decompress a message before anyone limits its size. A compressed message now arrives
  // as it is, and is refused as one that cannot be parsed.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                             1 << GRPC_COMPRESS_NONE);
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
    const std::string& address, ListenerTls tls, const ListenerServices& services,
    const ConnectionLimits& limits, const ConnectionAge& age, const Log& log) {
  grpc::ServerBuilder builder;
  Configure(builder, age);
  if (tls.gate || tls.mutual != nullptr) {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  for (grpc::Service* service : services.services) builder.RegisterService(service);
  if (services.others != nullptr) builder.RegisterCallbackGenericService(services.others);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(RefuseUnparsableRequests());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));

  ASSIGN_OR_RETURN(ListeningSockets listening, OpenListeningSockets(address));
  const std::shared_ptr<Handler> handler = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      tls.mutual == nullptr ? grpc::InsecureServerCredentials() : tls.mutual->credentials());
  std::unique_ptr<Listener> listener(new Listener);
  listener->server_ = builder.BuildAndStart();
  if (!listener->server_) {
    return absl::UnavailableError(fmt::format("cannot start a server for {}", address));
  }
  const auto give_to_grpc = [handler](int socket, Descriptor connection) {
    Handler::NewConnectionParameters parameters;
    parameters.listener_fd = socket;
    parameters.fd = connection.Release();
    handler->HandleNewConnection(&parameters);
  };
  if (tls.mutual == nullptr) {
    ASSIGN_OR_RETURN(listener->gate_, Gate::Start(std::move(tls.gate), give_to_grpc, log));
  }
  RETURN_IF_ERROR(listener->Accept(std::move(listening), limits, log, give_to_grpc));
  return listener;
}

absl::Status Listener::Accept(ListeningSockets listening, ConnectionLimits limits, const Log& log,
                              GiveToGrpc give_to_grpc) {
  port_ = listening.port;
  socket_file_ = std::move(listening.file);
  // All peers of a Unix socket are on this machine and have no address of their own.
  if (port_ == 0) limits.per_peer = 0;
  Acceptor::HandOver hand_over = std::move(give_to_grpc);
  if (gate_) {
    hand_over = [gate = gate_.get()](int socket, Descriptor connection) {
      gate->Admit(socket, std::move(connection));
    };
  }
  ASSIGN_OR_RETURN(
      acceptor_, Acceptor::Start(std::move(listening.sockets), limits, std::move(hand_over), log));
  return absl::OkStatus();
}

ConnectionCounts Listener::counts() const {
  ConnectionCounts counts = acceptor_->counts();
  if (gate_) counts.refused[static_cast<size_t>(Refusal::kFlood)] += gate_->floods();
  return counts;
}

void Listener::Close() {
  if (!server_ || std::exchange(closed_, true)) return;
  // First, since gRPC does not close connections that it receives after its shutdown.
  if (acceptor_) acceptor_->Stop();
  if (gate_) gate_->StopGreeting();
  grpc_server_cancel_all_calls(server_->c_server());
  server_->Shutdown(std::chrono::system_clock::now());
  if (gate_) gate_->Stop();
  socket_file_.reset();
}

}  // namespace vico::server
