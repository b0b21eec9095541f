// Client::WatchJob and Client::Generate: one job's events over as many streams as it takes.
#include <algorithm>
#include <utility>

#include <absl/time/time.h>

#include "client/lib/client.h"
#include "client/lib/event_assembler.h"
#include "client/lib/link.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Reader = grpc::ClientReader<v1::WatchJobResponse>;

// A stream that stayed open so long without a word had a server behind it.
constexpr milliseconds kQuietButThere{5'000};
constexpr milliseconds kFirstPatience{5'000};

absl::Status Stopped() { return absl::CancelledError("stopped watching; the job goes on"); }

// What a stream that ended may be opened again after: what any call is tried again for, or an end
// without an error.
bool IsWorthResuming(const absl::Status& status) { return status.ok() || IsWorthRetrying(status); }

// Reads one stream to its end. `heard` is called at each message.
struct StreamEnd {
  absl::Status local;   // of what was made of the messages
  absl::Status remote;  // of the stream
};
template <typename Link, typename Open, typename Heard>
StreamEnd ReadStream(const Link& link, const std::stop_token& stop, const Open& open,
                     EventAssembler& assembler, const Heard& heard) {
  grpc::ClientContext context;
  link.Prepare(context, std::chrono::system_clock::now() + link.options.stream_deadline);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const std::unique_ptr<Reader> reader = open(context);
  StreamEnd end;
  v1::WatchJobResponse message;
  while (end.local.ok() && reader->Read(&message)) {
    heard(message.job());
    end.local = assembler.Take(std::move(message));
  }
  if (!end.local.ok()) context.TryCancel();
  end.remote = FromGrpc(reader->Finish());
  assembler.Interrupt();
  return end;
}

// The last event of a job that is over, for a watch that began after it.
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

absl::StatusOr<v1::Event> Client::Follow(std::string job,
                                         const v1::CreateGenerationJobRequest* generate,
                                         const WatchOptions& options, WatchHandler& handler,
                                         const std::stop_token& stop) {
  EventAssembler assembler(options.after_sequence, options.include_pictures,
                           [&](const v1::Event& event, const std::string* bytes) {
                             return handler.OnEvent(event, bytes);
                           });
  Backoff backoff(link_->options.retry, link_->random);
  auto away_since = steady_clock::now();  // when the server was last seen
  bool seen = false;
  if (!job.empty()) handler.OnJob(job);
  const auto heard = [&](const std::string& name) {
    seen = true;
    if (!job.empty() || name.empty()) return;
    job = name;
    handler.OnJob(job);
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
    seen = false;
    const auto opened = steady_clock::now();
    const StreamEnd end = ReadStream(*link_, stop, open, assembler, heard);
    if (assembler.terminal()) return *assembler.terminal();
    if (stop.stop_requested()) return Stopped();
    RETURN_IF_ERROR(end.local);
    if (!IsWorthResuming(end.remote)) return end.remote;
    if (end.remote.ok() && !seen && !job.empty()) {
      // Nothing more to come: is it because the job is over?
      ASSIGN_OR_RETURN(const v1::Job over, GetJob(job));
      const v1::Event last = LastEventOf(over);
      if (IsTerminal(last) && last.sequence() <= assembler.delivered()) return last;
    }
    const absl::Status why = end.remote.ok()
                                 ? absl::UnavailableError("the stream ended before the job did")
                                 : end.remote;

    const auto now = steady_clock::now();
    if (seen || now - opened > kQuietButThere) {
      away_since = now;
      backoff.Reset();
    }
    // A server that was never there is not worth a minute's wait.
    const milliseconds patience =
        job.empty() ? std::min(link_->options.patience, kFirstPatience) : link_->options.patience;
    const milliseconds wait = std::max(backoff.Next(), absl::ToChronoMilliseconds(RetryAfter(why)));
    if (now + wait - away_since > patience) return why;
    handler.OnReconnect(why, wait);
    if (!WaitFor(wait, stop)) return Stopped();
  }
}

absl::StatusOr<v1::Event> Client::WatchJob(const std::string& name, const WatchOptions& options,
                                           WatchHandler& handler, const std::stop_token& stop) {
  // Says at once, with the server's own words, when there is no such job.
  ASSIGN_OR_RETURN(const v1::Job job, GetJob(name));
  return Follow(job.name(), nullptr, options, handler, stop);
}

absl::StatusOr<v1::Event> Client::Generate(const v1::GenerateSpec& spec, WatchHandler& handler,
                                           const std::stop_token& stop) {
  v1::CreateGenerationJobRequest request;
  request.set_request_id(NewId());
  *request.mutable_generate() = spec;
  WatchOptions options;
  options.include_pictures = true;
  return Follow("", &request, options, handler, stop);
}

}  // namespace vico::client
