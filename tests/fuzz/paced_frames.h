// Sends the frames of a channel one by one, so that replies come between them, as they do between a
// worker and its engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace vico::fuzz {

/// Size of the first frame, as its header says; the rest if that is shorter.
inline size_t FirstFrame(std::string_view bytes) {
  constexpr size_t kHeader = 8;
  if (bytes.size() < kHeader) return bytes.size();
  uint64_t length = 0;
  for (size_t i = 0; i < kHeader; ++i) {
    length |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return kHeader + std::min<uint64_t>(length, bytes.size() - kHeader);
}

/// Waits some milliseconds for a reply after each frame, reads it and ignores it. Stops when the
/// other end is closed.
inline void SendPaced(int socket, std::string_view bytes) {
  constexpr int kMilliseconds = 2;
  char ignored[4096];
  while (!bytes.empty()) {
    const size_t now = FirstFrame(bytes);
    if (send(socket, bytes.data(), now, MSG_NOSIGNAL) != static_cast<ssize_t>(now)) return;
    bytes.remove_prefix(now);
    pollfd reply{.fd = socket, .events = POLLIN, .revents = 0};
    if (poll(&reply, 1, kMilliseconds) > 0 && recv(socket, ignored, sizeof ignored, 0) <= 0) return;
  }
}

}  // namespace vico::fuzz
