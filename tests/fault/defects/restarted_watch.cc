#include "tests/fault/defects/restarted_watch.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include "vico/v1/job_service.pb.h"

namespace vico::fault {
namespace {

class ClearAfterSequence final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::POST_RECV_MESSAGE)) {
      static_cast<v1::WatchJobRequest*>(methods->GetRecvMessage())->clear_after_sequence();
    }
    methods->Proceed();
  }
};

class InterceptWatches final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  /// gRPC owns the result; nullptr leaves the call alone.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const bool is_watch = std::string_view(info->method()) == "/vico.v1.JobService/WatchJob";
    return is_watch ? new ClearAfterSequence : nullptr;
  }
};

class Plugin final : public grpc::ServerBuilderPlugin {
 public:
  std::string name() override { return "restarted watches"; }
  void UpdateServerBuilder(grpc::ServerBuilder* builder) override {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> all;
    all.push_back(std::make_unique<InterceptWatches>());
    builder->experimental().SetInterceptorCreators(std::move(all));
  }
  void InitServer(grpc::ServerInitializer*) override {}
  void Finish(grpc::ServerInitializer*) override {}
  void ChangeArguments(const std::string&, void*) override {}
};

}  // namespace

void RestartWatchesAt0() {
  grpc::ServerBuilder::InternalAddPluginFactory(
      []() -> std::unique_ptr<grpc::ServerBuilderPlugin> { return std::make_unique<Plugin>(); });
}

}  // namespace vico::fault
