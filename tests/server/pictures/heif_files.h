// HEIF files written by hand around tiles that an encoder made. Source: ISO/IEC 23008-12.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/png_files.h"

namespace vico::server {

inline std::string HeifBox(const std::string& type, const std::string& content) {
  return BigEndian32(static_cast<uint32_t>(content.size() + 8)) + type + content;
}

/// A box with a version and flags.
inline std::string HeifFullBox(const std::string& type, int version, const std::string& content) {
  return HeifBox(type, static_cast<char>(version) + std::string(3, '\0') + content);
}

struct HeifItemToWrite {
  std::string type;
  std::string data;
  std::vector<std::string> properties;  ///< whole boxes
};

struct HeifReferenceToWrite {
  std::string type;
  uint32_t from = 1;
  std::vector<uint32_t> to;
};

/// Items are numbered from 1; the first is the main picture. `split`: each item has two extents.
inline std::string WriteHeif(const std::string& brand, const std::vector<HeifItemToWrite>& items,
                             const std::vector<HeifReferenceToWrite>& references,
                             bool split = false) {
  std::string infos, properties, associations, links;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto id = static_cast<uint32_t>(i + 1);
    infos += HeifFullBox("infe", 2, BigEndian16(id) + BigEndian16(0) + items[i].type + '\0');
    associations += BigEndian16(id) + static_cast<char>(items[i].properties.size());
  }
  // Each item has properties of its own.
  associations.clear();
  int next = 1;
  for (size_t i = 0; i < items.size(); ++i) {
    associations +=
        BigEndian16(static_cast<uint32_t>(i + 1)) + static_cast<char>(items[i].properties.size());
    for (const std::string& property : items[i].properties) {
      properties += property;
      associations += static_cast<char>(0x80 | next++);
    }
  }
  for (const HeifReferenceToWrite& reference : references) {
    std::string to;
    for (const uint32_t id : reference.to) to += BigEndian16(id);
    links +=
        HeifBox(reference.type, BigEndian16(reference.from) +
                                    BigEndian16(static_cast<uint32_t>(reference.to.size())) + to);
  }
  const std::string start = HeifBox("ftyp", brand + std::string(4, '\0') + "mif1" + brand);
  const auto meta = [&](size_t data_at) {
    std::string locations =
        std::string("\x44\0", 2) + BigEndian16(static_cast<uint32_t>(items.size()));
    for (size_t i = 0; i < items.size(); ++i) {
      locations +=
          BigEndian16(static_cast<uint32_t>(i + 1)) + BigEndian16(0) + BigEndian16(split ? 2 : 1);
      size_t left = items[i].data.size();
      for (int part = split ? 2 : 1; part > 0; --part) {
        const size_t size = part == 2 ? left / 2 : left;
        locations +=
            BigEndian32(static_cast<uint32_t>(data_at)) + BigEndian32(static_cast<uint32_t>(size));
        data_at += size;
        left -= size;
      }
    }
    return HeifFullBox(
        "meta", 0,
        HeifFullBox("hdlr", 0, std::string(4, '\0') + "pict" + std::string(13, '\0')) +
            HeifFullBox("pitm", 0, BigEndian16(1)) +
            HeifFullBox("iinf", 0, BigEndian16(static_cast<uint32_t>(items.size())) + infos) +
            HeifFullBox("iloc", 0, locations) + HeifFullBox("iref", 0, links) +
            HeifBox("iprp", HeifBox("ipco", properties) +
                                HeifFullBox("ipma", 0,
                                            BigEndian32(static_cast<uint32_t>(items.size())) +
                                                associations)));
  };
  std::string data;
  for (const HeifItemToWrite& item : items) data += item.data;
  return start + meta(start.size() + meta(0).size() + 8) + HeifBox("mdat", data);
}

inline std::string HeifSize(uint32_t width, uint32_t height) {
  return HeifFullBox("ispe", 0, BigEndian32(width) + BigEndian32(height));
}

/// Of the last bytes of a grid: its tiles in rows, as "\0\1" for two columns and one row.
inline std::string HeifGrid(int columns, int rows, uint32_t width, uint32_t height) {
  return std::string(2, '\0') + static_cast<char>(rows - 1) + static_cast<char>(columns - 1) +
         BigEndian16(width) + BigEndian16(height);
}

/// A coded picture from a file of an encoder.
struct CodedTile {
  std::string type;
  std::string config;  ///< the whole box hvcC or av1C
  std::string data;
};

/// A grid of equal tiles of 96 x 64 pixels.
inline std::string GridOf(const CodedTile& tile, int columns, int rows, uint32_t width,
                          uint32_t height, const std::vector<std::string>& properties = {}) {
  std::vector<HeifItemToWrite> items = {
      {"grid", HeifGrid(columns, rows, width, height), properties}};
  items[0].properties.push_back(HeifSize(width, height));
  HeifReferenceToWrite tiles{"dimg", 1, {}};
  for (int i = 0; i < columns * rows; ++i) {
    items.push_back({tile.type, tile.data, {HeifSize(96, 64), tile.config}});
    tiles.to.push_back(static_cast<uint32_t>(items.size()));
  }
  return WriteHeif(tile.type == "hvc1" ? "heic" : "avif", items, {tiles});
}

/// The same picture as one item.
inline std::string OneTile(const CodedTile& tile, const std::vector<std::string>& properties = {},
                           bool split = false) {
  std::vector<std::string> all = properties;
  all.push_back(HeifSize(96, 64));
  all.push_back(tile.config);
  return WriteHeif(tile.type == "hvc1" ? "heic" : "avif", {{tile.type, tile.data, all}}, {}, split);
}

}  // namespace vico::server
