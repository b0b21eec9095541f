#include "server/services/model_service.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/checks/word_check.h"
#include "server/pictures/scan/picture_scan.h"
#include "server/rpc/answer.h"

namespace vico::server {
namespace {

constexpr size_t kMaxCheckedWord = 64;  // bytes

/// Which pictures an upload may have.
void AddPictures(v1::Capabilities& capabilities) {
  for (const std::string_view type : PictureMediaTypes()) {
    capabilities.add_picture_formats(std::string(type));
  }
  const PictureLimits limits;
  const auto least = static_cast<double>(limits.min_side);
  const auto add = [&capabilities](const char* field, double min, double max) {
    v1::Range& range = (*capabilities.mutable_limits())[field];
    range.set_min(min);
    range.set_max(max);
  };
  add("pictures.side", least, limits.max_side);
  add("pictures.pixels", least * least, static_cast<double>(limits.max_pixels));
  add("pictures.jpeg_pixels", least * least, static_cast<double>(limits.max_jpeg_pixels));
  add("pictures.heif_pixels", least * least, static_cast<double>(limits.max_heif_pixels));
}

}  // namespace

grpc::ServerUnaryReactor* ModelService::ListBaseModels(grpc::CallbackServerContext* context,
                                                       const v1::ListBaseModelsRequest* request,
                                                       v1::ListBaseModelsResponse* response) {
  return Answer(
      calls_, *context, "ListBaseModels", {*request, *response},
      [this, response](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, stores_.workers.ListBaseModels());
        // A base model that nobody serves is listed to those who still need it.
        ASSIGN_OR_RETURN(const auto needed, stores_.catalog.BaseModelsInUse(caller.tenant));
        for (v1::OfferedBaseModel& offered : all) {
          const v1::BaseModel& base_model = offered.base_model();
          if (!base_model.available() && !needed.contains(base_model.name())) continue;
          *response->add_base_models() = std::move(*offered.mutable_base_model());
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* ModelService::GetBaseModel(grpc::CallbackServerContext* context,
                                                     const v1::GetBaseModelRequest* request,
                                                     v1::BaseModel* base_model) {
  return Answer(calls_, *context, "GetBaseModel", {*request, *base_model},
                [this, request, base_model](const Caller&) -> absl::Status {
                  if (request->name().empty()) return FieldError("name", "must be given");
                  ASSIGN_OR_RETURN(v1::OfferedBaseModel offered,
                                   specs_.FindBaseModel("name", request->name()));
                  *base_model = std::move(*offered.mutable_base_model());
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* ModelService::CheckWord(grpc::CallbackServerContext* context,
                                                  const v1::CheckWordRequest* request,
                                                  v1::CheckWordResponse* response) {
  return Answer(calls_, *context, "CheckWord", {*request, *response},
                [this, request, response](const Caller&) -> absl::Status {
                  constexpr int kDefault = 5;
                  constexpr int kMost = 20;
                  FieldErrors errors;
                  if (request->word().empty() || request->word().size() > kMaxCheckedWord) {
                    errors.Add("word", fmt::format("must have 1..{} bytes, got {}", kMaxCheckedWord,
                                                   request->word().size()));
                  }
                  if (request->max_near_words() < 0) {
                    errors.Add("max_near_words", "must be at least 0");
                  }
                  RETURN_IF_ERROR(errors.status());
                  ASSIGN_OR_RETURN(const v1::OfferedBaseModel offered,
                                   specs_.FindBaseModel("base_model", request->base_model()));
                  ASSIGN_OR_RETURN(const auto tokenizer, stores_.tokenizers.Get(offered));
                  const int near = request->max_near_words();
                  *response = vico::server::CheckWord(
                      request->word(), near == 0 ? kDefault : std::min(near, kMost), *tokenizer);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* ModelService::GetCapabilities(grpc::CallbackServerContext* context,
                                                        const v1::GetCapabilitiesRequest* request,
                                                        v1::Capabilities* capabilities) {
  return Answer(calls_, *context, "GetCapabilities", {*request, *capabilities},
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
                  AddPictures(*capabilities);
                  return absl::OkStatus();
                });
}

}  // namespace vico::server
