// The writing half of common/formats/safetensors.h.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "common/formats/little_endian.h"
#include "common/formats/safetensors.h"
#include "common/status.h"

namespace vico {
namespace {

/// `text` as a JSON string. Throws nlohmann::json::type_error when it is not UTF-8.
std::string Quoted(const std::string& text) { return nlohmann::json(text).dump(); }

absl::Status Check(std::span<const TensorView> tensors) {
  std::set<std::string_view> names;
  for (const auto& tensor : tensors) {
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("tensor \"{}\": name is reserved or used twice", tensor.name));
    }
    uint64_t bytes = DTypeSize(tensor.dtype);
    for (const int64_t size : tensor.shape) bytes *= static_cast<uint64_t>(size);
    if (bytes != tensor.bytes.size()) {
      return absl::InvalidArgumentError(fmt::format(
          "tensor \"{}\": {} {} takes {} bytes, got {}", tensor.name, DTypeName(tensor.dtype),
          ShapeText(tensor.shape), bytes, tensor.bytes.size()));
    }
  }
  return absl::OkStatus();
}

std::vector<const TensorView*> FileOrder(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  order.reserve(tensors.size());
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    const auto size_a = DTypeSize(a->dtype);
    const auto size_b = DTypeSize(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  return order;
}

/// Length prefix and padded JSON.
absl::StatusOr<std::string> Header(const std::vector<const TensorView*>& order,
                                   const std::map<std::string, std::string>& metadata) {
  std::string json = "{";
  const auto separate = [&json] { json += json.size() > 1 ? "," : ""; };
  try {
    if (!metadata.empty()) json += "\"__metadata__\":" + nlohmann::json(metadata).dump();
    uint64_t begin = 0;
    for (const TensorView* tensor : order) {
      separate();
      const uint64_t end = begin + tensor->bytes.size();
      json += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          Quoted(tensor->name), DTypeName(tensor->dtype),
                          fmt::join(tensor->shape, ","), begin, end);
      begin = end;
    }
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError("a tensor's name or a metadata string is not UTF-8");
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header;
  AppendLittleEndian(uint64_t{json.size()}, header);
  return header + json;
}

absl::Status IoError(const std::string& path, std::string_view action) {
  const int error = errno;
  const auto message = fmt::format("{}: {}: {}", path, action, std::strerror(error));
  return error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(message)
                                            : absl::FailedPreconditionError(message);
}

bool WriteAll(int fd, const void* data, size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    next += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

absl::Status SyncFolder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return IoError(folder, "open");
  const bool synced = ::fsync(fd) == 0;
  auto status = synced ? absl::OkStatus() : IoError(folder, "fsync");
  ::close(fd);
  return status;
}

}  // namespace

absl::StatusOr<std::string> SerializeSafetensors(
    std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata) {
  RETURN_IF_ERROR(Check(tensors));
  const auto order = FileOrder(tensors);
  ASSIGN_OR_RETURN(std::string bytes, Header(order, metadata));
  size_t size = bytes.size();
  for (const TensorView* tensor : order) size += tensor->bytes.size();
  bytes.reserve(size);
  for (const TensorView* tensor : order) {
    bytes.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  return bytes;
}

absl::Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata) {
  RETURN_IF_ERROR(Check(tensors));
  const auto order = FileOrder(tensors);
  ASSIGN_OR_RETURN(const std::string header, Header(order, metadata));

  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return IoError(path, "create temporary file");
  bool written = ::fchmod(fd, 0644) == 0 && WriteAll(fd, header.data(), header.size());
  for (const TensorView* tensor : order) {
    written = written && WriteAll(fd, tensor->bytes.data(), tensor->bytes.size());
  }
  written = written && ::fsync(fd) == 0;
  auto status = written ? absl::OkStatus() : IoError(path, "write");
  if (::close(fd) != 0 && status.ok()) status = IoError(path, "close");
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    status = IoError(path, "rename");
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(path);
}

}  // namespace vico
