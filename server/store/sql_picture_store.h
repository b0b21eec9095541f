// The store of pictures' rows on SQL.
#pragma once

#include <optional>
#include <string_view>

#include "server/jobs/picture_store.h"
#include "server/sql/database.h"

namespace vico::server {

class SqlPictureStore final : public PictureStore {
 public:
  /// `database` must outlive the store.
  explicit SqlPictureStore(Database& database) : database_(database) {}

  absl::StatusOr<PictureBlob> FindInEvents(std::string_view tenant, std::string_view job,
                                           std::string_view picture) override;
  absl::StatusOr<JobPictures> FindInputs(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<std::optional<PictureBlob>> FindThumbnail(std::string_view tenant,
                                                           const ThumbnailKey& key) override;
  absl::Status SaveThumbnail(std::string_view tenant, const ThumbnailKey& key,
                             const PictureBlob& thumbnail) override;

 private:
  Database& database_;
};

}  // namespace vico::server
