#include "common/formats/checkpoint/torch_checkpoint.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/formats/crc32.h"
#include "common/status.h"

namespace vico {
namespace {

using Kind = PickleNode::Kind;

constexpr size_t kMaxRank = 8;  // the limit of safetensors_header.cc
constexpr size_t kLongestNumber = 10;
// Files from before PyTorch 1.6 start with a pickle of torch's magic number.
constexpr std::string_view kOldFormat = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr std::string_view kRecords[] = {
    "data.pkl",        "byteorder",          "version",
    ".format_version", ".storage_alignment", ".data/serialization_id"};

absl::Status BadCheckpoint(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what));
}

bool IsRecord(std::string_view record) {
  if (std::find(std::begin(kRecords), std::end(kRecords), record) != std::end(kRecords)) {
    return true;
  }
  if (!record.starts_with("data/")) return false;
  const std::string_view number = record.substr(5);
  return !number.empty() && number.size() <= kLongestNumber &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Computes the number of elements of the tensor, and the number of elements of its storage that it
/// spans from its first on. False if these overflow 64 bits.
bool Reach(const CheckpointTensor& tensor, uint64_t& elements, uint64_t& reach) {
  elements = 1;
  reach = 1;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto size = static_cast<uint64_t>(tensor.shape[i]);
    if (__builtin_mul_overflow(elements, size, &elements)) return false;
    if (size == 0) continue;
    uint64_t step = 0;
    if (__builtin_mul_overflow(size - 1, static_cast<uint64_t>(tensor.strides[i]), &step) ||
        __builtin_add_overflow(reach, step, &reach)) {
      return false;
    }
  }
  if (elements == 0) reach = 0;
  return true;
}

bool IsRowMajor(const CheckpointTensor& tensor, uint64_t elements) {
  if (elements == 0) return true;
  int64_t expected = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

/// Copies the elements in row-major order. `storage` begins at the first element.
std::string Gather(const CheckpointTensor& tensor, std::span<const std::byte> storage,
                   uint64_t elements) {
  const size_t size = DTypeSize(tensor.dtype);
  std::string gathered;
  gathered.reserve(elements * size);
  std::vector<int64_t> index(tensor.shape.size(), 0);
  uint64_t at = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    gathered.append(reinterpret_cast<const char*>(storage.subspan(at * size, size).data()), size);
    for (size_t axis = index.size(); axis-- > 0;) {
      at += static_cast<uint64_t>(tensor.strides[axis]);
      if (++index[axis] < tensor.shape[axis]) break;
      at -= static_cast<uint64_t>(tensor.strides[axis]) * static_cast<uint64_t>(tensor.shape[axis]);
      index[axis] = 0;
    }
  }
  return gathered;
}

}  // namespace

CheckpointOptions CheckpointOptions::WholeTraining() {
  CheckpointOptions options;
  options.members = 16'384;
  options.pickle.foreign = ForeignObjects::kOpaque;
  return options;
}

absl::StatusOr<TorchCheckpoint> TorchCheckpoint::Open(const std::string& path,
                                                      const CheckpointOptions& options) {
  ASSIGN_OR_RETURN(MappedBytes file, MapFile(path, 1, "a file of torch.save"));
  return Take(std::move(file), path, options);
}

absl::StatusOr<TorchCheckpoint> TorchCheckpoint::FromBytes(std::string bytes, std::string source,
                                                           const CheckpointOptions& options) {
  return Take(OwnBytes(std::move(bytes)), std::move(source), options);
}

absl::StatusOr<TorchCheckpoint> TorchCheckpoint::Take(MappedBytes file, std::string source,
                                                      const CheckpointOptions& options) {
  TorchCheckpoint checkpoint;
  checkpoint.source_ = std::move(source);
  checkpoint.owner_ = std::move(file.owner);
  const absl::Status status = checkpoint.Parse(file.bytes, options);
  if (!status.ok()) {
    return BadCheckpoint(fmt::format("{}: {}", checkpoint.source_, ToStd(status.message())));
  }
  return checkpoint;
}

