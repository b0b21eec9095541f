#include "common/formats/checkpoint/pickle_tree.h"

namespace vico {

const PickleNode* PickleTree::Find(const PickleNode& dict, std::string_view key) const {
  if (dict.kind != Kind::kDict) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& candidate = node(dict.items[i]);
    if (candidate.kind == Kind::kString && candidate.text == key) return &node(dict.items[i + 1]);
  }
  return nullptr;
}

std::optional<KnownGlobal> LookUpGlobal(std::string_view module, std::string_view name) {
  struct Row {
    std::string_view module, name;
    InertGlobal global;
  };
  constexpr Row kRows[] = {
      {"collections", "OrderedDict", InertGlobal::kOrderedDict},
      {"torch._utils", "_rebuild_tensor_v2", InertGlobal::kRebuildTensor},
      {"torch._utils", "_rebuild_parameter", InertGlobal::kRebuildParameter},
      {"torch.nn.modules.container", "ParameterDict", InertGlobal::kParameterDict},
      {"__builtin__", "set", InertGlobal::kSet},
  };
  for (const Row& row : kRows) {
    if (row.module == module && row.name == name) return KnownGlobal{.global = row.global};
  }
  if (module != "torch") return std::nullopt;
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (!name.empty() && StorageTypeName(dtype) == name) {
      return KnownGlobal{.global = InertGlobal::kStorage, .dtype = dtype};
    }
  }
  return std::nullopt;
}

std::string_view StorageTypeName(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return "DoubleStorage";
    case DType::kF32:
      return "FloatStorage";
    case DType::kF16:
      return "HalfStorage";
    case DType::kBF16:
      return "BFloat16Storage";
    case DType::kI64:
      return "LongStorage";
    case DType::kI32:
      return "IntStorage";
    case DType::kI16:
      return "ShortStorage";
    case DType::kI8:
      return "CharStorage";
    case DType::kU8:
      return "ByteStorage";
    case DType::kBool:
      return "BoolStorage";
    default:  // checkpoints with other types are newer than these archives
      return "";
  }
  return "";
}

std::string_view KindName(PickleNode::Kind kind) {
  switch (kind) {
    case PickleNode::Kind::kNone:
      return "None";
    case PickleNode::Kind::kBool:
      return "a boolean";
    case PickleNode::Kind::kInt:
      return "an integer";
    case PickleNode::Kind::kFloat:
      return "a float";
    case PickleNode::Kind::kString:
      return "a string";
    case PickleNode::Kind::kTuple:
      return "a tuple";
    case PickleNode::Kind::kList:
      return "a list";
    case PickleNode::Kind::kDict:
      return "a dict";
    case PickleNode::Kind::kParameterDict:
      return "a ParameterDict";
    case PickleNode::Kind::kGlobal:
      return "a name";
    case PickleNode::Kind::kStorage:
      return "a storage";
    case PickleNode::Kind::kTensor:
      return "a tensor";
    case PickleNode::Kind::kOpaque:
      return "a foreign object";
  }
  return "";
}

}  // namespace vico
