#include "server/services/concept_service.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/checks/labels.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "server/resources/shown_job.h"
#include "server/rpc/answer.h"
#include "server/rpc/client_stream.h"
#include "server/uploads/concept_upload.h"

namespace vico::server {
namespace {

absl::Status CheckConceptName(const std::string& name) {
  return IdInName("name", "concepts", name).status();
}

}  // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* ConceptService::UploadConcept(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return OpenUpload<v1::UploadConceptRequest, v1::UploadConceptResponse>(
      uploads_, *context, "UploadConcept", *response,
      [this](const Caller& caller) {
        return std::make_unique<ConceptUpload>(stores_, caller.tenant,
                                               std::chrono::steady_clock::now() + options_.limit);
      },
      options_);
}

grpc::ServerUnaryReactor* ConceptService::GetConcept(grpc::CallbackServerContext* context,
                                                     const v1::GetConceptRequest* request,
                                                     v1::Concept* found) {
  return Answer(calls_, *context, "GetConcept", {*request, *found},
                [this, request, found](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckConceptName(request->name()));
                  ASSIGN_OR_RETURN(v1::Concept stored,
                                   stores_.catalog.GetConcept(caller.tenant, request->name()));
                  *found = Shown(std::move(stored));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* ConceptService::ListConcepts(grpc::CallbackServerContext* context,
                                                       const v1::ListConceptsRequest* request,
                                                       v1::ListConceptsResponse* response) {
  return Answer(calls_, *context, "ListConcepts", {*request, *response},
                [this, request, response](const Caller& caller) -> absl::Status {
                  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(ConceptPage page, stores_.catalog.ListConcepts(
                                                         {.tenant = caller.tenant,
                                                          .page_size = page_size,
                                                          .page_token = request->page_token()}));
                  for (v1::Concept& item : page.concepts) {
                    *response->add_concepts() = Shown(std::move(item));
                  }
                  response->set_next_page_token(std::move(page.next_page_token));
                  response->set_total_size(static_cast<int32_t>(page.total_size));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* ConceptService::UpdateConcept(grpc::CallbackServerContext* context,
                                                        const v1::UpdateConceptRequest* request,
                                                        v1::Concept* updated) {
  return Answer(
      calls_, *context, "UpdateConcept", {*request, *updated},
      [this, request, updated](const Caller& caller) -> absl::Status {
        const v1::Concept& wanted = request->updated_concept();
        const absl::StatusOr<ResourceUpdate> update = CheckUpdate(
            "updated_concept", wanted.display_name(), wanted.labels(), request->update_mask());
        FieldErrors errors;
        errors.Add(IdInName("updated_concept.name", "concepts", wanted.name()).status());
        errors.Add(update.status());
        RETURN_IF_ERROR(errors.status());
        ASSIGN_OR_RETURN(v1::Concept stored,
                         stores_.catalog.UpdateConcept(caller.tenant, wanted.name(), *update));
        *updated = Shown(std::move(stored));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* ConceptService::DeleteConcept(grpc::CallbackServerContext* context,
                                                        const v1::DeleteConceptRequest* request,
                                                        google::protobuf::Empty* response) {
  return Answer(calls_, *context, "DeleteConcept", {*request, *response},
                [this, request](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckConceptName(request->name()));
                  return stores_.catalog.DeleteConcept(caller.tenant, request->name());
                });
}

}  // namespace vico::server
