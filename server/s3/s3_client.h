// Requests to one bucket: signed, repeated while the store is overloaded or away, and with plain
// errors.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/objects/object_store.h"
#include "server/s3/credentials.h"
#include "server/s3/http_client.h"
#include "server/s3/s3_options.h"

namespace vico::server {

/// Any thread. Keys are without the prefix of the options. Errors are those of s3_error.h. While
/// the store is away, each call makes one attempt only, so that callers do not pile up.
class S3Client {
 public:
  /// `clock` must outlive it.
  S3Client(const S3Options& options, const Clock& clock);

  struct Upload {
    std::string key;
    std::string sha256;  ///< of the bytes; the store checks it
    uint64_t size_bytes = 0;
    std::function<absl::StatusOr<size_t>(uint64_t offset, char* into, size_t room)> read;
  };
  /// One PUT. kInvalidArgument for more than 5 GiB, which need an upload in parts.
  absl::Status Put(const Upload& upload);

  /// Exactly `length` bytes from `offset`. kNotFound; kDataLoss when the object is shorter.
  absl::StatusOr<std::string> Get(const std::string& key, uint64_t offset, uint64_t length);

  /// OK also when the object does not exist.
  absl::Status Remove(const std::string& key);

  struct Page {
    std::vector<ObjectInfo> objects;
    std::string next;  ///< empty at the end
  };
  /// At most 1000 objects whose keys begin with `start`.
  absl::StatusOr<Page> List(const std::string& start, const std::string& after_page);

 private:
  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request);
  absl::StatusOr<HttpAnswer> SendOnce(HttpRequest request, bool& retry,
                                      absl::Duration& retry_after);
  HttpRequest NewRequest(std::string method, const std::string& key) const;

  const S3Options options_;
  const std::string bucket_url_;
  const Clock& clock_;
  HttpClient http_;
  CredentialsProvider credentials_;
  std::atomic<bool> away_{false};
};

}  // namespace vico::server
