// The server's own limits, which GetServerInfo publishes beside storage's.
#ifndef CAIRN_SERVER_LIMITS_H_
#define CAIRN_SERVER_LIMITS_H_

#include <cstdint>

namespace cairn::server {

inline constexpr char kVersion[] = "0.1.0";

// What an older server would ignore, by the names that GetServerInfo gives them.
inline constexpr const char* kFeatures[] = {"object_path", "preserved", "commit_when_sealed",
                                            "incremental"};

// Of one message of the bulk calls, in bytes.
inline constexpr int64_t kMaxPayloadBytes = 1 << 20;
inline constexpr int64_t kMaxMessageBytes = 2 << 20;

}  // namespace cairn::server

#endif  // CAIRN_SERVER_LIMITS_H_
