#include "tests/fault/arena/tcp_proxy.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vico::fault {
namespace {

constexpr int kPollMs = 50;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int Dial(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  return fd;
}

bool SendAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(const ProxyFaults& faults) : options_(faults) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { Accept(stop); });
}

TcpProxy::~TcpProxy() {
  acceptor_.request_stop();
  acceptor_.join();
  Partition(true);
  const MutexLock lock(mutex_);
  for (Link& link : links_) {
    link.to_server.join();
    link.to_client.join();
    close(link.client);
    close(link.server);
  }
  close(listener_);
}

void TcpProxy::Partition(bool refuse) {
  refusing_ = refuse;
  const MutexLock lock(mutex_);
  for (Link& link : links_) Reset(link);
}

/// Ends both directions. The descriptors are closed only by the destructor, so that none is reused.
void TcpProxy::Reset(Link& link) {
  shutdown(link.client, SHUT_RDWR);
  shutdown(link.server, SHUT_RDWR);
}

void TcpProxy::Accept(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, kPollMs) <= 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = refusing_ ? -1 : Dial(target_port_);
    if (server < 0) {
      close(client);
      continue;
    }
    ++connections_;
    const MutexLock lock(mutex_);
    Link& link = links_.emplace_back();
    link.client = client;
    link.server = server;
    link.to_server = std::jthread([this, &link] { Pass(link, link.client, link.server, false); });
    link.to_client = std::jthread([this, &link] { Pass(link, link.server, link.client, true); });
  }
}

void TcpProxy::Pass(Link& link, int from, int to, bool is_response) {
  std::array<char, 16384> buffer;
  const size_t most = options_.slice_bytes > 0
                          ? std::min(buffer.size(), static_cast<size_t>(options_.slice_bytes))
                          : buffer.size();
  int64_t passed = 0;
  for (;;) {
    const ssize_t got = recv(from, buffer.data(), most, 0);
    if (got <= 0) break;
    if (options_.delay.count() > 0) std::this_thread::sleep_for(options_.delay);
    if (!SendAll(to, buffer.data(), static_cast<size_t>(got))) break;
    passed += got;
    bytes_ += got;
    link.passed += got;
    if (options_.cut_after_bytes > 0 && link.passed >= options_.cut_after_bytes) {
      ++faults_made_;
      Reset(link);
      return;
    }
    if (is_response && options_.half_close_after_bytes > 0 &&
        passed >= options_.half_close_after_bytes) {
      ++faults_made_;
      shutdown(to, SHUT_WR);
      shutdown(from, SHUT_RD);
      return;
    }
  }
  shutdown(to, SHUT_WR);
  if (--link.open_directions == 0) Reset(link);
}

}  // namespace vico::fault
