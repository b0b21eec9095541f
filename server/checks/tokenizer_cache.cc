#include "server/checks/tokenizer_cache.h"

#include <utility>

#include "common/status.h"
#include "server/jobs/job.h"
#include "server/checks/request.h"

namespace vico::server {

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerCache::Get(
    const v1::OfferedBaseModel& offered) {
  const std::string key = offered.vocabulary().sha256() + offered.merges().sha256();
  {
    std::lock_guard lock(mutex_);
    if (const auto found = made_.find(key); found != made_.end()) return found->second;
  }
  // Two callers may both come here; they make the same thing, and the first one's is kept.
  RETURN_IF_ERROR(CheckBlob(blobs_, kSystemTenant, offered.vocabulary()));
  RETURN_IF_ERROR(CheckBlob(blobs_, kSystemTenant, offered.merges()));
  ASSIGN_OR_RETURN(const std::string vocabulary,
                   GetBlob(blobs_, kSystemTenant, offered.vocabulary().sha256(), kTokenizerBytes));
  ASSIGN_OR_RETURN(const std::string merges,
                   GetBlob(blobs_, kSystemTenant, offered.merges().sha256(), kTokenizerBytes));
  ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::Create(vocabulary, merges));
  auto made = std::make_shared<const Tokenizer>(std::move(tokenizer));
  std::lock_guard lock(mutex_);
  return made_.emplace(key, std::move(made)).first->second;
}

}  // namespace vico::server
