#include "server/preview.h"

#include <algorithm>
#include <limits>

#include "base/cast.h"
#include "base/key_text.h"

namespace cairn::server {
namespace {

uint64_t ReadLittleEndian64(absl::string_view bytes) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

// So much of each of the first `count` strings of a slice as a preview shows. A cut slice gives
// fewer.
std::vector<std::string> FirstStrings(absl::string_view bytes, int64_t total, int64_t count) {
  std::vector<std::string> strings;
  if (static_cast<uint64_t>(total) > bytes.size() / 8) return strings;
  uint64_t begin = static_cast<uint64_t>(total) * 8;
  for (int64_t i = 0; i < count && begin <= bytes.size(); ++i) {
    const uint64_t length = ReadLittleEndian64(bytes.substr(i * 8, 8));
    strings.push_back(
        KeyTextFromBytes(bytes.substr(begin, std::min<uint64_t>(length, kMaxPreviewTextBytes))));
    if (length > bytes.size() - begin) break;
    begin += length;
  }
  return strings;
}

// Calls place(position among the previewed, index in the slice) for what of `slice` is previewed.
void ForEachPreviewed(const Box& box, const Box& slice, int64_t count,
                      absl::FunctionRef<void(int64_t position, int64_t index)> place) {
  const int64_t end = InnerElementsBefore(box, slice, count);
  ForEachRun(box, slice, 0, end, [&](int64_t outer, int64_t inner, int64_t run) {
    for (int64_t i = 0; i < run && outer + i < count; ++i) place(outer + i, inner + i);
  });
}

Preview PreviewNumbers(absl::string_view dtype, const Dtype& info, const Box& box, int64_t count,
                       absl::Span<const SliceBytes> slices) {
  Preview preview;
  preview.values.assign(count, std::numeric_limits<double>::quiet_NaN());
  preview.texts.assign(count, "");
  for (const SliceBytes& slice : slices) {
    const int64_t held = static_cast<int64_t>(slice.bytes.size()) / info.item_bytes;
    ForEachPreviewed(box, slice.box, count, [&](int64_t position, int64_t index) {
      if (index >= held) return;
      preview.values[position] = ElementAsDouble(dtype, slice.bytes, index);
      preview.texts[position] = ElementAsText(dtype, slice.bytes, index);
    });
  }
  return preview;
}

Preview PreviewStrings(const Box& box, int64_t count, absl::Span<const SliceBytes> slices) {
  Preview preview;
  preview.texts.assign(count, "");
  for (const SliceBytes& slice : slices) {
    const int64_t shown = InnerElementsBefore(box, slice.box, count);
    std::vector<std::string> strings = FirstStrings(slice.bytes, Volume(slice.box), shown);
    ForEachPreviewed(box, slice.box, count, [&](int64_t position, int64_t index) {
      if (index < static_cast<int64_t>(strings.size())) preview.texts[position] = strings[index];
    });
  }
  return preview;
}

}  // namespace

Box FirstElementsBox(const Box& box, int64_t count) {
  Box first = box;
  int64_t needed = count;  // of what the dimensions so far hold
  for (int i = box.rank() - 1; i >= 0; --i) {
    first.length[i] = std::min(box.length[i], needed);
    // Rounded up; a dimension of no elements leaves nothing to need.
    needed = box.length[i] == 0 ? 1 : (needed + box.length[i] - 1) / box.length[i];
  }
  return first;
}

Preview PreviewOf(absl::string_view dtype, const Dtype& info, const Box& box, int64_t count,
                  absl::Span<const SliceBytes> slices) {
  count = std::min(count, Volume(box));
  if (IsFixedWidth(info)) return PreviewNumbers(dtype, info, box, count, slices);
  if (info.dtype_class == DtypeClass::kString) return PreviewStrings(box, count, slices);
  Preview preview;
  if (info.dtype_class == DtypeClass::kBytes && !slices.empty()) {
    preview.texts.push_back(
        KeyTextFromBytes(absl::string_view(slices[0].bytes).substr(0, kMaxPreviewTextBytes)));
  }
  return preview;
}

}  // namespace cairn::server
