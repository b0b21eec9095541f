#include "server/pictures/decoder_process.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <span>

#include <fmt/format.h>
#include <sys/wait.h>

#include "common/status.h"
#include "server/pictures/child.h"
#include "server/pictures/decoder/frame.h"
#include "server/pictures/decoder/helper.h"
#include "server/pictures/scan/decode_report.h"

namespace vico::server {
namespace {

absl::Status Bad(std::string_view what) { return absl::InvalidArgumentError(ToAbsl(what)); }

absl::Status SendJob(Child& child, const ScannedPicture& picture, Child::Time deadline) {
  const JobHeaderBytes header =
      ToBytes(JobHeader{.width = picture.width,
                        .height = picture.height,
                        .orientation = static_cast<uint32_t>(picture.orientation),
                        .shrink = picture.shrink,
                        .colour = picture.colour,
                        .colour_bytes = static_cast<uint32_t>(picture.colour_data.size()),
                        .file_bytes = static_cast<uint32_t>(picture.stripped.size())});
  RETURN_IF_ERROR(child.Send(std::as_bytes(std::span(header)), deadline));
  RETURN_IF_ERROR(child.Send(std::as_bytes(std::span(picture.colour_data)), deadline));
  return child.Send(std::as_bytes(std::span(picture.stripped)), deadline);
}

/// Reads the child's answer to a job, and checks that it fits the job.
absl::StatusOr<DecodeOutcome> ReceiveAnswer(Child& child, const ScannedPicture& picture,
                                            Pixels& pixels, Child::Time deadline) {
  AnswerHeaderBytes bytes;
  RETURN_IF_ERROR(child.Receive(std::as_writable_bytes(std::span(bytes)), deadline));
  AnswerHeader header;
  if (!FromBytes(bytes, header)) return absl::AbortedError("not an answer");
  pixels.notes = header.notes;
  if (header.outcome != DecodeOutcome::kDecoded) return header.outcome;
  const uint32_t width = Shrunk(picture.width, picture.shrink);
  const uint32_t height = Shrunk(picture.height, picture.shrink);
  const uint64_t size = uint64_t{3} * width * height;
  if (header.pixel_bytes != size) return absl::AbortedError("not the answer's size");
  const bool turned = picture.orientation >= 5;
  pixels.width = static_cast<int>(turned ? height : width);
  pixels.height = static_cast<int>(turned ? width : height);
  pixels.bgr.resize(size);
  RETURN_IF_ERROR(child.Receive(std::as_writable_bytes(std::span(pixels.bgr)), deadline));
  return header.outcome;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DecoderProcess>> DecoderProcess::Start(const DecoderOptions& options,
                                                                      const Log& log) {
  auto decoder = std::unique_ptr<DecoderProcess>(new DecoderProcess(options, log));
  if (options.unconfined) {
    log.Warning("uploaded pictures are decoded by a process that is not confined");
    return decoder;
  }
  ASSIGN_OR_RETURN(Child child, Child::Start(options.program, "--probe"));
  const int status = child.End(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return decoder;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kHelperCannotConfine) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "the process that decodes uploaded pictures cannot be confined on this machine; "
                 "with --allow-unconfined-decoding it decodes them with the server's rights",
                 "DECODER_UNCONFINED");
  }
  return absl::UnavailableError(
      fmt::format("{} is no decoder of this version: it ended with status {:#x} when it was tried",
                  options.program, status));
}

/// The error for a process that exited without an answer.
absl::Status DecoderProcess::Explain(int wait_status) const {
  if (WIFEXITED(wait_status)) {
    return absl::InternalError(
        fmt::format("the decoder ended with code {}", WEXITSTATUS(wait_status)));
  }
  const int signal = WTERMSIG(wait_status);
  log_.Warning("a picture ended its decoder", {{"signal", sigabbrev_np(signal)}});
  switch (signal) {
    case SIGXCPU:
      return Bad("takes more processor time to decode than a picture may take");
    case SIGKILL:
      return Error(absl::StatusCode::kResourceExhausted, "the decoder was killed; try again",
                   "DECODER_KILLED");
    default:
      return Bad("does not decode: the decoder did not survive it");
  }
}

absl::StatusOr<Pixels> DecoderProcess::Decode(const ScannedPicture& picture) {
  const auto deadline =
      std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(options_.time_limit);
  absl::StatusOr<Child> started =
      Child::Start(options_.program, options_.unconfined ? "--unconfined" : "");
  if (!started.ok()) {
    log_.Warning("no decoder starts", {{"error", started.status().ToString()}});
    return WithRetryAfter(Error(absl::StatusCode::kUnavailable,
                                "no process could be started to decode the picture; try again",
                                "DECODER_NOT_STARTED"),
                          absl::Seconds(1));
  }
  Child child = *std::move(started);
  Pixels pixels;
  // A process that exits before it has read everything may still have answered.
  const absl::Status sent = SendJob(child, picture, deadline);
  const absl::StatusOr<DecodeOutcome> outcome =
      absl::IsDeadlineExceeded(sent) ? sent : ReceiveAnswer(child, picture, pixels, deadline);
  const bool late = absl::IsDeadlineExceeded(outcome.status());
  const int status = child.End(late ? std::chrono::steady_clock::now() : deadline);
  if (late) {
    log_.Warning("a picture exceeded the time limit of its decoder");
    return Bad("takes longer to decode than a picture may take");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kHelperAnswered) return Explain(status);
  if (!outcome.ok()) return absl::InternalError("the decoder ended without a whole answer");
  RETURN_IF_ERROR(DecodeError(picture, *outcome, pixels.notes));
  return pixels;
}

}  // namespace vico::server
