// Runs reflection_test.py, which does not have the .proto files, against a real server.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/end_to_end/cluster.h"

namespace vico::end_to_end {
namespace {

// The Python that scripts/bootstrap --tests installs, with grpcio and its reflection and health
// modules.
std::string Python() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const std::string root = cache != nullptr && *cache != '\0' ? cache
                           : home != nullptr                  ? std::string(home) + "/.cache"
                                                              : "";
  return root + "/vico/python/bin/python";
}

TEST(ReflectionTest, AClientListsDescribesAndCallsTheServices) {
  if (!std::filesystem::exists(Python())) {
    GTEST_SKIP() << Python() << " is missing; scripts/bootstrap --tests installs it";
  }
  Cluster cluster;
  ASSERT_TRUE(cluster.StartServer());
  const Finished script =
      RunToEnd({Python(), "tests/end_to_end/reflection_test.py", cluster.address()});
  EXPECT_EQ(script.exit_code, 0) << script.out << script.err;
}

}  // namespace
}  // namespace vico::end_to_end
