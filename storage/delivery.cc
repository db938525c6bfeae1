#include "storage/delivery.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/cast.h"
#include "base/dtype.h"
#include "base/error.h"
#include "storage/slice_spec.h"

namespace cairn::storage {
namespace {

std::vector<int64_t> ShapeOf(const SliceRecord& record) {
  return {record.shape().begin(), record.shape().end()};
}

// What is relied upon when bytes are cut out of a row.
absl::Status CheckRecord(const SliceRow& row, const std::optional<Dtype>& dtype) {
  const SliceRecord& record = row.record;
  const auto damaged = [&](absl::string_view found) {
    return DamagedRow(EncodeSliceKey(row.key.kind, row.key.key, row.key.box, row.key.part), found);
  };
  if (!dtype) return damaged(absl::StrCat("its dtype is \"", record.dtype(), "\""));
  if (record.end() > kMaxSliceBytes) return damaged("it ends past every slice");
  int64_t rest = record.end() - record.begin();
  for (const v1::Piece& piece : record.pieces()) {
    if (piece.length() < 0 || piece.length() > rest) {
      return damaged("its pieces are longer than its bytes");
    }
    rest -= piece.length();
  }
  if (rest != 0) return damaged("its pieces are shorter than its bytes");
  if (!IsFixedWidth(*dtype)) return absl::OkStatus();
  const absl::StatusOr<int64_t> bytes = ByteCount(row.key.box.length, dtype->item_bytes);
  const Box whole = WholeBox(ShapeOf(record));
  if (!ByteCount(whole.length, dtype->item_bytes).ok() || !bytes.ok() || record.end() > *bytes ||
      record.begin() % dtype->item_bytes != 0 || record.end() % dtype->item_bytes != 0 ||
      !Contains(whole, row.key.box)) {
    return damaged("its byte range and box do not fit its shape");
  }
  return absl::OkStatus();
}

// The slices of such a tensor are what they are: one is wanted whole or not at all.
bool WantsVariableSlice(const Box& slice, const Box& wanted, const std::vector<int64_t>& shape) {
  return wanted == WholeBox(shape) || wanted == slice;
}

// Cuts `wanted` out of the row; false when nothing is left.
bool CutOut(const Box& wanted, bool first_of_tensor, Delivery* delivery) {
  if (Volume(wanted) == 0) {
    delivery->as_stored = false;
    delivery->bytes = 0;
    delivery->box = wanted;
    return first_of_tensor;
  }
  const Box& slice = delivery->row.key.box;
  std::optional<Box> box = Intersect(slice, wanted);
  if (!box) return false;
  const bool cast = delivery->dtype != delivery->row.record.dtype();
  if (*box == slice && !cast) {
    delivery->bytes = delivery->row.record.end() - delivery->row.record.begin();
    return true;
  }
  delivery->as_stored = false;
  const int item = delivery->stored_item_bytes;
  delivery->first = InnerElementsBefore(slice, *box, delivery->row.record.begin() / item);
  delivery->last = InnerElementsBefore(slice, *box, delivery->row.record.end() / item);
  delivery->bytes = (delivery->last - delivery->first) * delivery->item_bytes;
  delivery->box = *std::move(box);
  return delivery->bytes > 0;
}

}  // namespace

absl::StatusOr<std::optional<Delivery>> PlanDelivery(SliceRow row, const Selector& selector,
                                                     bool first_of_tensor) {
  Delivery delivery;
  delivery.row = std::move(row);
  const SliceRecord& record = delivery.row.record;
  const std::optional<Dtype> stored = FindDtype(record.dtype());
  CAIRN_RETURN_IF_ERROR(CheckRecord(delivery.row, stored));
  delivery.dtype = selector.dtype.empty() ? record.dtype() : selector.dtype;
  delivery.box = delivery.row.key.box;
  delivery.bytes = record.end() - record.begin();

  const bool cast = delivery.dtype != record.dtype();
  const std::string context = absl::StrCat("reading ", delivery.row.key.key);
  if (cast) CAIRN_RETURN_IF_ERROR(ValidateCast(record.dtype(), delivery.dtype), context);
  if (!cast && selector.slice.empty()) return delivery;

  const std::vector<int64_t> shape = ShapeOf(record);
  CAIRN_ASSIGN_OR_RETURN(const Box wanted, ResolveBox(selector.slice, shape), context);
  if (!IsFixedWidth(*stored)) {
    if (!WantsVariableSlice(delivery.row.key.box, wanted, shape)) return std::nullopt;
    return delivery;
  }
  delivery.stored_item_bytes = stored->item_bytes;
  delivery.item_bytes = FindDtype(delivery.dtype)->item_bytes;
  if (!CutOut(wanted, first_of_tensor, &delivery)) return std::nullopt;
  return delivery;
}

bool MustMatchASlice(const SliceRow& row, const Selector& selector) {
  const std::optional<Dtype> dtype = FindDtype(row.record.dtype());
  return !selector.slice.empty() && dtype && !IsFixedWidth(*dtype);
}

}  // namespace cairn::storage
