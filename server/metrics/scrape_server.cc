#include "server/metrics/scrape_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace vico::server {
namespace {

using std::chrono::milliseconds;

constexpr int kAcceptBatch = 16;  // before the requests of those that are there
constexpr size_t kMostRequestBytes = 8192;
constexpr std::chrono::seconds kTimeLimit{10};  // of a connection
constexpr milliseconds kTick{500};
constexpr milliseconds kPause{50};

std::string Answer(std::string_view status, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

std::shared_ptr<const std::string> Shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScrapeServer>> ScrapeServer::Start(std::vector<Descriptor> sockets,
                                                                  std::string path, Page page) {
  Descriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return absl::UnavailableError(fmt::format("cannot serve: {}", std::strerror(errno)));
  return std::unique_ptr<ScrapeServer>(
      new ScrapeServer(std::move(sockets), std::move(path), std::move(page), std::move(stop)));
}

ScrapeServer::ScrapeServer(std::vector<Descriptor> sockets, std::string path, Page page,
                           Descriptor stop)
    : path_(std::move(path)),
      page_(std::move(page)),
      sockets_(std::move(sockets)),
      stop_(std::move(stop)),
      thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "vico-metrics");
}

ScrapeServer::~ScrapeServer() {
  eventfd_write(stop_.number(), 1);
  thread_.join();
}

void ScrapeServer::Run() {
  std::vector<pollfd> waiting;
  while (true) {
    waiting.assign(1, {stop_.number(), POLLIN, 0});
    // A negative number is not waited for.
    for (const Descriptor& each : sockets_) {
      waiting.push_back({pause_ ? -1 : each.number(), POLLIN, 0});
    }
    for (const Connection& each : connections_) {
      waiting.push_back(
          {each.socket.number(), static_cast<short>(each.answer ? POLLOUT : POLLIN), 0});
    }
    const milliseconds timeout = pause_ ? kPause : kTick;
    pause_ = false;
    if (poll(waiting.data(), waiting.size(), static_cast<int>(timeout.count())) < 0) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    if (waiting[0].revents != 0) return;
    fresh_ = nullptr;
    const Time now = std::chrono::steady_clock::now();
    auto event = waiting.begin() + 1 + static_cast<std::ptrdiff_t>(sockets_.size());
    std::erase_if(connections_, [&](Connection& each) {
      const bool ready = (event++)->revents != 0;
      return (ready && !Serve(each)) || now - each.since > kTimeLimit;
    });
    for (size_t i = 0; i < sockets_.size(); ++i) {
      if (waiting[1 + i].revents != 0) AcceptSome(sockets_[i].number(), now);
    }
  }
}

void ScrapeServer::AcceptSome(int listening, Time now) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    Descriptor socket(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      pause_ = true;  // no descriptors or memory
      return;
    }
    if (connections_.size() >= kMostConnections) MakeRoom();
    connections_.push_back({std::move(socket), now, {}, nullptr, 0});
  }
}

void ScrapeServer::MakeRoom() {
  const auto silent =
      std::ranges::find_if(connections_, [](const Connection& each) { return !each.answer; });
  connections_.erase(silent == connections_.end() ? connections_.begin() : silent);
}

bool ScrapeServer::Serve(Connection& connection) {
  if (!connection.answer) {
    if (!ReadRequest(connection)) return false;
    const bool complete = connection.request.find("\r\n\r\n") != std::string::npos ||
                          connection.request.size() >= kMostRequestBytes;
    if (!complete) return true;
    connection.answer = AnswerTo(connection.request);
  }
  return SendAnswer(connection);
}

bool ScrapeServer::ReadRequest(Connection& connection) {
  std::array<char, 2048> bytes;
  const ssize_t got = recv(connection.socket.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  connection.request.append(bytes.data(), static_cast<size_t>(got));
  return got > 0;
}

bool ScrapeServer::SendAnswer(Connection& connection) {
  const std::string& answer = *connection.answer;
  const ssize_t sent = send(connection.socket.number(), answer.data() + connection.sent,
                            answer.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  connection.sent += static_cast<size_t>(sent);
  return connection.sent < answer.size();
}

std::shared_ptr<const std::string> ScrapeServer::AnswerTo(const std::string& request) {
  if (request.size() >= kMostRequestBytes) {
    return Shared(Answer("431 Request Header Fields Too Large", "the request is too long\n"));
  }
  const std::string_view line = std::string_view(request).substr(0, request.find("\r\n"));
  const std::string_view method = line.substr(0, line.find(' '));
  if (method != "GET") return Shared(Answer("405 Method Not Allowed", "only GET is served\n"));
  std::string_view target = line.substr(std::min(line.size(), method.size() + 1));
  target = target.substr(0, target.find_first_of(" ?"));
  if (target != path_) {
    return Shared(Answer("404 Not Found", fmt::format("only {} is served\n", path_)));
  }
  if (fresh_) return fresh_;
  try {
    fresh_ = Shared(Answer("200 OK", page_()));
  } catch (const std::exception&) {  // of memory, or of a library
    return Shared(Answer("503 Service Unavailable", "the page could not be made\n"));
  }
  return fresh_;
}

}  // namespace vico::server
