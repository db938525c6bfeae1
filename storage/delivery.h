// What of one slice row a restore sends: all of it as it is stored, or what a box leaves of it, or
// cast.
#ifndef CAIRN_STORAGE_DELIVERY_H_
#define CAIRN_STORAGE_DELIVERY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/box.h"
#include "storage/manifest.h"
#include "storage/store.h"

namespace cairn::storage {

struct Delivery {
  SliceRow row;
  std::string dtype;  // as asked for

  // Send the stored pieces untouched. Otherwise elements [first, last) of `box` are cut out, and
  // cast if dtype is not the stored one.
  bool as_stored = true;
  Box box;  // the stored slice's, or what the selector leaves of it
  int64_t first = 0;
  int64_t last = 0;
  int stored_item_bytes = 0;
  int item_bytes = 0;  // of dtype

  int64_t bytes = 0;  // that will be sent; 0: one part without bytes
};

// nullopt: nothing of this row is wanted. A tensor of which an empty box is asked is told of once,
// by its first row. Pure. Errors: kInvalidArgument (the box does not fit the shape; the cast is not
// allowed), kDataLoss.
absl::StatusOr<std::optional<Delivery>> PlanDelivery(SliceRow row, const Selector& selector,
                                                     bool first_of_tensor);

// Whether the selector asks for a box of a tensor that can only be had by the slices it was saved
// in, so that at least one of its rows must be wanted.
bool MustMatchASlice(const SliceRow& row, const Selector& selector);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_DELIVERY_H_
