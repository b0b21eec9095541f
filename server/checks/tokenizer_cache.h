// The tokenizers of the base models on offer, made once from the files their workers put.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <absl/status/statusor.h>

#include "common/text/tokenizer.h"
#include "server/blobs/blob_store.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// Any thread.
class TokenizerCache {
 public:
  /// `blobs` must outlive it.
  explicit TokenizerCache(BlobStore& blobs) : blobs_(blobs) {}

  /// kFailedPrecondition, reason BLOB_MISSING, when the files are not there; kInvalidArgument when
  /// they are not a tokenizer's.
  absl::StatusOr<std::shared_ptr<const Tokenizer>> Get(const v1::OfferedBaseModel& offered);

 private:
  BlobStore& blobs_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Tokenizer>> made_;  // by digests; guarded by mutex_
};

}  // namespace vico::server
