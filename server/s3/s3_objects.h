// Objects in a bucket. An upload is spooled to a file without a name, and goes to the store in one
// PUT. A reader fetches ranges of up to 4 MiB ahead of what it is asked for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "server/objects/object_store.h"
#include "server/s3/s3_client.h"

namespace vico::server {

/// Memory for what readers have fetched ahead, shared by all of them.
class ReadAheadBudget {
 public:
  explicit ReadAheadBudget(uint64_t bytes) : left_(static_cast<int64_t>(bytes)) {}
  bool Take(uint64_t bytes);
  void Return(uint64_t bytes) { left_ += static_cast<int64_t>(bytes); }

 private:
  std::atomic<int64_t> left_;
};

class S3Objects final : public ObjectStore {
 public:
  /// Spools uploads in the folder `scratch`, which must exist. `clock` must outlive it. Sends no
  /// request yet.
  S3Objects(const S3Options& options, std::string scratch, const Clock& clock);

  bool remote() const override { return true; }
  absl::StatusOr<std::unique_ptr<ObjectWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key,
                                                     uint64_t size_bytes) override;
  absl::Status Look(const std::string& /*key*/) override { return absl::OkStatus(); }
  absl::Status Remove(const std::string& key) override;
  absl::Status RemoveTenant(std::string_view tenant) override;
  absl::Status List(const std::function<absl::Status(const ObjectInfo&)>& on_object) override;

  /// Nothing: the object stays where it is, and is removed when its row in dead_object is due.
  absl::Status Quarantine(const std::string& /*key*/) override { return absl::OkStatus(); }

  absl::Status Probe() override;

  /// The mark is the object "installation" under the prefix.
  absl::Status Claim(const std::string& installation, bool first) override;

 private:
  absl::Status ListFrom(const std::string& start,
                        const std::function<absl::Status(const ObjectInfo&)>& on_object);
  absl::Status PutText(const std::string& key, const std::string& text);

  const std::string scratch_;
  S3Client client_;
  ReadAheadBudget read_ahead_;
};

}  // namespace vico::server
