// What an object store and the files beside it may say: error answers, credentials, keys of objects
// and addresses. The first byte selects which.
#include <algorithm>

#include "server/objects/object_key.h"
#include "server/s3/credentials.h"
#include "server/s3/s3_error.h"
#include "server/s3/s3_options.h"
#include "server/s3/s3_xml.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

/// Its first byte and 400 give the code.
void ReadAnswer(std::string_view text) {
  server::HttpAnswer answer;
  answer.code = text.empty() ? 500 : 400 + static_cast<unsigned char>(text[0]);
  answer.body = text.substr(std::min<size_t>(1, text.size()));
  answer.headers = {{"date", answer.body}, {"retry-after", answer.body}};
  const server::S3Failure failure = server::FailureOf(answer, absl::FromUnixSeconds(1'800'000'000));
  MustHold(!failure.status.ok(), "an answer above 299 is an error");
  MustHold(failure.retry_after <= absl::Seconds(5), "a store does not hold a caller for long");
  for (const std::string_view element : server::XmlElements(text, "Contents")) {
    MustHold(element.size() < text.size(), "an element is part of the text");
  }
}

void ReadKey(std::string_view text) {
  const auto key = server::ParseObjectKey(text);
  if (!key.ok()) return;
  MustHold(server::CheckBlobName(key->tenant, key->sha256).ok(), "the parts of a key are names");
  MustHold(text.find("..") == std::string_view::npos, "a key does not leave its folder");
}

void ReadAddress(std::string_view text) {
  const auto options = server::ParseS3Address("--blobs", text);
  if (!options.ok()) return;
  const auto again = server::ParseS3Address("--blobs", server::S3AddressOf(*options));
  MustHold(again.ok() && again->bucket == options->bucket && again->prefix == options->prefix,
           "an address is read as it is written");
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string sha256(64, 'a');
  return {
      "e\x67<Error><Code>SlowDown</Code><Message>m &amp; n</Message></Error>",
      "e\x03<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2026-01-01T00:00:00Z</ServerTime>",
      "e\x04<Code>NoSuchBucket</Code>",
      "e\x6b<Contents><Key>a</Key></Contents><Contents>",
      "c[default]\naws_access_key_id = A\naws_secret_access_key=B\n# c\n[profile x]\n=\n[",
      "r<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T"
      "</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration>",
      "kacme/aa/" + sha256 + "/" + std::string(32, '0'),
      "kacme/aa/" + sha256,
      "k../aa/" + sha256,
      "as3://bucket/prefix/x/",
      "as3://my.bucket",
      "as3://bucket/../x",
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  if (data[0] == 'e') {
    ReadAnswer(rest);
  } else if (data[0] == 'c') {
    server::ParseCredentialsFile(rest, "default").status().IgnoreError();
  } else if (data[0] == 'r') {
    server::ParseAssumedRole(rest).status().IgnoreError();
  } else if (data[0] == 'k') {
    ReadKey(rest);
  } else {
    ReadAddress(rest);
  }
  return 0;
}

}  // namespace vico::fuzz
