// One upload of a concept: the header, then the bytes of those pictures the server does not have.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/catalog.h"
#include "server/pictures/intake.h"
#include "server/rpc/client_stream.h"
#include "server/services/stores.h"
#include "vico/v1/concept.pb.h"

namespace vico::server {

/// Holds at most one picture as uploaded. A picture that is whole, checked and stored is kept even
/// when the upload breaks off, so that the next call need not send it again; nothing else is.
class ConceptUpload final : public StreamSink<v1::UploadConceptRequest, v1::UploadConceptResponse> {
 public:
  /// `stores` must outlive it.
  ConceptUpload(Stores& stores, std::string tenant);

  absl::Status Take(v1::UploadConceptRequest message) override;
  absl::Status Finish(v1::UploadConceptResponse& answer) override;

 private:
  absl::Status TakeHeader(v1::UploadConceptRequest::Header header);
  absl::Status TakeChunk(v1::UploadConceptRequest::Chunk chunk);
  absl::Status TakeWhole();
  absl::StatusOr<bool> FindAll();
  void AddMissing(v1::UploadConceptResponse& answer) const;
  absl::Status AskAgain(v1::UploadConceptResponse& answer);
  absl::Status AddWarnings(v1::Concept& uploaded);

  Stores& stores_;
  const std::string tenant_;
  bool has_header_ = false;
  v1::UploadConceptRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::Concept> made_before_;            // this request's first answer
  int current_ = -1;                                    // picture on its way in; -1: none
  std::string bytes_;                                   // of it
  std::map<std::string, v1::ConceptPicture> pictures_;  // by digest as uploaded
  std::map<std::string, Fingerprint> fingerprints_;     // of those that came in this call
};

}  // namespace vico::server
