// Files of torch.save. The first byte says what the rest is: 'z', the whole archive; else the
// pickle of a sound one, since no checksum lets a spoilt pickle through.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/formats/checkpoint/torch_checkpoint.h"
#include "common/formats/checkpoint/zip_reader.h"
#include "tests/common/formats/checkpoint/hostile_files.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

/// Also the pickle in it, by itself.
void AddFile(const std::string& file, std::vector<std::string>& seeds) {
  seeds.push_back("z" + file);
  const auto members = vico::ReadZip(std::as_bytes(std::span(file)), 16384);
  if (!members.ok()) return;
  for (const vico::ZipMember& member : *members) {
    if (!member.name.ends_with("data.pkl")) continue;
    seeds.push_back(
        "p" + std::string(reinterpret_cast<const char*>(member.bytes.data()), member.bytes.size()));
  }
}

void Read(const std::string& bytes, const vico::CheckpointOptions& options) {
  auto file = vico::TorchCheckpoint::FromBytes(bytes, "file", options);
  if (!file.ok()) return;
  file->Tensors(file->root()).status().IgnoreError();
  for (const vico::PickleNode& node : file->tree().nodes()) {
    if (node.kind != vico::PickleNode::Kind::kTensor) continue;
    const auto read = file->Read(file->Tensor(node));
    if (!read.ok()) continue;
    unsigned sum = 0;
    for (const std::byte byte : read->view) sum += static_cast<unsigned>(byte);
    vico::MustHold(sum <= 255 * read->view.size(), "a tensor's bytes can be read");
  }
}

}  // namespace

std::vector<std::string> vico::Seeds() {
  std::vector<std::string> seeds;
  AddFile(HarmlessFile(), seeds);
  for (const auto& files : {HostileZips(), HostilePickles()}) {
    for (const HostileFile& file : files) AddFile(file.bytes, seeds);
  }
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/checkpoints")) {
    std::ifstream file(entry.path(), std::ios::binary);
    AddFile({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}, seeds);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(vico::AsText(data + 1, size - 1));
  const std::string file = data[0] == 'z' ? rest : vico::FileOfPickle(rest);
  Read(file, {});
  Read(file, vico::CheckpointOptions::WholeTraining());
  return 0;
}
