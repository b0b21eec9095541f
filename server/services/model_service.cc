#include "server/services/model_service.h"

#include <vector>

#include "common/status.h"
#include "server/checks/request.h"
#include "server/rpc/answer.h"

namespace vico::server {

grpc::ServerUnaryReactor* ModelService::ListBaseModels(grpc::CallbackServerContext* context,
                                                       const v1::ListBaseModelsRequest*,
                                                       v1::ListBaseModelsResponse* response) {
  return Answer(
      calls_, *context, "ListBaseModels", [this, response](const Caller&) -> absl::Status {
        ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, stores_.workers.ListBaseModels());
        for (v1::OfferedBaseModel& offered : all) {
          *response->add_base_models() = std::move(*offered.mutable_base_model());
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* ModelService::GetCapabilities(grpc::CallbackServerContext* context,
                                                        const v1::GetCapabilitiesRequest*,
                                                        v1::Capabilities* capabilities) {
  return Answer(calls_, *context, "GetCapabilities",
                [this, capabilities](const Caller&) -> absl::Status {
                  capabilities->set_version(version_);
                  for (const std::string_view scheduler : Schedulers()) {
                    capabilities->add_schedulers(std::string(scheduler));
                  }
                  for (const Bounds& bounds : FieldLimits()) {
                    v1::Range& range = (*capabilities->mutable_limits())[std::string(bounds.field)];
                    range.set_min(bounds.min);
                    range.set_max(bounds.max);
                  }
                  for (const v1::Dialect dialect : Dialects()) capabilities->add_dialects(dialect);
                  return absl::OkStatus();
                });
}

}  // namespace vico::server
