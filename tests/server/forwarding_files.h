// The real file system, for tests to override single calls of.
#pragma once

#include <memory>
#include <string>

#include "server/disk/files.h"

namespace vico::server {

class ForwardingFiles : public Files {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    return posix_.Create(path);
  }
  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    return posix_.Open(path);
  }
  absl::StatusOr<uint64_t> Size(const std::string& path) override { return posix_.Size(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return posix_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return posix_.Remove(path); }
  absl::Status MakeFolder(const std::string& path) override { return posix_.MakeFolder(path); }
  absl::Status SyncFolder(const std::string& path) override { return posix_.SyncFolder(path); }

 private:
  PosixFiles posix_;
};

}  // namespace vico::server
