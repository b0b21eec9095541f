// Uploads by the command line client to a real server: refused, accepted and interrupted ones.
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "tests/end_to_end/cluster.h"
#include "vico/v1/concept.grpc.pb.h"

namespace vico::end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

cv::Mat Noise(int side, int type, int seed) {
  cv::Mat picture(side, side, type);
  cv::RNG random(static_cast<std::uint64_t>(seed));
  random.fill(picture, cv::RNG::UNIFORM, 0, CV_MAT_DEPTH(type) == CV_16U ? 65535 : 255);
  return picture;
}

class UploadTest : public ::testing::Test {
 protected:
  explicit UploadTest(ClusterOptions options = {}) : cluster_(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(cluster_.StartServer()); }

  std::string File(const std::string& name, const std::string& bytes) {
    const std::string path = cluster_.folder() + "/" + name;
    WriteFile(path, bytes);
    return path;
  }

  // A picture of the given OpenCV type, in the format of the name's extension.
  std::string Picture(const std::string& name, int type, int side = 64) {
    const std::string path = cluster_.folder() + "/" + name;
    EXPECT_TRUE(cv::imwrite(path, Noise(side, type, ++pictures_)));
    return path;
  }

  Finished Upload(const std::vector<std::string>& files) {
    std::vector<std::string> words = {"concepts", "upload"};
    words.insert(words.end(), files.begin(), files.end());
    return cluster_.Vico(words);
  }

  // The error names the field and contains the words, and nothing is stored.
  void ExpectRefused(const std::vector<std::string>& files, const std::string& field,
                     const std::string& words) {
    const Finished upload = Upload(files);
    EXPECT_EQ(upload.exit_code, 2) << upload.err;
    EXPECT_THAT(upload.err, HasSubstr(field));
    EXPECT_THAT(upload.err, HasSubstr(words));
    EXPECT_EQ(upload.out, "");
    EXPECT_THAT(cluster_.NewClient()->ListConcepts(10)->items, IsEmpty());
  }

  Cluster cluster_;
  int pictures_ = 0;
};

TEST_F(UploadTest, ValidPicturesBecomeAConcept) {
  const Finished upload = Upload({Picture("a.png", CV_8UC3), Picture("b.jpg", CV_8UC3)});
  EXPECT_EQ(upload.exit_code, 0) << upload.err;
  EXPECT_THAT(upload.out, ::testing::MatchesRegex("concepts/[0-9a-f]+\n"));
  EXPECT_EQ(upload.err, "");
}

TEST_F(UploadTest, GreyAlphaAndSixteenBitPicturesAreAccepted) {
  const Finished upload = Upload({Picture("grey.png", CV_8UC1), Picture("alpha.png", CV_8UC4),
                                  Picture("deep.png", CV_16UC3), Picture("grey.jpg", CV_8UC1)});
  EXPECT_EQ(upload.exit_code, 0) << upload.err;
}

TEST_F(UploadTest, TheContentDeterminesTheFormat) {
  const std::string png = ReadFile(Picture("a.png", CV_8UC3));
  const std::string jpeg = ReadFile(Picture("b.jpg", CV_8UC3));
  EXPECT_EQ(Upload({File("png.jpg", png), File("jpeg.txt", jpeg)}).exit_code, 0);
}

TEST_F(UploadTest, AFileThatIsNoPictureIsRefused) {
  ExpectRefused({Picture("a.png", CV_8UC3), File("b.png", "this is a letter, not a picture")},
                "pictures[1]", "b.png");
}

TEST_F(UploadTest, ATruncatedPictureIsRefused) {
  const std::string png = ReadFile(Picture("whole.png", CV_8UC3));
  const std::string jpeg = ReadFile(Picture("whole.jpg", CV_8UC3));
  ExpectRefused({File("a.png", png.substr(0, png.size() / 2)), Picture("b.png", CV_8UC3)},
                "pictures[0]", "the PNG data");
  ExpectRefused({Picture("c.png", CV_8UC3), File("d.jpg", jpeg.substr(0, jpeg.size() / 2))},
                "pictures[1]", "JPEG");
}

TEST_F(UploadTest, AnEmptyFileIsRefused) {
  ExpectRefused({File("a.png", ""), Picture("b.png", CV_8UC3)}, "pictures[0].size_bytes", "got 0");
}

TEST_F(UploadTest, AHugeSizeInTheHeaderIsRefused) {
  // Signature, then IHDR: 50,000 x 50,000, 8-bit RGB, with its true CRC-32; then an empty IDAT.
  const std::string png(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0\xc4\xcd\xaa\x9d"
      "\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82",
      8 + 25 + 12 + 12);
  ExpectRefused({File("a.png", png), Picture("b.png", CV_8UC3)}, "pictures[0]", "50000");
}

