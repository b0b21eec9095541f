#include "common/exception_status.h"

#include <exception>
#include <new>
#include <system_error>

#include "common/status.h"

namespace vico {
namespace {

absl::Status Describe() {
  constexpr std::string_view kUnexpected = "unexpected error in the program";
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error(absl::StatusCode::kResourceExhausted, "out of memory", "OUT_OF_MEMORY");
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return Error(absl::StatusCode::kResourceExhausted, "the system has no threads left",
                   "OUT_OF_THREADS");
    }
    return WithPrivateText(Error(absl::StatusCode::kInternal, kUnexpected, "INTERNAL"),
                           error.what());
  } catch (const std::exception& error) {  // a library's text is not for callers
    return WithPrivateText(Error(absl::StatusCode::kInternal, kUnexpected, "INTERNAL"),
                           error.what());
  } catch (...) {
    return Error(absl::StatusCode::kInternal, kUnexpected, "INTERNAL");
  }
}

}  // namespace

absl::Status StatusOfException() noexcept {
  try {
    return Describe();
  } catch (...) {
    // A status without a message needs no memory.
    return absl::Status(absl::StatusCode::kResourceExhausted, "");
  }
}

}  // namespace vico
