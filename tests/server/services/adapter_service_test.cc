#include "server/services/adapter_service.h"

#include <filesystem>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>

#include "server/uploads/adapter_import.h"
#include "tests/server/adapter_parts.h"
#include "tests/server/blob_file.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class AdapterServiceTest : public ServerTest {
 protected:
  AdapterServiceTest() {
    EXPECT_THAT(Register(), IsOk());
    files_before_ = StoredFiles();
  }

  static v1::ImportAdapterRequest::Header HeaderOf(const std::string& file,
                                                   const std::string& reference) {
    v1::ImportAdapterRequest::Header header;
    header.set_request_id(RequestId());
    header.set_size_bytes(file.size());
    header.set_sha256(Sha256Hex(file));
    header.set_reference_size_bytes(reference.size());
    header.set_reference_sha256(Sha256Hex(reference));
    return header;
  }

  absl::StatusOr<v1::Adapter> Import(const v1::ImportAdapterRequest::Header& header,
                                     const std::string& file, const std::string& reference) {
    Call call;
    v1::Adapter adapter;
    const auto writer = adapters_->ImportAdapter(&call, &adapter);
    v1::ImportAdapterRequest request;
    *request.mutable_header() = header;
    writer->Write(request);
    for (const auto* bytes : {&file, &reference}) {
      request.mutable_chunk()->set_reference(bytes == &reference);
      for (size_t at = 0; at < bytes->size(); at += 1000) {
        request.mutable_chunk()->set_data(bytes->substr(at, 1000));
        writer->Write(request);
      }
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return adapter;
  }

  absl::StatusOr<v1::Adapter> Import(const AdapterParts& parts) {
    const std::string file = parts.Bytes();
    return Import(HeaderOf(file, reference_), file, reference_);
  }

  absl::StatusOr<std::string> Download(const std::string& name, bool reference) {
    Call call;
    v1::DownloadAdapterRequest request;
    request.set_name(name);
    request.set_reference(reference);
    const auto reader = adapters_->DownloadAdapter(&call, request);
    std::string bytes;
    bool last = false;
    v1::DownloadAdapterResponse response;
    while (reader->Read(&response)) {
      EXPECT_FALSE(last);
      EXPECT_EQ(response.offset(), bytes.size());
      bytes += response.data();
      last = response.last();
    }
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    EXPECT_TRUE(last);
    return bytes;
  }

  std::vector<v1::Adapter> List() {
    Call call;
    v1::ListAdaptersResponse response;
    EXPECT_THAT(FromGrpc(adapters_->ListAdapters(&call, {}, &response)), IsOk());
    return {response.adapters().begin(), response.adapters().end()};
  }

  const std::string reference_ = Encoded(TestPicture(64, 64), ".jpg");
  size_t files_before_ = 0;
};

TEST_F(AdapterServiceTest, AnImportBecomesAnAdapter) {
  const auto adapter = Import(AdapterParts());
  ASSERT_THAT(adapter, IsOk());
  EXPECT_EQ(adapter->base_model(), kTestBase);
  EXPECT_EQ(adapter->base_model_digest(), TestBaseModel().digest());
  EXPECT_EQ(adapter->placeholder(), "S*");
  EXPECT_EQ(adapter->init_word(), "dog");
  EXPECT_EQ(adapter->dialect(), v1::DIALECT_PAPER);
  EXPECT_EQ(adapter->job(), "");
  EXPECT_EQ(List().size(), 1u);
  EXPECT_EQ(*Download(adapter->name(), false), AdapterParts().Bytes());
  EXPECT_EQ(Sha256Hex(*Download(adapter->name(), true)), adapter->reference().sha256());

  const auto job = Create(GenerationOf(adapter->name()));
  ASSERT_THAT(job, IsOk());
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.adapter().name(), adapter->name());
  EXPECT_EQ(*Get(adapter->blob().sha256(), leased.job(), leased.lease_id()),
            AdapterParts().Bytes());
  EXPECT_THAT(Get(adapter->reference().sha256(), leased.job(), leased.lease_id()), IsOk());
}

TEST_F(AdapterServiceTest, AnImportMayLackTheInitWord) {
  AdapterParts parts;
  parts.metadata["init_word"] = "";
  const auto adapter = Import(parts);
  ASSERT_THAT(adapter, IsOk());
  EXPECT_EQ(adapter->init_word(), "");
}

TEST_F(AdapterServiceTest, AReferenceIsAlwaysNormalised) {
  AdapterParts parts;
  const std::string png = WithChunk(Encoded(TestPicture(64, 64), ".png"), "tEXt", "hidden");
  parts.metadata["reference_sha256"] = Sha256Hex(png);
  const std::string file = parts.Bytes();
  const auto adapter = Import(HeaderOf(file, png), file, png);
  ASSERT_THAT(adapter, IsOk());
  const std::string stored = *Download(adapter->name(), true);
  EXPECT_THAT(stored, testing::Not(testing::HasSubstr("hidden")));
  EXPECT_EQ(cv::norm(Decoded(stored), Decoded(png)), 0);

  // A reference that the server has stored before stays the same, byte for byte.
  parts.metadata["reference_sha256"] = Sha256Hex(stored);
  const std::string again = parts.Bytes();
  const auto second = Import(HeaderOf(again, stored), again, stored);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(*Download(second->name(), true), stored);
}

