// PictureService: sends the pictures of concepts, jobs and adapters, and their thumbnails.
#pragma once

#include "server/downloads/thumbnail_maker.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {

class PictureService final : public v1::PictureService::CallbackService {
 public:
  /// The references must outlive the service.
  PictureService(Calls& calls, Stores& stores, ThumbnailMaker& thumbnails)
      : calls_(calls), stores_(stores), thumbnails_(thumbnails) {}

  grpc::ServerWriteReactor<v1::DownloadPictureResponse>* DownloadPicture(
      grpc::CallbackServerContext* context, const v1::DownloadPictureRequest* request) override;

 private:
  Calls& calls_;
  Stores& stores_;
  ThumbnailMaker& thumbnails_;
};

}  // namespace vico::server
