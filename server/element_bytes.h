// Numbers and texts as the bytes of a dtype.
#ifndef CAIRN_SERVER_ELEMENT_BYTES_H_
#define CAIRN_SERVER_ELEMENT_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cairn::server {

// Errors: kInvalidArgument (a dtype without numbers; a value that it cannot hold), naming the
// value.
absl::StatusOr<std::string> BytesOfNumbers(absl::string_view dtype,
                                           absl::Span<const double> values);

// The form of dtype string: a uint64 length each, then the strings.
std::string BytesOfTexts(absl::Span<const std::string* const> texts);

// A number as its lowest `bytes` bytes, little-endian. Requires: 1 <= bytes <= 8.
void AppendLittleEndian(uint64_t number, int bytes, std::string* out);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_ELEMENT_BYTES_H_