TEST_F(AdapterServiceTest, ARepeatedImportGetsTheFirstAnswer) {
  const std::string file = AdapterParts().Bytes();
  const auto header = HeaderOf(file, reference_);
  const auto first = Import(header, file, reference_);
  const auto second = Import(header, file, reference_);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->name(), second->name());
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(AdapterServiceTest, FilesThatAreNotAdaptersAreRefusedAndLeaveNothing) {
  const auto spoiled = [](const std::function<void(AdapterParts&)>& spoil) {
    AdapterParts parts;
    spoil(parts);
    return parts;
  };
  struct Case {
    AdapterParts parts;
    const char* complaint;
  };
  const std::string site = "up.image_cross_attention.";
  for (const auto& [parts, complaint] : {
           Case{spoiled([](auto& p) { p.metadata.erase("format"); }), "\"format\": is missing"},
           Case{spoiled([](auto& p) { p.metadata["format"] = "pt"; }), "vico-adapter"},
           Case{spoiled([](auto& p) { p.metadata["format_version"] = "2"; }), "format_version"},
           Case{spoiled([](auto& p) { p.metadata["dialect"] = "port"; }), "dialect"},
           Case{spoiled([](auto& p) { p.metadata["base_model_digest"] = "x"; }), "digest"},
           Case{spoiled([](auto& p) { p.metadata["placeholder"] = "a b"; }), "placeholder"},
           Case{spoiled([](auto& p) { p.metadata["init_word"] = std::string(33, 'a'); }),
                "init_word"},
           Case{spoiled([](auto& p) { p.metadata["sites"] = "up"; }), "sites"},
           Case{spoiled([](auto& p) { p.metadata["sites"] = R"(["up","up"])"; }), "sites"},
           Case{spoiled([](auto& p) { p.metadata["sites"] = R"(["up","down"])"; }), "down."},
           Case{spoiled([](auto& p) { p.shapes.erase("placeholder_embedding"); }), "[1, D]"},
           Case{spoiled([&](auto& p) { p.shapes.erase(site + "ff.net.2.bias"); }), "ff.net.2.bias"},
           Case{spoiled([&](auto& p) {
                  p.shapes[site + "attn1.to_q.weight"] = {4, 5};
                }),
                "[4, 4]"},
           Case{spoiled([](auto& p) { p.shapes["more"] = {1}; }), "21 tensors"},
           Case{spoiled([](auto& p) { p.dtype = DType::kI32; }), "F32, F16 or BF16"},
           Case{spoiled([](auto& p) { p.value = std::numeric_limits<float>::infinity(); }),
                "infinite"},
           Case{spoiled([](auto& p) { p.value = std::numeric_limits<float>::quiet_NaN(); }),
                "undefined"},
       }) {
    const auto imported = Import(parts);
    EXPECT_THAT(imported, HasCode(absl::StatusCode::kInvalidArgument)) << complaint;
    EXPECT_THAT(imported, NamesField("file")) << complaint;
    EXPECT_THAT(imported, HasMessage(HasSubstr(complaint)));
  }
  const std::string pickle = "\x80\x02}q\x01.";
  EXPECT_THAT(Import(HeaderOf(pickle, reference_), pickle, reference_), NamesField("file"));
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(StoredFiles(), files_before_);
}

TEST_F(AdapterServiceTest, BytesMustBeThoseAnnounced) {
  const std::string file = AdapterParts().Bytes();
  auto header = HeaderOf(file, reference_);
  EXPECT_THAT(Import(header, file.substr(1), reference_), NamesField("header.size_bytes"));
  EXPECT_THAT(Import(header, file + "x", reference_), NamesField("chunk.data"));
  EXPECT_THAT(Import(header, file, ""), NamesField("header.reference_size_bytes"));
  header.set_sha256(Sha256Hex("other"));
  EXPECT_THAT(Import(header, file, reference_), NamesField("header.sha256"));
  EXPECT_EQ(StoredFiles(), files_before_);
}

TEST_F(AdapterServiceTest, AReferenceThatIsNotAPictureIsRefused) {
  const std::string file = AdapterParts().Bytes();
  EXPECT_THAT(Import(HeaderOf(file, "no picture"), file, "no picture"), NamesField("reference"));
  EXPECT_EQ(StoredFiles(), files_before_);
}

