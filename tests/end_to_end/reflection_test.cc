// Runs reflection_test.py, which knows nothing of our .proto files, against a real server.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/end_to_end/cluster.h"

namespace vico {
namespace {

// Where scripts/bootstrap puts a Python with grpcio, its reflection and its health check.
std::string Python() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const std::string root = cache != nullptr && *cache != '\0' ? cache
                           : home != nullptr                  ? std::string(home) + "/.cache"
                                                              : "";
  return root + "/vico/python/bin/python";
}

TEST(ReflectionTest, AnyClientCanListDescribeAndCallTheServices) {
  if (!std::filesystem::exists(Python())) {
    GTEST_SKIP() << Python() << " is missing; scripts/bootstrap makes it";
  }
  Cluster cluster;
  ASSERT_TRUE(cluster.StartServer());
  const Finished script =
      RunToEnd({Python(), "tests/end_to_end/reflection_test.py", cluster.address()});
  EXPECT_EQ(script.exit_code, 0) << script.out << script.err;
}

}  // namespace
}  // namespace vico
