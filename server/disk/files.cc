#include "server/disk/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/status.h"

namespace vico::server {

absl::Status FileError(std::string_view doing) {
  const int error = errno;
  const std::string message = fmt::format("file: {}: {}", doing, std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EEXIST:
      return absl::AlreadyExistsError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error(absl::StatusCode::kResourceExhausted, message, "DISK_FULL");
    default:
      return absl::UnavailableError(message);
  }
}

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

class PosixWritableFile final : public WritableFile {
 public:
  explicit PosixWritableFile(int fd) : fd_(fd) {}

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return FileError("write");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    return fsync(fd_.get()) == 0 ? absl::OkStatus() : FileError("sync");
  }

 private:
  const Descriptor fd_;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(int fd, uint64_t size) : fd_(fd), size_(size) {}

  uint64_t size_bytes() const override { return size_; }

  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    if (offset >= size_) return std::string();
    std::string bytes(std::min(length, size_ - offset), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = pread(fd_.get(), bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FileError("read");
      if (got == 0) return absl::DataLossError("file: has become shorter");
      done += static_cast<size_t>(got);
    }
    return bytes;
  }

 private:
  const Descriptor fd_;
  const uint64_t size_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WritableFile>> PosixFiles::Create(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("create");
  return std::make_unique<PosixWritableFile>(fd);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> PosixFiles::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return FileError("open");
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    const absl::Status status = FileError("stat");
    close(fd);
    return status;
  }
  return std::make_unique<PosixReadableFile>(fd, static_cast<uint64_t>(info.st_size));
}

absl::StatusOr<uint64_t> PosixFiles::Size(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return FileError("stat");
  return static_cast<uint64_t>(info.st_size);
}

absl::Status PosixFiles::Rename(const std::string& from, const std::string& to) {
  return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus() : FileError("rename");
}

absl::Status PosixFiles::Remove(const std::string& path) {
  return unlink(path.c_str()) == 0 ? absl::OkStatus() : FileError("remove");
}

absl::Status PosixFiles::MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return FileError("create folder");
}

absl::Status PosixFiles::SyncFolder(const std::string& path) {
  const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return FileError("open folder");
  return fsync(folder.get()) == 0 ? absl::OkStatus() : FileError("sync folder");
}

}  // namespace vico::server
