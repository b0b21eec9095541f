// Which bucket, where, and with whose credentials.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/crypto/sensitive.h"

namespace vico::server {

/// Where credentials come from; the first that is set wins, in this order.
struct S3CredentialSources {
  // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
  std::string access_key;
  Sensitive secret_key;
  Sensitive session_token;
  // AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME and AWS_ENDPOINT_URL_STS.
  std::string web_identity_token_file;
  std::string role_arn;
  std::string role_session = "vico-server";
  std::string sts_endpoint;  ///< empty: https://sts.{region}.amazonaws.com
  // AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE.
  std::string shared_file;
  std::string profile = "default";
};

/// Reads the variables above, and removes the secret ones from the environment. The shared file is
/// ~/.aws/credentials if no variable names one.
S3CredentialSources TakeS3Credentials();

struct S3Options {
  std::string bucket;
  std::string prefix;    ///< of all keys; empty, or text that ends with "/"
  std::string endpoint;  ///< "http://127.0.0.1:8333"; empty: Amazon's of the region
  std::string region = "us-east-1";
  std::string ca_file;  ///< PEM, for a store whose certificate is not of a public CA; or empty
  S3CredentialSources credentials{};
  absl::Duration connect_timeout = absl::Seconds(3);
  absl::Duration stall_timeout = absl::Seconds(20);  ///< below 1 KiB/s; then the request fails
  int attempts = 4;  ///< of one request, while the store is overloaded or away
  absl::Duration first_backoff = absl::Milliseconds(100);
};

/// Parses "s3://bucket" or "s3://bucket/prefix". kInvalidArgument, which names `flag`. The prefix
/// consists of letters, digits and ._-/ .
absl::StatusOr<S3Options> ParseS3Address(std::string_view flag, std::string_view address);

/// As ParseS3Address() reads it.
std::string S3AddressOf(const S3Options& options);

/// kInvalidArgument, which names the flag, for an endpoint or a region that cannot be one.
absl::Status CheckS3Options(const S3Options& options);

/// The URL of the bucket, without a "/" at its end. Amazon's has the bucket in the host's name,
/// other endpoints in the path.
std::string BucketUrl(const S3Options& options);

}  // namespace vico::server
