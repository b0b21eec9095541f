#include "tests/common/formats/checkpoint/hostile_files.h"

#include <functional>

#include <fmt/format.h>

#include "common/formats/checkpoint/pickle_writer.h"
#include "tests/common/formats/checkpoint/raw_zip.h"

namespace vico {
namespace {

using namespace std::string_literals;

const std::string kStorageBytes(8, '\0');  // two floats

std::string Text(const std::string& text) {
  std::string bytes = "X";
  AppendLittleEndian(static_cast<uint32_t>(text.size()), bytes);
  return bytes + text;
}

std::string Global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

std::string Number(int64_t value) {
  std::string bytes = "\x8a\x08"s;
  AppendLittleEndian(value, bytes);
  return bytes;
}

/// The fields of a tensor, any of which may be wrong.
struct TensorLies {
  std::string type = Global("torch", "FloatStorage");
  std::string key = Text("0");
  std::string elements = Number(2);
  std::string offset = Number(0);
  std::string shape = "(" + Number(2) + "t";
  std::string strides = "(" + Number(1) + "t";
  std::string tag = Text("storage");
  std::string location = Text("cpu");
  std::string rest = "\x89" + Global("collections", "OrderedDict") + ")R";

  std::string Opcodes() const {
    return Global("torch._utils", "_rebuild_tensor_v2") + "((" + tag + type + key + location +
           elements + "tQ" + offset + shape + strides + rest + "tR";
  }
};

std::string Pickle(const std::string& value) { return "\x80\x02}(" + Text("a") + value + "u."; }

RawZip Archive(const std::string& pickle = Pickle(TensorLies().Opcodes())) {
  RawZip zip;
  for (const auto& [name, bytes] :
       {std::pair("a/data.pkl", pickle), std::pair("a/byteorder", "little"s),
        std::pair("a/data/0", kStorageBytes), std::pair("a/version", "3\n"s)}) {
    RawMember member;
    member.name = name;
    member.bytes = bytes;
    zip.members.push_back(member);
  }
  return zip;
}

std::string Zip64Field(std::vector<uint64_t> numbers) {
  std::string field = "\x01\x00"s;
  AppendLittleEndian(static_cast<uint16_t>(8 * numbers.size()), field);
  for (const uint64_t number : numbers) AppendLittleEndian(number, field);
  return field;
}

std::string Spoilt(const std::function<void(RawZip&)>& spoil) {
  RawZip zip = Archive();
  spoil(zip);
  return zip.Bytes();
}

std::string SpoiltTensor(const std::function<void(TensorLies&)>& spoil) {
  TensorLies lies;
  spoil(lies);
  return Archive(Pickle(lies.Opcodes())).Bytes();
}

std::string WithPickle(const std::string& pickle) { return Archive(pickle).Bytes(); }
std::string WithValue(const std::string& value) { return WithPickle(Pickle(value)); }

}  // namespace

std::string HarmlessFile() { return Archive().Bytes(); }

std::string FileOfPickle(const std::string& pickle) { return WithPickle(pickle); }

std::vector<HostileFile> HostileZips() {
  const std::string good = HarmlessFile();
  const std::string no_pickle = "has no member data.pkl";
  std::vector<HostileFile> files = {
      {"Empty", "", "not a zip archive"},
      {"NoZip", "just some text, no archive at all", "not a zip archive"},
      {"OldFormat", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s + "more",
       "convert it with"},
      {"OnlyTheMagic", "PK\x03\x04", "too short"},
      {"CutInHalf", good.substr(0, good.size() / 2), "cut short"},
      {"CutByOneByte", good.substr(0, good.size() - 1), "cut short"},
      {"TrailingBytes", good + "x", "bytes after it"},
      {"SecondArchiveBehind", good + good, "does not end where its end record begins"},
      {"ProgramInFront", "#!/bin/sh\n" + good, "not a zip archive"},
      {"Prefix", Spoilt([](RawZip& z) { z.prefix = "PK\x03\x04"; }), "begins with other bytes"},
      {"Comment", Spoilt([](RawZip& z) { z.comment = "hello"; }), "end record"},
      {"BadCrcOfPickle", Spoilt([](RawZip& z) {
         z.at("a/data.pkl").crc_change = z.at("a/data.pkl").local_crc_change = 1;
       }),
       "CRC"},
      {"BadCrcOfByteOrder", Spoilt([](RawZip& z) {
         z.at("a/byteorder").crc_change = z.at("a/byteorder").local_crc_change = 1;
       }),
       "CRC"},
      {"CrcDiffersLocally", Spoilt([](RawZip& z) { z.at("a/data/0").local_crc_change = 1; }),
       "CRC differs"},
      {"Deflated", Spoilt([](RawZip& z) { z.at("a/data/0").method = 8; }), "compressed"},
      {"Encrypted",
       Spoilt([](RawZip& z) { z.at("a/data/0").flags = z.at("a/data/0").local_flags = 1; }),
       "encrypted"},
      {"FlagsDifferLocally", Spoilt([](RawZip& z) { z.at("a/data/0").local_flags = 0x800; }),
       "flags differs"},
      {"StrangeFlags", Spoilt([](RawZip& z) { z.at("a/data/0").flags = 0x2000; }), "flags"},
      {"NameTwice", Spoilt([](RawZip& z) { z.at("a/version").name = "a/data.pkl"; }), "twice"},
      {"NameDiffersLocally", Spoilt([](RawZip& z) { z.at("a/data/0").local_name = "a/data/1"; }),
       "name differs"},
      {"SizeDiffersLocally", Spoilt([](RawZip& z) { z.at("a/data/0").local_size_change = 1; }),
       "size differs"},
      {"TwoSizes", Spoilt([](RawZip& z) { z.at("a/data/0").packed_change = 1; }),
       "two different sizes"},
      {"SizeBeyondTheFile", Spoilt([](RawZip& z) {
         z.at("a/version").size_change = z.at("a/version").local_size_change = 1 << 30;
       }),
       "beyond the file"},
      {"SizeIntoTheNext", Spoilt([](RawZip& z) {
         z.at("a/data/0").size_change = z.at("a/data/0").local_size_change = 16;
       }),
       "next member"},
      {"TwoEntriesOneMember", Spoilt([](RawZip& z) {
         z.at("a/version").offset_change =
             -static_cast<int64_t>(30 + std::string("a/data/0").size() + 8);
       }),
       "overlaps"},
      {"OffsetBeyondTheDirectory",
       Spoilt([](RawZip& z) { z.at("a/version").offset_change = 1 << 20; }), "overlaps"},
      {"HoleBehindAMember", Spoilt([](RawZip& z) { z.at("a/data/0").behind = "hidden"; }), "hole"},
      {"MemberTheDirectoryHides",
       Spoilt([](RawZip& z) { z.at("a/byteorder").in_directory = false; }), "hole"},
      {"PathTraversal", Spoilt([](RawZip& z) { z.at("a/version").name = "a/../../etc/passwd"; }),
       "not one that torch.save writes"},
      {"AbsolutePath", Spoilt([](RawZip& z) { z.at("a/version").name = "/etc/passwd"; }),
       "folder with a plain name"},
      {"FolderOfDots", Spoilt([](RawZip& z) {
         for (RawMember& m : z.members) m.name.replace(0, 1, "..");
       }),
       "folder with a plain name"},
      {"Backslash", Spoilt([](RawZip& z) {
         for (RawMember& m : z.members) m.name.replace(0, 1, "a\\b");
       }),
       "folder with a plain name"},
      {"TwoFolders", Spoilt([](RawZip& z) { z.at("a/version").name = "b/version"; }),
       "not one that torch.save writes"},
      {"TorchScript", Spoilt([](RawZip& z) { z.at("a/version").name = "a/code/__torch__.py"; }),
       "TorchScript"},
      {"StorageNameWithSign", Spoilt([](RawZip& z) { z.at("a/data/0").name = "a/data/-1"; }),
       "not one that torch.save writes"},
      {"NoPickle", Spoilt([](RawZip& z) { z.at("a/data.pkl").name = "a/data/9"; }), no_pickle},
      {"BigEndian", Spoilt([](RawZip& z) { z.at("a/byteorder").bytes = "big"; }), "byteorder"},
      {"MoreMembersThanSaid", Spoilt([](RawZip& z) { z.count_change = -1; }),
       "behind its last entry"},
      {"FewerMembersThanSaid", Spoilt([](RawZip& z) { z.count_change = 1; }), "fewer entries"},
      {"HugeMemberCount", Spoilt([](RawZip& z) { z.count_change = 60'000; }), "at most 1024"},
      {"NoMembers", "PK\x05\x06" + std::string(18, '\0'), "not a zip archive"},
      {"DirectoryElsewhere", Spoilt([](RawZip& z) { z.directory_begin = 4; }), "does not end"},
      {"DirectoryTooLarge", Spoilt([](RawZip& z) { z.directory_size = 1 << 30; }), "does not end"},
      {"BytesBehindTheDirectory", Spoilt([](RawZip& z) { z.before_end = "hidden"; }),
       "does not end"},
      {"Zip64WithoutRecord", Spoilt([](RawZip& z) { z.directory_begin = 0xFFFFFFFF; }),
       "zip64 end record: is missing"},
      {"Zip64LocatorElsewhere", Spoilt([](RawZip& z) {
         z.before_end =
             std::string(56, 'x') + "PK\x06\x07" + std::string(12, '\0') + "\x01\x00\x00\x00"s;
       }),
       "zip64 end record"},
      {"Zip64FieldTooShort", Spoilt([](RawZip& z) {
         z.at("a/data/0").size_change = z.at("a/data/0").local_size_change = -9;
       }),
       "zip64 field: lacks"},
      {"Zip64FieldTooLong", Spoilt([](RawZip& z) { z.at("a/data/0").extra = Zip64Field({8}); }),
       "a number too many"},
      {"Zip64SizeOverflow", Spoilt([](RawZip& z) {
         z.at("a/data/0").size_change = z.at("a/data/0").local_size_change = -9;
         z.at("a/data/0").extra = Zip64Field({~uint64_t{0}, ~uint64_t{0}});
       }),
       "zip64 field"},
      {"UnicodePathField", Spoilt([](RawZip& z) { z.at("a/data/0").extra = "\x75\x70\x01\x00x"s; }),
       "extra field"},
      {"ExtraFieldCutShort",
       Spoilt([](RawZip& z) { z.at("a/data/0").extra = "\x01\x00\x40\x00"s; }), "extra field"},
      {"DescriptorMissing",
       Spoilt([](RawZip& z) { z.at("a/data/0").flags = z.at("a/data/0").local_flags = 8; }),
       "overlaps"},
      {"DescriptorLies", Spoilt([](RawZip& z) {
         z.at("a/data/0").flags = z.at("a/data/0").local_flags = 8;
         z.at("a/data/0").behind = "PK\x07\x08" + std::string(12, 'x');
       }),
       "data descriptor"},
      {"MemberComment", Spoilt([](RawZip& z) { z.at("a/data/0").comment = "x"; }), "comment"},
  };
  return files;
}

std::vector<HostileFile> HostilePickles() {
  const std::string tensor = TensorLies().Opcodes();
  const std::string ordered = Global("collections", "OrderedDict");
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += '\x85';
  std::string memo = "\x80\x02N";
  for (uint32_t i = 0; i < 70'000; ++i) {
    memo += 'r';
    AppendLittleEndian(i, memo);
  }
  const std::string call = "cos\nsystem\n" + Text("true") + "\x85R";
  std::vector<HostileFile> files = {
      {"CallOfSystem", WithValue(call), "os.system"},
      {"CallOfEval", WithValue(Global("__builtin__", "eval") + Text("1") + "\x85R"), "eval"},
      {"CallOfGetattr", WithValue(Global("__builtin__", "getattr")), "getattr"},
      {"NameWithDots", WithValue(Global("torch", "serialization.os.system")), "not allowed"},
      {"TorchLoad", WithValue(Global("torch", "load")), "torch.load"},
      {"CallOfATensor", WithValue(tensor + ")R"), "a tensor is not called"},
      {"CallOfAStorageType", WithValue(Global("torch", "FloatStorage") + ")R"), "not called"},
      {"CallOfParameterDict",
       WithValue(Global("torch.nn.modules.container", "ParameterDict") + ")R"), "not called"},
      {"CallOfAString", WithValue(Text("os.system") + ")R"), "not called"},
      {"ArgumentsNoTuple", WithValue(ordered + "]R"), "must be a tuple"},
      {"OrderedDictOfItems", WithValue(ordered + "]\x85R"), "takes no arguments"},
      {"ObjectOfAnOrderedDict", WithValue(ordered + ")\x81"), "no object is made"},
      {"Inst", WithValue("(ios\nsystem\n"), "INST"},
      {"Obj", WithValue("(" + ordered + "o"), "OBJ"},
      {"NewObjEx", WithValue(ordered + ")}\x92"), "NEWOBJ_EX"},
      {"StackGlobal", WithValue(Text("os") + Text("system") + "\x93"), "STACK_GLOBAL"},
      {"Ext1", WithValue("\x82\x01"), "EXT1"},
      {"Ext4", WithValue("\x84\x01\x00\x00\x00"s), "EXT4"},
      {"PersIdAsText", WithValue("Pstorage\n"), "PERSID"},
      {"Dup", WithValue("N2"), "DUP"},
      {"Pop", WithValue("NN0"), "POP"},
      {"TextInteger", WithValue("I1\n"), "INT"},
      {"TextString", WithValue("S'a'\n"), "STRING"},
      {"ShortString",
       WithValue("U\x01"
                 "a"),
       "SHORT_BINSTRING"},
      {"BytesOfProtocol3",
       WithValue("C\x01"
                 "a"),
       "SHORT_BINBYTES"},
      {"FrameOfProtocol4", WithValue("\x95" + std::string(8, '\0')), "FRAME"},
      {"MemoizeOfProtocol4", WithValue("N\x94"), "MEMOIZE"},
      {"BufferOfProtocol5", WithValue("\x97"), "NEXT_BUFFER"},
      {"ByteArrayOfProtocol5", WithValue("\x96" + std::string(8, '\xff')), "BYTEARRAY8"},
      {"UnknownOpcode", WithValue("\xff"), "0xff"},
      {"ProtocolFive", WithPickle("\x80\x05N."), "protocol must be 2"},
      {"NoProtocol", WithPickle("N."), "PROTO must come first"},
      {"ProtocolTwice", WithValue("\x80\x02N"), "PROTO must come first"},
      {"NoStop", WithPickle("\x80\x02N"), "without STOP"},
      {"BytesBehindStop", WithPickle(Pickle(tensor) + "cos\nsystem\n"), "bytes come behind"},
      {"NothingLeft", WithPickle("\x80\x02."), "one value must be left"},
      {"TwoLeft", WithPickle("\x80\x02NN."), "one value must be left"},
      {"MarkLeft", WithPickle("\x80\x02(N."), "one value must be left"},
      {"NoMark", WithPickle("\x80\x02t."), "no mark"},
      {"EmptyStack", WithPickle("\x80\x02\x85."), "stack is empty"},
      {"ReachBelowTheMark", WithPickle("\x80\x02N(\x85."), "stack is empty"},
      {"MemoNeverSet", WithValue("h\x07"), "never set"},
      {"MemoBomb", WithPickle(memo + "."), "memo of more than 65536"},
      {"StackBomb", WithPickle("\x80\x02(" + std::string(70'000, 'N') + "t."), "stack of more"},
      {"ValueBomb",
       WithPickle("\x80\x02]" +
                  [] {
                    std::string all;
                    for (int i = 0; i < 600'000; ++i) all += "]a";
                    return all;
                  }() +
                  "."),
       "more than 524288 values"},
      {"PickleBomb", WithPickle("\x80\x02" + std::string((16 << 20) + 1, ']')),
       "at most 16777216 allowed"},
      {"MarkBomb", WithPickle("\x80\x02" + std::string(100, '(')), "depth above 64"},
      {"TupleBomb", WithPickle("\x80\x02N" + nested + "."), "depth above 64"},
      {"ListBomb", WithPickle("\x80\x02" + std::string(100, ']') + std::string(99, 'a') + "."),
       "depth above 64"},
      {"ListInItself",
       WithPickle("\x80\x02]q\x00"s +
                  [] {
                    std::string all;
                    for (int i = 0; i < 70; ++i) all += "h\x00"s + "a";
                    return all;
                  }() +
                  "."),
       "depth above 64"},
      {"LongInteger", WithValue("\x8a\xff" + std::string(255, '\x7f')), "integer of 255 bytes"},
      {"Long4", WithValue("\x8b\xff\xff\xff\x7f"), "LONG4"},
      {"StringBeyondTheFile",
       WithValue("X\xff\xff\xff\x7f"
                 "a"),
       "beyond the pickle's end"},
      {"StringNotUtf8", WithValue(Text("\xc3\x28")), "not UTF-8"},
      {"EndlessName", WithValue("c" + std::string(5000, 'a')), "name does not end"},
      {"SetItemOnAList", WithValue("]" + Text("k") + "Ns"), "target must be a dict"},
      {"SetItemOnATensor", WithValue(tensor + Text("k") + "Ns"), "target must be a dict"},
      {"SetItemsOnAName", WithValue(ordered + "(" + Text("k") + "Nu"), "target must be a dict"},
      {"KeyWithoutValue", WithPickle("\x80\x02}(" + Text("k") + "u."), "without a value"},
      {"KeyThatIsATuple", WithPickle("\x80\x02}()Nu."), "key must be"},
      {"KeyTwice", WithPickle("\x80\x02}(" + Text("k") + "N" + Text("k") + "Nu."),
       "in a dict twice"},
      {"AppendToADict", WithValue("}Na"), "target must be a list"},
      {"BuildOnATensor", WithValue(tensor + "}b"), "takes no state"},
      {"BuildOnAPlainDict", WithValue("}}b"), "takes no state"},
      {"BuildOfATuple", WithValue(ordered + ")R)b"), "or none of"},
      {"PersIdNoTuple", WithValue(Text("storage") + "Q"), "BINPERSID"},
      {"PersIdTooShort", WithValue("(" + Text("storage") + "tQ"), "BINPERSID"},
      {"PersIdOfAModule", SpoiltTensor([](auto& t) { t.tag = Text("module"); }), "BINPERSID"},
      {"StorageOfNoType", SpoiltTensor([](auto& t) { t.type = Text("FloatStorage"); }),
       "no type that is read"},
      {"StorageOfAnotherClass",
       SpoiltTensor([](auto& t) { t.type = Global("torch.storage", "UntypedStorage"); }),
       "UntypedStorage"},
      {"StorageKeyNoString", SpoiltTensor([](auto& t) { t.key = Number(0); }), "key must be"},
      {"StorageKeyOfAPath", SpoiltTensor([](auto& t) { t.key = Text("../version"); }), "no member"},
      {"StorageKeyUnknown", SpoiltTensor([](auto& t) { t.key = Text("1"); }), "no member data/1"},
      {"StorageNegative", SpoiltTensor([](auto& t) { t.elements = Number(-2); }), "not negative"},
      {"StorageTooLong", SpoiltTensor([](auto& t) { t.elements = Number(3); }), "do not take"},
      {"StorageTooShort", SpoiltTensor([](auto& t) { t.elements = Number(1); }), "do not take"},
      {"StorageOverflow", SpoiltTensor([](auto& t) { t.elements = Number(int64_t{1} << 62); }),
       "do not take"},
      {"StorageOfDoubles", SpoiltTensor([](auto& t) { t.type = Global("torch", "DoubleStorage"); }),
       "do not take"},
      {"StorageOfHalves", SpoiltTensor([](auto& t) { t.type = Global("torch", "HalfStorage"); }),
       "do not take"},
      {"OffsetNegative", SpoiltTensor([](auto& t) { t.offset = Number(-1); }), "offset"},
      {"OffsetBeyond", SpoiltTensor([](auto& t) { t.offset = Number(1); }), "reach beyond"},
      {"OffsetHuge", SpoiltTensor([](auto& t) { t.offset = Number(INT64_MAX); }), "reach beyond"},
      {"ShapeTooLarge", SpoiltTensor([](auto& t) { t.shape = "(" + Number(3) + "t"; }),
       "reach beyond"},
      {"ShapeNegative", SpoiltTensor([](auto& t) { t.shape = "(" + Number(-2) + "t"; }),
       "not negative"},
      {"ShapeOfText", SpoiltTensor([](auto& t) { t.shape = "(" + Text("2") + "t"; }),
       "must be numbers"},
      {"ShapeOverflow", SpoiltTensor([](auto& t) {
         t.shape = "(" + Number(int64_t{1} << 40) + Number(int64_t{1} << 40) + "t";
         t.strides = "(" + Number(0) + Number(0) + "t";
       }),
       "reach beyond"},
      {"StrideTooLarge", SpoiltTensor([](auto& t) { t.strides = "(" + Number(2) + "t"; }),
       "reach beyond"},
      {"StrideNegative", SpoiltTensor([](auto& t) { t.strides = "(" + Number(-1) + "t"; }),
       "not negative"},
      {"StrideOverflow", SpoiltTensor([](auto& t) { t.strides = "(" + Number(INT64_MAX) + "t"; }),
       "reach beyond"},
      {"StridesMissing", SpoiltTensor([](auto& t) { t.strides = ")"; }), "of one length"},
      {"TooManyDimensions", SpoiltTensor([](auto& t) {
         t.shape = t.strides = "(";
         for (int i = 0; i < 9; ++i) {
           t.shape += Number(1);
           t.strides += Number(1);
         }
         t.shape += "t";
         t.strides += "t";
       }),
       "more than 8 dimensions"},
      {"TensorOfFewArguments", SpoiltTensor([](auto& t) { t.rest = ""; }), "_rebuild_tensor_v2"},
      {"ParameterOfAString",
       WithValue(Global("torch._utils", "_rebuild_parameter") + Text("a") + "\x88}\x87R"),
       "_rebuild_parameter"},
  };
  return files;
}

}  // namespace vico
