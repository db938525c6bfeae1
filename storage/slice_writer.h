// The way in: one upload stream becomes segments and the slice rows that point into them.
#ifndef CAIRN_STORAGE_SLICE_WRITER_H_
#define CAIRN_STORAGE_SLICE_WRITER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/uid.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// Where a stream writes, and for whom. Pointers are not owned and outlive the writer.
struct SliceWriterTarget {
  Table* table;
  SegmentStore* segments;
  Clock* clock;
  Random* random;
  Uid directory;                           // owns the segments
  Uid manifest;                            // receives the rows
  std::optional<Uid> base = std::nullopt;  // what AppendFromBase may take bytes of
  std::string writer;
  bool inline_parts =
      false;  // parts of at most kMaxInlinePartBytes stand in their rows, however many
  // Keeps the session open: called at the first Append, before rows are written, and every few
  // seconds in between. Its error ends the stream.
  std::function<absl::Status()> touch;
};

// A stream into an open session. See SliceWriter for its contract. Bytes become durable whenever a
// segment is full, and at Finish(); a part's row is written when all of the part is, or when its
// record is full. Memory: one piece, less than kMinSegmentBytes of small parts, and the records of
// one segment.
std::unique_ptr<SliceWriter> MakeSliceWriter(SliceWriterTarget target);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_WRITER_H_
