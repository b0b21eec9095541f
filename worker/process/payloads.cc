#include "worker/process/payloads.h"

#include <utility>

#include "common/status.h"

namespace vico::worker {

PngPicture PictureIn(engine::v1::Picture& from) {
  return {.bytes = std::move(*from.mutable_png()), .width = from.width(), .height = from.height()};
}

void SetPicture(const PngPicture& from, engine::v1::Picture& to) {
  to.set_png(from.bytes);
  to.set_width(from.width);
  to.set_height(from.height);
}

engine::v1::Answer YesOrNo(bool yes) {
  engine::v1::Answer answer;
  answer.set_yes(yes);
  return answer;
}

engine::v1::Answer AnswerWith(absl::StatusOr<std::string> bytes) {
  engine::v1::Answer answer;
  *answer.mutable_status() = ToProto(bytes.status());
  if (bytes.ok()) answer.set_bytes(*std::move(bytes));
  return answer;
}

engine::v1::Answer AnswerWith(absl::StatusOr<AdapterBytes> adapter) {
  engine::v1::Answer answer;
  *answer.mutable_status() = ToProto(adapter.status());
  if (adapter.ok()) {
    answer.set_bytes(std::move(adapter->safetensors));
    answer.set_reference(std::move(adapter->reference));
  }
  return answer;
}

}  // namespace vico::worker
