// What a save takes and gives. Used through Client::Save.
#ifndef CAIRN_CLIENT_SAVE_H_
#define CAIRN_CLIENT_SAVE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "cairn/v1/types.pb.h"
#include "client/progress.h"

namespace cairn {

// Where the bytes of a slice come from when they are not in memory, a file for example.
// Thread-safe.
class SliceSource {
 public:
  virtual ~SliceSource() = default;
  // Fills `out` from `offset` of the slice's bytes. Its errors end the save.
  virtual absl::Status Read(int64_t offset, absl::Span<char> out) const = 0;
};

// One slice of one tensor. The caller owns its bytes and keeps them unchanged during the save.
struct SliceToSave {
  v1::TensorKind kind = v1::TENSOR_KIND_TENSOR;
  std::string key;             // text form (base/key_text.h)
  std::string dtype;           // "float32"
  std::vector<int64_t> shape;  // of the whole tensor
  Box box;                     // of this slice
  // Dimensions of the box that are told as "to the end", without their length.
  OpenDimensions open_dimensions = 0;
  bool partial = false;
  int64_t bytes_count = 0;  // of this slice
  // Either a view of bytes_count bytes ...
  absl::string_view bytes;
  // ... or a source of them, not owned.
  const SliceSource* source = nullptr;
  // CRC-32C (not masked) that all of the bytes must have; compared as they are sent.
  std::optional<uint32_t> expected_crc32c;
};

// An attachment: a byte string in a name space of its own. Its name is in text form, as a key is.
SliceToSave Attachment(absl::string_view name, absl::string_view bytes);

// A slice that is the whole tensor. Requires: `bytes` has the size that dtype and shape say.
SliceToSave WholeTensor(absl::string_view key, absl::string_view dtype, std::vector<int64_t> shape,
                        absl::string_view bytes);

struct SaveOptions {
  // --- Affect what is saved.
  std::optional<int64_t> number;  // default: the directory's next
  bool replace = false;           // a checkpoint of that number
  std::map<std::string, std::string> annotations;
  std::map<std::string, double> metrics;
  std::string key_separator = "/";
  std::optional<absl::Time> save_time;
  // It left its manager's list before it came here: kept for ever. Nothing but imports says so.
  bool preserved = false;
  std::string session;  // the session's id; default: a random one
  // Several writers that name one session make one checkpoint, each of its own slices. The last to
  // finish commits; until then a failure leaves the session to the others.
  int expected_writers = 1;
  std::string writer = "0";  // who this is among them
  // --- Affect performance.
  // The checkpoint of the directory whose bytes need not be sent where they are the same: a
  // reference;
  // "": none. Default: none for a session that has a name, else what this Client saved there last,
  // if it is still there.
  std::optional<std::string> base;
  int streams = 2;  // 1 to 16, each over a connection of its own
  // Called from one thread at a time, at most 10 times a second and at the end.
  ProgressFn progress = nullptr;
};

struct SaveResult {
  v1::Checkpoint checkpoint;  // unset while other writers have not sealed
  bool committed = false;     // or sealed alone
  v1::SaveSession session;    // as it was when this writer was done
  int64_t bytes_sent = 0;     // payload, resent bytes included
  int64_t bytes_reused = 0;   // found in the base instead
  int64_t bytes_stored = 0;   // that the server had to write
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_SAVE_H_
