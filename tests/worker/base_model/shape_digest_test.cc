#include "worker/base_model/shape_digest.h"

#include <gtest/gtest.h>

#include "common/crypto/sha256.h"

namespace vico::worker {
namespace {

// The text is that of docs/adapter-format.md.
TEST(ShapeDigestTest, IsTheDigestOfTheDocumentedText) {
  EXPECT_EQ(
      ShapeDigest(768, 4, {{"a", 320, 8}, {"b", 640, 8}}),
      Sha256Hex(R"({"latent_channels":4,"text_width":768,"transformers":[)"
                R"({"heads":8,"name":"a","width":320},{"heads":8,"name":"b","width":640}]})"));
}

TEST(ShapeDigestTest, ChangesWithEverySize) {
  const std::string digest = ShapeDigest(768, 4, {{"a", 320, 8}});
  EXPECT_NE(ShapeDigest(1024, 4, {{"a", 320, 8}}), digest);
  EXPECT_NE(ShapeDigest(768, 16, {{"a", 320, 8}}), digest);
  EXPECT_NE(ShapeDigest(768, 4, {{"b", 320, 8}}), digest);
  EXPECT_NE(ShapeDigest(768, 4, {{"a", 640, 8}}), digest);
  EXPECT_NE(ShapeDigest(768, 4, {{"a", 320, 5}}), digest);
  EXPECT_NE(ShapeDigest(768, 4, {}), digest);
}

}  // namespace
}  // namespace vico::worker
