// AdapterService: reads, downloads, imports and deletes adapters.
#pragma once

#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "server/rpc/client_stream.h"
#include "server/uploads/adapter_import.h"
#include "vico/v1/adapter.grpc.pb.h"

namespace vico::server {

class AdapterService final : public v1::AdapterService::WithRawCallbackMethod_ImportAdapter<
                                 v1::AdapterService::CallbackService> {
 public:
  /// Imports are checked on the pool of `uploads`. The references must outlive the service.
  AdapterService(Calls& calls, Stores& stores, Calls& uploads, const ClientStreamOptions& options)
      : calls_(calls), stores_(stores), uploads_(uploads), options_(options) {}

  grpc::ServerUnaryReactor* GetAdapter(grpc::CallbackServerContext* context,
                                       const v1::GetAdapterRequest* request,
                                       v1::Adapter* adapter) override;
  grpc::ServerUnaryReactor* ListAdapters(grpc::CallbackServerContext* context,
                                         const v1::ListAdaptersRequest* request,
                                         v1::ListAdaptersResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadAdapterResponse>* DownloadAdapter(
      grpc::CallbackServerContext* context, const v1::DownloadAdapterRequest* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* ImportAdapter(grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetAdapterReport(grpc::CallbackServerContext* context,
                                             const v1::GetAdapterReportRequest* request,
                                             v1::AdapterReport* report) override;
  grpc::ServerUnaryReactor* UpdateAdapter(grpc::CallbackServerContext* context,
                                          const v1::UpdateAdapterRequest* request,
                                          v1::Adapter* adapter) override;
  grpc::ServerUnaryReactor* DeleteAdapter(grpc::CallbackServerContext* context,
                                          const v1::DeleteAdapterRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  Calls& calls_;
  Stores& stores_;
  Calls& uploads_;
  const ClientStreamOptions options_;
  ImportPlaces imports_;
};

}  // namespace vico::server
