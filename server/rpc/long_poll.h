// A unary call that waits for an event without holding a thread.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/calls.h"

namespace vico::server {

/// Fills in the answer if there is one: true when there was. May block on disk.
using Poll = std::function<absl::StatusOr<bool>()>;

/// Creates a Poll. `wake` may be kept, and called from any thread at any time; each call causes
/// another poll.
using MakePoll =
    std::function<absl::StatusOr<Poll>(const Caller& caller, std::function<void()> wake)>;

inline constexpr std::chrono::milliseconds kPollInterval{3'000};

/// Polls at once, at each wake, every `interval` (a random part of a half more or less, so that the
/// waiting calls of many callers do not poll together), and a last time at `deadline`, when it
/// answers in any case. Answers at once when the server drains. `method` is a literal.
grpc::ServerUnaryReactor* AnswerWhenReady(Calls& calls, grpc::CallbackServerContext& context,
                                          std::string_view method,
                                          std::chrono::steady_clock::time_point deadline,
                                          MakePoll make,
                                          std::chrono::milliseconds interval = kPollInterval);

}  // namespace vico::server
