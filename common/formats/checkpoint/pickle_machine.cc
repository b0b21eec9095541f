// ReadPickle(): an interpreter for pickle protocol 2 that calls nothing.
// Source of the opcodes: CPython's Lib/pickletools.py.
#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <utf8proc.h>

#include "common/formats/checkpoint/pickle_opcodes.h"
#include "common/formats/checkpoint/pickle_tree.h"
#include "common/formats/little_endian.h"
#include "common/status.h"

namespace vico {
namespace {

using Kind = PickleNode::Kind;

constexpr size_t kLongestName = 256;  // bytes, of a module or a global
constexpr size_t kLongestKey = 64;    // bytes, of a storage

bool IsUtf8(std::string_view text) {
  auto* next = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t ignored = 0;
    const auto length = utf8proc_iterate(next, left, &ignored);
    if (length <= 0) return false;
    next += length;
    left -= length;
  }
  return true;
}

absl::Status BadPickle(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what));
}

}  // namespace

class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, const PickleLimits& limits)
      : bytes_(bytes), limits_(limits) {}

  absl::StatusOr<PickleTree> Run() {
    if (bytes_.size() > limits_.bytes) {
      return BadPickle(
          fmt::format("pickle: has {} bytes, at most {} allowed", bytes_.size(), limits_.bytes));
    }
    bool stopped = false;
    while (!stopped) {
      const size_t start = at_;
      if (at_ == bytes_.size()) return BadPickle("pickle: ends without STOP");
      const auto opcode = static_cast<uint8_t>(bytes_[at_++]);
      absl::Status status;
      if ((start == 0) != (opcode == 0x80)) {
        status = BadPickle("PROTO must come first, and once");
      } else {
        status = Step(opcode);
      }
      if (!status.ok()) {
        return BadPickle(fmt::format("pickle: byte {}: {}: {}", start, PickleOpcodeName(opcode),
                                     ToStd(status.message())));
      }
      stopped = opcode == '.';
    }
    RETURN_IF_ERROR(CheckKeys());
    return std::move(tree_);
  }

 private:
  absl::Status Step(uint8_t opcode) {
    switch (opcode) {
      case 0x80: {
        ASSIGN_OR_RETURN(const auto version, Take<uint8_t>());
        return version == 2 ? absl::OkStatus()
                            : BadPickle(fmt::format("protocol must be 2, got {}", version));
      }
      case '.':
        return Stop();
      case '(':
        if (marks_.size() >= static_cast<size_t>(limits_.depth)) return TooDeep();
        marks_.push_back(stack_.size());
        return absl::OkStatus();
      case 'N':
        return Push({.kind = Kind::kNone});
      case 0x88:
      case 0x89:
        return Push({.kind = Kind::kBool, .integer = opcode == 0x88 ? 1 : 0});
      case 'J':
        return Integer<int32_t>();
      case 'K':
        return Integer<uint8_t>();
      case 'M':
        return Integer<uint16_t>();
      case 0x8a:
        return Long();
      case 'G':
        RETURN_IF_ERROR(TakeBytes(8).status());
        return Push({.kind = Kind::kFloat});
      case 'X':
        return Unicode();
      case ')':
        return Push({.kind = Kind::kTuple, .depth = 1});
      case ']':
        return Push({.kind = Kind::kList, .depth = 1});
      case '}':
        return Push({.kind = Kind::kDict, .depth = 1});
      case 0x85:
      case 0x86:
      case 0x87:
        return Tuple(opcode - 0x84U);
      case 't': {
        ASSIGN_OR_RETURN(const size_t count, TakeMark());
        return Tuple(count);
      }
      case 'a':
        return Append(1);
      case 'e': {
        ASSIGN_OR_RETURN(const size_t count, TakeMark());
        return Append(count);
      }
      case 's':
        return SetItems(2);
      case 'u': {
        ASSIGN_OR_RETURN(const size_t count, TakeMark());
        return SetItems(count);
      }
      case 'q':
        return Put<uint8_t>();
      case 'r':
        return Put<uint32_t>();
      case 'h':
        return Get<uint8_t>();
      case 'j':
        return Get<uint32_t>();
      case 'c':
        return Global();
      case 'Q':
        return PersistentId();
      case 'R':
        return Reduce();
      case 0x81:
        return NewObject();
      case 'b':
        return Build();
      default:
        return BadPickle(fmt::format("opcode {:#04x} is not allowed", opcode));
    }
  }

  // --- bytes and stack

  absl::StatusOr<std::span<const std::byte>> TakeBytes(size_t count) {
    if (count > bytes_.size() - at_) {
      return BadPickle(fmt::format("{} bytes reach beyond the pickle's end", count));
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  template <typename Number>
  absl::StatusOr<Number> Take() {
    ASSIGN_OR_RETURN(const auto taken, TakeBytes(sizeof(Number)));
    return LoadLittleEndian<Number>(taken, 0);
  }

  absl::StatusOr<std::string_view> TakeLine() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const std::string_view rest(begin, std::min(bytes_.size() - at_, kLongestName + 1));
    const size_t length = rest.find('\n');
    if (length == std::string_view::npos) {
      return BadPickle(fmt::format("name does not end within {} bytes", kLongestName));
    }
    at_ += length + 1;
    const std::string_view line = rest.substr(0, length);
    if (!IsUtf8(line)) return BadPickle("name is not UTF-8");
    return line;
  }

  absl::Status TooDeep() const { return BadPickle(fmt::format("depth above {}", limits_.depth)); }

  absl::Status PushIndex(uint32_t index) {
    if (stack_.size() >= limits_.stack) {
      return BadPickle(fmt::format("stack of more than {} values", limits_.stack));
    }
    stack_.push_back(index);
    return absl::OkStatus();
  }

  absl::Status Push(PickleNode node) {
    if (tree_.nodes_.size() >= limits_.nodes) {
      return BadPickle(fmt::format("more than {} values", limits_.nodes));
    }
    if (node.depth > limits_.depth) return TooDeep();
    RETURN_IF_ERROR(PushIndex(static_cast<uint32_t>(tree_.nodes_.size())));
    tree_.nodes_.push_back(std::move(node));
    return absl::OkStatus();
  }

  /// The number of values that may be popped: those above the last mark.
  size_t Available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  absl::StatusOr<uint32_t> Pop() {
    if (Available() == 0) return BadPickle("stack is empty");
    const uint32_t index = stack_.back();
    stack_.pop_back();
    return index;
  }

  absl::StatusOr<size_t> TakeMark() {
    if (marks_.empty()) return BadPickle("there is no mark");
    const size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }

  /// Pops the last `count` values.
  absl::StatusOr<std::vector<uint32_t>> PopMany(size_t count) {
    if (count > Available()) return BadPickle("stack is empty");
    const std::vector<uint32_t> taken(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                      stack_.end());
    stack_.resize(stack_.size() - count);
    return taken;
  }

  PickleNode& At(uint32_t index) { return tree_.nodes_[index]; }

  absl::Status Hold(PickleNode& container, const std::vector<uint32_t>& items) {
    for (const uint32_t item : items) {
      const int depth = At(item).depth + 1;
      if (depth > limits_.depth) return TooDeep();
      container.depth = std::max(container.depth, static_cast<uint8_t>(depth));
    }
    container.items.insert(container.items.end(), items.begin(), items.end());
    return absl::OkStatus();
  }

  // --- plain values

  template <typename Number>
  absl::Status Integer() {
    ASSIGN_OR_RETURN(const auto number, Take<Number>());
    return Push({.kind = Kind::kInt, .integer = static_cast<int64_t>(number)});
  }

  absl::Status Long() {
    ASSIGN_OR_RETURN(const auto size, Take<uint8_t>());
    ASSIGN_OR_RETURN(const auto digits, TakeBytes(size));
    if (size > 8) {
      if (limits_.foreign == ForeignObjects::kOpaque) return Push({.kind = Kind::kOpaque});
      return BadPickle(fmt::format("integer of {} bytes, at most 8 allowed", size));
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(digits[i]) << (8 * i);
    const bool negative = size > 0 && (static_cast<uint8_t>(digits[size - 1U]) & 0x80) != 0;
    if (negative && size < 8) value |= ~uint64_t{0} << (8 * size);
    return Push({.kind = Kind::kInt, .integer = static_cast<int64_t>(value)});
  }

  absl::Status Unicode() {
    ASSIGN_OR_RETURN(const auto size, Take<uint32_t>());
    ASSIGN_OR_RETURN(const auto characters, TakeBytes(size));
    const std::string_view text(reinterpret_cast<const char*>(characters.data()), size);
    if (!IsUtf8(text)) return BadPickle("string is not UTF-8");
    return Push({.kind = Kind::kString, .text = text});
  }

  absl::Status Tuple(size_t count) {
    ASSIGN_OR_RETURN(const auto items, PopMany(count));
    PickleNode tuple{.kind = Kind::kTuple, .depth = 1};
    RETURN_IF_ERROR(Hold(tuple, items));
    return Push(std::move(tuple));
  }

  absl::Status Append(size_t count) {
    ASSIGN_OR_RETURN(const auto items, PopMany(count));
    if (Available() == 0) return BadPickle("stack is empty");
    PickleNode& list = At(stack_.back());
    if (list.kind == Kind::kOpaque) return absl::OkStatus();
    if (list.kind != Kind::kList) {
      return BadPickle(fmt::format("target must be a list, got {}", KindName(list.kind)));
    }
    return Hold(list, items);
  }

  absl::Status SetItems(size_t count) {
    ASSIGN_OR_RETURN(const auto items, PopMany(count));
    if (count % 2 != 0) return BadPickle("a key is without a value");
    if (Available() == 0) return BadPickle("stack is empty");
    PickleNode& dict = At(stack_.back());
    if (dict.kind == Kind::kOpaque) return absl::OkStatus();
    if (dict.kind != Kind::kDict) {
      return BadPickle(fmt::format("target must be a dict, got {}", KindName(dict.kind)));
    }
    for (size_t i = 0; i < items.size(); i += 2) {
      const Kind key = At(items[i]).kind;
      const bool plain = key == Kind::kString || key == Kind::kInt;
      if (!plain && limits_.foreign == ForeignObjects::kRefuse) {
        return BadPickle(fmt::format("key must be a string or an integer, got {}", KindName(key)));
      }
    }
    return Hold(dict, items);
  }

  template <typename Number>
  absl::Status Put() {
    ASSIGN_OR_RETURN(const auto slot, Take<Number>());
    if (Available() == 0) return BadPickle("stack is empty");
    memo_[slot] = stack_.back();
    if (memo_.size() > limits_.memo) {
      return BadPickle(fmt::format("memo of more than {} values", limits_.memo));
    }
    return absl::OkStatus();
  }

  template <typename Number>
  absl::Status Get() {
    ASSIGN_OR_RETURN(const auto slot, Take<Number>());
    const auto found = memo_.find(slot);
    if (found == memo_.end()) return BadPickle(fmt::format("memo {} was never set", slot));
    return PushIndex(found->second);
  }

  // --- globals and the objects made of them

  absl::Status Global() {
    ASSIGN_OR_RETURN(const auto module, TakeLine());
    ASSIGN_OR_RETURN(const auto name, TakeLine());
    if (const auto known = LookUpGlobal(module, name)) {
      return Push(
          {.kind = Kind::kGlobal, .dtype = known->dtype, .global = known->global, .text = name});
    }
    if (limits_.foreign == ForeignObjects::kOpaque) return Push({.kind = Kind::kOpaque});
    return BadPickle(fmt::format("name \"{}.{}\" is not allowed", module, name));
  }

  absl::Status PersistentId() {
    ASSIGN_OR_RETURN(const uint32_t index, Pop());
    const PickleNode& id = At(index);
    const bool shaped = id.kind == Kind::kTuple && id.items.size() == 5 &&
                        At(id.items[0]).kind == Kind::kString && At(id.items[0]).text == "storage";
    if (!shaped) {
      return BadPickle("must be (\"storage\", type, key, location, elements)");
    }
    const PickleNode& type = At(id.items[1]);
    const PickleNode& key = At(id.items[2]);
    const PickleNode& location = At(id.items[3]);
    const PickleNode& elements = At(id.items[4]);
    if (type.global != InertGlobal::kStorage)
      return BadPickle("storage is of no type that is read");
    if (key.kind != Kind::kString || key.text.size() > kLongestKey) {
      return BadPickle("storage's key must be a short string");
    }
    if (location.kind != Kind::kString) return BadPickle("storage's location must be a string");
    if (elements.kind != Kind::kInt || elements.integer < 0) {
      return BadPickle("storage's elements must be a number that is not negative");
    }
    return Push({.kind = Kind::kStorage,
                 .dtype = type.dtype,
                 .integer = elements.integer,
                 .text = key.text});
  }

  absl::Status Reduce() {
    ASSIGN_OR_RETURN(const uint32_t arguments_index, Pop());
    ASSIGN_OR_RETURN(const uint32_t callee_index, Pop());
    const PickleNode& arguments = At(arguments_index);
    const PickleNode& callee = At(callee_index);
    if (arguments.kind != Kind::kTuple) {
      return BadPickle(fmt::format("arguments must be a tuple, got {}", KindName(arguments.kind)));
    }
    if (callee.kind == Kind::kOpaque) return Push({.kind = Kind::kOpaque});
    switch (callee.global) {
      case InertGlobal::kOrderedDict:
        if (!arguments.items.empty()) return BadPickle("OrderedDict takes no arguments");
        return Push({.kind = Kind::kDict, .depth = 1, .is_ordered = true});
      case InertGlobal::kSet:
        if (arguments.items.size() != 1 || At(arguments.items[0]).kind != Kind::kList) {
          return BadPickle("set takes a list");
        }
        return Push({.kind = Kind::kOpaque});
      case InertGlobal::kRebuildTensor:
        return RebuildTensor(arguments.items);
      case InertGlobal::kRebuildParameter: {
        const auto& items = arguments.items;
        if (items.size() != 3 || At(items[0]).kind != Kind::kTensor ||
            At(items[1]).kind != Kind::kBool || At(items[2]).kind != Kind::kDict) {
          return BadPickle("_rebuild_parameter takes a tensor, a boolean and a dict");
        }
        return PushIndex(items[0]);
      }
      default:
        return BadPickle(fmt::format("{} is not called", KindName(callee.kind)));
    }
  }

  absl::Status RebuildTensor(const std::vector<uint32_t>& items) {
    const auto is = [&](size_t i, Kind kind) { return At(items[i]).kind == kind; };
    const bool shaped = (items.size() == 6 || items.size() == 7) && is(0, Kind::kStorage) &&
                        is(1, Kind::kInt) && is(2, Kind::kTuple) && is(3, Kind::kTuple) &&
                        is(4, Kind::kBool) && is(5, Kind::kDict);
    if (!shaped) {
      return BadPickle(
          "_rebuild_tensor_v2 takes a storage, an offset, shape, strides, a boolean and a "
          "dict");
    }
    for (const size_t list : {2, 3}) {
      for (const uint32_t item : At(items[list]).items) {
        if (At(item).kind != Kind::kInt || At(item).integer < 0) {
          return BadPickle("shape and strides must be numbers that are not negative");
        }
      }
    }
    if (At(items[1]).integer < 0) return BadPickle("offset must not be negative");
    if (At(items[2]).items.size() != At(items[3]).items.size()) {
      return BadPickle("shape and strides must be of one length");
    }
    return Push({.kind = Kind::kTensor,
                 .dtype = At(items[0]).dtype,
                 .integer = At(items[1]).integer,
                 .items = {items[0], items[2], items[3]}});
  }

  absl::Status NewObject() {
    ASSIGN_OR_RETURN(const uint32_t arguments_index, Pop());
    ASSIGN_OR_RETURN(const uint32_t class_index, Pop());
    const PickleNode& arguments = At(arguments_index);
    const PickleNode& made = At(class_index);
    if (arguments.kind != Kind::kTuple) {
      return BadPickle(fmt::format("arguments must be a tuple, got {}", KindName(arguments.kind)));
    }
    if (made.kind == Kind::kOpaque) return Push({.kind = Kind::kOpaque});
    if (made.global == InertGlobal::kParameterDict && arguments.items.empty()) {
      return Push({.kind = Kind::kParameterDict, .depth = 1});
    }
    return BadPickle(fmt::format("no object is made of {}", KindName(made.kind)));
  }

  absl::Status Build() {
    ASSIGN_OR_RETURN(const uint32_t state_index, Pop());
    if (Available() == 0) return BadPickle("stack is empty");
    PickleNode& object = At(stack_.back());
    if (object.kind == Kind::kOpaque) return absl::OkStatus();
    const bool takes_state = (object.kind == Kind::kDict && object.is_ordered) ||
                             (object.kind == Kind::kParameterDict && object.items.empty());
    if (!takes_state || At(state_index).kind != Kind::kDict) {
      return BadPickle(fmt::format("{} takes no state, or none of {}", KindName(object.kind),
                                   KindName(At(state_index).kind)));
    }
    if (object.kind == Kind::kDict) return absl::OkStatus();  // attributes are ignored
    return Hold(object, {state_index});
  }

  // --- the end

  absl::Status Stop() {
    if (!marks_.empty() || stack_.size() != 1) return BadPickle("one value must be left");
    if (at_ != bytes_.size()) return BadPickle("bytes come behind it");
    tree_.root_ = stack_.back();
    return absl::OkStatus();
  }

  absl::Status CheckKeys() const {
    std::vector<std::string_view> keys;
    for (const PickleNode& node : tree_.nodes_) {
      if (node.kind != Kind::kDict) continue;
      keys.clear();
      for (size_t i = 0; i < node.items.size(); i += 2) {
        const PickleNode& key = tree_.node(node.items[i]);
        if (key.kind == Kind::kString) keys.push_back(key.text);
      }
      std::sort(keys.begin(), keys.end());
      const auto twice = std::adjacent_find(keys.begin(), keys.end());
      if (twice != keys.end()) {
        return BadPickle(
            fmt::format("pickle: key \"{}\" is in a dict twice", twice->substr(0, 200)));
      }
    }
    return absl::OkStatus();
  }

  const std::span<const std::byte> bytes_;
  const PickleLimits limits_;
  size_t at_ = 0;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;  // stack sizes at the time of each mark
  std::unordered_map<uint32_t, uint32_t> memo_;
  PickleTree tree_;
};

absl::StatusOr<PickleTree> ReadPickle(std::span<const std::byte> bytes,
                                      const PickleLimits& limits) {
  return PickleMachine(bytes, limits).Run();
}

}  // namespace vico
