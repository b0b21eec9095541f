// One upload of a blob by a worker: a result or picture of a job that it holds, or a tokenizer
// file.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/resources/stores.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

class BlobUpload final : public StreamSink<v1::PutBlobRequest, v1::BlobRef> {
 public:
  /// `stores` must outlive it.
  BlobUpload(Stores& stores, Caller caller) : stores_(stores), caller_(std::move(caller)) {}

  absl::Status Consume(v1::PutBlobRequest message) override;
  absl::Status Finish(v1::BlobRef& answer) override;

 private:
  absl::Status ConsumeHeader(v1::PutBlobRequest::Header header);

  Stores& stores_;
  const Caller caller_;
  v1::PutBlobRequest::Header header_;
  std::unique_ptr<BlobWriter> writer_;  // null before the header
  uint64_t received_ = 0;               // bytes
};

}  // namespace vico::server
