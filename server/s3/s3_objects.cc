#include "server/s3/s3_objects.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/failpoint.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/disk/scratch_file.h"
#include "server/objects/object_key.h"

namespace vico::server {
namespace {

constexpr uint64_t kFirstRead = uint64_t{1} << 20;
constexpr uint64_t kLargestRead = uint64_t{4} << 20;
constexpr uint64_t kReadAhead = uint64_t{64} << 20;  // of all readers
constexpr char kInstallation[] = "installation";

class S3Writer final : public ObjectWriter {
 public:
  S3Writer(std::unique_ptr<ScratchFile> file, S3Client& client)
      : file_(std::move(file)), client_(client) {}

  absl::Status Append(std::string_view bytes) override {
    return file_->Append(VICO_TORN("blob.append", bytes));
  }

  absl::StatusOr<MappedBytes> Map() override { return MapFile(file_->Path(), 1, "an upload"); }

  absl::Status Put(const std::string& key, std::string_view sha256) override {
    return client_.Put({key, std::string(sha256), file_->size_bytes(),
                        [this](uint64_t offset, char* into, size_t room) {
                          return file_->Read(offset, into, room);
                        }});
  }

 private:
  const std::unique_ptr<ScratchFile> file_;
  S3Client& client_;
};

/// Keeps the bytes that it has fetched last. A range that follows them is larger than the one
/// before, as long as there is memory for it.
class S3Reader final : public ObjectReader {
 public:
  S3Reader(std::string key, uint64_t size_bytes, S3Client& client, ReadAheadBudget& budget)
      : key_(std::move(key)), size_bytes_(size_bytes), client_(client), budget_(budget) {}

  ~S3Reader() override { Forget(); }

  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    if (offset >= size_bytes_) return std::string();
    length = std::min(length, size_bytes_ - offset);
    if (length > kLargestRead) return Fetch(offset, length);
    if (!Holds(offset, length)) RETURN_IF_ERROR(FetchAhead(offset, length));
    return Holds(offset, length) ? held_.substr(offset - held_from_, length)
                                 : absl::StatusOr<std::string>(Fetch(offset, length));
  }

 private:
  bool Holds(uint64_t offset, uint64_t length) const {
    return offset >= held_from_ && offset + length <= held_from_ + held_.size();
  }

  absl::StatusOr<std::string> Fetch(uint64_t offset, uint64_t length) {
    absl::StatusOr<std::string> bytes = client_.Get(key_, offset, length);
    if (absl::IsNotFound(bytes.status())) return absl::DataLossError("blob: the object is gone");
    return bytes;
  }

  absl::Status FetchAhead(uint64_t offset, uint64_t length) {
    const bool follows = !held_.empty() && offset == held_from_ + held_.size();
    ahead_ = follows ? std::min(2 * ahead_, kLargestRead) : kFirstRead;
    Forget();
    const uint64_t wanted = std::min(std::max(ahead_, length), size_bytes_ - offset);
    if (!budget_.Take(wanted)) return absl::OkStatus();
    taken_ = wanted;
    ASSIGN_OR_RETURN(held_, Fetch(offset, wanted));
    held_from_ = offset;
    return absl::OkStatus();
  }

  void Forget() {
    budget_.Return(std::exchange(taken_, 0));
    std::string().swap(held_);
  }

  const std::string key_;
  const uint64_t size_bytes_;
  S3Client& client_;
  ReadAheadBudget& budget_;
  std::string held_;
  uint64_t held_from_ = 0;
  uint64_t ahead_ = kFirstRead;
  uint64_t taken_ = 0;
};

}  // namespace

bool ReadAheadBudget::Take(uint64_t bytes) {
  const auto wanted = static_cast<int64_t>(bytes);
  if ((left_ -= wanted) >= 0) return true;
  left_ += wanted;
  return false;
}

S3Objects::S3Objects(const S3Options& options, std::string scratch, const Clock& clock)
    : scratch_(std::move(scratch)), client_(options, clock), read_ahead_(kReadAhead) {}

absl::StatusOr<std::unique_ptr<ObjectWriter>> S3Objects::Create(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  ASSIGN_OR_RETURN(auto file, ScratchFile::Create(scratch_));
  return std::make_unique<S3Writer>(std::move(file), client_);
}

absl::StatusOr<std::unique_ptr<ObjectReader>> S3Objects::Open(const std::string& key,
                                                              uint64_t size_bytes) {
  RETURN_IF_ERROR(ParseObjectKey(key).status());
  return std::make_unique<S3Reader>(key, size_bytes, client_, read_ahead_);
}

absl::Status S3Objects::Remove(const std::string& key) {
  RETURN_IF_ERROR(ParseObjectKey(key).status());
  return client_.Remove(key);
}

absl::Status S3Objects::RemoveTenant(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  return ListFrom(fmt::format("{}/", tenant),
                  [this](const ObjectInfo& object) { return client_.Remove(object.key); });
}

absl::Status S3Objects::List(const std::function<absl::Status(const ObjectInfo&)>& on_object) {
  return ListFrom("", on_object);
}

absl::Status S3Objects::ListFrom(const std::string& start,
                                 const std::function<absl::Status(const ObjectInfo&)>& on_object) {
  std::string next;
  do {
    ASSIGN_OR_RETURN(const S3Client::Page page, client_.List(start, next));
    for (const ObjectInfo& object : page.objects) {
      if (ParseObjectKey(object.key).ok()) RETURN_IF_ERROR(on_object(object));
    }
    next = page.next;
  } while (!next.empty());
  return absl::OkStatus();
}

absl::Status S3Objects::PutText(const std::string& key, const std::string& text) {
  return client_.Put(
      {key, Sha256Hex(text), text.size(), [&text](uint64_t offset, char* into, size_t room) {
         const size_t count = std::min<size_t>(room, text.size() - offset);
         std::copy_n(text.data() + offset, count, into);
         return absl::StatusOr<size_t>(count);
       }});
}

absl::Status S3Objects::Probe() {
  const std::string key = fmt::format("probe/{}", NewId());
  const std::string text = "vico";
  RETURN_IF_ERROR(PutText(key, text));
  const absl::StatusOr<std::string> read = client_.Get(key, 0, text.size());
  RETURN_IF_ERROR(client_.Remove(key));
  if (!read.ok()) return read.status();
  if (*read == text) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable, "object store: returns other bytes than it got",
               "OBJECT_STORE_UNAVAILABLE");
}

absl::Status S3Objects::Claim(const std::string& installation, bool first) {
  const absl::StatusOr<std::string> there = client_.Get(kInstallation, 0, installation.size());
  if (absl::IsNotFound(there.status()) && first) return PutText(kInstallation, installation);
  if (absl::IsNotFound(there.status())) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "object store: the bucket and prefix do not have the mark of this database, so "
                 "they are not where its blobs are",
                 "OBJECTS_OF_ANOTHER_DATABASE");
  }
  if (!there.ok() && !absl::IsDataLoss(there.status())) return there.status();
  if (there.ok() && *there == installation) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               "object store: the bucket and prefix belong to another database; use another prefix",
               "OBJECTS_OF_ANOTHER_DATABASE");
}

}  // namespace vico::server
