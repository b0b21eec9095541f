#include "server/gate/tls_files_watch.h"

#include <utility>

#include "common/status.h"

namespace vico::server {

absl::StatusOr<TlsFilesWatch> TlsFilesWatch::Open(TlsFiles files, Log log) {
  RETURN_IF_ERROR(ReadTlsFiles(files).status());
  return TlsFilesWatch(std::move(files), std::move(log));
}

TlsFilesWatch::Found TlsFilesWatch::Read() {
  absl::StatusOr<TlsPems> pems = ReadTlsFiles(files_);
  if (!pems.ok()) {
    const std::string error(pems.status().message());
    if (error != error_) {
      log_.Warning("new certificate files are not used", {{"error", error}});
      error_ = error;
    }
    return loaded_ ? Found::kUnchanged : Found::kNothingUsable;
  }
  error_.clear();
  if (loaded_ && pems->certificate == pems_.certificate &&
      pems->key.Reveal() == pems_.key.Reveal() && pems->ca == pems_.ca) {
    return Found::kUnchanged;
  }
  if (loaded_) log_.Info("new certificate files are in use");
  pems_ = *std::move(pems);
  loaded_ = true;
  return Found::kNew;
}

}  // namespace vico::server
