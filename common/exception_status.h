// The status of an exception, for the places where exceptions of handlers and libraries end.
#pragma once

#include <absl/status/status.h>

namespace vico {

/// In a catch block: kResourceExhausted, reason OUT_OF_MEMORY, for std::bad_alloc and
/// OUT_OF_THREADS for a thread that cannot start; otherwise kInternal, reason INTERNAL, with the
/// exception's text as private text. Without memory for these the code alone.
absl::Status StatusOfException() noexcept;

}  // namespace vico
