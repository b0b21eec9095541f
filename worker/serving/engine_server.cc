#include "worker/serving/engine_server.h"

#include <utility>

#include "common/status.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/serving/served_calls.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

wire::FromEngine HelloOf(const Engine& engine) {
  wire::FromEngine message;
  wire::Hello& hello = *message.mutable_hello();
  hello.set_device(engine.device());
  hello.set_devices(engine.devices());
  hello.set_most_generations(engine.most_generations());
  for (const BaseModelOffer& offer : engine.offers()) {
    auto& offered = *hello.add_offers();
    *offered.mutable_base_model() = offer.base_model;
    offered.set_vocabulary(offer.vocabulary);
    offered.set_merges(offer.merges);
    offered.set_added_tokens(offer.added_tokens);
  }
  return message;
}

/// Returns why no more messages can be taken.
absl::Status TakeAll(FrameChannel& channel, ServedCalls& calls) {
  for (;;) {
    wire::ToEngine message;
    RETURN_IF_ERROR(channel.Receive(message));
    RETURN_IF_ERROR(calls.Take(std::move(message)));
  }
}

}  // namespace

absl::Status ServeEngine(Engine& engine, FrameChannel& channel) {
  RETURN_IF_ERROR(channel.Send(HelloOf(engine)));
  ServedCalls calls(engine, channel);
  const absl::Status end = TakeAll(channel, calls);
  const bool idle = calls.Break(end) == 0;
  return idle && absl::IsUnavailable(end) ? absl::OkStatus() : end;
}

absl::Status RefuseToServe(const absl::Status& why, FrameChannel& channel) {
  wire::FromEngine refusal;
  *refusal.mutable_failed() = ToProto(why);
  return channel.Send(refusal);
}

}  // namespace vico::worker
