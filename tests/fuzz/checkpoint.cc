// Files of torch.save. The first byte selects the kind of the rest: 'z' for a whole archive,
// anything else for the pickle of an otherwise valid one. A changed pickle inside an archive would
// fail its checksum.
#include <filesystem>

#include "common/formats/checkpoint/torch_checkpoint.h"
#include "common/formats/checkpoint/zip_reader.h"
#include "tests/common/formats/checkpoint/hostile_files.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

/// Adds the file and the pickle inside it.
void AddFile(const std::string& file, std::vector<std::string>& seeds) {
  seeds.push_back("z" + file);
  const auto members = ReadZip(std::as_bytes(std::span(file)), 16384);
  if (!members.ok()) return;
  for (const ZipMember& member : *members) {
    if (!member.name.ends_with("data.pkl")) continue;
    seeds.push_back(
        "p" + std::string(reinterpret_cast<const char*>(member.bytes.data()), member.bytes.size()));
  }
}

void Read(const std::string& bytes, const CheckpointOptions& options) {
  auto file = TorchCheckpoint::FromBytes(bytes, "file", options);
  if (!file.ok()) return;
  file->Tensors(file->root()).status().IgnoreError();
  for (const PickleNode& node : file->tree().nodes()) {
    if (node.kind != PickleNode::Kind::kTensor) continue;
    const auto read = file->Read(file->Tensor(node));
    if (!read.ok()) continue;
    unsigned sum = 0;
    for (const std::byte byte : read->view) sum += static_cast<unsigned>(byte);
    MustHold(sum <= 255 * read->view.size(), "a tensor's bytes can be read");
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  AddFile(HarmlessFile(), seeds);
  for (const auto& files : {HostileZips(), HostilePickles()}) {
    for (const HostileFile& file : files) AddFile(file.bytes, seeds);
  }
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/checkpoints")) {
    AddFile(FileBytes(entry.path()), seeds);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(AsText(data + 1, size - 1));
  const std::string file = data[0] == 'z' ? rest : FileOfPickle(rest);
  Read(file, {});
  Read(file, CheckpointOptions::WholeTraining());
  return 0;
}

}  // namespace vico::fuzz