absl::Status TorchCheckpoint::Parse(std::span<const std::byte> file,
                                    const CheckpointOptions& options) {
  const std::string_view start(reinterpret_cast<const char*>(file.data()),
                               std::min(file.size(), kOldFormat.size()));
  if (start == kOldFormat) {
    return BadCheckpoint(
        "has the format of PyTorch before 1.6, which is not supported; convert it with "
        "PyTorch: python3 -c \"import torch; torch.save(torch.load('OLD', "
        "map_location='cpu', weights_only=True), 'NEW')\" (weights_only=False only for a "
        "file you trust)");
  }
  if (!start.starts_with("PK\x03\x04")) {
    return BadCheckpoint(
        "is not a zip archive, so it is not a file of torch.save from PyTorch 1.6 or later");
  }
  ASSIGN_OR_RETURN(members_, ReadZip(file, options.members));
  summed_.assign(members_.size(), false);
  RETURN_IF_ERROR(CheckMembers());

  const ZipMember* pickle = Member("data.pkl");
  if (pickle == nullptr)
    return BadCheckpoint("has no member data.pkl, so it is not a file of torch.save");
  // Before the checksum, which would read all of a huge member.
  if (pickle->bytes.size() > options.pickle.bytes) {
    return BadCheckpoint(fmt::format("data.pkl: has {} bytes, at most {} allowed",
                                     pickle->bytes.size(), options.pickle.bytes));
  }
  RETURN_IF_ERROR(CheckSum(*pickle));
  ASSIGN_OR_RETURN(tree_, ReadPickle(pickle->bytes, options.pickle));
  for (const PickleNode& node : tree_.nodes()) {
    if (node.kind == Kind::kTensor) RETURN_IF_ERROR(CheckTensor(node));
  }
  return absl::OkStatus();
}

absl::Status TorchCheckpoint::CheckMembers() {
  const std::string_view first = members_.front().name;
  folder_ = std::string(first.substr(0, first.find('/') + 1));
  const std::string_view name(folder_.data(), std::max<size_t>(folder_.size(), 1) - 1);
  const auto is_plain = [](char c) { return c != '\\' && static_cast<unsigned char>(c) >= 32; };
  if (name.empty() || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), is_plain)) {
    return BadCheckpoint(fmt::format("zip: member \"{}\": is not in a folder with a plain name",
                                     first.substr(0, 200)));
  }
  for (const ZipMember& member : members_) {
    const bool inside = member.name.starts_with(folder_);
    const std::string_view record = inside ? member.name.substr(folder_.size()) : "";
    if (record == "constants.pkl" || record.starts_with("code/")) {
      return BadCheckpoint(
          "is a TorchScript archive, which holds a program; only tensors are read");
    }
    if (!IsRecord(record)) {
      return BadCheckpoint(fmt::format("zip: member \"{}\": is not one that torch.save writes",
                                       member.name.substr(0, 200)));
    }
  }
  if (const ZipMember* order = Member("byteorder")) {
    RETURN_IF_ERROR(CheckSum(*order));
    const std::string_view text(reinterpret_cast<const char*>(order->bytes.data()),
                                order->bytes.size());
    if (text != "little") return BadCheckpoint("byteorder: must be \"little\"");
  }
  return absl::OkStatus();
}

absl::Status TorchCheckpoint::CheckTensor(const PickleNode& node) const {
  const PickleNode& storage = tree_.node(node.items[0]);
  const auto refuse = [&](std::string_view what) {
    return BadCheckpoint(fmt::format("tensor in storage \"{}\": {}", storage.text, what));
  };
  if (tree_.node(node.items[1]).items.size() > kMaxRank) {
    return refuse(fmt::format("has more than {} dimensions", kMaxRank));
  }
  const CheckpointTensor tensor = Tensor(node);
  if (tensor.storage == nullptr) {
    return refuse(fmt::format("there is no member data/{}", storage.text));
  }
  uint64_t bytes = 0;
  const auto stored = static_cast<uint64_t>(storage.integer);
  if (__builtin_mul_overflow(stored, DTypeSize(storage.dtype), &bytes) ||
      bytes != tensor.storage->bytes.size()) {
    return refuse(fmt::format("{} elements of {} do not take the {} bytes of its member", stored,
                              DTypeName(storage.dtype), tensor.storage->bytes.size()));
  }
  uint64_t elements = 0;
  uint64_t reach = 0;
  if (!Reach(tensor, elements, reach) || reach > stored || tensor.offset > stored - reach) {
    return refuse(fmt::format("offset {}, shape {} and strides {} reach beyond its {} elements",
                              tensor.offset, ShapeText(tensor.shape), ShapeText(tensor.strides),
                              stored));
  }
  return absl::OkStatus();
}

