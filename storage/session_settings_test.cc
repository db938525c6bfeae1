#include "storage/session_settings.h"

#include <limits>

#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using SessionSettingsTest = StorageTest;

TEST_F(SessionSettingsTest, TheSameSettingsJoin) {
  SessionOptions options = Named("s");
  options.metrics = {{"loss", std::numeric_limits<double>::quiet_NaN()}};
  ASSERT_OK_AND_ASSIGN(const SessionInfo first, sessions_.Create(kRuns, options));
  ASSERT_OK_AND_ASSIGN(const SessionInfo second, sessions_.Create(kRuns, options));
  EXPECT_EQ(first.record.manifest_uid(), second.record.manifest_uid());
  EXPECT_EQ(second.record.number(), 1);
}

TEST_F(SessionSettingsTest, OtherSettingsDoNotAndTheFieldIsNamed) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  const auto expect_field = [&](absl::string_view field, auto change) {
    SessionOptions options = Named("s");
    change(options);
    const absl::Status status = sessions_.Create(kRuns, options).status();
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_EXISTS));
    EXPECT_EQ(DetailOf(status).metadata().at("field"), field);
  };
  expect_field("checkpoint_number", [](auto& options) { options.number = 1; });
  expect_field("if_exists", [](auto& options) { options.replace = true; });
  expect_field("expected_writers", [](auto& options) { options.expected_writers = 2; });
  expect_field("annotations", [](auto& options) { options.annotations = {{"a", "b"}}; });
  expect_field("metrics", [](auto& options) { options.metrics = {{"a", 1}}; });
  expect_field("key_separator", [](auto& options) { options.key_separator = "."; });
  expect_field("save_time", [](auto& options) { options.save_time = absl::FromUnixSeconds(1); });
  expect_field("preserved", [](auto& options) { options.preserved = true; });
  expect_field("commit_when_sealed", [](auto& options) { options.commit_when_sealed = true; });
  expect_field("ttl", [](auto& options) { options.ttl = absl::Minutes(1); });
}

TEST_F(SessionSettingsTest, BadSettingsAreRefused) {
  const auto expect_refused = [&](auto change) {
    SessionOptions options;
    change(options);
    EXPECT_THAT(sessions_.Create(kRuns, options),
                HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  };
  expect_refused([](auto& options) { options.session = "a/b"; });
  expect_refused([](auto& options) { options.expected_writers = 0; });
  expect_refused([](auto& options) { options.ttl = absl::ZeroDuration(); });
  expect_refused([](auto& options) { options.ttl = kMaxSessionTtl + absl::Seconds(1); });
  expect_refused([](auto& options) { options.key_separator = ""; });
  expect_refused([](auto& options) { options.key_separator = "::"; });
  EXPECT_THAT(catalog_.Find(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
}

}  // namespace
}  // namespace cairn::storage
