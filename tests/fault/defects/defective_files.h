// Files with one defect in how a blob becomes durable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"
#include "server/disk/files.h"

namespace vico::fault {

/// Forwards to `below`, except for one defect:
///   row_before_blob    Sync of a file does nothing, so a row is durable before its blob
///   retry_failed_sync  a failed Sync is retried; the kernel has dropped the pages and reports OK
///   no_folder_sync     the folder that a file was renamed into is not synced
/// Any other name plants nothing. Threads as for `below`, one at a time for renames.
class DefectiveFiles final : public server::Files {
 public:
  /// `below` must outlive this object.
  DefectiveFiles(server::Files& below, std::string defect)
      : below_(below), defect_(std::move(defect)) {}

  absl::StatusOr<std::unique_ptr<server::WritableFile>> Create(const std::string& path) override {
    ASSIGN_OR_RETURN(auto file, below_.Create(path));
    return std::make_unique<File>(std::move(file), defect_);
  }
  absl::StatusOr<std::unique_ptr<server::ReadableFile>> Open(const std::string& path) override {
    return below_.Open(path);
  }
  absl::StatusOr<uint64_t> Size(const std::string& path) override { return below_.Size(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    renamed_into_ = to.substr(0, to.rfind('/'));
    return below_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return below_.Remove(path); }
  absl::Status MakeFolder(const std::string& path) override { return below_.MakeFolder(path); }
  absl::Status SyncFolder(const std::string& path) override {
    if (defect_ == "no_folder_sync" && path == renamed_into_) return absl::OkStatus();
    return below_.SyncFolder(path);
  }

 private:
  class File final : public server::WritableFile {
   public:
    File(std::unique_ptr<server::WritableFile> file, std::string_view defect)
        : file_(std::move(file)), defect_(defect) {}
    absl::Status Append(std::string_view bytes) override { return file_->Append(bytes); }
    absl::Status Sync() override {
      if (defect_ == "row_before_blob") return absl::OkStatus();
      absl::Status synced = file_->Sync();
      if (!synced.ok() && defect_ == "retry_failed_sync") synced = file_->Sync();
      return synced;
    }

   private:
    const std::unique_ptr<server::WritableFile> file_;
    const std::string_view defect_;
  };

  server::Files& below_;
  const std::string defect_;
  std::string renamed_into_;
};

}  // namespace vico::fault
