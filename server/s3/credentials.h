// The credentials of requests: fixed ones, those of a file, or temporary ones for a web identity
// (as of a Kubernetes service account), which are renewed before they expire.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/s3/http_client.h"
#include "server/s3/s3_options.h"

namespace vico::server {

struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;                    ///< empty for lasting credentials
  absl::Time expires = absl::InfiniteFuture();  ///< wall time
};

/// The profile in a text of the format of ~/.aws/credentials. kNotFound without both keys.
absl::StatusOr<S3Credentials> ParseCredentialsFile(std::string_view text, std::string_view profile);

/// The answer of STS to AssumeRoleWithWebIdentity.
absl::StatusOr<S3Credentials> ParseAssumedRole(std::string_view xml);

/// Any thread.
class CredentialsProvider {
 public:
  /// The references must outlive it.
  CredentialsProvider(const S3CredentialSources& sources, std::string region, HttpClient& http,
                      const Clock& clock)
      : sources_(sources), region_(std::move(region)), http_(http), clock_(clock) {}

  /// kUnavailable, reason OBJECT_STORE_DENIED, without usable credentials; also the errors of STS,
  /// while the temporary ones that it has are still valid only after their end.
  absl::StatusOr<S3Credentials> Get();

  /// The store says that these have expired: the next Get() brings others.
  void Drop();

 private:
  absl::StatusOr<S3Credentials> Load();
  absl::StatusOr<S3Credentials> AssumeRole();

  const S3CredentialSources sources_;
  const std::string region_;
  HttpClient& http_;
  const Clock& clock_;
  Mutex mutex_;
  std::optional<S3Credentials> current_ ABSL_GUARDED_BY(mutex_);
  // Wall time at which they are loaded again.
  absl::Time renew_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::server
