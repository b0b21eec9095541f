#include "server/s3/credentials.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "server/s3/s3_options.h"
#include "server/s3/s3_xml.h"
#include "tests/server/s3/one_answer.h"
#include "tests/support/fake_clock.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

TEST(CredentialsFileTest, ReadsAProfile) {
  const std::string text =
      "# a comment\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n"
      "[profile other]\n aws_access_key_id=C\naws_secret_access_key = D=/+\naws_session_token=E\n";
  const auto first = ParseCredentialsFile(text, "default");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->access_key, "A");
  EXPECT_EQ(first->secret_key, "B");
  EXPECT_EQ(first->session_token, "");
  const auto other = ParseCredentialsFile(text, "other");
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->access_key, "C");
  EXPECT_EQ(other->secret_key, "D=/+");
  EXPECT_EQ(other->session_token, "E");
  EXPECT_THAT(ParseCredentialsFile(text, "third"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(ParseCredentialsFile("[default]\naws_access_key_id=A", "default"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(S3XmlTest, ReadsTexts) {
  const std::string xml =
      "<R><Contents><Key>a&amp;b&lt;</Key></Contents><Contents><Key>c</Key></Contents><Cut>";
  EXPECT_EQ(XmlText(xml, "Key"), "a&b<");
  EXPECT_EQ(XmlElements(xml, "Contents").size(), 2u);
  EXPECT_EQ(XmlText(xml, "Cut"), "");
  EXPECT_EQ(XmlText("", "Key"), "");
}

class CredentialsProviderTest : public testing::Test {
 protected:
  TempFolder folder_;
  FakeClock clock_;
  HttpClient http_;
};

TEST_F(CredentialsProviderTest, TheEnvironmentComesFirst) {
  S3CredentialSources sources;
  sources.access_key = "A";
  sources.secret_key = Sensitive("B");
  sources.shared_file = "/nowhere";
  sources.web_identity_token_file = "/nowhere";
  CredentialsProvider provider(sources, "r", http_, clock_);
  const auto found = provider.Get();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->access_key, "A");
}

TEST_F(CredentialsProviderTest, AFileThatChangesIsReadAgain) {
  S3CredentialSources sources;
  sources.shared_file = folder_.path() + "/credentials";
  CredentialsProvider provider(sources, "r", http_, clock_);
  EXPECT_THAT(provider.Get(), HasReason("OBJECT_STORE_DENIED"));
  WriteFile(sources.shared_file, "[default]\naws_access_key_id=A\naws_secret_access_key=B\n");
  EXPECT_EQ(provider.Get()->access_key, "A");
  WriteFile(sources.shared_file, "[default]\naws_access_key_id=C\naws_secret_access_key=D\n");
  EXPECT_EQ(provider.Get()->access_key, "A");
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(provider.Get()->access_key, "C");
  // While it is replaced, the old ones hold.
  std::filesystem::remove(sources.shared_file);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(provider.Get()->access_key, "C");
}

std::string AssumedRole(const std::string& key, absl::Time expires) {
  return "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
         "<AccessKeyId>" +
         key +
         "</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
         "<Expiration>" +
         absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", expires, absl::UTCTimeZone()) +
         "</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
         "</AssumeRoleWithWebIdentityResponse>";
}

TEST_F(CredentialsProviderTest, AWebIdentityIsRenewedBeforeItExpires) {
  OneAnswer sts;
  S3CredentialSources sources;
  sources.web_identity_token_file = folder_.path() + "/token";
  sources.role_arn = "arn:aws:iam::1:role/vico";
  sources.sts_endpoint = sts.endpoint();
  WriteFile(sources.web_identity_token_file, "a.token+\n");
  CredentialsProvider provider(sources, "r", http_, clock_);

  sts.Set("200 OK", AssumedRole("A", clock_.Now() + absl::Hours(1)));
  const auto first = provider.Get();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->access_key, "A");
  EXPECT_EQ(first->session_token, "T");
  EXPECT_THAT(sts.last_body(), HasSubstr("Action=AssumeRoleWithWebIdentity"));
  EXPECT_THAT(sts.last_body(), HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fvico"));
  EXPECT_THAT(sts.last_body(), HasSubstr("WebIdentityToken=a.token%2B"));

  clock_.Advance(absl::Minutes(54));
  EXPECT_EQ(provider.Get()->access_key, "A");
  EXPECT_EQ(sts.requests(), 1);
  clock_.Advance(absl::Minutes(1));
  sts.Set("500 Internal", "");
  EXPECT_EQ(provider.Get()->access_key, "A") << "an outage matters only at the end";
  sts.Set("200 OK", AssumedRole("B", clock_.Now() + absl::Hours(1)));
  EXPECT_EQ(provider.Get()->access_key, "B");

  clock_.Advance(absl::Hours(1));
  sts.Set("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
  EXPECT_THAT(provider.Get(), HasReason("OBJECT_STORE_DENIED"));
}

TEST(S3OptionsTest, ParsesAddresses) {
  const auto plain = ParseS3Address("--blobs", "s3://bucket");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->bucket, "bucket");
  EXPECT_EQ(plain->prefix, "");
  const auto folder = ParseS3Address("--blobs", "s3://my.bucket/a/B_c/");
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->prefix, "a/B_c/");
  for (const char* wrong :
       {"", "bucket", "http://bucket", "s3://", "s3://A", "s3://bu", "s3://b/c", "s3://bucket/../x",
        "s3://bucket//x", "s3://bucket/a b", "s3://bucket/%41", "s3://bucket/a?b"}) {
    EXPECT_THAT(ParseS3Address("--blobs", wrong), NamesField("--blobs")) << wrong;
  }
}

TEST(S3OptionsTest, MakesUrls) {
  S3Options options = *ParseS3Address("--blobs", "s3://bucket/x");
  options.region = "eu-central-1";
  EXPECT_EQ(BucketUrl(options), "https://bucket.s3.eu-central-1.amazonaws.com");
  options.bucket = "my.bucket";
  EXPECT_EQ(BucketUrl(options), "https://s3.eu-central-1.amazonaws.com/my.bucket");
  options.endpoint = "http://127.0.0.1:8333";
  EXPECT_EQ(BucketUrl(options), "http://127.0.0.1:8333/my.bucket");
  EXPECT_THAT(CheckS3Options(options), IsOk());
  for (const char* wrong : {"127.0.0.1:8333", "ftp://x", "http://", "http://a/b", "http://u@h"}) {
    options.endpoint = wrong;
    EXPECT_THAT(CheckS3Options(options), NamesField("--s3-endpoint")) << wrong;
  }
  options.endpoint = "";
  options.region = "a b";
  EXPECT_THAT(CheckS3Options(options), NamesField("--s3-region"));
}

}  // namespace
}  // namespace vico::server
