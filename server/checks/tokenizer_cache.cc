#include "server/checks/tokenizer_cache.h"

#include <utility>

#include "common/status.h"
#include "common/text/tokenizer_text.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"

namespace vico::server {

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerCache::Get(
    const v1::OfferedBaseModel& offered) {
  const std::string key =
      offered.vocabulary().sha256() + offered.merges().sha256() + offered.added_tokens().sha256();
  {
    MutexLock lock(mutex_);
    if (const auto found = cached_.find(key); found != cached_.end()) return found->second;
  }
  // Two callers may build the same tokenizer; the cache keeps the first one.
  RETURN_IF_ERROR(CheckBlob(blobs_, kSystemTenant, offered.vocabulary()));
  RETURN_IF_ERROR(CheckBlob(blobs_, kSystemTenant, offered.merges()));
  ASSIGN_OR_RETURN(const std::string vocabulary,
                   GetBlob(blobs_, kSystemTenant, offered.vocabulary().sha256(), kTokenizerBytes));
  ASSIGN_OR_RETURN(const std::string merges,
                   GetBlob(blobs_, kSystemTenant, offered.merges().sha256(), kTokenizerBytes));
  std::string added_tokens;
  if (offered.has_added_tokens()) {
    RETURN_IF_ERROR(CheckBlob(blobs_, kSystemTenant, offered.added_tokens()));
    ASSIGN_OR_RETURN(added_tokens, GetBlob(blobs_, kSystemTenant, offered.added_tokens().sha256(),
                                           kTokenizerBytes));
  }
  ASSIGN_OR_RETURN(Tokenizer tokenizer,
                   Tokenizer::Create(vocabulary, merges, kEndToken, added_tokens));
  const auto entry = std::make_shared<const Tokenizer>(std::move(tokenizer));
  MutexLock lock(mutex_);
  return cached_.emplace(key, entry).first->second;
}

}  // namespace vico::server
