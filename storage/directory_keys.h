// Row keys of a directory's partition. On disk: DO NOT CHANGE.
//
//   head                          DirectoryHead
//   checkpoint/<uid>              CheckpointRecord
//   number/<n>, tag/<name>        the checkpoint's uid
//   promise/<n>/<session>         the session's id: an open session holds the number
//   order/<inverted sequence>     the checkpoint's uid, newest first
//   session/<id>                  SessionRecord
//   session/<id>/writer/<name>    WriterRecord
//   request/<id>                  RequestRecord
//   borrow/<segment><directory>   BorrowRecord
//   garbage/<manifest>            GarbageRecord
//
// Uids are 16 raw bytes, numbers 8 bytes big-endian: rows sort as what they name. Session ids and
// writer names hold no slash (ValidateName), so nothing is ambiguous.
#ifndef CAIRN_STORAGE_DIRECTORY_KEYS_H_
#define CAIRN_STORAGE_DIRECTORY_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"

namespace cairn::storage {

inline constexpr char kHeadKey[] = "head";
inline constexpr char kCheckpointPrefix[] = "checkpoint/";
inline constexpr char kNumberPrefix[] = "number/";
inline constexpr char kOrderPrefix[] = "order/";
inline constexpr char kPromisePrefix[] = "promise/";
inline constexpr char kSessionPrefix[] = "session/";
inline constexpr char kRequestPrefix[] = "request/";
inline constexpr char kGarbagePrefix[] = "garbage/";
inline constexpr char kBorrowPrefix[] = "borrow/";

std::string CheckpointKey(const Uid& checkpoint);
// Requires of both: number >= 0.
std::string NumberKey(int64_t number);
std::string PromiseKey(int64_t number, absl::string_view session);
// All promises of a number begin with it.
std::string PromisePrefix(int64_t number);
std::string TagKey(absl::string_view tag);
// Requires: sequence >= 0.
std::string OrderKey(int64_t sequence);
std::string SessionKey(absl::string_view session);
// All writers of a session begin with it.
std::string WriterPrefix(absl::string_view session);
std::string WriterKey(absl::string_view session, absl::string_view writer);
// Whether a key that begins with kSessionPrefix is a session's and not a writer's.
bool IsSessionKey(absl::string_view key);
std::string RequestKey(absl::string_view request_id);
std::string GarbageKey(const Uid& manifest);
// `directory` borrows chunks of the segment from the directory whose row this is.
std::string BorrowKey(const Uid& segment, const Uid& directory);

// The first key after all that begin with `prefix`, for Table::Scan. Requires: not empty, and its
// last byte is not 0xff.
std::string PrefixEnd(absl::string_view prefix);

// Eight bytes, big-endian, and back. Requires: `key` ends with them.
std::string BigEndian(uint64_t value);
uint64_t BigEndianSuffix(absl::string_view key);

// OK for a session's id or a writer's name: 1 to 128 of [A-Za-z0-9._-].
// Errors: kInvalidArgument naming `field`.
absl::Status ValidateName(absl::string_view field, absl::string_view name);

// OK for a request's id: at most 128 printable ASCII characters, or none.
absl::Status ValidateRequestId(absl::string_view request_id);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_DIRECTORY_KEYS_H_
