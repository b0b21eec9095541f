#include <string>
#include <utility>

#include "common/status.h"
#include "worker/process/payloads.h"
#include "worker/serving/serve.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

GenerateCallbacks GenerationCallbacks(ServedCall& call) {
  GenerateCallbacks callbacks;
  callbacks.on_step = [&call](int64_t step, int64_t total) {
    return call.AskAfterDrawing(step, total);
  };
  callbacks.on_preview = [&call](int picture_index, int64_t step, const PngPicture& picture) {
    wire::FromEngine note;
    note.mutable_preview()->set_picture_index(picture_index);
    note.mutable_preview()->set_step(step);
    SetPicture(picture, *note.mutable_preview()->mutable_picture());
    call.Note(std::move(note));
  };
  callbacks.on_picture = [&call](int picture_index, const PngPicture& picture) {
    wire::FromEngine note;
    note.mutable_finished()->set_picture_index(picture_index);
    SetPicture(picture, *note.mutable_finished()->mutable_picture());
    call.Note(std::move(note));
  };
  callbacks.on_warning = [&call](const std::string& reason, const std::string& message) {
    call.Warn(reason, message);
  };
  return callbacks;
}

}  // namespace

wire::FromEngine ServeGeneration(Engine& engine, ServedCall& call, const wire::Generate& request) {
  const AdapterSource adapter{.adapter = request.adapter(),
                              .fetch = [&call] { return call.FetchAdapter(); }};
  const auto generated = engine.Generate(request.spec(),
                                         {.adapter = request.has_adapter() ? &adapter : nullptr,
                                          .init_picture = request.init_picture(),
                                          .mask_picture = request.mask_picture()},
                                         GenerationCallbacks(call));
  wire::FromEngine end;
  if (generated.ok()) {
    end.mutable_generated()->set_finished(*generated);
  } else {
    *end.mutable_failed() = ToProto(generated.status());
  }
  return end;
}

}  // namespace vico::worker
