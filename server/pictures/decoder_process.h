// Decodes each picture in a confined process of its own, vico-decode, so that a malicious picture
// reaches neither the server nor another picture. docs/decisions/006.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "server/pictures/picture_decoder.h"

namespace vico::server {

struct DecoderOptions {
  std::string program;                           ///< path of vico-decode
  bool unconfined = false;                       ///< decode unconfined if the kernel cannot confine
  absl::Duration time_limit = absl::Seconds(5);  ///< for one picture, in real time
};

class DecoderProcess final : public PictureDecoder {
 public:
  /// Runs the program once to check that it is confined. kFailedPrecondition, reason
  /// DECODER_UNCONFINED, when it is not and `options` do not allow that; kUnavailable when it does
  /// not start.
  static absl::StatusOr<std::unique_ptr<DecoderProcess>> Start(const DecoderOptions& options,
                                                               const Log& log);

  /// kInvalidArgument also when decoding exceeds the time limit or kills the process, which is
  /// logged; kResourceExhausted when something else killed the process, as the kernel does when
  /// memory is short; kUnavailable when no process can be started.
  absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) override;

 private:
  DecoderProcess(const DecoderOptions& options, const Log& log) : options_(options), log_(log) {}
  absl::Status Explain(int wait_status) const;

  const DecoderOptions options_;
  const Log log_;
};

}  // namespace vico::server
