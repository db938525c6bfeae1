#include "server/convert.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

const char kHex[] = "000102030405060708090a0b0c0d0e0f";
std::string UidBytes() { return std::string(Uid::FromHex(kHex)->bytes()); }

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// For selectors that name no object.
absl::StatusOr<std::shared_ptr<const storage::KeySet>> NoObjects(const std::string& path) {
  return absl::NotFoundError(path);
}

TEST(Convert, CheckpointIsNamedByNumberOrUid) {
  storage::CheckpointRecord checkpoint;
  checkpoint.set_uid(UidBytes());
  EXPECT_EQ(ReferenceOf("runs/mnist", checkpoint), std::string("runs/mnist@uid:") + kHex);
  EXPECT_FALSE(ToApi("runs/mnist", checkpoint).has_number());
  checkpoint.set_number(0);
  EXPECT_EQ(ReferenceOf("runs/mnist", checkpoint), "runs/mnist@0");
  EXPECT_EQ(ToApi("runs/mnist", checkpoint).uid(), kHex);
  EXPECT_TRUE(ToApi("runs/mnist", checkpoint).has_number());
}

TEST(Convert, TimesBefore1970KeepTheirFraction) {
  EXPECT_EQ(TimestampOfMicros(-1).seconds(), -1);
  EXPECT_EQ(TimestampOfMicros(-1).nanos(), 999999000);
  for (int64_t micros : {int64_t{-1}, int64_t{0}, int64_t{1700000000123456}}) {
    EXPECT_THAT(TimeOf("t", TimestampOfMicros(micros)), IsOkAndHolds(absl::FromUnixMicros(micros)));
  }
}

TEST(Convert, TimesOutsideTheCalendarAreRefused) {
  for (const char* text :
       {"seconds: 253402300800", "seconds: -62135596801", "nanos: 1000000000", "nanos: -1"}) {
    EXPECT_THAT(TimeOf("save_time", Parse<google::protobuf::Timestamp>(text)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("save_time.")))
        << text;
  }
}