TEST_F(UploadTest, FewerThanTwoOrMoreThanTwentyPicturesAreRefused) {
  std::vector<std::string> files = {Picture("0.png", CV_8UC3)};
  ExpectRefused(files, "header.pictures", "must be 2..20, got 1");
  while (files.size() < 21) files.push_back(Picture(fmt::format("{}.png", files.size()), CV_8UC3));
  ExpectRefused(files, "header.pictures", "must be 2..20, got 21");
}

TEST_F(UploadTest, EqualPicturesAreAcceptedWithAWarning) {
  const std::string twin = Picture("a.png", CV_8UC3);
  const Finished upload = Upload({twin, twin, Picture("b.png", CV_8UC3)});
  EXPECT_EQ(upload.exit_code, 0) << upload.err;
  EXPECT_THAT(upload.err, HasSubstr("warning: pictures[0] and pictures[1]"));
}

TEST_F(UploadTest, AMissingFileIsNamed) {
  ExpectRefused({Picture("a.png", CV_8UC3), "nope.jpg"}, "nope.jpg", "no such file");
}

TEST_F(UploadTest, ASecondServerOnTheSameFolderEnds) {
  const Finished second = RunToEnd({VICO_SERVER_BINARY, "--data", cluster_.data(), "--listen",
                                    "127.0.0.1:0", "--worker-listen", "127.0.0.1:0"});
  EXPECT_NE(second.exit_code, 0);
  EXPECT_NE(second.exit_code, -1);
  EXPECT_THAT(second.err, HasSubstr(cluster_.data()));
  EXPECT_EQ(cluster_.Vico({"concepts", "list"}).exit_code, 0);  // the first server still works
}

TEST_F(UploadTest, AnInterruptedUploadStoresNothingAndCanBeRepeated) {
  const std::string a = ReadFile(Picture("a.png", CV_8UC3));
  const std::string b = ReadFile(Picture("b.png", CV_8UC3));
  {
    const auto stub = v1::ConceptService::NewStub(
        grpc::CreateChannel(cluster_.address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::UploadConceptResponse response;
    const auto writer = stub->UploadConcept(&context, &response);
    v1::UploadConceptRequest message;
    message.mutable_header()->set_request_id(NewId());
    for (const std::string* bytes : {&a, &b}) {
      auto* picture = message.mutable_header()->add_pictures();
      picture->set_sha256(Sha256Hex(*bytes));
      picture->set_size_bytes(bytes->size());
    }
    ASSERT_TRUE(writer->Write(message));
    message.mutable_chunk()->set_data(a.substr(0, a.size() / 2));
    ASSERT_TRUE(writer->Write(message));
    context.TryCancel();
    EXPECT_FALSE(writer->Finish().ok());
  }
  EXPECT_THAT(cluster_.NewClient()->ListConcepts(10)->items, IsEmpty());
  EXPECT_EQ(Upload({File("c.png", a), File("d.png", b)}).exit_code, 0);
  EXPECT_THAT(cluster_.NewClient()->ListConcepts(10)->items, SizeIs(1));
}

TEST_F(UploadTest, AnAcknowledgedConceptSurvivesAKilledServer) {
  const Finished upload = Upload({Picture("a.png", CV_8UC3), Picture("b.png", CV_8UC3)});
  ASSERT_EQ(upload.exit_code, 0) << upload.err;
  cluster_.server().Kill();
  ASSERT_TRUE(cluster_.StartServer());
  const std::string name = upload.out.substr(0, upload.out.size() - 1);
  EXPECT_EQ(cluster_.Vico({"concepts", "show", name}).exit_code, 0);
}

TEST_F(UploadTest, WithoutAServerTheClientReportsIt) {
  cluster_.server().Kill();
  const Finished list = cluster_.Vico({"concepts", "list"});
  EXPECT_EQ(list.exit_code, 5);
  EXPECT_THAT(list.err, HasSubstr("no answer from the server"));
}

// No file of the server can exceed 1 MiB. A larger write fails as on a full disk.
class FullDiskTest : public UploadTest {
 protected:
  FullDiskTest() : UploadTest(Full()) {}

  static ClusterOptions Full() {
    ClusterOptions options;
    options.server_largest_file = 1 << 20;
    return options;
  }
};

TEST_F(FullDiskTest, TheUploadIsRefusedAndTheServerContinues) {
  constexpr int kTooLarge = 1024;  // noise: about 3 MiB as PNG
  const Finished large =
      Upload({Picture("a.png", CV_8UC3, kTooLarge), Picture("b.png", CV_8UC3, kTooLarge)});
  EXPECT_EQ(large.exit_code, 6) << large.err;
  EXPECT_THAT(cluster_.NewClient()->ListConcepts(10)->items, IsEmpty());

  const Finished small = Upload({Picture("c.png", CV_8UC3), Picture("d.png", CV_8UC3)});
  EXPECT_EQ(small.exit_code, 0) << small.err;
}

}  // namespace
}  // namespace vico::end_to_end
