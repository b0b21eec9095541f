// The real file system with an injected error at a chosen operation, and a log of all operations.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "server/disk/files.h"

namespace vico::server {

/// One thread at a time.
class FaultyFiles final : public Files {
 public:
  enum class Fault { kFail, kTear };  // kTear writes half of the bytes first

  /// Appends write half of their bytes and report success, until Heal.
  void LoseBytes() { loses_bytes_ = true; }

  /// From the nth operation on (from 0), all operations except Remove fail as on a full disk, until
  /// Heal.
  void BreakAt(int operation, Fault fault = Fault::kFail) {
    break_at_ = operation;
    fault_ = fault;
    log_.clear();
  }
  void Heal() {
    break_at_ = -1;
    loses_bytes_ = false;
  }

  /// Calls `call` after each removal, on the same thread.
  void OnRemoved(std::function<void()> call) { on_removed_ = std::move(call); }

  /// "create", "append", "sync", "rename", "remove", "make folder", "sync folder {last part}"
  const std::vector<std::string>& log() const { return log_; }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    RETURN_IF_ERROR(Step("create"));
    ASSIGN_OR_RETURN(auto file, posix_.Create(path));
    return std::make_unique<File>(*this, std::move(file));
  }
  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    return posix_.Open(path);
  }
  absl::StatusOr<uint64_t> Size(const std::string& path) override { return posix_.Size(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    RETURN_IF_ERROR(Step("rename"));
    return posix_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override {
    log_.push_back("remove");
    const absl::Status removed = posix_.Remove(path);
    if (on_removed_) on_removed_();
    return removed;
  }
  absl::Status MakeFolder(const std::string& path) override {
    RETURN_IF_ERROR(Step("make folder"));
    return posix_.MakeFolder(path);
  }
  absl::Status SyncFolder(const std::string& path) override {
    RETURN_IF_ERROR(Step("sync folder " + path.substr(path.rfind('/') + 1)));
    return posix_.SyncFolder(path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(FaultyFiles& files, std::unique_ptr<WritableFile> file)
        : files_(files), file_(std::move(file)) {}
    absl::Status Append(std::string_view bytes) override {
      if (const absl::Status status = files_.Step("append"); !status.ok()) {
        if (files_.fault_ == Fault::kTear) {
          file_->Append(bytes.substr(0, bytes.size() / 2)).IgnoreError();
        }
        return status;
      }
      return file_->Append(files_.loses_bytes_ ? bytes.substr(0, bytes.size() / 2) : bytes);
    }
    absl::Status Sync() override {
      RETURN_IF_ERROR(files_.Step("sync"));
      return file_->Sync();
    }

   private:
    FaultyFiles& files_;
    const std::unique_ptr<WritableFile> file_;
  };

  absl::Status Step(std::string name) {
    const int operation = static_cast<int>(log_.size());
    log_.push_back(std::move(name));
    if (break_at_ < 0 || operation < break_at_) return absl::OkStatus();
    return Error(absl::StatusCode::kResourceExhausted, "file: no space left", "DISK_FULL");
  }

  std::function<void()> on_removed_;
  PosixFiles posix_;
  int break_at_ = -1;
  bool loses_bytes_ = false;
  Fault fault_ = Fault::kFail;
  std::vector<std::string> log_;
};

}  // namespace vico::server
