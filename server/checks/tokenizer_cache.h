// Cache of the base models' tokenizers, which are built from the files that workers uploaded.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "common/text/tokenizer.h"
#include "server/blobs/blob_store.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// Any thread.
class TokenizerCache {
 public:
  /// `blobs` must outlive it.
  explicit TokenizerCache(BlobStore& blobs) : blobs_(blobs) {}

  /// kFailedPrecondition, reason BLOB_MISSING, when a file is not stored; kInvalidArgument when the
  /// files are not a tokenizer's.
  absl::StatusOr<std::shared_ptr<const Tokenizer>> Get(const v1::OfferedBaseModel& offered);

 private:
  BlobStore& blobs_;
  Mutex mutex_;
  // By the digests of the files.
  std::map<std::string, std::shared_ptr<const Tokenizer>> cached_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::server
