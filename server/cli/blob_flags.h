// The flags that say where blobs are: in the data folder or in a bucket.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "server/s3/s3_options.h"

namespace CLI {
class App;
}

namespace vico::server {

struct BlobFlags {
  std::string address;  ///< "s3://bucket/prefix"; empty: the data folder
  std::string endpoint;
  std::string region = "us-east-1";
  std::string ca_file;
};

/// Adds --s3-endpoint, --s3-region, --s3-ca and the flag `name` for the address.
void AddBlobFlags(CLI::App& app, const std::string& name, const std::string& help,
                  BlobFlags& flags);

/// The bucket of the flags, with the credentials of the environment; none without an address.
/// kInvalidArgument names the flag. `name` is as above.
absl::StatusOr<std::optional<S3Options>> S3OptionsOf(const std::string& name,
                                                     const BlobFlags& flags);

}  // namespace vico::server
