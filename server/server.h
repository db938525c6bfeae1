// A running Cairn server: both services, health and reflection on one port, over a store.
#ifndef CAIRN_SERVER_SERVER_H_
#define CAIRN_SERVER_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/config.h"
#include "storage/store.h"

namespace cairn::server {

// Thread-safe. The destructor drains without waiting.
class Server {
 public:
  // Listens, serves and collects in the background until it is drained. `config` has its defaults;
  // an empty `data` means that no disk is looked at. `store` is not owned and outlives the server.
  // Errors: kUnavailable (the address; the message says why and what to do).
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config, storage::Store* store);

  virtual ~Server() = default;

  // The port that was taken, and HOST:PORT with it.
  virtual int port() const = 0;
  virtual std::string address() const = 0;

  // What the health service says of the server and of both services.
  virtual void SetServing(bool serving) = 0;

  // Says NOT_SERVING, refuses new saves and streams with reason SERVER_DRAINING, lets running calls
  // end until `timeout` and cancels the rest. The store is unused when this returns. False: some
  // were cancelled. A second call does nothing.
  virtual bool Drain(absl::Duration timeout) = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SERVER_H_
