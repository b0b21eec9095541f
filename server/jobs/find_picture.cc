#include "server/jobs/find_picture.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

absl::Status NoSuchPicture(std::string_view picture) {
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: no such picture", picture),
               "PICTURE_NOT_FOUND");
}

absl::Status NoPictureOf(const PictureName& name) {
  return NoSuchPicture(fmt::format("{}/pictures/{}", name.owner, name.index));
}

absl::StatusOr<PictureBlob> FindInConcept(Catalog& catalog, std::string_view tenant,
                                          const PictureName& name) {
  ASSIGN_OR_RETURN(const v1::Concept found, catalog.GetConcept(tenant, name.owner));
  if (name.index >= found.pictures_size()) return NoPictureOf(name);
  const v1::ConceptPicture& picture = found.pictures(name.index);
  return PictureBlob{picture.blob(), picture.width(), picture.height()};
}

absl::StatusOr<PictureBlob> FindReference(Catalog& catalog, std::string_view tenant,
                                          const PictureName& name) {
  ASSIGN_OR_RETURN(const v1::Adapter found, catalog.GetAdapter(tenant, name.owner));
  if (found.reference().sha256().empty()) return NoSuchPicture(name.owner + "/reference");
  return PictureBlob{.blob = found.reference()};
}

absl::StatusOr<PictureBlob> FindUploaded(Catalog& catalog, std::string_view tenant,
                                         const PictureName& name) {
  ASSIGN_OR_RETURN(const v1::UploadedPicture found, catalog.GetUploaded(tenant, name.owner));
  return PictureBlob{found.blob(), found.width(), found.height()};
}

absl::StatusOr<PictureBlob> FindSheet(Catalog& catalog, std::string_view tenant,
                                      const PictureName& name) {
  ASSIGN_OR_RETURN(const v1::AdapterReport found, catalog.GetReport(tenant, name.owner));
  if (found.sheet().sha256().empty()) return NoSuchPicture(name.owner + "/report");
  return PictureBlob{.blob = found.sheet()};
}

absl::StatusOr<PictureBlob> FindInJob(JobStore& jobs, std::string_view tenant,
                                      const PictureName& name) {
  ASSIGN_OR_RETURN(const v1::Job found, jobs.Get(tenant, name.owner));
  for (const v1::Picture& picture : found.pictures()) {
    if (picture.index() == name.index && !picture.blob().sha256().empty()) {
      return PictureBlob{picture.blob(), picture.width(), picture.height()};
    }
  }
  return NoPictureOf(name);
}

}  // namespace

absl::StatusOr<PictureBlob> FindPicture(const PictureSources& sources, std::string_view tenant,
                                        const PictureName& name) {
  switch (name.kind) {
    case PictureKind::kConceptPicture:
      return FindInConcept(sources.catalog, tenant, name);
    case PictureKind::kReference:
      return FindReference(sources.catalog, tenant, name);
    case PictureKind::kReport:
      return FindSheet(sources.catalog, tenant, name);
    case PictureKind::kUploaded:
      return FindUploaded(sources.catalog, tenant, name);
    case PictureKind::kPicture:
      return FindInJob(sources.jobs, tenant, name);
    default:
      return sources.pictures.FindInEvents(tenant, name.owner, PictureInJob(name));
  }
}

}  // namespace vico::server
