// A SavedModel folder as something to save.
#ifndef CAIRN_CLIENT_CLI_SAVED_MODEL_SOURCE_H_
#define CAIRN_CLIENT_CLI_SAVED_MODEL_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"

namespace cairn::cli {

// The folder of the SavedModel that `path` means: a folder with a saved_model.pb or .pbtxt in it,
// or that file. Empty: it means none. A TensorFlow checkpoint with the prefix `path` comes first.
std::string SavedModelFolderAt(FileSystem* file_system, const std::string& path);

// Its variables, if it has any, as tensors, and every other file and every empty folder as an
// attachment named by its path in the folder. The folder's name becomes the annotation
// "tensorflow.saved_model". `file_system` is not owned and outlives the source.
// Errors: those of BundleSource::Open and AttachmentsInFolder; kDataLoss with ERROR_REASON_BAD_FILE
// (data of variables without their index).
absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenSavedModel(FileSystem* file_system,
                                                                 const std::string& folder);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAVED_MODEL_SOURCE_H_
