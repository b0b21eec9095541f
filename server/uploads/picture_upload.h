// One upload of a picture for generations: the header, then the bytes.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/jobs/catalog.h"
#include "server/resources/stores.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/picture.pb.h"

namespace vico::server {

/// Holds the uploaded file in memory. It is checked and stored when all of it has arrived.
class PictureUpload final : public StreamSink<v1::UploadPictureRequest, v1::UploadPictureResponse> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The picture waits for its decoding until `deadline`. `stores` must outlive it.
  PictureUpload(Stores& stores, std::string tenant, Time deadline);

  absl::Status Consume(v1::UploadPictureRequest message) override;
  absl::Status Finish(v1::UploadPictureResponse& answer) override;

 private:
  absl::Status ConsumeHeader(v1::UploadPictureRequest::Header header);
  absl::Status ConsumeChunk(const v1::UploadPictureRequest::Chunk& chunk);
  absl::Status CheckWhole() const;
  absl::StatusOr<v1::UploadedPicture> Store();
  bool MustRepair() const;

  Stores& stores_;
  const std::string tenant_;
  const Time deadline_;
  bool has_header_ = false;
  v1::UploadPictureRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::UploadedPicture> first_answer_;  // if the request is a repeat
  std::string bytes_;
};

}  // namespace vico::server
