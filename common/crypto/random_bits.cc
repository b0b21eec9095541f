#include "common/crypto/random_bits.h"

#include <cstdlib>

#include <sys/random.h>

namespace vico {

uint64_t RandomBits() {
  uint64_t bits = 0;
  // getrandom() blocks until the kernel's generator is seeded; up to 256 bytes come in one piece.
  if (getrandom(&bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits))) std::abort();
  return bits;
}

double Random01() { return static_cast<double>(RandomBits() >> 11) / 9007199254740992.0; }

}  // namespace vico
