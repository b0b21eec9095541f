// Files that record their changes in a DiskRecorder. The changes are made on the real disk, too,
// but never synced there.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/status.h"
#include "server/disk/files.h"
#include "tests/fault/power_loss/shadow_disk.h"

namespace vico::fault {

/// One thread at a time. Every path is below `root`, which always exists.
class ShadowFiles final : public server::Files {
 public:
  ShadowFiles(DiskRecorder& disk, std::string root) : disk_(disk), root_(std::move(root)) {}

  absl::StatusOr<std::unique_ptr<server::WritableFile>> Create(const std::string& path) override {
    ASSIGN_OR_RETURN(auto file, posix_.Create(path));
    return std::make_unique<File>(disk_, disk_.Create(Below(path)), std::move(file));
  }
  absl::StatusOr<std::unique_ptr<server::ReadableFile>> Open(const std::string& path) override {
    return posix_.Open(path);
  }
  absl::StatusOr<uint64_t> Size(const std::string& path) override { return posix_.Size(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    RETURN_IF_ERROR(posix_.Rename(from, to));
    disk_.Rename(Below(from), Below(to));
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    RETURN_IF_ERROR(posix_.Remove(path));
    disk_.Remove(Below(path));
    return absl::OkStatus();
  }
  absl::Status MakeFolder(const std::string& path) override {
    RETURN_IF_ERROR(posix_.MakeFolder(path));
    disk_.MakeFolder(Below(path));
    return absl::OkStatus();
  }
  absl::Status SyncFolder(const std::string& path) override {
    return disk_.SyncFolder(Below(path)) ? absl::OkStatus() : Failed();
  }

 private:
  static absl::Status Failed() { return absl::UnavailableError("file: sync: input/output error"); }

  class File final : public server::WritableFile {
   public:
    File(DiskRecorder& disk, int number, std::unique_ptr<server::WritableFile> file)
        : disk_(disk), number_(number), file_(std::move(file)) {}
    absl::Status Append(std::string_view bytes) override {
      RETURN_IF_ERROR(file_->Append(bytes));
      disk_.Write(number_, size_, bytes);
      size_ += bytes.size();
      return absl::OkStatus();
    }
    absl::Status Sync() override { return disk_.Sync(number_) ? absl::OkStatus() : Failed(); }

   private:
    DiskRecorder& disk_;
    const int number_;
    const std::unique_ptr<server::WritableFile> file_;
    uint64_t size_ = 0;
  };

  std::string Below(const std::string& path) const {
    return path.size() <= root_.size() ? "" : path.substr(root_.size() + 1);
  }

  server::PosixFiles posix_;
  DiskRecorder& disk_;
  const std::string root_;
};

}  // namespace vico::fault
