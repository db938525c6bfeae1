// What is known of a TensorFlow checkpoint by its name.
#ifndef CAIRN_CLIENT_CLI_SOURCE_IDENTITY_H_
#define CAIRN_CLIENT_CLI_SOURCE_IDENTITY_H_

#include "client/cli/checkpoint_source.h"
#include "formats/tensor_bundle/bundle_path.h"

namespace cairn::cli {

SourceIdentity IdentityOf(const BundlePath& found);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SOURCE_IDENTITY_H_
