#include "server/cli/blob_flags.h"

#include <CLI/CLI.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"

namespace vico::server {

void AddBlobFlags(CLI::App& app, const std::string& name, const std::string& help,
                  BlobFlags& flags) {
  app.add_option(name, flags.address, help);
  app.add_option("--s3-endpoint", flags.endpoint,
                 "The object store, as https://HOST:PORT; without it, Amazon S3 of the region")
      ->envname("AWS_ENDPOINT_URL_S3");
  app.add_option("--s3-region", flags.region, "The region of the bucket")
      ->envname("AWS_REGION")
      ->capture_default_str();
  app.add_option("--s3-ca", flags.ca_file,
                 "CA in PEM of the object store, if its certificate is not of a public CA")
      ->envname("AWS_CA_BUNDLE")
      ->type_name(kFileType);
}

absl::StatusOr<std::optional<S3Options>> S3OptionsOf(const std::string& name,
                                                     const BlobFlags& flags) {
  if (flags.address.empty()) return std::optional<S3Options>();
  ASSIGN_OR_RETURN(S3Options options, ParseS3Address(name, flags.address));
  options.endpoint = flags.endpoint;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  options.region = flags.region;
  options.ca_file = flags.ca_file;
  RETURN_IF_ERROR(CheckS3Options(options));
  options.credentials = TakeS3Credentials();
  return std::optional<S3Options>(std::move(options));
}

}  // namespace vico::server
