#include "storage/format_version.h"

#include <string>

#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FormatVersionTest : public StorageTest {
 protected:
  void Write(int version, const std::string& incarnation) {
    v1::StoreRecord record;
    record.set_format_version(version);
    record.set_incarnation(incarnation);
    Batch batch{.partition = Partition::Catalog(Partition::kStorePartition)};
    batch.Put("store", record.SerializeAsString());
    ASSERT_OK(memory_table_.Write(batch));
  }

  const std::string incarnation_{random_.NextUid().bytes()};
};

TEST_F(FormatVersionTest, ANewStoreGetsARecordThatStays) {
  ASSERT_OK_AND_ASSIGN(const v1::StoreRecord made, OpenStoreRecord(options()));
  EXPECT_EQ(made.format_version(), kFormatVersion);
  EXPECT_EQ(made.create_time(), absl::ToUnixMicros(clock_.Now()));
  ASSERT_OK_AND_ASSIGN(const v1::StoreRecord found, OpenStoreRecord(options()));
  EXPECT_EQ(found.incarnation(), made.incarnation());
}

TEST_F(FormatVersionTest, ALostAnswerDoesNotMakeTwoStores) {
  faults_.FailNth(Operation::kWrite, 1, Fault::kUnknownApplied);
  ASSERT_OK_AND_ASSIGN(const v1::StoreRecord made, OpenStoreRecord(options()));
  ASSERT_OK_AND_ASSIGN(const v1::StoreRecord found, OpenStoreRecord(options()));
  EXPECT_EQ(found.incarnation(), made.incarnation());
}

TEST_F(FormatVersionTest, ANewerFormatIsRefusedAndBothAreNamed) {
  Write(kFormatVersion + 1, incarnation_);
  const absl::Status status = OpenStoreRecord(options()).status();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_FORMAT_TOO_NEW));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("format 2"), HasSubstr("up to 1"))));
}

TEST_F(FormatVersionTest, ADamagedRecordIsDataLoss) {
  Write(0, incarnation_);
  EXPECT_THAT(OpenStoreRecord(options()), StatusIs(absl::StatusCode::kDataLoss));
  Write(kFormatVersion, "short");
  EXPECT_THAT(OpenStoreRecord(options()), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn::storage
