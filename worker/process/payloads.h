// The worker's answers, and the pictures that messages carry.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"

namespace vico::worker {

PngPicture PictureIn(engine::v1::Picture& from);
void SetPicture(const PngPicture& from, engine::v1::Picture& to);

engine::v1::Answer YesOrNo(bool yes);
engine::v1::Answer AnswerWith(absl::StatusOr<std::string> bytes);
engine::v1::Answer AnswerWith(absl::StatusOr<AdapterBytes> adapter);

}  // namespace vico::worker
