// What the calls share. Nothing is owned; all outlive the calls and are thread-safe.
#ifndef CAIRN_SERVER_SERVICES_H_
#define CAIRN_SERVER_SERVICES_H_

#include "server/admission.h"
#include "server/collector_thread.h"
#include "storage/store.h"

namespace cairn::server {

struct Services {
  storage::Store* store;
  Admission* admission;
  CollectorThread* collector;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SERVICES_H_
