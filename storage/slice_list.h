// What a manifest holds, part by part: its slice rows as they are, without where their bytes lie.
#ifndef CAIRN_STORAGE_SLICE_LIST_H_
#define CAIRN_STORAGE_SLICE_LIST_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// As Store::ListSlices. `after` is the key of the last row that was listed, or looked at.
// Errors: kInvalidArgument (`after` is none; the separator is not one character; the writer's
// name).
absl::StatusOr<ListPage<StoredPart>> ListSlices(Table* table, const Uid& manifest,
                                                absl::string_view key_separator,
                                                const SliceFilter& filter, absl::string_view after,
                                                int page_size);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_LIST_H_
