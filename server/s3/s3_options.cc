#include "server/s3/s3_options.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string TakeVariable(const char* name) {
  std::string value = Variable(name);
  unsetenv(name);
  return value;
}

bool ConsistsOf(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool IsBucket(std::string_view text) {
  return text.size() >= 3 && text.size() <= 63 && ConsistsOf(text, ".-_") && text.front() != '.' &&
         text.front() != '-';
}

bool IsPrefix(std::string_view text) {
  return text.size() <= 512 && ConsistsOf(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-/") &&
         text.find("//") == std::string_view::npos && text.find("..") == std::string_view::npos &&
         (text.empty() || text.front() != '/');
}

}  // namespace

S3CredentialSources TakeS3Credentials() {
  S3CredentialSources sources;
  sources.access_key = Variable("AWS_ACCESS_KEY_ID");
  sources.secret_key = Sensitive(TakeVariable("AWS_SECRET_ACCESS_KEY"));
  sources.session_token = Sensitive(TakeVariable("AWS_SESSION_TOKEN"));
  sources.web_identity_token_file = Variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  sources.role_arn = Variable("AWS_ROLE_ARN");
  if (std::string session = Variable("AWS_ROLE_SESSION_NAME"); !session.empty()) {
    sources.role_session = std::move(session);
  }
  sources.sts_endpoint = Variable("AWS_ENDPOINT_URL_STS");
  sources.shared_file = Variable("AWS_SHARED_CREDENTIALS_FILE");
  if (const std::string home = Variable("HOME"); sources.shared_file.empty() && !home.empty()) {
    sources.shared_file = home + "/.aws/credentials";
  }
  if (std::string profile = Variable("AWS_PROFILE"); !profile.empty()) {
    sources.profile = std::move(profile);
  }
  return sources;
}

absl::StatusOr<S3Options> ParseS3Address(std::string_view flag, std::string_view address) {
  constexpr std::string_view kScheme = "s3://";
  if (!address.starts_with(kScheme)) {
    return FieldError(flag, "must be s3://bucket or s3://bucket/prefix");
  }
  address.remove_prefix(kScheme.size());
  const size_t slash = address.find('/');
  S3Options options;
  options.bucket = address.substr(0, slash);
  if (slash != std::string_view::npos) options.prefix = address.substr(slash + 1);
  while (options.prefix.ends_with('/')) options.prefix.pop_back();
  if (!IsBucket(options.bucket)) {
    return FieldError(flag, "the bucket's name must be 3 to 63 characters of a-z, 0-9, . - and _");
  }
  if (!IsPrefix(options.prefix)) {
    return FieldError(flag, "the prefix must consist of letters, digits, . _ - and single /");
  }
  if (!options.prefix.empty()) options.prefix += '/';
  return options;
}

std::string S3AddressOf(const S3Options& options) {
  return options.prefix.empty() ? fmt::format("s3://{}", options.bucket)
                                : fmt::format("s3://{}/{}", options.bucket,
                                              options.prefix.substr(0, options.prefix.size() - 1));
}

absl::Status CheckS3Options(const S3Options& options) {
  if (options.region.empty() || options.region.size() > 63 || !ConsistsOf(options.region, "-")) {
    return FieldError("--s3-region", "must be the name of a region, as eu-central-1");
  }
  const std::string_view endpoint = options.endpoint;
  if (endpoint.empty()) return absl::OkStatus();
  const bool http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  const size_t host = endpoint.find("://") + 3;
  if (!http || host >= endpoint.size() || endpoint.find_first_of("/?#@ ", host) < endpoint.size()) {
    return FieldError("--s3-endpoint", "must be http://HOST[:PORT] or https://HOST[:PORT]");
  }
  return absl::OkStatus();
}

std::string BucketUrl(const S3Options& options) {
  if (!options.endpoint.empty()) return fmt::format("{}/{}", options.endpoint, options.bucket);
  const std::string domain =
      options.region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  // A dot in the bucket's name does not match Amazon's certificate.
  if (options.bucket.find('.') != std::string::npos) {
    return fmt::format("https://s3.{}.{}/{}", options.region, domain, options.bucket);
  }
  return fmt::format("https://{}.s3.{}.{}", options.bucket, options.region, domain);
}

}  // namespace vico::server
