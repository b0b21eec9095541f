// Streams local files to the server in one client-streaming call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include "client/lib/client.h"
#include "client/lib/local_file.h"
#include "common/crypto/sha256.h"
#include "common/plain_text.h"
#include "common/rpc/status_grpc.h"

namespace vico::client {

/// The name of the file, as the server shows it to people. The system's names of files are bytes.
inline std::string NameForServer(const LocalFile& file) {
  constexpr std::size_t kMostCharacters = 255;  // that the server accepts
  return PlainName(file.path.filename().string(), kMostCharacters);
}

/// Sends a header and files. After the first failure further calls of Write and Send do nothing,
/// and Finish returns the error. `context` and `progress` must outlive the object.
template <typename Request>
class Upload {
 public:
  Upload(grpc::ClientContext& context, std::unique_ptr<grpc::ClientWriter<Request>> writer,
         std::uint64_t total_bytes, const TransferProgress& progress)
      : context_(context),
        writer_(std::move(writer)),
        total_bytes_(total_bytes),
        progress_(progress) {}

  void Write(const Request& message) { open_ = open_ && writer_->Write(message); }

  /// Sends the bytes of the file in pieces; `wrap` puts a piece into a message.
  void Send(const LocalFile& file, const std::function<Request(std::string&&)>& wrap) {
    if (!open_) return;
    Sha256 digest;
    local_ = ReadPieces(file.path, kPieceBytes, [&](std::string&& piece) {
      digest.Update(piece);
      sent_bytes_ += piece.size();
      open_ = writer_->Write(wrap(std::move(piece)));
      if (open_ && progress_) progress_(sent_bytes_, total_bytes_);
      return open_;
    });
    if (local_.ok() && open_ && digest.HexDigest() != file.sha256) {
      local_ = absl::FailedPreconditionError(
          fmt::format("{}: the file changed during the upload", file.path.string()));
    }
    open_ = open_ && local_.ok();
  }

  /// The error of a local file, or else the status of the call.
  absl::Status Finish() {
    if (local_.ok()) {
      writer_->WritesDone();
    } else {
      context_.TryCancel();
    }
    const absl::Status remote = FromGrpc(writer_->Finish());
    return local_.ok() ? remote : local_;
  }

 private:
  static constexpr std::size_t kPieceBytes = 1 << 20;

  grpc::ClientContext& context_;
  const std::unique_ptr<grpc::ClientWriter<Request>> writer_;
  const std::uint64_t total_bytes_;
  const TransferProgress& progress_;
  std::uint64_t sent_bytes_ = 0;
  bool open_ = true;  // the server has not ended the stream, and no file has failed
  absl::Status local_;
};

}  // namespace vico::client
