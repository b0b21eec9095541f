#include "server/gate/descriptor.h"

#include <unistd.h>

namespace vico::server {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  Close();
  number_ = other.Release();
  return *this;
}

void Descriptor::Close() {
  if (number_ >= 0) close(number_);
  number_ = -1;
}

}  // namespace vico::server
