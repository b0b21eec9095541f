#include "server/s3/s3_error.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "common/status.h"
#include "server/s3/s3_xml.h"

namespace vico::server {
namespace {

constexpr absl::Duration kSoon = absl::Seconds(5);
constexpr absl::Duration kLater = absl::Seconds(30);

absl::Status StoreError(std::string_view message, std::string_view reason, absl::Duration retry,
                        std::string_view private_text,
                        absl::StatusCode code = absl::StatusCode::kUnavailable) {
  return WithPrivateText(
      WithRetryAfter(Error(code, fmt::format("object store: {}", message), reason), retry),
      private_text);
}

template <size_t kCount>
bool IsOneOf(const std::string& code, const std::array<std::string_view, kCount>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

constexpr std::array<std::string_view, 10> kCredentialCodes{
    "InvalidAccessKeyId",  "SignatureDoesNotMatch", "AccessDenied",
    "ExpiredToken",        "InvalidToken",          "TokenRefreshRequired",
    "AccountProblem",      "NotSignedUp",           "AuthorizationHeaderMalformed",
    "InvalidClientTokenId"};
constexpr std::array<std::string_view, 3> kExpiredCodes{"ExpiredToken", "InvalidToken",
                                                        "TokenRefreshRequired"};
constexpr std::array<std::string_view, 4> kChangedCodes{
    "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"};
constexpr std::array<std::string_view, 4> kFullCodes{"InsufficientStorage", "QuotaExceeded",
                                                     "XMinioStorageFull", "StorageFull"};

/// "3599 s ahead of", by the date of the answer.
std::string ClockDifference(const HttpAnswer& answer, absl::Time now) {
  int64_t theirs = -1;
  if (const std::string text = XmlText(answer.body, "ServerTime"); !text.empty()) {
    absl::Time parsed;
    std::string why;
    if (absl::ParseTime(absl::RFC3339_full, text, &parsed, &why)) {
      theirs = absl::ToUnixSeconds(parsed);
    }
  }
  if (theirs < 0) theirs = ParseHttpDate(answer.Header("date"));
  if (theirs < 0) return "is too different from";
  const int64_t ahead = absl::ToUnixSeconds(now) - theirs;
  return fmt::format("is {} s {}", std::abs(ahead), ahead >= 0 ? "ahead of" : "behind");
}

}  // namespace

absl::Status ObjectStoreAway(std::string_view private_text) {
  return StoreError("is away; try again", "OBJECT_STORE_UNAVAILABLE", kSoon, private_text);
}

S3Failure FailureOf(const absl::Status& transport) {
  S3Failure failure;
  failure.status = ObjectStoreAway(PrivateText(transport));
  failure.retry = true;
  return failure;
}

S3Failure FailureOf(const HttpAnswer& answer, absl::Time now) {
  S3Failure failure;
  if (answer.code >= 200 && answer.code < 300) return failure;
  const std::string code = XmlText(answer.body, "Code");
  const std::string text = fmt::format("HTTP {} {} {} request {}", answer.code, code,
                                       XmlText(answer.body, "Message").substr(0, 300),
                                       answer.Header("x-amz-request-id"));
  if (code == "NoSuchBucket") {
    failure.status =
        StoreError("the bucket does not exist", "OBJECT_STORE_NO_BUCKET", kLater, text);
  } else if (answer.code == 404) {
    failure.status = absl::NotFoundError("object store: there is no such object");
  } else if (answer.code == 416) {
    failure.status = absl::DataLossError("object store: the object is shorter");
  } else if (code == "RequestTimeTooSkewed") {
    failure.status =
        StoreError(fmt::format("the clock of this server {} the store's, which refuses the "
                               "signature",
                               ClockDifference(answer, now)),
                   "OBJECT_STORE_CLOCK", kLater, text);
  } else if (answer.code == 507 || IsOneOf(code, kFullCodes)) {
    failure.status = StoreError("is full", "OBJECT_STORE_FULL", kLater, text,
                                absl::StatusCode::kResourceExhausted);
  } else if (answer.code == 401 || answer.code == 403 || IsOneOf(code, kCredentialCodes)) {
    failure.status = StoreError(
        fmt::format("refuses the credentials of this server{}{}", code.empty() ? "" : ": ", code),
        "OBJECT_STORE_DENIED", kLater, text);
    failure.credentials = IsOneOf(code, kExpiredCodes);
  } else {
    failure.status = ObjectStoreAway(text);
    failure.retry = answer.code >= 500 || answer.code == 408 || answer.code == 409 ||
                    answer.code == 429 || IsOneOf(code, kChangedCodes);
    const int asked = std::atoi(answer.Header("retry-after").c_str());
    failure.retry_after = absl::Seconds(std::clamp(asked, 0, 5));
  }
  return failure;
}

}  // namespace vico::server
