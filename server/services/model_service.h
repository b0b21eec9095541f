// ModelService: the base models, schedulers and limits that clients can use.
#pragma once

#include <string>
#include <utility>

#include "server/checks/spec_check.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "vico/v1/model.grpc.pb.h"

namespace vico::server {

class ModelService final : public v1::ModelService::CallbackService {
 public:
  /// The references must outlive the service.
  ModelService(Calls& calls, Stores& stores, const SpecCheck& specs, std::string version)
      : calls_(calls), stores_(stores), specs_(specs), version_(std::move(version)) {}

  grpc::ServerUnaryReactor* ListBaseModels(grpc::CallbackServerContext* context,
                                           const v1::ListBaseModelsRequest* request,
                                           v1::ListBaseModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetBaseModel(grpc::CallbackServerContext* context,
                                         const v1::GetBaseModelRequest* request,
                                         v1::BaseModel* base_model) override;
  grpc::ServerUnaryReactor* CheckWord(grpc::CallbackServerContext* context,
                                      const v1::CheckWordRequest* request,
                                      v1::CheckWordResponse* response) override;
  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context,
                                            const v1::GetCapabilitiesRequest* request,
                                            v1::Capabilities* capabilities) override;

 private:
  Calls& calls_;
  Stores& stores_;
  const SpecCheck& specs_;
  const std::string version_;
};

}  // namespace vico::server
