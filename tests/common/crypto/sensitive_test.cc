#include "common/crypto/sensitive.h"

#include <sstream>
#include <type_traits>

#include <gtest/gtest.h>

#include "common/log.h"

namespace vico {
namespace {

// A log field cannot hold a key.
static_assert(!std::is_constructible_v<LogField, const char*, Sensitive>);
static_assert(!std::is_convertible_v<Sensitive, std::string>);

TEST(SensitiveTest, PrintsOnlyItsLength) {
  std::ostringstream out;
  out << Sensitive("hunter2");
  EXPECT_EQ(out.str(), "<redacted len=7>");
}

}  // namespace
}  // namespace vico
