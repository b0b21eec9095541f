// PictureService: sends the pictures of concepts, jobs and adapters, and their thumbnails; takes
// those that generations start from.
#pragma once

#include "server/downloads/thumbnail_maker.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {

class PictureService final : public v1::PictureService::WithRawCallbackMethod_UploadPicture<
                                 v1::PictureService::CallbackService> {
 public:
  /// Uploaded pictures are decoded on the pool of `uploads`, as those of concepts. The references
  /// must outlive the service.
  PictureService(Calls& calls, Stores& stores, ThumbnailMaker& thumbnails, Calls& uploads,
                 const ClientStreamOptions& options)
      : calls_(calls),
        stores_(stores),
        thumbnails_(thumbnails),
        uploads_(uploads),
        options_(options) {}

  grpc::ServerWriteReactor<v1::DownloadPictureResponse>* DownloadPicture(
      grpc::CallbackServerContext* context, const v1::DownloadPictureRequest* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadPicture(grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeletePicture(grpc::CallbackServerContext* context,
                                          const v1::DeletePictureRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  Calls& calls_;
  Stores& stores_;
  ThumbnailMaker& thumbnails_;
  Calls& uploads_;
  const ClientStreamOptions options_;
};

}  // namespace vico::server
