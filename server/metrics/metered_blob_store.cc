#include "server/metrics/metered_blob_store.h"

#include <string>
#include <utility>

#include "common/status.h"

namespace vico::server {
namespace {

class MeteredWriter final : public BlobWriter {
 public:
  MeteredWriter(std::unique_ptr<BlobWriter> writer, Metrics& metrics)
      : writer_(std::move(writer)), metrics_(metrics) {}

  absl::Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(writer_->Append(bytes));
    metrics_.BlobBytes(Metrics::Direction::kIn, bytes.size());
    return absl::OkStatus();
  }
  absl::StatusOr<MappedBytes> Map() override { return writer_->Map(); }

  absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                     std::string_view media_type) override {
    return writer_->Commit(expected_sha256, media_type);
  }

 private:
  const std::unique_ptr<BlobWriter> writer_;
  Metrics& metrics_;
};

class MeteredReader final : public BlobReader {
 public:
  MeteredReader(std::unique_ptr<BlobReader> reader, Metrics& metrics)
      : reader_(std::move(reader)), metrics_(metrics) {}

  uint64_t size_bytes() const override { return reader_->size_bytes(); }
  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    auto bytes = reader_->Read(offset, length);
    if (bytes.ok()) metrics_.BlobBytes(Metrics::Direction::kOut, bytes->size());
    return bytes;
  }

 private:
  const std::unique_ptr<BlobReader> reader_;
  Metrics& metrics_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobWriter>> MeteredBlobStore::Create(std::string_view tenant) {
  ASSIGN_OR_RETURN(auto writer, blobs_.Create(tenant));
  return std::make_unique<MeteredWriter>(std::move(writer), metrics_);
}

absl::StatusOr<std::unique_ptr<BlobReader>> MeteredBlobStore::Open(std::string_view tenant,
                                                                   std::string_view sha256) {
  ASSIGN_OR_RETURN(auto reader, blobs_.Open(tenant, sha256));
  return std::make_unique<MeteredReader>(std::move(reader), metrics_);
}

absl::StatusOr<uint64_t> MeteredBlobStore::Size(std::string_view tenant, std::string_view sha256) {
  return blobs_.Size(tenant, sha256);
}

absl::Status MeteredBlobStore::Remove(std::string_view tenant, std::string_view sha256) {
  return blobs_.Remove(tenant, sha256);
}

absl::Status MeteredBlobStore::RemoveTenant(std::string_view tenant) {
  return blobs_.RemoveTenant(tenant);
}

}  // namespace vico::server
