#include "common/formats/checkpoint/torch_checkpoint_write.h"

#include <fmt/format.h>

#include "common/formats/checkpoint/pickle_tree.h"

namespace vico {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

void TorchCheckpointWriter::Tensor(const TensorView& tensor) {
  pickle_.Global("torch._utils", "_rebuild_tensor_v2");
  pickle_.Mark();
  pickle_.Mark();
  pickle_.String("storage");
  pickle_.Global("torch", StorageTypeName(tensor.dtype));
  pickle_.String(fmt::format("{}", storages_.size()));
  pickle_.String("cpu");
  pickle_.Int(static_cast<int64_t>(tensor.bytes.size() / DTypeSize(tensor.dtype)));
  pickle_.Tuple();
  pickle_.PersistentId();
  pickle_.Int(0);  // offset
  pickle_.Mark();
  for (const int64_t size : tensor.shape) pickle_.Int(size);
  pickle_.Tuple();
  pickle_.Mark();
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    int64_t stride = 1;
    for (size_t j = i + 1; j < tensor.shape.size(); ++j) stride *= tensor.shape[j];
    pickle_.Int(stride);
  }
  pickle_.Tuple();
  pickle_.Bool(false);  // requires_grad
  pickle_.EmptyOrderedDict();
  pickle_.Tuple();
  pickle_.Reduce();
  storages_.push_back(tensor.bytes);
}

void TorchCheckpointWriter::Parameter(const TensorView& tensor) {
  pickle_.Global("torch._utils", "_rebuild_parameter");
  pickle_.Mark();
  Tensor(tensor);
  pickle_.Bool(true);
  pickle_.EmptyOrderedDict();
  pickle_.Tuple();
  pickle_.Reduce();
}

absl::StatusOr<std::string> TorchCheckpointWriter::Finish() && {
  const std::string pickle = std::move(pickle_).Finish();
  ZipWriter zip;
  zip.Add(name_ + "/data.pkl", AsBytes(pickle));
  zip.Add(name_ + "/byteorder", AsBytes("little"));
  for (size_t i = 0; i < storages_.size(); ++i) {
    zip.Add(fmt::format("{}/data/{}", name_, i), storages_[i]);
  }
  zip.Add(name_ + "/version", AsBytes("3\n"));
  return std::move(zip).Finish();
}

absl::StatusOr<std::string> SerializeStateDict(std::string name,
                                               std::span<const TensorView> tensors) {
  TorchCheckpointWriter writer(std::move(name));
  writer.pickle().EmptyDict();
  writer.pickle().Mark();
  for (const TensorView& tensor : tensors) {
    writer.pickle().String(tensor.name);
    writer.Tensor(tensor);
  }
  writer.pickle().SetItems();
  return std::move(writer).Finish();
}

}  // namespace vico