TEST(Convert, DirectoryWithoutCheckpointsHasNoLatest) {
  storage::DirectoryInfo directory;
  directory.head.set_path("runs");
  directory.head.set_update_count(3);
  v1::Directory api = ToApi(directory);
  EXPECT_FALSE(api.has_latest_number());
  EXPECT_EQ(api.latest_uid(), "");
  EXPECT_THAT(UpdateCountOf(api.etag()), IsOkAndHolds(std::optional<int64_t>(3)));
  EXPECT_THAT(UpdateCountOf(""), IsOkAndHolds(std::optional<int64_t>()));
  EXPECT_THAT(UpdateCountOf("x"), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST(Convert, ExtentsKeepUnsetAndZeroApart) {
  std::vector<ExtentSpec> extents =
      ExtentsOf(Parse<v1::Slice>("extents { start: 2 } extents { length: 0 }"));
  ASSERT_EQ(extents.size(), 2u);
  EXPECT_EQ(extents[0].start, 2);
  EXPECT_FALSE(extents[0].length.has_value());
  EXPECT_EQ(extents[1].length, 0);
}

TEST(Convert, SelectorKeepsUnsetAndEmptyApart) {
  ASSERT_OK_AND_ASSIGN(storage::Selector all, SelectorOf(v1::Selector(), NoObjects));
  EXPECT_FALSE(all.key.has_value() || all.key_prefix.has_value());
  ASSERT_OK_AND_ASSIGN(storage::Selector empty_prefix,
                       SelectorOf(Parse<v1::Selector>("key_prefix: ''"), NoObjects));
  EXPECT_EQ(empty_prefix.key_prefix, "");
  EXPECT_THAT(SelectorOf(Parse<v1::Selector>("kind: 7"), NoObjects),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Convert, AnObjectPathBecomesTheKeysBelowIt) {
  const auto set = std::make_shared<const storage::KeySet>(storage::KeySet{"a", {"k"}});
  const auto keys_below = [&](const std::string& path) {
    EXPECT_EQ(path, "a");
    return absl::StatusOr<std::shared_ptr<const storage::KeySet>>(set);
  };
  ASSERT_OK_AND_ASSIGN(
      storage::Selector selector,
      SelectorOf(Parse<v1::Selector>("object_path: 'a' dtype: 'int8'"), keys_below));
  EXPECT_EQ(selector.keys, set);
  EXPECT_FALSE(selector.key.has_value() || selector.key_prefix.has_value());
  EXPECT_EQ(selector.dtype, "int8");
  EXPECT_THAT(SelectorOf(Parse<v1::Selector>("object_path: 'b'"), NoObjects),
              StatusIs(absl::StatusCode::kNotFound, "b"));
  EXPECT_THAT(
      SelectorOf(Parse<v1::Selector>("object_path: 'a' kind: TENSOR_KIND_ATTACHMENT"), keys_below),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Convert, SessionOptionsHaveTheDocumentedDefaults) {
  ASSERT_OK_AND_ASSIGN(storage::SessionOptions options, SessionOptionsOf(v1::SaveSession()));
  EXPECT_FALSE(options.number.has_value());
  EXPECT_FALSE(options.replace);
  EXPECT_EQ(options.expected_writers, 1);
  EXPECT_EQ(options.key_separator, "/");
  EXPECT_EQ(options.ttl, storage::kDefaultSessionTtl);
}

TEST(Convert, PreservedGoesBothWays) {
  EXPECT_TRUE(SessionOptionsOf(Parse<v1::SaveSession>("preserved: true"))->preserved);
  EXPECT_FALSE(SessionOptionsOf(v1::SaveSession())->preserved);
  storage::SessionInfo session;
  session.record.set_preserved(true);
  EXPECT_TRUE(ToApi("runs", session).preserved());
  storage::CheckpointRecord checkpoint;
  EXPECT_FALSE(ToApi("runs", checkpoint).preserved());
  checkpoint.set_preserved(true);
  EXPECT_TRUE(ToApi("runs", checkpoint).preserved());
}

TEST(Convert, CommitWhenSealedGoesBothWays) {
  EXPECT_TRUE(
      SessionOptionsOf(Parse<v1::SaveSession>("commit_when_sealed: true"))->commit_when_sealed);
  EXPECT_FALSE(SessionOptionsOf(v1::SaveSession())->commit_when_sealed);
  storage::SessionInfo session;
  EXPECT_FALSE(ToApi("runs", session).commit_when_sealed());
  session.record.set_commit_when_sealed(true);
  EXPECT_TRUE(ToApi("runs", session).commit_when_sealed());
}

TEST(Convert, ABaseIsAnsweredByItsUid) {
  EXPECT_EQ(SessionOptionsOf(Parse<v1::SaveSession>("base: 'latest'"))->base, "latest");
  storage::SessionInfo session;
  EXPECT_EQ(ToApi("runs", session).base(), "");
  session.record.set_base_uid(std::string(16, '\x12'));
  session.record.set_base("latest");
  EXPECT_EQ(ToApi("runs", session).base(), "uid:12121212121212121212121212121212");
}

TEST(Convert, SessionOptionsAreChecked) {
  for (const char* text : {"ttl { seconds: -1 }", "ttl { seconds: 86401 }", "ttl { nanos: 5 }",
                           "ttl { seconds: 86400 nanos: 1 }", "save_time { nanos: -1 }"}) {
    EXPECT_THAT(SessionOptionsOf(Parse<v1::SaveSession>(text)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(Convert, SessionShowsItsWriters) {
  storage::SessionInfo session;
  session.record.set_state(storage::SessionRecord::STATE_OPEN);
  session.record.set_ttl(1500000);
  session.writers.emplace_back();
  session.writers.back().set_writer("3");
  session.writers.back().set_slice_count(12);
  v1::SaveSession api = ToApi("runs", session);
  EXPECT_EQ(api.state(), v1::SaveSession::STATE_OPEN);
  EXPECT_EQ(api.ttl().nanos(), 500000000);
  ASSERT_EQ(api.writers_size(), 1);
  EXPECT_EQ(api.writers(0).slice_count(), 12);
}

}  // namespace
}  // namespace cairn::server
