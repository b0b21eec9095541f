// One upload of a concept: the header, then the bytes of the pictures that are not stored yet.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/field_errors.h"
#include "server/jobs/catalog.h"
#include "server/pictures/intake.h"
#include "server/resources/stores.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/concept.pb.h"

namespace vico::server {

/// Holds at most one uploaded picture in memory. A picture that arrived whole is stored even if the
/// upload breaks off later, so that the next call need not send it again. The answer to an upload
/// with bad pictures names all of them.
class ConceptUpload final : public StreamSink<v1::UploadConceptRequest, v1::UploadConceptResponse> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Pictures wait for their decoding until `deadline`. `stores` must outlive it.
  ConceptUpload(Stores& stores, std::string tenant, Time deadline);

  absl::Status Consume(v1::UploadConceptRequest message) override;
  absl::Status Finish(v1::UploadConceptResponse& answer) override;

 private:
  absl::Status ConsumeHeader(v1::UploadConceptRequest::Header header);
  absl::Status ConsumeChunk(const v1::UploadConceptRequest::Chunk& chunk);
  absl::Status TakeCurrent();
  bool IsIntact(const std::string& source_sha256);
  absl::Status Store(const v1::UploadConceptRequest::Header::Picture& announced,
                     const std::string& bytes, const std::string& field);
  absl::StatusOr<bool> FindStored();
  void AddMissing(v1::UploadConceptResponse& answer) const;
  absl::Status ListDeleted(v1::UploadConceptResponse& answer);
  void AddWarnings(v1::Concept& uploaded) const;

  Stores& stores_;
  const std::string tenant_;
  const Time deadline_;
  bool has_header_ = false;
  v1::UploadConceptRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::Concept> first_answer_;  // if the request is a repeat
  int current_ = -1;                           // index of the picture being received; -1: none
  std::string bytes_;                          // of the current picture
  struct Picture {
    v1::ConceptPicture message;
    Fingerprint fingerprint;
    std::vector<PictureWarning> warnings;
  };
  std::map<std::string, Picture> pictures_;  // stored ones, by the digest of the uploaded bytes
  std::set<std::string> bad_;                // digests announced for pictures that are refused
  FieldErrors errors_;                       // about these pictures
};

}  // namespace vico::server
