// A bucket of the object server, and a prefix in it for each test.
#pragma once

#include <string>

#include <gmock/gmock.h>

#include "common/clock.h"
#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "server/s3/http_client.h"
#include "server/s3/s3_client.h"
#include "server/s3/s3_objects.h"
#include "tests/support/object_server.h"
#include "tests/support/status_matchers.h"

namespace vico::server {

/// The options of the bucket, which is created with the first call, without a prefix. Requests fail
/// quickly.
inline S3Options BucketOptions() {
  const ObjectServer& server = ObjectServer::OfThisProgram();
  S3Options options;
  options.bucket = "vico-tests";
  options.endpoint = server.endpoint();
  options.credentials.access_key = server.access_key;
  options.credentials.secret_key = Sensitive(server.secret_key);
  options.first_backoff = absl::Milliseconds(5);
  static const bool created = [&options, &server] {
    HttpClient http;
    const HttpSignature signature{"s3", options.region, server.access_key, server.secret_key};
    HttpRequest request;
    request.method = "PUT";
    request.url = BucketUrl(options);
    request.headers = {"x-amz-content-sha256: " + Sha256Hex("")};
    request.signature = &signature;
    if (!Eventually([&] {
          const auto answer = http.Send(request);
          return answer.ok() && answer->code == 200;
        })) {
      return false;
    }
    // The first object may take seconds, until there is a volume for it.
    const SystemClock clock;
    S3Client client(options, clock);
    return Eventually([&] {
      return client
          .Put({"first", Sha256Hex("x"), 1,
                [](uint64_t offset, char* into, size_t) {
                  if (offset == 0) *into = 'x';
                  return absl::StatusOr<size_t>(offset == 0 ? 1 : 0);
                }})
          .ok();
    });
  }();
  EXPECT_TRUE(created) << "the bucket could not be created";
  return options;
}

/// A prefix of its own.
class BucketFolder {
 public:
  BucketFolder() : options_(BucketOptions()) { options_.prefix = NewId() + "/"; }

  const S3Options& options() const { return options_; }

  /// Stores an object past everything that checks.
  void Put(const std::string& key, const std::string& bytes) {
    S3Client client(options_, clock_);
    ASSERT_THAT(client.Put({key, Sha256Hex(bytes), bytes.size(),
                            [&](uint64_t offset, char* into, size_t room) {
                              const size_t count = std::min<size_t>(room, bytes.size() - offset);
                              std::copy_n(bytes.data() + offset, count, into);
                              return absl::StatusOr<size_t>(count);
                            }}),
                IsOk());
  }

 private:
  const SystemClock clock_;
  S3Options options_;
};

}  // namespace vico::server
