// An engine process for the fuzz target engine_channel: sends the frames of a file, closes its side
// for writing, and reads until the worker closes the other or sends nothing for a moment.
#include <string>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/paced_frames.h"
#include "worker/process/child.h"

int main(int argc, char** argv) {
  using vico::worker::kChildSocket;
  if (argc != 2) return 2;
  vico::fuzz::SendPaced(kChildSocket, vico::fuzz::FileBytes(argv[1]));
  shutdown(kChildSocket, SHUT_WR);
  const timeval patience{.tv_sec = 0, .tv_usec = 3'000};
  setsockopt(kChildSocket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char ignored[4096];
  while (read(kChildSocket, ignored, sizeof ignored) > 0) {
  }
  return 0;
}
