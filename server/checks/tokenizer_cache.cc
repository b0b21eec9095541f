#include "server/checks/tokenizer_cache.h"

#include <utility>

#include "common/status.h"
#include "common/text/tokenizer_text.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"

namespace vico::server {
namespace {

/// A damaged file is BLOB_MISSING too: the worker uploads it again.
absl::StatusOr<std::string> ReadFile(BlobStore& blobs, const v1::BlobRef& file) {
  RETURN_IF_ERROR(CheckBlob(blobs, kSystemTenant, file));
  auto bytes = GetBlob(blobs, kSystemTenant, file.sha256(), kTokenizerBytes);
  if (absl::IsDataLoss(bytes.status())) {
    return Error(absl::StatusCode::kFailedPrecondition, ToStd(bytes.status().message()),
                 "BLOB_MISSING");
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerCache::Get(
    const v1::OfferedBaseModel& offered) {
  const std::string key =
      offered.vocabulary().sha256() + offered.merges().sha256() + offered.added_tokens().sha256();
  {
    MutexLock lock(mutex_);
    if (const auto found = cached_.find(key); found != cached_.end()) return found->second;
  }
  // Two callers may build the same tokenizer; the cache keeps the first one.
  ASSIGN_OR_RETURN(const std::string vocabulary, ReadFile(blobs_, offered.vocabulary()));
  ASSIGN_OR_RETURN(const std::string merges, ReadFile(blobs_, offered.merges()));
  std::string added_tokens;
  if (offered.has_added_tokens()) {
    ASSIGN_OR_RETURN(added_tokens, ReadFile(blobs_, offered.added_tokens()));
  }
  ASSIGN_OR_RETURN(Tokenizer tokenizer,
                   Tokenizer::Create(vocabulary, merges, kEndToken, added_tokens));
  const auto entry = std::make_shared<const Tokenizer>(std::move(tokenizer));
  MutexLock lock(mutex_);
  return cached_.emplace(key, entry).first->second;
}

}  // namespace vico::server
