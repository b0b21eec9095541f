#include "server/services/adapter_service.h"

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
#include "server/resources/blob_source.h"
#include "server/resources/lost_blob.h"
#include "server/rpc/answer.h"

namespace vico::server {
namespace {

constexpr uint64_t kDownloadChunk = uint64_t{256} << 10;

absl::Status CheckAdapterName(const std::string& name) {
  return IdInName("name", "adapters", name).status();
}

}  // namespace

grpc::ServerUnaryReactor* AdapterService::GetAdapter(grpc::CallbackServerContext* context,
                                                     const v1::GetAdapterRequest* request,
                                                     v1::Adapter* adapter) {
  return Answer(calls_, *context, "GetAdapter", {*request, *adapter},
                [this, request, adapter](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckAdapterName(request->name()));
                  ASSIGN_OR_RETURN(*adapter,
                                   stores_.catalog.GetAdapter(caller.tenant, request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdapterService::ListAdapters(grpc::CallbackServerContext* context,
                                                       const v1::ListAdaptersRequest* request,
                                                       v1::ListAdaptersResponse* response) {
  return Answer(calls_, *context, "ListAdapters", {*request, *response},
                [this, request, response](const Caller& caller) -> absl::Status {
                  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(AdapterPage page, stores_.catalog.ListAdapters(
                                                         {.tenant = caller.tenant,
                                                          .page_size = page_size,
                                                          .page_token = request->page_token()}));
                  for (v1::Adapter& adapter : page.adapters)
                    *response->add_adapters() = std::move(adapter);
                  response->set_next_page_token(std::move(page.next_page_token));
                  response->set_total_size(static_cast<int32_t>(page.total_size));
                  return absl::OkStatus();
                });
}

grpc::ServerWriteReactor<v1::DownloadAdapterResponse>* AdapterService::DownloadAdapter(
    grpc::CallbackServerContext* context, const v1::DownloadAdapterRequest* request) {
  using Source = std::unique_ptr<StreamSource<v1::DownloadAdapterResponse>>;
  return OpenStream<v1::DownloadAdapterResponse>(
      calls_, *context, "DownloadAdapter",
      [this, request](const Caller& caller,
                      const std::function<void()>&) -> absl::StatusOr<Source> {
        RETURN_IF_ERROR(CheckAdapterName(request->name()));
        ASSIGN_OR_RETURN(const v1::Adapter adapter,
                         stores_.catalog.GetAdapter(caller.tenant, request->name()));
        const v1::BlobRef& blob = request->reference() ? adapter.reference() : adapter.blob();
        const std::string what = request->name() + (request->reference() ? ", reference" : "");
        auto reader = stores_.blobs.Open(caller.tenant, blob.sha256());
        if (!reader.ok()) return NameLost(reader.status(), what, kImportAgain);
        return std::make_unique<BlobSource<v1::DownloadAdapterResponse>>(
            BlobCursor(*std::move(reader), kDownloadChunk),
            [](BlobCursor::Chunk chunk, v1::DownloadAdapterResponse& response) {
              response.set_offset(chunk.offset);
              response.set_data(std::move(chunk.data));
              response.set_last(chunk.last);
            },
            what, kImportAgain);
      },
      {.place = Place::kTransfer});
}

grpc::ServerReadReactor<grpc::ByteBuffer>* AdapterService::ImportAdapter(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return OpenUpload<v1::ImportAdapterRequest, v1::Adapter>(
      uploads_, *context, "ImportAdapter", *response,
      [this](const Caller& caller) {
        return std::make_unique<AdapterImport>(
            stores_, caller.tenant, std::chrono::steady_clock::now() + options_.limit, imports_);
      },
      options_);
}

grpc::ServerUnaryReactor* AdapterService::GetAdapterReport(
    grpc::CallbackServerContext* context, const v1::GetAdapterReportRequest* request,
    v1::AdapterReport* report) {
  return Answer(calls_, *context, "GetAdapterReport", {*request, *report},
                [this, request, report](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckAdapterName(request->name()));
                  ASSIGN_OR_RETURN(*report,
                                   stores_.catalog.GetReport(caller.tenant, request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdapterService::UpdateAdapter(grpc::CallbackServerContext* context,
                                                        const v1::UpdateAdapterRequest* request,
                                                        v1::Adapter* adapter) {
  return Answer(calls_, *context, "UpdateAdapter", {*request, *adapter},
                [this, request, adapter](const Caller& caller) -> absl::Status {
                  const v1::Adapter& wanted = request->adapter();
                  const absl::StatusOr<ResourceUpdate> update = CheckUpdate(
                      "adapter", wanted.display_name(), wanted.labels(), request->update_mask());
                  FieldErrors errors;
                  errors.Add(IdInName("adapter.name", "adapters", wanted.name()).status());
                  errors.Add(update.status());
                  RETURN_IF_ERROR(errors.status());
                  ASSIGN_OR_RETURN(*adapter, stores_.catalog.UpdateAdapter(caller.tenant,
                                                                           wanted.name(), *update));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdapterService::DeleteAdapter(grpc::CallbackServerContext* context,
                                                        const v1::DeleteAdapterRequest* request,
                                                        google::protobuf::Empty* response) {
  return Answer(calls_, *context, "DeleteAdapter", {*request, *response},
                [this, request](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckAdapterName(request->name()));
                  return stores_.catalog.DeleteAdapter(caller.tenant, request->name());
                });
}

}  // namespace vico::server
