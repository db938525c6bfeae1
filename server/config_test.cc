#include "server/config.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

Config Valid() {
  Config config;
  config.set_data("store");
  return WithDefaults(config);
}

TEST(Config, DefaultsAreValidButForTheFolder) {
  EXPECT_OK(ValidateConfig(Valid()));
  EXPECT_THAT(ValidateConfig(WithDefaults(Config())),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("data: is required")));
}

TEST(Config, DefaultsLeaveWhatIsSet) {
  Config config;
  config.set_max_streams(3);
  config.set_reflection(false);
  config = WithDefaults(config);
  EXPECT_EQ(config.max_streams(), 3);
  EXPECT_FALSE(config.reflection());
  EXPECT_EQ(config.listen(), "127.0.0.1:7070");
}

TEST(Config, TextComesBack) {
  ASSERT_OK_AND_ASSIGN(Config config,
                       ParseConfig("# mine\ndata: \"d\"\nmax_streams: 9\n", "c.txt"));
  EXPECT_EQ(config.data(), "d");
  ASSERT_OK_AND_ASSIGN(Config again, ParseConfig(ConfigText(config), "printed"));
  EXPECT_EQ(again.max_streams(), 9);
}

TEST(Config, MistakeIsNamedWithFileAndLine) {
  EXPECT_THAT(ParseConfig("data: \"d\"\nmax_strems: 9\n", "c.txt"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("c.txt:2:")));
  EXPECT_THAT(ParseConfig("max_streams: many", "c.txt"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("c.txt:1:")));
}

TEST(Config, ValuesOutsideTheirRangeAreRefused) {
  for (const char* listen : {"7070", ":7070", "host:", "host:70000", "host:-1", "host:http"}) {
    Config config = Valid();
    config.set_listen(listen);
    EXPECT_THAT(ValidateConfig(config),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("HOST:PORT")))
        << listen;
  }
  Config config = Valid();
  config.set_max_streams(-1);
  EXPECT_THAT(ValidateConfig(config), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  config = Valid();
  config.set_buffer_bytes(1);
  EXPECT_THAT(ValidateConfig(config), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

}  // namespace
}  // namespace cairn::server
