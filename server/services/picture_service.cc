#include "server/services/picture_service.h"

#include <bit>
#include <chrono>
#include <memory>
#include <utility>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/checks/job_requests.h"
#include "server/downloads/picture_source.h"
#include "server/jobs/find_picture.h"
#include "server/resources/lost_blob.h"
#include "server/rpc/answer.h"
#include "server/rpc/server_stream.h"
#include "server/uploads/picture_upload.h"

namespace vico::server {
namespace {

using PictureStream = std::unique_ptr<StreamSource<v1::DownloadPictureResponse>>;

std::string_view RepairOf(PictureKind kind) {
  switch (kind) {
    case PictureKind::kConceptPicture:
    case PictureKind::kUploaded:
      return kUploadAgain;
    case PictureKind::kReference:
      return kImportAgain;
    case PictureKind::kReport:
      return "evaluate the adapter again";
    default:
      return "run the job again";
  }
}

/// The sizes of thumbnails are few, so that a picture has few of them.
int RoundedSide(int side) { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(side))); }

/// Thin lines of masks would not survive JPEG.
ThumbnailFormat FormatOf(const v1::DownloadPictureRequest& request, PictureKind kind) {
  if (request.format() == v1::PICTURE_FORMAT_PNG) return ThumbnailFormat::kPng;
  if (request.format() == v1::PICTURE_FORMAT_JPEG) return ThumbnailFormat::kJpeg;
  return kind == PictureKind::kMask ? ThumbnailFormat::kPng : ThumbnailFormat::kJpeg;
}

}  // namespace

grpc::ServerWriteReactor<v1::DownloadPictureResponse>* PictureService::DownloadPicture(
    grpc::CallbackServerContext* context, const v1::DownloadPictureRequest* request) {
  return OpenStream<v1::DownloadPictureResponse>(
      calls_, *context, "DownloadPicture",
      [this, request](const Caller& caller,
                      std::function<void()> wake) -> absl::StatusOr<PictureStream> {
        const absl::StatusOr<PictureName> name = ParsePictureName(request->name());
        FieldErrors errors;
        errors.Add(name.status());
        errors.Add(CheckThumbnail(*request));
        RETURN_IF_ERROR(errors.status());
        caller.call->About(name->owner);
        ASSIGN_OR_RETURN(
            PictureBlob picture,
            FindPicture({stores_.catalog, stores_.jobs, stores_.pictures}, caller.tenant, *name));
        PictureSource::Options options{
            .tenant = caller.tenant, .what = request->name(), .repair = RepairOf(name->kind)};
        if (request->thumbnail_side() == 0) {
          return std::make_unique<PictureSource>(stores_, std::move(options), std::move(picture));
        }
        return std::make_unique<PictureSource>(
            stores_, std::move(options), thumbnails_,
            ThumbnailRequest{.tenant = caller.tenant,
                             .source = std::move(picture),
                             .side = RoundedSide(request->thumbnail_side()),
                             .format = FormatOf(*request, name->kind)},
            std::move(wake));
      },
      {.place = Place::kTransfer});
}

grpc::ServerReadReactor<grpc::ByteBuffer>* PictureService::UploadPicture(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return OpenUpload<v1::UploadPictureRequest, v1::UploadPictureResponse>(
      uploads_, *context, "UploadPicture", *response,
      [this](const Caller& caller) {
        return std::make_unique<PictureUpload>(stores_, caller.tenant,
                                               std::chrono::steady_clock::now() + options_.limit);
      },
      options_);
}

grpc::ServerUnaryReactor* PictureService::DeletePicture(grpc::CallbackServerContext* context,
                                                        const v1::DeletePictureRequest* request,
                                                        google::protobuf::Empty* response) {
  return Answer(calls_, *context, "DeletePicture", {*request, *response},
                [this, request](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(IdInName("name", "pictures", request->name()).status());
                  caller.call->About(request->name());
                  return stores_.catalog.DeleteUploaded(caller.tenant, request->name());
                });
}

}  // namespace vico::server
