// Looks up stored pictures by the names of PictureService.DownloadPicture.
#pragma once

#include <string_view>

#include <absl/status/statusor.h>

#include "server/jobs/catalog.h"
#include "server/jobs/job_store.h"
#include "server/jobs/picture_names.h"
#include "server/jobs/picture_store.h"

namespace vico::server {

/// The stores that have pictures.
struct PictureSources {
  Catalog& catalog;
  JobStore& jobs;
  PictureStore& pictures;
};

/// kNotFound for a picture, or its owner, that does not exist: reason PICTURE_NOT_FOUND or the
/// store's.
absl::StatusOr<PictureBlob> FindPicture(const PictureSources& sources, std::string_view tenant,
                                        const PictureName& name);

}  // namespace vico::server
