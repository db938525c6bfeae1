#include "client/cli/source_identity.h"

#include <string>

namespace cairn::cli {

SourceIdentity IdentityOf(const BundlePath& found) {
  SourceIdentity identity;
  identity.path = found.prefix;
  identity.number = found.number;
  const std::string name = found.prefix.substr(found.prefix.rfind('/') + 1);
  // A folder's own bundle has none.
  if (!name.empty()) identity.annotations["tensorflow.prefix"] = name;
  return identity;
}

}  // namespace cairn::cli
