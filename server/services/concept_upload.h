// One upload of a concept: the header, then the bytes of the pictures that are not stored yet.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/jobs/catalog.h"
#include "server/pictures/intake.h"
#include "server/rpc/client_stream.h"
#include "server/services/stores.h"
#include "vico/v1/concept.pb.h"

namespace vico::server {

/// Holds at most one uploaded picture in memory. A picture that arrived whole is stored even if the
/// upload breaks off later, so that the next call need not send it again.
class ConceptUpload final : public StreamSink<v1::UploadConceptRequest, v1::UploadConceptResponse> {
 public:
  /// `stores` must outlive it.
  ConceptUpload(Stores& stores, std::string tenant);

  absl::Status Consume(v1::UploadConceptRequest message) override;
  absl::Status Finish(v1::UploadConceptResponse& answer) override;

 private:
  absl::Status ConsumeHeader(v1::UploadConceptRequest::Header header);
  absl::Status ConsumeChunk(const v1::UploadConceptRequest::Chunk& chunk);
  absl::Status StoreCurrent();
  absl::StatusOr<bool> FindStored();
  void AddMissing(v1::UploadConceptResponse& answer) const;
  absl::Status ListDeleted(v1::UploadConceptResponse& answer);
  void AddWarnings(v1::Concept& uploaded) const;

  Stores& stores_;
  const std::string tenant_;
  bool has_header_ = false;
  v1::UploadConceptRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::Concept> first_answer_;  // if the request is a repeat
  int current_ = -1;                           // index of the picture being received; -1: none
  std::string bytes_;                          // of the current picture
  struct Picture {
    v1::ConceptPicture message;
    Fingerprint fingerprint;
  };
  std::map<std::string, Picture> pictures_;  // stored ones, by the digest of the uploaded bytes
};

}  // namespace vico::server
