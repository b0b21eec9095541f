#include "server/fronts/direct_session.h"

#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

// One wait for notifications. It is also how soon a free lock is taken.
constexpr absl::Duration kWait = absl::Milliseconds(250);
constexpr absl::Duration kReconnect = absl::Milliseconds(200);
constexpr absl::Duration kLongestSilence = absl::Seconds(5);

// The two-key locks are apart from those of SqlSession::Lock. The first key is "vico".
constexpr std::string_view kTryLock =
    "SELECT CASE WHEN pg_try_advisory_lock(1986618223, 1) THEN 1 ELSE 0 END";

}  // namespace

DirectSession::DirectSession(PostgresDatabase& database, PostgresRelay& relay, const Clock& clock,
                             const Log& log)
    : database_(database),
      relay_(relay),
      clock_(clock),
      log_(log),
      thread_(std::make_unique<PeriodicThread>(absl::Milliseconds(1), [this] { Turn(); })) {}

DirectSession::~DirectSession() { thread_.reset(); }

bool DirectSession::IsLeader() const {
  return leads_ && clock_.Uptime() - absl::Microseconds(answered_us_.load()) <= kLongestSilence;
}

void DirectSession::Turn() {
  absl::Status status = connection_ == nullptr ? Connect() : absl::OkStatus();
  if (status.ok()) status = Listen();
  if (status.ok()) status = TryToLead();
  if (status.ok()) return;
  leads_ = false;
  connection_.reset();
  if (!std::exchange(away_, true)) {
    log_.Warning("the session with the database is lost", {{"error", status.ToString()}});
  }
  absl::SleepFor(kReconnect);
}

absl::Status DirectSession::Connect() {
  ASSIGN_OR_RETURN(connection_, database_.Connect());
  answered_us_ = 0;  // asks at once
  RETURN_IF_ERROR(connection_->Script(fmt::format("LISTEN {}", kRelayChannel).c_str()));
  // Whatever changed before is read now.
  relay_.Missed();
  if (std::exchange(away_, false)) log_.Info("there is a session with the database again");
  return absl::OkStatus();
}

absl::Status DirectSession::Listen() {
  return connection_->WaitForNotifications(
      kWait, [this](std::string_view channel, std::string_view payload) {
        if (channel == kRelayChannel) relay_.Receive(payload);
      });
}

/// Also asks for an answer, without which a lost connection may stay unnoticed.
absl::Status DirectSession::TryToLead() {
  if (clock_.Uptime() - absl::Microseconds(answered_us_.load()) < kWait) return absl::OkStatus();
  const bool tries = stands_ && !leads_;
  ASSIGN_OR_RETURN(const int64_t answer,
                   connection_->QueryInt(tries ? kTryLock : std::string_view("SELECT 0"), {}, 0));
  answered_us_ = absl::ToInt64Microseconds(clock_.Uptime());
  if (tries && answer == 1) {
    leads_ = true;
    log_.Info("this server keeps house from now on");
  }
  return absl::OkStatus();
}

}  // namespace vico::server
