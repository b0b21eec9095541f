#include "server/gate/gate.h"

#include <array>
#include <chrono>
#include <utility>

#include <sys/socket.h>

#include "common/status.h"
#include "server/gate/peer.h"
#include "server/gate/peer_name.h"

namespace vico::server {
namespace {

constexpr std::chrono::milliseconds kStopGrace{1000};
// What clients make gRPC hold before a handler runs, all together and one peer, besides what each
// connection may hold.
constexpr uint64_t kRequestBytes = uint64_t{160} << 20;
constexpr uint64_t kRequestBytesOfPeer = uint64_t{40} << 20;
constexpr int64_t kLogSeconds = 10;  // between lines about floods

int64_t SteadySeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Gate::Gate(std::unique_ptr<TlsServer> tls, HandOver hand_over, Log log)
    : tls_(std::move(tls)),
      hand_over_(std::move(hand_over)),
      log_(std::move(log)),
      requests_(kRequestBytes, kRequestBytesOfPeer) {}

absl::StatusOr<std::unique_ptr<Gate>> Gate::Start(std::unique_ptr<TlsServer> tls,
                                                  HandOver hand_over, Log log) {
  std::unique_ptr<Gate> gate(new Gate(std::move(tls), std::move(hand_over), std::move(log)));
  ASSIGN_OR_RETURN(gate->relay_, GateLoop::Start("vico-relay", gate->Events()));
  ASSIGN_OR_RETURN(gate->greeting_, GateLoop::Start("vico-greet", gate->Events()));
  return gate;
}

GateLoop::Events Gate::Events() {
  return {.greeted = [this](auto connection) { Connect(std::move(connection)); },
          .flood = [this](const auto& connection) { CountFlood(connection); }};
}

void Gate::Admit(int listening, Descriptor connection) {
  SslPtr tls(nullptr, &SSL_free);
  if (tls_) {
    tls = tls_->Accept(connection.number());
    if (!tls) return;
  }
  const auto now = std::chrono::steady_clock::now();
  const std::string peer = PeerOf(connection.number()).name;
  bool suspect = false;
  {
    MutexLock lock(mutex_);
    suspect = flooders_.Has(peer, now);
  }
  greeting_->Adopt(std::make_unique<GatedConnection>(
      ByteStream(std::move(connection), std::move(tls)), listening, requests_, suspect, now));
}

void Gate::Connect(std::unique_ptr<GatedConnection> connection) {
  std::array<int, 2> pair{};
  // Without descriptors the connection is closed.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) return;
  Descriptor ours(pair[0]);
  Descriptor theirs(pair[1]);
  NameAfterPeer(ours.number(), PeerUri(connection->number(GatedConnection::Side::kClient)));
  connection->Attach(std::move(ours));
  hand_over_(connection->listening(), std::move(theirs));
  relay_->Adopt(std::move(connection));
}

void Gate::CountFlood(const GatedConnection& connection) {
  const uint64_t so_far = ++floods_;
  {
    MutexLock lock(mutex_);
    flooders_.Add(connection.peer(), std::chrono::steady_clock::now());
  }
  const int64_t now = SteadySeconds();
  int64_t next = next_log_line_;
  if (now < next || !next_log_line_.compare_exchange_strong(next, now + kLogSeconds)) return;
  log_.Warning("a connection is closed since it floods the server",
               {{"too_many", connection.flood()}, {"peer", connection.peer()}, {"so_far", so_far}});
}

void Gate::StopGreeting() {
  if (greeting_) greeting_->Stop(std::chrono::milliseconds(0));
}

void Gate::Stop() {
  StopGreeting();
  if (relay_) relay_->Stop(kStopGrace);
}

}  // namespace vico::server
