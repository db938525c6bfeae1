#include "storage/engine/rocksdb/rocksdb_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

using rocksdb::Status;
using testing::HasSubstr;
using testing::Not;

TEST(RocksDbStatusTest, EveryStatusHasItsCode) {
  EXPECT_OK(FromRocksDb(Status::OK(), "reading"));
  const std::pair<Status, absl::StatusCode> kCases[] = {
      {Status::NotFound(), absl::StatusCode::kNotFound},
      {Status::Corruption("x"), absl::StatusCode::kDataLoss},
      {Status::PathNotFound("x"), absl::StatusCode::kDataLoss},
      {Status::NoSpace(), absl::StatusCode::kResourceExhausted},
      {Status::SpaceLimit(), absl::StatusCode::kResourceExhausted},
      {Status::Busy(), absl::StatusCode::kUnavailable},
      {Status::TryAgain(), absl::StatusCode::kUnavailable},
      {Status::TimedOut(), absl::StatusCode::kUnavailable},
      {Status::ShutdownInProgress(), absl::StatusCode::kUnavailable},
      {Status::IOError("x"), absl::StatusCode::kUnavailable},
      {Status::Aborted(), absl::StatusCode::kAborted},
      {Status::InvalidArgument("x"), absl::StatusCode::kInternal},
      {Status::NotSupported("x"), absl::StatusCode::kInternal},
  };
  for (const auto& [status, code] : kCases) {
    EXPECT_THAT(FromRocksDb(status, "reading"), StatusIs(code, HasSubstr("reading")))
        << status.ToString();
  }
}

TEST(RocksDbStatusTest, ReasonsAreForPrograms) {
  EXPECT_THAT(FromRocksDb(Status::Corruption("x"), "reading"),
              HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
  EXPECT_THAT(FromRocksDb(Status::NoSpace(), "writing"),
              HasReason(ErrorReason::ERROR_REASON_STORAGE_FULL));
  EXPECT_THAT(OutcomeUnknown(Status::IOError("x"), "writing"),
              HasReason(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN));
}

TEST(RocksDbStatusTest, FileNamesStayInTheLog) {
  const Status status = Status::IOError("While pread", "/data/db/000012.sst: Input/output error");
  EXPECT_THAT(FromRocksDb(status, "reading"),
              StatusIs(absl::StatusCode::kUnavailable, Not(HasSubstr("/data"))));
}

}  // namespace
}  // namespace cairn::storage
