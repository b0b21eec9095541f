#include "server/listening.h"

#include <chrono>

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

namespace vico {
namespace {

constexpr int kMaxReceiveBytes = 4 << 20;
constexpr int kMaxSendBytes = 8 << 20;

/// Two servers on one port would each get some of the calls, so ports are not shared.
void Configure(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.SetMaxSendMessageSize(kMaxSendBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
}

/// gRPC adds reflection to every server of a program that is linked with it; this takes it out.
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

absl::StatusOr<std::unique_ptr<grpc::Server>> Listen(const std::string& address,
                                                     const ReloadingCredentials* tls,
                                                     const std::vector<grpc::Service*>& services,
                                                     int& port) {
  grpc::ServerBuilder builder;
  Configure(builder);
  if (tls != nullptr) builder.SetOption(std::make_unique<WithoutReflection>());
  builder.AddListeningPort(
      address, tls == nullptr ? grpc::InsecureServerCredentials() : tls->credentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const bool is_unix = address.starts_with("unix:");
  if (!server || port == 0) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: is another program listening there?", address));
  }
  if (is_unix) port = 0;
  return server;
}

void Close(grpc::Server& server) {
  grpc_server_cancel_all_calls(server.c_server());
  server.Shutdown(std::chrono::system_clock::now());
}

}  // namespace vico
