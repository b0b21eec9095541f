#include "server/s3/s3_client.h"

#include <algorithm>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/time/clock.h>
#include <fmt/format.h>

#include "common/backoff.h"
#include "common/crypto/random_bits.h"
#include "common/status.h"
#include "server/s3/s3_error.h"
#include "server/s3/s3_xml.h"

namespace vico::server {
namespace {

// Of no bytes.
constexpr char kEmptySha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr uint64_t kLargestPut = uint64_t{5} << 30;
constexpr size_t kListAnswer = size_t{4} << 20;
constexpr size_t kErrorAnswer = size_t{64} << 10;

std::string ContentSha256(std::string_view hex) {
  return fmt::format("x-amz-content-sha256: {}", hex);
}

std::string Base64OfHex(const std::string& hex) {
  return absl::Base64Escape(absl::HexStringToBytes(hex));
}

}  // namespace

S3Client::S3Client(const S3Options& options, const Clock& clock)
    : options_(options),
      bucket_url_(BucketUrl(options)),
      clock_(clock),
      credentials_(options.credentials, options.region, http_, clock) {}

HttpRequest S3Client::NewRequest(std::string method, const std::string& key) const {
  HttpRequest request;
  request.method = std::move(method);
  request.url = key.empty() ? fmt::format("{}/", bucket_url_)
                            : fmt::format("{}/{}{}", bucket_url_, options_.prefix, key);
  request.connect_timeout = options_.connect_timeout;
  request.stall_timeout = options_.stall_timeout;
  request.ca_file = options_.ca_file;
  return request;
}

absl::StatusOr<HttpAnswer> S3Client::SendOnce(HttpRequest request, bool& retry,
                                              absl::Duration& retry_after) {
  retry = false;
  ASSIGN_OR_RETURN(const S3Credentials credentials, credentials_.Get());
  const HttpSignature signature{"s3", options_.region, credentials.access_key,
                                credentials.secret_key};
  request.signature = &signature;
  if (!credentials.session_token.empty()) {
    request.headers.push_back(fmt::format("x-amz-security-token: {}", credentials.session_token));
  }
  absl::StatusOr<HttpAnswer> answer = http_.Send(request);
  if (!answer.ok() && !absl::IsUnavailable(answer.status())) return answer.status();
  const S3Failure failure =
      answer.ok() ? FailureOf(*answer, clock_.Now()) : FailureOf(answer.status());
  if (failure.status.ok()) {
    away_ = false;
    return answer;
  }
  if (failure.credentials) credentials_.Drop();
  retry = failure.retry || failure.credentials;
  retry_after = failure.retry_after;
  // An answer other than an outage shows that the store is there.
  away_ = failure.retry && away_;
  return failure.status;
}

absl::StatusOr<HttpAnswer> S3Client::Send(const HttpRequest& request) {
  Backoff backoff(
      {.first = options_.first_backoff, .longest = absl::Seconds(2), .least_share = 0.5},
      RandomBits);
  for (int attempt = 1;; ++attempt) {
    bool retry = false;
    absl::Duration retry_after;
    absl::StatusOr<HttpAnswer> answer = SendOnce(request, retry, retry_after);
    if (answer.ok() || !retry) return answer;
    if (attempt >= options_.attempts || away_) {
      away_ = true;
      return answer;
    }
    absl::SleepFor(std::max(backoff.Next(), retry_after));
  }
}

absl::Status S3Client::Put(const Upload& upload) {
  if (upload.size_bytes > kLargestPut) {
    return absl::InvalidArgumentError(
        fmt::format("object store: takes at most {} bytes in one piece", kLargestPut));
  }
  HttpRequest request = NewRequest("PUT", upload.key);
  request.headers = {ContentSha256(upload.sha256),
                     fmt::format("x-amz-checksum-sha256: {}", Base64OfHex(upload.sha256))};
  request.upload = upload.read;
  request.upload_bytes = upload.size_bytes;
  return Send(request).status();
}

absl::StatusOr<std::string> S3Client::Get(const std::string& key, uint64_t offset,
                                          uint64_t length) {
  if (length == 0) return std::string();
  HttpRequest request = NewRequest("GET", key);
  request.headers = {ContentSha256(kEmptySha256),
                     fmt::format("Range: bytes={}-{}", offset, offset + length - 1)};
  request.answer_limit = length + kErrorAnswer;
  request.answer_expected = length;
  ASSIGN_OR_RETURN(HttpAnswer answer, Send(request));
  const std::string expected = fmt::format("bytes {}-{}/", offset, offset + length - 1);
  const bool whole = answer.code == 200 && offset == 0;  // a store that ignores ranges
  const bool part = answer.code == 206 && answer.Header("content-range").starts_with(expected);
  if (answer.body.size() == length && (whole || part)) return std::move(answer.body);
  if (answer.code == 206 || answer.body.size() < length) {
    return absl::DataLossError("object store: the object is shorter");
  }
  return ObjectStoreAway("the answer to a range has other bytes");
}

absl::Status S3Client::Remove(const std::string& key) {
  HttpRequest request = NewRequest("DELETE", key);
  request.headers = {ContentSha256(kEmptySha256)};
  const absl::Status status = Send(request).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<S3Client::Page> S3Client::List(const std::string& start,
                                              const std::string& after_page) {
  HttpRequest request = NewRequest("GET", "");
  // Sorted by name, as the signature wants it.
  request.url += '?';
  if (!after_page.empty()) {
    request.url += fmt::format("continuation-token={}&", EncodeQueryText(after_page));
  }
  request.url +=
      fmt::format("list-type=2&max-keys=1000&prefix={}", EncodeQueryText(options_.prefix + start));
  request.headers = {ContentSha256(kEmptySha256)};
  request.answer_limit = kListAnswer;
  ASSIGN_OR_RETURN(const HttpAnswer answer, Send(request));
  Page page;
  for (const std::string_view object : XmlElements(answer.body, "Contents")) {
    ObjectInfo info;
    const std::string key = XmlText(object, "Key");
    if (!key.starts_with(options_.prefix)) continue;
    info.key = key.substr(options_.prefix.size());
    info.size_bytes = std::strtoull(XmlText(object, "Size").c_str(), nullptr, 10);
    std::string why;
    // An object whose age is not known is never an old one.
    info.time = absl::InfiniteFuture();
    absl::ParseTime(absl::RFC3339_full, XmlText(object, "LastModified"), &info.time, &why);
    page.objects.push_back(std::move(info));
  }
  if (XmlText(answer.body, "IsTruncated") == "true") {
    page.next = XmlText(answer.body, "NextContinuationToken");
  }
  return page;
}

}  // namespace vico::server
