// The way out of one stream: the rows between two positions, as a selection asks for them.
#ifndef CAIRN_STORAGE_SLICE_READER_H_
#define CAIRN_STORAGE_SLICE_READER_H_

#include <memory>

#include "base/uid.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"
#include "storage/selection.h"
#include "storage/store.h"
#include "storage/stream_token.h"

namespace cairn::storage {

// What one stream reads. Pointers are not owned and outlive the reader.
struct SliceReaderSource {
  Table* table;
  SegmentStore* segments;
  Uid manifest;
  std::shared_ptr<const Selection> selection;
  std::shared_ptr<const void> lease;  // kept while the reader lives
};

// A stored slice's pieces go out as they are, with the saver's sums. What is cut or cast goes out
// in runs of at most kPieceBytes, with sums of what is sent, after the sums of what was read are
// compared.
std::unique_ptr<SliceReader> MakeSliceReader(SliceReaderSource source, StreamToken token);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_READER_H_
