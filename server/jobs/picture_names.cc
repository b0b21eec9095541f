#include "server/jobs/picture_names.h"

#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "common/ids.h"
#include "common/status.h"

namespace vico::server {
namespace {

std::vector<std::string_view> SplitName(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t slash = name.find('/');
    parts.push_back(name.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    name.remove_prefix(slash + 1);
  }
}

/// A number as fmt writes it: no sign, no leading zero.
template <typename Number>
std::optional<Number> NumberIn(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number;
}

absl::Status NoPictureName() {
  return FieldError("name",
                    "must be concepts/{id}/pictures/{index}, jobs/{id}/pictures/{index}, "
                    "jobs/{id}/samples/{step} or .../{step}/{prompt}, "
                    "jobs/{id}/masks/{step}/{picture}, jobs/{id}/previews/{index}, "
                    "adapters/{id}/reference, adapters/{id}/report or pictures/{id}");
}

/// Of a sample: the first prompt has no index in its name.
std::string SampleName(std::string_view job, int64_t step, int index) {
  return index == 0 ? fmt::format("{}/samples/{}", job, step)
                    : fmt::format("{}/samples/{}/{}", job, step, index);
}

/// Fills in the numbers of `name` from the parts after the collection.
bool ParseNumbers(const std::vector<std::string_view>& parts, bool has_step, PictureName& name) {
  const size_t numbers = parts.size() - 3;
  if (has_step) {
    const auto step = NumberIn<int64_t>(parts[3]);
    if (!step) return false;
    name.step = *step;
    if (numbers == 1) return name.kind == PictureKind::kSample;
  }
  if (numbers != (has_step ? 2U : 1U)) return false;
  const auto index = NumberIn<int>(parts.back());
  if (index) name.index = *index;
  return index.has_value();
}

}  // namespace

absl::StatusOr<PictureName> ParsePictureName(std::string_view text) {
  const std::vector<std::string_view> parts = SplitName(text);
  if (parts.size() < 2 || parts.size() > 5) return NoPictureName();
  PictureName name;
  name.owner = fmt::format("{}/{}", parts[0], parts[1]);
  if (!IdInName("name", parts[0], name.owner).ok()) return NoPictureName();
  if (parts.size() == 2) {
    if (parts[0] != "pictures") return NoPictureName();
    name.kind = PictureKind::kUploaded;
    return name;
  }
  const std::string_view owners = parts[0];
  const std::string_view pictures = parts[2];
  if (owners == "adapters" && parts.size() == 3) {
    if (pictures != "reference" && pictures != "report") return NoPictureName();
    name.kind = pictures == "reference" ? PictureKind::kReference : PictureKind::kReport;
    return name;
  }
  if (parts.size() == 3) return NoPictureName();
  bool has_step = false;
  if (owners == "concepts" && pictures == "pictures") {
    name.kind = PictureKind::kConceptPicture;
  } else if (owners == "jobs" && pictures == "pictures") {
    name.kind = PictureKind::kPicture;
  } else if (owners == "jobs" && pictures == "previews") {
    name.kind = PictureKind::kPreview;
  } else if (owners == "jobs" && (pictures == "samples" || pictures == "masks")) {
    name.kind = pictures == "samples" ? PictureKind::kSample : PictureKind::kMask;
    has_step = true;
  } else {
    return NoPictureName();
  }
  if (!ParseNumbers(parts, has_step, name)) return NoPictureName();
  return name;
}

std::string PictureInJob(const PictureName& name) {
  switch (name.kind) {
    case PictureKind::kSample:
      return fmt::format("samples/{}/{}", name.step, name.index);
    case PictureKind::kMask:
      return fmt::format("masks/{}/{}", name.step, name.index);
    case PictureKind::kPreview:
      return fmt::format("previews/{}", name.index);
    default:
      return "";
  }
}

std::string PictureInJob(const v1::Event& event) {
  PictureName name;
  if (event.has_sample()) {
    name = {PictureKind::kSample, "", event.sample().step(), event.sample().picture().index()};
  } else if (event.has_mask()) {
    name = {PictureKind::kMask, "", event.mask().step(), event.mask().picture_index()};
  } else if (event.has_preview()) {
    name = {PictureKind::kPreview, "", 0, event.preview().picture_index()};
  }
  return PictureInJob(name);
}

void NamePictures(v1::Concept& concept_set) {
  for (int i = 0; i < concept_set.pictures_size(); ++i) {
    concept_set.mutable_pictures(i)->set_name(fmt::format("{}/pictures/{}", concept_set.name(), i));
  }
}

void NamePictures(v1::Job& job) {
  for (v1::Picture& picture : *job.mutable_pictures()) {
    picture.set_name(fmt::format("{}/pictures/{}", job.name(), picture.index()));
  }
}

void NamePictures(std::string_view job, v1::Event& event) {
  if (event.has_sample()) {
    v1::Picture& picture = *event.mutable_sample()->mutable_picture();
    picture.set_name(SampleName(job, event.sample().step(), picture.index()));
  } else if (event.has_picture()) {
    event.mutable_picture()->set_name(fmt::format("{}/pictures/{}", job, event.picture().index()));
  } else if (event.has_mask()) {
    event.mutable_mask()->set_name(fmt::format("{}/{}", job, PictureInJob(event)));
  } else if (event.has_preview()) {
    event.mutable_preview()->set_name(fmt::format("{}/{}", job, PictureInJob(event)));
  }
}

}  // namespace vico::server
