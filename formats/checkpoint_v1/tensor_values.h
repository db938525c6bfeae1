// The values of one slice in a V1 file: a TensorProto, whose repeated fields hold them one by one.
//
// As TensorFlow (2.21) does, exactly the slice's number of values is wanted, in the field of its
// dtype: a shorter list whose last value stands for the rest, or `tensor_content`, is no V1 slice.
// Integers narrower than their field lose their upper bits; any bool but 0 is true. Beyond
// TensorFlow, the values of the dtypes that its V1 code refuses (bfloat16, 8-bit floats, 16-bit
// quantised ones) are read from where TensorProto has them, and values in another dtype's field are
// an error.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_TENSOR_VALUES_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_TENSOR_VALUES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "formats/checkpoint_v1/value_tables.h"

namespace cairn {

class ReadWindow;

// How TensorProto holds the values of a dtype.
struct ValueEncoding {
  enum class Kind {
    kFixed,    // little-endian, as in our layout
    kVarint,   // of which our layout has the lower bytes
    kStrings,  // a field each
  };
  int32_t dtype;  // TensorFlow's DataType
  int field;      // of TensorProto
  Kind kind;
  int number_bytes;        // of a number in our layout; 0 for strings
  int numbers_an_element;  // 2 for complex ones
};

// nullptr: V1 files cannot hold that dtype.
const ValueEncoding* FindValueEncoding(int32_t dtype);

// A place in a TensorProto where reading can begin.
struct ValuePoint {
  int64_t position = 0;      // in the table's value
  int64_t run_end = 0;       // of the packed numbers that go on there; <= position: there are none
  int64_t values = 0;        // numbers or strings before it
  int64_t string_bytes = 0;  // in the strings before it
};

// Thread-safe but for moves. Memory: a point for each 64 KiB of the message; a window while it
// reads.
class TensorValues {
 public:
  TensorValues() = default;

  // Reads the message from `begin` to `end` of `table_value` once and checks that it holds the
  // elements of `shape`; its dtype and shape, where it has them, must be those of `encoding` and
  // `shape`. Errors: kDataLoss (it does not), those of ValueTables::Read.
  static absl::StatusOr<TensorValues> Scan(const ValueTables& tables, const TableValue& table_value,
                                           int64_t begin, int64_t end,
                                           const ValueEncoding& encoding,
                                           absl::Span<const int64_t> shape);

  // In our layout.
  int64_t bytes_count() const { return bytes_count_; }
  // Of all bytes in our layout.
  uint32_t crc32c() const { return crc32c_; }

  // Fills `out` from `offset` of the bytes in our layout. Requires: `tables` are those of the scan.
  // Errors: kOutOfRange (beyond the bytes), kDataLoss (the file has changed since), those of
  // ValueTables::Read.
  absl::Status Read(const ValueTables& tables, int64_t offset, absl::Span<char> out) const;

 private:
  class Scanner;

  // Each fills `out` from `offset` of what it is called after.
  absl::Status ReadNumbers(ReadWindow* window, int64_t offset, absl::Span<char> out) const;
  absl::Status ReadLengths(ReadWindow* window, int64_t offset, absl::Span<char> out) const;
  absl::Status ReadStrings(ReadWindow* window, int64_t offset, absl::Span<char> out) const;

  int64_t bytes_count_ = 0;
  uint32_t crc32c_ = 0;
  const ValueEncoding* encoding_ = nullptr;
  TableValue table_value_;
  int64_t end_ = 0;
  int64_t values_ = 0;
  std::vector<ValuePoint> points_;  // the first is the beginning
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_TENSOR_VALUES_H_
