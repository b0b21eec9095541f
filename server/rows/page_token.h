// Page tokens: where the next page of a list begins, encrypted (AES-256-GCM, a random nonce each)
// with a key that the database holds. A token tells its caller nothing, and it opens for its own
// list and tenant only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "server/sql/sql_session.h"

namespace vico::server {

/// The pages that a token belongs to.
struct PageScope {
  std::string_view list;    ///< "jobs", "concepts", "adapters" or "tenants"
  std::string_view tenant;  ///< whose list; empty for the operator's
};

/// The token of the page after the row `last`, which is a text that identifies it.
absl::StatusOr<std::string> PageToken(SqlSession& db, const PageScope& scope,
                                      std::string_view last);

/// `last` of the token; empty for an empty token. kInvalidArgument for any other text, also for a
/// token of another list, another tenant, another database or an older version.
absl::StatusOr<std::string> LastOfPage(SqlSession& db, const PageScope& scope,
                                       std::string_view token);

/// The same for lists in descending order of row number. BelowNumber returns the exclusive upper
/// bound of the row numbers of a page: the maximum for an empty token.
absl::StatusOr<std::string> PageToken(SqlSession& db, const PageScope& scope, int64_t last_number);
absl::StatusOr<int64_t> BelowNumber(SqlSession& db, const PageScope& scope, std::string_view token);

/// The encryption, with a key of 32 bytes. Throws std::bad_alloc when OpenSSL has no memory.
std::string SealPageToken(std::string_view key, const PageScope& scope, std::string_view last);
absl::StatusOr<std::string> OpenPageToken(std::string_view key, const PageScope& scope,
                                          std::string_view token);

}  // namespace vico::server
