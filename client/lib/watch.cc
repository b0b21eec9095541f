// Client::WatchJob and Client::Generate: the events of one job, over several streams if needed.
#include <algorithm>
#include <utility>

#include <absl/time/time.h>

#include "client/lib/client.h"
#include "client/lib/event_assembler.h"
#include "client/lib/link.h"
#include "common/ids.h"
#include "common/rpc/channel.h"
#include "common/status.h"

namespace vico::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Reader = grpc::ClientReader<v1::WatchJobResponse>;

// A stream that stayed open this long without a message was connected to a server, unless its error
// says otherwise: an attempt to connect may take longer.
constexpr milliseconds kConnectedAfter{5'000};
// How long to wait for a server before the first message.
constexpr milliseconds kFirstPatience{5'000};

absl::Status Stopped() { return absl::CancelledError("stopped watching; the job keeps running"); }

// Whether to open another stream: after an error that is retried, or an end without an error.
bool IsWorthResuming(const absl::Status& status) { return status.ok() || IsWorthRetrying(status); }

struct StreamEnd {
  absl::Status local;   // of handling the messages
  absl::Status remote;  // of the stream
};

// Reads one stream to its end. Calls `on_message` with each message first.
template <typename Link, typename Open, typename OnMessage>
StreamEnd ReadStream(const Link& link, const std::stop_token& stop, const Open& open,
                     EventAssembler& assembler, const OnMessage& on_message) {
  grpc::ClientContext context;
  link.Prepare(context, std::chrono::system_clock::now() + link.options.stream_deadline);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const std::unique_ptr<Reader> reader = open(context);
  StreamEnd end;
  v1::WatchJobResponse message;
  while (end.local.ok() && reader->Read(&message)) {
    on_message(message);
    end.local = assembler.Take(std::move(message));
  }
  if (!end.local.ok()) context.TryCancel();
  end.remote = FromGrpc(reader->Finish());
  assembler.EndStream();
  return end;
}

// The last event of a job that has ended, for a watch that begins after it.
v1::Event LastEventOf(const v1::Job& job) {
  v1::Event event;
  event.set_sequence(job.last_sequence());
  event.set_attempt(job.attempt());
  *event.mutable_time() = job.finish_time();
  if (job.state() == v1::JOB_STATE_SUCCEEDED) {
    event.mutable_succeeded()->set_adapter(job.adapter());
    event.mutable_succeeded()->set_picture_count(job.pictures_size());
  } else if (job.state() == v1::JOB_STATE_FAILED) {
    *event.mutable_failed()->mutable_status() = job.error();
  } else if (job.state() == v1::JOB_STATE_CANCELLED) {
    event.mutable_cancelled();
  }
  return event;
}

}  // namespace

absl::StatusOr<v1::Event> Client::Watch(std::string job,
                                        const v1::CreateGenerationJobRequest* generate,
                                        const WatchOptions& options, WatchHandler& handler,
                                        const std::stop_token& stop) {
  EventAssembler assembler(options.after_sequence, options.include_pictures,
                           [&](const v1::Event& event, const std::string* bytes) {
                             return handler.OnEvent(event, bytes);
                           });
  Backoff backoff(link_->options.retry.backoff, link_->random);
  auto last_contact = steady_clock::now();
  bool received = false;  // a message on this stream
  if (!job.empty()) handler.OnJob(job);
  const auto on_message = [&](const v1::WatchJobResponse& message) {
    received = true;
    if (job.empty() && !message.job().empty()) {
      job = message.job();
      handler.OnJob(job);
    }
    if (message.has_position()) handler.OnPosition(message.position());
  };
  const auto open = [&](grpc::ClientContext& context) -> std::unique_ptr<Reader> {
    if (job.empty()) return link_->jobs->Generate(&context, *generate);
    v1::WatchJobRequest request;
    request.set_name(job);
    request.set_after_sequence(assembler.delivered());
    request.set_include_pictures(options.include_pictures);
    return link_->jobs->WatchJob(&context, request);
  };

  while (true) {
    received = false;
    const auto opened = steady_clock::now();
    const StreamEnd end = ReadStream(*link_, stop, open, assembler, on_message);
    if (assembler.terminal()) return *assembler.terminal();
    if (stop.stop_requested()) return Stopped();
    RETURN_IF_ERROR(end.local);
    if (!IsWorthResuming(end.remote)) return ExplainCall(end.remote, link_->peer);
    if (end.remote.ok() && !received && !job.empty()) {
      // The stream has no further events. Has the job ended?
      ASSIGN_OR_RETURN(const v1::Job ended, GetJob(job));
      const v1::Event last = LastEventOf(ended);
      if (IsTerminal(last) && last.sequence() <= assembler.delivered()) return last;
    }
    const absl::Status error = end.remote.ok()
                                   ? absl::UnavailableError("the stream ended before the job did")
                                   : ExplainCall(end.remote, link_->peer);

    const auto now = steady_clock::now();
    if (received || (now - opened > kConnectedAfter && !IsFailureToConnect(end.remote))) {
      last_contact = now;
      backoff.Reset();
    }
    const milliseconds patience =
        job.empty() ? std::min(link_->options.patience, kFirstPatience) : link_->options.patience;
    const absl::Duration wait = std::max(backoff.Next(), RetryAfter(error));
    if (absl::FromChrono(now - last_contact) + wait > absl::FromChrono(patience)) return error;
    handler.OnReconnect(error, wait);
    if (!WaitFor(wait, stop)) return Stopped();
  }
}

absl::StatusOr<v1::Event> Client::WatchJob(const std::string& name, const WatchOptions& options,
                                           WatchHandler& handler, const std::stop_token& stop) {
  // Without this call an unknown job would be retried like a lost connection.
  RETURN_IF_ERROR(GetJob(name).status());
  return Watch(name, nullptr, options, handler, stop);
}

absl::StatusOr<v1::Event> Client::Generate(const v1::GenerateSpec& spec, WatchHandler& handler,
                                           const std::stop_token& stop, const JobDisplay& display) {
  v1::CreateGenerationJobRequest request;
  request.set_request_id(NewId());
  *request.mutable_generate() = spec;
  SetDisplay(display, request);
  WatchOptions options;
  options.include_pictures = true;
  return Watch("", &request, options, handler, stop);
}

}  // namespace vico::client
