// HTTP requests with libcurl, blocking, over connections that are kept. All use of libcurl is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/mutex.h"

namespace vico::server {

/// The signature of a request, AWS Signature Version 4. The headers must have x-amz-content-sha256,
/// and the query must be sorted, with "=" after each name.
struct HttpSignature {
  std::string service;  ///< "s3"
  std::string region;
  std::string access_key;
  std::string secret_key;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers{};  ///< "Name: value"; none is empty
  std::string body{};                  ///< of a POST
  /// Of a PUT: fills `into` from `offset` and returns how many bytes; fewer than `room` only at the
  /// end. May be called again from 0.
  std::function<absl::StatusOr<size_t>(uint64_t offset, char* into, size_t room)> upload{};
  uint64_t upload_bytes = 0;
  size_t answer_limit = size_t{1} << 20;  ///< bytes; a longer answer is an error
  size_t answer_expected = 0;             ///< bytes that are likely; memory for them is taken once
  const HttpSignature* signature = nullptr;
  std::string ca_file{};  ///< PEM; empty: the system's
  absl::Duration connect_timeout = absl::Seconds(3);
  absl::Duration stall_timeout = absl::Seconds(20);  ///< below 1 KiB/s
};

struct HttpAnswer {
  long code = 0;
  std::string body;
  /// The value of a header, or empty; the name in lower case.
  std::string Header(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// Any thread.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// The answer, whatever its code. kUnavailable when there is none: the peer is away, stalls, or
  /// cuts the answer. The private text says why. The error of `upload`, if it ended the request.
  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request);

 private:
  struct Handle;

  std::unique_ptr<Handle> Take();
  void Return(std::unique_ptr<Handle> handle);

  Mutex mutex_;
  // Each with its connection.
  std::vector<std::unique_ptr<Handle>> idle_ ABSL_GUARDED_BY(mutex_);
};

/// The seconds since 1970 of an HTTP date, or -1.
int64_t ParseHttpDate(const std::string& text);

/// Percent-encodes all but letters, digits and -._~ .
std::string EncodeQueryText(std::string_view text);

}  // namespace vico::server