TEST_F(AdapterServiceTest, AnAdapterOfAnotherBaseModelIsRefused) {
  AdapterParts parts;
  parts.metadata["base_model_digest"] = Sha256Hex("another");
  EXPECT_THAT(Import(parts), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Import(parts), HasReason("BASE_MODEL_DIFFERS"));
  const std::string file = parts.Bytes();
  auto header = HeaderOf(file, reference_);
  header.set_base_model(kTestBase);
  EXPECT_THAT(Import(header, file, reference_), HasReason("BASE_MODEL_DIFFERS"));
  header.set_base_model("baseModels/unknown");
  EXPECT_THAT(Import(header, file, reference_), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(StoredFiles(), files_before_);
}

TEST_F(AdapterServiceTest, APlaceholderThatIsAWordGivesAWarning) {
  AdapterParts parts;
  EXPECT_EQ(Import(parts)->warnings_size(), 0);
  for (const char* word : {"photo", "dog", "*"}) {
    parts.metadata["placeholder"] = word;
    const auto imported = Import(parts);
    ASSERT_THAT(imported, IsOk());
    EXPECT_EQ(imported->placeholder(), word);
    ASSERT_EQ(imported->warnings_size(), 1) << word;
    EXPECT_EQ(imported->warnings(0).reason(), "PLACEHOLDER_IS_A_WORD");
    EXPECT_THAT(imported->warnings(0).message(), HasSubstr(word));
    EXPECT_EQ(List().front().warnings_size(), 1) << "it is stored";
  }
}

TEST(ImportPlacesTest, ATenantHasTwoAndLeavesSomeToOthers) {
  ImportPlaces places;
  EXPECT_TRUE(places.Take("a"));
  EXPECT_TRUE(places.Take("a"));
  EXPECT_FALSE(places.Take("a"));
  for (const char* other : {"b", "c", "d"}) {
    EXPECT_TRUE(places.Take(other));
    EXPECT_TRUE(places.Take(other));
  }
  EXPECT_FALSE(places.Take("e")) << "eight in all";
  places.Return("a");
  EXPECT_TRUE(places.Take("e"));
}

TEST_F(AdapterServiceTest, ADeletedAdapterIsGone) {
  const auto adapter = Import(AdapterParts());
  ASSERT_THAT(adapter, IsOk());
  Call remove, get;
  v1::DeleteAdapterRequest deletion;
  deletion.set_name(adapter->name());
  google::protobuf::Empty nothing;
  ASSERT_THAT(FromGrpc(adapters_->DeleteAdapter(&remove, deletion, &nothing)), IsOk());
  v1::GetAdapterRequest request;
  request.set_name(adapter->name());
  v1::Adapter found;
  EXPECT_THAT(FromGrpc(adapters_->GetAdapter(&get, request, &found)),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Download(adapter->name(), false), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Download("adapters/1", false), NamesField("name"));
}

TEST_F(AdapterServiceTest, ALostOrDamagedFileIsDataLossAndAnImportRepairsIt) {
  const auto adapter = Import(AdapterParts());
  ASSERT_THAT(adapter, IsOk());
  for (const bool reference : {false, true}) {
    const v1::BlobRef& blob = reference ? adapter->reference() : adapter->blob();
    const auto expect_loss = [&] {
      const auto bytes = Download(adapter->name(), reference);
      EXPECT_THAT(bytes, HasCode(absl::StatusCode::kDataLoss));
      EXPECT_THAT(bytes, HasReason("BLOB_LOST"));
      EXPECT_THAT(bytes, HasMessage(HasSubstr(adapter->name())));
    };
    std::filesystem::remove(BlobFile(data_, "default", blob.sha256()));
    expect_loss();
    ASSERT_THAT(Import(AdapterParts()), IsOk());
    EXPECT_THAT(Download(adapter->name(), reference), IsOk());
    {
      std::fstream file(BlobFile(data_, "default", blob.sha256()),
                        std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(blob.size_bytes() - 1));
      file.put('\x7f');
    }
    expect_loss();
    ASSERT_THAT(Import(AdapterParts()), IsOk());
    EXPECT_THAT(Download(adapter->name(), reference), IsOk());
  }
}

TEST_F(AdapterServiceTest, ALeaseWithALostAdapterFailsTheJobWithItsName) {
  const auto adapter = Import(AdapterParts());
  ASSERT_THAT(adapter, IsOk());
  const auto job = Create(GenerationOf(adapter->name()));
  ASSERT_THAT(job, IsOk());
  const std::string& sha256 = adapter->blob().sha256();
  std::filesystem::remove(BlobFile(data_, "default", sha256));
  ASSERT_THAT(Lease(std::chrono::milliseconds(0)), IsOk());
  const v1::Job failed = JobNow(job->name());
  EXPECT_EQ(failed.state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(FromProto(failed.error()), HasReason("BLOB_LOST"));
  EXPECT_THAT(FromProto(failed.error()), HasMessage(HasSubstr(adapter->name())));
  // A new job is refused before it waits.
  const auto refused = Create(GenerationOf(adapter->name()));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(refused, HasReason("BLOB_LOST"));
}

}  // namespace
}  // namespace vico::server
