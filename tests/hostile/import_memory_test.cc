// Imports of large adapters take disk, not memory.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "common/formats/adapter_layout.h"
#include "common/process/resident_bytes.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

/// The highest resident memory of this process since the object was made.
class PeakMemory {
 public:
  PeakMemory() { std::ofstream("/proc/self/clear_refs") << 5; }

  uint64_t Growth() const {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("VmHWM:")) continue;
      const uint64_t peak = std::stoull(line.substr(6)) << 10;
      return peak > before_ ? peak - before_ : 0;
    }
    ADD_FAILURE() << "the kernel does not tell";
    return 0;
  }

 private:
  const uint64_t before_ = ResidentBytes(getpid());
};

class ImportMemoryTest : public ServerTest {
 protected:
  ImportMemoryTest() { EXPECT_THAT(Register(), IsOk()); }

  /// Writes a valid adapter whose one site has this width. Its numbers are zero, so that the file
  /// is sparse. Returns its path.
  std::string BigAdapter(int64_t width) const {
    std::string json = fmt::format(
        R"({{"__metadata__":{{"format":"vico-adapter","format_version":"1","dialect":"paper",)"
        R"("base_model_digest":"{}","placeholder":"S*","init_word":"dog","sites":"[\"up\"]",)"
        R"("steps":"400"}})",
        TestBaseModel().digest());
    uint64_t end = 0;
    const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) {
      uint64_t bytes = 4;
      for (const int64_t side : shape) bytes *= static_cast<uint64_t>(side);
      json += fmt::format(R"(,"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})", name,
                          fmt::join(shape, ","), end, end + bytes);
      end += bytes;
    };
    add("placeholder_embedding", {1, 8});
    for (const auto& [leaf, shape] : AdapterLeaves(width)) {
      add("up.image_cross_attention." + leaf, shape);
    }
    json += '}';
    json.resize((json.size() + 7) / 8 * 8, ' ');
    std::string path = folder_.path() + "/big.safetensors";
    std::ofstream file(path, std::ios::binary);
    const uint64_t length = json.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof(length));
    file << json;
    file.close();
    std::filesystem::resize_file(path, sizeof(length) + length + end);
    return path;
  }

  static std::string DigestOf(const std::string& path) {
    Sha256 digest;
    std::string part(kMiB, '\0');
    std::ifstream file(path, std::ios::binary);
    while (file.read(part.data(), static_cast<std::streamsize>(part.size())) || file.gcount() > 0) {
      digest.Update({part.data(), static_cast<size_t>(file.gcount())});
    }
    return digest.HexDigest();
  }

  absl::StatusOr<v1::Adapter> Import(const std::string& path, const std::string& digest) {
    const std::string reference = TwoPictures()[0];
    Call call;
    v1::Adapter adapter;
    const auto writer = adapters_->ImportAdapter(&call, &adapter);
    v1::ImportAdapterRequest request;
    request.mutable_header()->set_request_id(RequestId());
    request.mutable_header()->set_size_bytes(std::filesystem::file_size(path));
    request.mutable_header()->set_sha256(digest);
    request.mutable_header()->set_reference_size_bytes(reference.size());
    request.mutable_header()->set_reference_sha256(Sha256Hex(reference));
    bool open = writer->Write(request);
    std::string part(kMiB, '\0');
    std::ifstream file(path, std::ios::binary);
    while (open && (file.read(part.data(), static_cast<std::streamsize>(part.size())) ||
                    file.gcount() > 0)) {
      request.mutable_chunk()->set_data(part.data(), static_cast<size_t>(file.gcount()));
      open = writer->Write(request);
    }
    request.mutable_chunk()->set_reference(true);
    request.mutable_chunk()->set_data(reference);
    if (open) writer->Write(request);
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return adapter;
  }
};

TEST_F(ImportMemoryTest, TwoLargeImportsTakeLittleMemory) {
  const std::string path = BigAdapter(2000);
  const std::string digest = DigestOf(path);
  ASSERT_GT(std::filesystem::file_size(path), 300 * kMiB);
  const PeakMemory memory;
  std::vector<std::thread> imports;
  for (int i = 0; i < 2; ++i) {
    imports.emplace_back([&] { EXPECT_THAT(Import(path, digest), IsOk()); });
  }
  for (std::thread& import : imports) import.join();
  const uint64_t growth = memory.Growth();
  std::printf("two imports of %lu MiB: peak memory of server and clients grows by %lu MiB\n",
              std::filesystem::file_size(path) / kMiB, growth / kMiB);
  // Without what gRPC holds for both ends of two fast connections, far below one file.
#ifndef VICO_SANITIZED
  EXPECT_LE(growth, 128 * kMiB);
#endif
}

TEST_F(ImportMemoryTest, AnImportThatFailsAtItsEndLeavesNothing) {
  const std::string path = BigAdapter(64);
  const size_t before = StoredFiles();
  EXPECT_THAT(Import(path, Sha256Hex("other")), NamesField("header.sha256"));
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    file.write("\x00\x00\x80\x7f", 4);  // infinity
  }
  EXPECT_THAT(Import(path, DigestOf(path)), NamesField("file"));
  EXPECT_TRUE(Eventually([&] { return StoredFiles() == before; }));
  EXPECT_EQ(IncomingFiles(), 0u);
}

}  // namespace
}  // namespace vico::server
