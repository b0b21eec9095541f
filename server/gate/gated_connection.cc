#include "server/gate/gated_connection.h"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>

#include "server/gate/peer.h"

namespace vico::server {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::chrono::seconds kGreetingTime{20};
// A client that takes no byte for so long is gone.
constexpr std::chrono::seconds kReadingTime{60};
// A client that floods keeps its place among the connections of its peer for so long.
constexpr std::chrono::seconds kPunishment{1};
// Reads for one event, before other connections get their turn.
constexpr int kReadsPerEvent = 4;

/// GOAWAY with ENHANCE_YOUR_CALM, and no stream that the client may count on.
constexpr std::string_view kGoAway("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b", 17);

using Progress = ByteStream::Progress;

}  // namespace

GatedConnection::GatedConnection(ByteStream client, int listening, Shares& requests, bool suspect,
                                 Time now)
    : client_(std::move(client)),
      peer_(PeerOf(client_.number()).name),
      listening_(listening),
      frames_(now, suspect),
      requests_(requests, peer_),
      deadline_(now + kGreetingTime) {}

uint32_t GatedConnection::Awaits(Side side) const {
  uint32_t events = 0;
  if (side == Side::kServer) {
    if (state_ != State::kRelay) return 0;
    if (to_client_.empty()) events |= EPOLLIN;
    if (!to_server_.empty()) events |= EPOLLOUT;
    return events;
  }
  switch (state_) {
    case State::kHandshake:
    case State::kPreface:
      return client_.tls_waits_to_write() ? EPOLLOUT : EPOLLIN;
    case State::kPunished:
      return 0;
    case State::kRelay:
      // TLS may have to write before it reads on. While nothing is read, that would never change.
      if (to_server_.empty()) events |= client_.tls_waits_to_write() ? EPOLLIN | EPOLLOUT : EPOLLIN;
      if (!to_client_.empty()) events |= EPOLLOUT;
      return events;
  }
  return 0;
}

GatedConnection::Outcome GatedConnection::OnEvent(Side side, uint32_t events, char* scratch,
                                                  Time now) {
  if (state_ == State::kPunished) return Outcome::kOpen;
  if (state_ != State::kRelay) return Greet(scratch, now);
  const bool client = side == Side::kClient;
  const bool gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool room = (events & EPOLLOUT) != 0;
  if (client && (events & EPOLLERR) != 0) return Outcome::kClosed;
  if (!client && (gone || (room && FlushToServer() == Outcome::kClosed))) {
    // gRPC takes nothing more. What it said last may still be there to read.
    server_.End();
    std::string().swap(to_server_);
    return FromServer(scratch, now);
  }
  bool reads = gone || (events & EPOLLIN) != 0;
  if (client && room) {
    if (FlushToClient(now) == Outcome::kClosed) return Outcome::kClosed;
    reads = reads || client_.tls_waits_to_write();
  }
  if (!reads) return Outcome::kOpen;
  return client ? FromClient(scratch, now) : FromServer(scratch, now);
}

GatedConnection::Outcome GatedConnection::OnTime(Time now) {
  if (state_ != State::kRelay) return now >= deadline_ ? Outcome::kClosed : Outcome::kOpen;
  if (!to_client_.empty() && now >= deadline_) return Outcome::kClosed;
  if (const auto overdue = frames_.Overdue(now)) return Punish(*overdue, now);
  if (const auto overdue = requests_.Overdue(now)) return Punish(*overdue, now);
  return Outcome::kOpen;
}

GatedConnection::Outcome GatedConnection::Greet(char* scratch, Time now) {
  if (state_ == State::kHandshake) {
    const Progress progress = client_.Handshake();
    if (progress == Progress::kBlocked) return Outcome::kOpen;
    if (progress == Progress::kEnded) return Outcome::kClosed;
    state_ = State::kPreface;
  }
  size_t size = 0;
  const Progress progress = client_.Read(scratch, kRelayBlock, size);
  if (progress == Progress::kBlocked) return Outcome::kOpen;
  if (progress == Progress::kEnded) return Outcome::kClosed;
  to_server_.append(scratch, size);
  const size_t compared = std::min(kPreface.size(), to_server_.size());
  if (to_server_.compare(0, compared, kPreface, 0, compared) != 0) return Outcome::kClosed;
  if (compared < kPreface.size()) return Outcome::kOpen;
  state_ = State::kRelay;
  const auto flood = Count(std::string_view(to_server_).substr(kPreface.size()), now);
  return flood ? Punish(*flood, now) : Outcome::kGreeted;
}

/// Counts what the client sends.
FrameLimits::Flood GatedConnection::Count(std::string_view from_client, Time now) {
  if (const auto flood = frames_.FromClient(from_client, now)) return flood;
  return requests_.FromClient(from_client, now);
}

GatedConnection::Outcome GatedConnection::FromClient(char* scratch, Time now) {
  for (int i = 0; i < kReadsPerEvent && to_server_.empty(); ++i) {
    size_t size = 0;
    const Progress progress = client_.Read(scratch, kRelayBlock, size);
    if (progress == Progress::kBlocked) return Outcome::kOpen;
    if (progress == Progress::kEnded) return Outcome::kClosed;
    std::string_view bytes(scratch, size);
    if (const auto flood = Count(bytes, now)) return Punish(*flood, now);
    if (server_.Write(bytes) == Progress::kEnded) {
      server_.End();
      return FromServer(scratch, now);
    }
    to_server_ = bytes;
  }
  return Outcome::kOpen;
}

GatedConnection::Outcome GatedConnection::FromServer(char* scratch, Time now) {
  for (int i = 0; i < kReadsPerEvent && to_client_.empty(); ++i) {
    size_t size = 0;
    const Progress progress = server_.Read(scratch, kRelayBlock, size);
    if (progress == Progress::kBlocked) return Outcome::kOpen;
    if (progress == Progress::kEnded) {
      client_.End();
      return Outcome::kClosed;
    }
    std::string_view bytes(scratch, size);
    if (const auto flood = frames_.FromServer(bytes, now)) return Punish(*flood, now);
    requests_.FromServer(bytes);
    if (client_.Write(bytes) == Progress::kEnded) return Outcome::kClosed;
    to_client_ = bytes;
    if (!to_client_.empty()) deadline_ = now + kReadingTime;
  }
  return Outcome::kOpen;
}

GatedConnection::Outcome GatedConnection::FlushToClient(Time now) {
  std::string_view bytes(to_client_);
  if (client_.Write(bytes) == Progress::kEnded) return Outcome::kClosed;
  if (bytes.size() < to_client_.size()) deadline_ = now + kReadingTime;
  to_client_.erase(0, to_client_.size() - bytes.size());
  if (to_client_.empty()) std::string().swap(to_client_);
  return Outcome::kOpen;
}

GatedConnection::Outcome GatedConnection::FlushToServer() {
  std::string_view bytes(to_server_);
  if (server_.Write(bytes) == Progress::kEnded) return Outcome::kClosed;
  to_server_.erase(0, to_server_.size() - bytes.size());
  if (to_server_.empty()) std::string().swap(to_server_);
  return Outcome::kOpen;
}

GatedConnection::Outcome GatedConnection::Punish(std::string_view flood, Time now) {
  flood_ = flood;
  if (to_client_.empty() && frames_.server_between_frames()) {
    std::string_view bytes = kGoAway;
    client_.Write(bytes);
  }
  client_.End();
  server_.Close();
  std::string().swap(to_server_);
  std::string().swap(to_client_);
  state_ = State::kPunished;
  deadline_ = now + kPunishment;
  return Outcome::kOpen;
}

}  // namespace vico::server