absl::Status TorchCheckpoint::CheckSum(const ZipMember& member) {
  const auto index = static_cast<size_t>(&member - members_.data());
  if (!summed_[index]) {
    const uint32_t sum = Crc32(member.bytes);
    if (sum != member.crc32) {
      return BadCheckpoint(fmt::format("zip: member \"{}\": CRC is {:08x}, the archive says {:08x}",
                                       member.name, sum, member.crc32));
    }
    summed_[index] = true;
  }
  return absl::OkStatus();
}

const ZipMember* TorchCheckpoint::Member(std::string_view record) const {
  const std::string name = folder_ + std::string(record);
  const auto it = std::lower_bound(
      members_.begin(), members_.end(), name,
      [](const ZipMember& member, const std::string& wanted) { return member.name < wanted; });
  return it != members_.end() && it->name == name ? &*it : nullptr;
}

CheckpointTensor TorchCheckpoint::Tensor(const PickleNode& node) const {
  const PickleNode& storage = tree_.node(node.items[0]);
  CheckpointTensor tensor;
  tensor.dtype = storage.dtype;
  tensor.offset = static_cast<uint64_t>(node.integer);
  for (const uint32_t size : tree_.node(node.items[1]).items) {
    tensor.shape.push_back(tree_.node(size).integer);
  }
  for (const uint32_t stride : tree_.node(node.items[2]).items) {
    tensor.strides.push_back(tree_.node(stride).integer);
  }
  tensor.storage = Member(fmt::format("data/{}", storage.text));
  return tensor;
}

absl::StatusOr<std::map<std::string, CheckpointTensor>> TorchCheckpoint::Tensors(
    const PickleNode& dict) const {
  if (dict.kind != Kind::kDict) {
    return BadCheckpoint(
        fmt::format("{}: must hold a dict of tensors, got {}", source_, KindName(dict.kind)));
  }
  std::map<std::string, CheckpointTensor> tensors;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = tree_.node(dict.items[i]);
    const PickleNode& value = tree_.node(dict.items[i + 1]);
    if (key.kind != Kind::kString) {
      return BadCheckpoint(
          fmt::format("{}: a key must be a string, got {}", source_, KindName(key.kind)));
    }
    if (value.kind != Kind::kTensor) {
      return BadCheckpoint(fmt::format("{}: \"{}\": must be a tensor, got {}", source_,
                                       key.text.substr(0, 200), KindName(value.kind)));
    }
    tensors.emplace(key.text, Tensor(value));
  }
  return tensors;
}

absl::StatusOr<TensorBytes> TorchCheckpoint::Read(const CheckpointTensor& tensor) {
  const auto refuse = [&](std::string_view what) {
    return BadCheckpoint(fmt::format("{}: {}", source_, what));
  };
  const absl::Status sum = CheckSum(*tensor.storage);
  if (!sum.ok()) return refuse(ToStd(sum.message()));
  const size_t size = DTypeSize(tensor.dtype);
  uint64_t elements = 0;
  uint64_t reach = 0;
  Reach(tensor, elements, reach);  // Parse() has checked that these fit
  const auto storage = tensor.storage->bytes.subspan(tensor.offset * size, reach * size);
  if (IsRowMajor(tensor, elements)) return TensorBytes{.view = storage.first(elements * size)};
  if (elements > tensor.storage->bytes.size() / size) {
    return refuse(fmt::format("member \"{}\": a tensor of shape {} repeats its elements",
                              tensor.storage->name, ShapeText(tensor.shape)));
  }
  TensorBytes bytes;
  bytes.copy = std::make_shared<const std::string>(Gather(tensor, storage, elements));
  bytes.view = std::as_bytes(std::span(*bytes.copy));
  return bytes;
}

}  // namespace vico
