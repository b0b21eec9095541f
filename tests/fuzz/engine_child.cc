// An engine process for the fuzz target engine_channel: sends the bytes of a file, closes its side
// for writing, and reads until the worker closes the other or sends nothing for a moment.
#include <string>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_target.h"
#include "worker/process/child.h"

int main(int argc, char** argv) {
  using vico::worker::kChildSocket;
  if (argc != 2) return 2;
  const std::string bytes = vico::fuzz::FileBytes(argv[1]);
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = send(kChildSocket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return 1;
    sent += static_cast<size_t>(now);
  }
  shutdown(kChildSocket, SHUT_WR);
  const timeval patience{.tv_sec = 0, .tv_usec = 3'000};
  setsockopt(kChildSocket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char ignored[4096];
  while (read(kChildSocket, ignored, sizeof ignored) > 0) {
  }
  return 0;
}
