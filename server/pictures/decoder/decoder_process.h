// Decodes each picture in a process of its own, vico-decode, that has no right but to compute; what
// one picture does to it, the next one never meets. docs/decisions/006.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "server/pictures/picture_decoder.h"

namespace vico::server {

struct DecoderOptions {
  std::string program;                         ///< path of vico-decode
  bool unconfined = false;                     ///< decode with full rights where it must be so
  absl::Duration patience = absl::Seconds(5);  ///< for one picture, by the clock on the wall
};

class DecoderProcess final : public PictureDecoder {
 public:
  /// Runs the program once to see that it is confined. kFailedPrecondition (DECODER_UNCONFINED)
  /// when it cannot be, unless `options` allow that; kUnavailable when it does not start.
  static absl::StatusOr<std::unique_ptr<DecoderProcess>> Start(const DecoderOptions& options,
                                                               const Log& log);

  /// kInvalidArgument, too, when the picture takes the process longer than it has, or kills it,
  /// which is logged; kResourceExhausted when somebody else killed it (the machine is short of
  /// memory); kUnavailable when no process can be started.
  absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) override;

 private:
  DecoderProcess(const DecoderOptions& options, const Log& log) : options_(options), log_(log) {}
  absl::Status Explain(int wait_status) const;

  const DecoderOptions options_;
  const Log log_;
};

}  // namespace vico::server
