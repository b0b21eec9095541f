// Names of pictures, for PictureService.DownloadPicture.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "vico/v1/concept.pb.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

enum class PictureKind {
  kConceptPicture,
  kPicture,
  kSample,
  kMask,
  kPreview,
  kReference,
  kReport,
  kUploaded
};

/// A parsed name.
struct PictureName {
  PictureKind kind = PictureKind::kPicture;
  std::string owner;  ///< "concepts/{id}", "jobs/{id}", "adapters/{id}" or "pictures/{id}"
  int64_t step = 0;   ///< of a sample or mask
  int index = 0;      ///< of the picture in its list; of a sample: its prompt
};

/// kInvalidArgument that names the field "name" for anything that is not a picture's name.
absl::StatusOr<PictureName> ParsePictureName(std::string_view name);

/// The name of an event's picture within its job: "samples/{step}/{index}", "masks/{step}/{index}"
/// or "previews/{index}". Empty for an event without such a picture.
std::string PictureInJob(const v1::Event& event);
std::string PictureInJob(const PictureName& name);

/// Fill in the names of pictures, which stores leave out.
void NamePictures(v1::Concept& concept_set);
void NamePictures(v1::Job& job);
void NamePictures(std::string_view job, v1::Event& event);

}  // namespace vico::server
