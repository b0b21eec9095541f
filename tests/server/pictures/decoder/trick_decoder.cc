// A malicious vico-decode: instead of decoding it runs the attack that the picture's file names, as
// an attacker would who controls the real one.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/pictures/decoder/helper.h"

namespace {

using vico::server::DecodeOutcome;

volatile uint64_t sink;          // keeps the compiler from removing loops
volatile int* volatile nowhere;  // null

/// Whether this many MiB can be allocated and written.
bool Allocates(size_t mib) {
  auto* bytes = static_cast<volatile char*>(std::malloc(mib << 20));
  if (bytes == nullptr) return false;
  for (size_t at = 0; at < mib << 20; at += 4096) bytes[at] = 1;
  return true;
}

constexpr uint32_t kDeadlyWidth = 66;  // of a real picture

DecodeOutcome Trick(const vico::server::DecodeJob& job, vico::server::Pixels& pixels) {
  if (job.width == kDeadlyWidth) __builtin_trap();
  if (job.file.starts_with('\x89')) return vico::server::DecodePicture(job, pixels);
  const std::string_view trick = job.file;
  pixels.bgr.assign(size_t{3} * job.width * job.height, 7);
  if (trick == "spin") {
    while (true) sink = sink + 1;
  }
  if (trick == "wait") {  // for bytes that never arrive
    char byte;
    while (read(STDIN_FILENO, &byte, 1) >= 0) {
    }
  }
  if (trick == "crash") *nowhere = 1;
  if (trick == "trap") __builtin_trap();
  if (trick == "abort") std::abort();
  if (trick == "open") open("/etc/passwd", O_RDONLY);
  if (trick == "create") open("/tmp/vico-trick", O_WRONLY | O_CREAT, 0600);
  if (trick == "socket") socket(AF_INET, SOCK_STREAM, 0);
  if (trick == "fork") fork();
  if (trick == "exec") execl("/bin/true", "true", nullptr);
  if (trick == "ptrace") ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  if (trick == "kill") kill(getppid(), SIGTERM);
  if (trick == "code")
    mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (trick == "stderr" && write(STDERR_FILENO, "x", 1) < 0) return DecodeOutcome::kDamaged;
  if (trick == "close") close(STDOUT_FILENO);
  if (trick == "much")
    return Allocates(512) ? DecodeOutcome::kDecoded : DecodeOutcome::kOutOfMemory;
  if (trick == "enough" && !Allocates(256)) return DecodeOutcome::kOutOfMemory;
  if (trick == "longer") pixels.bgr.resize(pixels.bgr.size() + 3);
  if (trick == "shorter") pixels.bgr.resize(pixels.bgr.size() - 3);
  if (trick == "rubbish" && write(STDOUT_FILENO, "not an answer at all", 20) != 20)
    return DecodeOutcome::kDamaged;
  if (trick == "silent") _exit(0);
  if (trick == "left") _exit(9);
  return DecodeOutcome::kDecoded;
}

}  // namespace

int main(int argc, char** argv) {
  vico::server::RunDecodeHelper(argc, argv, Trick, {.cpu_seconds = 1});
}
