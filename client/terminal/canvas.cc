#include "client/terminal/canvas.h"

#include <algorithm>

#include <chafa.h>

namespace vico::client {

/// Not in the anonymous namespace, since Canvas::Terminal contains it.
struct ChafaRelease {
  void operator()(ChafaCanvasConfig* config) const { chafa_canvas_config_unref(config); }
  void operator()(ChafaSymbolMap* symbols) const { chafa_symbol_map_unref(symbols); }
  void operator()(ChafaCanvas* canvas) const { chafa_canvas_unref(canvas); }
  void operator()(ChafaTermInfo* info) const { chafa_term_info_unref(info); }
  void operator()(GString* text) const { g_string_free(text, TRUE); }
};

namespace {

template <typename T>
using Owned = std::unique_ptr<T, ChafaRelease>;

bool Has(const ChafaTermInfo* info, ChafaTermSeq sequence) {
  return chafa_term_info_have_seq(info, sequence) != FALSE;
}

ChafaPixelMode PixelModeOf(const ChafaTermInfo* info) {
  if (Has(info, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1)) return CHAFA_PIXEL_MODE_KITTY;
  if (Has(info, CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE)) return CHAFA_PIXEL_MODE_ITERM2;
  if (Has(info, CHAFA_TERM_SEQ_BEGIN_SIXELS)) return CHAFA_PIXEL_MODE_SIXELS;
  return CHAFA_PIXEL_MODE_SYMBOLS;
}

ChafaCanvasMode ColoursOf(const ChafaTermInfo* info) {
  if (Has(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT)) return CHAFA_CANVAS_MODE_TRUECOLOR;
  if (Has(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256)) return CHAFA_CANVAS_MODE_INDEXED_240;
  if (Has(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_16)) return CHAFA_CANVAS_MODE_INDEXED_16;
  if (Has(info, CHAFA_TERM_SEQ_INVERT_COLORS)) return CHAFA_CANVAS_MODE_FGBG_BGFG;
  return CHAFA_CANVAS_MODE_FGBG;
}

/// Pixels of a cell. Many terminals do not say.
struct Cell {
  int width = 10;
  int height = 20;
};

Cell CellOf(const TerminalSize& size) {
  if (size.width_pixels < size.columns || size.height_pixels < size.rows) return {};
  return {size.width_pixels / std::max(size.columns, 1),
          size.height_pixels / std::max(size.rows, 1)};
}

}  // namespace

struct Canvas::Terminal {
  std::unique_ptr<ChafaTermInfo, ChafaRelease> info;
  std::unique_ptr<ChafaSymbolMap, ChafaRelease> symbols;
};

Canvas::Canvas(const std::vector<std::string>& environment)
    : terminal_(std::make_unique<Terminal>()) {
  std::vector<std::string> entries = environment;
  std::vector<char*> pointers;
  pointers.reserve(entries.size() + 1);
  for (std::string& entry : entries) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  terminal_->info.reset(chafa_term_db_detect(chafa_term_db_get_default(), pointers.data()));
  terminal_->symbols.reset(chafa_symbol_map_new());
  // Blocks and their halves and quarters are in the fonts of all terminals.
  chafa_symbol_map_add_by_tags(terminal_->symbols.get(), CHAFA_SYMBOL_TAG_BLOCK);
  chafa_symbol_map_add_by_tags(terminal_->symbols.get(), CHAFA_SYMBOL_TAG_SPACE);
}

Canvas::~Canvas() = default;

std::string Canvas::Draw(const Pixels& picture, const TerminalSize& size, int most_rows) const {
  const Cell cell = CellOf(size);
  int columns = std::max(size.columns - 1, 1);
  int rows = std::max(most_rows, 1);
  chafa_calc_canvas_geometry(picture.width, picture.height, &columns, &rows,
                             static_cast<float>(cell.width) / static_cast<float>(cell.height), TRUE,
                             FALSE);
  const Owned<ChafaCanvasConfig> config(chafa_canvas_config_new());
  chafa_canvas_config_set_geometry(config.get(), std::max(columns, 1), std::max(rows, 1));
  chafa_canvas_config_set_cell_geometry(config.get(), cell.width, cell.height);
  chafa_canvas_config_set_pixel_mode(config.get(), PixelModeOf(terminal_->info.get()));
  chafa_canvas_config_set_canvas_mode(config.get(), ColoursOf(terminal_->info.get()));
  chafa_canvas_config_set_symbol_map(config.get(), terminal_->symbols.get());
  const Owned<ChafaCanvas> canvas(chafa_canvas_new(config.get()));
  chafa_canvas_draw_all_pixels(canvas.get(), CHAFA_PIXEL_RGB8, picture.rgb.data(), picture.width,
                               picture.height, 3 * picture.width);
  const Owned<GString> text(chafa_canvas_print(canvas.get(), terminal_->info.get()));
  return std::string(text->str, text->len) + "\n";
}

}  // namespace vico::client
