#include "common/crypto/sensitive.h"

#include <algorithm>
#include <ostream>

namespace vico {

Sensitive::~Sensitive() {
  // Volatile, so that the compiler keeps the writes to memory that is about to be freed.
  std::fill_n(static_cast<volatile char*>(text_.data()), text_.size(), '\0');
}

std::ostream& operator<<(std::ostream& out, const Sensitive& value) {
  return out << "<redacted len=" << value.text_.size() << '>';
}

}  // namespace vico
