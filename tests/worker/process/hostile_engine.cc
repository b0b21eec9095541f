#include "tests/worker/process/hostile_engine.h"

#include <vector>

#include "vico/engine/v1/engine.pb.h"
#include "worker/process/messages.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

wire::FromEngine Note() {
  wire::FromEngine note;
  note.mutable_warning()->set_reason("NOTE");
  return note;
}

wire::FromEngine Question() {
  wire::FromEngine question;
  question.mutable_generate_step()->set_step(1);
  return question;
}

wire::FromEngine End() {
  wire::FromEngine end;
  end.mutable_generated()->set_finished(true);
  return end;
}

wire::FromEngine Hello() {
  wire::FromEngine message;
  message.mutable_hello()->set_device("cpu");
  message.mutable_hello()->set_most_generations(4);
  message.mutable_hello()->add_offers()->mutable_base_model()->set_name("baseModels/toyworld");
  return message;
}

wire::FromEngine AnotherKindsEnd() {
  wire::FromEngine end;
  end.mutable_trained()->set_safetensors("adapter");
  return end;
}

std::vector<wire::FromEngine> MessagesOf(std::string_view how) {
  if (how == "unknown call" || how == "hello") return {how == "hello" ? Hello() : Note()};
  if (how == "nothing") return {wire::FromEngine()};
  if (how == "two questions") return {Question(), Question()};
  if (how == "notes") return std::vector<wire::FromEngine>(kMostOpenNotes + 1, Note());
  if (how == "after the end") return {End(), Note()};
  if (how == "another kind") return {AnotherKindsEnd()};
  return {};
}

}  // namespace

int RunHostileEngine(std::string_view how, FrameChannel& channel) {
  wire::ToEngine request;
  if (!channel.Send(Hello()).ok() || !channel.Receive(request).ok()) return 1;
  for (wire::FromEngine& message : MessagesOf(how)) {
    message.set_call(how == "unknown call" ? request.call() + 1 : request.call());
    if (how == "hello") message.clear_call();
    if (!channel.Send(message).ok()) return 1;
  }
  wire::ToEngine reply;
  while (channel.Receive(reply).ok()) {
  }
  return 0;
}

}  // namespace vico::worker
