// Writes a pickle of protocol 2, opcode by opcode. It does not memoise: a value that is used twice
// is written twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace vico {

class PickleWriter {
 public:
  PickleWriter() : bytes_("\x80\x02") {}

  void None() { bytes_ += 'N'; }
  void Bool(bool value) { bytes_ += value ? '\x88' : '\x89'; }
  void Int(int64_t value);
  void String(std::string_view text);  ///< UTF-8
  void Global(std::string_view module, std::string_view name);

  void Mark() { bytes_ += '('; }
  void Tuple() { bytes_ += 't'; }  ///< of the values since the mark
  void EmptyTuple() { bytes_ += ')'; }
  void EmptyList() { bytes_ += ']'; }
  void EmptyDict() { bytes_ += '}'; }
  void SetItems() {
    bytes_ += 'u';
  }                                 ///< puts keys and values since the mark into the dict before it
  void Reduce() { bytes_ += 'R'; }  ///< callable, argument tuple -> object
  void NewObject() { bytes_ += "\x81"; }  ///< class, argument tuple -> object
  void Build() { bytes_ += 'b'; }         ///< object, state -> object
  void PersistentId() { bytes_ += 'Q'; }

  /// collections.OrderedDict().
  void EmptyOrderedDict();

  /// The whole pickle. Exactly one value must be on the stack.
  std::string Finish() && { return std::move(bytes_ += '.'); }

 private:
  std::string bytes_;
};

}  // namespace vico
