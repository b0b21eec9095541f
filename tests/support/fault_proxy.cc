#include "tests/support/fault_proxy.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vico {
namespace {

sockaddr_in AddressOf(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

/// A connection's bytes, read by head and by body.
class Stream {
 public:
  explicit Stream(int fd) : fd_(fd) {}

  /// Up to the empty line, with it.
  std::optional<std::string> Head() {
    size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return std::nullopt;
    }
    return Take(end + 4);
  }

  std::optional<std::string> Body(size_t length) {
    while (buffer_.size() < length) {
      if (!More()) return std::nullopt;
    }
    return Take(length);
  }

  std::optional<std::string> ChunkedBody() {
    size_t end = 0;
    while ((end = buffer_.find("0\r\n\r\n")) == std::string::npos) {
      if (!More()) return std::nullopt;
    }
    return Take(end + 5);
  }

 private:
  bool More() {
    char bytes[65536];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  std::string Take(size_t count) {
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
  }

  const int fd_;
  std::string buffer_;
};

std::string HeaderOf(const std::string& head, const std::string& name) {
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const size_t at = lower.find("\r\n" + name + ":");
  if (at == std::string::npos) return "";
  const size_t begin = head.find_first_not_of(' ', at + name.size() + 3);
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

size_t LengthOf(const std::string& head) {
  return std::strtoull(HeaderOf(head, "content-length").c_str(), nullptr, 10);
}

std::string HttpDate(std::time_t time) {
  char text[64];
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text;
}

std::string ErrorAnswer(std::string_view line, std::string_view code, std::time_t now) {
  const std::string body = fmt::format(
      "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>planned</Message></Error>", code);
  return fmt::format(
      "HTTP/1.1 {}\r\nDate: {}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n"
      "x-amz-request-id: planned\r\n\r\n{}",
      line, HttpDate(now), body.size(), body);
}

/// Empty for a fault that is no answer.
std::string AnswerOf(HttpFault fault) {
  const std::time_t now = std::time(nullptr);
  switch (fault) {
    case HttpFault::kSlowDown:
      return ErrorAnswer("503 Slow Down", "SlowDown", now);
    case HttpFault::kFull:
      return ErrorAnswer("507 Insufficient Storage", "InsufficientStorage", now);
    case HttpFault::kSkewed:
      return ErrorAnswer("403 Forbidden", "RequestTimeTooSkewed", now + 3600);
    case HttpFault::kNoBucket:
      return ErrorAnswer("404 Not Found", "NoSuchBucket", now);
    case HttpFault::kDenied:
      return ErrorAnswer("403 Forbidden", "SignatureDoesNotMatch", now);
    case HttpFault::kExpired:
      return ErrorAnswer("400 Bad Request", "ExpiredToken", now);
    default:
      return "";
  }
}

void FlipMiddle(std::string& bytes) {
  if (!bytes.empty()) bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
}

/// Waits until the peer closes, at most 60 s.
void WaitForEnd(int fd) {
  pollfd poller{fd, POLLRDHUP, 0};
  poll(&poller, 1, 60'000);
}

}  // namespace

FaultProxy::FaultProxy(int upstream) : upstream_(upstream) { Listen(); }

FaultProxy::~FaultProxy() {
  Down();
  std::vector<std::thread> servers;
  {
    const std::lock_guard lock(mutex_);
    servers.swap(servers_);
  }
  for (std::thread& server : servers) server.join();
}

void FaultProxy::Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = AddressOf(port_);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 64) != 0) abort();
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  listener_ = fd;
  acceptor_ = std::thread([this, fd] { Accept(fd); });
}

void FaultProxy::Up() { Listen(); }

void FaultProxy::Down() {
  const int fd = listener_.exchange(-1);
  if (fd < 0) return;
  shutdown(fd, SHUT_RDWR);
  acceptor_.join();
  close(fd);
  const std::lock_guard lock(mutex_);
  for (const int open : open_) shutdown(open, SHUT_RDWR);
}

void FaultProxy::Accept(int listener) {
  for (int client = 0; (client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    const std::lock_guard lock(mutex_);
    open_.insert(client);
    servers_.emplace_back([this, client] { Serve(client); });
  }
}

void FaultProxy::Plan(HttpFault fault, int times, const std::string& method) {
  const std::lock_guard lock(mutex_);
  planned_.push_back({fault, times, method});
}

void FaultProxy::Heal() {
  const std::lock_guard lock(mutex_);
  planned_.clear();
}

HttpFault FaultProxy::Next(const std::string& head) {
  ++requests_;
  const std::lock_guard lock(mutex_);
  if (planned_.empty() || !head.starts_with(planned_.front().method)) return HttpFault::kNone;
  const HttpFault fault = planned_.front().fault;
  if (--planned_.front().times == 0) planned_.pop_front();
  return fault;
}

void FaultProxy::Serve(int client) {
  const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = AddressOf(upstream_);
  if (connect(upstream, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    ServeOne(client, upstream);
  }
  close(upstream);
  const std::lock_guard lock(mutex_);
  open_.erase(client);
  close(client);
}

/// Serves the requests of one connection. False at its end.
bool FaultProxy::ServeOne(int client, int upstream) {
  Stream requests(client);
  Stream answers(upstream);
  while (true) {
    const auto head = requests.Head();
    if (!head) return false;
    const HttpFault fault = Next(*head);
    if (fault == HttpFault::kNoAnswer) {
      WaitForEnd(client);
      return false;
    }
    const bool asks = !HeaderOf(*head, "expect").empty();
    if (asks && !SendAll(client, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
    const size_t length = LengthOf(*head);
    auto body = requests.Body(fault == HttpFault::kCutRequest ? length / 2 : length);
    if (!body || fault == HttpFault::kCutRequest) return false;
    if (const std::string planned = AnswerOf(fault); !planned.empty()) {
      if (!SendAll(client, planned)) return false;
      continue;
    }
    if (fault == HttpFault::kWrongRequest) FlipMiddle(*body);
    if (!SendAll(upstream, *head) || !SendAll(upstream, *body)) return false;
    auto answer_head = answers.Head();
    while (answer_head && answer_head->starts_with("HTTP/1.1 100")) answer_head = answers.Head();
    if (!answer_head) return false;
    const bool none = answer_head->find(" 204 ") < 16 || answer_head->find(" 304 ") < 16;
    auto answer = none ? std::optional<std::string>("")
                  : HeaderOf(*answer_head, "transfer-encoding").empty()
                      ? answers.Body(LengthOf(*answer_head))
                      : answers.ChunkedBody();
    if (!answer) return false;
    if (fault == HttpFault::kWrongAnswer) FlipMiddle(*answer);
    const bool cut = fault == HttpFault::kCutAnswer;
    if (!SendAll(client, *answer_head) ||
        !SendAll(client, cut ? answer->substr(0, answer->size() / 2) : *answer) || cut) {
      return false;
    }
  }
}

}  // namespace vico
