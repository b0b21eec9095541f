// ModelService: the base models, schedulers and limits that clients can use.
#pragma once

#include <string>
#include <utility>

#include "server/rpc/calls.h"
#include "server/services/stores.h"
#include "vico/v1/model.grpc.pb.h"

namespace vico::server {

class ModelService final : public v1::ModelService::CallbackService {
 public:
  ModelService(Calls& calls, Stores& stores, std::string version)
      : calls_(calls), stores_(stores), version_(std::move(version)) {}

  grpc::ServerUnaryReactor* ListBaseModels(grpc::CallbackServerContext* context,
                                           const v1::ListBaseModelsRequest* request,
                                           v1::ListBaseModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context,
                                            const v1::GetCapabilitiesRequest* request,
                                            v1::Capabilities* capabilities) override;

 private:
  Calls& calls_;
  Stores& stores_;
  const std::string version_;
};

}  // namespace vico::server
