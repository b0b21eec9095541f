#include <string>
#include <utility>

#include "common/status.h"
#include "worker/process/payloads.h"
#include "worker/serving/serve.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

EvaluateCallbacks EvaluationCallbacks(ServedCall& call) {
  EvaluateCallbacks callbacks;
  callbacks.on_step = [&call](int64_t step, int64_t total) {
    return call.AskAfterDrawing(step, total);
  };
  callbacks.keep_going = [&call] {
    wire::FromEngine question;
    question.mutable_keep_going();
    return call.Ask(std::move(question)).yes();
  };
  callbacks.on_warning = [&call](const std::string& reason, const std::string& message) {
    call.Warn(reason, message);
  };
  return callbacks;
}

}  // namespace

wire::FromEngine ServeEvaluation(Engine& engine, ServedCall& call, const wire::Evaluate& request) {
  const AdapterSource adapter{.adapter = request.adapter(),
                              .fetch = [&call] { return call.FetchAdapter(); }};
  const auto evaluated = engine.Evaluate(request.spec(), adapter,
                                         {request.pictures().begin(), request.pictures().end()},
                                         EvaluationCallbacks(call));
  wire::FromEngine end;
  if (evaluated.ok()) {
    auto& result = *end.mutable_evaluated();
    result.set_stopped(evaluated->stopped);
    *result.mutable_report() = evaluated->report;
    SetPicture(evaluated->sheet, *result.mutable_sheet());
  } else {
    *end.mutable_failed() = ToProto(evaluated.status());
  }
  return end;
}

}  // namespace vico::worker
